"""The published engine at work, and the two kinds of problems it is known to get wrong."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import peers
from benchmarks.contracts.joint_problems import Entry, JointProblem
from benchmarks.environments import python_of
from benchmarks.speed.contestants.mundig import REQUIREMENTS

SCALE = 2.0**-40


def picks_of_engine(environments: Path, problems: Sequence[JointProblem]) -> list[list[int]]:
    """Return what the published engine picks, in an environment of its own.

    Raises:
        EnvironmentFailedError: It could not be installed.
    """
    python = python_of("mundig", REQUIREMENTS, environments)
    script = Path(peers.__file__).parent / "mundig_picks.py"
    with tempfile.TemporaryDirectory(prefix="parity-") as name:
        folder = Path(name)
        asked = json.dumps([problem.plain() for problem in problems])
        (folder / "problems.json").write_text(asked, encoding="utf-8")
        subprocess.run([python, script, folder], check=True, capture_output=True, text=True)
        found: list[list[int]] = json.loads((folder / "picks.json").read_text(encoding="utf-8"))
    return found


def rescaled(rng: np.random.Generator) -> tuple[JointProblem, JointProblem]:
    """Return a problem of DIVERSITY and WEIGHTS, and the same with tiny weights."""
    n = 40
    vectors = rng.normal(size=(n, 4)).astype(np.float32).astype(np.float64)
    weights = rng.uniform(0.1, 1, n).astype(np.float32).astype(np.float64)
    entries = [Entry("DIVERSITY", 1.0), Entry("WEIGHTS", 1.0, values=weights)]
    one = JointProblem(vectors, vectors, np.arange(n), [0], [0], 10, entries)
    tiny = [entries[0], replace(entries[1], values=weights * SCALE)]
    return one, replace(one, entries=tiny)


def problem_of_one() -> JointProblem:
    """Return a problem whose target wants one class only, which every third sample has."""
    n = 12
    counts = np.eye(4)[[0, 1, 2] * 4]
    target = np.array([1.0, 0.0])
    strategy = {"distribution": "TARGET", "target": {"a": 1.0}}
    entry = Entry("BALANCE", 1.0, False, counts, "metadata", strategy, target)
    vectors = np.arange(n, dtype=np.float64)[:, None]
    return JointProblem(vectors, vectors, np.arange(n), [0], [], 4, [entry])
