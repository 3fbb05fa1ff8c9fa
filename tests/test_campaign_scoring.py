"""Seeds, their clusters, and scores: by hand on a line, against plain loops, and as properties."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from selectlab.campaigns import clusters as clusters_module
from selectlab.campaigns.classifier import Classifier, likeliest
from selectlab.campaigns.clusters import Clusters
from selectlab.campaigns.ratios import Ratios
from selectlab.campaigns.scoring import above, nearest_seeds, score
from selectlab.campaigns.seeds import Seeds
from selectlab.corpus import Element, Space
from selectlab.errors import ConfigError, DataError
from selectlab.row_files import RowFile
from selectlab.stored import StoredVectors

Array = np.ndarray[Any, Any]
PLANE = Space("resnet18", 2, "frame")


def f32(rows: Any) -> Array:
    return np.asarray(rows, dtype=np.float32)


def line(*places: float) -> Array:
    return f32(places)[:, None]


def made(centres: Any, radii: Any) -> Clusters:
    """Clusters of one seed each, with radii to order."""
    places = np.asarray(centres, dtype=np.float64)
    return Clusters(places, np.asarray(radii, dtype=np.float64), np.arange(len(places)))


def by_loops(vectors: Array, clusters: Clusters) -> tuple[list[float], list[int]]:
    """Scores and clusters from the definition, a pair at a time."""
    scores, which = [], []
    for vector in vectors.astype(np.float64):
        ratios = []
        for centre, radius in zip(clusters.centres, clusters.radii, strict=True):
            distance = math.sqrt(float(((vector - centre) ** 2).sum()))
            ratios.append(distance / (2 * float(radius)))
        best = min(range(len(ratios)), key=ratios.__getitem__)
        scores.append(max(0.0, 1 - ratios[best]))
        which.append(best)
    return scores, which


class TestSeeds:
    def test_are_sorted_with_their_vectors(self) -> None:
        elements = (Element("b", 1), Element("a"), Element("b", 0))
        seeds = Seeds(PLANE, elements, f32([[1, 0], [2, 0], [3, 0]]))
        assert seeds.elements == (Element("a"), Element("b", 0), Element("b", 1))
        assert seeds.vectors.tolist() == [[2, 0], [3, 0], [1, 0]]
        assert len(seeds) == 3

    def test_order_does_not_show_in_the_digest(self) -> None:
        pairs = [(Element("b"), [1.0, 0.0]), (Element("a"), [0.0, 1.0])]
        digests = {
            Seeds(PLANE, tuple(e for e, _ in some), f32([v for _, v in some])).digest
            for some in (pairs, pairs[::-1])
        }
        assert len(digests) == 1
        assert len(digests.pop()) == 64

    @pytest.mark.parametrize(
        "other",
        [
            Seeds(Space("resnet50", 2, "frame"), (Element("a"),), f32([[1, 0]])),
            Seeds(Space("resnet18", 2, "frame", normalised=False), (Element("a"),), f32([[1, 0]])),
            Seeds(PLANE, (Element("a", 1),), f32([[1, 0]])),
            Seeds(PLANE, (Element("b"),), f32([[1, 0]])),
            Seeds(PLANE, (Element("a"),), f32([[1, 1e-30]])),
        ],
    )
    def test_everything_shows_in_the_digest(self, other: Seeds) -> None:
        assert other.digest != Seeds(PLANE, (Element("a"),), f32([[1, 0]])).digest

    def test_cannot_be_changed(self) -> None:
        mine = f32([[1, 0]])
        seeds = Seeds(PLANE, (Element("a"),), mine)
        mine[0, 0] = 7
        assert seeds.vectors.tolist() == [[1, 0]]
        with pytest.raises(ValueError, match="read-only"):
            seeds.vectors[0, 0] = 7

    def test_may_be_none(self) -> None:
        assert len(Seeds(PLANE, (), np.empty((0, 2), dtype=np.float32))) == 0

    @pytest.mark.parametrize(
        ("elements", "vectors", "message"),
        [
            (["a"], [[1.0]], "seeds: expected vectors of shape (1, 2), got (1, 1)"),
            (["a", "a"], [[1, 0], [0, 1]], "seeds: 'a', number 0 occurs more than once"),
            (["a"], [[1, np.nan]], "seeds: the vector of 'a', number 0 has NaN or infinity in it"),
        ],
    )
    def test_refuse(self, elements: list[str], vectors: Any, message: str) -> None:
        with pytest.raises(DataError) as error:
            Seeds(PLANE, tuple(Element(name) for name in elements), f32(vectors))
        assert str(error.value) == message


class TestClusters:
    def test_near_seeds_share_one(self) -> None:
        """Nearest other seeds are at 1, 1, 2, 2: the median, 1.5, is the scale.

        0 and 1 make a cluster, and so would 10 and 12 if they were not 2 apart. The farthest
        seed of the first is 0.5 from its centre; the floor is 0.75 * 1.5 = 1.125.
        """
        found = Clusters.of(line(0, 1, 10, 12))
        assert found.centres.ravel().tolist() == [0.5, 10, 12]
        assert found.radii.tolist() == [1.125, 1.125, 1.125]
        assert found.labels.tolist() == [0, 0, 1, 2]

    def test_radius_reaches_to_the_farthest_seed(self) -> None:
        """Seven seeds from 0 to 1.5 count as one; 8.75 from their mean is the next, at 9.5; from
        20 on they are 10 apart, which is the scale: 7.5 is the least radius. The mean of the
        first eight is 14.75 / 8 = 1.84375, and 7.65625 from there to 9.5 is the radius.
        """
        seeds = line(*np.arange(0, 1.6, 0.25), 9.5, *range(20, 100, 10))
        found = Clusters.of(seeds)
        assert found.centres[0].tolist() == [1.84375]
        assert found.radii.tolist() == [7.65625] + [7.5] * (len(found) - 1)
        assert score(seeds, found)[0][7] == 0.5

    def test_no_cluster_is_wider_than_the_scale(self) -> None:
        """On an even line of step 1 pairs form and no more; each radius is the floor."""
        found = Clusters.of(line(*range(8)))
        assert found.radii.tolist() == [0.75] * len(found)
        assert max(np.bincount(found.labels)) == 2

    @pytest.mark.parametrize("copies", [1, 2, 30])
    def test_one_place_has_half_its_length_as_radius(self, copies: int) -> None:
        found = Clusters.of(np.repeat(f32([[3, 4]]), copies, axis=0))
        assert found.centres.tolist() == [[3, 4]]
        assert found.radii.tolist() == [2.5]
        assert found.labels.tolist() == [0] * copies

    def test_a_single_zero_has_a_radius_too(self) -> None:
        assert Clusters.of(line(0)).radii.tolist() == [0.5]

    def test_seeds_apart_by_rounding_have_the_least_radius(self) -> None:
        found = Clusters.of(line(1, np.nextafter(np.float32(1), np.float32(2))))
        assert len(found) == 1
        assert found.radii[0] == pytest.approx(clusters_module.ROUNDING)

    def test_zeros_of_either_sign_are_equal(self) -> None:
        for seeds in (line(0.0, -0.0), line(-0.0, 0.0)):
            found = Clusters.of(seeds)
            assert found.labels.tolist() == [0, 0]
            assert not np.signbit(found.centres).any()

    def test_scale_is_the_nearest_tenth_of_the_others(self) -> None:
        """Of 20 seeds two tenths count: at even steps of 1 the second neighbour is 1 away
        for those inside, 2 for the first and the last; of 10 seeds, the first neighbour."""
        assert Clusters.of(line(*range(20))).radii.max() == 0.75
        spaced = [0.0, 1.0, 3.0, 4.0, 6.0, 7.0, 9.0, 10.0, 12.0, 13.0]
        assert Clusters.of(line(*spaced)).radii.tolist() == [0.75] * 5
        both = spaced + [place + 15 for place in spaced]  # the second neighbour is 2 away
        assert Clusters.of(line(*both)).radii.max() == 1.5

    def test_copies_count_as_one(self) -> None:
        """Three frames of each of four scenes, 10 apart and 0.01 within: the scale is 10."""
        places = [scene + frame for scene in (0, 10, 20, 30) for frame in (0, 0.01, 0.02)]
        found = Clusters.of(line(*places))
        assert found.radii.max() >= 7.4
        alone = Clusters.of(line(0, 10, 20, 30))
        assert found.radii.max() == pytest.approx(alone.radii.max(), rel=0.01)

    def test_many_seeds_are_clustered_in_turns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Twelve spots of 30 seeds: the same clusters, whether linked at once or 50 at a time."""
        rng = np.random.default_rng(0)
        spots = 100 * rng.permutation(np.eye(12))
        seeds = f32(np.repeat(spots, 30, axis=0) + rng.normal(size=(360, 12)))
        at_once = Clusters.of(seeds)
        monkeypatch.setattr(clusters_module, "_MOST_LINKED", 50)
        in_turns = Clusters.of(seeds)
        assert len(at_once) == len(in_turns) == 12
        assert at_once.labels.tolist() == in_turns.labels.tolist()
        assert np.array_equal(at_once.centres, in_turns.centres)

    def test_rare_seeds_among_many_have_their_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clusters_module, "_MOST_LINKED", 20)
        crowd = np.random.default_rng(0).normal(size=(400, 3))
        seeds = f32(np.vstack([crowd, [[500, 0, 0], [0, -700, 0]]]))
        found = Clusters.of(seeds)
        for rare in (400, 401):
            assert np.bincount(found.labels)[found.labels[rare]] == 1
        assert found.radii.max() < 20

    @pytest.mark.slow
    def test_twenty_thousand_seeds(self) -> None:
        rng = np.random.default_rng(0)
        seeds = f32(rng.normal(size=(300, 64))[rng.integers(0, 300, 20_000)])
        seeds += f32(0.2 * rng.normal(size=seeds.shape))
        found = Clusters.of(seeds)
        assert len(found.labels) == 20_000
        assert len(found) < 2000
        assert (found.radii > 0).all()

    @pytest.mark.parametrize(
        ("vectors", "message"),
        [
            (np.empty((0, 2)), "seeds: expected at least one vector, got shape (0, 2)"),
            ([[np.inf, 0.0]], "seeds: a vector has NaN or infinity in it"),
        ],
    )
    def test_refuse(self, vectors: Any, message: str) -> None:
        with pytest.raises(DataError) as error:
            Clusters.of(np.asarray(vectors))
        assert str(error.value) == message


