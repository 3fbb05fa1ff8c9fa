"""The page as a program asks it: samples, runs, campaigns, work in the background."""

from __future__ import annotations

import base64
import io
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_dataset import DIVERSITY, EMBEDDINGS, selectlab
from studio_dataset import (
    NAMES,
    ODD,
    SEEDS,
    WAIT_S,
    WEATHER,
    Client,
    flickering_folder,
    served,
    studio_folder,
    vectors,
    with_index,
    with_runs,
)

from selectlab import Dataset
from selectlab.campaigns import Campaigns
from selectlab.errors import DataError
from selectlab.inputs.folder import open_dataset
from selectlab.studio.jobs import CancelledError, Job, Jobs
from selectlab.studio.runs import Runs, compared
from selectlab.studio.studio import Studio


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    data = with_index(with_runs(studio_folder(tmp_path_factory.mktemp("studio"))))
    with served(Studio(open_dataset(data))) as client:
        yield client


def ids(told: dict) -> list[str]:
    return [item["id"] for item in told["items"]]


def test_the_gallery_comes_in_pages(client: Client) -> None:
    told = client.get("/api/samples", offset=28, limit=10)
    assert (told["total"], ids(told)) == (30, NAMES[28:])
    assert ids(client.get("/api/samples", limit=1, descending=True)) == [NAMES[-1]]


def test_the_gallery_is_filtered_and_sorted(client: Client) -> None:
    found = client.get("/api/samples", sort="metadata:speed", descending=True, limit=2)
    assert found["items"] == [{"id": NAMES[29], "value": 29.0}, {"id": NAMES[28], "value": 28.0}]
    assert client.get("/api/samples", contains="B/0")["total"] == 10
    both = client.get("/api/samples", where=["speed>=27", "det:car>=1"])
    assert ids(both) == [NAMES[27], NAMES[29]]  # 28 % 4 objects are none
    sunny = client.get("/api/samples", where="weather=sunny", sort="metadata:weather")
    assert {item["value"] for item in sunny["items"]} == {"sunny"}
    assert client.get("/api/samples", sort="objects:det", limit=1)["items"][0]["value"] == 0


def test_what_cannot_be_sorted_by_is_one_line(client: Client) -> None:
    answer = client.http.get("/api/samples", params={"sort": "metadata:sped"})
    assert answer.status_code == 400
    assert answer.json()["error"].endswith("did you mean 'metadata:speed'?")


def test_a_sample_tells_its_shapes_metadata_and_neighbours(client: Client) -> None:
    told = client.get("/api/sample", id=NAMES[3])
    assert told["size"] == [64, 48]
    assert [(one["category"], one["number"]) for one in told["shapes"]] == [
        ("car", 0), ("<b>bus</b>", 1), ("car", 2),
    ]  # fmt: skip
    assert told["metadata"] == [["speed", "3"], ["weather", "sunny"]]
    near = client.get("/api/near", id=NAMES[3])["items"]
    assert all(NAMES.index(one["id"]) % 2 for one in near[:8])
    assert [one["distance"] for one in near] == sorted(one["distance"] for one in near)
    beside = client.get("/api/beside", id=ODD)
    assert beside == {"before": None, "after": NAMES[1]}


def test_a_crop_shows_the_box(client: Client) -> None:
    """Box 12 x 20 px, an eighth and a half of 20 around it: 18 x 26, made larger."""
    answer = client.http.get("/crop", params={"id": NAMES[3], "task": "det", "number": 0})
    width, height = Image.open(io.BytesIO(answer.content)).size
    assert height == 256
    assert width / height == pytest.approx(18 / 26, abs=0.03)


def test_samples_without_pictures_have_a_placeholder() -> None:
    with served(Studio(Dataset(["b", "a"], metadata={"speed": [1.0, 2.0]}))) as client:
        answer = client.http.get("/picture", params={"id": "a"})
        assert answer.headers["content-type"] == "image/svg+xml"
        assert client.get("/api/facts")["images"] == 0
        assert client.get("/api/near", id="a")["items"] == []


