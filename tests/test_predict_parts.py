"""Parts of the prediction that need no model: names, files, tables and what is not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectlab.video.found import box, run_lengths, shares
from selectlab.video.plan import Images, Video, plan
from selectlab.video.shards import POSITION, Shard, join_vectors
from selectlab.video.spool import Record, Spool, stamp


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=5))
def test_run_lengths_paint_the_mask(rows: list[list[bool]]) -> None:
    mask = np.array(rows)
    runs = run_lengths(mask)
    assert sum(runs) == mask.size
    assert all(run > 0 for run in runs[1:])
    painted = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    assert np.array_equal(painted.reshape(mask.shape), mask)


def test_run_lengths_go_row_by_row() -> None:
    """The example of the format: [[0, 1], [1, 1]] is one zero, then three ones."""
    assert run_lengths(np.array([[0, 1], [1, 1]], dtype=bool)) == [1, 3]
    assert run_lengths(np.array([[1, 0], [0, 0]], dtype=bool)) == [0, 1, 3]
    assert run_lengths(np.zeros((2, 3), dtype=bool)) == [6]


def test_a_box_is_left_top_width_height_in_short_decimals() -> None:
    assert box(np.array([0.1, 0.3, 2.5, 20.5], dtype=np.float32)) == [0.1, 0.3, 2.4, 20.2]


def test_shares_of_many_classes_sum_to_one_within_what_readers_allow() -> None:
    rng = np.random.default_rng(0)
    assert abs(sum(shares(rng.uniform(size=1203))) - 1) < 1e-3


def test_box_features_are_the_mean_over_the_box_in_its_image() -> None:
    """Feature maps that hold their own place: the mean over a box is its middle.

    A network input 32 px high and 64 px wide with maps of 8 x 16: channels are x and y in px. The
    box from (8, 4) to (24, 20) has its middle at (16, 12), which is (.8, .6) at unit length.
    """
    import torch

    from selectlab.video.recording import Recorder

    y, x = torch.meshgrid(torch.arange(8) * 4.0 + 2, torch.arange(16) * 4.0 + 2, indexing="ij")
    maps = torch.stack([torch.zeros(2, 8, 16), torch.stack([x, y])])
    layers = [torch.nn.Identity(), torch.nn.Identity()]
    recorder = Recorder(layers, features=True)
    layers[1](layers[0]([maps]))
    assert recorder.box_dimension == 2
    boxes = torch.tensor([[8.0, 4.0, 24.0, 20.0], [20.0, 4.0, 60.0, 8.0]])
    found = recorder.box_features(1, boxes, (32, 64))
    middle = np.array([40, 6]) / np.hypot(40, 6)
    assert np.allclose(found, [[0.8, 0.6], middle], atol=1e-3)


@pytest.mark.parametrize(
    ("n_frames", "first"), [(9, "v-0-mp4"), (10, "v-00-mp4"), (11, "v-00-mp4")]
)
def test_frame_numbers_have_the_width_of_the_count(n_frames: int, first: str) -> None:
    assert Video("v.mp4", Path()).sample_ids(n_frames)[0] == f"{first}.png"


def test_names_are_relative_to_the_dataset_or_to_the_folder_given(tmp_path: Path) -> None:
    for name in (
        "data/x/1.png",
        "else/y/2.png",
        "else/y/v.mp4",
        "else/.hidden/3.png",
        "else/a.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    units = plan(
        [tmp_path / "data" / "x", tmp_path / "else", tmp_path / "else" / "y" / "v.mp4"][:2],
        tmp_path / "data",
    )
    assert [unit.name for unit in units] == ["y/v.mp4", "x/1.png"]
    assert isinstance(units[1], Images)
    assert units[1].names == ("x/1.png", "y/2.png")
    [single] = plan([tmp_path / "else" / "y" / "v.mp4"], tmp_path / "data")
    assert single.name == "v.mp4"


def vector_shard(path: Path, positions: list[int], value: float) -> Path:
    shard = Shard(path)
    for at in positions:
        shard.add(**{POSITION: at}, embedding=np.full(3, value + at, dtype=np.float32))
    shard.close()
    return path


def test_joining_replaces_own_rows_and_keeps_the_rest(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    target = tmp_path / "embeddings.parquet"
    one = vector_shard(tmp_path / "1", [0, 2], 10)
    two = vector_shard(tmp_path / "2", list(range(1500)), 100)
    assert join_vectors(target, [(one, ["a", "b", "c"])], ["a", "b", "c"]) == 2
    ids = [f"{n}" for n in range(1500)]
    assert join_vectors(target, [(two, ids)], [*ids, "c"]) == 1501
    table = pq.read_table(target)
    assert table.column("sample_id").to_pylist() == ["a", *ids]  # "c" was spoken for, and is gone
    assert table.column("embedding")[1500].as_py() == [1599.0] * 3
    assert join_vectors(target, [(tmp_path / "none", [])], ["a", *ids]) == 0
    assert len(pq.read_table(target)) == 1501


def test_a_unit_is_done_when_its_folder_has_its_name(tmp_path: Path) -> None:
    video = Video("v.mp4", tmp_path / "v.mp4")
    video.path.write_bytes(b"1")
    spool = Spool(tmp_path / "spool")
    assert spool.finished(video) is None
    part = spool.begin(video)
    (part / "frames.jsonl").write_text("half\n")
    assert spool.finished(video) is None
    assert list(spool.records()) == []
    part = spool.begin(video)
    assert not (part / "frames.jsonl").exists()
    record = Record("v.mp4", video.sample_ids(2), stamp(video))
    spool.finish(record)
    assert spool.finished(video) == record
    video.path.write_bytes(b"22")
    assert spool.finished(video) is None
    spool.begin(video)
    spool.begin(video)  # killed and begun again: what was known of the first version stays
    assert spool.superseded(video, video.sample_ids(1)) == ["v-1-mp4.png"]


MISSING = """
import sys
sys.modules["ultralytics"] = None
sys.modules["av"] = None
sys.argv = ["selectlab", *sys.argv[1:]]
from selectlab.cli import main
main()
"""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["predict", "v.mp4", "--out", "out"],
         "error: predicting needs ultralytics; install it with: pip install 'selectlab[yolo]'\n"),
        (["frames", "ids.txt", "--data", "data", "--videos", ".", "--out", "out"],
         "error: decoding videos needs PyAV; install it with: pip install 'selectlab[video]'\n"),
    ],
)  # fmt: skip
def test_what_is_not_installed_is_said_in_one_line(
    arguments: list[str], line: str, tmp_path: Path
) -> None:
    (tmp_path / "v.mp4").write_bytes(b"")
    (tmp_path / "ids.txt").write_text("v-0-mp4.png\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "metadata.csv").write_text("sample_id,a\nv-0-mp4.png,1\n")
    command: list[Any] = [sys.executable, "-c", MISSING, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines(keepends=True)[-1] == line
    assert "Traceback" not in done.stderr
