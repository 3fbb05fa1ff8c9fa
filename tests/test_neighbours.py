"""Nearest vectors against plain float64 loops, on data made to mislead float32 products."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from selectlab.nearest.closest import Closest
from selectlab.nearest.equal_rows import Distinct
from selectlab.neighbours import nearest, neighbours, other_neighbours
from selectlab.resources import Resources, using
from selectlab.row_files import RowFile
from selectlab.stored import StoredVectors

Array = np.ndarray[Any, Any]
BLOCKS = [7, 64, 512]


def f32(rows: Any) -> Array:
    return np.asarray(rows, dtype=np.float32)


def true_sq_dists(left: Array, right: Array) -> Array:
    """(len(left), len(right)), one pair after the other, all in float64."""
    found = np.empty((len(left), len(right)))
    for i, a in enumerate(left.astype(np.float64)):
        for j, b in enumerate(right.astype(np.float64)):
            found[i, j] = ((a - b) ** 2).sum()
    return found


def gaussian(rng: np.random.Generator, n: int, d: int) -> Array:
    return f32(rng.normal(size=(n, d)))


def near_duplicates(rng: np.random.Generator, n: int, d: int) -> Array:
    """Around 1e3, apart by 1e-3: |a|^2 + |b|^2 - 2ab in float32 is off by more than all of it."""
    return f32(rng.normal(size=(n, d)) * 1e-3 + 1e3)


def two_crowds(rng: np.random.Generator, n: int, d: int) -> Array:
    """Half here, half at 1e3, apart by 1e-3: no single origin suits both."""
    return f32(rng.normal(size=(n, d)) * 1e-3 + 1e3 * rng.integers(0, 2, (n, 1)))


def grid(rng: np.random.Generator, n: int, d: int) -> Array:
    """Small integers: exact ties everywhere, and equal rows."""
    return f32(rng.integers(0, 3, (n, d)))


def doubled(rng: np.random.Generator, n: int, d: int) -> Array:
    vectors = gaussian(rng, n, d)
    vectors[::3] = vectors[1]
    vectors[2::7] = vectors[2]
    return vectors


def tiny(rng: np.random.Generator, n: int, d: int) -> Array:
    """Squares of these are no float32 numbers."""
    return f32(gaussian(rng, n, d) * np.float32(1e-25))


def huge(rng: np.random.Generator, n: int, d: int) -> Array:
    return f32(gaussian(rng, n, d) * np.float32(1e25))


def unequal_lengths(rng: np.random.Generator, n: int, d: int) -> Array:
    return f32(rng.normal(size=(n, d)) * 10.0 ** rng.integers(-6, 6, (n, 1)))


def all_equal(rng: np.random.Generator, n: int, d: int) -> Array:
    return f32(np.full((n, d), 0.3))


def unit(rng: np.random.Generator, n: int, d: int) -> Array:
    vectors = gaussian(rng, n, d)
    lengths: Array = np.linalg.norm(vectors, axis=1, keepdims=True)
    return f32(vectors / lengths)


KINDS = [
    *(gaussian, near_duplicates, two_crowds, grid, doubled),
    *(tiny, huge, unequal_lengths, all_equal, unit),
]
kinds = pytest.mark.parametrize("kind", KINDS)


def assert_nearest(vectors: Array, query: Array, dists: Array, index: Array) -> None:
    """The distance to full precision; the query, unless two differ by rounding alone."""
    true = true_sq_dists(vectors, query)
    best = true.min(axis=1)
    assert np.allclose(dists**2, best, rtol=1e-13, atol=0)
    assert (true[np.arange(len(vectors)), index] <= best * (1 + 1e-14)).all()
    for i in np.flatnonzero((true == best[:, None]).sum(axis=1) > 1):
        twins = [j for j, row in enumerate(query) if np.array_equal(row, query[index[i]])]
        assert index[i] == twins[0]


def test_nearest_by_hand() -> None:
    """3-4-5; 0, 8 away from (6, 0); on a query vector."""
    dists, index = nearest(f32([[0, 3], [6, 8], [1, 1]]), f32([[4, 0], [6, 0], [1, 1]]))
    assert dists.tolist() == [5**0.5, 8.0, 0.0]
    assert index.tolist() == [2, 1, 2]


def test_ties_go_to_the_first_query() -> None:
    """0 lies between -1 and 1; 5 is there twice."""
    dists, index = nearest(f32([[0], [5], [6]]), f32([[9], [-1], [5], [1], [5]]))
    assert dists.tolist() == [1.0, 0.0, 1.0]
    assert index.tolist() == [1, 2, 2]


def test_integer_ties_go_to_the_first_query() -> None:
    rng = np.random.default_rng(1)
    vectors, query = grid(rng, 400, 5), grid(rng, 31, 5)
    _, index = nearest(vectors, query)
    assert index.tolist() == true_sq_dists(vectors, query).argmin(axis=1).tolist()


@kinds
@pytest.mark.parametrize(("n", "d", "q"), [(150, 5, 9), (90, 33, 17), (60, 1, 1), (70, 2, 40)])
def test_nearest_is_the_definition(kind: Any, n: int, d: int, q: int) -> None:
    rng = np.random.default_rng(n + d)
    both = kind(rng, n + q, d)
    vectors, query = both[:n], both[n:]
    dists, index = nearest(vectors, query)
    assert_nearest(vectors, query, dists, index)
    for tile_rows in BLOCKS:
        other_dists, other_index = Closest(query, tile_rows=tile_rows).to(vectors)
        assert other_dists.tolist() == dists.tolist()
        assert other_index.tolist() == index.tolist()


def test_a_narrow_query_far_from_everything() -> None:
    rng = np.random.default_rng(3)
    vectors, query = gaussian(rng, 200, 6), near_duplicates(rng, 12, 6)
    assert_nearest(vectors, query, *nearest(vectors, query))


def test_equal_rows_get_equal_bits() -> None:
    """Also where one of them stands at the edge of a tile and the other in the middle."""
    rng = np.random.default_rng(4)
    one = unit(rng, 1, 37)
    vectors = np.concatenate([one, unit(rng, 200, 37), one, unit(rng, 3, 37), one])
    dists, index = Closest(unit(rng, 11, 37), tile_rows=67).to(vectors)
    assert len({(dists[i], index[i]) for i in (0, 201, 205)}) == 1


def test_very_many_queries() -> None:
    """More than are kept in one panel."""
    query = f32(np.arange(20_000)[:, None])
    dists, index = nearest(f32([[0.25], [19_999.5], [700.5]]), query)
    assert dists.tolist() == [0.25, 0.5, 0.5]
    assert index.tolist() == [0, 19_999, 700]


def assert_neighbours(corpus: Array, vectors: Array, k: int, found: tuple[Array, Array]) -> None:
    dists, index = found
    assert dists.shape == index.shape == (len(vectors), k)
    true = true_sq_dists(vectors, corpus)
    assert np.allclose(dists**2, np.sort(true, axis=1)[:, :k], rtol=1e-13, atol=0)
    assert np.allclose(np.take_along_axis(true, index, 1), dists**2, rtol=1e-13, atol=0)
    assert all(len(set(row)) == k for row in index.tolist())
    assert (np.diff(dists, axis=1) >= 0).all()


@kinds
@pytest.mark.parametrize(("n", "m", "d", "k"), [(120, 31, 5, 7), (60, 9, 1, 60), (80, 40, 33, 1)])
def test_neighbours_are_the_definition(kind: Any, n: int, m: int, d: int, k: int) -> None:
    rng = np.random.default_rng(n)
    both = kind(rng, n + m, d)
    corpus, vectors = both[:n], both[n:]
    dists, index = neighbours(corpus, vectors, k)
    assert_neighbours(corpus, vectors, k, (dists, index))
    for rows in BLOCKS:
        again = neighbours(corpus, vectors, k, _block_rows=rows)
        assert again[0].tolist() == dists.tolist()
        assert again[1].tolist() == index.tolist()


@pytest.mark.parametrize("d", [3, 7])
def test_ties_between_neighbours_go_to_the_lowest_index(d: int) -> None:
    """Few different rows, each often, and many different rows equally far."""
    rng = np.random.default_rng(6)
    corpus, vectors = grid(rng, 200, d), grid(rng, 20, d)
    for rows in (vectors, corpus):
        order = np.argsort(true_sq_dists(rows, corpus), axis=1, kind="stable")
        for k in (1, 5, 40):
            for block_rows in (16, 512):
                _, index = neighbours(corpus, rows, k, _block_rows=block_rows)
                assert index.tolist() == order[:, :k].tolist()


def test_equal_rows_are_found_once_and_named_by_the_first() -> None:
    found = Distinct(f32([[1, 2], [3, 4], [1, 2], [3, 5], [3, 4]]))
    assert found.first is not None
    assert found.which is not None
    assert found.first.tolist() == [0, 1, 3]
    assert found.which.tolist() == [0, 1, 0, 2, 1]
    assert found.counts().tolist() == [2, 2, 1]
    assert found[np.array([2, 0])].tolist() == [[3, 5], [1, 2]]


def test_rows_of_equal_hash_are_compared() -> None:
    def hashes(vectors: Array) -> Array:
        return vectors[:, 0].astype(np.uint64)

    found = Distinct(f32([[1, 2], [1, 4], [1, 2], [3, 5]]), _hashes=hashes)
    assert found.which is not None
    assert found.which.tolist() == [0, 1, 0, 2]
    assert len(found) == 3


def true_others(vectors: Array, k: int) -> Array:
    true = true_sq_dists(vectors, vectors)
    rows = [np.sort(np.delete(row, i))[:k] for i, row in enumerate(true)]
    found: Array = np.sqrt(np.array(rows))
    return found


@kinds
@pytest.mark.parametrize(("n", "d", "k"), [(130, 6, 9), (50, 1, 49), (90, 40, 2)])
def test_others_are_the_definition(kind: Any, n: int, d: int, k: int) -> None:
    vectors = kind(np.random.default_rng(d), n, d)
    found = other_neighbours(vectors, k)
    assert np.allclose(found, true_others(vectors, k), rtol=1e-13, atol=0)
    for rows in BLOCKS:
        assert other_neighbours(vectors, k, _block_rows=rows).tolist() == found.tolist()


def test_others_are_never_oneself_but_may_be_duplicates() -> None:
    """0, 0, 0 and 3: the duplicates are each other's neighbours at 0."""
    found = other_neighbours(f32([[0.0], [0.0], [0.0], [3.0]]), 2)
    assert found.tolist() == [[0, 0], [0, 0], [0, 0], [3, 3]]


