"""Who can be among the nearest of some rows, kept short while products come in."""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from selectlab.nearest.space import Float64, Floats, Index, buffer, sq_dists

Scalar = TypeVar("Scalar", bound=np.generic)

_PAIRS = 512
_CROWD = 512
Hits = tuple[npt.NDArray[np.uint16], npt.NDArray[np.int32], Floats]


class Shortlist:
    """The nearest corpus vectors of a block of rows, as far as products can tell.

    A product is minus half a squared distance, give or take ``error``. A corpus vector stays on
    the list of a row while its product is not below the k-th best by more than twice that.

    Args:
        start: Number of the first row; there are at most 65,536.
        error: (R,) how wrong products can be, by row.
        k: How many neighbours are wanted.
        crowd: Rows with more than k and so many on their list give up: products of this
            precision cannot tell their neighbours apart. ``None`` for never.

    Attributes:
        low: (R,) products below this are of no interest.
        crowded: (R,) rows that gave up.
    """

    def __init__(self, start: int, error: Float64, k: int, crowd: int | None = _CROWD) -> None:
        self.start = start
        self.low: Floats = np.full(len(error), -np.inf, dtype=np.float32 if crowd else np.float64)
        self.crowded = np.zeros(len(error), dtype=np.bool_)
        self._error, self._k = error, k
        self._most = np.inf if crowd is None else k + crowd
        self._kept: Hits = (
            np.zeros(0, dtype=np.uint16),
            np.zeros(0, dtype=np.int32),
            np.zeros(0, dtype=self.low.dtype),
        )
        self._pending: list[Hits] = []
        self._waiting = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.low)

    def see(self, products: Floats) -> None:
        """Learn a first threshold from products with a sample of the corpus, (R, S)."""
        n_rows, size = products.shape
        groups = min(size, max(128, 4 * self._k))
        if groups < self._k:
            return
        usable = products[:, : size // groups * groups].reshape(n_rows, -1, groups)
        best = usable.max(axis=1)
        best.partition(groups - self._k, axis=1)
        self._raise(best[:, groups - self._k])

    def offer(self, row: Index, member: Index, products: Floats) -> None:
        """Put corpus vectors on the list: ``member[j]`` for row ``start + row[j]``."""
        if not len(row):
            return
        with self._lock:
            self._pending.append((row.astype(np.uint16), member.astype(np.int32), products))
            self._waiting += len(row)
            if self._waiting > len(self._kept[0]) + self._k * len(self):
                self._tighten()

    def settle(self, rows: Any, corpus: Any) -> tuple[Float64, Index]:
        """Return exact squared distances and numbers of the k nearest, (R, k), nearest first.

        Ties go to the lowest number. Crowded rows hold nothing useful.

        Args:
            rows: All rows, read by slice.
            corpus: The corpus vectors, read by index.
        """
        self._tighten()
        row, member, _ = self._kept
        self._kept = self._kept[0][:0], self._kept[1][:0], self._kept[2][:0]
        by_member = np.argsort(member, kind="stable")
        order = by_member[np.argsort(row[by_member], kind="stable")]
        of_row, members = row[order].astype(np.intp), member[order].astype(np.intp)
        exact = np.empty(len(of_row))
        own = rows[slice(self.start, self.start + len(self))].astype(np.float64)
        for at in range(0, len(of_row), _PAIRS):
            part = slice(at, at + _PAIRS)
            gaps = buffer("gaps", (len(of_row[part]), own.shape[1]), np.float64)
            np.take(own, of_row[part], axis=0, out=gaps, mode="clip")
            gaps -= corpus[members[part]]
            sq_dists(gaps, out=exact[part])
        places = _places(of_row, len(self))
        near = _table(exact, places, np.inf, self._k)
        which = _table(members, places, 0, self._k)
        first = np.argsort(near, axis=1, kind="stable")[:, : self._k]
        return np.take_along_axis(near, first, 1), np.take_along_axis(which, first, 1)

    def _tighten(self) -> None:
        """Find the k-th best of each row and forget what is too far below it."""
        pieces = [self._kept, *self._pending]
        self._pending, self._waiting = [], 0
        row, member, products = (np.concatenate(part) for part in zip(*pieces, strict=True))
        wanted = products >= self.low[row]
        row, member, products = row[wanted], member[wanted], products[wanted]
        order = np.argsort(row, kind="stable")
        row, member, products = row[order], member[order], products[order]
        table = _table(products, _places(row.astype(np.intp), len(self)), -np.inf, self._k)
        at = table.shape[1] - self._k
        table.partition(at, axis=1)
        self._raise(table[:, at])
        still = products >= self.low[row]
        crowded = np.bincount(row[still], minlength=len(self)) > self._most
        if crowded.any():
            self.crowded |= crowded
            self.low[crowded] = np.inf
            still &= ~crowded[row]
        self._kept = row[still], member[still], products[still]

    def _raise(self, kth_best: Floats) -> None:
        low = (kth_best - 2 * self._error).astype(self.low.dtype)
        np.maximum(self.low, low, out=self.low)


Places = tuple[Index, Index, tuple[int, int]]


def _places(row: Index, n_rows: int) -> Places:
    """Return where grouped entries stand in a table of ``n_rows`` rows, and its shape."""
    counts = np.bincount(row, minlength=n_rows)
    starts = np.cumsum(counts) - counts
    return row, np.arange(len(row)) - starts[row], (n_rows, int(counts.max(initial=0)))


def _table(
    values: npt.NDArray[Scalar], places: Places, empty: float, k: int
) -> npt.NDArray[Scalar]:
    """Return the values as a table, at least ``k`` wide, filled up with ``empty``."""
    row, column, (n_rows, width) = places
    table = np.full((n_rows, max(width, k)), empty, dtype=values.dtype)
    table[row, column] = values
    return table
