"""Equal vectors, found by hash and then compared, so that each is worked on once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from selectlab import threads
from selectlab.nearest.space import Float32, Index, blocks_of, read

Hashes: TypeAlias = npt.NDArray[np.uint64]

_COMPARED_ROWS = 4096


def hashes_of(vectors: Float32) -> Hashes:
    """Return a 64-bit number for each vector, the same for the same bits."""
    words = vectors.view(np.uint32).astype(np.uint64)
    words += np.uint64(0x9E3779B97F4A7C15)
    words ^= words >> np.uint64(29)
    generator = np.random.Generator(np.random.PCG64(0))
    odd = generator.integers(0, 2**63, words.shape[1], dtype=np.uint64) * np.uint64(2)
    mixed: Hashes = words @ (odd + np.uint64(1))
    return mixed


class Distinct:
    """The different vectors of an array, in the order in which they first occur.

    Equal means equal bits. Reads like the array itself: by slice and by index array.

    Attributes:
        first: (U,) where each first occurs; ``None`` when all M are different.
        which: (M,) the different vector that each vector is; ``None`` likewise.
        shape: (U, D).

    Example:
        >>> found = Distinct(np.array([[1.0], [2.0], [1.0]], dtype=np.float32))
        >>> found.which
        array([0, 1, 0])
    """

    def __init__(self, vectors: Any, *, _hashes: Callable[[Float32], Hashes] = hashes_of) -> None:
        self._vectors = vectors
        self.first: Index | None = None
        self.which: Index | None = None
        representative = _representatives(vectors, _hashes)
        if representative is not None:
            own = representative == np.arange(len(vectors))
            self.first = np.flatnonzero(own)
            self.which = np.searchsorted(self.first, representative)
        self.shape = (len(vectors) if self.first is None else len(self.first), vectors.shape[1])

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, part: slice | Index) -> Float32:
        return read(self._vectors, part if self.first is None else self.first[part])

    def counts(self) -> Index:
        """Return how often each different vector occurs, (U,)."""
        assert self.which is not None
        return np.bincount(self.which, minlength=len(self))


def _representatives(vectors: Any, hash_rows: Callable[[Float32], Hashes]) -> Index | None:
    """Return for each vector the first that equals it, (M,); ``None`` when all are different."""
    hashed = threads.over(blocks_of(vectors), lambda part: hash_rows(read(vectors, part)))
    hashes = np.concatenate([np.zeros(0, dtype=np.uint64), *hashed])
    distinct, first, which = np.unique(hashes, return_index=True, return_inverse=True)
    if len(distinct) == len(hashes):
        return None
    found: Index = first[which.reshape(-1)].astype(np.intp)
    later = np.flatnonzero(found != np.arange(len(found)))
    for part in threads.cut(len(later), _COMPARED_ROWS):
        rows = later[part]
        different = (read(vectors, rows) != read(vectors, found[rows])).any(axis=1)
        found[rows[different]] = rows[different]
    return found
