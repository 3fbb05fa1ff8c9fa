"""Two sets of results side by side: what changed, and which claims no longer hold."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from benchmarks.case import load, names
from benchmarks.claim import SURE, Label
from benchmarks.failures import CaseFailedError
from benchmarks.results import read_folder
from benchmarks.text import number
from benchmarks.verdicts import as_json, verdicts

ROOT = Path(__file__).resolve().parents[1]
RECORD = "benchmarks/results"
HELD: tuple[Label, ...] = get_args(Label)[:2]
_ROUNDING = 1e-6


class UnknownResultsError(Exception):
    """Neither a folder of results nor a revision that has some; the message is one line."""


@dataclass(frozen=True)
class ResultSet:
    """Results by name of their file.

    Attributes:
        name: What it was called on the command line.
        whole: Whether it is the record of a revision; a folder may hold a part of the cases.
        cases: Of claims.
        races: Of the speed suite.
    """

    name: str
    whole: bool
    cases: Mapping[str, Any]
    races: Mapping[str, Any]


def read(name: str) -> ResultSet:
    """Return the results of a folder, or else those of a revision of this repository.

    Raises:
        UnknownResultsError: It is neither, or has none.
    """
    whole = not Path(name).is_dir()
    if not whole:
        found, races = read_folder(Path(name)), read_folder(Path(name) / "speed")
    else:
        found, races = _of_revision(name, RECORD), _of_revision(name, f"{RECORD}/speed")
    races = {key: told for key, told in races.items() if "ratios" in told}
    if not found and not races:
        raise UnknownResultsError(f"{name}: there are no results in it")
    return ResultSet(name, whole, found, races)


def _of_revision(name: str, folder: str) -> dict[str, Any]:
    if _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}") is None:
        raise UnknownResultsError(f"{name}: neither a folder nor a revision of this repository")
    found = {}
    for path in (_git("ls-tree", "--name-only", name, f"{folder}/") or "").splitlines():
        if path.endswith(".json"):
            found[Path(path).stem] = json.loads(_git("show", f"{name}:./{path}") or "")
    return found


def _git(*words: str) -> str | None:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


@dataclass(frozen=True)
class Reading:
    """A claim in one set of results.

    Attributes:
        mean: ``None`` where it was not run.
        error: Standard error of the mean.
        label: What the file calls it.
        raw_label: What its raw data is called by the claim as it stands in the code now; the
            file's own label where the claim is gone or another tolerance was meant then.
        tolerance: In words, as it was when it was run.
        same_mean: Whether the file's mean is that of its raw data.
    """

    mean: float | None
    error: float
    label: str
    raw_label: str
    tolerance: str
    same_mean: bool = True

    @property
    def held(self) -> bool:
        """Whether the file says that it holds."""
        return self.label in HELD

    @property
    def holds(self) -> bool:
        """Whether the file and its raw data say so."""
        return self.held and self.raw_label in HELD

    def text(self) -> str:
        """Return mean and standard error in words."""
        return "not run" if self.mean is None else f"{number(self.mean)} +- {number(self.error)}"


def readings(result: Mapping[str, Any]) -> dict[str, Reading]:
    """Return the claims of a result file by key, each beside what its raw data says."""
    anew: dict[str, Any] = {}
    if result["case"] in names():
        with suppress(CaseFailedError):  # the raw data of an older case: its own verdicts count
            found = verdicts(load(result["case"]), result["size"], result["units"])
            anew = {verdict.claim.key: as_json(verdict) for verdict in found}
    return {told["key"]: _reading(told, anew.get(told["key"])) for told in result["claims"]}


def _reading(told: Mapping[str, Any], anew: Mapping[str, Any] | None) -> Reading:
    plain = (told["mean"], told["standard_error"] or 0.0, told["label"])
    if anew is None or anew["tolerance"] != told["tolerance"]:
        return Reading(*plain, told["label"], told["tolerance"])
    return Reading(*plain, anew["label"], told["tolerance"], _same(told["mean"], anew["mean"]))


def _same(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=_ROUNDING, abs_tol=_ROUNDING)


@dataclass(frozen=True)
class Line:
    """One line of a comparison.

    Attributes:
        name: What it is about.
        text: What became of it.
        lost: Whether it held in BASE and does not hold in HEAD.
    """

    name: str
    text: str
    lost: bool = False


def compare(base: ResultSet, head: ResultSet) -> list[Line]:
    """Return what became of BASE in HEAD, a line for each claim and each peer of a race."""
    lines = []
    for name in sorted({*base.cases, *head.cases}):
        before, after = base.cases.get(name), head.cases.get(name)
        if before is None:
            lines.append(Line(name, f"not in {base.name}"))
        elif after is None:
            lines.append(Line(name, f"not in {head.name}", lost=head.whole and _any_held(before)))
        elif before["size"] != after["size"]:
            sizes = f"size {before['size']} and {after['size']}"
            lines.append(Line(name, f"{sizes} cannot be compared"))
        else:
            lines += _claims(name, readings(before), readings(after))
    for name in sorted({*base.races} & {*head.races}):
        lines += _race(f"speed/{name}", base.races[name], head.races[name])
    return lines


def _any_held(result: Mapping[str, Any]) -> bool:
    return any(told["label"] in HELD for told in result["claims"])


def _claims(
    case: str, before: Mapping[str, Reading], after: Mapping[str, Reading]
) -> Iterator[Line]:
    for key in dict.fromkeys([*before, *after]):
        base, head = before.get(key), after.get(key)
        name = f"{case}/{key}"
        if base is None or head is None:
            said = "a new claim" if base is None else "no longer claimed"
            yield Line(name, said, lost=base is not None and base.held)
        else:
            told = [f"{base.text()} -> {head.text()}", *_changes(base, head)]
            yield Line(name, "; ".join(told), lost=base.held and not head.holds)


def _changes(base: Reading, head: Reading) -> Iterator[str]:
    if base.mean is not None and head.mean is not None:
        difference = head.mean - base.mean
        error = math.hypot(base.error, head.error)
        beyond = abs(difference) > SURE * error + _ROUNDING * abs(base.mean)
        side = "beyond" if beyond else "within"
        yield f"difference {number(difference)}, {side} {SURE:g} standard errors"
    yield head.label if head.label == base.label else f"{base.label} -> {head.label}"
    if base.tolerance != head.tolerance:
        yield f"tolerance {base.tolerance} -> {head.tolerance}"
    for which, reading in (("BASE", base), ("HEAD", head)):
        if reading.raw_label != reading.label:
            yield f"the raw data of {which} says: {reading.raw_label}"
        elif not reading.same_mean:
            yield f"the raw data of {which} has another mean"


def _race(name: str, base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Line]:
    """Yield how a race changed, by how many times as long as ours each peer took in its own run."""
    for peer in dict.fromkeys([*base["ratios"], *head["ratios"]]):
        before, after = base["ratios"].get(peer), head["ratios"].get(peer)
        if before and after:
            times = f"{_ratio(before)} -> {_ratio(after)} times as long as ours"
            change = number(after["of_medians"] / before["of_medians"])
            yield Line(name, f"{peer} took {times}; ours is {change} times as fast beside it")
    kept = {told["text"]: told for told in head["targets"]}
    for told in base["targets"]:
        now = kept.get(told["text"])
        measured = now["measured"] if now else "no longer promised"
        lost = told["met"] is True and (now is None or now["met"] is not True)
        yield Line(name, f"{told['text']}: {told['measured']} -> {measured}", lost=lost)


def _ratio(ratio: Mapping[str, Any]) -> str:
    return f"{'> ' if ratio['at_least'] else ''}{number(ratio['of_medians'])}"
