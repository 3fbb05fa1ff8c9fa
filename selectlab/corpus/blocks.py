"""The rows of an index, over all its parts: read by block, by row, or by element."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.corpus.manifest import Manifest
from selectlab.corpus.parts import Numbers, Part, joined_rows
from selectlab.ids import Ids, Index
from selectlab.stored import Float32, block_rows


@dataclass(frozen=True)
class Block:
    """Consecutive rows of an index, m of them.

    Attributes:
        first: The first row.
        sample_ids: (m,) the sample that each element belongs to; sorted.
        numbers: (m,) which object of it, counted from 0; 0 for samples as a whole.
        vectors: (m, D) float32.
    """

    first: int
    sample_ids: Ids
    numbers: Numbers
    vectors: Float32

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def stop(self) -> int:
        """One behind the last row."""
        return self.first + len(self)


class Rows:
    """All parts of an index, or their rows from some row on, as one matrix.

    Args:
        parts: In order of arrival.
        dimension: D.
        first: Leave out the rows before this one.

    Attributes:
        parts: The parts.
        shape: Rows and D.
    """

    def __init__(self, parts: Sequence[Part], dimension: int, first: int = 0) -> None:
        self.parts, self._first = parts, first
        self._lengths = [len(part) for part in parts]
        self._total = sum(self._lengths)
        self.shape = (self._total - first, dimension)

    @classmethod
    def open(cls, manifest: Manifest, folder: Any) -> Rows:
        """Open the parts that a manifest names.

        Raises:
            DataError: A part is not there, or damaged.
        """
        dimension = manifest.space.dimension
        parts = [Part.open(folder / p.name, (p.n_elements, dimension)) for p in manifest.parts]
        return cls(parts, dimension)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice | Index) -> Float32:
        """Return some rows, (m, D) float32."""
        index = np.arange(len(self))[part] if isinstance(part, slice) else np.asarray(part)
        out = np.empty((len(index), self.shape[1]), dtype=np.float32)
        for number, places, rows in joined_rows(self._lengths, index + self._first):
            vectors = self.parts[number].vectors
            if len(places) == len(out):
                return vectors.read(rows, out)
            out[places] = vectors.read(rows)
        return out

    def from_row(self, first: int) -> Rows:
        """Return the rows from one on."""
        return Rows(self.parts, self.shape[1], self._first + first)

    def blocks(self, start: int, stop: int, n_rows: int | None) -> Iterator[Block]:
        """Yield the rows from ``start`` to ``stop``; see :meth:`selectlab.corpus.Corpus.blocks`."""
        size = block_rows(self.shape[1]) if n_rows is None else n_rows
        first = 0
        for part, length in zip(self.parts, self._lengths, strict=True):
            for rows in part.cut(max(0, start - first), min(length, stop - first), size):
                ids, numbers = part.elements(rows)
                yield Block(first + rows.start, ids, numbers, part.vectors.read(rows))
            first += length

    def find(self, ids: Ids, owners: Index, numbers: Numbers | None) -> npt.NDArray[np.int64]:
        """Return the row of each of some elements, -1 for those that are not here, (m,).

        Args:
            ids: Sample ids.
            owners: (m,) which of them each element belongs to.
            numbers: (m,) the number of each; ``None`` for all 0.
        """
        rows = np.full(len(owners), -1, dtype=np.int64)
        first = 0
        for part, length in zip(self.parts, self._lengths, strict=True):
            found = part.find(ids, owners, numbers)
            rows[found >= 0] = found[found >= 0] + first
            first += length
        return rows

    def elements(self, rows: Index) -> list[tuple[str, int]]:
        """Return sample id and number of some rows, in their order."""
        out: list[tuple[str, int]] = [("", 0)] * len(rows)
        for number, places, within in joined_rows(self._lengths, rows):
            ids, numbers = self.parts[number].elements(within)
            named = zip(places.tolist(), ids, numbers.tolist(), strict=True)
            for place, sample_id, object_number in named:
                out[place] = (sample_id, object_number)
        return out
