"""Selected frames as images, with boxes: counted and compared with what was decoded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import video_builder as videos
from folder_builder import build, shared_data
from PIL import Image
from typer.testing import CliRunner

from selectlab.api import select
from selectlab.assertion_run import run_assertion, write_run
from selectlab.assertions.flicker import Flicker
from selectlab.cli import app
from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.inputs.coco import read_coco
from selectlab.inputs.folder import open_dataset
from selectlab.inputs.prediction_columns import PredictionTable
from selectlab.inputs.yolo import read_yolo
from selectlab.video.contact_sheet import GAP_PX, PANEL_PX, STYLES
from selectlab.video.decoding import frames
from selectlab.video.frames_out import write_frames

N_FRAMES = 12
MISSED = 5
"""Frame in which the square (category 7) is not among the predictions."""


def frame_id(number: int) -> str:
    return f"a/clip-{number:02d}-mp4.png"


def boxes_at(number: int) -> list[dict[str, Any]]:
    """The true boxes, the square's score .9 and the disc's .2; the square is missed once."""
    found = []
    for kind, x, y, size in videos.scene(number, seed=3):
        if kind == 1 and number == MISSED:
            continue
        box = [float(x - size / 2), float(y - size / 2), float(size), float(size)]
        found.append({"category_id": (4, 7)[kind], "bbox": box, "score": (0.2, 0.9)[kind]})
    return found


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``videos/`` and a dataset with predictions, and what flicker says of them."""
    folder = tmp_path_factory.mktemp("frames")
    videos.write_video(folder / "videos" / "a" / "clip.mp4", N_FRAMES, seed=3)
    schema = {
        "task_type": "object-detection",
        "categories": [{"id": 4, "name": "disc"}, {"id": 7, "name": "square"}],
    }
    base = ".lightly/predictions/det"
    files: dict[str, Any] = {
        ".lightly/predictions/tasks.json": ["det"],
        f"{base}/schema.json": schema,
    }
    for number in range(N_FRAMES):
        name = frame_id(number)
        content = {"file_name": name, "predictions": boxes_at(number)}
        files[f"{base}/{name.removesuffix('.png')}.json"] = content
    build(folder / "data", files)
    dataset = open_dataset(folder / "data")
    write_run(run_assertion(Flicker(), dataset, "det"), folder / "said")
    return folder


@pytest.fixture(scope="module")
def dataset(root: Path) -> Dataset:
    return open_dataset(root / "data")


@pytest.fixture(scope="module")
def imputed(root: Path) -> Path:
    [path] = (root / "said").rglob("flicker.json")
    return path


class Counter:
    """A progress that counts the decoded frames."""

    def __init__(self) -> None:
        self.frames: list[int] = []

    def begin(self, name: str, expected: int | None) -> None:
        self.frames.append(0)

    def advance(self, frames: int) -> None:
        self.frames[-1] += frames

    def end(self, note: str = "") -> None:
        pass


def test_the_images_are_the_frames(root: Path, dataset: Dataset, tmp_path: Path) -> None:
    """Best first in the index, decoded once and only up to the last one that is needed."""
    counter = Counter()
    samples = [frame_id(6), frame_id(2)]
    written = write_frames(
        samples, dataset, root / "videos", tmp_path / "out", neighbours=1, progress=counter
    )
    assert counter.frames == [8]  # frames 0 to 7, the neighbour of 6
    pixels = [frame.pixels for frame in frames(root / "videos" / "a" / "clip.mp4")]
    paths = sorted((tmp_path / "out").rglob("*.png"))
    assert [str(path.relative_to(tmp_path / "out")) for path in paths] == [
        *(f"images/{frame_id(n)}" for n in (2, 6)),
        *(f"neighbours/{frame_id(n)}" for n in (1, 3, 5, 7)),
    ]
    for path in paths:
        number = int(path.stem.split("-")[1])
        assert np.array_equal(np.asarray(Image.open(path)), pixels[number][..., ::-1])
    index = json.loads((tmp_path / "out" / "frames.json").read_text())
    assert [entry["sample_id"] for entry in index] == samples
    assert index[0] == {
        "rank": 1,
        "sample_id": frame_id(6),
        "video": "a/clip.mp4",
        "frame": 6,
        "timestamp_s": pytest.approx(0.6),
        "width": videos.WIDTH,
        "height": videos.HEIGHT,
        "neighbours": [frame_id(5), frame_id(7)],
    }
    assert written.sizes[frame_id(2)] == (videos.WIDTH, videos.HEIGHT)


