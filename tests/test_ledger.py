"""The ledger by hand, in files and on a server: what was chosen, sent and labelled."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import postgres_server
import pytest
from campaign_store import place_for
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selectlab.errors import ConfigError, DataError
from selectlab.ids import Ids
from selectlab.labels.label import Label
from selectlab.rounds.id_lists import pack, unpack
from selectlab.rounds.ledger import Ledger
from selectlab.rounds.records import Counts, Round, ToolCounts
from selectlab.rounds.rows import label_rows
from selectlab.rounds.shape_json import from_json, to_json
from selectlab.shapes import Mask, Shape

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
A, B, C = "a" * 16, "b" * 16, "c" * 16
ODD = ["é/ü.png", "a b/c.png", "#1&<%41>.png", 'it\'s "so".png', "雪.png"]
LS = "label-studio"
AT = f"{LS} p"


@pytest.fixture(scope="module")
def server() -> Iterator[postgres_server.Server]:
    with postgres_server.running() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return place_for(request.param, tmp_path, request)


@pytest.fixture
def ledger(place: str) -> Iterator[Ledger]:
    with Ledger.open(place) as opened:
        yield opened


def line(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def label(sample_id: str, *categories: str, at: datetime | None = None, task: str = "") -> Label:
    boxes = tuple(
        Shape(name, box=(k, 0.1, 1.5, 2), origin="labelled") for k, name in enumerate(categories)
    )
    return Label(sample_id, boxes, task, labelled_at=at)


# Rounds and runs


def test_rounds_by_hand(place: str) -> None:
    with Ledger.open(place, clock=lambda: NOON) as ledger:
        assert ledger.rounds() == []
        first = ledger.start_round("pilot", ["b", "a"])
        assert first == Round(1, "pilot", NOON)
        assert ledger.start_round() == Round(2, "2", NOON)
        assert ledger.rounds() == [first, Round(2, "2", NOON)]
        with pytest.raises(DataError) as error:
            ledger.start_round("pilot")
        assert line(error) == "round 'pilot': there is one of this name already"
        for name in ("", " ", "a\nb"):
            with pytest.raises(ConfigError, match="a name has to be visible characters"):
                ledger.start_round(name)
        assert len(ledger.rounds()) == 2


def test_the_first_run_begins_the_first_round(place: str) -> None:
    with Ledger.open(place, clock=lambda: NOON) as ledger:
        assert ledger.record(A, "run1", ["y", "x"], known=["x", "y", "z"]) == Round(1, "1", NOON)
        (run,) = ledger.runs()
        assert (run.run, run.round, run.name, run.kind) == (A, 1, "run1", "selection")
        assert (run.n_chosen, run.forgotten, run.recorded_at) == (2, False, NOON)
        assert ledger.known_ids(1) == ("x", "y", "z")


def test_chosen_in_the_order_of_runs_and_ranks(ledger: Ledger) -> None:
    """Run b comes first; rank 1 of it is y although x stands first in the list."""
    ledger.record(B, "b", ["x", "y"], [2, 1], [0.5, None])
    ledger.start_round()
    ledger.record(A, "a", ["z", "y"], states={"0_bal": {"beta": 0.25}})
    assert ledger.chosen_ids() == ("y", "x", "z")
    assert [run.round for run in ledger.runs()] == [1, 2]
    assert ledger.runs()[1].states == {"0_bal": {"beta": 0.25}}
    assert (ledger.n_elsewhere(A), ledger.n_elsewhere(B), ledger.n_elsewhere(C)) == (1, 1, 0)
    assert ledger.forget("b").forgotten
    assert ledger.chosen_ids() == ("z", "y")
    assert (ledger.n_elsewhere(A), ledger.n_elsewhere(B)) == (0, 1)


def test_the_same_run_again_changes_nothing_but_a_forgotten_one_comes_back(ledger: Ledger) -> None:
    ledger.record(A, "a", ["x", "y"])
    ledger.record(B, "b", ["z"])
    ledger.forget(A[:4])
    ledger.start_round()
    assert ledger.record(A, "moved", ["x", "y"], out="/elsewhere").number == 1
    run = ledger.runs()[0]
    assert (run.name, run.place, run.forgotten, run.n_chosen) == ("moved", "/elsewhere", False, 2)
    ledger.record(A, "again", ["x", "y"])
    assert ledger.runs()[0] == run
    assert ledger.chosen_ids() == ("x", "y", "z")


def test_runs_that_are_refused(ledger: Ledger) -> None:
    with pytest.raises(DataError) as error:
        ledger.record("run1", "a", ["x"])
    assert line(error) == "run 'run1': the id of a run is 16 hex digits"
    with pytest.raises(DataError) as error:
        ledger.record(A, "a", ["x", "y", "x"])
    assert line(error) == f"run {A!r}: has chosen 'x' twice"
    assert ledger.rounds() == []
    with pytest.raises(DataError) as error:
        ledger.forget("a")
    assert line(error) == "run 'a': the ledger has no such run; there are none yet"
    ledger.record(A, "same", ["x"])
    ledger.record("aaaa" + "b" * 12, "same", ["y"])
    for name in ("same", "aaaa"):
        with pytest.raises(DataError) as error:
            ledger.forget(name)
        assert line(error) == (
            f"run {name!r}: could be any of {A}, aaaa{'b' * 12}; name one by its id"
        )
    with pytest.raises(DataError, match="no such run; did you mean 'same'"):
        ledger.forget("sane")


def test_what_was_known_in_which_round(ledger: Ledger) -> None:
    ledger.start_round(known=["b", "a"])
    ledger.record(A, "a", ["a"], known=["a", "b", "c"])
    ledger.start_round(known=["a", "c", "d"])
    ledger.start_round()
    assert ledger.known_ids(0) == ()
    assert ledger.known_ids(1) == ("a", "b", "c")
    assert ledger.known_ids(2) == ledger.known_ids(3) == ("a", "b", "c", "d")


@given(ids=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_id_lists_come_back(ids: list[str]) -> None:
    held = Ids.of(ids)
    digest, packed = pack(held)
    assert unpack(packed) == held
    assert pack(Ids.of(ids)) == (digest, packed)


def test_a_million_ids_take_a_few_megabytes() -> None:
    ids = Ids.of([f"camera-{k % 7}/2026-03-{k % 28 + 1:02d}/{k:07d}.jpg" for k in range(1_000_000)])
    _, packed = pack(ids.sorted_unique())
    assert len(packed) < 8_000_000
    assert len(unpack(packed)) == 1_000_000


def test_an_id_with_a_nul_is_refused_not_split() -> None:
    with pytest.raises(DataError, match=r"^sample id 'a\\x00b': holds a NUL"):
        pack(Ids.of(["x", "a\0b"]))


# Sending


def test_sending_by_hand(place: str) -> None:
    with Ledger.open(place, clock=lambda: NOON) as ledger:
        batch = ledger.begin_sending(LS, "p", ["c", "a", "b", *ODD])
        assert ledger.sent_ids(LS, "p") == ()
        (waiting,) = ledger.pending(LS, "p")
        assert (waiting.batch, waiting.started_at) == (batch, NOON)
        assert set(waiting.sample_ids) == {"a", "b", "c", *ODD}
        assert ledger.sent(batch, {"a": 7, ODD[0]: "8"}) == 6
        assert ledger.sent(batch, {"a": "7"}) == 6
        assert ledger.sent_ids(LS, "p") == tuple(sorted(["a", ODD[0]]))
        assert ledger.task_ids(LS, "p") == {"a": "7", ODD[0]: "8"}
        assert ledger.withdraw(batch, ["b"]) == 1
        assert ledger.withdraw(batch) == 5
        assert ledger.pending(LS, "p") == []
        again = ledger.begin_sending(LS, "p", ["b"])
        assert again != batch
        assert ledger.sent(again, {"b": 9}) == 0
        assert ledger.lost(LS, "p", ["a", "never"]) == 1
        assert ledger.sent_ids(LS, "p") == tuple(sorted(["b", ODD[0]]))
        assert ledger.out_ids() == tuple(sorted(["b", ODD[0]]))


def test_nothing_is_sent_twice(ledger: Ledger) -> None:
    batch = ledger.begin_sending(LS, "p", ["a", "b"])
    with pytest.raises(DataError) as error:
        ledger.begin_sending(LS, "p", ["x", "b"])
    assert line(error) == f"{AT}: 1 of 2 samples, first 'b', pending there already"
    ledger.sent(batch, {"a": 1, "b": 2})
    with pytest.raises(DataError) as error:
        ledger.begin_sending(LS, "p", ["b", "a", "x"])
    assert line(error) == f"{AT}: 2 of 3 samples, first 'a', sent there already"
    with pytest.raises(DataError) as error:
        ledger.begin_sending(LS, "p", ["x", "x"])
    assert line(error) == f"{AT}: 'x' is given twice"
    assert ledger.pending(LS, "p") == []
    ledger.begin_sending(LS, "q", ["a"])
    ledger.begin_sending("cvat", "p", ["a"])
    assert [one.sample_ids for one in ledger.pending(LS, "q")] == [("a",)]


def test_what_did_not_arrive_in_a_batch_is_refused(ledger: Ledger) -> None:
    batch = ledger.begin_sending(LS, "p", ["a", "b"])
    other = ledger.begin_sending(LS, "p", ["c"])
    with pytest.raises(DataError) as error:
        ledger.sent(batch, {"a": 1, "c": 2})
    assert line(error) == f"batch {batch}: 1 of 2 samples, first 'c', not in it"
    assert ledger.sent_ids(LS, "p") == ()
    ledger.sent(batch, {"a": 1})
    with pytest.raises(DataError) as error:
        ledger.sent(batch, {"b": 3, "a": 2})
    assert line(error) == f"batch {batch}: 'a' is task 1 already, and cannot be 2"
    assert ledger.sent_ids(LS, "p") == ("a",)
    for names in (["a"], ["c"], ["b", "nobody"]):
        with pytest.raises(DataError, match=r"samples, first '.+', not pending"):
            ledger.withdraw(batch, names)
    assert [one.batch for one in ledger.pending(LS, "p")] == [batch, other]


# Labels


def test_labels_by_hand(place: str) -> None:
    with Ledger.open(place, clock=lambda: NOON) as ledger:
        given = [label("b", "car", "bus"), label("a"), replace(label("a", "x"), task="det")]
        assert ledger.add_labels("f.json", given) == Counts(new=3)
        held = list(ledger.labels())
        assert [(one.sample_id, one.task) for one in held] == [("a", ""), ("a", "det"), ("b", "")]
        assert held[2] == replace(given[0], source="f.json")
        assert ledger.labelled_ids() == ("a", "b")
        assert [one.task for one in ledger.labels(["a"], "det")] == ["", "det"]
        assert [one.task for one in ledger.labels(["a"], "other")] == [""]
        assert ledger.add_labels("again", given) == Counts(unchanged=3)
        assert [one.source for one in ledger.labels()] == ["f.json"] * 3
        assert ledger.remove_labels(["a", "nobody"]) == 2
        assert ledger.labelled_ids() == ("b",)


def test_newer_labels_replace_older_ones(place: str) -> None:
    """Times 1 to 5; what has no time is as new as the moment it comes, which is noon."""
    at = [NOON + timedelta(hours=h) for h in range(-6, 6)]
    with Ledger.open(place, clock=lambda: NOON) as ledger:
        assert ledger.add_labels("f", [label("s", "two", at=at[2])]) == Counts(new=1)
        assert ledger.add_labels("f", [label("s", "one", at=at[1])]) == Counts(older=1)
        assert ledger.add_labels("f", [label("s", "three", at=at[3])]) == Counts(replaced=1)
        assert ledger.add_labels("f", [label("s", "same", at=at[3])]) == Counts(replaced=1)
        assert ledger.add_labels("f", [label("s", "now")]) == Counts(replaced=1)
        assert ledger.add_labels("f", [label("s", "four", at=at[5])]) == Counts(older=1)
        assert ledger.add_labels("f", [label("s", "late", at=at[7])]) == Counts(replaced=1)
        three = [label("s", "z", at=at[9]), label("s", "y", at=at[8]), label("s", "x", at=at[9])]
        assert ledger.add_labels("f", three) == Counts(replaced=1, older=2)
        assert [shape.category for one in ledger.labels() for shape in one.shapes] == ["x"]
        sure = label("s", "x", at=at[10])
        assert ledger.add_labels("f", [sure]) == Counts(replaced=1)
        assert ledger.add_labels("f", [sure]) == Counts(unchanged=1)


def test_classes_and_objects_of_a_sample_stand_side_by_side(ledger: Ledger) -> None:
    of_image = Label("s", (Shape("wet"),), task_type="classification")
    ledger.add_labels("f", [of_image, label("s", "car")])
    assert [one.kind for one in ledger.labels()] == ["classes", "objects"]


def test_a_pull_is_noted_with_its_labels(ledger: Ledger) -> None:
    assert ledger.watermark(LS, "p") is None
    ledger.add_labels("ls", [label("a", "x")], LS, "p", "2026-03-01T10:00")
    ledger.add_labels("ls", [], LS, "p", "2026-03-01T11:00")
    assert ledger.watermark(LS, "p") == "2026-03-01T11:00"
    assert ledger.watermark(LS, "q") is None
    bad = [label("b", "x"), label("broken \udc80", "x")]
    with pytest.raises(DataError, match="not valid Unicode"):
        ledger.add_labels("ls", bad, LS, "p", "2026-03-01T12:00")
    assert ledger.watermark(LS, "p") == "2026-03-01T11:00"
    assert ledger.labelled_ids() == ("a",)
    with pytest.raises(ValueError, match="a watermark belongs to a tool and a project"):
        ledger.add_labels("ls", [], watermark="now")
    assert ledger.remove_labels(["a"], "cvat") == ledger.remove_labels(["a"], LS, "q") == 0
    assert ledger.remove_labels(["a"], LS, "p") == 1


def test_labels_come_page_by_page(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_rows, "PAGE", 2)
    names = sorted([*ODD, "a", "b"])
    ledger.add_labels("f", [label(name, "x") for name in names])
    assert [one.sample_id for one in ledger.labels()] == names
    assert [one.sample_id for one in ledger.labels(names[1:4])] == names[1:4]


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SHAPES = st.builds(
    Shape,
    category=st.text(st.characters(exclude_categories=["Cs"])),
    score=st.none() | NUMBERS,
    box=st.none() | st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    polygons=st.lists(st.lists(NUMBERS, min_size=6).map(tuple), max_size=2).map(tuple),
    mask=st.none()
    | st.builds(Mask, st.lists(st.integers(0, 99)).map(tuple), st.just(4), st.just(3)),
    keypoints=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=2).map(tuple),
    origin=st.sampled_from(["labelled", "imputed"]),
    attributes=st.none() | st.just({"occluded": True, "name": "é", "turn": 0.1}),
)


@given(shapes=st.lists(SHAPES).map(tuple))
def test_shapes_come_back_the_same(shapes: tuple[Shape, ...]) -> None:
    assert from_json(to_json(shapes)) == shapes


# Counts


def test_counts_by_hand(place: str) -> None:
    """Round 1: a b c d, e forgotten; round 2: c f. Sent: a b (LS), c (cvat), x. Labelled: a c y."""
    with Ledger.open(place, clock=lambda: NOON) as ledger:
        ledger.record(A, "a", ["a", "b", "c"])
        ledger.record(B, "b", ["c", "d"])
        ledger.record("d" * 16, "d", ["e"])
        ledger.forget("d" * 16)
        ledger.start_round("two")
        ledger.record(C, "c", ["c", "f"])
        ledger.sent(ledger.begin_sending(LS, "p", ["a", "b"]), {"a": 1, "b": 2})
        ledger.sent(ledger.begin_sending("cvat", "p", ["c", "a", "x"]), {"c": 1, "x": 2})
        ledger.add_labels("ls", [label("a", "q")], LS, "p")
        ledger.add_labels("file", [label("c", "q"), label("y"), label("c", task="t")])
        one, two, rest = ledger.counts()
    assert one.round == Round(1, "1", NOON)
    assert (one.runs, one.chosen, one.sent, one.pending, one.labelled) == (2, 4, 3, 1, 2)
    assert one.tools == {
        "cvat": ToolCounts(sent=1, pending=1),
        "file": ToolCounts(labelled=1),
        LS: ToolCounts(sent=2, labelled=1),
    }
    assert (two.runs, two.chosen, two.sent, two.pending, two.labelled) == (1, 2, 1, 0, 1)
    assert rest.round is None
    assert (rest.runs, rest.chosen, rest.sent, rest.pending, rest.labelled) == (0, 0, 1, 0, 1)
    assert rest.tools == {"cvat": ToolCounts(sent=1), "file": ToolCounts(labelled=1)}


def test_a_hundred_thousand_samples_at_once(ledger: Ledger) -> None:
    ids = [f"camera/{k:06d}.jpg" for k in range(100_000)]
    ledger.record(A, "a", ids, scores=[0.5] * len(ids), known=ids)
    batch = ledger.begin_sending(LS, "p", ids)
    assert ledger.sent(batch, {name: k for k, name in enumerate(ids[:20_000])}) == 80_000
    assert ledger.add_labels("f", [label(name, "car") for name in ids]) == Counts(new=100_000)
    assert ledger.add_labels("f", [label(name, "car") for name in ids[:9]]) == Counts(unchanged=9)
    assert len(ledger.chosen_ids()) == len(ledger.labelled_ids()) == 100_000
    assert ledger.counts()[0].labelled == 100_000


# Places


def test_a_ledger_that_is_not_there_is_empty_for_reading(tmp_path: Path) -> None:
    file = tmp_path / "x" / "campaigns.db"
    with Ledger.open(file, read_only=True) as ledger:
        assert ledger.rounds() == ledger.runs() == ledger.counts() == []
        assert ledger.chosen_ids() == ledger.labelled_ids() == ()
        with pytest.raises(DataError, match="opened for reading, cannot be changed"):
            ledger.start_round()
    assert not file.parent.exists()


def test_campaigns_and_rounds_share_a_store(place: str) -> None:
    from campaign_store import begun, found, listed

    from selectlab.campaigns.store import Store

    with Store.open(place) as store, Ledger.open(place) as ledger:
        run = begun(store)
        ledger.record(A, "a", ["x"])
        store.commit_batch(run, 0, 10, found(x=0.5))
        assert listed(store) == [("x", 0.5)]
        assert ledger.chosen_ids() == ("x",)


# Several processes

WORKER = """
import sys
from selectlab.errors import DataError
from selectlab.labels.label import Label
from selectlab.rounds.ledger import Ledger
place, number = sys.argv[1], int(sys.argv[2])
ids = [f"{k:03d}" for k in range(200)]
with Ledger.open(place) as ledger:
    print("ready", flush=True)
    for k in range(0, 200, 5):
        try:
            batch = ledger.begin_sending("tool", "p", ids[k : k + 5])
        except DataError:
            continue
        ledger.sent(batch, {name: f"{number}-{name}" for name in ids[k : k + 5]})
        ledger.add_labels("w", [Label(name, ()) for name in ids[k : k + 5]], "tool", "p", str(k))
        ledger.record(f"{number:08x}{k:08x}", "r", ids[k : k + 5])
        print("ready", flush=True)
