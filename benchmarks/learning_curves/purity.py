"""The radius that ProbCover takes by purity, from its definition, and what its balls hold."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans

from benchmarks.learning_curves.pools import Floats

PURITY = 0.95
_BLOCK_ROWS = 500


def purity_radius(x: Floats, n_classes: int) -> dict[str, float]:
    """Return the largest radius at which 95 % of the balls hold one cluster only, and its effect.

    Clusters are those of k-means, as many as classes, and stand for the unknown classes (Yehuda
    et al. 2022). The ball of a sample is pure up to the distance of the nearest sample of another
    cluster, so the radius is a quantile of these distances.

    Returns:
        ``radius``; ``nearest``: median distance to the nearest other sample; ``held``: mean
        number of other samples in a ball; ``alone``: share of the balls that hold nobody else.
    """
    clusters = KMeans(n_classes, n_init=1, random_state=0).fit_predict(x)
    others, nearest = np.empty(len(x)), np.empty(len(x))
    for start in range(0, len(x), _BLOCK_ROWS):
        distances = _to_others(x, start)
        block = slice(start, start + len(distances))
        nearest[block] = distances.min(axis=1)
        alike = clusters[block, None] == clusters[None, :]
        others[block] = np.where(alike, np.inf, distances).min(axis=1)
    impure = int((1 - PURITY) * len(x))
    radius = float(np.nextafter(np.sort(others)[impure], 0))
    held = np.concatenate(
        [(_to_others(x, start) <= radius).sum(axis=1) for start in range(0, len(x), _BLOCK_ROWS)]
    )
    return {
        "radius": radius,
        "nearest": float(np.median(nearest)),
        "held": float(held.mean()),
        "alone": float((held == 0).mean()),
    }


def _to_others(x: Floats, start: int) -> Floats:
    """Return the distances of a block of rows to all, infinite to themselves."""
    distances: Floats = cdist(x[start : start + _BLOCK_ROWS], x)
    rows = np.arange(len(distances))
    distances[rows, start + rows] = np.inf
    return distances
