"""Label Studio's export, by hand and there and back: which annotation counts, and what it says."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listed_items import ListedItems

from selectlab.brush import encode_brush
from selectlab.errors import DataError
from selectlab.exports.items import Item
from selectlab.exports.label_studio import LabelStudio, task_of
from selectlab.labels.formats import open_labels
from selectlab.labels.label import RawLabel
from selectlab.labels.label_studio import image_name, label_of, read_labels
from selectlab.masks import bounds, pixels_of
from selectlab.shapes import Mask, Shape, Task
from selectlab.tally import Tally


def region(kind: str = "rectanglelabels", label: str = "car", **more: Any) -> dict[str, Any]:
    """A result on an image of 400 x 200 px; a box of 25, 25, 15, 10 percent unless told."""
    value = more.pop("value", {"x": 25.0, "y": 25.0, "width": 15.0, "height": 10.0, "rotation": 0})
    return {
        "id": "r1", "from_name": "tool", "to_name": "image", "type": kind,
        "original_width": 400, "original_height": 200, "image_rotation": 0,
        "value": {**value, kind: [label]}, **more,
    }  # fmt: skip


def annotation(*results: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": 1, "completed_by": 1, "was_cancelled": False, "ground_truth": False,
            "updated_at": "2024-05-01T10:00:00.000000Z", "result": list(results), **more}  # fmt: skip


def read(*annotations: dict[str, Any], tally: Tally | None = None, **data: Any) -> RawLabel | None:
    task = {"id": 5, "data": {"image": "x", "sample_id": "a.png", **data}}
    return label_of({**task, "annotations": list(annotations)}, "export.json[0]", tally)


def shapes(*results: dict[str, Any], tally: Tally | None = None, **data: Any) -> list[Shape]:
    label = read(annotation(*results), tally=tally, **data)
    return [] if label is None else list(label.shapes)


def test_a_box_comes_back_in_px() -> None:
    """25 % of 400 px is 100, 25 % of 200 is 50, 15 % of 400 is 60, 10 % of 200 is 20."""
    assert read(annotation(region())) == RawLabel(
        name="a.png",
        is_id=True,
        shapes=(Shape("car", None, (100, 50, 60, 20), origin="labelled"),),
        size=(400, 200),
        labelled_at=datetime(2024, 5, 1, 10, tzinfo=timezone.utc),
        labelled_by="1",
        where="export.json[0]",
    )


def test_nothing_in_the_image_is_a_label_too() -> None:
    label = read(annotation())
    assert label is not None
    assert (label.shapes, label.size) == ((), None)


def test_a_turned_box_turns_about_its_centre() -> None:
    """Upper left corner at (130, 40), 40 x 20, a quarter turn clockwise: the centre is
    (-10, 20) from there, (120, 60); about the centre it begins at (100, 50).
    """
    value = {"x": 32.5, "y": 20.0, "width": 10.0, "height": 10.0, "rotation": 90}
    (shape,) = shapes(region(value=value))
    assert shape.box == (100, 50, 40, 20)
    assert shape.attributes == {"rotation": 90}


def test_outlines_brushes_and_classes_come_back() -> None:
    outline = region(
        "polygonlabels", "cat", id="p", value={"points": [[0, 0], [10, 0], [10, 10.0]]}
    )
    mask = Mask((1, 2, 400 * 200 - 3), width=400, height=200)
    brush = region("brushlabels", "dog", id="b", value={"format": "rle", "rle": encode_brush(mask)})
    choice = {"id": "c", "from_name": "w", "to_name": "image", "type": "choices",
              "value": {"choices": ["sunny", "dry"]}}  # fmt: skip
    assert shapes(outline, brush, choice) == [
        Shape("sunny", origin="labelled"),
        Shape("dry", origin="labelled"),
        Shape("cat", polygons=((0, 0, 40, 0, 40, 20),), origin="labelled"),
        Shape("dog", mask=mask, origin="labelled"),
    ]


def test_an_outline_below_one_of_the_same_label_is_part_of_it() -> None:
    points = {"points": [[0, 0], [10, 0], [10, 10]]}
    first = region("polygonlabels", "cat", id="1", value=points)
    part = region("polygonlabels", "cat", id="2", parentID="1", value=points)
    other = region("polygonlabels", "dog", id="3", parentID="1", value=points)
    flat = (0, 0, 40, 0, 40, 20)
    assert [(s.category, s.polygons) for s in shapes(part, other, first)] == [
        ("dog", (flat,)),
        ("cat", (flat, flat)),
    ]


def point(name: str, x: float, y: float, **more: Any) -> dict[str, Any]:
    given = {"value": {"x": x, "y": y, "width": 0.5}, "from_name": "k", "id": f"k{name}{x}"}
    return region("keypointlabels", name, **{**given, **more})


NAMES = {"k": ["nose", "left", "right"]}


def test_keypoints_take_the_place_that_their_name_has() -> None:
    """5 % of 400 and 200 px are 20 and 10; nobody put a left one."""
    person = region(label="person", id="b")
    found = shapes(
        person, point("right", 10, 10, parentID="b"), point("nose", 5, 5, parentID="b"),
        keypoints=NAMES,
    )  # fmt: skip
    assert [(s.category, s.box, s.keypoints) for s in found] == [
        ("person", (100, 50, 60, 20), ((20, 10, 1), (0, 0, 0), (40, 20, 1)))
    ]


def test_a_keypoint_without_a_parent_goes_to_the_only_box_around_it() -> None:
    """(30, 30) is in the first box, (60, 60) in both, (5, 5) in none."""
    tally = Tally()
    first = region(label="person", id="1", value={"x": 20, "y": 20, "width": 50, "height": 50})
    second = region(label="person", id="2", value={"x": 50, "y": 50, "width": 50, "height": 50})
    points = [point("nose", at, at, id=f"k{at}") for at in (30, 60, 5)]
    found = shapes(first, second, *points, keypoints=NAMES, tally=tally)
    assert [s.keypoints for s in found] == [((120, 60, 1), (0, 0, 0), (0, 0, 0)), ()]
    assert tally.lines() == [
        "keypoints without a parent, taken to belong to the only box around them: 1, first in "
        "export.json[0]",
        "keypoints without a parent, in no box or in several, are not read: 2, first in "
        "export.json[0]",
    ]


def test_a_keypoint_of_anybodys_config_is_an_object_of_its_label() -> None:
    assert shapes(point("pupil", 5, 5)) == [
        Shape("pupil", keypoints=((20, 10, 1),), origin="labelled")
    ]


def test_keypoints_whose_box_was_deleted_stay_one_object() -> None:
    meta = {"category": "person"}
    found = shapes(
        point("nose", 5, 5, parentID="gone", meta=meta),
        point("left", 10, 10, parentID="gone", meta=meta),
        keypoints=NAMES,
    )
    assert found == [
        Shape("person", keypoints=((20, 10, 1), (40, 20, 1), (0, 0, 0)), origin="labelled")
    ]


def test_a_keypoint_twice_is_counted() -> None:
    tally = Tally()
    points = [point("nose", at, at, parentID="b") for at in (5, 10)]
    (found,) = shapes(region(id="b"), *points, keypoints=NAMES, tally=tally)
    assert found.keypoints == ((20, 10, 1), (0, 0, 0), (0, 0, 0))
    assert tally.lines() == [
        "keypoints that an object has already are not read again: 1, first in export.json[0]"
    ]


def test_regions_that_are_each_others_parents_are_not_lost() -> None:
    """3 is below 1, which is below 2, which is below 1."""
    pairs = (("1", "2"), ("2", "1"), ("3", "1"))
    found = shapes(*(point("nose", 5, 5, id=a, parentID=b) for a, b in pairs))
    assert sum(len(shape.keypoints) for shape in found) == 3


def test_shape_and_labels_may_be_two_results() -> None:
    """As <Labels> beside <Rectangle> writes them."""
    box = {"x": 25.0, "y": 25.0, "width": 15.0, "height": 10.0, "rotation": 0}
    size = {"original_width": 400, "original_height": 200}
    one = {"id": "r", "from_name": "rect", "type": "rectangle", "value": box, **size}
    two = {"id": "r", "from_name": "names", "type": "labels", "value": {**box, "labels": ["car"]}}
    expected = [Shape("car", None, (100, 50, 60, 20), origin="labelled")]
    assert shapes(one, {**two, **size}) == shapes({**two, **size}, one) == expected
    assert shapes({**two, **size}, {**two, **size}, one) == expected


def test_two_labels_of_a_region_are_two_shapes() -> None:
    both = region()
    both["value"]["rectanglelabels"] = ["car", "taxi"]
    assert [shape.category for shape in shapes(both)] == ["car", "taxi"]


def test_what_else_was_said_of_a_region_is_kept() -> None:
    asked = {"id": "r1", "from_name": "state", "to_name": "image", "type": "choices",
             "value": {"choices": ["parked", "empty"]}}  # fmt: skip
    given = region(meta={"text": ["a dent"], "attributes": {"occluded": True}})
    (shape,) = shapes(given, asked)
    assert shape.attributes == {"occluded": True, "state": "parked, empty", "note": "a dent"}
    (shape,) = shapes(region(meta={"text": ["suspicious"]}))
    assert shape.attributes is None


UNREAD = [
    (region("ellipselabels"), "results of type 'ellipselabels' are not read"),
    ({"id": "t", "type": "textarea", "value": {"text": ["x"]}}, "results of type 'textarea' are not read"),
    ({"type": "relation", "from_id": "a", "to_id": "b"}, "relations between regions are not read"),
    (region(item_index=1), "regions of a task's further images are not read"),
    (region(image_rotation=90), "regions drawn on an image that was shown turned are not read"),
    ({**region(), "original_width": None}, "regions without the size of their image, which their percent are of, are not read"),
    ({**region(), "value": {"x": 1, "y": 1, "width": 1, "height": 1}}, "regions without a label are not read"),
    (region("labels", value={"start": 1, "end": 2}), "labels without a region of the image are not read"),
    (region("brushlabels", value={"format": "rle"}), "brushes without run lengths are not read"),
    (region("brushlabels", value={"rle": encode_brush(Mask((80_000,), 400, 200))}), "brushes that paint nothing are not read"),
    (region("polygonlabels", value={"points": [[0, 0], [1, 1]]}), "outlines of fewer than three points are not read"),
]  # fmt: skip


@pytest.mark.parametrize(("result", "note"), UNREAD)
def test_what_is_not_read_is_counted_and_what_is_left_is_read(
    result: dict[str, Any], note: str
) -> None:
    tally = Tally()
    assert len(shapes(region(id="fine"), result, tally=tally)) == 1
    assert tally.lines() == [f"{note}: 1, first in export.json[0]"]


@pytest.mark.parametrize(("result", "note"), UNREAD)
def test_where_nothing_is_read_there_is_no_label(result: dict[str, Any], note: str) -> None:
    """It must not look like "nothing in this image"."""
    tally = Tally()
    assert read(annotation(result), tally=tally) is None
    assert tally.lines() == [
        f"{note}: 1, first in export.json[0]",
        "annotations in which nothing can be read are no labels: 1, first in export.json[0]",
    ]


def chosen(*annotations: dict[str, Any]) -> tuple[str, list[str]]:
    tally = Tally()
    label = read(*annotations, tally=tally)
    return ("" if label is None else label.shapes[0].category), tally.lines()


SEVERAL = (
    "tasks with several annotations, of which ground truth or the newest counts: 1, first in "
    "export.json[0]"
)


def test_the_newest_annotation_counts() -> None:
    """Neither the last of the list nor the highest id; +02:00 is earlier than it looks."""
    newest = annotation(region(label="new"), id=2, updated_at="2024-05-03T10:00:00Z")
    older = annotation(region(label="old"), id=9, updated_at="2024-05-03T11:00:00+02:00")
    assert chosen(newest, older) == chosen(older, newest) == ("new", [SEVERAL])


def test_ground_truth_counts_before_the_newest() -> None:
    truth = annotation(region(label="truth"), ground_truth=True)
    newer = annotation(region(label="new"), updated_at="2025-01-01T00:00:00Z")
    assert chosen(truth, newer) == chosen(newer, truth) == ("truth", [SEVERAL])


def test_of_equal_times_the_higher_id_counts() -> None:
    first, second = (annotation(region(label=str(n)), id=n) for n in (9, 10))
    assert chosen(first, second)[0] == chosen(second, first)[0] == "10"


def test_skipped_annotations_do_not_count() -> None:
    skipped = annotation(was_cancelled=True, updated_at="2025-01-01T00:00:00Z")
    assert chosen(skipped, annotation(region(label="kept"))) == ("kept", [])
    assert chosen(skipped) == (
        "", ["tasks that were skipped are no labels: 1, first in export.json[0]"]
    )  # fmt: skip
    assert chosen() == (
        "", ["tasks that nobody has annotated are no labels: 1, first in export.json[0]"]
    )  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [{"updated_at": "2024-05-01T12:00:00+02:00"}, {"updated_at": "2024-05-01T10:00:00"},
     {"updated_at": None, "created_at": "2024-05-01T10:00:00.000Z"}],
)  # fmt: skip
def test_when_it_was_labelled(given: dict[str, Any]) -> None:
    """Two o'clock less two hours; a time without a zone is UTC."""
    label = read(annotation(region(), **given))
    assert label is not None
    assert label.labelled_at == datetime(2024, 5, 1, 10, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("given", "person"),
    [(7, "7"), (None, None), ({"id": 7, "email": "ann@x.org"}, "ann@x.org"), ({"id": 7}, "7")],
)
def test_who_labelled(given: Any, person: str | None) -> None:
    label = read(annotation(region(), completed_by=given))
    assert label is not None
    assert label.labelled_by == person


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"image": "/data/upload/3/1a2b3c4d-my-cat.jpg"}, "my-cat.jpg"),
        ({"image": "/data/upload/1a2b3c4d-cat.jpg"}, "cat.jpg"),
        ({"image": "https://ls.org/data/upload/3/1a2b3c4d-a%20b.jpg"}, "a b.jpg"),
        ({"image": "/data/local-files/?d=set/Stra%C3%9Fe/a%20b%231.jpg"}, "set/Straße/a b#1.jpg"),
        ({"image": "https://host/a/b%20c.jpg?token=1#x"}, "a/b c.jpg"),
        ({"image": "gs://bucket/a/b.jpg"}, "a/b.jpg"),
        ({"image": "images/a%20b.jpg"}, "images/a%20b.jpg"),
        ({"image": "C:\\images\\a.jpg"}, "C:/images/a.jpg"),
        ({"photo": "https://host/a.jpg", "text": "a.b"}, "a.jpg"),
        ({"left": "l.jpg", "right": "r.jpg"}, ""),
        ({"text": "no image"}, ""),
    ],
)
def test_an_image_that_we_did_not_send_has_a_name(data: dict[str, str], name: str) -> None:
    assert image_name({"data": data}) == name
    label = label_of({"id": 7, "data": data, "annotations": [annotation()]}, "here")
    assert label is not None
    assert (label.name, label.is_id) == (name or "task 7", False)


