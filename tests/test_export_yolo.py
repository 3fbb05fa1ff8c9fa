"""YOLO folders: by hand, and as ultralytics itself finds and reads them."""

from __future__ import annotations

import csv
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from folder_builder import build, png, shared_data
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from listed_items import DETECTION, POSE, SEGMENTS, WEATHER, ListedItems, ranked

from selectlab.errors import DataError
from selectlab.exports.items import Item
from selectlab.exports.outlines import joined, outlines
from selectlab.exports.placed_names import PlacedNames
from selectlab.exports.sources import items_of
from selectlab.exports.yolo import Yolo
from selectlab.inputs.folder import open_dataset
from selectlab.inputs.yolo_layout import label_of
from selectlab.masks import mask_of
from selectlab.shapes import Mask, Shape, Task

SIZE = (40, 20)
IDS = (
    "a.jpg", "a.png", "x/images/1.png", "images/labels/2.png", "b c/ü 漢#1.png", "100%&+.png",
    "v1.2/no.1.jpg", "a.png.png", " odd .png",
)  # fmt: skip
"""Two with one stem (three, once the second is renamed), folders that YOLO gives a meaning to."""


def box_of(number: int) -> tuple[float, float, float, float]:
    return (float(number), 2.0, 8.0, 4.0)


def held(task: Task, shape_of: Any, ids: tuple[str, ...] = IDS) -> ListedItems:
    """Images of 40 x 20 px with a shape each; the last one has nothing in it."""
    items = [
        Item(n, name, 1 / n, size=SIZE, shapes={task.name: [shape_of(n)] if n < len(ids) else []})
        for n, name in enumerate(ids, start=1)
    ]
    return ListedItems(items, [task], images=dict.fromkeys(ids, png(*SIZE)))


