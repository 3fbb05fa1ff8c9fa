"""COVERAGE: by hand, and ProbCover in plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from published_methods import prob_cover, purity

from selectlab import Dataset, rank, select
from selectlab.errors import ConfigError
from selectlab.groups import k_means
from selectlab.inputs import Embeddings
from selectlab.resources import Resources, using
from selectlab.strategies import Coverage, Weights
from selectlab.types import Objective, Scalars, Vectors

Array = np.ndarray[Any, Any]

LINE = np.array([[0.0], [1.0], [2.0], [3.0], [10.0], [11.0], [30.0]], dtype=np.float32)


def rows(vectors: Array, n: int, before: Any = (), **fields: Any) -> list[int]:
    strategy = Coverage(**fields)
    return rank([(Vectors(vectors=vectors), strategy)], n, preselected=before).rows.tolist()


def started(vectors: Array, **fields: Any) -> Objective:
    return Coverage(**fields).start(Vectors(vectors=vectors))


def test_by_hand() -> None:
    """Within 1 of 1 and of 2 are three; 1 comes first. Then 3 covers itself, 4 covers two."""
    objective = started(LINE, radius=1.0)
    assert objective.exact(np.arange(7)).tolist() == [2, 3, 3, 2, 2, 2, 1]
    objective.add(np.array([1]))
    assert objective.exact(np.arange(7)).tolist() == [3, 3, 4, 4, 5, 5, 4]
    assert objective.reason(4).text == "covers 2 samples within 1 that nothing selected covers"
    assert rows(LINE, 7, radius=1.0) == [1, 4, 2, 6, 0, 3, 5]


def test_the_distance_is_not_squared() -> None:
    """Within 1.5 lie neighbours at 1 only; at 2 (1.5 squared is 2.25) they do not."""
    assert started(LINE, radius=1.5).exact(np.arange(7)).tolist() == [2, 3, 3, 2, 2, 2, 1]
    assert started(LINE, radius=2.0).exact(np.arange(7)).tolist() == [3, 4, 4, 3, 2, 2, 1]


def test_preselected_samples_cover() -> None:
    assert rows(LINE, 2, (2, 5), radius=1.0) == [0, 6]


@pytest.mark.parametrize("seed", range(20))
def test_as_in_plain_loops(seed: int) -> None:
    """On a grid, where many samples are exactly on the radius, with little at hand at a time."""
    rng = np.random.default_rng(seed)
    vectors = rng.integers(0, 5, size=(90, 3)).astype(np.float32)
    if seed % 3 == 0:
        vectors += rng.normal(size=vectors.shape).astype(np.float32)
    radius = float(np.sqrt(rng.integers(1, 7)))
    before = rng.permutation(90)[: seed % 4].tolist()
    expected, gains = prob_cover(vectors.astype(float).tolist(), radius, before, 40)
    sizes = [Resources(), Resources(pool_rows=3, core_rows=2)][seed % 2]
    with using(sizes):
        found = rank([(Vectors(vectors=vectors), Coverage(radius=radius))], 40, preselected=before)
    assert found.rows.tolist() == expected
    facts = found.engine["parts"]["0_coverage"]["coverage"]
    covered = facts["covered"] - sum(gains)
    assert covered == len(set().union(*(_near(vectors, radius, i) for i in before)))
    assert found.engine["search"] == "lazy"


def _near(vectors: Array, radius: float, row: int) -> set[int]:
    gaps = vectors.astype(np.float64) - vectors[row].astype(np.float64)
    inside: list[int] = np.flatnonzero((gaps**2).sum(axis=1) <= radius * radius).tolist()
    return set(inside)


@pytest.mark.parametrize("strength", [1.0, -0.5, 2.0])
def test_in_a_product(strength: float) -> None:
    """Brute force over all rows at each pick: log of covered times strength plus log of a sum."""
    rng = np.random.default_rng(3)
    vectors = rng.integers(0, 4, size=(120, 2)).astype(np.float32)
    vectors[:, 1] += np.arange(120) % 7 / 10
    weights = rng.uniform(1, 2, size=120)
    inside = [_near(vectors, 1.0, i) for i in range(120)]
    parts = [
        (Vectors(vectors=vectors), Coverage(radius=1.0, strength=strength)),
        (Scalars(values=weights), Weights()),
    ]
    with using(Resources(pool_rows=5, core_rows=3)):
        found = rank(parts, 30).rows.tolist()
    picks: list[int] = []
    for row in found:
        covered = set().union(*(inside[i] for i in picks))
        total = weights[picks].sum()
        score = np.array(
            [
                strength * np.log(len(covered | inside[i])) + np.log(total + weights[i])
                for i in range(120)
            ]
        )
        score[picks] = -np.inf
        assert score[row] == pytest.approx(score.max(), abs=1e-12)
        picks.append(row)


def test_the_first_of_many_are_the_few_and_a_stop_changes_nothing() -> None:
    vectors = np.random.default_rng(1).normal(size=(300, 3)).astype(np.float32)
    many = rows(vectors, 40, radius=0.5)
    assert rows(vectors, 15, radius=0.5) == many[:15]
    assert rows(vectors, 25, many[:15], radius=0.5) == many[15:]


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 1.0])
def test_the_radius_is_the_largest_that_is_pure_enough(share: float) -> None:
    rng = np.random.default_rng(4)
    vectors = (3 * rng.normal(size=(5, 2))[rng.integers(5, size=80)]).astype(np.float32)
    vectors += rng.normal(size=vectors.shape).astype(np.float32)
    group = k_means(vectors, 5, 0).tolist()
    objective = started(vectors, num_classes=5, purity=share)
    radius = objective.facts()["coverage"]["radius"]  # type: ignore[index]
    points = vectors.astype(float).tolist()
    assert purity(points, group, radius) >= share
    assert purity(points, group, radius * (1 + 1e-9)) < share


def test_a_share_is_counted_without_rounding_errors() -> None:
    """Of ten, two balls may be mixed at .8, though (1 - .8) * 10 is below 2 in floats.

    Groups 0..4 and 7.5, 9..12 on a line, gaps 7.5, 6.5, 5.5, 4.5, 3.5 and 3.5, 5, 6, 7, 8. All
    but the two of 3.5 are pure below 4.5.
    """
    line = np.array([[0.0], [1], [2], [3], [4], [7.5], [9], [10], [11], [12]], dtype=np.float32)
    radius = started(line, num_classes=2, purity=0.8).facts()["coverage"]["radius"]  # type: ignore[index]
    assert radius == pytest.approx(4.5)
    assert radius < 4.5


def test_equal_vectors_are_all_covered_at_once() -> None:
    same = np.ones((5, 2), dtype=np.float32)
    assert started(same, num_classes=2).exact(np.arange(5)).tolist() == [5] * 5


def test_a_radius_that_covers_nothing_is_mentioned() -> None:
    found = chosen(LINE, 2, radius=0.5)
    assert found.warnings == (
        "COVERAGE: within the radius 0.5 (given) 7 of 7 samples cover nothing but themselves, so "
        "the ranking says little; give a larger 'radius', or embeddings in which classes are "
        "groups",
    )
    facts = found.manifest["engine"]["parts"]["0_coverage"]["coverage"]
    assert facts == {"radius": 0.5, "origin": "given", "covered": 2, "alone": 7}
    assert chosen(LINE, 2, radius=1.0).warnings == ()


def chosen(vectors: Array, n: int, **fields: Any) -> Any:
    data = Dataset([f"{i:02}.png" for i in range(len(vectors))], embeddings=vectors)
    return select([(Embeddings(normalize=False), Coverage(**fields))], data, n_samples=n)


def test_an_estimated_radius_that_covers_nothing_is_mentioned() -> None:
    """Evenly spread points, in two groups: the gap between the groups is that between points."""
    line = np.arange(40, dtype=np.float32)[:, None]
    [warning] = chosen(line, 2, num_classes=2, purity=1.0).warnings
    assert "radius 1 (estimated, purity 1) 40 of 40 samples cover nothing but" in warning


def test_the_end_of_what_can_be_covered_is_mentioned() -> None:
    assert chosen(LINE, 5, radius=1.0).warnings == (
        "COVERAGE: 4 selected samples cover all 7 within the radius 1; those after them cover "
        "nothing new",
    )
    assert chosen(LINE, 4, radius=1.0).warnings == ()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "Coverage: COVERAGE needs a 'radius', or 'num_classes' to estimate one"),
        (
            {"radius": 1.0, "num_classes": 3},
            "Coverage: 'radius' and 'num_classes' exclude each other: one is to estimate it",
        ),
        ({"radius": 0.0}, "Coverage.radius: should be greater than 0, got 0.0"),
        (
            {"num_classes": 1},
            "Coverage.num_classes: should be greater than or equal to 2, got 1",
        ),
    ],
)
def test_messages(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Coverage(**fields)
    assert str(caught.value) == message
