"""A case: one file of ``benchmarks/cases``, found by being there."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from benchmarks.claim import Claim, Results
from benchmarks.outside_data import OutsideData

HERE = Path(__file__).resolve().parent
SIZES = ("small", "full")
Size = Literal["small", "full"]


@dataclass(frozen=True)
class Setting:
    """How a case is run.

    Attributes:
        size: ``small`` takes a second or two and no outside data; ``full`` is for the record.
        n_seeds: Number of seeds, at least 1.
        first_seed: The seeds are this one and those after it.
        data: Where outside data is.
        environments: Folder of the virtual environments of peers; ``None`` leaves peers out.
    """

    size: Size
    n_seeds: int
    data: OutsideData
    first_seed: int = 0
    environments: Path | None = None

    @property
    def seeds(self) -> range:
        """Return the seeds."""
        return range(self.first_seed, self.first_seed + self.n_seeds)


@dataclass(frozen=True)
class Unit:
    """A piece of work of a few seconds to a few minutes, done in a process of its own.

    Attributes:
        name: Unique in the case, file-name safe, such as ``"digits-seed3"``.
        parameters: JSON data that says what to measure: data, seed, method, ...
        needs: Folder of outside data; units whose folder is missing are skipped, with the reason
            in the result file.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    needs: str = ""


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        title: What it shows.
        columns: Titles of the columns.
        rows: Cells, as text; numbers formatted by :func:`benchmarks.text.number` and the like.
        note: A paragraph below it, or "".
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Case:
    """One row of the table of claims.

    Attributes:
        name: Name of its file.
        title: What it is about, in a few words.
        protocol: How it is measured, in a paragraph: data, split, budgets, models, baselines.
        claims: What was published, with tolerances.
        units: The work to be done in a setting.
        measure: Do one unit and return JSON data: raw per-item data from which every number can
            be recomputed, where that is small enough, or else what was computed from it at once.
            Called in a worker process with one BLAS thread. Its result is stored as
            ``{"unit": name, **parameters, **result}``.
        tables: Tables of the page from the results.
        draw: Draw plots into a folder and return the files; ``None`` where there is nothing to see.
        seeds: Number of seeds at full size, 1 where nothing is random.
        packages: Packages whose versions are recorded beside selectlab's own.
    """

    name: str
    title: str
    protocol: str
    claims: tuple[Claim, ...]
    units: Callable[[Setting], Sequence[Unit]]
    measure: Callable[[Setting, Unit], Mapping[str, Any]]
    tables: Callable[[Results], Sequence[Table]]
    draw: Callable[[Results, Path], Sequence[Path]] | None = None
    seeds: int = 10
    packages: tuple[str, ...] = ("numpy", "scipy", "scikit-learn")


def names() -> list[str]:
    """Return the names of all cases, one for each file of the folder, in order."""
    return sorted(path.stem for path in (HERE / "cases").glob("*.py") if path.stem != "__init__")


def load(name: str) -> Case:
    """Return the case of a file."""
    case: Case = importlib.import_module(f"benchmarks.cases.{name}").CASE
    assert case.name == name, f"{name}.py: its case is called {case.name}"
    return case


@cache
def cases() -> dict[str, Case]:
    """Return all cases by name."""
    return {name: load(name) for name in names()}
