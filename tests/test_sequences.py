"""Runs of consecutive video frames, selected as one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_builder import build
from small_dataset import selectlab

from selectlab import Dataset, Selection, select
from selectlab.errors import ConfigError, DataError
from selectlab.sequences import count, cut, information

PLAIN = {"type": "EMBEDDINGS", "normalize": False}


def frames(video: str, n: int, start: int = 0) -> list[str]:
    return [f"{video}-{k:03d}-mp4.png" for k in range(start, start + n)]


def one(source: dict[str, Any], strategy: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"n_samples": 4, "strategies": [{"input": source, "strategy": strategy}], **more}


WEIGHTS = one({"type": "METADATA", "key": "w"}, {"type": "WEIGHTS"})


def test_videos_are_cut_and_the_rest_dropped() -> None:
    """5 frames of a and 4 of b in twos: a loses one, b none; the image is no frame."""
    ids = [*frames("a", 5), *frames("b", 4), "image.png"]
    found = cut(ids, 2)
    assert found.rows.tolist() == [[0, 1], [2, 3], [5, 6], [7, 8]]
    assert found.dropped == 2
    assert found.length == 2


def test_windows_never_cross_videos() -> None:
    """The same file name in another folder is another video."""
    ids = sorted([*frames("x/a", 3), *frames("y/a", 3)])
    assert cut(ids, 2).rows.tolist() == [[0, 1], [3, 4]]


def test_frames_are_ordered_by_number_not_by_name() -> None:
    """As text, 10 comes before 9."""
    ids = sorted(f"v-{k}-mp4.png" for k in (9, 10, 11, 12))
    assert ids[0] == "v-10-mp4.png"
    named = [[ids[row] for row in rows] for rows in cut(ids, 2).rows]
    assert named == [["v-11-mp4.png", "v-12-mp4.png"], ["v-9-mp4.png", "v-10-mp4.png"]]


def test_no_video_is_long_enough() -> None:
    with pytest.raises(DataError) as caught:
        cut([*frames("a", 3), *frames("b", 2)], 4)
    assert str(caught.value) == (
        "selected_sequence_length 4: no video has that many frames among 5 samples; "
        "frames are named NAME-FRAME-EXT.png"
    )


@pytest.mark.parametrize(
    ("n_frames", "nearest"), [(10, "9 or 12"), (1, "3"), (2, "3"), (4, "3 or 6")]
)
def test_frames_must_be_whole_sequences(n_frames: int, nearest: str) -> None:
    assert count(12, 3) == 4
    with pytest.raises(ConfigError) as caught:
        count(n_frames, 3)
    assert str(caught.value) == (
        "n_samples: counts frames and must be a multiple of selected_sequence_length 3, "
        f"got {n_frames}; nearest: {nearest}"
    )


def test_information() -> None:
    ids = frames("in/a", 4)
    listed = information(ids, np.array([[2, 3]]), {ids[2]: 0.5})
    assert listed == [
        {
            "video_name": "in/a.mp4",
            "frame_names": ids[2:],
            "frame_indices": [2, 3],
            "frame_timestamps_s": [0.5, None],
        }
    ]


def video(n: int = 7, **more: Any) -> Dataset:
    return Dataset(frames("v", n), **more)


def chosen(raw: dict[str, Any], data: Dataset, length: int = 2, **more: Any) -> Selection:
    return select(raw, data, selected_sequence_length=length, **more)


def numbers(selection: Selection) -> list[int]:
    return [int(name.split("-")[1]) for name in selection.ids]


def test_scalars_are_means() -> None:
    """Means 2, 4, 3 of (1, 3), (0, 8), (3, 3): frames 2, 3 first, then 4, 5. Frame 6 is a rest."""
    data = video(metadata={"w": [1.0, 3.0, 0.0, 8.0, 3.0, 3.0, 99.0]})
    found = chosen(WEIGHTS, data)
    assert numbers(found) == [2, 3, 4, 5]
    assert [pick.rank for pick in found] == [1, 2, 3, 4]
    assert [pick.sequence for pick in found] == [1, 1, 2, 2]
    assert [pick.because[0].value for pick in found] == [4.0, 4.0, 3.0, 3.0]
    assert found.manifest["counts"]["not_in_sequence"] == 1
    assert found.manifest["counts"]["candidates"] == 6
    assert found.manifest["counts"]["selected"] == 4
    assert found.to_pandas()["sequence"].tolist() == [1, 1, 2, 2]


def test_vectors_are_means() -> None:
    """Mean places 1, 5, 100: the first pick is the first, then the farthest."""
    places = np.array([[0.0], [2.0], [0.0], [10.0], [99.0], [101.0], [-1000.0]])
    found = chosen(one(PLAIN, {"type": "DIVERSITY"}, n_samples=6), video(embeddings=places))
    assert numbers(found) == [0, 1, 4, 5, 2, 3]
    assert found.picks[2].nearest_distance == 99.0
    assert found.picks[2].nearest_selected == "v-000-mp4.png"


def test_categories_are_counted() -> None:
    """(sun, sun), (sun, rain), (rain, rain), wanted half and half: the mixed one comes first."""
    raw = one(
        {"type": "METADATA", "key": "sky"},
        {"type": "BALANCE", "target": {"sun": 0.5, "rain": 0.5}},
        n_samples=2,
    )
    sky = ["sun", "sun", "sun", "rain", "rain", "rain", "sun"]
    assert numbers(chosen(raw, video(metadata={"sky": sky}))) == [2, 3]


def test_counts_are_sums() -> None:
    """Cars per frame (0, 0), (2, 3), (4, 0), buses one each: 5 cars are 5/7, wanted 3/4."""
    per_frame = [0, 0, 2, 3, 4, 0, 9]
    car = {"category_id": 0, "bbox": [0, 0, 1, 1], "score": 1.0}
    table = {
        "task_type": "object-detection",
        "categories": ["car", "bus"],
        "predictions": {
            name: [car] * n + [{**car, "category_id": 1}]
            for name, n in zip(frames("v", 7), per_frame, strict=True)
        },
    }
    source = {"type": "PREDICTIONS", "task": "det", "name": "CLASS_DISTRIBUTION"}
    raw = one(source, {"type": "BALANCE", "target": {"car": 0.75, "bus": 0.25}}, n_samples=2)
    found = chosen(raw, video(predictions={"det": table}))
    assert numbers(found) == [2, 3]
    assert found.picks[0].because[0].value == 5.0


def test_thresholds_filter_whole_sequences_and_count_frames() -> None:
    data = video(metadata={"w": [1.0, 3.0, 0.0, 8.0, 3.0, 3.0, 99.0]})
    raw = one({"type": "METADATA", "key": "w"},
              {"type": "THRESHOLD", "threshold": 2.5, "operation": "BIGGER"})  # fmt: skip
    found = chosen(raw, data)
    assert numbers(found) == [2, 3, 4, 5]
    (removed,) = found.manifest["counts"]["filtered"].values()
    assert removed == 2


def test_a_sequence_with_a_preselected_frame_is_preselected() -> None:
    """Frame 3 was selected before, so frames 2 and 3 are no candidates but count."""
    data = video(metadata={"w": [1.0, 3.0, 0.0, 8.0, 3.0, 3.0, 99.0]})
    found = chosen(WEIGHTS, data, preselected=["v-003-mp4.png"])
    assert numbers(found) == [4, 5, 0, 1]
    assert found.preselected == ("v-003-mp4.png",)
    assert found.picks[0].because[0].objective == 4.0 + 3.0


def test_a_frame_without_a_value_takes_its_sequence_along() -> None:
    data = video(metadata={"w": [1.0, 3.0, np.nan, 8.0, 3.0, 3.0, 99.0]})
    found = chosen(WEIGHTS, data)
    assert numbers(found) == [4, 5, 0, 1]


def test_a_share_counts_frames() -> None:
    """Half of 7 frames is 3.5, rounded 4: two sequences; a tenth is still one."""
    data = video(metadata={"w": [1.0, 3.0, 0.0, 8.0, 3.0, 3.0, 99.0]})
    raw = {**WEIGHTS, "n_samples": -1, "proportion_samples": 0.5}
    assert numbers(chosen(raw, data)) == [2, 3, 4, 5]
    assert numbers(chosen({**raw, "proportion_samples": 0.1}, data)) == [2, 3]


def test_frames_that_are_no_whole_sequences_are_an_error() -> None:
    data = video(metadata={"w": [1.0] * 7})
    with pytest.raises(ConfigError) as caught:
        chosen({**WEIGHTS, "n_samples": 3}, data)
    assert str(caught.value) == (
        "n_samples: counts frames and must be a multiple of selected_sequence_length 2, got 3; "
        "nearest: 2 or 4"
    )


def test_the_config_and_the_option_say_the_same() -> None:
    data = video(metadata={"w": [1.0, 3.0, 0.0, 8.0, 3.0, 3.0, 99.0]})
    by_config = select({**WEIGHTS, "selected_sequence_length": 2}, data)
    assert by_config.ids == chosen(WEIGHTS, data).ids
    assert by_config.manifest["config"]["selected_sequence_length"] == 2


def test_the_command_line_writes_sequence_information(tmp_path: Path) -> None:
    rows = "".join(f"{name},{k},{k / 25}\n" for k, name in enumerate(frames("in/v", 5)))
    build(tmp_path, {"data/metadata.csv": f"sample_id,w,timestamp_s\n{rows}", "c.json": WEIGHTS})
    given = ["select", tmp_path / "c.json", "--data", tmp_path / "data", "--out", tmp_path / "run"]
    ran = selectlab(*given, "-n", 2, "--selected-sequence-length", 2)
    assert (ran.code, ran.err) == (0, "")
    assert "-1       in no complete sequence" in ran.out
    assert json.loads((tmp_path / "run" / "sequence_information.json").read_text()) == [
        {
            "video_name": "in/v.mp4",
            "frame_names": ["in/v-002-mp4.png", "in/v-003-mp4.png"],
            "frame_indices": [2, 3],
            "frame_timestamps_s": [0.08, 0.12],
        }
    ]
    assert (tmp_path / "run" / "selection.txt").read_text().splitlines() == [
        "in/v-002-mp4.png", "in/v-003-mp4.png",
    ]  # fmt: skip


def test_counts_of_objects_add_up() -> None:
    """Cars per frame 1 2 | 3 0 in twos: 3 and 3, where metadata would be 1.5 and 1.5."""
    ids = frames("v", 4)
    cars = [1, 2, 3, 0]
    listed = {
        sample_id: [{"category_id": 0, "bbox": [0, 0, 1, 1], "score": 0.5}] * n
        for sample_id, n in zip(ids, cars, strict=True)
    }
    found = {"task_type": "object-detection", "categories": ["car"], "predictions": listed}
    data = Dataset(ids, predictions={"det": found}, metadata={"w": [float(n) for n in cars]})
    counted = {"type": "PREDICTIONS", "name": "CATEGORY_COUNT", "task": "det"}
    for source, value in [(counted, 3.0), ({"type": "METADATA", "key": "w"}, 1.5)]:
        config = one(source, {"type": "WEIGHTS"}, selected_sequence_length=2)
        assert {pick.because[0].value for pick in select(config, data)} == {value}
