"""Small pictures: of images and frames, made once, never of anything outside the dataset."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import video_builder as videos
from folder_builder import build
from PIL import Image

from selectlab.dataset import Dataset
from selectlab.inputs.folder import open_dataset
from selectlab.thumbnails import Thumbnails


def encoded(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **more)
    return buffer.getvalue()


def halves(width: int, height: int) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), (255, 0, 0))
    image.paste((0, 0, 255), (width // 2, 0, width, height))
    return image


def pixels(jpeg: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(jpeg))).astype(int)


def kept(folder: Path) -> list[Path]:
    return sorted((folder / ".selectlab" / "thumbnails").rglob("*.jpg"))


def test_the_longest_side_has_the_size_and_the_true_size_is_known(tmp_path: Path) -> None:
    build(tmp_path, {"a/wide.png": encoded(halves(400, 100)), "b.png": encoded(halves(30, 60))})
    found = Thumbnails(open_dataset(tmp_path)).of(["b.png", "a/wide.png"], 80)
    assert list(found) == ["b.png", "a/wide.png"]
    wide, small = found["a/wide.png"], found["b.png"]
    assert (wide.width, wide.height, wide.source_size) == (80, 20, (400, 100))
    assert (small.width, small.height, small.source_size) == (30, 60, (30, 60))  # not enlarged
    shown = pixels(wide.jpeg)
    assert shown[10, 5, 0] > 200 > 60 > shown[10, 5, 2]
    assert shown[10, 75, 2] > 200 > 60 > shown[10, 75, 0]
    assert wide.data_uri.startswith("data:image/jpeg;base64,")


def test_a_photo_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    """Orientation 6: the stored left side is the top of the picture."""
    exif = Image.Exif()
    exif[274] = 6
    build(tmp_path, {"turned.jpg": encoded(halves(400, 200), "JPEG", quality=95, exif=exif)})
    found = Thumbnails(open_dataset(tmp_path)).one("turned.jpg", 50)
    assert found is not None
    assert (found.width, found.height, found.source_size) == (25, 50, (200, 400))
    assert pixels(found.jpeg)[5, 12, 0] > 200 > pixels(found.jpeg)[45, 12, 0]


def test_deep_and_transparent_images_are_shown(tmp_path: Path) -> None:
    """16 bits are stretched over what occurs; transparent pixels are white, like paper."""
    deep = Image.fromarray(np.tile(np.array([1000, 3000], dtype=np.uint16), (8, 4)))
    glass = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    palette = halves(8, 8).convert("P")
    files = {"deep.png": encoded(deep), "glass.png": encoded(glass), "p.png": encoded(palette)}
    found = Thumbnails(open_dataset(build(tmp_path, files))).of(sorted(files), 8)
    assert list(found) == ["deep.png", "glass.png", "p.png"]
    assert pixels(found["deep.png"].jpeg).min() < 60
    assert pixels(found["deep.png"].jpeg).max() > 195
    assert pixels(found["glass.png"].jpeg).min() > 250
    assert pixels(found["p.png"].jpeg)[4, 1, 0] > 200


def test_it_is_made_once(tmp_path: Path) -> None:
    build(tmp_path, {"a.png": encoded(halves(100, 100)), "b.png": encoded(halves(100, 50))})
    first = Thumbnails(open_dataset(tmp_path)).of(["a.png", "b.png"], 20)
    [one, two] = kept(tmp_path)
    for path in (one, two):
        os.utime(path, ns=(1, 1))
    again = Thumbnails(open_dataset(tmp_path)).of(["a.png", "b.png"], 20)
    assert again == first
    assert [path.stat().st_mtime_ns for path in kept(tmp_path)] == [1, 1]
    Thumbnails(open_dataset(tmp_path)).of(["a.png"], 30)
    assert len(kept(tmp_path)) == 3


def test_a_changed_image_has_another_thumbnail(tmp_path: Path) -> None:
    build(tmp_path, {"a.png": encoded(halves(100, 100))})
    thumbnails = Thumbnails(open_dataset(tmp_path))
    before = thumbnails.one("a.png", 20)
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.new("RGB", (60, 60), (0, 255, 0))))
    after = thumbnails.one("a.png", 20)
    assert before is not None
    assert after is not None
    assert after.source_size == (60, 60)
    assert before.jpeg != after.jpeg


def test_a_broken_cache_is_no_harm(tmp_path: Path) -> None:
    build(tmp_path, {"a.png": encoded(halves(100, 100))})
    thumbnails = Thumbnails(open_dataset(tmp_path))
    whole = thumbnails.one("a.png", 20)
    [path] = kept(tmp_path)
    for wrong in (b"", b"no picture", encoded(halves(5, 5), "JPEG")):  # the last has no size in it
        path.write_bytes(wrong)
        assert thumbnails.one("a.png", 20) == whole
        assert len(path.read_bytes()) == len(whole.jpeg)  # type: ignore[union-attr]


def test_what_cannot_be_shown_is_told(tmp_path: Path) -> None:
    files = {"broken.png": b"no picture", "half.png": encoded(halves(90, 90))[:60], "c.csv": "x"}
    dataset = open_dataset(build(tmp_path, files))
    thumbnails = Thumbnails(dataset)
    assert thumbnails.of(["broken.png", "half.png"], 20) == {}
    assert sorted(thumbnails.unreadable) == ["broken.png", "half.png"]
    assert thumbnails.unreadable["broken.png"].startswith("broken.png: cannot identify image")
    assert thumbnails.one("unknown.png", 20) is None


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset in which a video lies, and one outside of it."""
    root = tmp_path_factory.mktemp("filmed")
    videos.write_video(root / "data" / "a" / "clip.mp4", 6)
    videos.write_video(root / "secret.mp4", 6)
    files = {"metadata.csv": "sample_id,x\na/clip-1-mp4.png,1\na/clip-4-mp4.png,2\n"}
    build(root / "data", files)
    return root