def test_the_ends_of_a_video_have_one_neighbour(
    root: Path, dataset: Dataset, tmp_path: Path
) -> None:
    samples = [frame_id(0), frame_id(N_FRAMES - 1)]
    written = write_frames(samples, dataset, root / "videos", tmp_path / "out", neighbours=2)
    assert written.neighbours == {
        frame_id(0): {1: frame_id(1), 2: frame_id(2)},
        frame_id(11): {-2: frame_id(9), -1: frame_id(10)},
    }


def test_boxes_become_pre_labels(
    root: Path, dataset: Dataset, imputed: Path, tmp_path: Path
) -> None:
    """The disc's .2 is below the default; of the missed square there is the imputed box."""
    write_frames(
        [frame_id(MISSED), frame_id(2)], dataset, root / "videos", tmp_path / "out",
        imputed=imputed, coco=True, yolo=True,
    )  # fmt: skip
    coco = json.loads((tmp_path / "out" / "coco.json").read_text())
    assert coco["categories"] == [{"id": 4, "name": "disc"}, {"id": 7, "name": "square"}]
    assert [image["file_name"] for image in coco["images"]] == [frame_id(MISSED), frame_id(2)]
    missing, there = coco["annotations"]
    before, after = (boxes_at(n)[1]["bbox"] for n in (MISSED - 1, MISSED + 1))
    assert missing["source"] == "imputed"
    assert missing["bbox"] == pytest.approx((np.add(before, after) / 2).tolist(), abs=0.01)
    assert (missing["image_id"], missing["category_id"]) == (1, 7)
    assert missing["area"] == pytest.approx(missing["bbox"][2] * missing["bbox"][3])
    assert there["source"] == "predicted"
    assert there["bbox"] == pytest.approx(boxes_at(2)[1]["bbox"])
    assert (there["image_id"], there["score"], there["iscrowd"]) == (2, 0.9, 0)
    where = (tmp_path / "out" / "data.yaml").read_text().splitlines()[0]
    assert where == f"path: {(tmp_path / 'out').resolve()}"
    table = read_yolo(str(tmp_path / "out" / "labels"), images=str(tmp_path / "out" / "images"))
    held = table.predictions
    assert table.ids == (frame_id(2), frame_id(MISSED))
    assert held.names == ("disc", "square")
    assert held.category.tolist() == [1, 1]
    assert held.boxes is not None
    assert np.allclose(held.boxes, [there["bbox"], missing["bbox"]], atol=1e-3)


def test_a_lower_score_takes_more_boxes(root: Path, dataset: Dataset, tmp_path: Path) -> None:
    write_frames(
        [frame_id(2)], dataset, root / "videos", tmp_path / "out", coco=True, min_score=0.2
    )
    coco = json.loads((tmp_path / "out" / "coco.json").read_text())
    assert [a["category_id"] for a in coco["annotations"]] == [4, 7]


def test_boxes_are_cut_at_the_edge(root: Path, tmp_path: Path) -> None:
    """x from -10 to 20 keeps 20 px; a box beside the image goes."""
    import pandas as pd

    columns = ["sample_id", "category", "score", "x", "y", "w", "h"]
    rows = [[frame_id(0), "a", 0.9, -10, 100, 30, 100], [frame_id(0), "a", 0.9, 500, 0, 9, 9]]
    held = Dataset(predictions={"det": pd.DataFrame(rows, columns=columns)})
    write_frames([frame_id(0)], held, root / "videos", tmp_path / "out", coco=True, yolo=True)
    coco = json.loads((tmp_path / "out" / "coco.json").read_text())
    assert [a["bbox"] for a in coco["annotations"]] == [[0, 100, 20, 28]]
    text = (tmp_path / "out" / "labels" / "a" / "clip-00-mp4.txt").read_text()
    assert text == "0 0.062500 0.890625 0.125000 0.218750\n"


def colour(name: str) -> tuple[int, ...]:
    value = STYLES[name].colour
    return tuple(int(value[at : at + 2], 16) for at in (1, 3, 5))


def share_of(colours: tuple[int, ...], pixels: np.ndarray[Any, Any]) -> float:
    return float((np.abs(pixels.astype(int) - colours).max(axis=-1) < 12).mean())


