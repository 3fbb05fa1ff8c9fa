"""Covering radii: greedy's, the best possible one, and a bound of it that holds for any data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.spatial.distance import cdist, pdist

from benchmarks.case import Setting, Unit
from benchmarks.learning_curves.pools import Floats, vectors
from selectlab import Dataset, select
from selectlab.inputs import Embeddings
from selectlab.strategies import Diversity

PROTOCOL = (
    "Greedy k-center is the DIVERSITY strategy on raw vectors, its first pick the lowest row; "
    "random and the rows nearest to the mean of all (a trivial baseline) beside it. Radius "
    "(largest distance to the nearest pick) and mean distance are recomputed from the vectors in "
    "float64. On generated instances (uniform, clustered, on a line, on a grid with duplicates) "
    "and on subsets of 60 digits, the optimum is found exactly: the smallest distance at which an "
    "integer program covers all points with k balls. On all of digits and on 10,000 x 50 "
    "principal components of MNIST the optimum is bounded from below: of any k + 1 points two "
    "share a ball, so it is at least half the smallest distance between them."
)
METHODS = ("k_center", "random", "nearest_the_mean")
KS: dict[str, dict[str, tuple[int, ...]]] = {
    "small": {"digits": (10, 50)},
    "full": {"digits": (10, 50, 100, 200), "mnist": (10, 100, 500)},
}
N_ROWS = {"digits": 1_797, "mnist": 10_000}
N_MADE = {"small": 8, "full": 32}
N_SUBSETS = {"small": 2, "full": 6}
SUBSET_ROWS = 60


def units(setting: Setting) -> Sequence[Unit]:
    """Return a unit for each data and seed."""
    return [
        Unit(
            f"{data}-seed{seed}",
            {"data": data, "seed": seed},
            needs="mnist" if data == "mnist" else "",
        )
        for data in ("made", "digits_subsets", *KS[setting.size])
        for seed in setting.seeds
    ]


def measure(setting: Setting, unit: Unit) -> dict[str, Any]:
    """Return the radii of a unit: an instance each, or one for each number of centres."""
    data, seed = unit.parameters["data"], unit.parameters["seed"]
    if data == "made":
        rng = np.random.default_rng([seed, 20])
        return {
            "instances": [
                _instance(_made(rng, number), int(rng.integers(2, 7)), rng)
                for number in range(N_MADE[setting.size])
            ]
        }
    if data == "digits_subsets":
        x, _ = vectors("digits", setting.data, seed, N_ROWS["digits"])
        rng = np.random.default_rng([seed, 21])
        return {
            "instances": [
                _instance(x[rng.permutation(len(x))[:SUBSET_ROWS]], k, rng)
                for k in [(3, 6, 12)[i % 3] for i in range(N_SUBSETS[setting.size])]
            ]
        }
    x, known = vectors(data, setting.data, seed, N_ROWS[data])
    ks = [k for k in KS[setting.size][data] if k < len(x)]
    return {"known": known, "centres": _bounded(x, ks, seed)}


def greedy(x: Floats, n: int) -> list[int]:
    """Return the rows that DIVERSITY picks, in order."""
    ids = [f"{row:06d}" for row in range(len(x))]
    config = [(Embeddings(normalize=False), Diversity())]
    chosen = select(config, Dataset(ids, embeddings=x.astype(np.float32)), n_samples=n)
    return [int(sample_id) for sample_id in chosen.ids]


def to_nearest(x: Floats, picks: Sequence[int]) -> Floats:
    """Return the distance of each of (N, D) points to its nearest pick."""
    nearest: Floats = cdist(x, x[list(picks)]).min(axis=1)
    return nearest


def packing_bound(x: Floats, picks: Sequence[int]) -> float:
    """Return a lower bound of the best radius of ``len(picks) - 1`` centres: half the smallest
    distance between picks, because two of them share a ball.
    """
    return float(pdist(x[list(picks)]).min()) / 2


def best_radius(x: Floats, k: int) -> float:
    """Return the smallest radius at which k balls around points of ``x`` cover all of them.

    It is one of the pairwise distances, found by bisection; whether k balls of a radius are
    enough is decided by an integer program.
    """
    distances = cdist(x, x)
    radii = np.unique(distances)
    low, high = 0, len(radii) - 1
    while low < high:
        middle = (low + high) // 2
        if _centres_needed(distances <= radii[middle]) <= k:
            high = middle
        else:
            low = middle + 1
    return float(radii[low])


def _centres_needed(covers: npt.NDArray[np.bool_]) -> int:
    """Return how few rows cover all columns."""
    n = len(covers)
    found = milp(
        np.ones(n),
        integrality=np.ones(n, dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(covers.astype(np.float64), lb=1),
    )
    assert found.status == 0, found.message
    return round(found.fun)


def _made(rng: np.random.Generator, number: int) -> Floats:
    """Return 14 to 36 points of 1 to 4 dimensions, of four kinds in turn."""
    n, d = int(rng.integers(14, 37)), int(rng.integers(1, 5))
    kind = number % 4
    if kind == 0:
        x = rng.random((n, d))
    elif kind == 1:
        x = rng.normal(size=(5, d))[rng.integers(5, size=n)] + 0.1 * rng.normal(size=(n, d))
    elif kind == 2:
        x = np.outer(rng.random(n) ** 3, np.ones(d))
    else:
        x = rng.integers(0, 5, size=(n, max(d, 2))).astype(np.float64)
    return np.asarray(x, dtype=np.float32).astype(np.float64)


def _instance(x: Floats, k: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return the radius of each method on an instance, and the best one."""
    picks = {
        "k_center": greedy(x, k),
        "random": rng.permutation(len(x))[:k].tolist(),
        "nearest_the_mean": _by_the_mean(x)[:k],
    }
    radii = {method: float(to_nearest(x, rows).max()) for method, rows in picks.items()}
    return {"n": len(x), "k": k, "best": best_radius(x, k), **radii}


def _bounded(x: Floats, ks: Sequence[int], seed: int) -> list[dict[str, Any]]:
    """Return radius and mean distance of each method, and a bound of the best radius, per k."""
    orders = {
        "k_center": greedy(x, max(ks) + 1),
        "random": np.random.default_rng([seed, 22]).permutation(len(x)).tolist(),
        "nearest_the_mean": _by_the_mean(x),
    }
    found = []
    for k in ks:
        entry: dict[str, Any] = {"k": k, "bound": packing_bound(x, orders["k_center"][: k + 1])}
        for method, order in orders.items():
            distances = to_nearest(x, order[:k])
            entry[method] = {"radius": float(distances.max()), "mean": float(distances.mean())}
        found.append(entry)
    return found


def _by_the_mean(x: Floats) -> list[int]:
    away = ((x - x.mean(axis=0)) ** 2).sum(axis=1)
    return [int(row) for row in np.argsort(away, kind="stable")]