class TestScoreByHand:
    def test_on_a_line(self) -> None:
        """Seeds at 0 and 8, radius 2: 1 on a seed, 0.5 at 2 from it, 0 from 4 on."""
        clusters = made([[0.0], [8.0]], [2, 2])
        scores, cluster = score(line(0, 1, 2, 3, 4, 5, 8, -4, 100), clusters)
        assert scores.tolist() == [1, 0.75, 0.5, 0.25, 0, 0.25, 1, 0, 0]
        assert cluster.tolist() == [0, 0, 0, 0, 0, 1, 1, 0, 1]

    def test_the_wider_cluster_may_win_from_farther_away(self) -> None:
        """3 is 3 from the centre of radius 6 (0.75), and 1 from that of radius 1 (0.5)."""
        scores, cluster = score(line(3), made([[0.0], [4.0]], [6, 1]))
        assert (scores.tolist(), cluster.tolist()) == ([0.75], [0])

    def test_equal_clusters_give_the_first(self) -> None:
        assert score(line(1), made([[2.0], [0.0]], [1, 1]))[1].tolist() == [0]

    def test_threshold_is_inclusive(self) -> None:
        found = above(line(2, 2.0001, 1.9999), made([[0.0]], [2]), 0.5)
        assert found.rows.tolist() == [0, 2]
        assert found.scores[0] == 0.5

    def test_threshold_1_takes_what_equals_a_centre(self) -> None:
        assert above(line(0, 1e-3, 7), made([[0.0], [7.0]], [1, 1]), 1.0).rows.tolist() == [0, 2]

    def test_threshold_0_takes_everything(self) -> None:
        found = above(line(0, 50), made([[0.0]], [1]), 0.0)
        assert (found.rows.tolist(), found.scores.tolist()) == ([0, 1], [1, 0])

    def test_nothing_reaches(self) -> None:
        found = above(line(50), made([[0.0]], [1]), 0.5)
        assert (len(found.rows), len(found.scores), len(found.cluster)) == (0, 0, 0)

    def test_no_vectors(self) -> None:
        clusters = made([[0.0]], [1])
        assert len(score(np.empty((0, 1), dtype=np.float32), clusters)[0]) == 0
        assert len(above(np.empty((0, 1), dtype=np.float32), clusters, 0.5).rows) == 0

    def test_what_is_beyond_the_numbers_of_float32_scores_0(self) -> None:
        """|x|^2 is infinite there, and the product with a centre too, of either sign."""
        clusters = made([[1.0], [3.0]], [0.5, 0.25])
        scores, cluster = score(line(3e38, -3e38, 1, 1e30), clusters)
        assert scores.tolist() == [0, 0, 1, 0]
        assert cluster.tolist() == [0, 0, 0, 0]
        assert above(line(3e38, 1, -3e38), clusters, 0.5).rows.tolist() == [1]

    @pytest.mark.parametrize("threshold", [-0.1, 1.5, math.nan])
    def test_refuses_a_threshold_that_is_none(self, threshold: float) -> None:
        with pytest.raises(ConfigError) as error:
            above(line(0), made([[0.0]], [1]), threshold)
        expected = f"threshold: expected a number from 0 to 1, got {threshold}"
        assert str(error.value) == expected

    def test_refuses_another_dimension(self) -> None:
        with pytest.raises(DataError) as error:
            score(f32([[1, 2, 3]]), made([[0.0, 1.0]], [1]))
        expected = "vectors: expected 2 dimensions, as the seeds have, got shape (1, 3)"
        assert str(error.value) == expected

    def test_nearest_seed_is_one_of_the_cluster(self) -> None:
        """3.9 is nearest to the seed at 4, but its cluster is the other one; 0 and 2 tie at 1."""
        clusters = Clusters(np.array([[1.0], [4.0]]), np.ones(2), np.array([1, 0, 0, 1]))
        seeds = line(4, 2, 0, 5)
        found = nearest_seeds(line(3.9, 4.6, 1.0), seeds, clusters, np.array([0, 1, 0]))
        assert found.tolist() == [1, 3, 1]
        assert len(nearest_seeds(line()[:0], seeds, clusters, np.array([], dtype=int))) == 0


