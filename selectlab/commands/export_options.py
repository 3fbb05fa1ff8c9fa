"""What commands take that write samples in the formats of other tools."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from selectlab.errors import ConfigError

Tasks = Annotated[
    list[str] | None,
    typer.Option(
        "--task",
        metavar="TASK",
        help="Predictions that go along; may be repeated. Default: that of --imputed, or the only "
        "one there is.",
    ),
]
Imputed = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Boxes that should have been predicted, as 'selectlab assert' writes them.",
    ),
]
MinScore = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Lowest score of a prediction to keep. Default: 0.25."),
]
ImageUrl = Annotated[
    str | None,
    typer.Option(
        metavar="TEMPLATE",
        help="Where the tool finds the images, such as 'https://host/{id}' or "
        "'s3://bucket/{id_raw}'; {name} is the last part of the id, {stem} that without its "
        "ending. Default: where they lie now.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="OPTION=VALUE",
        help="An option of the format; may be repeated. 'selectlab export --list' shows them.",
    ),
]


def settings_of(given: Sequence[str] | None) -> dict[str, str]:
    """Return the options of a format as they were given.

    Raises:
        ConfigError: One is no OPTION=VALUE, or is given twice.
    """
    found: dict[str, str] = {}
    for one in given or ():
        name, equals, value = one.partition("=")
        if not (name and equals):
            raise ConfigError(f"--set: expected OPTION=VALUE, got {one!r}")
        if name in found:
            raise ConfigError(f"--set: {name!r} is given twice")
        found[name] = value
    return found
