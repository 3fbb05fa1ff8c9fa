"""PREDICTIONS: class distributions and object counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_source import dataset_of, task_of

from selectlab.columns import TaskPredictions
from selectlab.dataset import Dataset
from selectlab.errors import ConfigError
from selectlab.inputs import Predictions
from selectlab.inputs.predictions import class_sums
from selectlab.types import Counts, Scalars


def dataset(task: TaskPredictions) -> Dataset:
    return dataset_of(
        [f"{row:02}.png" for row in range(len(task.offsets) - 1)], by_task={"det": task}
    )


def distribution(task: TaskPredictions) -> Counts:
    signal = Predictions(task="det", name="CLASS_DISTRIBUTION").load(dataset(task))
    assert isinstance(signal, Counts)
    return signal


def counts(task: TaskPredictions, categories: list[str] | None = None) -> list[float]:
    signal = Predictions(task="det", name="CATEGORY_COUNT", categories=categories).load(
        dataset(task)
    )
    assert isinstance(signal, Scalars)
    return signal.values.tolist()


def test_detection_sums_the_probabilities_of_its_objects() -> None:
    """(.75, .25, 0) + (.25, 0, .75) = (1, .25, .75); a sample without objects has zeros."""
    task = task_of([0, 2], [0, 2], score=[1, 1], probabilities=[[0.75, 0.25, 0], [0.25, 0, 0.75]])
    signal = distribution(task)
    assert signal.values.tolist() == [[0, 0, 0], [1, 0.25, 0.75]]
    assert signal.names == ("car", "bus", "cat")
    assert signal.missing is None
    assert signal.name == "class distribution of det"


def test_classification_is_the_probability_vector_and_missing_without() -> None:
    task = task_of(
        [1, 0], [1], task_type="classification", probabilities=[[0.25, 0.5, 0.25]], listed=[1, 0]
    )
    signal = distribution(task)
    assert signal.values[0].tolist() == [0.25, 0.5, 0.25]
    assert signal.missing is not None
    assert signal.missing.tolist() == [False, True]


def test_without_probabilities_the_score_is_spread_and_a_bare_label_counts_whole() -> None:
    task = task_of([1, 1], [1, 2], score=[0.5, math.nan])
    assert distribution(task).values.tolist() == [[0.25, 0.5, 0.25], [0, 0, 1]]


def test_one_class_sums_scores() -> None:
    task = task_of([2, 1], [0, 0, 0], names=["human"], score=[0.5, 0.25, 1.0])
    assert distribution(task).values.tolist() == [[0.75], [1.0]]


def test_semantic_segmentation_gives_shares_of_pixels() -> None:
    task = task_of([2], [0, 1], task_type="semantic-segmentation", area=[30, 10])
    assert distribution(task).values.tolist() == [[0.75, 0.25, 0]]


def test_category_count() -> None:
    task = task_of([3, 0, 2], [0, 1, 0, 2, 2])
    assert counts(task) == [3, 0, 2]
    assert counts(task, ["car"]) == [2, 0, 0]
    assert counts(task, ["cat", "bus"]) == [1, 0, 2]


def test_category_count_of_a_classification() -> None:
    task = task_of([1, 1], [0, 1], task_type="classification", score=[0.9, 0.9])
    assert counts(task, ["bus"]) == [0, 1]


def test_unknown_category() -> None:
    with pytest.raises(ConfigError) as caught:
        counts(task_of([1], [0]), ["Car"])
    assert (
        str(caught.value)
        == "PREDICTIONS categories: task 'det' has no class 'Car'; did you mean 'car'?"
    )


@pytest.mark.parametrize(
    ("name", "categories", "message"),
    [
        ("CLASS_DISTRIBUTION", ["car"], "'categories' goes with CATEGORY_COUNT, not with CLASS_"),
        ("CATEGORY_COUNT", ["car", "bus", "car"], "'categories' names 'car' more than once"),
        ("CATEGORY_COUNT", [], "'categories' is empty; leave it out to count all"),
        ("CLASS_COUNT", None, "did you mean 'CATEGORY_COUNT'"),
    ],
)
def test_refused_fields(name: str, categories: list[str] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Predictions(task="det", name=name, categories=categories)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=8), st.integers(0, 2**32), st.integers(1, 9)
)
def test_sums_are_the_plain_loop_in_any_block_size(sizes: list[int], seed: int, block: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([0.5, 0.5, 0.5], sum(sizes)).astype(np.float32)
    task = task_of(sizes, [0] * sum(sizes), probabilities=p, score=[1] * sum(sizes))
    ids = [str(row) for row in range(len(sizes))]
    expected = np.zeros((len(sizes), 3))
    start = 0
    for row, size in enumerate(sizes):
        for obj in range(start, start + size):
            expected[row] += p[obj]
        start += size
    sums = class_sums(task, ids)
    assert np.allclose(sums, expected, atol=1e-5)
    assert sums.sum(axis=1) == pytest.approx(sizes)
    assert np.array_equal(sums, class_sums(task, ids, block_values=block))
