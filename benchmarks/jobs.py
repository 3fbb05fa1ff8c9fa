"""Units at work: each is done in a worker and written down at once, so that a run can resume."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.case import Case, Setting, Unit, load
from benchmarks.failures import CaseFailedError, blaming
from benchmarks.machine import versions
from benchmarks.outside_data import NoDataError
from benchmarks.results import cache_folder, read_json, write_json

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("selectlab", "strategies", "inputs", "benchmarks")
_KEPT_S = 14 * 24 * 3600.0


@dataclass(frozen=True)
class Job:
    """A unit to be done.

    Attributes:
        case: Name of its case.
        setting: How the case is run.
        unit: Which unit.
        path: Where its outcome is written.
    """

    case: str
    setting: Setting
    unit: Unit
    path: Path

    def before(self) -> Outcome | None:
        """Return the outcome of a run that was stopped, if it got that far."""
        return Outcome(**read_json(self.path)) if self.path.exists() else None


@dataclass(frozen=True)
class Outcome:
    """What became of a unit.

    Attributes:
        result: What goes into the result file; ``None`` where it was not measured.
        seconds: CPU time, with that of the processes it started, s.
        skipped: Why it could not be measured here, or "".
        error: What went wrong, or "".
    """

    result: Mapping[str, Any] | None = None
    seconds: float = 0.0
    skipped: str = ""
    error: str = ""


def job(case: Case, setting: Setting, unit: Unit, fingerprint: str) -> Job:
    """Return the job of a unit.

    Args:
        case: Its case.
        setting: How the case is run.
        unit: What is to be done.
        fingerprint: Of the outside data it needs, or "".
    """
    told = {
        "case": case.name,
        "setting": [setting.size, setting.n_seeds, setting.first_seed],
        "peers": setting.environments is not None,
        "unit": [unit.name, dict(unit.parameters)],
        "code": code(),
        "versions": versions(case.packages),
        "data": fingerprint,
    }
    key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    folder = cache_folder() / "units" / f"{case.name}-{setting.size}"
    return Job(case.name, setting, unit, folder / f"{unit.name}-{key}.json")


def perform(job: Job) -> Outcome:
    """Do a unit and write its outcome; called in a worker."""
    begin = _cpu_s()
    try:
        with blaming(job.case, job.unit.name):
            measured = load(job.case).measure(job.setting, job.unit)
            result = {"unit": job.unit.name, **job.unit.parameters, **measured}
            result = json.loads(json.dumps(result, allow_nan=False))
    except NoDataError as error:
        return Outcome(skipped=without_paths(job.setting, error))
    except CaseFailedError as error:
        return Outcome(error=str(error))
    outcome = Outcome(result, round(_cpu_s() - begin, 3))
    write_json(job.path, asdict(outcome))
    return outcome


def without_paths(setting: Setting, error: NoDataError) -> str:
    """Return why data is missing, fit for a file that others read."""
    return str(error).replace(str(setting.data.root), "the data folder")


def forget(jobs: Iterable[Job]) -> None:
    """Remove outcomes that are in a result file now, and what nobody came back for."""
    for done in jobs:
        done.path.unlink(missing_ok=True)
    for path in (cache_folder() / "units").glob("*/*.json"):
        if time.time() - path.stat().st_mtime > _KEPT_S:
            path.unlink(missing_ok=True)


@cache
def code() -> str:
    """Return a hash of all sources that a measurement may depend on."""
    total = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith("benchmarks/speed/"):
                total.update(f"{name}\0".encode() + path.read_bytes())
    return total.hexdigest()


def _cpu_s() -> float:
    """Return the CPU time of this process and of its children that ended, s."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
