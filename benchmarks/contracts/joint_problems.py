"""Random joint selection problems, said three times: as data and config, as formulas, as JSON.

N samples, M objects, D dimensions, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.contracts.definition import Rule, Shares, Spread, Sum, similarity, typicality
from benchmarks.contracts.image_sets import ids
from selectlab import Dataset, select

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

KINDS = ("DIVERSITY", "WEIGHTS", "BALANCE", "SIMILARITY", "TYPICALITY")
_LIKELY = (0.3, 0.25, 0.2, 0.125, 0.125)
_STRENGTHS = (1.0, 1.0, 1.0, 0.5, 2.0, 0.3, 1.7, -1.0, -0.5)
_CLASSES, _TASK, _TAG = ("a", "b", "c", "d"), "objects", "examples"


@dataclass(frozen=True)
class Entry:
    """One strategy with the values of its input.

    Attributes:
        kind: Name of the strategy.
        strength: Its exponent.
        of_objects: On the vectors of objects instead of samples.
        values: (N,) weights, or (N, K) counts of classes.
        form: How classes are given: ``metadata``, ``probabilities``, ``objects``.
        strategy: Further fields of the config.
        target: (K,) wanted share of each class; one more for the others, if there are others.
    """

    kind: str
    strength: float
    of_objects: bool = False
    values: FloatArray | None = None
    form: str = ""
    strategy: dict[str, Any] | None = None
    target: FloatArray | None = None


@dataclass(frozen=True)
class JointProblem:
    """Some strategies on the same samples.

    Attributes:
        vectors: (N, D), exact in float32.
        objects: (M, D).
        owner: (M,) sample of each object, rising.
        query: Samples that are the query of SIMILARITY.
        preselected: Rows selected from the start.
        n_picks: How many more are wanted.
        entries: The strategies.
    """

    vectors: FloatArray
    objects: FloatArray
    owner: IntArray
    query: Sequence[int]
    preselected: Sequence[int]
    n_picks: int
    entries: Sequence[Entry]

    def __len__(self) -> int:
        return len(self.vectors)

    def picks(self) -> list[int]:
        """Return the rows that selectlab picks."""
        names = ids(len(self))
        data = Dataset(
            names,
            embeddings=self.vectors,
            object_embeddings={_TASK: (self.objects, [names[row] for row in self.owner])},
            metadata=self._metadata() or None,
            predictions=self._predictions(),
            tags={_TAG: [names[row] for row in self.query]},
        )
        config = {
            "n_samples": self.n_picks,
            "strategies": [self._config(at, entry) for at, entry in enumerate(self.entries)],
        }
        chosen = select(config, data, preselected=[names[row] for row in self.preselected])
        return [int(sample_id) for sample_id in chosen.ids]

    def rules(self) -> list[Rule]:
        """Return the strategies as their definition has them."""
        return [self._rule(entry) for entry in self.entries]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON data for the published engine."""
        return {
            "n": len(self),
            "preselected": list(self.preselected),
            "n_picks": self.n_picks,
            "entries": [self._call(entry) for entry in self.entries],
        }

    def vectors_of(self, entry: Entry) -> tuple[FloatArray, IntArray]:
        """Return the vectors a strategy looks at and the row of each."""
        if entry.of_objects:
            return self.objects, self.owner
        return self.vectors, np.arange(len(self))

    def query_of(self, entry: Entry) -> FloatArray:
        """Return the vectors of the query."""
        vectors, owner = self.vectors_of(entry)
        return vectors[np.isin(owner, self.query)]

    def _metadata(self) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        for at, entry in enumerate(self.entries):
            if entry.kind == "WEIGHTS":
                columns[f"number {at}"] = entry.values
            elif entry.form == "metadata":
                assert entry.values is not None
                columns[f"class {at}"] = [_CLASSES[row.argmax()] for row in entry.values]
        return columns

    def _predictions(self) -> dict[str, Any]:
        names, found = ids(len(self)), {}
        for at, entry in enumerate(self.entries):
            make = _TASKS.get(entry.form)
            if make is not None and entry.values is not None:
                found[f"task {at}"] = make(names, entry.values)
        return found

    def _config(self, at: int, entry: Entry) -> dict[str, Any]:
        strategy = {"type": entry.kind, "strength": entry.strength, **(entry.strategy or {})}
        given: dict[str, Any] = {"type": "EMBEDDINGS", "normalize": False}
        if entry.of_objects:
            given["task"] = _TASK
        if entry.kind == "SIMILARITY":
            given["tag_name"] = _TAG
        if entry.kind == "WEIGHTS":
            given = {"type": "METADATA", "key": f"number {at}"}
        elif entry.form == "metadata":
            given = {"type": "METADATA", "key": f"class {at}"}
        elif entry.kind == "BALANCE":
            given = {"type": "PREDICTIONS", "name": "CLASS_DISTRIBUTION", "task": f"task {at}"}
        return {"input": given, "strategy": strategy}

    def _rule(self, entry: Entry) -> Rule:
        vectors, owner = self.vectors_of(entry)
        n, strength = len(self), entry.strength
        if entry.kind == "DIVERSITY":
            return Spread(vectors, owner, n, strength)
        if entry.kind == "SIMILARITY":
            return similarity(vectors, owner, self.query_of(entry), n, strength)
        if entry.kind == "TYPICALITY":
            return typicality(vectors, owner, _neighbours(entry), n, strength)
        assert entry.values is not None
        if entry.target is None:
            return Sum(entry.values, entry.values, strength)
        return Shares(_with_others(entry), entry.target, strength)

    def _call(self, entry: Entry) -> dict[str, Any]:
        told: dict[str, Any] = {"kind": entry.kind, "strength": entry.strength}
        if entry.kind == "WEIGHTS":
            assert entry.values is not None
            return told | {"weights": entry.values.tolist()}
        if entry.target is not None:
            return told | {"counts": _with_others(entry).tolist(), "target": entry.target.tolist()}
        vectors, owner = self.vectors_of(entry)
        told["vectors"] = vectors.tolist()
        told["parts"] = [np.flatnonzero(owner == row).tolist() for row in range(len(self))]
        if entry.kind == "SIMILARITY":
            told["query"] = self.query_of(entry).tolist()
        if entry.kind == "TYPICALITY":
            told["neighbours"] = _neighbours(entry)
        return told