"""


def worker(place: str, number: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, place, str(number)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ),
    )  # fmt: skip


def test_two_processes_at_once_never_send_the_same(place: str) -> None:
    workers = [worker(place, number) for number in (1, 2)]
    for one in workers:
        _, err = one.communicate(timeout=240)
        assert (one.returncode, err) == (0, "")
    with Ledger.open(place) as ledger:
        tasks = ledger.task_ids("tool", "p")
        assert list(tasks) == [f"{k:03d}" for k in range(200)]
        assert ledger.pending("tool", "p") == []
        assert len(ledger.rounds()) == 1
        assert sorted(ledger.chosen_ids()) == list(tasks)
        assert sum(run.n_chosen for run in ledger.runs()) == 200


def test_a_killed_process_leaves_nothing_half_done(place: str) -> None:
    """Killed at moments of chance: what has been sent is known to be, or pending; no more."""
    chance = random.Random(3)
    for number in range(4):
        one = worker(place, number)
        assert one.stdout is not None
        for _ in range(chance.randrange(1, 6)):
            one.stdout.readline()
        time.sleep(chance.random() / 20)
        one.kill()
        one.communicate()
        with Ledger.open(place) as ledger:
            for waiting in ledger.pending("tool", "p"):
                assert len(waiting.sample_ids) == 5
                ledger.withdraw(waiting.batch)
            sent = set(ledger.sent_ids("tool", "p"))
            assert len(sent) % 5 == len(ledger.labelled_ids()) % 5 == 0
            assert set(ledger.chosen_ids()) <= set(ledger.labelled_ids()) <= sent
            assert all(run.n_chosen == 5 for run in ledger.runs())


@given(
    names=st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), unique=True
    )
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ids_of_any_kind_survive(ledger: Ledger, names: list[str]) -> None:
    project = str(np.random.default_rng().integers(1 << 62))
    batch = ledger.begin_sending("t", project, names)
    assert ledger.sent(batch, {name: name for name in names}) == 0
    assert ledger.sent_ids("t", project) == tuple(sorted(names))
    ledger.add_labels("f", [label(name) for name in names])
    assert {one.sample_id for one in ledger.labels(names)} == set(names)
