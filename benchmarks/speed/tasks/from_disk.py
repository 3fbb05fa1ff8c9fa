"""DIVERSITY on more vectors than there is memory for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.speed.task import Problem, Shape
from benchmarks.speed.tasks.diversity import Diversity

MEMORY = 1_000_000_000


class FromDisk(Diversity):
    """Greedy k-center from row 0 over a file, with 1 GB of memory beside what Python itself needs.

    The system refuses more: data segments of the process are limited (RLIMIT_DATA), whatever
    the contestant was told.
    """

    name = "from_disk"

    def make(self, folder: Path, shape: Shape, kind: str, seed: int) -> Problem:
        problem = super().make(folder, shape, kind, seed)
        told = {"on_disk": ["vectors"], "memory_limit": MEMORY}
        return replace(problem, parameters={**problem.parameters, **told})
