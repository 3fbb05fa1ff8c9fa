"""``selectlab demo``."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from selectlab.errors import MissingExtraError


def demo(
    out: Annotated[
        Path, typer.Option(help="Folder to make for the demo dataset and its selection.")
    ] = Path("demo"),
    n_samples: Annotated[int, typer.Option("--n-samples", "-n", min=1, max=1000)] = 50,
) -> None:
    """See it work on real images, beside random.

    Writes a small dataset, selects from it with three strategies and says why, labels the
    selection, retrains, and compares with labelling random samples.
    """
    from selectlab.demo import run_demo
    from selectlab.report.html import needed
    from selectlab.studio.serving import check_extras

    run_demo(out, n_samples)
    run, data = (shlex.quote(str(out / name)) for name in ("run", "dataset"))
    typer.echo("\nsee why, in one page, and look at all of it in a browser:")
    _next(f"selectlab report {run}", needed)
    _next(f"selectlab studio {data}", check_extras)


def _next(command: str, check: Callable[[], None]) -> None:
    """Print a command, and what it lacks to run."""
    typer.echo(command)
    try:
        check()
    except MissingExtraError as error:
        typer.echo(f"  {error}")
