"""``selectlab labels``: what people have said, in and out of the ledger."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from selectlab.commands.campaign_options import counted, plain
from selectlab.commands.options import AsJson, LedgerPlace, print_json
from selectlab.commands.rounds import Data, Dataset, opened, print_ids
from selectlab.errors import ConfigError, DataError

if TYPE_CHECKING:
    from selectlab.labels.label import Kind
    from selectlab.rounds.rounds import ImportedLabels

app = typer.Typer(
    name="labels",
    help="Bring labels in, look at them, and write them for training.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

SHOWN = 20
"""Labels without a sample that are listed."""

Task = Annotated[
    str,
    typer.Option(metavar="TASK", help="The prediction task they are about. Default: all they fit."),
]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="What the tool exported: a file or a folder.")],
    data: Data,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="label-studio|coco|yolo|cvat",
            help="Default: told from the file.",
        ),
    ] = None,
    task: Task = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Write nothing if a label belongs to no sample.")
    ] = False,
    mismatches: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all labels without a sample to this file."),
    ] = None,
    store: LedgerPlace = None,
    as_json: AsJson = False,
) -> None:
    """Bring labels into the ledger; the next selection starts from them.

    They belong to samples by id, or by file name where that can mean one sample only. Newer labels
    take the place of older ones; the same file again changes nothing.

    Example: selectlab labels import project-1.json --data ./dataset
    """
    found = opened(data, store).import_labels(file, form, task=task, strict=strict)
    if mismatches is not None:
        _write_mismatches(found, mismatches)
    if as_json:
        print_json({**plain(found), "mismatches": plain(list(found.mismatches))})
    else:
        _print_imported(found, file)
    if not found.written:
        n = len(found.mismatches)
        raise DataError(f"{file}: {n} of its images are no samples; nothing was written (--strict)")


def _write_mismatches(found: ImportedLabels, path: Path) -> None:
    from selectlab.atomic import write_atomically

    try:
        write_atomically(path, "".join(f"{one}\n" for one in found.mismatches))
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from None


def _print_imported(found: ImportedLabels, file: Path) -> None:
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
    for mismatch in found.mismatches[:SHOWN]:
        typer.echo(f"no sample: {mismatch}", err=True)
    if len(found.mismatches) > SHOWN:
        more = len(found.mismatches) - SHOWN
        typer.echo(f"... and {more:,} more; --mismatches FILE writes all", err=True)
    if found.written:
        told = ", ".join(f"{n:,} {what}" for what, n in vars(found.counts).items() if n)
        samples = counted(found.samples, "labelled sample")
        typer.echo(f"{file}: {samples}{': ' if told else ''}{told}")


@app.command("list")
def list_(
    dataset: Dataset,
    task: Task = "",
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="The first so many.")
    ] = None,
    ids: Annotated[bool, typer.Option("--ids", help="Print ids alone, one a line.")] = False,
    store: LedgerPlace = None,
    as_json: AsJson = False,
) -> None:
    """List the labels of the ledger, by sample id.

    Example: selectlab labels list ./dataset -n 20
    """
    from itertools import islice

    found = list(islice(opened(dataset, store).labels(task or None), limit))
    if ids:
        names = list(dict.fromkeys(label.sample_id for label in found))
        print_ids(names, as_json=as_json)
        return
    if as_json:
        print_json(plain(found))
        return
    if not found:
        typer.echo("no labels; 'selectlab labels import' brings them in")
        return
    from selectlab.console import table

    rows = [
        (
            label.sample_id, label.task or "any", _seen(label.shapes),
            "" if label.labelled_at is None else f"{label.labelled_at:%Y-%m-%d %H:%M}",
            label.labelled_by or "", label.source,
        )
        for label in found
    ]  # fmt: skip
    table(["sample", "task", "labelled", "at (UTC)", "by", "source"], rows)


@app.command()
def export(
    dataset: Dataset,
    form: Annotated[
        str,
        typer.Option("--format", metavar="coco|yolo|...", help="See 'selectlab export --list'."),
    ],
    to: Annotated[Path, typer.Option(help="File or folder to make, as the format has it.")],
    task: Task = "",
    kind: Annotated[
        str | None,
        typer.Option(metavar="classes|objects", help="Where there are labels of both."),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="An option of the format; repeatable."),
    ] = None,
    image_url: Annotated[
        str | None,
        typer.Option(metavar="TEMPLATE", help="Addresses of images, such as https://host/{id}."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export.")
    ] = False,
    store: LedgerPlace = None,
    as_json: AsJson = False,
) -> None:
    """Write the labels of the ledger in the format of another tool, for training.

    Example: selectlab labels export ./dataset --format yolo --to ./train --set images=link
    """
    from selectlab.exports.export import export as write
    from selectlab.exports.export import writer_of
    from selectlab.exports.sources import items_of_labels
    from selectlab.labels.labelled import labelled_task

    writer = writer_of(form, _pairs(options))
    rounds = opened(dataset, store)
    found, about = labelled_task(
        rounds.labels(task or None), rounds.dataset, task, _checked_kind(kind)
    )
    items = items_of_labels(found, rounds.dataset, about, image_url=image_url)
    written = write(items, to, writer, overwrite=overwrite)
    if as_json:
        print_json(plain(written) | {"path": str(written.path)})
        return
    for note in written.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"{counted(written.n_items, 'labelled sample')} written: {written.path}")


def _pairs(options: list[str] | None) -> dict[str, str]:
    """Return options that were written as KEY=VALUE."""
    found = {}
    for option in options or ():
        key, equals, value = option.partition("=")
        if not (key and equals):
            raise ConfigError(f"--set: expected KEY=VALUE, got {option!r}")
        found[key] = value
    return found


def _seen(shapes: tuple[object, ...]) -> str:
    counts = Counter(getattr(shape, "category", "") for shape in shapes)
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items())) or "nothing"


def _checked_kind(kind: str | None) -> Kind | None:
    """Return what the user said that labels are about."""
    from selectlab.labels.label import Kind

    known: tuple[Kind, ...] = get_args(Kind)
    for one in known:
        if one == kind:
            return one
    if kind is not None:
        raise ConfigError(f"--kind: expected classes or objects, got {kind!r}")
    return None
