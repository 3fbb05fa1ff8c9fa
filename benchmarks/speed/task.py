"""What can be raced: the arrays of a problem, what is asked of them, and who says it was met."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.speed.data import write_vectors

Arrays = Mapping[str, npt.NDArray[Any]]
Quality = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """How large a problem is.

    Attributes:
        n: Rows that may be picked.
        d: Dimension of a vector.
        k: Rows to pick.
    """

    n: int
    d: int
    k: int

    def __str__(self) -> str:
        return f"{self.n:,} x {self.d}, {self.k:,} picks"


@dataclass(frozen=True)
class Problem:
    """Arrays on disk and what is asked of them; the same files for every contestant.

    Attributes:
        task: Name of the function that a contestant answers it with.
        shape: As it was made.
        files: ``.npy`` files by the name of the array.
        parameters: What is asked, as JSON data.
    """

    task: str
    shape: Shape
    files: Mapping[str, Path]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays, mapped and not read."""
        return {name: np.load(path, mmap_mode="r") for name, path in self.files.items()}


class Task(ABC):
    """A kind of problem.

    Attributes:
        name: What contestants call their function for it.
    """

    name: str

    @abstractmethod
    def make(self, folder: Path, shape: Shape, kind: str, seed: int) -> Problem:
        """Write the arrays of a problem into a folder."""

    @abstractmethod
    def judge(self, problem: Problem, answer: npt.NDArray[Any]) -> Quality:
        """Recompute in float64 how good an answer is, trusting nothing that the contestant said.

        Raises:
            BadAnswerError: It is no answer at all, such as a row twice.
        """

    @abstractmethod
    def complaints(self, quality: Quality) -> list[str]:
        """Return what an exact method must not do but did, a line each."""

    @abstractmethod
    def products(self, shape: Shape) -> float:
        """Return the floating-point operations of the plain method's matrix products."""

    def smaller(self, shape: Shape) -> Shape:
        """Return a problem of the same kind with a tenth of the rows, to estimate from.

        Fewer picks too, since what counts is how long a pick takes.
        """
        n = max(shape.n // 10, 100)
        return Shape(n, shape.d, min(max(shape.k // 4, 10), n // 2))

    def warm_up(self, shape: Shape) -> Shape:
        """Return the problem of the call that does not count."""
        return Shape(min(shape.n, 600), shape.d, min(shape.k, 10))


class BadAnswerError(Exception):
    """Not an answer; the message says why."""


def vectors_problem(
    task: str, folder: Path, shape: Shape, kind: str, seed: int, **parameters: Any
) -> Problem:
    """Return a problem that has vectors only; ``n`` and ``k`` shrink to what there is."""
    path = folder / "vectors.npy"
    n = write_vectors(path, kind, shape.n, shape.d, seed)
    shape = Shape(n, np.load(path, mmap_mode="r").shape[1], min(shape.k, n))
    return Problem(task, shape, {"vectors": path}, {"n_samples": shape.k, **parameters})


def checked_rows(answer: npt.NDArray[Any], n: int, most: int) -> npt.NDArray[np.intp]:
    """Return an answer as rows, each at most once.

    Raises:
        BadAnswerError: It is none.
    """
    rows = np.asarray(answer)
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or not len(rows):
        raise BadAnswerError(f"expected rows, got {rows.dtype} of shape {rows.shape}")
    if len(rows) > most or rows.min() < 0 or rows.max() >= n:
        raise BadAnswerError(
            f"{len(rows)} rows from {rows.min()} to {rows.max()}; {most} of {n} asked"
        )
    if len(np.unique(rows)) < len(rows):
        raise BadAnswerError(f"{len(rows) - len(np.unique(rows))} rows were picked twice")
    return rows.astype(np.intp)
