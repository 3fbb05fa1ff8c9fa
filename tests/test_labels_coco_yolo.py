"""Labels in COCO and YOLO files: by hand, malformed, and out and back again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_builder import build, png, shared_data
from hypothesis import given
from hypothesis import strategies as st
from listed_items import ODD_IDS, POSE, SEGMENTS, WEATHER, ListedItems, ranked

from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.exports.coco import Coco
from selectlab.exports.items import Item
from selectlab.exports.yolo import Yolo
from selectlab.inputs.folder import open_dataset
from selectlab.labels.coco import read_labels as read_coco
from selectlab.labels.formats import open_labels
from selectlab.labels.label import LabelFile, RawLabel
from selectlab.labels.matching import match
from selectlab.labels.yolo import read_labels as read_yolo
from selectlab.masks import mask_of
from selectlab.shapes import Mask, Shape, Task

SIZE = (100, 80)
DET = Task("", "object-detection", {3: "car", 90: "Fußgänger & <Rad>"})


def labelled(category: str, **drawn: Any) -> Shape:
    return Shape(category, origin="labelled", **drawn)


def by_name(labels: LabelFile) -> dict[str, RawLabel]:
    return {label.name: label for label in labels}


def line_of(read: Any, path: Path) -> str:
    """Return what reading all labels complains of."""
    with pytest.raises(DataError) as caught:
        list(read(path))
    return str(caught.value)


# COCO


def instances(**fields: Any) -> dict[str, Any]:
    """A file with an image, one without annotations, and a category."""
    return {
        "images": [
            {"id": 7, "file_name": "a/1.jpg", "width": 4, "height": 3},
            {"id": "x", "file_name": "2.jpg"},
        ],
        "annotations": [],
        "categories": [{"id": 5, "name": "cat"}],
        **fields,
    }


def coco_file(tmp_path: Path, *annotations: dict[str, Any], **fields: Any) -> Path:
    """A file with these annotations of category 5 on the first image."""
    listed = [{"id": at, "image_id": 7, "category_id": 5, **a} for at, a in enumerate(annotations)]
    build(tmp_path, {"labels.json": instances(annotations=listed, **fields)})
    return tmp_path / "labels.json"


def test_coco_by_hand(tmp_path: Path) -> None:
    """Masks go down the columns there: 5 0s, 2 1s are row 2 of column 1 and row 0 of column 2."""
    path = coco_file(
        tmp_path,
        {"bbox": [1, 2, 3, 4], "score": 0.5, "attributes": {"occluded": True, "tags": ["a"]}},
        {"segmentation": [[0, 0, 4, 0, 4, 3]], "bbox": [0, 0, 4, 3]},
        {"segmentation": {"size": [3, 4], "counts": [5, 2, 5]}, "iscrowd": 1},
        {"keypoints": [1, 2, 2, 3, 4, 1, 0, 0, 0], "num_keypoints": 2, "bbox": [1, 2, 2, 2]},
    )
    labels = read_coco(path)
    first, second = labels
    assert (first.name, first.is_id, first.size) == ("a/1.jpg", False, (4, 3))
    more = {"occluded": True, "tags": '["a"]'}
    assert first.shapes == (
        labelled("cat", box=(1.0, 2.0, 3.0, 4.0), attributes=more),
        labelled("cat", box=(0.0, 0.0, 4.0, 3.0), polygons=((0.0, 0.0, 4.0, 0.0, 4.0, 3.0),)),
        labelled("cat", mask=Mask((2, 1, 6, 1, 2), 4, 3), attributes={"iscrowd": True}),
        labelled("cat", box=(1.0, 2.0, 2.0, 2.0),
                 keypoints=((1.0, 2.0, 1.0), (3.0, 4.0, 1.0), (0.0, 0.0, 0.0))),
    )  # fmt: skip
    assert (second.name, second.shapes, second.size) == ("2.jpg", (), None)
    assert (first.labelled_at, first.labelled_by) == (None, None)
    assert labels.task == Task("", "keypoint-detection", {5: "cat"})


def test_coco_tells_what_was_labelled(tmp_path: Path) -> None:
    box, outline = {"bbox": [0, 0, 1, 1]}, {"segmentation": [[0, 0, 4, 0, 4, 3]]}
    assert read_coco(coco_file(tmp_path)).task.type == "object-detection"
    assert read_coco(coco_file(tmp_path, box)).task.type == "object-detection"
    assert read_coco(coco_file(tmp_path, box, outline)).task.type == "instance-segmentation"


@pytest.mark.parametrize(
    ("annotation", "complaint"),
    [
        ({"bbox": [1, 2, 3]}, "annotations[0].bbox must be 4 finite numbers x, y, width, height "
         "with width and height >= 0, got [1, 2, 3]"),
        ({"bbox": [1, 2, -3, 4]}, "annotations[0].bbox must be 4 finite numbers x, y, width, "
         "height with width and height >= 0, got [1, 2, -3, 4]"),
        ({"segmentation": [[0, 0, 1, 1]]}, "annotations[0].segmentation must be outlines x1, y1, "
         "x2, y2, ... of 3 points or more, or a run-length mask, got [[0, 0, 1, 1]]"),
        ({"segmentation": {"size": [3, 4], "counts": [5, 2]}}, "annotations[0].segmentation: its "
         "counts are of 7 pixels, its size 4 x 3"),
        ({"segmentation": {"counts": [12]}}, "annotations[0].segmentation.size must be height and "
         "width, got None"),
        ({"keypoints": [1, 2]}, "annotations[0].keypoints must be numbers x, y, v for each "
         "keypoint, got [1, 2]"),
        ({}, "annotations[0] has no bbox, segmentation or keypoints"),
        ({"category_id": 6, "bbox": [0, 0, 1, 1]}, "annotations[0].category_id 6 is not in the "
         "categories"),
        ({"image_id": 8}, "annotations[0].image_id 8 is not in the images"),
    ],
)  # fmt: skip
def test_coco_malformed(tmp_path: Path, annotation: dict[str, Any], complaint: str) -> None:
    path = coco_file(tmp_path, annotation)
    assert line_of(read_coco, path) == f"{path}: {complaint}"


def test_coco_that_is_something_else(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    assert line_of(read_coco, path) == f"{path}: cannot be read, No such file or directory"
    build(tmp_path, {"labels.json": [{"image_id": 1}]})
    assert line_of(read_coco, path) == (
        f"{path}: must be an object with images, annotations and categories; a list of results is "
        "no labels"
    )
    twice = [{"id": n, "file_name": "a.jpg"} for n in (1, 2)]
    build(tmp_path, {"labels.json": instances(images=twice)})
    assert line_of(read_coco, path) == f"{path}: images[1]: file_name 'a.jpg' occurs twice"
    build(tmp_path, {"labels.json": instances(images=[{"id": 1}])})
    assert line_of(read_coco, path) == (
        f"{path}: images[0] needs id and file_name, got {{'id': 1}}"
    )


# YOLO

DATA = "names: [cat, dog]\n"


def yolo_folder(root: Path, files: dict[str, Any]) -> Path:
    return build(root, {"data.yaml": DATA, **files})


def test_yolo_by_hand(tmp_path: Path) -> None:
    """Centre (100, 50), size 40 x 40 on 200 x 100: corner (80, 30). Confidences are no matter."""
    root = yolo_folder(
        tmp_path,
        {
            "labels/a/1.txt": "\ufeff1 0.5 0.5 0.2 0.4\r\n\n0 0.1 0.1 0.2 0.2 0.75\n",
            "labels/2.txt": "",
            "images/a/1.JPG": png(200, 100),
            "images/2.png": png(),
            "images/3.png": png(),
        },
    )
    labels = read_yolo(root)
    second, first = labels
    assert (first.name, first.is_id, first.size) == ("a/1.JPG", False, (200, 100))
    boxes = [shape.box for shape in first.shapes]
    assert np.array(boxes) == pytest.approx(np.array([[80, 30, 40, 40], [0, 0, 40, 20]]))
    assert [(s.category, s.score, s.origin) for s in first.shapes] == [
        ("dog", None, "labelled"), ("cat", None, "labelled"),
    ]  # fmt: skip
    assert (second.name, second.shapes) == ("2.png", ())
    assert labels.task == Task("", "object-detection", {0: "cat", 1: "dog"})
    assert read_yolo(root / "data.yaml").task == labels.task
    assert {label.name for label in read_yolo(root / "labels")} == {"a/1.JPG", "2.png"}


def test_yolo_outlines(tmp_path: Path) -> None:
    """Seven numbers are three points; an eighth is a confidence."""
    lines = "0 0 0 0.5 0 0.5 1\n1 0 0 1 0 1 1 0 1\n0 0 0 0.5 0 0.5 1 0.9\n"
    root = yolo_folder(tmp_path, {"labels/1.txt": lines, "images/1.png": png(8, 4)})
    labels = read_yolo(root)
    [label] = labels
    triangle = (0.0, 0.0, 4.0, 0.0, 4.0, 4.0)
    assert [shape.polygons for shape in label.shapes] == [
        (triangle,), ((0.0, 0.0, 8.0, 0.0, 8.0, 4.0, 0.0, 4.0),), (triangle,),
    ]  # fmt: skip
    assert {shape.box for shape in label.shapes} == {None}
    assert labels.task.type == "instance-segmentation"


@pytest.mark.parametrize("n_values", [2, 3])
def test_yolo_keypoints(tmp_path: Path, n_values: int) -> None:
    """With two values a keypoint at 0 0 is not there; with three the third one tells."""
    points = "0.25 0.5 0 0" if n_values == 2 else "0.25 0.5 1 0.5 0.5 0"
    root = build(
        tmp_path,
        {
            "data.yaml": f"names: [cat]\nkpt_shape: [2, {n_values}]\nkpt_names:\n  0: [nose, tail]\n",
            "labels/1.txt": f"0 0.5 0.5 1 1 {points}\n0 0.5 0.5 1 1 {points} 0.5\n0 0.5 0.5 1 1\n",
            "images/1.png": png(8, 4),
        },
    )
    labels = read_yolo(root)
    [label] = labels
    there = ((2.0, 2.0, 1.0), (0.0, 0.0, 0.0))
    assert [shape.keypoints for shape in label.shapes] == [there, there, ()]
    assert {shape.box for shape in label.shapes} == {(0.0, 0.0, 8.0, 4.0)}
    assert labels.task == Task("", "keypoint-detection", {0: "cat"}, ("nose", "tail"))


def test_yolo_as_other_tools_lay_it_out(tmp_path: Path) -> None:
    """CVAT's YOLO 1.1, with labels beside the images; and splits with folders of their own."""
    box = "1 0.5 0.5 1 1\n"
    cvat = build(
        tmp_path / "cvat",
        {"obj.names": "cat\ndog\n", "obj.data": "classes = 2\n", "train.txt": "data/x/1.jpg\n",
         "obj_train_data/x/1.txt": box, "obj_train_data/x/1.jpg": png(8, 4)},
    )  # fmt: skip
    [label] = read_yolo(cvat)
    assert (label.name, label.shapes[0].category) == ("obj_train_data/x/1.jpg", "dog")
    assert label.shapes[0].box == (0, 0, 8, 4)
    splits = yolo_folder(
        tmp_path / "splits",
        {"train/labels/1.txt": box, "train/images/1.png": png(8, 4),
         "valid/labels/2.txt": box, "valid/images/2.png": png(4, 4), "README.txt": "hello"},
    )  # fmt: skip
    assert [label.name for label in read_yolo(splits)] == [
        "train/images/1.png",
        "valid/images/2.png",
    ]


