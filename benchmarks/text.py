"""Numbers as tables print them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite


def number(value: float) -> str:
    """Return three digits, without an exponent where it can be read without."""
    if value == 0 or not isfinite(value):
        return "0" if value == 0 else str(value)
    if not 1e-4 <= abs(value) < 1e6:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def share(value: float) -> str:
    """Return a share as percent with one decimal."""
    return f"{100 * value:.1f} %"


def with_error(mean: float, error: float, digits: int = 1) -> str:
    """Return a mean and its standard error."""
    return f"{mean:.{digits}f} +- {error:.{digits}f}"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    lines += ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
    return "\n".join([*lines, ""])
