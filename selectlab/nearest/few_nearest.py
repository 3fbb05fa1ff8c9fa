"""Distances of a few vectors to a growing set, followed at every addition in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from selectlab import threads
from selectlab.nearest.products import Float64, Index, buffer, panels

if TYPE_CHECKING:
    from selectlab.nearest.nearest_selected import NearestSelected

_PANEL = 1024
_FEWEST, _MOST = 32, 256


class FewNearest:
    """Squared distances of a few vectors to the nearest member, nearly exact.

    Args:
        nearest: The set.
        index: The vectors.
        sq_dists: (m,) what is known of them.
        seen: (m,) how many of the first members are accounted for in that.

    Attributes:
        sq_dists: (m,) squared distances by float64 products.
        error: How wrong they can be.

    Cost:
        One product of (m, D) with the members that came since the last call.
    """

    def __init__(
        self,
        nearest: NearestSelected,
        index: Index,
        sq_dists: Float64,
        seen: npt.NDArray[np.integer],
    ) -> None:
        self._nearest, self._index = nearest, index
        self._single = np.asarray(nearest.vectors[index], dtype=np.float32)
        self._vectors = self._single.astype(np.float64)
        self._lengths = sq_lengths(self._vectors)
        self._longest = float(self._lengths.max(initial=0.0))
        self._seen = len(nearest)
        self._ahead = 0
        self.sq_dists = np.where(seen > 0, sq_dists, np.inf)
        self.sq_dists[nearest.upper[index] <= 0] = 0.0
        self.error = nearest.error_of(self._longest)
        self._catch_up(seen)

    def follow(self) -> None:
        """Account for the members that have come since the last call."""
        size = len(self._nearest)
        foreseen = min(self._ahead, size - self._seen)
        self._seen += foreseen
        self._ahead -= foreseen
        if size - self._seen == 1:
            self._approach_one(self._nearest.members[self._seen])
        elif size > self._seen:
            self._catch_up(np.full(len(self._index), self._seen))
        self._nearest.computed += (size - self._seen) * len(self._index)
        self._seen = size
        self.error = self._nearest.error_of(self._longest)

    def burst(self, closed: Float64, above: float, most: int) -> list[int]:
        """Return the places of the vectors that are surely the farthest next, in order.

        The set is expected to get them, in this order, before the next :meth:`follow` ends.

        Args:
            closed: (m,) minus infinity for vectors that are out, else 0; changed.
            above: Squared distances must surely be above this.
            most: Number of vectors wanted.
        """
        places: list[int] = []
        vectors, lengths, sq_dists = self._vectors, self._lengths, self.sq_dists
        key, products = np.empty(len(vectors)), np.empty(len(vectors))
        while len(places) < most:
            np.add(sq_dists, closed, out=key)
            at = int(key.argmax())
            low = key[at] - self.error
            key[at] = -np.inf
            if not low > above or key.max() + self.error >= low:
                break
            places.append(at)
            closed[at] = -np.inf
            np.matmul(vectors, vectors[at], out=products)
            products *= -2.0
            products += lengths
            products += lengths[at]
            np.minimum(sq_dists, products, out=sq_dists)
        self._ahead += len(places)
        return places

    def put_back(self) -> None:
        """Leave what was found with the set, for the next time."""
        self._nearest.put_back(self._index, self.sq_dists, self._seen)

    def _catch_up(self, seen: npt.NDArray[np.integer]) -> None:
        """Account for the members that each vector has not seen."""
        homes = self._nearest.homes
        if homes.pay(self._index, seen):
            groups = homes.groups(self._index, seen)
            threads.over(groups, lambda group: self._approach_some(*group))
            return
        order = np.argsort(seen, kind="stable")
        rows = max(_FEWEST, min(_MOST, -(-len(order) // (2 * threads.n_threads()))))
        parts = [order[part] for part in threads.cut(len(order), rows)]
        threads.over(parts, lambda part: self._approach(part, int(seen[part[0]])))

    def _approach_one(self, member: Float64) -> None:
        products = self._vectors @ member
        products *= -2.0
        products += self._lengths
        products += self._nearest.member_norms[self._seen]
        np.minimum(self.sq_dists, products, out=self.sq_dists)

    def _approach_some(self, part: Index, members: Index) -> None:
        products = self._vectors[part] @ self._nearest.members[members].T
        products *= -2.0
        products += self._nearest.member_norms[members]
        best = products.min(axis=1, initial=np.inf)
        best += self._lengths[part]
        self.sq_dists[part] = np.minimum(self.sq_dists[part], best)

    def _approach(self, part: Index, first: int) -> None:
        """Account for the members from ``first`` on: products in float32 propose."""
        nearest, size = self._nearest, len(self._nearest)
        values = self._single[part]
        width = (nearest.width_of(self._index[part]) * 1.01).astype(np.float32)
        closest = np.full(len(part), np.inf, dtype=np.float32)
        best = np.full(len(part), np.inf)
        for start, stop in panels(first, size, _PANEL):
            rough = buffer("products", (stop - start, len(part)))
            np.matmul(nearest.panel.double[start:stop], values.T, out=rough)
            rough += nearest.panel.shift[start:stop, None]
            np.minimum(closest, rough.min(axis=0), out=closest)
            member, at = np.divmod(np.flatnonzero(rough <= closest + width), len(part))
            member += start
            products = np.einsum("ij,ij->i", self._vectors[part[at]], nearest.members[member])
            products *= -2.0
            products += nearest.member_norms[member]
            np.minimum.at(best, at, products)
        best += self._lengths[part]
        self.sq_dists[part] = np.minimum(self.sq_dists[part], best)


def sq_lengths(vectors: Float64) -> Float64:
    """Return the squared lengths of vectors, (m,)."""
    lengths: Float64 = np.einsum("ij,ij->i", vectors, vectors)
    return lengths