def test_yolo_labels_of_images_with_the_names_of_lists(tmp_path: Path) -> None:
    """classes.txt holds names where it stands at the top, and labels anywhere else."""
    deep = {"labels/classes.txt": "cat", "labels/d/classes.txt": "", "labels/train.txt": ""}
    found = read_yolo(yolo_folder(tmp_path / "deep", deep))
    assert [label.name for label in found] == ["d/classes", "train"]
    flat = {"d/classes.txt": "", "d/val.txt": "", "Train.txt": "d/val.png", "README.txt": "hello"}
    found = read_yolo(yolo_folder(tmp_path / "flat", flat))
    assert [label.name for label in found] == ["d/classes", "d/val"]
    names = ["classes.png", "train.png"]
    items = [Item(n, name, None, shapes={"": []}) for n, name in enumerate(names, start=1)]
    Yolo(images="none").write(ListedItems(items, [DET]), tmp_path / "ours")
    assert set(by_name(read_yolo(tmp_path / "ours"))) == set(names)


def test_yolo_follows_the_path_of_data_yaml(tmp_path: Path) -> None:
    build(
        tmp_path,
        {"conf/data.yaml": "path: ../set\nnames: {0: cat}\n", "set/labels/1.txt": "",
         "conf/labels/2.txt": ""},
    )  # fmt: skip
    assert [label.name for label in read_yolo(tmp_path / "conf" / "data.yaml")] == ["1"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("0 0.5 0.5 1", "must be class x y w h, or class x1 y1 x2 y2 x3 y3 ..., got '0 0.5 0.5 1'"),
        ("cat 0.5 0.5 1 1", "must be class x y w h, or class x1 y1 x2 y2 x3 y3 ..., got "
         "'cat 0.5 0.5 1 1'"),
        ("0.5 0.5 0.5 1 1", "must be class x y w h, or class x1 y1 x2 y2 x3 y3 ..., got "
         "'0.5 0.5 0.5 1 1'"),
        ("2 0.5 0.5 1 1", "class 2 has no name; known: 0 to 1"),
        ("0 320 240 64 64", "must be shares of the image from 0 to 1, got '0 320 240 64 64'"),
        ("0 nan 0.5 1 1", "must be shares of the image from 0 to 1, got '0 nan 0.5 1 1'"),
    ],
)  # fmt: skip
def test_yolo_malformed(tmp_path: Path, text: str, complaint: str) -> None:
    root = yolo_folder(tmp_path, {"labels/1.txt": f"\n{text}\n", "images/1.png": png()})
    assert line_of(read_yolo, root) == f"{root}/labels/1.txt line 2: {complaint}"


