"""The real Label Studio for tests: on loopback, from a virtual environment of its own.

The environment (1 GB) is made once and kept in the user's cache; so is a database in which one
user has a token, since the first start takes half a minute. ``SELECTLAB_LABEL_STUDIO`` names an
environment that is there already.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.environments import EnvironmentFailedError, python_of

VERSION = "1.23.2"
USER, PASSWORD = "tester@example.org", "not-a-secret"
TOKEN = "c0ffee" * 6 + "beef"
START_S = 240


@dataclass
class Server:
    """A running server.

    Attributes:
        url: Its address.
        root: Its document root: files below it can be given out.
        token: A legacy token of its only user.
        process: What runs it.
    """

    url: str
    root: Path
    token: str
    process: subprocess.Popen[bytes]

    def ask(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """Ask the server itself, past everything that is tested."""
        with httpx.Client(headers={"Authorization": f"Token {self.token}"}, timeout=60) as http:
            answer = http.request(method, f"{self.url}{path}", json=body, params=params)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def tasks(self, project: int) -> list[dict[str, Any]]:
        """All tasks of a project, with everything."""
        query: dict[str, Any] = {"project": project, "fields": "all", "page_size": 10_000}
        found: list[dict[str, Any]] = self.ask("GET", "/api/tasks", **query)["tasks"]
        return found

    def annotate(self, task: int, result: list[dict[str, Any]], **more: Any) -> int:
        """Annotate a task as the browser does, and return what the annotation is called."""
        body = {"result": result, **more}
        made: int = self.ask("POST", f"/api/tasks/{task}/annotations/", body)["id"]
        return made


@contextmanager
def running() -> Iterator[Server]:
    """Start a server; skips the test where Label Studio cannot be had."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selectlab-tests"
    program = _program(cache)
    with tempfile.TemporaryDirectory(prefix="label-studio-") as name:
        folder = Path(name)
        _fill(program, cache, folder / "data")
        with _started(program, folder) as server:
            yield server


def _program(cache: Path) -> Path:
    given = os.environ.get("SELECTLAB_LABEL_STUDIO")
    if given:
        return Path(given) / "bin" / "label-studio"
    try:
        python = python_of("label-studio", [f"label-studio=={VERSION}"], cache)
    except (EnvironmentFailedError, OSError) as error:
        pytest.skip(f"no Label Studio: {error}")
    return python.with_name("label-studio")


def _fill(program: Path, cache: Path, data: Path) -> None:
    """Begin with a database that has a user; the first time it is made."""
    kept = cache / f"label-studio-data-{VERSION}"
    if not kept.exists():
        with tempfile.TemporaryDirectory(prefix=".label-studio-", dir=_made(cache)) as name:
            folder = Path(name)
            (folder / "data").mkdir()
            with _started(program, folder):
                pass
            if not kept.exists():
                (folder / "data").rename(kept)
    shutil.copytree(kept, data)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _started(program: Path, folder: Path) -> Iterator[Server]:
    root = _made(folder / "root")
    port = _free_port()
    environment = {
        **{key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
        "DJANGO_DB": "sqlite",
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder / "data"),
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(root.resolve()),
        "LABEL_STUDIO_USERNAME": USER,
        "LABEL_STUDIO_PASSWORD": PASSWORD,
        "LABEL_STUDIO_USER_TOKEN": TOKEN,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LATEST_VERSION_CHECK": "0",
        "COLLECT_ANALYTICS": "0",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "FEATURE_FLAGS_OFFLINE": "1",
    }
    words = [program, "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            words, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, process, folder / "log")
            yield Server(url, root.resolve(), TOKEN, process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
    while True:
        try:
            if httpx.get(f"{url}/health", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        said = log.read_text(encoding="utf-8", errors="replace")
        assert process.poll() is None, f"the server did not start:\n{said[-3000:]}"
        assert time.monotonic() < end, f"the server takes too long:\n{said[-3000:]}"
        time.sleep(0.25)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
