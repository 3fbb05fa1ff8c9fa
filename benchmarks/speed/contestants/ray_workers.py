"""selectlab's command line with four Ray workers."""

from __future__ import annotations

import importlib.util
import subprocess
from typing import Any

NAME = "selectlab --engine ray"
WHAT = "selectlab select --engine ray on the same dataset, shards on one machine"
REQUIREMENTS: tuple[str, ...] = ()
PACKAGES = ("selectlab", "ray", "numpy", "pyarrow")


def unavailable() -> str | None:
    """Return why it cannot run here, if it cannot."""
    if importlib.util.find_spec("ray") is None:
        return "ray is not installed"
    from benchmarks.speed.contestants.command_line import PROGRAM

    done = subprocess.run([*PROGRAM, "select", "--help"], capture_output=True, text=True)
    return None if "--engine" in done.stdout else "selectlab select has no --engine"


def command_line(arrays: dict[str, Any], parameters: dict[str, Any]) -> Any:
    from benchmarks.speed.contestants.command_line import selected

    return selected(parameters, ["--engine", "ray", "--workers", str(parameters["workers"])])
