"""A Python that has a tool which is too large to be installed beside selectlab."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest


def python_with(module: str) -> str:
    """Return the Python that has a module: this one, or the one that the environment names."""
    variable = f"SELECTLAB_{module.upper()}_PYTHON"
    if find_spec(module) is not None:
        return sys.executable
    if variable not in os.environ:
        pytest.skip(f"{module} is not installed; name a Python that has it in {variable}")
    return os.environ[variable]


def told_by(python: str, program: str, *arguments: str, **environment: str) -> str:
    """Run a program and return what it prints."""
    done = subprocess.run(
        [python, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
