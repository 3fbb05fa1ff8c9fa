"""The dataset in the page: what it consists of, its tags, and files that change meanwhile."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import video_builder
from folder_builder import build, parquet
from PIL import Image
from small_dataset import DIVERSITY, EMBEDDINGS, picture, selectlab
from studio_dataset import (
    NAMES,
    ODD,
    WEATHER,
    Client,
    flickering_folder,
    served,
    studio_folder,
    vectors,
    with_runs,
)

import selectlab.studio.embedding_map as embedding_map
import selectlab.studio.freshness as freshness
from selectlab import Dataset, api
from selectlab.inputs.folder import open_dataset
from selectlab.rounds import Rounds
from selectlab.studio.studio import Studio


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the disk at every request, instead of every few seconds."""
    monkeypatch.setattr(freshness, "OFTEN_S", -1.0)


def opened(data: Path) -> Studio:
    return Studio(open_dataset(data), reopen=lambda: open_dataset(data))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return with_runs(studio_folder(tmp_path))


@pytest.fixture
def client(data: Path) -> Iterator[Client]:
    with served(opened(data)) as client:
        yield client


def is_changed(client: Client) -> bool:
    told: bool = client.get("/api/changed")["changed"]
    return told


def ids(told: dict[str, Any]) -> list[str]:
    return [item["id"] for item in told["items"]]


def test_the_overview_counts_classes_and_metadata(client: Client) -> None:
    """Sample k has k % 4 boxes, by turns of cars and buses; every third one is in the sun."""
    [task] = client.get("/api/overview", part="tasks")["tasks"]
    boxes = [[j % 2 for j in range(k % 4)] for k in range(30)]
    assert (task["objects"], task["samples"]) == (sum(map(len, boxes)), sum(map(bool, boxes)))
    assert task["classes"] == [
        {
            "name": name,
            "objects": sum(one.count(kind) for one in boxes),
            "samples": sum(kind in one for one in boxes),
        }
        for kind, name in enumerate(["car", "<b>bus</b>"])
    ]
    assert sum(task["scores"]["counts"]) == task["objects"]
    speed, weather = client.get("/api/overview", part="metadata")["metadata"]["keys"]
    assert (speed["key"], speed["mean"], speed["missing"]) == ("speed", 14.5, 0)
    assert speed["histogram"]["whole"]
    assert speed["histogram"]["counts"] == [2] * 15
    assert speed["histogram"]["edges"] == [-0.5 + 2 * k for k in range(16)]
    assert weather["bars"] == [[WEATHER, 20], ["sunny", 10]]


def test_a_step_of_a_histogram_leads_to_its_samples(client: Client) -> None:
    speed = client.get("/api/overview", part="metadata")["metadata"]["keys"][0]["histogram"]
    low, high = speed["edges"][3], speed["edges"][4]
    found = client.get("/api/samples", where=[f"speed>={low}", f"speed<={high}"])
    assert found["total"] == speed["counts"][3]


def test_the_overview_tells_pictures_embeddings_and_what_is_missing(data: Path) -> None:
    (data / NAMES[5]).unlink()
    (data / "preselected.txt").write_text(f"{NAMES[1]}\n")
    with served(opened(data)) as client:
        told = client.get("/api/overview", part="samples")["samples"]
    assert (told["samples"], told["images"], told["without"]) == (30, 29, 1)
    assert told["first_without"] == [NAMES[5]]
    assert told["preselected"] == 1
    assert told["embeddings"] == [{"of": "samples", "vectors": 30, "space": "", "dimension": 5}]


