"""Assertions on datasets: the input, the command, what they write, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from selectlab.api import select
from selectlab.assertion_run import read_imputed, run_assertion, write_run
from selectlab.assertions.flicker import Flicker
from selectlab.cli import app
from selectlab.config import load
from selectlab.dataset import Dataset
from selectlab.errors import ConfigError, DataError, SelectlabError
from selectlab.inputs import Assertion, Metadata
from selectlab.inputs.folder import open_dataset

BOX = [10.0, 20.0, 40.0, 80.0]


def detection(bbox: list[float] = BOX, category: int = 0) -> dict[str, Any]:
    return {"category_id": category, "bbox": bbox, "score": 0.9}


def in_memory(frames: dict[str, list[dict[str, Any]]], **more: Any) -> Dataset:
    tasks = {"det": frames, **more}
    content = {
        task: {
            "task_type": "object-detection",
            "categories": ["car", "person"] if task == "det" else ["person", "dog"],
            "predictions": held,
        }
        for task, held in tasks.items()
    }
    return Dataset(list(frames), predictions=content)


def folder(root: Path, frames: dict[str, list[dict[str, Any]]]) -> Path:
    base = root / ".lightly" / "predictions"
    (base / "det").mkdir(parents=True)
    (base / "tasks.json").write_text('["det"]')
    schema = {"task_type": "object-detection", "categories": [{"id": 3, "name": "car"}]}
    (base / "det" / "schema.json").write_text(json.dumps(schema))
    for name, held in frames.items():
        path = base / "det" / f"{name.removesuffix('.png')}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        held = [{**o, "category_id": 3} for o in held]
        path.write_text(json.dumps({"file_name": name, "predictions": held}))
    return root


TWO_VIDEOS = {
    "a/v-09-mp4.png": [detection()],
    "a/v-10-mp4.png": [],
    "a/v-11-mp4.png": [detection()],
    "b/v-12-mp4.png": [],
    "b/v-13-mp4.png": [detection()],
}


def test_windows_never_cross_videos() -> None:
    """b/v-12 is empty between boxes in a/v-11 and b/v-13, but it is another video's first."""
    data = in_memory(TWO_VIDEOS)
    signal = Assertion(name="flicker", task="det").load(data)
    assert signal.values.tolist() == [0.5, 1.0, 0.5, 0.5, 0.5]
    assert signal.missing is None


def test_frames_are_ordered_by_number_not_by_name() -> None:
    """As names, v-10 stands before v-9, and v-11 between v-10 and v-8."""
    frames = {f"v-{t}-mp4.png": [detection()] for t in (8, 9, 11, 12)} | {"v-10-mp4.png": []}
    data = in_memory(frames)
    assert data.ids[0] == "v-10-mp4.png"
    signal = Assertion(name="flicker", task="det").load(data)
    assert signal.values.tolist() == [1.0, 0.5, 0.5, 0.5, 0.5]


def test_one_file_of_two_videos_each_is_no_window() -> None:
    frames = {"x-1-mp4.png": [detection()], "y-2-mp4.png": [], "x-3-mov.png": [detection()]}
    run = run_assertion(Flicker(), in_memory(frames), "det")
    assert run.counts()["flagged_frames"] == 0


def test_a_missing_file_is_an_empty_frame(tmp_path: Path) -> None:
    """Frame 2 has an image and no file; frame 5 has neither and is listed all the same."""
    from PIL import Image

    held = {f"v-{t}-mp4.png": [detection()] for t in (1, 3, 4, 6, 7)}
    root = folder(tmp_path, held)
    Image.new("RGB", (9, 9)).save(root / "v-2-mp4.png")
    run = run_assertion(Flicker(), open_dataset(root), "det")
    frames = run.to_json()["frames"]
    assert [(f["file_name"], f["in_dataset"]) for f in frames] == [
        ("v-2-mp4.png", True),
        ("v-5-mp4.png", False),
    ]
    assert run.counts()["flagged_frames"] == 2
    write_run(run)
    again = open_dataset(root)
    assert len(again) == 6
    values = Metadata(key="flickering").load(again).values
    assert values.tolist() == [0.5, 1.0, 0.5, 0.5, 0.5, 0.5]


def test_one_frame_twice_is_an_error_that_names_the_files() -> None:
    frames = {"v-1-mp4.png": [], "v-01-mp4.png": [detection()]}
    with pytest.raises(DataError) as caught:
        Assertion(name="flicker", task="det").load(in_memory(frames))
    assert str(caught.value) == (
        "v-1-mp4.png: is frame 1 of v.mp4, and so is 'v-01-mp4.png'; each frame once"
    )


