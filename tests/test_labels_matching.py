"""Which sample a label is about: by id, by file name where it can mean one only, else listed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from folder_builder import build, detection_files, png
from hypothesis import given
from hypothesis import strategies as st

from selectlab.dataset import Dataset
from selectlab.errors import ConfigError, DataError
from selectlab.inputs.folder import open_dataset
from selectlab.labels.formats import open_labels, told_by
from selectlab.labels.label import Label, RawLabel
from selectlab.labels.labelled import labelled_task
from selectlab.labels.matching import Mismatch, SampleNames, match
from selectlab.shapes import Shape, Task

BOX = Shape("car", box=(1, 2, 3, 4))
WET = Shape("wet")
NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


@dataclass
class Listed:
    """Labels at hand, as a reader gives them."""

    raw: Sequence[RawLabel]
    type: str = "object-detection"
    where: str = "labels.json"
    notes: Sequence[str] = ()
    categories: dict[int, str] = field(default_factory=dict)

    @property
    def task(self) -> Task:
        return Task("", self.type, self.categories)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[RawLabel]:
        return iter(self.raw)


def data(*ids: str) -> Dataset:
    return Dataset(ids, embeddings=np.eye(len(ids)))


def named(dataset: Dataset, name: str, *, is_id: bool = False) -> str:
    return SampleNames(dataset).sample_of(name, is_id=is_id)


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("a/1.png", "a/1.png"),
        ("1.png", "a/1.png"),
        ("a/1", "a/1.png"),
        ("1", "a/1.png"),
        ("/data/set/a/1.png", "a/1.png"),
        ("C:\\data\\a\\1.png", "a/1.png"),
        ("./a/1.png", "a/1.png"),
        ("https://host/files/a/1.png", "a/1.png"),
        ("s3://bucket/a/1.png?version=3", "a/1.png"),
        ("https://host/b%20c/%C3%A9%23.png", "b c/é#.png"),
        ("s3://bucket/b c/é#.png", "b c/é#.png"),
        ("b c/é#.png", "b c/é#.png"),
        ("https://host/100%25.png", "100%25.png"),
        ("clip-007-mp4", "clip-007-mp4.png"),
    ],
)
def test_names_that_mean_one_sample(name: str, sample: str) -> None:
    dataset = data("a/1.png", "a/2.png", "b c/é#.png", "100%25.png", "clip-007-mp4.png")
    assert named(dataset, name) == sample


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("1.png", "could be 'a/1.png' or 'b/1.png'"),
        ("1", "could be 'a/1.png' or 'b/1.png'"),
        ("/root/b/2.png", "could be '2.png' or 'b/2.png'"),
        ("1.jpg", "is no sample of dataset"),
        ("c/1.png", "is no sample of dataset"),
        ("11.png", "is no sample of dataset"),
        ("", "is no sample of dataset"),
        ("https://[broken/x.png", "is no sample of dataset"),
    ],
)
def test_names_that_mean_none_or_several(name: str, why: str) -> None:
    dataset = data("a/1.png", "b/1.png", "2.png", "b/2.png")
    with pytest.raises(DataError) as error:
        named(dataset, name)
    assert str(error.value) == why


COMPOSED, APART = "\u00e9.png", "e\u0301.png"


@pytest.mark.parametrize(
    ("known", "name"), [(COMPOSED, APART), (APART, COMPOSED), (APART, APART)]
)  # fmt: skip
def test_accents_may_be_spelt_in_two_ways(known: str, name: str) -> None:
    dataset = data(f"a/{known}", "a/e.png")
    assert named(dataset, f"a/{name}", is_id=True) == f"a/{known}"
    assert named(dataset, name) == f"a/{known}"
    assert named(dataset, f"https://host/a/{quote(name)}") == f"a/{known}"
    with pytest.raises(DataError, match="is no sample"):
        named(dataset, name, is_id=True)


def test_accents_that_tell_samples_apart() -> None:
    dataset = data(COMPOSED, APART, "\u1e69", "s\u0323\u0307")
    assert named(dataset, APART) == APART
    assert named(dataset, COMPOSED) == COMPOSED
    with pytest.raises(DataError, match="could be"):
        named(dataset, "\u1e63\u0307")


def test_an_exact_id_is_never_ambiguous() -> None:
    dataset = data("1.png", "a/1.png")
    assert named(dataset, "1.png") == "1.png"
    assert named(dataset, "a/1.png") == "a/1.png"


def test_an_id_that_we_wrote_is_taken_as_it_is() -> None:
    dataset = data("a/1.png")
    assert named(dataset, "a/1.png", is_id=True) == "a/1.png"
    for name in ("1.png", "a/1", "/x/a/1.png"):
        with pytest.raises(DataError, match="is no sample of dataset"):
            named(dataset, name, is_id=True)


def test_a_path_in_the_folder_of_the_dataset_is_never_ambiguous(tmp_path: Path) -> None:
    """Where the folder is known, so is what lies in front of the id."""
    root = build(tmp_path / "set", {"1.png": png(), "a/1.png": png()})
    dataset = open_dataset(root)
    assert named(dataset, str(root / "a" / "1.png")) == "a/1.png"
    assert named(dataset, str(root / "1.png")) == "1.png"
    with pytest.raises(DataError, match=r"could be '1.png' or 'a/1.png'"):
        named(dataset, "/elsewhere/a/1.png")


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(ids=st.lists(TEXTS, min_size=1, unique=True))
def test_every_id_means_itself(ids: list[str]) -> None:
    names = SampleNames(data(*ids))
    for name in ids:
        assert names.sample_of(name) == names.sample_of(name, is_id=True) == name


def test_labels_and_mismatches_by_hand() -> None:
    raw = [
        RawLabel("1.png", False, (BOX,), (40, 30), NOON, "ada", "labels.json[0]"),
        RawLabel("x.png", True, (BOX,), where="labels.json[1]"),
        RawLabel("a/1.png", False, (), where="labels.json[2]"),
        RawLabel("a/2.png", True, ()),
    ]
    found = match(Listed(raw), data("a/1.png", "a/2.png"), "")
    boxes = (Shape("car", box=(1, 2, 3, 4), origin="labelled"),)
    assert found.labels == [
        Label("a/1.png", boxes, "", "object-detection", (40, 30), NOON, "ada", "labels.json"),
        Label("a/2.png", (), source="labels.json"),
    ]
    assert found.mismatches == [
        Mismatch("x.png", "labels.json[1]", "is no sample of dataset"),
        Mismatch("a/1.png", "labels.json[2]", "means sample 'a/1.png', and so does '1.png'"),
    ]
    assert str(found.mismatches[0]) == "labels.json[1]: 'x.png' is no sample of dataset"


def test_shapes_outside_of_their_image_are_noted() -> None:
    """Kept all the same: 3 of 5 objects lie beside an image of 100 x 80 px."""
    far = [
        Shape("car", box=(400, 0, 10, 10)),
        Shape("car", polygons=((0, -9, 5, -9, 5, -1),)),
        Shape("car", keypoints=((0.0, 0.0, 0.0), (50.0, 80.0, 1.0))),
    ]
    near = [Shape("car", box=(-5, -5, 10, 10)), Shape("car", box=(99, 79, 10, 10)), WET]
    raw = [
        RawLabel("a", True, (*far, *near), (100, 80)),
        RawLabel("b", True, tuple(far)),
    ]
    found = match(Listed(raw), data("a", "b"))
    assert found.notes == (
        "shapes that lie wholly outside of their image, kept as they are: 3, first in 'a'",
    )
    assert [len(label.shapes) for label in found.labels] == [5, 1, 3]


def test_the_same_name_twice_is_no_mismatch() -> None:
    """A tool may have several annotations of a task; the ledger takes the newest."""
    raw = [RawLabel("a", True, (BOX,)), RawLabel("a", True, ())]
    found = match(Listed(raw), data("a"))
    assert [len(label.shapes) for label in found.labels] == [1, 0]
    assert found.mismatches == []


@pytest.mark.parametrize(
    ("file_type", "shapes", "expected"),
    [
        (
            "object-detection",
            (BOX, WET),
            [("object-detection", "det", 1), ("classification", "", 1)],
        ),
        ("instance-segmentation", (BOX,), [("instance-segmentation", "det", 1)]),
        ("object-detection", (WET,), [("object-detection", "det", 0), ("classification", "", 1)]),
        ("object-detection", (), [("object-detection", "det", 0)]),
    ],
)
def test_classes_and_objects_are_told_apart(
    file_type: str, shapes: tuple[Shape, ...], expected: list[tuple[str, str, int]], tmp_path: Path
) -> None:
    dataset = open_dataset(build(tmp_path, detection_files()))
    found = match(Listed([RawLabel("a/1.png", True, shapes)], file_type), dataset, "det").labels
    assert [(one.task_type, one.task, len(one.shapes)) for one in found] == expected


def test_classes_in_a_file_of_classes() -> None:
    raw = [RawLabel("a", True, (WET,)), RawLabel("b", True, ())]
    found = match(Listed(raw, "classification"), data("a", "b")).labels
    assert [(one.kind, len(one.shapes)) for one in found] == [("classes", 1), ("classes", 0)]


def test_tasks_that_do_not_fit(tmp_path: Path) -> None:
    dataset = open_dataset(build(tmp_path, detection_files()))
    with pytest.raises(ConfigError) as error:
        match(Listed([]), dataset, "dett")
    assert str(error.value) == "task: no prediction task 'dett'; did you mean 'det'?"
    with pytest.raises(ConfigError) as error:
        match(Listed([], "classification"), dataset, "det")
    assert str(error.value) == (
        "task 'det': is object-detection, but labels.json is classification"
    )
    assert match(Listed([RawLabel("a", True, ())]), data("a"), "later").labels[0].task == "later"


def test_of_a_task_only_its_schema_is_read(tmp_path: Path) -> None:
    """Predictions that cannot be read, or of an image that is gone, do no harm."""
    files = {
        "a.png": png(), "predictions/tasks.json": ["det"], "predictions/det/data.yaml": "names: [car]",
        "predictions/det/a.txt": "no line", "predictions/det/gone.txt": "0 0.5 0.5 1 1",
    }  # fmt: skip
    dataset = open_dataset(build(tmp_path, files))
    with pytest.raises(DataError):
        dataset.predictions("det")
    labels = match(Listed([RawLabel("a.png", True, (BOX,))]), dataset, "det").labels
    found, task = labelled_task(labels, dataset, "det")
    assert [one.sample_id for one in found] == ["a.png"]
    assert task == Task("det", "object-detection", {0: "car"})


# What is written for training


def test_labels_for_training_by_hand(tmp_path: Path) -> None:
    """det has car 0 and bus 5; van is not in it. A label that names the task wins."""
    dataset = open_dataset(build(tmp_path, detection_files()))
    labels = [
        Label("b/3.jpg", (Shape("van", box=(0, 0, 1, 1)),)),
        Label("a/1.png", (BOX,)),
        Label("a/1.png", (), "det"),
        Label("a/2.png", (BOX,), "other"),
    ]
    found, task = labelled_task(labels, dataset, "det")
    assert [(one.sample_id, one.task) for one in found] == [("a/1.png", "det"), ("b/3.jpg", "")]
    assert task == Task("det", "object-detection", {0: "car", 5: "bus", 6: "van"})
    found, task = labelled_task(labels[:2], dataset)
    assert task == Task("det", "object-detection", {0: "car", 5: "bus", 6: "van"})
    _, task = labelled_task([labels[1]], data("a/1.png"))
    assert task == Task("labels", "object-detection", {0: "car"})


def test_labels_of_both_kinds_need_a_word() -> None:
    labels = [Label("a", (BOX,)), Label("a", (WET,), task_type="classification")]
    with pytest.raises(ConfigError) as error:
        labelled_task(labels, data("a"))
    assert str(error.value) == (
        "kind: there are labels of classes and of objects; say which: --kind"
    )
    found, task = labelled_task(labels, data("a"), kind="classes")
    assert (found, task.type, task.categories) == ([labels[1]], "classification", {0: "wet"})
    with pytest.raises(DataError, match=r"^labels: there are none yet$"):
        labelled_task([], data("a"))
    with pytest.raises(DataError, match=r"^labels: none of 'det'$"):
        labelled_task([Label("a", (), "other")], data("a"), "det")


# Formats


@pytest.mark.parametrize(
    ("files", "path", "form"),
    [
        ({"x.json": [{"id": 1}]}, "x.json", "label-studio"),
        ({"x.json": "\ufeff \n{}"}, "x.json", "coco"),
        ({"x.XML": "<annotations/>"}, "x.XML", "cvat"),
        ({"x.zip": b"PK"}, "x.zip", "cvat"),
        ({"data.yaml": "names: [a]"}, "data.yaml", "yolo"),
        ({"d/labels/1.txt": ""}, "d", "yolo"),
        ({"d/annotations.json": {}}, "d", "coco"),
        ({"d/annotations.xml": "<a/>"}, "d", "cvat"),
    ],
)
def test_a_file_tells_its_format(
    files: dict[str, object], path: str, form: str, tmp_path: Path
) -> None:
    assert told_by(build(tmp_path, files) / path) == form


def test_files_that_tell_nothing(tmp_path: Path) -> None:
    build(tmp_path, {"x.bin": b"\xff\x00", "x.json": json.dumps(3)})
    for name in ("x.bin", "x.json"):
        with pytest.raises(ConfigError, match="does not tell its format; say it: --format, one of"):
            open_labels(tmp_path / name)
    with pytest.raises(DataError) as error:
        open_labels(tmp_path / "none.json")
    assert (
        str(error.value) == f"{tmp_path / 'none.json'}: cannot be read: No such file or directory"
    )
    with pytest.raises(ConfigError, match=r"^format: nothing is called 'cocco'"):
        open_labels(tmp_path / "x.json", "cocco")