def test_the_overview_tells_of_rounds(data: Path) -> None:
    with served(opened(data)) as client:
        assert client.get("/api/overview", part="rounds")["rounds"]["rounds"] == []
        rounds = Rounds(data)
        rounds.start("pilot")
        asked = {"n_samples": 4, "strategies": [{"input": EMBEDDINGS, "strategy": DIVERSITY}]}
        chosen = api.select(asked, data)
        rounds.record(chosen)
        told = client.get("/api/overview", part="rounds")["rounds"]
        assert [one["name"] for one in told["rounds"]] == ["pilot"]
        assert (told["rounds"][0]["chosen"], told["chosen"], told["labelled"]) == (4, 4, 0)
        layers = client.get("/api/map/layers")["layers"]
        assert {"run:fast", "run:classes", "chosen", "labelled"} <= layers.keys()
        layer = client.get("/api/map/layer", key="chosen")
        rows = np.frombuffer(base64.b64decode(layer["rows"]), "<u4")
        assert sorted(client.studio.samples.ids[row] for row in rows) == sorted(chosen.ids)


def test_an_overview_of_arrays_alone() -> None:
    """Without a folder there are no rounds, and nothing can change on a disk."""
    with served(Studio(Dataset(["b", "a"], metadata={"speed": [1.0, float("nan")]}))) as client:
        told = client.get("/api/overview", part="samples")["samples"]
        assert (told["without"], told["embeddings"]) == (2, [])
        assert client.get("/api/overview", part="tasks") == {"tasks": []}
        [speed] = client.get("/api/overview", part="metadata")["metadata"]["keys"]
        assert (speed["missing"], speed["histogram"]["counts"]) == (1, [1])
        assert client.get("/api/overview", part="rounds")["rounds"]["rounds"] == []
        assert not is_changed(client)
        assert "local folder" in client.refused("/api/tags", name="x", ids=["a"])
        answer = client.http.get("/api/overview", params={"part": "nothing"})
        assert (answer.status_code, answer.json()["error"][:9]) == (400, "overview:")


def test_what_is_selected_by_a_run_lies_on_top(client: Client) -> None:
    layer = client.get("/api/map/layer", key="run:fast")
    rows = np.frombuffer(base64.b64decode(layer["rows"]), "<u4")
    run = client.studio.runs.get("fast")
    assert [client.studio.samples.ids[row] for row in rows] == run.ids
    assert (layer["n"], layer["unknown"]) == (8, 0)
    for key in ("tag:none", "chosen", "nothing"):
        assert client.http.get("/api/map/layer", params={"key": key}).status_code == 400


def test_marked_samples_become_a_tag_that_selections_use(client: Client, data: Path) -> None:
    told = client.post("/api/tags", name=" night ", ids=[ODD, f"{NAMES[2]}#0", NAMES[2]])
    assert told == {"name": "night", "samples": 2}
    assert (data / ".lightly" / "tags" / "night.txt").read_text() == f"{ODD}\n{NAMES[2]}\n"
    assert client.get("/api/tags") == {"tags": ["night"]}
    assert ids(client.get("/api/samples", tag="night")) == [ODD, NAMES[2]]
    assert client.get("/api/schema")["choices"]["tag_name"] == ["night"]
    layer = client.get("/api/map/layer", key="tag:night")
    assert layer["n"] == 2
    similar = {
        "input": {"type": "EMBEDDINGS", "tag_name": "night"},
        "strategy": {"type": "SIMILARITY"},
    }
    client.post("/api/compose/check", config={"n_samples": 3, "strategies": [similar]})
    assert not is_changed(client)  # what the page wrote itself is no news


def test_a_check_counts_what_the_run_would_start_from(data: Path) -> None:
    (data / "preselected.txt").write_text(f"{NAMES[3]}\n{NAMES[4]}\n")
    asked = {"n_samples": 3, "strategies": [{"input": EMBEDDINGS, "strategy": DIVERSITY}]}
    with served(opened(data)) as client:
        before = client.post("/api/compose/check", config=asked)["counts"]
        assert (before["candidates"], before["preselected"]) == (28, 2)
        rounds = Rounds(open_dataset(data))
        rounds.start()
        rounds.record(api.select(asked, data))
        counts = client.post("/api/compose/check", config=asked)["counts"]
        client.post("/api/compose/run", config=asked, name="fourth")
        client.finished()
    assert (counts["candidates"], counts["preselected"]) == (25, 5)
    manifest = data / ".selectlab" / "runs" / "fourth" / "manifest.json"
    assert json.loads(manifest.read_text())["counts"]["candidates"] == 25


