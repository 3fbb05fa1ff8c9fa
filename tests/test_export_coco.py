"""COCO folders: by hand, and as pycocotools and torchvision read them."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_builder import build, png, shared_data
from hypothesis import given
from hypothesis import strategies as st
from listed_items import DETECTION, ODD_IDS, POSE, SEGMENTS, WEATHER, ListedItems, ranked

from selectlab.errors import DataError
from selectlab.exports.coco import Coco
from selectlab.exports.items import Item
from selectlab.exports.sources import items_of
from selectlab.inputs.folder import open_dataset
from selectlab.masks import mask_of
from selectlab.shapes import Mask, Shape, Task
from selectlab.video.detector import import_ultralytics

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
"""pycocotools says that of itself when it decodes a mask with NumPy 2."""

TRIANGLE = (0.0, 0.0, 4.0, 0.0, 4.0, 3.0)
CORNER = Mask((5, 2, 2, 1, 2), width=4, height=3)
""".... / .##. / .#.. : 3 px from x 1 and y 1 on."""


def written(items: ListedItems, out: Path, **options: Any) -> tuple[dict[str, Any], list[str]]:
    """Write a folder; return annotations.json and the notes."""
    notes = Coco(**options).write(items, out)
    return json.loads((out / "annotations.json").read_bytes().decode("ascii")), notes


def loaded(path: Path) -> Any:
    coco = pytest.importorskip("pycocotools.coco")
    return coco.COCO(str(path))


def test_by_hand(tmp_path: Path) -> None:
    """The triangle has 6 px in a box of 4 x 3; the mask 3 px in one of 2 x 2."""
    shapes = {
        "det": [
            Shape("car", 0.5, (1.0, 2.0, 3.0, 4.5)),
            Shape("Fußgänger & <Rad>", None, (0.0, 0.0, 1.0, 1.0), origin="imputed"),
        ],
        "seg": [
            Shape("car", polygons=(TRIANGLE,), origin="labelled", attributes={"occluded": True}),
            Shape("road", 0.9, mask=CORNER, attributes={"iscrowd": True}),
        ],
    }
    held = ListedItems([*ranked(shapes), Item(2, "b.jpg", None)], [DETECTION, SEGMENTS])
    content, notes = written(held, tmp_path / "out")
    assert content["info"] == {"description": "selectlab: a run", "run": "00c0ffee00c0ffee"}
    about = {"rank": 1, "score": 1.0, "run": "00c0ffee00c0ffee"}
    assert content["images"] == [
        {"id": 1, "file_name": "img1.png", "width": 100, "height": 80,
         "sample_id": "img1.png", **about},
        {"id": 2, "file_name": "b.jpg", "sample_id": "b.jpg", "rank": 2,
         "run": "00c0ffee00c0ffee"},
    ]  # fmt: skip
    box, imputed, outline, mask = content["annotations"]
    assert box == {
        "id": 1, "image_id": 1, "category_id": 0, "bbox": [1.0, 2.0, 3.0, 4.5], "area": 13.5,
        "iscrowd": 0, "score": 0.5, "source": "predicted", "task": "det",
    }  # fmt: skip
    assert (imputed["category_id"], imputed["source"], "score" in imputed) == (3, "imputed", False)
    assert outline["segmentation"] == [list(TRIANGLE)]
    assert (outline["bbox"], outline["area"]) == ([0, 0, 4, 3], 6)
    assert (outline["source"], outline["attributes"]) == ("labelled", {"occluded": True})
    assert (mask["bbox"], mask["area"], mask["iscrowd"]) == ([1, 1, 2, 2], 3, 1)
    assert "attributes" not in mask
    assert [a["id"] for a in content["annotations"]] == [1, 2, 3, 4]
    assert content["categories"] == [
        {"id": 0, "name": "car"}, {"id": 3, "name": "Fußgänger & <Rad>"}, {"id": 1, "name": "road"},
    ]  # fmt: skip
    assert notes == [
        "images without width and height, which are not known; some trainers refuse them: 1, "
        "first in 'b.jpg'"
    ]


def test_keypoints(tmp_path: Path) -> None:
    """What is sure by any share is visible; skeletons count from 1; the box goes around."""
    points = ((10.0, 20.0, 0.25), (30.0, 60.0, 1.0), (5.0, 5.0, 0.0))
    held = ListedItems(ranked({"pose": [Shape("person", 0.5, keypoints=points)]}), [POSE])
    content, notes = written(held, tmp_path / "out")
    [found] = content["annotations"]
    assert found["keypoints"] == [10, 20, 2, 30, 60, 2, 0, 0, 0]
    assert (found["num_keypoints"], found["bbox"]) == (2, [10, 20, 20, 40])
    assert content["categories"] == [
        {"id": 0, "name": "person", "keypoints": ["nose", "left eye", "tail"],
         "skeleton": [[1, 2], [1, 3]]},
    ]  # fmt: skip
    assert notes == []


