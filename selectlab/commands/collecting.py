"""``selectlab campaign collect`` and what follows: look, accept, discard, refine, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selectlab.commands.campaign_options import (
    Data,
    Ids,
    IdsFrom,
    Index,
    Name,
    Statuses,
    StorePlace,
    Versions,
    counted,
    opened,
    plain,
    some_ids,
)
from selectlab.commands.export_options import (
    ImageUrl,
    Imputed,
    MinScore,
    Settings,
    Tasks,
    settings_of,
)
from selectlab.commands.options import AsJson, print_json
from selectlab.commands.waiting import interruptible, notes, shown
from selectlab.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectlab.campaigns import Collected, Hit
    from selectlab.corpus.spaces import Level


def collect(
    data: Data,
    names: Annotated[
        list[str] | None, typer.Argument(help="Campaigns. Default: all active ones.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="The lowest score to collect, for this run. Default: the campaign's."),
    ] = None,
    target: Annotated[
        int | None,
        typer.Option(metavar="N", help="Only the best N that reach the threshold."),
    ] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again/--all-new",
            help="Look at everything again, or only at what is new since the last run.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would be collected; write nothing at all."),
    ] = False,
    show: Annotated[int, typer.Option(min=0, help="Samples that a dry run shows.")] = 10,
    store: StorePlace = None,
    index: Index = None,
    as_json: AsJson = False,
) -> None:
    """Collect samples that are like the seeds.

    Looks at what is new in the index, once for all campaigns. What is done is written down batch by
    batch: after Ctrl-C, or worse, the same command goes on.

    Example: selectlab campaign collect --data ./dataset

    Try first: selectlab campaign collect night --data ./dataset --dry-run

    The best: selectlab campaign collect night --data ./dataset --threshold 0.3 --target 200
    """
    stopped = "while collecting; what is written stays, the same command goes on from there"
    campaigns = opened(data, store, index)
    with interruptible(lambda: stopped), shown():
        found = campaigns.collect(
            names or None,
            threshold=threshold,
            target_sample_count=target,
            again=again,
            dry_run=dry_run,
        )
    if as_json:
        print_json(plain(found))
        return
    _print_collected(found, dry_run=dry_run)
    for one in found if dry_run else ():
        _print_survey(one, campaigns.get(one.campaign).campaign.space.level, show)


def hits(
    name: Name,
    data: Data,
    version: Versions = None,
    status: Statuses = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="The first so many.")
    ] = None,
    classifier: Annotated[
        bool,
        typer.Option(
            "--classifier",
            help="Rank by what a classifier has learned from what was accepted and discarded.",
        ),
    ] = False,
    current: Annotated[
        bool,
        typer.Option(
            "--current",
            help="Only what was found in the index that was collected from last. Default: also "
            "what was only found in another one, or before it was built anew.",
        ),
    ] = False,
    only_ids: Annotated[bool, typer.Option("--ids", help="Print ids alone, one a line.")] = False,
    store: StorePlace = None,
    index: Index = None,
    as_json: AsJson = False,
) -> None:
    """List collected samples, the best first.

    Example: selectlab campaign hits night --data ./dataset --status new -n 50

    Into a file: selectlab campaign hits night --data ./dataset --status new --ids > todo.txt
    """
    campaigns = opened(data, store, index)
    found: Sequence[Hit]
    if classifier:
        if version is not None or current:
            option = "--current" if version is None else "--version"
            raise ConfigError(f"--classifier: ranks what all versions found; leave {option} out")
        with notes():
            found = campaigns.ranked(name, statuses=status or ("new",), limit=limit)
    else:
        found = campaigns.hits(
            name, version=version, statuses=status or None, current=current, limit=limit
        )
    if as_json:
        print_json(plain(found))
    elif only_ids:
        for hit in found:
            typer.echo(hit.sample_id)
    elif not found:
        typer.echo(f"campaign {name!r}: no such samples")
    else:
        _print_hits(found, campaigns.get(name).campaign.space.level)


def accept(
    name: Name, data: Data, ids: Ids = None, ids_from: IdsFrom = None, store: StorePlace = None
) -> None:
    """Say yes to collected samples: 'refine' makes them seeds.

    Example: selectlab campaign accept night a/40.png a/41.png --data ./dataset

    Many: selectlab campaign accept night --from good.txt --data ./dataset
    """
    n_changed = opened(data, store).accept(name, some_ids(ids, ids_from))
    typer.echo(f"campaign {name!r}: {n_changed} accepted")


def discard(
    name: Name, data: Data, ids: Ids = None, ids_from: IdsFrom = None, store: StorePlace = None
) -> None:
    """Say no to collected samples: no version collects them again.

    Example: selectlab campaign discard night a/42.png --data ./dataset
    """
    n_changed = opened(data, store).discard(name, some_ids(ids, ids_from))
    typer.echo(f"campaign {name!r}: {n_changed} discarded")


def refine(
    name: Name,
    data: Data,
    classifier: Annotated[
        bool,
        typer.Option(
            "--classifier",
            help="Only if there is enough to learn a classifier from, for 'hits --classifier'.",
        ),
    ] = False,
    store: StorePlace = None,
    index: Index = None,
    as_json: AsJson = False,
) -> None:
    """Make a new version: accepted samples join the seeds, discarded ones leave them.

    Example: selectlab campaign refine night --data ./dataset

    Then: selectlab campaign collect night --data ./dataset
    """
    made = opened(data, store, index).refine(name, classifier=classifier)
    if as_json:
        print_json(plain(made))
        return
    _tell_missing(name, made.missing)
    left = f", {made.n_left} left" if made.n_left else ""
    told = "" if made.is_new else "; the seeds have not changed, so there is no new version"
    typer.echo(
        f"campaign {name!r}: {counted(made.n_joined, 'seed')} joined{left}; version "
        f"{made.version.number} of {counted(made.version.n_seeds, 'seed')}{told}"
    )


def export(
    name: Name,
    to: Annotated[
        Path,
        typer.Argument(
            help="File that ends in .csv, .parquet, .json, .jsonl or .txt; or a folder."
        ),
    ],
    data: Data,
    version: Versions = None,
    status: Statuses = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="coco, label-studio, csv, ...: 'selectlab export --list' has them; or folder: the "
            "files of a selection. Default: as the name ends.",
        ),
    ] = None,
    task: Tasks = None,
    imputed: Imputed = None,
    min_score: MinScore = None,
    image_url: ImageUrl = None,
    settings: Settings = None,
    keep: Annotated[
        bool, typer.Option("--keep-status", help="Do not set the status to exported.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Write collected samples with score, version, nearest seed and status, for labelling.

    Takes what is new and accepted unless --status says otherwise. A folder gets the files of a
    selection, unless --format says otherwise, and can be used where one can: 'selectlab frames',
    '--preselected'.

    Example: selectlab campaign export night todo.csv --data ./dataset --status accepted

    With pre-labels: selectlab campaign export night ./todo --format coco --data ./dataset
    """
    from selectlab.campaigns.campaigns import UNSENT

    made = opened(data, store).export(
        name,
        to,
        statuses=status or UNSENT,
        version=version,
        form=form,
        overwrite=overwrite,
        mark=not keep,
        options=settings_of(settings),
        tasks=task,
        imputed=imputed,
        min_score=min_score,
        image_url=image_url,
    )
    if as_json:
        print_json({"campaign": name, "samples": len(made), "out": str(to)})
    else:
        for note in made.warnings:
            typer.echo(f"note: {note}", err=True)
        typer.echo(f"{counted(len(made), 'sample')} written: {to}")