def test_a_tag_is_added_to_or_replaced_when_that_is_said(client: Client) -> None:
    client.post("/api/tags", name="night", ids=NAMES[:2])
    line = client.refused("/api/tags", name="night", ids=NAMES[2:3])
    assert line == "tag 'night': there is one of this name; add to it, or replace it"
    assert client.post("/api/tags", name="night", ids=NAMES[1:4], how="add")["samples"] == 4
    assert ids(client.get("/api/samples", tag="night")) == NAMES[:4]
    assert client.post("/api/tags", name="night", ids=NAMES[9:10], how="replace")["samples"] == 1
    assert ids(client.get("/api/samples", tag="night")) == NAMES[9:10]


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".x", "x.", "initial-tag", "a\nb", "C:x"])
def test_a_tag_is_written_nowhere_else(client: Client, data: Path, name: str) -> None:
    assert client.refused("/api/tags", name=name, ids=NAMES[:1]).startswith("tag: expected letters")
    assert not (data / ".lightly" / "tags").exists()


def test_a_tag_of_unknown_samples_is_not_written(client: Client, data: Path) -> None:
    assert "'b/99.png': no such sample" in client.refused("/api/tags", name="x", ids=["b/99.png"])
    assert "at least one sample" in client.refused("/api/tags", name="x", ids=[])
    assert not (data / ".lightly" / "tags").exists()


def test_tags_stay_together(data: Path) -> None:
    """Those that lie beside the bucket are not hidden by a new one in it."""
    (data / "tags").mkdir()
    (data / "tags" / "old.txt").write_text(f"{NAMES[3]}\n")
    with served(opened(data)) as client:
        client.post("/api/tags", name="new", ids=NAMES[:1])
        assert (data / "tags" / "new.txt").exists()
        assert client.get("/api/tags") == {"tags": ["new", "old"]}


def test_new_and_removed_images_are_noticed(client: Client, data: Path) -> None:
    assert not is_changed(client)
    assert 'id="changed" class="job" role="status" hidden' in client.http.get("/").text
    (data / "b" / "new.png").write_bytes(picture(40, 64, 48))
    (data / NAMES[5]).unlink()
    assert is_changed(client)
    assert 'id="changed" class="job" role="status">' in client.http.get("/").text
    gone = client.http.get("/picture", params={"id": NAMES[5], "size": 640})
    assert gone.headers["content-type"] == "image/svg+xml"
    told = client.post("/api/reload")
    assert (told["before"], told["samples"]) == (30, 31)  # the removed one has predictions
    assert client.get("/api/changed") == {"changed": False, "generation": 1}
    assert client.get("/api/samples", contains="new")["total"] == 1
    assert "v: generation" not in client.http.get("/").text
    assert '<meta name="generation" content="1">' in client.http.get("/").text


def test_opening_twice_is_opening_once(client: Client, data: Path) -> None:
    (data / "b" / "new.png").write_bytes(picture(40, 64, 48))
    assert is_changed(client)
    for _ in range(2):
        client.post("/api/reload")
    assert client.get("/api/changed")["changed"] is False
    assert client.get("/api/samples")["total"] == 31


@pytest.mark.parametrize(
    "file",
    [
        "metadata.csv",
        "embeddings.parquet",
        ".lightly/predictions/det/schema.json",
        ".lightly/predictions/det/b/07.json",
        "b/07.png",
    ],
)
def test_files_that_are_written_over_are_noticed(client: Client, data: Path, file: str) -> None:
    path = data / file
    content = path.read_bytes()
    with path.open("wb") as over:  # in place: the folder does not change
        over.write(content)
    os.utime(path, ns=(10**18, 10**18))
    assert is_changed(client)


def test_what_is_kept_in_hidden_folders_is_no_change(client: Client, data: Path) -> None:
    client.http.get("/picture", params={"id": ODD})  # makes .selectlab/thumbnails
    (data / ".hidden").mkdir()
    (data / ".selectlab" / "more.txt").write_text("x")
    assert not is_changed(client)


