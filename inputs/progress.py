"""A progress bar on a terminal; nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from selectlab import progress

T = TypeVar("T")


def track(items: Iterable[T], total: int, text: str, show: bool | None = None) -> Iterator[T]:
    """Yield ``items``, drawing a bar on stderr.

    Args:
        items: What is worked on.
        total: How many there are.
        text: What is being done.
        show: Draw the bar; ``None`` draws it when stderr is a terminal. Inside a run whose
            progress is shown already, it is a stage of that.
    """
    if show is None and progress.current() is not None:
        yield from progress.followed(items, total, f"computing {text}")
        return
    if show is None:
        show = sys.stderr.isatty()
    if not show:
        yield from items
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(items, total=total, description=text)
