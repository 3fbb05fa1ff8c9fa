"""Virtual environments of other people's programs, so that none of them meets another."""

from __future__ import annotations

import fcntl
import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class EnvironmentFailedError(Exception):
    """An environment could not be made; the message says why in a line."""


def python_of(name: str, requirements: Sequence[str], folder: Path) -> Path:
    """Return the Python of an environment that holds ``requirements``, made if it is not there.

    Args:
        name: What it is for.
        requirements: Pinned, such as ``numpy==2.4.6``.
        folder: Where environments lie; other requirements or another Python make another one.

    Raises:
        EnvironmentFailedError: pip could not install them.
    """
    words = " ".join([platform.python_version(), *requirements])
    home = folder / f"{name}-{hashlib.sha256(words.encode()).hexdigest()[:10]}"
    ready, python = home / ".ready", home / "bin" / "python"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            shutil.rmtree(home, ignore_errors=True)
            _call(name, [sys.executable, "-m", "venv", "--without-pip", str(home)])
            pip = [sys.executable, "-m", "pip", "--python", str(python)]
            _call(name, [*pip, "install", "--quiet", *requirements])
            ready.write_text(words + "\n", encoding="utf-8")
    return python


def _call(name: str, command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise EnvironmentFailedError(f"environment of {name}: {lines[-1]}")
