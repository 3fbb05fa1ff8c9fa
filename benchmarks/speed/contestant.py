"""Contestants seen from the runner: which there are, and a process of one."""

from __future__ import annotations

import importlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType, TracebackType
from typing import IO, Any

from benchmarks.environments import EnvironmentFailedError, python_of
from benchmarks.speed.task import Problem

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
_PATIENCE_S = 600.0
_POLL_S = 0.02


class FailedError(Exception):
    """A contestant could not answer; the message says why."""


class TooSlowError(FailedError):
    """A contestant was stopped."""


@dataclass(frozen=True)
class Contestant:
    """A program that races.

    Attributes:
        key: Name of its file.
        module: Its file, whose functions say which tasks it takes part in.
    """

    key: str
    module: ModuleType

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return str(self.module.NAME)

    @property
    def separate(self) -> bool:
        """Whether it lives in an environment of its own."""
        return bool(self.module.REQUIREMENTS)

    def takes_part_in(self, task: str) -> bool:
        """Return whether it has an answer to a task."""
        return hasattr(self.module, task)

    def start(self, environments: Path) -> Process:
        """Start a process of it.

        Args:
            environments: Folder of the peers' virtual environments; made if it is not there.

        Raises:
            FailedError: Its environment cannot be made, or it cannot run here.
        """
        python = Path(sys.executable)
        if self.separate:
            try:
                python = python_of(self.key, self.module.REQUIREMENTS, environments)
            except EnvironmentFailedError as error:
                raise FailedError(str(error)) from None
        return Process(self, python)


@cache
def contestants() -> dict[str, Contestant]:
    """Return all contestants by name of their file."""
    names = sorted(p.stem for p in (HERE / "contestants").glob("*.py") if p.stem != "__init__")
    return {
        name: Contestant(name, importlib.import_module(f"benchmarks.speed.contestants.{name}"))
        for name in names
    }


class Process:
    """A warm process of a contestant, with arrays loaded between calls."""

    def __init__(self, contestant: Contestant, python: Path) -> None:
        environment = dict(os.environ)
        if not contestant.separate:
            environment["PYTHONPATH"] = os.pathsep.join(
                [str(ROOT), *filter(None, [environment.get("PYTHONPATH")])]
            )
        self._errors = tempfile.TemporaryFile(  # noqa: SIM115 - closed with the process
            "w+", encoding="utf-8", errors="replace"
        )
        self._process = subprocess.Popen(
            [python, HERE / "child.py", str(contestant.module.__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment,
        )
        self.anonymous_bytes = 0
        self.about: dict[str, Any] = {}

    def __enter__(self) -> Process:
        try:
            self.about = self._ask(_PATIENCE_S, do="about")
            if self.about["unavailable"]:
                raise FailedError(self.about["unavailable"])
        except FailedError:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def load(self, problem: Problem) -> None:
        """Read the arrays of a problem into memory."""
        files = {name: str(path) for name, path in problem.files.items()}
        self._ask(
            _PATIENCE_S, do="load", task=problem.task, files=files, parameters=problem.parameters
        )

    def run(self, answer: Path, patience_s: float) -> dict[str, Any]:
        """Make one timed call; the answer is saved to a file.

        Raises:
            TooSlowError: It took longer than ``patience_s``; the process is gone then.
            FailedError: It raised or died.
        """
        return self._ask(patience_s, do="run", answer=str(answer))

    def _ask(self, patience_s: float, **command: Any) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps(command) + "\n")
            stdin.flush()
            line = self._line(stdout, patience_s)
        except BrokenPipeError:
            line = ""
        if not line:
            raise FailedError(f"its process ended: {self._last_words()}")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise FailedError(reply["error"])
        return reply

    def _line(self, stdout: IO[str], patience_s: float) -> str:
        """Wait for a reply, and watch the memory meanwhile."""
        deadline = time.monotonic() + patience_s
        while not select.select([stdout], [], [], _POLL_S)[0]:
            self.anonymous_bytes = max(self.anonymous_bytes, _anonymous(self._process.pid))
            if time.monotonic() > deadline:
                self._process.kill()
                raise TooSlowError(f"stopped after {patience_s:.0f} s")
        return stdout.readline()

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors if line.strip()]
        return lines[-1][:300] if lines else f"exit code {self._process.wait(10)}"

    def _stop(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()


def _anonymous(pid: int) -> int:
    """Return the memory of a process that is no file's; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0
