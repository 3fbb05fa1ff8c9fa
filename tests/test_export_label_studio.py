"""Label Studio tasks, by hand: places in percent, what is left out, and the labelling config."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from listed_items import ListedItems

from selectlab.errors import ConfigError, DataError
from selectlab.exports.items import Item
from selectlab.exports.label_studio import LabelStudio, local_files_url, task_of
from selectlab.exports.label_studio_config import controls_of, label_config
from selectlab.shapes import Mask, Shape, Task
from selectlab.tally import Tally

DET = Task("det", "object-detection", {0: "car", 7: "bus"})
WEATHER = Task("weather", "classification", {0: "sunny", 1: "rainy"})
POSE = Task("pose", "keypoint-detection", {0: "person"}, ("nose", "left eye", "right eye"))
SEG = Task("seg", "instance-segmentation", {0: "cat"})


def item(*shapes: Shape, task: Task = DET, **more: Any) -> Item:
    given: dict[str, Any] = {"location": "https://host/a.png", "size": (400, 200), **more}
    return Item(1, "a.png", 0.25, shapes={task.name: shapes}, **given)


def results(*shapes: Shape, task: Task = DET, tally: Tally | None = None, **more: Any) -> Any:
    """The results of the only prediction; an empty list where there is no prediction."""
    made = task_of(item(*shapes, task=task, **more), [task], "run", tally)
    return made["predictions"][0]["result"] if "predictions" in made else []


def test_a_box_is_percent_of_its_image() -> None:
    """100 of 400 px is 25 %, 50 of 200 px is 25 %, 60 of 400 is 15 %, 20 of 200 is 10 %."""
    assert results(Shape("bus", 0.75, (100, 50, 60, 20))) == [
        {
            "id": "det_boxes-1",
            "from_name": "det_boxes",
            "to_name": "image",
            "type": "rectanglelabels",
            "value": {"x": 25, "y": 25, "width": 15, "height": 10, "rotation": 0,
                      "rectanglelabels": ["bus"]},
            "original_width": 400,
            "original_height": 200,
            "image_rotation": 0,
            "score": 0.75,
        }
    ]  # fmt: skip


def test_the_data_says_what_was_selected_and_why() -> None:
    chosen = Item(
        3, "Straße/a b#1.png", np.float32(0.5), reason="far from \"b\"",
        location="https://host/x", metadata={"weather": "sunny", "iso": np.int64(200),
                                             "gps": float("nan"), "at": np.datetime64("2024-01-02")},
    )  # fmt: skip
    assert json.loads(json.dumps(task_of(chosen, [DET], "c0ffee"))) == {
        "data": {
            "image": "https://host/x",
            "sample_id": "Straße/a b#1.png",
            "rank": 3,
            "selection_score": 0.5,
            "reason": 'far from "b"',
            "run": "c0ffee",
            "metadata_weather": "sunny",
            "metadata_iso": 200,
            "metadata_gps": None,
            "metadata_at": "2024-01-02",
        }
    }


def test_metadata_have_names_without_dots_unless_two_would_be_one() -> None:
    """The data manager finds nothing below a name with a dot."""
    data = task_of(item(metadata={"a.b": 1, "a_b": 2}), [DET], "run")["data"]
    assert (data["metadata_a_b"], data["metadata.a_b"]) == (1, 2)


def test_no_prediction_has_a_score_of_its_own() -> None:
    """Label Studio shows the lowest first, which would turn the ranking around."""
    made = task_of(item(Shape("car", 0.9, (0, 0, 9, 9))), [DET], "run")
    assert made["predictions"][0].keys() == {"model_version", "result"}


def test_all_runs_share_a_model_version() -> None:
    """A project shows one model version: the first it ever got."""
    shape = Shape("car", 0.9, (0, 0, 9, 9))
    first, second = (task_of(item(shape), [DET], run)["predictions"] for run in ("a", "b"))
    assert first == second


def test_what_sticks_out_is_cut_and_what_is_outside_is_counted() -> None:
    """From -40 to 40 px of 400: 40 are left, 10 %. 380 + 40 ends at 400: 5 % are left."""
    tally = Tally()
    shapes = (
        Shape("car", 1.0, (-40, 0, 80, 200)),
        Shape("car", 1.0, (380, 150, 40, 100)),
        Shape("car", 1.0, (400, 0, 10, 10)),
    )
    values = [result["value"] for result in results(*shapes, tally=tally)]
    assert [(v["x"], v["y"], v["width"], v["height"]) for v in values] == [
        (0, 0, 10, 100),
        (95, 75, 5, 25),
    ]
    assert tally.lines() == [
        "shapes left out as they are outside of their image: 1, first in 'a.png'"
    ]


@given(st.integers(1, 5000), st.floats(0, 1), st.floats(0, 1))
def test_percent_never_leaves_the_image(width: int, left: float, right: float) -> None:
    """100 * w / w may be 100.00000000000001, which the server refuses."""
    low, high = sorted((left * width, right * width))
    for result in results(Shape("car", 1.0, (low, 0, high - low, 1)), size=(width, 1)):
        value = result["value"]
        assert 0 <= value["x"] <= 100
        assert 0 < value["width"] <= 100


@given(st.lists(st.tuples(st.floats(-50, 150), st.floats(-50, 150)), min_size=3, max_size=5))
def test_outlines_are_cut_to_the_image(points: list[tuple[float, float]]) -> None:
    """Where an edge is cut, rounding may land beside the image."""
    outline = tuple(value for point in points for value in point)
    for result in results(Shape("cat", 1.0, polygons=(outline,)), task=SEG, size=(97, 33)):
        assert all(0 <= value <= 100 for point in result["value"]["points"] for value in point)


def test_without_a_size_there_is_a_task_but_no_box() -> None:
    tally = Tally()
    made = task_of(item(Shape("car", 1.0, (0, 0, 9, 9)), size=None), [DET], "run", tally)
    assert made.keys() == {"data"}
    assert tally.lines() == [
        "shapes left out as the size of their image is not known: 1, first in 'a.png'"
    ]


def test_a_class_needs_no_size() -> None:
    assert results(Shape("rainy", 0.5), task=WEATHER, size=None) == [
        {
            "id": "weather_class-1",
            "from_name": "weather_class",
            "to_name": "image",
            "type": "choices",
            "value": {"choices": ["rainy"]},
            "score": 0.5,
        }
    ]


def test_a_turned_box_turns_about_its_first_corner() -> None:
    """Ours is 40 x 20 about (120, 60). A quarter turn clockwise takes the upper left corner,
    (-20, -10) from the centre, to (10, -20) from it: (130, 40), 32.5 % and 20 %.
    """
    turned = Shape("car", 1.0, (100, 50, 40, 20), attributes={"rotation": 90.0, "occluded": True})
    (result,) = results(turned)
    value = result["value"]
    assert (value["x"], value["y"], value["rotation"]) == (
        pytest.approx(32.5),
        pytest.approx(20),
        90,
    )
    assert (value["width"], value["height"]) == (10, 10)
    assert result["meta"] == {"attributes": {"occluded": True}}


def test_a_turned_box_whose_corner_is_outside_is_counted() -> None:
    tally = Tally()
    turned = Shape("car", 1.0, (-15, 90, 40, 20), attributes={"rotation": 10.0})
    assert results(turned, tally=tally) == []
    assert tally.lines() == [
        "turned boxes left out as their first corner is outside of their image: 1, first in 'a.png'"
    ]


def test_keypoints_belong_to_their_box_and_absent_ones_are_left_out() -> None:
    person = Shape(
        "person", 0.5, (0, 0, 40, 20), keypoints=((20, 10, 0.9), (0, 0, 0), (40, 20, 0.7))
    )
    box, nose, eye = results(person, task=POSE)
    assert box["type"] == "rectanglelabels"
    assert box["value"]["rectanglelabels"] == ["person"]
    assert nose == {
        "id": "pose_keypoints-2",
        "parentID": "pose_boxes-1",
        "from_name": "pose_keypoints",
        "to_name": "image",
        "type": "keypointlabels",
        "value": {"x": 5, "y": 5, "width": 0.5, "keypointlabels": ["nose"]},
        "original_width": 400,
        "original_height": 200,
        "image_rotation": 0,
        "score": 0.9,
        "meta": {"keypoint": 0, "category": "person"},
    }
    assert (eye["value"]["keypointlabels"], eye["parentID"]) == (["right eye"], "pose_boxes-1")


def test_the_order_of_keypoints_travels_with_the_task() -> None:
    data = task_of(item(task=POSE), [POSE, DET], "run")["data"]
    assert data["keypoints"] == {"pose_keypoints": ["nose", "left eye", "right eye"]}


def test_keypoints_without_names_are_called_by_their_category() -> None:
    bare = replace(POSE, keypoints=())
    points = Shape("person", 0.5, keypoints=((20, 10, 0.9), (40, 20, 0.9)))
    first, second = results(points, task=bare)
    assert first["value"]["keypointlabels"] == second["value"]["keypointlabels"] == ["person"]
    assert (second["meta"]["keypoint"], second["parentID"]) == (1, first["id"])


def test_outlines_of_one_object_hang_together() -> None:
    outlines = ((0, 0, 40, 0, 40, 20), (80, 40, 120, 40, 120, 60))
    first, second = results(Shape("cat", 1.0, (0, 0, 120, 60), outlines), task=SEG)
    assert first["value"] == {
        "points": [[0, 0], [10, 0], [10, 10]], "closed": True, "polygonlabels": ["cat"]
    }  # fmt: skip
    assert "parentID" not in first
    assert second["parentID"] == first["id"]


def test_a_mask_goes_along_as_a_brush() -> None:
    mask = Mask((1, 1, 2), width=2, height=2)
    (result,) = results(Shape("cat", 1.0, mask=mask), task=SEG, size=(2, 2))
    assert (result["type"], result["value"]["format"]) == ("brushlabels", "rle")
    assert result["value"]["brushlabels"] == ["cat"]


def test_a_mask_of_another_size_is_counted() -> None:
    tally = Tally()
    mask = Mask((1, 1, 2), width=2, height=2)
    assert results(Shape("cat", 1.0, mask=mask), task=SEG, tally=tally) == []
    assert tally.lines() == ["masks left out as their image has another size: 1, first in 'a.png'"]


def test_what_no_tool_shows_is_counted() -> None:
    tally = Tally()
    shapes = (
        Shape("car", 1.0),
        Shape("car", 1.0, polygons=((0, 0, 40, 0, 40, 20),)),
        Shape("tram", 1.0, (0, 0, 9, 9)),
    )
    assert results(*shapes, tally=tally) == []
    assert tally.lines() == [
        "shapes left out as they have no box, outline, mask or keypoints: 1, first in 'a.png'",
        "shapes left out as their task has no tool that shows them: 1, first in 'a.png'",
        "shapes left out as their task has no such category: 1, first in 'a.png'",
    ]


def test_what_an_assertion_says_stands_beside_the_box() -> None:
    shapes = [
        Shape("car", 0.5, (0, 0, 9, 9), origin=origin)
        for origin in ("predicted", "suspicious", "imputed")
    ]
    assert [result.get("meta") for result in results(*shapes)] == [
        None,
        {"text": ["suspicious"]},
        {"text": ["imputed"]},
    ]


def test_what_people_labelled_is_an_annotation() -> None:
    shapes = (Shape("car", 0.5, (0, 0, 9, 9)), Shape("bus", None, (9, 9, 9, 9), origin="labelled"))
    made = task_of(item(*shapes), [DET], "run")
    (annotation,) = made["annotations"]
    assert annotation["ground_truth"] is False
    assert [result["value"]["rectanglelabels"] for result in annotation["result"]] == [["bus"]]
    assert "score" not in annotation["result"][0]
    assert len(made["predictions"][0]["result"]) == 1


def test_an_image_that_nobody_finds_is_no_task() -> None:
    with pytest.raises(DataError) as caught:
        task_of(item(location=None), [DET], "run")
    assert str(caught.value) == (
        "'a.png': nobody knows where its image is; say under which URL Label Studio finds it, "
        "such as --image-url 'https://host/{id}'"
    )


def test_local_files_are_named_as_the_server_finds_them() -> None:
    assert local_files_url("/data/set/Straße/a b#1%.png", "/data/") == (
        "/data/local-files/?d=set/Stra%C3%9Fe/a%20b%231%25.png"
    )
    assert local_files_url("s3://bucket/a b.png", "/data") == "s3://bucket/a b.png"
    with pytest.raises(DataError) as caught:
        local_files_url("/database/a.png", "/data")
    assert str(caught.value) == (
        "/database/a.png: not below /data, the folder that Label Studio serves"
    )


def config(*tasks: Task) -> ElementTree.Element:
    return ElementTree.fromstring(label_config(tasks))


def test_every_task_gets_its_tools() -> None:
    found = config(DET, WEATHER, POSE, SEG)
    tags = [(tag.tag, tag.get("name")) for tag in found if tag.tag != "Header"]
    assert tags == [
        ("Image", "image"),
        ("RectangleLabels", "det_boxes"),
        ("Choices", "weather_class"),
        ("RectangleLabels", "pose_boxes"),
        ("KeyPointLabels", "pose_keypoints"),
        ("PolygonLabels", "seg_polygons"),
        ("BrushLabels", "seg_masks"),
        ("RectangleLabels", "seg_boxes"),
    ]
    assert found[0].get("value") == "$image"
    assert {tag.get("toName") for tag in found if tag.get("toName")} == {"image"}
    points = [label.get("value") for label in found.findall("KeyPointLabels/Label")]
    assert points == ["nose", "left eye", "right eye"]


def test_the_first_nine_names_have_keys() -> None:
    many = Task("many", "classification", {number: f"c{number}" for number in range(7)})
    labels = [*config(many, DET, WEATHER).iter("Choice"), *config(many, DET, WEATHER).iter("Label")]
    keys = {label.get("value"): label.get("hotkey") for label in labels}
    assert [keys[f"c{number}"] for number in range(7)] == list("1234567")
    assert (keys["car"], keys["bus"], keys["sunny"]) == ("8", "9", None)


def test_a_category_keeps_its_colour() -> None:
    grown = Task("det", "object-detection", {0: "car", 3: "tram", 7: "bus"})
    before, after = (
        {label.get("value"): label.get("background") for label in config(task).iter("Label")}
        for task in (DET, grown)
    )
    assert before == {name: after[name] for name in ("car", "bus")}
    assert len(set(after.values())) == 3


def test_names_are_written_so_that_they_come_back() -> None:
    names = ["a<b>&\"c'", "Straße 車", "tab\tand\nline", " spaced ", "5 $"]
    found = config(Task("det", "object-detection", dict(enumerate(names))))
    assert [label.get("value") for label in found.iter("Label")] == names


def test_tasks_of_any_name_have_tools_of_different_plain_names() -> None:
    names = ["a/b", "a b", "a_b", "日本", "中国"]
    tools = [controls_of(Task(name, "object-detection", {0: "x"}))["boxes"].name for name in names]
    assert len(set(tools)) == len(names)
    assert all(name.isascii() and name.replace("-", "_").isidentifier() for name in tools)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("$car", "'$car': Label Studio puts the data of the task in for what follows $; rename it"),
        ("US$5", "'US$5': Label Studio puts the data of the task in for what follows $; rename it"),
        ("a\x00", "'a\\x00' holds a control character, which XML cannot say; rename it"),
    ],
)
def test_names_that_cannot_be_written(name: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        label_config([Task("det", "object-detection", {0: name})])
    assert str(caught.value) == message


def test_a_config_needs_a_task() -> None:
    with pytest.raises(DataError) as caught:
        label_config([])
    assert str(caught.value) == (
        "a labelling config needs a task with categories; name one with --task"
    )


def written(out: Path, *items: Item, **options: Any) -> tuple[list[str], list[str]]:
    """Names of the files, and notes."""
    notes = LabelStudio(**options).write(ListedItems(items, [DET], run="c0ffee"), out)
    return sorted(path.name for path in out.iterdir()), notes


def test_the_folder_holds_the_tasks_and_the_config(tmp_path: Path) -> None:
    items = [replace(item(Shape("car", 1.0, (0, 0, 4, 2))), rank=rank) for rank in (1, 2)]
    names, notes = written(tmp_path / "out", *items)
    assert names == ["label_config.xml", "tasks.json"]
    assert notes == []
    read = json.loads((tmp_path / "out" / "tasks.json").read_text(encoding="utf-8"))
    assert read == [task_of(one, [DET], "c0ffee") for one in items]
    assert (tmp_path / "out" / "label_config.xml").read_text(encoding="utf-8") == label_config(
        [DET]
    )


def test_no_items_are_an_empty_list(tmp_path: Path) -> None:
    written(tmp_path / "out")
    assert json.loads((tmp_path / "out" / "tasks.json").read_bytes()) == []
    names, _ = written(tmp_path / "split", tasks_per_file=2)
    assert names == ["label_config.xml", "tasks-0001.json"]


def test_many_tasks_are_split(tmp_path: Path) -> None:
    items = [replace(item(), rank=rank) for rank in range(1, 6)]
    names, _ = written(tmp_path / "out", *items, tasks_per_file=2)
    assert names == ["label_config.xml", *(f"tasks-000{n}.json" for n in (1, 2, 3))]
    ranks = [
        [task["data"]["rank"] for task in json.loads((tmp_path / "out" / name).read_bytes())]
        for name in names[1:]
    ]
    assert ranks == [[1, 2], [3, 4], [5]]


def test_an_option_that_means_nothing_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        LabelStudio(tasks_per_file=0)
    assert str(caught.value) == (
        "LabelStudio.tasks_per_file: should be greater than or equal to 1, got 0"
    )


def test_paths_of_this_machine_are_said(tmp_path: Path) -> None:
    place = str(tmp_path / "a.png")
    _, notes = written(tmp_path / "out", item(location=place))
    assert notes == [
        "images named by a path of this machine, which Label Studio shows only with local_files "
        "or an image URL: 1, first in 'a.png'"
    ]
    _, notes = written(tmp_path / "served", item(location=place), local_files=str(tmp_path))
    assert notes == []
    (task,) = json.loads((tmp_path / "served" / "tasks.json").read_bytes())
    assert task["data"]["image"] == "/data/local-files/?d=a.png"


def test_without_a_task_there_is_no_config(tmp_path: Path) -> None:
    notes = LabelStudio().write(ListedItems([item()]), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tasks.json"]
    assert notes == [
        "no task is named, so there are no predictions and no label_config.xml: make the "
        "labelling config in Label Studio"
    ]