def test_frames_of_a_video_in_the_dataset(filmed: Path) -> None:
    """Neighbours that are no samples have pictures too; what lies outside never has."""
    thumbnails = Thumbnails(open_dataset(filmed / "data"))
    names = [f"a/clip-{n}-mp4.png" for n in (1, 2, 4, 9)]
    found = thumbnails.of([*names, "../secret-1-mp4.png", f"{filmed}/secret-1-mp4.png"], 80)
    assert list(found) == names[:3]
    assert found[names[0]].source_size == (videos.WIDTH, videos.HEIGHT)
    true = videos.picture(videos.scene(1), 1)[..., ::-1].astype(int)
    shown = pixels(found[names[0]].jpeg)
    assert np.abs(shown - true[:128:2, :160:2][: len(shown)]).mean() < 12
    assert thumbnails.of(names[:3], 80) == found_only(found, names[:3])


def found_only(found: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: found[name] for name in names}


def test_videos_may_lie_elsewhere(filmed: Path, tmp_path: Path) -> None:
    dataset = open_dataset(build(tmp_path, {"metadata.csv": "sample_id,x\nclip-1-mp4.png,1\n"}))
    assert Thumbnails(dataset).of(["clip-1-mp4.png"], 40) == {}
    assert list(Thumbnails(dataset, filmed / "data" / "a").of(["clip-1-mp4.png"], 40))


def test_a_dataset_in_memory_has_none(filmed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is no folder, even if there is one of that name."""
    monkeypatch.chdir(filmed)
    (filmed / "dataset").symlink_to(filmed / "data")
    dataset = Dataset(["a/clip-1-mp4.png"], metadata={"x": [1.0]})
    assert dataset.source.where == "dataset"
    assert Thumbnails(dataset).one("a/clip-1-mp4.png", 40) is None
