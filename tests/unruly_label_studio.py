"""A small HTTP server on loopback that answers like Label Studio, and misbehaves when told to.

What it is told (:class:`Mishap`) happens on the wire: connections are cut, answers truncated,
delayed or replaced. What it keeps (projects, tasks) is there to be looked at.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

TOKEN = "0123456789abcdef0123456789abcdef01234567"
PERSONAL = "eyJhbGciOiJIUzI1NiJ9.eyJ0eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl"
START = datetime(2020, 5, 1, 12, 0, tzinfo=timezone.utc)


@dataclass
class Mishap:
    """One thing that goes wrong.

    Attributes:
        method: Of the requests that it happens to.
        path: A part of their path.
        before: Happens before anything is done; ``True`` if the request ends here.
        after: Happens instead of the answer, once everything is done.
        times: How often it happens.
        skipped: Let so many such requests pass first.
    """

    method: str
    path: str
    before: Callable[[Handler], bool] | None = None
    after: Callable[[Handler, int, bytes], None] | None = None
    times: int = 1
    skipped: int = 0


@dataclass
class Unruly:
    """What the server keeps, and what is to go wrong."""

    port: int = 0
    scheme: str = "http"
    projects: dict[int, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    storages: list[dict[str, Any]] = field(default_factory=list)
    mishaps: list[Mishap] = field(default_factory=list)
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    accepted: set[str] = field(default_factory=lambda: {f"Token {TOKEN}"})
    access: Iterator[str] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    _numbers: int = 100
    _moments: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    def moment(self) -> str:
        self._moments += 1
        return (START + timedelta(seconds=self._moments)).isoformat().replace("+00:00", "Z")

    def add_project(self, title: str, config: str, description: str = "") -> dict[str, Any]:
        parsed = {}
        for tag in ElementTree.fromstring(config).iter():
            if "toName" in tag.attrib:
                labels = [child.attrib["value"] for child in tag]
                parsed[tag.attrib["name"]] = {"type": tag.tag, "labels": labels}
        made = {
            "id": self.number(),
            "title": title,
            "description": description,
            "parsed_label_config": parsed,
        }
        self.projects[made["id"]] = made
        return made

    def add_tasks(self, project: int, given: list[dict[str, Any]]) -> list[int]:
        made = []
        for one in given:
            task = {"id": self.number(), "project": project, "annotations": [], "drafts": [], **one}
            task["updated_at"] = self.moment()
            self.tasks[task["id"]] = task
            made.append(task["id"])
        return made

    def samples(self) -> list[str]:
        """The samples of all tasks, as often as they have one."""
        with self.lock:
            return sorted(task["data"]["sample_id"] for task in self.tasks.values())

    def annotate(self, number: int, result: Any = (), **more: Any) -> None:
        task = self.tasks[number]
        when = self.moment()
        annotation = {"id": self.number(), "result": list(result), "updated_at": when, **more}
        task["annotations"].append(annotation)
        task["updated_at"] = when


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    unruly: Unruly

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        self.unruly.requests.append(
            (self.command, self.path, self.headers.get("Authorization", ""))
        )
        mishap = self._mishap()
        if mishap is not None and mishap.before is not None and mishap.before(self):
            return
        with self.unruly.lock:
            status, content = self._answer()
        body = b"" if content is None else json.dumps(content).encode()
        if mishap is not None and mishap.after is not None:
            mishap.after(self, status, body)
        else:
            self.reply(status, body)

    do_GET = do_POST = do_DELETE = handle_any

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        headers.setdefault("Content-Type", "application/json")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        """Cut the connection, as a server that is killed does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def _mishap(self) -> Mishap | None:
        with self.unruly.lock:
            for mishap in self.unruly.mishaps:
                if mishap.method == self.command and mishap.path in self.path:
                    if mishap.skipped:
                        mishap.skipped -= 1
                        continue
                    mishap.times -= 1
                    if not mishap.times:
                        self.unruly.mishaps.remove(mishap)
                    return mishap
        return None

    def _answer(self) -> tuple[int, Any]:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        words = parts.path.strip("/").split("/")
        if words == ["api", "token", "refresh"]:
            if json.loads(self.body) != {"refresh": PERSONAL} or self.unruly.access is None:
                return 401, {"detail": "Token is invalid or expired"}
            access = next(self.unruly.access)
            self.unruly.accepted = {f"Bearer {access}"}
            return 200, {"access": access}
        if self.headers.get("Authorization") not in self.unruly.accepted:
            return 401, {"detail": f"Invalid token. {self.headers.get('Authorization')}"}
        match self.command, *words:
            case "GET", "api", "projects":
                return self._projects(query)
            case "POST", "api", "projects":
                read = json.loads(self.body)
                made = self.unruly.add_project(
                    read["title"], read["label_config"], read["description"]
                )
                return 201, made
            case "GET", "api", "projects", number if int(number) in self.unruly.projects:
                return 200, self.unruly.projects[int(number)]
            case "POST", "api", "projects", number, "import":
                self.unruly.sizes.append(len(self.body))
                made = self.unruly.add_tasks(int(number), json.loads(self.body))
                return 201, {"task_count": len(made), "task_ids": made}
            case "GET", "api", "tasks":
                return self._tasks(query)
            case "DELETE", "api", "tasks", number if int(number) in self.unruly.tasks:
                del self.unruly.tasks[int(number)]
                return 204, None
            case "GET", "api", "storages", "localfiles":
                return 200, self.unruly.storages
            case "POST", "api", "storages", "localfiles":
                self.unruly.storages.append(json.loads(self.body))
                return 201, self.unruly.storages[-1]
            case "GET", "data", "local-files":
                return (200, {}) if self.unruly.storages else (404, {})
        return 404, {"detail": "Not found."}

    def _projects(self, query: dict[str, str]) -> tuple[int, Any]:
        size, page = int(query["page_size"]), int(query["page"])
        found = []
        for project in self.unruly.projects.values():
            n = sum(task["project"] == project["id"] for task in self.unruly.tasks.values())
            found.append({**project, "task_number": n})
        rows = found[(page - 1) * size : page * size]
        return 200, {"count": len(found), "results": rows}

    def _tasks(self, query: dict[str, str]) -> tuple[int, Any]:
        read = json.loads(query.get("query", "{}"))
        found = [t for t in self.unruly.tasks.values() if t["project"] == int(query["project"])]
        for item in read.get("filters", {}).get("items", []):
            found = [task for task in found if _holds(task, item)]
        for column in read.get("ordering", []):
            name = column.removeprefix("-").removeprefix("tasks:")
            found.sort(key=lambda task: task[name], reverse=column.startswith("-"))
        rows = []
        for task in found[: int(query["page_size"])]:
            cancelled = sum(bool(one.get("was_cancelled")) for one in task["annotations"])
            rows.append(
                {
                    **task,
                    "total_annotations": len(task["annotations"]) - cancelled,
                    "cancelled_annotations": cancelled,
                }
            )
        return 200, {"total": len(found), "tasks": rows}


