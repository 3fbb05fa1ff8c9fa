"""COCO results and instances as predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_builder import build, png, shared_data

from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.inputs.coco import coco_area, read_coco
from selectlab.inputs.folder import open_dataset

ABOUT = {
    "images": [
        {"id": 10, "file_name": "b.jpg", "width": 8, "height": 6},
        {"id": 11, "file_name": "a.jpg", "width": 8, "height": 6},
    ],
    "categories": [{"id": 3, "name": "cat"}, {"id": 90, "name": "dog"}],
}
RESULTS = [
    {"image_id": 11, "category_id": 90, "bbox": [1, 2, 3, 4], "score": 0.5},
    {"image_id": 11, "category_id": 3, "bbox": [0, 0, 1, 1], "score": 0.25, "segmentation": []},
]


def test_results_with_images_beside_them() -> None:
    """Both images are listed; the two results belong to the second; class 90 is index 1."""
    table = read_coco(RESULTS, ABOUT, task="det")
    found = table.predictions
    assert table.ids == ("b.jpg", "a.jpg")
    assert (found.task, found.task_type, found.names) == ("det", "object-detection", ("cat", "dog"))
    assert found.offsets.tolist() == [0, 0, 2]
    assert found.category.tolist() == [1, 0]
    assert found.score.tolist() == [0.5, 0.25]
    assert found.boxes is not None
    assert found.boxes.tolist() == [[1, 2, 3, 4], [0, 0, 1, 1]]
    assert found.listed.all()
    assert found.area is None


def test_labels_are_certain() -> None:
    """Annotations have no score: somebody drew them."""
    labels = [{key: r[key] for key in ("image_id", "category_id", "bbox")} for r in RESULTS]
    assert read_coco(ABOUT | {"annotations": labels}).predictions.score.tolist() == [1.0, 1.0]


def test_keypoints_and_segmentations() -> None:
    """Visibility 2 counts as 1: (1 + 0) / 2. A 4 x 3 right triangle has 6 px."""
    at = {"image_id": 10, "category_id": 3, "score": 0.5}
    points = read_coco([at | {"keypoints": [5, 5, 2, 0, 0, 0]}], ABOUT).predictions
    assert points.task_type == "keypoint-detection"
    assert points.keypoint_confidence is not None
    assert points.keypoint_confidence.tolist() == [0.5]
    masks = read_coco([at | {"segmentation": [[0, 0, 4, 0, 4, 3]]}], ABOUT).predictions
    assert masks.task_type == "instance-segmentation"
    assert masks.area is not None
    assert masks.area.tolist() == [6.0]


def test_run_lengths() -> None:
    """Counts 2, 3, 4, 1: ones are 3 + 1. Compressed by hand: 2 -> '2', 3 -> '3', 4 -> '4';
    the fourth is stored as its difference to the second, 1 - 3 = -2 -> bits 11110 -> 'N'.
    """
    assert coco_area({"counts": [2, 3, 4, 1], "size": [2, 5]}, "x") == 4
    assert coco_area({"counts": "234N", "size": [2, 5]}, "x") == 4


def test_long_run_lengths_take_several_letters() -> None:
    """1000 = 01000 + 32 * 11111: low bits 8 with the more bit 8 + 32 -> 'X', then 31, which
    would read as negative alone, so 31 + 32 -> 'o', then 0 -> '0'.
    """
    assert coco_area({"counts": "0Xo0", "size": [1, 1000]}, "x") == 1000


@pytest.mark.parametrize("value", [[[1, 2]], [["a"] * 6], "mask", {"counts": [1, -1]}, {}])
def test_bad_segmentations(value: Any) -> None:
    with pytest.raises(DataError, match=r"^x"):
        coco_area(value, "x")


@pytest.mark.parametrize(
    ("results", "about", "message"),
    [
        (
            [RESULTS[0] | {"image_id": 12}],
            ABOUT,
            "given: [0].image_id 12 is not in the images of given",
        ),
        (
            [RESULTS[0] | {"category_id": 4}],
            ABOUT,
            "given: a.jpg: predictions[0].category_id 4 is not in the schema of task 'coco'; "
            "known ids: 3, 90",
        ),
        (
            [RESULTS[0] | {"score": None}],
            ABOUT,
            "given: [0].score is missing; results have one each",
        ),
        (
            RESULTS,
            None,
            "given: no images and categories; a results list needs an instances JSON that has both",
        ),
        (
            RESULTS,
            ABOUT | {"images": [{"id": 1, "file_name": "../a"}]},
            "given: images[0].file_name: '../a' leads out of the dataset; "
            "ids are paths relative to its folder",
        ),
        (
            RESULTS,
            ABOUT | {"images": [{"id": 1, "file_name": "a"}] * 2},
            "given: image id 1 occurs twice",
        ),
        ("nothing.json", None, "nothing.json: no such file"),
    ],
)
def test_bad_coco(results: Any, about: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_coco(results, about)
    assert str(caught.value) == message


@pytest.mark.parametrize("form", ["images", "instances", "whole"])
def test_in_a_dataset_folder(tmp_path: Path, form: str) -> None:
    """File names lack the folder the images lie in; no tasks.json is needed."""
    files: dict[str, Any] = {"pics/a.jpg": png(), "pics/b.jpg": png(), "pics/c.jpg": png()}
    files["predictions/det.json"] = RESULTS
    if form == "whole":
        files["predictions/det.json"] = ABOUT | {"annotations": RESULTS}
    elif form == "images":
        files["predictions/det.images.json"] = ABOUT
    else:
        files["predictions/instances.json"] = ABOUT
    data = open_dataset(build(tmp_path, files))
    assert data.ids == ("pics/a.jpg", "pics/b.jpg", "pics/c.jpg")
    assert list(data.source.tasks()) == ["det"]
    assert data.predictions("det").counts().tolist() == [2, 0, 0]
    assert data.predictions("det").listed.tolist() == [True, True, False]


def test_a_name_that_fits_two_images_is_refused(tmp_path: Path) -> None:
    build(
        tmp_path,
        {"x/a.jpg": png(), "y/a.jpg": png(), "predictions/det.json": ABOUT | {"annotations": []}},
    )
    with pytest.raises(DataError, match=r"'a.jpg' could be 'x/a.jpg' or 'y/a.jpg'"):
        open_dataset(tmp_path)


def test_predictions_from_elsewhere_join_a_folder(tmp_path: Path) -> None:
    build(tmp_path, {"pics/a.jpg": png()})
    data = open_dataset(tmp_path, predictions={"det": read_coco(RESULTS, ABOUT)})
    assert data.ids == ("b.jpg", "pics/a.jpg")
    assert data.predictions("det").counts().tolist() == [0, 2]


def test_real_detections() -> None:
    """452 detections of 20 classes on 98 images; the numbers agree with the text files.

    Those count the classes in another order, so that only the grouping can be compared.
    """
    root = shared_data("voc100_dets") / "data" / "database" / "dets"
    table = read_coco(root / "coco_format" / "coco_dets.json", task="voc")
    found = table.predictions
    assert (len(table.ids), len(found.category), len(found.names)) == (98, 452, 20)
    data = Dataset(predictions={"voc": table})
    held = data.predictions("voc")
    assert held.boxes is not None
    pairs = set()
    for row, sample_id in enumerate(data.ids):
        text = (root / "abs_xywh" / sample_id.replace(".jpg", ".txt")).read_text()
        lines = np.array([line.split() for line in text.splitlines()], dtype=float)
        mine = slice(held.offsets[row], held.offsets[row + 1])
        pairs |= set(zip(held.category[mine].tolist(), lines[:, 0].tolist(), strict=True))
        assert held.score[mine] == pytest.approx(lines[:, 1], abs=1e-6)
        assert held.boxes[mine] == pytest.approx(lines[:, 2:])
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}) == 20


def test_real_labels() -> None:
    """Areas by polygon agree with those the file gives."""
    path = shared_data("voc100_dets") / "data/database/gts/coco_format_v2/instances_v2.json"
    table = read_coco(path)
    content = json.loads(path.read_text())
    assert (len(table.ids), len(table.predictions.category)) == (100, 273)
    area = table.predictions.area
    assert area is not None
    assert sorted(area.tolist()) == sorted(float(a["area"]) for a in content["annotations"])
