"""The command line."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectlab.commands import imports
from selectlab.commands.assertions import assert_
from selectlab.commands.frames import frames
from selectlab.commands.predict import predict
from selectlab.errors import ConfigError, SelectlabError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from selectlab.dataset import Dataset
    from selectlab.selection import Selection

app = typer.Typer(
    name="selectlab",
    help="Choose what to label next: a ranked selection that explains itself.",
    epilog="Start with 'selectlab demo', or 'selectlab select --help'.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

DATA_HELP = "Dataset: a folder or a URL such as s3://bucket/folder."
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Links = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset", metavar="ID=PATH", help="Where the dataset with this dataset_id lies."
    ),
]


def main() -> None:
    """Run the command line; what the user can fix is one line and exit code 2."""
    try:
        app(prog_name="selectlab")
    except SelectlabError as error:
        line = str(error).replace("\r", "\\r").replace("\n", "\\n")
        typer.echo(f"error: {line}", err=True)
        sys.exit(2)


def _print_version(wanted: bool) -> None:
    if wanted:
        import selectlab

        typer.echo(selectlab.__version__)
        raise typer.Exit


Version = typer.Option(
    "--version", help="Print the version.", callback=_print_version, is_eager=True
)


@app.callback()
def _options(version: Annotated[bool, Version] = False) -> None:
    pass


app.command()(predict)
app.command("assert")(assert_)
app.add_typer(imports.app)
app.command()(frames)


@app.command()
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
    as_json: AsJson = False,
) -> None:
    """Select samples: a ranking with reasons.

    Writes selection.csv, .parquet, .json and .txt and a manifest into --out.

    Example: selectlab select config.json --data ./dataset --out ./run1

    Next round: selectlab select config.json --data ./dataset --out ./run2 --preselected ./run1
    """
    from selectlab import api
    from selectlab.config import load
    from selectlab.earlier import read_earlier
    from selectlab.writers import check_target

    parsed = load(config, n_samples=n_samples, proportion_samples=proportion_samples)
    check_target(out, overwrite=overwrite)
    before = read_earlier(preselected) if preselected else None
    opened = _open(data, dataset)
    with _bar("selecting") as on_pick:
        chosen = api.select(
            parsed,
            opened,
            preselected=before,
            selected_sequence_length=selected_sequence_length,
            on_pick=on_pick,
        )
    chosen.save(out, overwrite=overwrite)
    if as_json:
        summary = {key: chosen.manifest[key] for key in ("counts", "stop_reason", "warnings")}
        _print_json({**summary, "out": str(out), "selected": list(chosen.ids)})
    else:
        _print_selection(chosen, out)


@app.command()
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
            counts = asdict(resolve(parsed, _open(data, dataset)).counts)
    notes = [*parsed.notes, *(str(warning.message) for warning in caught)]
    if as_json:
        summary = {"valid": True, "config": parsed.to_json(), "counts": counts, "warnings": notes}
        _print_json(summary)
        return
    typer.echo(f"{config}: valid, {len(parsed.entries)} strategies")
    for entry in parsed.entries:
        typer.echo(f"  {entry.path}: {entry.strategy.describe()} on {entry.input.describe()}")
    if counts:
        typer.echo(f"{counts['candidates']} of {counts['input']} samples can be selected")
    for note in notes:
        typer.echo(f"note: {note}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a config, for editors."""
    from selectlab.schema import json_schema

    _print_json(json_schema())


@app.command()
def strategies(
    name: Annotated[
        str | None, typer.Argument(help="Strategy or input to explain, such as DIVERSITY.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List strategies and inputs, or explain one.

    Plug-ins are listed too, and which inputs go with which strategies.
    """
    from selectlab import registry

    inputs, installed = registry.inputs(), registry.strategies()
    if name is not None:
        from selectlab.console import print_page

        everything = {**inputs, **installed}
        if name.upper() not in everything:
            raise ConfigError(f"nothing is called {name!r}{did_you_mean(name, everything)}")
        print_page(everything[name.upper()])
        return
    goes_with = {
        name: [
            s for s, strategy in installed.items() if registry.fits(found.cls.kinds, strategy.cls)
        ]
        for name, found in inputs.items()
    }
    if as_json:
        groups = {"inputs": inputs, "strategies": installed}
        listed: dict[str, Any] = {
            group: {
                name: {"summary": found.summary, "package": found.package}
                for name, found in members.items()
            }
            for group, members in groups.items()
        }
        _print_json({**listed, "goes_with": goes_with})
        return
    from selectlab.console import table

    rows = [(name, found.package, found.summary) for name, found in installed.items()]
    table(["strategy", "from", "what it picks"], rows)
    sources = [
        (name, found.package, found.summary, ", ".join(goes_with[name]))
        for name, found in inputs.items()
    ]
    table(["input", "from", "what it gives", "goes with"], sources)


@app.command()
def metrics(
    data: Annotated[str, typer.Argument(help=DATA_HELP)],
    out: Annotated[
        Path | None,
        typer.Option(help="Table to write, .parquet or .csv. Default: DATA/metadata.parquet."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Default: one per core.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure images: sharpness, luminance, ...

    The metrics become metadata of the dataset: THRESHOLD on METADATA 'lightly.sharpness' and the
    like. Configs that use them compute them when they are not there; this does it beforehand.
    """
    from selectlab.inputs.image_metrics import write_metrics

    if out is None and "://" in data:
        raise ConfigError(f"--out: say where to write the metrics; {data} is not on this machine")
    opened = _open(data, None)
    target = out if out is not None else Path(data) / "metadata.parquet"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unreadable images are listed below
        measured = write_metrics(opened, target, workers=workers)
    unreadable = measured.attrs.get("unreadable", {})
    if as_json:
        summary = {"samples": len(opened), "unreadable": list(unreadable), "out": str(target)}
        _print_json(summary)
        return
    typer.echo(f"{len(opened) - len(unreadable)} of {len(opened)} samples measured: {target}")
    for sample_id in unreadable:
        typer.echo(f"  unreadable: {sample_id}")


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option(help="Folder to make for the demo dataset and its selection.")
    ] = Path("demo"),
    n_samples: Annotated[int, typer.Option("--n-samples", "-n", min=1, max=1000)] = 50,
) -> None:
    """See it work on real images, beside random.

    Writes a small dataset, selects from it with three strategies and says why, labels the
    selection, retrains, and compares with labelling random samples.
    """
    from selectlab.demo import run_demo

    run_demo(out, n_samples)


def _open(path: str, links: list[str] | None) -> Dataset:
    from selectlab.inputs.folder import open_dataset

    if not path:
        raise ConfigError("--data: expected a folder or a URL, got nothing")
    datasets = {}
    for link in links or ():
        dataset_id, equals, target = link.partition("=")
        if not (dataset_id and equals and target):
            raise ConfigError(f"--dataset: expected ID=PATH, got {link!r}")
        datasets[dataset_id] = target
    return open_dataset(path, datasets=datasets)


@contextmanager
def _bar(text: str) -> Iterator[Callable[[int], None] | None]:
    """Show the picks as they come, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"{text}: reading inputs")

        def on_pick(done: int) -> None:
            progress.update(task, description=f"{text}: {done} picks")

        yield on_pick


def _print_json(data: Any) -> None:
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))


def _print_selection(chosen: Selection, out: Path) -> None:
    from selectlab.console import print_selection

    print_selection(chosen)
    typer.echo(f"written: {out}/")
