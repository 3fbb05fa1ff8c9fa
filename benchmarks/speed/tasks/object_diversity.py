"""DIVERSITY on objects: a sample owns several vectors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.speed import judging
from benchmarks.speed.task import Problem, Quality, Shape, Task, checked_rows, vectors_problem

OBJECTS = 10
"""Objects of a sample, on average."""
TOLERANCE = 2e-6


class ObjectDiversity(Task):
    """Pick the sample whose objects are farthest from all objects picked so far, on average.

    The average is that of squared distances. All objects of a pick join the set. Every sample
    has 1 to 19 objects.
    """

    name = "object_diversity"

    def make(self, folder: Path, shape: Shape, kind: str, seed: int) -> Problem:
        counts = np.random.default_rng([seed, 7]).integers(1, 2 * OBJECTS, size=shape.n)
        wanted = Shape(int(counts.sum()), shape.d, shape.k)
        problem = vectors_problem(self.name, folder, wanted, kind, seed)
        ends = np.cumsum(counts)
        ends = ends[ends <= problem.shape.n]  # MNIST has fewer vectors than asked for
        path = folder / "offsets.npy"
        np.save(path, np.concatenate([[0], ends]).astype(np.int64))
        if ends[-1] < problem.shape.n:
            vectors = np.load(problem.files["vectors"])[: ends[-1]]
            np.save(problem.files["vectors"], vectors)
        shape = Shape(len(ends), problem.shape.d, min(shape.k, len(ends)))
        files = {**problem.files, "offsets": path}
        return replace(problem, shape=shape, files=files, parameters={"n_samples": shape.k})

    def judge(self, problem: Problem, answer: npt.NDArray[Any]) -> Quality:
        arrays = problem.arrays()
        vectors, offsets = arrays["vectors"], np.asarray(arrays["offsets"])
        n, counts = len(offsets) - 1, np.diff(offsets)
        picked = checked_rows(answer, n, problem.parameters["n_samples"])
        ends = np.cumsum(counts[picked])
        rows = judging.draw(n, picked, int(ends[-1]) * OBJECTS, vectors.shape[1])
        owned = objects_of(offsets, rows)
        starts = np.cumsum(counts[rows]) - counts[rows]
        looks = [p for p in judging.positions(len(picked), len(owned)) if p]
        stops = [int(ends[p - 1]) for p in [*looks, len(picked)]]
        centres = vectors[objects_of(offsets, picked)]
        near = judging.falling(vectors, owned, centres, stops)
        means = np.add.reduceat(near, starts, axis=1) / counts[rows]
        falls = [judging.shortfall(means[i], rows, picked, p) for i, p in enumerate(looks)]
        return {
            "picks": len(picked),
            "first": int(picked[0]),
            "radius": float(np.sqrt(means[-1].max())),
            "violation": max(falls, default=0.0),
            "picks_checked": len(looks),
            "rows_checked": len(rows),
        }

    def complaints(self, quality: Quality) -> list[str]:
        if quality["violation"] > TOLERANCE:
            return [f"a pick lies {quality['violation']:.2g} (squared) below the best sample"]
        return []

    def products(self, shape: Shape) -> float:
        return 2.0 * (shape.n * OBJECTS) * (shape.k * OBJECTS) * shape.d


def objects_of(offsets: npt.NDArray[np.int64], rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return the objects of some samples, one sample after the other."""
    counts = np.diff(offsets)[rows]
    before = np.cumsum(counts) - counts
    index: npt.NDArray[np.intp] = np.arange(counts.sum(), dtype=np.intp)
    index += np.repeat(offsets[rows] - before, counts).astype(np.intp)
    return index