def test_images_are_checked_where_single_frames_say_something() -> None:
    frames = {"i.png": [detection()] * 3, "v-1-mp4.png": [detection()], "j.png": []}
    data = in_memory(frames)
    signal = Assertion(name="multibox", task="det", quiet=0.25).load(data)
    assert signal.values.tolist() == [1.0, 0.25, 0.25]
    flicker = Assertion(name="flicker", task="det").load(data)
    assert flicker.missing is not None
    assert flicker.missing.tolist() == [True, True, False]
    with pytest.raises(DataError) as caught:
        Assertion(name="flicker", task="det").load(in_memory({"i.png": [], "j.png": []}))
    assert str(caught.value) == (
        "dataset: no video frames for 'flicker' among 2 samples; frames are named "
        "NAME-FRAME-EXT.png, such as clip-007-mp4.png"
    )


def test_agree_compares_classes_by_name() -> None:
    """In ``det`` a person is class 1, in ``other`` class 0; a dog is known to ``other`` only."""
    frames = {"i.png": [detection(category=1)]}
    same = in_memory(frames, other={"i.png": [detection(category=0)]})
    source = Assertion(name="agree", task="det", parameters={"other": "other"})
    assert source.load(same).values.tolist() == [0.5]
    different = in_memory(frames, other={"i.png": [detection(category=1)]})
    assert source.load(different).values.tolist() == [1.0]
    run = run_assertion(source.assertion(), different, "det").to_json()
    assert run["categories"][-1] == {"id": 2, "name": "dog"}
    assert run["frames"][0]["imputed"][0]["category_id"] == 2


def test_it_stands_in_a_config() -> None:
    """As WEIGHTS, and as a THRESHOLD that lets only flagged frames through."""
    source = {"type": "ASSERTION", "name": "flicker", "task": "det", "minScore": 0.2}
    kept = {"type": "THRESHOLD", "threshold": 0.6, "operation": "BIGGER"}
    config = {
        "n_samples": 1,
        "strategies": [
            {"input": source, "strategy": {"type": "WEIGHTS"}},
            {"input": source, "strategy": kept},
        ],
    }
    parsed = load(config)
    assert load(parsed.to_json()).to_json() == parsed.to_json()
    assert parsed.entries[0].input.assertion() == Flicker(min_score=0.2)  # type: ignore[attr-defined]
    assert list(select(parsed, in_memory(TWO_VIDEOS)).ids) == ["a/v-10-mp4.png"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"name": "flikker"}, "nothing is called 'flikker'; did you mean 'flicker'?"),
        ({"name": "flicker", "max_gapp": 2}, "max_gapp"),
        (
            {"name": "flicker", "parameters": {"max_gapp": 2}},
            "'flicker' has no parameter 'max_gapp'; did you mean 'max_gap'?",
        ),
        ({"name": "flicker", "max_gap": 0}, "max_gap of 'flicker': Input should be greater"),
        ({"name": "agree"}, "other of 'agree': Field required"),
    ],
)
def test_mistakes_in_a_config_are_named(source: dict[str, Any], message: str) -> None:
    entry = {
        "input": {"type": "ASSERTION", "task": "det", **source},
        "strategy": {"type": "WEIGHTS"},
    }
    with pytest.raises(ConfigError, match=r"strategies\[0\]\.input") as caught:
        load({"n_samples": 1, "strategies": [entry]})
    assert message in str(caught.value)


def test_a_classification_has_no_boxes() -> None:
    data = Dataset(["v-1-mp4.png", "v-2-mp4.png"], predictions={"det": np.eye(2)})
    with pytest.raises(ConfigError) as caught:
        Assertion(name="flicker", task="det").load(data)
    assert str(caught.value) == (
        "task 'det' of type classification has no boxes; assertions need boxes"
    )


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["assert", *map(str, arguments)])


