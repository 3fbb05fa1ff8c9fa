"""What a report reads of the files of a run, so that a broken one is named and not shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from selectlab.errors import ConfigError, DataError
from selectlab.validation import validated

_CLASSES = re.compile(r" or instance of \w+")


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class _Counts(_Part):
    input: int
    candidates: int
    selected: int
    preselected: int
    not_in_sequence: int
    beside_preselected: int = 0
    missing: dict[str, int]
    filtered: dict[str, int]


class _Numbers(_Part):
    mean: float
    min: float
    quartile_1: float
    median: float
    quartile_3: float
    max: float


class _Classes(_Part):
    entropy: float
    shares: dict[str, float]


class _Distances(_Part):
    mean_distance_to_nearest_selected: float
    coverage_radius: float


class _OfNumbers(_Part):
    kind: Literal["numbers"]
    values: str
    input: _Numbers
    selected: _Numbers
    random: _Numbers


class _OfClasses(_Part):
    kind: Literal["classes"]
    values: str
    input: _Classes
    selected: _Classes
    random: _Classes


class _OfDistances(_Part):
    kind: Literal["distances"]
    values: str
    measured_on: int | None = None
    selected: _Distances | None = None
    random: _Distances | None = None


class _OfOthers(_Part):
    kind: str
    values: str


class _Input(_Part):
    input: str
    blake2b: str


class _Ranking(_Part):
    entry: int


class _Manifest(_Part):
    created: str = ""
    selectlab: str = ""
    dataset: str | None = None
    counts: _Counts
    inputs: list[_Input]
    strategies: list[_Ranking] = []
    statistics: list[_OfOthers]
    stop_reason: str
    warnings: list[str]
    versions: dict[str, str] = {}
    engine: dict[str, Any] = {}
    ledger: dict[str, Any] | None = None


class _Because(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    strategy: str
    value: float | None
    objective: float
    part: float
    reason: str


class _Pick(_Part):
    rank: int
    sample_id: str
    score: float
    strategies: list[_Because]
    nearest_selected: str | None = None
    nearest_distance: float | None = None
    uri: str | None = None
    metadata: dict[str, Any] | None = None
    sequence: int | None = None


class _Selection(_Part):
    preselected: list[str]
    selected: list[_Pick]


_STATISTICS: Mapping[str, type[_Part]] = {
    "numbers": _OfNumbers,
    "classes": _OfClasses,
    "distances": _OfDistances,
}


def check_manifest(path: Path, content: Mapping[str, Any]) -> None:
    """Refuse a manifest of which a report could not be made.

    Raises:
        DataError: Something in it is not as a run writes it.
    """
    _check(path, _Manifest, content)
    for at, part in enumerate(content["statistics"]):
        _check(path, _STATISTICS.get(part["kind"], _OfOthers), part, f"statistics[{at}]")


def check_selection(path: Path, content: Mapping[str, Any]) -> None:
    """Refuse picks of which a report could not be made.

    Raises:
        DataError: Something in them is not as a run writes it.
    """
    _check(path, _Selection, content)
    labels = {tuple(one["strategy"] for one in p["strategies"]) for p in content["selected"]}
    if len(labels) > 1:
        raise DataError(f"{path}: its picks name different strategies; no run writes that")


def _check(path: Path, form: type[_Part], content: Any, where: str = "") -> None:
    try:
        validated(form, content, where)
    except ConfigError as error:
        told = _CLASSES.sub("", str(error))
        raise DataError(f"{path}: {told}; no run writes that") from None
