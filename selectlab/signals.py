"""What an input gives to a strategy: one row per sample, finite, arrays only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from selectlab.errors import SelectlabError

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Signal(ABC):
    """One value per sample.

    Attributes:
        missing: (N,) rows without a value; what stands there instead means nothing.
            ``None`` when every row has one.
        candidates: (N,) rows that may be picked. Others are selected already. ``None``: all.
        name: What the values are, for reasons and messages.
    """

    kind: ClassVar[str]
    missing: BoolArray | None = None
    candidates: BoolArray | None = None
    name: str = ""

    @abstractmethod
    def __len__(self) -> int:
        """Number of samples N."""

    @abstractmethod
    def take(self, rows: IntArray) -> Self:
        """Return the signal of some rows, in this order."""

    @abstractmethod
    def chunk(self, length: int) -> Signal:
        """Return one row per ``length`` consecutive rows: means, and sums of counts."""

    @abstractmethod
    def arrays(self) -> Sequence[npt.NDArray[np.generic]]:
        """Return the arrays that hold the values, for hashing."""

    def _masks(self, rows: IntArray) -> dict[str, Any]:
        return {
            "missing": None if self.missing is None else self.missing[rows],
            "candidates": None if self.candidates is None else self.candidates[rows],
        }

    def _chunk_masks(self, length: int) -> dict[str, Any]:
        """A chunk lacks a value when any of its rows does."""
        missing = self.missing
        return {
            "missing": None if missing is None else missing.reshape(-1, length).any(axis=1),
            "candidates": None,
        }


@dataclass(frozen=True, kw_only=True)
class Embedded(Signal):
    """Signals made of vectors; a sample owns one vector (:class:`Vectors`) or several.

    Attributes:
        vectors: (N, D) or (M, D) float32.
        query: (Q, D) float32 vectors to be similar to, or ``None``.
        query_ids: Sample id of each query vector.
    """

    vectors: npt.NDArray[np.float32]
    query: npt.NDArray[np.float32] | None = None
    query_ids: tuple[str, ...] = ()

    @abstractmethod
    def owned(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return the vector indices of ``rows``, concatenated, and how many each row owns."""

    @abstractmethod
    def span(self, block: slice) -> tuple[slice, IntArray]:
        """Return the vectors that a block of rows owns, as a slice, and how many each owns."""

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

    def arrays(self) -> Sequence[npt.NDArray[np.generic]]:
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
        if len(rows) == len(self) and np.array_equal(rows, np.arange(len(self))):
            return self
        return replace(self, vectors=self.vectors[rows], **self._masks(rows))

    def chunk(self, length: int) -> Vectors:
        """Return the mean vector of each chunk."""
        stacked = self.vectors.reshape(-1, length, self.vectors.shape[1])
        means = stacked.mean(axis=1, dtype=np.float64).astype(np.float32)
        return replace(self, vectors=means, **self._chunk_masks(length))

    def owned(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return the rows themselves: each owns one vector."""
        return rows, np.ones(len(rows), dtype=np.intp)

    def span(self, block: slice) -> tuple[slice, IntArray]:
        """Return the block itself."""
        return block, np.ones(block.stop - block.start, dtype=np.intp)

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
        if len(rows) == len(self) and np.array_equal(rows, np.arange(len(self))):
            return self
        owned, counts = self.owned(rows)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return replace(self, vectors=self.vectors[owned], offsets=offsets, **self._masks(rows))

    def chunk(self, length: int) -> Objects:
        """Return chunks that own all objects of their rows."""
        return replace(self, offsets=self.offsets[::length], **self._chunk_masks(length))

    def owned(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return the indices of the objects of ``rows`` and their counts."""
        starts, counts = self.offsets[rows], np.diff(self.offsets)[rows]
        before = np.cumsum(counts) - counts
        index = np.arange(counts.sum()) + np.repeat(starts - before, counts)
        return index.astype(np.intp), counts.astype(np.intp)

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

    def arrays(self) -> Sequence[npt.NDArray[np.generic]]:
        """Return offsets, vectors and query."""
        return [self.offsets, *super().arrays()]


@dataclass(frozen=True, kw_only=True)
class Scalars(Signal):
    """One number per sample, (N,)."""

    kind: ClassVar[str] = "a number per sample"
    values: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: IntArray) -> Self:
        """Return the numbers of some rows."""
        return replace(self, values=self.values[rows], **self._masks(rows))

    def chunk(self, length: int) -> Scalars:
        """Return the mean of each chunk."""
        means = self.values.reshape(-1, length).mean(axis=1)
        return replace(self, values=means, **self._chunk_masks(length))

    def arrays(self) -> Sequence[npt.NDArray[np.generic]]:
        """Return the numbers."""
        return [self.values]


