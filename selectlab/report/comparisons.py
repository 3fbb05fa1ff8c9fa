"""Candidates, selected and random samples side by side: numbers, classes and metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from selectlab.report.charts import (
    Chart,
    Table,
    bars,
    brief,
    figure,
    percent,
    rounded,
    steps,
)
from selectlab.report.sides import INPUT, RANDOM, SELECTED, Side
from selectlab.types import FloatArray

Sets = Sequence[tuple[Side, FloatArray]]
"""Values of each side."""

DISTRIBUTION, BALANCE = "Distribution", "Balance of classes"
"""Titles of charts about the input that they stand under."""

_FEW_VALUES, _REPEATED = 12, 3
_MOST_CLASSES = 20
_BINS, _FEWEST_BINS = 30, 8
_OUTLIERS = 8.0
"""How many times longer than the middle 98 % the range must be for its ends to be cut off."""


def numbers(title: str, axis: str, sets: Sets, about: str = "") -> Chart:
    """Return the distribution of numbers.

    Args:
        title: What is shown.
        axis: What the numbers are, with their unit.
        sets: Of each side, at least one value.
        about: More for the caption.
    """
    whole = np.concatenate([values for _, values in sets])
    if len(np.unique(whole)) <= max(1, min(_FEW_VALUES, len(whole) / _REPEATED)):
        return _few_numbers(title, axis, sets, about)
    low, high, cut = _range(whole)
    edges = _edges(low, high, whole, _n_bins(sets))
    shares = [(side, _binned(values, edges)) for side, values in sets]
    beyond = " What lies beyond is in the first and last bin." if cut else ""
    caption = f"{_medians(sets)} Share of samples in each of {len(edges) - 1} bins.{beyond} {about}"
    head = ("from", "to", *(side.word for side, _ in sets))
    rows = [
        (f"{a:.4g}", f"{b:.4g}", *(percent(part[at] / 100) for _, part in shares))
        for at, (a, b) in enumerate(pairwise(edges))
    ]
    return Chart(
        title=title,
        caption=f"{caption.strip()} {_sizes(sets)}",
        alt=f"{title}: histogram of {axis}. {_medians(sets)}",
        figure=figure(
            [steps(side, edges, part) for side, part in shares], axis, "samples, %",
            y_axis={"rangemode": "tozero"},
        ),
        table=Table(head, rows),
    )  # fmt: skip


def _range(values: FloatArray) -> tuple[float, float, bool]:
    """Return the range to show, and whether ends are cut off."""
    low, high = float(values.min()), float(values.max())
    inner = np.quantile(values, [0.01, 0.99])
    span = float(inner[1] - inner[0])
    if span > 0 and high - low > _OUTLIERS * span:
        return max(low, float(inner[0]) - span), min(high, float(inner[1]) + span), True
    return low, high, False


def _n_bins(sets: Sets) -> int:
    """Return how many bins the smallest set can fill."""
    fewest = min(len(values) for _, values in sets)
    return int(min(_BINS, max(_FEWEST_BINS, 2 * fewest**0.5)))


def _edges(low: float, high: float, values: FloatArray, n_bins: int) -> FloatArray:
    """Return the ends of the bins; whole numbers have bins of a whole width around them."""
    if np.any(values != np.rint(values)):
        return np.linspace(low, high, n_bins + 1)
    first, last = np.floor(low), np.ceil(high)
    width = max(1.0, np.ceil((last - first + 1) / n_bins))
    edges: FloatArray = np.arange(first, last + width + 1, width) - 0.5
    return edges


def _binned(values: FloatArray, edges: FloatArray) -> FloatArray:
    """Return the share of values in each bin, in percent; what lies beyond is in the last ones."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return counts / max(len(values), 1) * 100


def _few_numbers(title: str, axis: str, sets: Sets, about: str) -> Chart:
    """Return bars, one for each value that occurs."""
    occurring = np.unique(np.concatenate([values for _, values in sets]))
    shares = [
        (side, np.array([(values == value).mean() for value in occurring])) for side, values in sets
    ]
    names = [f"{value:g}" for value in occurring]
    told = f"Values of {axis}. {_medians(sets)} {about}"
    return classes(title, names, shares, None, told, _counts(sets), in_order=True)


def classes(
    title: str,
    names: Sequence[str],
    sets: Sets,
    wanted: FloatArray | None,
    about: str,
    n: Mapping[Side, int],
    what: str = "share of samples",
    *,
    in_order: bool = False,
) -> Chart:
    """Return the shares of classes, with what was wanted where something was.

    Args:
        title: What the classes are.
        names: (K,) their names.
        sets: (K,) shares of each side, 0 to 1.
        wanted: (K,) wanted shares, NaN where nothing was said.
        about: More for the caption.
        n: How many samples each side has.
        what: What the bars are, without the unit.
        in_order: Keep the order of the names; otherwise the most frequent comes first.
    """
    kept = sorted(_worth_showing(sets, wanted)) if in_order else _worth_showing(sets, wanted)
    shown = [names[k] for k in kept]
    parts = [(side, shares[kept] * 100) for side, shares in sets]
    goal = None if wanted is None else wanted[kept] * 100
    head = ("", *(side.word for side, _ in sets), *(("wanted",) if wanted is not None else ()))
    rows = [
        (
            names[k],
            *(percent(shares[k]) for _, shares in sets),
            *(() if wanted is None else ("" if np.isnan(wanted[k]) else percent(wanted[k]),)),
        )
        for k in kept
    ]
    return Chart(
        title=title,
        caption=_caption(
            about, _shown(len(kept), len(names), wanted), _rest(sets, wanted), _told(n)
        ),
        alt=f"Bars of {title}. {_in_words(shown, sets, kept)}",
        figure=bars(shown, parts, goal, f"{what}, %"),
        table=Table(head, rows),
    )


