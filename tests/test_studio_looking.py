"""What the page tells beyond pictures: why there is none, classes, runs and decisions as colours."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from folder_builder import build
from small_dataset import picture
from studio_dataset import (
    NAMES,
    Client,
    flickering_folder,
    served,
    studio_folder,
    with_index,
    with_runs,
)

from selectlab import Dataset
from selectlab.assertion_run import run_assertion, write_run
from selectlab.assertions.flicker import Flicker
from selectlab.inputs.folder import open_dataset
from selectlab.studio.absence import placeholder
from selectlab.studio.studio import Studio


def filmless(root: Path) -> Path:
    """12 frames of a video that is not there."""
    data = flickering_folder(root)
    for image in data.glob("*.png"):
        image.unlink()
    return data


def test_a_frame_without_its_video_says_so_and_keeps_its_boxes(tmp_path: Path) -> None:
    """The canvas is the smallest that holds the boxes of all 12 frames."""
    data = filmless(tmp_path)
    files = sorted((data / ".lightly/predictions/det").glob("clip*.json"))
    boxes = [one["bbox"] for file in files for one in json.loads(file.read_text())["predictions"]]
    held = [int(np.ceil(max(box[side] + box[side + 2] for box in boxes))) for side in (0, 1)]
    with served(Studio(open_dataset(data))) as client:
        told = client.get("/api/sample", id="clip-003-mp4.png")
        assert told["size"] is None
        assert told["canvas"] == held
        assert told["absent"] == (
            "Neither the frame nor its video clip.mp4 is at hand; "
            "selectlab studio --videos FOLDER says where videos lie."
        )
        answer = client.http.get("/picture", params={"id": "clip-003-mp4.png"})
        assert "No picture" in answer.text
        assert "video clip.mp4 is" in answer.text
        facts = client.get("/api/facts")
        assert (facts["absent_videos"], facts["n_absent_videos"]) == (["clip.mp4"], 1)
        write_run(run_assertion(Flicker(), open_dataset(data), "det"))
        strip = client.get("/api/strip", file="det/flicker", id="clip-005-mp4.png")
        assert strip["canvas"] == held


def test_pictures_that_are_there_are_not_told_of(tmp_path: Path) -> None:
    with served(Studio(open_dataset(flickering_folder(tmp_path)))) as client:
        told = client.get("/api/sample", id="clip-003-mp4.png")
        assert (told["absent"], told["canvas"]) == (None, told["size"])
        assert client.get("/api/facts")["n_absent_videos"] == 0


def test_words_of_a_placeholder_are_no_markup() -> None:
    data = Dataset(["<i>-001-mp4.png", "a.png"], metadata={"speed": [1.0, 2.0]})
    with served(Studio(data)) as client:
        told = client.http.get("/picture", params={"id": "<i>-001-mp4.png"}).text
        assert "&lt;i&gt;.mp4" in told
        assert "<i>" not in told
        assert "no image file" in client.http.get("/picture", params={"id": "a.png"}).text


def test_a_placeholder_of_a_long_name_has_few_lines() -> None:
    told = placeholder("video " + "x" * 500 + " is not at hand")
    assert told.count("<text") == 5
    assert "...</text>" in told


def classes(root: Path) -> Path:
    """Pictures with objects of two classes, and how sure the model is of each."""
    found: dict[str, list[tuple[int, float]]] = {
        "surer.png": [(1, 0.3), (0, 0.9)],
        "other.png": [(0, 0.3), (1, 0.9)],
        "more.png": [(1, 0.1), (1, 0.2), (0, 0.9)],
        "nothing.png": [],
    }
    task = ".lightly/predictions/det"
    files: dict[str, Any] = {name: picture(1, 64, 48) for name in found}
    files[".lightly/predictions/tasks.json"] = ["det"]
    names = [{"id": 0, "name": "car"}, {"id": 1, "name": "bus"}]
    files[f"{task}/schema.json"] = {"task_type": "object-detection", "categories": names}
    for name, objects in found.items():
        boxes = [
            {"category_id": kind, "bbox": [1, 2, 30, 20], "score": score} for kind, score in objects
        ]
        content = {"file_name": name, "predictions": boxes}
        files[f"{task}/{name.removesuffix('.png')}.json"] = content
    return build(root / "classes", files)


def test_the_class_of_a_sample_is_that_of_most_objects(tmp_path: Path) -> None:
    """Of as many objects, those that the model is surer of count."""
    with served(Studio(open_dataset(classes(tmp_path)))) as client:
        items = client.get("/api/samples", sort="class:det")["items"]
        assert {item["id"]: item["value"] for item in items} == {
            "surer.png": "car",
            "other.png": "bus",
            "more.png": "bus",
            "nothing.png": None,
        }
        assert client.get("/api/facts")["attributes"]["class:det"] == "most frequent class of det"


def test_small_pictures_show_what_the_model_is_sure_of(tmp_path: Path) -> None:
    with served(Studio(open_dataset(classes(tmp_path)))) as client:
        told = client.post("/api/tiles", ids=["more.png", "nothing.png", "gone.png"])["tiles"]
        assert set(told) == {"more.png", "nothing.png"}
        [shape] = told["more.png"]["shapes"]
        assert (shape["category"], shape["box"]) == ("car", [1, 2, 30, 20])
        assert (told["more.png"]["size"], told["more.png"]["picture"]) == ([64, 48], True)
        assert told["nothing.png"]["shapes"] == []


def coloured(client: Client, key: str) -> tuple[dict[str, str], str]:
    """The names that samples have in a colouring, and what the others are."""
    told = client.get("/api/map/values", key=key)
    codes = np.frombuffer(base64.b64decode(told["values"]), "<u2")
    named = {
        sample_id: told["names"][code]
        for sample_id, code in zip(client.studio.samples.ids, codes, strict=True)
        if code != 65535
    }
    return named, told["others"]


def test_the_map_is_coloured_by_runs_and_decisions(tmp_path: Path) -> None:
    with served(Studio(open_dataset(with_index(with_runs(studio_folder(tmp_path)))))) as client:
        campaigns = client.studio.campaigns
        campaigns.create("night", ids=NAMES[:4:2], threshold=0.05)
        campaigns.collect("night")
        found = [hit.sample_id for hit in campaigns.hits("night")]
        campaigns.accept("night", found[0])
        campaigns.discard("night", found[1])
        offered = client.get("/api/map/layers")["colours"]
        assert offered["campaign:night"] == "decisions of campaign night"
        assert offered["run:fast"] == "selected by fast"
        decided = dict.fromkeys(found, "new") | {found[0]: "accepted", found[1]: "discarded"}
        decided |= dict.fromkeys(NAMES[:4:2], "seed")
        assert coloured(client, "campaign:night") == (decided, "not collected")
        picks = client.studio.runs.get("fast").ids
        assert coloured(client, "run:fast") == (dict.fromkeys(picks, "selected"), "not selected")
        assert coloured(client, "metadata:weather")[1] == "no value"
        for key in ("run:none", "campaign:none", "nothing"):
            assert client.http.get("/api/map/values", params={"key": key}).status_code == 400


def test_marks_are_found_on_the_map(tmp_path: Path) -> None:
    """Of an object its picture is ringed."""
    with served(Studio(open_dataset(studio_folder(tmp_path)))) as client:
        known = client.studio.dataset.rows
        told = client.post("/api/map/rows", ids=[NAMES[4], f"{NAMES[7]}#2", "gone.png"])
        assert told["rows"] == [known[NAMES[4]], known[NAMES[7]], -1]


def test_an_assertion_that_flagged_nothing_is_offered_last(tmp_path: Path) -> None:
    data = flickering_folder(tmp_path)
    write_run(run_assertion(Flicker(), open_dataset(data), "det"))
    file = data / ".lightly" / "imputed" / "det" / "flicker.json"
    studio = Studio(open_dataset(data))
    file.with_name("appear.json").write_bytes(file.read_bytes())
    assert studio.strips.offered() == ["det/flicker", "det/appear"]
    file.write_text(json.dumps({**json.loads(file.read_text()), "frames": []}))
    assert studio.strips.offered() == ["det/appear", "det/flicker"]