def test_runs_are_found_and_compared(client: Client) -> None:
    runs = client.studio.runs.listed()
    assert sorted(run.name for run in runs) == ["classes", "fast"]
    picks = client.get("/api/run/picks", name="fast")
    assert picks["total"] == 8
    assert picks["items"][0]["rank"] == 1
    assert picks["items"][0]["reason"]
    one, other = (client.studio.runs.get(name) for name in ("fast", "classes"))
    found = compared(one, other)
    assert sorted(found["both"] + found["only_one"]) == sorted(one.ids)
    assert sorted(found["both"] + found["only_other"]) == sorted(other.ids)
    assert found["jaccard"] == len(found["both"]) / (16 - len(found["both"]))
    told = client.get("/api/compare", one="fast", other="classes", part="only_one")
    assert ids(told) == found["only_one"]
    assert all(item["ranks"][1] is None for item in told["items"])
    page = client.http.get("/compare", params={"one": "fast", "other": "classes"})
    assert "metadata speed: mean" in page.text


def test_runs_beside_the_dataset_are_ours_others_are_not(tmp_path: Path) -> None:
    data, other = studio_folder(tmp_path), studio_folder(tmp_path / "other")
    for name, source in {"mine": data, "theirs": other}.items():
        made = with_runs(source) / ".selectlab" / "runs" / "fast"
        made.rename(tmp_path / name)
    runs = Runs(open_dataset(data), None)
    assert sorted(run.name for run in runs.listed()) == ["classes", "mine"]
    given = Runs(open_dataset(data), tmp_path)
    assert {"mine", "theirs"} <= {run.name for run in given.listed()}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_looks_like_a_run_is_listed_with_what_is_wrong(tmp_path: Path) -> None:
    """Nothing hangs on a pipe, and a run in a folder that looks like one is found."""
    data = with_runs(studio_folder(tmp_path))
    folder = data / ".selectlab" / "runs"
    (folder / "fast" / "selection.json").unlink()
    (folder / "classes").rename(folder / "piped")
    (folder / "piped" / "manifest.json").unlink()
    os.mkfifo(folder / "piped" / "manifest.json")
    for name, file in {"notes": "notes.txt", "table": "selection.csv", "rest": "x"}.items():
        (folder / name).mkdir()
        (folder / name / file).write_text("x")
    (folder / "rest" / "manifest.json").mkdir()
    shutil.copytree(data / ".selectlab" / "runs" / "fast", folder / "table" / "inner")
    (folder / "table" / "inner" / "selection.json").write_text('{"selected": []}')
    with served(Studio(open_dataset(data))) as client:
        assert [run.name for run in client.studio.runs.listed()] == ["table/inner"]
        damaged = {run.name: run.why for run in client.studio.runs.damaged()}
        assert damaged == {
            "fast": "selection.json: cannot be read: No such file or directory",
            "piped": "manifest.json is no file",
            "rest": "manifest.json is no file",
            "table": "manifest.json: cannot be read: No such file or directory",
        }
        page = client.http.get("/runs").text
        assert all(f"<strong>{name}</strong>: {why}" in page for name, why in damaged.items())
        assert "notes" not in page


def test_a_run_beside_the_dataset_that_lost_its_picks_is_ours(tmp_path: Path) -> None:
    """By its manifest; what has none that can be read is nobody's."""
    data = with_runs(studio_folder(tmp_path))
    (data / ".selectlab" / "runs" / "fast").rename(tmp_path / "mine")
    (tmp_path / "mine" / "selection.json").unlink()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "selection.csv").write_text("x")
    assert [run.name for run in Runs(open_dataset(data), None).damaged()] == ["mine"]


def test_a_damaged_run_is_one_line(tmp_path: Path) -> None:
    data = with_runs(studio_folder(tmp_path))
    folder = data / ".selectlab" / "runs"
    (folder / "fast" / "selection.json").write_text("[]")
    (folder / "classes" / "manifest.json").write_text("{")
    with served(Studio(open_dataset(data))) as client:
        assert [run.name for run in client.studio.runs.listed()] == ["fast"]
        answer = client.http.get("/run", params={"name": "fast"})
    assert answer.status_code == 400
    assert "is not one that a run has written" in answer.text


