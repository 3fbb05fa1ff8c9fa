"""A race: everyone on the same arrays, in turn, and the runner judges the answers itself."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.limits import disk_rate, forget
from benchmarks.machine import load
from benchmarks.speed.case import Case
from benchmarks.speed.contestant import Contestant, FailedError, Process, TooSlowError, contestants
from benchmarks.speed.task import BadAnswerError, Problem, Shape

ESTIMATED_FROM = 2e10
"""Products of a problem below which nobody's time is estimated beforehand."""
QUICK_S = 5.0
RULE = (
    "Contestants take turns; one stops repeating once its calls have taken budget_s together. A "
    "peer's time is estimated from a tenth of the rows and a quarter of the picks, in proportion "
    "to the plain method's products, unless the problem is small; above patience_s it is not run. "
    "Ours is always run, and stopped at three times patience_s. Memory is the growth of the peak "
    "resident size over the first call in a fresh process, after the arrays are loaded and a small "
    "call is made."
)


@dataclass(frozen=True)
class Settings:
    """How to race.

    Attributes:
        size: ``small``, ``medium`` or ``full``.
        repeats: Calls of each contestant, at most.
        seed: Of the data.
        data: Kind of data; ``None`` is the case's own.
        peers: Names of those to race against; ``None`` is all of the case.
        environments: Folder of the peers' virtual environments.
        scratch: Folder for the arrays of a race; ``None`` is the system's.
        budget_s: No contestant repeats once its calls have taken this long together.
        say: Called with what happens, a line at a time.
    """

    size: str
    environments: Path
    repeats: int = 5
    seed: int = 0
    data: str | None = None
    peers: Sequence[str] | None = None
    scratch: Path | None = None
    budget_s: float = 40.0
    say: Callable[[str], None] = print


@dataclass
class Entry:
    """What is known of a contestant in one race."""

    contestant: Contestant
    status: str = "ran"
    why: str | None = None
    estimate_s: float | None = None
    warm_up_s: float | None = None
    seconds: list[float] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    anonymous: int = 0
    answer: Path | None = None
    repeatable: bool = True

    @property
    def median(self) -> float | None:
        """Seconds in the middle, if there are any."""
        return statistics.median(self.seconds) if self.seconds else None


