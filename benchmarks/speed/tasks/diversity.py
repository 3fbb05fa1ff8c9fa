"""DIVERSITY: greedy k-center from row 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.speed import judging
from benchmarks.speed.task import Problem, Quality, Shape, Task, checked_rows, vectors_problem

TOLERANCE = 2e-6
"""Squared distance by which a pick may lie below the best row and still count as exact."""


class Diversity(Task):
    """Pick the row farthest from everything picked so far; the first pick is row 0."""

    name = "diversity"

    def make(self, folder: Path, shape: Shape, kind: str, seed: int) -> Problem:
        return vectors_problem(self.name, folder, shape, kind, seed)

    def judge(self, problem: Problem, answer: npt.NDArray[Any]) -> Quality:
        vectors = problem.arrays()["vectors"]
        n, d = vectors.shape
        picked = checked_rows(answer, n, problem.parameters["n_samples"])
        rows = judging.draw(n, picked, len(picked), d)
        looks = [p for p in judging.positions(len(picked), len(rows)) if p]
        near = judging.falling(vectors, rows, vectors[picked], [*looks, len(picked)])
        falls = [judging.shortfall(near[i], rows, picked, p) for i, p in enumerate(looks)]
        return {
            "picks": len(picked),
            "first": int(picked[0]),
            "radius": float(np.sqrt(near[-1].max())),
            "mean_distance": float(np.sqrt(near[-1]).mean()),
            "violation": max(falls, default=0.0),
            "picks_checked": len(looks),
            "rows_checked": len(rows),
        }

    def complaints(self, quality: Quality) -> list[str]:
        found = []
        if quality["violation"] > TOLERANCE:
            found.append(f"a pick lies {quality['violation']:.2g} (squared) below the best row")
        if quality["first"]:
            found.append(f"the first pick is row {quality['first']}, not 0")
        return found

    def products(self, shape: Shape) -> float:
        return 2.0 * shape.n * shape.k * shape.d
