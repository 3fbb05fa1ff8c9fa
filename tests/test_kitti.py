"""Detections of KITTI sequences: read, imported, refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from selectlab.assertions.flicker import Flicker
from selectlab.cli import app
from selectlab.errors import DataError
from selectlab.inputs.folder import open_dataset
from selectlab.inputs.kitti import COCO_NAMES, KITTI_NAMES, read_kitti

LABELS = """\
0 -1 DontCare -1 -1 -10.000000 219.310000 188.490000 245.500000 218.560000 -1000 -1000 -1000 -10 -1 -1 -1
0 2 Pedestrian 0 0 -2.523309 1106.137292 166.576807 1204.470628 323.876144 1.714062 0.767881 0.972283 6.301919 1.652419 8.455685 -2.523309
2 0 Van 0 0 -1.793451 296.744956 161.752147 455.226042 292.372804 2.000000 1.823255 4.433886 -4.552284 1.858523 13.410495 -2.115488
3 -1 DontCare -1 -1 -10.000000 47.560000 195.280000 115.480000 221.480000 -1000 -1000 -1000 -10 -1 -1 -1
"""
LINES = "0,-1,10,20,40,60,0.9,0\n2,-1,1,2,4,6,0.80,2\n"


def written(folder: Path, text: str = LINES) -> Path:
    path = folder / "0007.txt"
    path.write_text(text)
    return path


def test_frames_start_at_0_and_boxes_have_corners(tmp_path: Path) -> None:
    table = read_kitti(written(tmp_path), n_frames=11)
    assert (table.ids[0], table.ids[-1]) == ("0007-00-mp4.png", "0007-10-mp4.png")
    found = table.predictions
    assert found.boxes is not None
    assert found.boxes.tolist() == [[10, 20, 30, 40], [1, 2, 3, 4]]
    assert [found.names[c] for c in found.category] == ["person", "car"]
    assert len(COCO_NAMES) == 80
    assert len(read_kitti(written(tmp_path)).ids) == 3


def test_own_class_names(tmp_path: Path) -> None:
    found = read_kitti(written(tmp_path), names={0: "walker", 2: "wheels"}).predictions
    assert found.category_ids == (0, 2)
    assert found.names == ("walker", "wheels")
    with pytest.raises(DataError) as caught:
        read_kitti(written(tmp_path), names=["walker"])
    assert str(caught.value) == "0007.txt line 2: class 2 has no name"


def test_tracking_labels(tmp_path: Path) -> None:
    """Lines as KITTI has them: blanks, the type in words, regions that nobody labelled."""
    table = read_kitti(written(tmp_path, LABELS), name="image_02/0007")
    assert (table.ids[0], table.ids[-1]) == ("image_02/0007-0-mp4.png", "image_02/0007-3-mp4.png")
    found = table.predictions
    assert found.names == KITTI_NAMES
    assert found.counts().tolist() == [1, 0, 1, 0]
    assert [found.names[c] for c in found.category] == ["Pedestrian", "Van"]
    assert found.score.tolist() == [1.0, 1.0]
    assert found.boxes is not None
    expected = [1106.137292, 166.576807, 98.333336, 157.299337]
    assert found.boxes[0].tolist() == pytest.approx(expected)


def test_scores_and_classes_of_labels(tmp_path: Path) -> None:
    """Trackers add a score at the end; other tools have other classes."""
    lines = [line.replace("Van", "Bus") for line in LABELS.splitlines()]
    scored = "\n".join(f"{line} 0.{number}" for number, line in enumerate(lines, start=1))
    found = read_kitti(written(tmp_path, scored)).predictions
    assert found.names == (*KITTI_NAMES, "Bus")
    assert found.score.tolist() == [0.2, 0.3]
    own = read_kitti(written(tmp_path, scored), names=["Pedestrian", "Bus"]).predictions
    assert [own.names[c] for c in own.category] == ["Pedestrian", "Bus"]
    with pytest.raises(DataError) as caught:
        read_kitti(written(tmp_path, scored), names=["Pedestrian", "Buss"])
    assert str(caught.value) == "0007.txt line 3: no class 'Bus'; did you mean 'Buss'?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Car 0.00 0 1.85 387.63 181.54 423.81 203.12 1.67 1.87 3.69 -16.53 2.39 58.49 1.57\n",
            "0007.txt: begins with the type 'Car': labels of a single image; those of a sequence ",
        ),
        ("0 1 Car 0 0 1 2 3 4\n", "0007.txt line 1: must be frame,track_id,type,truncated,"),
        ("3,-1,1,1,2,2,1,0\n1,-1,1,1,2,2,1,0\n", "0007.txt line 2: frame 1 comes after frame 3"),
        ("0,-1,1,1,2,2,1\n", "0007.txt line 1: must be frame,id,x1,y1,x2,y2,score,class, got "),
        ("0,-1,5,1,2,2,1,0\n", "0007.txt frame 0: predictions[0].bbox must be 4 finite numbers"),
        ("0,-1,1,1,2,2,1,99\n", "0007.txt line 1: class 99 has no name"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_kitti(written(tmp_path, text))
    assert str(caught.value).startswith(message)


def test_import(tmp_path: Path) -> None:
    command = ["import", "kitti", str(written(tmp_path)), "--out", str(tmp_path / "data")]
    done = CliRunner().invoke(app, [*command, "--n-frames", "5", "--name", "a/clip"])
    assert done.exit_code == 0, done.output
    data = open_dataset(tmp_path / "data")
    assert data.ids[0] == "a/clip-0-mp4.png"
    assert data.predictions("kitti").counts().tolist() == [1, 0, 1, 0, 0]


def test_the_real_sequence_flickers(data_folder: Path, tmp_path: Path) -> None:
    path = data_folder / "kitti_yolov8_seq0000" / "det.txt"
    if not path.is_file():
        pytest.skip(f"no {path}")
    table = read_kitti(path, name="kitti", n_frames=154)
    assert len(table.ids) == 154
    from selectlab.assertion_run import run_assertion
    from selectlab.dataset import Dataset

    data = Dataset(predictions={"det": table})
    counts = run_assertion(Flicker(), data, "det").counts()
    assert counts["frames"] == 154
    assert counts["flagged_frames"] > 0
