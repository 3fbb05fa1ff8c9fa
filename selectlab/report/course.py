"""The course of a selection: what each strategy contributed, pick by pick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from selectlab.report.charts import Chart, Table, counted, curve, figure, plain, rounded, short
from selectlab.report.record import RunRecord
from selectlab.selection import Pick

_MOST_POINTS = 500
_ROW_PX, _GAP, _NAME = 110, 0.26, 48
_FEW = 60
"""Picks up to which each has a marker, and a row in the tables."""
_MOST_ROWS = 25
"""Rows of the tables of more picks."""


def course_charts(record: RunRecord) -> list[Chart]:
    """Return the parts of the score by rank, the score, and the samples' own values."""
    picks, thinned = _thinned(record)
    labels = [part.strategy for part in picks[0].because]
    if not labels:
        return []
    about = {entry.label: entry.input.describe() for entry in record.config.entries}
    charts = [_parts(picks, labels, about, thinned)]
    if len(labels) > 1:
        charts.append(_score(picks, thinned))
    for at, label in enumerate(labels):
        chart = _values(picks, at, label, about.get(label, label), thinned)
        if chart is not None:
            charts.append(chart)
    return charts


def _thinned(record: RunRecord) -> tuple[Sequence[Pick], str]:
    """Return the picks to draw, evenly spread over the ranks, and how many of how many."""
    picks = record.picks
    if len(picks) <= _MOST_POINTS:
        return picks, f"n = {counted(len(picks), 'pick')}."
    at = np.unique(np.linspace(0, len(picks) - 1, _MOST_POINTS).round().astype(int))
    return [picks[k] for k in at], f"n = {len(at):,} of {len(picks):,} picks, evenly spread."


def _parts(picks: Sequence[Pick], labels: Sequence[str], about: dict[str, str], n: str) -> Chart:
    """Return a row for each strategy, with a scale of its own: they differ by orders."""
    ranks = [pick.rank for pick in picks]
    series = [
        (_named(label, about), [pick.because[at].part for pick in picks])
        for at, label in enumerate(labels)
    ]
    traces = []
    axes: dict[str, dict[str, Any]] = {}
    for at, (name, parts) in enumerate(series):
        number = str(at + 1) if at else ""
        top = 1 - at / len(series)
        axes[f"yaxis{number}"] = {
            "domain": [top - 1 / len(series) + _GAP / len(series), top],
            "automargin": True,
            "zeroline": False,
            "gridcolor": "#e2e2e2",
            "nticks": 4,
        }
        markers = len(picks) <= _FEW
        traces.append(curve(name, ranks, rounded(parts), at, markers=markers, yaxis=f"y{number}"))
    moved = "; ".join(f"{name} from {parts[0]:.4g} to {parts[-1]:.4g}" for name, parts in series)
    titles = [
        _title(name, axes[axis]["domain"][1]) for (name, _), axis in zip(series, axes, strict=True)
    ]
    return Chart(
        title="What each strategy adds to the score",
        caption="A part is strength times the logarithm of the strategy's objective, which counts "
        "everything selected up to that pick; each row has a scale of its own. That a part rises "
        "or falls from rank to rank concerns all samples alike; samples are chosen by how the "
        f"parts differ between them at one rank. {n}",
        alt=f"Lines over the rank of the pick: {moved}.",
        figure=figure(
            traces, "rank of the pick", "", height_px=100 + _ROW_PX * len(series),
            x_axis={"anchor": f"y{len(series) if len(series) > 1 else ''}"},
            showlegend=False, annotations=titles, **axes,
        ),
        table=_table(ranks, series),
        wide=True,
    )  # fmt: skip


def _title(name: str, top: float) -> dict[str, Any]:
    """Return the title of a row, above it."""
    return {
        "text": plain(short(name, _NAME)),
        "x": 0,
        "y": top,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 12},
    }


def _score(picks: Sequence[Pick], n: str) -> Chart:
    ranks, scores = [pick.rank for pick in picks], [pick.score for pick in picks]
    traces = [curve("score", ranks, rounded(scores), 0, markers=len(picks) <= _FEW)]
    return Chart(
        title="Score by rank",
        caption=f"The sum of the parts. {n}",
        alt=f"A line over the rank of the pick, from {scores[0]:.4g} to {scores[-1]:.4g}.",
        figure=figure(traces, "rank of the pick", "score"),
        table=_table(ranks, [("score", scores)]),
    )


def _values(picks: Sequence[Pick], at: int, label: str, about: str, n: str) -> Chart | None:
    """Return the numbers behind the reasons by rank, if they have any that differ."""
    held = [(pick.rank, value) for pick in picks if (value := pick.because[at].value) is not None]
    if len({value for _, value in held}) < 2:
        return None
    ranks, values = [rank for rank, _ in held], [value for _, value in held]
    trace = curve(about, ranks, rounded(values), at)
    trace["mode"] = "markers"
    without = len(picks) - len(held)
    lacking = f" {counted(without, 'pick')} without such a number." * bool(without)
    return Chart(
        title=f"{about}: the number behind each reason ({label})",
        caption="What the pick's reason goes by, when it was picked: a distance, a number of its "
        f"own, or how much it adds. {n}{lacking}",
        alt=f"Points over the rank of the pick, between {min(values):.4g} and {max(values):.4g}, "
        f"first {values[0]:.4g}, last {values[-1]:.4g}.",
        figure=figure([trace], "rank of the pick", "value"),
        table=_table(ranks, [(about, values)]),
    )


def _named(label: str, about: dict[str, str]) -> str:
    return f"{label} ({about[label]})" if label in about else label


def _table(ranks: Sequence[int], series: Sequence[tuple[str, Sequence[float]]]) -> Table:
    """Return numbers by rank; of many ranks some, the first and the last among them.

    Args:
        ranks: (n,) what is drawn.
        series: Names, and (n,) numbers.
    """
    n = len(ranks)
    kept = range(n)
    if n > _FEW:
        kept = np.unique(np.linspace(0, n - 1, _MOST_ROWS).round().astype(int)).tolist()
    rows = [(f"{ranks[k]:,}", *(f"{values[k]:.4g}" for _, values in series)) for k in kept]
    told = f"{len(rows)} of the {n} ranks drawn, evenly spread." if len(rows) < n else ""
    return Table(("rank", *(name for name, _ in series)), rows, told)
