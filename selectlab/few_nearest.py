"""Distances of a few vectors to a growing set, followed at every addition in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selectlab import threads
from selectlab.products import Float64, Index, panels

if TYPE_CHECKING:
    from selectlab.nearest_selected import NearestSelected

_PANEL = 256


class FewNearest:
    """Squared distances of a few vectors to the nearest member, nearly exact.

    Args:
        nearest: The set.
        index: The vectors.

    Attributes:
        sq_dists: (m,) squared distances by float64 products.
        error: How wrong they can be.

    Cost:
        One product of (m, D) with the members that came since the last call.
    """

    def __init__(self, nearest: NearestSelected, index: Index) -> None:
        self._nearest = nearest
        self._vectors = np.asarray(nearest.vectors[index], dtype=np.float64)
        self._lengths = sq_lengths(self._vectors)
        self._longest = float(self._lengths.max(initial=0.0))
        self._seen = 0
        self.sq_dists = np.full(len(index), np.inf)
        self.error = 0.0
        self.follow()

    def follow(self) -> None:
        """Account for the members that have come since the last call."""
        size = len(self._nearest)
        if size - self._seen == 1:
            self._approach_one(self._nearest.members[self._seen])
        else:
            rows = max(64, -(-len(self._vectors) // threads.n_threads()))
            threads.over(threads.cut(len(self._vectors), rows), self._approach)
        self._nearest.computed += (size - self._seen) * len(self._vectors)
        self._seen = size
        self.error = self._nearest.error_of(self._longest)

    def _approach_one(self, member: Float64) -> None:
        products = self._vectors @ member
        products *= -2.0
        products += self._lengths
        products += self._nearest.member_norms[self._seen]
        np.minimum(self.sq_dists, products, out=self.sq_dists)

    def _approach(self, part: slice) -> None:
        members, norms = self._nearest.members, self._nearest.member_norms
        for start, stop in panels(self._seen, len(members), _PANEL):
            products = members[start:stop] @ self._vectors[part].T
            products *= -2.0
            products += norms[start:stop, None]
            closest = products.min(axis=0)
            closest += self._lengths[part]
            np.minimum(self.sq_dists[part], closest, out=self.sq_dists[part])


def sq_lengths(vectors: Float64) -> Float64:
    """Return the squared lengths of vectors, (m,)."""
    lengths: Float64 = np.einsum("ij,ij->i", vectors, vectors)
    return lengths
