"""How results look on a terminal."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from selectlab.statistics import summary_lines

if TYPE_CHECKING:
    from selectlab.progress import Progress, Stage
    from selectlab.registry import Installed
    from selectlab.selection import Selection

_PIPE_WIDTH = 160
_BAR_WIDTH = 30
_BAR_LEAST = 8


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
        made.add_row(*(escape(cell.replace("``", "")) for cell in row))
    screen = console()
    screen.print(made)
    screen.print()


def print_page(installed: Installed, title: str = "in JSON", leave_out: Sequence[str] = ()) -> None:
    """Print what a strategy, input or writer is and which fields it has."""
    screen = console()
    screen.print(
        escape(inspect.cleandoc(installed.cls.__doc__ or "").replace("``", "")), soft_wrap=True
    )
    screen.print(f"\nfrom {installed.package}; {title}:\n")
    schema = installed.cls.model_json_schema()
    rows = []
    shown = (pair for pair in schema["properties"].items() if pair[0] not in leave_out)
    for name, field in shown:
        default = "required" if name in schema.get("required", ()) else repr(field.get("default"))
        rows.append((name, _type_in_words(field), default))
    if rows:
        table(["field", "type", "default"], rows)
    else:
        screen.print("none\n")


def _type_in_words(field: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type_in_words(option) for option in field["anyOf"])
    if "enum" in field:
        return ", ".join(map(repr, field["enum"]))
    if "const" in field:
        return repr(field["const"])
    return str(field.get("type", field.get("$ref", "").rpartition("/")[2]))


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
    if counts["beside_preselected"]:
        lines.append((f"-{counts['beside_preselected']}", "in the sequence of one selected before"))
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
        ["beside a random pick of equal size", "candidates", "selected", "random"],
        summary_lines(chosen.manifest["statistics"]),
    )
    for warning in chosen.warnings:
        console().print(f"note: {escape(warning)}")


@contextmanager
def live_progress(progress: Progress) -> Iterator[None]:
    """Show a progress on the last line of the terminal behind stderr, and remove it afterwards."""
    screen = Console(stderr=True, highlight=False)
    with Live(
        get_renderable=lambda: progress_line(progress.now, screen.width),
        console=screen,
        refresh_per_second=4,
        transient=True,
        redirect_stdout=False,
    ):
        yield


def progress_line(stage: Stage, width: int) -> Table:
    """Return a stage in one line: its name and the time always, the rest as far as it fits.

    Where it is narrow the bar becomes shorter, then the speed is left out, then the bar, then
    what is done.

    Args:
        stage: What is shown.
        width: Columns of the terminal.
    """
    line = Table.grid(padding=(0, 1))
    cells: list[Text | ProgressBar] = [Text(stage.name)]
    left = stage.left
    texts = [left]
    if stage.total is not None:
        texts = [f"{stage.count}, {stage.outlook}", f"{stage.count}, {left}", left]
    room = width - cell_len(stage.name) - 2  # a space each before what follows, or at the end
    text = next((text for text in texts if cell_len(text) <= room), left)
    if stage.total is not None:
        with_bar = (text for text in texts[:2] if cell_len(text) + _BAR_LEAST < room)
        text = next(with_bar, text)
        bar = min(_BAR_WIDTH, room - cell_len(text) - 1)
        if bar >= _BAR_LEAST:
            cells.append(ProgressBar(stage.total, stage.done, width=bar))
    cells.append(Text(text))
    for _ in cells:
        line.add_column(no_wrap=True)
    line.add_row(*cells)
    return line