def gaussian(rng: np.random.Generator, n: int, d: int) -> Array:
    return f32(rng.normal(size=(n, d)))


def far_away(rng: np.random.Generator, n: int, d: int) -> Array:
    """Around 1e3, apart by 1e-3: products in float32 are off by more than all of it."""
    return f32(rng.normal(size=(n, d)) * 1e-3 + 1e3)


def two_crowds(rng: np.random.Generator, n: int, d: int) -> Array:
    return f32(rng.normal(size=(n, d)) * 1e-3 + 1e3 * rng.integers(0, 2, (n, 1)))


def grid(rng: np.random.Generator, n: int, d: int) -> Array:
    """Small integers: exact ties everywhere, and equal rows."""
    return f32(rng.integers(0, 3, (n, d)))


def tiny(rng: np.random.Generator, n: int, d: int) -> Array:
    return f32(rng.normal(size=(n, d)) * 1e-25)


def huge(rng: np.random.Generator, n: int, d: int) -> Array:
    return f32(rng.normal(size=(n, d)) * 1e25)


def unequal_lengths(rng: np.random.Generator, n: int, d: int) -> Array:
    return f32(rng.normal(size=(n, d)) * 10.0 ** rng.integers(-6, 6, (n, 1)))


KINDS = [gaussian, far_away, two_crowds, grid, tiny, huge, unequal_lengths]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("radii", ["their own", "of all sizes"])
class TestAgainstTheDefinition:
    def clusters_of(self, seeds: Array, radii: str) -> Clusters:
        found = Clusters.of(seeds)
        if radii == "their own":
            return found
        sizes = found.radii * 10.0 ** np.linspace(-2, 2, len(found))
        return Clusters(found.centres, sizes, found.labels)

    def test_score_is_what_plain_loops_find(self, kind: Any, radii: str) -> None:
        rng = np.random.default_rng(5)
        clusters = self.clusters_of(kind(rng, 17, 6), radii)
        vectors = kind(rng, 300, 6)
        scores, cluster = score(vectors, clusters)
        expected, which = by_loops(vectors, clusters)
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-12)
        other = np.flatnonzero(cluster != which)
        sums = ((vectors[:, None].astype(np.float64) - clusters.centres) ** 2).sum(axis=2)
        ratios = np.sqrt(sums) / clusters.radii
        assert ratios[other, cluster[other]] == pytest.approx(ratios[other].min(axis=1), rel=1e-12)

    @pytest.mark.parametrize("threshold", [0.0, 1e-9, 0.3, 0.5, 0.9, 1.0])
    def test_above_is_part_of_score(self, kind: Any, radii: str, threshold: float) -> None:
        rng = np.random.default_rng(6)
        seeds = kind(rng, 17, 6)
        clusters = self.clusters_of(seeds, radii)
        vectors = np.concatenate([kind(rng, 200, 6), seeds, f32(clusters.centres)])
        scores, cluster = score(vectors, clusters)
        found = above(vectors, clusters, threshold)
        assert found.rows.tolist() == np.flatnonzero(scores >= threshold).tolist()
        assert np.array_equal(found.scores, scores[found.rows])
        assert np.array_equal(found.cluster, cluster[found.rows])


