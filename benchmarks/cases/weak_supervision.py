"""Boxes put in where an assertion fires raise the average precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import AtLeast, Claim, Results
from benchmarks.videos.clips import MADE, Clip, clips_of, units_of
from benchmarks.videos.detection_truth import (
    Detections,
    Ranked,
    Verdicts,
    average_precision,
    ranked,
)
from benchmarks.videos.imputing import next_below, random_pairs
from selectlab.assertions.flicker import Flicker

CONFIDENCES = (0.1, 0.25, 0.5)
PLAIN, FLICKER, BY_THREE = "detections", "flicker", "flicker, gaps to 3"
RANDOM, LOWER = "random", "lower threshold"
ADDED = (FLICKER, BY_THREE, RANDOM, LOWER)


def _units(setting: Setting) -> list[Unit]:
    parts: list[tuple[str, dict[str, Any]]] = [
        (f"confidence{confidence:g}", {"confidence": confidence}) for confidence in CONFIDENCES
    ]
    units = units_of(setting, ["mot17_yolox"], parts)
    if setting.size == "full":  # the scores of vtest_pets begin at .5
        units += units_of(setting, ["vtest_pets"], parts[-1:])
    return units


def _measure(setting: Setting, unit: Unit) -> dict[str, Any]:
    confidence, seeds = float(unit.parameters["confidence"]), unit.parameters["seeds"]
    clips = [clip.second_half() for clip in clips_of(setting, unit)]
    parts = [_ranked(clip, confidence, seeds) for clip in clips]
    return {
        "clips": [
            {"clip": clip.name, "ap": {name: _average([part], name) for name in part}}
            for clip, part in zip(clips, parts, strict=True)
        ],
        "together": {name: _average(parts, name) for name in (parts[0] if parts else ())},
    }


def _ranked(clip: Clip, confidence: float, seeds: Sequence[int]) -> dict[str, list[Ranked]]:
    """Return the detections with the boxes of each method, a list over seeds where it draws."""
    verdicts, frames = Verdicts.of(clip, confidence), clip.frames
    kept = verdicts.counted
    plain = Detections(frames.numbers[frames.rows[kept]], frames.boxes[kept], frames.scores[kept])
    added = {}
    for name, longest in ((FLICKER, 1), (BY_THREE, 3)):
        imputed = Flicker(min_score=confidence, max_gap=longest).check(frames).imputed
        added[name] = [Detections(imputed.numbers, imputed.boxes, imputed.scores)]
    n = len(added[FLICKER][0].numbers)
    added[RANDOM] = [random_pairs(verdicts, n, seed) for seed in seeds]
    added[LOWER] = [next_below(verdicts, n)]
    return {
        PLAIN: [ranked(clip, plain)],
        **{
            name: [ranked(clip, _together(plain, more)) for more in found]
            for name, found in added.items()
        },
    }


def _together(one: Detections, other: Detections) -> Detections:
    return Detections(
        np.concatenate([one.numbers, other.numbers]),
        np.concatenate([one.boxes, other.boxes]),
        np.concatenate([one.scores, other.scores]),
    )


def _average(parts: Sequence[Mapping[str, list[Ranked]]], name: str) -> list[float]:
    """Return the AP of all clips together in points, a value a draw."""
    return [100 * average_precision(draw) for draw in zip(*(p[name] for p in parts), strict=True)]


def _gain(aps: Mapping[str, list[float]], name: str, over: str = PLAIN) -> float:
    return fmean(aps[name]) - fmean(aps[over])


def _gains(confidence: float, over: str) -> Callable[[Results], list[float]]:
    """Return what measures how much flicker's boxes are ahead, a value a sequence."""
    return lambda results: [
        _gain(clip["ap"], FLICKER, over)
        for result in results
        if result["data"] in ("mot17_yolox", MADE) and result["confidence"] == confidence
        for clip in result["clips"]
    ]


_SOURCE = "Kang et al., MLSys 2020, abstract: weak labels raise model quality, after retraining"


def _claims(confidence: float) -> list[Claim]:
    shared: dict[str, Any] = {
        "published": "up to 46 % better, relative",
        "source": _SOURCE,
        "origin": "as we recall",
        "tolerance": AtLeast(0.001),
        "label": "effect reproduced on other data",
        "unit": "points",
        "needs": "mot17_yolox",
    }
    return [
        Claim(
            key=f"imputed-{confidence:g}",
            text=f"confidence {confidence:g}: the boxes that flicker puts in raise AP (sign only, "
            "a value a sequence)",
            measure=_gains(confidence, PLAIN),
            **shared,
        ),
        Claim(
            key=f"imputed-random-{confidence:g}",
            text=f"confidence {confidence:g}: they raise it more than as many boxes put in at "
            "random (sign only, a value a sequence)",
            measure=_gains(confidence, RANDOM),
            **shared,
        ),
    ]


CLAIMS = tuple(claim for confidence in CONFIDENCES for claim in _claims(confidence))


def _tables(results: Results) -> list[Table]:
    return [
        Table(
            "AP in points, all sequences together, and what added boxes change",
            ["data", PLAIN, *ADDED],
            [
                [
                    result["unit"],
                    f"{fmean(result['together'][PLAIN]):.2f}",
                    *(f"{_gain(result['together'], name):+.2f}" for name in ADDED),
                ]
                for result in results
            ],
            "Random puts in as many boxes as flicker, each where a drawn box is in the frame "
            "before and the frame after, also where the object was found. A lower threshold adds "
            "as many boxes as flicker puts in: those with the highest scores below the confidence.",
        ),
        Table(
            "The same by sequence",
            ["data", "sequence", PLAIN, *ADDED],
            [
                [
                    result["unit"],
                    clip["clip"],
                    f"{fmean(clip['ap'][PLAIN]):.2f}",
                    *(f"{_gain(clip['ap'], name):+.2f}" for name in ADDED),
                ]
                for result in results
                for clip in result["clips"]
            ],
        ),
    ]


CASE = Case(
    name="weak_supervision",
    title="boxes put in where flicker fires raise the average precision",
    protocol="Second halves of the sequences, detections from a confidence on. Flicker with the "
    "defaults of the library puts in boxes with the mean score of the two boxes each comes "
    "from; AP at IoU .5 (all steps of the curve, regions to be ignored left out) before and "
    "after. Nothing is retrained, so the size of the effect is not that of the publication: "
    "only its sign is asked for. A value a sequence gives the spread. Baselines: as many boxes "
    "put in at random with scores by the same rule, and a lower confidence threshold that adds "
    "as many boxes.",
    claims=CLAIMS,
    units=_units,
    measure=_measure,
    tables=_tables,
    seeds=10,
    packages=("numpy", "scipy"),
)
