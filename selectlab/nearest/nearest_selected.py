"""Distances to a growing set, worked out only where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab import threads
from selectlab.nearest.few_nearest import FewNearest, sq_lengths
from selectlab.nearest.findings import Findings
from selectlab.nearest.homes import Group, Homes
from selectlab.nearest.products import (
    UNIT_ROUNDOFF_64,
    Float32,
    Float64,
    Index,
    Panel,
    Tile,
    exact_sq_dists,
    gather,
    least_of,
    panels,
    slack_of,
    sq_norms,
    tile_rows,
    with_room,
)
from selectlab.objective import BoolArray, FloatArray
from selectlab.running_sum import ExactSum

Int32 = npt.NDArray[np.int32]

_PAIRS = 16_384
_LITTLE = 1 << 22
"""Threads are not worth waking for so many products of two numbers."""
_SHORT = 1 << 16
"""Numbers of 16 bits are sorted by their digits, about ten times as fast as longer ones."""


class NearestSelected:
    """Squared distance of every vector to the nearest of a growing set of them.

    Distances to a growing set only fall, so what was found out about a vector long ago still
    bounds its distance. Additions cost nothing; :meth:`refresh` brings the bounds of some
    vectors up to date, :meth:`exact` gives their distances by differences in float64.

    Args:
        vectors: (M, D) float32, an array or anything that gives rows by slice and by index.

    Attributes:
        upper: (M,) float32, never below the true squared distance.
        indices: The members in the order they came.
        computed: Number of vector-member pairs worked out so far.
        fetched: Number of vectors read so far.

    Cost:
        About 16 bytes per vector. M * D once, for the lengths of the vectors.
    """

    def __init__(self, vectors: Any) -> None:
        self.vectors = vectors
        n_vectors, dimension = vectors.shape
        self._slack = slack_of(dimension)
        self._norms = self._measured()
        self._least = 4 * least_of(dimension)
        self._widest = 4 * self._slack * float(self._norms.max(initial=0.0)) + self._least
        self.upper = np.full(n_vectors, np.inf, dtype=np.float32)
        self._seen = np.zeros(n_vectors, dtype=np.int32)
        self._found = Findings(n_vectors)
        self.panel = Panel(dimension)
        self.homes = Homes(self)
        self._members = np.empty((16, dimension))
        self._member_norms = np.empty(16)
        self._longest = 0.0
        self._apart = np.empty(16)
        self._joined = 0
        self._latest: tuple[tuple[int, int], Float64, Float32] | None = None
        self._total = ExactSum()
        self.indices: list[int] = []
        self.computed = 0
        self.fetched = n_vectors

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def norms(self) -> Float32:
        """Squared lengths of all vectors, rounded up."""
        return self._norms

    @property
    def members(self) -> Float64:
        """The members, (size, D)."""
        return self._members[: len(self)]

    @property
    def member_norms(self) -> Float64:
        """Their squared lengths, (size,)."""
        return self._member_norms[: len(self)]

    @property
    def total(self) -> float:
        """Sum over the set of the squared distance to the nearest other member."""
        while self._joined < len(self):
            self._join(self._joined)
            self._joined += 1
        return self._total.value

    def add(self, index: Index) -> None:
        """Put vectors into the set, in this order."""
        if not len(index):
            return
        self.join(np.asarray(self.vectors[index], dtype=np.float32), self._norms[index], index)

    def join(self, values: Float32, norms: Float32, index: Index | None = None) -> None:
        """Put vectors into the set that need not be among those whose distances are asked for.

        Args:
            values: (m, D).
            norms: (m,) their squared lengths, rounded up.
            index: Their indices, where they are among them.
        """
        first, stop = len(self), len(self) + len(values)
        self.panel.add(values, norms)
        self._members = with_room(self._members, stop)
        self._member_norms = with_room(self._member_norms, stop)
        self._members[first:stop] = values
        lengths = sq_lengths(self._members[first:stop])
        self._member_norms[first:stop] = lengths
        self._longest = max(self._longest, float(lengths.max()))
        self.indices += [-1] * len(values) if index is None else index.tolist()

    def refresh(self, index: Index | slice, floor: FloatArray | None = None) -> None:
        """Account for all members in the upper bounds of some vectors.

        Args:
            index: The vectors.
            floor: (len(index),) a vector found to be nearer than this is left at what was found.
        """
        size = len(self)
        if isinstance(index, slice):
            self._refresh_block(index, size)
            return
        stale, floors = self._unseen(index, floor)
        if not len(stale):
            return
        self.fetched += len(stale)
        seen = self._seen[stale]
        if self.homes.pay(stale, seen):
            self._refresh_groups(stale, seen, floors)
            return
        rows = tile_rows(self.vectors.shape[1])
        if isinstance(self.vectors, np.ndarray):
            order = np.argsort(seen.astype(np.uint16) if size <= _SHORT else seen, kind="stable")
        else:
            order, rows = np.argsort(stale, kind="stable"), 2 * rows
        if len(stale) * (size - int(seen.min())) * self.vectors.shape[1] > _LITTLE:
            rows = min(rows, max(256, -(-len(stale) // 4)))

        def work(part: slice) -> int:
            at = order[part]
            return self._refresh_tile(stale[at], None if floors is None else floors[at])

        self.computed += sum(threads.over(threads.cut(len(stale), rows), work))

    def lower(self, part: slice | Index) -> Float64:
        """Return lower bounds of the squared distances of some vectors."""
        self.refresh(part)
        bounds: Float64 = np.maximum(self.upper[part] - self.width_of(part), 0.0)
        return bounds

    def width_of(self, part: slice | Index) -> Float64:
        """Return how far float32 products can lift the squared distances of some vectors."""
        return 4 * self._slack * self._norms[part].astype(np.float64) + self._widest

    def exact(self, index: Index) -> Float64:
        """Return the exact squared distances of some vectors; infinite while the set is empty."""
        size = len(self)
        if not size:
            return np.full(len(index), np.inf)
        found, at = self._found, self._found.of(index)
        settled = (found.seen[at] == size) | ((found.seen[at] > 0) & (found.sq_dist[at] == 0))
        open_ones = np.unique(index[~settled])
        rows = max(1, _PAIRS * 16 // size)
        for start in range(0, len(open_ones), rows):
            self._find_exactly(open_ones[start : start + rows], size)
        return found.sq_dist[found.of(index)]

    def closest(self, i: int) -> int:
        """Return the member nearest to vector ``i`` (its index), -1 while the set is empty."""
        if not self.indices:
            return -1
        row = np.array([i], dtype=np.intp)
        self.exact(row)
        return self.indices[int(self._found.closest[self._found.of(row)[0]])]

    def is_current(self, index: Index) -> BoolArray:
        """Return True where the upper bound accounts for all members."""
        current: BoolArray = (self._seen[index] == len(self)) | (self.upper[index] <= 0)
        return current

    def seen(self, index: Index | slice) -> npt.NDArray[np.int32]:
        """Return how many members the upper bounds of some vectors account for."""
        return self._seen[index]

    def few(self, index: Index) -> FewNearest:
        """Return the squared distances of a few vectors, to be followed at every addition.

        What an earlier call found about a vector, and was put back, is not worked out again.
        """
        found, at = self._found, self._found.of(index)
        return FewNearest(self, index, found.followed[at], found.followed_to[at])

    def put_back(self, index: Index, sq_dists: Float64, seen: int) -> None:
        """Take note of nearly exact squared distances to the first ``seen`` members."""
        at = self._found.about(index)
        self._found.followed[at] = sq_dists
        self._found.followed_to[at] = seen

    def error_of(self, sq_length: float) -> float:
        """Return how wrong float64 products with the members can be for a vector this long."""
        scale = 8.0 * (int(self.vectors.shape[1]) + 16) * UNIT_ROUNDOFF_64
        return scale * max(self._longest, sq_length)

    def _measured(self) -> Float32:
        """Return the squared lengths of all vectors, rounded up."""
        return sq_norms(self.vectors)

    def _unseen(self, index: Index, floor: FloatArray | None) -> tuple[Index, Float32 | None]:
        """Return those of some vectors whose bounds can fall yet, with their floors."""
        unseen = (self._seen[index] < len(self)) & (self.upper[index] > 0)
        return index[unseen], None if floor is None else floor[unseen].astype(np.float32)

    def _refresh_groups(self, stale: Index, seen: Int32, floors: Float32 | None) -> None:
        """Take vectors past the members that may be near to them."""

        def work(some: Sequence[Group]) -> int:
            computed = 0
            for places, members in some:
                for part in threads.cut(len(places), tile_rows(self.vectors.shape[1])):
                    at = places[part]
                    floor = None if floors is None else floors[at]
                    computed += self._refresh_tile(stale[at], floor, members)
            return computed

        groups = self.homes.groups(stale, seen)
        at_once = -(-len(groups) // (4 * threads.n_threads()))
        shares = [groups[part] for part in threads.cut(len(groups), at_once)]
        self.computed += sum(threads.over(shares, work))

    def _refresh_tile(self, rows: Index, floor: Float32 | None, only: Index | None = None) -> int:
        """Take a tile of scattered vectors past the members it has not seen, or only some."""
        tile = Tile(gather(self.vectors, rows), self._norms[rows], rows, floor)
        panel = self.panel if only is None else self.panel.part(only)
        computed, stop = 0, int(self._seen[rows].min()) if only is None else 0
        while stop < panel.size:
            start, stop = stop, min(stop + tile.width(), panel.size)
            tile.pass_by(panel, start, stop)
            computed += (stop - start) * len(tile.rows)
            above = tile.worth_keeping() if stop < panel.size else None
            if above is not None:
                seen = stop if only is None else int(only[stop])
                self._note(tile.rows[~above], tile.best[~above], seen)
                tile.keep(np.flatnonzero(above))
                if not len(tile.rows):
                    return computed
        self._note(tile.rows, tile.best, len(self))
        return computed

    def _note(self, rows: Index, sq_dists: Float32, seen: int) -> None:
        self.upper[rows] = np.minimum(self.upper[rows], sq_dists)
        self._seen[rows] = seen

    def _refresh_block(self, block: slice, size: int) -> None:
        """Take neighbouring vectors past the members that some have not seen."""
        first = int(self._seen[block].min(initial=size))
        if first == size:
            return
        start, stop, _ = block.indices(len(self.upper))
        rows = tile_rows(self.vectors.shape[1])
        tiles = [
            slice(start + part.start, start + part.stop) for part in threads.cut(stop - start, rows)
        ]

        def work(part: slice) -> None:
            rows_of = np.arange(part.start, part.stop, dtype=np.intp)
            tile = Tile(self.vectors[part], self._norms[part], rows_of)
            for begin, end in panels(first, size):
                tile.pass_by(self.panel, begin, end)
            np.minimum(self.upper[part], tile.best, out=self.upper[part])
            self._seen[part] = size

        threads.over(tiles, work)
        self.computed += (size - first) * (stop - start)
        self.fetched += stop - start

    def _enclosed(self, i: int, vector: Float64, size: int) -> tuple[Float64, Float32]:
        """Return lower and upper bounds of the squared distances of a vector to members."""
        if self._latest is None or self._latest[0] != (i, size):
            with np.errstate(invalid="ignore"):  # vectors are finite; BLAS may flag spare lanes
                rough = self.panel.double[:size] @ vector.astype(np.float32)
            rough += self.panel.shift[:size]
            rough += self._norms[i]
            width = 6 * self._slack * (self._member_norms[:size] + float(self._norms[i]))
            self._latest = (i, size), rough - width - self._least, rough
        return self._latest[1], self._latest[2]

    def _find_one(self, i: int, vector: Float64, size: int) -> None:
        """Compare one vector with the members that could be its nearest, by differences."""
        low, high = self._enclosed(i, vector, size)
        maybe = np.flatnonzero(low <= high.min())
        sq_dists = exact_sq_dists(self._members[maybe], vector)
        best = int(np.argmin(sq_dists))
        row = np.array([i], dtype=np.intp)
        at = self._found.about(row)
        self._found.sq_dist[at] = sq_dists[best]
        self._found.closest[at] = maybe[best]
        self._found.seen[at] = size
        self._round_up(row)

    def _find_exactly(self, index: Index, size: int) -> None:
        """Compare vectors with the members that could be their nearest, by differences."""
        vectors = np.asarray(self.vectors[index], dtype=np.float64)
        notes, place = self._found, self._found.about(index)
        first = int(notes.seen[place].min())
        if len(index) == 1 and not first:
            self._find_one(int(index[0]), vectors[0], size)
            return
        before = np.where(notes.seen[place] > 0, notes.sq_dist[place], np.inf)
        lengths = sq_lengths(vectors)
        rough = vectors @ self._members[first:size].T
        rough *= -2.0
        rough += self._member_norms[first:size]
        rough += lengths[:, None]
        width = self.error_of(float(lengths.max()))
        limit = np.minimum(rough.min(axis=1) + 2 * width, before + width)
        row, member = np.nonzero(rough <= limit[:, None])
        sq_dists = np.empty(len(row))
        for start in range(0, len(row), _PAIRS):
            part = slice(start, start + _PAIRS)
            sq_dists[part] = exact_sq_dists(vectors[row[part]], self._members[first + member[part]])
        self.computed += rough.size
        order = np.lexsort((member, sq_dists, row))
        at, starts = np.unique(row[order], return_index=True)
        found = order[starts]
        closer = sq_dists[found] < before[at]
        won = place[at[closer]]
        notes.sq_dist[won] = sq_dists[found[closer]]
        notes.closest[won] = first + member[found[closer]]
        notes.seen[place] = size
        self._round_up(index)

    def _round_up(self, index: Index) -> None:
        """Let the upper bounds follow what is known exactly."""
        known = self._found.sq_dist[self._found.of(index)]
        rounded = known.astype(np.float32)
        up = np.where(rounded < known, np.nextafter(rounded, np.float32(np.inf)), rounded)
        self.upper[index] = np.minimum(self.upper[index], up)
        self._seen[index] = len(self)

    def _join(self, at: int) -> None:
        """Count member number ``at`` in the sum, and its effect on those before it."""
        self._apart = with_room(self._apart, at + 1)
        self._apart[at] = np.inf
        if not at:
            return
        vector = self._members[at]
        low, high = self._enclosed(self.indices[at], vector, at)
        maybe = np.flatnonzero((low <= self._apart[:at]) | (low <= high.min()))
        sq_dists = exact_sq_dists(self._members[maybe], vector)
        self._set_apart(at, float(sq_dists.min()))
        closer = sq_dists < self._apart[maybe]
        for member, sq_dist in zip(maybe[closer], sq_dists[closer], strict=True):
            self._set_apart(int(member), float(sq_dist))

    def _set_apart(self, member: int, sq_dist: float) -> None:
        before = float(self._apart[member])
        if np.isfinite(before):
            self._total.add(-before)
        self._total.add(sq_dist)
        self._apart[member] = sq_dist
