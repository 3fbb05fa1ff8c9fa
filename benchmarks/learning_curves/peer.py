"""scikit-activeml's loop, in an environment of its own; only its picks come back."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.environments import EnvironmentFailedError, python_of
from benchmarks.learning_curves.pools import Pool
from benchmarks.outside_data import NoDataError
from benchmarks.speed.contestants.activeml import REQUIREMENTS

NAME = "scikit-activeml"
LOOP = Path(__file__).resolve().parents[1] / "peers" / "activeml_loop.py"
PATIENCE_S = 900.0


class PeerFailedError(Exception):
    """The peer's loop did not end well; the message says how, in a line."""


def orders(
    pool: Pool,
    budgets: Sequence[int],
    start: Sequence[int],
    seed: int,
    methods: Sequence[str],
    environments: Path,
) -> dict[str, list[int]]:
    """Return the rows that each method of the peer labels, in order.

    Args:
        pool: What is labelled.
        budgets: Numbers of labels after each round.
        start: Rows that methods which need a model have labelled at first, the first budget.
        seed: Of everything the peer draws.
        methods: Names as in ``selectlab.simulate.methods()``.
        environments: Folder of the peers' environments.

    Raises:
        PeerFailedError: The loop failed.
        NoDataError: Its environment could not be made.
    """
    try:
        python = python_of("activeml", REQUIREMENTS, environments)
    except EnvironmentFailedError as error:
        raise NoDataError(str(error)) from None
    with tempfile.TemporaryDirectory(prefix="selectlab-peer-") as name:
        folder = Path(name)
        np.savez(folder / "pool.npz", x=pool.x, y=pool.y, start=np.asarray(start))
        asked = {
            "budgets": list(budgets),
            "seed": seed,
            "methods": list(methods),
            "n_classes": pool.n_classes,
        }
        (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
        words = [str(python), str(LOOP), str(folder)]
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no output"]
            raise PeerFailedError(f"{NAME}: {lines[-1]}")
        picks: dict[str, list[int]] = json.loads((folder / "picks.json").read_text("utf-8"))
    return picks