def test_broken_files_meanwhile_are_one_line(client: Client, data: Path) -> None:
    """Nothing was read of them before they broke; the page says that they changed."""
    (data / "embeddings.parquet").write_bytes(b"PAR1")
    (data / "metadata.csv").write_text("nothing")
    for path, query in {"/api/map": {}, "/api/near": {"id": NAMES[3]}, "/api/facts": {}}.items():
        answer = client.http.get(path, params=query)
        assert answer.status_code in (200, 400, 409), path
        assert answer.status_code == 200 or "\n" not in answer.json()["error"]
    refused = client.refused("/api/reload")
    assert "metadata.csv" in refused or "embeddings.parquet" in refused
    assert client.get("/api/samples")["total"] == 30  # what was read stays
    (data / "embeddings.parquet").write_bytes(parquet({"sample_id": NAMES, "embedding": vectors()}))
    (data / "metadata.csv").write_text(f"sample_id,speed\n{NAMES[1]},4\n")
    client.post("/api/reload")
    assert client.get("/api/sample", id=NAMES[1])["metadata"] == [["speed", "4"]]


def test_a_folder_that_is_gone_is_one_line(client: Client, data: Path) -> None:
    shutil.rmtree(data)
    assert is_changed(client)
    assert "no such folder" in client.refused("/api/reload")
    assert client.http.get("/").status_code == 200
    assert client.http.get("/picture", params={"id": ODD}).status_code == 200


def test_an_assertion_that_ran_meanwhile_is_there_at_once(tmp_path: Path) -> None:
    from selectlab.assertion_run import run_assertion, write_run
    from selectlab.assertions.flicker import Flicker

    data = flickering_folder(tmp_path)
    with served(opened(data)) as client:
        assert client.get("/api/facts")["assertions"] == []
        assert (
            client.get("/api/sample", id="clip-005-mp4.png")["shapes"][0]["origin"] == "predicted"
        )
        write_run(run_assertion(Flicker(), open_dataset(data), "det"))
        assert client.get("/api/facts")["assertions"] == ["det/flicker"]
        kinds = [
            one["origin"] for one in client.get("/api/sample", id="clip-005-mp4.png")["shapes"]
        ]
        assert kinds == ["predicted", "imputed"]
        assert is_changed(client)  # its values are metadata
        client.post("/api/reload")
        told = client.get("/api/map/values", key="metadata:flickering")
        assert (told["low"], told["high"]) == (0.5, 1.0)


def test_the_gallery_answers_while_predictions_are_read(client: Client) -> None:
    """What needs no column does not wait for one that is being read."""
    samples = client.studio.samples
    with samples._reading:
        assert client.get("/api/samples", contains="b/0")["total"] == 10


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A dataset without pictures, and the folder of its video."""
    root = tmp_path_factory.mktemp("filmed")
    data = flickering_folder(root)
    for image in data.glob("*.png"):
        image.unlink()
    video_builder.write_video(root / "clips" / "clip.mp4", 12)
    return data, root / "clips"


def test_videos_may_lie_elsewhere(filmed: tuple[Path, Path]) -> None:
    """Pictures, strips, objects and the report's thumbnails come from the video."""
    data, clips = filmed
    with served(Studio(open_dataset(data))) as client:
        assert client.get("/api/sample", id="clip-005-mp4.png")["size"] is None
        assert client.get("/api/overview", part="samples")["samples"]["without"] == 12
    with served(Studio(open_dataset(data), videos=clips)) as client:
        told = client.get("/api/overview", part="samples")["samples"]
        assert (told["frames"], told["videos"], told["without"]) == (12, 1, 0)
        assert client.post("/api/pictures", ids=["clip-003-mp4.png", "x"]) == {"made": 1}
        sample = client.get("/api/sample", id="clip-004-mp4.png")
        assert (sample["size"], sample["absent"]) == ([160, 128], None)
        answer = client.http.get("/picture", params={"id": "clip-004-mp4.png", "size": 640})
        shown = np.asarray(Image.open(io.BytesIO(answer.content))).astype(int)
        true = video_builder.picture(video_builder.scene(4), 4)[..., ::-1].astype(int)
        assert np.abs(shown - true).mean() < 12
        crop = client.http.get(
            "/crop", params={"id": "clip-004-mp4.png", "task": "det", "number": 0}
        )
        assert crop.headers["content-type"] == "image/jpeg"


