"""Signals made of vectors: one per sample, or one per object."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from selectlab.signals import Signal, is_everything
from selectlab.stored import DistantVectors, Float32Rows

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Embedded(Signal):
    """Signals made of vectors; a sample owns one vector (:class:`Vectors`) or several.

    Attributes:
        vectors: (N, D) or (M, D) float32, in memory or, where a memory limit asks for it, in a
            file, or held by workers: all give arrays by slice and by index.
        query: (Q, D) float32 vectors to be similar to, or ``None``.
        query_ids: Sample id of each query vector.
    """

    vectors: Float32Rows
    query: npt.NDArray[np.float32] | None = None
    query_ids: tuple[str, ...] = ()

    @abstractmethod
    def owned(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return the vector indices of ``rows``, concatenated, and how many each row owns."""

    @abstractmethod
    def span(self, block: slice) -> tuple[slice, IntArray]:
        """Return the vectors that a block of rows owns, as a slice, and how many each owns."""

    @abstractmethod
    def owners(self, index: IntArray) -> IntArray:
        """Return the row that owns each of some vectors."""

    @abstractmethod
    def pooled(
        self, values: npt.NDArray[np.float64], counts: IntArray, how: str
    ) -> npt.NDArray[np.float64]:
        """Reduce one value per vector to one per row; ``how`` is ``mean``, ``max`` or ``sum``.

        ``values`` and ``counts`` belong to the vectors of :meth:`owned` or :meth:`span`. A row
        without vectors gets 0.
        """

    @property
    @abstractmethod
    def empty(self) -> BoolArray | None:
        """(N,) samples that own no vector; ``None`` when all own one."""

    def arrays(self) -> Sequence[npt.NDArray[np.generic] | DistantVectors]:
        """Return the vectors and the query."""
        return [self.vectors] if self.query is None else [self.vectors, self.query]


@dataclass(frozen=True, kw_only=True)
class Vectors(Embedded):
    """One vector per sample, (N, D)."""

    kind: ClassVar[str] = "a vector per sample"

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: IntArray) -> Self:
        """Return the vectors of some rows; no copy when ``rows`` are all rows in order."""
        if is_everything(rows, len(self)):
            return self
        return replace(self, vectors=_taken(self.vectors, rows), **self._masks(rows))

    def chunk(self, length: int) -> Vectors:
        """Return the mean vector of each chunk."""
        return replace(self, vectors=_means(self.vectors, length), **self._chunk_masks(length))

    def owned(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return the rows themselves: each owns one vector."""
        return rows, _ones(len(rows))

    def owners(self, index: IntArray) -> IntArray:
        """Return the index itself."""
        return index

    def span(self, block: slice) -> tuple[slice, IntArray]:
        """Return the block itself."""
        return block, _ones(block.stop - block.start)

    def pooled(
        self, values: npt.NDArray[np.float64], counts: IntArray, how: str
    ) -> npt.NDArray[np.float64]:
        """Return the values as they are: each row owns one."""
        return values

    @property
    def empty(self) -> BoolArray | None:
        """No sample lacks a vector."""
        return None


@dataclass(frozen=True, kw_only=True)
class Objects(Embedded):
    """Several vectors per sample: row i owns ``vectors[offsets[i]:offsets[i + 1]]``."""

    kind: ClassVar[str] = "vectors of the objects of each sample"
    offsets: npt.NDArray[np.int64] = field(kw_only=True)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: IntArray) -> Self:
        """Return the objects of some rows."""
        if is_everything(rows, len(self)):
            return self
        owned, counts = self.owned(rows)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        vectors = _taken(self.vectors, owned)
        return replace(self, vectors=vectors, offsets=offsets, **self._masks(rows))

    def chunk(self, length: int) -> Objects:
        """Return chunks that own all objects of their rows."""
        return replace(self, offsets=self.offsets[::length], **self._chunk_masks(length))

    def owned(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return the indices of the objects of ``rows`` and their counts."""
        starts, counts = self.offsets[rows], np.diff(self.offsets)[rows]
        before = np.cumsum(counts) - counts
        index = np.arange(counts.sum()) + np.repeat(starts - before, counts)
        return index.astype(np.intp), counts.astype(np.intp)

    def owners(self, index: IntArray) -> IntArray:
        """Return the row of each object."""
        return np.searchsorted(self.offsets, index, side="right").astype(np.intp) - 1

    def span(self, block: slice) -> tuple[slice, IntArray]:
        """Return the objects of a block of rows."""
        bounds = self.offsets[block.start : block.stop + 1]
        return slice(int(bounds[0]), int(bounds[-1])), np.diff(bounds).astype(np.intp)

    def pooled(
        self, values: npt.NDArray[np.float64], counts: IntArray, how: str
    ) -> npt.NDArray[np.float64]:
        """Reduce over the objects of each row; 0 without objects."""
        return reduce_segments(values, counts, how)

    @property
    def empty(self) -> BoolArray | None:
        """Samples without objects."""
        none = np.diff(self.offsets) == 0
        return none if none.any() else None

    def arrays(self) -> Sequence[npt.NDArray[np.generic] | DistantVectors]:
        """Return offsets, vectors and query."""
        return [self.offsets, *super().arrays()]


def _ones(size: int) -> IntArray:
    """Return ones that take no memory and cannot be written to."""
    return np.broadcast_to(np.ones((), dtype=np.intp), (size,))


def _taken(vectors: Float32Rows, rows: IntArray) -> Float32Rows:
    return vectors.take(rows) if isinstance(vectors, DistantVectors) else vectors[rows]


def _means(vectors: Float32Rows, length: int) -> Float32Rows:
    """Return the mean of every ``length`` rows."""
    if isinstance(vectors, DistantVectors):
        return vectors.means(length)
    stacked = vectors.reshape(-1, length, vectors.shape[1])
    means: npt.NDArray[np.float32] = stacked.mean(axis=1, dtype=np.float64).astype(np.float32)
    return means


def reduce_segments(
    values: npt.NDArray[np.float64], counts: npt.NDArray[np.integer], how: str
) -> npt.NDArray[np.float64]:
    """Reduce consecutive segments of ``values`` by mean, max or sum; empty segments give 0.

    Example:
        >>> reduce_segments(np.array([1.0, 3.0, 5.0]), np.array([2, 0, 1]), "mean")
        array([2., 0., 5.])
    """
    out = np.zeros(len(counts))
    full = counts > 0
    if not full.any():
        return out
    starts = (np.cumsum(counts) - counts)[full]
    ufunc = np.maximum if how == "max" else np.add
    out[full] = ufunc.reduceat(values, starts)
    if how == "mean":
        out[full] /= counts[full]
    return out
