"""Which members of a set cannot be the nearest of a vector, by the triangle inequality.

The first members of a set of vectors that are far apart lie all over the data. Each vector is
noted with one that is near, its home. A member that is further from the home than the vector's
nearest member and the home are from the vector, taken together, is further from the vector than
that nearest member. Where data is clustered, or of few intrinsic dimensions, that leaves few
members to compare with; where it is not, this finds out and keeps out of the way.
M vectors, D dimensions, C members.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from selectlab import threads
from selectlab.nearest.products import Float32, Float64, Index, gather, tile_rows
from selectlab.nearest.space import spread

if TYPE_CHECKING:
    from selectlab.nearest.nearest_selected import NearestSelected

_HOMES = 256
_FIRST_TRY = 1024
_FEW = 0.25
"""Homes pay where this share of the members, at most, is left to compare with."""
_LEAST_PRODUCTS = 1 << 22
"""Products of two numbers that take as long as all that is done for a group of vectors."""
_SAMPLE = 512
_UP = np.float32(1 + 1e-6)
"""More than all rounding of a few float32 operations."""

Group = tuple[Index, Index]
"""Places of vectors, members to compare them with, both ascending."""


class Homes:
    """The homes of vectors.

    Args:
        nearest: The set, and how near the vectors are to it.

    Cost:
        6 bytes per vector, 1 KB per member. One product of each vector that is asked for with
        256 members, once.
    """

    def __init__(self, nearest: NearestSelected) -> None:
        self._nearest = nearest
        self._home = np.full(len(nearest.upper), -1, dtype=np.int16)
        self._reach = np.empty(len(nearest.upper), dtype=np.float32)
        self._apart = np.empty((_HOMES, 0), dtype=np.float32)
        self._known = 0
        self._try_at = _FIRST_TRY
        self._useful = False

    def pay(self, index: Index, seen: npt.NDArray[np.integer]) -> bool:
        """Return whether to ask for groups of vectors, before comparing them with members.

        Args:
            index: (m,) vectors.
            seen: (m,) how many of the first members need not be compared with.
        """
        size = len(self._nearest)
        if size < _FIRST_TRY or not isinstance(self._nearest.vectors, np.ndarray):
            return False
        products = (size * len(index) - int(seen.sum())) * self._nearest.vectors.shape[1]
        if products <= _LEAST_PRODUCTS * min(_HOMES, len(index)):
            return False
        if size >= self._try_at:
            self._try_at = 2 * size
            self._useful = self._left(index[spread(len(index), _SAMPLE)]) <= _FEW
        return self._useful

    def groups(self, index: Index, seen: npt.NDArray[np.integer]) -> list[Group]:
        """Return vectors that are at home together, and the members that can be near to them.

        Arguments as of :meth:`pay`.
        """
        self._settle(index)
        order = np.argsort(self._home[index], kind="stable")
        home = self._home[index[order]]
        limit, size = self._limits(index), len(self._nearest)
        starts = np.flatnonzero(np.diff(home, prepend=-1))
        found = []
        for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
            places = order[start:stop]
            begin = int(seen[places].min())
            apart = self._apart[home[start], begin:size]
            found.append((places, begin + np.flatnonzero(apart <= limit[places].max())))
        return found

    def _left(self, index: Index) -> float:
        """Return the share of members that can be near to vectors."""
        self._settle(index)
        members = spread(len(self._nearest), _SAMPLE)
        apart = self._apart[self._home[index][:, None], members]
        return float((apart <= self._limits(index)[:, None]).mean())

    def _limits(self, index: Index) -> Float32:
        """Return how far from home a member can be that matters for a vector, (m,)."""
        reach = self._reach[index]
        near = np.sqrt(np.maximum(self._nearest.upper[index], 0.0))
        limits: Float32 = (np.minimum(near, reach) + reach) * _UP
        return limits

    def _settle(self, index: Index) -> None:
        """Bring the distances of homes to members up to date; give a home to vectors without."""
        self._measure()
        homeless = index[self._home[index] < 0]
        panel = np.ascontiguousarray(self._nearest.panel.double[:_HOMES].T)
        shift = self._nearest.panel.shift[:_HOMES]

        def settle(part: slice) -> None:
            rows = homeless[part]
            sq_dists = gather(self._nearest.vectors, rows) @ panel
            sq_dists += shift
            home = sq_dists.argmin(axis=1)
            lowest = sq_dists[np.arange(len(rows)), home] + self._nearest.norms[rows]
            self._home[rows] = home
            self._reach[rows] = np.sqrt(np.maximum(lowest, 0.0)) * _UP

        width = max(_HOMES, self._nearest.vectors.shape[1])
        threads.over(threads.cut(len(homeless), tile_rows(width)), settle)

    def _measure(self) -> None:
        """Work out how far homes are from the members that have come, rounded down."""
        first, size = self._known, len(self._nearest)
        if size > self._apart.shape[1]:
            held, self._apart = self._apart, np.empty((_HOMES, size + size // 2), dtype=np.float32)
            self._apart[:, :first] = held[:, :first]
        members, lengths = self._nearest.members, self._nearest.member_norms
        error = self._nearest.error_of(0.0)
        for part in threads.cut(size - first, _HOMES):
            new = slice(first + part.start, first + part.stop)
            sq_dists: Float64 = members[:_HOMES] @ members[new].T
            sq_dists *= -2.0
            sq_dists += lengths[new]
            sq_dists += lengths[:_HOMES, None] - error
            self._apart[:, new] = np.sqrt(np.maximum(sq_dists, 0.0)) / _UP
        self._known = size