@dataclass(frozen=True, kw_only=True)
class Classes(Signal):
    """Signals over named classes.

    Attributes:
        names: (K,) class names, unique.
    """

    names: tuple[str, ...]

    @abstractmethod
    def distinct(self, group: IntArray, n_groups: int) -> tuple[npt.NDArray[np.float64], IntArray]:
        """Return the different class vectors and which one each row has.

        Args:
            group: (K,) the column each class is added up in.
            n_groups: Number of columns G.

        Returns:
            Class vectors (U, G) without repetition, and for each row the index of its own (N,).
        """

    def present(self) -> npt.NDArray[np.float64]:
        """Return 1 for classes that any row has, else 0, (K,)."""
        everyone = replace(self, candidates=None)
        return (everyone.totals() > 0).astype(np.float64)

    @abstractmethod
    def totals(self) -> npt.NDArray[np.float64]:
        """Return the counts of all candidates, added up, (K,)."""


@dataclass(frozen=True, kw_only=True)
class Categories(Classes):
    """One class per sample: ``names[codes[i]]``."""

    kind: ClassVar[str] = "a category per sample"
    codes: IntArray

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: IntArray) -> Self:
        """Return the categories of some rows; the names stay, even unused ones."""
        return replace(self, codes=self.codes[rows], **self._masks(rows))

    def chunk(self, length: int) -> Counts:
        """Return how many rows of each chunk have each category."""
        n_chunks = len(self.codes) // length
        limit = 2_000_000_000 // 8
        if n_chunks * len(self.names) > limit:
            raise SelectlabError(
                f"{self.name}: {len(self.names)} categories are too many to count in sequences"
            )
        counts = np.zeros((n_chunks, len(self.names)))
        np.add.at(counts, (np.repeat(np.arange(n_chunks), length), self.codes), 1.0)
        return Counts(values=counts, names=self.names, name=self.name, **self._chunk_masks(length))

    def distinct(self, group: IntArray, n_groups: int) -> tuple[npt.NDArray[np.float64], IntArray]:
        """Return unit vectors."""
        return np.eye(n_groups), group[self.codes]

    def totals(self) -> npt.NDArray[np.float64]:
        """Return how many candidates have each category."""
        codes = self.codes if self.candidates is None else self.codes[self.candidates]
        return np.bincount(codes, minlength=len(self.names)).astype(np.float64)

    def arrays(self) -> Sequence[npt.NDArray[np.generic]]:
        """Return the codes and the names."""
        return [self.codes, np.array(self.names, dtype=np.str_)]


@dataclass(frozen=True, kw_only=True)
class Counts(Classes):
    """A count (or sum of probabilities) per class, (N, K), not negative."""

    kind: ClassVar[str] = "counts of classes per sample"
    values: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: IntArray) -> Self:
        """Return the counts of some rows."""
        return replace(self, values=self.values[rows], **self._masks(rows))

    def chunk(self, length: int) -> Counts:
        """Return the sum of each chunk."""
        sums = self.values.reshape(-1, length, self.values.shape[1]).sum(axis=1)
        return replace(self, values=sums, **self._chunk_masks(length))

    def distinct(self, group: IntArray, n_groups: int) -> tuple[npt.NDArray[np.float64], IntArray]:
        """Return the different count vectors."""
        merged = np.zeros((len(self.values), n_groups))
        for column, target in enumerate(group):
            merged[:, target] += self.values[:, column]
        patterns, index = np.unique(merged, axis=0, return_inverse=True)
        return patterns, index.reshape(-1).astype(np.intp)

    def totals(self) -> npt.NDArray[np.float64]:
        """Return the counts of all candidates, added up."""
        values = self.values if self.candidates is None else self.values[self.candidates]
        sums: npt.NDArray[np.float64] = values.sum(axis=0)
        return sums

    def arrays(self) -> Sequence[npt.NDArray[np.generic]]:
        """Return the counts and the names."""
        return [self.values, np.array(self.names, dtype=np.str_)]


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
