"""``rank``: rows of arrays, as ``select`` would pick them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from selectlab import Dataset, rank, select
from selectlab.engine import greedy
from selectlab.engine.eager import Eager
from selectlab.engine.plan import Part, Plan
from selectlab.errors import ConfigError, DataError
from selectlab.inputs import Embeddings, Metadata
from selectlab.resources import Resources, using
from selectlab.strategies import Balance, Diversity, Similarity, Threshold, Weights
from selectlab.types import Counts, Scalars, Vectors

LINE = Vectors(vectors=np.array([[0.0], [1.0], [2.0], [5.0], [9.0]], dtype=np.float32))


def test_the_farthest_first() -> None:
    """From 0: 9 is farthest, then 5 (4 from 9)."""
    found = rank([(LINE, Diversity())], 3)
    assert found.rows.tolist() == [0, 4, 3]
    assert len(found) == 3
    assert found.stop_reason == "n_picks 3 reached"


def test_preselected_rows_count_and_are_not_picked() -> None:
    """2 is selected: 9 is 7 away; then 5 is 3 from 2 and 4 from 9, and 0 only 2 from 2."""
    assert rank([(LINE, Diversity())], 2, preselected=[2]).rows.tolist() == [4, 3]


def test_filtered_rows_are_not_there_for_the_others() -> None:
    """Without 9 and 0, of 1, 2 and 5 the first is 1, then 5."""
    places = Scalars(values=LINE.vectors[:, 0].astype(np.float64))
    parts: Any = [
        (LINE, Diversity()),
        (places, Threshold(threshold=9.0, operation="SMALLER")),
        (places, Threshold(threshold=0.0, operation="BIGGER")),
    ]
    assert rank(parts, 9).rows.tolist() == [1, 3, 2]


def test_rows_without_a_value_are_left_out() -> None:
    missing = np.array([True, False, False, False, True])
    signal = Vectors(vectors=LINE.vectors, missing=missing)
    assert rank([(signal, Diversity())], 9, preselected=[4]).rows.tolist() == [1, 3, 2]


def test_it_is_what_select_picks() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 8)).astype(np.float32)
    gains = rng.random(300)
    data = Dataset([f"{i:03d}" for i in range(300)], embeddings=vectors, metadata={"gain": gains})
    chosen = select(
        [
            (Embeddings(normalize=False), Diversity()),
            (Metadata(key="gain"), Weights(strength=2.0)),
        ],
        data,
        n_samples=50,
    )
    rows = rank(
        [(Vectors(vectors=vectors), Diversity()), (Scalars(values=gains), Weights(strength=2.0))],
        50,
    ).rows
    assert [int(sample_id) for sample_id in chosen.ids] == rows.tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parts": []}, "rank: nothing to rank by"),
        ({"n_samples": 0}, "rank: n_samples must be a whole number, at least 1, got 0"),
        ({"n_samples": 2.5}, "rank: n_samples must be a whole number, at least 1, got 2.5"),
        ({"parts": [(Vectors(vectors=np.ones(3)), Diversity())]}, "rank: vectors must be a matrix"),
        ({"parts": [(Vectors(vectors=np.ones((3, 0))), Diversity())]}, "rank: vectors must be a"),
        ({"preselected": [5]}, r"rank: preselected must be rows from 0 to 4, got \[5\]"),
        ({"preselected": [0.5]}, "rank: preselected must be rows from 0 to 4"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"parts": [(LINE, Diversity())], "n_samples": 2, **arguments}
    with pytest.raises(DataError, match=message):
        rank(**given)


def test_a_strategy_that_does_not_take_the_signal() -> None:
    with pytest.raises(ConfigError, match="rank: WEIGHTS does not take a vector per sample"):
        rank([(LINE, Weights())], 2)


def test_a_strength_beyond_all_measure() -> None:
    with pytest.raises(ConfigError, match="rank: strength should be between -1e9 and 1e9"):
        rank([(LINE, Diversity(strength=3e305))], 2)


def test_an_unknown_device() -> None:
    with pytest.raises(ConfigError, match="device: expected cpu, cuda, cuda:1 or torch, got 'abc'"):
        rank([(LINE, Diversity())], 2, device="abc")


def test_a_query_of_one() -> None:
    signal = Vectors(vectors=LINE.vectors, query=np.array([[4.0]], dtype=np.float32))
    assert rank([(signal, Similarity())], 2).rows.tolist() == [3, 2]


@pytest.mark.parametrize("kind", [np.float64, np.float16, np.uint8])
def test_vectors_of_other_types_are_taken(kind: Any) -> None:
    signal = Vectors(vectors=LINE.vectors.astype(kind))
    assert rank([(signal, Diversity())], 3).rows.tolist() == [0, 4, 3]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e19])
def test_vectors_that_are_not_usable(wrong: float) -> None:
    vectors = LINE.vectors.copy()
    vectors[3] = wrong
    message = "rank: vector 3 has NaN, infinite or overflowing values"
    with pytest.raises(DataError, match=message):
        rank([(Vectors(vectors=vectors), Diversity())], 2)


def test_numbers_that_are_not_usable() -> None:
    values = np.array([1.0, np.nan, 1.0, 1.0, 1.0])
    with pytest.raises(DataError, match="rank: numbers that are NaN"):
        rank([(Scalars(values=values), Weights())], 2)


@pytest.mark.parametrize("scale", [1e-24, 1e-23, 1e-22, 1e-18, 1e-9, 1e9, 1e17])
def test_the_scale_of_the_vectors_means_nothing(scale: float) -> None:
    """Float32 products of numbers below 1e-19 are zero; the picks are not to be taken from them."""
    base = np.random.default_rng(0).normal(size=(3000, 16))
    steps = np.round(base * 1024) / 1024
    scaled = (steps * 2.0 ** np.round(np.log2(scale))).astype(np.float32)
    expected = rank([(Vectors(vectors=steps.astype(np.float32)), Diversity())], 40).rows
    with using(Resources(pool_rows=60, core_rows=16)):
        assert rank([(Vectors(vectors=scaled), Diversity())], 40).rows.tolist() == expected.tolist()


def test_a_share_that_sinks_below_the_floor_is_followed() -> None:
    """A class that one preselected row has just enough of; everything selected makes it rarer."""
    n, rng = 6000, np.random.default_rng(0)
    counts = np.c_[np.zeros(n), rng.uniform(0.5, 1.5, n), rng.random(n)]
    counts[0] = [4.6e-10, 1, 1]
    weights = rng.random(n)
    parts: Any = [
        (Counts(values=counts, names=("A", "B", "C")), Balance(target={"A": 0.9, "B": 0.1})),
        (Scalars(values=weights), Weights()),
    ]
    found = [
        rank(parts, 60, preselected=[0]).rows.tolist(),
        search_all(parts, 60, preselected=0),
    ]
    assert found[0] == found[1]


def search_all(parts: Any, n: int, preselected: int) -> list[int]:
    """Pick by looking at all rows every time."""
    candidates = np.ones(len(parts[0][0]), dtype=np.bool_)
    candidates[preselected] = False
    started = []
    for i, (signal, strategy) in enumerate(parts):
        objective = strategy.start(signal)
        objective.add(np.array([preselected]))
        started.append(Part(i, str(i), strategy.strength, objective))
    plan = Plan(started, candidates, n)
    return greedy.search_with(Eager(plan, "a test"), plan).rows


def test_rows_that_may_never_be_picked_are_not_met_one_by_one() -> None:
    """A dense cluster holds the highest weights; all of it is too close to its first pick."""
    n, rng = 20_000, np.random.default_rng(0)
    many = n * 9 // 10
    dense, wide = 1e-3 * rng.normal(size=(many, 8)), rng.normal(size=(n - many, 8))
    weights = np.concatenate([1 + rng.random(many), 1e-3 * rng.random(n - many)])
    apart = Diversity(strength=0.01, stopping_condition_minimum_distance=0.5)
    found = rank(
        [
            (Vectors(vectors=np.concatenate([dense, wide]).astype(np.float32)), apart),
            (Scalars(values=weights), Weights(strength=5.0)),
        ],
        20,
    )
    assert len(found) == 20
    assert found.engine["rounds"]["one by one"] < 10
