"""Campaigns from end to end: what is collected, once, by which version, and what becomes of it."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from campaign_lines import (
    LINE,
    SPACE,
    frames,
    grown,
    indexed,
    objects,
    of_objects,
    on_the_line,
    scores,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from selectlab.campaigns import Campaigns
from selectlab.campaigns.clusters import Clusters
from selectlab.campaigns.scoring import score
from selectlab.corpus import Corpus, Element
from selectlab.dataset import Dataset
from selectlab.errors import ConfigError, DataError

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def line(tmp_path: Path) -> Campaigns:
    """A campaign "c" with seeds at 0 and 2."""
    campaigns = on_the_line(tmp_path)
    campaigns.create("c", ids=["low", "high"])
    return campaigns


def test_the_line_is_what_the_tests_take_it_for() -> None:
    clusters = Clusters.of(np.array([[0.0], [2.0]]))
    assert clusters.centres.tolist() == [[1.0]]
    assert clusters.radii.tolist() == [1.5]


def test_what_is_like_the_seeds_is_collected_with_score_version_and_nearest_seed(
    line: Campaigns,
) -> None:
    [got] = line.collect()
    assert (got.campaign, got.version, got.threshold) == ("c", 1, 0.5)
    assert scores(line) == {"mid": 1.0, "near": 0.75, "edge": 0.5}
    hits = {hit.sample_id: hit for hit in line.hits("c")}
    assert {hit.version for hit in hits.values()} == {1}
    assert {hit.status for hit in hits.values()} == {"new"}
    assert hits["near"].seed == Element("high")  # 0.25 away, "low" is 1.75 away
    assert hits["mid"].seed == Element("high")  # both are 1 away; "high" comes first


def test_seeds_are_looked_at_but_never_collected(line: Campaigns) -> None:
    """Seven samples, two of them seeds with a score of 2/3: three of seven are collected."""
    [got] = line.collect()
    assert (got.n_processed, got.n_new, got.n_collected) == (7, 3, 3)
    assert got.rate == line.rate("c") == 3 / 7


def test_the_threshold_is_inclusive(line: Campaigns) -> None:
    line.collect(threshold=math.nextafter(0.5, 1))
    assert scores(line) == {"mid": 1.0, "near": 0.75}
    line.collect(threshold=0.5)
    assert scores(line) == {"mid": 1.0, "near": 0.75, "edge": 0.5}


def test_the_threshold_of_the_call_wins_over_that_of_the_campaign(line: Campaigns) -> None:
    assert line.list()[0].threshold == 0.5
    line.set_threshold("c", 0.9)
    assert line.collect()[0].threshold == 0.9
    assert scores(line) == {"mid": 1.0}
    assert line.collect(threshold=0.75)[0].threshold == 0.75
    assert scores(line) == {"mid": 1.0, "near": 0.75}
    assert line.get("c").campaign.threshold == 0.9


def test_what_was_collected_stays_when_the_threshold_rises(line: Campaigns) -> None:
    line.collect(threshold=0.4)
    assert line.collect(threshold=1.0)[0].n_processed == 0
    assert list(scores(line)) == ["mid", "near", "edge", "out"]


@settings(max_examples=15)
@given(
    places=st.lists(st.integers(-8, 8), min_size=3, max_size=12, unique=True),
    low=st.integers(0, 10),
    high=st.integers(0, 10),
)
def test_a_lower_threshold_never_collects_less(
    places: list[int], low: int, high: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = []
    for threshold in sorted((low / 10, high / 10)):
        folder = tmp_path_factory.mktemp("line")
        campaigns = on_the_line(folder, {f"{place}": place / 2 for place in places})
        campaigns.create("c", ids=[str(places[0]), str(places[1])])
        campaigns.collect(threshold=threshold)
        found.append(scores(campaigns).items())
    assert found[1] <= found[0]


def test_nothing_found_is_a_result(line: Campaigns, tmp_path: Path) -> None:
    line.create("elsewhere", ids=["far"], threshold=1.0)
    [got] = line.collect("elsewhere")
    assert (got.n_processed, got.n_new, got.n_collected, got.rate) == (7, 0, 0, 0.0)
    assert line.hits("elsewhere") == []


def test_the_rate_is_0_before_anything_was_looked_at(line: Campaigns) -> None:
    assert line.rate("c") == 0.0


@pytest.mark.parametrize("seeds", [["low"], ["low", "twin"], ["low", "twin", "third"]])
def test_one_seed_or_identical_ones_find_their_like(seeds: list[str], tmp_path: Path) -> None:
    """Three vectors of 4: the radius is half of it, so that 5 scores 0.75 and 6 scores 0.5."""
    places = {"low": 4.0, "twin": 4.0, "third": 4.0, "on": 6.0, "in": 5.0, "beyond": 6.5}
    campaigns = on_the_line(tmp_path, places)
    campaigns.create("c", ids=seeds)
    [got] = campaigns.collect()
    copies = {name: 1.0 for name in ("low", "third", "twin") if name not in seeds}
    assert scores(campaigns) == {**copies, "in": 0.75, "on": 0.5}
    assert 0 < got.rate <= 1


# Versions


def test_a_version_is_a_snapshot_that_nothing_changes(line: Campaigns) -> None:
    before, [first] = line.seeds("c", 1), line.versions("c")
    line.add_seeds("c", ids=["far"])
    line.remove_seeds("c", ["low"])
    second = line.commit("c")
    assert line.versions("c") == [first, second]
    assert (second.number, second.n_seeds) == (2, 2)
    after = line.seeds("c", 1)
    assert after.elements == before.elements == (Element("high"), Element("low"))
    assert after.vectors.tobytes() == before.vectors.tobytes()
    assert after.digest == first.digest != second.digest
    assert line.seeds("c", 2).elements == (Element("far"), Element("high"))


def test_changed_seeds_collect_from_the_next_commit_on(line: Campaigns) -> None:
    line.add_seeds("c", ids=["far"])
    assert line.get("c").uncommitted
    assert line.collect()[0].version == 1
    line.commit("c")
    assert not line.get("c").uncommitted
    assert line.collect()[0].version == 2


def test_committing_what_has_not_changed_makes_no_version(line: Campaigns) -> None:
    [first] = line.versions("c")
    assert line.commit("c") == first
    line.add_seeds("c", ids=["far"])
    line.remove_seeds("c", ["far"])
    assert line.commit("c") == first


def test_results_keep_the_version_that_found_them(line: Campaigns) -> None:
    line.collect()
    line.remove_seeds("c", ["low"])
    line.commit("c")
    line.collect()
    of_first, of_second = (scores(line, version=number) for number in (1, 2))
    assert of_first == {"mid": 1.0, "near": 0.75, "edge": 0.5}
    assert of_second == {"near": 0.875, "edge": 0.75, "out": 0.625, "mid": 0.5}  # radius 1
    assert {hit.version for hit in line.hits("c", version=1)} == {1}
    assert {hit.sample_id: hit.version for hit in line.hits("c")} == dict.fromkeys(of_second, 2)


# Once, however often one looks


def test_looking_again_changes_nothing(line: Campaigns) -> None:
    line.collect(batch_rows=3)
    before = line.hits("c")
    assert line.collect()[0].n_processed == 0
    for rows in (1, 2, 5, None):
        [got] = line.collect(again=True, batch_rows=rows)
        assert (got.n_processed, got.n_new, got.n_collected) == (0, 0, 3)
    assert line.hits("c") == before
    assert line.rate("c") == 3 / 7


def test_only_what_is_new_is_looked_at(line: Campaigns, tmp_path: Path) -> None:
    line.collect()
    more = grown(line, {"late": 1.5, "later": 7.0}, tmp_path)
    [got] = more.collect()
    assert (got.n_processed, got.n_new, got.n_collected) == (2, 1, 4)
    assert scores(more)["late"] == pytest.approx(1 - 0.5 / 3, abs=1e-4)
    assert got.rate == 4 / 9


def test_a_new_version_and_a_lower_threshold_look_at_everything(line: Campaigns) -> None:
    assert line.collect(threshold=0.6)[0].n_processed == 7
    assert line.collect(threshold=0.5)[0].n_processed == 7
    assert line.collect(threshold=0.55)[0].n_processed == 0
    line.add_seeds("c", ids=["far"])
    line.commit("c")
    assert line.collect()[0].n_processed == 7


def test_an_index_built_anew_is_looked_at_anew(line: Campaigns, tmp_path: Path) -> None:
    line.collect()
    corpus = Corpus.build(
        frames(LINE), tmp_path / "index", space_id=SPACE, normalise=False, rebuild=True
    )
    again = Campaigns(line.dataset, store=tmp_path / "campaigns.db", corpus=corpus)
    [got] = again.collect()
    assert (got.n_processed, got.n_new, got.n_collected, got.rate) == (7, 0, 3, 3 / 7)


@pytest.mark.parametrize("rows", [1, 2, 3, 50])
def test_batchwise_is_bit_for_bit_at_once(rows: int, tmp_path: Path) -> None:
    """Scores beside those of one array that was never cut, and nearest seeds too."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(120, 7)).astype(np.float32)
    dataset = Dataset([f"{k:03d}" for k in range(120)], embeddings=vectors)
    corpus = Corpus.build(dataset, tmp_path / "index", space_id="s")
    campaigns = Campaigns(dataset, store=tmp_path / "c.db", corpus=corpus)
    seeds = [f"{k:03d}" for k in range(0, 40, 2)]
    campaigns.create("c", ids=seeds, threshold=0.1)
    campaigns.collect(batch_rows=rows)
    unit = corpus.vectors_at(range(120))
    expected, cluster = score(unit, Clusters.of(corpus.vectors_of([Element(s) for s in seeds])))
    hits = campaigns.hits("c")
    wanted = {k for k in range(120) if expected[k] >= 0.1 and f"{k:03d}" not in seeds}
    assert wanted
    assert {int(hit.sample_id) for hit in hits} == wanted
    for hit in hits:
        k = int(hit.sample_id)
        assert (hit.score, hit.cluster) == (expected[k], cluster[k])
    ranks = [(-hit.score, hit.sample_id) for hit in hits]
    assert ranks == sorted(ranks)


