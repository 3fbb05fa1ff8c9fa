"""Groups by k-means: the same whatever the machine does beside, and their distances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from selectlab import groups
from selectlab.groups import gaps_to_others, k_means
from selectlab.row_files import RowFile
from selectlab.stored import StoredVectors

Array = np.ndarray[Any, Any]


def blobs(n: int = 900, n_blobs: int = 6, d: int = 5) -> tuple[Array, Array]:
    rng = np.random.default_rng(2)
    which = rng.integers(n_blobs, size=n)
    centres = 10 * rng.normal(size=(n_blobs, d))
    return (centres[which] + rng.normal(size=(n, d))).astype(np.float32), which


def same_cut(one: Array, other: Array) -> bool:
    """Whether the groups are the same, whatever their numbers."""
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len(set(one.tolist())) == len(set(other.tolist()))


def test_finds_groups_that_are_there() -> None:
    vectors, which = blobs()
    assert same_cut(k_means(vectors, 6, 0), which)


def test_small_batches_find_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, which = blobs()
    monkeypatch.setattr(groups, "_MOST_PRODUCTS", 0)
    found = k_means(vectors, 6, 0)
    assert np.mean([np.bincount(which[found == g]).max() for g in range(6)]) > 100
    assert found.tolist() == k_means(vectors, 6, 0).tolist()


def test_groups_that_nothing_is_in_have_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 120 centres that small batches find among 300 vectors, some are nearest to none."""
    monkeypatch.setattr(groups, "_MOST_PRODUCTS", 0)
    found = k_means(np.random.default_rng(4).normal(size=(300, 2)).astype(np.float32), 120, 0)
    assert set(found.tolist()) == set(range(int(found.max()) + 1))
    assert found.max() < 119


def test_a_part_of_the_vectors_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, which = blobs()
    monkeypatch.setattr(groups, "_FIT_FLOATS", 500)
    assert same_cut(k_means(vectors, 6, 0), which)


def test_threads_and_the_place_mean_nothing() -> None:
    vectors = np.random.default_rng(0).normal(size=(3000, 8)).astype(np.float32)
    found = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            found.append(k_means(vectors, 40, 3).tolist())
    file = RowFile.scratch("test", vectors.shape, vectors.dtype)
    file.write(0, vectors)
    assert found[0] == found[1] == k_means(StoredVectors(file), 40, 3).tolist()


def test_centres_are_the_same_to_the_last_bit_whatever_the_threads() -> None:
    """Threads add up their shares in another order, which shows in the last digits.

    Only libraries that are loaded can be told how many threads to use, hence the first run.
    """
    groups._centres(np.eye(2, dtype=np.float32), 2, 0)
    vectors = np.random.default_rng(0).normal(size=(6000, 8)).astype(np.float32)
    found = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            found.append(groups._centres(vectors, 25, 3).tobytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("factor", [2.0**-100, 8.0, 2.0**100])
def test_the_scale_means_nothing(factor: float) -> None:
    """Squares of 2**100 times a vector do not fit float32."""
    vectors = np.random.default_rng(0).integers(0, 64, size=(300, 4)).astype(np.float32)
    scaled = (vectors.astype(np.float64) * factor).astype(np.float32)
    assert k_means(scaled, 9, 0).tolist() == k_means(vectors, 9, 0).tolist()


def test_seeds() -> None:
    vectors = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    assert k_means(vectors, 20, 1).tolist() == k_means(vectors, 20, 1).tolist()
    assert not same_cut(k_means(vectors, 20, 1), k_means(vectors, 20, 2))
    assert len(k_means(vectors, 20, -(2**40))) == 400


def test_fewer_different_vectors_than_groups() -> None:
    """Three different ones: three groups, numbered 0 to 2, and no warning."""
    vectors = np.array([[0.0], [5.0], [5.0], [9.0], [0.0]], dtype=np.float32)
    for n_groups in (4, 50):
        found = k_means(vectors, n_groups, 0)
        assert same_cut(found, np.array([0, 1, 1, 2, 0]))
        assert set(found.tolist()) == {0, 1, 2}
    assert set(k_means(np.ones((4, 2), dtype=np.float32), 2, 0).tolist()) == {0}


def test_gaps_as_in_plain_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    vectors = rng.integers(0, 5, size=(60, 3)).astype(np.float32)
    group = rng.integers(0, 4, size=60)
    expected = [
        min(math.dist(a, b) for b, h in zip(vectors, group, strict=True) if h != g)
        for a, g in zip(vectors, group, strict=True)
    ]
    assert gaps_to_others(vectors, group).tolist() == pytest.approx(expected)
    monkeypatch.setattr(groups, "_PART_ROWS", 3)
    assert gaps_to_others(vectors, group).tolist() == pytest.approx(expected)


def test_one_group_has_no_gap() -> None:
    assert (
        gaps_to_others(np.ones((3, 2), dtype=np.float32), np.zeros(3, dtype=int)).tolist()
        == [math.inf] * 3
    )
