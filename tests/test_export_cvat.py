"""What CVAT gets: annotations that its own rules accept, labels, and the list of images."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from listed_items import DETECTION, ODD_IDS, POSE, SEGMENTS, WEATHER, ListedItems, ranked
from tool_python import python_with, told_by

from selectlab.errors import DataError
from selectlab.exports.cvat import Cvat
from selectlab.exports.items import Item
from selectlab.masks import mask_of
from selectlab.shapes import Mask, Shape


def written(items: ListedItems, out: Path, **options: str) -> tuple[ET.Element, list[str]]:
    notes = Cvat(**options).write(items, out)
    return ET.parse(out / "annotations.xml").getroot(), notes


def elements(root: ET.Element, name: str) -> list[dict[str, str]]:
    return [dict(element.attrib) for element in root.iter(name)]


def test_a_box_is_two_corners_with_score_and_origin(tmp_path: Path) -> None:
    """10 + 30 = 40 to the right, 20 + 40 = 60 down."""
    shape = Shape("car", 0.75, (10, 20, 30, 40), origin="suspicious")
    root, notes = written(ListedItems(ranked({"det": [shape]}), [DETECTION]), tmp_path / "out")
    image = root.find("image")
    assert image is not None
    assert image.attrib == {"id": "0", "name": "img1.png", "width": "100", "height": "80"}
    assert elements(root, "box") == [
        {
            "label": "car",
            "source": "auto",
            "xtl": "10",
            "ytl": "20",
            "xbr": "40",
            "ybr": "60",
            "occluded": "0",
            "z_order": "0",
        }
    ]
    box = image.find("box")
    assert box is not None
    assert {a.get("name"): a.text for a in box} == {"score": "0.75", "origin": "suspicious"}
    assert notes == []


def test_what_people_drew_is_manual_and_keeps_its_attributes(tmp_path: Path) -> None:
    attributes = {"occluded": True, "rotation": 30.0, "z_order": 2.0, "parked": False, "note": "x"}
    shape = Shape("car", None, (0, 0, 5, 5), origin="labelled", attributes=attributes)
    root, _ = written(ListedItems(ranked({"det": [shape]}), [DETECTION]), tmp_path / "out")
    (box,) = root.iter("box")
    assert box.get("source") == "manual"
    assert [box.get(name) for name in ("occluded", "rotation", "z_order")] == ["1", "30", "2"]
    assert {a.get("name"): a.text for a in box} == {"parked": "false", "note": "x"}


def test_meta_and_constructor_declare_the_labels_with_all_attributes(tmp_path: Path) -> None:
    """A label that no shape has gets score and origin too, but not an attribute of another."""
    shape = Shape("car", 0.5, (0, 0, 5, 5), attributes={"parked": True})
    out = tmp_path / "out"
    root, _ = written(ListedItems(ranked({"det": [shape]}), [DETECTION]), out)
    score = {"name": "score", "mutable": False, "input_type": "text"}
    score |= {"default_value": "", "values": [""]}
    origin = {"name": "origin", "mutable": False, "input_type": "select"}
    origin |= {"default_value": "labelled"}
    origin |= {"values": ["labelled", "imputed", "suspicious", "predicted"]}
    parked = {"name": "parked", "mutable": False, "input_type": "checkbox"}
    parked |= {"default_value": "false", "values": ["false"]}
    assert json.loads((out / "labels.json").read_text(encoding="utf-8")) == [
        {"name": "car", "type": "rectangle", "attributes": [score, origin, parked]},
        {"name": "Fußgänger & <Rad>", "type": "rectangle", "attributes": [score, origin]},
    ]
    labels = root.findall("meta/task/labels/label")
    assert [label.findtext("name") for label in labels] == ["car", "Fußgänger & <Rad>"]
    names = [a.findtext("name") for a in labels[0].iter("attribute")]
    assert names == ["score", "origin", "parked"]
    assert labels[0].findtext("attributes/attribute/input_type") == "text"
    assert root.findtext("meta/task/size") == "1"
    assert root.findtext("version") == "1.1"


def test_boxes_are_cut_to_the_image_and_what_is_outside_is_counted(tmp_path: Path) -> None:
    """The image is 100 x 80."""
    shapes = [Shape("car", box=(-5, 70, 20, 20)), Shape("car", box=(200, 0, 5, 5))]
    shapes.append(Shape("car", box=(10, 10, 0, 5)))
    root, notes = written(ListedItems(ranked({"det": shapes}), [DETECTION]), tmp_path / "out")
    (box,) = elements(root, "box")
    assert [box[name] for name in ("xtl", "ytl", "xbr", "ybr")] == ["0", "70", "15", "80"]
    assert sum(int(note.split(": ")[1].split(",")[0]) for note in notes) == 2


def test_a_turned_box_is_not_cut(tmp_path: Path) -> None:
    """Its corners before turning may lie outside while all of it is inside."""
    shape = Shape("car", box=(-5, 10, 20, 20), attributes={"rotation": 45.0})
    root, _ = written(ListedItems(ranked({"det": [shape]}), [DETECTION]), tmp_path / "out")
    (box,) = elements(root, "box")
    assert (box["xtl"], box["rotation"]) == ("-5", "45")


def test_an_image_of_unknown_size_keeps_its_boxes(tmp_path: Path) -> None:
    flat = Shape("car", box=(5, 5, 0, 5))
    items = ranked({"det": [Shape("car", box=(-5, 0, 20, 20)), flat]}, size=None)
    root, notes = written(ListedItems(items, [DETECTION]), tmp_path / "out")
    assert elements(root, "image") == [{"id": "0", "name": "img1.png"}]
    assert elements(root, "box")[0]["xtl"] == "-5"
    assert len(elements(root, "box")) == 1
    assert notes == [
        "images without a known size: 1, first in 'img1.png'",
        "boxes left out as they have no area: 1, first in 'img1.png'",
    ]


def test_a_mask_is_the_part_that_is_set(tmp_path: Path) -> None:
    """
    . . . .
    . . # .      the part: . #     runs 1, 3
    . # # .                # #
    """
    mask = Mask((6, 1, 2, 2, 1), width=4, height=3)
    items = ranked({"seg": [Shape("car", 0.5, mask=mask)]}, size=(4, 3))
    root, notes = written(ListedItems(items, [SEGMENTS]), tmp_path / "out")
    (found,) = elements(root, "mask")
    assert found["rle"] == "1, 3"
    assert [found[name] for name in ("left", "top", "width", "height")] == ["1", "1", "2", "2"]
    assert notes == []


def test_masks_that_show_nothing_or_another_image_are_counted(tmp_path: Path) -> None:
    shapes = [Shape("car", mask=Mask((12,), 4, 3)), Shape("car", mask=Mask((5, 1), 3, 2))]
    root, notes = written(
        ListedItems(ranked({"seg": shapes}, size=(4, 3)), [SEGMENTS]), tmp_path / "o"
    )
    assert elements(root, "mask") == []
    assert notes == [
        "masks left out as they are empty: 1, first in 'img1.png'",
        "masks left out as their image has another size: 1, first in 'img1.png'",
    ]


def test_a_mask_that_does_not_fill_its_image_is_an_error(tmp_path: Path) -> None:
    items = ranked({"seg": [Shape("car", mask=Mask((5, 3), 4, 3))]}, size=(4, 3))
    with pytest.raises(
        DataError, match=r"'img1\.png': a mask of 8 px does not fit an image of 4 x 3 px"
    ):
        written(ListedItems(items, [SEGMENTS]), tmp_path / "out")


def test_outlines_of_one_object_are_one_group(tmp_path: Path) -> None:
    whole = Shape("car", polygons=((0, 0, 9, 0, 9, 9.5),))
    parts = Shape("car", polygons=((0, 0, 2, 0, 2, 2), (5, 5, 7, 5, 7, 7)))
    items = ranked({"seg": [whole, parts]}, {"seg": [parts]})
    root, _ = written(ListedItems(items, [SEGMENTS]), tmp_path / "out")
    found = elements(root, "polygon")
    assert [polygon.get("group_id") for polygon in found] == [None, "1", "1", "2", "2"]
    assert found[0]["points"] == "0,0;9,0;9,9.5"


def test_keypoints_are_a_skeleton_with_all_its_points(tmp_path: Path) -> None:
    points = ((10.0, 20.0, 0.9), (0.0, 0.0, 0.0))
    items = ranked({"pose": [Shape("person", 0.5, (0, 0, 50, 50), keypoints=points)]})
    out = tmp_path / "out"
    root, _ = written(ListedItems(items, [POSE]), out)
    (skeleton,) = root.iter("skeleton")
    seen = [(p.get("label"), p.get("outside"), p.get("points")) for p in skeleton.iter("points")]
    assert seen == [("nose", "0", "10,20"), ("left eye", "1", "0,0"), ("tail", "1", "0,0")]
    (label,) = json.loads((out / "labels.json").read_text(encoding="utf-8"))
    assert label["type"] == "skeleton"
    assert [sub["name"] for sub in label["sublabels"]] == ["nose", "left eye", "tail"]
    drawing = ET.fromstring(f"<svg>{label['svg']}</svg>")
    lines = {(d.get("data-node-from"), d.get("data-node-to")) for d in drawing.iter("line")}
    assert lines == {("1", "2"), ("1", "3")}
    names = [circle.get("data-label-name") for circle in drawing.iter("circle")]
    assert names == ["nose", "left eye", "tail"]
    parents = [label.findtext("parent") for label in root.iter("label")]
    assert parents == [None, "person", "person", "person"]


def test_keypoints_without_names_are_numbered(tmp_path: Path) -> None:

    items = ranked({"pose": [Shape("person", keypoints=((1, 2, 1), (3, 4, 1)))]})
    root, _ = written(
        ListedItems(items, [replace(POSE, keypoints=(), skeleton=())]), tmp_path / "out"
    )
    assert [label.findtext("name") for label in root.iter("label")] == ["person", "1", "2"]


def test_a_box_of_a_keypoint_task_cannot_be_a_skeleton(tmp_path: Path) -> None:
    items = ranked({"pose": [Shape("person", box=(1, 1, 5, 5), origin="imputed")]})
    root, notes = written(ListedItems(items, [POSE]), tmp_path / "out")
    assert len(root.findall("image/*")) == 0
    assert notes == [
        "shapes left out as they have no keypoint that is there: 1, first in 'img1.png'"
    ]


def test_classes_are_tags_and_tasks_share_labels_of_one_name(tmp_path: Path) -> None:
    """A label that is drawn in two ways is of any kind; a skeleton shares with nobody."""

    walkers = replace(POSE, categories={0: "car"})
    seen = {
        "weather": [Shape("rainy", 0.875)],
        "det": [Shape("car", box=(1, 1, 5, 5))],
        "seg": [Shape("car", polygons=((0, 0, 9, 0, 9, 9),))],
        "pose": [Shape("car", keypoints=((1, 1, 1),))],
    }
    items = ListedItems(ranked(seen), [WEATHER, DETECTION, SEGMENTS, walkers])
    root, notes = written(items, tmp_path / "out")
    (tag,) = root.iter("tag")
    assert tag.attrib == {"label": "rainy", "source": "auto"}
    kinds = {label.findtext("name"): label.findtext("type") for label in root.iter("label")}
    assert kinds == {
        "sunny": "tag",
        "rainy": "tag",
        "car": "any",
        "Fußgänger & <Rad>": "rectangle",
        "road": "any",
        "car (pose)": "skeleton",
        "nose": "points",
        "left eye": "points",
        "tail": "points",
    }
    assert next(root.iter("skeleton")).get("label") == "car (pose)"
    assert notes == [
        "category 'car' of task 'pose' is label 'car (pose)': CVAT has no label for keypoints and "
        "for something else"
    ]


def test_skeletons_of_other_points_are_other_labels(tmp_path: Path) -> None:
    """Both tasks have persons; the second has a name for a label that is taken as well."""
    hands = replace(POSE, name="hands", keypoints=("thumb",), skeleton=())
    taken = replace(DETECTION, categories={0: "person (hands)"})
    points = [Shape("person", keypoints=((1, 1, 1),))]
    items = ranked({"pose": points, "hands": points})
    root, notes = written(ListedItems(items, [taken, POSE, hands]), tmp_path / "out")
    assert [s.get("label") for s in root.iter("skeleton")] == ["person", "person (hands)*"]
    assert [len(s) for s in root.iter("skeleton")] == [4, 2]
    assert len(notes) == 1


def test_an_attribute_that_is_not_always_a_yes_or_no_is_text(tmp_path: Path) -> None:
    values: list[str | bool] = [True, "maybe", False]
    shapes = [Shape("car", box=(1, 1, 5, 5), attributes={"parked": value}) for value in values]
    out = tmp_path / "out"
    root, _ = written(ListedItems(ranked({"det": shapes}), [DETECTION]), out)
    texts = [a.text for a in root.findall("image/box/attribute") if a.get("name") == "parked"]
    assert texts == ["true", "maybe", "false"]
    car = json.loads((out / "labels.json").read_text(encoding="utf-8"))[0]
    assert [a["input_type"] for a in car["attributes"]] == ["select", "text"]


def test_text_that_xml_cannot_hold_is_an_error(tmp_path: Path) -> None:
    shape = Shape("car", box=(1, 1, 5, 5), attributes={"note": "a\x00b"})
    with pytest.raises(DataError, match=r"'a\\x00b' holds a character that no XML file can hold"):
        written(ListedItems(ranked({"det": [shape]}), [DETECTION]), tmp_path / "out")


def test_a_category_that_is_in_no_schema_is_an_error(tmp_path: Path) -> None:
    items = ListedItems(ranked({"det": [Shape("bus", box=(1, 1, 5, 5))]}), [DETECTION])
    with pytest.raises(DataError, match=r"^'img1.png': task 'det' has no category 'bus'$"):
        written(items, tmp_path / "out")


@pytest.mark.parametrize("sample_id", ODD_IDS)
def test_ids_survive(tmp_path: Path, sample_id: str) -> None:
    items = [Item(1, sample_id, 0.5, location=f"https://host/{sample_id}", size=(9, 9))]
    root, _ = written(ListedItems(items, [DETECTION]), tmp_path / "out")
    assert elements(root, "image")[0]["name"] == sample_id
    listed = (tmp_path / "out" / "images.txt").read_text(encoding="utf-8")
    assert listed == f"https://host/{sample_id}\n"


@pytest.mark.parametrize("sample_id", ["a\nb.png", "a\x01b.png", "a\u2028b.png"])
def test_ids_that_a_line_or_xml_cannot_hold_are_errors(tmp_path: Path, sample_id: str) -> None:
    items = ListedItems([Item(1, sample_id, 0.5)], [DETECTION])
    with pytest.raises(DataError, match=r"breaks the line|no XML file can hold"):
        written(items, tmp_path / "out")


def test_images_go_along_under_their_ids(tmp_path: Path) -> None:
    items = ListedItems([Item(1, "ü/a b.png", 0.5)], [DETECTION], images={"ü/a b.png": b"pixels"})
    written(items, tmp_path / "out", images="copy")
    assert (tmp_path / "out" / "images" / "ü" / "a b.png").read_bytes() == b"pixels"
    assert (tmp_path / "out" / "images.txt").read_text(encoding="utf-8") == "images/ü/a b.png\n"
    assert not (tmp_path / "out" / "frames.json").exists()


def test_frames_are_listed_by_video_with_a_filter_that_has_them_all(tmp_path: Path) -> None:
    """9 - 3 = 6 and 33 - 3 = 30 have 6 in common."""
    names = ["v/a-033-mp4.png", "b-7-avi.png", "v/a-003-mp4.png", "v/a-009-mp4.png", "c.png"]
    items = [Item(rank, name, None) for rank, name in enumerate(names, start=1)]
    _, notes = written(ListedItems(items, [DETECTION]), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "frames.json").read_text(encoding="utf-8")) == {
        "videos": [
            {
                "video": "b.avi",
                "start_frame": 7,
                "stop_frame": 7,
                "frame_filter": "step=1",
                "frames": [7],
            },
            {
                "video": "v/a.mp4",
                "start_frame": 3,
                "stop_frame": 33,
                "frame_filter": "step=6",
                "frames": [3, 9, 33],
            },
        ]
    }
    assert notes[-1].startswith("frames of 2 videos: upload them as images")


def test_images_that_cvat_cannot_tell_apart_are_named(tmp_path: Path) -> None:
    items = [Item(rank, name, None) for rank, name in enumerate(["a.jpg", "b.jpg", "a.png"], 1)]
    _, notes = written(ListedItems(items, [DETECTION]), tmp_path / "out")
    assert notes[-1] == (
        "1 images differ from another in their ending only, first 'a.png': CVAT tells images "
        "apart by their names without it"
    )


def test_without_tasks_there_are_images_alone(tmp_path: Path) -> None:
    root, notes = written(ListedItems(ranked({}, {})), tmp_path / "out")
    assert [image["name"] for image in elements(root, "image")] == ["img1.png", "img2.png"]
    assert notes == ["no task is named, so there are no labels: make them in CVAT"]


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    written(ListedItems(ranked({}), [DETECTION]), tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["annotations.xml", "images.txt", "labels.json"]


@given(st.lists(st.lists(st.booleans(), min_size=7, max_size=7), min_size=3, max_size=3))
def test_runs_of_a_part_fill_it(rows: list[list[bool]]) -> None:
    """Whatever the mask: left of, above and below the part nothing is set, and runs fill it."""
    from selectlab.masks import bounds, pixels_of, run_lengths

    image = np.array(rows)
    assert np.array_equal(pixels_of(mask_of(image)), image)
    place = bounds(image)
    assert (place is None) == (not image.any())
    if place is not None:
        left, top, width, height = place
        part = image[top : top + height, left : left + width]
        assert part.sum() == image.sum()
        assert part[0].any()
        assert part[-1].any()
        assert part[:, 0].any()
        assert part[:, -1].any()
        assert sum(run_lengths(part)) == part.size


READ = """
import json, sys
import datumaro as dm

