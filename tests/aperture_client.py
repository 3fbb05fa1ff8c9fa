"""The real ApertureDB client for tests, unmodified, in an environment of its own.

It does not go with a protobuf as new as ours, so its packages come before those of the tests. Most
of what it asks for, near a gigabyte, is for notebooks and clouds, and is left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aperture_peer import PASSWORD

from benchmarks.environments import EnvironmentFailedError, python_of

NEWEST, OLDEST = "0.5.3", "0.4.61"
"""The lowest version of the extra, and the newest at hand; in between conditions got new words."""
_BESIDE = (
    *("cloudpickle==3.1.2", "dask==2026.8.0", "distributed==2026.8.0", "graphviz==0.20.2"),
    *("importlib_metadata==8.7.0", "keepalive-socket==0.0.1", "locket==1.0.0", "msgpack==1.2.4"),
    *("partd==1.4.2", "protobuf==6.33.6", "psutil==7.2.2", "python-dotenv==1.2.4"),
    *("sortedcontainers==2.4.0", "tblib==3.2.2", "toolz==1.2.0", "tornado==6.6.1"),
    *("tqdm==4.70.1", "zict==3.0.0", "zipp==3.23.0"),
)
_OURS = "import os, site, sys; site.addsitedir(sys.argv.pop(1)); "
"""The packages of the tests come last."""
_SERVE = """
import contextlib, io, json, traceback
import selectlab.cli

def run(words, more):
    before, out, err = dict(os.environ), io.StringIO(), io.StringIO()
    os.environ.update(more)
    sys.argv = ['selectlab', *words]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            selectlab.cli.main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        except BaseException:
            code = 1
            traceback.print_exc()
    os.environ.clear()
    os.environ.update(before)
    return {'code': code, 'out': out.getvalue(), 'err': err.getvalue()}

def evaluate(program, given):
    scope = {'given': given}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(program, scope)
    return scope['found']

for line in sys.stdin:
    name, *words = json.loads(line)
    print(json.dumps({'run': run, 'evaluate': evaluate}[name](*words)), file=sys.__stdout__, flush=True)
"""


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        """Its JSON."""
        assert self.code in (0, 2), self
        return json.loads(self.out)


@dataclass
class Client:
    """A Python with the client in it, which waits for things to do.

    Attributes:
        python: Its program.
        home: The folder it is in, and the user's home.
    """

    python: Path
    home: Path
    process: subprocess.Popen[str]

    def selectlab(self, *words: object, **environment: str) -> Done:
        """Run a command line."""
        done = Done(**self._ask("run", [str(word) for word in words], environment))
        assert PASSWORD not in done.out + done.err
        return done

    def evaluate(self, program: str, given: Any = None) -> Any:
        """Run a program that makes ``found`` out of ``given``; both are JSON."""
        return self._ask("evaluate", program, given)

    def _ask(self, *what: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the Python with the client has died"
        return json.loads(line)

    def start(self, *words: object, first: str = "", **environment: str) -> subprocess.Popen[str]:
        """Start a command line in a process of its own, with a folder of packages before others."""
        before = f"sys.path.insert(0, {first!r}); " if first else ""
        program = f"{_OURS}{before}from selectlab.cli import main; main()"
        return subprocess.Popen(
            [str(self.python), "-c", program, _site(), *map(str, words)],
            cwd=self.home,
            env={**_environment(self.home), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def _site() -> str:
    return sysconfig.get_path("purelib")


def _environment(home: Path) -> Mapping[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("APERTUREDB")}
    return {**kept, "HOME": str(home), "OMP_NUM_THREADS": "1"}


def site_of(name: str, *requirements: str) -> str:
    """The packages of an environment with these; skips the test where they cannot be had."""
    try:
        python = python_of(name, ["--no-deps", *requirements], _cache())
    except (EnvironmentFailedError, OSError) as error:
        pytest.skip(f"no {name}: {error}")
    (found,) = python.parent.parent.glob("lib/*/site-packages")
    return str(found)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selectlab-tests"


@contextmanager
def running(version: str = NEWEST) -> Iterator[Client]:
    """Start a Python with the client; skips the test where it cannot be installed."""
    wanted = ["--no-deps", f"aperturedb=={version}", *_BESIDE]
    try:
        python = python_of("aperturedb", wanted, _cache())
    except (EnvironmentFailedError, OSError) as error:
        pytest.skip(f"no ApertureDB client: {error}")
    with tempfile.TemporaryDirectory(prefix="aperturedb-") as name:
        home = Path(name)
        process = subprocess.Popen(
            [str(python), "-c", _OURS + _SERVE, _site()],
            cwd=home,
            env=_environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            yield Client(python, home, process)
            assert process.stdin is not None
            process.stdin.close()
