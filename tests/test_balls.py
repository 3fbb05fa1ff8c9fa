"""Balls: who lies within a radius of whom, decided the same way every time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from selectlab.distances import Balls, exact_sq_dists
from selectlab.nearest import balls as balls_module
from selectlab.row_files import RowFile
from selectlab.stored import StoredVectors

Array = np.ndarray[Any, Any]


def everyone(vectors: Array) -> Array:
    return np.arange(len(vectors), dtype=np.intp)


def counted(vectors: Array, centres: Array, radius: float) -> list[int]:
    """The same by differences, one centre at a time."""
    inside = [exact_sq_dists(vectors, vectors[c]) <= radius * radius for c in centres]
    return np.sum(inside, axis=0).tolist()


def test_by_hand() -> None:
    """0, 2 and 5 on a line: within 2.9 lie 0 and 2 (though 2 squared is more than 2.9)."""
    line = np.array([[0.0], [2.0], [5.0]], dtype=np.float32)
    assert Balls(line, 2.9).around(everyone(line)).tolist() == [2, 2, 1]
    assert Balls(line, 3.0).around(everyone(line)).tolist() == [2, 3, 2]
    assert Balls(line, 3.0).around(np.array([0])).tolist() == [1, 1, 0]
    assert Balls(line, 3.0).around(np.array([], dtype=np.intp)).tolist() == [0, 0, 0]


def test_what_is_on_the_radius_is_inside() -> None:
    """3, 4, 5: exactly 5 apart; a hair less and it is not."""
    pair = np.array([[100.0, 200.0], [103.0, 204.0]], dtype=np.float32)
    assert Balls(pair, 5.0).around(everyone(pair)).tolist() == [2, 2]
    assert Balls(pair, math.nextafter(5.0, 0.0)).around(everyone(pair)).tolist() == [1, 1]


def test_a_count_may_exceed_a_byte() -> None:
    same = np.full((700, 3), 7.0, dtype=np.float32)
    same[-1] = 9.0
    found = Balls(same, 1.0).around(everyone(same))
    assert found.tolist() == [699] * 699 + [1]


def data(kind: str) -> Array:
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(640, 7))
    if kind == "grid":
        vectors = rng.integers(0, 3, size=(640, 7)).astype(np.float64)
    elif kind == "far from the origin":
        vectors = 1e3 + 0.1 * vectors
    elif kind == "one far":
        vectors[17] = 1e5
    elif kind == "one very far":
        vectors[17] = 1e7
    elif kind == "tiny":
        vectors *= 1e-25
    elif kind == "near duplicates":
        vectors = vectors[rng.integers(20, size=640)] + 1e-4 * vectors
    return vectors.astype(np.float32)


KINDS = [
    *("plain", "grid", "far from the origin", "one far", "one very far", "tiny"),
    "near duplicates",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.001, 0.05, 0.5])
def test_as_by_differences(kind: str, share: float) -> None:
    """The radius is a distance that occurs, so that some pairs are exactly on it."""
    vectors = data(kind)
    sq_dists = np.sort(exact_sq_dists(vectors[:, None], vectors[None])[np.triu_indices(640, 1)])
    radius = float(np.sqrt(sq_dists[int(share * len(sq_dists))]))
    for value in (radius, math.nextafter(radius, 0.0), math.nextafter(radius, 1e9)):
        balls = Balls(vectors, value)
        assert balls.around(everyone(vectors)).tolist() == counted(
            vectors, everyone(vectors), value
        )
        some = np.array([3, 17, 639])
        assert balls.around(some).tolist() == counted(vectors, some, value)


def test_all_at_once_is_one_by_one() -> None:
    vectors = data("near duplicates")
    balls = Balls(vectors, 4e-4)
    alone = sum(balls.around(np.array([i])) for i in range(0, 640, 3))
    assert balls.around(np.arange(0, 640, 3)).tolist() == np.asarray(alone).tolist()


def test_pairs_that_float32_cannot_tell_are_asked_in_float64(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With one vector far, float32 leaves all pairs open; differences would take long."""
    vectors, compared = data("one far"), 0

    def counting(left: Array, right: Array) -> Array:
        nonlocal compared
        compared += len(left)
        return exact_sq_dists(left, right)

    monkeypatch.setattr(balls_module, "exact_sq_dists", counting)
    found = Balls(vectors, 2.5).around(everyone(vectors))
    assert found.tolist() == counted(vectors, everyone(vectors), 2.5)
    assert compared < 0.01 * 640 * 640


def test_neither_tiles_nor_threads_nor_the_place_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = data("grid")
    expected = counted(vectors, everyone(vectors), 2.0)
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            assert Balls(vectors, 2.0).around(everyone(vectors)).tolist() == expected
    monkeypatch.setattr(balls_module, "_TILE_ROWS", 37)
    monkeypatch.setattr(balls_module, "_PART_FLOATS", 7)
    assert Balls(vectors, 2.0).around(everyone(vectors)).tolist() == expected
    file = RowFile.scratch("test", vectors.shape, vectors.dtype)
    file.write(0, vectors)
    assert Balls(StoredVectors(file), 2.0).around(everyone(vectors)).tolist() == expected
