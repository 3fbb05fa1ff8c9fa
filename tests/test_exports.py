"""Rankings on their way out: where they come from, what goes along, and where they may go."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from folder_builder import build, npy, parquet, png
from PIL import Image

from selectlab import Dataset, Selection, select
from selectlab.errors import ConfigError, DataError
from selectlab.exports import rankings
from selectlab.exports.export import MARK, export, format_named, writer_of
from selectlab.exports.image_urls import UrlTemplate
from selectlab.exports.items import Item, Items
from selectlab.exports.sources import fields_for, items_of, items_of_labels
from selectlab.exports.tables import Csv, Json, Jsonl, List, Parquet
from selectlab.exports.workplace import workplace
from selectlab.exports.writer import Writer
from selectlab.inputs import Embeddings, Metadata
from selectlab.inputs.coco import read_coco
from selectlab.inputs.folder import open_dataset
from selectlab.shapes import Mask, Shape, Task
from selectlab.strategies import Diversity, Weights
from selectlab.testing import ExampleItems

DETECTIONS = {"task_type": "object-detection", "categories": [{"id": 0, "name": "car"}, {"id": 5, "name": "bus"}]}  # fmt: skip
NAMES = ["a/1.png", "a/2.png", "b c/\u00fc#.png"]


def folder_of(root: Path, files: dict[str, Any], size: tuple[int, int] = (8, 6)) -> Path:
    """A dataset of three images, 8 x 6 px, with more files."""
    return build(root, {**{name: png(*size) for name in NAMES}, **files})


def lightly(task: str, schema: Any, predictions: dict[str, Any]) -> dict[str, Any]:
    files: dict[str, Any] = {
        "predictions/tasks.json": [task],
        f"predictions/{task}/schema.json": schema,
    }
    for name, found in predictions.items():
        content = {"file_name": name, "predictions": found}
        files[f"predictions/{task}/{name.rpartition('.')[0]}.json"] = content
    return files


def shapes_in(folder: Path, ids: Sequence[str] = NAMES, **asked: Any) -> dict[str, Any]:
    """Shapes of samples by id, of the only task."""
    items = items_of(list(ids), open_dataset(folder), **asked)
    return {item.sample_id: list(*item.shapes.values()) for item in items}


def run_of(tmp_path: Path, n: int = 3, **asked: Any) -> Selection:
    """A selection with embeddings and metadata of several kinds."""
    rows = np.array([[0.0, 3.0], [4.0, 0.0], [1.0, 1.0]])
    table = {
        "sample_id": NAMES, "t": [0.1, 2.0, 1e-7], "sky": ["x", None, 'q"u,o\nte'],
        "n": [1, None, 3], "flag": [True, False, True],
    }  # fmt: skip
    files = {
        "embeddings.npy": npy(rows),
        "ids.txt": "\n".join(NAMES),
        "metadata.parquet": parquet(table),
    }
    folder = folder_of(tmp_path / "data", files)
    given = [(Embeddings(normalize=False), Diversity()), (Metadata(key="t"), Weights())]
    return select(given, open_dataset(folder), n_samples=n, **asked)


# Where items come from


def test_a_selection_and_its_folder_give_the_same_items(tmp_path: Path) -> None:
    chosen = run_of(tmp_path)
    chosen.save(tmp_path / "run")
    data = open_dataset(tmp_path / "data")
    at_hand, on_disk = items_of(chosen, data), items_of(tmp_path / "run", data)
    assert on_disk.run == at_hand.run
    assert (on_disk.name, at_hand.name) == ("run", "selection")
    assert list(on_disk.columns) == list(at_hand.columns) == list(chosen.to_pandas().columns)
    assert len(on_disk) == len(at_hand) == 3
    assert list(on_disk) == list(at_hand)
    assert list(on_disk) == list(on_disk)
    first = next(iter(on_disk))
    assert (first.rank, first.sample_id, first.size) == (1, chosen.ids[0], (8, 6))
    assert first.reason == chosen.picks[0].reason
    assert first.score == chosen.picks[0].score
    assert first.location == str(tmp_path / "data" / first.sample_id)
    by_id = {item.sample_id: item.metadata for item in on_disk}
    assert by_id[NAMES[1]] == {"t": 2.0, "sky": None, "n": None, "flag": False}


def test_ids_alone_are_ranked_in_their_order(tmp_path: Path) -> None:
    run_of(tmp_path)
    (tmp_path / "todo.txt").write_text("b c/\u00fc#.png\na/1.png\n", encoding="utf-8")
    items = items_of(tmp_path / "todo.txt", open_dataset(tmp_path / "data"))
    assert [(item.rank, item.sample_id, item.score) for item in items] == [
        (1, "b c/\u00fc#.png", None),
        (2, "a/1.png", None),
    ]
    assert [item.metadata["n"] for item in items] == [3.0, 1.0]
    assert items.name == "todo"
    assert items.run == items_of(["b c/\u00fc#.png", "a/1.png"]).run
    assert items.run != items_of(["a/1.png", "b c/\u00fc#.png"]).run


def test_run_ids_tell_runs_apart(tmp_path: Path) -> None:
    one = items_of(run_of(tmp_path / "1")).run
    assert len(one) == 16
    assert int(one, 16) >= 0
    assert items_of(run_of(tmp_path / "2")).run == one
    others = [
        items_of(run_of(tmp_path / "3", n=2)).run,
        items_of(run_of(tmp_path / "4", preselected=[NAMES[0]])).run,
        items_of(run_of(tmp_path / "5", preselected=[NAMES[0], NAMES[1]])).run,
    ]
    assert len({one, *others}) == 4


def test_a_head_laid_out_otherwise_is_read_too(tmp_path: Path) -> None:
    """Somebody has formatted selection.json anew: the preselected ids still are those."""
    run_of(tmp_path, preselected=[NAMES[0]]).save(tmp_path / "run")
    before = items_of(tmp_path / "run").run
    picks = tmp_path / "run" / "selection.json"
    content = json.loads(picks.read_text(encoding="utf-8"))
    assert content["preselected"] == [NAMES[0]]
    for text in (json.dumps(content), json.dumps(content, indent=7)):
        picks.write_text(text, encoding="utf-8")
        assert items_of(tmp_path / "run").run == before
    picks.write_text(json.dumps({**content, "preselected": []}), encoding="utf-8")
    assert items_of(tmp_path / "run").run != before


@pytest.mark.parametrize("piece", [1, 5, 17, 1 << 20])
def test_the_picks_of_a_run_are_not_read_for_its_head(
    piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the mark between head and picks is cut in two."""
    run_of(tmp_path, preselected=[NAMES[0]]).save(tmp_path / "run")
    monkeypatch.setattr(rankings, "_PIECE", piece)
    with (tmp_path / "run" / "selection.json").open("rb") as file:
        head = rankings._head(file)
    assert b"rank" not in head
    assert json.loads(head)["preselected"] == [NAMES[0]]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nothing", "nothing: cannot be read: No such file or directory"),
        ("data", "data: no selection.parquet; expected the folder of a run, as 'selectlab select' makes it"),
        ("empty.txt", "empty.txt: names no samples"),
        (["a/1.png", "a/1.png"], "ids: names a sample twice"),
        (["a/1.pgn"], "ids: 1 of 1 ids are not in the dataset, first 'a/1.pgn'; did you mean 'a/1.png'?"),
        ("campaign:", "campaign:: expected campaign:NAME or campaign:NAME@VERSION"),
    ],
)  # fmt: skip
def test_what_is_no_ranking(
    source: Any, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder_of(Path("data"), {})
    Path("empty.txt").write_text("\n")
    with pytest.raises((DataError, ConfigError)) as caught:
        items_of(source, open_dataset("data"))
    assert str(caught.value) == said


def test_a_broken_run_is_one_line(tmp_path: Path) -> None:
    run_of(tmp_path).save(tmp_path / "run")
    table, picks = tmp_path / "run" / "selection.parquet", tmp_path / "run" / "selection.json"
    whole = picks.read_bytes()
    picks.write_text('{"preselected": 3}')
    with pytest.raises(DataError, match=r"selection\.json: is not one that a run has written"):
        _ = items_of(tmp_path / "run").run
    picks.write_bytes(whole)
    table.write_bytes(table.read_bytes()[:200])
    with pytest.raises(DataError, match=r"selection\.parquet: not a readable table"):
        items_of(tmp_path / "run")
    table.write_bytes(parquet({"rank": [1], "name": ["a"]}))
    with pytest.raises(DataError, match="no column 'sample_id'; it is not that of a run"):
        items_of(tmp_path / "run")


# Shapes


def test_boxes_of_lightly_files(tmp_path: Path) -> None:
    """Of the ranked samples only; those without a file have none; category ids have a gap."""
    car = {"category_id": 0, "bbox": [1, 2, 3, 4.5], "score": 0.24}
    bus = {"category_id": 5, "bbox": [0, 0, 1, 1], "score": 0.25}
    files = lightly("det", DETECTIONS, {NAMES[0]: [car, bus], NAMES[2]: [bus]})
    folder = folder_of(tmp_path, files)
    box = Shape("bus", 0.25, (0.0, 0.0, 1.0, 1.0))
    assert shapes_in(folder) == {NAMES[0]: [box], NAMES[1]: [], NAMES[2]: [box]}
    both = [Shape("car", 0.24, (1.0, 2.0, 3.0, 4.5)), box]
    assert shapes_in(folder, [NAMES[0]], min_score=0.0) == {NAMES[0]: both}
    [task] = items_of(NAMES, open_dataset(folder)).tasks
    assert task == Task("det", "object-detection", {0: "car", 5: "bus"})
    (folder / "predictions/det/b c/\u00fc#.json").write_text("{")
    assert shapes_in(folder, [NAMES[0]]) == {NAMES[0]: [box]}
    with pytest.raises(DataError, match=r"predictions/det/b c/\u00fc#\.json: malformed JSON"):
        shapes_in(folder)


def test_files_that_do_not_spell_out_their_image(tmp_path: Path) -> None:
    """Frames without .png, one stem with two endings, names with dots: the reader's rules hold."""
    bus = {"category_id": 5, "bbox": [0, 0, 1, 1], "score": 0.5}
    car = {"category_id": 0, "bbox": [0, 0, 1, 1], "score": 0.5}
    found: dict[str, Any] = {
        "predictions/tasks.json": ["det"],
        "predictions/det/schema.json": DETECTIONS,
        "predictions/det/v-07-mp4.json": {"file_name": "v-07-mp4", "predictions": [bus]},
        "predictions/det/v-08-mp4.png.json": {"file_name": "v-08-mp4.png", "predictions": [car]},
        "predictions/det/s.json": {"file_name": "s.jpg", "predictions": [bus]},
        "predictions/det/s.png.json": {"file_name": "s.png", "predictions": [car]},
        "predictions/det/s.t.json": {"file_name": "s.t.png", "predictions": []},
        "s.jpg": png(), "s.png": png(), "s.t.png": png(), "v-07-mp4.png": png(),
    }  # fmt: skip
    folder = build(tmp_path, found)
    ids = open_dataset(folder).ids
    shapes = shapes_in(folder, ids)
    names = {name: [shape.category for shape in held] for name, held in shapes.items()}
    assert names == {
        "s.jpg": ["bus"], "s.png": ["car"], "s.t.png": [],
        "v-07-mp4.png": ["bus"], "v-08-mp4.png": ["car"],
    }  # fmt: skip


def test_masks_and_keypoints_of_lightly_files(tmp_path: Path) -> None:
    """A row-major mask needs the size of its image: 8 x 6, 48 pixels."""
    seg = {"task_type": "instance-segmentation", "categories": [{"id": 1, "name": "dog"}]}
    fits = {"category_id": 1, "bbox": [1, 1, 2, 1], "score": 1, "segmentation": [9, 2, 37]}
    unfit = {**fits, "segmentation": [9, 2, 38]}
    bare = {"category_id": 1, "score": 1, "segmentation": [0, 47]}
    files = lightly("seg", seg, {NAMES[0]: [fits, unfit, bare]})
    folder = folder_of(tmp_path / "seg", files)
    items = items_of([NAMES[0]], open_dataset(folder))
    [item] = items
    box = (1.0, 1.0, 2.0, 1.0)
    assert item.shapes == {
        "seg": [Shape("dog", 1.0, box, mask=Mask((9, 2, 37), 8, 6)), Shape("dog", 1.0, box)]
    }
    assert items.notes == [
        "seg: objects left out or without outline, the size of the image is not known, or is not "
        f"that of the mask: 2, first in {NAMES[0]!r}"
    ]
    noted = list(items.notes)
    assert list(items) == [item]
    assert items.notes == noted
    points = {
        "task_type": "keypoint-detection",
        "categories": [{"id": 1, "name": "dog", "keypoints": ["nose", "tail"], "skeleton": [[1, 2]]}],
    }  # fmt: skip
    dog = {"category_id": 1, "score": 0.5, "keypoints": [1, 2, 0.5, 3, 4.5, 0]}
    folder = folder_of(tmp_path / "points", lightly("points", points, {NAMES[0]: [dog]}))
    items = items_of([NAMES[0]], open_dataset(folder))
    [item] = items
    assert item.shapes["points"] == [
        Shape("dog", 0.5, keypoints=((1.0, 2.0, 0.5), (3.0, 4.5, 0.0)))
    ]
    [task] = items.tasks
    assert (task.keypoints, task.skeleton) == (("nose", "tail"), ((0, 1),))


def test_classes_of_images(tmp_path: Path) -> None:
    """Without a score the probability of the class counts: .2 is below what is kept."""
    schema = {
        "task_type": "classification",
        "categories": [{"id": n, "name": name} for n, name in enumerate("abcde")],
    }
    sure = {"category_id": 3, "probabilities": [0.0, 0.0, 0.25, 0.75, 0.0]}
    unsure = {"category_id": 2, "probabilities": [0.2] * 5}
    files = lightly("sky", schema, {NAMES[0]: [sure], NAMES[1]: [unsure]})
    found = shapes_in(folder_of(tmp_path, files))
    assert found == {NAMES[0]: [Shape("d", 0.75)], NAMES[1]: [], NAMES[2]: []}
    assert found[NAMES[0]][0].is_class


def test_shapes_of_coco_files(tmp_path: Path) -> None:
    """COCO's masks go down the columns: [1, 2, 3] of 2 x 3 (h x w) is 0 1 / 1 0 / 0 0 by columns."""
    images = [{"id": 7, "file_name": "1.png"}, {"id": 8, "file_name": "a/2.png"}]
    categories = [{"id": 3, "name": "cat", "keypoints": ["nose"], "skeleton": []}]
    labels: list[dict[str, Any]] = [
        {"image_id": 7, "category_id": 3, "bbox": [0, 0, 2, 2], "segmentation": [[0, 0, 2, 0, 2, 2]]},
        {"image_id": 8, "category_id": 3, "bbox": [0, 0, 3, 2], "iscrowd": 1, "score": 0.5,
         "segmentation": {"size": [2, 3], "counts": [1, 2, 3]}},
        {"image_id": 8, "category_id": 3, "bbox": [0, 0, 3, 2], "score": 0.1,
         "segmentation": {"size": [2, 3], "counts": "123"}},
    ]  # fmt: skip
    content = {"images": images, "categories": categories, "annotations": labels}
    folder = folder_of(tmp_path, {"predictions/coco.json": content})
    mask = Mask((1, 1, 1, 1, 2), 3, 2)
    crowd = Shape("cat", 0.5, (0.0, 0.0, 3.0, 2.0), mask=mask, attributes={"iscrowd": True})
    outline = Shape("cat", None, (0.0, 0.0, 2.0, 2.0), polygons=((0.0, 0.0, 2.0, 0.0, 2.0, 2.0),))
    assert shapes_in(folder) == {NAMES[0]: [outline], NAMES[1]: [crowd], NAMES[2]: []}
    again = shapes_in(folder, [NAMES[1]], min_score=0.1)[NAMES[1]]
    assert [shape.mask for shape in again] == [mask, mask]
    labels[1]["segmentation"]["size"] = [3, 3]
    (folder / "predictions/coco.json").write_text(json.dumps(content))
    with pytest.raises(DataError) as caught:
        shapes_in(folder)
    assert str(caught.value) == (
        "predictions/coco.json: a/2.png[0].segmentation: its counts are of 6 pixels, its size 3 x 3"
    )


def test_keypoints_of_coco_results(tmp_path: Path) -> None:
    """Visibility 2 is confidence 1; results without images have them in a file beside."""
    about = {
        "images": [{"id": "x", "file_name": "a/1.png"}],
        "categories": [{"id": 1, "name": "dog", "keypoints": ["a", "b"], "skeleton": [[0, 1]]}],
    }
    results = [{"image_id": "x", "category_id": 1, "score": 0.9, "keypoints": [1, 2, 2, 3, 4, 0]}]
    files = {"predictions/p.json": results, "predictions/p.images.json": about}
    items = items_of([NAMES[0]], open_dataset(folder_of(tmp_path, files)))
    [item] = items
    assert item.shapes["p"] == [Shape("dog", 0.9, keypoints=((1.0, 2.0, 1.0), (3.0, 4.0, 0.0)))]
    assert items.tasks[0].skeleton == ((0, 1),)


def test_shapes_of_yolo_files(tmp_path: Path) -> None:
    """Shares of 8 x 6 px: the middle half is at 2, 1.5 with 4 x 3. No confidence is no score."""
    files = {
        "predictions/yolo/data.yaml": "names: [car, bus]",
        "predictions/yolo/a/1.txt": "1 .5 .5 .5 .5 .75\n0 .5 .5 .5 .5\n",
        "predictions/yolo/a/2.txt": "",
    }
    folder = folder_of(tmp_path, files)
    box = (2.0, 1.5, 4.0, 3.0)
    assert shapes_in(folder) == {
        NAMES[0]: [Shape("bus", 0.75, box), Shape("car", None, box)],
        NAMES[1]: [],
        NAMES[2]: [],
    }
    (folder / "predictions/yolo/a/2.txt").write_text("2 .5 .5 .5 .5")
    with pytest.raises(DataError, match=r"predictions/yolo/a/2\.txt: class 2 has no name"):
        shapes_in(folder)


def test_shapes_of_a_dataset_in_memory() -> None:
    """Boxes and classes are in its columns; outlines are not, and that is said."""
    content = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "categories": [{"id": 4, "name": "cat"}],
        "annotations": [
            {"image_id": 1, "category_id": 4, "bbox": [0, 0, 2, 2], "segmentation": [[0, 0, 2, 0, 2, 2]]}
        ],
    }  # fmt: skip
    weather = np.array([[0.125, 0.875], [0.5, 0.5]])
    data = Dataset(["a.jpg", "b.jpg"], predictions={"det": read_coco(content), "sky": weather})
    items = items_of(["b.jpg", "a.jpg"], data, tasks=["sky", "det"])
    first, second = items
    assert first.shapes == {"sky": [Shape("0", 0.5)], "det": []}
    assert second.shapes == {
        "sky": [Shape("1", 0.875)],
        "det": [Shape("cat", 1.0, (0.0, 0.0, 2.0, 2.0))],
    }
    assert first.size is None
    assert items.notes == [
        "det: objects left out or without outline, a dataset in memory keeps boxes, but no "
        "outlines and keypoints: 1, first in 'a.jpg'"
    ]
    with pytest.raises(DataError, match=r"no image 'a\.jpg'; a dataset in memory has none"):
        items.open_image("a.jpg")