def test_the_sheet_shows_what_is_missing_in_the_middle(
    root: Path, dataset: Dataset, imputed: Path, tmp_path: Path
) -> None:
    """Imputed boxes appear in the selected frame only; the lines differ not only in colour."""
    write_frames(
        [frame_id(MISSED)], dataset, root / "videos", tmp_path / "out", imputed=imputed, sheet=True
    )
    sheet = np.asarray(Image.open(tmp_path / "out" / "sheet.png"))[60:]
    third = sheet.shape[1] // 3
    parts = [sheet[:, at * third : (at + 1) * third] for at in range(3)]
    missing = [share_of(colour("imputed"), part) for part in parts]
    predicted = [share_of(colour("predicted"), part) for part in parts]
    assert missing[0] == missing[2] == 0 < missing[1]
    assert min(predicted[0], predicted[2]) > 0
    assert STYLES["imputed"].dash_px != STYLES["suspicious"].dash_px
    assert STYLES["predicted"].dash_px is None
    assert len({style.tag for style in STYLES.values()}) == 3


def test_the_sheet_has_previous_selected_and_next_from_left_to_right(
    root: Path, tmp_path: Path
) -> None:
    """Without boxes the panels are the frames, scaled to the panel's width."""
    bare = Dataset([frame_id(4)], embeddings=np.eye(1, 2))
    write_frames([frame_id(4)], bare, root / "videos", tmp_path / "out", sheet=True)
    sheet = Image.open(tmp_path / "out" / "sheet.png")
    pixels = [frame.pixels[..., ::-1] for frame in frames(root / "videos" / "a" / "clip.mp4")]
    height = round(videos.HEIGHT * PANEL_PX / videos.WIDTH)
    bottom = sheet.height - GAP_PX - 4
    for place, number in enumerate((3, 4, 5)):
        left = GAP_PX + place * (PANEL_PX + GAP_PX)
        panel = np.asarray(sheet.crop((left, bottom - height, left + PANEL_PX, bottom)), float)
        size = (PANEL_PX, height)
        unlike = [
            np.abs(panel - np.asarray(Image.fromarray(held.copy()).resize(size), float)).mean()
            for held in pixels
        ]
        assert int(np.argmin(unlike)) == number


def test_a_long_sheet_has_pages(root: Path, dataset: Dataset, tmp_path: Path) -> None:
    samples = [frame_id(n) for n in range(6)]
    titles = {frame_id(0): "because " * 100}
    write_frames(samples, dataset, root / "videos", tmp_path / "out", sheet=True, titles=titles)
    data = (tmp_path / "out" / "sheet.pdf").read_bytes()
    assert b"/Count 2" in data


def test_images_that_are_no_frames_are_copied(tmp_path: Path) -> None:
    image = videos.write_image(tmp_path / "data" / "x" / "1.png", 0)
    held = open_dataset(tmp_path / "data")
    written = write_frames(["x/1.png"], held, tmp_path, tmp_path / "out", sheet=True)
    assert (tmp_path / "out" / "images" / "x" / "1.png").read_bytes() == image.read_bytes()
    assert written.sizes == {"x/1.png": (videos.WIDTH, videos.HEIGHT)}


def test_images_that_would_share_a_label_file(tmp_path: Path) -> None:
    """x.png and x.jpg: COCO tells them apart, YOLO cannot."""
    images = ["x.png", "x.jpg"]
    for name in images:
        videos.write_image(tmp_path / "data" / name, 0)
    held = open_dataset(tmp_path / "data", predictions={"det": no_boxes(images)})
    write_frames(images, held, tmp_path, tmp_path / "coco", coco=True)
    with pytest.raises(DataError) as caught:
        write_frames(images, held, tmp_path, tmp_path / "yolo", yolo=True)
    assert str(caught.value) == (
        "'x.jpg': differs from another image in its ending only, so that they would share a YOLO "
        "label file; 'selectlab export --format yolo' renames one"
    )
    assert not (tmp_path / "yolo").exists()


def no_boxes(images: list[str]) -> PredictionTable:
    about = {
        "images": [{"id": at, "file_name": name} for at, name in enumerate(images)],
        "categories": [{"id": 0, "name": "disc"}],
    }
    return read_coco([], about)


