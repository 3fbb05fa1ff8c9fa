"""Plots of cases: lines with a band of standard errors, and dots of every seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Band:
    """A line and how sure it is.

    Attributes:
        x: Positions.
        ys: One curve per seed, each as long as ``x``.
    """

    x: Sequence[float]
    ys: Sequence[Sequence[float]]


@dataclass(frozen=True)
class Panel:
    """One plot of lines.

    Attributes:
        title: What is shown.
        x: Name of the horizontal axis.
        y: Name of the vertical axis, with its unit.
        lines: Bands by the name of the line.
    """

    title: str
    x: str
    y: str
    lines: Mapping[str, Band]


@dataclass(frozen=True)
class Bars:
    """One plot of bars with a dot for each seed.

    Attributes:
        title: What is shown.
        x: Name of the horizontal axis, with its unit.
        values: Numbers of all seeds by the name of the bar.
    """

    title: str
    x: str
    values: Mapping[str, Sequence[float]]


def save(path: Path, panels: Sequence[Panel]) -> Path:
    """Draw panels of lines side by side into a PNG; the same name has the same colour.

    The first line is a broad one beneath the others, so that one that equals it can be seen.
    """
    order = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    figure, axes = _figure(len(panels), 3.8)
    handles = {}
    for axis, panel in zip(axes, panels, strict=True):
        for name, band in panel.lines.items():
            curves = np.array(band.ys, dtype=np.float64)
            mean, colour = curves.mean(axis=0), f"C{order.index(name)}"
            width = 4.0 if name == order[0] else 1.4
            [handles[name]] = axis.plot(band.x, mean, color=colour, label=name, linewidth=width)
            if len(curves) > 1:
                error = curves.std(axis=0, ddof=1) / len(curves) ** 0.5
                axis.fill_between(band.x, mean - error, mean + error, color=colour, alpha=0.2)
        axis.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
        axis.set_ylim(bottom=0)
        axis.grid(visible=True, alpha=0.3)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=6)
    return _written(figure, path)


def save_bars(path: Path, panels: Sequence[Bars]) -> Path:
    """Draw panels of bars side by side into a PNG."""
    figure, axes = _figure(len(panels), 3.0)
    for axis, panel in zip(axes, panels, strict=True):
        for at, (name, values) in enumerate(panel.values.items()):
            axis.barh(at, float(np.mean(values)), color=f"C{at}", alpha=0.6)
            axis.plot(values, [at] * len(values), ".", color="black", markersize=4)
            axis.text(0, at, f" {name}", va="center")
        axis.set(title=panel.title, xlabel=panel.x, yticks=[])
        axis.invert_yaxis()
    return _written(figure, path)


def _figure(n_panels: int, height: float) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    n_columns = min(n_panels, 4)
    n_rows = -(-n_panels // n_columns)
    figure, axes = pyplot.subplots(
        n_rows, n_columns, figsize=(4.6 * n_columns, height * n_rows), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for axis in axes.flat[n_panels:]:
        axis.set_axis_off()
    return figure, axes.flat[:n_panels]


def _written(figure: Any, path: Path) -> Path:
    from matplotlib import pyplot

    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return path
