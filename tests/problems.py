"""Selection problems with small made-up data, said twice: to the engine and to the reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import ge, gt, le, lt
from typing import Any

import numpy as np
import pandas as pd
from reference import Part, Vector, decide

import selectlab
from selectlab.errors import SelectlabError
from selectlab.inputs import Embeddings, Metadata, Predictions, Random, Scores
from selectlab.strategies import Balance, Diversity, Similarity, Threshold, Typicality, Weights

OPERATIONS: Mapping[str, Callable[[float, float], bool]] = {
    "SMALLER": lt,
    "SMALLER_EQUAL": le,
    "BIGGER": gt,
    "BIGGER_EQUAL": ge,
}
CLASSES = {
    "EMBEDDINGS": Embeddings,
    "METADATA": Metadata,
    "PREDICTIONS": Predictions,
    "RANDOM": Random,
    "SCORES": Scores,
    "BALANCE": Balance,
    "DIVERSITY": Diversity,
    "SIMILARITY": Similarity,
    "THRESHOLD": Threshold,
    "TYPICALITY": Typicality,
    "WEIGHTS": Weights,
}
CLASS_NAMES = ["car", "bus", "bike"]
TASK = "det"
TAG = "query"
Entry = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """Data in any order of ids, and a config on it.

    Attributes:
        ids: N sample ids.
        embeddings: N vectors.
        objects: Per sample the vectors of its objects of task ``det``, maybe none.
        metadata: Columns of N numbers or categories; ``None`` is missing.
        probabilities: N rows of class probabilities of task ``weather``.
        query: Ids of the tag ``query``.
        entries: The ``strategies`` of the config.
        preselected: Ids.
        n: Number of samples wanted.
    """

    ids: Sequence[str]
    embeddings: Sequence[Vector]
    entries: Sequence[Entry]
    n: int
    objects: Sequence[Sequence[Vector]] = ()
    metadata: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    probabilities: Sequence[Mapping[str, float]] = ()
    query: Sequence[str] = ()
    preselected: Sequence[str] = ()

    def shuffled(self, order: Sequence[int]) -> Problem:
        """Return the same problem with its samples given in another order."""
        return replace(
            self,
            ids=[self.ids[i] for i in order],
            embeddings=[self.embeddings[i] for i in order],
            objects=[self.objects[i] for i in order] if self.objects else (),
            metadata={key: [column[i] for i in order] for key, column in self.metadata.items()},
            probabilities=[self.probabilities[i] for i in order] if self.probabilities else (),
        )

    def dataset(self) -> selectlab.Dataset:
        """Return the data as the engine takes it."""
        arrays: dict[str, Any] = {
            "embeddings": np.array(self.embeddings, dtype=np.float64),
            "metadata": pd.DataFrame(dict(self.metadata)) if self.metadata else None,
            "tags": {TAG: list(self.query)},
        }
        if self.probabilities:
            arrays["predictions"] = {"weather": pd.DataFrame(list(self.probabilities))}
        if self.objects:
            owners = [i for i, own in zip(self.ids, self.objects, strict=True) for _ in own]
            vectors = np.array([vector for own in self.objects for vector in own])
            arrays["object_embeddings"] = {TASK: (vectors, owners)}
        return selectlab.Dataset(list(self.ids), **arrays)

    def ranking(self) -> tuple[str, ...]:
        """Return the engine's ranking, empty where nothing can be picked (an error there)."""
        try:
            return self.select()
        except SelectlabError as error:
            preselected = self.rows(self.preselected)
            if decide(self.parts(), preselected, self.open_rows(), []).pick is not None:
                raise AssertionError(f"{error}\n{self}") from error
            return ()

    def select(self, *, as_objects: bool = False) -> tuple[str, ...]:
        """Return the engine's ranking, with the config as JSON or as Python objects."""
        config: Any = {"n_samples": self.n, "strategies": list(self.entries)}
        sizes = {}
        if as_objects:
            config = [(build(entry["input"]), build(entry["strategy"])) for entry in self.entries]
            sizes = {"n_samples": self.n}
        preselected = list(self.preselected) or None
        found = selectlab.select(config, self.dataset(), preselected=preselected, **sizes)
        assert found.stop_reason
        assert sorted(found.preselected) == sorted(self.preselected)
        return tuple(found.ids)

    def rows(self, ids: Sequence[str]) -> list[int]:
        """Return the rows of ids: positions among the sorted ids."""
        order = sorted(self.ids)
        return [order.index(sample_id) for sample_id in ids]

    def open_rows(self) -> list[int]:
        """Return the rows that pass every threshold and lack no metadata."""
        table = self.shuffled(np.argsort(self.ids, kind="stable").tolist())
        columns = [
            table.metadata[entry["input"]["key"]]
            for entry in self.entries
            if entry["input"]["type"] == "METADATA"
        ]
        return [
            row
            for row in range(len(self.ids))
            if all(column[row] is not None for column in columns)
            and all(passes(entry, table, row) for entry in self.entries)
        ]

    def parts(self) -> list[Part]:
        """Return the strategies as the reference takes them, rows sorted by id."""
        table = self.shuffled(np.argsort(self.ids, kind="stable").tolist())
        return [
            table.part(entry) for entry in self.entries if entry["strategy"]["type"] != "THRESHOLD"
        ]

    def part(self, entry: Entry) -> Part:
        """Return one strategy with its values, in the order of ``ids``."""
        given, strategy = entry["input"], entry["strategy"]
        values: dict[str, Any] = {}
        if given["type"] == "EMBEDDINGS":
            owned = self.objects if "task" in given else [[vector] for vector in self.embeddings]
            unit = given.get("normalize", True)
            values["vectors"] = [[as_float32(vector, unit) for vector in own] for own in owned]
            places = [self.ids.index(sample_id) for sample_id in self.query]
            values["query"] = [vector for i in places for vector in values["vectors"][i]]
        elif given["type"] == "PREDICTIONS":
            values["counts"] = self.probabilities
        elif given["type"] == "SCORES":
            values["values"] = [margin(row) for row in self.probabilities]
        elif strategy["type"] == "BALANCE":
            column = self.metadata[given["key"]]
            names = sorted({category for category in column if category is not None})
            values["counts"] = [{name: float(own == name) for name in names} for own in column]
        else:
            values["values"] = [math.nan if v is None else v for v in self.metadata[given["key"]]]
        names_here = {
            "stopping_condition_minimum_distance": "minimum_distance",
            "stopping_condition_max_sum": "max_sum",
            "stopping_condition_minimum_typicality": "minimum_typicality",
        }
        for name, value in strategy.items():
            if name == "target_range":
                values["target_max"] = value.get("max_sum")
            else:
                values[names_here.get(name, name)] = value
        return Part(**values)


def build(fields: Mapping[str, Any]) -> Any:
    """Return the input or strategy object of a JSON object."""
    keywords = {name: value for name, value in fields.items() if name != "type"}
    return CLASSES[fields["type"]](**keywords)


def passes(entry: Entry, table: Problem, row: int) -> bool:
    """Return whether a row passes an entry, which may not be a filter at all."""
    strategy = entry["strategy"]
    if strategy["type"] != "THRESHOLD":
        return True
    value = table.metadata[entry["input"]["key"]][row]
    return OPERATIONS[strategy["operation"]](value, strategy["threshold"])


def as_float32(vector: Vector, unit: bool) -> Vector:
    """Round to float32, before and after scaling to unit length when asked for."""
    rounded = [float(np.float32(x)) for x in vector]
    norm = math.sqrt(sum(x * x for x in rounded)) if unit else 1.0
    return tuple(float(np.float32(x / norm)) if norm > 0 else x for x in rounded)


def margin(probabilities: Mapping[str, float]) -> float:
    """Return 1 minus the margin between the two best classes."""
    best, second = sorted(probabilities.values())[: -1 - 2 : -1]
    return 1 - (best - second)
