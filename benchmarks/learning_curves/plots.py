"""Plots of learning curves with bands, ours solid and the peer's dashed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.claim import Estimate, Results
from benchmarks.learning_curves.measures import of
from benchmarks.learning_curves.peer import NAME
from benchmarks.learning_curves.runs import OURS, accuracy
from benchmarks.learning_curves.tables import DATA

STYLES = {OURS: "-", NAME: "--"}


def draw(results: Results, path: Path, methods: Sequence[str]) -> list[Path]:
    """Draw accuracy over labels, a panel for each data; bands are a standard error wide.

    Args:
        results: Of the units.
        path: PNG to make.
        methods: Decide the colours; the first, random, is black.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    there = [data for data in DATA if of(results, data)]
    figure, axes = pyplot.subplots(
        1, len(there), figsize=(6.4 * len(there), 5.4), squeeze=False, layout="constrained"
    )
    handles = {}
    for axis, data in zip(axes[0], there, strict=True):
        for side, style in STYLES.items():
            for number, method in enumerate(methods):
                curve = _curve(of(results, data, side), method)
                if not curve:
                    continue
                budgets, means, errors = zip(*curve, strict=True)
                color = "black" if number == 0 else f"C{number - 1}"
                low = [mean - error for mean, error in zip(means, errors, strict=True)]
                high = [mean + error for mean, error in zip(means, errors, strict=True)]
                [line] = axis.plot(budgets, means, style, color=color, marker="o", markersize=3)
                axis.fill_between(budgets, low, high, color=color, alpha=0.15, linewidth=0)
                handles[method if side == OURS else f"{method} ({side})"] = line
        axis.set(title=DATA[data], xlabel="labels", ylabel="accuracy, %", xscale="log")
        ticks = of(results, data)[0]["budgets"]
        axis.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axis.minorticks_off()
        axis.grid(visible=True, alpha=0.3)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return [path]


def _curve(units: Sequence[Mapping[str, Any]], method: str) -> list[tuple[int, float, float]]:
    """Return budgets with mean accuracy and its standard error."""
    found = []
    for budget in units[0]["budgets"] if units else []:
        values = [accuracy(unit, method, budget) for unit in units]
        estimate = Estimate(tuple(value for value in values if value is not None))
        if estimate.values:
            found.append((budget, estimate.mean, estimate.standard_error))
    return found