def register(app: typer.Typer) -> None:
    """Add these commands to a group."""
    for command in (collect, hits, accept, discard, refine, export):
        app.command()(command)


def _tell_missing(name: str, missing: Sequence[str]) -> None:
    """Say which accepted samples have not joined, and what can be done about it."""
    if missing:
        typer.echo(
            f"note: campaign {name!r}: {counted(len(missing), 'accepted sample')} not in the "
            f"index, first {missing[0]!r}; they join once it has them: index them, name another "
            "index with --index, or discard them",
            err=True,
        )


def _print_collected(found: Sequence[Collected], *, dry_run: bool) -> None:
    from selectlab.console import table

    rows = []
    for one in found:
        target = "" if one.target is None else f", best {one.target}"
        rows.append(
            (
                one.campaign, str(one.version), f"{one.threshold:g}{target}",
                f"{one.n_processed:,}", f"{one.n_new:,}", f"{one.n_collected:,}", f"{one.rate:.2%}",
            )
        )  # fmt: skip
    would = "would be " if dry_run else ""
    titles = ["campaign", "version", "threshold", "processed", f"{would}new"]
    table([*titles, f"{would}collected", "rate"], rows)


def _print_survey(one: Collected, level: Level, most: int) -> None:
    from selectlab.campaigns.element_names import named
    from selectlab.console import table
    from selectlab.corpus.spaces import Element

    counts = [(f"{threshold:g}", f"{n:,}") for threshold, n in one.n_at.items()]
    table([f"{one.campaign}: threshold", "samples that reach it"], counts)
    best = [
        (
            str(rank), f"{hit.score:.3f}",
            named(Element(hit.sample_id, hit.number), level), named(hit.seed, level),
        )
        for rank, hit in enumerate(one.best[:most], start=1)
    ]  # fmt: skip
    if best:
        table(["best", "score", "sample", "nearest seed"], best)


def _print_hits(found: Sequence[Hit], level: Level) -> None:
    from selectlab.campaigns import RankedHit
    from selectlab.campaigns.element_names import named
    from selectlab.console import table
    from selectlab.corpus.spaces import Element

    rows = [
        (
            str(rank), f"{hit.score:.3f}",
            *((f"{hit.probability:.3f}",) if isinstance(hit, RankedHit) else ()),
            named(Element(hit.sample_id, hit.number), level), named(hit.seed, level),
            str(hit.version), hit.status + ("" if hit.current else ", of another index"),
        )
        for rank, hit in enumerate(found, start=1)
    ]  # fmt: skip
    sure = ["probability"] if isinstance(found[0], RankedHit) else []
    table(["", "score", *sure, "sample", "nearest seed", "version", "status"], rows)
