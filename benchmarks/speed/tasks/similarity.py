"""SIMILARITY: the rows nearest to a query set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.speed import judging
from benchmarks.speed.data import write_vectors
from benchmarks.speed.task import Problem, Quality, Shape, Task, checked_rows, vectors_problem

N_QUERIES = 100
TOLERANCE = 1e-6
"""Distance by which a pick may lie beyond the best row and still count as exact."""


class Similarity(Task):
    """Find the distance of every row to the nearest of 100 queries; pick the nearest rows."""

    name = "similarity"

    def make(self, folder: Path, shape: Shape, kind: str, seed: int) -> Problem:
        problem = vectors_problem(self.name, folder, shape, kind, seed)
        path = folder / "query.npy"
        if kind == "mnist":
            vectors = problem.arrays()["vectors"]
            rows = np.random.default_rng([seed, 5]).choice(len(vectors), N_QUERIES, replace=False)
            rng = np.random.default_rng([seed, 6])
            noise = 1e-2 * rng.standard_normal((N_QUERIES, vectors.shape[1]), dtype=np.float32)
            np.save(path, (vectors[np.sort(rows)] + noise).astype(np.float32))
        else:
            write_vectors(path, kind, N_QUERIES, shape.d, seed + 1)
        return replace(problem, files={**problem.files, "query": path})

    def judge(self, problem: Problem, answer: npt.NDArray[Any]) -> Quality:
        arrays = problem.arrays()
        vectors, query = arrays["vectors"], arrays["query"]
        picked = checked_rows(answer, len(vectors), problem.parameters["n_samples"])
        sq_dists = judging.falling(vectors, np.arange(len(vectors)), query, [len(query)])[0]
        dists = np.sqrt(sq_dists)
        return {
            "picks": len(picked),
            "farthest": float(dists[picked].max()),
            "violation": judging.fixed_shortfall(-dists, picked),
            "rows_checked": len(vectors),
        }

    def complaints(self, quality: Quality) -> list[str]:
        if quality["violation"] > TOLERANCE:
            return [f"a pick lies {quality['violation']:.2g} farther than the nearest row"]
        return []

    def products(self, shape: Shape) -> float:
        return 2.0 * shape.n * N_QUERIES * shape.d
