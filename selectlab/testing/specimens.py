"""Small made-up instances, signals and data for the checks.

Ties, duplicates, rows without objects and rows that are selected already are common here,
because that is where strategies go wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from selectlab.dataset import Dataset
from selectlab.errors import ConfigError
from selectlab.objective import Objective, Rows
from selectlab.types import (
    Categories,
    Counts,
    Objects,
    Scalars,
    Severities,
    Signal,
    Spec,
    Strategy,
    Vectors,
)

AnySpec = TypeVar("AnySpec", bound=Spec)

CLASS_NAMES = ("bike", "bus", "car")
"""The classes of every made-up signal and prediction."""

NAMES = ("number", "weather", "objects", "query")
"""Names in the example dataset: two metadata keys (``weather`` is a task too), a task, a tag."""

ENGINE_FIELDS = {"type", "strength", "on_missing"}
"""Fields that mean the same in every class; the checks leave them at their defaults."""

_MOST = 60


def examples_of(cls: type[AnySpec]) -> list[AnySpec]:
    """Return instances made from the JSON schema of a class.

    The schema's own ``examples`` come first. Then every required field takes each value it may
    have (text fields: each of :data:`NAMES`), and each optional field departs once from its
    default. What the class refuses is left out.
    """
    schema = cls.model_json_schema()
    fields = {
        name: _values(prop, schema.get("$defs", {}))
        for name, prop in schema.get("properties", {}).items()
        if name not in ENGINE_FIELDS
    }
    required = [name for name in schema.get("required", ()) if name in fields]
    bases = [
        dict(zip(required, values, strict=True))
        for values in product(*(fields[name] for name in required))
    ]
    raws = [*schema.get("examples", ()), *bases]
    for name, values in fields.items():
        if name not in required:
            raws += [{**base, name: value} for base in bases for value in values]
    found: list[AnySpec] = []
    for raw in raws:
        try:
            made = cls.model_validate(raw)
        except ValidationError:
            continue
        if made not in found:
            found.append(made)
    return found[:_MOST]


def _values(prop: Mapping[str, Any], defs: Mapping[str, Any]) -> list[Any]:
    """Return a few values that fit a JSON schema."""
    if "$ref" in prop:
        return _values(defs[prop["$ref"].rsplit("/", 1)[-1]], defs)
    for key in ("examples", "enum"):
        if key in prop:
            return list(prop[key])
    if "const" in prop:
        return [prop["const"]]
    if "anyOf" in prop:
        return [value for option in prop["anyOf"] for value in _values(option, defs)]
    low = prop.get("minimum", prop.get("exclusiveMinimum"))
    match prop.get("type"):
        case "boolean":
            return [False, True]
        case "integer":
            return [int(low or 0) + 1]
        case "number":
            return [0.5 if low is None else low + 0.5]
        case "string":
            return list(NAMES)
        case "array":
            return [[CLASS_NAMES[0]], [0.5, 1.5]]
        case "object":
            return _objects_of(prop, defs)
    return []


def _objects_of(prop: Mapping[str, Any], defs: Mapping[str, Any]) -> list[Any]:
    """Return an object with every key it may have, or with class names as its keys."""
    if "properties" in prop:
        fields = {key: _values(inner, defs) for key, inner in prop["properties"].items()}
        return [{key: values[0] for key, values in fields.items() if values}]
    inner = prop.get("additionalProperties")
    values = _values(inner, defs) if isinstance(inner, Mapping) else []
    return [dict.fromkeys(CLASS_NAMES[:2], value) for value in values]


def example_dataset(order: Sequence[int] | None = None) -> Dataset:
    """Return 11 samples with embeddings, objects, predictions and metadata, all in memory.

    It has metadata ``number`` (one value is missing) and ``weather``, a classification task
    ``weather``, a detection task ``objects`` with object embeddings (some samples have no
    objects), a tag ``query``, and ids with a number in them such as ``cam/frame-07.png``.

    Args:
        order: In which order the samples are handed over; the dataset is the same.
    """
    rng = np.random.default_rng(20)
    n = 11
    order = range(n) if order is None else order
    ids = [f"cam/frame-{i:02d}.png" for i in range(n)]
    vectors = _values_of(rng, (n, 4), ties=True) + 1.0
    number = [None if i == 4 else float(i % 5) for i in range(n)]
    weather = [CLASS_NAMES[i % 2] for i in range(n)]
    probabilities = rng.dirichlet(np.ones(len(CLASS_NAMES)), size=n)
    objects = [(ids[i], float(j)) for i in order for j in range((0, 2, 1, 3)[i % 4])]
    return Dataset(
        [ids[i] for i in order],
        embeddings=vectors[list(order)],
        metadata={
            "number": np.array([number[i] for i in order], dtype=np.float64),
            "weather": np.array([weather[i] for i in order], dtype=object),
        },
        predictions={"weather": probabilities[list(order)], "objects": _detections(objects)},
        object_embeddings={
            "objects": (
                np.array([[len(owner) + j, 1.0, j] for owner, j in objects]),
                [owner for owner, _ in objects],
            )
        },
        tags={"query": [ids[3], ids[7]]},
    )


def _detections(objects: Sequence[tuple[str, float]]) -> Any:
    import pandas as pd

    return pd.DataFrame(
        {
            "sample_id": [owner for owner, _ in objects],
            "category": [CLASS_NAMES[int(j)] for _, j in objects],
            "score": [0.25 + j / 8 for _, j in objects],
            **{side: [4.0 + j for _, j in objects] for side in ("x", "y", "w", "h")},
        }
    )


@dataclass(frozen=True)
class Case:
    """A strategy, a signal it accepts, and the rows that are selected before.

    Attributes:
        strategy: What is checked.
        signal: N rows.
        preselected: Rows that are not candidates.
    """

    strategy: Strategy
    signal: Signal
    preselected: Rows

    def __str__(self) -> str:
        kind = type(self.signal).__name__
        before = f", {len(self.preselected)} preselected" if len(self.preselected) else ""
        return f"{self.strategy!r} on {len(self.signal)} rows of {kind}{before}"

    def start(self) -> Objective | None:
        """Return a new objective that knows the preselected rows; ``None`` for a filter."""
        objective = self.strategy.start(self.signal)
        if objective is not None:
            objective.add(self.preselected)
        return objective

    def open_rows(self) -> Rows:
        """Return the rows that may be picked."""
        rows = np.arange(len(self.signal), dtype=np.intp)
        return np.setdiff1d(rows, self.preselected)


def cases(strategy: Strategy, *, constant: bool = False) -> Iterator[Case]:
    """Yield a strategy on every kind of signal it accepts.

    Args:
        strategy: What is checked.
        constant: Every row has the same value.
    """
    shapes = [(1, False, 0), (17, True, 0), (19, False, 3), (23, True, 5)]
    for kind, make in _MAKERS.items():
        if not issubclass(kind, tuple(strategy.accepts)):
            continue
        for seed, (n, ties, n_before) in enumerate(shapes):
            rng = np.random.default_rng(seed)
            preselected = np.sort(rng.permutation(n)[:n_before])
            signal = make(rng, n, 1 if constant else n, ties)
            if strategy.needs_query:
                signal = _with_query(signal, rng)
            candidates = ~np.isin(np.arange(n), preselected)
            signal = replace(signal, name="example", candidates=candidates)
            for array in signal.arrays():
                if isinstance(array, np.ndarray):
                    array.flags.writeable = False
            try:
                strategy.check(signal)
            except ConfigError:
                continue
            yield Case(strategy, signal, preselected)


def _values_of(
    rng: np.random.Generator, shape: tuple[int, ...], ties: bool
) -> npt.NDArray[np.float64]:
    if ties:
        return rng.integers(0, 3, size=shape).astype(np.float64)
    return rng.normal(size=shape)


def _vectors(rng: np.random.Generator, n: int, distinct: int, ties: bool) -> Signal:
    values = np.resize(_values_of(rng, (distinct, 3), ties), (n, 3))
    return Vectors(vectors=values.astype(np.float32))


def _objects(rng: np.random.Generator, n: int, distinct: int, ties: bool) -> Signal:
    counts = rng.integers(0, 4, size=n) if distinct > 1 else np.full(n, 2)
    counts[0] = 2
    total = int(counts.sum())
    values = np.resize(_values_of(rng, (total if distinct > 1 else 1, 3), ties), (total, 3))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Objects(vectors=values.astype(np.float32), offsets=offsets)


def _scalars(rng: np.random.Generator, n: int, distinct: int, ties: bool) -> Signal:
    return Scalars(values=np.resize(_values_of(rng, (distinct,), ties), n))


def _categories(rng: np.random.Generator, n: int, distinct: int, ties: bool) -> Signal:
    codes = np.resize(rng.integers(0, len(CLASS_NAMES), size=distinct), n).astype(np.intp)
    return Categories(codes=codes, names=CLASS_NAMES)


def _counts(rng: np.random.Generator, n: int, distinct: int, ties: bool) -> Signal:
    shape = (distinct, len(CLASS_NAMES))
    return Counts(
        values=np.resize(np.abs(_values_of(rng, shape, ties)), (n, shape[1])), names=CLASS_NAMES
    )


def _severities(rng: np.random.Generator, n: int, distinct: int, ties: bool) -> Signal:
    counts = _counts(rng, n, distinct, ties)
    assert isinstance(counts, Counts)
    return Severities(values=counts.values, names=counts.names)


_Maker = Callable[[np.random.Generator, int, int, bool], Signal]
_MAKERS: dict[type[Signal], _Maker] = {
    Vectors: _vectors,
    Objects: _objects,
    Scalars: _scalars,
    Categories: _categories,
    Counts: _counts,
    Severities: _severities,
}


def _with_query(signal: Signal, rng: np.random.Generator) -> Signal:
    query = rng.normal(size=(2, 3)).astype(np.float32)
    return replace(signal, query=query, query_ids=("query-1", "query-2"))  # type: ignore[call-arg]