def test_what_lies_outside_is_cut_or_left_out(tmp_path: Path) -> None:
    """In 100 x 80: x from -10 to 20 keeps 20; a triangle's tip beyond x = 100 goes."""
    shapes = [
        Shape("car", box=(-10, 70, 30, 100)),
        Shape("car", box=(100, 0, 9, 9)),
        Shape("car", polygons=((90, 0, 110, 10, 90, 20), (120, 0, 130, 0, 130, 9))),
        Shape("car", polygons=((120, 0, 130, 0, 130, 9),)),
        Shape("car", mask=Mask((8000,), 100, 80)),
    ]
    content, notes = written(ListedItems(ranked({"seg": shapes}), [SEGMENTS]), tmp_path / "out")
    box, outline = content["annotations"]
    assert box["bbox"] == [0, 70, 20, 10]
    assert outline["segmentation"] == [[90, 0, 100, 5, 100, 15, 90, 20]]
    assert outline["area"] == 10 * (20 + 10) / 2
    assert notes == ["shapes outside of their image, left out: 3, first in 'img1.png'"]


def test_without_a_size_nothing_is_cut(tmp_path: Path) -> None:
    shapes = {"det": [Shape("car", box=(-10, 70, 30, 1000))]}
    content, _ = written(ListedItems(ranked(shapes, size=None), [DETECTION]), tmp_path / "out")
    assert content["annotations"][0]["bbox"] == [-10, 70, 30, 1000]


def test_classes_of_images_stand_at_the_image(tmp_path: Path) -> None:
    shapes = {"weather": [Shape("rainy", 0.75)]}
    content, notes = written(ListedItems(ranked(shapes), [WEATHER]), tmp_path / "out")
    assert content["annotations"] == []
    assert content["images"][0]["classes"] == [
        {"category_id": 1, "score": 0.75, "source": "predicted"}
    ]
    assert notes == [
        "classes of whole images, in 'classes' of the image as COCO has no place for them: 1, "
        "first in 'img1.png'"
    ]


def test_categories_of_several_tasks_have_different_ids(tmp_path: Path) -> None:
    """Same name, one category; an id that is taken becomes one beyond all (0 to 7)."""
    one = Task("one", "object-detection", {0: "car", 1: "bus"})
    two = Task("two", "object-detection", {0: "bus", 1: "tram", 7: "bike"})
    shapes = {"one": [Shape("bus", box=(0, 0, 5, 5))], "two": [Shape("tram", box=(0, 0, 5, 5))]}
    content, notes = written(ListedItems(ranked(shapes), [one, two]), tmp_path / "out")
    assert {c["name"]: c["id"] for c in content["categories"]} == {
        "car": 0, "bus": 1, "tram": 8, "bike": 7,
    }  # fmt: skip
    assert [(a["task"], a["category_id"]) for a in content["annotations"]] == [
        ("one", 1), ("two", 8),
    ]  # fmt: skip
    assert notes == [
        "task 'two': 2 category ids are others in the joint list: 'bus' 0 -> 1, 'tram' 1 -> 8"
    ]


def test_errors_name_the_sample(tmp_path: Path) -> None:
    def line(shapes: dict[str, list[Shape]], *tasks: Task) -> str:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        with pytest.raises(DataError) as caught:
            Coco().write(ListedItems(ranked(shapes), tasks), tmp_path / "out")
        return str(caught.value)

    assert line({"det": [Shape("cat", box=(0, 0, 1, 1))]}, DETECTION) == (
        "sample 'img1.png': task 'det' has no category 'cat'; did you mean 'car'?"
    )
    assert line({"seg": [Shape("car", mask=Mask((5,), 3, 2))]}, SEGMENTS) == (
        "sample 'img1.png': a mask of 5 px does not fit an image of 3 x 2 px"
    )
    short = Shape("person", box=(0, 0, 1, 1), keypoints=((1, 1, 1),))
    assert line({"pose": [short]}, POSE) == "sample 'img1.png': 1 keypoints, but 'person' has 3"
    other = Task("p2", "keypoint-detection", {4: "person"}, ("a", "b", "c"))
    assert line({}, POSE, other) == (
        "task 'p2': names the keypoints of 'person' otherwise than another task; "
        "export one of the two"
    )


def a_mask(seed: int) -> Mask:
    pixels = np.random.default_rng(seed).random((17, 23)) < 0.4
    return mask_of(pixels)