def test_the_command_counts_writes_and_its_metadata_can_be_used(tmp_path: Path) -> None:
    root = folder(tmp_path / "data", TWO_VIDEOS)
    done = run("flicker", "--data", root, "--task", "det", "--parity", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["flagged_frames"], said["imputed_boxes"], said["frames"]) == (1, 1, 5)
    assert [video["flagged_frames"] for video in said["videos"]] == [1, 0]
    data = open_dataset(root)
    assert Metadata(key="flickering").load(data).values.tolist() == [0.5, 1.0, 0.5, 0.5, 0.5]
    schema = json.loads((root / ".lightly" / "metadata" / "schema.json").read_text())
    assert schema == [
        {
            "name": "Flickering",
            "path": "flickering",
            "defaultValue": 0.5,
            "valueDataType": "NUMERIC_FLOAT",
        }
    ]
    held = read_imputed(root / ".lightly" / "imputed" / "det" / "flicker.json")
    [frame] = held["frames"]
    assert frame["file_name"] == "a/v-10-mp4.png"
    [box] = frame["imputed"]
    assert (box["category_id"], box["bbox"], box["score"]) == (3, BOX, 0.9)
    assert box["from"] == [
        {"file_name": "a/v-09-mp4.png", "prediction": 0},
        {"file_name": "a/v-11-mp4.png", "prediction": 0},
    ]
    table = run("flicker", "--data", root, "--task", "det")
    assert "a/v.mp4  3       1" in table.stdout


def test_existing_metadata_stays(tmp_path: Path) -> None:
    root = folder(tmp_path, TWO_VIDEOS)
    meta = root / ".lightly" / "metadata"
    (meta / "a").mkdir(parents=True)
    entry = {"name": "W", "path": "weather", "valueDataType": "CATEGORICAL_STRING"}
    (meta / "schema.json").write_text(json.dumps([entry]))
    (meta / "a" / "v-10-mp4.json").write_text(
        json.dumps({"file_name": "a/v-10-mp4.png", "type": "frame", "metadata": {"weather": "s"}})
    )
    before = pd.DataFrame({"sample_id": ["a/v-09-mp4", "old.png"], "n": [7, 8], "t": ["007", "x"]})
    before.to_parquet(root / ".lightly" / "metadata.parquet")
    for _ in range(2):
        write_run(run_assertion(Flicker(), open_dataset(root), "det"))
    data = open_dataset(root)
    frame = data.metadata()
    assert frame is not None
    assert frame.frame.loc["a/v-10-mp4.png", "weather"] == "s"
    assert frame.frame.loc["a/v-09-mp4.png", "n"] == 7
    assert frame.frame.loc["old.png", "t"] == "x"
    assert frame.frame.loc["a/v-10-mp4.png", "flickering"] == 1.0
    paths = [e["path"] for e in json.loads((meta / "schema.json").read_text())]
    assert paths == ["weather", "flickering"]


def test_files_that_would_hide_the_new_values_are_named(tmp_path: Path) -> None:
    root = folder(tmp_path, TWO_VIDEOS)
    meta = root / ".lightly" / "metadata" / "a"
    meta.mkdir(parents=True)
    content = {"file_name": "a/v-10-mp4.png", "metadata": {"flickering": 0.7}}
    (meta / "v-10-mp4.json").write_text(json.dumps(content))
    found = run_assertion(Flicker(), open_dataset(root), "det")
    with pytest.raises(DataError) as caught:
        write_run(found)
    assert str(caught.value) == (
        ".lightly/metadata: has metadata 'flickering' in files per sample, which win over "
        "metadata.parquet; remove it there, or write elsewhere with --out"
    )
    table, imputed = write_run(found, tmp_path / "elsewhere")
    assert table.exists()
    assert imputed == tmp_path / "elsewhere" / "imputed" / "det" / "flicker.json"


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    root = folder(tmp_path, TWO_VIDEOS)
    before = sorted(root.rglob("*"))
    assert run("appear", "--data", root, "--task", "det", "--dry-run").exit_code == 0
    assert sorted(root.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["flikker"], "nothing is called 'flikker'; did you mean 'flicker'?"),
        (["appear", "--parity"], "appear.parity: unknown key; known: iou_tracking, "),
        (
            ["flicker", "--max-gap", "0"],
            "flicker.max_gap: should be greater than or equal to 1, got 0",
        ),
        (["agree"], "agree.other: required, but missing"),
        (
            ["flicker", "--parity", "--max-gap", "3"],
            "flicker: 'parity' knows gaps of one frame only; leave out 'max_gap'",
        ),
        (["flicker", "--set", "x"], "--set: expected NAME=VALUE, got 'x'"),
    ],
)
def test_mistakes_on_the_command_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    root = folder(tmp_path, TWO_VIDEOS)
    done = run(*arguments, "--data", root, "--task", "det")
    assert isinstance(done.exception, SelectlabError)
    assert message in str(done.exception)


def test_imputed_boxes_are_not_read_from_just_any_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("[]")
    with pytest.raises(DataError, match="holds no imputed boxes"):
        read_imputed(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_imputed(tmp_path / "b.json")
