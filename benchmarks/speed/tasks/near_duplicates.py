"""Near-duplicate removal: DIVERSITY down to a minimum distance, over the whole pool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.speed import judging
from benchmarks.speed.task import Problem, Quality, Shape, Task, checked_rows, vectors_problem

MINIMUM_DISTANCE = 0.2
KEPT = 20
"""Of this many rows one is kept, about; see the kind of data ``frames``."""
TOLERANCE = 2e-6
_ROUNDING = 1e-7


class NearDuplicates(Task):
    """Pick the row farthest from everything picked until none is .2 or more away."""

    name = "near_duplicates"

    def make(self, folder: Path, shape: Shape, kind: str, seed: int) -> Problem:
        problem = vectors_problem(
            self.name, folder, shape, kind, seed, minimum_distance=MINIMUM_DISTANCE
        )
        everything = {**problem.parameters, "n_samples": problem.shape.n}
        shape = Shape(problem.shape.n, problem.shape.d, problem.shape.n)
        return Problem(problem.task, shape, problem.files, everything)

    def judge(self, problem: Problem, answer: npt.NDArray[Any]) -> Quality:
        vectors = problem.arrays()["vectors"]
        n, d = vectors.shape
        picked = checked_rows(answer, n, n)
        rows = judging.draw(n, picked, len(picked), d)
        looks = [p for p in judging.positions(len(picked), len(rows)) if p]
        near = judging.falling(vectors, rows, vectors[picked], [*looks, len(picked)])
        falls = [judging.shortfall(near[i], rows, picked, p) for i, p in enumerate(looks)]
        _, closest = judging.apart(vectors[picked], [len(picked)])
        return {
            "picks": len(picked),
            "closest_pair": float(np.sqrt(closest)) if np.isfinite(closest) else None,
            "radius": float(np.sqrt(near[-1].max())),
            "violation": max(falls, default=0.0),
            "picks_checked": len(looks),
            "rows_checked": len(rows),
        }

    def complaints(self, quality: Quality) -> list[str]:
        found = []
        closest = quality["closest_pair"]
        if closest is not None and closest < MINIMUM_DISTANCE - _ROUNDING:
            found.append(f"two kept rows are only {closest:.6g} apart")
        if quality["radius"] > MINIMUM_DISTANCE + _ROUNDING:
            found.append(f"a row {quality['radius']:.6g} from everything kept was left out")
        if quality["violation"] > TOLERANCE:
            found.append(f"a pick lies {quality['violation']:.2g} (squared) below the best row")
        return found

    def products(self, shape: Shape) -> float:
        return 2.0 * shape.n * (shape.n / KEPT) * shape.d

    def smaller(self, shape: Shape) -> Shape:
        n = max(shape.n // 10, 100)
        return Shape(n, shape.d, n)

    def warm_up(self, shape: Shape) -> Shape:
        n = min(shape.n, 600)
        return Shape(n, shape.d, n)
