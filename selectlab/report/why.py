"""Why these samples: every input over candidates, selected and random ones, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selectlab.class_signals import Classes, Counts
from selectlab.config import Entry
from selectlab.report.charts import Chart
from selectlab.report.comparisons import BALANCE, DISTRIBUTION, classes, numbers, recorded
from selectlab.report.evidence import Evidence
from selectlab.report.metadata import metadata_charts, picks_charts
from selectlab.report.record import RunRecord
from selectlab.report.sides import INPUT, RANDOM, SELECTED, Side
from selectlab.report.spread import spread_charts
from selectlab.report.targets import recorded_goal, totals_of, wanted_shares
from selectlab.signals import Scalars, Severities, Signal
from selectlab.types import Embedded, Rows


@dataclass(frozen=True)
class Group:
    """Charts about one input.

    Attributes:
        title: The input.
        about: What to know before reading them; may be empty.
        charts: May be none.
    """

    title: str
    about: str
    charts: Sequence[Chart]


def groups(record: RunRecord, evidence: Evidence | None) -> list[Group]:
    """Return the charts of every input that the config looks at, and of the metadata.

    Args:
        record: The run.
        evidence: Its data; without it the manifest tells what it can.
    """
    found = []
    for entries in _by_input(record):
        if evidence is None:
            charts = _recorded(record, entries)
            about = "" if charts else "What the run has written down of it is in the table above."
        else:
            at = record.config.entries.index(entries[0])
            charts = _charts(entries, evidence.resolved.active[at], evidence)
            about = ""
        goals = ", ".join(entry.strategy.type for entry in entries)
        found.append(Group(f"{entries[0].input.describe()} ({goals})", about, charts))
    found.append(_metadata(record, evidence))
    return found


def _by_input(record: RunRecord) -> list[list[Entry]]:
    """Return the entries of the config that look at the same input together."""
    found: dict[str, list[Entry]] = {}
    for entry in record.config.entries:
        found.setdefault(entry.input.model_dump_json(), []).append(entry)
    return list(found.values())


def _charts(entries: Sequence[Entry], signal: Signal, evidence: Evidence) -> list[Chart]:
    name = entries[0].input.describe()
    match signal:
        case Embedded():
            return spread_charts(signal, evidence)
        case Scalars():
            sets = [(side, signal.values[rows]) for side, rows in _sides(evidence)]
            return [numbers(DISTRIBUTION, name, sets)]
        case Severities():
            return [_severities(signal, evidence)]
        case Classes():
            return [_classes(entries, signal, evidence)]
    return []


def _sides(evidence: Evidence) -> list[tuple[Side, Rows]]:
    return [(INPUT, evidence.pool), (SELECTED, evidence.picked), (RANDOM, evidence.drawn)]


def _classes(entries: Sequence[Entry], signal: Classes, evidence: Evidence) -> Chart:
    """Return the balance of classes; what was selected before counts, as for the strategy."""
    rows = {
        INPUT: evidence.pool,
        SELECTED: evidence.chosen,
        RANDOM: np.concatenate([evidence.before, evidence.drawn]),
    }
    totals = {side: totals_of(signal, some) for side, some in rows.items()}
    sets = [(side, held / (float(held.sum()) or 1.0)) for side, held in totals.items()]
    before = totals_of(signal, evidence.before)
    goals = [
        wanted_shares(entry.strategy, signal.names, totals[INPUT], before) for entry in entries
    ]
    about = ""
    if len(evidence.before):
        about = f"The {len(evidence.before):,} selected before count as selected and as random."
    what = "share" if isinstance(signal, Counts) else "share of samples"
    sizes = {side: len(some) for side, some in rows.items()}
    goal = next((one for one in goals if one is not None), None)
    return classes(BALANCE, signal.names, sets, goal, about, sizes, what)


def _severities(signal: Severities, evidence: Evidence) -> Chart:
    """Return the share of samples that each assertion flags."""
    sets = [(side, (signal.values[rows] > 0).mean(axis=0)) for side, rows in _sides(evidence)]
    sizes = {side: len(rows) for side, rows in _sides(evidence)}
    what = "samples that it flags"
    return classes("Flagged samples", signal.names, sets, None, "", sizes, what)


def _recorded(record: RunRecord, entries: Sequence[Entry]) -> list[Chart]:
    part = record.told_of(entries[0])
    if part is None:
        return []
    n = len(record.picks)
    sizes = {INPUT: int(record.counts["candidates"]), SELECTED: n, RANDOM: n}
    names: list[str] = []
    goal = None
    if part["kind"] == "classes":
        names, goal = recorded_goal(part, [entry.strategy for entry in entries])
    chart = recorded(part, names, goal, sizes)
    return [] if chart is None else [chart]


def _metadata(record: RunRecord, evidence: Evidence | None) -> Group:
    """Return the metadata that no strategy looks at."""
    if evidence is None:
        charts, left_out = picks_charts(record)
        about = "Of the picks alone: the dataset is not at hand."
    else:
        done = {getattr(entry.input, "key", "") for entry in record.config.entries}
        charts, left_out = metadata_charts(evidence, done)
        about = "Keys that no strategy looks at, to see what the selection did to them."
    rest = f" Not shown: {'; '.join(left_out)}." if left_out else ""
    return Group("Other metadata", f"{about}{rest}" if charts or rest else "", charts)
