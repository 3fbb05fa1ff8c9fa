"""How results look on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from selectlab.statistics import summary_lines

if TYPE_CHECKING:
    from selectlab.selection import Selection

_PIPE_WIDTH = 160


def console() -> Console:
    """Return a console on stdout that does not break lines of a pipe at 80 columns."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_PIPE_WIDTH)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; sample ids may hold anything, markup included."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        made.add_column(title, overflow="fold")
    for row in rows:
        made.add_row(*(escape(cell) for cell in row))
    screen = console()
    screen.print(made)
    screen.print()


def print_selection(chosen: Selection, most: int = 10) -> None:
    """Print what was selected and why, beside a random pick of the same size."""
    counts = chosen.manifest["counts"]
    lines = [(f"{counts['input']}", "samples in the dataset")]
    lines += [(f"-{n}", f"without {name}") for name, n in counts["missing"].items()]
    if counts["not_in_sequence"]:
        lines.append((f"-{counts['not_in_sequence']}", "in no complete sequence"))
    lines += [(f"-{n}", f"removed by {name}") for name, n in counts["filtered"].items()]
    if counts["preselected"]:
        lines.append((f"-{counts['preselected']}", "selected before"))
    lines.append((f"{counts['candidates']}", "candidates"))
    lines.append((f"{counts['selected']}", f"selected; {chosen.stop_reason}"))
    table(["samples", ""], lines)
    table(
        ["rank", "sample", "why"],
        [(str(p.rank), p.sample_id, p.reason) for p in chosen.picks[:most]],
    )
    if len(chosen) > most:
        console().print(f"... and {len(chosen) - most} more\n")
    table(
        ["beside a random pick of equal size", "input", "selected", "random"],
        summary_lines(chosen.manifest["statistics"]),
    )
    for warning in chosen.warnings:
        console().print(f"note: {escape(warning)}")
