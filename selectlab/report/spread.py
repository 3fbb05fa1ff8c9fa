"""How far apart the selected samples are, and how near to all others: diversity and coverage."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from selectlab.neighbours import nearest, neighbours
from selectlab.report.charts import Chart, Table, figure, percent, rounded, side_curve
from selectlab.report.comparisons import numbers
from selectlab.report.evidence import Evidence, part_of
from selectlab.report.sides import INPUT, RANDOM, SELECTED, Side
from selectlab.stored import Float32Rows
from selectlab.types import Embedded, FloatArray, Objects, Rows

_MOST_ROWS, _FEWEST_ROWS = 20_000, 1_000
_MOST_PAIRS = 200_000_000
_MOST_CENTRES = 5_000
_MOST_ASKED, _FEWEST_ASKED, _MOST_PRODUCTS = 2_000, 200, 2e10
_AXIS = "distance, embedding units"
_SHARES = np.linspace(0.0, 1.0, 101)


def spread_charts(signal: Embedded, evidence: Evidence) -> list[Chart]:
    """Return diversity and coverage of the selection, beside those of a random one.

    Args:
        signal: The vectors, over the rows of the plan.
        evidence: The run with its data.
    """
    sets = ((SELECTED, evidence.picked), (RANDOM, evidence.drawn))
    centres = {
        side: signal.owned(np.concatenate([evidence.before, rows]))[0] for side, rows in sets
    }
    asked = measured_rows(evidence, len(evidence.chosen))
    targets = signal.owned(asked)[0]
    found = []
    if len(targets) and all(len(own) for own in centres.values()):
        dists = {
            side: nearest(signal.vectors[targets], signal.vectors[own])[0]
            for side, own in centres.items()
        }
        part = len(evidence.pool) if len(asked) < len(evidence.pool) else None
        found.append(_coverage(dists, _about(signal, len(evidence.before)), part))
    if all(len(own) > 1 for own in centres.values()):
        found.append(_diversity(signal, centres, targets, len(evidence.before)))
    if signal.query is not None and len(signal.query):
        found.append(_to_query(signal, targets, evidence))
    return found


def measured_rows(evidence: Evidence, n_centres: int) -> Rows:
    """Return the candidates, or a random part of them where there are many."""
    most = max(_FEWEST_ROWS, min(_MOST_ROWS, _MOST_PAIRS // max(n_centres, 1)))
    return part_of(evidence.pool, most)


def _about(signal: Embedded, n_before: int = 0) -> str:
    """Say what is counted, where it is not the selected samples alone."""
    told = [f"The {n_before:,} selected before count on both sides."] if n_before else []
    if isinstance(signal, Objects):
        told.append("Counted are objects, of which a sample may have many.")
    return " ".join(told)


def _coverage(dists: Mapping[Side, FloatArray], about: str, part_of_n: int | None) -> Chart:
    """Return which share of the candidates has something selected within a distance.

    Args:
        dists: Of candidates to the nearest of each side.
        about: More for the caption.
        part_of_n: How many candidates there are, where only a part of them was measured.
    """
    cuts = {side: np.quantile(values, _SHARES) for side, values in dists.items()}
    traces = [
        side_curve(side, rounded([0.0, *cut]), rounded([0.0, *(_SHARES * 100)]))
        for side, cut in cuts.items()
    ]
    n = f"n = {len(next(iter(dists.values()))):,} candidates measured"
    if part_of_n is not None:
        n += (
            f", drawn at random from {part_of_n:,}; the distances at the top of the page are of "
            "another part of them"
        )
    facts = _facts(dists)
    rows = [
        (percent(share), *(f"{cut[at]:.4g}" for cut in cuts.values()))
        for at, share in enumerate(_SHARES)
        if at % 10 == 0
    ]
    told = (facts, "The further to the left, the better covered.", about, f"{n}.")
    return Chart(
        title="Coverage: from a candidate to the nearest selected sample",
        caption=" ".join(filter(None, told)),
        alt=f"Curves of how many candidates have something selected near them. {facts}",
        figure=figure(
            traces, _AXIS, "candidates within it, %",
            x_axis={"rangemode": "tozero"}, y_axis={"range": [0, 101]},
        ),
        table=Table(("candidates", *(side.word for side in cuts)), rows),
    )  # fmt: skip


def _facts(dists: Mapping[Side, FloatArray]) -> str:
    """Say mean and largest distance."""
    words = [
        f"{side.word}: mean {values.mean():.4g}, farthest {values.max():.4g} (coverage radius)"
        for side, values in dists.items()
    ]
    return "; ".join(words).capitalize() + "."


def _diversity(
    signal: Embedded, centres: Mapping[Side, Rows], targets: Rows, n_before: int
) -> Chart:
    everyone = to_others(signal.vectors, targets)
    sets = [(side, _to_other(signal, own)) for side, own in centres.items()]
    least = ", ".join(f"{side.word} {values.min():.4g}" for side, values in sets)
    whole = any(len(values) == len(centres[side]) for side, values in sets)
    told = [
        f"The least of all: {least}. The further to the right, the less alike the selected "
        "samples are. Of candidates, to the nearest other sample of all.",
        _about(signal, n_before),
        "Measured for a part of the candidates, drawn at random." * (len(everyone) < len(targets)),
        "Measured for a part of what is selected and random, drawn at random." * (not whole),
    ]
    return numbers(
        "Diversity: from a selected sample to the nearest other selected one",
        _AXIS,
        [(INPUT, everyone), *sets],
        " ".join(filter(None, told)),
    )


def to_others(vectors: Float32Rows, rows: Rows) -> FloatArray:
    """Return the distance of vectors to their nearest others; of many only a part is asked.

    Args:
        vectors: (N, D) all there are.
        rows: Which of them are asked; of these a random part, the smaller the larger N * D is.
    """
    n, dimension = vectors.shape
    most = int(min(_MOST_ASKED, max(_FEWEST_ASKED, _MOST_PRODUCTS // (n * dimension))))
    dists: FloatArray = neighbours(vectors, vectors[part_of(rows, most)], 2)[0][:, 1]
    return dists


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