def test_errors_say_what_to_do(root: Path, dataset: Dataset, tmp_path: Path) -> None:
    out, folder = tmp_path / "out", root / "videos"

    def line(*args: Any, **options: Any) -> str:
        with pytest.raises(DataError) as caught:
            write_frames(*args, **options)
        return str(caught.value)

    assert line([frame_id(0)], dataset, tmp_path, out) == (
        f"{tmp_path}/a/clip.mp4: no such video; frame '{frame_id(0)}' is selected from it; "
        "--videos FOLDER says where it lies"
    )
    assert line([frame_id(30)], dataset, folder, out) == (
        f"{folder}/a/clip.mp4: has 12 frames, but frame 30 is selected; is it another video of "
        "the same name?"
    )
    full = build(tmp_path / "full", {"thesis.txt": "precious"})
    assert line([frame_id(0)], dataset, folder, full) == (
        f"{full}: holds files already, such as 'thesis.txt'; choose another folder, or "
        "--overwrite to replace earlier frames"
    )
    assert line([frame_id(0)], dataset, folder, full, overwrite=True) == (
        f"{full}: holds files but no frames.json; nothing is overwritten"
    )
    bare = Dataset([frame_id(0)], embeddings=np.eye(1, 2))
    assert line([frame_id(0)], bare, folder, tmp_path / "o2", coco=True) == (
        f"{bare.source.where}: no prediction task with boxes to write"
    )


def test_an_error_leaves_nothing_and_what_was_there(
    root: Path, dataset: Dataset, tmp_path: Path
) -> None:
    """A video that is too short, or broken: found out after other frames are written."""
    held = tmp_path / "here"
    broken = tmp_path / "broken" / "a" / "clip.mp4"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no video")
    before = sorted(tmp_path.rglob("*"))
    for samples, folder in (
        ([frame_id(1), frame_id(30)], root / "videos"),
        ([frame_id(1)], tmp_path / "broken"),
        (["unknown.png"], root / "videos"),
    ):
        with pytest.raises(DataError):
            write_frames(samples, dataset, folder, tmp_path / "new" / "out")
        assert sorted(tmp_path.rglob("*")) == before
    write_frames([frame_id(1)], dataset, root / "videos", held)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError):
        write_frames([frame_id(30)], dataset, root / "videos", held, overwrite=True)
    assert sorted(tmp_path.rglob("*")) == before
    write_frames([frame_id(2)], dataset, root / "videos", held, overwrite=True)
    assert [path.name for path in held.rglob("*.png")] == [Path(frame_id(2)).name]


def test_a_place_that_cannot_be_written_is_one_line(
    root: Path, dataset: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "out", Path("/proc/y")):
        with pytest.raises(DataError) as caught:
            write_frames([frame_id(0)], dataset, root / "videos", out)
        assert str(caught.value).startswith(f"{out}: cannot be written: ")


def test_the_command_takes_a_run(
    root: Path, dataset: Dataset, imputed: Path, tmp_path: Path
) -> None:
    said = {"input": {"type": "ASSERTION", "name": "flicker", "task": "det"},
            "strategy": {"type": "WEIGHTS"}}  # fmt: skip
    chosen = select({"n_samples": 2, "strategies": [said]}, dataset)
    chosen.save(tmp_path / "run")
    assert chosen.ids[0] == frame_id(MISSED)
    args = ["frames", str(tmp_path / "run"), "--data", str(root / "data"), "--videos"]
    args += [str(root / "videos"), "--imputed", str(imputed), "--coco", "--yolo", "--sheet"]
    done = CliRunner().invoke(app, [*args, "--out", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["frames"] == 2
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("images", "neighbours", "labels", "coco.json", "data.yaml", "frames.json"),
        *("sheet.pdf", "sheet.png"),
    }
    again = CliRunner().invoke(app, [*args, "--out", str(tmp_path / "out"), "--overwrite"])
    assert again.exit_code == 0, again.output
    assert "2 images and" in again.stdout


def test_a_real_video(tmp_path: Path) -> None:
    """vtest.avi: frame k of the video is frame k + 1 of its ground truth."""
    folder = shared_data("vtest_pets")
    held = Dataset(["vtest-100-avi.png"], embeddings=np.eye(1, 2))
    written = write_frames(["vtest-100-avi.png"], held, folder, tmp_path / "out")
    assert written.sizes == {"vtest-100-avi.png": (768, 576)}
    assert written.timestamps_s == {"vtest-100-avi.png": pytest.approx(10.0)}
