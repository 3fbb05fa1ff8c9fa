"""MOTChallenge text files: read, imported, refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from selectlab.cli import app
from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.inputs.folder import open_dataset
from selectlab.inputs.mot import read_mot

LINES = "1,-1,10,20,30.5,40,0.9,-1,-1,-1\n1,-1,50,20,30,40,0.25,-1,-1,-1\n3,-1,1,2,3,4,1,-1,-1,-1\n"
SEQINFO = "[Sequence]\nname=Street\nseqLength=12\n"


def detections(folder: Path, text: str = LINES, seqinfo: str | None = SEQINFO) -> Path:
    (folder / "det.txt").write_text(text)
    if seqinfo is not None:
        (folder / "seqinfo.ini").write_text(seqinfo)
    return folder / "det.txt"


def test_every_frame_is_there_and_numbers_start_at_0(tmp_path: Path) -> None:
    table = read_mot(detections(tmp_path))
    assert table.ids[0] == "Street-00-mp4.png"
    assert table.ids[-1] == "Street-11-mp4.png"
    found = table.predictions
    assert found.counts().tolist() == [2, 0, 1] + [0] * 9
    assert found.boxes is not None
    assert found.boxes[0].tolist() == [10, 20, 30.5, 40]
    assert found.score.tolist() == [0.9, 0.25, 1.0]
    assert found.names == ("pedestrian",)
    data = Dataset(predictions={"det": table})
    assert len(data) == 12
    assert data.predictions("det").counts().sum() == 3


def test_without_seqinfo_the_last_box_ends_the_video(tmp_path: Path) -> None:
    folder = tmp_path / "Lane"
    folder.mkdir()
    path = detections(folder, seqinfo=None)
    assert read_mot(path).ids == ("Lane-0-mp4.png", "Lane-1-mp4.png", "Lane-2-mp4.png")
    table = read_mot(path, name="a/b", n_frames=4, extension="avi", category="car")
    assert table.ids[-1] == "a/b-3-avi.png"
    assert table.predictions.names == ("car",)


def test_seqinfo_in_the_folder_above(tmp_path: Path) -> None:
    (tmp_path / "det").mkdir()
    (tmp_path / "seqinfo.ini").write_text(SEQINFO)
    path = detections(tmp_path / "det", seqinfo=None)
    assert len(read_mot(path).ids) == 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "2,-1,1,1,1,1,1\n1,-1,1,1,1,1,1\n",
            "det.txt line 2: frame 1 comes after frame 2; sort the lines by frame",
        ),
        (
            "1,7,1,1,1,1,1\n1,7,2,1,1,1,1\n",
            "det.txt line 2: frame 1 has object 7 twice",
        ),
        ("13,-1,1,1,1,1,1\n", "det.txt line 1: frame 13 is not among the frames 1 to 12"),
        ("0,-1,1,1,1,1,1\n", "det.txt line 1: frame 0 is not among the frames 1 to 12"),
        ("1.5,-1,1,1,1,1,1\n", "det.txt line 1: frame 1.5 is no whole number"),
        (
            "1,-1,1,1,1,1\n",
            "det.txt line 1: must be frame,id,x,y,w,h,score, got '1,-1,1,1,1,1'",
        ),
        ("a\n", "det.txt line 1: must be frame,id,x,y,w,h,score, got 'a'"),
        ("1,-1,1,1,nan,1,1\n", "det.txt line 1: must be frame,id,x,y,w,h,score, got "),
        (
            "1,-1,1,1,1,1,57\n",
            "det.txt frame 1: predictions[0].score must be a number from 0 to 1, got 57.0",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_mot(detections(tmp_path, text))
    assert str(caught.value).startswith(message)


def test_an_empty_file_of_unknown_length_is_refused(tmp_path: Path) -> None:
    path = detections(tmp_path, "", seqinfo=None)
    with pytest.raises(DataError) as caught:
        read_mot(path)
    assert str(caught.value) == (
        "det.txt: no boxes, and nothing says how long the video is; give n_frames"
    )
    assert len(read_mot(path, n_frames=3).ids) == 3


def test_a_seqinfo_without_a_length_and_an_unfit_extension_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^seqinfo.ini: must have a section \[Sequence\]"):
        read_mot(detections(tmp_path, seqinfo="[Sequence]\nname=x\n"))
    with pytest.raises(DataError, match="EXT must be that of a video"):
        read_mot(detections(tmp_path), extension="jpg")


def test_import_writes_a_file_for_every_frame(tmp_path: Path) -> None:
    path = detections(tmp_path)
    out = tmp_path / "data"
    command = ["import", "mot", str(path), "--out", str(out), "--task", "yolox"]
    for name in ("one", "two", "two"):
        done = CliRunner().invoke(app, [*command, "--name", name])
        assert done.exit_code == 0, done.output
    told = {"task": "yolox", "video": "two.mp4", "frames": 12, "boxes": 3}
    assert json.loads(done.stdout) == told
    data = open_dataset(out)
    assert len(data) == 24
    held = data.predictions("yolox")
    assert held.listed.all()
    assert held.counts().sum() == 6
    again = CliRunner().invoke(app, [*command, "--category", "car"])
    assert isinstance(again.exception, DataError)
    assert "the task is there with other classes" in str(again.exception)


def test_real_sequences(data_folder: Path) -> None:
    folder = data_folder / "mot17_yolox"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    tables = [read_mot(path) for path in sorted(folder.glob("*/det.txt"))]
    assert sum(len(table.ids) for table in tables) == 5316
    assert tables[0].ids[0] == "MOT17-02-SDP-000-mp4.png"
    assert all(np.isfinite(table.predictions.score).all() for table in tables)