class Race:
    """One case at one size; :meth:`run` returns the result as JSON data."""

    def __init__(self, case: Case, settings: Settings, *, judged: bool = True) -> None:
        self._case, self._settings, self._judged = case, settings, judged
        self._kind = settings.data or case.data
        self._patience_s = case.patience_s if settings.size == "full" else case.patience_s / 2
        wanted = [p for p in case.peers if settings.peers is None or p in settings.peers]
        self._entries = [Entry(contestants()[name]) for name in (case.ours, *wanted)]
        self._loads: list[float] = []

    def run(self) -> dict[str, Any]:
        """Race and judge.

        Raises:
            NoDataError: The kind of data is not to be had here.
        """
        task = self._case.task
        with tempfile.TemporaryDirectory(prefix="speed-", dir=self._settings.scratch) as folder:
            home = Path(folder)
            problem = self._make(home / "problem", self._case.sizes[self._settings.size])
            warm = self._make(home / "warm", task.warm_up(problem.shape))
            if task.products(problem.shape) > ESTIMATED_FROM and len(self._entries) > 1:
                small = self._make(home / "small", task.smaller(problem.shape))
                for entry in self._entries[1:]:
                    self._estimate(entry, warm, small, problem)
            self._take_turns(warm, problem, home)
            told = self._facts(problem)
            told["contestants"] = {e.contestant.key: self._told(e, problem) for e in self._entries}
        told["ratios"] = self._ratios()
        return told

    def _make(self, folder: Path, shape: Shape) -> Problem:
        folder.mkdir()
        return self._case.task.make(folder, shape, self._kind, self._settings.seed)

    def _estimate(self, entry: Entry, warm: Problem, small: Problem, problem: Problem) -> None:
        """Time a peer on fewer rows, and leave it out where the whole would take too long."""
        products = self._case.task.products
        growth = products(problem.shape) / products(small.shape)
        try:
            with entry.contestant.start(self._settings.environments) as process:
                for part in (warm, small):
                    process.load(part)
                    reply = process.run(_beside(part, "estimate"), self._patience_s)
                if reply["seconds"] < QUICK_S:  # once more: a hiccup would be multiplied
                    again = process.run(_beside(part, "estimate"), self._patience_s)
                    reply = min(reply, again, key=lambda answer: answer["seconds"])
        except TooSlowError as error:
            entry.status, entry.why = "not run", f"{error} on a part of the problem"
            entry.estimate_s = self._patience_s * growth
        except FailedError as error:
            entry.status, entry.why = "failed", str(error)
        else:
            entry.estimate_s = reply["seconds"] * growth
            if entry.estimate_s > self._patience_s:
                entry.status = "not run"
                entry.why = f"about {entry.estimate_s:.0f} s, by {reply['seconds']:.2g} s on a part"

    def _take_turns(self, warm: Problem, problem: Problem, home: Path) -> None:
        with ExitStack() as stack:
            running = []
            for entry in self._entries:
                if entry.status == "ran":
                    process = self._enter(stack, entry, warm, problem)
                    if process is not None:
                        running.append((entry, process))
            for turn in range(self._settings.repeats):
                self._loads.append(load())
                for entry, process in running:
                    if entry.status == "ran" and sum(entry.seconds) < self._settings.budget_s:
                        self._call(entry, process, problem, home / f"{entry.contestant.key}-{turn}")

    def _enter(
        self, stack: ExitStack, entry: Entry, warm: Problem, problem: Problem
    ) -> Process | None:
        try:
            process = stack.enter_context(entry.contestant.start(self._settings.environments))
            entry.versions = process.about["versions"]
            process.load(warm)
            reply = process.run(_beside(warm, entry.contestant.key), self._patience_s)
            entry.warm_up_s = reply["seconds"]
            process.load(problem)
        except FailedError as error:
            entry.status, entry.why = "unavailable", str(error)
            return None
        return process

    def _call(self, entry: Entry, process: Process, problem: Problem, home: Path) -> None:
        answer = home.with_suffix(".npy")
        for name in problem.parameters.get("on_disk", ()):
            forget(problem.files[name])
        ours = entry is self._entries[0]
        try:
            reply = process.run(answer, self._patience_s * (3 if ours else 2))
        except FailedError as error:
            stopped = isinstance(error, TooSlowError)
            entry.status, entry.why = ("stopped" if stopped else "failed"), str(error)
            return
        entry.seconds.append(reply["seconds"])
        entry.replies.append(reply)
        entry.anonymous = process.anonymous_bytes
        self._settings.say(f"  {entry.contestant.name}: {reply['seconds']:.3f} s")
        if entry.answer is None:
            entry.answer = answer
        else:
            entry.repeatable &= np.array_equal(np.load(entry.answer), np.load(answer))

    def _told(self, entry: Entry, problem: Problem) -> dict[str, Any]:
        """Return what is known of a contestant, its first answer judged."""
        told: dict[str, Any] = {
            "name": entry.contestant.name,
            "what": entry.contestant.module.WHAT,
            "status": entry.status,
            "why": entry.why,
            "versions": entry.versions,
            "estimate_s": entry.estimate_s,
            "warm_up_s": entry.warm_up_s,
            "seconds": entry.seconds,
            "median_s": entry.median,
        }
        if entry.answer is None:
            return told
        first = entry.replies[0]
        told["memory_mb"] = first["memory"] / 1e6
        told["resident_mb"] = first["resident"] / 1e6
        told["anonymous_mb"] = entry.anonymous / 1e6
        told["read_mb"] = first["read"] / 1e6
        told["facts"] = first["facts"]
        told["same_every_time"] = entry.repeatable
        answer = np.load(entry.answer)
        if self._judged:
            told |= self._judge(problem, answer)
        mine = self._entries[0].answer
        if mine is not None:
            told["same_rows"] = len(np.intersect1d(np.load(mine), answer))
        return told

    def _judge(self, problem: Problem, answer: npt.NDArray[Any]) -> dict[str, Any]:
        try:
            quality = self._case.task.judge(problem, answer)
        except BadAnswerError as error:
            return {"quality": None, "complaints": [str(error)]}
        return {"quality": quality, "complaints": self._case.task.complaints(quality)}

    def _ratios(self) -> dict[str, Any]:
        """Return how many times as long as ours each peer took."""
        ours, *peers = self._entries
        found: dict[str, Any] = {}
        for peer in peers:
            if ours.median is None:
                continue
            if peer.median is not None:
                rounds = [p / o for p, o in zip(peer.seconds, ours.seconds, strict=False)]
                of_rounds = statistics.median(rounds)
                found[peer.contestant.key] = {
                    "of_medians": peer.median / ours.median,
                    "median_of_rounds": of_rounds,
                    "at_least": False,
                }
            elif peer.status in ("not run", "stopped"):
                found[peer.contestant.key] = {
                    "of_medians": self._patience_s / ours.median,
                    "median_of_rounds": None,
                    "at_least": True,
                }
        return found

    def _facts(self, problem: Problem) -> dict[str, Any]:
        """Return what was raced, and how."""
        array_mb = sum(path.stat().st_size for path in problem.files.values()) / 1e6
        told: dict[str, Any] = {
            "case": self._case.name,
            "title": self._case.title,
            "size": self._settings.size,
            "shape": asdict(problem.shape),
            "data": self._kind,
            "seed": self._settings.seed,
            "ours": self._case.ours,
            "rules": {
                "text": RULE,
                "repeats": self._settings.repeats,
                "patience_s": self._patience_s,
                "budget_s": self._settings.budget_s,
            },
            "load_averages": self._loads,
            "array_mb": array_mb,
            "plain_gflop": self._case.task.products(problem.shape) / 1e9,
        }
        for name in problem.parameters.get("on_disk", ()):
            path = problem.files[name]
            rate = disk_rate(path, 1_000_000_000)
            told["file"] = {"mb": path.stat().st_size / 1e6, "disk_read_gb_per_s": rate}
        return told


def _beside(problem: Problem, name: str) -> Path:
    """Return where an answer that nobody judges goes."""
    return next(iter(problem.files.values())).parent / f"{name}.npy"
