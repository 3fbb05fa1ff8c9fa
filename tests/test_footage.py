"""Videos that lie beside a dataset: remembered, found again, and matched with imported boxes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import video_builder as videos
from folder_builder import build
from small_dataset import Ran, selectlab

from selectlab.errors import ConfigError, DataError
from selectlab.footage import LISTING, find_video, remember_videos, video_folders
from selectlab.inputs.folder import open_dataset
from selectlab.thumbnails import Thumbnails
from selectlab.video.origin import Origin, origin_of

LENGTH = 12
MOT = "2,-1,10,20,30,40,0.9\n5,-1,10,20,30,40,0.8\n"
LABEL = "3 1 Car 0 0 -1.5 10 20 40 60 1.5 1.6 3.7 -16 2.4 58 1.6\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two videos beside an empty place for a dataset, and boxes."""
    videos.write_video(tmp_path / "videos" / "a" / "vtest.mov", LENGTH)
    videos.write_video(tmp_path / "videos" / "street.mp4", 3)
    build(tmp_path, {"vtest/det.txt": MOT, "0000.txt": LABEL})
    return tmp_path


def imported(root: Path, kind: str, file: str, *more: object) -> Ran:
    return selectlab("import", kind, root / file, "--out", root / "data", *more)


def test_boxes_are_named_after_a_video_given(root: Path) -> None:
    """Its name, extension and length count, and where it lies is known to all later."""
    ran = imported(root, "mot", "vtest/det.txt", "--video", root / "videos" / "a" / "vtest.mov")
    assert (ran.code, ran.err) == (0, "")
    told = {"task": "mot", "video": "vtest.mov", "frames": LENGTH, "boxes": 2}
    assert json.loads(ran.out) == told
    data = open_dataset(root / "data")
    assert (data.ids[0], data.ids[-1]) == ("vtest-00-mov.png", "vtest-11-mov.png")
    assert data.predictions("mot").counts().tolist() == [0, 1, 0, 0, 1, *[0] * 7]
    assert json.loads((root / "data" / LISTING).read_text()) == ["../videos/a"]
    found = Thumbnails(data).of(data.ids[:2], 40)
    assert list(found) == list(data.ids[:2])
    again = imported(root, "kitti", "0000.txt", "--name", "vtest")
    assert (again.code, again.err) == (0, "")
    assert json.loads(again.out)["video"] == "vtest.mov"
    assert len(open_dataset(root / "data")) == LENGTH


def test_boxes_are_named_after_the_video_of_that_name_in_the_dataset(root: Path) -> None:
    """The one in a folder of the dataset; frames that are there say how long it is."""
    (root / "videos").rename(root / "data")
    ran = imported(root, "mot", "vtest/det.txt")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["video"] == "a/vtest.mov"
    assert open_dataset(root / "data").ids[0] == "a/vtest-00-mov.png"
    assert not (root / "data" / LISTING).exists()
    (root / "data" / "a" / "vtest.mov").unlink()
    ran = imported(root, "mot", "vtest/det.txt", "--task", "other")
    assert (ran.err, json.loads(ran.out)["frames"]) == ("", LENGTH)


def test_a_line_says_that_there_is_no_such_video(root: Path) -> None:
    ran = imported(root, "kitti", "0000.txt")
    assert ran.code == 0
    again = "if the boxes are of another one, import them again with --video FILE, or with --name"
    assert ran.err == (
        f"note: no video '0000.mp4' in {root / 'data'} (it has no other either); {again} and "
        "--extension\n"
    )
    (root / "videos").rename(root / "data" / "b")
    ran = imported(root, "kitti", "0000.txt", "--name", "vtest", "--extension", "avi")
    assert ran.err == (
        f"note: no video 'vtest.avi' in {root / 'data'} (it has 0000.mp4, b/a/vtest.mov, "
        f"b/street.mp4); {again} and --extension\n"
    )


