"""Curves over what they cost, with bands, where every seed may have costs of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

Curve = tuple[Sequence[float], Sequence[float]]


def save(path: Path, panels: Mapping[str, Mapping[str, Sequence[Curve]]], y: str) -> Path:
    """Draw panels side by side into a PNG and return its path.

    A line is the mean over seeds, at the mean cost of each round; its band is a standard error
    to either side.

    Args:
        path: Where to.
        panels: By the name of the horizontal axis: a curve a seed (costs, values) by the name of
            the line. The first line is black, the second grey.
        y: Name of the vertical axis.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(6.2 * len(panels), 5), squeeze=False, sharey=True,
        layout="constrained",
    )  # fmt: skip
    handles = {}
    for axis, (x, lines) in zip(axes[0], panels.items(), strict=True):
        for number, (name, curves) in enumerate(lines.items()):
            costs, values = (np.array(part, dtype=np.float64) for part in zip(*curves, strict=True))
            color = ("black", "grey")[number] if number < 2 else f"C{number - 2}"
            cost, mean = costs.mean(axis=0), values.mean(axis=0)
            [handles[name]] = axis.plot(cost, mean, color=color, marker="o", markersize=3)
            if len(values) > 1:
                error = values.std(axis=0, ddof=1) / len(values) ** 0.5
                axis.fill_between(
                    cost, mean - error, mean + error, color=color, alpha=0.12, linewidth=0
                )
        axis.set(xlabel=x, ylabel=y)
        axis.grid(visible=True, alpha=0.3)
    names = [name.replace("_", " ") for name in handles]
    figure.legend(handles.values(), names, loc="outside lower center", ncols=4)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return path
