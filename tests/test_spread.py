"""SPREAD: draws with the chances they should have, and the same under the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from selectlab import Dataset, rank, select
from selectlab.inputs import Embeddings, Metadata
from selectlab.strategies import Spread, Weights
from selectlab.types import Scalars, Vectors

Array = np.ndarray[Any, Any]

N_DRAWS = 2000
LEAST_P = 1e-4
"""Seeds are fixed, so a test passes always or never; a right one fails to begin with so often."""

LINE = np.array([[1.0], [2.0], [0.0], [4.0], [3.0], [4.0]], dtype=np.float32)


def rows(vectors: Array, n: int, before: Any = (), **fields: Any) -> list[int]:
    parts = [(Vectors(vectors=vectors), Spread(**fields))]
    return rank(parts, n, preselected=before).rows.tolist()


def frequencies(pick: Callable[[int], int], n_draws: int = N_DRAWS) -> Array:
    return np.bincount([pick(seed) for seed in range(n_draws)], minlength=6)


def fits(observed: Array, weights: Array) -> bool:
    """Chi-square test of frequencies; what has no weight was never drawn."""
    chances = weights / weights.sum()
    assert not observed[chances == 0].any()
    some = chances > 0
    return bool(stats.chisquare(observed[some], observed.sum() * chances[some]).pvalue > LEAST_P)


def first_pick(seed: int, before: tuple[int, ...] = (), **fields: Any) -> int:
    objective = Spread(random_seed=seed, **fields).start(Vectors(vectors=LINE))
    objective.add(np.array(before, dtype=np.intp))
    values = objective.exact(np.arange(6))
    values[list(before)] = -1
    return int(values.argmax())


def test_the_first_is_like_any_other() -> None:
    assert fits(frequencies(first_pick), np.ones(6))


def test_the_first_by_length() -> None:
    """In proportion to 1, 4, 0, 16, 9, 16; the origin never comes."""
    found = frequencies(lambda seed: first_pick(seed, first="LENGTH"))
    assert fits(found, np.array([1.0, 4, 0, 16, 9, 16]))


def test_then_in_proportion_to_the_squared_distance() -> None:
    """Selected are 0 and 3, row 2 and 4: squared distances 1, 1, -, 1, -, 1; and of 2 alone
    1, 4, -, 16, 9, 16.
    """
    found = frequencies(lambda seed: first_pick(seed, (2, 4)))
    assert fits(found, np.array([1.0, 1, 0, 1, 0, 1]))
    found = frequencies(lambda seed: first_pick(seed, (2,)))
    assert fits(found, np.array([1.0, 4, 0, 16, 9, 16]))
    assert not fits(found, np.array([1.0, 2, 0, 4, 3, 4]))


def test_picks_of_one_run_are_drawn_apart() -> None:
    """After row 2 comes row 3 in 16 of 46 runs. Then it is a new race: 1, 4, -, -, 1, 0."""
    after = []
    for seed in range(N_DRAWS):
        objective = Spread(random_seed=seed).start(Vectors(vectors=LINE))
        objective.add(np.array([2]))
        if objective.exact(np.arange(6)).argmax() == 3:
            objective.add(np.array([3]))
            after.append(int(objective.exact(np.arange(6)).argmax()))
    assert len(after) > 500
    assert fits(np.bincount(after, minlength=6), np.array([1.0, 4, 0, 0, 1, 0]))


def test_a_product_draws_in_proportion_to_the_product() -> None:
    """Squared distances 1, 4, -, 16, 9, 16 times weights 8, 2, 1, 1, 1, 0.5. A sum of weights
    over one sample selected before would be another weight, so its weight is 0.
    """
    weights = np.array([8.0, 2, 0, 1, 1, 0.5])

    def pick(seed: int) -> int:
        parts = [
            (Vectors(vectors=LINE), Spread(random_seed=seed)),
            (Scalars(values=weights), Weights()),
        ]
        return int(rank(parts, 1, preselected=(2,)).rows[0])

    assert fits(frequencies(pick, 600), weights * np.array([1.0, 4, 0, 16, 9, 16]))


def test_duplicates_of_selected_samples_come_last() -> None:
    """In the order of rows, after everything else."""
    vectors = np.array([[5.0], [1.0], [5.0], [2.0], [5.0]], dtype=np.float32)
    for seed in range(30):
        found = rows(vectors, 4, (4,), random_seed=seed)
        assert sorted(found[:2]) == [1, 3]
        assert found[2:] == [0, 2]


def test_the_first_of_many_are_the_few_and_a_stop_changes_nothing() -> None:
    vectors = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
    many = rows(vectors, 30, random_seed=5)
    assert rows(vectors, 12, random_seed=5) == many[:12]
    assert rows(vectors, 18, many[:12], random_seed=5) == many[12:]


def test_seeds() -> None:
    vectors = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
    assert rows(vectors, 10) == rows(vectors, 10, random_seed=0)
    assert rows(vectors, 10) != rows(vectors, 10, random_seed=1)


def test_bounds_find_what_exact_values_find() -> None:
    """Near-duplicates far from the origin, where float32 products are of no use."""
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(20, 8))[rng.integers(20, size=400)] + 1e-3 * rng.normal(
        size=(400, 8)
    )
    vectors = (vectors + 30).astype(np.float32)
    found = rows(vectors, 60, random_seed=9)
    objective = Spread(random_seed=9).start(Vectors(vectors=vectors))
    left = np.arange(400)
    for row in found:
        assert row == left[objective.exact(left).argmax()]
        objective.add(np.array([row]))
        left = left[left != row]


def test_reasons() -> None:
    data = Dataset([f"{i}.png" for i in range(6)], embeddings=LINE, metadata={"w": np.ones(6)})
    pairs = [(Embeddings(normalize=False), Spread(first="LENGTH")), (Metadata(key="w"), Weights())]
    chosen = select(pairs, data, n_samples=2)
    first, second = chosen.picks
    assert first.because[0].reason == (
        "drawn in proportion to squared length, nothing selected before it"
    )
    gap = abs(LINE[int(first.sample_id[0])] - LINE[int(second.sample_id[0])])[0]
    assert second.because[0].reason == f"drawn, {gap:.4g} away from {first.sample_id}"
    assert second.nearest_selected == first.sample_id
    assert second.nearest_distance == gap
    objective = Spread().start(Vectors(vectors=LINE))
    assert objective.reason(0).text == "drawn like any other, nothing selected before it"
