"""How far a prediction is: a bar with frames/s on a terminal, a line per video elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.progress import Task


class Progress(Protocol):
    """Is told what happens."""

    def begin(self, name: str, expected: int | None) -> None:
        """A unit begins, with this many frames if that is known."""
        ...

    def advance(self, frames: int) -> None:
        """This many frames more are done."""
        ...

    def end(self, note: str = "") -> None:
        """The unit is done; the note says how it ended, if not well."""
        ...


class Lines:
    """One line on stderr for each unit."""

    def __init__(self) -> None:
        self._name, self._frames, self._start = "", 0, 0.0

    def begin(self, name: str, expected: int | None) -> None:
        """Remember when it began."""
        self._name, self._frames, self._start = name, 0, time.monotonic()

    def advance(self, frames: int) -> None:
        """Count."""
        self._frames += frames

    def end(self, note: str = "") -> None:
        """Print the line."""
        seconds = max(time.monotonic() - self._start, 1e-9)
        speed = f"{self._frames} frames, {self._frames / seconds:.1f} frames/s"
        print(f"{self._name}: {note or speed}", file=sys.stderr, flush=True)


class Silence:
    """Says nothing."""

    def begin(self, name: str, expected: int | None) -> None:
        """Pass over."""

    def advance(self, frames: int) -> None:
        """Pass over."""

    def end(self, note: str = "") -> None:
        """Pass over."""


class _Bar(Lines):
    """A bar for the unit in work, and a line for each that is done."""

    def __init__(self, display: Any) -> None:
        super().__init__()
        self._display, self._task = display, None

    def begin(self, name: str, expected: int | None) -> None:
        super().begin(name, expected)
        self._task = self._display.add_task(name, total=expected)

    def advance(self, frames: int) -> None:
        super().advance(frames)
        self._display.advance(self._task, frames)

    def end(self, note: str = "") -> None:
        self._display.remove_task(self._task)
        super().end(note)


@contextmanager
def shown() -> Iterator[Progress]:
    """Show progress on stderr, as a bar if that is a terminal."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich import progress as rich

    class Speed(rich.ProgressColumn):
        """Frames per second."""

        def render(self, task: Task) -> str:
            """Return the text of the column."""
            return f"{task.speed or 0:.1f} frames/s"

    from rich.console import Console

    columns = (
        *(rich.TextColumn("{task.description}", markup=False), rich.BarColumn()),
        *(rich.MofNCompleteColumn(), Speed(), rich.TimeRemainingColumn()),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as display:
        yield _Bar(display)