class TestEverywhereTheSameBits:
    @pytest.fixture
    def problem(self) -> tuple[Array, Clusters]:
        rng = np.random.default_rng(1)
        vectors = gaussian(rng, 5000, 24)
        vectors[::50] = vectors[3]
        return vectors, Clusters.of(vectors[:60])

    @pytest.mark.parametrize("rows", [1, 7, 64, 1999])
    def test_in_batches(self, problem: tuple[Array, Clusters], rows: int) -> None:
        vectors, clusters = problem
        at_once = above(vectors, clusters, 0.4)
        assert 100 < len(at_once.rows) < 4900
        for start in range(0, 300 * rows, rows):
            batch = above(vectors[start : start + rows], clusters, 0.4)
            mine = (at_once.rows >= start) & (at_once.rows < start + rows)
            assert np.array_equal(batch.rows + start, at_once.rows[mine])
            assert np.array_equal(batch.scores, at_once.scores[mine])
            assert np.array_equal(batch.cluster, at_once.cluster[mine])
            if start + rows >= len(vectors):
                break

    @pytest.mark.parametrize("tile_rows", [1, 33, 5000])
    def test_in_tiles(self, problem: tuple[Array, Clusters], tile_rows: int) -> None:
        vectors, clusters = problem
        expected = Ratios(clusters).within(vectors, math.inf)
        found = Ratios(clusters, tile_rows=tile_rows).within(vectors, math.inf)
        assert np.array_equal(found.ratios, expected.ratios)
        assert np.array_equal(found.cluster, expected.cluster)

    def test_with_one_thread(self, problem: tuple[Array, Clusters]) -> None:
        vectors, clusters = problem
        with threadpool_limits(1):
            alone = score(vectors, clusters)
        assert np.array_equal(alone, score(vectors, clusters))

    def test_from_a_file(self, problem: tuple[Array, Clusters], tmp_path: Path) -> None:
        vectors, clusters = problem
        path = tmp_path / "vectors.npy"
        np.save(path, vectors)
        mapped = np.load(path, mmap_mode="r")
        file = RowFile.open(str(path), path, mapped.offset, vectors.shape, vectors.dtype)
        for stored in (mapped, StoredVectors(file)):
            assert np.array_equal(score(stored, clusters), score(vectors, clusters))


