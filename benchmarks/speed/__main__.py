"""``python -m benchmarks.speed``: race, and write down how it went."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import results
from benchmarks.limits import limits
from benchmarks.machine import commit, machine, versions
from benchmarks.outside_data import NoDataError
from benchmarks.speed.case import SIZES, Case, cases
from benchmarks.speed.contestant import contestants
from benchmarks.speed.data import KINDS
from benchmarks.speed.race import Race, Settings

app = typer.Typer(
    help="Side-by-side speed: the same arrays, the same run, judged by the runner itself.",
    no_args_is_help=True,
    add_completion=False,
)
RECORD = results.RESULTS / "speed"
PLOTS = Path(__file__).with_name("plots")
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "threadpoolctl", "pandas", "pyarrow")

Names = Annotated[list[str] | None, typer.Argument(metavar="[CASE]...", help="Default: all.")]
Size = Annotated[str, typer.Option(help=f"One of {', '.join(SIZES)}.")]
Seed = Annotated[int, typer.Option(help="Seed of the data.")]
Envs = Annotated[
    Path | None, typer.Option(help="Folder of the peers' environments. Default: user cache.")
]
Scratch = Annotated[Path | None, typer.Option(help="Folder for arrays. Default: the system's.")]
Peers = Annotated[
    str | None,
    typer.Option(help="Comma-separated names of files in contestants/, or 'none'. Default: all."),
]


@app.command("list")
def list_cases() -> None:
    """Print the cases, their peers and what was promised."""
    for case in cases().values():
        typer.echo(f"{case.name}: {case.title}")
        typer.echo(f"  sizes: {'; '.join(f'{size} {case.sizes[size]}' for size in SIZES)}")
        typer.echo(f"  against: {', '.join(case.peers) or 'nobody'}")
        typer.echo(f"  promised: {'; '.join(target.text() for target in case.targets)}")


@app.command()
def run(
    names: Names = None,
    size: Size = "small",
    repeats: Annotated[int, typer.Option(min=1, help="Calls of each, at most.")] = 5,
    seed: Seed = 0,
    data: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(KINDS)}. Default: the case's own.")
    ] = None,
    peers: Peers = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for results. Default: benchmarks/results/speed, with the size."),
    ] = None,
    envs: Envs = None,
    scratch: Scratch = None,
) -> None:
    """Race some cases and write a JSON file for each."""
    _known("size", size, SIZES)
    _known("data", data, KINDS)
    chosen = [_case(name) for name in names or cases()]
    target = out or (RECORD if size == "full" else RECORD / size)
    settings = Settings(
        size=size,
        environments=envs or results.cache_folder() / "environments",
        repeats=repeats,
        seed=seed,
        data=data,
        peers=_peers(peers),
        scratch=scratch,
        say=typer.echo,
    )
    about = record(target)
    for case in chosen:
        typer.echo(f"{case.name}: {case.sizes[size]}")
        if case.fixed_data and data not in (None, case.data):
            typer.echo(f"  skipped: it is about data of the kind {case.data}")
            continue
        try:
            result = {**about, "date": results.now(), **Race(case, settings).run()}
        except NoDataError as error:
            typer.echo(f"  skipped: {error}")
            continue
        result["targets"] = _verdicts(case, result) if size == "full" else []
        _say(result)
        suffix = "" if data in (None, case.data) else f"-{data}"
        results.write_json(target / f"{case.name}{suffix}.json", result)
    typer.echo(f"written: {target}/")


@app.command()
def report(
    folder: Annotated[Path, typer.Option("--results", help="Folder of results.")] = RECORD,
    out: Annotated[Path | None, typer.Option(help="Default: README.md beside this.")] = None,
) -> None:
    """Write the tables of all results into README.md; every number in it comes from there."""
    from benchmarks.speed.report import page

    target = out or Path(__file__).with_name("README.md")
    results.write_text(target, page(folder, target.parent))
    typer.echo(f"written: {target}")


@app.command()
def curves(
    size: Size = "small",
    seed: Seed = 0,
    peers: Peers = None,
    envs: Envs = None,
    scratch: Scratch = None,
    out: Annotated[Path, typer.Option(help="Folder for curves.json.")] = RECORD,
    plots: Annotated[Path, typer.Option(help="Folder for PNGs.")] = PLOTS,
) -> None:
    """Measure time and memory against N, D and k, and draw them."""
    from benchmarks.speed.curves import draw, measure

    _known("size", size, SIZES)
    settings = Settings(
        size=size,
        environments=envs or results.cache_folder() / "environments",
        repeats=3,
        seed=seed,
        peers=_peers(peers),
        scratch=scratch,
        budget_s=20,
        say=typer.echo,
    )
    found = {**record(out), "date": results.now(), **measure(settings)}
    name = "curves" if size == "full" else f"curves-{size}"
    results.write_json(out / f"{name}.json", found)
    for path in draw(found, plots, "" if size == "full" else f"-{size}"):
        typer.echo(f"written: {path}")


def record(folder: Path) -> dict[str, Any]:
    """Return machine, limits and versions: what stands beside every result."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "machine": machine(),
        "limits": limits(folder),
        "versions": {**versions(("selectlab", *PACKAGES)), "commit": commit()},
    }


def _verdicts(case: Case, result: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for target in case.targets:
        verdict = target.verdict(result)
        found.append({"text": target.text(), "measured": verdict.measured, "met": verdict.met})
    return found


def _say(result: dict[str, Any]) -> None:
    for key, told in result["contestants"].items():
        if told["status"] != "ran":
            typer.echo(f"  {told['name']}: {told['status']}: {told['why']}")
        for complaint in told.get("complaints", ()):
            typer.echo(f"  {told['name']}: {complaint}")
        ratio = result["ratios"].get(key)
        if ratio:
            more = "more than " if ratio["at_least"] else ""
            typer.echo(f"  {told['name']}: {more}{ratio['of_medians']:.3g} times as long as ours")


def _case(name: str) -> Case:
    _known("case", name, cases())
    return cases()[name]


def _peers(text: str | None) -> list[str] | None:
    if text is None:
        return None
    chosen = [] if text == "none" else [name.strip() for name in text.split(",")]
    for name in chosen:
        _known("peers", name, contestants())
    return chosen


def _known(what: str, name: str | None, names: Any) -> None:
    if name is not None and name not in names:
        raise typer.BadParameter(
            f"{what}: nothing is called {name!r}; there are {', '.join(names)}"
        )


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.speed")
