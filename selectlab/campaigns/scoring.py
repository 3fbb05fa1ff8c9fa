"""How much vectors are like the seeds of a campaign: 1 on a centre, 0.5 on the radius of a cluster.

The score of a vector is the largest over the clusters of ``max(0, 1 - d / (2 r))``, d its distance
from the centre and r the radius. M vectors, D dimensions, C clusters, S seeds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from selectlab.campaigns.clusters import Clusters
from selectlab.campaigns.ratios import Ratios
from selectlab.errors import ConfigError, DataError
from selectlab.nearest.space import Float32, Float64, Index
from selectlab.neighbours import nearest


@dataclass(frozen=True)
class Reached:
    """The vectors that reach a threshold, k of them.

    Attributes:
        rows: (k,) which they are, ascending.
        scores: (k,) 0 to 1.
        cluster: (k,) the cluster that gives each its score.
    """

    rows: Index
    scores: Float64
    cluster: Index


def score(vectors: Any, clusters: Clusters) -> tuple[Float64, Index]:
    """Return the score of every vector, and the cluster that gives it.

    Args:
        vectors: (M, D) float32, finite; an array, or what gives rows by slice.
        clusters: Of the seeds.

    Returns:
        Scores (M,), 0 to 1, and clusters (M,): the one whose ``d / (2 r)`` is smallest, also
        where the score is 0; of equal ones the lowest. The same bits whatever the batches,
        threads and BLAS.

    Raises:
        DataError: The vectors have another dimension than the centres.

    Cost:
        O(M * C * D) time; memory for the result and a few tiles.

    Example:
        >>> clusters = Clusters.of(np.array([[0.0], [1.0], [9.0], [8.0]]))
        >>> score(np.array([[0.5], [1.25], [3.0], [8.875]], dtype=np.float32), clusters)
        (array([1.  , 0.5 , 0.  , 0.75]), array([0, 0, 0, 1]))
    """
    _check(vectors, clusters)
    found = Ratios(clusters).within(vectors, math.inf)
    return _scores(found.ratios), found.cluster


def above(vectors: Any, clusters: Clusters, threshold: float) -> Reached:
    """Return the vectors whose score is at least a threshold, with what :func:`score` says of them.

    Most vectors take part in one product in float32 only, whose proven bound tells that they
    cannot reach it.

    Args:
        vectors: (M, D) float32, finite; an array, or what gives rows by slice.
        clusters: Of the seeds.
        threshold: 0 to 1, inclusive.

    Raises:
        ConfigError: The threshold is not between 0 and 1.
        DataError: The vectors have another dimension than the centres.

    Example:
        >>> clusters = Clusters.of(np.array([[0.0], [1.0], [9.0], [8.0]]))
        >>> above(np.array([[0.5], [1.25], [3.0]], dtype=np.float32), clusters, 0.5)
        Reached(rows=array([0, 1]), scores=array([1. , 0.5]), cluster=array([0, 0]))
    """
    if not 0 <= threshold <= 1:
        raise ConfigError(f"threshold: expected a number from 0 to 1, got {threshold}")
    _check(vectors, clusters)
    limit = 1 - threshold + 2.0**-50 if threshold > 0 else math.inf
    found = Ratios(clusters).within(vectors, limit)
    scores = _scores(found.ratios)
    enough = np.flatnonzero(scores >= threshold)
    return Reached(found.rows[enough], scores[enough], found.cluster[enough])


def nearest_seeds(vectors: Float32, seeds: Float32, clusters: Clusters, cluster: Index) -> Index:
    """Return for each vector the nearest seed of the cluster that it was given, (M,).

    Args:
        vectors: (M, D) float32.
        seeds: (S, D) float32, what the clusters were made of.
        clusters: Theirs.
        cluster: (M,) the cluster of each vector.

    Returns:
        Indices into ``seeds``, ties to the lowest.
    """
    found = np.empty(len(vectors), dtype=np.intp)
    for number in np.unique(cluster):
        rows, members = np.flatnonzero(cluster == number), np.flatnonzero(clusters.labels == number)
        _, index = nearest(vectors[rows], seeds[members])
        found[rows] = members[index]
    return found


def _scores(ratios: Float64) -> Float64:
    return np.maximum(0.0, 1.0 - ratios)


def _check(vectors: Any, clusters: Clusters) -> None:
    dimension = clusters.centres.shape[1]
    if len(vectors.shape) != 2 or vectors.shape[1] != dimension:
        raise DataError(
            f"vectors: expected {dimension} dimensions, as the seeds have, got shape "
            f"{tuple(vectors.shape)}"
        )