@pytest.fixture
def night(client: Client) -> str:
    return client.collected()


def test_a_campaign_finds_more_of_the_kind(client: Client, night: str) -> None:
    told = client.get("/api/campaign/hits", name=night, status="new")
    n_new = client.get("/api/campaign", name=night)["counts"]["new"]
    assert told["total"] == n_new > 5
    assert all(NAMES.index(item["id"]) % 2 == 0 for item in told["items"])
    scores = [item["score"] for item in told["items"]]
    assert scores == sorted(scores, reverse=True)
    curve = client.get("/api/campaign/curve", name=night)["counts"]
    assert curve[5] == n_new
    counted = [n for n in curve if n is not None]
    assert counted == sorted(counted, reverse=True)
    first = told["items"][0]["id"]
    why = client.get("/api/campaign/why", name=night, id=first)
    assert why["seeds"][0]["name"] == why["nearest"]
    assert {seed["id"] for seed in why["seeds"]} <= set(SEEDS)
    details = client.get("/api/campaign", name=night)
    assert (details["seeds"], details["version"]) == (3, 1)


def test_decisions_are_written_and_taken_back(client: Client, night: str) -> None:
    campaigns = Campaigns(client.studio.dataset)
    before = campaigns.get(night).counts
    first, second = ids(client.get("/api/campaign/hits", name=night))[:2]
    said = client.post("/api/campaign/judge", name=night, ids=[first], status="accepted")
    assert said["standings"] == {first: {"status": "accepted", "accepted": True}}
    client.post("/api/campaign/judge", name=night, ids=[first, second], status="discarded")
    assert campaigns.get(night).counts["discarded"] == 2
    back = client.post("/api/campaign/undo", name=night)["standings"]
    assert {one: held["status"] for one, held in back.items()} == {
        first: "accepted", second: "new",
    }  # fmt: skip
    client.post("/api/campaign/undo", name=night)
    assert campaigns.get(night).counts == before
    assert client.refused("/api/campaign/undo", name=night).endswith("nothing to take back")


def test_what_somebody_else_changed_meanwhile_stays(client: Client, night: str) -> None:
    campaigns = Campaigns(client.studio.dataset)
    first = ids(client.get("/api/campaign/hits", name=night))[0]
    client.post("/api/campaign/judge", name=night, ids=[first], status="accepted")
    campaigns.discard(night, [first])
    back = client.post("/api/campaign/undo", name=night)["standings"]
    assert back[first]["status"] == "discarded"


def test_what_was_exported_meanwhile_stays(client: Client, night: str, tmp_path: Path) -> None:
    campaigns = Campaigns(client.studio.dataset)
    first = ids(client.get("/api/campaign/hits", name=night))[0]
    client.post("/api/campaign/judge", name=night, ids=[first], status="accepted")
    campaigns.export(night, tmp_path / "sent.csv", statuses=["accepted"])
    back = client.post("/api/campaign/undo", name=night)["standings"]
    assert back[first] == {"status": "exported", "accepted": True}


def test_refining_ends_what_can_be_taken_back(client: Client, night: str) -> None:
    first, second = ids(client.get("/api/campaign/hits", name=night))[:2]
    client.post("/api/campaign/judge", name=night, ids=[first], status="accepted")
    client.post("/api/campaign/judge", name=night, ids=[second], status="discarded")
    told = client.post("/api/campaign/refine", name=night)
    assert (told["joined"], told["version"], told["seeds"]) == (1, 2, 4)
    assert client.refused("/api/campaign/undo", name=night).endswith("nothing to take back")
    client.post("/api/campaign/collect", name=night)
    assert client.finished()["state"] == "done"
    assert second not in ids(client.get("/api/campaign/hits", name=night, status="new"))


def test_the_order_stays_while_somebody_decides(client: Client, night: str) -> None:
    before = client.get("/api/campaign/hits", name=night, status="new", limit=4)
    client.post("/api/campaign/judge", name=night, ids=ids(before)[:2], status="accepted")
    after = client.get("/api/campaign/hits", name=night, status="new", offset=1, limit=3)
    assert ids(after) == ids(before)[1:]
    assert after["items"][0]["status"] == "accepted"