dataset = dm.Dataset.import_from(sys.argv[1], "cvat")
names = [c.name for c in dataset.categories()[dm.AnnotationType.label]]
found = {}
for item in dataset:
    held = found[item.media.path] = {"size": item.media.size, "frame": item.attributes["frame"]}
    for one in item.annotations:
        about = {"label": names[one.label], "attributes": one.attributes}
        if one.type == dm.AnnotationType.bbox:
            about["box"] = one.get_bbox()
        elif one.type == dm.AnnotationType.polygon:
            about |= {"points": one.points, "group": one.group}
        held.setdefault(one.type.name, []).append(about)
print(json.dumps({"names": names, "images": found}))
"""


def test_datumaro_reads_it(tmp_path: Path) -> None:
    """A library of formats sees the same names, labels, boxes, outlines and tags.

    It passes over masks and skeletons.
    """
    python = python_with("datumaro")
    parts = ((0.0, 0.0, 2.0, 0.0, 2.0, 2.5), (1.0, 1.0, 3.0, 1.0, 3.0, 2.0))
    seen = {
        "det": [Shape("car", 0.75, (0.5, 1, 2, 1.25), attributes={"occluded": True})],
        "seg": [Shape("road", polygons=parts)],
        "weather": [Shape("rainy", 0.875)],
    }
    items = [
        replace(item, sample_id=name)
        for item, name in zip(ranked(*[seen] * len(ODD_IDS), size=(4, 3)), ODD_IDS, strict=True)
    ]
    ranking = ListedItems(
        items, [DETECTION, SEGMENTS, WEATHER], images=dict.fromkeys(ODD_IDS, b"pixels")
    )
    Cvat(images="copy").write(ranking, tmp_path / "out")
    told = json.loads(told_by(python, READ, str(tmp_path / "out")).splitlines()[-1])
    assert told["names"] == ["car", "Fußgänger & <Rad>", "road", "sunny", "rainy"]
    assert list(told["images"]) == [str(tmp_path / "out" / "images" / name) for name in ODD_IDS]
    for number, image in enumerate(told["images"].values()):
        assert (image["size"], image["frame"]) == ([3, 4], number)
        (box,) = image["bbox"]
        assert (box["label"], box["box"]) == ("car", [0.5, 1, 2, 1.25])
        assert box["attributes"] == {"score": "0.75", "origin": "predicted", "occluded": True}
        assert [p["points"] for p in image["polygon"]] == [list(part) for part in parts]
        assert [p["group"] for p in image["polygon"]] == [number + 1] * 2
        assert [(t["label"], t["attributes"]["score"]) for t in image["label"]] == [
            ("rainy", "0.875")
        ]
