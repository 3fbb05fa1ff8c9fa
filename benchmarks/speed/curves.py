"""Time and memory of DIVERSITY and of a joint plan as the problem grows, one axis at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.plots import Panel, save
from benchmarks.speed.case import Case
from benchmarks.speed.contestant import contestants
from benchmarks.speed.race import Race, Settings
from benchmarks.speed.task import Shape, Task
from benchmarks.speed.tasks.diversity import Diversity
from benchmarks.speed.tasks.joint import Joint

PATIENCE_S = 30.0


@dataclass(frozen=True)
class Curve:
    """One picture.

    Attributes:
        name: Name of the file.
        task: What is asked.
        axis: Which field of the shape grows: ``n``, ``d`` or ``k``.
        base: The other two.
        values: Values of the axis by size.
        peers: Contestants beside ours.
        title: Over the picture.
    """

    name: str
    task: Task
    axis: str
    base: dict[str, Shape]
    values: dict[str, tuple[int, ...]]
    peers: tuple[str, ...]
    title: str


AXES = {"n": "rows N", "d": "dimension D", "k": "picks k"}
_FULL, _MEDIUM, _SMALL = Shape(100_000, 128, 1_000), Shape(20_000, 128, 200), Shape(1_000, 16, 20)
BASE = {"full": _FULL, "medium": _MEDIUM, "small": _SMALL}
ROWS = {
    "full": (10_000, 40_000, 100_000, 400_000, 1_000_000, 4_000_000),
    "medium": (5_000, 20_000, 80_000),
    "small": (500, 1_000, 2_000),
}
DIMENSIONS = {"full": (16, 64, 128, 256, 512, 1024), "medium": (32, 128, 512), "small": (8, 16)}
PICKS = {
    "full": (10, 100, 1_000, 3_000, 10_000),
    "medium": (10, 100, 1_000),
    "small": (5, 50),
}
CURVES = (
    Curve(
        "diversity_n",
        *(Diversity(), "n", BASE, ROWS, ("mundig", "numpy_loop", "torch_loop", "activeml")),
        "DIVERSITY against the number of rows",
    ),
    Curve(
        "diversity_d",
        *(Diversity(), "d", BASE, DIMENSIONS, ("mundig", "numpy_loop", "torch_loop")),
        "DIVERSITY against the dimension",
    ),
    Curve(
        "diversity_k",
        *(Diversity(), "k", BASE, PICKS, ("mundig", "numpy_loop", "torch_loop")),
        "DIVERSITY against the number of picks",
    ),
    Curve(
        "joint_n",
        *(Joint(), "n", BASE, ROWS, ("mundig", "numpy_loop")),
        "DIVERSITY + WEIGHTS + BALANCE against the number of rows",
    ),
)


def measure(settings: Settings) -> dict[str, Any]:
    """Return the points of all curves as JSON data.

    A contestant that took too long at one value is not asked for larger ones.
    """
    found = {}
    for curve in CURVES:
        settings.say(curve.title)
        found[curve.name] = {
            "title": curve.title,
            "axis": curve.axis,
            "points": list(_points(curve, settings)),
        }
    return {"size": settings.size, "seed": settings.seed, "curves": found}


def _points(curve: Curve, settings: Settings) -> Iterator[dict[str, Any]]:
    following = [p for p in curve.peers if settings.peers is None or p in settings.peers]
    for value in curve.values[settings.size]:
        shape = replace(curve.base[settings.size], **{curve.axis: value})
        settings.say(f"  {curve.axis} = {value:,}")
        case = Case(
            name=curve.name,
            title=curve.title,
            task=curve.task,
            sizes={settings.size: shape},
            peers=tuple(following),
            targets=(),
            patience_s=PATIENCE_S,
        )
        raced = Race(case, settings, judged=False).run()
        for key, told in raced["contestants"].items():
            if told["median_s"] is None and key in following:
                following.remove(key)
            yield {
                "value": value,
                "contestant": key,
                "seconds": told["seconds"],
                "median_s": told["median_s"],
                "memory_mb": told.get("memory_mb"),
                "status": told["status"],
                "why": told["why"],
            }


def draw(found: dict[str, Any], folder: Path, suffix: str) -> list[Path]:
    """Draw each curve, time beside memory, and return the files."""
    used = {p["contestant"] for c in found["curves"].values() for p in c["points"]}
    keys = sorted(used, key=lambda key: (key != "ours", key))
    names = {key: contestants()[key].name for key in keys}
    paths = []
    for name, curve in found["curves"].items():
        panels = [
            Panel(
                curve["title"] if field == "median_s" else "Memory over the array",
                AXES[curve["axis"]],
                unit,
                {
                    names[key]: [
                        (p["value"], max(p[field], least))
                        for p in curve["points"]
                        if p["contestant"] == key and p[field] is not None
                    ]
                    for key in keys
                },
            )
            for field, unit, least in (
                ("median_s", "seconds, median", 1e-5),
                ("memory_mb", "MB over the array, at least .1", 0.1),
            )
        ]
        paths.append(folder / f"{name}{suffix}.png")
        save(paths[-1], panels, list(names.values()))
    return paths
