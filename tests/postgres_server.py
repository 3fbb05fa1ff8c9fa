"""A real PostgreSQL server for tests: started in a temporary folder, on loopback, and stopped."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

START_S = 240
PASSWORD = "s3cret:pa/ss"
QUOTED = "s3cret%3Apa%2Fss"
"""The same in a URL."""


@dataclass
class Server:
    """A running server; every database it is asked for is a new one."""

    port: int
    names: Iterator[int] = field(default_factory=itertools.count)

    def database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"campaigns{next(self.names)}"
        with self.connected("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def url(self, name: str, password: str = QUOTED) -> str:
        return f"postgresql://team:{password}@127.0.0.1:{self.port}/{name}"

    def connected(self, name: str) -> Any:
        return psycopg.connect(self.url(name), autocommit=True)


def binaries() -> Path | None:
    """The folder of PostgreSQL's programs: that on the path, or Debian's newest."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((p.parent for p in debian), key=lambda p: float(p.parent.name), default=None)


@contextmanager
def running() -> Iterator[Server]:
    """Start a server; skips the test where PostgreSQL is not installed."""
    programs = binaries()
    if programs is None:
        pytest.skip("no PostgreSQL server: neither initdb on the path nor /usr/lib/postgresql")
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        who = _user(Path(folder))
        secret = Path(folder) / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        data = f"{folder}/data"
        made = [programs / "initdb", "-D", data, "-U", "team", "-A", "scram-sha-256"]
        subprocess.run(
            [*made, "-E", "UTF8", "--locale=C", f"--pwfile={secret}", "--no-sync"],
            **who,
            check=True,
            capture_output=True,
        )
        with (Path(folder) / "log").open("wb") as log:
            server, process = _started(programs, folder, {**who, "stdout": log, "stderr": log})
            try:
                yield server
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(START_S)


def _started(
    programs: Path, folder: str, how: dict[str, Any]
) -> tuple[Server, subprocess.Popen[bytes]]:
    """Start the server; on another port if somebody took the one that was free a moment ago."""
    for _ in range(5):
        server = Server(_free_port())
        options = ["listen_addresses=127.0.0.1", f"port={server.port}", "fsync=off"]
        options += [f"unix_socket_directories={folder}"]
        words = [word for option in options for word in ("-c", option)]
        process = subprocess.Popen([programs / "postgres", "-D", f"{folder}/data", *words], **how)
        if _answers(server, process):
            return server, process
    raise AssertionError("the server did not start")


def _user(folder: Path) -> dict[str, Any]:
    """Who runs the server: it refuses to be root, so root hands the folder to somebody else."""
    if os.geteuid() != 0:
        return {"cwd": folder}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, user.pw_uid, user.pw_gid)
        return {"cwd": folder, "user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    pytest.skip("no PostgreSQL server: it refuses to run as root, and there is nobody else")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _answers(server: Server, process: subprocess.Popen[bytes]) -> bool:
    """Wait until the server answers, and return whether it does."""
    end = time.monotonic() + START_S
    while process.poll() is None:
        try:
            with server.connected("postgres"):
                return True
        except psycopg.OperationalError:
            if time.monotonic() > end:
                process.kill()
                raise
        time.sleep(0.05)
    return False