@pytest.mark.parametrize(("form", "ending"), [("csv", ".csv"), ("coco", ".zip"), ("list", ".txt")])
def test_an_export_is_fetched(client: Client, night: str, form: str, ending: str) -> None:
    first = ids(client.get("/api/campaign/hits", name=night))[0]
    client.post("/api/campaign/judge", name=night, ids=[first], status="accepted")
    asked = {"name": night, "form": form, "statuses": ["accepted"], "mark": True}
    told = client.post("/api/campaign/export", **asked)
    assert told["samples"] == 1
    answer = client.http.get(told["link"])
    assert answer.headers["content-disposition"].startswith("attachment")
    assert f"{ending}" in answer.headers["content-disposition"]
    assert len(answer.content) > 20 or form == "list"
    assert client.get("/api/campaign", name=night)["counts"]["exported"] == 1


def test_a_campaign_is_set_and_refused_in_one_line(client: Client, night: str) -> None:
    assert client.post("/api/campaign/set", name=night, threshold=0.7)["threshold"] == 0.7
    assert client.post("/api/campaign/set", name=night, active=False)["active"] is False
    client.post("/api/campaign/collect", name=night)
    job = client.finished()
    assert job["state"] == "failed"
    assert "is not active" in job["error"]
    assert "threshold" in client.refused("/api/campaign/set", name=night, threshold=7)
    assert "there is one of this name" in client.refused(
        "/api/campaigns/new", name=night, ids=SEEDS
    )
    more = client.post("/api/campaign/add", name=night, ids=[NAMES[8]])
    assert (more["added"], more["uncommitted"]) == (1, True)
    assert client.post("/api/campaign/commit", name=night)["version"] == 2


def test_embeddings_are_indexed_from_the_page(tmp_path: Path) -> None:
    studio = Studio(open_dataset(studio_folder(tmp_path)))
    assert studio.desk.levels() == [{"task": "", "there": False, "space": ""}]
    with served(studio) as client:
        client.post("/api/index", task="", space="by hand")
        assert client.finished()["result"] == {"elements": 30}
    [level] = studio.desk.levels()
    assert (level["there"], level["elements"]) == (True, 30)


def test_work_is_done_one_at_a_time_and_can_be_stopped() -> None:
    jobs, going = Jobs(), threading.Event()

    def work(job: Job) -> None:
        going.set()
        while True:
            job.check()
            threading.Event().wait(0.01)

    job = jobs.start("counting", work)
    assert going.wait(WAIT_S)
    with pytest.raises(DataError, match="counting is still running; wait for it or cancel it"):
        jobs.start("more", work)
    jobs.cancel(job.number + 1)
    assert job.to_json()["state"] == "running"
    jobs.cancel(job.number)
    assert job.wait(WAIT_S)
    assert job.to_json()["state"] == "cancelled"
    with pytest.raises(CancelledError):
        job.check()


def test_work_that_breaks_says_so_in_one_line() -> None:
    def work(job: Job) -> None:
        raise KeyError("one\ntwo")

    job = Jobs().start("breaking", work)
    assert job.wait(WAIT_S)
    assert (job.state, job.error) == ("failed", "KeyError: 'one\\ntwo'")


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    data = studio_folder(tmp_path)
    gone = selectlab("studio", data, "--runs", tmp_path / "none", "--no-browser")
    assert gone == (2, "", f"error: --runs: {tmp_path / 'none'} is no folder\n")
    assert selectlab("studio", tmp_path / "none").code == 2


def test_odd_values_come_as_they_are(client: Client) -> None:
    """JSON carries them; the page shows them as text."""
    assert ids(client.get("/api/samples", limit=1)) == [ODD]
    told = client.get("/api/sample", id=NAMES[1])
    assert dict(told["metadata"])["weather"] == WEATHER