places = st.lists(st.integers(-6, 6).map(lambda n: n / 4), min_size=2, max_size=2)
seed_lists = st.lists(places, min_size=1, max_size=12)
vector_lists = st.lists(places, min_size=1, max_size=20)


class TestProperties:
    @given(seed_lists, st.randoms(use_true_random=False))
    def test_order_of_the_seeds_changes_nothing(self, rows: list[Any], random: Any) -> None:
        order = list(range(len(rows)))
        random.shuffle(order)
        first, again = Clusters.of(f32(rows)), Clusters.of(f32(rows)[order])
        assert np.array_equal(first.centres, again.centres)
        assert np.array_equal(first.radii, again.radii)
        assert np.array_equal(first.labels[order], again.labels)

    @given(seed_lists, st.data())
    def test_identical_seeds_change_nothing(self, rows: list[Any], data: st.DataObject) -> None:
        more = [*rows, *data.draw(st.lists(st.sampled_from(rows), max_size=5))]
        first, again = Clusters.of(f32(rows)), Clusters.of(f32(more))
        assert np.array_equal(first.centres, again.centres)
        assert np.array_equal(first.radii, again.radii)
        assert np.array_equal(first.labels, again.labels[: len(rows)])

    @given(seed_lists)
    def test_seeds_are_within_their_radius(self, rows: list[Any]) -> None:
        """So every seed scores 0.5 or more, and clusters that are wider than the floor have one
        that scores exactly 0.5 in its own."""
        found = Clusters.of(f32(rows))
        assert (found.radii > 0).all()
        assert sorted(set(found.labels.tolist())) == list(range(len(found)))
        scores, _ = score(f32(rows), found)
        assert (scores >= 0.5).all()
        assert (scores <= 1.0).all()
        own = np.sqrt(((f32(rows) - found.centres[found.labels]) ** 2).sum(axis=1))
        assert (own <= found.radii[found.labels] * (1 + 1e-12)).all()

    @given(seed_lists, st.sampled_from([0.25, 2.0, 1024.0]))
    def test_scale_of_the_space_changes_nothing(self, rows: list[Any], by: float) -> None:
        first, scaled = Clusters.of(f32(rows)), Clusters.of(f32(rows) * np.float32(by))
        assume((f32(rows) != 0).any())
        assert np.array_equal(first.labels, scaled.labels)
        np.testing.assert_allclose(scaled.radii, by * first.radii, rtol=1e-12)

    @given(seed_lists, vector_lists)
    def test_scores_are_from_0_to_1_and_fall_with_distance(
        self, rows: list[Any], others: list[Any]
    ) -> None:
        clusters = Clusters.of(f32(rows))
        scores, cluster = score(f32(others), clusters)
        assert ((scores >= 0) & (scores <= 1)).all()
        nearer = clusters.centres[cluster] + (f32(others) - clusters.centres[cluster]) / 2
        assert (score(f32(nearer), clusters)[0] >= scores - 1e-6).all()

    @given(seed_lists, vector_lists, st.floats(0, 1), st.floats(0, 1))
    def test_a_lower_threshold_gives_no_fewer(
        self, rows: list[Any], others: list[Any], one: float, other: float
    ) -> None:
        clusters = Clusters.of(f32(rows))
        low, high = sorted((one, other))
        few = set(above(f32(others), clusters, high).rows.tolist())
        assert few <= set(above(f32(others), clusters, low).rows.tolist())

    @settings(max_examples=30)
    @given(seed_lists, vector_lists, st.integers(1, 5))
    def test_batches_give_what_all_at_once_gives(
        self, rows: list[Any], others: list[Any], size: int
    ) -> None:
        clusters, vectors = Clusters.of(f32(rows)), f32(others)
        parts = [score(vectors[at : at + size], clusters) for at in range(0, len(others), size)]
        together = score(vectors, clusters)
        assert np.array_equal(np.concatenate([part[0] for part in parts]), together[0])
        assert np.array_equal(np.concatenate([part[1] for part in parts]), together[1])

    @given(seed_lists, vector_lists)
    def test_another_cluster_never_lowers_a_score(self, rows: list[Any], others: list[Any]) -> None:
        """With the clusters that are there as they are; new seeds make new clusters."""
        clusters = Clusters.of(f32(rows))
        more = Clusters(
            np.vstack([clusters.centres, np.asarray(others[:1])]),
            np.append(clusters.radii, 0.5),
            np.append(clusters.labels, len(clusters)),
        )
        before, after = score(f32(others), clusters)[0], score(f32(others), more)[0]
        assert (after >= before).all()
        assert after[0] == 1.0


