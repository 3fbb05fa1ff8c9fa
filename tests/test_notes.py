"""What a run tells without being asked, and errors of objects made in Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import selectlab
from selectlab.errors import ConfigError
from selectlab.inputs import Embeddings, Metadata
from selectlab.strategies import Balance, Diversity, Similarity, Threshold, Weights


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Diversity(strenght=2),  # type: ignore[call-arg]
            "Diversity.strenght: unknown key; did you mean 'strength'?",
        ),
        (
            lambda: Weights(strength="a"),  # type: ignore[arg-type]
            "Weights.strength: should be a valid number, got 'a'",
        ),
        (lambda: Metadata(), "Metadata.key: required, but missing"),  # type: ignore[call-arg]
        (
            lambda: Weights(target_range={"min_sum": 3.0, "max_sum": 1.0}),  # type: ignore[arg-type]
            "Weights.target_range: min_sum 3 is above max_sum 1",
        ),
        (
            lambda: Balance(),
            "Balance: BALANCE needs a 'target' (or 'distribution' UNIFORM or INPUT)",
        ),
    ],
)
def test_objects_complain_in_one_line(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(selectlab.SelectlabError) as caught:
        make()
    assert isinstance(caught.value, ConfigError)
    assert str(caught.value) == message


def test_negative_weights_are_mentioned() -> None:
    """Sums of -3 and -1 rank alike, so a is first by its id alone; nobody would guess."""
    data = selectlab.Dataset(["a", "b", "c"], metadata={"t": [-3.0, -1.0, 2.0]})
    chosen = selectlab.select([(Metadata(key="t"), Weights())], data, n_samples=1)
    assert chosen.ids == ("c",)
    assert chosen.warnings == (
        "2 of 3 WEIGHTS are negative: all sums that are not positive rank alike, so shift the "
        "values above 0",
    )


def test_a_query_among_the_candidates_is_mentioned() -> None:
    vectors = np.array([[0.0], [1.0], [3.0]])
    data = selectlab.Dataset(["a", "b", "c"], embeddings=vectors, tags={"bad": ["c"]})
    pairs = [(Embeddings(tag_name="bad", normalize=False), Similarity())]
    chosen = selectlab.select(pairs, data, n_samples=1)
    assert chosen.ids == ("c",)
    assert chosen.warnings == (
        "1 candidates are query samples themselves, the most similar there are; preselect them "
        "to leave them out",
    )
    later = selectlab.select(pairs, data, n_samples=1, preselected=["c"])
    assert later.ids == ("b",)
    assert later.warnings == ()


def test_filters_alone_are_mentioned() -> None:
    data = selectlab.Dataset(["a", "b", "c"], metadata={"t": [1.0, 2.0, 3.0]})
    pairs = [(Metadata(key="t"), Threshold(threshold=1.0, operation="BIGGER"))]
    chosen = selectlab.select(pairs, data, n_samples=1)
    assert chosen.ids == ("b",)
    assert chosen.warnings == (
        "no strategy ranks the samples: they are taken in the order of their ids",
    )


def test_counts_of_sequences_add_up() -> None:
    """Ten frames in fives; one frame selected before takes its whole sequence, four more."""
    ids = [f"v-{i}-mp4.png" for i in range(12)]
    data = selectlab.Dataset(ids, metadata={"t": [float(i) for i in range(12)]})
    chosen = selectlab.select(
        [(Metadata(key="t"), Weights())],
        data,
        n_samples=5,
        preselected=["v-1-mp4.png"],
        selected_sequence_length=5,
    )
    counts = chosen.manifest["counts"]
    assert (counts["input"], counts["not_in_sequence"]) == (12, 2)
    assert (counts["preselected"], counts["beside_preselected"]) == (1, 4)
    assert (counts["candidates"], counts["selected"]) == (5, 5)
    assert chosen.stop_reason == "n_samples 5 reached"
