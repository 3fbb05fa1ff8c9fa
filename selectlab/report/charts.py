"""Charts: what plotly draws, with words and numbers for those who do not see it."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from selectlab.report.sides import INPUT, STROKES, Side
from selectlab.types import FloatArray

_FONT = {"family": "system-ui, -apple-system, 'Segoe UI', sans-serif", "size": 13}
_INK, _GRID = "#1a1a1a", "#e2e2e2"
_HEIGHT_PX, _BAR_PX, _LABEL = 250, 15, 26
_MOST_LETTERS = 160
_SHOWN_EDGE = "#5f5f5f"


@dataclass(frozen=True)
class Table:
    """Numbers in rows, the first cell of each is its head.

    Attributes:
        head: What the columns hold.
        rows: The numbers.
        told: Which part of all rows it has; nothing where it has all.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    told: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        title: What it shows.
        caption: How to read it, and how many samples it is about.
        alt: What is to be seen, in words.
        figure: ``data`` and ``layout`` for plotly.
        table: The numbers behind it.
        wide: Whether it takes the whole width of the page.
    """

    title: str
    caption: str
    alt: str
    figure: Mapping[str, Any]
    table: Table | None = None
    wide: bool = False


def plain(text: str) -> str:
    """Return text as plotly shows it letter by letter: it reads tags in labels.

    Example:
        >>> plain("<b>x")
        '&lt;b&gt;x'
    """
    return html.escape(text, quote=False)


def short(text: str, most: int = _LABEL) -> str:
    """Return a label that fits: the middle of a long one is left out."""
    if len(text) <= most:
        return text
    tail = most // 2 - 1
    return f"{text[: most - tail - 1]}…{text[len(text) - tail :]}"


def brief(text: str) -> str:
    """Return text for people to read, without the middle where it is longer than anyone does."""
    return short(text, _MOST_LETTERS)


def rounded(values: Iterable[float], digits: int = 4) -> list[float]:
    """Return numbers with as many digits as can be seen."""
    return [float(f"{value:.{digits}g}") for value in values]


def figure(
    traces: Sequence[Mapping[str, Any]],
    x: str,
    y: str,
    *,
    height_px: int = _HEIGHT_PX,
    x_axis: Mapping[str, Any] | None = None,
    y_axis: Mapping[str, Any] | None = None,
    **layout: Any,
) -> dict[str, Any]:
    """Return a figure in the look of the house.

    Args:
        traces: What is drawn.
        x: Title of the horizontal axis, with its unit.
        y: Title of the vertical axis, with its unit.
        height_px: Height.
        x_axis: More of the horizontal axis.
        y_axis: More of the vertical axis.
        layout: More of the layout.
    """
    return {
        "data": list(traces),
        "layout": {
            "height": height_px,
            "font": {**_FONT, "color": _INK},
            "paper_bgcolor": "#ffffff",
            "plot_bgcolor": "#ffffff",
            "margin": {"l": 10, "r": 12, "t": 28, "b": 10},
            "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
            "showlegend": len(traces) > 1,
            "xaxis": _axis(x, x_axis),
            "yaxis": _axis(y, y_axis),
            **layout,
        },
    }


def _axis(title: str, more: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "title": {"text": plain(title), "standoff": 8, "font": {"size": 12}},
        "automargin": True,
        "gridcolor": _GRID,
        "zeroline": False,
        "linecolor": _SHOWN_EDGE,
        "showline": True,
        "ticks": "outside",
        "ticklen": 3,
        **(more or {}),
    }


def steps(side: Side, edges: FloatArray, shares: FloatArray) -> dict[str, Any]:
    """Return the outline of a histogram; the candidates' is filled."""
    x = np.concatenate([edges[:1], edges])
    y = np.concatenate([[0.0], shares, [0.0]])
    filled = {"fill": "tozeroy", "fillcolor": "rgba(138,138,138,0.30)"} if side is INPUT else {}
    return {
        "type": "scatter",
        "mode": "lines",
        "name": side.word,
        "x": rounded(x, 6),
        "y": rounded(y),
        "line": {
            "shape": "hv",
            "color": side.colour,
            "dash": side.dash,
            "width": side.width_px,
        },
        **filled,
    }


def bars(
    names: Sequence[str],
    sides: Sequence[tuple[Side, FloatArray]],
    wanted: FloatArray | None,
    unit: str,
) -> dict[str, Any]:
    """Return bars that lie side by side for each name, from top to bottom.

    Args:
        names: (K,) what each group of bars is about.
        sides: Shares (K,) in percent.
        wanted: (K,) what was asked for, NaN where nothing; ``None`` if nothing at all.
        unit: Title of the axis.
    """
    places = list(range(len(names)))
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "orientation": "h",
            "name": side.word,
            "y": places,
            "x": rounded(shares),
            "marker": {
                "color": side.colour,
                "line": {"color": _SHOWN_EDGE, "width": 0.5},
                "pattern": {"shape": side.pattern, "size": 5, "solidity": 0.35},
            },
        }
        for side, shares in sides
    ]
    if wanted is not None:
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "wanted",
                "y": [place for place in places if np.isfinite(wanted[place])],
                "x": rounded(wanted[np.isfinite(wanted)]),
                "marker": {
                    "symbol": "diamond-tall",
                    "color": "#ffffff",
                    "size": 13,
                    "line": {"width": 2, "color": "#000000"},
                },
            }
        )
    labels = [plain(short(name)) for name in names]
    ticks = {"tickvals": places, "ticktext": labels, "range": [len(names) - 0.5, -0.5], "ticks": ""}
    height = 96 + len(names) * (len(sides) * _BAR_PX + 10)
    return figure(
        traces, unit, "", height_px=max(height, 170), y_axis=ticks, barmode="group", bargap=0.25,
        x_axis={"rangemode": "tozero"},
    )  # fmt: skip


def curve(
    name: str,
    x: Sequence[float],
    y: Sequence[float],
    at: int,
    *,
    markers: bool = True,
    **more: Any,
) -> dict[str, Any]:
    """Return a line of a chart; ``at`` chooses how it looks."""
    colour, dash, symbol = STROKES[at % len(STROKES)]
    return {
        "type": "scatter",
        "mode": "lines+markers" if markers else "lines",
        "name": plain(name),
        "x": x,
        "y": y,
        "line": {"color": colour, "dash": dash, "width": 2},
        "marker": {"symbol": symbol, "size": 6, "color": colour},
        **more,
    }


def side_curve(side: Side, x: Sequence[float], y: Sequence[float]) -> dict[str, Any]:
    """Return the line of a side."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": side.word,
        "x": x,
        "y": y,
        "line": {"color": side.colour, "dash": side.dash, "width": side.width_px},
    }


def percent(share: float) -> str:
    r"""Return a share of 1 in words, which a line does not end within.

    Example:
        >>> percent(0.1234), percent(0.00004), percent(1.0)
        ('12.3\xa0%', '<0.1\xa0%', '100\xa0%')
    """
    value = share * 100
    if 0 < value < 0.1:
        return "<0.1\u00a0%"
    return f"{value:.3g}\u00a0%"


def counted(n: int, what: str) -> str:
    """Return a number and what is counted.

    Example:
        >>> counted(1, "sample"), counted(1200, "sample")
        ('1 sample', '1,200 samples')
    """
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
