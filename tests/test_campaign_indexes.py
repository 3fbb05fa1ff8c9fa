"""Campaigns whose index is built anew, or that go over several: what is counted, and what stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from campaign_lines import LINE, SPACE, frames, indexed, line_folder, on_the_line, scores
from folder_builder import build, parquet
from hypothesis import given, settings
from hypothesis import strategies as st
from small_dataset import selectlab

from selectlab.campaigns import Campaigns, Collected
from selectlab.corpus import Corpus, Element
from selectlab.inputs.folder import open_dataset

FOUND = {"mid": 1.0, "near": 0.75, "edge": 0.5}
AWAY = {name: place + (0 if name in ("low", "high") else 50) for name, place in LINE.items()}


@pytest.fixture
def line(tmp_path: Path) -> Campaigns:
    """A campaign "c" with seeds at 0 and 2 that has collected three of seven."""
    campaigns = on_the_line(tmp_path)
    campaigns.create("c", ids=["low", "high"])
    campaigns.collect()
    return campaigns


def rebuilt(folder: Path, places: Mapping[str, float]) -> Campaigns:
    """The campaigns of a folder after its index was built anew of other samples."""
    dataset = frames(places)
    corpus = Corpus.build(dataset, folder / "index", space_id=SPACE, normalise=False, rebuild=True)
    return Campaigns(dataset, store=folder / "campaigns.db", corpus=corpus)


def another(folder: Path, places: Mapping[str, float], name: str) -> Campaigns:
    """The campaigns of a folder with a second index beside the first."""
    dataset = frames(places)
    corpus = indexed(dataset, folder / name)
    return Campaigns(dataset, store=folder / "campaigns.db", corpus=corpus)


def both(campaigns: Campaigns, **how: Any) -> Collected:
    """What collecting gives, after a dry run has said just that."""
    [dry] = campaigns.collect("c", dry_run=True, **how)
    [got] = campaigns.collect("c", **how)
    assert (got.n_new, got.n_collected, got.rate) == (dry.n_new, dry.n_collected, dry.rate)
    assert campaigns.rate("c") == got.rate
    return got


# The rate


def test_the_rate_is_the_same_however_often_the_index_is_built(
    line: Campaigns, tmp_path: Path
) -> None:
    for _ in range(4):
        again = rebuilt(tmp_path, LINE)
        got = both(again)
        assert (got.n_processed, got.n_new, got.n_collected, got.rate) == (7, 0, 3, 3 / 7)
        assert both(again, again=True).rate == 3 / 7
    assert scores(again) == FOUND
    assert len(again.hits("c", version=1)) == 3


def test_a_second_index_of_the_same_data_counts_for_itself(line: Campaigns, tmp_path: Path) -> None:
    second = another(tmp_path, LINE, "second")
    for campaigns in (second, line, second, line):
        got = both(campaigns)
        assert (got.n_new, got.n_collected, got.rate) == (0, 3, 3 / 7)
        assert both(campaigns, again=True).rate == 3 / 7
        assert scores(campaigns) == scores(campaigns, current=True) == FOUND
    assert line.get("c").counts["new"] == 3


def test_the_rate_is_that_of_the_samples_that_are_there_now(
    line: Campaigns, tmp_path: Path
) -> None:
    """Three of seven; then one of four, when fewer are left; then two of nine with others."""
    few = {name: LINE[name] for name in ("low", "high", "mid", "far")}
    assert both(rebuilt(tmp_path, few)).rate == 1 / 4
    more = {**few, "late": 1.25, **{f"x{k}": 20.0 + k for k in range(4)}}
    got = both(rebuilt(tmp_path, more))
    assert (got.n_new, got.n_collected, got.rate) == (1, 2, 2 / 9)
    assert both(rebuilt(tmp_path, LINE)).rate == 3 / 7


def test_the_best_n_are_those_of_the_index_at_hand(line: Campaigns, tmp_path: Path) -> None:
    """What scored 1 and 0.75 before is away; the best two of now are two others."""
    places = {**AWAY, "new a": 1.25, "new b": 1.5, "new c": 2.25}
    got = both(rebuilt(tmp_path, places), target_sample_count=2)
    assert (got.n_new, got.n_collected, got.rate) == (2, 2, 2 / 10)
    assert list(scores(line, current=True)) == ["new a", "new b"]


@settings(max_examples=12)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["same", "rebuilt", "second"]),
            st.lists(st.integers(-4, 12), min_size=1, max_size=8),
            st.sampled_from([0.25, 0.5, 0.75]),
            st.sampled_from([None, 1, 3]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_dry_run_says_what_comes_whatever_came_before(
    steps: Sequence[tuple[str, list[int], float, int | None]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("line")
    campaigns = on_the_line(folder)
    campaigns.create("c", ids=["low", "high"])
    for number, (kind, held, threshold, target) in enumerate(steps):
        places = {"low": 0.0, "high": 2.0, **{f"{k}": at / 4 for k, at in enumerate(held)}}
        if kind == "rebuilt":
            campaigns = rebuilt(folder, places)
        elif kind == "second":
            campaigns = another(folder, places, f"index {number}")
        got = both(campaigns, threshold=threshold, target_sample_count=target)
        current = campaigns.hits("c", current=True)
        assert got.n_collected == len(current) <= len(campaigns.dataset)
        assert got.rate == len(current) / len(campaigns.dataset)
        names = [hit.sample_id for hit in campaigns.hits("c")]
        assert len(names) == len(set(names)) == sum(campaigns.get("c").counts.values())


# What was found before


def test_what_was_found_in_an_earlier_index_says_so(line: Campaigns, tmp_path: Path) -> None:
    assert all(hit.current for hit in line.hits("c"))
    line.accept("c", ["mid"])
    moved = rebuilt(tmp_path, AWAY)
    got = both(moved)
    assert (got.n_processed, got.n_new, got.n_collected, got.rate) == (7, 0, 0, 0.0)
    assert scores(moved) == FOUND
    assert not any(hit.current for hit in moved.hits("c"))
    assert moved.hits("c", current=True) == moved.hits("c", version=1, current=True) == []
    assert moved.get("c").counts["accepted"] == 1


def test_a_sample_has_the_score_of_the_index_at_hand(line: Campaigns, tmp_path: Path) -> None:
    """Vectors have changed: one scores less by now, one more; what becomes of them stays."""
    line.accept("c", ["mid"])
    moved = rebuilt(tmp_path, {**LINE, "mid": 2.25, "edge": 1.0, "near": 30.0})
    assert both(moved).n_new == 0
    hits = {hit.sample_id: (round(hit.score, 4), hit.current) for hit in moved.hits("c")}
    assert hits == {"edge": (1.0, True), "near": (0.75, False), "mid": (0.5833, True)}
    assert scores(moved, current=True) == {"edge": 1.0, "mid": 0.5833}
    assert scores(moved, statuses=["accepted"]) == {"mid": 0.5833}


def test_a_newer_version_in_another_index(line: Campaigns, tmp_path: Path) -> None:
    """Each sample is listed as the newest version found it, in whichever index that was."""
    line.remove_seeds("c", ["low"])
    line.commit("c")
    few = {name: LINE[name] for name in ("low", "high", "near")}
    second = another(tmp_path, few, "second")
    assert both(second).n_collected == 1
    listed = {hit.sample_id: (hit.version, hit.current) for hit in second.hits("c")}
    assert listed == {"near": (2, True), "mid": (1, False), "edge": (1, False)}
    assert line.collect()[0].n_new == 3
    assert {hit.version for hit in line.hits("c")} == {2}
    assert all(hit.current for hit in line.hits("c"))


def test_accepted_samples_that_the_index_lacks_join_once_it_has_them(
    line: Campaigns, tmp_path: Path
) -> None:
    line.accept("c", ["edge", "mid", "near"])
    few = {name: LINE[name] for name in ("low", "high", "near", "far")}
    made = rebuilt(tmp_path, few).refine("c")
    assert (made.n_joined, made.missing, made.version.number) == (1, ("edge", "mid"), 2)
    assert Element("near") in line.seeds("c", 2).elements
    again = rebuilt(tmp_path, few).refine("c")
    assert (again.n_joined, again.missing, again.is_new) == (0, ("edge", "mid"), False)
    whole = rebuilt(tmp_path, LINE).refine("c")
    assert (whole.n_joined, whole.missing, whole.version.number) == (2, (), 3)
    line.discard("c", ["edge"])
    assert rebuilt(tmp_path, few).refine("c").missing == ()


def test_a_classifier_leaves_out_what_the_index_lacks(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    places = {f"{k:02d}": float(place) for k, place in enumerate(rng.uniform(0, 4, size=40))}
    campaigns = on_the_line(tmp_path, {"low": 0.0, "high": 2.0, **places})
    campaigns.create("c", ids=["low", "high"], threshold=0.0)
    campaigns.collect()
    campaigns.accept("c", [name for name in list(places)[:20] if places[name] < 2])
    campaigns.discard("c", [name for name in list(places)[:20] if places[name] >= 2])
    gone = {"00", "01", "38", "39"}
    kept = {name: place for name, place in places.items() if name not in gone}
    again = rebuilt(tmp_path, {"low": 0.0, "high": 2.0, **kept})
    with pytest.warns(UserWarning, match=r"2 of 20 samples are not in .*index, as it is now"):
        ranked = again.ranked("c")
    assert {hit.sample_id for hit in ranked} == set(list(places)[20:38])


# The commands


def test_the_commands_tell_what_is_of_another_index(tmp_path: Path) -> None:
    folder = line_folder(tmp_path)

    def campaign(*arguments: object) -> tuple[str, str]:
        ran = selectlab("campaign", *arguments, "--data", folder)
        assert ran.code == 0, ran
        return ran.out, ran.err

    campaign("create", "c", "low.png", "high.png")
    campaign("collect")
    campaign("accept", "c", "near.png", "edge.png")
    kept = {f"{name}.png": place for name, place in LINE.items() if name not in ("edge", "near")}
    rows = [[place] for place in kept.values()]
    build(folder, {"embeddings.parquet": parquet({"sample_id": list(kept), "embedding": rows})})
    with pytest.warns(UserWarning, match="no embedding for 2 of 7"):
        Corpus.build(open_dataset(folder), normalise=False, rebuild=True)
    campaign("collect")
    listed, _ = campaign("hits", "c")
    assert listed.splitlines()[1].split()[-1] == "new"
    assert listed.count("accepted, of another index") == 2
    assert campaign("hits", "c", "--current", "--ids")[0] == "mid.png\n"
    assert "20.00% of what version 1 has looked at" in campaign("show", "c")[0]
    out, note = campaign("refine", "c")
    assert out.startswith("campaign 'c': 0 seeds joined; version 1 of 2 seeds; ")
    assert note == (
        "note: campaign 'c': 2 accepted samples not in the index, first 'edge.png'; they join once "
        "it has them: index them, name another index with --index, or discard them\n"
    )
    _, note = campaign("export", "c", tmp_path / "todo.csv")
    assert note == (
        "note: campaign 'c': 2 of 3 samples were found in another index than the one collected "
        "from last, or before that was built anew; their scores are as of then\n"
    )
    refused = selectlab("campaign", "hits", "c", "--classifier", "--current", "--data", folder)
    assert refused.err == (
        "error: --classifier: ranks what all versions found; leave --current out\n"
    )