def test_yolo_that_is_something_else(tmp_path: Path) -> None:
    assert line_of(read_yolo, tmp_path / "no") == f"{tmp_path}/no: no such file or folder"
    root = build(tmp_path / "a" / "b" / "c", {"labels/1.txt": ""})
    assert line_of(read_yolo, root) == (
        f"{root}: no class names; expected data.yaml with 'names', or classes.txt"
    )
    assert line_of(read_yolo, root / "labels" / "1.txt") == (
        f"{root}/labels/1.txt: expected data.yaml, or a folder with labels in it"
    )
    empty = yolo_folder(tmp_path / "empty", {"train.txt": "a.png\n"})
    assert line_of(read_yolo, empty) == f"{empty}: no label files; expected a .txt per image"
    odd = build(tmp_path / "odd", {"data.yaml": f"{DATA}kpt_shape: 3\n", "labels/1.txt": ""})
    assert line_of(read_yolo, odd) == (
        f"{odd}/data.yaml: kpt_shape must be [number of keypoints, 2 or 3], got 3"
    )


def test_yolo_needs_the_sizes_of_images(tmp_path: Path) -> None:
    """They lie beside the labels or in the dataset; what means no sample is listed."""
    box = "1 0.5 0.5 1 1\n"
    root = yolo_folder(
        tmp_path / "labels",
        {"labels/x/1.txt": box, "labels/x/2.txt": box, "labels/3.txt": "", "labels/4.txt": ""},
    )
    assert line_of(read_yolo, root) == (
        f"{root}/labels/x/1.txt: no image for it, so that its shares cannot become px; images "
        "belong into the folder 'images' beside 'labels'"
    )
    data = build(tmp_path / "data", {"d/x/1.png": png(8, 4), "3.png": png()})
    matched = match(read_yolo(root), open_dataset(data))
    found = {label.sample_id: label for label in matched.labels}
    assert set(found) == {"3.png", "d/x/1.png"}
    assert found["3.png"].shapes == ()
    assert found["d/x/1.png"].shapes[0].box == (0, 0, 8, 4)
    assert [mismatch.name for mismatch in matched.mismatches] == ["4", "x/2"]
    bare = Dataset(["x/1.png", "x/2.png", "3.png"], embeddings=np.eye(3))
    assert line_of(lambda path: match(read_yolo(path), bare).labels, root) == (
        "dataset: no image 'x/1.png'; a dataset in memory has none; labels in shares of an image "
        "need its size"
    )


