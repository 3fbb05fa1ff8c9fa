"""``selectlab aperturedb``: a dataset into an ApertureDB database, and a selection onto it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectlab.commands.campaign_options import StorePlace, counted
from selectlab.commands.export_options import ImageUrl, Imputed, MinScore, Tasks
from selectlab.commands.options import DATA_HELP, AsJson, open_data, print_json
from selectlab.commands.waiting import interruptible, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectlab.aperture import Pushed
    from selectlab.exports.aperture_layout import Layout

app = typer.Typer(
    name="aperturedb",
    help="Send a dataset to an ApertureDB server, and mark there what was selected.",
    epilog="Address and credentials are those of ApertureDB's own client: 'adb config create', or "
    "the environment variables APERTUREDB_KEY, APERTUREDB_JSON, APERTUREDB_CONFIG. "
    "Start: 'selectlab aperturedb push --help'.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Config = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A configuration of the client. Default: the one it takes."),
]
Key = Annotated[
    str, typer.Option(metavar="PROPERTY", help="Property of images that holds the sample id.")
]
Prefix = Annotated[
    str,
    typer.Option(
        metavar="TEXT",
        help="Goes before every sample id: datasets in one database need different ones.",
    ),
]
Timeout = Annotated[
    float, typer.Option(min=1, metavar="SECONDS", help="How long to wait for an answer.")
]
_TIMEOUT_S = 60.0


@app.command()
def push(
    data: Annotated[str, typer.Argument(help=DATA_HELP)],
    run: Annotated[
        str | None,
        typer.Option(
            help="Only these: the folder of a run, a text file of ids, or campaign:NAME. Default: "
            "all samples."
        ),
    ] = None,
    config: Config = None,
    key: Key = "id",
    prefix: Prefix = "",
    task: Tasks = None,
    imputed: Imputed = None,
    min_score: MinScore = None,
    predictions: Annotated[
        bool, typer.Option(help="Whether boxes, outlines and classes go along.")
    ] = True,
    embeddings: Annotated[
        bool, typer.Option(help="Whether embeddings go along, as descriptors.")
    ] = True,
    space: Annotated[
        str | None, typer.Option(help="Which embeddings. Default: the only ones there are.")
    ] = None,
    descriptor_set: Annotated[
        str, typer.Option(metavar="NAME", help="The set that embeddings go into.")
    ] = "embeddings",
    engine: Annotated[str, typer.Option(help="How the database searches the set.")] = "HNSW",
    metric: Annotated[
        str, typer.Option(metavar="L2|CS|IP", help="How it measures distances in the set.")
    ] = "L2",
    image_url: ImageUrl = None,
    batch: Annotated[
        int, typer.Option(min=1, help="Images in one transaction; of boxes, ten times as many.")
    ] = 20,
    threads: Annotated[int, typer.Option(min=1, help="Connections at a time.")] = 4,
    timeout: Timeout = _TIMEOUT_S,
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Send images, with boxes and outlines of predictions, and embeddings as descriptors.

    What is there already is not sent again and not changed. After a failure, or Ctrl-C, the same
    command goes on. Exits 2 if the server refused something.

    Example: selectlab aperturedb push ./dataset --task det

    What was selected alone: selectlab aperturedb push ./dataset --run ./run1
    """
    from selectlab.aperture import opened
    from selectlab.aperture import push as send
    from selectlab.exports.sources import MIN_SCORE, items_of

    layout = _layout(
        key=key,
        prefix=prefix,
        space=space,
        descriptor_set=descriptor_set,
        engine=engine,
        metric=metric,
    )
    dataset = open_data(data)
    items = items_of(
        dataset.ids if run is None else run,
        dataset,
        tasks=(task or None) if predictions else (),
        imputed=imputed if predictions else None,
        min_score=MIN_SCORE if min_score is None else min_score,
        image_url=image_url,
        store=store,
    )
    stopped = "while sending; what has arrived stays, the same command goes on from there"
    with (
        interruptible(lambda: stopped),
        shown(),
        opened(config, threads=threads, timeout_s=timeout) as database,
    ):
        done = send(items, layout, database, batch=batch, embeddings=embeddings)
    if as_json:
        print_json(_pushed_json(done))
    else:
        _print_pushed(done, database.address)
    _finish(done.refused, done.notes)


@app.command()
def mark(
    run: Annotated[
        str,
        typer.Argument(
            help="What was selected: the folder of a run, a text file of ids, or campaign:NAME."
        ),
    ],
    data: Annotated[str | None, typer.Option(help=f"{DATA_HELP} Only campaigns need it.")] = None,
    config: Config = None,
    key: Key = "id",
    prefix: Prefix = "",
    word: Annotated[
        str,
        typer.Option("--mark", metavar="WORD", help="What the properties begin with: WORD_rank."),
    ] = "selectlab",
    timeout: Timeout = _TIMEOUT_S,
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Mark images with what selected them: rank, score, run and reason.

    The properties are selectlab_rank, selectlab_score, selectlab_run and selectlab_reason. No image
    is added or sent. A later run marks its images anew; another --mark leaves both. Exits 2 if
    samples have no image in the database.

    Example: selectlab aperturedb mark ./run1
    """
    from selectlab.aperture import mark as send
    from selectlab.aperture import opened
    from selectlab.exports.sources import items_of

    layout = _layout(key=key, prefix=prefix, mark=word)
    dataset = None if data is None else open_data(data)
    items = items_of(run, dataset, shapes=False, store=store)
    stopped = "while marking; the same command makes up for it"
    with (
        interruptible(lambda: stopped),
        shown(),
        opened(config, threads=1, timeout_s=timeout) as database,
    ):
        done = send(items, layout, database)
    if as_json:
        about = {"run": layout.run_of(items.run), "samples": done.n_samples}
        print_json({**about, "marked": done.n_marked, "lacking": list(done.lacking)})
    else:
        typer.echo(
            f"{done.n_marked:,} of {counted(done.n_samples, 'image')} marked, "
            f"{word}_run = {layout.run_of(items.run)}: {database.address}"
        )
    _finish(done.lacking, ())


def _layout(**fields: Any) -> Layout:
    from selectlab.exports.aperture_layout import Layout
    from selectlab.validation import validated

    return validated(Layout, fields, "")


def _pushed_json(done: Pushed) -> dict[str, Any]:
    counts = {
        kind: {"added": count.added, "there": count.existed} for kind, count in done.counts.items()
    }
    return {**counts, "refused": list(done.refused), "notes": list(done.notes)}


def _print_pushed(done: Pushed, address: str) -> None:
    from selectlab.console import table

    rows = [(kind, f"{count.added:,}", f"{count.existed:,}") for kind, count in done.counts.items()]
    table([address, "added", "there before"], rows)


def _finish(failures: Sequence[str], notes: Sequence[str]) -> None:
    """Print what the user should know; failures are not for nothing."""
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    for failure in failures:
        typer.echo(f"error: {failure}", err=True)
    if failures:
        raise typer.Exit(2)
