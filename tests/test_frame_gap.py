"""min_frame_gap keeps the selected frames of one video apart."""

from __future__ import annotations

import pytest

import selectlab
from selectlab.errors import ConfigError, DataError

WEIGHTS = {"input": {"type": "METADATA", "key": "gain"}, "strategy": {"type": "WEIGHTS"}}


def picks(gains: dict[str, float], gap: int, preselected: tuple[str, ...] = ()) -> list[str]:
    data = selectlab.Dataset(list(gains), metadata={"gain": list(gains.values())})
    config = {"n_samples": 9, "min_frame_gap": gap, "strategies": [WEIGHTS]}
    return list(selectlab.select(config, data, preselected=preselected).ids)


def frames(video: str, gains: list[float]) -> dict[str, float]:
    return {f"{video}-{i:02d}-mp4.png": gain for i, gain in enumerate(gains)}


def test_neighbours_are_passed_over() -> None:
    """Gains 1 9 8 2 7: frame 1 (9), then frame 4 (7): 2 and 3 are nearer than 3 frames to 1 or 4,
    frame 0 to 1.
    """
    gains = frames("v", [1, 9, 8, 2, 7])
    assert picks(gains, 3) == ["v-01-mp4.png", "v-04-mp4.png"]
    assert picks(gains, 1) == [f"v-0{i}-mp4.png" for i in (1, 2, 4, 3, 0)]
    assert picks(gains, 2) == ["v-01-mp4.png", "v-04-mp4.png"]


def test_videos_do_not_touch_each_other_and_images_are_left_alone() -> None:
    gains = frames("a", [5, 4]) | frames("b", [3, 2]) | {"still.png": 1.0, "other.png": 0.5}
    assert picks(gains, 2) == ["a-00-mp4.png", "b-00-mp4.png", "still.png", "other.png"]


def test_frame_numbers_are_numbers() -> None:
    """Frame 10 comes after 9, whatever the padding, and is 8 after 2."""
    gains = {"v-9-mp4.png": 3.0, "v-10-mp4.png": 2.0, "v-2-mp4.png": 1.0}
    assert picks(gains, 2) == ["v-9-mp4.png", "v-2-mp4.png"]


def test_preselected_frames_count() -> None:
    gains = frames("v", [1, 9, 8, 2, 7])
    assert picks(gains, 2, ("v-02-mp4.png",)) == ["v-04-mp4.png", "v-00-mp4.png"]


def test_why_there_are_fewer() -> None:
    data = selectlab.Dataset(list(frames("v", [1, 2])), metadata={"gain": [1.0, 2.0]})
    config = {"n_samples": 2, "min_frame_gap": 5, "strategies": [WEIGHTS]}
    chosen = selectlab.select(config, data)
    assert chosen.stop_reason == "min_frame_gap 5: no sample left that keeps it"
    assert chosen.warnings == (f"1 samples instead of 2: {chosen.stop_reason}",)


def test_errors() -> None:
    with pytest.raises(DataError) as caught:
        picks({"a.png": 1.0}, 2)
    assert str(caught.value) == (
        "min_frame_gap 2: none of 1 samples is a video frame; frames are named NAME-FRAME-EXT.png"
    )
    config = {"n_samples": 2, "min_frame_gap": 2, "selected_sequence_length": 2}
    with pytest.raises(ConfigError) as caught_config:
        selectlab.select({**config, "strategies": [WEIGHTS]}, selectlab.Dataset(["a"]))
    assert str(caught_config.value) == (
        "min_frame_gap: keeps single frames apart, so it does not go with selected_sequence_length"
    )
