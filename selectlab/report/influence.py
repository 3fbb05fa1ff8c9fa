"""How much each strategy mattered: what would have been selected without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from selectlab import progress
from selectlab.config import Entry
from selectlab.engine import greedy
from selectlab.report.charts import counted
from selectlab.report.evidence import Evidence
from selectlab.report.record import RunRecord
from selectlab.resolve import anew
from selectlab.statistics import summary_lines

_MOST_ROWS = 100_000
_MOST_WORK = 200_000_000
"""Candidates times picks up to which selections are run again."""
_LITTLE = 0.05
"""Share of other picks below which a strategy hardly mattered."""
_NORMAL_IQR = 1.349

_NOT_AGAIN = (
    "Influence was not measured by selecting again without each strategy: {why}. Instead the "
    "numbers of the picks are held against those of the candidates; they say what the picks are "
    "like, not which of them a strategy brought in."
)


@dataclass(frozen=True)
class Influence:
    """What a strategy changed.

    Attributes:
        label: Its label in the files of the run.
        verdict: In words.
        weak: Whether the user should think about it.
    """

    label: str
    verdict: str
    weak: bool = False


def influences(record: RunRecord, evidence: Evidence | None) -> list[Influence]:
    """Return what each strategy of a run changed, in the order of the config.

    Where the data is there and not too large, the selection is run again without each strategy.
    Otherwise the numbers of the picks are held against those of the candidates.

    Args:
        record: The run.
        evidence: Its data.
    """
    ranking = _ranking(record)
    again = evidence is not None and not _too_much(record, evidence)
    found = []
    for at, entry in enumerate(record.config.entries):
        if at not in ranking:
            found.append(_of_filter(record, entry))
        elif len(ranking) == 1:
            found.append(Influence(entry.label, "the only strategy that ranks: it chose all"))
        elif again and evidence is not None:
            found.append(_without(at, entry, evidence))
        else:
            found.append(_by_values(record, entry))
    return found


def _ranking(record: RunRecord) -> set[int]:
    """Return which entries of the config rank; the others filter, or do nothing."""
    return {part["entry"] for part in record.manifest.get("strategies", ())}


def how_judged(record: RunRecord, evidence: Evidence | None) -> str:
    """Say so where influence is not what selecting again would tell, and why; else nothing.

    Args:
        record: The run.
        evidence: Its data.
    """
    if len(_ranking(record)) < 2:
        return ""
    if evidence is None:
        return _NOT_AGAIN.format(why="the dataset is not at hand")
    why = _too_much(record, evidence)
    return _NOT_AGAIN.format(why=why) if why else ""


def _too_much(record: RunRecord, evidence: Evidence) -> str:
    """Say why the selection is not run again; nothing where it is."""
    n_rows, n_picks = len(evidence.pool), len(evidence.picked)
    if "approximate" in record.manifest.get("engine", {}):
        return "the run was approximate"
    if n_rows > _MOST_ROWS:
        return f"{n_rows:,} candidates are too many for that (up to {_MOST_ROWS:,} it is done)"
    if n_rows * n_picks > _MOST_WORK:
        return (
            f"{n_rows:,} candidates times {n_picks:,} picks are too many for that (up to "
            f"{_MOST_WORK // 1_000_000} million it is done)"
        )
    return ""


def _of_filter(record: RunRecord, entry: Entry) -> Influence:
    if entry.strategy.strength == 0:
        return Influence(entry.label, "none, as asked: its strength is 0")
    removed = [n for name, n in record.counts["filtered"].items() if name.startswith(entry.path)]
    n = sum(removed)
    if not n:
        return Influence(entry.label, "none: this filter removed no sample", weak=True)
    return Influence(entry.label, f"removed {counted(n, 'sample')} before the ranking")


def _without(at: int, entry: Entry, evidence: Evidence) -> Influence:
    """Run the selection again without a strategy."""
    if len(evidence.picked) == len(evidence.pool):
        return Influence(entry.label, "every candidate is selected: it decides the order alone")
    plan = anew(evidence.resolved)
    parts = [part for part in plan.parts if part.entry != at]
    progress.stage(f"selecting without {entry.label}", len(evidence.picked), unit="picks")
    rows = greedy.run(replace(plan, parts=parts), _reached, explain=False).rows
    picked = evidence.picked.tolist()
    n, other = len(picked), len(set(picked) - set(rows))
    if not other:
        same_ones = f"the same {evidence.unit}{'s' if n > 1 else ''}"
        order = "" if list(rows) == picked else ", in another order"
        verdict = f"none: {same_ones} would have been selected without it{order}"
        return Influence(entry.label, verdict, weak=True)
    unit = "pick" if evidence.n_frames == 1 else f"picked {evidence.unit}"
    told = f"{other:,} of {counted(n, unit)} would be others without it"
    if other < _LITTLE * n:
        return Influence(entry.label, f"hardly any: only {told}", weak=True)
    return Influence(entry.label, told)


def _reached(rows: Sequence[int]) -> None:
    progress.reach(len(rows))


def _by_values(record: RunRecord, entry: Entry) -> Influence:
    """Judge a strategy by the numbers in the manifest."""
    name = entry.input.describe()
    part = record.told_of(entry)
    numbers = part is not None and part["kind"] == "numbers"
    if part is None or not numbers:
        return Influence(entry.label, _beside_random(part))
    whole, selected = part["input"], part["selected"]
    if whole["min"] == whole["max"]:
        return Influence(entry.label, f"none: {name} is {whole['min']:g} for all", weak=True)
    means = f"the mean is {selected['mean']:.4g} among the selected, {whole['mean']:.4g} among all"
    if abs(selected["mean"] - whole["mean"]) < 2 * _error(whole, len(record.picks)):
        return Influence(entry.label, f"none to be seen: {means} candidates", weak=True)
    return Influence(entry.label, f"{means} candidates")


def _beside_random(part: Mapping[str, Any] | None) -> str:
    """Say what the manifest tells of distances or classes."""
    told = "not measured"
    lines = summary_lines([part]) if part is not None else []
    if not lines:
        return told
    what, _, selected, drawn = lines[0]
    return f"{told}; {what} is {selected}, of a random selection {drawn}"


def _error(numbers: Mapping[str, Any], n: int) -> float:
    """Return the standard error of the mean of n numbers drawn at random, from quartiles."""
    spread = (numbers["quartile_3"] - numbers["quartile_1"]) / _NORMAL_IQR
    return float((spread or (numbers["max"] - numbers["min"]) / 4) / np.sqrt(n))


def weak_ones(found: Sequence[Influence]) -> list[Influence]:
    """Return the strategies that the user should think about."""
    return [one for one in found if one.weak]
