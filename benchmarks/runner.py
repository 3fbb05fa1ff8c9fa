"""A run: all units of all chosen cases in one pool of workers, and a file for each case."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.case import Case, Setting, Size
from benchmarks.claim import Verdict
from benchmarks.failures import CaseFailedError, blaming
from benchmarks.jobs import Job, Outcome, forget, job, perform, without_paths
from benchmarks.machine import commit, machine, versions
from benchmarks.outside_data import NoDataError, OutsideData
from benchmarks.results import now, write_json
from benchmarks.verdicts import as_json, verdicts
from benchmarks.workers import answers
from selectlab.console import live_progress
from selectlab.progress import Stage, watched

SMALL_SEEDS = 2
"""Seeds of a small run unless told otherwise."""
_QUIET_S = 20.0
_MOST_ERRORS = 5


@dataclass(frozen=True)
class Order:
    """What is asked of a run.

    Attributes:
        size: ``small`` or ``full``.
        data: Where outside data is.
        out: Folder of the result files.
        workers: Number of processes.
        n_seeds: Number of seeds; ``None`` is what the case wants.
        first_seed: The seeds are this one and those after it.
        environments: Folder of the peers' environments; ``None`` leaves peers out.
        fresh: Whether to measure anew what a stopped run has done.
    """

    size: Size
    data: OutsideData
    out: Path
    workers: int
    n_seeds: int | None = None
    first_seed: int = 0
    environments: Path | None = None
    fresh: bool = False

    def setting(self, case: Case) -> Setting:
        """Return how a case is run; one in which nothing is random has one seed."""
        usual = case.seeds if self.size == "full" else min(case.seeds, SMALL_SEEDS)
        wanted = usual if self.n_seeds is None or case.seeds == 1 else self.n_seeds
        return Setting(self.size, wanted, self.data, self.first_seed, self.environments)


@dataclass
class CaseRun:
    """A case on its way.

    Attributes:
        case: Which.
        setting: How it is run.
        jobs: Its units, in the order of the result file.
        outcomes: What became of the units that are done, by name.
        errors: What went wrong, a line each; with any there is no result file.
        data: Fingerprints of the outside data that was used, by folder.
        verdicts: On its claims; empty until all is done.
    """

    case: Case
    setting: Setting
    jobs: list[Job] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    data: dict[str, str] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def left(self) -> list[Job]:
        """The jobs that are not done."""
        return [job for job in self.jobs if job.unit.name not in self.outcomes]

    @property
    def seconds(self) -> float:
        """CPU time of all units, s."""
        return sum(outcome.seconds for outcome in self.outcomes.values())

    def plan(self, fingerprint: Callable[[str], str], *, fresh: bool) -> None:
        """Ask the case for its units, leave out what lacks data, and look up what was done.

        Args:
            fingerprint: Of a folder of outside data.
            fresh: Whether not to look up.
        """
        try:
            with blaming(self.case.name, "units"):
                units = self.case.units(self.setting)
                names = [unit.name for unit in units]
                assert len(set(names)) == len(names), "two units have the same name"
        except (CaseFailedError, NoDataError) as error:
            self.errors.append(str(error))
            return
        for unit in units:
            try:
                found = fingerprint(unit.needs) if unit.needs else ""
            except NoDataError as error:
                self.jobs.append(job(self.case, self.setting, unit, ""))
                self.outcomes[unit.name] = Outcome(skipped=without_paths(self.setting, error))
                continue
            self.jobs.append(planned := job(self.case, self.setting, unit, found))
            if unit.needs:
                self.data[unit.needs] = found
            before = None if fresh else planned.before()
            if before is not None:
                self.outcomes[unit.name] = before

    def note(self, job: Job, outcome: Outcome) -> None:
        """Take the outcome of a unit."""
        self.outcomes[job.unit.name] = outcome
        if outcome.error:
            self.errors.append(outcome.error)

    def finish(self, out: Path) -> None:
        """Judge the claims and write the result file, if nothing went wrong."""
        if not self.errors:
            try:
                result = self._result()
            except CaseFailedError as error:
                self.errors.append(str(error))
            else:
                write_json(out / f"{self.case.name}.json", result)

    def _result(self) -> dict[str, Any]:
        outcomes = [(job.unit, self.outcomes[job.unit.name]) for job in self.jobs]
        units = [outcome.result for _, outcome in outcomes if outcome.result is not None]
        self.verdicts = verdicts(self.case, self.setting.size, units)
        return {
            "case": self.case.name,
            "size": self.setting.size,
            "seeds": list(self.setting.seeds),
            "peers": self.setting.environments is not None,
            "machine": machine(),
            "versions": versions(("selectlab", *self.case.packages)),
            "commit": commit(),
            "date": now(),
            "seconds": round(self.seconds, 1),
            "data": self.data,
            "skipped": {unit.needs: done.skipped for unit, done in outcomes if done.skipped},
            "claims": [as_json(verdict) for verdict in self.verdicts],
            "units": units,
        }

    @property
    def line(self) -> str:
        """How it went, in a line."""
        skipped = [outcome.skipped for outcome in self.outcomes.values() if outcome.skipped]
        told = f"{self.case.name}: {len(self.jobs) - len(skipped)} units, {self.seconds:.1f} s CPU"
        told += f", {len(self.errors)} errors" if self.errors else ""
        return (
            f"{told}, {len(skipped)} skipped: {'; '.join(sorted(set(skipped)))}"
            if skipped
            else told
        )


def run(order: Order, chosen: Sequence[Case]) -> list[CaseRun]:
    """Run cases, write their result files, and return how they went.

    What is done is on the disk at once: after a run that was stopped, whatever stopped it, the
    same run goes on where it was and gives what it would have given.
    """
    runs, fingerprint = (
        [CaseRun(c, order.setting(c)) for c in chosen],
        cache(order.data.fingerprint),
    )
    for started in runs:
        started.plan(fingerprint, fresh=order.fresh)
    by_name = {started.case.name: started for started in runs}
    jobs = [job for started in runs for job in started.left]
    with _shown(sum(len(r.jobs) for r in runs), jobs) as display:
        for started in runs:
            if not started.left:
                display.finished(started, order.out)
        for done, outcome in answers(perform, jobs, order.workers):
            its = by_name[done.case]
            its.note(done, outcome or Outcome(error=_died(done)))
            display.advance(its)
            if not its.left:
                display.finished(its, order.out)
    if not any(its.errors for its in runs):
        forget(job for its in runs for job in its.jobs)
    return runs


def _died(job: Job) -> str:
    return f"{job.case}: {job.unit.name}: its process ended before it was done"


class _Display:
    """Says on stderr how far a run is."""

    def __init__(self, stage: Stage, *, lines: bool) -> None:
        self._stage, self._lines, self._last = stage, lines, time.monotonic()

    def advance(self, its: CaseRun) -> None:
        """One unit more is done."""
        self._stage.name = its.case.name
        self._stage.reach(self._stage.done + 1)
        if self._lines and time.monotonic() - self._last > _QUIET_S:
            self._say(self._stage.line)

    def finished(self, its: CaseRun, out: Path) -> None:
        """All units of a case are done."""
        its.finish(out)
        self._say(its.line)
        for error in its.errors[:_MOST_ERRORS]:
            self._say(f"error: {error}")
        if len(its.errors) > _MOST_ERRORS:
            self._say(f"error: {its.case.name}: {len(its.errors) - _MOST_ERRORS} more")

    def _say(self, line: str) -> None:
        self._last = time.monotonic()
        print(line, file=sys.stderr, flush=True)


@contextmanager
def _shown(total: int, jobs: Sequence[Job]) -> Iterator[_Display]:
    """Show a bar where stderr is a terminal, and a line now and then elsewhere."""
    stage = Stage("benchmarks", total, total - len(jobs), "units")
    if stage.done:
        print(f"{stage.count} need no work: done before, or no data", file=sys.stderr)
    if not sys.stderr.isatty():
        yield _Display(stage, lines=True)
        return
    with watched() as progress:
        progress.now = stage
        with live_progress(progress):
            yield _Display(stage, lines=False)
