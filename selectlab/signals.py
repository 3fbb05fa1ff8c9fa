"""What an input gives to a strategy: one row per sample, finite, arrays only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

from selectlab.stored import DistantVectors

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

_BLOCK = 65_536


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
    def arrays(self) -> Sequence[npt.NDArray[np.generic] | DistantVectors]:
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
class Severities(Signal):
    """How badly each sample breaks each assertion, (N, A); 0 where it does not.

    Attributes:
        names: (A,) names of the assertions, unique.
    """

    kind: ClassVar[str] = "severities of several assertions per sample"
    values: npt.NDArray[np.float64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    def firings(self) -> npt.NDArray[np.intp]:
        """Return the number of samples that each assertion flags, (A,)."""
        flagged: npt.NDArray[np.intp] = np.count_nonzero(self.values > 0, axis=0).astype(np.intp)
        return flagged

    def take(self, rows: IntArray) -> Self:
        """Return the severities of some rows."""
        return replace(self, values=self.values[rows], **self._masks(rows))

    def chunk(self, length: int) -> Severities:
        """Return the worst of each chunk."""
        worst = self.values.reshape(-1, length, self.values.shape[1]).max(axis=1)
        return replace(self, values=worst, **self._chunk_masks(length))

    def arrays(self) -> Sequence[npt.NDArray[np.generic]]:
        """Return the severities and the names."""
        return [self.values, np.array(self.names, dtype=np.str_)]


@dataclass(frozen=True, kw_only=True)
class Scalars(Signal):
    """One number per sample, (N,).

    Attributes:
        counted: The numbers count something: those of a sequence add up instead of averaging.
    """

    kind: ClassVar[str] = "a number per sample"
    values: npt.NDArray[np.float64]
    counted: bool = False

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: IntArray) -> Self:
        """Return the numbers of some rows."""
        return replace(self, values=self.values[rows], **self._masks(rows))

    def chunk(self, length: int) -> Scalars:
        """Return the mean of each chunk, of counts the sum."""
        chunks = self.values.reshape(-1, length)
        values = chunks.sum(axis=1) if self.counted else chunks.mean(axis=1)
        return replace(self, values=values, **self._chunk_masks(length))

    def arrays(self) -> Sequence[npt.NDArray[np.generic]]:
        """Return the numbers."""
        return [self.values]


def is_everything(rows: npt.NDArray[np.integer[Any]], n_rows: int) -> bool:
    """Return whether ``rows`` are all of ``n_rows`` rows in order.

    Example:
        >>> is_everything(np.array([0, 1]), 2), is_everything(np.array([1, 0]), 2)
        (True, False)
    """
    if len(rows) != n_rows or (n_rows and (rows[0] != 0 or rows[-1] != n_rows - 1)):
        return False
    return all(
        np.array_equal(rows[start : start + _BLOCK], np.arange(start, min(start + _BLOCK, n_rows)))
        for start in range(0, n_rows, _BLOCK)
    )
