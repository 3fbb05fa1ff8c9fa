"""Learning curves, drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from selectlab.errors import MissingExtraError
from selectlab.simulate.comparison import Comparison
from selectlab.simulate.curve import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDE = 10
_MOST_TICKS = 12


def plot(curves: Comparison | Sequence[Curve], metric: str = "accuracy") -> Figure:
    """Draw a metric over the number of labels: a line for each method, the mean over its seeds.

    The band is one standard error to either side.

    Args:
        curves: What :func:`compare` returned, or curves.
        metric: What to draw.

    Returns:
        A figure of matplotlib; ``figure.savefig("curves.png")`` writes it.

    Raises:
        MissingExtraError: matplotlib is not installed.
        SelectlabError: Nothing of that name was measured.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError(
            "plot: needs matplotlib, which is not installed; pip install 'selectlab[plot]'"
        ) from None

    compared = curves if isinstance(curves, Comparison) else Comparison(tuple(curves))
    figure = Figure(figsize=(7.0, 4.5), layout="constrained")
    axes = figure.subplots()
    for method, part in compared.table(metric).groupby("method", sort=False):
        labels, mean = part["labels"].to_numpy(), part["mean"].to_numpy()
        spread = np.nan_to_num(part["standard_error"].to_numpy())
        (line,) = axes.plot(labels, mean, marker="o", markersize=3, label=str(method))
        axes.fill_between(labels, mean - spread, mean + spread, color=line.get_color(), alpha=0.2)
    _label_axis(axes, sorted({n for curve in compared.curves for n in curve.labels}))
    axes.set_ylabel(metric.replace("_", " "))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize="small")
    return figure


def _label_axis(axes: Axes, labels: Sequence[int]) -> None:
    """Mark the numbers of labels, as many as fit; on a logarithmic scale where they span much."""
    if labels[-1] >= _WIDE * labels[0]:
        axes.set_xscale("log")
    ticks = labels[:: -(-len(labels) // _MOST_TICKS)]
    axes.set_xticks(ticks, [f"{n:,}" for n in ticks])
    axes.minorticks_off()
    axes.set_xlabel("labels")
