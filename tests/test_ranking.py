"""``rank``: rows of arrays, as ``select`` would pick them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from selectlab import Dataset, rank, select
from selectlab.errors import ConfigError, DataError
from selectlab.inputs import Embeddings, Metadata
from selectlab.strategies import Diversity, Similarity, Threshold, Weights
from selectlab.types import Scalars, Vectors

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
        ({"parts": [], "n_samples": 1}, "rank: signals of one length, at least 1, are needed"),
        ({"n_samples": 0}, "rank: n_samples must be at least 1, got 0"),
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


def test_an_unknown_device() -> None:
    with pytest.raises(ConfigError, match="device: expected cpu, cuda, cuda:1 or torch, got 'abc'"):
        rank([(LINE, Diversity())], 2, device="abc")


def test_a_query_of_one() -> None:
    signal = Vectors(vectors=LINE.vectors, query=np.array([[4.0]], dtype=np.float32))
    assert rank([(signal, Similarity())], 2).rows.tolist() == [3, 2]
