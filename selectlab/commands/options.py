"""Options that several commands take, and how they open data and print JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectlab.errors import ConfigError

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

DATA_HELP = "Dataset: a folder or a URL such as s3://bucket/folder."
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Links = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset", metavar="ID=PATH", help="Where the dataset with this dataset_id lies."
    ),
]


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
