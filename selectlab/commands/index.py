"""``selectlab index``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectlab.commands.options import DATA_HELP, AsJson, open_data, print_json
from selectlab.commands.waiting import interruptible, notes, shown
from selectlab.errors import ConfigError

if TYPE_CHECKING:
    from selectlab.corpus import Corpus


def index(
    dataset: Annotated[str, typer.Argument(help=DATA_HELP)],
    task: Annotated[
        str | None,
        typer.Option(help="Index the objects of this prediction task instead of whole samples."),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(help="Index the further embeddings embeddings/SPACE.parquet."),
    ] = None,
    space_id: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Which model and weights made the vectors, where embeddings.json does not say "
            '{"space": ID}. Once for a dataset.',
        ),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Keep the lengths of vectors. Default: unit length.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the index. Default: that of TASK or SPACE, or 'default'."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--index",
            metavar="DIR",
            help="Folder of the index. Default: DATASET/.selectlab/corpus/NAME.",
        ),
    ] = None,
    approximate: Annotated[
        bool,
        typer.Option(
            "--approximate",
            help="Also make an approximate index of all that is in it, and measure its recall "
            "(selectlab[faiss]).",
        ),
    ] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make it anew, from DATASET alone.")
    ] = False,
    show: Annotated[bool, typer.Option("--show", help="Only print what is in it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Index embeddings once, for campaigns to search many times.

    The first time everything is indexed, later only what is new; it says what has changed or is
    gone since. A run that is stopped leaves nothing half-written.

    Example: selectlab index ./dataset --space-id yolov8n

    Objects: selectlab index ./dataset --task detection --space-id yolov8n

    Look: selectlab index ./dataset --show
    """
    from selectlab.corpus import Corpus, place_of

    opened = open_data(dataset)
    place = folder or place_of(opened, task=task, space=space, name=name)
    if show:
        _print(Corpus.open(place), as_json, {})
        return
    with (
        interruptible(lambda: f"while indexing; nothing half-written is left in {place}"),
        notes(),
        shown(),
    ):
        if rebuild or not _is_there(place):
            before = 0
            corpus = Corpus.build(
                opened, place, task=task, space=space, space_id=space_id,
                normalise=not raw, rebuild=rebuild,
            )  # fmt: skip
            added = corpus.n_elements
        else:
            corpus = Corpus.open(place)
            before = corpus.n_elements
            _refuse_another(corpus, task, space, raw)
            added = corpus.append(opened, space_id=space_id)
        if approximate:
            corpus.add_approximate()
    _print(corpus, as_json, {"added": added, "before": before})


def _is_there(place: Path) -> bool:
    from selectlab.corpus.manifest import read_manifest

    return read_manifest(place) is not None


def _refuse_another(corpus: Corpus, task: str | None, space: str | None, raw: bool) -> None:
    """Refuse options that mean another index than the one that is there."""
    held = corpus.space
    wanted = {"--task": (task, held.task), "--space": (space, corpus.embeddings)}
    for option, (given, there) in wanted.items():
        if given is not None and given != there:
            what = held.elements + (f" in {corpus.embeddings!r}" if corpus.embeddings else "")
            raise ConfigError(
                f"{option}: {corpus.folder} holds {what}, not {given!r}; --name NAME or --index "
                "DIR makes another index beside it"
            )
    if raw and held.normalised:
        raise ConfigError(
            f"--raw: {corpus.folder} holds vectors of unit length; --rebuild makes it anew"
        )


def _print(corpus: Corpus, as_json: bool, changed: dict[str, int]) -> None:
    """Print what is in an index, and what a run has added."""
    from dataclasses import asdict

    lists = corpus.approximate
    if as_json:
        facts: dict[str, Any] = {
            "index": str(corpus.folder), "identity": corpus.identity,
            "generation": corpus.generation, "space": asdict(corpus.space),
            "embeddings": corpus.embeddings, "elements": corpus.n_elements,
            "samples": corpus.n_samples, "parts": corpus.n_parts,
            "approximate": lists.model_dump() if lists else None, **changed,
        }  # fmt: skip
        print_json(facts)
        return
    from selectlab.console import table

    held = corpus.space
    rows = [
        ("elements", f"{corpus.n_elements:,} {held.elements}, of {corpus.n_samples:,} samples"),
        ("space", held.name),
        ("vectors", f"{held.dimension} dimensions, {_length(held.normalised)}"),
        ("parts", f"{corpus.n_parts}, generation {corpus.generation}"),
        ("approximate", "none; --approximate makes one"),
    ]
    if lists:
        rest = corpus.n_elements - lists.n_elements
        more = f"; {rest:,} elements that came later are searched exactly" if rest else ""
        found = f"recall {lists.recall:.2%} of {lists.k} neighbours, on {lists.measured_on}"
        rows[-1] = ("approximate", f"{lists.index}, {found} elements{more}")
    if changed:
        to = f" to {changed['before']:,}" if changed["before"] else ""
        rows.insert(0, ("added", f"{changed['added']:,}{to}"))
    table([str(corpus.folder), ""], rows)


def _length(normalised: bool) -> str:
    return "unit length" if normalised else "lengths as they are"
