"""Groups of vectors that lie together, found by k-means, and how far apart groups are."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from selectlab import threads
from selectlab.nearest.space import Float32, Float64, Index, read, spread
from selectlab.neighbours import nearest

__all__ = ["gaps_to_others", "k_means"]

_FIT_FLOATS = 1 << 25
"""Numbers that groups are found among; of more, vectors evenly spread over the rows."""
_MOST_PRODUCTS = 2e9
"""Vectors times groups times dimensions above which small batches do instead of all vectors."""
_MOST_RUNS = 10
_ALL_RUNS = 1e8
"""The same product up to which the best of that many runs is taken."""
_BATCH_ROWS = 5000
_PART_ROWS = 4096
_LARGEST_POWER = 126
"""Of two, in float32."""


def k_means(vectors: Any, n_groups: int, seed: int) -> Index:
    """Return the group of each vector, (N,), numbered from 0 without gaps.

    The same under the same seed, whatever the number of threads and wherever the vectors lie.

    Args:
        vectors: (N, D) float32, an array or anything that gives rows by slice and by index.
        n_groups: Number of groups; there are fewer where there are fewer different vectors.
        seed: Of the draws that k-means begins with.

    Cost:
        Up to some hundred times O(N * K * D) for K groups; above ``N * K * D = 2e9`` in small
        batches, which takes less and is a little worse. At most 2**25 numbers are looked at to
        find the centres.

    Reference:
        Lloyd 1982; Arthur & Vassilvitskii 2007; Sculley 2010; by scikit-learn.

    Example:
        >>> line = np.array([[0.0], [0.1], [9.0]], dtype=np.float32)
        >>> first, second, third = k_means(line, 2, 0)
        >>> bool(first == second), bool(first == third)
        (True, False)
    """
    rows = spread(len(vectors), max(_FIT_FLOATS // vectors.shape[1], n_groups))
    centres = _centres(read(vectors, rows), min(n_groups, len(rows)), seed)
    _, group = nearest(vectors, centres)
    found: Index = np.unique(group, return_inverse=True)[1].reshape(-1)
    return found


def gaps_to_others(vectors: Any, group: Index) -> Float64:
    """Return the distance of each vector to the nearest one of another group, (N,).

    Args:
        vectors: (N, D) float32, an array or anything that gives rows by slice and by index.
        group: (N,) group of each, from 0.

    Returns:
        (N,), not squared; infinite where there is only one group.

    Cost:
        O(N * N * D) time, memory for the result and a few thousand vectors.

    Example:
        >>> line = np.array([[0.0], [1.0], [4.0]], dtype=np.float32)
        >>> gaps_to_others(line, np.array([0, 0, 1]))
        array([4., 3., 3.])
    """
    gaps = np.full(len(group), np.inf)
    for number in range(int(group.max()) + 1):
        own, others = np.flatnonzero(group == number), np.flatnonzero(group != number)
        for part in threads.cut(len(own), _PART_ROWS):
            query = read(vectors, own[part])
            for some in threads.cut(len(others), 4 * _PART_ROWS):
                rows = others[some]
                gaps[rows] = np.minimum(gaps[rows], nearest(read(vectors, rows), query)[0])
    return gaps


def _centres(values: Float32, n_groups: int, seed: int) -> Float32:
    """Return the centres of groups, by scikit-learn on one thread: sums depend on their order."""
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    scale = _power_of_two(float(np.abs(values).max(initial=0.0)))
    products = float(values.size) * n_groups
    options = {"n_clusters": n_groups, "random_state": abs(seed) % 2**32}
    if products <= _MOST_PRODUCTS:
        runs = _MOST_RUNS if products <= _ALL_RUNS else 1
        model = KMeans(n_init=runs, **options)
    else:
        model = MiniBatchKMeans(n_init=1, batch_size=_BATCH_ROWS, **options)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(values * np.float32(scale))
    centres: Float32 = (model.cluster_centers_ / scale).astype(np.float32)
    return centres


def _power_of_two(largest: float) -> float:
    """Return what brings numbers to about 1 without rounding, so that squares fit float32."""
    return 2.0 ** min(-math.frexp(largest)[1], _LARGEST_POWER) if largest > 0 else 1.0