def test_one_label_file_for_two_images_is_listed(tmp_path: Path) -> None:
    """``a.txt`` beside a.jpg and a.png could be of either."""
    files = {"a.jpg": png(8, 4), "a.png": png(4, 4), "b.png": png(4, 4)}
    data = open_dataset(build(tmp_path / "data", files))
    box = "1 0.5 0.5 1 1\n"
    root = yolo_folder(tmp_path / "labels", {"labels/a.txt": box, "labels/b.txt": box})
    for images in ({}, {f"images/{name}": content for name, content in files.items()}):
        build(root, images)
        matched = match(read_yolo(root), data)
        assert [label.sample_id for label in matched.labels] == ["b.png"]
        assert [mismatch.name for mismatch in matched.mismatches] == ["a"]


def test_real_yolo_labels(tmp_path: Path) -> None:
    """coco128: names in config.yaml two folders up, images elsewhere."""
    root = shared_data("coco128")
    labels = read_yolo(root / "object_detection" / "labels" / "val2017")
    matched = match(labels, open_dataset(root / "images" / "val2017"))
    files = list((root / "object_detection" / "labels" / "val2017").glob("*.txt"))
    lines = sum(len(file.read_text().split("\n")) - 1 for file in files)
    assert (len(matched.labels), matched.mismatches) == (len(files), [])
    assert abs(sum(len(label.shapes) for label in matched.labels) - lines) <= len(files)
    assert len(labels.task.categories) == 80


