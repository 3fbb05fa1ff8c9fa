"""Approximate neighbours: exact distances, a recall that is true, the same on every run."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from selectlab import rank
from selectlab.errors import MissingExtraError
from selectlab.nearest.approximate import InvertedFile
from selectlab.neighbours import other_dists, other_neighbours
from selectlab.resources import Resources, using
from selectlab.strategies import Typicality
from selectlab.types import Embedded, Vectors

faiss = pytest.importorskip("faiss", reason="the faiss extra is not installed")

Array = np.ndarray[Any, Any]


def clustered(n: int, d: int = 24, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(60, d))
    found: Array = centres[rng.integers(0, 60, n)] + 0.1 * rng.normal(size=(n, d))
    return found.astype(np.float32)


def recall_of(found: Array, true: Array) -> float:
    return float((found <= true[:, -1:]).mean())


def test_the_recall_reported_is_the_recall() -> None:
    vectors = clustered(6000)
    found, facts = other_dists(vectors, 15, "approximate")
    true = other_neighbours(vectors, 15)
    assert facts["measured_on"] == 1000
    assert isinstance(facts["recall"], float)
    assert abs(facts["recall"] - recall_of(found, true)) < 0.01
    assert facts["recall"] > 0.95
    assert str(facts["index"]).startswith("IVF128,Flat,nprobe=")


def test_distances_are_exact_and_sorted_and_never_too_small() -> None:
    vectors = clustered(3000)
    found, _ = other_dists(vectors, 8, "approximate")
    true = other_neighbours(vectors, 8)
    assert (np.diff(found, axis=1) >= 0).all()
    assert (found >= true).all()
    assert (found == true).mean() > 0.9


def test_twice_and_on_one_thread_and_on_two_it_is_the_same() -> None:
    vectors = clustered(9000)
    outcomes = []
    for n_threads in (1, 2, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            found, facts = other_dists(vectors, 10, "approximate")
        outcomes.append((found.tobytes(), facts))
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_the_thread_count_of_faiss_is_as_before() -> None:
    before = faiss.omp_get_max_threads()
    try:
        for n_threads in (2, 3):
            faiss.omp_set_num_threads(n_threads)
            InvertedFile(clustered(300)).search(np.arange(300, dtype=np.intp), 3)
            assert faiss.omp_get_max_threads() == n_threads
    finally:
        faiss.omp_set_num_threads(before)


def test_duplicates_count_and_oneself_does_not() -> None:
    """40 vectors, 50 times each: 10 others are at distance 0."""
    vectors = np.repeat(clustered(40), 50, axis=0)
    found, _ = other_dists(vectors, 10, "approximate")
    assert not found.any()


def test_lists_with_too_few_vectors_are_made_up_for() -> None:
    """Two lists of two, and three neighbours wanted: the other list has to be looked into."""
    vectors = np.array([[0.0], [1.0], [100.0], [101.0]], dtype=np.float32)
    found, _ = other_dists(vectors, 3, "approximate")
    assert found[0].tolist() == [1.0, 100.0, 101.0]


def test_little_memory_means_8_bits_a_number() -> None:
    vectors = clustered(4000)
    with using(Resources(memory=vectors.nbytes)):
        found, facts = other_dists(vectors, 10, "approximate")
    assert str(facts["index"]).startswith("IVF128,SQ8,nprobe=")
    assert isinstance(facts["recall"], float)
    true = other_neighbours(vectors, 10)
    assert (found >= true).all()
    assert abs(facts["recall"] - recall_of(found, true)) < 0.02


def test_auto_is_exact_below_a_size_and_approximate_above() -> None:
    vectors = clustered(500)
    assert other_dists(vectors, 5)[1] == {"index": "exact"}
    assert other_dists(vectors, 5, _most_products=500 * 500 * 24)[1] == {"index": "exact"}
    _, facts = other_dists(vectors, 5, _most_products=500 * 500 * 24 - 1)
    assert "recall" in facts
    assert other_dists(vectors, 5, "exact", _most_products=0)[1] == {"index": "exact"}


def test_without_faiss_auto_stays_exact_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    vectors = clustered(50)
    with pytest.warns(UserWarning, match="selectlab") as caught:
        found, facts = other_dists(vectors, 5, _most_products=1)
    assert [str(warning.message) for warning in caught] == [
        "TYPICALITY: exact neighbours of 50 vectors take a while; approximate ones are faster: "
        "pip install 'selectlab[faiss]'"
    ]
    assert facts == {"index": "exact"}
    assert found.tolist() == other_neighbours(vectors, 5).tolist()


def test_without_faiss_approximate_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtraError) as caught:
        other_dists(clustered(50), 5, "approximate")
    assert str(caught.value) == (
        "TYPICALITY: approximate neighbours need faiss, which is not installed; "
        "pip install 'selectlab[faiss]'"
    )


def started(vectors: Array, **fields: Any) -> Any:
    signal = Vectors(vectors=vectors)
    assert isinstance(signal, Embedded)
    return Typicality(num_nearest_neighbors=6, **fields).start(signal)


def test_typicality_tells_how_neighbours_were_found() -> None:
    vectors = clustered(2000)
    assert started(vectors).facts() == {"neighbours": {"index": "exact"}}
    facts = started(vectors, neighbors="approximate").facts()["neighbours"]
    assert set(facts) == {"index", "recall", "measured_on"}


def test_approximate_typicality_is_close_to_the_exact_one() -> None:
    vectors = clustered(2000)
    rows = np.arange(2000, dtype=np.intp)
    exact = started(vectors).exact(rows)
    near = started(vectors, neighbors="approximate").exact(rows)
    assert np.corrcoef(exact, near)[0, 1] > 0.99


def test_one_vector_alone_has_no_neighbours() -> None:
    assert rank([(Vectors(vectors=clustered(1)), Typicality())], 1).rows.tolist() == [0]
