"""A case: a task at three sizes, who races, and what was promised before the first run."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.speed.contestant import contestants
from benchmarks.speed.task import Shape, Task

HERE = Path(__file__).resolve().parent
SIZES = ("small", "medium", "full")
Result = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """Whether a promise was kept.

    Attributes:
        measured: What was measured, in words.
        met: ``None`` when there is nothing to tell it from.
    """

    measured: str
    met: bool | None


class Target(ABC):
    """A promise about the full size."""

    @abstractmethod
    def text(self) -> str:
        """Return what was promised."""

    @abstractmethod
    def verdict(self, result: Result) -> Verdict:
        """Return whether a result keeps it."""


@dataclass(frozen=True)
class Faster(Target):
    """So many times faster than a peer, by the medians."""

    peer: str
    times: float

    def text(self) -> str:
        return f"at least {self.times:g}x faster than {contestants()[self.peer].name}"

    def verdict(self, result: Result) -> Verdict:
        ratio = result["ratios"].get(self.peer)
        if ratio is None:
            return Verdict("no comparison", None)
        if ratio["at_least"]:
            enough = ratio["of_medians"] >= self.times
            return Verdict(f"more than {ratio['of_medians']:.3g}x", True if enough else None)
        return Verdict(f"{ratio['of_medians']:.3g}x", ratio["of_medians"] >= self.times)


@dataclass(frozen=True)
class Within(Target):
    """Done in so many seconds."""

    seconds: float

    def text(self) -> str:
        return f"under {self.seconds:g} s"

    def verdict(self, result: Result) -> Verdict:
        mine = result["contestants"][result["ours"]]
        if mine.get("median_s") is None:
            stopped = mine["status"] == "stopped"
            return Verdict(mine["status"], False if stopped else None)
        return Verdict(f"{mine['median_s']:.3g} s", mine["median_s"] < self.seconds)


@dataclass(frozen=True)
class MemoryBelow(Target):
    """No more than so much memory over the arrays."""

    megabytes: float

    def text(self) -> str:
        return f"under {self.megabytes:g} MB over the array"

    def verdict(self, result: Result) -> Verdict:
        mine = result["contestants"][result["ours"]]
        if mine.get("memory_mb") is None:
            return Verdict(mine["status"], None)
        return Verdict(f"{mine['memory_mb']:.0f} MB", mine["memory_mb"] < self.megabytes)


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        name: Name of its file.
        title: What is computed, the same for everyone.
        task: Who makes the problem and judges the answers.
        sizes: Shape by size: ``small`` takes seconds, ``full`` is what the targets speak of.
        peers: Contestants beside ours, by name of their file.
        targets: Promises for the full size.
        ours: Whose times the others' are divided by.
        data: Kind of data unless told otherwise.
        patience_s: Longest call worth waiting for at full size.
        fixed_data: The case means nothing on another kind of data.
    """

    name: str
    title: str
    task: Task
    sizes: Mapping[str, Shape]
    peers: tuple[str, ...]
    targets: tuple[Target, ...]
    ours: str = "ours"
    data: str = "clustered"
    patience_s: float = 120.0
    fixed_data: bool = False


@cache
def cases() -> dict[str, Case]:
    """Return all cases, one for each file of the folder, by name."""
    found = {}
    for path in sorted((HERE / "cases").glob("*.py")):
        if path.stem != "__init__":
            case: Case = importlib.import_module(f"benchmarks.speed.cases.{path.stem}").CASE
            assert case.name == path.stem, f"{path.name}: its case is called {case.name}"
            found[case.name] = case
    return found