# Out and back again


def shapes_in(task: Task) -> list[Shape]:
    first, *rest = task.categories.values()
    last = rest[-1] if rest else first
    pixels = np.zeros((80, 100), dtype=bool)
    pixels[10:20, 30:60] = pixels[15, 80] = True
    triangle = (1.0, 2.0, 31.5, 2.0, 31.5, 12.25)
    return {
        "object-detection": [labelled(first, box=(1.0, 2.5, 30.0, 40.25)),
                             labelled(last, box=(0.0, 0.0, 100.0, 80.0))],
        "instance-segmentation": [
            labelled(first, box=(1.0, 2.0, 30.5, 10.25), polygons=(triangle,)),
            labelled(last, box=(30.0, 10.0, 51.0, 10.0), mask=mask_of(pixels)),
        ],
        "keypoint-detection": [labelled(first, box=(0.0, 0.0, 50.0, 40.0),
                                        keypoints=((1.0, 2.0, 1.0), (0.0, 0.0, 0.0),
                                                   (4.0, 5.5, 1.0)))],
        "classification": [labelled(last)],
    }[task.type]  # fmt: skip


@pytest.mark.parametrize("task", [DET, SEGMENTS, POSE, WEATHER], ids=lambda task: task.type)
def test_coco_and_back(tmp_path: Path, task: Task) -> None:
    """The same shapes under the same ids, opened by what the folder looks like."""
    drawn = shapes_in(task)
    items = [
        Item(n, name, None, size=SIZE, shapes={task.name: drawn if n % 2 else []})
        for n, name in enumerate(ODD_IDS, start=1)
    ]
    Coco().write(ListedItems(items, [task]), tmp_path / "out")
    labels = open_labels(tmp_path / "out")
    found = list(labels)
    assert tuple(label.name for label in found) == ODD_IDS
    assert all(label.is_id and label.size == SIZE for label in found)
    assert [label.shapes for label in found] == [tuple(drawn) if n % 2 else () for n in range(1, 7)]
    assert (labels.task.type, labels.task.categories) == (task.type, task.categories)
    assert (tuple(labels.task.keypoints), tuple(labels.task.skeleton)) == (
        tuple(task.keypoints), tuple(task.skeleton),
    )  # fmt: skip


@pytest.mark.parametrize("task", [DET, SEGMENTS, POSE], ids=lambda task: task.type)
def test_yolo_and_back(tmp_path: Path, task: Task) -> None:
    """The same shapes to six places; outlines lose their boxes, masks become outlines."""
    drawn = shapes_in(task)
    ids = (*ODD_IDS, "a/b c.jpg", "x/images/1.png")
    items = [
        Item(n, name, None, size=SIZE, shapes={task.name: drawn if n % 2 else []})
        for n, name in enumerate(ids, start=1)
    ]
    Yolo().write(
        ListedItems(items, [task], images=dict.fromkeys(ids, png(*SIZE))), tmp_path / "out"
    )
    labels = open_labels(tmp_path / "out")
    found = by_name(labels)
    assert set(found) == set(ids)
    assert all(label.is_id for label in found.values())
    assert (labels.task.type, labels.task.categories) == (task.type, task.categories)
    assert tuple(labels.task.keypoints) == tuple(task.keypoints)
    for n, name in enumerate(ids, start=1):
        assert len(found[name].shapes) == (len(drawn) if n % 2 else 0)
        for old, new in zip(drawn, found[name].shapes, strict=False):
            assert (new.category, new.origin) == (old.category, "labelled")
            if task.type != "instance-segmentation":
                assert new.box == pytest.approx(old.box, abs=1e-4)
                assert np.array(new.keypoints) == pytest.approx(np.array(old.keypoints), abs=1e-4)
            elif old.polygons:
                assert new.polygons[0] == pytest.approx(old.polygons[0], abs=1e-4)
            else:
                xs, ys = new.polygons[0][0::2], new.polygons[0][1::2]
                assert (min(xs), min(ys), max(xs), max(ys)) == pytest.approx((30, 10, 81, 20))


