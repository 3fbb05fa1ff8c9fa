"""A Label Studio that is down, slow, wrong or dishonest: no task is lost and none is doubled.

The server is a small one on loopback, whose mishaps happen on the wire. The real one is in
``test_label_studio_live.py``.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import unruly_label_studio as unruly
from label_studio_dataset import make, names
from typer.testing import CliRunner
from unruly_label_studio import PERSONAL, TOKEN, Mishap, Unruly

from selectlab.cli import app
from selectlab.dataset import Dataset
from selectlab.errors import ConfigError, DataError
from selectlab.exports.label_studio_config import label_config
from selectlab.exports.sources import items_of
from selectlab.inputs.folder import open_dataset
from selectlab.label_studio import (
    Client,
    LocalFiles,
    Patience,
    Pushed,
    Standing,
    Target,
    Token,
    address_of,
    find_project,
    pull,
    push,
    standing,
)
from selectlab.label_studio.client import NotThereError
from selectlab.label_studio.projects import MADE_BY
from selectlab.progress import watched
from selectlab.rounds.ledger import Ledger, place_of

N = 10
PLACE = "https://images.example.org/{id}"
TOOL = "label-studio"
SHORT = [1, 2, 4, 8]


@dataclass
class Bench:
    """A dataset, its ledger and a server to send it to."""

    server: Unruly
    dataset: Dataset
    ids: list[str]
    waits: list[float] = field(default_factory=list)
    token: str = TOKEN
    timeout_s: float = 60.0

    def client(self) -> Client:
        return Client(
            self.server.url, Token(self.token, "the test"), self.timeout_s, self.waits.append
        )

    def ledger(self) -> Ledger:
        return Ledger.open(place_of(self.dataset))

    def push(self, ids: list[str] | None = None, batch: int = 4, **options: Any) -> Pushed:
        items = items_of(ids or self.ids, self.dataset, image_url=PLACE)
        options.setdefault("settle_s", 0.0)
        target = options.pop("target", Target("Night"))
        with self.client() as client, self.ledger() as ledger:
            return push(items, self.dataset, ledger, client, target, batch=batch, **options)

    def agrees(self) -> bool:
        """Whether every sample is there once, and the ledger has the right task of each."""
        with self.client() as client, self.ledger() as ledger:
            project = find_project(client, "Night")
            assert project is not None
            tasks = ledger.task_ids(TOOL, project.key)
            there = {task["data"]["sample_id"]: str(n) for n, task in self.server.tasks.items()}
            return (
                standing(ledger, client, project).agrees
                and tasks == there
                and self.server.samples() == sorted(self.ids)
            )

    def pending(self) -> list[str]:
        """The samples of which the ledger does not know whether they have arrived."""
        number = next(iter(self.server.projects))
        with self.ledger() as ledger:
            found = ledger.pending(TOOL, f"{self.server.url}/projects/{number}")
        return [name for one in found for name in one.sample_ids]

    def imports(self) -> int:
        return sum(
            path.partition("?")[0].endswith("/import") for _, path, _ in self.server.requests
        )


@pytest.fixture
def server() -> Iterator[Unruly]:
    with unruly.running() as running:
        yield running


@pytest.fixture
def bench(server: Unruly, tmp_path: Path) -> Bench:
    ids = names(N)
    return Bench(server, make(tmp_path / "data", ids), ids)


def importing(**what: Any) -> Mishap:
    return Mishap("POST", "/import", **what)


def test_a_good_day_first(bench: Bench) -> None:
    """10 samples by 4: three imports; again: nothing to do."""
    first, again = bench.push(), bench.push()
    assert (first.made, first.n_sent, first.n_before, first.n_found) == (True, N, 0, 0)
    assert (again.made, again.n_sent, again.n_before, again.n_found) == (False, 0, N, 0)
    assert bench.imports() == 3
    assert bench.agrees()
    task = bench.server.tasks[max(bench.server.tasks)]["data"]
    assert task["rank"] == N
    assert task["image"] == f"https://images.example.org/{bench.ids[-1]}"


def test_only_what_was_not_sent(bench: Bench) -> None:
    bench.push(bench.ids[:6])
    more = bench.push()
    assert (more.n_sent, more.n_before) == (4, 6)
    assert bench.agrees()


def test_a_dry_run_changes_nothing(bench: Bench) -> None:
    done = bench.push(dry_run=True)
    assert (done.project, done.n_sent) == (None, N)
    assert {method for method, _, _ in bench.server.requests} == {"GET"}
    bench.push(bench.ids[:6])
    bench.server.requests.clear()
    done = bench.push(dry_run=True)
    assert (done.n_sent, done.n_before) == (4, 6)
    assert {method for method, _, _ in bench.server.requests} == {"GET"}
    assert len(bench.server.tasks) == 6


LOST_ANSWERS: dict[str, Callable[[unruly.Handler, int, bytes], None]] = {
    "reset": unruly.done_then_reset,
    "cut": unruly.done_then_cut,
    "garbled": unruly.done_then_garbled,
    "500": unruly.done_then(500),
    "502": unruly.done_then(502),
}


@pytest.mark.parametrize("how", LOST_ANSWERS)
def test_tasks_that_arrived_unheard_are_not_sent_again(bench: Bench, how: str) -> None:
    bench.server.mishaps.append(importing(after=LOST_ANSWERS[how], skipped=1))
    done = bench.push()
    assert (done.n_sent, done.n_doubles, bench.imports()) == (N, 0, 3)
    assert bench.agrees()


NOT_DONE: dict[str, Callable[[unruly.Handler], bool]] = {
    "reset": unruly.resetting,
    "500": unruly.refusing(500),
    "502": unruly.refusing(502, b"<h1>Bad Gateway</h1>", Content_Type="text/html"),
    "503": unruly.refusing(503),
}


@pytest.mark.parametrize("how", NOT_DONE)
def test_tasks_that_did_not_arrive_are_sent_again(bench: Bench, how: str) -> None:
    bench.server.mishaps.append(importing(before=NOT_DONE[how], skipped=1))
    done = bench.push()
    assert (done.n_sent, bench.imports()) == (N, 4)
    assert bench.agrees()


@pytest.mark.parametrize("arrives", [True, False])
def test_a_server_that_hangs(bench: Bench, arrives: bool) -> None:
    bench.timeout_s = 2.0
    over = threading.Event()

    def late(handler: unruly.Handler, *_: Any) -> None:
        unruly.hanging(over)(handler)

    mishap = importing(after=late) if arrives else importing(before=unruly.hanging(over))
    bench.server.mishaps.append(mishap)
    try:
        assert bench.push().n_sent == N
    finally:
        over.set()
    assert bench.imports() == (3 if arrives else 4)
    assert bench.agrees()


def test_a_server_that_goes_on_failing_is_left(bench: Bench) -> None:
    """The second batch fails three times; the next push goes on behind the first."""
    bench.server.mishaps.append(importing(before=unruly.refusing(500), skipped=1, times=3))
    with pytest.raises(DataError) as caught:
        bench.push()
    number = next(iter(bench.server.projects))
    assert str(caught.value) == (
        f"{bench.server.url}: POST /api/projects/{number}/import: the server failed with 500; "
        "4 tasks were sent to 'Night', the same command goes on from there"
    )
    assert len(bench.server.tasks) == 4
    done = bench.push()
    assert (done.n_sent, done.n_before) == (6, 4)
    assert bench.agrees()


def test_a_server_that_goes_down_in_the_middle(tmp_path: Path) -> None:
    ids = names(N)
    dataset = make(tmp_path / "data", ids)
    with unruly.running() as server:
        bench = Bench(server, dataset, ids)

        def down(handler: unruly.Handler) -> bool:
            handler.server.socket.close()
            return unruly.resetting(handler)

        server.mishaps.append(importing(before=down, skipped=1))
        with pytest.raises(DataError, match=r"cannot be reached .*; 4 tasks were sent to 'Night'"):
            bench.push()
    assert bench.pending() == sorted(ids[4:8])


def test_a_server_that_is_down(bench: Bench) -> None:
    with unruly.silent_port() as bench.server.port, pytest.raises(DataError) as caught:
        bench.push()
    line = str(caught.value)
    assert line.startswith(f"{bench.server.url}: cannot be reached (")
    assert line.endswith("; is the server running?")
    assert bench.waits == [1, 2, 4, 8]


def test_questions_are_asked_again(bench: Bench) -> None:
    bench.server.mishaps += [
        Mishap("GET", "/api/projects", before=unruly.resetting),
        Mishap("GET", "/api/projects", after=unruly.done_then_cut),
        Mishap("GET", "/api/tasks", before=unruly.refusing(502)),
        Mishap("GET", "/api/tasks", after=unruly.done_then_garbled),
    ]
    assert bench.push().n_sent == N
    assert bench.agrees()
    assert bench.server.mishaps == []


def test_answers_that_stay_broken(bench: Bench) -> None:
    bench.server.mishaps.append(
        Mishap("GET", "/api/projects", after=unruly.done_then_garbled, times=99)
    )
    with pytest.raises(DataError) as caught:
        bench.push()
    assert str(caught.value) == f"{bench.server.url}: answers /api/projects with broken JSON"
    assert bench.waits == [1, 2, 4, 8]


# Too large, too many


def test_batches_shrink_until_they_fit(bench: Bench) -> None:
    """Two tasks fit, four do not: of nine, four are refused, then 2, 2, 2, 2, 1 are taken."""
    bench.push(bench.ids[:1])
    most = 2 * bench.server.sizes[0] + 400
    limited(bench.server, most)
    done = bench.push(batch=4)
    assert done.n_sent == N - 1
    assert len(bench.server.sizes) == 1 + 5
    assert max(bench.server.sizes) <= most
    assert bench.agrees()


def test_a_task_that_is_too_large_alone(bench: Bench) -> None:
    limited(bench.server, 10)
    done = bench.push()
    assert (done.n_sent, done.too_large) == (0, tuple(bench.ids))
    assert (bench.server.tasks, bench.pending()) == ({}, [])


@pytest.mark.parametrize("large", [(0,), (5,), (3, 4, 9)])
def test_a_task_that_is_too_large_is_left_out(bench: Bench, large: tuple[int, ...]) -> None:
    """The rest is sent, together again behind it; once the server takes it, so is that one."""
    too_large = tuple(bench.ids[i] for i in large)
    limited_to(bench.server, lambda body: not {*too_large} & {*samples_in(body)})
    done = bench.push(batch=8)
    assert (done.n_sent, done.too_large) == (N - len(large), too_large)
    assert bench.server.samples() == sorted({*bench.ids} - {*too_large})
    assert bench.pending() == []
    bench.server.mishaps.clear()
    done = bench.push()
    assert (done.n_sent, done.n_before, done.too_large) == (len(large), N - len(large), ())
    assert bench.agrees()


def test_parts_grow_again_behind_a_task_that_is_too_large(tmp_path: Path) -> None:
    """The first of 40: 32, 16, 8, 4, 2, 1 are refused, then 1, 2, 4, 8, 16 and 8 go out."""
    ids = names(40)
    with unruly.running() as server:
        bench = Bench(server, make(tmp_path / "data", ids), ids)
        limited_to(server, lambda body: ids[0] not in samples_in(body))
        assert bench.push(batch=32).n_sent == 39
        assert bench.imports() <= 6 + 7


def samples_in(body: bytes) -> list[str]:
    return [task["data"]["sample_id"] for task in json.loads(body)]


def limited(server: Unruly, most: int) -> None:
    """Refuse imports with more bytes, as a proxy does."""
    limited_to(server, lambda body: len(body) <= most)


def limited_to(server: Unruly, fits: Callable[[bytes], bool]) -> None:
    """Refuse imports that do not fit."""

    def refuse(handler: unruly.Handler) -> bool:
        if fits(handler.body):
            return False
        return unruly.refusing(413, b"<h1>Too Large</h1>", Content_Type="text/html")(handler)

    server.mishaps.append(importing(before=refuse, times=10_000))


def test_a_body_that_the_server_does_not_even_read(bench: Bench) -> None:
    """As nginx does: it answers 413 and hangs up while the body is still on its way."""
    with early_refusal() as port:
        bench.server.port = port
        with bench.client() as client, pytest.raises(DataError, match=r"413|broke off"):
            client.send("POST", "/api/projects/1/import", ["x" * 50_000_000])


def early_refusal() -> Any:
    import socket
    from contextlib import contextmanager

    @contextmanager
    def listening() -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as server:

            def serve() -> None:
                connection, _ = server.accept()
                with connection:
                    connection.recv(4096)
                    head = b"HTTP/1.1 413 Request Entity Too Large\r\nConnection: close\r\n"
                    connection.sendall(head + b"Content-Length: 0\r\n\r\n")
                    connection.shutdown(socket.SHUT_WR)

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            yield server.getsockname()[1]
            thread.join(60)

    return listening()


def test_too_many_requests(bench: Bench) -> None:
    bench.server.mishaps.append(importing(before=unruly.refusing(429, Retry_After="7"), times=2))
    assert bench.push().n_sent == N
    assert bench.waits == [7, 7]
    assert bench.agrees()


def test_a_wait_that_is_too_long(bench: Bench) -> None:
    bench.server.mishaps.append(importing(before=unruly.refusing(429, Retry_After="3600")))
    with pytest.raises(DataError, match="429, too many requests; try again later; 0 tasks"):
        bench.push()
    assert bench.waits == []
    assert bench.push().n_sent == N
    assert bench.agrees()


def test_a_refusal_says_what_the_server_says(bench: Bench) -> None:
    said = {
        "status_code": 400,
        "detail": "Validation error",
        "validation_errors": {"non_field_errors": ["Error at item 0: no image :: {'data': 1}"]},
    }
    bench.server.mishaps.append(importing(before=unruly.refusing(400, json.dumps(said).encode())))
    with pytest.raises(DataError) as caught:
        bench.push()
    assert bench.pending() == []
    assert "refused with 400: Validation error; Error at item 0: no image; 0 tasks" in str(
        caught.value
    )
    assert bench.push().n_sent == N


# Requests of somebody who is gone


def test_a_request_that_is_still_worked_on(bench: Bench) -> None:
    """The sender is cut off; the tasks come later, and the push waits for them."""
    late: list[Callable[[], None]] = []
    bench.server.mishaps.append(importing(before=unruly.done_later(late)))
    bench.waits = Waits(late)
    done = bench.push(settle_s=60.0)
    assert (done.n_sent, done.n_doubles, bench.imports()) == (N, 0, 3)
    assert late == []
    assert bench.agrees()


class Waits(list[float]):
    """During the second wait what is left for later is done."""

    def __init__(self, late: list[Callable[[], None]]) -> None:
        super().__init__()
        self.late = late

    def append(self, seconds: float) -> None:
        super().append(seconds)
        if len(self) == 2:
            self.late.pop()()


def test_what_comes_later_than_anybody_waits_is_removed(bench: Bench) -> None:
    """A batch comes after it was given up: its tasks are there twice. The newest go, but one has
    been annotated and one begun: those stay, and the ledger knows the one that counts."""
    bench.push()
    copies = [{"data": task["data"]} for task in bench.server.tasks.values()][:4]
    late = bench.server.add_tasks(next(iter(bench.server.projects)), copies)
    bench.server.annotate(late[1])
    bench.server.tasks[late[2]]["drafts"] = [{"id": 1}]
    done = bench.push()
    assert (done.n_sent, done.n_doubles, done.notes) == (0, 4, ())
    assert not {late[0], late[3]} & bench.server.tasks.keys()
    assert {late[1], late[2]} <= bench.server.tasks.keys()
    assert bench.agrees()


def test_doubles_are_found_though_other_tasks_are_gone(bench: Bench) -> None:
    """Two copies more and three tasks less: fewer tasks than samples that were sent."""
    bench.push()
    tasks = list(bench.server.tasks.values())
    copies = [{"data": task["data"]} for task in tasks[:2]]
    late = bench.server.add_tasks(tasks[0]["project"], copies)
    for task in tasks[-3:]:
        del bench.server.tasks[task["id"]]
    assert bench.push().n_doubles == 2
    assert not {*late} & bench.server.tasks.keys()
    assert bench.server.samples() == sorted(bench.ids[:-3])


def test_doubles_that_differ_stay(bench: Bench) -> None:
    bench.push()
    first = next(iter(bench.server.tasks.values()))
    other = {"data": {**first["data"], "image": "https://elsewhere/1.png"}}
    (added,) = bench.server.add_tasks(first["project"], [other])
    done = bench.push()
    sample = first["data"]["sample_id"]
    assert done.n_doubles == 0
    assert done.notes == (
        f"{sample!r} has 2 tasks that differ or were begun: {first['id']}, {added}",
    )


def test_both_were_worked_on(bench: Bench) -> None:
    bench.push()
    first = next(iter(bench.server.tasks.values()))
    (added,) = bench.server.add_tasks(first["project"], [{"data": first["data"]}])
    bench.server.annotate(added)
    bench.server.annotate(first["id"], was_cancelled=True)
    done = bench.push()
    assert done.n_doubles == 0
    assert done.notes[0].endswith(f"has 2 tasks that differ or were begun: {first['id']}, {added}")
    assert len(bench.server.tasks) == N + 1


def test_a_push_that_nobody_finished(bench: Bench) -> None:
    """As after kill -9: of one batch all tasks are there, of one some, of one none."""
    config = label_config(items_of(bench.ids, bench.dataset, image_url=PLACE).tasks)
    number = bench.server.add_project("Night", config)["id"]
    with bench.ledger() as ledger:
        for some in (bench.ids[:3], bench.ids[3:6], bench.ids[6:9]):
            ledger.begin_sending(TOOL, f"{bench.server.url}/projects/{number}", some)
    there = [{"data": {"sample_id": name}} for name in bench.ids[:4]]
    bench.server.add_tasks(number, there)
    done = bench.push()
    assert (done.n_found, done.n_sent, done.n_before) == (4, 6, 4)
    assert bench.agrees()


def test_a_ledger_that_is_gone(bench: Bench) -> None:
    """What is there already is taken over, not sent again."""
    bench.push(bench.ids[:7])
    Path(place_of(bench.dataset)).unlink()
    done = bench.push()
    assert (done.n_found, done.n_sent, done.n_before) == (7, 3, 0)
    assert bench.agrees()


def test_a_server_that_was_set_up_anew(bench: Bench) -> None:
    """The project has the same number and no task."""
    bench.push()
    bench.server.tasks.clear()
    done = bench.push()
    assert (done.n_sent, done.n_before) == (N, 0)
    assert done.notes[0].startswith(
        f"samples sent again, as the project has no task any more: {N}, first in"
    )
    assert bench.agrees()


def test_tasks_that_somebody_removed_stay_removed(bench: Bench) -> None:
    bench.push()
    gone = bench.server.tasks.pop(next(iter(bench.server.tasks)))["data"]["sample_id"]
    note = (
        "samples sent before whose tasks are gone; --resend-missing sends them again: 1, first in "
        f"{gone!r}"
    )
    for dry_run in (True, False):
        done = bench.push(dry_run=dry_run)
        assert (done.n_sent, done.n_before, done.notes) == (0, N, (note,))
    found = stands(bench)
    assert (found.missing, found.agrees) == ((gone,), False)


def test_tasks_that_somebody_removed_by_mistake(bench: Bench) -> None:
    """Three are gone, one of them not in the ranking: two are sent again, the third stays gone."""
    bench.push()
    for number in list(bench.server.tasks)[:3]:
        del bench.server.tasks[number]
    note = "samples sent again, as the project has no task of them any more: 2, first in "
    for dry_run in (True, False):
        done = bench.push(bench.ids[1:], resend_missing=True, dry_run=dry_run)
        assert (done.n_sent, done.n_before, done.n_doubles) == (2, N - 3, 0)
        assert done.notes == (f"{note}{bench.ids[1]!r}",)
    assert stands(bench).missing == (bench.ids[0],)
    assert bench.push(resend_missing=True).n_sent == 1
    assert bench.agrees()
    assert bench.push(resend_missing=True).notes == ()


def test_sending_again_that_breaks_off(bench: Bench) -> None:
    """The answer is lost: what arrived is found, and nothing is sent a third time."""
    bench.push()
    for number in list(bench.server.tasks)[:6]:
        del bench.server.tasks[number]
    bench.server.mishaps.append(importing(after=unruly.done_then_reset))
    done = bench.push(resend_missing=True)
    assert (done.n_sent, done.n_doubles) == (6, 0)
    assert bench.agrees()


def stands(bench: Bench) -> Standing:
    with bench.client() as client, bench.ledger() as ledger:
        project = find_project(client, "Night")
        assert project is not None
        return standing(ledger, client, project)


def test_what_is_open(bench: Bench) -> None:
    """Of 10: one gone, one annotated twice, one skipped, one skipped and annotated: 6 are open.

    A task of others, one that the ledger knows nothing of, and doubles of an open and of an
    annotated sample change nothing.
    """
    bench.push()
    assert stands(bench).n_open == N
    tasks = list(bench.server.tasks.values())
    del bench.server.tasks[tasks[0]["id"]]
    for number, skipped in ((1, False), (1, False), (2, True), (3, True), (3, False)):
        bench.server.annotate(tasks[number]["id"], was_cancelled=skipped)
    copies = [{"data": tasks[number]["data"]} for number in (1, 5)]
    others = [{"data": {"image": "https://x/1.png"}}, {"data": {"sample_id": "x", "image": "x"}}]
    bench.server.add_tasks(tasks[0]["project"], [*copies, *others])
    assert stands(bench).n_open == N - 4


def test_tasks_that_the_ledger_knows_nothing_of(bench: Bench) -> None:
    bench.push(bench.ids[:6])
    number = next(iter(bench.server.projects))
    strange = {"data": {"sample_id": bench.ids[7], "image": "https://elsewhere/7.png"}}
    bench.server.add_tasks(number, [strange, {"data": {"image": "https://elsewhere/8.png"}}])
    found = stands(bench)
    assert (found.unknown, found.n_foreign, found.agrees) == ((bench.ids[7],), 1, False)


def test_one_push_at_a_time(bench: Bench) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def wait(_: unruly.Handler) -> bool:
        inside.set()
        return not go_on.wait(120)

    bench.server.mishaps.append(importing(before=wait))
    first = threading.Thread(target=bench.push)
    first.start()
    assert inside.wait(120)
    with pytest.raises(DataError, match=r"process \d+ is pushing to http://127.0.0.1:\d+; let it"):
        bench.push()
    go_on.set()
    first.join()
    assert bench.agrees()


# Projects


def test_two_projects_of_one_name(bench: Bench) -> None:
    tasks = items_of(bench.ids, bench.dataset, image_url=PLACE).tasks
    one, two = (bench.server.add_project("Night", label_config(tasks))["id"] for _ in range(2))
    with pytest.raises(DataError) as caught:
        bench.push()
    assert str(caught.value) == (
        f"--project: {bench.server.url} has 2 projects called 'Night'; say which one with "
        f"--project-id: {one}, {two}"
    )
    assert bench.push(target=Target(number=two)).n_sent == N
    assert {task["project"] for task in bench.server.tasks.values()} == {two}


def test_a_project_that_was_half_made_does_not_count(bench: Bench) -> None:
    """A push was killed while it made the project, and the next one made another."""
    bench.push()
    tasks = items_of(bench.ids, bench.dataset, image_url=PLACE).tasks
    bench.server.add_project("Night", label_config(tasks), MADE_BY)
    assert bench.push().n_before == N


def test_a_project_that_was_made_unheard(bench: Bench) -> None:
    bench.server.mishaps.append(Mishap("POST", "/api/projects", after=unruly.done_then_reset))
    assert bench.push().n_sent == N
    assert len(bench.server.projects) == 1


def test_projects_come_in_pages(bench: Bench) -> None:
    tasks = items_of(bench.ids, bench.dataset, image_url=PLACE).tasks
    for i in range(230):
        bench.server.add_project(f"other {i}", label_config(tasks))
    bench.push()
    assert bench.push().n_before == N


def test_no_such_project(bench: Bench) -> None:
    with pytest.raises(DataError, match=r"^--project-id: http://127.0.0.1:\d+ has no project 9$"):
        bench.push(target=Target(number=9))
    with pytest.raises(ConfigError, match=r"^--project: say what the project is called"):
        Target()


def test_a_project_without_our_categories(bench: Bench) -> None:
    config = '<View><RectangleLabels name="det_boxes" toName="image"><Label value="car"/></RectangleLabels></View>'
    bench.server.add_project("Night", config)
    with pytest.raises(DataError) as caught:
        bench.push()
    assert str(caught.value) == (
        "project 'Night': 'det_boxes' of its labelling interface lacks 1 of 2 categories, first "
        "'Fußgänger <&>'; nothing was sent; add them there, or push to a new project"
    )
    assert bench.server.tasks == {}


def test_a_project_for_something_else(bench: Bench) -> None:
    config = '<View><Choices name="mood" toName="text"><Choice value="good"/></Choices></View>'
    bench.server.add_project("Night", config)
    with pytest.raises(DataError) as caught:
        bench.push()
    assert str(caught.value) == (
        "project 'Night': its labelling interface has no 'det_boxes' (rectanglelabels), it has "
        "mood (choices); nothing was sent; push to a new project, or add it there"
    )


# Strangers


def test_a_redirect_is_not_followed(bench: Bench) -> None:
    with unruly.running() as other:
        there = f"{other.url}/api/projects?token=x"
        bench.server.mishaps.append(
            Mishap("GET", "/api/projects", before=unruly.refusing(302, Location=there), times=99)
        )
        with pytest.raises(DataError) as caught:
            bench.push()
        assert other.requests == []
    assert str(caught.value) == (
        f"{bench.server.url}: redirects /api/projects to {other.url}/api/projects, where the token "
        "was not sent; if that is the server, give it as --url"
    )
    assert address_of(f"{other.url}/api/projects") == other.url


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("/user/login/?next=/api", "{here}/user/login/"),
        ("https://me:s3cret@x.org:8443/ls/?t=1#a", "https://x.org:8443/ls/"),
        ("", "{here}/api/projects"),
    ],
)
def test_where_a_redirect_leads(bench: Bench, location: str, told: str) -> None:
    away = unruly.refusing(307, Location=location)
    bench.server.mishaps.append(Mishap("GET", "/api/projects", before=away))
    with pytest.raises(DataError) as caught:
        bench.push()
    there = told.format(here=bench.server.url)
    assert f": redirects /api/projects to {there}, where the token was not" in str(caught.value)


def test_a_page_to_log_in(bench: Bench) -> None:
    page = unruly.refusing(200, b"<html>Log in</html>", Content_Type="text/html; charset=utf-8")
    bench.server.mishaps.append(Mishap("GET", "/api", before=page, times=99))
    with pytest.raises(DataError) as caught:
        bench.push()
    assert str(caught.value) == (
        f"{bench.server.url}: answers /api/projects with a web page, not with JSON; is that the "
        "address of Label Studio, and no page to log in before it?"
    )


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"results": 3, "count": 1}', b'"hello"', b"7"])
def test_something_else_that_speaks_json(bench: Bench, body: bytes) -> None:
    bench.server.mishaps.append(
        Mishap("GET", "/api/projects", before=unruly.refusing(200, body), times=99)
    )
    with pytest.raises(DataError, match=r"/api/projects does not answer as Label Studio does$"):
        bench.push()


# Connections that cannot be encrypted


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that nobody trusts."""
    place = tmp_path_factory.mktemp("tls") / "server.pem"
    words = (
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout {place} -out {place}.crt"
    )
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    subprocess.run(words.split(), capture_output=True, check=True)
    place.write_bytes(place.read_bytes() + Path(f"{place}.crt").read_bytes())
    return place