def _holds(task: dict[str, Any], item: dict[str, Any]) -> bool:
    name, operator, value = (
        item["filter"].removeprefix("filter:tasks:"),
        item["operator"],
        item["value"],
    )
    if name == "total_annotations":
        held: Any = len(task["annotations"])
    else:
        held = task[name]
    return bool(held == value if operator == "equal" else held > value)


@contextmanager
def running(certificate: Path | None = None) -> Iterator[Unruly]:
    """Start a server on a free port, and stop it.

    Args:
        certificate: File with a key and its certificate, for one that speaks TLS.
    """
    unruly = Unruly()
    handler = type("Here", (Handler,), {"unruly": unruly})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    unruly.port = server.server_address[1]
    if certificate is not None:
        unruly.scheme, context = "https", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield unruly
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def silent_port() -> Iterator[int]:
    """A port at which nobody listens, and nobody else can: it is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def refusing(status: int, body: bytes = b"{}", **headers: str) -> Callable[[Handler], bool]:
    """Answer like this and do nothing."""

    def refuse(handler: Handler) -> bool:
        handler.reply(status, body, **headers)
        return True

    return refuse


def resetting(handler: Handler) -> bool:
    """Cut the connection and do nothing."""
    handler.reset()
    return True


def hanging(over: threading.Event) -> Callable[[Handler], bool]:
    """Say nothing until it is over, do nothing, and hang up."""

    def hang(handler: Handler) -> bool:
        over.wait(120)
        handler.close_connection = True
        return True

    return hang


def done_then(status: int) -> Callable[[Handler, int, bytes], None]:
    """Do it, and say that it failed."""
    return lambda handler, _, __: handler.reply(
        status, b"<h1>Bad Gateway</h1>", Content_Type="text/html"
    )


def done_then_reset(handler: Handler, _: int, __: bytes) -> None:
    """Do it, and cut the connection."""
    handler.reset()


def done_then_cut(handler: Handler, status: int, body: bytes) -> None:
    """Do it, and end in the middle of the answer."""
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def done_then_garbled(handler: Handler, status: int, body: bytes) -> None:
    """Do it, and answer with half of the JSON as if that were all."""
    handler.reply(status, body[: len(body) // 2])


def done_later(late: list[Callable[[], None]]) -> Callable[[Handler], bool]:
    """Cut the connection, and leave what is to be done for later.

    As a server does whose client was killed.
    """

    def later(handler: Handler) -> bool:
        project, given = int(handler.path.split("/")[3]), json.loads(handler.body)

        def arrive() -> None:
            with handler.unruly.lock:
                handler.unruly.add_tasks(project, given)

        late.append(arrive)
        handler.reset()
        return True

    return later
