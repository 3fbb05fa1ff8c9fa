"""YOLO label and result files as predictions."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from folder_builder import build, png, shared_data
from PIL import Image

from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.inputs.folder import open_dataset
from selectlab.inputs.yolo import class_names, read_yolo

SIZES = {"a.jpg": (200, 100), "d/b.jpg": (10, 10)}
FILES = {
    "labels/a.txt": "1 0.5 0.5 0.2 0.4 0.75\n\n0 0.1 0.1 0.2 0.2 0.5\r\n",
    "labels/d/b.txt": "",
    "data.yaml": "names: [cat, dog]\n",
}


def test_lines_become_boxes_in_px(tmp_path: Path) -> None:
    """Centre (100, 50), size 40 x 40 on a 200 x 100 image: corner (80, 30)."""
    table = read_yolo(build(tmp_path, FILES) / "labels", images=SIZES, task="det")
    found = table.predictions
    assert table.ids == ("a.jpg", "d/b.jpg")
    assert (found.names, found.category.tolist()) == (("cat", "dog"), [1, 0])
    assert found.score.tolist() == [0.75, 0.5]
    assert found.boxes is not None
    assert found.boxes.ravel().tolist() == pytest.approx([80, 30, 40, 40, 0, 0, 40, 20])
    assert found.offsets.tolist() == [0, 2, 2]
    assert found.listed.tolist() == [True, True]
    assert Dataset(predictions={"det": table}).ids == ("a.jpg", "d/b.jpg")


def test_labels_are_certain(tmp_path: Path) -> None:
    build(tmp_path, {"x.txt": "0 .5 .5 1 1", "x.png": png(4, 3), "classes.txt": "cat\n"})
    found = read_yolo(tmp_path).predictions
    assert found.score.tolist() == [1.0]
    assert found.boxes is not None
    assert found.boxes.tolist() == [[0, 0, 4, 3]]


def test_images_in_the_folder_beside_labels(tmp_path: Path) -> None:
    """labels/train/x.txt belongs to images/train/x.png; names lie two folders up."""
    build(
        tmp_path,
        {
            "labels/train/x.txt": "7 .5 .5 .5 1",
            "images/train/x.png": png(8, 2),
            "data.yaml": "names:\n  7: owl\n  2: 1984\n",
        },
    )
    table = read_yolo(tmp_path / "labels" / "train")
    assert table.ids == ("x.png",)
    assert table.predictions.names == ("1984", "owl")
    assert table.predictions.category_ids == (2, 7)
    assert table.predictions.boxes is not None
    assert table.predictions.boxes.tolist() == [[2, 0, 4, 2]]


def test_an_image_lying_on_its_side_has_the_size_it_is_shown_in(tmp_path: Path) -> None:
    """Stored 8 x 2 with orientation 6 (turned by 90 degrees), shown 2 x 8, as YOLO sees it."""
    image, exif, buffer = Image.new("RGB", (8, 2)), Image.Exif(), io.BytesIO()
    exif[274] = 6
    image.save(buffer, "JPEG", exif=exif)
    build(tmp_path, {"x.txt": "0 .5 .5 1 1", "x.jpg": buffer.getvalue()})
    found = read_yolo(tmp_path, names=["a"]).predictions
    assert found.boxes is not None
    assert found.boxes.tolist() == [[0, 0, 2, 8]]


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        (
            {"labels/a.txt": "0 0.5 0.5 0.2\n"},
            {},
            "a.txt line 1: must be class x y w h and optionally a confidence, got '0 0.5 0.5 0.2'",
        ),
        (
            {"labels/a.txt": "\ncat 0.5 0.5 0.2 0.2\n"},
            {},
            "a.txt line 2: must be class x y w h and optionally a confidence, "
            "got 'cat 0.5 0.5 0.2 0.2'",
        ),
        (
            {"labels/a.txt": "0 100 50 40 40"},
            {},
            "a.txt line 1: x y w h must be shares of the image from 0 to 1, got '0 100 50 40 40'",
        ),
        (
            {"labels/a.txt": "0 nan .5 .5 .5"},
            {},
            "a.txt line 1: x y w h must be shares of the image from 0 to 1, got '0 nan .5 .5 .5'",
        ),
        (
            {"labels/a.txt": "2 .5 .5 .5 .5"},
            {},
            "a.txt: predictions[0].category_id 2 is not in the schema of task 'yolo'; "
            "known ids: 0, 1",
        ),
        (
            {"labels/a.txt": "0 .5 .5 .5 .5 1.5"},
            {},
            "a.txt: predictions[0].score must be a number from 0 to 1, got 1.5",
        ),
        ({"data.yaml": "nc: 2"}, {}, "data.yaml: no class names; expected 'names', a list or a mapping"),
        ({"data.yaml": "names: [a, a]"}, {}, "data.yaml: two classes have the same name"),
        ({}, {"images": {"a.jpg": (1, 1)}}, "{root}/labels: no image, so no size in px, for "
         "1 of 2 files, first 'd/b.txt'"),
        ({}, {"images": None}, "{root}/images: no such folder; a dataset is a folder or a URL of one"),
    ],
)  # fmt: skip
def test_bad_yolo(
    tmp_path: Path, files: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    build(tmp_path, FILES | files)
    with pytest.raises(DataError) as caught:
        read_yolo(tmp_path / "labels", **({"images": SIZES} | options))
    assert str(caught.value) == message.replace("{root}", str(tmp_path))


def test_malformed_yaml(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data.yaml: malformed YAML, .* line 1"):
        class_names(build(tmp_path, {"data.yaml": "names: [a"}) / "data.yaml")


def test_no_names_to_be_found(tmp_path: Path) -> None:
    build(tmp_path, {"p/q/labels/a.txt": ""})
    with pytest.raises(DataError, match=r"no class names; expected data.yaml"):
        read_yolo(tmp_path / "p" / "q" / "labels", images=SIZES)


@pytest.mark.parametrize("listed", [True, False])
def test_in_a_dataset_folder(tmp_path: Path, listed: bool) -> None:
    """Results of one task as YOLO writes them; b.jpg had no detection and no file."""
    files: dict[str, Any] = {
        "pics/a.png": png(20, 10),
        "pics/b.png": png(),
        "predictions/yolo/a.txt": "1 0.5 0.5 0.5 0.5 0.9\n",
        "predictions/yolo/data.yaml": "names: {0: cat, 1: dog}\n",
    }
    if listed:
        files["predictions/tasks.json"] = ["yolo"]
    data = open_dataset(build(tmp_path, files))
    assert data.ids == ("pics/a.png", "pics/b.png")
    found = data.predictions("yolo")
    assert found.counts().tolist() == [1, 0]
    assert found.listed.tolist() == [True, False]
    assert found.boxes is not None
    assert found.boxes.tolist() == [[5, 2.5, 10, 5]]


def test_a_schema_may_name_the_classes(tmp_path: Path) -> None:
    schema = {"task_type": "object-detection", "categories": [{"id": 4, "name": "owl"}]}
    build(
        tmp_path,
        {
            "a.png": png(),
            "predictions/t/a.txt": "4 .5 .5 .5 .5",
            "predictions/t/schema.json": schema,
        },
    )
    assert open_dataset(tmp_path).predictions("t").names == ("owl",)


def test_real_labels() -> None:
    """898 boxes of 80 classes on 128 images, names from config.yaml two folders up."""
    root = shared_data("coco128")
    labels, images = root / "object_detection" / "labels" / "val2017", root / "images"
    table = read_yolo(labels, images=images / "val2017", task="gt")
    assert (len(table.ids), len(table.predictions.category)) == (128, 898)
    assert len(table.predictions.names) == 80
    data = open_dataset(images, predictions={"gt": table})
    assert data.ids[0] == "val2017/000000000139.jpg"
    assert data.predictions("gt").counts().sum() == 898
    assert data.predictions("gt").score.min() == 1.0