def test_more_duplicates_than_neighbours() -> None:
    found = other_neighbours(f32([[1.0, 2.0]] * 9 + [[4.0, 6.0]]), 2)
    assert found.tolist() == [[0, 0]] * 9 + [[5, 5]]


@pytest.mark.parametrize("kind", [near_duplicates, two_crowds, grid])
def test_crowds_that_float32_cannot_tell_apart(kind: Any) -> None:
    """More contenders a row than a list takes: those rows are done again in float64."""
    vectors = kind(np.random.default_rng(9), 2100, 12)
    found = other_neighbours(vectors, 5)
    for i in range(0, len(vectors), 97):
        gaps = np.delete(vectors, i, axis=0).astype(np.float64) - vectors[i]
        expected = np.sort(np.sqrt((gaps**2).sum(axis=1)))[:5]
        assert np.allclose(found[i], expected, rtol=1e-13, atol=0)


def test_blocks_meet_in_both_directions() -> None:
    """Several blocks and a sample smaller than the data: clusters far apart in the order."""
    rng = np.random.default_rng(10)
    centres = rng.normal(size=(40, 16))
    vectors = f32(centres[np.arange(3000) % 40] + 0.05 * rng.normal(size=(3000, 16)))
    found = other_neighbours(vectors, 20, _block_rows=256)
    for i in range(0, 3000, 101):
        gaps = np.delete(vectors, i, axis=0).astype(np.float64) - vectors[i]
        expected = np.sort(np.sqrt((gaps**2).sum(axis=1)))[:20]
        assert np.allclose(found[i], expected, rtol=1e-13, atol=0)


