"""numpy, written plainly but well: one matrix-vector product a pick, all buffers reused.

How many threads BLAS gets is tried out before the clock starts.
"""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

NAME = "numpy"
WHAT = "numpy: one product a pick (DIVERSITY), one product and one score a pick (joint)"
REQUIREMENTS: tuple[str, ...] = ()
PACKAGES = ("numpy",)

_TILE = 4096


class _Nearest:
    """Squared distance of every row to the nearest pick."""

    def __init__(self, vectors: Any) -> None:
        self.vectors = vectors
        self.norms = np.einsum("ij,ij->i", vectors, vectors)
        self.near = np.full(len(vectors), np.inf, dtype=np.float32)
        self._products = np.empty(len(vectors), dtype=np.float32)

    def add(self, row: Any) -> None:
        np.matmul(self.vectors, np.float32(-2.0) * self.vectors[row], out=self._products)
        self._products += self.norms
        self._products += self.norms[row]
        np.minimum(self.near, self._products, out=self.near)


def diversity(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    state = _Nearest(arrays["vectors"])
    rows = np.zeros(parameters["n_samples"], dtype=np.intp)
    for i in range(1, len(rows)):
        state.add(rows[i - 1])
        state.near[rows[i - 1]] = -np.inf
        rows[i] = state.near.argmax()
    return rows


def near_duplicates(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    state = _Nearest(arrays["vectors"])
    rows, limit = [0], parameters["minimum_distance"] ** 2
    while len(rows) < parameters["n_samples"]:
        state.add(rows[-1])
        state.near[rows[-1]] = -np.inf
        best = int(state.near.argmax())
        if state.near[best] < limit:
            break
        rows.append(best)
    return np.array(rows)


def joint(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    vectors, weights, codes = arrays["vectors"], arrays["weights"], arrays["codes"]
    k, n_classes = parameters["n_samples"], parameters["n_classes"]
    state = _Nearest(vectors)
    rows = np.zeros(k, dtype=np.intp)
    apart = np.full(k, np.inf)
    counts, weight = np.zeros(n_classes), 0.0
    score, term = np.empty(len(vectors)), np.empty(len(vectors))
    open_rows = np.zeros(len(vectors))
    for i in range(k):
        parts = counts + np.eye(n_classes)
        parts /= parts.sum(axis=1, keepdims=True)
        balance = -np.log(-np.log(np.maximum(parts, 1e-10)).mean(axis=1))
        np.add(weights, weight, out=score)
        if i:
            spread = apart[:i].sum() if i > 1 else 0.0
            np.add(state.near, spread, out=term)
            np.maximum(term, 1e-300, out=term)
            score *= term
        np.log(score, out=score)
        score += np.take(balance, codes, out=term)
        score += open_rows
        row = rows[i] = score.argmax()
        open_rows[row] = -np.inf
        gaps = state.norms[rows[:i]] + state.norms[row] - 2 * (vectors[rows[:i]] @ vectors[row])
        np.minimum(apart[:i], gaps, out=apart[:i])
        apart[i] = gaps.min(initial=np.inf)
        state.add(row)
        counts[codes[row]] += 1
        weight += weights[row]
    return rows


def similarity(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    vectors, query = arrays["vectors"], arrays["query"]
    double = np.ascontiguousarray(np.float32(-2.0) * query.T)
    norms = np.einsum("ij,ij->i", query, query)
    near = np.empty(len(vectors), dtype=np.float32)
    products = np.empty((_TILE, len(query)), dtype=np.float32)
    for start in range(0, len(vectors), _TILE):
        tile = vectors[start : start + _TILE]
        out = np.matmul(tile, double, out=products[: len(tile)])
        out += norms
        np.min(out, axis=1, out=near[start : start + _TILE])
    near += np.einsum("ij,ij->i", vectors, vectors)
    return lowest(near, parameters["n_samples"])


def campaign_scoring(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    vectors, seeds = arrays["vectors"], arrays["seeds"]
    if isinstance(vectors, str):
        vectors = np.load(vectors, mmap_mode="r")
    double = np.ascontiguousarray(np.float32(-2.0) * seeds.T)
    norms = np.einsum("ij,ij->i", seeds, seeds)
    limit = (2 * parameters["radius"] * (1 - parameters["threshold"])) ** 2
    products = np.empty((_TILE, len(seeds)), dtype=np.float32)
    found = []
    for start in range(0, len(vectors), _TILE):
        tile = vectors[start : start + _TILE]
        out = np.matmul(tile, double, out=products[: len(tile)])
        out += norms
        near = out.min(axis=1)
        near += np.einsum("ij,ij->i", tile, tile)
        found.append(start + np.flatnonzero(near <= limit))
    return np.concatenate(found)


def typicality(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    vectors, k = arrays["vectors"], parameters["n_neighbours"]
    norms = np.einsum("ij,ij->i", vectors, vectors)
    dists = np.empty((len(vectors), k), dtype=np.float32)
    for start in range(0, len(vectors), 1024):
        stop = min(start + 1024, len(vectors))
        sq_dists = vectors[start:stop] @ (np.float32(-2.0) * vectors.T)
        sq_dists += norms
        sq_dists += norms[start:stop, None]
        sq_dists[np.arange(stop - start), np.arange(start, stop)] = np.inf
        nearest = np.partition(sq_dists, k - 1, axis=1)[:, :k]
        np.sqrt(np.maximum(nearest, 0), out=dists[start:stop])
    return lowest(-np.exp(-dists / dists.mean()).mean(axis=1), parameters["n_samples"])


def object_diversity(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    vectors, offsets = arrays["vectors"], arrays["offsets"]
    counts = np.diff(offsets)
    norms = np.einsum("ij,ij->i", vectors, vectors)
    near = np.full(len(vectors), np.inf, dtype=np.float32)
    picked = np.zeros(len(counts), dtype=np.bool_)
    rows = np.zeros(parameters["n_samples"], dtype=np.intp)
    for i in range(len(rows)):
        if i:
            means = np.add.reduceat(near, offsets[:-1]) / counts
            means[picked] = -np.inf
            rows[i] = means.argmax()
        picked[rows[i]] = True
        mine = slice(offsets[rows[i]], offsets[rows[i] + 1])
        double = np.ascontiguousarray(np.float32(-2.0) * vectors[mine].T)
        for start in range(0, len(vectors), 65536):
            tile = slice(start, start + 65536)
            products = vectors[tile] @ double
            products += norms[mine]
            closest = products.min(axis=1)
            closest += norms[tile]
            np.minimum(near[tile], closest, out=near[tile])
        np.maximum(near, 0, out=near)
    return rows


def _at_its_best(arrays: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """Let BLAS have one thread or all, whichever is faster at products with one vector."""
    from threadpoolctl import threadpool_limits

    vectors = arrays["vectors"]
    out = np.empty(len(vectors), dtype=np.float32)

    def seconds(threads: int) -> float:
        with threadpool_limits(threads, user_api="blas"):
            taken = []
            for _ in range(5):
                start = time.perf_counter()
                np.matmul(vectors, vectors[0], out=out)
                taken.append(time.perf_counter() - start)
            return sorted(taken)[2]

    threadpool_limits(min((1, os.cpu_count() or 1), key=seconds), user_api="blas")
    return arrays


prepared_diversity = prepared_near_duplicates = prepared_joint = _at_its_best


def lowest(values: Any, k: int) -> Any:
    """Return the rows with the lowest values, best first."""
    top = np.argpartition(values, k - 1)[:k]
    return top[np.argsort(values[top], kind="stable")]