class TestClassifier:
    def two_kinds(self, n: int = 40) -> tuple[Array, Array]:
        rng = np.random.default_rng(3)
        return f32(rng.normal(size=(n, 4))), f32(rng.normal(3 * np.eye(4)[0], size=(n, 4)))

    def test_tells_two_kinds_apart(self) -> None:
        """They overlap a little: sure in the middle of each, and even between the two."""
        found = Classifier.fit(*self.two_kinds())
        told = found.probability(f32([[-1, 0, 0, 0], [1.5, 0, 0, 0], [4, 0, 0, 0]]))
        assert told[0] > 0.9
        assert told[2] < 0.1
        assert 0.2 < told[1] < 0.8
        assert (found.n_accepted, found.n_discarded) == (40, 40)

    def test_is_calibrated(self) -> None:
        """Of what it gives 70 to 90 %, about as many are of the kind."""
        rng = np.random.default_rng(4)
        kinds = f32(rng.normal(size=(400, 3))), f32(rng.normal(np.eye(3)[0], size=(400, 3)))
        found = Classifier.fit(kinds[0][:200], kinds[1][:200])
        told = found.probability(np.concatenate([kinds[0][200:], kinds[1][200:]]))
        right = np.repeat([True, False], 200)
        sure = (told > 0.7) & (told < 0.9)
        assert right[sure].mean() == pytest.approx(told[sure].mean(), abs=0.1)

    def test_is_what_scikit_learn_says(self) -> None:
        from selectlab.campaigns.classifier import _calibrated, _different

        kinds = self.two_kinds()
        values = np.concatenate([_different(kind) for kind in kinds])
        theirs = _calibrated(values, np.repeat([1, 0], 40)).predict_proba(values)[:, 1]
        mine = Classifier.fit(*kinds).probability(f32(values))
        np.testing.assert_allclose(mine, theirs, atol=1e-12)

    def test_order_copies_and_batches_change_nothing(self) -> None:
        one, other = self.two_kinds()
        first = Classifier.fit(one, other)
        again = Classifier.fit(one[::-1], np.concatenate([other, other[:7]]))
        told = first.probability(one)
        assert np.array_equal(told, again.probability(one))
        assert np.array_equal(told[3:8], first.probability(one[3:8]))

    def test_what_cannot_be_told_apart_has_one_probability(self) -> None:
        """20 accepted, 10 discarded, in turns on a line: every held-out one is told wrong."""
        accepted = [[place] for place in range(30) if place % 3]
        discarded = [[place] for place in range(30) if not place % 3]
        found = Classifier.fit(f32(accepted), f32(discarded))
        told = found.probability(line(-5, 14, 50))
        assert found.slope <= 0
        assert told == pytest.approx(2 / 3, abs=0.1)

    @pytest.mark.parametrize(
        ("n_accepted", "n_discarded", "short"),
        [(4, 9, "4 different accepted"), (9, 4, "4 different discarded")],
    )
    def test_refuses_few(self, n_accepted: int, n_discarded: int, short: str) -> None:
        one, other = self.two_kinds(9)
        with pytest.raises(DataError) as error:
            Classifier.fit(np.repeat(one[:n_accepted], 2, axis=0), other[:n_discarded])
        expected = f"classifier: {short} examples, expected at least 5; judge more, or refine"
        assert str(error.value) == f"{expected} without it"

    def test_takes_five_of_each(self) -> None:
        one, other = self.two_kinds(5)
        assert Classifier.fit(one, other).probability(one).mean() > 0.5

    def test_likeliest_first_then_by_score(self) -> None:
        order = likeliest(np.array([0.2, 0.9, 0.9, 0.9]), np.array([1.0, 0.5, 0.75, 0.75]))
        assert order.tolist() == [2, 3, 1, 0]
