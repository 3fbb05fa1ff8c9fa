"""selectlab itself: ``selectlab.rank`` on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

NAME = "selectlab"
WHAT = "selectlab.rank"
REQUIREMENTS: tuple[str, ...] = ()
PACKAGES = ("selectlab", "numpy", "scipy", "scikit-learn", "torch")


def diversity(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from selectlab import rank
    from selectlab.strategies import Diversity
    from selectlab.types import Vectors

    parts = [(Vectors(vectors=arrays["vectors"]), Diversity())]
    return _told(rank(parts, parameters["n_samples"]))


def joint(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from selectlab import rank
    from selectlab.strategies import Balance, Diversity, Weights
    from selectlab.types import Categories, Scalars, Vectors

    names = tuple(f"class{i}" for i in range(parameters["n_classes"]))
    target = dict.fromkeys(names, 1 / len(names))
    parts = [
        (Vectors(vectors=arrays["vectors"]), Diversity()),
        (Scalars(values=arrays["weights"]), Weights()),
        (Categories(codes=arrays["codes"], names=names), Balance(target=target)),
    ]
    return _told(rank(parts, parameters["n_samples"]))


def similarity(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from selectlab import rank
    from selectlab.strategies import Similarity
    from selectlab.types import Vectors

    signal = Vectors(vectors=arrays["vectors"], query=arrays["query"])
    return _told(rank([(signal, Similarity())], parameters["n_samples"]))


def typicality(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from selectlab import rank
    from selectlab.strategies import Typicality
    from selectlab.types import Vectors

    strategy = Typicality(num_nearest_neighbors=parameters["n_neighbours"])
    return _told(rank([(Vectors(vectors=arrays["vectors"]), strategy)], parameters["n_samples"]))


def near_duplicates(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from selectlab import rank
    from selectlab.strategies import Diversity
    from selectlab.types import Vectors

    strategy = Diversity(stopping_condition_minimum_distance=parameters["minimum_distance"])
    return _told(rank([(Vectors(vectors=arrays["vectors"]), strategy)], parameters["n_samples"]))


def object_diversity(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from selectlab import rank
    from selectlab.strategies import Diversity
    from selectlab.types import Objects

    signal = Objects(vectors=arrays["vectors"], offsets=arrays["offsets"])
    return _told(rank([(signal, Diversity())], parameters["n_samples"]))


def from_disk(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from selectlab import rank
    from selectlab.strategies import Diversity
    from selectlab.types import Vectors

    signal = Vectors(vectors=_stored(arrays["vectors"]))
    return _told(rank([(signal, Diversity())], parameters["n_samples"]))


def campaign_scoring(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from selectlab.campaigns.clusters import Clusters
    from selectlab.campaigns.scoring import above

    vectors, seeds = arrays["vectors"], arrays["seeds"]
    if isinstance(vectors, str):
        vectors = _stored(vectors)
    radii = np.full(len(seeds), parameters["radius"])
    clusters = Clusters(seeds.astype(np.float64), radii, np.arange(len(seeds)))
    return above(vectors, clusters, parameters["threshold"]).rows


def _stored(path: str) -> Any:
    """Return the vectors of a file, read and not mapped."""
    from selectlab.row_files import RowFile
    from selectlab.stored import StoredVectors

    header = np.load(path, mmap_mode="r")
    return StoredVectors(RowFile.open(path, path, header.offset, header.shape, header.dtype))


def _told(ranking: Any) -> tuple[Any, dict[str, Any]]:
    """Return the rows, and how they were found."""
    return ranking.rows, dict(ranking.engine)
