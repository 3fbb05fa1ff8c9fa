"""``selectlab metrics``."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer

from selectlab.commands.options import DATA_HELP, AsJson, open_data, print_json
from selectlab.errors import ConfigError


def metrics(
    data: Annotated[str, typer.Argument(help=DATA_HELP)],
    out: Annotated[
        Path | None,
        typer.Option(help="Table to write, .parquet or .csv. Default: DATA/metadata.parquet."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Default: one per core.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure images: sharpness, luminance, ...

    The metrics become metadata of the dataset: THRESHOLD on METADATA 'lightly.sharpness' and the
    like. Configs that use them compute them when they are not there; this does it beforehand.
    """
    from selectlab.inputs.image_metrics import write_metrics

    if out is None and "://" in data:
        raise ConfigError(f"--out: say where to write the metrics; {data} is not on this machine")
    opened = open_data(data, None)
    target = out if out is not None else Path(data) / "metadata.parquet"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unreadable images are listed below
        measured = write_metrics(opened, target, workers=workers)
    unreadable = measured.attrs.get("unreadable", {})
    n_measured = len(measured.dropna(how="all"))
    if as_json:
        summary = {
            "samples": len(opened),
            "measured": n_measured,
            "unreadable": list(unreadable),
            "out": str(target),
        }
        print_json(summary)
        return
    typer.echo(f"{n_measured} of {len(opened)} samples measured: {target}")
    n_without = len(opened) - n_measured - len(unreadable)
    if n_without:
        typer.echo(f"  without an image: {n_without}")
    for sample_id in unreadable:
        typer.echo(f"  unreadable: {sample_id}")
