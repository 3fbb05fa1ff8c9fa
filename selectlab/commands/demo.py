"""``selectlab demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    pass


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

    run_demo(out, n_samples)
