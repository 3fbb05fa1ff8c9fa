"""``selectlab embed``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selectlab.commands.options import DATA_HELP, AsJson, Videos, open_data, print_json
from selectlab.commands.waiting import interruptible, shown
from selectlab.errors import ConfigError

if TYPE_CHECKING:
    from selectlab.pixel_embeddings import Embedded

_SHOWN = 20


def embed(
    data: Annotated[str, typer.Argument(help=DATA_HELP)],
    out: Annotated[
        Path | None,
        typer.Option(help="Table to write, .parquet. Default: DATA/embeddings.parquet."),
    ] = None,
    videos: Videos = None,
    as_json: AsJson = False,
) -> None:
    """Embed pictures without a model, by their colours: a baseline, and a start.

    Finds near-duplicates, and scenes, places and light that differ; knows nothing of what is
    shown. 'selectlab predict --embed' makes embeddings with the weights of a YOLO model.

    Example: selectlab embed ./images
    """
    from selectlab.pixel_embeddings import write_pixel_embeddings

    if out is None and "://" in data:
        raise ConfigError(
            f"--out: say where to write the embeddings; {data} is not on this machine"
        )
    if out is not None and out.suffix != ".parquet":
        raise ConfigError(f"--out: embeddings are written to a .parquet file, got {out}")
    target = out if out is not None else Path(data).expanduser() / "embeddings.parquet"
    with interruptible(lambda: "while embedding; nothing was written"), shown():
        opened = open_data(data)
        _print(write_pixel_embeddings(opened, target, videos=videos), len(opened), as_json)


def _print(made: Embedded, n_samples: int, as_json: bool) -> None:
    from selectlab.pixel_embeddings import SPACE

    if as_json:
        told = {"samples": n_samples, "embedded": made.n_samples, "space": SPACE}
        unreadable = dict(made.unreadable)
        print_json({**told, "without": list(made.without), "unreadable": unreadable,
                    "out": str(made.out)})  # fmt: skip
        return
    typer.echo(f"{made.n_samples} of {n_samples} samples embedded ({SPACE}): {made.out}")
    for reason in list(made.unreadable.values())[:_SHOWN]:
        typer.echo(f"  unreadable: {reason}")
    if len(made.unreadable) > _SHOWN:
        typer.echo(f"  ... and {len(made.unreadable) - _SHOWN:,} more")
