"""DIVERSITY + WEIGHTS + BALANCE: the product of three objectives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.speed import judging
from benchmarks.speed.task import Problem, Quality, Shape, Task, checked_rows, vectors_problem

N_CLASSES = 10
TOLERANCE = 2e-6
"""Log score by which a pick may lie below the best row and still count as exact."""
_TINY = 1e-300
_FLOOR = 1e-10


class Joint(Task):
    """Pick the row with the largest product of three objectives, all strengths 1.

    Squared distances to the nearest pick added up over the selection and the candidate; weights
    added up; and the inverse cross-entropy of equal shares of ten classes under the shares of
    the selection with the candidate.
    """

    name = "joint"

    def make(self, folder: Path, shape: Shape, kind: str, seed: int) -> Problem:
        problem = vectors_problem(self.name, folder, shape, kind, seed, n_classes=N_CLASSES)
        rng = np.random.default_rng([seed, 4])
        n = problem.shape.n
        # Classes of unequal frequency, weights that are never 0.
        shares = rng.dirichlet(np.full(N_CLASSES, 2.0))
        extra = {
            "weights": rng.uniform(0.05, 1.0, size=n),
            "codes": rng.choice(N_CLASSES, size=n, p=shares),
        }
        files = dict(problem.files)
        for name, values in extra.items():
            files[name] = folder / f"{name}.npy"
            np.save(files[name], values)
        return replace(problem, files=files)

    def judge(self, problem: Problem, answer: npt.NDArray[Any]) -> Quality:
        arrays = problem.arrays()
        vectors, weights, codes = arrays["vectors"], arrays["weights"], arrays["codes"]
        n, d = vectors.shape
        picked = checked_rows(answer, n, problem.parameters["n_samples"])
        rows = judging.draw(n, picked, len(picked), d)
        looks = judging.positions(len(picked), len(rows))
        near = judging.falling(vectors, rows, vectors[picked], [*looks, len(picked)])
        spread, _ = judging.apart(vectors[picked], [*looks, len(picked)])
        falls = []
        for i, p in enumerate(looks):
            scores = np.log(np.maximum(spread[i] + near[i], _TINY)) if p else np.zeros(len(rows))
            scores += np.log(weights[picked[:p]].sum() + weights[rows])
            scores -= np.log(cross_entropies(codes[picked[:p]])[codes[rows]])
            falls.append(judging.shortfall(scores, rows, picked, p))
        return {
            "picks": len(picked),
            "radius": float(np.sqrt(near[-1].max())),
            "spread": float(spread[-1]),
            "weight": float(weights[picked].sum()),
            "largest_share": float(np.bincount(codes[picked]).max() / len(picked)),
            "violation": max(falls),
            "picks_checked": len(looks),
            "rows_checked": len(rows),
        }

    def complaints(self, quality: Quality) -> list[str]:
        if quality["violation"] > TOLERANCE:
            return [f"a pick scores {quality['violation']:.2g} (log) below the best row"]
        return []

    def products(self, shape: Shape) -> float:
        return 2.0 * shape.n * shape.k * shape.d


def cross_entropies(selected: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the cross-entropy of equal shares once a row of each class joins, (K,)."""
    counts = np.bincount(selected, minlength=N_CLASSES) + np.eye(N_CLASSES)
    parts = np.maximum(counts / counts.sum(axis=1, keepdims=True), _FLOOR)
    entropies: npt.NDArray[np.float64] = np.maximum(-np.log(parts).mean(axis=1), _FLOOR)
    return entropies
