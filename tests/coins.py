"""A case of the benchmark suite for its tests: coins that are thrown, and what goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import AtLeast, AtMost, Claim, Near, Results
from benchmarks.plots import Panel, save
from benchmarks.text import number

ORDERS = os.environ.get("COINS", "{}")
"""JSON: ``log`` (a file), ``sleep`` and ``waits_for`` (s), ``fails``, ``dies`` and ``nan`` (names of units)."""


def units(setting: Setting) -> Sequence[Unit]:
    thrown = [Unit(f"thrown-{seed}", {"seed": seed}) for seed in setting.seeds]
    return [*thrown, Unit("found", {"seed": -1}, needs="mnist")]


def measure(setting: Setting, unit: Unit) -> Mapping[str, Any]:
    orders = json.loads(ORDERS)
    if "log" in orders:
        with Path(orders["log"]).open("a", encoding="utf-8") as log:
            log.write(f"{unit.name} {os.getpid()} {os.environ['OMP_NUM_THREADS']}\n")
    if "waits_for" in orders:
        with subprocess.Popen(["sleep", str(orders["waits_for"])]) as peer:
            Path(orders["log"]).with_name("peer").write_text(str(peer.pid))
    time.sleep(orders.get("sleep", 0))
    if unit.name == orders.get("fails"):
        raise ValueError("the coin\nrolled away")
    if unit.name == orders.get("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    if unit.name == orders.get("nan"):
        return {"heads": float("nan")}
    if unit.needs:
        return {"heads": len(list(setting.data.folder(unit.needs).iterdir()))}
    flips = np.random.default_rng(unit.parameters["seed"]).integers(2, size=40)
    return {"heads": int(flips.sum()), "flips": tuple(flips.tolist())}


def heads(results: Results) -> list[float]:
    return [sum(unit["flips"]) / 40 for unit in results if unit["seed"] >= 0]


def pennies(results: Results) -> list[float]:
    return [unit["heads"] for unit in results if unit["seed"] < 0]


def claim(key: str, text: str, measured: Any, tolerance: Any, **fields: Any) -> Claim:
    return Claim(
        *(key, text, "one half", "Bernoulli 1713", "as we recall"),
        *(measured, tolerance, "reproduced"),
        **fields,
    )


def tables(results: Results) -> Sequence[Table]:
    rows = [(unit["unit"], number(unit["heads"])) for unit in results]
    return [Table("Heads | tails", ("unit", "heads"), rows, "Of 40.")]


def draw(results: Results, folder: Path) -> Sequence[Path]:
    line = [(n + 1, value) for n, value in enumerate(heads(results))]
    save(folder / "coins-heads.png", [Panel("heads", "seed", "share", {"ours": line})], ["ours"])
    return [folder / "coins-heads.png"]


CASE = Case(
    name="coins",
    title="Coins",
    protocol="Forty throws a seed.",
    claims=(
        claim("fair", "Half of the throws are heads", heads, Near(0.5, 0.2)),
        claim("heavy", "Most throws are heads", heads, AtLeast(0.9), unit="of all"),
        claim("large", "Full runs throw well", heads, AtMost(1), sizes=("full",)),
        claim("found", "One penny is found", pennies, Near(1), needs="mnist"),
    ),
    units=units,
    measure=measure,
    tables=tables,
    draw=draw,
    seeds=3,
    packages=("numpy",),
)
