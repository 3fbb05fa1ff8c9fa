"""Plots that look alike: one panel beside another, logarithmic, a line per contestant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Line = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """One plot.

    Attributes:
        title: What is shown.
        x: Name of the horizontal axis.
        y: Name of the vertical axis, with its unit.
        lines: Points by the name of the line.
    """

    title: str
    x: str
    y: str
    lines: Mapping[str, Line]


def save(path: Path, panels: Sequence[Panel], order: Sequence[str]) -> None:
    """Draw panels side by side into a PNG.

    Args:
        path: Where to.
        panels: From left to right; they share one legend.
        order: Names of all lines; it decides their colours, so that they stay the same in
            every file. The first is drawn thicker.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import NullFormatter

    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(5.2 * len(panels), 4.2), squeeze=False, layout="constrained"
    )
    handles = {}
    for axis, panel in zip(axes[0], panels, strict=True):
        for name in sorted(panel.lines, key=order.index):
            points = sorted(panel.lines[name])
            if not points:
                continue
            first = order.index(name) == 0
            [handles[name]] = axis.plot(
                *zip(*points, strict=True),
                marker="o",
                markersize=4,
                linewidth=2.6 if first else 1.4,
                color=f"C{order.index(name)}",
                label=name,
                zorder=3 if first else 2,
            )
        axis.set(title=panel.title, xlabel=panel.x, ylabel=panel.y, xscale="log", yscale="log")
        ticks = sorted({x for points in panel.lines.values() for x, _ in points})
        axis.set_xticks(ticks, [_short(x) for x in ticks])
        for side in (axis.xaxis, axis.yaxis):
            side.set_minor_formatter(NullFormatter())
        axis.grid(visible=True, which="major", alpha=0.3)
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=min(6, len(order))
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _short(value: float) -> str:
    """Return 10k for 10,000, 4M for four million and 1024 for 1,024."""
    for unit, sign in ((1e6, "M"), (1e3, "k")):
        if value >= unit and value % (unit / 10) == 0:
            return f"{value / unit:g}{sign}"
    return f"{value:g}"
