"""TYPICALITY: the rows with the nearest neighbours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.speed import judging
from benchmarks.speed.task import Problem, Quality, Shape, Task, checked_rows, vectors_problem

N_NEIGHBOURS = 20
TOLERANCE = 1e-6
"""Typicality by which a pick may lie below the best row and still count as exact."""
_BLOCK_ROWS = 256


class Typicality(Task):
    """Pick the rows with the highest mean of exp(-d / mean d) over their 20 nearest others."""

    name = "typicality"

    def make(self, folder: Path, shape: Shape, kind: str, seed: int) -> Problem:
        return vectors_problem(self.name, folder, shape, kind, seed, n_neighbours=N_NEIGHBOURS)

    def judge(self, problem: Problem, answer: npt.NDArray[Any]) -> Quality:
        vectors = problem.arrays()["vectors"]
        picked = checked_rows(answer, len(vectors), problem.parameters["n_samples"])
        dists = neighbour_distances(vectors, N_NEIGHBOURS)
        values = np.exp(-dists / dists.mean()).mean(axis=1)
        return {
            "picks": len(picked),
            "lowest": float(values[picked].min()),
            "violation": judging.fixed_shortfall(values, picked),
            "rows_checked": len(vectors),
        }

    def complaints(self, quality: Quality) -> list[str]:
        if quality["violation"] > TOLERANCE:
            return [f"a pick is {quality['violation']:.2g} less typical than the best row"]
        return []

    def products(self, shape: Shape) -> float:
        return 2.0 * shape.n * shape.n * shape.d


def neighbour_distances(vectors: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.float64]:
    """Return distances to the ``k`` nearest other rows, (N, k), in no order."""
    wide = np.asarray(vectors, dtype=np.float64)
    norms = np.einsum("ij,ij->i", wide, wide)
    out = np.empty((len(wide), k))

    def work(start: int) -> None:
        part = slice(start, min(start + _BLOCK_ROWS, len(wide)))
        sq_dists = norms[part, None] + norms - 2.0 * (wide[part] @ wide.T)
        sq_dists[np.arange(len(sq_dists)), np.arange(part.start, part.stop)] = np.inf
        nearest = np.partition(sq_dists, k - 1, axis=1)[:, :k]
        out[part] = np.sqrt(np.maximum(nearest, 0.0))

    judging.in_threads(work, range(0, len(wide), _BLOCK_ROWS))
    return out
