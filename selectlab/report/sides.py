"""The sets that a report puts side by side, and how each looks on every chart.

They differ in line, filling and marker, not in colour alone; the colours are those of Okabe and
Ito, which colour-blind people can tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Side:
    """A set of samples on a chart.

    Attributes:
        word: What the legend says.
        colour: Of lines and fillings.
        dash: Of lines, as plotly names it.
        pattern: Of bars, as plotly names it; ``""`` is plain.
        width_px: Of lines.
    """

    word: str
    colour: str
    dash: str
    pattern: str
    width_px: float


INPUT = Side("candidates", "#8a8a8a", "solid", "", 1.0)
SELECTED = Side("selected", "#0072b2", "solid", "", 2.5)
RANDOM = Side("random", "#d55e00", "dash", "/", 2.0)

STROKES = (
    ("#0072b2", "solid", "circle"),
    ("#d55e00", "dash", "square"),
    ("#009e73", "dot", "diamond"),
    ("#cc79a7", "dashdot", "triangle-up"),
    ("#56b4e9", "longdash", "cross"),
    ("#000000", "longdashdot", "x"),
    ("#e69f00", "solid", "star"),
    ("#7a5195", "dash", "hexagon"),
)
"""Colour, dash and marker of the lines of a chart, in order."""

CATEGORIES = tuple(colour for colour, _, _ in STROKES)
"""Colours of categories, in order."""
OTHER = "#bbbbbb"
"""Colour of what is in none of them."""
