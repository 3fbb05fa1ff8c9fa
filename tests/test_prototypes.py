"""PROTOTYPES: by hand, and TypiClust in plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from published_methods import typiclust

from selectlab import Dataset, rank, select
from selectlab.errors import ConfigError
from selectlab.groups import k_means
from selectlab.inputs import Embeddings, Metadata
from selectlab.strategies import Prototypes, Weights
from selectlab.types import Vectors

Array = np.ndarray[Any, Any]

LINE = np.array([[0.0], [1.0], [3.0], [6.0], [100.0], [101.0], [103.0]], dtype=np.float32)
"""Four around 2.5 and three around 101."""


def rows(vectors: Array, n: int, before: tuple[int, ...] = (), **fields: Any) -> list[int]:
    strategy = Prototypes(**fields)
    return rank([(Vectors(vectors=vectors), strategy)], n, preselected=before).rows.tolist()


def test_by_hand() -> None:
    """Mean distance to the others: 10/3, 8/3, 8/3, 14/3 and 2, 1.5, 2.5. The larger cluster comes
    first: 1 (tied with 2, the lower). Then the smaller: 5. Both have one: the larger again: 2.
    Then the smaller: 4, the larger: 0, the smaller: 6.
    """
    assert rows(LINE, 7, num_clusters=2, min_cluster_size=1) == [1, 5, 2, 4, 0, 6, 3]


def test_values_by_hand() -> None:
    """One cluster is behind the larger one. The mean of the mean distances d is
    (40/3 + 6) / 7 = 58/21 = m; typicality is m / (m + d).
    """
    objective = Prototypes(num_clusters=2, min_cluster_size=1).start(Vectors(vectors=LINE))
    m = 58 / 21
    near = np.array([10 / 3, 8 / 3, 8 / 3, 14 / 3, 2, 1.5, 2.5])
    behind = np.array([1, 1, 1, 1, 0, 0, 0])
    everyone = np.arange(7)
    assert objective.exact(everyone) == pytest.approx(behind + m / (m + near))
    objective.add(np.array([3]))
    assert objective.exact(everyone) == pytest.approx(1 - behind + m / (m + near))
    assert objective.reason(0).text == (
        "more typical than 25 % of a cluster of 4 samples, 1 of them selected"
    )


def test_preselected_samples_count_in_their_cluster() -> None:
    """The larger cluster has one already, even if its least typical: 5 comes first."""
    assert rows(LINE, 2, (3,), num_clusters=2, min_cluster_size=1) == [5, 1]


def test_small_clusters_come_last() -> None:
    """Three are fewer than four: all of the larger cluster comes first."""
    assert rows(LINE, 7, num_clusters=2, min_cluster_size=4)[:5] == [1, 2, 0, 3, 5]
    assert rows(LINE, 7, num_clusters=2, min_cluster_size=3)[:2] == [1, 5]


def test_lone_samples_and_duplicates_are_typical() -> None:
    """Three equal ones, a pair, and one alone: clusters by size, equal samples by row."""
    vectors = np.array([[9.0], [0.0], [5.0], [0.0], [5.25], [0.0]], dtype=np.float32)
    assert rows(vectors, 6, num_clusters=3, min_cluster_size=1) == [1, 2, 0, 3, 4, 5]


def test_only_twenty_neighbours_count() -> None:
    """Of 31 at 0..30 all in the middle have the same 20 neighbours; the lowest is 10. With all
    30 it would be 15.
    """
    line = np.arange(31, dtype=np.float32)[:, None]
    assert rows(line, 1, num_clusters=1) == [10]


@pytest.mark.parametrize("seed", range(12))
def test_as_in_plain_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(70, 3)).astype(np.float32)
    vectors[1::9] = vectors[0::9][: len(vectors[1::9])]
    before = rng.permutation(70)[: seed % 4].tolist()
    cluster = k_means(vectors, 3 + seed, seed)
    expected = typiclust(vectors.tolist(), cluster.tolist(), before, 25, 6)
    assert rows(vectors, 25, tuple(before), num_clusters=3 + seed, random_seed=seed) == expected


def test_a_product_weighs_clusters_against_numbers() -> None:
    """Values 1 + s and s, s typicality, times sums of weights 1 and 9: 4 to 6 win at once."""
    data = Dataset(
        [f"{i}.png" for i in range(7)], embeddings=LINE, metadata={"w": [1.0] * 4 + [9.0] * 3}
    )
    typical = (Embeddings(normalize=False), Prototypes(num_clusters=2, min_cluster_size=1))
    chosen = select([typical, (Metadata(key="w"), Weights())], data, n_samples=1)
    m = 58 / 21
    assert chosen.ids == ("5.png",)
    assert chosen.picks[0].because[0].objective == pytest.approx(m / (m + 1.5))


def test_the_first_of_many_are_the_few_and_a_stop_changes_nothing() -> None:
    vectors = np.random.default_rng(1).normal(size=(200, 4)).astype(np.float32)
    many = rows(vectors, 30, num_clusters=15)
    assert rows(vectors, 11, num_clusters=15) == many[:11]
    assert rows(vectors, 19, tuple(many[:11]), num_clusters=15) == many[11:]


def test_facts() -> None:
    chosen = rank([(Vectors(vectors=LINE), Prototypes(num_clusters=2, min_cluster_size=4))], 2)
    assert chosen.engine["parts"]["0_prototypes"]["clusters"] == {
        "number": 2, "largest": 4, "smallest": 3, "small": 1, "without_selected": 1,
    }  # fmt: skip


def test_the_number_of_clusters_is_needed() -> None:
    with pytest.raises(ConfigError) as caught:
        Prototypes()  # type: ignore[call-arg]
    assert str(caught.value) == "Prototypes.num_clusters: required, but missing"