def test_what_an_assertion_said(tmp_path: Path) -> None:
    """Suspicious boxes stay whatever their score; imputed ones follow, of new categories too."""
    predicted = [
        {"category_id": 0, "bbox": [0, 0, 1, 1], "score": 0.9},
        {"category_id": 5, "bbox": [2, 2, 1, 1], "score": 0.1},
        {"category_id": 5, "bbox": [3, 3, 1, 1], "score": 0.1},
    ]
    folder = folder_of(tmp_path / "data", lightly("det", DETECTIONS, {NAMES[0]: predicted}))
    frames = [
        {"file_name": NAMES[0], "offending": [1],
         "imputed": [{"category_id": 6, "bbox": [1, 1, 2, 2], "score": 0.5}]},
        {"file_name": NAMES[1], "imputed": [{"category_id": 0, "bbox": [4, 4, 1, 1]}]},
        {"file_name": "elsewhere.png", "imputed": []},
    ]  # fmt: skip
    said: dict[str, Any] = {"assertion": {}, "task": "det", "frames": frames}
    said["categories"] = [*DETECTIONS["categories"], {"id": 6, "name": "van"}]  # type: ignore[misc]
    file = build(tmp_path, {"imputed.json": said}) / "imputed.json"
    found = shapes_in(folder, imputed=file)
    assert found[NAMES[0]] == [
        Shape("car", 0.9, (0.0, 0.0, 1.0, 1.0)),
        Shape("bus", 0.1, (2.0, 2.0, 1.0, 1.0), origin="suspicious"),
        Shape("van", 0.5, (1.0, 1.0, 2.0, 2.0), origin="imputed"),
    ]
    assert found[NAMES[1]] == [Shape("car", None, (4.0, 4.0, 1.0, 1.0), origin="imputed")]
    [task] = items_of(NAMES, open_dataset(folder), imputed=file).tasks
    assert task.categories == {0: "car", 5: "bus", 6: "van"}
    frames[1]["offending"] = [0, -1]
    gone = items_of(
        NAMES, open_dataset(folder), imputed=build(tmp_path, {"i.json": said}) / "i.json"
    )
    assert len(list(gone)) == 3
    assert gone.notes == [
        "det: predictions that an assertion calls suspicious, but that are not there: 2, first in "
        f"{NAMES[1]!r}"
    ]
    for change, line in [
        ({"frames": [{"file_name": NAMES[0], "offending": ["1"]}]},
         "frames[0]: imputed must be a list of boxes, offending one of whole numbers"),
        ({"frames": [{"file_name": NAMES[0], "imputed": None}]},
         "frames[0]: imputed must be a list of boxes, offending one of whole numbers"),
        ({"frames": ["x"]}, "frames[0]: must be an object with file_name and imputed"),
        ({"frames": {}}, "frames must be a list"),
        ({"categories": [{"id": "5", "name": "bus"}]},
         "categories must be a list of objects with id and name"),
        ({"categories": [{"id": 5, "name": "lorry"}]},
         "category 5 is 'lorry', in task 'det' it is 'bus'; the file belongs to other predictions"),
        ({"categories": DETECTIONS["categories"]},
         "frames[0].imputed[0]: category_id 6 is not in the schema of task 'det'"),
        ({"frames": [{"file_name": NAMES[0], "imputed": [{"category_id": 0, "bbox": [1, 2, 3]}]}]},
         "frames[0].imputed[0]: needs category_id and bbox [x, y, width, height], got "
         "{'category_id': 0, 'bbox': [1, 2, 3]}"),
    ]:  # fmt: skip
        build(tmp_path, {"imputed.json": {**said, **change}})
        with pytest.raises(DataError) as caught:
            shapes_in(folder, imputed=file)
        assert str(caught.value) == f"{file}: {line}"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "task: data has several (det, sky); name one, or more"),
        ({"tasks": ["dte"]}, "task: data has no predictions 'dte'; did you mean 'det'?"),
        ({"tasks": ["det", "det"]}, "task: 'det' is named twice"),
        ({"tasks": ["sky"], "imputed": "i.json"}, "imputed: i.json is about task 'det', not sky"),
    ],
)
def test_tasks_are_named_where_there_are_several(
    asked: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sky = {"task_type": "classification", "categories": [{"id": 0, "name": "blue"}]}
    files = {**lightly("sky", sky, {}), **lightly("det", DETECTIONS, {})}
    folder_of(Path("data"), {**files, "predictions/tasks.json": ["det", "sky"]})
    build(Path(), {"i.json": {"assertion": {}, "task": "det", "frames": []}})
    data = open_dataset("data")
    with pytest.raises(ConfigError) as caught:
        items_of(NAMES, data, **asked)
    assert str(caught.value) == said
    assert [task.name for task in items_of(NAMES, data, tasks=["sky", "det"]).tasks] == [
        "sky",
        "det",
    ]
    assert [task.name for task in items_of(NAMES, data, imputed="i.json").tasks] == ["det"]
    assert items_of(NAMES, data, tasks=()).tasks == []
    assert items_of(NAMES, data, shapes=False).tasks == []


def test_labels_are_items_too(tmp_path: Path) -> None:
    class Label:
        def __init__(self, sample_id: str, *shapes: Shape) -> None:
            self.sample_id, self.shapes = sample_id, shapes

    task = Task("", "object-detection", {0: "car"})
    box = Shape("car", None, (0.0, 0.0, 1.0, 1.0), origin="labelled")
    data = open_dataset(folder_of(tmp_path, {}))
    items = items_of_labels([Label(NAMES[2], box), Label(NAMES[0])], data, task, name="round 1")
    assert [(item.sample_id, item.shapes) for item in items] == [
        (NAMES[2], {"": (box,)}),
        (NAMES[0], {"": ()}),
    ]
    assert (items.name, items.tasks) == ("round 1", [task])


# Images and embeddings


def test_sizes_are_those_of_the_images_as_shown(tmp_path: Path) -> None:
    """One is turned by its header, one is broken: that one has no size, and it is said."""
    folder = folder_of(tmp_path, {NAMES[1]: b"no image"})
    turned = Image.Exif()
    turned[274] = 6
    Image.new("RGB", (8, 6)).save(folder / "a/1.jpg", exif=turned)
    items = items_of(["a/1.jpg", NAMES[1], NAMES[2]], open_dataset(folder))
    assert [item.size for item in items] == [(6, 8), None, (8, 6)]
    [note] = items.notes
    assert note.startswith(f"images that cannot be read: 1, first {NAMES[1]}: not a readable image")
    assert [item.size for item in items_of(NAMES, open_dataset(folder), shapes=False)] == [None] * 3


def test_templates_of_addresses() -> None:
    name = "b c/\u00fc#&<.tar.png"
    assert UrlTemplate("https://host/{id}?n={name}").of(name) == (
        "https://host/b%20c/%C3%BC%23%26%3C.tar.png?n=%C3%BC%23%26%3C.tar.png"
    )
    assert UrlTemplate("{{{stem}}}:{id_raw}").of(name) == f"{{%C3%BC%23%26%3C.tar}}:{name}"
    for text, said in [
        ("https://host/{idd}", "has a field {idd}; did you mean 'id'?"),
        ("https://host/{}", "has a field {}; known: id, id_raw, name, stem"),
        ("https://host/{id.x}", "has a field {id.x}; did you mean 'id'?"),
        ("https://host/{id!r}", "has a field {id}; did you mean 'id'?"),
        ("https://host/{id", "is no template, expected '}' before end of string"),
        ("https://host/{{id}}", "is the same for all images; write {id} where the sample id belongs"),
    ]:  # fmt: skip
        with pytest.raises(ConfigError) as caught:
            UrlTemplate(text)
        assert str(caught.value) == f"image_url: {text!r} {said}"


def test_embeddings_come_in_the_order_of_ranks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """c is best, then a; b has none; in memory and through a file it is the same."""
    table = {"sample_id": ["d", "a", "c"], "embedding": [[4.0, 4], [1, 1], [3, 3]]}
    files = {"embeddings.parquet": parquet(table), "metadata.csv": "sample_id,x\nb,1\n"}
    data = open_dataset(build(tmp_path, files))

    def read() -> list[tuple[str, list[float]]]:
        blocks = items_of(["c", "b", "a"], data).vectors()
        return [pair for ids, rows in blocks for pair in zip(ids, rows.tolist(), strict=True)]

    expected = [("c", [3.0, 3.0]), ("a", [1.0, 1.0])]
    assert read() == expected
    for name, value in [("_IN_MEMORY_BYTES", 0), ("_BLOCK_BYTES", 8)]:
        monkeypatch.setattr(f"selectlab.exports.ranked_vectors.{name}", value)
        assert read() == expected
    with pytest.raises(DataError, match="no embeddings 'clip'"):
        list(items_of(["c"], data).vectors("clip"))
    twice = build(
        tmp_path / "2", {"embeddings.parquet": parquet({**table, "sample_id": ["a"] * 3})}
    )
    with pytest.raises(DataError, match=r"duplicate ids, 1 of 1 samples, first 'a'"):
        list(items_of(["a"], open_dataset(twice)).vectors())


# Tables


@pytest.mark.parametrize("given", ["selection", "folder"])
def test_tables_are_those_of_the_run(given: str, tmp_path: Path) -> None:
    """csv and list are the run's own files byte for byte; parquet and JSON say the same."""
    chosen = run_of(tmp_path)
    run = tmp_path / "run"
    chosen.save(run)
    items = items_of(chosen if given == "selection" else run)
    for writer, name in [(Csv(), "selection.csv"), (List(), "selection.txt")]:
        made = tmp_path / f"made{writer.ending}"
        assert export(items, made, writer).n_items == 3
        assert made.read_bytes() == (run / name).read_bytes()
    export(items, tmp_path / "made.parquet", Parquet())
    made, there = (
        pd.read_parquet(path) for path in (tmp_path / "made.parquet", run / "selection.parquet")
    )
    pd.testing.assert_frame_equal(made, there)
    export(items, tmp_path / "made.json", Json())
    export(items, tmp_path / "made.jsonl", Jsonl())
    whole = json.loads((tmp_path / "made.json").read_text(encoding="utf-8"))
    lines = (tmp_path / "made.jsonl").read_text(encoding="utf-8").splitlines()
    assert whole["selected"] == [json.loads(line) for line in lines]
    assert (whole["run"], whole["name"]) == (items.run, items.name)
    assert whole["selected"][0]["reason"] == chosen.picks[0].reason
    assert [row["metadata.n"] for row in whole["selected"]] == [
        None if value != value else value for value in there["metadata.n"]
    ]


def test_tables_of_ids_and_addresses(tmp_path: Path) -> None:
    items = items_of(["a b", "c"], image_url="x://{id}")
    export(items, tmp_path / "t.csv", Csv())
    assert (tmp_path / "t.csv").read_text() == "rank,sample_id,uri\n1,a b,x://a%20b\n2,c,x://c\n"
    export(items_of(["a b"]), tmp_path / "t.jsonl", Jsonl())
    assert json.loads((tmp_path / "t.jsonl").read_text()) == {
        "rank": 1, "sample_id": "a b", "score": None, "reason": "", "uri": None,
    }  # fmt: skip


class Rows(ExampleItems):
    """Items with rows of our own."""

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        super().__init__(len(rows))
        self.rows = rows
        self.columns = tuple(dict.fromkeys(key for row in rows for key in row))

    def __iter__(self) -> Any:
        for at, row in enumerate(self.rows):
            yield Item(at + 1, str(at), None, row=row)


def test_columns_of_mixed_values(tmp_path: Path) -> None:
    """Whole and broken numbers are numbers; anything with text is text; nothing is a number."""
    rows: list[dict[str, Any]] = [
        {"n": 1, "x": 1, "s": "a", "b": True, "big": 2**70, "none": None, "np": np.float32(0.5)},
        {"n": None, "x": 0.5, "s": 1, "b": None, "big": 1, "none": None, "np": np.int64(3)},
        {"n": 3, "x": float("nan"), "b": False, "when": pd.Timestamp("2020-01-02")},
    ]
    export(Rows(rows), tmp_path / "t.parquet", Parquet())
    table = pq.read_table(tmp_path / "t.parquet")
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds == {
        "n": "int64", "x": "double", "s": "string", "b": "bool", "big": "string",
        "none": "string", "np": "double", "when": "string", "uri": "string",
    }  # fmt: skip
    assert table.column("x").to_pylist() == [1.0, 0.5, None]
    assert table.column("s").to_pylist() == ["a", "1", None]
    assert table.column("big").to_pylist() == [str(2**70), "1", None]
    with pytest.raises(DataError, match=r"has an infinite number, which JSON cannot say"):
        export(Rows([{"sample_id": "a", "x": float("inf")}]), tmp_path / "t.json", Json())
    assert not (tmp_path / "t.json").exists()


def test_an_id_that_breaks_the_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        export(items_of(["a\u2028b"]), tmp_path / "t.txt", List())
    assert str(caught.value) == "sample id 'a\\u2028b' breaks the line; a list has one id a line"
    assert list(tmp_path.iterdir()) == []
    odd = ["a\nb", "a\rb", "a\r\n", 'a"\r', "a,b"]
    export(items_of(odd), tmp_path / "t.csv", Csv())
    with (tmp_path / "t.csv").open(newline="") as file:
        assert [row[1] for row in csv.reader(file)][1:] == odd
    assert pd.read_csv(tmp_path / "t.csv")["sample_id"].tolist() == odd


LISTED = """
import resource, sys
from pathlib import Path
from selectlab.exports import tables
from selectlab.exports.export import export
from selectlab.exports.sources import items_of
import pyarrow.parquet, selectlab.selection
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
export(items_of(sys.argv[1]), Path(sys.argv[2]), tables.Csv())
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no getrusage")
def test_a_million_ids_are_held_packed(tmp_path: Path) -> None:
    """As texts they would take 160 MB."""
    ids, out = tmp_path / "ids.txt", tmp_path / "out.csv"
    ids.write_text("".join(f"folder/{at:07d}.png\n" for at in range(1_000_000)))
    command = [sys.executable, "-c", LISTED, str(ids), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) / 1024 < 80


def test_a_list_longer_than_a_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids come once, in the order of the file, and a bad byte has its place in the whole."""
    monkeypatch.setattr(rankings, "_PIECE", 8)
    path = tmp_path / "ids.txt"
    path.write_bytes("\ufeffb.png\r\n\na.png\nü.png\n\na.png\n0.png\nb.png".encode())
    assert [item.sample_id for item in items_of(path)] == ["b.png", "a.png", "ü.png", "0.png"]
    path.write_bytes(b"a.png\nb.png\nc.png\n\xff.png\n")
    with pytest.raises(DataError, match=r"not UTF-8 text, byte 18 cannot be read"):
        items_of(path)


MILLION = """
import gc, resource, sys
from pathlib import Path
from selectlab.exports import tables
from selectlab.exports.export import export
from selectlab.exports.sources import items_of
from selectlab.testing import ExampleItems
import pyarrow.parquet
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
out = Path(sys.argv[1])
for name in ("Csv", "Json", "Parquet"):
    writer = getattr(tables, name)()
    export(ExampleItems(2000), out / f"warm{writer.ending}", writer)
before = peak()
for name in ("Csv", "Json", "Parquet"):
    writer = getattr(tables, name)()
    export(ExampleItems(int(sys.argv[2])), out / f"made{writer.ending}", writer)
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no getrusage")
def test_a_million_rows_are_not_held(tmp_path: Path) -> None:
    """Held, they would take 1.5 GB; the peak grows by less than 100 MB. check_streams does the rest."""
    n = 1_000_000
    command = [sys.executable, "-c", MILLION, str(tmp_path), str(n)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) / 1024 < 100
    assert pq.ParquetFile(tmp_path / "made.parquet").metadata.num_rows == n
    for name, beside in [("made.csv", 1), ("made.json", 3)]:
        with (tmp_path / name).open(encoding="utf-8") as file:
            assert sum(1 for _ in file) == n + beside


RUN = """
import resource, sys
from selectlab.exports.sources import items_of
import pyarrow.parquet
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
items = items_of(sys.argv[1])
n = sum(1 for item in items)
print(n, items.run, peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no getrusage")
def test_a_large_run_is_read_piece_by_piece(tmp_path: Path) -> None:
    """400,000 picks: ids take 10 MB, selection.json of 300 MB is read as far as its picks only."""
    n = 400_000
    ids = [f"folder/of/images/{at:07d}.png" for at in range(n)]
    table = {"rank": list(range(1, n + 1)), "sample_id": ids, "score": [0.5] * n, "reason": ids}
    run = build(tmp_path / "run", {"manifest.json": {"config_sha256": "x"}})
    pd.DataFrame(table).to_parquet(run / "selection.parquet", row_group_size=50_000)
    with (run / "selection.json").open("w") as file:
        file.write('{\n  "preselected": [\n    "p.png"\n  ],\n  "selected": [\n')
        line = " " * 350 + '{"rank": 1, "preselected": "no"},\n'
        file.writelines(line for _ in range(n))
        file.write("  ]\n}\n")
    command = [sys.executable, "-c", RUN, str(run)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counted, run_id, grown = done.stdout.split()
    assert (int(counted), len(run_id)) == (n, 16)
    assert int(grown) / 1024 < 120


# Places


class Pages(Writer):
    """A folder with a page each.

    Attributes:
        word: What is on each page.
        numbers: More.
    """

    type: Literal["pages"] = "pages"
    takes_shapes: ClassVar[bool] = True
    word: str = "x"
    numbers: tuple[int, ...] = ()

    def write(self, items: Items, out: Path) -> list[str]:
        out.mkdir()
        for item in items:
            (out / f"{item.rank}.txt").write_text(self.word)
        if self.word == "fail":
            raise DataError("cannot be said")
        if self.word == "stop":
            raise KeyboardInterrupt
        if self.word == "full":
            raise OSError(28, "No space left on device")
        return ["well"]


def written(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.name != MARK}


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    items = items_of(["a", "b"])
    made = export(items, tmp_path / "deep" / "out", Pages())
    assert (made.path, made.n_items, made.notes) == (tmp_path / "deep" / "out", 2, ("well",))
    assert written(made.path) == {"1.txt": "x", "2.txt": "x"}
    about = json.loads((made.path / MARK).read_text())
    assert (about["run"], about["samples"], about["format"]["type"]) == (items.run, 2, "pages")
    for word, error in [("fail", DataError), ("stop", KeyboardInterrupt), ("full", DataError)]:
        with pytest.raises(error) as caught:
            export(items, made.path, Pages(word=word), overwrite=True)
        if word == "full":
            assert str(caught.value) == f"{made.path}: cannot be written: No space left on device"
        with pytest.raises(error):
            export(items, tmp_path / "new", Pages(word=word))
    assert written(made.path) == {"1.txt": "x", "2.txt": "x"}
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]


def test_what_is_there_is_replaced_only_where_we_wrote_it(tmp_path: Path) -> None:
    items, out, page = items_of(["a", "b"]), tmp_path / "out", tmp_path / "page.txt"

    def refused(place: Path, writer: Writer, overwrite: bool = False) -> str:
        with pytest.raises(ConfigError) as caught:
            export(items, place, writer, overwrite=overwrite)
        return str(caught.value).removeprefix(f"{place}: ")

    out.mkdir()
    export(items, out, Pages())
    assert refused(out, Pages()) == (
        "holds an earlier export; choose another folder, or --overwrite it"
    )
    export(items_of(["a"]), out, Pages(word="y"), overwrite=True)
    assert written(out) == {"1.txt": "y"}
    (out / "1.txt").write_text("labelled by hand")
    assert refused(out, Pages(), overwrite=True) == (
        "'1.txt' was added or changed after the export; move what you want to keep, or remove the "
        "folder"
    )
    (out / MARK).unlink()
    assert refused(out, Pages(), overwrite=True) == (
        f"holds files but no {MARK}, so it is no earlier export, such as '1.txt'; choose another "
        "folder"
    )
    assert written(out) == {"1.txt": "labelled by hand"}
    assert refused(out, List(), overwrite=True) == "is a folder; 'list' writes a file"
    page.write_text("mine")
    assert refused(page, Pages(), overwrite=True) == "is a file; 'pages' writes a folder"
    assert refused(page, List()) == "is there already; choose another name, or --overwrite"
    assert refused(page / "in", List()) == f"cannot be written: {page} is no folder"
    assert page.read_text() == "mine"
    export(items, page, List(), overwrite=True)
    assert page.read_text() == "a\nb\n"
    page.unlink()
    page.symlink_to(tmp_path / "gone")
    assert "is there already" in refused(page, List())


def test_a_copy_of_an_export_may_be_replaced(tmp_path: Path) -> None:
    """shutil.copytree keeps the times, so nothing in it was changed since."""
    export(items_of(["a"]), tmp_path / "out", Pages())
    shutil.copytree(tmp_path / "out", tmp_path / "copy")
    export(items_of(["a"]), tmp_path / "copy", Pages(word="y"), overwrite=True)
    assert written(tmp_path / "copy") == {"1.txt": "y"}


def test_what_a_trainer_leaves_may_be_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(items_of(["a"]), out, Pages())
    (out / "labels").mkdir()
    (out / "labels" / "train.cache").write_bytes(b"x")
    export(items_of(["a"]), out, Pages(word="y"), overwrite=True)
    assert written(out) == {"1.txt": "y"}
    (out / "mine.txt").write_text("by hand")
    with pytest.raises(ConfigError, match=r"'mine.txt' was added or changed after the export; "):
        export(items_of(["a"]), out, Pages(), overwrite=True)


def test_a_link_to_a_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "disk" / "real").mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "disk" / "real")
    for word in ("x", "y"):
        made = export(items_of(["a"]), link, Pages(word=word), overwrite=True)
        assert (made.path, link.is_symlink()) == (link, True)
        assert written(tmp_path / "disk" / "real") == {"1.txt": word}
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["real"]