@pytest.mark.parametrize("compressed", [True, False])
def test_pycocotools_draws_the_same_masks(
    tmp_path: Path, compressed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compressed by pycocotools; as lists of run lengths where it is not installed."""
    masks = [a_mask(seed) for seed in range(3)]
    shapes = {"seg": [Shape("car", mask=mask) for mask in masks]}
    items = ListedItems(ranked(shapes, size=(23, 17)), [SEGMENTS])
    if compressed:
        pytest.importorskip("pycocotools")
    with monkeypatch.context() as patch:
        if not compressed:
            patch.setitem(sys.modules, "pycocotools.mask", None)
        content, notes = written(items, tmp_path / "out")
    assert type(content["annotations"][0]["segmentation"]["counts"]) is (
        str if compressed else list
    )
    assert [note.split(",")[0] for note in notes] == (
        [] if compressed else ["masks that are not compressed"]
    )
    coco = loaded(tmp_path / "out" / "annotations.json")
    for number, mask in enumerate(masks, start=1):
        pixels = np.repeat(np.arange(len(mask.counts)) % 2, mask.counts).reshape(17, 23)
        found = coco.anns[number]
        assert np.array_equal(coco.annToMask(found), pixels)
        assert found["area"] == pixels.sum()


def test_from_coco_to_coco(tmp_path: Path) -> None:
    """Predictions in a COCO file come out again: boxes, outlines, both kinds of masks, crowds."""
    coded = pytest.importorskip("pycocotools.mask")
    mask = np.zeros((6, 8), dtype=np.uint8, order="F")
    mask[1:3, 2:7] = mask[4, 0] = 1
    runs = coded.encode(mask)
    drawn: list[dict[str, Any]] = [
        {"bbox": [1.25, 2, 3, 3.5], "segmentation": [[1.25, 2, 4.25, 2, 4.25, 5.5]]},
        {"bbox": [0, 1, 7, 4],
         "segmentation": {"size": [6, 8], "counts": runs["counts"].decode("ascii")}},
        {"bbox": [0, 0, 1, 1], "segmentation": {"size": [6, 8], "counts": [0, 1, 47]}},
    ]  # fmt: skip
    given = {
        "images": [{"id": 77, "file_name": "a b/ü#1.png", "width": 8, "height": 6}],
        "annotations": [
            {"id": at, "image_id": 77, "category_id": 90, "iscrowd": 0, "score": 0.5, **held}
            for at, held in enumerate(drawn, start=10)
        ],
        "categories": [{"id": 3, "name": "cat"}, {"id": 90, "name": "dog"}],
    }
    root = build(tmp_path / "data", {"a b/ü#1.png": png(8, 6), "predictions/seg.json": given})
    items = items_of(["a b/ü#1.png"], open_dataset(root))
    assert Coco(images="copy").write(items, tmp_path / "out") == []
    before = loaded(root / "predictions" / "seg.json")
    after = loaded(tmp_path / "out" / "annotations.json")
    assert after.dataset["categories"] == given["categories"]
    [image] = after.dataset["images"]
    assert (image["file_name"], image["width"], image["height"]) == ("a b/ü#1.png", 8, 6)
    assert (tmp_path / "out" / "images" / "a b" / "ü#1.png").read_bytes() == png(8, 6)
    pairs = zip(before.dataset["annotations"], after.dataset["annotations"], strict=True)
    for old, new in pairs:
        assert (new["bbox"], new["category_id"], new["score"]) == (old["bbox"], 90, 0.5)
        assert np.array_equal(before.annToMask(old), after.annToMask(new))
    assert [a["area"] for a in after.dataset["annotations"]] == [3 * 3.5 / 2, 11, 1]


def test_real_predictions(tmp_path: Path) -> None:
    """452 detections on 98 of the 100 images; a lowest score of 0.9 keeps fewer."""
    given = shared_data("voc100_dets") / "data/database/dets/coco_format/coco_dets.json"
    (tmp_path / "data" / "predictions").mkdir(parents=True)
    shutil.copy(given, tmp_path / "data" / "predictions" / "voc.json")
    dataset = open_dataset(tmp_path / "data")
    Coco().write(items_of(dataset.ids, dataset, min_score=0), tmp_path / "out")
    found = loaded(tmp_path / "out" / "annotations.json")
    names = {image["id"]: image["file_name"] for image in found.dataset["images"]}
    about = json.loads(given.read_text())
    files = {image["id"]: image["file_name"] for image in about["images"]}
    listed = about["annotations"]
    assert len(listed) == 452

    def row(o: dict[str, Any], of: dict[int, str]) -> tuple[Any, ...]:
        return of[o["image_id"]], o["category_id"], *o["bbox"], round(o["score"], 12)

    kept = sorted(row(o, names) for o in found.dataset["annotations"])
    assert kept == sorted(row(o, files) for o in listed)
    assert found.dataset["categories"] == [
        {"id": c["id"], "name": c["name"]} for c in about["categories"]
    ]
    Coco().write(items_of(dataset.ids, dataset, min_score=0.9), tmp_path / "fewer")
    fewer = loaded(tmp_path / "fewer" / "annotations.json").dataset["annotations"]
    assert len(fewer) == sum(o["score"] >= 0.9 for o in listed) > 0


def test_torchvision_loads_it(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    import_ultralytics()  # makes torchvision usable where it does not fit its torch
    detection = importlib.import_module("torchvision.datasets").CocoDetection
    shapes = {"det": [Shape("car", box=(0, 0, 4, 3))]}
    held = ListedItems(ranked(shapes, size=(8, 6)), [DETECTION], images={"img1.png": png(8, 6)})
    Coco(images="copy").write(held, tmp_path / "out")
    found = detection(str(tmp_path / "out" / "images"), str(tmp_path / "out" / "annotations.json"))
    [(image, [target])] = list(found)
    assert (image.size, target["bbox"], target["category_id"]) == ((8, 6), [0, 0, 4, 3], 0)


def test_images_may_be_links(tmp_path: Path) -> None:
    """A hard link is the same file; what a symbolic link leads to is linked, not the link."""
    root = build(tmp_path / "data", {"a/1.png": png(), "2.png": png(9, 9)})
    os.symlink("2.png", root / "3.png")
    items = items_of(["a/1.png", "3.png"], open_dataset(root))
    assert Coco(images="link").write(items, tmp_path / "out") == []
    assert (tmp_path / "out" / "images" / "a" / "1.png").samefile(root / "a" / "1.png")
    third = tmp_path / "out" / "images" / "3.png"
    assert third.samefile(root / "2.png")
    assert not third.is_symlink()
    Coco(images="copy").write(items, tmp_path / "copies")
    assert not (tmp_path / "copies" / "images" / "a" / "1.png").samefile(root / "a" / "1.png")


def test_links_that_cannot_be_are_copies(tmp_path: Path) -> None:
    held = ListedItems(ranked({}, {}), images={f"img{n}.png": png(n, n) for n in (1, 2)})
    notes = Coco(images="link").write(held, tmp_path / "out")
    assert notes == ["2 images could not be linked and are copies"]
    assert (tmp_path / "out" / "images" / "img2.png").read_bytes() == png(2, 2)


def test_images_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        Coco(images="copy").write(ListedItems(ranked({})), tmp_path / "out")
    assert str(caught.value) == (
        "'img1.png': there is no image; the option images=none leaves the images out"
    )
    assert not list((tmp_path / "out").rglob("*.png"))


@pytest.mark.parametrize("name", ["../x.png", "/x.png", "a/../../x.png", "a//x.png", "a/./x.png"])
def test_names_do_not_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    held = ListedItems([Item(1, name, None)], images={name: png()})
    (tmp_path / "deep" / "er").mkdir(parents=True)
    with pytest.raises(DataError):
        Coco(images="copy").write(held, tmp_path / "deep" / "er" / "out")
    assert not list(tmp_path.rglob("x.png"))


def test_addresses_go_along(tmp_path: Path) -> None:
    """``coco_url`` is COCO's own field; a path on this machine is nobody's business."""
    places = ["https://host/1.png", "/home/me/2.png"]
    held = ListedItems([Item(n, f"{n}.png", None, location=at) for n, at in enumerate(places, 1)])
    content, _ = written(held, tmp_path / "out")
    assert [image.get("coco_url") for image in content["images"]] == ["https://host/1.png", None]
    assert "/home/me" not in (tmp_path / "out" / "annotations.json").read_text()


def test_odd_ids_come_back(tmp_path: Path) -> None:
    held = ListedItems([Item(n, name, None) for n, name in enumerate(ODD_IDS, 1)])
    Coco().write(held, tmp_path / "out")
    images = loaded(tmp_path / "out" / "annotations.json").dataset["images"]
    assert tuple(image["file_name"] for image in images) == ODD_IDS
    assert tuple(image["sample_id"] for image in images) == ODD_IDS


numbers = st.floats(0, 70, allow_subnormal=False)


@given(
    st.lists(st.text(min_size=1), min_size=1, unique=True),
    st.tuples(numbers, numbers, st.floats(0.01, 9), st.floats(0.01, 9)),
)
def test_any_text_and_any_box_come_back(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], box: tuple[float, ...]
) -> None:
    """Boxes inside of the image bit by bit."""
    out = tmp_path_factory.mktemp("any") / "out"
    shapes = {"det": [Shape("car", 0.125, box)]}  # type: ignore[arg-type]
    held = [Item(n, name, None, size=(100, 80), shapes=shapes) for n, name in enumerate(ids, 1)]
    content, _ = written(ListedItems(held, [DETECTION]), out)
    assert [image["file_name"] for image in content["images"]] == ids
    assert all(a["bbox"] == list(box) for a in content["annotations"])
