"""Options that several commands take, and how they open data and print JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from selectlab.errors import ConfigError

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

DATA_HELP = "Dataset: a folder or a URL such as s3://bucket/folder."
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Videos = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Where the videos lie that samples are frames of. Default: where 'selectlab "
        "predict' read them.",
    ),
]
Links = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset", metavar="ID=PATH", help="Where the dataset with this dataset_id lies."
    ),
]


MACHINE = "What a run may use"
LONG = "Long runs"
"""Titles under which ``--help`` gathers options; see :class:`InPanels`."""

Memory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        rich_help_panel=MACHINE,
        help="Most memory to work in, such as 2GB or 500MB: larger embeddings stay on the disk "
        "and are read block by block. Default: no limit.",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="cpu|cuda|cuda:1|torch",
        rich_help_panel=MACHINE,
        help="Where matrix products run: cpu, cuda (a GPU), cuda:1 (the second one), or torch "
        "(torch on the CPU). The picks are the same.",
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        metavar="local|process|ray",
        rich_help_panel=MACHINE,
        help="Who does the work: local, this process and its threads; process, several processes "
        "of this machine; ray, a Ray cluster. The picks are the same.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        rich_help_panel=MACHINE,
        help="How many processes or Ray actors. Default: one a core.",
    ),
]
Approximate = Annotated[
    str | None,
    typer.Option(
        metavar="greedi",
        rich_help_panel=MACHINE,
        help="Not exact: every worker selects from its part, then one selection runs over what "
        "they found. Its quality is measured. Goes with --engine process or ray.",
    ),
]
CheckpointFile = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="FILE_OR_FOLDER",
        rich_help_panel=LONG,
        help="Keep what was picked so far in this file, written every 10 s and when the run is "
        "stopped (Ctrl-C, SIGTERM, a closed terminal). The same command goes on from there; the "
        "result is that of a run that was never stopped, and the file is removed. -n may be "
        "changed in between.",
    ),
]


ROUNDS = "Rounds"

LedgerPlace = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="FILE_OR_URL",
        envvar="SELECTLAB_STORE",
        rich_help_panel=ROUNDS,
        help="Where rounds are kept: a file, or postgresql://USER:PASSWORD@HOST/DATABASE for a "
        "team. Default: with the campaigns of the dataset, in its .selectlab/campaigns.db.",
    ),
]
NoLedger = Annotated[
    bool,
    typer.Option(
        "--no-ledger",
        rich_help_panel=ROUNDS,
        help="Leave the rounds of the dataset alone: nothing of them counts, nothing is recorded.",
    ),
]
Record = Annotated[
    bool,
    typer.Option(
        "--record",
        rich_help_panel=ROUNDS,
        help="Record the run, and begin the first round if there is none. Runs of a dataset that "
        "has rounds are recorded anyway.",
    ),
]
OnlyNew = Annotated[
    bool,
    typer.Option(
        "--only-new",
        rich_help_panel=ROUNDS,
        help="Select only what no earlier round knew; 'selectlab round new' lists it.",
    ),
]


class InPanels(TyperCommand):
    """A command whose help gathers options under titles, in plain text."""

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write arguments, then options without a title, then those with one."""
        panels: dict[str, list[Any]] = {"Arguments": [], "Options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            plain = "Arguments" if param.param_type_name == "argument" else "Options"
            title = getattr(param, "rich_help_panel", None) or plain
            if record is not None:
                panels.setdefault(title, []).append(record)
        for title, records in panels.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def open_data(path: str, links: list[str] | None = None) -> Dataset:
    """Open a dataset, with ``ID=PATH`` links to others.

    Raises:
        ConfigError: A link is none.
    """
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


def print_json(data: Any) -> None:
    """Print JSON on stdout."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