def test_what_was_not_labelled_stays_out(tmp_path: Path) -> None:
    """A label file that somebody has removed is not "nothing in here"."""
    task = {"det": [Shape("car", box=(0, 0, 5, 5))]}
    held = ListedItems(ranked(task, task), [Task("det", "object-detection", {0: "car"})],
                       images={f"img{n}.png": png(*SIZE) for n in (1, 2)})  # fmt: skip
    Yolo().write(held, tmp_path / "out")
    (tmp_path / "out" / "labels" / "img1.txt").unlink()
    labels = read_yolo(tmp_path / "out")
    assert [label.name for label in labels] == ["img2.png"]
    assert labels.notes == [
        f"images of {tmp_path}/out/samples.csv without a label file: 1, not labelled"
    ]


def test_a_changed_category_name_comes_as_it_is(tmp_path: Path) -> None:
    """Ids of categories are noted for as long as their number fits."""
    Yolo(images="none").write(ListedItems(ranked({"": []}), [DET]), tmp_path / "out")
    path = tmp_path / "out" / "data.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("car", "lorry"), encoding="utf-8")
    assert read_yolo(tmp_path / "out").task.categories == {3: "lorry", 90: "Fußgänger & <Rad>"}
    text = path.read_text(encoding="utf-8").replace("  1: ", "  2: bus\n  1: ")
    path.write_text(text, encoding="utf-8")
    assert read_yolo(tmp_path / "out").task.categories == {
        0: "lorry", 2: "bus", 1: "Fußgänger & <Rad>",
    }  # fmt: skip


def test_ours_come_first(tmp_path: Path) -> None:
    """Our sample id wins over the file name, which a tool may have changed."""
    Coco().write(ListedItems(ranked({})), tmp_path / "out")
    path = tmp_path / "out" / "annotations.json"
    content = json.loads(path.read_text())
    content["categories"] = [{"id": 1, "name": "cat"}]
    content["images"][0]["file_name"] = "upload/9f3c-img1.png"
    path.write_text(json.dumps(content))
    [label] = read_coco(path)
    assert (label.name, label.is_id) == ("img1.png", True)
    del content["images"][0]["sample_id"]
    path.write_text(json.dumps(content))
    [label] = read_coco(path)
    assert (label.name, label.is_id) == ("upload/9f3c-img1.png", False)


shares = st.floats(0, 1, allow_subnormal=False)
# what is hidden (".a.png") is no sample
names = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"], blacklist_characters="/\\\0:"),
                min_size=1, max_size=20).filter(lambda text: text.strip(" .") and ".." not in text and text[0] != ".")  # fmt: skip


@given(
    st.lists(names, min_size=1, max_size=4, unique_by=str.casefold), shares, shares, shares, shares
)
def test_any_name_and_any_box_come_back(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], x: float, y: float, w: float, h: float
) -> None:
    """COCO bit by bit, YOLO to a thousandth of a px."""
    root = tmp_path_factory.mktemp("any")
    ids = [f"d/{name}.png" for name in ids]
    box = (x * 50, y * 40, max(w * 50, 0.01), max(h * 40, 0.01))
    shape = labelled("car", box=box)
    items = [Item(n, name, 0.5, size=SIZE, shapes={"": [shape]}) for n, name in enumerate(ids, 1)]
    held = ListedItems(items, [DET], images=dict.fromkeys(ids, png(*SIZE)))
    Coco().write(held, root / "coco")
    assert [(label.name, label.shapes) for label in read_coco(root / "coco")] == [
        (name, (shape,)) for name in ids
    ]
    Yolo().write(held, root / "yolo")
    found = by_name(read_yolo(root / "yolo"))
    assert set(found) == set(ids)
    for label in found.values():
        assert label.shapes[0].box == pytest.approx(box, abs=1e-3)


