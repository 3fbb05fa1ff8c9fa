"""``selectlab studio``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from selectlab.commands.campaign_options import Index, StorePlace
from selectlab.commands.options import DATA_HELP, Videos, open_data
from selectlab.commands.waiting import interruptible
from selectlab.errors import ConfigError

PORT = 8384


def studio(
    dataset: Annotated[str, typer.Argument(help=DATA_HELP)],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; 0 for any that is free.")
    ] = PORT,
    host: Annotated[
        str,
        typer.Option(
            help="Address to bind to. Default: this machine alone. Any other one asks for a token, "
            "which is in the address that is printed."
        ),
    ] = "127.0.0.1",
    token: Annotated[
        bool,
        typer.Option(
            "--token", help="Ask for a token on this machine too, where others use it as well."
        ),
    ] = False,
    runs: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where selection runs lie. Default: beside the dataset, and its .selectlab/runs.",
        ),
    ] = None,
    videos: Videos = None,
    store: StorePlace = None,
    index: Index = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address, open nothing.")
    ] = False,
) -> None:
    """Look at a dataset, its runs and its campaigns in a browser.

    Pictures, scores and decisions stay on this machine: the page asks nobody else for anything.
    Ctrl-C stops it.

    Example: selectlab studio ./dataset

    On a server: selectlab studio ./dataset --host 0.0.0.0 --no-browser
    """
    from selectlab.studio.serving import bound, check_extras, serve

    check_extras()
    for option, folder in {"--runs": runs, "--videos": videos}.items():
        if folder is not None and not folder.is_dir():
            raise ConfigError(f"{option}: {folder} is no folder")
    from selectlab.studio.access import Access
    from selectlab.studio.studio import Studio

    opened = open_data(dataset)
    with (
        interruptible(lambda: "while the page was served"),
        bound(host, port) as listening,
        Studio(
            opened,
            store=store,
            index=index,
            runs=runs,
            videos=videos,
            reopen=lambda: open_data(dataset),
        ) as made,
    ):
        access = Access.to(host, listening.getsockname()[1], token=token)
        say = f"{made.name}: {len(made.dataset):,} samples\nopen {access.url}   (Ctrl-C stops)"
        serve(made, access, listening, browser=not no_browser, begun=lambda: typer.echo(say))