# The best N


def test_a_target_takes_the_best_above_the_threshold(line: Campaigns) -> None:
    [got] = line.collect(target_sample_count=2, batch_rows=2)
    assert (got.target, got.n_new, got.n_processed) == (2, 2, 7)
    assert scores(line) == {"mid": 1.0, "near": 0.75}
    assert line.collect(target_sample_count=20)[0].n_new == 1  # "out" is below 0.5
    assert list(scores(line)) == ["mid", "near", "edge"]


def test_the_same_target_again_collects_and_looks_at_nothing(line: Campaigns) -> None:
    line.collect(target_sample_count=2, batch_rows=2)
    [got] = line.collect(target_sample_count=2)
    assert (got.n_processed, got.n_new, got.n_collected) == (0, 0, 2)


def test_a_target_leaves_nothing_out_for_those_who_come_after(line: Campaigns) -> None:
    """After the best two, everything above the threshold is what it would be without them."""
    line.collect(target_sample_count=2)
    line.collect()
    assert list(scores(line)) == ["mid", "near", "edge"]
    assert line.rate("c") == 3 / 7


def test_ties_go_to_the_lower_id_whatever_comes_first(tmp_path: Path) -> None:
    """Four samples score 0.5; the best two of them are "a" and "b", wherever they stand."""
    places = {"low": 0.0, "high": 2.0, "d": 2.5, "b": -0.5, "c": 2.5, "a": -0.5}
    for rows in (1, 2, 6):
        folder = tmp_path / str(rows)
        campaigns = on_the_line(folder, places)
        campaigns.create("c", ids=["low", "high"])
        campaigns.collect(target_sample_count=2, batch_rows=rows)
        assert scores(campaigns) == {"a": 0.5, "b": 0.5}
        campaigns.collect(target_sample_count=3, batch_rows=rows)
        assert list(scores(campaigns)) == ["a", "b", "c"]
        campaigns.collect(threshold=0.5)
        assert list(scores(campaigns)) == ["a", "b", "c", "d"]


