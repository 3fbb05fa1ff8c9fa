"""Euclidean distances, fast where many are needed and exact where one decides.

Products in float32 give every distance with a proven error bound; whatever the bound leaves
open is computed from differences in float64. So ranking and thresholds see exact values while
nearly all work runs as matrix products. M vectors, D dimensions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from selectlab import resources
from selectlab.device_nearest import DeviceNearest
from selectlab.nearest_selected import NearestSelected
from selectlab.products import Float32, Float64, Index, exact_sq_dists
from selectlab.sharded import ShardedVectors
from selectlab.sharded_nearest import ShardedNearest

__all__ = [
    "NearestSelected",
    "exact_sq_dists",
    "nearest",
    "nearest_selected",
    "neighbours",
    "other_neighbours",
]


def nearest_selected(vectors: Any) -> NearestSelected:
    """Return the distances of vectors to a set that is empty yet, where the run works them out.

    Args:
        vectors: (M, D) float32: an array, or vectors in a file or held by workers.
    """
    if isinstance(vectors, ShardedVectors):
        return ShardedNearest(vectors)
    device = resources.current().device
    return NearestSelected(vectors) if device == "cpu" else DeviceNearest(vectors, device)


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