def trained_with(out: Path, task: str = "detect") -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return data.yaml and labels as ``yolo train data=data.yaml`` would have them."""
    from selectlab.video.detector import import_ultralytics

    import_ultralytics()
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    data = check_det_dataset(str(out / "data.yaml"))
    loaded = YOLODataset(img_path=data["train"], data=data, task=task, augment=False, imgsz=32)
    assert data["val"] == data["train"]
    return data, sorted(loaded.labels, key=lambda label: label["im_file"])


def samples(out: Path) -> dict[str, str]:
    """Return the sample ids by image."""
    with (out / "samples.csv").open(encoding="utf-8", newline="") as file:
        return {str(out / row["image"]): row["sample_id"] for row in csv.DictReader(file)}


def test_by_hand(tmp_path: Path) -> None:
    """In 100 x 80: x from -10 to 20 keeps 20, so the centre is at 10; y from 70 to 80."""
    shapes = {
        "det": [
            Shape("Fußgänger & <Rad>", 0.5, (-10, 70, 30, 100)),
            Shape("car", box=(100, 0, 9, 9)),
            Shape("car", box=(25, 20, 50, 40), origin="imputed"),
        ]
    }
    items = ListedItems(ranked(shapes, {"det": []}), [DETECTION])
    notes = Yolo(images="none").write(items, tmp_path / "out")
    texts = [(tmp_path / "out" / "labels" / f"img{n}.txt").read_text() for n in (1, 2)]
    assert texts == [
        "1 0.100000 0.937500 0.200000 0.125000\n0 0.500000 0.500000 0.500000 0.500000\n",
        "",
    ]
    text = (tmp_path / "out" / "data.yaml").read_text(encoding="utf-8")
    assert text.startswith("# val is the list of train: ")
    assert yaml.safe_load(text) == {
        "train": "train.txt",
        "val": "train.txt",
        "names": {0: "car", 1: "Fußgänger & <Rad>"},
        "selectlab": {"run": "00c0ffee00c0ffee", "name": "a run", "category_ids": [0, 3]},
    }
    assert (tmp_path / "out" / "samples.csv").read_text() == (
        "image,sample_id,rank,score\nimages/img1.png,img1.png,1,1.0\nimages/img2.png,img2.png,2,0.5\n"
    )
    assert notes == [
        "shapes outside of their image, left out: 1, first in 'img1.png'",
        "ultralytics looks for labels beside the images; to train with those in here, export with "
        "images=link",
    ]


def test_ultralytics_finds_boxes_of_any_name(tmp_path: Path) -> None:
    notes = Yolo().write(held(DETECTION, lambda n: Shape("car", 0.5, box_of(n))), tmp_path / "out")
    data, labels = trained_with(tmp_path / "out")
    assert data["names"] == {0: "car", 1: "Fußgänger & <Rad>"}
    ids = samples(tmp_path / "out")
    assert sorted(ids.values()) == sorted(IDS)
    found = {ids[label["im_file"]]: label for label in labels}
    assert set(found) == set(IDS)
    for number, name in enumerate(IDS[:-1], start=1):
        x, y, w, h = box_of(number)
        assert found[name]["cls"].tolist() == [[0]]
        shares = [(x + w / 2) / 40, (y + h / 2) / 20, w / 40, h / 20]
        assert found[name]["bboxes"] == pytest.approx(np.array([shares]), abs=1e-6)
        assert found[name]["shape"] == (20, 40)
    assert len(found[IDS[-1]]["cls"]) == 0
    assert notes == [
        "9 images could not be linked and are copies",
        "2 images have another name, as two would have shared a label file; samples.csv has their "
        "ids",
    ]


def test_ultralytics_finds_outlines(tmp_path: Path) -> None:
    """Outlines as they are, masks and boxes along their edges; two parts become one line."""
    triangle = (4.0, 2.0, 12.0, 2.0, 12.0, 10.0)
    pixels = np.zeros((20, 40), dtype=bool)
    pixels[2:5, 8:16] = True
    parts = (triangle, (20.0, 2.0, 28.0, 2.0, 28.0, 10.0))
    shapes = {
        "seg": [
            Shape("road", polygons=(triangle,)),
            Shape("car", mask=mask_of(pixels)),
            Shape("car", box=(8.0, 10.0, 20.0, 5.0), origin="imputed"),
            Shape("road", polygons=parts),
        ]
    }
    items = ListedItems(ranked(shapes, size=SIZE), [SEGMENTS], images={"img1.png": png(*SIZE)})
    Yolo(images="copy").write(items, tmp_path / "out")
    _, [label] = trained_with(tmp_path / "out", "segment")
    assert label["cls"].ravel().tolist() == [1, 0, 0, 1]
    px = [np.round(segment * SIZE, 3).tolist() for segment in label["segments"]]
    assert px[0] == [[4, 2], [12, 2], [12, 10]]
    assert px[1] == [[8, 2], [16, 2], [16, 5], [8, 5]]
    assert px[2] == [[8, 10], [28, 10], [28, 15], [8, 15]]
    assert px[3] == [[4, 2], [12, 2], [20, 2], [28, 2], [28, 10], [20, 2], [12, 2], [12, 10]]


def test_ultralytics_finds_keypoints(tmp_path: Path) -> None:
    """A box without keypoints has absent ones; a keypoint beside the image is absent too."""
    points = ((10.0, 5.0, 0.25), (50.0, 5.0, 1.0), (20.0, 10.0, 0.0))
    shapes = {
        "pose": [
            Shape("person", 0.5, (8.0, 4.0, 16.0, 8.0), keypoints=points),
            Shape("person", box=(0.0, 0.0, 20.0, 10.0), origin="imputed"),
        ]
    }
    items = ListedItems(ranked(shapes, size=SIZE), [POSE], images={"img1.png": png(*SIZE)})
    notes = Yolo().write(items, tmp_path / "out")
    data, [label] = trained_with(tmp_path / "out", "pose")
    assert (data["kpt_shape"], data["kpt_names"]) == ([3, 3], {0: ["nose", "left eye", "tail"]})
    assert label["keypoints"].tolist() == [
        [[0.25, 0.25, 2], [0, 0, 0], [0, 0, 0]], [[0, 0, 0]] * 3,
    ]  # fmt: skip
    assert "boxes without keypoints, whose keypoints are absent: 1, first in 'img1.png'" in notes


def test_the_number_of_keypoints_is_that_of_the_first(tmp_path: Path) -> None:
    """Where the schema has no names for them; boxes without come before it."""
    bare = Task("pose", "keypoint-detection", {0: "person"})
    pair = Shape("person", box=(0, 0, 4, 4), keypoints=((1, 1, 1), (2, 2, 1)))
    alone = Shape("person", box=(0, 0, 4, 4))
    items = ListedItems(ranked({"pose": [alone]}, {"pose": [pair]}), [bare])
    Yolo(images="none").write(items, tmp_path / "out")
    data = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text())
    assert (data["kpt_shape"], "kpt_names" in data) == ([2, 3], False)
    lines = [(tmp_path / "out" / "labels" / f"img{n}.txt").read_text() for n in (1, 2)]
    assert [len(line.split()) for line in lines] == [5 + 6, 5 + 6]

    def line(*shapes: Shape) -> str:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        with pytest.raises(DataError) as caught:
            Yolo(images="none").write(
                ListedItems(ranked({"pose": shapes}), [bare]), tmp_path / "out"
            )
        return str(caught.value)

    assert line(alone) == (
        "no sample has keypoints, and the schema of the task does not name them, so that "
        "kpt_shape cannot be told; choose another --task"
    )
    assert line(pair, Shape("person", keypoints=((1, 1, 1),))) == (
        "sample 'img1.png': 1 keypoints, but others have 2; all objects of a YOLO dataset have "
        "the same"
    )


def test_real_labels_come_out_as_they_went_in(tmp_path: Path) -> None:
    """The first 40 of coco128, predictions of a task: the same numbers to six places."""
    root = shared_data("coco128")
    names = sorted(path.stem for path in (root / "images" / "val2017").glob("*.jpg"))[:40]
    base = tmp_path / "data" / "predictions" / "coco128"
    base.mkdir(parents=True)
    shutil.copy(root / "object_detection" / "config.yaml", base / "data.yaml")
    before = {}
    for name in names:
        shutil.copy(root / "images" / "val2017" / f"{name}.jpg", tmp_path / "data")
        label = root / "object_detection" / "labels" / "val2017" / f"{name}.txt"
        if label.exists():
            shutil.copy(label, base)
            before[name] = np.loadtxt(label, ndmin=2).reshape(-1, 5)
    dataset = open_dataset(tmp_path / "data")
    notes = Yolo().write(items_of(dataset.ids, dataset, min_score=0), tmp_path / "out")
    assert notes == []
    data, labels = trained_with(tmp_path / "out")
    assert (len(labels), len(data["names"]), data["names"][16]) == (40, 80, "dog")
    after = {Path(label["im_file"]).stem: label for label in labels}
    for name, rows in before.items():
        label = after[name]
        found = np.hstack([label["cls"], label["bboxes"]])
        rows = np.unique(rows, axis=0)
        assert sorted(found.tolist()) == pytest.approx(np.array(sorted(rows.tolist())), abs=2e-6)
    image = tmp_path / "out" / "images" / f"{names[0]}.jpg"
    assert image.samefile(tmp_path / "data" / f"{names[0]}.jpg")


@pytest.mark.slow
def test_ultralytics_trains_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the folder that holds data.yaml, as a user would; the folder has been moved before."""
    from selectlab.video.detector import import_ultralytics

    items = held(DETECTION, lambda n: Shape("car", 0.5, box_of(n)))
    Yolo().write(items, tmp_path / "out")
    shutil.move(tmp_path / "out", tmp_path / "moved")
    monkeypatch.chdir(tmp_path / "moved")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = import_ultralytics().YOLO("yolov8n.yaml", task="detect")
        model.train(
            data="data.yaml", epochs=1, imgsz=64, batch=3, workers=0, plots=False, device="cpu",
            project=str(tmp_path / "runs"), verbose=False, amp=False,
        )  # fmt: skip
    assert (tmp_path / "runs" / "train" / "weights" / "last.pt").is_file()
    assert model.trainer.train_loader.dataset.ni == len(IDS)


