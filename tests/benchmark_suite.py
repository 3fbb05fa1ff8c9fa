"""The benchmark suite as its tests run it: here, or as a copy that has one case, ``coins``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def command(root: Path, *words: object, check: bool = True, **extra: str) -> Any:
    """Run ``python -m benchmarks`` in a repository."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, words)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "300", "SELECTLAB_DATA": "", **extra},
    )
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done


def suite_in(tmp_path: Path) -> Command:
    """Make a copy of the suite in a folder, with ``data`` beside it."""
    root = tmp_path / "copy"
    left_out = shutil.ignore_patterns("results", "README.md", "plots", "__pycache__")
    shutil.copytree(ROOT / "benchmarks", root / "benchmarks", ignore=left_out)
    for path in (root / "benchmarks" / "cases").glob("[!_]*.py"):
        path.unlink()
    shutil.copy(ROOT / "tests" / "coins.py", root / "benchmarks" / "cases")
    (tmp_path / "data").mkdir()

    def run(*words: object, check: bool = True, **orders: Any) -> Any:
        told = {"COINS": json.dumps(orders), "XDG_CACHE_HOME": str(tmp_path / "cache")}
        told |= {"OMP_NUM_THREADS": "3"}  # workers have one, whatever is said here
        told |= {"PYTHONPATH": str(ROOT)}  # selectlab, after what lies in the folder itself
        return command(root, *words, check=check, **told)

    return run


def small_coins(suite: Command, tmp_path: Path, *words: object, **told: Any) -> Any:
    """Run the case and return its result, or the process where ``check`` is false."""
    given = ["--data", tmp_path / "data", "--out", tmp_path / "out", *words]
    done = suite("run", "coins", "--size", "small", *given, **told)
    if told.get("check") is False:
        return done
    return json.loads((tmp_path / "out" / "coins.json").read_text())
