"""A Label Studio that is down, slow, wrong or dishonest: no task is lost and none is doubled.

The server is a small one on loopback, whose mishaps happen on the wire. The real one is in
``test_label_studio_live.py``.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
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
    Pushed,
    Target,
    Token,
    find_project,
    pull,
    push,
    standing,
)
from selectlab.label_studio.client import NotThereError
from selectlab.label_studio.projects import MADE_BY
from selectlab.rounds.ledger import Ledger, place_of

N = 10
PLACE = "https://images.example.org/{id}"
TOOL = "label-studio"


@dataclass
class Bench:
    """A dataset, its ledger and a server to send it to."""

    server: Unruly
    dataset: Dataset
    ids: list[str]
    waits: list[float] = field(default_factory=list)
    token: str = TOKEN
    timeout_s: float = 5.0

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
    bench.timeout_s = 0.5

    def late(handler: unruly.Handler, *_: Any) -> None:
        unruly.hanging(1.0)(handler)

    mishap = importing(after=late) if arrives else importing(before=unruly.hanging(1.0))
    bench.server.mishaps.append(mishap)
    assert bench.push().n_sent == N
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
    bench.server.port = unruly.free_port()
    with pytest.raises(DataError) as caught:
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
    with pytest.raises(DataError) as caught:
        bench.push()
    number = next(iter(bench.server.projects))
    assert str(caught.value) == (
        f"{bench.server.url}: POST /api/projects/{number}/import: 413, too large; "
        f"{bench.ids[0]!r} alone is too much; 0 tasks were sent to 'Night', the same command goes "
        "on from there"
    )
    assert bench.server.tasks == {}


def limited(server: Unruly, most: int) -> None:
    """Refuse imports with more bytes, as a proxy does."""

    def refuse(handler: unruly.Handler) -> bool:
        if len(handler.body) <= most:
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
            thread.join(5)

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
    """The sender is cut off; the tasks come 0.4 s later, and the push waits for them."""
    bench.server.mishaps.append(importing(before=unruly.done_later(0.4)))
    bench.waits = Slept()
    done = bench.push(settle_s=2.0)
    assert (done.n_sent, done.n_doubles, bench.imports()) == (N, 0, 3)
    assert bench.agrees()


class Slept(list[float]):
    """Waits that are waited for."""

    def append(self, seconds: float) -> None:
        threading.Event().wait(seconds)
        super().append(seconds)


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
    assert bench.push().n_sent == 0
    with bench.client() as client, bench.ledger() as ledger:
        project = find_project(client, "Night")
        assert project is not None
        found = standing(ledger, client, project)
    assert (found.missing, found.agrees) == ((gone,), False)


def test_tasks_that_the_ledger_knows_nothing_of(bench: Bench) -> None:
    bench.push(bench.ids[:6])
    number = next(iter(bench.server.projects))
    strange = {"data": {"sample_id": bench.ids[7], "image": "https://elsewhere/7.png"}}
    bench.server.add_tasks(number, [strange, {"data": {"image": "https://elsewhere/8.png"}}])
    with bench.client() as client, bench.ledger() as ledger:
        project = find_project(client, "Night")
        assert project is not None
        found = standing(ledger, client, project)
    assert (found.unknown, found.n_foreign, found.agrees) == ((bench.ids[7],), 1, False)


def test_one_push_at_a_time(bench: Bench) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def wait(_: unruly.Handler) -> bool:
        inside.set()
        return not go_on.wait(10)

    bench.server.mishaps.append(importing(before=wait))
    first = threading.Thread(target=bench.push)
    first.start()
    assert inside.wait(10)
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
        f"{bench.server.url}: redirects /api/projects to http://127.0.0.1, where the token was not "
        "sent; if that is the server, give it as --url"
    )


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
    fetched = run(bench, "pull", "--project-id", str(number))
    assert fetched.output == ("1 label new, 0 replaced: 1 task looked at in project 'Night'\n")
    bench.server.tasks.popitem()
    status = run(bench, "status", "--project", "Night")
    assert status.exit_code == 1
    assert f"sent, but no longer there: 1\n  {bench.ids[-1]}\n" in status.output


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