def test_sizes_that_are_not_known(tmp_path: Path) -> None:
    """No label file is "not labelled", an empty one is "nothing in here"; both are kept apart."""
    shapes = [{"det": [Shape("car", box=(0, 0, 1, 1))]}, {"det": []}]
    notes = Yolo(images="none").write(
        ListedItems(ranked(*shapes, size=None), [DETECTION]), tmp_path / "out"
    )
    labels = tmp_path / "out" / "labels"
    assert [path.name for path in labels.iterdir()] == ["img2.txt"]
    assert notes[0] == (
        "samples with shapes but of no known size, which have no label file: 1, first in 'img1.png'"
    )


def test_without_images(tmp_path: Path) -> None:
    """The list names the images where they are; where nobody knows, where they belong."""
    places = ["/data/1.png", "https://host/2.png", None]
    items = [Item(n, f"{n}.gif", None, location=at) for n, at in enumerate(places, start=1)]
    notes = Yolo(images="none").write(ListedItems(items), tmp_path / "out")
    assert (tmp_path / "out" / "train.txt").read_text() == (
        "/data/1.png\nhttps://host/2.png\n./images/3.gif\n"
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "data.yaml", "samples.csv", "train.txt",
    ]  # fmt: skip
    assert notes == [
        "there are no labels and no class names, as no task goes along, and ultralytics refuses "
        "that; name predictions (--task), or write names into data.yaml",
        "3 images have an ending that ultralytics does not read",
    ]


