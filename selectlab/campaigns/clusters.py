"""Seeds in clusters, each with a centre and a radius: how far "like these" reaches.

S seeds, U different ones among them, D dimensions, C clusters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from selectlab.errors import DataError
from selectlab.nearest.space import Float32, Float64, Index, spread, sq_dists
from selectlab.neighbours import nearest

COPIES = 0.1
"""Seeds closer than this share of the spread of all are copies: together they count as one."""
NEAR_SHARE = 0.1
"""The scale is the distance to the nearest tenth of the other seeds."""
FLOOR = 0.75
"""The least radius, as a share of the scale."""
LONE = 0.5
"""The radius of a single seed, as a share of its length."""
ROUNDING = 1e-3
"""The least radius of all, as a share of the length of a seed: an image embedded again, on another
machine, comes out that near."""

_MOST_LINKED = 2000


@dataclass(frozen=True, eq=False)
class Clusters:
    """Seeds that are near each other, taken together.

    Attributes:
        centres: (C, D) float64, means of the different seeds in each.
        radii: (C,) float64, above 0: distance from the centre to the farthest seed, or the floor.
        labels: (S,) the cluster of each seed.
    """

    centres: Float64
    radii: Float64
    labels: Index

    def __len__(self) -> int:
        return len(self.radii)

    @classmethod
    def of(cls, vectors: npt.NDArray[np.floating]) -> Clusters:
        """Cluster seeds: complete linkage, cut where clusters get wider than the seeds are apart.

        The scale is the median over the seeds of the distance to the nearest tenth of the other
        ones, at least to one; seeds that are copies of each other, closer than a tenth of the
        spread of all (root mean square distance from their mean), count as one in that. No
        cluster is wider than the scale. Its radius reaches to the farthest of its seeds, and at
        least three quarters of the scale: single seeds and tight clusters reach as far as the
        others. A single seed, or many identical ones, tell no scale: the radius is half the
        length of the vector (a cosine of 0.875 at unit length; 0.5 for a vector of zeros).

        Of more than 2,000 different seeds, 2,000 spread over their sorted order are clustered
        first; those out of reach of all clusters so made are clustered next, and so on.

        Args:
            vectors: (S, D), S >= 1, finite.

        Returns:
            The same clusters, in the same order, whatever the order of the seeds; identical
            seeds change nothing.

        Raises:
            DataError: There is no seed, or one is not finite.

        Cost:
            O(U * U * D) time up to 2,000 seeds, O(U * (C + 2,000) * D) beyond.

        Example:
            >>> found = Clusters.of(np.array([[0.0], [1.0], [9.0], [8.0]]))
            >>> found.centres.ravel(), found.radii, found.labels
            (array([0.5, 8.5]), array([0.75, 0.75]), array([0, 0, 1, 1]))
        """
        given = np.asarray(vectors, dtype=np.float32)
        if given.ndim != 2 or not len(given):
            raise DataError(f"seeds: expected at least one vector, got shape {given.shape}")
        if not np.isfinite(given).all():
            raise DataError("seeds: a vector has NaN or infinity in it")
        seeds, which = np.unique(given + np.float32(0.0), axis=0, return_inverse=True)
        labels, floor = _labels(seeds)
        centres, radii = _balls(seeds, labels)
        return cls(centres, np.maximum(radii, floor), labels[which.reshape(-1)])


def _labels(seeds: Float32) -> tuple[Index, float]:
    """Return the cluster of each of some different, sorted seeds, and the least radius."""
    length = float(np.sqrt(sq_dists(seeds.astype(np.float64)).mean()))
    if len(seeds) == 1:
        return np.zeros(1, dtype=np.intp), LONE * (length or 1.0)
    sample = seeds[spread(len(seeds), _MOST_LINKED)]
    width, scale = _scale(sample)
    floor = max(FLOOR * scale, ROUNDING * length)
    return _numbered(_reached(seeds, width, floor)), floor


def _reached(seeds: Float32, width: float, reach: float) -> Index:
    """Return clusters no wider than ``width``, or than 2 ``reach`` when there are many seeds."""
    labels = np.full(len(seeds), -1, dtype=np.intp)
    left, n_clusters = np.arange(len(seeds)), 0
    while len(left):
        linked = spread(len(left), _MOST_LINKED)
        found = _linked(seeds[left[linked]], width)
        labels[left[linked]] = n_clusters + found
        rest = np.delete(left, linked)
        centres, _ = _balls(seeds[left[linked]], found)
        if len(rest):
            dists, index = nearest(seeds[rest], centres.astype(np.float32))
            near = dists <= reach
            labels[rest[near]] = n_clusters + index[near]
            rest = rest[~near]
        n_clusters += len(centres)
        left = rest
    return labels


def _linked(seeds: Float32, width: float) -> Index:
    """Return the clusters of complete linkage that are no wider than ``width``, from 0."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    if len(seeds) == 1:
        return np.zeros(1, dtype=np.intp)
    tree = linkage(pdist(seeds.astype(np.float64)), "complete")
    found: Index = fcluster(tree, width, "distance").astype(np.intp) - 1
    return found


def _scale(seeds: Float32) -> tuple[float, float]:
    """Return how wide clusters may be, and how far apart the seeds are, copies counted once."""
    from scipy.spatial.distance import pdist, squareform

    values = seeds.astype(np.float64)
    copies = COPIES * float(np.sqrt(sq_dists(values - values.mean(axis=0)).mean()))
    means, _ = _balls(seeds, _linked(seeds, copies))
    dists = squareform(pdist(means))
    place = max(1, -(-len(means) // round(1 / NEAR_SHARE)))
    place = min(place, len(means) - 1)  # in a sorted row, the seed itself comes first
    scale = float(np.median(np.partition(dists, place, axis=1)[:, place]))
    return max(scale, copies), scale


def _balls(seeds: Float32, labels: Index) -> tuple[Float64, Float64]:
    """Return the mean of each cluster, (C, D), and the distance to its farthest member, (C,)."""
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    starts = np.cumsum(counts) - counts
    values = seeds[order].astype(np.float64)
    centres: Float64 = np.add.reduceat(values, starts, axis=0) / counts[:, None]
    single = counts == 1
    centres[single] = values[starts[single]]
    dists = np.sqrt(sq_dists(values - np.repeat(centres, counts, axis=0)))
    return centres, np.maximum.reduceat(dists, starts)


def _numbered(labels: Index) -> Index:
    """Return labels in the order in which they first occur."""
    _, first, which = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[which.reshape(-1)]