def random_problem(rng: np.random.Generator, *, plain: bool = False) -> JointProblem:
    """Return a problem of 1 to 4 strategies; one in four on small integers, with many ties.

    Args:
        rng: Decides everything.
        plain: Leave out what the published engine cannot be told, or decides by rules of its
            own: samples without objects, and first picks that tie.
    """
    n, dimension = int(rng.integers(20, 51)), int(rng.integers(2, 9))
    coarse = bool(rng.random() < 0.25)
    n_objects = rng.integers(1, 4, n)
    if not plain and rng.random() < 0.3:
        n_objects[rng.permutation(n)[: n // 5]] = 0
    owner = np.repeat(np.arange(n), n_objects)
    with_objects = np.flatnonzero(n_objects)
    preselected = rng.permutation(n)[: rng.integers(1 if plain else 0, 5)].tolist()
    n_entries = int(rng.integers(1, 5))
    return JointProblem(
        vectors=_points(rng, n, dimension, coarse),
        objects=_points(rng, len(owner), dimension, coarse),
        owner=owner,
        query=sorted(rng.permutation(with_objects)[: rng.integers(1, 4)].tolist()),
        preselected=preselected,
        n_picks=int(rng.integers(5, 13)),
        entries=[_random_entry(rng, n, preselected, coarse) for _ in range(n_entries)],
    )


def _random_entry(
    rng: np.random.Generator, n: int, preselected: Sequence[int], coarse: bool
) -> Entry:
    kind, strength = str(rng.choice(KINDS, p=_LIKELY)), float(rng.choice(_STRENGTHS))
    if kind == "WEIGHTS":
        weights = rng.integers(1, 13, n) / 4 if coarse else rng.uniform(0.05, 3, n)
        return Entry(kind, strength, values=_exact(weights))
    if kind == "BALANCE":
        return _random_balance(rng, n, preselected, strength)
    strategy = {}
    if kind == "TYPICALITY":
        strategy["num_nearest_neighbors"] = int(rng.choice([2, 5, 20]))
    return Entry(kind, strength, bool(rng.random() < 0.4), strategy=strategy)


def _random_balance(
    rng: np.random.Generator, n: int, preselected: Sequence[int], strength: float
) -> Entry:
    form = str(rng.choice(["metadata", "probabilities", "objects"]))
    mix = rng.dirichlet(np.full(len(_CLASSES), 2.0))
    times = {"metadata": 1, "probabilities": 64, "objects": int(rng.integers(1, 5))}[form]
    counts = rng.multinomial(times, mix, n).astype(np.float64)
    counts[: len(_CLASSES)] = np.eye(len(_CLASSES)) * times  # every class occurs
    if form == "probabilities":
        counts /= 64
    wanted = str(rng.choice(["TARGET", "TARGET", "UNIFORM", "INPUT"]))
    if wanted == "TARGET":
        named = np.sort(rng.permutation(len(_CLASSES))[: rng.integers(1, len(_CLASSES) + 1)])
        shares = rng.choice([0.1, 0.2, 0.25, 0.5], len(named))
        target = dict(zip([_CLASSES[code] for code in named], shares.tolist(), strict=True))
        rest = [max(1 - shares.sum(), 0.0)] if len(named) < len(_CLASSES) else []
        strategy: dict[str, Any] = {"distribution": wanted, "target": target}
        return Entry("BALANCE", strength, False, counts, form, strategy, np.array([*shares, *rest]))
    candidates = np.setdiff1d(np.arange(n), preselected)
    full = np.ones(len(_CLASSES)) if wanted == "UNIFORM" else counts[candidates].sum(axis=0)
    full = full / full.sum()
    return Entry("BALANCE", strength, False, counts, form, {"distribution": wanted}, full)


def _with_others(entry: Entry) -> FloatArray:
    """Return (N, K) counts of the classes of the target, all others together as the last."""
    assert entry.values is not None
    target = (entry.strategy or {}).get("target")
    if target is None or len(target) == len(_CLASSES):
        return entry.values
    named = [_CLASSES.index(name) for name in target]
    rest = np.delete(entry.values, named, axis=1).sum(axis=1, keepdims=True)
    return np.hstack([entry.values[:, named], rest])


def _neighbours(entry: Entry) -> int:
    assert entry.strategy is not None
    return int(entry.strategy["num_nearest_neighbors"])


def _points(rng: np.random.Generator, n: int, dimension: int, coarse: bool) -> FloatArray:
    if coarse:
        return rng.integers(-2, 4, (n, dimension)).astype(np.float64)
    return _exact(rng.normal(size=(n, dimension)))


def _exact(values: FloatArray) -> FloatArray:
    """Return numbers that float32 holds exactly."""
    return values.astype(np.float32).astype(np.float64)


def _probability_task(names: Sequence[str], shares: FloatArray) -> dict[str, Any]:
    predictions = {
        name: [{"category_id": int(row.argmax()), "probabilities": row.tolist()}]
        for name, row in zip(names, shares, strict=True)
    }
    return _task("classification", predictions)


def _object_task(names: Sequence[str], counts: FloatArray) -> dict[str, Any]:
    predictions = {
        name: [
            {"category_id": code, "bbox": [0, 0, 1, 1], "score": 1.0}
            for code, times in enumerate(row)
            for _ in range(int(times))
        ]
        for name, row in zip(names, counts, strict=True)
    }
    return _task("object-detection", predictions)


def _task(kind: str, predictions: dict[str, Any]) -> dict[str, Any]:
    return {"task_type": kind, "categories": list(_CLASSES), "predictions": predictions}


_TASKS = {"probabilities": _probability_task, "objects": _object_task}
