"""``selectlab export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectlab.commands.export_options import (
    ImageUrl,
    Imputed,
    MinScore,
    Settings,
    Tasks,
    settings_of,
)
from selectlab.commands.options import DATA_HELP, AsJson, open_data, print_json
from selectlab.commands.waiting import interruptible, shown
from selectlab.errors import ConfigError

if TYPE_CHECKING:
    from selectlab.dataset import Dataset
    from selectlab.exports.writer import Writer
    from selectlab.registry import Installed


def export(
    run: Annotated[
        str | None,
        typer.Argument(
            help="What to write: the folder of a run, a text file with one id a line, or "
            "campaign:NAME (campaign:NAME@VERSION)."
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="File, or folder to make; --list says which it is.")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="coco, yolo, label-studio, ...; see --list. Default: as the name of a file ends.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help=f"{DATA_HELP} Default: the one that the run says it is from."),
    ] = None,
    task: Tasks = None,
    imputed: Imputed = None,
    min_score: MinScore = None,
    image_url: ImageUrl = None,
    settings: Settings = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="FILE_OR_URL",
            envvar="SELECTLAB_STORE",
            help="Where campaigns are kept, if not in DATA.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file, or an earlier export.")
    ] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="List the formats; with --format explain one.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write what was selected in the format of another tool.

    Predictions go along as pre-labels, if the format has a place for them. Everything is written,
    or nothing.

    Which formats: selectlab export --list

    For labelling: selectlab export ./run1 --format coco --to ./todo --data ./dataset --task det

    A table: selectlab export ./run1 --to run1.jsonl

    Images by URL: selectlab export ./run1 --to run1.csv --image-url 'https://host/{id}'
    """
    if listed:
        _list(form, as_json=as_json)
        return
    if run is None or to is None:
        lacking = "RUN: say what to write" if run is None else "--to: say where to write it"
        raise ConfigError(f"{lacking}; 'selectlab export --help' has examples")
    from selectlab.exports.export import check_place
    from selectlab.exports.export import export as write
    from selectlab.exports.sources import fields_for, items_of

    writer = _writer(form, to, settings_of(settings))
    fields = fields_for(
        writer, tasks=task, imputed=imputed, min_score=min_score, image_url=image_url
    )
    check_place(to, writer, overwrite=overwrite)
    with interruptible(lambda: "while exporting; nothing was written"), shown():
        dataset = _dataset(run, data, writer)
        items = items_of(run, dataset, store=store, **fields)
        written = write(items, to, writer, overwrite=overwrite)
    if as_json:
        told = {"format": writer.type, "run": items.run, "samples": written.n_items}
        print_json({**told, "out": str(to), "notes": list(written.notes)})
        return
    for note in written.notes:
        typer.echo(f"note: {note}", err=True)
    n = written.n_items
    typer.echo(f"{n:,} {'sample' if n == 1 else 'samples'} written as {writer.type}: {to}")


def _writer(form: str | None, to: Path, settings: dict[str, str]) -> Writer:
    """Return the writer of a format, which the name of a file may tell."""
    from selectlab import registry
    from selectlab.exports.export import format_named, writer_of

    name = form or format_named(to)
    if name is None:
        raise ConfigError(f"--format: {to} does not tell; known: {', '.join(registry.writers())}")
    return writer_of(name, settings)


def _dataset(run: str, data: str | None, writer: Writer) -> Dataset | None:
    """Return the dataset that samples are from; tables of a run do without."""
    from selectlab.config import read_json
    from selectlab.writers import MANIFEST

    if data is not None:
        return open_data(data)
    if run.startswith("campaign:"):
        raise ConfigError("--data: say which dataset the campaign is about")
    if not writer.takes_shapes:
        return None
    manifest = Path(run, MANIFEST)
    if not Path(run).exists():
        raise ConfigError(f"{run}: no such run; expected its folder, a text file, or campaign:NAME")
    where = read_json(manifest).get("dataset") if manifest.is_file() else None
    if not isinstance(where, str):
        raise ConfigError(f"--data: {writer.type!r} needs the dataset that the samples are from")
    return open_data(where)


def _list(name: str | None, *, as_json: bool) -> None:
    """Print the formats, or what there is to know of one."""
    from selectlab import registry
    from selectlab.exports.export import format_called

    known = registry.writers()
    name = None if name is None else format_called(name)
    if as_json:
        print_json({one: _about(known[one]) for one in known if name in (None, one)})
    elif name is not None:
        from selectlab.console import print_page

        print_page(known[name], "options, for --set", leave_out=("type",))
    else:
        from selectlab.console import table

        rows = []
        for one, found in known.items():
            about = _about(found)
            options = ", ".join(f"{key}={value}" for key, value in about["options"].items())
            boxes = "yes" if about["predictions"] else ""
            rows.append((one, about["writes"], boxes, options, about["summary"]))
        table(["format", "writes", "predictions", "options", "what it is"], rows)


def _about(found: Installed) -> dict[str, Any]:
    """Return what a list says of a format; options with their defaults."""
    fields = {key: field for key, field in found.cls.model_fields.items() if key != "type"}
    return {
        "summary": found.summary,
        "writes": found.cls.ending or "a folder",
        "predictions": found.cls.takes_shapes,
        "options": {
            key: "required" if field.is_required() else field.default
            for key, field in fields.items()
        },
        "package": found.package,
    }
