"""Euclidean distances, fast where many are needed and exact where one decides.

Products in float32 give every distance with a proven error bound; whatever the bound leaves
open is computed from differences in float64. So ranking and thresholds see exact values while
nearly all work runs as matrix products. M vectors, D dimensions.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]
Scalar = TypeVar("Scalar", bound=np.generic)

_UNIT_ROUNDOFF = float(np.finfo(np.float32).eps) / 2
_BLOCK_ROWS = 65_536
_PANEL = 64


def exact_sq_dists(left: npt.NDArray[np.floating], right: npt.NDArray[np.floating]) -> Float64:
    """Return the squared distances of paired rows, by differences in float64.

    Args:
        left: (..., D) vectors.
        right: (..., D) vectors, broadcast against ``left``.

    Returns:
        (...) squared distances. Equal inputs give equal bits, whatever stands beside them.

    Example:
        >>> exact_sq_dists(np.array([[3.0, 0.0]]), np.array([[0.0, 4.0]]))
        array([25.])
    """
    gap = np.subtract(left, right, dtype=np.float64)
    np.square(gap, out=gap)
    sums: Float64 = np.add.reduce(gap, axis=-1)
    return sums


def nearest(vectors: Float32, query: Float32) -> tuple[Float64, Index]:
    """Return the distance of every vector to the nearest query vector, and which one that is.

    Args:
        vectors: (M, D).
        query: (Q, D), Q >= 1.

    Returns:
        Distances (M,), not squared, and indices into ``query`` (M,).
    """
    dists, index = neighbours(query, vectors, 1)
    return dists[:, 0], index[:, 0]


def neighbours(corpus: Float32, vectors: Float32, k: int) -> tuple[Float64, Index]:
    """Return the ``k`` nearest corpus vectors of each vector, nearest first.

    Returns:
        Distances (M, k), not squared, recomputed by differences, and indices (M, k).
    """
    from sklearn.neighbors import NearestNeighbors

    if not len(vectors):
        return np.empty((0, k)), np.empty((0, k), dtype=np.intp)
    finder = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(corpus)
    index = finder.kneighbors(vectors, return_distance=False)
    dists = np.empty(index.shape)
    for start in range(0, len(vectors), 8192):
        rows = slice(start, start + 8192)
        for column in range(k):
            dists[rows, column] = exact_sq_dists(vectors[rows], corpus[index[rows, column]])
    np.sqrt(dists, out=dists)
    order = np.lexsort((index, dists), axis=1)
    return np.take_along_axis(dists, order, 1), np.take_along_axis(index, order, 1)


def other_neighbours(vectors: Float32, k: int) -> Float64:
    """Return the distances from each vector to its ``k`` nearest others, nearest first, (M, k).

    A vector is never its own neighbour; an exact duplicate of it is, at distance 0.
    """
    dists, index = neighbours(vectors, vectors, k + 1)
    own = index == np.arange(len(vectors))[:, None]
    lost = ~own.any(axis=1)  # crowded out by more than k duplicates: any zero will do
    own[lost, 0] = True
    others: Float64 = dists[~own].reshape(len(vectors), k)
    return others


class NearestSelected:
    """Squared distance of every vector to the nearest of a growing set of them.

    Attributes:
        upper: (M,) float32, never below the true squared distance.
        total: Sum over the set of the squared distance to the nearest *other* member.

    Cost:
        One float32 matrix-vector product per addition, plus float64 differences for the few
        vectors whose exact value is asked for.
    """

    def __init__(self, vectors: Float32) -> None:
        from selectlab.running_sum import ExactSum

        self.vectors = vectors
        n_vectors, dimension = vectors.shape
        self._slack = (dimension + 16) * _UNIT_ROUNDOFF
        norms = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
        self._widest = 2 * self._slack * float(norms.max(initial=0.0)) * (1 + self._slack)
        self._norms = ((1 + self._slack) * norms).astype(np.float32)
        self.upper = np.full(n_vectors, np.inf, dtype=np.float32)
        self._products = np.empty(n_vectors, dtype=np.float32)
        self._known = np.full(n_vectors, np.inf)
        self._closest = np.full(n_vectors, -1, dtype=np.intp)
        self._seen = np.zeros(n_vectors, dtype=np.intp)
        self._members = np.empty((16, dimension), dtype=np.float32)
        self._member_norms = np.empty(16)
        self._apart = np.empty(16)
        self.indices: list[int] = []
        self._total = ExactSum()

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def total(self) -> float:
        """Sum over the set of the squared distance to the nearest other member."""
        return self._total.value

    def lower(self, part: slice | Index) -> Float64:
        """Return lower bounds of the squared distances of some vectors."""
        width = 2 * self._slack * self._norms[part].astype(np.float64) + self._widest
        bounds: Float64 = np.maximum(self.upper[part] - width, 0.0)
        return bounds

    def exact(self, index: Index) -> Float64:
        """Return the exact squared distances of some vectors; infinite while the set is empty."""
        size = len(self)
        for i in index[self._seen[index] < size]:
            self._refresh(int(i), size)
        return self._known[index]

    def closest(self, i: int) -> int:
        """Return the member nearest to vector ``i`` (its index), -1 while the set is empty."""
        self.exact(np.array([i], dtype=np.intp))
        member = int(self._closest[i])
        return self.indices[member] if member >= 0 else -1

    def add(self, index: Index) -> None:
        """Put vectors into the set, in this order."""
        for start in range(0, len(index), _PANEL):
            self._upper_bounds_fall(index[start : start + _PANEL])
        for i in index:
            self._join(int(i))

    def _upper_bounds_fall(self, index: Index) -> None:
        """Account for new members: the nearest of them, by float32 products, rounded up."""
        double = np.ascontiguousarray((self.vectors[index] * np.float32(-2.0)).T)
        shift = self._norms[index]
        if len(index) == 1:
            # One product over all rows: threads meet once a pick, not once a block.
            np.matmul(self.vectors, double[:, 0], out=self._products)
            self._products += shift[0]
        for start in range(0, len(self.vectors), _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            sq_dists = self._products[rows]
            if len(index) > 1:
                np.min(self.vectors[rows] @ double + shift, axis=1, out=sq_dists)
            sq_dists += self._norms[rows]
            np.minimum(self.upper[rows], sq_dists, out=self.upper[rows])

    def _rough(self, i: int, start: int, stop: int) -> tuple[Float64, Float64]:
        """Squared distances of vector ``i`` to members [start, stop), and how wrong they can be."""
        norms = self._member_norms[start:stop] + float(self._norms[i])
        sq_dists = norms - 2.0 * (self._members[start:stop] @ self.vectors[i])
        return sq_dists, 2 * self._slack * norms

    def _refresh(self, i: int, size: int) -> None:
        """Account for the members that vector ``i`` has not been compared with."""
        first = int(self._seen[i])
        rough, width = self._rough(i, first, size)
        maybe = np.flatnonzero(rough - width <= (rough + width).min()) + first
        sq_dists = exact_sq_dists(self._members[maybe], self.vectors[i])
        best = int(np.argmin(sq_dists))
        if sq_dists[best] < self._known[i]:
            self._known[i] = sq_dists[best]
            self._closest[i] = maybe[best]
            rounded = np.float32(sq_dists[best])
            up = np.nextafter(rounded, np.float32(np.inf)) if rounded < sq_dists[best] else rounded
            self.upper[i] = min(self.upper[i], up)
        self._seen[i] = size

    def _join(self, i: int) -> None:
        """Add one member and keep everyone's distance to its nearest other member."""
        size = len(self)
        self._grow(size + 1)
        own = float(self.exact(np.array([i], dtype=np.intp))[0])
        if size:
            rough, width = self._rough(i, 0, size)
            maybe = np.flatnonzero(rough - width <= self._apart[:size])
            closer = exact_sq_dists(self._members[maybe], self.vectors[i])
            for member, sq_dist in zip(maybe, closer, strict=True):
                if sq_dist < self._apart[member]:
                    self._change(int(member), float(sq_dist))
            self._total.add(own)
        self._apart[size] = own
        self._members[size] = self.vectors[i]
        self._member_norms[size] = self._norms[i]
        self.indices.append(i)

    def _change(self, member: int, sq_dist: float) -> None:
        before = self._apart[member]
        if np.isfinite(before):
            self._total.add(-float(before))
        self._total.add(float(sq_dist))
        self._apart[member] = sq_dist

    def _grow(self, size: int) -> None:
        if size > len(self._members):
            room = max(2 * len(self._members), size)
            self._members = _resized(self._members, room)
            self._member_norms = _resized(self._member_norms, room)
            self._apart = _resized(self._apart, room)


def _resized(array: npt.NDArray[Scalar], rows: int) -> npt.NDArray[Scalar]:
    larger = np.empty((rows, *array.shape[1:]), dtype=array.dtype)
    larger[: len(array)] = array
    return larger
