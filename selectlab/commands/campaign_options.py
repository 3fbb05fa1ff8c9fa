"""What the commands of ``selectlab campaign`` take in common, and how they read ids."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selectlab.commands.options import DATA_HELP, open_data
from selectlab.errors import ConfigError, DataError

if TYPE_CHECKING:
    from selectlab.campaigns import Campaigns

Name = Annotated[str, typer.Argument(help="The campaign.")]
Data = Annotated[str, typer.Option(help=DATA_HELP)]
StorePlace = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="FILE_OR_URL",
        envvar="SELECTLAB_STORE",
        help="Where campaigns are kept: a file, or postgresql://USER:PASSWORD@HOST/DATABASE for a "
        "team. Default: DATA/.selectlab/campaigns.db.",
    ),
]
Index = Annotated[
    Path | None,
    typer.Option(
        "--index",
        metavar="DIR",
        help="The index, if it is not in DATA; 'selectlab index' makes it.",
    ),
]
Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="[IDS]...", help="Sample ids; of objects ID#NUMBER or ID."),
]
IdsFrom = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="Text file with one id a line; - is stdin."),
]
Selection = Annotated[
    Path | None,
    typer.Option(metavar="RUN", help="Seeds: what an earlier run selected, its folder."),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION",
        help="Seeds: all samples with this. Metadata: weather=rainy, speed>30. Predictions: "
        "det:car>=2 (objects of a category), det:car (at least one), 'det:*=0' (no objects), "
        "det:uncertainty_margin>0.9 (a score). Comparisons: = != < <= > >=. Given several times, "
        "all have to hold.",
    ),
]
Vectors = Annotated[
    Path | None,
    typer.Option(metavar="FILE.npy", help="Seeds: the rows of a matrix; needs --space-id."),
]
Images = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Seeds: images, embedded with --model (selectlab[yolo]).",
    ),
]
SeedsFrom = Annotated[
    str | None,
    typer.Option(
        metavar="DATASET",
        help="The dataset that ids, --selection or --where are about, if it is not DATA: one that "
        "was embedded with the same model.",
    ),
]
SpaceId = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        help="Which model and weights made --vectors, or the embeddings of --seeds-from where its "
        "files do not say; has to be that of the index.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="WEIGHTS",
        help="Model to embed --images with. Default: the one the index is named after.",
    ),
]
Versions = Annotated[
    int | None,
    typer.Option("--version", min=1, help="What this version collected. Default: all of them."),
]
Statuses = Annotated[
    list[str] | None,
    typer.Option(
        "--status", metavar="new|accepted|discarded|exported", help="Only these; may be repeated."
    ),
]


def opened(data: str, store: str | None, index: Path | None = None) -> Campaigns:
    """Open the campaigns of a dataset."""
    from selectlab.campaigns import Campaigns

    return Campaigns(open_data(data), store=store, corpus=index)


def ids_of(given: Sequence[str] | None, file: Path | None) -> list[str] | None:
    """Return the ids of the arguments and of a file; ``None`` where neither is given.

    Raises:
        DataError: The file cannot be read, or names nothing.
    """
    if file is None:
        return list(given) if given else None
    from selectlab.inputs.sample_ids import id_lines

    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from error
    where = "stdin" if str(file) == "-" else str(file)
    found = [*(given or ()), *id_lines(data, where)]
    if not found:
        raise DataError(f"{where}: names no samples")
    return list(dict.fromkeys(found))


def some_ids(given: Sequence[str] | None, file: Path | None) -> list[str]:
    """Return ids as :func:`ids_of`; there have to be some."""
    found = ids_of(given, file)
    if not found:
        raise ConfigError("ids: expected sample ids, or --from FILE with one a line")
    return found


def counted(n: int, what: str) -> str:
    """Return a number of things in words.

    Example:
        >>> counted(1, "seed"), counted(1200, "seed")
        ('1 seed', '1,200 seeds')
    """
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def plain(value: Any) -> Any:
    """Return what a record holds, as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {key: plain(held) for key, held in asdict(value).items()}
    if isinstance(value, dict):
        return {str(key): plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [plain(held) for held in value]
    return value.isoformat() if isinstance(value, datetime) else value
