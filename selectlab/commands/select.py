"""``selectlab select`` and ``selectlab validate``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectlab.commands.options import (
    DATA_HELP,
    Approximate,
    AsJson,
    CheckpointFile,
    Device,
    Engine,
    LedgerPlace,
    Links,
    Memory,
    NoLedger,
    OnlyNew,
    Record,
    Workers,
    open_data,
    print_json,
)
from selectlab.commands.waiting import LongRun
from selectlab.errors import ConfigError, DataError, SelectlabError

if TYPE_CHECKING:
    from selectlab.config import Config
    from selectlab.dataset import Dataset
    from selectlab.preparation import Prepared
    from selectlab.rounds import Rounds
    from selectlab.rounds.starting import Start
    from selectlab.selection import Selection


Preselected = Annotated[
    list[Path] | None,
    typer.Option(
        help="What is selected already: a text file with one id a line, or the folder of an "
        "earlier run. May be repeated. Default: what the rounds of the dataset know, and its "
        "preselected.txt, if there are any."
    ),
]


def select(
    config: Annotated[Path, typer.Argument(help="JSON config; see 'selectlab schema'.")],
    data: Annotated[str, typer.Option(help=DATA_HELP)],
    out: Annotated[Path, typer.Option(help="Folder to make for the results.")],
    preselected: Preselected = None,
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
    report: Annotated[
        bool,
        typer.Option(
            "--report", help="Write report.html beside the results; see 'selectlab report'."
        ),
    ] = False,
    memory: Memory = None,
    device: Device = "cpu",
    engine: Engine = "local",
    workers: Workers = None,
    approximate: Approximate = None,
    checkpoint: CheckpointFile = None,
    only_new: OnlyNew = False,
    record: Record = False,
    no_ledger: NoLedger = False,
    store: LedgerPlace = None,
    as_json: AsJson = False,
) -> None:
    """Select samples: a ranking with reasons.

    Writes selection.csv, .parquet, .json and .txt and a manifest into --out, all or none.

    Example: selectlab select config.json --data ./dataset --out ./run1

    Next round: selectlab select config.json --data ./dataset --out ./run2 --preselected ./run1

    Round by round: 'selectlab round start ./dataset', and --preselected is not needed any more.
    """
    from selectlab import api
    from selectlab.config import load
    from selectlab.earlier import read_earlier
    from selectlab.writers import check_target

    if record and no_ledger:
        raise ConfigError("--record: does not go with --no-ledger")
    run = LongRun(out, checkpoint)
    with run.stoppable() as saved:
        parsed = load(config, n_samples=n_samples, proportion_samples=proportion_samples)
        check_target(out, overwrite=overwrite)
        if report:
            from selectlab.report.html import needed

            needed()
        before = read_earlier(preselected) if preselected else None
        opened = open_data(data, dataset)
        rounds = None if no_ledger else _rounds(opened, store, record=record)
        chosen = api.select(
            parsed,
            opened,
            preselected=before,
            ledger=_start(rounds, before, only_new=only_new),
            only_new=only_new,
            selected_sequence_length=selected_sequence_length,
            memory=memory,
            device=device,
            engine=engine,
            workers=workers,
            approximate=approximate,
            checkpoint=saved,
        )
        run.save(chosen, overwrite=overwrite)
        if rounds is not None:
            _record(rounds, chosen, out)
        if report:
            _report(opened, out, memory)
    if as_json:
        summary = {key: chosen.manifest[key] for key in ("counts", "stop_reason", "warnings")}
        print_json({**summary, "out": str(out), "selected": list(chosen.ids)})
    else:
        _print_selection(chosen, out)


def _rounds(opened: Dataset, store: str | None, *, record: bool) -> Rounds | None:
    """Return the rounds of a dataset, if it has any or gets some."""
    from selectlab.rounds import Rounds

    rounds = Rounds(opened, store=store)
    return rounds if record or rounds.begun else None


def _start(rounds: Rounds | None, before: Any, *, only_new: bool) -> Start | bool:
    """Say what the rounds start from, and return it; False where there is nothing yet."""
    if rounds is None or not rounds.begun:
        return False
    start = rounds.starting_point(before, only_new=only_new)
    typer.echo(start.line, err=True)
    return start


def _record(rounds: Rounds, chosen: Selection, out: Path) -> None:
    """Record what is written; if that fails, say how to do it later."""
    try:
        recorded = rounds.record(chosen, out)
    except SelectlabError as error:
        again = f"selectlab round add {shlex.quote(str(out))} --data ..."
        raise DataError(f"{error}; {out}/ is written, but not recorded: {again}") from None
    typer.echo(f"recorded in round {recorded.round.name!r}", err=True)
    if recorded.n_elsewhere:
        n = recorded.n_elsewhere
        typer.echo(f"note: {n} of its samples are in other runs of the ledger too", err=True)


def _report(opened: Dataset, out: Path, memory: str | None) -> None:
    """Write the report of what is written; if that fails, say how to do it later."""
    from selectlab.report import write_report

    try:
        written = write_report(out, opened, memory=memory)
    except SelectlabError as error:
        again = f"selectlab report {shlex.quote(str(out))} --data ..."
        raise DataError(f"{error}; {out}/ is written, but no report: {again}") from None
    typer.echo(f"report: {written.html}", err=True)


def validate(
    config: Annotated[Path, typer.Argument(help="JSON config.")],
    data: Annotated[
        str | None, typer.Option(help=f"{DATA_HELP} Also checks that the inputs are there.")
    ] = None,
    preselected: Preselected = None,
    dataset: Links = None,
    only_new: OnlyNew = False,
    no_ledger: NoLedger = False,
    store: LedgerPlace = None,
    as_json: AsJson = False,
) -> None:
    """Check a config without selecting anything.

    With --data all inputs are loaded too, and the samples that could be selected counted, as
    'select' would with the same options: what is selected already is not among them.
    """
    from dataclasses import asdict

    from selectlab.config import load

    parsed = load(config)
    counts: dict[str, Any] = {}
    notes: Sequence[str] = parsed.notes
    if data is not None:
        ready = _checked(parsed, open_data(data, dataset), preselected, store, only_new, no_ledger)
        counts, notes = asdict(ready.resolved.counts), ready.notes
    if as_json:
        summary = {"valid": True, "config": parsed.to_json(), "counts": counts}
        print_json({**summary, "warnings": list(notes)})
        return
    typer.echo(f"{config}: valid, {len(parsed.entries)} strategies")
    for entry in parsed.entries:
        typer.echo(f"  {entry.path}: {entry.strategy.describe()} on {entry.input.describe()}")
    if counts:
        before = counts["preselected"]
        told = f"; {before} selected already" if before else ""
        typer.echo(f"{counts['candidates']} of {counts['input']} samples can be selected{told}")
    for note in notes:
        typer.echo(f"note: {note}")


def _checked(
    config: Config,
    data: Dataset,
    preselected: list[Path] | None,
    store: str | None,
    only_new: bool,
    no_ledger: bool,
) -> Prepared:
    """Prepare a selection from where 'select' would start it."""
    from selectlab import api
    from selectlab.earlier import read_earlier

    before = read_earlier(preselected) if preselected else None
    rounds = None if no_ledger else _rounds(data, store, record=False)
    start = _start(rounds, before, only_new=only_new)
    return api.check(config, data, preselected=before, ledger=start, only_new=only_new)


def _print_selection(chosen: Selection, out: Path) -> None:
    from selectlab.console import print_selection

    print_selection(chosen)
    typer.echo(f"written: {out}/")
