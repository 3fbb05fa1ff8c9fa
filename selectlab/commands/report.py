"""``selectlab report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from selectlab.commands.options import (
    DATA_HELP,
    AsJson,
    Links,
    Memory,
    Videos,
    open_data,
    print_json,
)
from selectlab.commands.waiting import interruptible, shown


def report(
    run: Annotated[Path, typer.Argument(help="Folder of a run, as 'selectlab select' makes it.")],
    data: Annotated[
        str | None,
        typer.Option(
            help=f"{DATA_HELP} Default: the folder that the run names, if it is there; without it "
            "the report shows what the run has written down."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write. Default: report.html in RUN.")
    ] = None,
    pdf: Annotated[
        bool,
        typer.Option(
            "--pdf", help="Print it too, with a Chromium, Chrome or Edge of this machine."
        ),
    ] = False,
    projection: Annotated[
        str,
        typer.Option(
            metavar="pca|umap",
            help="How embeddings are laid out: principal components, or UMAP (pip install "
            "'selectlab[umap]').",
        ),
    ] = "pca",
    videos: Videos = None,
    dataset: Links = None,
    memory: Memory = None,
    as_json: AsJson = False,
) -> None:
    """Write a report of a run: what was asked, what came out and why, to look at.

    One HTML file that holds everything it shows: it opens from disk, asks no server for anything,
    and can be printed.

    Example: selectlab report ./run1 --data ./dataset
    """
    from selectlab.report import write_report

    with interruptible(lambda: "while making the report; nothing was written"), shown():
        opened = None if data is None else open_data(data, dataset)
        written = write_report(
            run, opened, out, pdf=pdf, projection=projection, videos=videos, memory=memory
        )
    if as_json:
        printed = None if written.pdf is None else str(written.pdf)
        print_json({"html": str(written.html), "pdf": printed, "bytes": written.n_bytes})
        return
    if not written.with_data:
        typer.echo("note: the dataset is not at hand; --data says where it is", err=True)
    typer.echo(f"written: {written.html} ({written.n_bytes / 1e6:.1f} MB)")
    if written.pdf is not None:
        typer.echo(f"written: {written.pdf}")
