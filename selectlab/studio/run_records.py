"""What the page reads of the files of a run, whoever has written them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from selectlab.errors import ConfigError, DataError
from selectlab.validation import validated
from selectlab.writers import MANIFEST

_Number = Annotated[int, Field(ge=0, lt=1 << 63)]


class _Record(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _Entry(_Record):
    input: dict[str, Any] = {}
    strategy: dict[str, Any] = {}


class _Config(_Record):
    strategies: list[_Entry] = []


class _Counts(_Record):
    selected: _Number
    input: _Number = 0


class _Side(_Record):
    mean_distance_to_nearest_selected: float | None = None
    coverage_radius: float | None = None
    entropy: float | None = None
    mean: float | None = None
    median: float | None = None


class _Statistics(_Record):
    kind: str
    values: str
    input: _Side = _Side()
    selected: _Side = _Side()
    random: _Side = _Side()


class _Manifest(_Record):
    created: str = ""
    dataset: str = ""
    config: _Config
    counts: _Counts = _Counts(selected=0)
    warnings: list[str] = []
    statistics: list[_Statistics] = []


class _Pick(_Record):
    sample_id: str
    rank: _Number | None = None
    score: float | None = None
    reason: str | None = None


class _Selection(_Record):
    selected: list[_Pick]
    stop_reason: str | None = None
    warnings: list[str] = []


def check_manifest(raw: Any) -> None:
    """Look whether a manifest can be shown.

    Raises:
        DataError: It cannot; one line.
    """
    _check(_Manifest, raw, MANIFEST)


def check_selection(raw: Any, where: str) -> None:
    """Look whether what was selected can be shown.

    Raises:
        DataError: It cannot; one line.
    """
    _check(_Selection, raw, where)


def _check(cls: type[_Record], raw: Any, where: str) -> None:
    try:
        validated(cls, raw, "")
    except ConfigError as error:
        raise DataError(f"{where}: is not one that a run has written; {error}") from None
