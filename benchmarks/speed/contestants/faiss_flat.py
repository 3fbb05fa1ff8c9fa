"""faiss, flat indexes: exact neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

NAME = "faiss flat"
WHAT = "faiss IndexFlatL2, built inside the clock, then the best rows"
REQUIREMENTS = (
    "faiss-cpu==1.15.1",
    "numpy==2.2.6; python_version < '3.11'",
    "numpy==2.4.6; python_version >= '3.11'",
)
PACKAGES = ("faiss-cpu", "numpy")

_BLOCK_ROWS = 65_536


def similarity(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    import faiss

    index = faiss.IndexFlatL2(arrays["query"].shape[1])
    index.add(arrays["query"])
    near = index.search(arrays["vectors"], 1)[0][:, 0]
    top = np.argpartition(near, parameters["n_samples"] - 1)[: parameters["n_samples"]]
    return top[np.argsort(near[top], kind="stable")]


def campaign_scoring(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    import faiss

    vectors, seeds = arrays["vectors"], arrays["seeds"]
    if isinstance(vectors, str):
        vectors = np.load(vectors, mmap_mode="r")
    index = faiss.IndexFlatL2(seeds.shape[1])
    index.add(seeds)
    limit = (2 * parameters["radius"] * (1 - parameters["threshold"])) ** 2
    found = []
    for start in range(0, len(vectors), _BLOCK_ROWS):
        near = index.search(vectors[start : start + _BLOCK_ROWS], 1)[0][:, 0]
        found.append(start + np.flatnonzero(near <= limit))
    return np.concatenate(found)


def typicality(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    import faiss

    vectors, k = arrays["vectors"], parameters["n_neighbours"]
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    sq_dists, found = index.search(vectors, k + 1)
    own = found == np.arange(len(vectors))[:, None]
    own[~own.any(axis=1), 0] = True
    dists = np.sqrt(np.maximum(sq_dists[~own].reshape(-1, k), 0))
    values = np.exp(-dists / dists.mean()).mean(axis=1)
    top = np.argpartition(-values, parameters["n_samples"] - 1)[: parameters["n_samples"]]
    return top[np.argsort(-values[top], kind="stable")]
