"""``selectlab round``: the rounds of labelling, and what was chosen in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectlab.commands.campaign_options import counted, plain
from selectlab.commands.options import DATA_HELP, AsJson, LedgerPlace, open_data, print_json

if TYPE_CHECKING:
    from selectlab.rounds import Rounds
    from selectlab.rounds.records import RoundCounts

app = typer.Typer(
    name="round",
    help="Keep track of what was selected, sent and labelled, round after round.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Dataset = Annotated[str, typer.Argument(metavar="DATASET", help=DATA_HELP)]
Data = Annotated[str, typer.Option(help=DATA_HELP)]


@app.command()
def start(
    dataset: Dataset,
    name: Annotated[
        str | None, typer.Option(help="What to call the round. Default: its number.")
    ] = None,
    store: LedgerPlace = None,
    as_json: AsJson = False,
) -> None:
    """Begin a round; the first one begins the ledger of the dataset.

    From then on 'selectlab select' starts from what the ledger knows, and records what it selects.

    Example: selectlab round start ./dataset --name pilot

    Then: selectlab select config.json --data ./dataset --out ./run1
    """
    rounds = opened(dataset, store)
    begun = rounds.start(name)
    if as_json:
        print_json(plain(begun))
        return
    samples = counted(len(rounds.dataset), "sample")
    typer.echo(f"round {begun.name!r} has begun, with {samples} in the dataset: {rounds.where}")


@app.command()
def status(dataset: Dataset, store: LedgerPlace = None, as_json: AsJson = False) -> None:
    """Show how far each round is: chosen, sent, labelled.

    Example: selectlab round status ./dataset
    """
    found = opened(dataset, store).status()
    if as_json:
        print_json(plain(found))
        return
    if not found:
        typer.echo("no rounds; 'selectlab round start' begins one")
        return
    from selectlab.console import table

    titles = ["round", "began (UTC)", "runs", "chosen", "pending", "sent", "labelled", "by tool"]
    table(titles, [_status_row(one) for one in found])


def _status_row(one: RoundCounts) -> tuple[str, ...]:
    tools = [
        f"{tool}: {told}" for tool, counts in one.tools.items() if (told := _told(vars(counts)))
    ]
    numbers = (one.runs, one.chosen, one.pending, one.sent, one.labelled)
    name = "in no round" if one.round is None else one.round.name
    began = "" if one.round is None else f"{one.round.started_at:%Y-%m-%d %H:%M}"
    return name, began, *(f"{n:,}" for n in numbers), "; ".join(tools)


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {what}" for what, n in counts.items() if n)


@app.command("list")
def list_(
    dataset: Dataset,
    ids: Annotated[
        bool, typer.Option("--ids", help="Print what was chosen, one id a line, in order.")
    ] = False,
    store: LedgerPlace = None,
    as_json: AsJson = False,
) -> None:
    """List the runs of the ledger.

    Example: selectlab round list ./dataset

    For another tool: selectlab round list ./dataset --ids > chosen.txt
    """
    rounds = opened(dataset, store)
    if ids:
        print_ids(rounds.chosen_ids(), as_json=as_json)
        return
    found = rounds.runs()
    if as_json:
        print_json(plain(found))
        return
    if not found:
        typer.echo("no runs; 'selectlab select' records them, 'selectlab round add' adds one")
        return
    from selectlab.console import table

    rows = [
        (
            run.run, str(run.round), run.name, run.kind, f"{run.n_chosen:,}",
            f"{run.recorded_at:%Y-%m-%d %H:%M}", "forgotten" if run.forgotten else "", run.place,
        )
        for run in found
    ]  # fmt: skip
    table(["run", "round", "name", "kind", "chosen", "recorded (UTC)", "", "place"], rows)


@app.command()
def add(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Folder of a run, text file with one id a line, or campaign:NAME.",
        ),
    ],
    data: Data,
    store: LedgerPlace = None,
    as_json: AsJson = False,
) -> None:
    """Record a run in the newest round.

    For runs from before there was a ledger (which it begins), for those of campaigns, and for one
    that was written but not recorded. The same run again changes nothing; a forgotten one counts
    once more.

    Example: selectlab round add ./run1 --data ./dataset
    """
    from selectlab.exports.sources import items_of

    rounds = opened(data, store)
    ranking = items_of(run, rounds.dataset, shapes=False, store=store)
    place = Path(run)
    kind: Any = "campaign" if run.startswith("campaign:") else "ids"
    if kind == "ids" and place.is_dir():
        kind = "selection"
    known = [one for one in rounds.runs() if one.run == ranking.run and not one.forgotten]
    is_first = not rounds.begun
    into = rounds.add(ranking, kind, place if kind == "selection" else "")
    if as_json:
        print_json({"run": ranking.run, "round": plain(into), "chosen": len(ranking)})
        return
    chosen = counted(len(ranking), "sample")
    told = f"recorded already, as {known[0].name!r}," if known else f"{chosen} chosen"
    typer.echo(f"run {ranking.run} ({ranking.name}): {told} in round {into.name!r}")
    if is_first:
        typer.echo(f"this begins the ledger, from which 'selectlab select' starts: {rounds.where}")


@app.command()
def forget(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="Id of the run, the beginning of it, name, or folder."),
    ],
    data: Data,
    store: LedgerPlace = None,
    as_json: AsJson = False,
) -> None:
    """Let what a run has chosen no longer count, so that it can be selected again.

    Samples that were sent or labelled stay so, and are not selected. 'add' brings the run back.

    Example: selectlab round forget run1 --data ./dataset
    """
    gone = opened(data, store).forget(run)
    if as_json:
        print_json(plain(gone))
        return
    typer.echo(f"run {gone.run} ({gone.name}): forgotten, {counted(gone.n_chosen, 'sample')}")


@app.command()
def new(
    dataset: Dataset,
    since: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="ROUND",
            help="Number of the last round that counts as earlier. Default: the one before the "
            "newest, or the newest if it is the only one.",
        ),
    ] = None,
    store: LedgerPlace = None,
    as_json: AsJson = False,
) -> None:
    """Print the ids that are in the dataset, and were not in earlier rounds.

    Example: selectlab round new ./dataset > new.txt

    To select from them alone: selectlab select config.json --data ./dataset --out ./run2 --only-new
    """
    found = opened(dataset, store).new(since)
    if as_json:
        print_json({"since": plain(found.since), "new": list(found.ids)})
        return
    typer.echo(
        f"{counted(len(found.ids), 'sample')} new since round {found.since.name!r}", err=True
    )
    print_ids(found.ids, as_json=False)


def print_ids(ids: Any, *, as_json: bool) -> None:
    """Print ids one a line, or as JSON."""
    if as_json:
        print_json(list(ids))
        return
    for sample_id in ids:
        typer.echo(sample_id)


def opened(data: str, store: str | None) -> Rounds:
    """Open the rounds of a dataset."""
    from selectlab.rounds import Rounds

    return Rounds(open_data(data), store=store)