def test_a_strip_is_decoded_from_the_video(filmed: tuple[Path, Path], tmp_path: Path) -> None:
    from selectlab.assertion_run import run_assertion, write_run
    from selectlab.assertions.flicker import Flicker

    data, clips = filmed
    copied = tmp_path / "data"
    shutil.copytree(data, copied, ignore=shutil.ignore_patterns(".selectlab"))
    write_run(run_assertion(Flicker(), open_dataset(copied), "det"))
    with served(Studio(open_dataset(copied), videos=clips)) as client:
        told = client.get("/api/strip", file="det/flicker", id="clip-005-mp4.png", around=12)
        assert [frame["size"] for frame in told["frames"]] == [[160, 128]] * 12
        assert told["at"] == 5
        kept = list((copied / ".selectlab" / "thumbnails").rglob("*.jpg"))
        assert len(kept) == 12  # what was decoded is there for those who ask for the pictures


def test_a_broken_video_is_told_where_its_picture_would_be(tmp_path: Path) -> None:
    data = flickering_folder(tmp_path)
    (data / "clip-004-mp4.png").unlink()
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "clip.mp4").write_bytes(b"no video")
    with served(Studio(open_dataset(data), videos=tmp_path / "clips")) as client:
        told = client.get("/api/sample", id="clip-004-mp4.png")
        assert told["size"] is None
        assert "clip.mp4: not a readable video" in told["absent"]
        answer = client.http.get("/picture", params={"id": "clip-004-mp4.png"})
        assert answer.headers["content-type"] == "image/svg+xml"


def test_the_command_refuses_a_folder_of_videos_that_is_none(tmp_path: Path) -> None:
    data = studio_folder(tmp_path)
    gone = selectlab("studio", data, "--videos", tmp_path / "none", "--no-browser")
    assert gone == (2, "", f"error: --videos: {tmp_path / 'none'} is no folder\n")


def test_a_map_of_nothing_says_why(data: Path) -> None:
    """Several spaces, none of which is the main one, are no missing embeddings."""
    with served(Studio(Dataset(["a"], metadata={"speed": [1.0]}))) as client:
        assert "nothing to draw: the dataset has no embeddings" in client.http.get("/map").text
    (data / "embeddings").mkdir()
    for name in ("one", "other"):
        (data / "embeddings" / f"{name}.parquet").write_bytes(
            parquet({"sample_id": NAMES, "embedding": vectors()})
        )
    (data / "embeddings.parquet").unlink()
    with served(opened(data)) as client:
        assert "several embedding spaces" in client.http.get("/map").text
        assert client.get("/api/near", id=ODD)["items"] == []
        [told] = client.get("/api/overview", part="samples")["samples"]["embeddings"]
        assert "several embedding spaces" in told["note"]


def test_a_sample_shows_what_all_assertions_say(tmp_path: Path) -> None:
    """A box that two of them expect is drawn once."""
    from selectlab.assertion_run import run_assertion, write_run
    from selectlab.assertions.flicker import Flicker

    data = flickering_folder(tmp_path)
    write_run(run_assertion(Flicker(), open_dataset(data), "det"))
    [first] = (data / ".lightly" / "imputed" / "det").glob("*.json")
    content = json.loads(first.read_text())
    shutil.copy(first, first.with_name("again.json"))
    for frame in content["frames"]:
        for box in frame["imputed"]:
            box["bbox"] = [1, 2, 30, 40]
    (first.with_name("other.json")).write_text(json.dumps(content))
    with served(opened(data)) as client:
        shapes = client.get("/api/sample", id="clip-005-mp4.png")["shapes"]
        assert [one["origin"] for one in shapes] == ["predicted", "imputed", "imputed"]
        assert shapes[2]["box"] == [1, 2, 30, 40]
        facts = client.get("/api/facts")["assertions"]
        assert facts == ["det/again", "det/flicker", "det/other"]
        page = client.http.get("/flickering").text
        assert page.index('value="det/flicker"') < page.index('value="det/again"')