def test_flagged_frames_come_between_their_neighbours(tmp_path: Path) -> None:
    """Frame 5 lacks its disc; the assertion imputes one box there."""
    from selectlab.assertion_run import run_assertion, write_run
    from selectlab.assertions.flicker import Flicker

    data = flickering_folder(tmp_path)
    write_run(run_assertion(Flicker(), open_dataset(data), "det"))
    with served(Studio(open_dataset(data))) as client:
        [found] = client.get("/api/flagged", file="det/flicker")["items"]
        assert (found["id"], found["imputed"], found["suspicious"]) == ("clip-005-mp4.png", 1, 0)
        told = client.get("/api/strip", file="det/flicker", id="clip-005-mp4.png")
        assert [frame["id"] for frame in told["frames"]] == [
            f"clip-{k:03d}-mp4.png" for k in (4, 5, 6)
        ]
        kinds = [sorted(one["origin"] for one in frame["shapes"]) for frame in told["frames"]]
        assert kinds == [["predicted"] * 2, ["imputed", "predicted"], ["predicted"] * 2]
        ends = client.get("/api/strip", file="det/flicker", id="clip-000-mp4.png", around=3)
        assert (ends["at"], len(ends["frames"])) == (0, 4)
        answer = client.http.get("/api/flagged", params={"file": "../det/flicker"})
        assert answer.status_code == 400


def test_the_map_is_that_of_the_principal_components(client: Client) -> None:
    """Against scikit-learn, up to sign, place and scale of the whole."""
    from sklearn.decomposition import PCA

    told = client.get("/api/map")
    x, y = (np.frombuffer(base64.b64decode(told[axis]), "<u2") / 65534 for axis in "xy")
    rows = np.frombuffer(base64.b64decode(told["rows"]), "<u4")
    assert [client.studio.samples.ids[row] for row in rows] == sorted(NAMES)
    fitted = PCA(2, svd_solver="full").fit(vectors())
    expected = fitted.transform(vectors())
    for axis, column in ((x, 0), (y, 1)):
        assert abs(np.corrcoef(axis, expected[:, column])[0, 1]) == pytest.approx(1, abs=1e-4)
    spans = np.ptp(expected, axis=0)
    assert np.ptp(y) / np.ptp(x) == pytest.approx(spans[1] / spans[0], rel=1e-3)
    assert told["shares"] == pytest.approx(fitted.explained_variance_ratio_.tolist(), rel=1e-5)
    speed = client.get("/api/map/values", key="metadata:speed")
    assert (speed["low"], speed["high"]) == (0, 29)
    assert client.post("/api/map/ids", rows=[0, 29, 99, -1]) == {"ids": [NAMES[0], NAMES[29]]}


def test_a_config_is_checked_and_run(client: Client) -> None:
    asked = {"n_samples": 4, "strategies": [{"input": EMBEDDINGS, "strategy": DIVERSITY}]}
    told = client.post("/api/compose/check", config=asked)
    assert told["counts"]["candidates"] == 30
    assert told["strategies"] == ["DIVERSITY on embeddings"]
    wrong = {
        "n_samples": 4,
        "strategies": [{"input": EMBEDDINGS, "strategy": {"type": "DIVERSTY"}}],
    }
    line = client.refused("/api/compose/run", config=wrong, name="wrong")
    assert line.startswith("strategies[0].strategy.type: nothing is called 'DIVERSTY'")
    client.post("/api/compose/run", config=asked, name="by form")
    ended = client.finished()
    assert (ended["state"], ended["result"]["selected"]) == ("done", 4)
    assert client.http.get(ended["result"]["link"]).status_code == 200
    again = client.refused("/api/compose/run", config=asked, name="by form")
    assert "there is a run 'by form' already" in again


@pytest.mark.parametrize("name", ["", "..", "../out", "a/b", "a\\b", ".hidden", "C:x", "x."])
def test_a_run_is_put_nowhere_else(client: Client, name: str) -> None:
    asked = {"n_samples": 4, "strategies": [{"input": EMBEDDINGS, "strategy": DIVERSITY}]}
    line = client.refused("/api/compose/run", config=asked, name=name)
    assert line.startswith("name: expected letters")