def _caption(*parts: str) -> str:
    return " ".join(filter(None, map(str.strip, parts)))


def _shown(n: int, whole: int, wanted: FloatArray | None) -> str:
    """Say which classes are shown."""
    if n == whole:
        return ""
    if wanted is None or not np.nansum(wanted):
        return f"The {n} most frequent of {whole:,} are shown."
    return f"Shown are the most wanted and the most frequent, {n} of {whole:,}."


def _rest(sets: Sets, wanted: FloatArray | None) -> str:
    """Say how much of all classes without a share of their own was wanted."""
    if wanted is None or not 0 < np.isnan(wanted).sum() < len(wanted):
        return ""
    left = max(1.0 - float(np.nansum(wanted)), 0.0)
    held = ", ".join(
        f"{side.word} {percent(float(shares[np.isnan(wanted)].sum()))}" for side, shares in sets
    )
    return f"Classes without a share of their own, together: wanted {percent(left)}, {held}."


def _worth_showing(sets: Sets, wanted: FloatArray | None) -> list[int]:
    """Return the classes to show: the wanted and the most frequent ones, in the given order."""
    weight = np.max([shares for _, shares in sets], axis=0)
    if wanted is not None:
        weight = np.maximum(weight, np.nan_to_num(wanted))
    order = np.argsort(-weight, kind="stable")[:_MOST_CLASSES]
    most = sets[0][1]
    return sorted((int(k) for k in order), key=lambda k: (-float(most[k]), k))


def _in_words(names: Sequence[str], sets: Sets, kept: Sequence[int]) -> str:
    told = []
    for name, k in list(zip(names, kept, strict=True))[:5]:
        shares = ", ".join(f"{side.word} {percent(shares[k])}" for side, shares in sets)
        told.append(f"{brief(name)}: {shares}")
    return "; ".join(told)


def quartiles(title: str, part: Mapping[str, Any], n: Mapping[Side, int]) -> Chart:
    """Return boxes from the quartiles in a manifest, for when the data is not at hand."""
    axis = str(part["values"])
    sides = [(side, part[key]) for side, key in _KEYS if key in part]
    traces = [
        {
            "type": "box",
            "orientation": "h",
            "name": side.word,
            "y0": side.word,
            "lowerfence": rounded([one["min"]]),
            "q1": rounded([one["quartile_1"]]),
            "median": rounded([one["median"]]),
            "q3": rounded([one["quartile_3"]]),
            "upperfence": rounded([one["max"]]),
            "mean": rounded([one["mean"]]),
            "line": {"color": side.colour, "width": 2},
        }
        for side, one in sides
    ]
    names = ("mean", "min", "quartile_1", "median", "quartile_3", "max")
    rows = [(side.word, *(f"{one[name]:.4g}" for name in names)) for side, one in sides]
    return Chart(
        title=title,
        caption="Least, lower quartile, median, upper quartile and largest value; dashed: the "
        f"mean. {_told(n)}",
        alt=f"{title}: box plot of {axis}. "
        + " ".join(f"{side.word}: median {one['median']:.4g}." for side, one in sides),
        figure=figure(traces, axis, "", y_axis={"autorange": "reversed"}, showlegend=False),
        table=Table(("", *(name.replace("_", " ") for name in names)), rows),
    )


_KEYS = ((INPUT, "input"), (SELECTED, "selected"), (RANDOM, "random"))


def recorded(
    part: Mapping[str, Any],
    names: Sequence[str],
    wanted: FloatArray | None,
    n: Mapping[Side, int],
) -> Chart | None:
    """Return what a manifest says of an input, as a chart; ``None`` where that is no chart.

    Args:
        part: One of the manifest's statistics.
        names: (K,) the classes, if it is about classes.
        wanted: (K,) their wanted shares, if any.
        n: How many samples each side has.
    """
    if part["kind"] == "numbers":
        return quartiles(DISTRIBUTION, part, n)
    if part["kind"] != "classes":
        return None
    sets = [
        (side, np.array([float(part[key]["shares"].get(name, 0.0)) for name in names]))
        for side, key in _KEYS
        if key in part
    ]
    return classes(BALANCE, names, sets, wanted, "", n) if names else None


def _medians(sets: Sets) -> str:
    medians = ", ".join(f"{side.word} {np.median(values):.4g}" for side, values in sets)
    return f"Median: {medians}."


def _counts(sets: Sets) -> dict[Side, int]:
    return {side: len(values) for side, values in sets}


def _sizes(sets: Sets) -> str:
    return _told(_counts(sets))


def _told(n: Mapping[Side, int]) -> str:
    return "n = " + ", ".join(f"{count:,} {side.word}" for side, count in n.items()) + "."
