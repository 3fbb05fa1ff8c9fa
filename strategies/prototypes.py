"""PROTOTYPES: the most typical sample of each cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from selectlab.groups import k_means
from selectlab.neighbours import other_neighbours
from selectlab.types import FloatArray, Kinds, Objective, Reason, Rows, Signal, Strategy, Vectors

__all__ = ["Prototypes"]

_MOST_NEIGHBOURS = 20


class Prototypes(Strategy):
    """Pick the most typical sample of each cluster, large clusters first (TypiClust).

    K-means cuts the pool, samples that are selected already included, into clusters. Each pick
    comes from the cluster with the fewest samples selected, among those from the largest, and is
    the one that is nearest to its neighbours there. For few labels; once a classifier is fair,
    uncertain samples are worth more.

    Attributes:
        strength: Exponent in the product of all strategies; negative turns the order around.
        num_clusters: Number of clusters; of the paper: as many as samples are selected before
            and in this run together, 500 at most. There are fewer where there are fewer
            different vectors.
        min_cluster_size: Clusters with fewer samples come after all others.
        random_seed: Seed of k-means.

    Objective:
        Number of clusters that come after the candidate's, plus its typicality, above 0 and at
        most 1: m / (m + d), d being its mean distance to its 20 nearest neighbours in the
        cluster (all, if there are fewer), and m the mean of these over the pool.

    Cost:
        K-means; O(n * n * D) for a cluster of n samples; O(N) per pick.

    Reference:
        Hacohen, Dekel & Weinshall, ICML 2022 (TypiClust).
        Differs from the source: typicality is taken once, among all samples of the cluster, not
        again among those not selected yet; clusters of at most 5 samples come last where the
        authors' program (as we recall it) leaves them out; the count of samples selected is
        followed where it goes round the clusters in the order of the start; equal samples tie.

    Example:
        >>> import numpy as np
        >>> from selectlab.types import Vectors
        >>> line = np.array([[0.0], [0.1], [0.3], [9.0], [9.1]], dtype=np.float32)
        >>> objective = Prototypes(num_clusters=2, min_cluster_size=1).start(Vectors(vectors=line))
        >>> int(objective.exact(np.arange(5)).argmax())
        1
        >>> objective.add(np.array([1]))
        >>> int(objective.exact(np.arange(5)).argmax())
        3
    """

    type: Literal["PROTOTYPES"] = "PROTOTYPES"
    accepts: ClassVar[Kinds] = (Vectors,)
    num_clusters: Annotated[int, Field(ge=1)]
    min_cluster_size: Annotated[int, Field(ge=1)] = 6
    random_seed: int = 0

    def start(self, signal: Signal) -> Objective:
        """Return the clusters and who is typical of them."""
        assert isinstance(signal, Vectors)
        cluster = k_means(signal.vectors, self.num_clusters, self.random_seed)
        return _Clusters(cluster, _typicality(signal, cluster), self.min_cluster_size)


class _Clusters(Objective):
    def __init__(self, cluster: Rows, typicality: FloatArray, min_size: int) -> None:
        self._cluster = cluster
        self._typicality = typicality
        self._sizes = np.bincount(cluster)
        self._small = self._sizes < min_size
        self._selected = np.zeros(len(self._sizes), dtype=np.intp)
        self._behind = self._count_behind()

    def exact(self, rows: Rows) -> FloatArray:
        values: FloatArray = self._behind[self._cluster[rows]] + self._typicality[rows]
        return values

    def add(self, rows: Rows) -> None:
        np.add.at(self._selected, self._cluster[rows], 1)
        self._behind = self._count_behind()

    def facts(self) -> Mapping[str, object]:
        return {
            "clusters": {
                "number": len(self._sizes),
                "largest": int(self._sizes.max()),
                "smallest": int(self._sizes.min()),
                "small": int(self._small.sum()),
                "without_selected": int((self._selected == 0).sum()),
            }
        }

    def reason(self, row: int) -> Reason:
        number = int(self._cluster[row])
        others = self._typicality[self._cluster == number]
        below = int((others < self._typicality[row]).sum())
        return Reason(
            f"more typical than {100 * below // len(others)} % of a cluster of {len(others)} "
            f"samples, {self._selected[number]} of them selected",
            value=float(self._typicality[row]),
        )

    def _count_behind(self) -> FloatArray:
        """Return how many clusters come after each; equal ones come together."""
        keys = np.stack([self._small, self._selected, -self._sizes], axis=1)
        _, place, times = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
        behind = len(keys) - np.cumsum(times)
        return behind[place.reshape(-1)].astype(np.float64)


def _typicality(signal: Vectors, cluster: Rows) -> FloatArray:
    """Return how near each sample is to its neighbours in the cluster, (N,), in (0, 1]."""
    dists = np.zeros(len(cluster))
    order = np.argsort(cluster, kind="stable")
    for members in np.split(order, np.cumsum(np.bincount(cluster))[:-1]):
        k = min(_MOST_NEIGHBOURS, len(members) - 1)
        if k:
            dists[members] = other_neighbours(signal.vectors[members], k).mean(axis=1)
    mean = float(dists.mean())
    return np.ones(len(dists)) if mean == 0 else mean / (mean + dists)
