"""``python -m benchmarks``: measure what was published, and write down what came of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from benchmarks import results
from benchmarks.case import Case, Setting, load, names
from benchmarks.failures import CaseFailedError, blaming
from benchmarks.machine import cores
from benchmarks.outside_data import OutsideData
from benchmarks.speed import __main__ as speed
from benchmarks.speed.case import cases as races
from benchmarks.verdicts import measured, tolerance

app = typer.Typer(
    help="Claims about selection and model assertions: measured, judged, compared.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(speed.app, name="speed")
PAGE = Path(__file__).with_name("README.md")
SPEED = "speed/"

Sized = Literal["small", "full"]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder of outside data. Default: SELECTLAB_DATA, then ../shared/data."),
]
Folder = Annotated[Path, typer.Option("--results", help="Folder of results.")]


class UsageError(Exception):
    """What was asked makes no sense; the message is one line."""


@app.command("list")
def list_cases(data: Data = None) -> None:
    """Print the cases, what they claim, the data they need and how long they take."""
    found, broken = _loaded(names())
    for case in found:
        typer.echo(f"{case.name}: {case.title}")
        for claim in case.claims:
            typer.echo(f"  {claim.key}: {claim.text} ({tolerance(claim)})")
        typer.echo(f"  data: {', '.join(_needed(case, data)) or 'none but scikit-learn'}")
        recorded = results.RESULTS / f"{case.name}.json"
        if recorded.exists():
            told = results.read_json(recorded)
            taken, processor = _minutes(told["seconds"]), told["machine"]["processor"]
            typer.echo(f"  time: {taken} on one core of {processor}, {len(told['seeds'])} seeds")
    for race in races().values():
        typer.echo(f"{SPEED}{race.name}: {race.title}")
        typer.echo(f"  promised: {'; '.join(target.text() for target in race.targets)}")
    if broken:
        raise typer.Exit(1)


@app.command()
def run(
    wanted: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CASE]...", help="Default: all but the races of speed/."),
    ] = None,
    size: Annotated[Sized, typer.Option(help="small takes seconds and no data.")] = "small",
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Number of seeds. Default: what the case wants.")
    ] = None,
    first_seed: Annotated[int, typer.Option(min=0, help="The first of the seeds.")] = 0,
    data: Data = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for results. Default: benchmarks/results, or its small/."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. Default: one a core.")
    ] = None,
    peers: Annotated[
        bool | None,
        typer.Option(
            "--peers/--no-peers",
            help="Whether other programs run beside, in environments of their own. Default: at "
            "full size.",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Measure anew what a stopped run has done.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 if a claim for this size does not hold.")
    ] = False,
) -> None:
    """Measure cases and write a JSON file for each; a run that was stopped goes on."""
    from benchmarks.runner import Order
    from benchmarks.runner import run as run_all

    asked = list(dict.fromkeys(wanted or names()))
    for name in asked:
        _check(name, [*names(), *(SPEED + race for race in races())])
    chosen, broken = _loaded([name for name in asked if not name.startswith(SPEED)])
    raced = [name.removeprefix(SPEED) for name in asked if name.startswith(SPEED)]
    with_peers = size == "full" if peers is None else peers
    order = Order(
        size=size,
        data=_outside(data),
        out=out or (results.RESULTS if size == "full" else results.RESULTS / size),
        workers=workers or cores(),
        n_seeds=seeds,
        first_seed=first_seed,
        environments=results.cache_folder() / "environments" if with_peers else None,
        fresh=fresh,
    )
    try:
        done = run_all(order, chosen)
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from here", err=True)
        raise typer.Exit(130) from None
    _print_claims(done)
    if chosen:
        typer.echo(f"written: {order.out}/")
    if raced:
        os.environ["SELECTLAB_DATA"] = str(order.data.root)
        speed.run(
            names=raced,
            size=size,
            seed=first_seed,
            peers=None if with_peers else "none",
            out=out and out / "speed",
        )
    failed = [v for its in done for v in its.verdicts if v.holds is False]
    if broken or any(its.errors for its in done) or (check and failed):
        raise typer.Exit(1)


@app.command()
def report(
    folder: Folder = results.RESULTS,
    out: Annotated[Path, typer.Option(help="Where to; plots/ lies beside it.")] = PAGE,
) -> None:
    """Judge all results anew and write README.md with tables and plots."""
    from benchmarks.page import page

    found, broken = _loaded(names())
    if not any((folder / f"{name}.json").is_file() for name in names()):
        raise UsageError(f"--results: {folder} holds no result of a case; run them first")
    if out.is_dir():
        raise UsageError(f"--out: {out} is a folder; name the file, such as {out / 'README.md'}")
    results.write_text(out, page({case.name: case for case in found}, folder, out.parent))
    typer.echo(f"written: {out}")
    if broken:
        raise typer.Exit(1)


@app.command()
def compare(base: str, head: str) -> None:
    """Compare two sets of results: revisions of this repository, or folders.

    Exits with 1 if a claim that held in BASE does not hold in HEAD.
    """
    from benchmarks import comparison

    try:
        lines = comparison.compare(comparison.read(base), comparison.read(head))
    except comparison.UnknownResultsError as error:
        raise UsageError(str(error)) from None
    lost = [line for line in lines if line.lost]
    for line in lines:
        typer.echo(f"{line.name}: {line.text}")
    typer.echo(f"held in {base} and not in {head}: {len(lost)}")
    for line in lost:
        typer.echo(f"  {line.name}: {line.text}")
    if lost:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; what the user can fix is one line and exit code 2."""
    try:
        app(prog_name="python -m benchmarks")
    except (UsageError, results.UnusableResultError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        typer.echo(f"error: {error.filename}: {error.strerror}", err=True)
        sys.exit(2)
    except CaseFailedError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


def _print_claims(done: Iterable[Any]) -> None:
    """Print a table of the claims that are meant for the size of the run."""
    from selectlab.console import table

    rows = [
        (
            *(f"{its.case.name}/{verdict.claim.key}", verdict.claim.published or "-"),
            *(measured(verdict) or "-", tolerance(verdict.claim), verdict.label),
        )
        for its in done
        for verdict in its.verdicts
        if its.setting.size in verdict.claim.sizes
    ]
    if rows:
        table(("claim", "published", "ours", "tolerance", "label"), rows)


def _outside(given: Path | None) -> OutsideData:
    named = os.environ.get("SELECTLAB_DATA")
    if given is not None and not given.is_dir():
        raise UsageError(f"--data: {given} is not a folder")
    if given is None and named and not Path(named).is_dir():
        raise UsageError(f"SELECTLAB_DATA: {named} is not a folder")
    return OutsideData.find(given)


def _needed(case: Case, data: Path | None) -> list[str]:
    """Return the folders of outside data that a case uses."""
    units = case.units(Setting("full", 1, _outside(data)))
    needs = [*(unit.needs for unit in units), *(claim.needs for claim in case.claims)]
    return sorted({name for name in needs if name})


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _loaded(wanted: Iterable[str]) -> tuple[list[Case], int]:
    """Return the cases that can be loaded; print a line for each other, and return how many."""
    found, broken = [], 0
    for name in wanted:
        try:
            with blaming(name, "file"):
                found.append(load(name))
        except CaseFailedError as error:
            typer.echo(f"error: {error}", err=True)
            broken += 1
    return found, broken


def _check(name: str, there: Sequence[str]) -> None:
    if name not in there:
        near = get_close_matches(name, there, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(there)}"
        raise UsageError(f"case: nothing is called {name!r}; {hint}")


if __name__ == "__main__":
    main()
