"""``selectlab campaign``: start campaigns, look at them, change their settings and seeds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from selectlab.commands import collecting
from selectlab.commands.campaign_options import (
    Data,
    Ids,
    IdsFrom,
    Images,
    Index,
    Model,
    Name,
    SeedsFrom,
    Selection,
    SpaceId,
    StorePlace,
    Vectors,
    Where,
    counted,
    ids_of,
    opened,
    plain,
    some_ids,
)
from selectlab.commands.options import AsJson, print_json

app = typer.Typer(
    name="campaign",
    help="Find more of what hurts: collect samples that are like a few seeds.",
    epilog="Start: 'selectlab index DATA', then 'selectlab campaign create --help'.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
seeds_app = typer.Typer(
    name="seeds",
    help="Change what a campaign looks for.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

NewName = Annotated[str, typer.Argument(help="What the campaign shall be called.")]
Threshold = Annotated[
    float,
    typer.Option(
        help="The lowest score to collect, 0 to 1. 1 is at the centre of a cluster of seeds, 0.5 "
        "as far from it as its farthest seed."
    ),
]


@app.command()
def create(
    name: NewName,
    data: Data,
    ids: Ids = None,
    ids_from: IdsFrom = None,
    selection: Selection = None,
    where: Where = None,
    vectors: Vectors = None,
    images: Images = None,
    seeds_from: SeedsFrom = None,
    task: Annotated[
        str | None,
        typer.Option(help="Collect by the objects of this task. Default: by whole samples."),
    ] = None,
    threshold: Threshold = 0.5,
    space_id: SpaceId = None,
    model: Model = None,
    store: StorePlace = None,
    index: Index = None,
    as_json: AsJson = False,
) -> None:
    """Start a campaign from seeds; they are its version 1.

    Seeds are samples (or objects) that you want more of. Exactly one source of them: ids,
    --selection, --where, --vectors or --images.

    Example: selectlab campaign create night a/17.png a/23.png --data ./dataset

    Cars: selectlab campaign create cars --data ./dataset --task det --where det:car

    Then: selectlab campaign collect --data ./dataset
    """
    campaigns = opened(data, store, index)
    made = campaigns.create(
        name,
        ids=ids_of(ids, ids_from),
        selection=selection,
        where=where or None,
        vectors=vectors,
        images=images,
        seeds_from=seeds_from,
        task=task,
        threshold=threshold,
        space_id=space_id,
        model=model,
    )
    if as_json:
        print_json(plain(made))
    else:
        typer.echo(
            f"campaign {name!r}: {counted(made.n_seeds, 'seed')} ({made.space.elements}), version "
            f"{made.version}, threshold {made.threshold:g}"
        )


@app.command("list")
def list_(data: Data, store: StorePlace = None, as_json: AsJson = False) -> None:
    """List the campaigns of a dataset."""
    found = opened(data, store).list()
    if as_json:
        print_json(plain(found))
        return
    if not found:
        typer.echo("no campaigns; 'selectlab campaign create' starts one")
        return
    from selectlab.console import table

    table(
        ["campaign", "", "collects", "seeds", "version", "threshold"],
        [
            (
                one.name, "active" if one.active else "inactive", one.space.elements,
                str(one.n_seeds), str(one.version), f"{one.threshold:g}",
            )
            for one in found
        ],
    )  # fmt: skip


@app.command()
def show(name: Name, data: Data, store: StorePlace = None, as_json: AsJson = False) -> None:
    """Show a campaign: settings, versions, runs, and what became of its samples."""
    from selectlab.console import table

    found = opened(data, store).get(name)
    if as_json:
        print_json(plain(found))
        return
    campaign, counts = found.campaign, found.counts
    changed = "; changed since, 'commit' makes them a version" if found.uncommitted else ""
    rows = [
        ("state", "active" if campaign.active else "inactive"),
        ("threshold", f"{campaign.threshold:g}"),
        ("seeds", f"{campaign.n_seeds} {campaign.space.elements}{changed}"),
        ("space", f"{campaign.space.name}, {campaign.space.dimension} dimensions"),
        ("collected", f"{sum(counts.values())}: " + _told(counts)),
        ("rate", f"{found.rate:.2%} of what version {campaign.version} has looked at"),
    ]
    table([campaign.name, ""], rows)
    versions = [
        (str(one.number), f"{one.created_at:%Y-%m-%d %H:%M}", str(one.n_seeds), one.digest[:12])
        for one in found.versions
    ]
    table(["version", "made (UTC)", "seeds", "sha256"], versions)
    runs = [
        (
            str(run.id), str(run.version), f"{run.started_at:%Y-%m-%d %H:%M}", run.state,
            f"{run.threshold:g}" + ("" if run.target is None else f", best {run.target}"),
            str(run.n_processed), str(run.n_collected),
        )
        for run in found.runs
    ]  # fmt: skip
    if runs:
        table(["run", "version", "began (UTC)", "", "threshold", "processed", "new"], runs)


@app.command()
def threshold(
    name: Name,
    value: Annotated[float, typer.Argument(help="The lowest score to collect, 0 to 1.")],
    data: Data,
    store: StorePlace = None,
) -> None:
    """Set from which score on a campaign collects.

    What has been collected stays. With a lower one, the next 'collect' looks at everything again.
    """
    changed = opened(data, store).set_threshold(name, value)
    typer.echo(f"campaign {name!r}: threshold {changed.threshold:g}")


@app.command()
def activate(name: Name, data: Data, store: StorePlace = None) -> None:
    """Let a campaign collect again."""
    opened(data, store).activate(name)
    typer.echo(f"campaign {name!r}: active")


@app.command()
def deactivate(name: Name, data: Data, store: StorePlace = None) -> None:
    """Leave a campaign out of 'collect'; nothing of it is lost."""
    opened(data, store).deactivate(name)
    typer.echo(f"campaign {name!r}: inactive")


@app.command()
def commit(name: Name, data: Data, store: StorePlace = None, as_json: AsJson = False) -> None:
    """Make the seeds the newest version, which 'collect' takes from then on.

    Unchanged seeds make no other version. What was collected keeps the version that found it.
    """
    campaigns = opened(data, store)
    before = campaigns.versions(name)
    made = campaigns.commit(name)
    if as_json:
        print_json(plain(made))
    else:
        same = ", as before: the seeds have not changed" if made in before else ""
        typer.echo(
            f"campaign {name!r}: version {made.number} of {counted(made.n_seeds, 'seed')}{same}"
        )


@seeds_app.command()
def add(
    name: Name,
    data: Data,
    ids: Ids = None,
    ids_from: IdsFrom = None,
    selection: Selection = None,
    where: Where = None,
    vectors: Vectors = None,
    images: Images = None,
    seeds_from: SeedsFrom = None,
    space_id: SpaceId = None,
    model: Model = None,
    store: StorePlace = None,
    index: Index = None,
) -> None:
    """Add seeds, from the same sources as 'create'; 'commit' makes them a version.

    Example: selectlab campaign seeds add night a/31.png --data ./dataset
    """
    n_new = opened(data, store, index).add_seeds(
        name,
        ids=ids_of(ids, ids_from),
        selection=selection,
        where=where or None,
        vectors=vectors,
        images=images,
        seeds_from=seeds_from,
        space_id=space_id,
        model=model,
    )
    typer.echo(f"campaign {name!r}: {counted(n_new, 'seed')} added; 'commit' makes them a version")


@seeds_app.command()
def remove(
    name: Name, data: Data, ids: Ids = None, ids_from: IdsFrom = None, store: StorePlace = None
) -> None:
    """Take seeds out; 'commit' makes the others a version.

    Example: selectlab campaign seeds remove night a/23.png --data ./dataset
    """
    n_gone = opened(data, store).remove_seeds(name, some_ids(ids, ids_from))
    typer.echo(
        f"campaign {name!r}: {counted(n_gone, 'seed')} removed; 'commit' makes that a version"
    )


@seeds_app.command("list")
def list_seeds(
    name: Name,
    data: Data,
    version: Annotated[
        int | None, typer.Option(min=1, help="Those of this version. Default: as they are now.")
    ] = None,
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Print the seeds, one a line."""
    from selectlab.campaigns.element_names import named

    found = opened(data, store).seeds(name, version)
    names = [named(element, found.space.level) for element in found.elements]
    if as_json:
        print_json(names)
    else:
        typer.echo("\n".join(names))


def _told(counts: Any) -> str:
    return ", ".join(f"{n} {status}" for status, n in counts.items())


app.add_typer(seeds_app)
collecting.register(app)
