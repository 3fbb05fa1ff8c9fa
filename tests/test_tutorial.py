"""docs/video.md, command by command, on two small videos and a small detector."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import video_builder as videos
from small_dataset import selectlab

from selectlab.inputs.folder import open_dataset
from selectlab.thumbnails import Thumbnails

PAGE = (Path(__file__).parents[1] / "docs" / "video.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the reader has: a folder of videos, and weights."""
    folder = tmp_path_factory.mktemp("tutorial")
    shutil.copy(videos.trained_model(tmp_path_factory), folder / "yolov8n.pt")
    videos.write_video(folder / "videos" / "street.mp4", 40, seed=3, empty=[9, 20, 31])
    videos.write_video(folder / "videos" / "night" / "yard.mp4", 30, seed=5, empty=[12])
    return folder


@pytest.fixture(scope="module")
def walked(place: Path) -> Path:
    """The folder after every command of the page was run, in order."""
    configs = [json.loads(block) for block in blocks("json")]
    (place / "tutorial.json").write_text(json.dumps(configs[0]))
    for command in "".join(blocks("bash")).splitlines():
        program, *words = shlex.split(command)
        if program == "pip":
            continue
        assert program == "selectlab"
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(place)
            ran = selectlab(*words)
        assert ran.code == 0, f"{command}\n{ran.err}"
    return place


EMPTY = [
    *(f"street-{frame:02d}-mp4.png" for frame in (9, 20, 31)),
    "night/yard-12-mp4.png",
]


def test_flickering_frames_are_found(walked: Path) -> None:
    """The frames that show nothing lie between frames that do; each is flagged."""
    values = open_dataset(walked / "dataset").metadata()
    assert values is not None
    assert set(values.frame["flickering"]) == {0.5, 1.0}
    assert set(values.frame["flickering"][EMPTY]) == {1.0}


def test_the_dataset_knows_where_its_videos_lie(walked: Path) -> None:
    """Also of the second dataset, and of videos in folders."""
    for name in ("dataset", "dataset2"):
        assert json.loads((walked / name / "videos.json").read_text()) == ["../videos"]
        thumbnails = Thumbnails(open_dataset(walked / name))
        assert list(thumbnails.of(EMPTY, 60)) == EMPTY


def test_the_selection_says_why(walked: Path) -> None:
    chosen = json.loads((walked / "run1" / "selection.json").read_text())["selected"]
    assert len(chosen) == 20
    assert all("metadata flickering" in pick["reason"] for pick in chosen)
    later = json.loads((walked / "run2" / "selection.json").read_text())
    assert set(later["preselected"]) == {pick["sample_id"] for pick in chosen}


def test_frames_are_written_with_pre_labels(walked: Path) -> None:
    todo = walked / "todo"
    assert len(list((todo / "images").rglob("*.png"))) == 20
    assert (todo / "sheet.pdf").read_bytes().startswith(b"%PDF")
    coco = json.loads((todo / "coco.json").read_text())
    assert len(coco["images"]) == 20
    assert coco["annotations"]
    assert list((todo / "labels").rglob("*.txt"))


def test_missed_boxes_come_along(walked: Path, tmp_path: Path) -> None:
    """What the model saw nowhere in a frame is there as imputed boxes."""
    (tmp_path / "ids.txt").write_text("\n".join(EMPTY))
    ran = selectlab(
        "frames", str(tmp_path / "ids.txt"), "--data", str(walked / "dataset"),
        "--videos", str(walked / "videos"), "--coco", "--out", str(tmp_path / "out"),
    )  # fmt: skip
    assert ran.code == 0, ran.err
    coco = json.loads((tmp_path / "out" / "coco.json").read_text())
    assert {annotation["source"] for annotation in coco["annotations"]} == {"imputed"}
    assert {annotation["image_id"] for annotation in coco["annotations"]} == {1, 2, 3, 4}


@pytest.mark.parametrize("number", range(len(blocks("json"))))
def test_every_config_of_the_page_runs(walked: Path, number: int, tmp_path: Path) -> None:
    config: dict[str, Any] = json.loads(blocks("json")[number])
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    ran = selectlab(
        "select", str(path), "--data", str(walked / "dataset"), "--out", str(tmp_path / "run"),
        "-n", "4",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert len((tmp_path / "run" / "selection.txt").read_text().split()) == 4