def test_several_videos_of_a_name_are_asked_about(root: Path) -> None:
    for place in ("x/0000.mp4", "y/0000.mov"):
        videos.write_video(root / "data" / place, 4)
    ran = imported(root, "kitti", "0000.txt")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "error: 0000: could be x/0000.mp4, y/0000.mov; say which with --video FILE, or with "
        "--name and --extension\n"
    )
    ran = imported(root, "kitti", "0000.txt", "--extension", "mov")
    assert json.loads(ran.out)["video"] == "y/0000.mov"
    assert origin_of(root / "data", "", video=root / "data/x/0000.mp4").video == "x/0000.mp4"


def test_a_video_elsewhere_is_called_as_its_frames_are(root: Path) -> None:
    """Predicted from the folder above, its frames are those of a/vtest.mov."""
    build(root / "data", {"metadata.csv": "sample_id,x\na/vtest-0-mov.png,1\n"})
    found = origin_of(root / "data", "", video=root / "videos" / "a" / "vtest.mov")
    assert (found.video, found.n_frames, found.known) == ("a/vtest.mov", 1, True)


def test_how_many_frames_there_are() -> None:
    """What a file states counts more than an estimate, but less than frames that are there."""
    guessed = Origin("a", "mp4", n_frames=12)
    assert (guessed.length(None), guessed.length(11), guessed.length(13)) == (12, 11, 13)
    there = Origin("a", "mp4", n_frames=12, known=True)
    assert (there.length(None), there.length(11), there.length(13)) == (12, 12, 13)
    assert Origin("a", "mp4").length(None) is None


def test_what_is_no_video_and_what_contradicts_itself(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--video: .*det\.txt is no video file; they end in "):
        origin_of(root / "data", "", video=root / "vtest" / "det.txt")
    with pytest.raises(ConfigError, match=r"^--video: none\.mp4: no such file$"):
        origin_of(root / "data", "", video=Path("none.mp4"))
    with pytest.raises(ConfigError, match="leave out --name and --extension"):
        origin_of(root / "data", "", name="x", video=root / "videos" / "street.mp4")


def test_folders_are_remembered_once(root: Path) -> None:
    """Not the dataset itself, and a folder named anew by another way only once."""
    data = build(root / "data", {"metadata.csv": "sample_id,x\nstreet-1-mp4.png,1\n"})
    remember_videos(data, [("in.mp4", data / "in.mp4")])
    assert not (data / LISTING).exists()
    for _ in range(2):
        remember_videos(data, [("street.mp4", root / "videos" / ".." / "videos" / "street.mp4")])
        remember_videos(data, [("a/vtest.mov", root / "videos" / "a" / "vtest.mov")])
        remember_videos(data, [("vtest.mov", root / "videos" / "a" / "vtest.mov")])
    assert json.loads((data / LISTING).read_text()) == ["../videos", "../videos/a"]
    folders = video_folders(open_dataset(data).source)
    assert find_video(folders, "street.mp4") == data / "../videos/street.mp4"
    assert find_video(folders, "vtest.mov") == data / "../videos/a/vtest.mov"
    assert find_video(folders, "../0000.txt") is None
    assert find_video(folders, str(root / "0000.txt")) is None
    assert find_video(folders, "none.mp4") is None


@pytest.mark.parametrize("content", ["{}", "[1]", '"../videos"'])
def test_a_list_that_is_none(root: Path, content: str) -> None:
    data = build(root / "data", {"metadata.csv": "sample_id,x\na-1-mp4.png,1\n"})
    (data / LISTING).write_text(content)
    with pytest.raises(DataError, match=r"videos\.json: must be a list of folders with videos"):
        video_folders(open_dataset(data).source)


def test_frames_come_from_where_the_videos_lie(root: Path) -> None:
    imported(root, "mot", "vtest/det.txt", "--video", root / "videos" / "a" / "vtest.mov")
    (root / "ids.txt").write_text("vtest-04-mov.png\n")
    ran = selectlab("frames", root / "ids.txt", "--data", root / "data", "--out", root / "out")
    assert (ran.code, ran.out) == (0, f"1 images and 0 neighbours written: {root / 'out'}/\n")
