"""Campaigns: the rows that are near enough to any of a hundred seeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.speed import judging
from benchmarks.speed.task import Problem, Quality, Shape, Task, checked_rows, vectors_problem

N_SEEDS = 100
THRESHOLD = 0.5
TOLERANCE = 1e-5
"""Score by which a row may be on the wrong side of the threshold: that of float32."""
_SAMPLE = 20_000


class CampaignScoring(Task):
    """Find all rows that score 0.5 or more: ``1 - d / (2 r)``, d to the nearest of 100 seeds.

    Seeds are rows, a little moved. Each is its own cluster and all have one radius, such that
    about as many rows as the shape says have that score: so searches for nearest vectors can take
    part.

    Attributes:
        on_disk: Contestants get the path of the file.
    """

    name = "campaign_scoring"

    def __init__(self, *, on_disk: bool = False) -> None:
        self.on_disk = on_disk

    def make(self, folder: Path, shape: Shape, kind: str, seed: int) -> Problem:
        problem = vectors_problem(self.name, folder, shape, kind, seed)
        vectors = problem.arrays()["vectors"]
        rng = np.random.default_rng([seed, 5])
        rows = np.sort(rng.choice(len(vectors), min(N_SEEDS, len(vectors)), replace=False))
        moved = 1e-2 * rng.standard_normal((len(rows), vectors.shape[1]), dtype=np.float32)
        path = folder / "seeds.npy"
        np.save(path, (vectors[rows] + moved).astype(np.float32))
        sample = np.sort(rng.permutation(len(vectors))[:_SAMPLE])
        sq_dists = judging.falling(vectors, sample, np.load(path), [len(rows)])[0]
        radius = float(np.sqrt(np.quantile(sq_dists, problem.shape.k / problem.shape.n)))
        told: dict[str, Any] = {"radius": radius, "threshold": THRESHOLD}
        if self.on_disk:
            told["on_disk"] = ["vectors"]
        return replace(
            problem,
            files={**problem.files, "seeds": path},
            parameters={**problem.parameters, **told},
        )

    def judge(self, problem: Problem, answer: npt.NDArray[Any]) -> Quality:
        arrays, n = problem.arrays(), problem.shape.n
        found = checked_rows(answer, n, n)
        seeds, radius = arrays["seeds"], problem.parameters["radius"]
        sq_dists = judging.falling(arrays["vectors"], np.arange(n), seeds, [len(seeds)])[0]
        over = 1 - np.sqrt(sq_dists) / (2 * radius) - problem.parameters["threshold"]
        taken = np.zeros(n, dtype=np.bool_)
        taken[found] = True
        return {
            "picks": len(found),
            "farthest": float(np.sqrt(sq_dists[found].max())),
            "violation": float(max(over[~taken].max(initial=0.0), -over[taken].min(initial=0.0))),
            "rows_checked": n,
        }

    def complaints(self, quality: Quality) -> list[str]:
        if quality["violation"] > TOLERANCE:
            return [f"a row is on the wrong side of the threshold by {quality['violation']:.2g}"]
        return []

    def products(self, shape: Shape) -> float:
        return 2.0 * shape.n * N_SEEDS * shape.d
