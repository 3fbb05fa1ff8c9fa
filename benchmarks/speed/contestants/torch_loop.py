"""torch on the CPU, written plainly but well: one matrix-vector product a pick.

How many threads it gets is tried out before the clock starts.
"""

from __future__ import annotations

import os
import time
from typing import Any

NAME = "torch"
WHAT = "torch on the CPU: one product a pick (DIVERSITY), one product and one score a pick (joint)"
REQUIREMENTS: tuple[str, ...] = ()
PACKAGES = ("torch", "numpy")


def diversity(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    import torch

    vectors = torch.from_numpy(arrays["vectors"])
    norms = torch.linalg.vecdot(vectors, vectors)
    near = torch.full((len(vectors),), torch.inf)
    products = torch.empty(len(vectors))
    rows = torch.zeros(parameters["n_samples"], dtype=torch.int64)
    for i in range(1, len(rows)):
        row = rows[i - 1]
        torch.mv(vectors, vectors[row].mul(-2.0), out=products)
        products.add_(norms).add_(norms[row])
        torch.minimum(near, products, out=near)
        near[row] = -torch.inf
        rows[i] = near.argmax()
    return rows.numpy()


def joint(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    import torch

    vectors, weights, codes = (torch.from_numpy(arrays[n]) for n in ("vectors", "weights", "codes"))
    k, n_classes = parameters["n_samples"], parameters["n_classes"]
    norms = torch.linalg.vecdot(vectors, vectors)
    near = torch.full((len(vectors),), torch.inf)
    products = torch.empty(len(vectors))
    apart = torch.full((k,), torch.inf, dtype=torch.float64)
    rows = torch.zeros(k, dtype=torch.int64)
    counts = torch.zeros(n_classes, dtype=torch.float64)
    weight, blocked = 0.0, torch.zeros(len(vectors), dtype=torch.float64)
    for i in range(k):
        parts = counts + torch.eye(n_classes, dtype=torch.float64)
        parts /= parts.sum(dim=1, keepdim=True)
        balance = -torch.log(-torch.log(parts.clamp(min=1e-10)).mean(dim=1))
        score = weights + weight
        if i:
            spread = apart[:i].sum() if i > 1 else 0.0
            score.mul_(near.double().add_(spread).clamp_(min=1e-300))
        score.log_().add_(balance[codes]).add_(blocked)
        row = rows[i] = score.argmax()
        blocked[row] = -torch.inf
        gaps = norms[rows[:i]] + norms[row] - 2 * torch.mv(vectors[rows[:i]], vectors[row])
        apart[:i] = torch.minimum(apart[:i], gaps.double())
        apart[i] = gaps.min() if i else torch.inf
        torch.mv(vectors, vectors[row].mul(-2.0), out=products)
        products.add_(norms).add_(norms[row])
        torch.minimum(near, products, out=near)
        counts[codes[row]] += 1
        weight += float(weights[row])
    return rows.numpy()


def similarity(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    import torch

    vectors, query = torch.from_numpy(arrays["vectors"]), torch.from_numpy(arrays["query"])
    double = query.mul(-2.0).T.contiguous()
    norms = torch.linalg.vecdot(query, query)
    near = torch.empty(len(vectors))
    for start in range(0, len(vectors), 8192):
        tile = vectors[start : start + 8192]
        near[start : start + 8192] = torch.addmm(norms, tile, double).amin(dim=1)
    near += torch.linalg.vecdot(vectors, vectors)
    return torch.topk(near, parameters["n_samples"], largest=False).indices.numpy()


def typicality(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    import torch

    vectors, k = torch.from_numpy(arrays["vectors"]), parameters["n_neighbours"]
    norms = torch.linalg.vecdot(vectors, vectors)
    dists = torch.empty(len(vectors), k)
    for start in range(0, len(vectors), 1024):
        tile = slice(start, start + 1024)
        sq_dists = torch.addmm(norms, vectors[tile], vectors.T, alpha=-2.0)
        sq_dists += norms[tile, None]
        sq_dists[torch.arange(len(sq_dists)), torch.arange(start, start + len(sq_dists))] = (
            torch.inf
        )
        nearest = torch.topk(sq_dists, k, dim=1, largest=False, sorted=False).values
        dists[tile] = nearest.clamp_(min=0).sqrt_()
    values = torch.exp(-dists / dists.mean()).mean(dim=1)
    return torch.topk(values, parameters["n_samples"]).indices.numpy()


def _at_its_best(arrays: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """Let torch have one thread or all, whichever is faster at products with one vector."""
    import torch

    vectors = torch.from_numpy(arrays["vectors"])
    out = torch.empty(len(vectors))

    def seconds(threads: int) -> float:
        torch.set_num_threads(threads)
        taken = []
        for _ in range(5):
            start = time.perf_counter()
            torch.mv(vectors, vectors[0], out=out)
            taken.append(time.perf_counter() - start)
        return sorted(taken)[2]

    torch.set_num_threads(min((1, os.cpu_count() or 1), key=seconds))
    return arrays


prepared_diversity = prepared_joint = _at_its_best