def test_what_label_files_cannot_hold(tmp_path: Path) -> None:
    def line(*tasks: Task, name: str = "a.png") -> str:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        with pytest.raises(DataError) as caught:
            Yolo(images="none").write(ListedItems([Item(1, name, None)], tasks), tmp_path / "out")
        return str(caught.value)

    assert line(WEATHER) == (
        "task 'weather': YOLO label files hold boxes, outlines or keypoints, but no "
        "classification; leave it out"
    )
    assert line(DETECTION, SEGMENTS) == (
        "task 'det' has boxes and 'seg' outlines; a YOLO dataset has only one of them, so export "
        "one by one"
    )
    assert line(name="a\u2028.png") == (
        "'./images/a\\u2028.png' breaks the line; train.txt holds one image a line"
    )
    assert line(name="../a.png") == (
        "images: '../a.png' leads out of the dataset; ids are paths relative to its folder"
    )


def test_tasks_of_one_kind_go_together(tmp_path: Path) -> None:
    """Classes of the same name are one class."""
    other = Task("more", "object-detection", {0: "tram", 9: "car"})
    shapes = {name: [Shape("car", box=(0, 0, 50, 40))] for name in ("det", "more")}
    Yolo(images="none").write(ListedItems(ranked(shapes), [DETECTION, other]), tmp_path / "out")
    data = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text(encoding="utf-8"))
    assert data["names"] == {0: "car", 1: "Fußgänger & <Rad>", 2: "tram"}
    assert (tmp_path / "out" / "labels" / "img1.txt").read_text() == 2 * (
        "0 0.250000 0.250000 0.500000 0.500000\n"
    )


def test_images_of_a_dataset_are_linked(tmp_path: Path) -> None:
    root = build(tmp_path / "data", {"d/1.png": png(*SIZE), "d/1.jpg": png(*SIZE)})
    dataset = open_dataset(root)
    Yolo().write(items_of(["d/1.png", "d/1.jpg"], dataset), tmp_path / "out")
    placed = samples(tmp_path / "out")
    assert list(placed.values()) == ["d/1.png", "d/1.jpg"]
    for place, name in placed.items():
        assert Path(place).samefile(root / name)


stems = st.sampled_from(["a", "a.png", "a.jpg", "b/a", "images/a", "x/images/a", "x/labels/a", ""])
endings = st.sampled_from([".jpg", ".png", ".JPG", ".png.png", "", "."])


@given(st.lists(st.builds(str.__add__, stems, endings), unique=True))
def test_no_two_images_share_a_label_file(ids: list[str]) -> None:
    """And the names are told apart without their endings, as ultralytics tells them."""
    names = PlacedNames()
    placed = [names.place(name) for name in ids]
    labels = [label_of(f"images/{name}") for name in placed]
    assert len(set(labels)) == len(set(placed)) == len(ids)
    assert names.n_renamed == sum(a != b for a, b in zip(ids, placed, strict=True))


def filled(polygons: list[tuple[float, ...]], height: int, width: int) -> np.ndarray[Any, Any]:
    """Whether the middle of each pixel is inside: an odd number of edges to its right."""
    inside = np.zeros((height, width), dtype=bool)
    for row in range(height):
        for column in range(width):
            x, y, crossings = column + 0.5, row + 0.5, 0
            for flat in polygons:
                corners = list(zip(flat[0::2], flat[1::2], strict=True))
                for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
                    if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
                        crossings += 1
            inside[row, column] = crossings % 2 == 1
    return inside


@given(arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 7))))
def test_outlines_give_the_mask_again(pixels: np.ndarray[Any, Any]) -> None:
    """Alone and drawn in one line, holes and all; outer outlines are clockwise as one sees them."""
    found = outlines(mask_of(pixels))
    assert bool(found) == pixels.any()
    assert (filled(found, *pixels.shape) == pixels).all()
    if found:
        assert (filled([joined(found)], *pixels.shape) == pixels).all()
        x, y = np.array(found[0]).reshape(-1, 2).T
        assert (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() > 0


def test_outlines_keep_pixels_apart_that_touch_at_a_corner() -> None:
    """Two squares, and a ring with its hole."""
    assert outlines(Mask((0, 1, 2, 1), 2, 2)) == [
        (0, 0, 1, 0, 1, 1, 0, 1), (1, 1, 2, 1, 2, 2, 1, 2),
    ]  # fmt: skip
    ring = np.ones((3, 3), dtype=bool)
    ring[1, 1] = False
    assert outlines(mask_of(ring)) == [
        (0, 0, 3, 0, 3, 3, 0, 3), (1, 2, 2, 2, 2, 1, 1, 1),
    ]  # fmt: skip
