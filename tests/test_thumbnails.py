"""Small pictures: of images and frames, made once, never of anything outside the dataset."""

from __future__ import annotations

import io
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
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
    before = time.time_ns() - 10**9
    for path in (one, two):
        os.utime(path, ns=(before, before))
    again = Thumbnails(open_dataset(tmp_path)).of(["a.png", "b.png"], 20)
    assert again == first
    assert [path.stat().st_mtime_ns for path in kept(tmp_path)] == [before, before]
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


def test_boxes_fit_a_photo_that_is_turned(tmp_path: Path) -> None:
    """Each of the eight orientations shows the same scene, black above and left, whose size is
    that of the upright picture: what boxes are about."""
    scene = Image.new("L", (400, 200), 255)
    scene.paste(0, (20, 20, 180, 80))
    turns = {o: getattr(Image.Transpose, name) for o, name in ORIENTATIONS.items()}
    stored = {o: scene.transpose(turn) for o, turn in turns.items()}
    files = {}
    for orientation, image in {1: scene, **stored}.items():
        exif = Image.Exif()
        exif[274] = orientation
        files[f"{orientation}.jpg"] = encoded(image, "JPEG", quality=95, exif=exif)
    found = Thumbnails(open_dataset(build(tmp_path, files))).of(sorted(files), 100)
    assert len(found) == 8
    for name, made in found.items():
        assert made.source_size == (400, 200), name
        shown = pixels(made.jpeg)
        assert shown[12, 25].max() < 60, name
        assert shown[40, 75].min() > 200, name


ORIENTATIONS = {
    2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE",
    6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270",
}  # fmt: skip
"""How a scene has to be stored so that it is upright when it is turned as the orientation says."""


def test_print_colours_and_moving_images_are_shown(tmp_path: Path) -> None:
    """The first picture of those that move."""
    moving = [Image.new("RGB", (60, 40), colour) for colour in ("red", "blue")]
    more = {"save_all": True, "append_images": moving[1:]}
    files = {
        "a.gif": encoded(moving[0], "GIF", **more),
        "b.webp": encoded(moving[0], "WEBP", lossless=True, **more),
        "c.jpg": encoded(Image.new("CMYK", (60, 40), (0, 255, 255, 0)), "JPEG"),
    }
    found = Thumbnails(open_dataset(build(tmp_path, files))).of(sorted(files), 60)
    assert len(found) == 3
    for made in found.values():
        red, green, blue = pixels(made.jpeg)[20, 30]
        assert red > 200
        assert max(green, blue) < 90


def test_large_images_are_made_smaller_before_they_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They look like small ones do, whatever their mode."""
    deep = np.tile(np.linspace(0, 60_000, 1200, dtype=np.uint16), (300, 1))
    images = {
        "deep.png": Image.fromarray(deep),
        "glass.png": Image.new("RGBA", (1200, 300), (0, 0, 255, 127)),
        "halves.png": halves(1200, 300),
        "palette.png": halves(1200, 300).convert("P"),
    }
    data = build(tmp_path, {name: encoded(image) for name, image in images.items()})
    plain = Thumbnails(open_dataset(data)).of(sorted(images), 60)
    shutil.rmtree(data / ".selectlab")
    monkeypatch.setattr("selectlab.thumbnails._LARGE", 100)
    large = Thumbnails(open_dataset(data)).of(sorted(images), 60)
    assert large == plain
    assert (
        pixels(plain["deep.png"].jpeg)[7, 2].max()
        < 30
        < 220
        < pixels(plain["deep.png"].jpeg)[7, 57].min()
    )
    assert np.abs(pixels(plain["glass.png"].jpeg)[7, 30] - [128, 128, 255]).max() < 8


def test_images_with_too_many_pixels_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    thumbnails = Thumbnails(open_dataset(build(tmp_path, {"a.png": encoded(halves(40, 40))})))
    assert thumbnails.one("a.png", 20) is None
    assert thumbnails.why_not("a.png") == "a.png: has more than 200 pixels, too many to decode"


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


def test_many_who_ask_at_once_get_the_same(filmed: Path, tmp_path: Path) -> None:
    """Twelve threads ask for frames of a video in two sizes, each in an order of its own."""
    shutil.copytree(filmed / "data", tmp_path / "data")
    dataset = open_dataset(tmp_path / "data")
    names = [f"a/clip-{n}-mp4.png" for n in range(7)]  # the last is past the end
    alone = {size: Thumbnails(dataset).of(names, size) for size in (40, 80)}
    shutil.rmtree(tmp_path / "data" / ".selectlab")
    thumbnails = Thumbnails(dataset)

    def asked(k: int) -> tuple[int, list[tuple[str, object]]]:
        size = 40 + 40 * (k % 2)
        order = np.random.default_rng(k).permutation(names).tolist()
        return size, [(name, thumbnails.one(name, size)) for name in order]

    with ThreadPoolExecutor(12) as pool:
        for size, found in pool.map(asked, range(12)):
            assert {name: made for name, made in found if made} == alone[size]


def test_a_video_that_is_replaced_shows_its_own_frames(tmp_path: Path) -> None:
    videos.write_video(tmp_path / "clip.mp4", 3)
    dataset = open_dataset(build(tmp_path, {"metadata.csv": "sample_id,x\nclip-1-mp4.png,1\n"}))
    thumbnails = Thumbnails(dataset)
    before = thumbnails.one("clip-1-mp4.png", 40)
    videos.write_video(tmp_path / "clip.mp4", 3, seed=9)
    after = thumbnails.one("clip-1-mp4.png", 40)
    assert before is not None
    assert after is not None
    assert np.abs(pixels(before.jpeg) - pixels(after.jpeg)).max() > 60
