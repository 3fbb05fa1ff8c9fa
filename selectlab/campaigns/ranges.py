"""Ranges of rows: which of a corpus are done, and which are left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from selectlab.campaigns.records import Range


def merged(ranges: Iterable[Range]) -> list[Range]:
    """Return the same rows in the fewest ranges, in order.

    Example:
        >>> merged([(5, 7), (0, 3), (2, 5), (9, 9)])
        [(0, 7)]
    """
    found: list[Range] = []
    for start, stop in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], stop))
        elif start < stop:
            found.append((start, stop))
    return found


def left(rows: Range, done: Iterable[Range]) -> list[Range]:
    """Return what is left of some rows without those that are done.

    Example:
        >>> left((0, 10), [(2, 4), (8, 20)])
        [(0, 2), (4, 8)]
    """
    found = []
    start, stop = rows
    for first, end in merged(done):
        if start < min(first, stop):
            found.append((start, min(first, stop)))
        start = max(start, end)
    return [*found, (start, stop)] if start < stop else found


def n_within(ranges: Iterable[Range], rows: Sequence[int] | npt.NDArray[np.integer] | None) -> int:
    """Return how many of some ascending rows, by default all there are, lie in disjoint ranges.

    Example:
        >>> n_within([(0, 2), (4, 8)], None), n_within([(0, 2), (4, 8)], [1, 2, 7])
        (6, 2)
    """
    if rows is None:
        return sum(stop - start for start, stop in ranges)
    return sum(int(np.diff(np.searchsorted(rows, bounds))[0]) for bounds in ranges)
