"""The search that looks at few rows finds what the search that looks at all rows finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from selectlab.engine import greedy
from selectlab.engine.eager import Eager
from selectlab.engine.lazy import Lazy, reason_not_lazy
from selectlab.engine.plan import Part, Plan
from selectlab.frame_gap import FrameGap
from selectlab.resources import Resources, using
from selectlab.strategies import Balance, Diversity, Similarity, TargetRange, Typicality, Weights
from selectlab.strategies import balance as balance_module
from selectlab.types import Categories, Counts, Objects, Scalars, Signal, Strategy, Vectors

Array = np.ndarray[Any, Any]
Parts = list[tuple[Signal, Strategy]]

N, D = 700, 9
NAMES = ("car", "bus", "bike", "tram")


def embeddings(rng: np.random.Generator, kind: str, n: int = N) -> Array:
    """Vectors with the structure named."""
    if kind == "clusters":
        centres = rng.normal(size=(12, D))
        values = centres[rng.integers(12, size=n)] + 0.05 * rng.normal(size=(n, D))
    elif kind == "duplicates":
        values = rng.normal(size=(n // 7, D))[rng.integers(n // 7, size=n)]
        values[::5] += 1e-7 * rng.normal(size=values[::5].shape)
    elif kind == "grid":
        values = rng.integers(0, 3, size=(n, D)).astype(np.float64)
    elif kind == "far":
        values = 1000.0 + 1e-2 * rng.normal(size=(n, D))
    else:
        values = rng.normal(size=(n, D))
        values /= np.linalg.norm(values, axis=1, keepdims=True)
    return values.astype(np.float32)


KINDS = ["isotropic", "clusters", "duplicates", "grid", "far"]


def diversity(rng: np.random.Generator, kind: str) -> Parts:
    return [(Vectors(vectors=embeddings(rng, kind)), Diversity())]


def apart(rng: np.random.Generator, kind: str) -> Parts:
    vectors = embeddings(rng, kind)
    limit = float(np.quantile(np.linalg.norm(vectors[1:] - vectors[0], axis=1), 0.2))
    return [
        (
            Vectors(vectors=vectors),
            Diversity(stopping_condition_minimum_distance=limit, on_minimum_distance="skip"),
        ),
        (Scalars(values=rng.random(N)), Weights()),
    ]


def weighted(rng: np.random.Generator, kind: str) -> Parts:
    return [*diversity(rng, kind), (Scalars(values=rng.random(N)), Weights(strength=1.5))]


def against_weights(rng: np.random.Generator, kind: str) -> Parts:
    return [*diversity(rng, kind), (Scalars(values=1 + rng.random(N)), Weights(strength=-0.7))]


def balanced(rng: np.random.Generator, kind: str) -> Parts:
    codes = rng.integers(0, 4, size=N)
    sky = Categories(codes=codes, names=NAMES)
    return [*weighted(rng, kind), (sky, Balance(target={"car": 0.6, "bus": 0.1}))]


def counted(rng: np.random.Generator, kind: str) -> Parts:
    counts = rng.integers(0, 4, size=(N, 4)) * rng.random((N, 4)).round(3)
    objects = Counts(values=counts, names=NAMES)
    return [*weighted(rng, kind), (objects, Balance(distribution="UNIFORM"))]


def unbalanced(rng: np.random.Generator, kind: str) -> Parts:
    counts = Counts(values=rng.random((N, 4)), names=NAMES)
    return [*diversity(rng, kind), (counts, Balance(distribution="UNIFORM", strength=-0.5))]


def everything(rng: np.random.Generator, kind: str) -> Parts:
    vectors = embeddings(rng, kind)
    query = Vectors(vectors=vectors, query=vectors[:5])
    return [
        *balanced(rng, kind),
        (query, Similarity(strength=0.5)),
        (Vectors(vectors=vectors), Typicality(strength=2.0)),
    ]


def no_distance(rng: np.random.Generator, kind: str) -> Parts:
    codes = rng.integers(0, 4, size=N)
    weights = rng.integers(0, 9, size=N).astype(np.float64)
    return [
        (Scalars(values=weights), Weights(target_range=TargetRange(max_sum=900.0))),
        (Categories(codes=codes, names=NAMES), Balance(distribution="UNIFORM")),
    ]


def objects(rng: np.random.Generator, kind: str) -> Parts:
    counts = rng.integers(0, 5, size=N)
    counts[::50] = 0
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    vectors = embeddings(rng, kind, int(offsets[-1]))
    signal = Objects(vectors=vectors, offsets=offsets)
    return [(signal, Diversity()), (Scalars(values=rng.random(N)), Weights())]


def two_spaces(rng: np.random.Generator, kind: str) -> Parts:
    return [*weighted(rng, kind), (Vectors(vectors=embeddings(rng, "clusters")), Diversity())]


def weights_alone(rng: np.random.Generator, kind: str) -> Parts:
    values = rng.integers(-3, 9, size=N).astype(np.float64)
    return [(Scalars(values=values), Weights(strength=-1.0 if kind == "grid" else 1.0))]


PLANS: list[Callable[[np.random.Generator, str], Parts]] = [
    diversity,
    apart,
    weighted,
    against_weights,
    balanced,
    counted,
    unbalanced,
    everything,
    no_distance,
    objects,
    two_spaces,
    weights_alone,
]


def plan_of(make: Callable[[np.random.Generator, str], Parts], kind: str, seed: int) -> Plan:
    rng = np.random.default_rng(seed)
    parts = make(rng, kind)
    before = rng.choice(N, size=(0, 3, 40)[seed % 3], replace=False)
    candidates = np.ones(N, dtype=np.bool_)
    candidates[before] = False
    started = []
    for i, (signal, strategy) in enumerate(parts):
        objective = strategy.start(signal)
        assert objective is not None
        objective.add(before)
        started.append(Part(i, f"{i}", strategy.strength, objective))
    guard = FrameGap([f"v/{i}-{j:03d}-mp4.png" for i in range(10) for j in range(N // 10)], 3)
    return Plan(started, candidates, 150, guards=[guard] if seed % 2 else ())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", PLANS)
def test_few_rows_tell_what_all_rows_tell(
    make: Callable[[np.random.Generator, str], Parts], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balance_module, "_MOST_PATTERNS", 16)
    seed = 3 * PLANS.index(make) + KINDS.index(kind)
    plan = plan_of(make, kind, seed)
    assert reason_not_lazy(plan) is None
    whole = greedy.search_with(Eager(plan, "a test"), plan)
    assert len(whole.rows) > 2
    for pool_rows, core_rows in ((None, None), (64, 16), (20, 5)):
        with using(Resources(pool_rows=pool_rows, core_rows=core_rows)):
            plan = plan_of(make, kind, seed)
            lazy = greedy.search_with(Lazy(plan), plan)
        assert lazy.rows == whole.rows
        assert lazy.stop_reason == whole.stop_reason
        assert lazy.shortfalls == whole.shortfalls
        for ours, theirs in zip(lazy.picks, whole.picks, strict=True):
            assert ours.objectives == theirs.objectives
            assert ours.reasons == theirs.reasons
