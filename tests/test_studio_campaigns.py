"""Campaigns as the page asks for them: what is read for it, who else writes, what seeds become."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy
from small_dataset import selectlab
from studio_dataset import (
    NAMES,
    SEEDS,
    WAIT_S,
    Client,
    served,
    studio_folder,
    with_index,
    with_objects,
)

from selectlab import Dataset, registry
from selectlab.campaigns import Campaigns
from selectlab.corpus import Corpus
from selectlab.errors import DataError
from selectlab.inputs.folder import open_dataset
from selectlab.studio.decisions import Turn
from selectlab.studio.hit_orders import HitOrders, Wanted
from selectlab.studio.kept_store import KeptStore
from selectlab.studio.studio import Studio


def ids(told: dict) -> list[str]:
    return [item["id"] for item in told["items"]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    data = with_objects(with_index(studio_folder(tmp_path_factory.mktemp("campaigns"))))
    with served(Studio(open_dataset(data))) as client:
        yield client


@pytest.fixture
def night(client: Client) -> str:
    return client.collected()


# The order, and what is read for a page of it


def line_of(folder: Path, n: int) -> Studio:
    """A campaign "low" that has collected n - 2 samples, no two at one place."""
    places = {f"{k:05d}": 2.0 * k / n for k in range(n)}
    vectors = np.array(list(places.values()), dtype=np.float32)[:, None]
    dataset = Dataset(list(places), embeddings=vectors)
    index = Corpus.build(dataset, folder / "index", space_id="the line", normalise=False)
    studio = Studio(dataset, store=folder / "campaigns.db", index=index.folder)
    studio.campaigns.create("low", ids=["00000", f"{n - 1:05d}"], threshold=0.0)
    studio.campaigns.collect("low")
    return studio


@contextmanager
def steps() -> Iterator[list[int]]:
    """Count what SQLite does, in hundreds of its instructions."""
    done = [0]

    def count() -> None:
        done[0] += 1

    def watch(connection: sqlite3.Connection, _: object) -> None:
        connection.set_progress_handler(count, 100)

    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", watch)
    try:
        yield done
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "connect", watch)


def test_a_page_reads_its_own_hits_only(tmp_path: Path) -> None:
    """Of ten times as many hits a page deep in the list takes the same: an index leads to each."""
    taken: dict[str, list[int]] = {"first": [], "deep": [], "judge": []}
    with steps() as done:
        for n in (402, 4002):
            (tmp_path / str(n)).mkdir()
            with line_of(tmp_path / str(n), n) as studio:
                wanted = Wanted("low", ("new",), view="one")
                for name, offset in (("first", 0), ("deep", n // 2)):
                    before = done[0]
                    told = studio.desk.orders.page(wanted, offset, 20)
                    taken[name].append(done[0] - before)
                    assert (told["total"], len(told["items"])) == (n - 2, 20)
                before = done[0]
                studio.desk.decisions.make("low", ids(told)[:1], "accepted")
                taken["judge"].append(done[0] - before)
    assert taken["deep"][1] <= taken["deep"][0] + 2
    assert taken["judge"][1] <= taken["judge"][0] + 2
    more = 100 * (taken["first"][1] - taken["first"][0])
    assert more / 3600 < 25  # instructions a hit: its place in the order, and nothing of itself


def test_the_order_is_that_of_the_hits(tmp_path: Path) -> None:
    """In a fraction of the time; also over several versions, and over several indexes."""
    with line_of(tmp_path, 60) as studio:
        campaigns = studio.campaigns
        agrees(campaigns)
        campaigns.accept("low", [hit.sample_id for hit in campaigns.hits("low", limit=9)])
        campaigns.refine("low")
        campaigns.collect("low", threshold=0.6)
        assert len({hit.version for hit in campaigns.hits("low")}) == 2
        agrees(campaigns)
        Corpus.build(
            campaigns.dataset, tmp_path / "index", space_id="the line", normalise=False,
            rebuild=True,
        )  # fmt: skip
        anew = Campaigns(campaigns.dataset, campaigns.store_place, tmp_path / "index")
        anew.collect("low", threshold=0.6)
        assert {hit.current for hit in anew.hits("low")} == {True, False}
        agrees(anew)


def agrees(campaigns: Campaigns) -> None:
    with campaigns.opened(read_only=True) as store:
        assert store.ranking("low") == [hit.sample_id for hit in store.hits("low")]
        for statuses in (["new"], ["accepted"], ["new", "accepted"]):
            wanted = [hit.sample_id for hit in store.hits("low", statuses=statuses)]
            shown = HitOrders(campaigns).page(Wanted("low", tuple(statuses)), 0, 500)
            assert ids(shown) == wanted
            assert store.sample_ids("low", statuses=statuses) == set(wanted)
        some = store.ranking("low")[3:6]
        assert [hit.sample_id for hit in store.hits("low", ids=some)] == some


def test_two_who_look_do_not_take_each_others_order(client: Client, night: str) -> None:
    """Each keeps what it began with; what became of a sample is as it is now, in both."""
    first = client.get("/api/campaign/hits", name=night, status="new", view="a", limit=3)
    client.post("/api/campaign/judge", name=night, ids=ids(first)[:1], status="accepted")
    second = client.get("/api/campaign/hits", name=night, status="new", view="b", limit=3)
    accepted = client.get("/api/campaign/hits", name=night, status="accepted", view="b")
    assert ids(second)[:2] == ids(first)[1:]
    assert ids(accepted) == ids(first)[:1]
    again = client.get("/api/campaign/hits", name=night, status="new", view="a", limit=3)
    assert ids(again) == ids(first)
    assert again["items"][0]["status"] == "accepted"


def test_a_view_that_is_known_no_more_begins_anew(client: Client, night: str) -> None:
    """After a start of the server, or when many others have looked meanwhile."""
    first = client.get("/api/campaign/hits", name=night, status="new", view="old", limit=3)
    client.post("/api/campaign/judge", name=night, ids=ids(first)[:1], status="discarded")
    for number in range(16):
        client.get("/api/campaign/hits", name=night, view=f"other {number}")
    again = client.get("/api/campaign/hits", name=night, status="new", view="old", limit=2)
    assert ids(again) == ids(first)[1:]
    assert again["total"] == first["total"] - 1


def test_a_classifier_orders_what_is_new(client: Client, night: str) -> None:
    refused = client.http.get("/api/campaign/hits", params={"name": night, "classifier": True})
    assert refused.status_code == 400
    found = ids(client.get("/api/campaign/hits", name=night))
    client.post("/api/campaign/judge", name=night, ids=found[:3], status="accepted")
    client.post("/api/campaign/judge", name=night, ids=found[3:8], status="discarded")
    told = client.get("/api/campaign/hits", name=night, status="new", classifier=True)
    said = [item["probability"] for item in told["items"]]
    assert said == sorted(said, reverse=True)
    assert set(ids(told)) == set(found[8:])


# Others who write, and the store that stays open


def test_looking_makes_no_store(tmp_path: Path) -> None:
    data = with_index(studio_folder(tmp_path))
    with served(Studio(open_dataset(data))) as client:
        assert client.get("/api/campaigns") == {"items": []}
        assert client.http.get("/campaigns").status_code == 200
    assert not list(data.rglob("*.db"))


def test_nothing_of_the_database_is_left_beside_it(tmp_path: Path) -> None:
    with line_of(tmp_path, 20) as studio:
        studio.desk.decisions.make("low", ["00007"], "accepted")
        assert (tmp_path / "campaigns.db-wal").exists()
    assert sorted(path.name for path in tmp_path.glob("*.db*")) == ["campaigns.db"]


def test_another_store_in_its_place_is_taken(tmp_path: Path) -> None:
    kept, place = KeptStore(), tmp_path / "campaigns.db"
    with line_of(tmp_path, 20):
        pass
    with kept.opened(place, read_only=True) as one:
        assert [campaign.name for campaign in one.campaigns()] == ["low"]
        with kept.opened(place, read_only=False) as other:
            assert other is one
    place.unlink()
    with kept.opened(place, read_only=True) as none:
        assert none.campaigns() == []
    assert not place.exists()
    (tmp_path / "other").mkdir()
    with line_of(tmp_path / "other", 20) as studio:
        studio.campaigns.create("high", ids=["00019"])
    os.replace(tmp_path / "other" / "campaigns.db", place)
    with kept.opened(place, read_only=True) as new:
        assert [campaign.name for campaign in new.campaigns()] == ["high", "low"]
    kept.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_store_that_may_not_be_written_is_read(tmp_path: Path) -> None:
    with line_of(tmp_path, 20):
        pass
    (tmp_path / "campaigns.db").chmod(0o444)
    with KeptStore().opened(tmp_path / "campaigns.db", read_only=True) as store:
        assert [campaign.name for campaign in store.campaigns()] == ["low"]


def test_a_page_reads_while_another_process_writes(client: Client, night: str) -> None:
    """Reading waits for nobody, deciding waits until the other one is through; neither fails."""
    place = client.studio.campaigns.store_place
    found = ids(client.get("/api/campaign/hits", name=night, status="new"))
    other = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE campaigns SET threshold = 0.9")
    told: list[dict] = []
    judge = threading.Thread(
        target=lambda: told.append(
            client.post("/api/campaign/judge", name=night, ids=found[:1], status="accepted")
        )
    )
    judge.start()
    assert client.get("/api/campaign", name=night)["threshold"] == 0.05
    judge.join(0.3)
    assert told == []
    other.execute("COMMIT")
    other.close()
    judge.join(WAIT_S)
    assert told[0]["standings"][found[0]]["status"] == "accepted"
    assert client.get("/api/campaign", name=night)["threshold"] == 0.9


def test_the_command_line_and_the_page_share_decisions(client: Client, night: str) -> None:
    data = client.studio.dataset.source.where
    first, second = ids(client.get("/api/campaign/hits", name=night, view="x"))[:2]
    client.post("/api/campaign/judge", name=night, ids=[first], status="accepted")
    done = selectlab("campaign", "discard", night, "--data", data, first, second)
    assert done.code == 0, done
    shown = client.get("/api/campaign/hits", name=night, view="x", limit=2)
    assert [item["status"] for item in shown["items"]] == ["discarded", "discarded"]
    assert client.get("/api/campaign", name=night)["counts"]["discarded"] == 2


def test_many_decide_at_once_and_nothing_is_lost(client: Client, night: str) -> None:
    found = ids(client.get("/api/campaign/hits", name=night, status="new"))[:8]
    wrong: list[object] = []

    def decide(name: str) -> None:
        try:
            client.post("/api/campaign/judge", name=night, ids=[name], status="accepted")
        except AssertionError as error:
            wrong.append(error)

    deciding = [threading.Thread(target=decide, args=(name,)) for name in [*found, *found]]
    for one in deciding:
        one.start()
    for one in deciding:
        one.join()
    assert wrong == []
    assert client.get("/api/campaign", name=night)["counts"]["accepted"] == 8


def test_a_server_that_is_started_anew_knows_all_decisions(tmp_path: Path) -> None:
    data = with_index(studio_folder(tmp_path))
    with served(Studio(open_dataset(data))) as client:
        client.post("/api/campaigns/new", name="night", ids=SEEDS, threshold=0.05)
        client.post("/api/campaign/collect", name="night")
        assert client.finished()["state"] == "done"
        first = ids(client.get("/api/campaign/hits", name="night"))[0]
        client.post("/api/campaign/judge", name="night", ids=[first], status="accepted")
        old = client.access.csrf
    with served(Studio(open_dataset(data))) as client:
        assert client.get("/api/campaign", name="night")["counts"]["accepted"] == 1
        said = {"name": "night", "ids": [first], "status": "discarded"}
        late = client.http.post("/api/campaign/judge", json=said, headers={"x-csrf-token": old})
        assert late.status_code == 403
        assert late.json()["error"].endswith("reload it")
        assert client.get("/api/campaign", name="night")["counts"]["accepted"] == 1
        assert client.refused("/api/campaign/undo", name="night").endswith("nothing to take back")


def test_a_dataset_that_is_opened_anew_keeps_what_can_be_taken_back(tmp_path: Path) -> None:
    """Also what a request decides that began before, and what a new studio was not asked for yet."""
    data = with_index(studio_folder(tmp_path))
    with Studio(open_dataset(data), reopen=lambda: open_dataset(data)) as studio:
        studio.campaigns.create("night", ids=SEEDS, threshold=0.05)
        studio.campaigns.collect("night")
        first, second = (hit.sample_id for hit in studio.campaigns.hits("night", limit=2))
        studio.desk.decisions.make("night", [first], "accepted", turn=Turn("tab", 1))
        made = studio.renewed()
        studio.desk.decisions.make("night", [second], "discarded")
        made.desk.decisions.make("night", [first], "discarded", turn=Turn("tab", 1))  # once more
        assert made.desk.decisions.undo("night")[second].status == "new"
        assert made.renewed().desk.decisions.undo("night")[first].status == "new"
        assert made.kept is studio.kept


def begun(studio: Studio) -> str:
    """Begin a campaign, and return the first sample that it collects."""
    studio.campaigns.create("night", ids=SEEDS, threshold=0.05)
    studio.campaigns.collect("night")
    return studio.campaigns.hits("night", limit=1)[0].sample_id


def test_another_campaign_of_the_same_name_has_nothing_to_take_back(tmp_path: Path) -> None:
    """Somebody has removed the store, and begun anew."""
    data = with_index(studio_folder(tmp_path))
    with Studio(open_dataset(data)) as studio:
        first = begun(studio)
        studio.desk.decisions.make("night", [first], "accepted")
        for file in (data / ".selectlab").glob("campaigns.db*"):
            file.unlink()
        assert begun(studio) == first
        studio.campaigns.accept("night", first)
        with pytest.raises(DataError, match="nothing to take back"):
            studio.desk.decisions.undo("night")
        assert studio.campaigns.get("night").counts["accepted"] == 1


def test_steps_are_done_once_and_in_order(client: Client, night: str) -> None:
    """What a tab sent before, and comes after what it sent on leaving, changes nothing."""
    first, second, third = ids(client.get("/api/campaign/hits", name=night))[:3]
    steps: list[dict[str, Any]] = [
        {"number": 1, "status": "accepted", "ids": [first]},
        {"number": 2},
        {"number": 4, "status": "discarded", "ids": [second, "none"]},
        {"number": 5, "status": "discarded", "ids": [third]},
    ]
    told = client.post("/api/campaign/decide", name=night, tab="a", steps=steps)
    line = f"campaign {night!r}: not collected: 1 of 2 samples, first 'none'"
    assert told == {"problems": [line]}
    late = {"name": night, "ids": [second], "status": "accepted"}
    for number in (1, 4, 5):
        standings = client.post("/api/campaign/judge", **late, turn=["a", number])["standings"]
        assert standings[second]["status"] == "new"
    assert client.post("/api/campaign/undo", name=night, turn=["a", 5]) == {"standings": {}}
    counts = client.get("/api/campaign", name=night)["counts"]
    assert (counts["accepted"], counts["discarded"]) == (0, 1)
    for turn in (["a", 6], ["b", 1]):  # another tab counts for itself
        told = client.post("/api/campaign/judge", **late, turn=turn)
        assert told["standings"][second]["status"] == "accepted"
        client.post("/api/campaign/undo", name=night, turn=[turn[0], turn[1] + 1])
    assert client.get("/api/campaign", name=night)["counts"] == counts


def test_what_is_marked_and_was_collected_is_decided(client: Client, night: str) -> None:
    """The rest is left; an object means its picture in a campaign about frames."""
    first, second = ids(client.get("/api/campaign/hits", name=night))[:2]
    marks = [first, f"{second}#0", f"{second}#1", SEEDS[0], "none"]
    told = client.post("/api/campaign/judge", name=night, ids=marks, marked=True, status="accepted")
    assert {one: held["status"] for one, held in told["standings"].items()} == {
        first: "accepted",
        second: "accepted",
    }
    assert told["left"] == [SEEDS[0], "none"]
    steps = [{"number": 1, "status": "discarded", "ids": marks, "marked": True}]
    assert client.post("/api/campaign/decide", name=night, tab="m", steps=steps) == {"problems": []}
    assert client.get("/api/campaign", name=night)["counts"]["discarded"] == 2


def test_marked_objects_are_decided_where_they_were_collected(client: Client) -> None:
    new = {"name": "objects", "ids": [f"{NAMES[3]}#0"], "task": "det", "threshold": 0.02}
    client.post("/api/campaigns/new", **new)
    client.post("/api/campaign/collect", name="objects")
    assert client.finished()["state"] == "done"
    one, other = client.get("/api/campaign/hits", name="objects")["items"][:2]
    marks = [f"{one['id']}#{one['number']}", f"{other['id']}#{other['number'] + 1}"]
    told = client.post(
        "/api/campaign/judge", name="objects", ids=marks, marked=True, status="accepted"
    )
    assert (list(told["standings"]), told["left"]) == ([one["id"]], marks[1:])


def test_the_steps_of_one_decision_are_taken_back_as_one(client: Client, night: str) -> None:
    """Also where another tab decides between them, and where one came when the page was left."""
    found = ids(client.get("/api/campaign/hits", name=night))
    said = {"name": night, "status": "accepted"}
    client.post("/api/campaign/judge", **said, ids=found[:2], turn=["g", 1], first=1)
    client.post("/api/campaign/judge", **said, ids=found[2:3], turn=["other", 1], first=1)
    told = client.post("/api/campaign/undo", name=night, turn=["other", 2])
    assert list(told["standings"]) == found[2:3]
    client.post("/api/campaign/judge", **said, ids=found[2:4], turn=["g", 2], first=1)
    steps = [{"number": 3, "first": 1, "status": "accepted", "ids": found[4:5]}]
    client.post("/api/campaign/decide", name=night, tab="g", steps=steps)
    assert client.get("/api/campaign", name=night)["counts"]["accepted"] == 5
    told = client.post("/api/campaign/undo", name=night, turn=["g", 4])
    assert set(told["standings"]) == set(found[:5])
    assert {held["status"] for held in told["standings"].values()} == {"new"}
    assert client.refused("/api/campaign/undo", name=night).endswith("nothing to take back")


def test_a_decision_that_changed_nothing_is_taken_back_as_one(client: Client, night: str) -> None:
    first, second = ids(client.get("/api/campaign/hits", name=night))[:2]
    for one in (first, second, first):
        client.post("/api/campaign/judge", name=night, ids=[one], status="accepted")
    assert client.post("/api/campaign/undo", name=night) == {"standings": {}}
    for one in (second, first):
        told = client.post("/api/campaign/undo", name=night)
        assert told == {"standings": {one: {"status": "new", "accepted": False}}}


def test_decisions_that_look_alike_are_taken_back_in_their_order(
    client: Client, night: str
) -> None:
    [first] = ids(client.get("/api/campaign/hits", name=night))[:1]
    said = ["accepted", "discarded", "accepted", "discarded"]
    for status in said:
        client.post("/api/campaign/judge", name=night, ids=[first], status=status)
    for status in ("accepted", "discarded", "accepted", "new"):
        told = client.post("/api/campaign/undo", name=night)
        assert told["standings"][first]["status"] == status


def test_a_step_that_could_not_be_written_may_come_again(client: Client, night: str) -> None:
    """The page was left meanwhile, and what it sent then has the same number: done, and once."""
    [first] = ids(client.get("/api/campaign/hits", name=night))[:1]
    decisions = client.studio.desk.decisions
    place = client.studio.campaigns.store_place
    other = sqlite3.connect(place, isolation_level=None)
    other.execute(
        "CREATE TRIGGER busy BEFORE UPDATE ON samples BEGIN SELECT RAISE(ABORT, 'busy'); END"
    )
    for number in (1, 1):
        with pytest.raises(Exception, match="busy"):
            decisions.make(night, [first], "accepted", turn=Turn("busy", number))
    other.execute("DROP TRIGGER busy")
    other.close()
    steps = [{"number": 1, "status": "accepted", "ids": [first]}]
    sending = [
        threading.Thread(
            target=client.post,
            args=("/api/campaign/decide",),
            kwargs={"name": night, "tab": "busy", "steps": steps},
        )
        for _ in range(2)
    ]
    for one in sending:
        one.start()
    for one in sending:
        one.join()
    assert client.get("/api/campaign", name=night)["counts"]["accepted"] == 1
    assert list(decisions.undo(night)) == [first]
    assert client.refused("/api/campaign/undo", name=night).endswith("nothing to take back")


# Seeds


def test_marked_pictures_join_a_campaign(client: Client, night: str) -> None:
    """An object stands for its picture where the campaign is about pictures."""
    before = client.get("/api/campaign", name=night)
    told = client.post("/api/campaign/add", name=night, ids=[NAMES[8], f"{NAMES[3]}#1"])
    assert (told["added"], told["seeds"], told["uncommitted"]) == (2, 5, True)
    again = client.post("/api/campaign/add", name=night, ids=[NAMES[3]])
    assert (again["added"], again["seeds"]) == (0, 5)
    assert before["version"] == again["version"] == 1
    listed = {one["name"]: one for one in client.get("/api/campaigns")["items"]}
    assert (listed[night]["seeds"], listed[night]["task"]) == (5, "")
    assert client.post("/api/campaign/commit", name=night)["version"] == 2
    less = client.post("/api/campaign/remove", name=night, ids=[NAMES[8]])
    assert (less["removed"], less["seeds"], less["uncommitted"]) == (1, 4, True)
    assert "none of its seeds" in client.refused("/api/campaign/remove", name=night, ids=[NAMES[8]])


def test_marked_objects_join_a_campaign_of_objects(client: Client) -> None:
    """A whole picture stands for all of its objects there."""
    new = {"name": "wheels", "ids": [f"{NAMES[3]}#0"], "task": "det", "threshold": 0.1}
    client.post("/api/campaigns/new", **new)
    told = client.post("/api/campaign/add", name="wheels", ids=[f"{NAMES[3]}#2", NAMES[6]])
    assert (told["added"], told["seeds"]) == (3, 4)
    seeds = client.get("/api/campaign/seeds", name="wheels")
    assert [one["name"] for one in seeds["items"]] == [
        f"{NAMES[3]}#0", f"{NAMES[3]}#2", f"{NAMES[6]}#0", f"{NAMES[6]}#1",
    ]  # fmt: skip
    wrong = client.refused("/api/campaign/add", name="wheels", ids=[f"{NAMES[3]}#7"])
    assert NAMES[3] in wrong
    client.post("/api/campaign/commit", name="wheels")
    client.post("/api/campaign/collect", name="wheels")
    assert client.finished()["state"] == "done"
    first = client.get("/api/campaign/hits", name="wheels")["items"][0]
    why = client.get("/api/campaign/why", name="wheels", id=first["id"])
    assert why["nearest"] in {seed["name"] for seed in why["seeds"]}
    assert isinstance(first["number"], int)


def test_what_refining_would_change_is_told(client: Client, night: str) -> None:
    def told() -> tuple[int, int, bool, bool]:
        found = client.get("/api/campaign", name=night)
        keys = ("joining", "leaving", "uncommitted", "looked")
        joining, leaving, uncommitted, looked = (found[key] for key in keys)
        return joining, leaving, uncommitted, looked

    assert told() == (0, 0, False, True)
    first, second, third = ids(client.get("/api/campaign/hits", name=night))[:3]
    client.post("/api/campaign/judge", name=night, ids=[first, second], status="accepted")
    client.post("/api/campaign/judge", name=night, ids=[third], status="discarded")
    assert told() == (2, 0, False, True)
    refined = client.post("/api/campaign/refine", name=night)
    assert (refined["joined"], refined["missing"]) == (2, 0)
    assert told() == (0, 0, False, False)
    client.post("/api/campaign/judge", name=night, ids=[second], status="discarded")
    assert told() == (0, 1, False, False)
    client.post("/api/campaign/add", name=night, ids=[NAMES[7]])
    assert told() == (0, 1, True, False)
    assert client.post("/api/campaign/refine", name=night)["left"] == 1
    assert told() == (0, 0, False, False)


@pytest.mark.parametrize("form", sorted(set(registry.writers()) - {"aperturedb"}))
def test_every_format_is_fetched(client: Client, night: str, form: str) -> None:
    first = ids(client.get("/api/campaign/hits", name=night))[0]
    client.post("/api/campaign/judge", name=night, ids=[first], status="accepted")
    asked = {"name": night, "form": form, "statuses": ["accepted"], "mark": False}
    told = client.post("/api/campaign/export", **asked)
    answer = client.http.get(told["link"])
    assert (told["samples"], answer.status_code) == (1, 200)
    assert len(answer.content) >= len(first)
