"""How far apart the selected samples are, and how near to all others: diversity and coverage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from selectlab.neighbours import nearest, neighbours
from selectlab.report.charts import Chart, Table, figure, percent, rounded, side_curve
from selectlab.report.comparisons import numbers
from selectlab.report.evidence import Evidence, part_of
from selectlab.report.sides import INPUT, RANDOM, SELECTED, Side
from selectlab.types import Embedded, FloatArray, Rows

_MOST_ROWS, _FEWEST_ROWS = 20_000, 1_000
_MOST_PAIRS = 200_000_000
_MOST_CENTRES = 5_000
_AXIS = "distance, embedding units"
_SHARES = np.linspace(0.0, 1.0, 101)


def spread_charts(
    signal: Embedded, evidence: Evidence, told: Mapping[str, Any] | None
) -> list[Chart]:
    """Return diversity and coverage of the selection, beside those of a random one.

    Args:
        signal: The vectors, over the rows of the plan.
        evidence: The run with its data.
        told: What the manifest says of these vectors, if it does.
    """
    sets = ((SELECTED, evidence.picked), (RANDOM, evidence.drawn))
    centres = {
        side: signal.owned(np.concatenate([evidence.before, rows]))[0] for side, rows in sets
    }
    targets = signal.owned(measured_rows(evidence, len(evidence.chosen)))[0]
    found = []
    if len(targets) and all(len(own) for own in centres.values()):
        dists = {
            side: nearest(signal.vectors[targets], signal.vectors[own])[0]
            for side, own in centres.items()
        }
        found.append(_coverage(dists, len(evidence.before), told))
    if all(len(own) > 1 for own in centres.values()):
        found.append(_diversity(signal, centres))
    if signal.query is not None and len(signal.query):
        found.append(_to_query(signal, targets, evidence))
    return found


def measured_rows(evidence: Evidence, n_centres: int) -> Rows:
    """Return the candidates, or a random part of them where there are many."""
    most = max(_FEWEST_ROWS, min(_MOST_ROWS, _MOST_PAIRS // max(n_centres, 1)))
    return part_of(evidence.pool, most)


def _coverage(
    dists: Mapping[Side, FloatArray], n_before: int, told: Mapping[str, Any] | None
) -> Chart:
    """Return which share of the candidates has something selected within a distance."""
    cuts = {side: np.quantile(values, _SHARES) for side, values in dists.items()}
    traces = [
        side_curve(side, rounded([0.0, *cut]), rounded([0.0, *(_SHARES * 100)]))
        for side, cut in cuts.items()
    ]
    n = len(next(iter(dists.values())))
    facts = _facts(told, dists)
    with_before = f" The {n_before:,} selected before count on both sides." if n_before else ""
    rows = [
        (percent(share), *(f"{cut[at]:.4g}" for cut in cuts.values()))
        for at, share in enumerate(_SHARES)
        if at % 10 == 0
    ]
    return Chart(
        title="Coverage: from a candidate to the nearest selected sample",
        caption=f"{facts} The further to the left, the better covered.{with_before} "
        f"n = {n:,} candidates measured.",
        alt=f"Curves of how many candidates have something selected near them. {facts}",
        figure=figure(
            traces, _AXIS, "candidates within it, %",
            x_axis={"rangemode": "tozero"}, y_axis={"range": [0, 101]},
        ),
        table=Table(("candidates", *(side.word for side in cuts)), rows),
    )  # fmt: skip


def _facts(told: Mapping[str, Any] | None, dists: Mapping[Side, FloatArray]) -> str:
    """Say mean and largest distance, as the manifest has them where it does."""
    words = []
    for side, values in dists.items():
        held = (told or {}).get(side.word, {})
        mean = held.get("mean_distance_to_nearest_selected", float(values.mean()))
        radius = held.get("coverage_radius", float(values.max()))
        words.append(f"{side.word}: mean {mean:.4g}, farthest {radius:.4g} (coverage radius)")
    return "; ".join(words).capitalize() + "."


def _diversity(signal: Embedded, centres: Mapping[Side, Rows]) -> Chart:
    sets = [(side, _to_other(signal, own)) for side, own in centres.items()]
    least = ", ".join(f"{side.word} {values.min():.4g}" for side, values in sets)
    return numbers(
        "Diversity: from a selected sample to the nearest other",
        _AXIS,
        sets,
        f"The least of all: {least}. The further to the right, the less alike "
        "the selected samples are.",
    )


def _to_other(signal: Embedded, centres: Rows) -> FloatArray:
    """Return the distance of centres to their nearest others; of many only a part is asked."""
    some = part_of(centres, _MOST_CENTRES)
    dists: FloatArray = neighbours(signal.vectors[centres], signal.vectors[some], 2)[0][:, 1]
    return dists


def _to_query(signal: Embedded, targets: Rows, evidence: Evidence) -> Chart:
    query = signal.query
    assert query is not None
    rows = ((SELECTED, evidence.picked), (RANDOM, evidence.drawn))
    sets = [(INPUT, nearest(signal.vectors[targets], query)[0])]
    sets += [
        (side, nearest(signal.vectors[own], query)[0])
        for side, some in rows
        if len(own := signal.owned(some)[0])
    ]
    return numbers(
        "Distance to the query set", _AXIS, sets,
        f"To the nearest of {len(query):,} query vectors.",
    )  # fmt: skip
