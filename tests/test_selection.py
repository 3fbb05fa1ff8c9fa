"""Python: what comes back from a selection, and the next round."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_dataset import (
    CLASSES,
    DIVERSITY,
    EMBEDDINGS,
    IDS,
    MARGIN,
    UNIFORM,
    WEIGHTS,
    config,
    metadata,
    small_dataset,
)

from selectlab import Dataset, Selection, select
from selectlab.errors import DataError, SelectlabError
from selectlab.inputs import Embeddings, Metadata
from selectlab.strategies import Diversity, Weights

LINE = {"a": 0.0, "b": 1.0, "c": 4.0, "d": 10.0}


def on_a_line(**more: Any) -> Dataset:
    """Four samples at 0, 1, 4 and 10."""
    places = np.array([[x] for x in LINE.values()])
    return Dataset(list(LINE), embeddings=places, **more)


def farthest(n: int = 4, **more: Any) -> Selection:
    given = [(Embeddings(normalize=False), Diversity())]
    return select(given, on_a_line(), n_samples=n, **more)


def test_the_ranking() -> None:
    """a is first by id, d is farthest from it, then c (4 from a), then b."""
    chosen = farthest()
    assert chosen.ids == ("a", "d", "c", "b")
    assert chosen.all_ids == chosen.ids
    assert len(chosen) == 4
    assert [pick.rank for pick in chosen] == [1, 2, 3, 4]
    assert [pick.nearest_selected for pick in chosen] == [None, "a", "a", "a"]
    assert [pick.nearest_distance for pick in chosen] == [None, 10.0, 4.0, 1.0]
    assert chosen.stop_reason == "n_samples 4 reached"
    assert repr(chosen) == "Selection(4 samples, first 'a'; n_samples 4 reached)"


def test_each_pick_says_why() -> None:
    """With a and d chosen D = 100 + 100; c adds 16."""
    third = farthest().picks[2]
    (because,) = third.because
    assert because.strategy == "0_diversity"
    assert because.value == 4.0
    assert because.objective == 216.0
    assert because.part == third.score == math.log(216.0)
    assert third.reason == because.reason == "4 away from a"


def test_explain() -> None:
    chosen = farthest(3, preselected=["b"])
    assert chosen.ids == ("d", "c", "a")
    assert chosen.explain("c") == (
        "c: rank 2 of 3, score 5.1417\n  0_diversity: 3 away from b (objective 171, part +5.1417)"
    )
    with pytest.raises(SelectlabError) as preselected:
        chosen.explain("b")
    assert str(preselected.value) == "'b' is preselected in this run"
    with pytest.raises(SelectlabError) as unknown:
        farthest(2).explain("x")
    assert str(unknown.value) == "'x' is not selected in this run; known: a, d"


def test_the_next_round_goes_on_where_the_last_one_ended() -> None:
    """Two rounds of two are one round of four, whichever way the first is handed over."""
    first = farthest(2)
    for before in (first, first.ids, list(first.all_ids), np.array(first.ids)):
        second = farthest(2, preselected=before)
        assert second.ids == ("c", "b")
        assert second.preselected == ("a", "d")
        assert second.all_ids == ("a", "d", "c", "b")
    third = farthest(1, preselected=farthest(1, preselected=first))
    assert third.all_ids == ("a", "d", "c", "b")


def test_the_next_round_from_files(tmp_path: Path) -> None:
    farthest(2).save(tmp_path / "run1")
    second = farthest(1, preselected=tmp_path / "run1")
    assert second.all_ids == ("a", "d", "c")
    second.save(tmp_path / "run2")
    assert farthest(1, preselected=str(tmp_path / "run2")).all_ids == ("a", "d", "c", "b")
    by_list = farthest(1, preselected=tmp_path / "run2" / "selection.txt")
    assert by_list.preselected == ("c",)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "selection.json").write_text("{}")
    with pytest.raises(DataError) as caught:
        farthest(1, preselected=tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: its selection.json is not one that a run has written"
    )


def test_preselected_twice_count_once() -> None:
    chosen = farthest(1, preselected=["d", "d", "a", "d"])
    assert chosen.preselected == ("d", "a")
    assert chosen.ids == ("c",)
    assert chosen.manifest["counts"]["preselected"] == 2


def test_preselected_samples_without_values_are_reported() -> None:
    data = on_a_line(metadata={"w": [1.0, 2.0, 3.0, math.nan]})
    given = [(Metadata(key="w"), Weights())]
    chosen = select(given, data, n_samples=2, preselected=["d"])
    assert chosen.ids == ("c", "b")
    assert chosen.warnings == (
        "1 samples left out: no metadata w (strategies[0])",
        "1 of 1 preselected samples have no value for some input and count in no strategy",
    )


def test_the_table(tmp_path: Path) -> None:
    raw = config((EMBEDDINGS, DIVERSITY), (MARGIN, WEIGHTS), (CLASSES, UNIFORM), n_samples=6)
    data = small_dataset(tmp_path)
    chosen = select(raw, data)
    frame = chosen.to_pandas()
    per_strategy = [
        f"{label}_{what}"
        for label in ("0_diversity", "1_weights", "2_balance")
        for what in ("value", "objective", "part")
    ]
    assert list(frame.columns) == [
        "rank", "sample_id", "score", "reason", "nearest_selected", "nearest_distance", "uri",
        *per_strategy, "metadata.sky", "metadata.t",
    ]  # fmt: skip
    assert frame["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    assert frame["sample_id"].tolist() == list(chosen.ids)
    assert sorted(frame["sample_id"]) == IDS
    parts = frame[[name for name in per_strategy if name.endswith("_part")]]
    assert np.allclose(parts.sum(axis=1), frame["score"])
    for row in frame.to_dict("records"):
        k = int(row["sample_id"][2])
        assert row["metadata.t"] == k
        assert row["metadata.sky"] == ("sunny" if k % 2 else "rainy")
        assert row["uri"] == str(data / row["sample_id"])
        margin = 1 - abs(1 - 2 * k / 10)
        assert row["1_weights_value"] == pytest.approx(margin)


def test_data_may_be_a_path_or_a_dataset(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    raw = config((EMBEDDINGS, DIVERSITY))
    assert select(raw, data).ids == select(raw, str(data)).ids


def test_file_order_means_nothing() -> None:
    """The same samples in another order give the same picks and the same hashes."""
    rng = np.random.default_rng(1)
    ids, vectors, w = [f"s{k:03d}" for k in range(40)], rng.normal(size=(40, 3)), rng.random(40)
    order = rng.permutation(40)
    raw = config((EMBEDDINGS, DIVERSITY), (metadata("w"), WEIGHTS), n_samples=20)
    one = select(raw, Dataset(ids, embeddings=vectors, metadata={"w": w}))
    other = select(
        raw,
        Dataset([ids[k] for k in order], embeddings=vectors[order], metadata={"w": w[order]}),
    )
    assert one.ids == other.ids
    assert one.manifest["inputs"] == other.manifest["inputs"]


def test_on_pick_is_told_of_every_pick() -> None:
    seen: list[int] = []
    farthest(3, on_pick=seen.append)
    assert seen == [1, 2, 3]


def test_sizes() -> None:
    """A share of the whole input, rounded half up, at least one."""

    def size(share: float) -> int:
        given = [(Embeddings(normalize=False), Diversity())]
        return len(select(given, on_a_line(), proportion_samples=share))

    assert [size(share) for share in (0.01, 0.3, 0.374, 0.375, 0.5, 1.0)] == [1, 1, 1, 2, 2, 4]


def test_the_size_is_a_share_of_the_input_before_thresholds() -> None:
    """Half of 4 is 2, although only two samples pass."""
    data = on_a_line(metadata={"w": [1.0, 2.0, 3.0, 4.0]})
    low = {"type": "THRESHOLD", "threshold": 2.5, "operation": "BIGGER"}
    raw = {**config((metadata("w"), low)), "n_samples": -1, "proportion_samples": 0.5}
    assert select(raw, data).ids == ("c", "d")


def test_path_groups_become_metadata() -> None:
    ids = ["cam1/a.png", "cam1/b.png", "cam1/c.png", "cam2/d.png"]
    raw = config(
        (metadata("camera"), UNIFORM), n_samples=2, lightly_path_regex=r"(?P<camera>cam\d)/"
    )
    chosen = select(raw, Dataset(ids, embeddings=np.eye(4)))
    assert chosen.ids == ("cam1/a.png", "cam2/d.png")
    assert [pick.metadata["camera"] for pick in chosen] == ["cam1", "cam2"]


def test_the_callers_data_are_left_alone() -> None:
    vectors = np.array([[3.0, 4.0], [0.0, 2.0], [1.0, 0.0]])
    vectors.setflags(write=False)
    raw = config((EMBEDDINGS, DIVERSITY), n_samples=2)
    before = {**raw}
    data = Dataset(["a", "b", "c"], embeddings=vectors)
    assert select(raw, data).ids == select(raw, data).ids
    assert raw == before