KILLED = """
import os, signal, sys
from pathlib import Path
from selectlab.exports import export as module
from selectlab.exports.sources import items_of
from selectlab.exports.tables import Csv
def killed(fresh, target, old):
    if sys.argv[2] == "moved":
        target.rename(old)
    os.kill(os.getpid(), signal.SIGKILL)
module.swap = killed
module.export(items_of(["a"]), Path(sys.argv[1]), Csv(), overwrite=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("when", ["made", "moved"])
def test_what_a_killed_export_left_is_removed_by_the_next(when: str, tmp_path: Path) -> None:
    """That of other places, of the living and of others stays."""
    place = tmp_path / "o.csv"
    export(items_of(["a"]), place, Csv())
    for target in (place, tmp_path / "other.csv"):
        target.write_text("before")
        command = [sys.executable, "-c", KILLED, str(target), when]
        assert subprocess.run(command, check=False).returncode == -9
    (tmp_path / ".o.csv-abcdefgh").mkdir()
    assert place.exists() is (when == "made")
    assert len(list(tmp_path.glob(".o.csv-*"))) == 2
    with workplace(place):
        assert len(list(tmp_path.glob(".o.csv-*"))) == (2 if when == "made" else 3)
        with pytest.raises(DataError):
            export(items_of(["a\nb"]), tmp_path / "o.csv", List(), overwrite=True)
        assert len(list(tmp_path.glob(".o.csv-*"))) == (2 if when == "made" else 3)
        export(items_of(["b"]), place, Csv(), overwrite=True)
        assert len(list(tmp_path.glob(".o.csv-*"))) == 2
    assert [path.name for path in tmp_path.glob(".o.csv-*")] == [".o.csv-abcdefgh"]
    assert len(list(tmp_path.glob(".other.csv-*"))) == 1
    assert pd.read_csv(place)["sample_id"].tolist() == ["b"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user who may be refused")
def test_a_read_only_place_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(ConfigError, match="is read-only"):
        export(items_of(["a"]), tmp_path / "locked" / "deep" / "x.txt", List())


def test_exports_can_be_read_by_others(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        export(items_of(["a"]), tmp_path / "out", Pages())
        export(items_of(["a"]), tmp_path / "a.txt", List())
    finally:
        os.umask(mask)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644


# Formats by name


def test_writers_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from selectlab import registry

    known = {"pages": registry.Installed(Pages, "here"), "csv": registry.Installed(Csv, "here")}
    monkeypatch.setattr(registry, "writers", lambda: known)
    assert writer_of("csv") == Csv()
    assert writer_of("pages", {"word": "7", "numbers": "[1, 2]"}) == Pages(word="7", numbers=(1, 2))
    for name, options, said in [
        ("cvs", {}, "format: nothing is called 'cvs'; did you mean 'csv'?"),
        ("pages", {"wrod": "x"}, "format pages.wrod: unknown key; did you mean 'word'?"),
        ("pages", {"numbers": "[1, x]"}, "format pages.numbers: "),
        ("pages", {"type": "csv"}, "format pages.type: nothing is called 'csv'; known: pages"),
    ]:
        with pytest.raises(ConfigError) as caught:
            writer_of(name, options)
        assert str(caught.value).startswith(said)


def test_formats_by_ending() -> None:
    named = {
        suffix: format_named(Path(f"x{suffix}"))
        for suffix in (".csv", ".parquet", ".json", ".txt", ".jsonl", ".xml", "")
    }
    assert named == {
        ".csv": "csv", ".parquet": "parquet", ".json": "json", ".txt": "list", ".jsonl": "jsonl",
        ".xml": None, "": None,
    }  # fmt: skip


def test_tables_take_no_predictions() -> None:
    assert fields_for(Csv()) == {
        "tasks": None, "imputed": None, "min_score": 0.25, "image_url": None, "shapes": False,
    }  # fmt: skip
    assert fields_for(Pages(), tasks=["det"], min_score=0.0)["min_score"] == 0.0
    for given in ({"tasks": ["det"]}, {"imputed": "x.json"}, {"min_score": 0.0}):
        name = next(iter(given)).replace("tasks", "task")
        with pytest.raises(ConfigError) as caught:
            fields_for(Csv(), **given)  # type: ignore[arg-type]
        assert str(caught.value) == f"{name}: 'csv' takes no predictions"
    with pytest.raises(ConfigError, match="tasks: predictions need a dataset; say which one"):
        items_of(["a"], tasks=["det"])
