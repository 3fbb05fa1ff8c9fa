"""What a command does about long runs: it shows how far it is, and ends well when it is stopped."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer

from selectlab.errors import ConfigError
from selectlab.progress import Progress, Stage, watched

if TYPE_CHECKING:
    from selectlab.checkpoint import Checkpoint
    from selectlab.selection import Selection

SHOWN_AFTER_S = 2.0
"""Shorter runs show nothing."""
LINE_EVERY_S = 30.0
"""How often a line is printed where there is no terminal, s."""


class LongRun:
    """A selection that shows how far it is, can be stopped, and may go on from a checkpoint.

    Args:
        out: Folder of the results.
        checkpoint: File or folder of the checkpoint, if there is to be one.

    Raises:
        ConfigError: The checkpoint would lie in ``out``, which is written as a whole.
    """

    def __init__(self, out: Path, checkpoint: Path | None) -> None:
        if checkpoint is not None and checkpoint.resolve().is_relative_to(out.resolve()):
            raise ConfigError(
                f"--checkpoint: {checkpoint} lies in --out, which is written at the end, as a "
                "whole; choose another place"
            )
        self._out, self._place = out, checkpoint
        self._checkpoint: Checkpoint | None = None
        self._progress = Progress()
        self._earlier = self._results()

    @contextmanager
    def stoppable(self) -> Iterator[Checkpoint | None]:
        """Give the open checkpoint, if there is one."""
        with (
            interruptible(self._story),
            _notes_on_stderr(),
            shown() as self._progress,
            self._opened() as self._checkpoint,
        ):
            yield self._checkpoint

    def _opened(self) -> AbstractContextManager[Checkpoint | None]:
        if self._place is None:
            return nullcontext()
        from selectlab.checkpoint import opened

        return opened(self._place)

    def save(self, chosen: Selection, *, overwrite: bool) -> None:
        """Write the results; now the checkpoint has done its work."""
        self._progress.now = Stage("writing files")
        chosen.save(self._out, overwrite=overwrite)
        if self._checkpoint is not None:
            if self._checkpoint.n_resumed:
                resumed = f"{self._checkpoint.n_resumed:,} picks of {self._checkpoint.path}"
                typer.echo(f"went on from {resumed}, which is removed", err=True)
            self._checkpoint.remove()

    def _results(self) -> tuple[int, int] | None:
        """Tell one result in ``out`` from another."""
        from selectlab.writers import MANIFEST

        try:
            found = (self._out / MANIFEST).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _story(self) -> str:
        stage = self._progress.now
        if stage.total and self._checkpoint is not None:
            stage.reach(min(self._checkpoint.n_saved, stage.total))
        done = f", {stage.count} done" if stage.total else ""
        if self._results() != self._earlier:
            return f"while {stage.name}{done}; the selection is in {self._out}/"
        return f"while {stage.name}{done}; nothing was written to {self._out}/; {self._outlook()}"

    def _outlook(self) -> str:
        if self._checkpoint is None or self._place is None:
            return "with --checkpoint FILE a selection can go on later"
        option = f"--checkpoint {shlex.quote(str(self._place))}"
        if not self._checkpoint.n_saved:
            return f"{option} holds no pick yet"
        return f"to go on from {self._checkpoint.n_saved:,} picks, run it again with {option}"


@contextmanager
def _notes_on_stderr() -> Iterator[None]:
    """Print warnings of the run as notes, as soon as they come."""
    with warnings.catch_warnings():
        warnings.showwarning = _note
        yield


@contextmanager
def notes() -> Iterator[None]:
    """Print every warning as a note on stderr."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _note
        yield


def _note(message: Warning | str, *_: Any, **__: Any) -> None:
    typer.echo(f"note: {message}", err=True)


@contextmanager
def shown() -> Iterator[Progress]:
    """Show on stderr how far the run inside is: a bar on a terminal, a line now and then elsewhere.

    A thread does it, since the run has other things to do; stdout is left alone.
    """
    over = threading.Event()
    with watched() as progress:
        show = _bar if sys.stderr.isatty() else _lines
        shower = threading.Thread(target=show, args=(progress, over), daemon=True)
        shower.start()
        try:
            yield progress
        finally:
            over.set()
            shower.join()


def _bar(progress: Progress, over: threading.Event) -> None:
    if over.wait(SHOWN_AFTER_S):
        return
    from selectlab.console import live_progress

    with live_progress(progress):
        over.wait()


def _lines(progress: Progress, over: threading.Event) -> None:
    while not over.wait(LINE_EVERY_S):
        print(progress.now.line, file=sys.stderr, flush=True)


class Terminated(KeyboardInterrupt):
    """SIGTERM came: the run ends as after Ctrl-C."""


@contextmanager
def interruptible(say: Callable[[], str]) -> Iterator[None]:
    """End with one line and exit code 130 after Ctrl-C, 143 after SIGTERM or a closed terminal.

    Args:
        say: Returns what was done, to be printed after "interrupted" or "terminated".
    """
    try:
        with _terminable(), ending_on_hangup():
            yield
    except KeyboardInterrupt as stop:
        terminated = isinstance(stop, Terminated)
        word = "terminated" if terminated else "interrupted"
        with suppress(OSError):  # of a terminal that is gone
            typer.echo(f"{word} {say()}", err=True)
        number = signal.SIGTERM if terminated else signal.SIGINT
        raise typer.Exit(128 + number) from None


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM unwind the run; not where somebody else takes care of it or ignores it."""
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


@contextmanager
def ending_on_hangup() -> Iterator[None]:
    """Take a terminal that was closed for SIGTERM; not where somebody else has said what it means.

    Shells send it once more: those that come while everything is put away change nothing.
    """
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    ours = threading.current_thread() is threading.main_thread()
    if hangup is None or not ours or signal.getsignal(hangup) != signal.SIG_DFL:
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(hangup, signal.SIG_IGN)
        signal.raise_signal(signal.SIGTERM)

    signal.signal(hangup, end)
    try:
        yield
    finally:
        if signal.getsignal(hangup) is end:
            signal.signal(hangup, signal.SIG_DFL)
