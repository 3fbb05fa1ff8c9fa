"""Signals over named classes: one class per sample, or counts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from selectlab.errors import SelectlabError
from selectlab.signals import Signal

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]


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
        merged = self.values
        if not np.array_equal(group, np.arange(n_groups)):
            merged = np.zeros((len(self.values), n_groups))
            for column, target in enumerate(group):
                merged[:, target] += self.values[:, column]
        return _distinct_rows(merged + 0.0)

    def totals(self) -> npt.NDArray[np.float64]:
        """Return the counts of all candidates, added up."""
        values = self.values if self.candidates is None else self.values[self.candidates]
        sums: npt.NDArray[np.float64] = values.sum(axis=0)
        return sums

    def arrays(self) -> Sequence[npt.NDArray[np.generic]]:
        """Return the counts and the names."""
        return [self.values, np.array(self.names, dtype=np.str_)]


def _distinct_rows(rows: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], IntArray]:
    """Return the different rows of a matrix, and which of them each row is.

    By hash, since sorting the rows themselves is slow; in the unlikely case that two different
    rows have one hash, by sorting. Where most rows are different, all are returned.
    """
    multipliers = np.random.default_rng(0).integers(2**63, size=rows.shape[1], dtype=np.uint64)
    hashes = np.zeros(len(rows), dtype=np.uint64)
    for bits, multiplier in zip(rows.view(np.uint64).T, multipliers * 2 + 1, strict=True):
        hashes ^= hashes >> np.uint64(29)
        hashes += bits * multiplier
        hashes *= np.uint64(0x9E3779B97F4A7C15)
    if len(np.unique(hashes)) > len(rows) // 2:
        return rows, np.arange(len(rows), dtype=np.intp)
    _, first, index = np.unique(hashes, return_index=True, return_inverse=True)
    distinct, index = rows[first], index.reshape(-1).astype(np.intp)
    if not all(
        np.array_equal(distinct[index[start : start + 65_536]], rows[start : start + 65_536])
        for start in range(0, len(rows), 65_536)
    ):
        distinct, index = np.unique(rows, axis=0, return_inverse=True)
        return distinct, index.reshape(-1).astype(np.intp)
    order = np.lexsort(distinct.T[::-1])
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    return distinct[order], place[index]