def save(path: Path, *tasks: Any, head: str = "") -> Path:
    path.write_text(head + json.dumps(list(tasks), ensure_ascii=False), encoding="utf-8")
    return path


def test_a_file_is_read_task_by_task(tmp_path: Path) -> None:
    tasks = [
        {"id": n, "data": {"sample_id": name}, "annotations": [annotation(region(label=label))]}
        for n, (name, label) in enumerate([("Straße/b 1.png", "car"), ("a.png", "bus")])
    ]
    path = save(tmp_path / "export.json", *tasks, {"data": {}, "annotations": []}, head="\ufeff \n")
    labels = read_labels(path)
    assert [(label.name, label.where) for label in labels] == [
        ("Straße/b 1.png", f"{path}[0]"),
        ("a.png", f"{path}[1]"),
    ]
    note = f"tasks that nobody has annotated are no labels: 1, first in {path}[2]"
    assert labels.notes == [note]
    assert len(list(labels)) == 2
    assert labels.notes == [note]
    assert labels.task == Task("", "object-detection", {0: "bus", 1: "car"})


def test_an_empty_export_has_no_labels(tmp_path: Path) -> None:
    assert list(read_labels(save(tmp_path / "export.json"))) == []


JSON_MIN = [
    {"image": "/data/a.jpg", "id": 1, "label": [{"x": 1}], "annotator": 1, "annotation_id": 1}
]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps(JSON_MIN), "[0]: this is Label Studio's JSON-MIN; export as JSON, which tells sizes of images and the newest annotation"),
        ('{"images": []}', ": is no list of tasks; export from Label Studio as JSON"),
        ("", ": is no list of tasks; export from Label Studio as JSON"),
        ("[1]", "[0]: a task needs data and annotations, got 1"),
        ('[{"data": {}, "annotations": 3}]', "[0].annotations: must be a list, got 3"),
    ],
)  # fmt: skip
def test_files_of_other_formats_are_refused_when_they_are_opened(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "export.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_labels(path)
    assert str(caught.value) == f"{path}{message}"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_labels(tmp_path / "none.json")
    assert (
        str(caught.value) == f"{tmp_path / 'none.json'}: cannot be read: No such file or directory"
    )


@pytest.mark.parametrize("start", ["", '[{"data": {}, "annotations": []}, '])
def test_a_file_that_is_nested_absurdly_deep(start: str, tmp_path: Path) -> None:
    """In 200,000 lists the time would grow with the square."""
    path = tmp_path / "export.json"
    path.write_text(start + "[" * 200_000)
    with pytest.raises(DataError) as caught:
        list(open_labels(path))
    assert str(caught.value) == f"{path}: is nested deeper than 100; no tool exports that"


def test_brackets_in_texts_do_no_harm(tmp_path: Path) -> None:
    path = save(
        tmp_path / "export.json", {"data": {"sample_id": "[{" * 100}, "annotations": [annotation()]}
    )
    assert [label.name for label in read_labels(path)] == ["[{" * 100]


def test_a_file_that_ends_too_early(tmp_path: Path) -> None:
    path = save(tmp_path / "export.json", {"data": {}, "annotations": []}, {"data": {}})
    path.write_bytes(path.read_bytes()[:-5])
    labels = read_labels(path)
    with pytest.raises(DataError, match="is no JSON, or ends too early"):
        list(labels)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (annotation(region(value={"x": "1"})), "here.result[0].value.x: must be a number, got '1'"),
        (annotation(region(value={"x": 1.0, "y": True})), "here.result[0].value.y: must be a number, got True"),
        (annotation(region(value={"x": 10**400})), "here.result[0].value.x: must be a number, got 1" + 56 * "0" + "..."),
        (annotation(region(value={"x": 1.0, "y": 1.0, "width": -3, "height": 1.0})), "here.result[0].value.width: must be >= 0, got -3.0"),
        (annotation(region(label=3)), "here.result[0]: must hold a list of names, got [3]"),
        (annotation({"type": "choices"}), "here.result[0]: a result needs a type and a value, got {'type': 'choices'}"),
        (annotation(3), "here.result[0]: a result needs a type and a value, got 3"),
        (annotation(result={}), "here.result: must be a list, got {}"),
        (annotation(updated_at="soon"), "here: 'soon' is no time"),
        (annotation(region("polygonlabels", value={"points": [[0, 0], [1, 1], [2]]})), "here.result[0].value.points[2]: must be x and y, got [2]"),
        (annotation(region("brushlabels", value={"rle": [1, 2]})), "here.result[0].value.rle: the run lengths of a brush are broken"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_said_with_its_place(made: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        label_of({"data": {"sample_id": "a"}, "annotations": [made]}, "here")
    assert str(caught.value) == message


def test_an_export_of_the_real_editor() -> None:
    """Version 1.23.2; a person accepted a turned box and drew the rest on 96 x 64 px.

    The hand went from (.52, .04) to (.60, .10) of the image for the car, over (.1, .6), (.3, .6)
    and (.3, .9) for the outline, from (.5, .7) to (.8, .8) for the brush; the two keypoints lie in
    the person's box, without a parent. A pixel of the image is ten of the screen.
    """
    labels = read_labels(Path(__file__).parent / "from_tools" / "label_studio.json")
    (label,) = labels
    assert (label.name, label.is_id, label.size, label.labelled_by) == (
        "a b.png",
        True,
        (96, 64),
        "1",
    )
    turned, person, car, outline, brush = label.shapes
    assert (turned.category, turned.box) == ("bus", (50, 10, 30, 14))
    assert turned.attributes == {"rotation": 30}
    assert car.box == pytest.approx((0.52 * 96, 0.04 * 64, 0.08 * 96, 0.06 * 64), abs=0.1)
    assert outline.polygons[0] == pytest.approx((9.6, 38.4, 28.8, 38.4, 28.8, 57.6), abs=0.1)
    assert [point[:2] for point in person.keypoints] == [
        pytest.approx((0.2 * 96, 0.2 * 64), abs=0.1),
        pytest.approx((0.4 * 96, 0.45 * 64), abs=0.1),
    ]
    assert brush.mask is not None
    # 1.6 px wide: from 48 - 0.8 to 76.8 + 0.8, and from 44.8 - 0.8 to 51.2 + 0.8
    assert bounds(pixels_of(brush.mask)) == (47, 44, 31, 8)
    assert labels.task.type == "keypoint-detection"
    assert labels.notes == [
        "keypoints without a parent, taken to belong to the only box around them: 2, first in "
        f"{label.where}"
    ]


SIZE = (641, 427)
px_x = st.floats(0, SIZE[0]).map(lambda v: round(v, 3))
px_y = st.floats(0, SIZE[1]).map(lambda v: round(v, 3))
points = st.tuples(px_x, px_y)
boxes = st.tuples(points, points).map(
    lambda ends: (
        min(ends[0][0], ends[1][0]), min(ends[0][1], ends[1][1]),
        round(abs(ends[0][0] - ends[1][0]), 3), round(abs(ends[0][1] - ends[1][1]), 3),
    )
).filter(lambda box: box[2] > 0 and box[3] > 0)  # fmt: skip
ids = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)
names = st.sampled_from(["car", 'a<b>&"', "Straße 車"])


def there_and_back(out: Path, shape: Shape, task: Task, sample_id: str = "a.png") -> RawLabel:
    """Write a labelled sample as a task with an annotation, and read that."""
    item = Item(1, sample_id, None, location="x://y", size=SIZE, shapes={task.name: [shape]})
    LabelStudio().write(ListedItems([item], [task]), out)
    (label,) = read_labels(out / "tasks.json")
    return label


@given(ids, names, boxes)
def test_ids_names_and_boxes_come_back(
    tmp_path_factory: pytest.TempPathFactory, sample_id: str, name: str, box: Any
) -> None:
    task = Task("det", "object-detection", {0: "car", 1: 'a<b>&"', 2: "Straße 車"})
    shape = Shape(name, None, box, origin="labelled")
    label = there_and_back(tmp_path_factory.mktemp("ls") / "out", shape, task, sample_id)
    assert (label.name, label.is_id, label.size) == (sample_id, True, SIZE)
    (found,) = label.shapes
    assert found.category == name
    assert found.box == pytest.approx(box, abs=1e-5)


@given(st.lists(points, min_size=3, max_size=6), st.integers(0, 7))
def test_keypoints_come_back(
    tmp_path_factory: pytest.TempPathFactory, given_points: Any, absent: int
) -> None:
    keypoints = tuple(
        (0.0, 0.0, 0.0) if at == absent else (x, y, 1.0) for at, (x, y) in enumerate(given_points)
    )
    for order in ([f"k{n}" for n in range(len(keypoints))], []):
        task = Task("pose", "keypoint-detection", {0: "person"}, order)
        shape = Shape("person", None, (1, 1, 9, 9), keypoints=keypoints, origin="labelled")
        (found,) = there_and_back(tmp_path_factory.mktemp("ls") / "out", shape, task).shapes
        expected = keypoints if order or absent != len(keypoints) - 1 else keypoints[:-1]
        assert np_close(found.keypoints, expected)
        assert found.box == (1, 1, 9, 9)


def np_close(found: Any, expected: Any) -> bool:
    return len(found) == len(expected) and all(
        a == pytest.approx(b, abs=1e-5) for a, b in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("with_box", [False, True])
def test_keypoints_come_back_as_one_object_with_or_without_a_box(
    tmp_path: Path, with_box: bool
) -> None:
    task = Task("pose", "keypoint-detection", {0: "cat", 1: "dog"}, ["nose", "tail"])
    shape = Shape(
        "dog", None, (1, 1, 90, 90) if with_box else None,
        keypoints=((10, 10, 1), (20, 20, 1)), origin="labelled",
    )  # fmt: skip
    (found,) = there_and_back(tmp_path / "out", shape, task).shapes
    assert (found.category, found.keypoints) == ("dog", ((10, 10, 1), (20, 20, 1)))
    assert (found.box is not None) is with_box


def test_masks_outlines_and_turned_boxes_come_back(tmp_path: Path) -> None:
    task = Task("seg", "instance-segmentation", {0: "cat"})
    mask = Mask((5, 7, SIZE[0] * SIZE[1] - 12), *SIZE)
    outlines = ((0.0, 0.0, 40.5, 0.0, 40.5, 20.25), (80.0, 40.0, 120.0, 40.0, 120.0, 60.0))
    given = [
        Shape("cat", None, mask=mask, origin="labelled"),
        Shape("cat", None, polygons=outlines, origin="labelled"),
        Shape("cat", None, (100, 50, 40, 20), origin="labelled", attributes={"rotation": 33.5}),
        Shape("cat", None, (100, 50, 40, 20), origin="labelled", attributes={"occluded": True}),
    ]
    for number, shape in enumerate(given):
        assert there_and_back(tmp_path / str(number), shape, task).shapes == (shape,)


def test_what_was_predicted_is_no_label() -> None:
    task = Task("det", "object-detection", {0: "car"})
    predicted = {"det": [Shape("car", 0.5, (0, 0, 9, 9))]}
    item = Item(1, "a.png", 0.5, location="x", size=SIZE, shapes=predicted)
    assert label_of(task_of(item, [task], "run"), "here") is None