# What no image can hold

HUGE = 10**400


@pytest.mark.parametrize(
    "annotation",
    [
        {"bbox": [HUGE, 1, 2, 3]},
        {"bbox": [0, 0, HUGE, 1]},
        {"segmentation": [[0, 0, HUGE, 0, 4, 3]]},
        {"keypoints": [0, -HUGE, 2]},
        {"segmentation": {"size": [3, 4], "counts": [5, HUGE]}},
        {"segmentation": {"size": [3, HUGE], "counts": [3 * HUGE]}},
    ],
)
def test_coco_numbers_that_fit_no_float(annotation: dict[str, Any], tmp_path: Path) -> None:
    path = coco_file(tmp_path, annotation)
    line = line_of(read_coco, path)
    assert line.startswith(f"{path}: annotations[0]")
    assert "\n" not in line


def test_a_size_that_is_none(tmp_path: Path) -> None:
    images = [{"id": 7, "file_name": "a", "width": HUGE, "height": 3}]
    path = coco_file(tmp_path, {"bbox": [1, 2, 3, 4]}, images=images)
    assert by_name(read_coco(path))["a"].size is None


def test_masks_are_checked_before_they_are_made(tmp_path: Path) -> None:
    """One of 10^18 px would take 888 PiB."""
    mask = {"segmentation": {"size": [10**9, 10**9], "counts": [10**18]}}
    path = coco_file(tmp_path, mask)
    assert line_of(read_coco, path) == (
        f"{path}: annotations[0].segmentation.size must be height and width of its image, [3, 4], "
        "got [1000000000, 1000000000]"
    )
    path = coco_file(tmp_path, mask, images=[{"id": 7, "file_name": "a"}])
    assert line_of(read_coco, path) == (
        f"{path}: annotations[0]: a mask of 1000000000 x 1000000000 px is too large; at most "
        "1073741824 px"
    )


def test_yolo_sizes_are_not_negative(tmp_path: Path) -> None:
    files = {"labels/a.txt": "1 0.5 0.5 -0.005 0.1\n", "images/a.png": png()}
    root = yolo_folder(tmp_path, files)
    assert line_of(read_yolo, root) == (
        f"{root}/labels/a.txt line 1: width and height must be >= 0, got '1 0.5 0.5 -0.005 0.1'"
    )


def test_yolo_complaints_name_the_whole_path(tmp_path: Path) -> None:
    root = build(tmp_path, {"data.yaml": "names: []", "labels/a.txt": "0 0.5 0.5 1 1\n"})
    assert line_of(read_yolo, root).startswith(f"{root}/data.yaml: no class names")
    build(root, {"data.yaml": "names: [a", "images/a.png": b"no image"})
    assert line_of(read_yolo, root).startswith(f"{root}/data.yaml: malformed YAML")
    build(root, {"data.yaml": "names: [a]"})
    assert line_of(read_yolo, root).startswith(f"{root}/images/a.png: not a readable image")
    (root / "data.yaml").unlink()
    build(root, {"classes.txt": "a\na\n"})
    assert line_of(read_yolo, root) == f"{root}/classes.txt: two classes have the same name"


def test_predictions_and_metadata_of_numbers_that_fit_no_float(tmp_path: Path) -> None:
    outlined = instances(
        annotations=[
            {"image_id": 7, "category_id": 5, "bbox": [0, 0, 1, 1], "segmentation": [[HUGE] * 6]}
        ]
    )
    build(tmp_path, {"a/1.jpg": png(), "predictions/det.json": outlined})
    with pytest.raises(DataError, match="must be polygons or a run-length mask"):
        open_dataset(tmp_path).predictions("det")
    build(
        tmp_path / "more",
        {"a.png": png(), "metadata/a.json": {"file_name": "a.png", "metadata": {"n": HUGE}}},
    )
    with pytest.raises(DataError, match="must be a finite number"):
        open_dataset(tmp_path / "more").metadata()