def asked(address: str, waits: list[float]) -> Any:
    with Client(address, Token(TOKEN, "the test"), 5.0, waits.append) as client:
        return find_project(client, "Night")


def test_a_certificate_that_nobody_trusts(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused at once, and taken where the environment names it."""
    waits: list[float] = []
    with unruly.running(certificate) as server:
        with pytest.raises(DataError) as caught:
            asked(server.url, waits)
        assert str(caught.value) == (
            f"{server.url}: its certificate is not trusted (self-signed certificate); if an "
            "authority of your own has signed it, name the file of that authority in SSL_CERT_FILE"
        )
        assert waits == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert asked(server.url, waits) is None
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.none")
        with pytest.raises(ConfigError) as refused:
            asked(server.url, waits)
    assert str(refused.value) == (
        f"SSL_CERT_FILE={certificate}.none: cannot be loaded (No such file or directory)"
    )


def test_https_where_there_is_none(server: Unruly) -> None:
    waits: list[float] = []
    address = server.url.replace("http:", "https:")
    with pytest.raises(DataError) as caught:
        asked(address, waits)
    assert (
        str(caught.value) == f"{address}: does not answer in TLS; write http:// instead of https://"
    )
    assert waits == []


def test_http_where_there_is_tls() -> None:
    """An alert of TLS, as the server cannot read the question."""
    waits: list[float] = []
    alert = bytes([0x15, 3, 1, 0, 2, 2, 0x16])
    with answering(alert) as port, pytest.raises(DataError) as caught:
        asked(f"http://127.0.0.1:{port}", waits)
    assert str(caught.value) == (
        f"http://127.0.0.1:{port}: does not answer in plain HTTP; write https:// instead of http://"
    )
    assert waits == []


@pytest.mark.parametrize(
    "page",
    [
        "The plain HTTP request was sent to HTTPS port",
        "Reason: You're speaking plain HTTP to an SSL-enabled server port.",
    ],
)
def test_http_where_a_proxy_wants_tls(bench: Bench, page: str) -> None:
    """As nginx and Apache do."""
    refusal = unruly.refusing(400, f"<h1>{page}</h1>".encode(), Content_Type="text/html")
    bench.server.mishaps.append(Mishap("GET", "/api", before=refusal))
    with pytest.raises(DataError, match=r"plain HTTP; write https:// instead of http://$"):
        asked(bench.server.url, bench.waits)
    assert bench.waits == []


def test_a_server_that_hangs_up_while_tls_begins(bench: Bench) -> None:
    """That may be a proxy that has just been started: it is asked again."""
    with answering(b"") as port, pytest.raises(DataError, match="cannot be reached") as caught:
        asked(f"https://127.0.0.1:{port}", bench.waits)
    assert str(caught.value).endswith("is the server running?")
    assert bench.waits == [1, 2, 4, 8]


@contextmanager
def answering(content: bytes) -> Iterator[int]:
    """Answer every connection with the same bytes, and hang up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(content)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(60)


# Tokens


def test_a_wrong_token_is_not_shown(bench: Bench) -> None:
    """The server even repeats it in its answer."""
    bench.token = "f" * 40
    with pytest.raises(DataError) as caught:
        bench.push()
    assert str(caught.value) == (
        f"{bench.server.url}: GET /api/projects: 401, does not take the token of the test: "
        "Invalid token. Token ***"
    )
    assert bench.waits == []


def test_not_allowed(bench: Bench) -> None:
    said = b'{"detail": "You do not have permission."}'
    bench.server.mishaps.append(importing(before=unruly.refusing(403, said)))
    with pytest.raises(DataError, match="403, not allowed with the test: You do not have perm"):
        bench.push()
    assert bench.push().n_sent == N


def test_a_personal_token_asks_for_others(bench: Bench) -> None:
    """Access that runs out in the middle is renewed, and nothing is sent twice."""
    bench.token, bench.server.accepted = PERSONAL, set()
    bench.server.access = (f"access-{i}" for i in itertools.count())

    def run_out(handler: unruly.Handler) -> bool:
        handler.unruly.accepted = set()
        return False

    bench.server.mishaps += [
        importing(before=run_out, skipped=1),
        Mishap("POST", "/token/refresh", before=unruly.resetting),
    ]
    assert bench.push().n_sent == N
    told = {
        authorization for _, path, authorization in bench.server.requests if "refresh" not in path
    }
    assert told == {"Bearer access-0", "Bearer access-1"}
    assert {a for _, path, a in bench.server.requests if "refresh" in path} == {""}
    assert bench.agrees()


def test_a_personal_token_that_was_revoked(bench: Bench) -> None:
    bench.token = PERSONAL
    with pytest.raises(DataError) as caught:
        bench.push()
    assert str(caught.value) == (
        f"{bench.server.url}: POST /api/token/refresh: 401, does not take the token of the test: "
        "Token is invalid or expired"
    )


def test_access_that_is_refused_at_once_is_asked_for_once_more_only(bench: Bench) -> None:
    bench.token = PERSONAL
    bench.server.access = (f"access-{i}" for i in itertools.count())
    bench.server.mishaps.append(Mishap("GET", "/api", before=unruly.refusing(401), times=99))
    with pytest.raises(DataError, match=r"401, does not take the token of the test$"):
        bench.push()
    assert sum("refresh" in path for _, path, _ in bench.server.requests) == 2


# Files of the server's


def push_files(bench: Bench) -> Pushed:
    items = items_of(bench.ids, bench.dataset)
    files = LocalFiles(Path(bench.dataset.source.where))
    with bench.client() as client, bench.ledger() as ledger:
        return push(items, bench.dataset, ledger, client, Target("Night"), files=files)


def test_local_files_get_a_storage(bench: Bench) -> None:
    push_files(bench)
    push_files(bench)
    data = Path(bench.dataset.source.where).resolve()
    (storage,) = bench.server.storages
    assert sum("/data/local-files" in path for _, path, _ in bench.server.requests) == 1
    assert (storage["path"], storage["use_blob_urls"]) == (str(data), True)
    images = {t["data"]["sample_id"]: t["data"]["image"] for t in bench.server.tasks.values()}
    assert images["a/b c#%&<1>'.png"] == (
        "/data/local-files/?d=data/a/b%20c%23%25%26%3C1%3E%27.png"
    )


def test_a_server_that_gives_out_no_files(bench: Bench) -> None:
    said = {"detail": "Serving local files is disabled"}
    bench.server.mishaps.append(
        Mishap("POST", "storages", before=unruly.refusing(400, json.dumps(said).encode()))
    )
    root = Path(bench.dataset.source.where).resolve().parent
    with pytest.raises(DataError) as caught:
        push_files(bench)
    assert str(caught.value) == (
        f"{bench.server.url}: POST /api/storages/localfiles: refused with 400: Serving local files "
        "is disabled; to give out files it has to be started with "
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and "
        f"LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={root}, or give --image-url; 0 tasks were sent to "
        "'Night', the same command goes on from there"
    )


def test_a_server_that_does_not_see_the_files(bench: Bench) -> None:
    bench.server.mishaps.append(
        Mishap("GET", "/data/local-files", before=unruly.refusing(404), times=9)
    )
    with pytest.raises(
        DataError, match=r"does not give out /data/local-files/\?d=data/%C3%BC/.*404"
    ):
        push_files(bench)
    assert bench.server.tasks == {}


def test_folders_of_the_server(tmp_path: Path) -> None:
    data = tmp_path / "x" / "set"
    data.mkdir(parents=True)
    image = str(data / "a" / "1.png")
    assert LocalFiles(data).folder(image) == str(data)
    other = LocalFiles.of(f"{tmp_path}=/label-studio/files", data)
    assert other.folder(image) == "/label-studio/files/x/set"
    assert other.address(image) == "/data/local-files/?d=x/set/a/1.png"
    assert LocalFiles(data, data).folder(image) == str(data / "a")
    with pytest.raises(DataError, match="lies in the document root itself, which Label Studio"):
        LocalFiles(data, data).folder(str(data / "1.png"))
    with pytest.raises(DataError, match="does not lie below the document root"):
        LocalFiles(data).address("/elsewhere/1.png")
    with pytest.raises(ConfigError, match=r"^--local-files: '/not/there' is no folder"):
        LocalFiles.of("/not/there", data)


def test_samples_without_images(bench: Bench) -> None:
    """Some: they are left out. All: there is nothing to send."""
    data = Path(bench.dataset.source.where)
    for name in bench.ids[:4]:
        (data / name).unlink()
    bench.dataset = open_dataset(data)
    done = push_files(bench)
    assert done.n_sent == N - 4
    assert done.notes[0] == (
        f"samples left out as nobody knows where their image is: 4, first in {bench.ids[0]!r}"
    )
    bench.server.tasks.clear()
    for name in bench.ids[4:]:
        (data / name).unlink()
    bench.dataset = open_dataset(data)
    with pytest.raises(DataError, match=r"^ids: nobody knows where the images of its 10 samples"):
        push_files(bench)


# Pulling


def box(category: str = "car") -> dict[str, Any]:
    return {
        "type": "rectanglelabels", "from_name": "det_boxes", "to_name": "image",
        "original_width": 40, "original_height": 20,
        "value": {"x": 10, "y": 10, "width": 25, "height": 40, "rotation": 0,
                  "rectanglelabels": [category]},
    }  # fmt: skip


def pulled(bench: Bench, **options: Any) -> Any:
    with bench.client() as client, bench.ledger() as ledger:
        project = find_project(client, "Night")
        assert project is not None
        return pull(ledger, client, project, bench.dataset, **options)


def held(bench: Bench) -> dict[str, Any]:
    with bench.ledger() as ledger:
        return {label.sample_id: label for label in ledger.labels()}


def test_what_was_labelled_comes_once(bench: Bench) -> None:
    """x 10 % of 40, y 10 % of 20, width 25 % of 40, height 40 % of 20."""
    bench.push()
    first, second, *_ = bench.server.tasks
    bench.server.annotate(first, [box()])
    found = pulled(bench)
    assert (found.n_tasks, found.labels.new, found.mismatches) == (1, 1, ())
    (shape,) = held(bench)[bench.ids[0]].shapes
    assert (shape.category, shape.box) == ("car", (4.0, 2.0, 10.0, 8.0))
    bench.server.annotate(second, [])
    found = pulled(bench)
    assert (found.labels.new, found.labels.replaced) == (1, 0)
    assert held(bench)[bench.ids[1]].shapes == ()


def test_a_pull_asks_for_what_changed(bench: Bench) -> None:
    """Ten minutes before the last pull; what changed earlier is not even listed."""
    bench.push()
    old, new, *_ = bench.server.tasks
    bench.server.annotate(old, [box()])
    bench.server._moments += 3600
    bench.server.annotate(new, [box()])
    assert pulled(bench).n_tasks == 2
    assert pulled(bench).n_tasks == 1
    assert pulled(bench, again=True).n_tasks == N


def test_a_change_from_the_future_hides_none_of_the_present(bench: Bench) -> None:
    """A server that stamps some changes with its local time, two hours ahead."""
    bench.push()
    first, second, *_ = bench.server.tasks
    now = datetime.now(timezone.utc)
    bench.server.annotate(first, [box()])
    bench.server.tasks[first]["updated_at"] = stamp(now + timedelta(hours=2))
    pulled(bench)
    bench.server.annotate(second, [box()], updated_at=stamp(now))
    bench.server.tasks[second]["updated_at"] = stamp(now)
    assert pulled(bench).labels.new == 1


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_corrections_take_the_place_of_what_was_there(bench: Bench) -> None:
    bench.push()
    first = next(iter(bench.server.tasks))
    bench.server.annotate(first, [box()])
    pulled(bench)
    task = bench.server.tasks[first]
    task["annotations"][0]["result"] = [box("Fußgänger <&>")]
    task["updated_at"] = task["annotations"][0]["updated_at"] = bench.server.moment()
    found = pulled(bench)
    assert (found.labels.new, found.labels.replaced) == (0, 1)
    assert held(bench)[bench.ids[0]].shapes[0].category == "Fußgänger <&>"


def test_annotations_that_were_deleted(bench: Bench) -> None:
    """All of them: the label goes. The newest of two: the older one counts again."""
    bench.push()
    first, second, *_ = bench.server.tasks
    for number in (first, second):
        bench.server.annotate(number, [box()])
    bench.server.annotate(second, [])
    pulled(bench)
    for number in (first, second):
        bench.server.tasks[number]["annotations"].pop()
        bench.server.tasks[number]["updated_at"] = bench.server.moment()
    found = pulled(bench)
    assert found.n_deleted == 1
    labels = held(bench)
    assert bench.ids[0] not in labels
    assert len(labels[bench.ids[1]].shapes) == 1


def test_what_nobody_says_any_more_goes(bench: Bench) -> None:
    """A class that was chosen and then not, beside a box that stays."""
    bench.push()
    (project,) = bench.server.projects.values()
    project["parsed_label_config"]["mood"] = {"type": "Choices", "labels": ["good"]}
    first = next(iter(bench.server.tasks))
    mood = {"type": "choices", "from_name": "mood", "value": {"choices": ["good"]}}
    bench.server.annotate(first, [box(), mood])
    pulled(bench)
    with bench.ledger() as ledger:
        assert sorted(label.kind for label in ledger.labels()) == ["classes", "objects"]
    task = bench.server.tasks[first]
    task["annotations"][0]["result"] = [box()]
    task["updated_at"] = task["annotations"][0]["updated_at"] = bench.server.moment()
    pulled(bench)
    with bench.ledger() as ledger:
        assert [label.kind for label in ledger.labels()] == ["objects"]


def test_labels_are_exchanged_at_once(bench: Bench) -> None:
    """The older of two annotations counts again, and the database refuses it: the newer stays."""
    bench.push()
    first = next(iter(bench.server.tasks))
    bench.server.annotate(first, [box()])
    bench.server.annotate(first, [])
    pulled(bench)
    before = held(bench)
    bench.server.tasks[first]["annotations"].pop()
    bench.server.tasks[first]["updated_at"] = bench.server.moment()
    with closing(sqlite3.connect(place_of(bench.dataset))) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON labels BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        with pytest.raises(DataError, match="full"):
            pulled(bench)
        assert held(bench) == before
        database.execute("DROP TRIGGER full")
    assert pulled(bench).labels.new == 1
    assert len(held(bench)[bench.ids[0]].shapes) == 1


def test_tasks_come_in_pages(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selectlab.label_studio.listing.PAGE", 3)
    monkeypatch.setattr("selectlab.label_studio.listing.WHOLE_PAGE", 4)
    bench.push()
    assert bench.agrees()
    for number in bench.server.tasks:
        bench.server.annotate(number, [box()])
    assert pulled(bench).labels.new == N
    Path(place_of(bench.dataset)).unlink()
    assert bench.push().n_found == N


def test_labels_of_others_are_listed(bench: Bench) -> None:
    bench.push()
    number = next(iter(bench.server.projects))
    names = [
        {"image": "https://x/cat.jpg"},
        {"sample_id": "gone.png", "image": "https://x/gone.png"},
    ]
    for task in bench.server.add_tasks(number, [{"data": data} for data in names]):
        bench.server.annotate(task, [box()])
    found = pulled(bench)
    assert found.labels.new == 0
    where = f"{bench.server.url}/projects/{number} task"
    assert [str(one).partition(":")[0] for one in found.mismatches] == ["http"] * 2
    assert [one.name for one in found.mismatches] == ["cat.jpg", "gone.png"]
    assert all(one.where.startswith(where) for one in found.mismatches)


def test_categories_that_changed_since(bench: Bench) -> None:
    bench.push()
    (project,) = bench.server.projects.values()
    project["parsed_label_config"]["det_boxes"]["labels"] = ["car", "tram", "bike"]
    bench.server.annotate(next(iter(bench.server.tasks)), [box("tram")])
    found = pulled(bench)
    assert found.labels.new == 1
    assert found.notes == (
        "'det_boxes' of project 'Night' has categories that the dataset lacks: 'bike', 'tram'",
        "'det_boxes' of project 'Night' lacks categories of the dataset: 'Fußgänger <&>'",
    )


def test_a_pull_that_breaks_off_is_made_up_for(bench: Bench) -> None:
    bench.push()
    for number in bench.server.tasks:
        bench.server.annotate(number, [box()])
    bench.server.mishaps.append(Mishap("GET", "fields=all", before=unruly.refusing(500), times=99))
    with pytest.raises(DataError, match=r"the server failed with 500$"):
        pulled(bench)
    bench.server.mishaps.clear()
    assert pulled(bench).labels.new == N


# Waiting


def waiting(bench: Bench, events: Sequence[Callable[[], None]]) -> tuple[list[str], list[float]]:
    """Wait until none is open; after each look, something happens."""
    lines: list[str] = []
    waits: list[float] = []
    coming = iter(events)

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if seconds == 60:
            next(coming)()

    token = Token(bench.token, "the test")
    with bench.ledger() as ledger, Client(bench.server.url, token, 5.0, pause) as client:
        project = find_project(client, "Night")
        assert project is not None
        Patience(client, 60, lines.append).until_none_is_open(ledger, project)
    assert next(coming, None) is None
    return lines, waits


def test_waiting_until_none_is_open(bench: Bench) -> None:
    """10 open; nothing happens; one is removed and eight annotated; the last one is skipped."""
    bench.push()
    first, *some, last = bench.server.tasks
    key = f"{bench.server.url}/projects/{next(iter(bench.server.projects))}"

    def most() -> None:
        del bench.server.tasks[first]
        for number in some:
            bench.server.annotate(number)

    events = [
        lambda: None,
        most,
        lambda: None,
        lambda: bench.server.annotate(last, was_cancelled=True),
    ]
    lines, waits = waiting(bench, events)
    assert lines == [
        f"10 tasks are open; label them at {key}",
        f"1 task is open; label it at {key}",
    ]
    assert waits == [60] * 4


def test_waiting_for_a_server_that_is_down(bench: Bench) -> None:
    """Two looks in vain are one line; when it is back, so is the number."""
    bench.push()
    tasks = list(bench.server.tasks)
    down = Mishap("GET", "/api", before=unruly.refusing(503), times=10)
    later = Mishap("GET", "/api", before=unruly.refusing(429, Retry_After="100"))

    def all_done() -> None:
        for number in tasks:
            bench.server.annotate(number)

    events = [
        lambda: bench.server.mishaps.append(down),
        lambda: None,
        lambda: None,
        lambda: bench.server.mishaps.append(later),
        all_done,
    ]
    lines, waits = waiting(bench, events)
    assert [line.partition(";")[0].rpartition(": ")[2] for line in lines] == [
        "10 tasks are open",
        "the server failed with 503",
        "10 tasks are open",
        "429, too many requests",
        "10 tasks are open",
    ]
    assert lines[1].endswith("the server failed with 503; looking again every 60 s")
    assert waits == [60, *SHORT, 60, *SHORT, 60, 60, 100, 60]


@pytest.mark.parametrize("refused", ["token", "project"])
def test_waiting_ends_where_nothing_can_come(bench: Bench, refused: str) -> None:
    bench.push()
    number = next(iter(bench.server.projects))

    def happens() -> None:
        if refused == "token":
            bench.server.accepted = set()
        else:
            bench.server.projects.clear()

    with pytest.raises(DataError) as caught:
        waiting(bench, [happens])
    said = {
        "token": f"GET /api/projects/{number}: 401, does not take the token of the test: Invalid "
        "token. Token ***",
        "project": f"project 'Night', number {number}, is not there any more",
    }
    assert str(caught.value) == f"{bench.server.url}: {said[refused]}"


# From the command line


def run(bench: Bench, *words: str, environment: dict[str, str] | None = None) -> Any:
    told = {"SELECTLAB_LABEL_STUDIO_TOKEN": bench.token, **(environment or {})}
    command = ["label-studio", *words, "--data", bench.dataset.source.where]
    return CliRunner().invoke(app, [*command, "--url", bench.server.url], env=told)


def test_the_commands(bench: Bench, tmp_path: Path) -> None:
    chosen = tmp_path / "todo.txt"
    chosen.write_text("".join(f"{name}\n" for name in bench.ids), encoding="utf-8")
    words = ("push", str(chosen), "--project", "Night", "--image-url", PLACE)
    dry = run(bench, *words, "--dry-run")
    assert dry.output == "10 tasks would be sent: project 'Night', which would be made\n"
    sent = run(bench, *words)
    number = next(iter(bench.server.projects))
    key = f"{bench.server.url}/projects/{number}"
    assert sent.output == f"10 tasks sent: new project 'Night', {key}\n"
    again = run(bench, *words, "--json")
    assert json.loads(again.stdout)["sent_before"] == N
    bench.server.annotate(next(iter(bench.server.tasks)), [box()])
    status = run(bench, "status", "--project", "Night", "--json")
    told = json.loads(status.stdout)
    assert (status.exit_code, told["sent"], told["annotated"], told["agrees"]) == (0, 10, 1, True)
    assert told["open"] == 9
    fetched = run(bench, "pull", "--project-id", str(number))
    assert fetched.output == ("1 label new, 0 replaced: 1 task looked at in project 'Night'\n")
    bench.server.tasks.popitem()
    status = run(bench, "status", "--project", "Night")
    assert status.exit_code == 1
    assert re.search(r"^open +8 *$", status.output, re.MULTILINE)
    assert f"sent, but no longer there: 1\n  {bench.ids[-1]}\n" in status.output


def chosen_in(bench: Bench, folder: Path) -> str:
    chosen = folder / "todo.txt"
    chosen.write_text("".join(f"{name}\n" for name in bench.ids), encoding="utf-8")
    return str(chosen)


def test_a_push_that_leaves_out_what_is_too_large_says_so(bench: Bench, tmp_path: Path) -> None:
    limited_to(bench.server, lambda body: bench.ids[3] not in samples_in(body))
    words = ("push", chosen_in(bench, tmp_path), "--project", "Night", "--image-url", PLACE)
    done = run(bench, *words)
    key = f"{bench.server.url}/projects/{next(iter(bench.server.projects))}"
    assert done.output == (
        f"9 tasks sent: new project 'Night', {key}\n"
        f"too large for the server, not sent: 1\n  {bench.ids[3]}\n"
    )
    assert str(done.exception) == (
        f"{key}: 1 task too large (413), not sent: {bench.ids[3]!r}; let the server or the proxy "
        "before it take larger requests (client_max_body_size of nginx), or send fewer predictions "
        "(--min-score); then push again"
    )
    assert isinstance(done.exception, DataError)
    told = json.loads(run(bench, *words, "--json").stdout)
    assert (told["sent_before"], told["too_large"]) == (9, [bench.ids[3]])


def test_sending_again_from_the_command_line(bench: Bench, tmp_path: Path) -> None:
    bench.push()
    bench.server.tasks.popitem()
    words = ("push", chosen_in(bench, tmp_path), "--project", "Night", "--image-url", PLACE)
    assert json.loads(run(bench, *words, "--json").stdout)["sent"] == 0
    assert json.loads(run(bench, *words, "--json", "--resend-missing").stdout)["sent"] == 1
    assert bench.agrees()


def test_a_push_is_called_sending(bench: Bench) -> None:
    names_seen = set()
    with watched() as progress:

        def look(_: unruly.Handler) -> bool:
            names_seen.add(progress.now.name)
            return False

        bench.server.mishaps.append(importing(before=look, times=99))
        items = items_of(bench.ids, bench.dataset, image_url=PLACE, doing="sending")
        with bench.client() as client, bench.ledger() as ledger:
            push(items, bench.dataset, ledger, client, Target("Night"), batch=4, settle_s=0.0)
    assert "sending" in names_seen
    assert "exporting" not in names_seen


def test_a_pull_waits(bench: Bench) -> None:
    """All is labelled before the second look."""
    bench.push()

    def work(_: unruly.Handler) -> bool:
        for number in bench.server.tasks:
            bench.server.annotate(number, [box()])
        return False

    bench.server.mishaps.append(Mishap("GET", "/api/tasks", before=work, skipped=1))
    done = run(bench, "pull", "--project", "Night", "--wait", "1")
    assert done.exit_code == 0, done.exception
    key = f"{bench.server.url}/projects/{next(iter(bench.server.projects))}"
    assert done.stderr == f"10 tasks are open; label them at {key}\n"
    assert done.stdout == "10 labels new, 0 replaced: 10 tasks looked at in project 'Night'\n"


def test_a_pull_that_waits_is_interrupted(bench: Bench) -> None:
    """Ctrl-C during the wait, in a process of its own: one line, and 130."""
    bench.push()
    words = [
        sys.executable, "-m", "selectlab", "label-studio", "pull", "--project", "Night", "--wait",
        "60", "--data", bench.dataset.source.where, "--url", bench.server.url,
    ]  # fmt: skip
    environment = {**os.environ, "SELECTLAB_LABEL_STUDIO_TOKEN": TOKEN}
    process = subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("10 tasks are open; label them at http://")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    line = "interrupted while waiting for labels; the same command makes up for it\n"
    assert (process.returncode, out, err) == (130, "", line)


def test_no_secret_is_left_anywhere(bench: Bench, tmp_path: Path) -> None:
    """Neither in what is printed nor in any file below the dataset, the ledger included."""
    chosen = tmp_path / "todo.txt"
    chosen.write_text("".join(f"{name}\n" for name in bench.ids), encoding="utf-8")
    said = json.dumps({"detail": f"no Token {TOKEN} here"}).encode()
    bench.server.mishaps += [
        importing(before=unruly.refusing(400, said), skipped=1),
        importing(before=unruly.refusing(403, said), skipped=1),
        Mishap("GET", "fields=all", before=unruly.refusing(401, said)),
    ]
    words = ("push", str(chosen), "--project", "Night", "--image-url", PLACE, "--batch", "4")
    outputs = []
    commands = [
        words,
        words,
        words,
        ("status", "--project", "Night"),
        ("pull", "--project", "Night"),
    ]
    for command in commands:
        done = run(bench, *command)
        outputs.append(f"{done.output}{done.exception!r}")
    assert bench.server.mishaps == []
    assert sum("no Token *** here" in line for line in outputs) == 3
    assert TOKEN not in "".join(outputs)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path


def test_commands_refuse_in_a_line(bench: Bench) -> None:
    none = run(bench, "pull", "--project", "Night")
    assert str(none.exception) == f"--project: {bench.server.url} has no project 'Night'"
    both = run(bench, "push", "x", "--project", "N", "--image-url", PLACE, "--local-files", "/")
    assert str(both.exception) == "--image-url and --local-files: give one of them"
    nobody = run(bench, "status", environment={"SELECTLAB_LABEL_STUDIO_TOKEN": ""})
    assert str(nobody.exception).startswith(f"{bench.server.url}: no token; put it into the env")


def test_missing_things_are_told_apart(bench: Bench) -> None:
    with bench.client() as client, pytest.raises(NotThereError, match="404, not there: Not found"):
        client.get("/api/projects/1")
