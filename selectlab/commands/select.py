"""``selectlab select`` and ``selectlab validate``."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectlab.commands.options import (
    DATA_HELP,
    Approximate,
    AsJson,
    CheckpointFile,
    Device,
    Engine,
    Links,
    Memory,
    Workers,
    open_data,
    print_json,
)
from selectlab.commands.waiting import LongRun

if TYPE_CHECKING:
    from selectlab.selection import Selection


def select(
    config: Annotated[Path, typer.Argument(help="JSON config; see 'selectlab schema'.")],
    data: Annotated[str, typer.Option(help=DATA_HELP)],
    out: Annotated[Path, typer.Option(help="Folder to make for the results.")],
    preselected: Annotated[
        list[Path] | None,
        typer.Option(
            help="What is selected already: a text file with one id a line, or the folder of an "
            "earlier run. May be repeated. Default: the dataset's preselected.txt, if any."
        ),
    ] = None,
    n_samples: Annotated[
        int | None, typer.Option("--n-samples", "-n", min=1, help="Replaces the config's size.")
    ] = None,
    proportion_samples: Annotated[
        float | None, typer.Option(min=0, max=1, help="Replaces the config's size, as a share.")
    ] = None,
    selected_sequence_length: Annotated[
        int | None, typer.Option(min=2, help="Select sequences of this many video frames.")
    ] = None,
    dataset: Links = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier run in --out.")
    ] = False,
    memory: Memory = None,
    device: Device = "cpu",
    engine: Engine = "local",
    workers: Workers = None,
    approximate: Approximate = None,
    checkpoint: CheckpointFile = None,
    as_json: AsJson = False,
) -> None:
    """Select samples: a ranking with reasons.

    Writes selection.csv, .parquet, .json and .txt and a manifest into --out, all or none.

    Example: selectlab select config.json --data ./dataset --out ./run1

    Next round: selectlab select config.json --data ./dataset --out ./run2 --preselected ./run1
    """
    from selectlab import api
    from selectlab.config import load
    from selectlab.earlier import read_earlier
    from selectlab.writers import check_target

    run = LongRun(out, checkpoint)
    with run.stoppable() as saved:
        parsed = load(config, n_samples=n_samples, proportion_samples=proportion_samples)
        check_target(out, overwrite=overwrite)
        before = read_earlier(preselected) if preselected else None
        chosen = api.select(
            parsed,
            open_data(data, dataset),
            preselected=before,
            selected_sequence_length=selected_sequence_length,
            memory=memory,
            device=device,
            engine=engine,
            workers=workers,
            approximate=approximate,
            checkpoint=saved,
        )
        run.save(chosen, overwrite=overwrite)
    if as_json:
        summary = {key: chosen.manifest[key] for key in ("counts", "stop_reason", "warnings")}
        print_json({**summary, "out": str(out), "selected": list(chosen.ids)})
    else:
        _print_selection(chosen, out)


def validate(
    config: Annotated[Path, typer.Argument(help="JSON config.")],
    data: Annotated[
        str | None, typer.Option(help=f"{DATA_HELP} Also checks that the inputs are there.")
    ] = None,
    dataset: Links = None,
    as_json: AsJson = False,
) -> None:
    """Check a config without selecting anything.

    With --data all inputs are loaded too, and the samples that could be selected counted.
    """
    from dataclasses import asdict

    from selectlab.config import load
    from selectlab.resolve import resolve

    parsed = load(config)
    counts: dict[str, Any] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        if data is not None:
            counts = asdict(resolve(parsed, open_data(data, dataset)).counts)
    notes = [*parsed.notes, *(str(warning.message) for warning in caught)]
    if as_json:
        summary = {"valid": True, "config": parsed.to_json(), "counts": counts, "warnings": notes}
        print_json(summary)
        return
    typer.echo(f"{config}: valid, {len(parsed.entries)} strategies")
    for entry in parsed.entries:
        typer.echo(f"  {entry.path}: {entry.strategy.describe()} on {entry.input.describe()}")
    if counts:
        typer.echo(f"{counts['candidates']} of {counts['input']} samples can be selected")
    for note in notes:
        typer.echo(f"note: {note}")


def _print_selection(chosen: Selection, out: Path) -> None:
    from selectlab.console import print_selection

    print_selection(chosen)
    typer.echo(f"written: {out}/")
