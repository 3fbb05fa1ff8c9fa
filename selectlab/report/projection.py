"""Embeddings in two dimensions: principal components, or UMAP where it is installed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from selectlab.errors import ConfigError, MissingExtraError
from selectlab.neighbours import neighbours
from selectlab.report.charts import percent
from selectlab.report.evidence import part_of
from selectlab.types import FloatArray, Rows

Method = Literal["pca", "umap"]
METHODS: tuple[str, ...] = get_args(Method)

_MOST_FITTED, _FEWEST_FITTED = 20_000, 2_000
_MOST_FLOATS = 20_000_000
_SEED = 0
_NEIGHBOURS = 15


@dataclass(frozen=True)
class Projection:
    """Vectors in the plane.

    Attributes:
        x: (n,) first coordinate.
        y: (n,) second coordinate.
        x_title: What the first one is.
        y_title: What the second one is.
        told: How they came about, for the caption.
    """

    x: FloatArray
    y: FloatArray
    x_title: str
    y_title: str
    told: str


def check(method: str) -> None:
    """Refuse a method that is none, or not installed.

    Raises:
        ConfigError: There is no such method.
        MissingExtraError: It is not installed.
    """
    if method not in METHODS:
        raise ConfigError(f"projection: expected {' or '.join(METHODS)}, got {method!r}")
    if method == "umap":
        _umap()


def project(vectors: Any, shown: Rows, method: str) -> Projection:
    """Lay vectors out in the plane.

    Args:
        vectors: (N, D) float32, read by rows.
        shown: (n,) which are to be laid out.
        method: ``"pca"``, fitted on all vectors or a random part of many; ``"umap"``, fitted on
            what is shown.
    """
    if method == "umap" and len(shown) > _NEIGHBOURS:
        return _by_umap(np.asarray(vectors[shown], dtype=np.float32))
    return _by_pca(vectors, shown)


def _by_pca(vectors: Any, shown: Rows) -> Projection:
    from sklearn.decomposition import PCA

    n, dimension = vectors.shape
    most = min(_MOST_FITTED, max(_FEWEST_FITTED, _MOST_FLOATS // dimension))
    fitted = part_of(np.arange(n), most)
    sample = np.asarray(vectors[fitted], dtype=np.float64)
    n_axes = min(2, dimension, len(sample))
    axes = PCA(n_axes, random_state=_SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of vectors that are all the same
        axes.fit(sample)
    places = np.zeros((len(shown), 2))
    places[:, :n_axes] = axes.transform(np.asarray(vectors[shown], dtype=np.float64))
    shares = [*np.nan_to_num(axes.explained_variance_ratio_).tolist(), 0.0][:2]
    part = f", fitted on {len(fitted):,} of them drawn at random" if len(fitted) < n else ""
    x, y = (
        f"principal component {at}, {percent(share)} of the variance"
        for at, share in enumerate(shares, 1)
    )
    return Projection(
        places[:, 0],
        places[:, 1],
        x,
        y,
        f"Principal components (PCA) of {n:,} vectors of {dimension} dimensions{part}. They show "
        f"{percent(sum(shares))} of the variance: points that lie apart are different, points "
        "that lie together need not be alike.",
    )


def _by_umap(vectors: FloatArray) -> Projection:
    """Lay vectors out by UMAP.

    It is given the true neighbours: its own search only comes near them, and compiling that takes
    longer than all the rest.
    """
    dists, index = neighbours(vectors, vectors, _NEIGHBOURS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it could do with tensorflow, or in parallel
        umap = _umap()
        model = umap.UMAP(
            n_components=2,
            n_neighbors=_NEIGHBOURS,
            precomputed_knn=(index, dists.astype(np.float32)),
            force_approximation_algorithm=True,
            random_state=_SEED,
            n_jobs=1,
        )
        places = np.asarray(model.fit_transform(vectors), dtype=np.float64)
    return Projection(
        places[:, 0],
        places[:, 1],
        "UMAP 1",
        "UMAP 2",
        f"UMAP (seed {_SEED}) of the {len(vectors):,} points shown, of {vectors.shape[1]} "
        "dimensions each. Near points are alike; how far apart groups lie means little.",
    )


def _umap() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import umap
        except ImportError:
            raise MissingExtraError(
                "projection: umap-learn is not installed; pip install 'selectlab[umap]', or leave "
                "out --projection umap"
            ) from None
    return umap