def test_the_number_of_threads_means_nothing() -> None:
    rng = np.random.default_rng(11)
    vectors, query = unit(rng, 2000, 24), unit(rng, 50, 24)
    outcomes = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            dists, index = nearest(vectors, query)
            others = other_neighbours(vectors, 10)
        outcomes.append((dists.tolist(), index.tolist(), others.tolist()))
    assert outcomes[0] == outcomes[1]


def test_torch_finds_the_same() -> None:
    rng = np.random.default_rng(12)
    for kind in (unit, two_crowds, grid):
        vectors = kind(rng, 900, 10)
        query = vectors[::50]
        plain = *nearest(vectors, query), other_neighbours(vectors, 6)
        with using(Resources(device="torch")):
            there = *nearest(vectors, query), other_neighbours(vectors, 6)
        for mine, theirs in zip(plain, there, strict=True):
            assert mine.tolist() == theirs.tolist()


class Watched(StoredVectors):
    """Vectors in a file that note how many rows were asked for at once."""

    most = 0

    def read(self, part: Any, out: Any = None) -> Any:
        found = super().read(part, out)
        Watched.most = max(Watched.most, len(found))
        return found


def test_vectors_on_disk_are_read_by_blocks() -> None:
    rng = np.random.default_rng(13)
    vectors = np.concatenate([gaussian(rng, 4500, 1000), all_equal(rng, 20, 1000)])
    file = RowFile.scratch("test", vectors.shape, np.dtype(np.float32))
    file.write(0, vectors)
    stored = Watched(file)
    query = vectors[5:9]
    dists, index = nearest(stored, query)
    assert Watched.most <= 2048
    expected = nearest(vectors, query)
    assert dists.tolist() == expected[0].tolist()
    assert index.tolist() == expected[1].tolist()
    Watched.most = 0
    assert other_neighbours(stored, 4).tolist() == other_neighbours(vectors, 4).tolist()
    assert Watched.most < 4500


