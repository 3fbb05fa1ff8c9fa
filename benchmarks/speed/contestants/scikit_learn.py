"""scikit-learn's exact neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

NAME = "scikit-learn"
WHAT = "scikit-learn: pairwise_distances_argmin_min (SIMILARITY), NearestNeighbors (TYPICALITY)"
REQUIREMENTS: tuple[str, ...] = ()
PACKAGES = ("scikit-learn", "numpy")


def similarity(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from sklearn.metrics import pairwise_distances_argmin_min

    near = pairwise_distances_argmin_min(arrays["vectors"], arrays["query"])[1]
    top = np.argpartition(near, parameters["n_samples"] - 1)[: parameters["n_samples"]]
    return top[np.argsort(near[top], kind="stable")]


def typicality(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from sklearn.neighbors import NearestNeighbors

    finder = NearestNeighbors(n_neighbors=parameters["n_neighbours"], algorithm="brute")
    dists = finder.fit(arrays["vectors"]).kneighbors()[0]
    values = np.exp(-dists / dists.mean()).mean(axis=1)
    top = np.argpartition(-values, parameters["n_samples"] - 1)[: parameters["n_samples"]]
    return top[np.argsort(-values[top], kind="stable")]
