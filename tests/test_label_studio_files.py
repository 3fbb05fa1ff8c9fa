"""The real Label Studio takes the files we write, and what it exports is read back the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from label_studio_server import Server, running
from listed_items import ODD_IDS, ListedItems
from PIL import Image

from selectlab.errors import DataError
from selectlab.exports.items import Item
from selectlab.exports.label_studio import LabelStudio
from selectlab.labels.label_studio import read_labels
from selectlab.masks import mask_of
from selectlab.shapes import Shape, Task

pytestmark = pytest.mark.slow

SIZE = (64, 48)
NAMES = ("car", "a<b>&\"'c", "Straße 車", " spaced ", "tab\tx")
TASKS = [
    Task("Größe/日本", "object-detection", dict(enumerate(NAMES))),
    Task("weather", "classification", {0: "sunny", 1: 'rainy & "wet"'}),
    Task("pose", "keypoint-detection", {0: "person", 1: "dog"}, ("nose", "left eye", "tail")),
    Task("seg", "instance-segmentation", {0: "cat"}),
    Task("sky", "semantic-segmentation", {0: "sky"}),
]


def shapes(number: int) -> dict[str, list[Shape]]:
    """What is in the image of this number, one of every kind."""
    painted = np.zeros(SIZE[::-1], dtype=bool)
    painted[5:20, 10:40] = True
    painted[8:12, number + 12 : number + 20] = False
    outlines = ((0.0, 30.0, 10.0, 30.0, 10.0, 47.5), (20.0, 30.0, 30.0, 30.0, 30.0, 40.25))
    points = ((20.0, 20.0, 1.0), (0.0, 0.0, 0.0), (30.0, 25.0, 1.0))
    return {
        "Größe/日本": [
            Shape(NAMES[number % 5], 0.75, (10.0, 20.0, 30.5, 6.25)),
            Shape("car", 0.5, (20.0, 20.0, 20.0, 10.0), attributes={"rotation": 30.0}),
        ],
        "weather": [Shape('rainy & "wet"', 0.6)],
        "pose": [
            Shape("dog", 0.5, (5.0, 5.0, 40.0, 40.0), keypoints=points),
            Shape("person", 0.5, keypoints=points),
        ],
        "seg": [
            Shape("cat", 0.5, mask=mask_of(painted)),
            Shape("cat", 0.5, polygons=outlines),
        ],
        "sky": [Shape("sky", mask=mask_of(~painted))],
    }


def labelled(given: dict[str, list[Shape]]) -> set[Shape]:
    """The same as labels; attributes as text, so that a set can hold them."""
    return {
        Shape(s.category, None, s.box, s.polygons, s.mask, s.keypoints, "labelled")
        for some in given.values()
        for s in some
    }


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


def exported(server: Server, project: int, path: Path, form: str) -> Path:
    answer = httpx.get(
        f"{server.url}/api/projects/{project}/export",
        params={"exportType": form},
        headers={"Authorization": f"Token {server.token}"},
        timeout=60,
    )
    assert answer.is_success, answer.text
    path.write_bytes(answer.content)
    return path


def uploaded(server: Server, project: int, path: Path) -> dict[str, Any]:
    """Upload a file as the import page does."""
    answer = httpx.post(
        f"{server.url}/api/projects/{project}/import",
        files={"file": (path.name, path.read_bytes(), "application/json")},
        headers={"Authorization": f"Token {server.token}"},
        timeout=60,
    )
    assert answer.is_success, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_tasks_go_in_and_labels_come_out(server: Server, tmp_path: Path) -> None:
    folder = server.root / "set"
    items = []
    for number, sample_id in enumerate(ODD_IDS):
        place = folder / sample_id
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", SIZE, (number * 20, 0, 0)).save(place, "PNG")
        metadata = {"weather": "sunny", "sun.height": number}
        items.append(
            Item(number + 1, sample_id, 0.5, "why", str(place), SIZE, shapes(number), {}, metadata)
        )
    writer = LabelStudio(local_files=str(server.root), tasks_per_file=4)
    assert writer.write(ListedItems(items, TASKS), tmp_path / "out") == []

    config = (tmp_path / "out" / "label_config.xml").read_text(encoding="utf-8")
    server.ask("POST", "/api/projects/validate/", {"label_config": config})
    project = server.ask("POST", "/api/projects", {"title": "files", "label_config": config})["id"]
    storage = {"project": project, "path": str(folder), "use_blob_urls": True}
    server.ask("POST", "/api/storages/localfiles", storage)
    for name, n in (("tasks-0001.json", 4), ("tasks-0002.json", len(items) - 4)):
        told = uploaded(server, project, tmp_path / "out" / name)
        assert (told["task_count"], told["prediction_count"]) == (n, n)

    tasks = server.tasks(project)
    assert {task["data"]["sample_id"] for task in tasks} == set(ODD_IDS)
    with httpx.Client(headers={"Authorization": f"Token {server.token}"}) as http:
        for task in tasks:
            number = ODD_IDS.index(task["data"]["sample_id"])
            image = http.get(f"{server.url}{task['data']['image']}")
            assert image.content == (folder / ODD_IDS[number]).read_bytes()
    skipped, twice, *_ = sorted(tasks, key=lambda task: int(task["data"]["rank"]))
    for task in tasks:
        result = server.ask("GET", f"/api/tasks/{task['id']}")["predictions"][0]["result"]
        if task is twice:
            server.annotate(task["id"], [])
        server.annotate(task["id"], result, was_cancelled=task is skipped)

    labels = read_labels(exported(server, project, tmp_path / "export.json", "JSON"))
    found = {label.name: label for label in labels}
    assert set(found) == {*ODD_IDS[1:]}
    for number, sample_id in enumerate(ODD_IDS[1:], start=1):
        label = found[sample_id]
        assert (label.is_id, label.size, label.labelled_by) == (True, SIZE, "1")
        assert label.labelled_at is not None
        assert labelled({"": list(label.shapes)}) == labelled(shapes(number))
        turned = [shape for shape in label.shapes if shape.attributes]
        assert [shape.attributes for shape in turned] == [{"rotation": 30.0}]
    assert [note.rpartition(", first")[0] for note in sorted(labels.notes)] == [
        "tasks that were skipped are no labels: 1",
        "tasks with several annotations, of which ground truth or the newest counts: 1",
    ]
    with pytest.raises(DataError, match="this is Label Studio's JSON-MIN; export as JSON"):
        read_labels(exported(server, project, tmp_path / "min.json", "JSON_MIN"))

    columns = server.ask("GET", "/api/dm/columns", project=project)["columns"]
    shown = {column["id"] for column in columns if column.get("parent") == "data"}
    assert {"rank", "reason", "run", "metadata_weather", "metadata_sun_height"} <= shown
    asked = {"filter": "filter:tasks:data.metadata_sun_height", "operator": "equal",
             "type": "Number", "value": 3}  # fmt: skip
    filters = {"filters": {"conjunction": "and", "items": [asked]}}
    view = server.ask("POST", "/api/dm/views", {"project": project, "data": filters})["id"]
    (third,) = server.ask("GET", "/api/tasks", view=view, fields="all")["tasks"]
    assert third["data"]["sample_id"] == ODD_IDS[3]


def test_labels_that_go_in_are_annotations_there(server: Server, tmp_path: Path) -> None:
    shape = Shape("cat", None, polygons=((0.0, 30.0, 10.0, 30.0, 10.0, 47.5),), origin="labelled")
    item = Item(1, "a.png", None, location="https://host/a.png", size=SIZE, shapes={"seg": [shape]})
    LabelStudio().write(ListedItems([item], [TASKS[3]]), tmp_path / "out")
    config = (tmp_path / "out" / "label_config.xml").read_text(encoding="utf-8")
    project = server.ask("POST", "/api/projects", {"title": "labels", "label_config": config})["id"]
    told = uploaded(server, project, tmp_path / "out" / "tasks.json")
    assert (told["annotation_count"], told["prediction_count"]) == (1, 0)
    (label,) = read_labels(exported(server, project, tmp_path / "export.json", "JSON"))
    assert (label.name, label.shapes) == ("a.png", (shape,))
    (task,) = json.loads((tmp_path / "export.json").read_bytes())
    assert task["annotations"][0]["ground_truth"] is False