def test_ties_at_1_are_cut_by_id_too(tmp_path: Path) -> None:
    places = {"low": 0.0, "high": 2.0, "b": 1.0, "a": 1.0, "c": 1.0}
    campaigns = on_the_line(tmp_path, places)
    campaigns.create("c", ids=["low", "high"])
    campaigns.collect(target_sample_count=1)
    assert scores(campaigns) == {"a": 1.0}
    campaigns.collect()
    assert list(scores(campaigns)) == ["a", "b", "c"]


def test_a_target_takes_what_is_new_and_better(line: Campaigns, tmp_path: Path) -> None:
    """A version keeps what it has collected; beside it comes what is among the best two now."""
    line.collect(target_sample_count=2)
    more = grown(line, {"late": 1.25, "worse": 2.25}, tmp_path)
    [got] = more.collect(target_sample_count=2)
    assert (got.n_processed, got.n_new) == (2, 1)
    assert list(scores(more)) == ["mid", "late", "near"]


@settings(max_examples=15)
@given(places=st.lists(st.integers(-4, 12), min_size=4, max_size=14), target=st.integers(1, 6))
def test_a_target_is_the_head_of_the_whole(
    places: list[int], target: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("line")
    held = {f"{k:02d}": place / 4 for k, place in enumerate(places)}
    campaigns = on_the_line(folder, {"low": 0.0, "high": 2.0, **held})
    for name in ("c", "all"):
        campaigns.create(name, ids=["low", "high"], threshold=0.25)
    campaigns.collect("c", target_sample_count=target, batch_rows=3)
    campaigns.collect("all")
    everything = list(scores(campaigns, "all").items())
    assert list(scores(campaigns).items()) == everything[:target]
    campaigns.collect("c", batch_rows=4)
    assert list(scores(campaigns).items()) == everything


# What became of samples


def test_discarded_samples_never_come_back(line: Campaigns) -> None:
    line.collect()
    line.discard("c", ["near"])
    line.collect(again=True)
    line.add_seeds("c", ids=["far"])
    line.commit("c")
    line.collect(threshold=0.0)
    assert "near" not in scores(line, version=2)
    assert line.get("c").counts["discarded"] == 1
    assert scores(line, statuses=["discarded"]) == {"near": 0.75}
    line.collect(again=True, target_sample_count=9, threshold=0.0)
    assert "near" not in scores(line, version=2)


def test_statuses_survive_versions_and_reruns(line: Campaigns, tmp_path: Path) -> None:
    line.collect()
    line.accept("c", "mid")
    line.export("c", tmp_path / "edge.txt", statuses=["new"])
    line.add_seeds("c", ids=["far"])
    line.commit("c")
    line.collect(threshold=0.0)
    line.collect(threshold=0.0, again=True)
    found = {hit.sample_id: (hit.status, hit.version) for hit in line.hits("c")}
    assert found["mid"] == ("accepted", 2)
    assert found["near"] == found["edge"] == ("exported", 2)
    assert found["out"] == ("new", 2)


def test_accepted_samples_join_the_seeds_of_the_next_version(line: Campaigns) -> None:
    line.collect()
    line.accept("c", ["edge", "near"])
    line.discard("c", ["mid"])
    made = line.refine("c")
    assert (made.version.number, made.is_new, made.n_joined) == (2, True, 2)
    names = [element.sample_id for element in line.seeds("c", 2).elements]
    assert names == ["edge", "high", "low", "near"]
    line.collect(threshold=0.0)
    assert set(scores(line, version=2)) == {"out", "far"}
    assert scores(line, statuses=["accepted"]) == {"near": 0.75, "edge": 0.5}
    assert not line.refine("c").is_new


def test_a_seed_that_is_discarded_later_leaves(line: Campaigns) -> None:
    line.collect()
    line.accept("c", ["edge", "near"])
    line.refine("c")
    line.discard("c", ["edge"])
    made = line.refine("c")
    assert (made.n_joined, made.n_left, made.version.number) == (0, 1, 3)
    assert Element("edge") not in line.seeds("c").elements


def test_only_collected_samples_can_be_judged_and_all_or_none_are(line: Campaigns) -> None:
    line.collect()
    with pytest.raises(DataError, match="not collected: 1 of 2 samples, first 'far'"):
        line.accept("c", ["mid", "far"])
    assert line.get("c").counts["accepted"] == 0


# Settings


def test_inactive_campaigns_are_left_out(line: Campaigns) -> None:
    line.create("other", ids=["far"])
    line.deactivate("c")
    assert [got.campaign for got in line.collect()] == ["other"]
    with pytest.raises(DataError) as refused:
        line.collect("c")
    assert str(refused.value) == (
        "campaign 'c': is not active; 'selectlab campaign activate' lets it collect again"
    )
    line.deactivate("other")
    with pytest.raises(DataError, match=r"nothing to collect for, none of 2 is active$"):
        line.collect()
    line.activate("c")
    assert [got.campaign for got in line.collect()] == ["c"]


def test_campaigns_are_collected_for_in_one_pass_each_by_its_threshold(line: Campaigns) -> None:
    line.create("strict", ids=["low", "high"], threshold=0.75)
    line.create("near far", ids=["far"], threshold=0.1)
    line.collect("strict")
    seen: list[tuple[int, int]] = []
    got = {one.campaign: one for one in line.collect(on_batch=lambda *at: seen.append(at))}
    assert seen == [(7, 7)]
    assert [got[name].n_processed for name in ("c", "near far", "strict")] == [7, 7, 0]
    assert scores(line, "strict") == {"mid": 1.0, "near": 0.75}


@pytest.mark.parametrize(
    ("change", "line_of_error"),
    [
        ({"threshold": 1.5}, "threshold: expected a number from 0 to 1, got 1.5"),
        ({"threshold": math.nan}, "threshold: expected a number from 0 to 1, got nan"),
        ({"threshold": "high"}, "threshold: expected a number from 0 to 1, got 'high'"),
        ({"threshold": True}, "threshold: expected a number from 0 to 1, got True"),
        ({"threshold": [0.5]}, "threshold: expected a number from 0 to 1, got [0.5]"),
        ({"target_sample_count": 0}, "target_sample_count: expected at least 1, got 0"),
        ({"target_sample_count": 2.5}, "target_sample_count: expected at least 1, got 2.5"),
        ({"target_sample_count": "3"}, "target_sample_count: expected at least 1, got '3'"),
        ({"target_sample_count": True}, "target_sample_count: expected at least 1, got True"),
    ],
)
def test_a_call_that_means_nothing_is_refused(
    change: dict[str, Any], line_of_error: str, line: Campaigns
) -> None:
    with pytest.raises(ConfigError) as refused:
        line.collect(**change)
    assert str(refused.value) == line_of_error
    assert line.get("c").runs == ()


@pytest.mark.parametrize("threshold", [None, "0.5", True, 1.5, -0.1, math.nan, 1j, np.array([0.5])])
def test_a_threshold_is_a_number_from_0_to_1(threshold: Any, line: Campaigns) -> None:
    def refused(change: Any) -> str:
        with pytest.raises(ConfigError) as error:
            change()
        assert "\n" not in str(error.value)
        return str(error.value)

    told = repr(threshold)
    assert refused(lambda: line.create("d", ids=["low"], threshold=threshold)) == (
        f"campaign 'd': threshold: expected a number from 0 to 1, got {told}"
    )
    assert refused(lambda: line.set_threshold("c", threshold)) == (
        f"campaign 'c': threshold: expected a number from 0 to 1, got {told}"
    )
    assert [one.name for one in line.list()] == ["c"]


def test_numbers_of_numpy_are_numbers(line: Campaigns) -> None:
    assert line.set_threshold("c", np.float32(0.25)).threshold == 0.25
    [got] = line.collect(threshold=np.float64(0.5), target_sample_count=np.int64(2))
    assert (got.threshold, got.n_new) == (0.5, 2)


def test_other_spaces_are_refused_before_any_work(line: Campaigns, tmp_path: Path) -> None:
    place, at = tmp_path / "campaigns.db", tmp_path / "others"
    others = {
        "embedding space 'resnet'": Corpus.build(
            line.dataset, at / "1", space_id="resnet", normalise=False
        ),
        "2 dimensions": Corpus.build(
            Dataset(["a"], embeddings=np.eye(1, 2)), at / "2", space_id=SPACE, normalise=False
        ),
        "objects of task 'det' where frames": indexed(objects([("a", 1.0)]), at / "3", "det"),
        "vectors of unit length": Corpus.build(line.dataset, at / "4", space_id=SPACE),
    }
    for said, corpus in others.items():
        with pytest.raises(DataError, match=said):
            Campaigns(line.dataset, store=place, corpus=corpus).collect()
    assert line.get("c").runs == ()


def test_campaigns_need_a_place(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        Campaigns(frames(LINE))
    assert str(refused.value) == (
        "dataset: has no folder to keep campaigns and rounds in; say where: --store FILE or URL "
        "(store=...)"
    )


# Objects

SOME = [
    *(("seeds", 0.0), ("seeds", 2.0), ("seeds", 1.0)),
    *(("street", 9.0), ("street", 1.75), ("street", 1.0), ("street", 2.5)),
    *(("yard", 2.5), ("yard", 1.75), ("yard", -0.25)),
    ("field", 5.0),
]


def test_of_objects_the_best_one_counts_and_is_told(tmp_path: Path) -> None:
    campaigns = of_objects(tmp_path, SOME)
    campaigns.create("c", ids=["seeds#0", ("seeds", 1)])
    [got] = campaigns.collect(batch_rows=2)
    assert (got.n_processed, got.n_collected) == (4, 2)
    hits = {hit.sample_id: hit for hit in campaigns.hits("c")}
    assert set(hits) == {"street", "yard"}  # that of the seeds is known, object 2 too
    assert (hits["street"].score, hits["street"].number) == (1.0, 2)
    assert (hits["yard"].score, hits["yard"].number) == (0.75, 1)
    assert hits["yard"].seed == Element("seeds", 1)


def test_an_accepted_sample_joins_with_its_best_object(tmp_path: Path) -> None:
    campaigns = of_objects(tmp_path, SOME)
    campaigns.create("c", ids=["seeds#0", "seeds#1"])
    campaigns.collect()
    assert campaigns.accept("c", ["street#2"]) == 1
    assert campaigns.discard("c", ["yard"]) == 1
    campaigns.refine("c")
    assert Element("street", 2) in campaigns.seeds("c").elements


def test_objects_that_come_later_belong_to_their_sample(tmp_path: Path) -> None:
    """Sample "yard" has three objects from two builds: one sample, and the best of all counts."""
    campaigns = of_objects(tmp_path, [*SOME[:7], ("yard", 9.0)])
    campaigns.create("c", ids=["seeds#0", "seeds#1"])
    [first] = campaigns.collect()
    assert (first.n_processed, first.n_collected) == (3, 1)
    corpus = Corpus.open(tmp_path / "index")
    late = [("yard", 9.0), ("yard", 2.5), ("yard", 1.75), ("new", 1.0)]
    assert corpus.append(objects([*SOME[:7], *late]), space_id=SPACE) == 3
    more = Campaigns(campaigns.dataset, store=tmp_path / "campaigns.db", corpus=corpus)
    [dry] = more.collect(dry_run=True)
    assert (dry.n_processed, dry.n_new, dry.n_collected) == (4, 2, 3)
    assert dry.n_at[0.5] == 3
    [second] = more.collect()
    assert (second.n_processed, second.n_new, second.n_collected) == (1, 2, 3)
    assert second.rate == 3 / 4
    hits = {hit.sample_id: (hit.score, hit.number) for hit in more.hits("c")}
    assert hits == {"street": (1.0, 2), "yard": (0.75, 2), "new": (1.0, 0)}


# Dry runs


def everything_in(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            path.stat().st_ino,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("target", [None, 2])
def test_a_dry_run_writes_nothing_and_tells_what_would_come(
    target: int | None, line: Campaigns, tmp_path: Path
) -> None:
    line.collect(threshold=0.8)
    before = everything_in(tmp_path)
    [dry] = line.collect(dry_run=True, threshold=0.4, target_sample_count=target)
    assert everything_in(tmp_path) == before
    assert dry.run is None
    assert dry.n_at == {
        0.9: 1, 0.8: 1, 0.7: 2, 0.6: 2, 0.5: 3, 0.4: 4, 0.3: 4, 0.2: 4, 0.1: 4
    }  # fmt: skip
    assert [hit.sample_id for hit in dry.best] == ["mid", "near", "edge", "out"]
    [got] = line.collect(threshold=0.4, target_sample_count=target)
    assert (got.n_new, got.n_collected) == (dry.n_new, dry.n_collected)
    assert (got.rate, got.version) == (dry.rate, dry.version)


def test_a_dry_run_leaves_out_what_was_discarded(line: Campaigns) -> None:
    line.collect()
    line.discard("c", ["mid"])
    [dry] = line.collect(dry_run=True)
    assert [hit.sample_id for hit in dry.best] == ["near", "edge", "out"]
    assert (dry.n_new, dry.n_collected) == (0, 3)


def test_a_dry_run_makes_no_store(tmp_path: Path) -> None:
    campaigns = on_the_line(tmp_path)
    for ask in (lambda: campaigns.collect(dry_run=True), lambda: campaigns.hits("c")):
        with pytest.raises(DataError, match="there are n"):
            ask()
    assert campaigns.list() == []
    assert not (tmp_path / "campaigns.db").exists()


def test_the_example_runs() -> None:
    """It finds more eights among the digits than there are by chance, one in ten."""
    script = ROOT / "examples" / "campaign-rounds" / "campaign_rounds.py"
    command = [sys.executable, script, "--rounds", "1", "--judged", "10"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    first, second, judged = said.splitlines()
    assert first.startswith("version 1: 10 new, ")
    assert second.startswith("version 2: 10 new, ")
    assert int(judged.split()[0]) >= 10


# A classifier of what was judged


def test_a_classifier_ranks_by_what_was_accepted_and_discarded(tmp_path: Path) -> None:
    """Two of two dimensions matter to the score; people only want samples with a high second."""
    rng = np.random.default_rng(1)
    vectors = rng.uniform(-1, 1, size=(80, 2))
    ids = [f"{k:02d}" for k in range(80)]
    dataset = Dataset([*ids, "s"], embeddings=np.vstack([vectors, [[0.0, 0.0]]]))
    corpus = Corpus.build(dataset, tmp_path / "index", space_id="s", normalise=False)
    campaigns = Campaigns(dataset, store=tmp_path / "c.db", corpus=corpus)
    campaigns.create("c", ids=["s"], threshold=0.0)
    campaigns.collect()
    with pytest.raises(DataError, match=r"^classifier: 1 different accepted examples, expected"):
        campaigns.refine("c", classifier=True)
    assert len(campaigns.versions("c")) == 1
    wanted = {name for name, (_, second) in zip(ids, vectors, strict=True) if second > 0}
    judged = ids[:40]
    campaigns.accept("c", [name for name in judged if name in wanted])
    campaigns.discard("c", [name for name in judged if name not in wanted])
    ranked = campaigns.ranked("c")
    assert len(ranked) == 40
    chances = [hit.probability for hit in ranked]
    assert chances == sorted(chances, reverse=True)
    best = {hit.sample_id for hit in ranked[: len(wanted - set(judged))]}
    assert len(best & wanted) >= 0.8 * len(best)
    assert {hit.sample_id: hit.score for hit in ranked} == {
        hit.sample_id: hit.score for hit in campaigns.hits("c", statuses=["new"])
    }
    assert campaigns.refine("c", classifier=True).is_new