def test_the_axes_of_many_are_those_of_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 7 rows every third (rows 0, 3, 6) says where the axes lie: along the second number."""
    monkeypatch.setattr(embedding_map, "_FITTED", 3)
    vectors = np.zeros((7, 3))
    vectors[[0, 3, 6], 1] = [0, 1, 5]
    vectors[[1, 2, 4, 5], 2] = [50, -50, 70, -60]  # nobody looks at these
    with served(Studio(Dataset([f"{k}.png" for k in range(7)], embeddings=vectors))) as client:
        told = client.get("/api/map")
    x = np.frombuffer(base64.b64decode(told["x"]), "<u2") / 65534
    assert x / x.max() == pytest.approx([0, 0, 0, 0.2, 0, 0, 1], abs=1e-3)
    assert told["shares"] == pytest.approx([1, 0])


def test_samples_are_laid_out_by_their_objects_too(data: Path) -> None:
    """Objects at 0, 4 | 10 | 1 along one axis: their samples at 2, 10, 1, or 1/9, 1, 0 of it."""
    table: dict[str, Any] = {
        "sample_id": [NAMES[3], NAMES[2], NAMES[3], NAMES[1]],
        "object": [1, 0, 0, 0],
        "embedding": [[at, 0.0, 0.0] for at in (0.0, 10.0, 4.0, 1.0)],
    }
    build(data, {"embeddings/det.parquet": parquet(table)})
    with served(opened(data)) as client:
        told = client.get("/api/map", space="det")
        rows = np.frombuffer(base64.b64decode(told["rows"]), "<u4").tolist()
        x = np.frombuffer(base64.b64decode(told["x"]), "<u2") / 65534
        ids = [client.studio.samples.ids[row] for row in rows]
        assert dict(zip(ids, x.tolist(), strict=True)) == pytest.approx(
            {NAMES[1]: 0, NAMES[2]: 1, NAMES[3]: 1 / 9}, abs=1e-4
        )
        assert (told["n"], told["shares"]) == (3, pytest.approx([1, 0]))
        assert client.get("/api/map")["n"] == 30
        refused = client.http.get("/api/map", params={"space": "other"})
        assert (refused.status_code, refused.json()["error"]) == (
            400,
            f"{data}: no embeddings of objects of 'other'",
        )
        assert '<option value="det">objects of det</option>' in client.http.get("/map").text
        (data / "embeddings.parquet").unlink()
    with served(opened(data)) as client:  # the only ones that are left
        page = client.http.get("/map").text
        assert '<option value="det">' in page
        assert '<option value="">samples' not in page


def test_without_objects_vectors_there_is_nothing_to_choose(client: Client) -> None:
    assert 'id="space"' not in client.http.get("/map").text


def test_vectors_of_other_samples_are_one_line(data: Path) -> None:
    (data / "relevant_filenames.txt").write_text("*/01.png\n")
    others = {"sample_id": NAMES[5:8], "embedding": [[1.0, k] for k in range(3)]}
    (data / "embeddings.parquet").write_bytes(parquet(others))
    with served(opened(data)) as client:
        answer = client.http.get("/api/map")
        assert answer.status_code == 400
        assert answer.json()["error"].endswith("no vector of a sample that is in the dataset")


def test_another_file_under_the_hands_of_its_reader_is_told_as_a_change(
    client: Client, data: Path
) -> None:
    """It was opened when its vectors had five numbers; now they have three."""
    assert len(client.get("/api/near", id=ODD)["items"]) == 12
    content = parquet({"sample_id": NAMES, "embedding": [one[:3] for one in vectors()]})
    (data / "embeddings.parquet").write_bytes(content)
    answer = client.http.get("/api/map")
    assert answer.status_code == 409, answer.text
    assert is_changed(client)
    client.post("/api/reload")
    assert client.get("/api/map")["n"] == 30