def test_nothing_is_near_nothing() -> None:
    none = f32(np.zeros((0, 3)))
    dists, index = nearest(none, f32([[1, 2, 3]]))
    assert dists.shape == index.shape == (0,)
    assert neighbours(f32([[1, 2, 3]]), none, 1)[0].shape == (0, 1)


def test_the_vectors_are_left_alone() -> None:
    vectors = gaussian(np.random.default_rng(0), 50, 3)
    before = vectors.copy()
    vectors.setflags(write=False)
    nearest(vectors, vectors[:4])
    other_neighbours(vectors, 3)
    with using(Resources(device="torch")):
        nearest(vectors, vectors[:4])
    assert np.array_equal(vectors, before)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(1, 6),
    st.lists(
        st.lists(
            st.sampled_from([0.0, -0.0, 1.0, -1.0, 3.0, 1e-4, 1e6, 1e6 + 0.0625, 1 + 2.0**-23]),
            min_size=4,
            max_size=4,
        ),
        min_size=3,
        max_size=14,
    ),
)
def test_whatever_is_drawn(d: int, n_queries: int, drawn: list[list[float]]) -> None:
    vectors = f32(drawn)[:, :d]
    query = vectors[:n_queries]
    assert_nearest(vectors, query, *nearest(vectors, query))
    k = min(3, len(vectors) - 1)
    found = other_neighbours(vectors, k, _block_rows=4)
    assert np.allclose(found, true_others(vectors, k), rtol=1e-13, atol=0)
