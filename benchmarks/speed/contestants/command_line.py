"""selectlab's command line, one process."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

NAME = "selectlab select"
WHAT = "selectlab select on a parquet dataset, one process"
REQUIREMENTS: tuple[str, ...] = ()
PACKAGES = ("selectlab", "numpy", "pyarrow")
PROGRAM = (sys.executable, "-c", "from selectlab.cli import main; main()")


def command_line(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    return selected(parameters, ())


def selected(parameters: dict[str, Any], options: Sequence[str]) -> Any:
    """Return the rows that a command selects; ids are row numbers."""
    with tempfile.TemporaryDirectory(prefix="selectlab-speed-") as folder:
        out = Path(folder) / "out"
        words = ["select", parameters["config"], "--data", parameters["dataset"], "--out", str(out)]
        done = subprocess.run([*PROGRAM, *words, *options], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[-500:])
        return np.array((out / "selection.txt").read_text(encoding="utf-8").split(), dtype=np.int64)
