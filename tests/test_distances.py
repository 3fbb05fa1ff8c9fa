"""Distances: exact where they decide, with bounds that never lie everywhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selectlab.distances import (
    NearestSelected,
    exact_sq_dists,
)
from selectlab.nearest import products

Array = np.ndarray[Any, Any]


def f32(rows: Any) -> Array:
    return np.asarray(rows, dtype=np.float32)


def true_sq_dists(left: Array, right: Array) -> Array:
    gaps = left[:, None, :].astype(np.float64) - right[None, :, :].astype(np.float64)
    sums: Array = (gaps**2).sum(axis=2)
    return sums


def test_squared_distances_by_hand() -> None:
    """3-4-5 and 5-12-13."""
    left = f32([[3, 0], [5, 0]])
    assert exact_sq_dists(left, f32([[0, 4], [0, 12]])).tolist() == [25.0, 169.0]
    assert exact_sq_dists(left, f32([0, 0])).tolist() == [9.0, 25.0]


def test_small_gaps_at_large_offsets_survive() -> None:
    """The product form of float32 gives 0 here: 4096^2 swallows (1/1024)^2."""
    a, b = f32([[4096.0]]), f32([[4096.0 + 2.0**-11]])
    assert exact_sq_dists(a, b).tolist() == [2.0**-22]


def line(*places: float) -> NearestSelected:
    return NearestSelected(f32([[x, 2.0] for x in places]))


def rows(*index: int) -> Array:
    return np.array(index, dtype=np.intp)


def test_the_total_is_over_nearest_others_and_may_shrink() -> None:
    """0 and 10: 100 each. 4 joins: 16 + 16 + 36. 9 joins: 16 + 16 + 1 + 1."""
    state = line(0, 10, 4, 9, 20)
    totals = []
    for row in range(4):
        state.add(rows(row))
        totals.append(state.total)
    assert totals == [0.0, 200.0, 68.0, 34.0]
    assert state.exact(rows(4, 0, 2)).tolist() == [100.0, 0.0, 0.0]
    assert state.closest(4) == 1
    assert len(state) == 4
    assert state.indices == [0, 1, 2, 3]


def test_before_the_first_addition_everything_is_infinitely_far() -> None:
    state = line(0, 1)
    assert state.exact(rows(0, 1)).tolist() == [np.inf, np.inf]
    assert state.closest(1) == -1
    assert state.total == 0.0


def test_ties_name_the_first_member() -> None:
    state = line(0, 10, 5)
    state.add(rows(1, 0))
    assert state.closest(2) == 1


def test_adding_many_at_once_is_adding_one_by_one() -> None:
    rng = np.random.default_rng(2)
    vectors = f32(rng.normal(size=(300, 7)))
    order = rng.permutation(300)[:150].astype(np.intp)
    at_once, one_by_one = NearestSelected(vectors), NearestSelected(vectors)
    at_once.add(order)
    for row in order:
        one_by_one.add(rows(row))
    everything = np.arange(300, dtype=np.intp)
    assert at_once.total == one_by_one.total
    assert at_once.exact(everything).tolist() == one_by_one.exact(everything).tolist()
    assert [at_once.closest(i) for i in range(300)] == [one_by_one.closest(i) for i in range(300)]


SCALES = [1e-8, 1e-3, 1.0, 1e3, 1e8]
OFFSETS = [0.0, 1.0, 1e4]


@pytest.mark.parametrize("dimension", [1, 2, 513])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("offset", OFFSETS)
def test_bounds_enclose_the_truth(dimension: int, scale: float, offset: float) -> None:
    """Nasty scales, large offsets, exact duplicates, near-duplicates, zeros."""
    rng = np.random.default_rng(dimension)
    vectors = (rng.normal(size=(60, dimension)) + offset) * scale
    vectors[20:30] = vectors[:10]
    vectors[30:40] = vectors[:10] * (1 + 1e-7)
    vectors[40] = 0.0
    enclosed(f32(vectors), rng.permutation(60)[:25].astype(np.intp))


def enclosed(vectors: Array, picks: Array) -> None:
    state = NearestSelected(vectors)
    everything = np.arange(len(vectors), dtype=np.intp)
    whole = true_sq_dists(vectors, vectors)
    for at in range(0, len(picks), 5):
        state.add(picks[at : at + 5])
        members = picks[: at + 5]
        true = whole[:, members].min(axis=1)
        close = np.maximum(true * 1e-14, 0)
        assert (state.upper.astype(np.float64) >= true - close).all()
        assert (state.lower(everything) <= true + close).all()
        assert (state.lower(slice(0, len(vectors))) <= true + close).all()
        assert np.allclose(state.exact(everything), true, rtol=1e-13, atol=0)
        assert (state.upper.astype(np.float64) >= state.exact(everything)).all()
        assert state.exact(members).tolist() == [0.0] * len(members)
        among = whole[np.ix_(members, members)] + np.diag(np.full(len(members), np.inf))
        assert np.isclose(state.total, among.min(axis=1).sum(), rtol=1e-12, atol=0)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 5),
    st.lists(
        st.lists(
            st.sampled_from([0.0, 1.0, -1.0, 3.0, 1e-4, 1e6, 1e6 + 0.0625, 1 + 2.0**-23]),
            min_size=5,
            max_size=5,
        ),
        min_size=2,
        max_size=12,
    ),
)
def test_bounds_enclose_the_truth_of_whatever(dimension: int, drawn: list[list[float]]) -> None:
    vectors = f32(drawn)[:, :dimension]
    enclosed(vectors, np.arange(len(vectors), dtype=np.intp)[::-1])


def test_block_sizes_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    vectors = f32(rng.normal(size=(101, 6)))
    picks = rng.permutation(101)[:40].astype(np.intp)
    everything = np.arange(101, dtype=np.intp)

    def outcome() -> tuple[Any, ...]:
        state = NearestSelected(vectors)
        state.add(picks)
        return state.total, state.exact(everything).tolist(), state.indices

    whole = outcome()
    monkeypatch.setattr(products, "_TILE_FLOATS", 7)
    monkeypatch.setattr(products, "_PANEL", 3)
    assert outcome() == whole


def test_the_vectors_are_left_alone() -> None:
    vectors = f32(np.random.default_rng(0).normal(size=(20, 3)))
    vectors.setflags(write=False)
    state = NearestSelected(vectors)
    state.add(np.arange(10, dtype=np.intp))
    assert state.exact(np.arange(20, dtype=np.intp))[:10].tolist() == [0.0] * 10
