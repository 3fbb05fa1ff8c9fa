"""Assertions fire on real errors; how many errors they find, nobody published."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import AtLeast, AtMost, Claim, Results
from benchmarks.text import share, with_error
from benchmarks.videos import firing_results
from benchmarks.videos.clips import MADE, Clip, clips_of, units_of
from benchmarks.videos.detection_truth import Verdicts
from benchmarks.videos.firing_results import ASSERTION, LOWEST, RANDOM
from benchmarks.videos.firings import (
    Kind,
    appearances,
    flickers,
    grow_pairs,
    grow_runs,
    grow_triples,
    triples,
)
from selectlab.assertions.appear import Appear
from selectlab.assertions.flicker import Flicker
from selectlab.assertions.multibox import Multibox

CONFIDENCE = 0.25
FLICKER, ONE_FRAME, TUTORIAL = "flicker", "flicker-one-frame", "flicker-tutorial"

_flicker = partial(Flicker, min_score=CONFIDENCE)
KINDS: Mapping[str, Kind] = {
    FLICKER: Kind(partial(flickers, flicker=_flicker(max_gap=3)), grow_pairs, "misses", 3),
    ONE_FRAME: Kind(partial(flickers, flicker=_flicker()), grow_pairs, "misses"),
    TUTORIAL: Kind(partial(flickers, flicker=_flicker(parity=True)), grow_pairs, "misses"),
    "appear": Kind(partial(appearances, appear=Appear(min_score=CONFIDENCE)), grow_runs, "false"),
    "multibox": Kind(
        partial(triples, multibox=Multibox(min_score=CONFIDENCE)), grow_triples, "false"
    ),
}
AGREE = "agree"
IMPUTING = (FLICKER, ONE_FRAME, TUTORIAL, AGREE)


def _units(setting: Setting) -> list[Unit]:
    parts: list[tuple[str, dict[str, Any]]] = [(name, {"assertion": name}) for name in KINDS]
    agree: list[tuple[str, dict[str, Any]]] = [(AGREE, {"assertion": AGREE})]
    if setting.size == "small":
        return units_of(setting, [], [*parts, *agree])
    units = units_of(setting, ["mot17_yolox", "vtest_pets"], parts)
    if find_spec("av") is not None:
        units += units_of(setting, ["vtest_pets"], agree)
    return units


def _measure(setting: Setting, unit: Unit) -> dict[str, Any]:
    name, seeds = str(unit.parameters["assertion"]), unit.parameters["seeds"]
    clips = [clip.second_half() for clip in clips_of(setting, unit)]
    if name == AGREE:
        others = _others(setting, unit, clips)
        pairs = [
            firing_results.second_view(clip, other, CONFIDENCE)
            for clip, other in zip(clips, others, strict=True)
        ]
        return {"clips": [firing_results.disagreed(pair, seeds) for pair in pairs]}
    verdicts = [Verdicts.of(clip, CONFIDENCE) for clip in clips]
    return {"clips": [firing_results.measured(v, KINDS[name], seeds) for v in verdicts]}


def _others(setting: Setting, unit: Unit, clips: list[Clip]) -> list[Clip]:
    """Return what another detector sees in the same frames."""
    if unit.parameters["data"] == MADE:
        from benchmarks.videos.made_videos import OTHER

        return [clip.second_half() for clip in clips_of(setting, unit, OTHER)]
    from benchmarks.videos.motion import moving, video_in

    video = video_in(setting.data.folder(str(unit.parameters["data"])))
    return [clip.seen_by(moving(video, clip.frames.numbers)) for clip in clips if video]


_KANG = "Kang et al., MLSys 2020, table 3 (model output only)"


def _published(
    name: str, data: str, figure: int, bound: float, sizes: tuple[str, ...] = ("full",)
) -> Claim:
    return Claim(
        key=f"{name}-precision",
        text=f"{figure} % of the firings of {name} are real errors: 50 firings drawn at random, "
        f"second halves of {data}",
        published=f"{figure} %",
        source=_KANG,
        origin="as we recall",
        measure=firing_results.precision_of_50(name, data),
        tolerance=AtLeast(bound),
        label="effect reproduced on other data",
        sizes=sizes,
        needs=data,
    )


def _beyond(
    name: str, data: str, bound: float, sizes: tuple[str, ...] = ("small", "full")
) -> Claim:
    return Claim(
        key=f"{name}-beyond-random",
        text=f"{name} fires on errors more often than firings of the same form drawn at random "
        f"(precision of all firings less random's), second halves of {data}",
        published="",
        source=_KANG,
        origin="as we recall",
        measure=firing_results.beyond_random(name, "right", "n", data),
        tolerance=AtLeast(bound),
        label="effect reproduced on other data",
        sizes=sizes,
        needs=data,
    )


def _recall(
    name: str, data: str, what: str, bound: float, sizes: tuple[str, ...] = ("small", "full")
) -> Claim:
    return Claim(
        key=f"{name}-recall",
        text=f"{name} finds more of the {what} than as many firings drawn at random (recall less "
        f"random's), second halves of {data}",
        published="",
        source="nobody published a recall",
        origin="by definition",
        measure=firing_results.beyond_random(name, "found", "errors", data),
        tolerance=AtLeast(bound),
        label="effect reproduced on other data",
        sizes=sizes,
        needs=data,
    )


CLAIMS = (
    _published(FLICKER, "mot17_yolox", 96, 0.80),
    _published("appear", "mot17_yolox", 88, 0.75),
    _published("multibox", "mot17_yolox", 100, 0.95),
    _published(AGREE, "vtest_pets", 98, 0.90),
    _beyond(FLICKER, "mot17_yolox", 0.2),
    _beyond("appear", "mot17_yolox", 0.2),
    _beyond("multibox", "mot17_yolox", 0.2, ("full",)),
    _beyond(AGREE, "vtest_pets", 0.1),
    _recall(FLICKER, "mot17_yolox", "objects missed for up to 3 frames", 0.1),
    _recall("appear", "mot17_yolox", "false boxes", 0.02),
    _recall("multibox", "mot17_yolox", "false boxes", 0.02, ("full",)),
    Claim(
        key="flicker-strict",
        text="the stricter question: the box that flicker puts in lies on an object that was "
        "really missed in far fewer firings (share of all firings), second halves of mot17_yolox",
        published=".2 to .5",
        source="an earlier measurement of ours",
        origin="measured before",
        measure=firing_results.whole_share(FLICKER, "covers", "n", "mot17_yolox"),
        tolerance=AtMost(0.6),
        label="effect reproduced on other data",
        sizes=("full",),
        needs="mot17_yolox",
    ),
)


def _tables(results: Results) -> list[Table]:
    return [
        Table(
            "Firings that point at a model error",
            ["data", "assertion", "firings", "50 drawn", "all", "random", "lowest scores"],
            [_row(r, "right", "n", sampled=True) for r in results if _fired(r)],
            "A firing is right when one of its boxes is false, when an object of one of its "
            "boxes is missed where it says so, or when its imputed box lies on a missed object. "
            "Random and lowest scores are as many firings of the same form around boxes drawn "
            "at random, or around those with the lowest scores. Assertions that did not fire on "
            "some data are left out.",
        ),
        Table(
            "The stricter question",
            ["data", "assertion", "firings", "all", "random", "lowest scores"],
            [_row(r, "covers", "n") for r in results if r["assertion"] in IMPUTING and _fired(r)],
            "Flicker: the imputed box lies on an object that was really missed. Agree: it is the "
            "checked detector that is wrong.",
        ),
        Table(
            "Recall: errors of its kind that some firing points at",
            ["data", "assertion", "errors", "all", "random", "lowest scores"],
            [_row(r, "found", "errors") for r in results if _fired(r)],
            "Flicker: objects missed for up to 3 frames (one-frame and tutorial: one frame) "
            "between two in which they are found, and a box put in on them. Appear and multibox: "
            "false boxes. Agree: missed objects and false boxes of the checked detector.",
        ),
    ]


def _fired(result: Mapping[str, Any]) -> bool:
    return firing_results.sums(result, ASSERTION)["n"] > 0


def _row(result: Mapping[str, Any], part: str, whole: str, sampled: bool = False) -> list[str]:
    ours, lowest = (firing_results.sums(result, name) for name in (ASSERTION, LOWEST))
    fifty = [firing_results.sampled(result, seed) for seed in result["seeds"]]
    return [
        result["data"],
        result["assertion"],
        str(ours[whole]),
        *([_spread(fifty)] if sampled else []),
        share(firing_results.share(ours, part, whole)),
        _spread(_random(result, part, whole)),
        share(firing_results.share(lowest, part, whole)),
    ]


def _random(result: Mapping[str, Any], part: str, whole: str) -> list[float]:
    counts = [firing_results.sums(result, RANDOM, at) for at in range(len(result["seeds"]))]
    return [firing_results.share(count, part, whole) for count in counts]


def _spread(shares: list[float]) -> str:
    """Return mean and standard error in percent."""
    error = stdev(shares) / math.sqrt(len(shares)) if len(shares) > 1 else 0.0
    return with_error(100 * fmean(shares), 100 * error) + " %"


def _draw(results: Results, folder: Path) -> list[Path]:
    if not results:
        return []
    path = folder / "assertion_precision.png"
    firing_results.draw([result for result in results if _fired(result)], path)
    return [path]


CASE = Case(
    name="assertion_precision",
    title="assertions fire on real errors, and how many of them they find",
    protocol="The second half of each sequence (the detector of mot17_yolox was trained on the "
    "first halves), detections from .25 on. Flicker with gaps up to 3 frames (also: one frame, "
    "and the tutorial's procedure), appear and multibox with the defaults of the library; agree "
    "compares the Faster R-CNN of vtest_pets with a detector of moving blobs that learned "
    "nothing. Detections and objects of a frame are matched one to one for the greatest sum of "
    "IoUs, pairs below .5 are none; firings on regions to be ignored are left out. 50 firings "
    "are drawn at random a seed, as published, and all firings counted beside. The published "
    "figures count any error that a firing coincides with; the stricter question asks whether "
    "the imputed box lies on a missed object. mot17_yolox has one detector, and the same boxes "
    "from two thresholds on are not two models, so agree does not run there.",
    claims=CLAIMS,
    units=_units,
    measure=_measure,
    tables=_tables,
    draw=_draw,
    seeds=10,
    packages=("numpy", "scipy"),
)
