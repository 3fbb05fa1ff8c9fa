"""Frames picked from clips by selectlab configs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.videos.clips import Clip
from benchmarks.videos.detection_truth import Verdicts
from selectlab import Dataset, select

TASK = "detector"
RANDOM, FLICKER, MOST_BOXES = "random", "flicker", "most boxes"
LEAST, LEAST_MAX, LEAST_SUM = "least confidence", "least confidence, max", "least confidence, sum"
PRODUCT, PRODUCT_4 = "product", "product, strength 4"
SUM_PRODUCT, SUM_PRODUCT_4 = "product with sum", "product with sum, strength 4"
DRAWS = (RANDOM, FLICKER)
"""Methods that draw at random: among all frames, and among those that are worth the same."""

Entry = dict[str, Any]


def sample_id(clip: Clip, number: int) -> str:
    """Return what a frame is called in the dataset; MOT counts from 1, videos from 0."""
    width = len(str(int(clip.frames.numbers[-1])))
    return f"{clip.name}-{number - 1:0{width}d}-mp4.png"


def dataset_of(clips: Sequence[Clip], confidence: float) -> Dataset:
    """Return the frames of clips with their detections from a confidence on."""
    predictions: dict[str, list[Entry]] = {}
    for clip in clips:
        frames = clip.frames
        for at, number in enumerate(frames.numbers.tolist()):
            boxes = range(*frames.offsets[at : at + 2])
            predictions[sample_id(clip, number)] = [
                {
                    "category_id": 0,
                    "bbox": frames.boxes[box].tolist(),
                    "score": float(frames.scores[box]),
                }
                for box in boxes
                if frames.scores[box] >= confidence
            ]
    ids = list(predictions)
    doubts = [sum(1 - abs(2 * o["score"] - 1) for o in predictions[i]) for i in ids]
    task = {
        "task_type": "object-detection",
        "categories": [{"id": 0, "name": "pedestrian"}],
        "predictions": predictions,
    }
    return Dataset(ids, metadata={"doubt": np.array(doubts)}, predictions={TASK: task})


def configs(confidence: float, seed: int) -> dict[str, list[Entry]]:
    """Return the strategies of each method."""
    scores = {
        LEAST: {"type": "SCORES", "task": TASK, "score": "objectness_least_confidence"},
        LEAST_MAX: {"type": "SCORES", "task": TASK, "score": "uncertainty_least_confidence"},
        LEAST_SUM: {"type": "METADATA", "key": "doubt"},
    }
    chance = {"type": "RANDOM", "random_seed": seed}
    count = {"type": "PREDICTIONS", "task": TASK, "name": "CATEGORY_COUNT"}
    flicker = {"type": "ASSERTION", "name": "flicker", "task": TASK, "min_score": confidence}
    return {
        RANDOM: [_weights(chance)],
        MOST_BOXES: [_weights(count)],
        **{name: [_weights(score)] for name, score in scores.items()},
        FLICKER: [_weights(flicker), _weights(chance, 0.01)],
        PRODUCT: [_weights(scores[LEAST]), _weights(flicker)],
        PRODUCT_4: [_weights(scores[LEAST]), _weights(flicker, 4.0)],
        SUM_PRODUCT: [_weights(scores[LEAST_SUM]), _weights(flicker)],
        SUM_PRODUCT_4: [_weights(scores[LEAST_SUM]), _weights(flicker, 4.0)],
    }


def _weights(source: Mapping[str, Any], strength: float = 1.0) -> Entry:
    return {"input": dict(source), "strategy": {"type": "WEIGHTS", "strength": strength}}


def picked(
    clips: Sequence[Clip], confidence: float, n_picks: int, seeds: Sequence[int]
) -> dict[str, Any]:
    """Return for each method, and each seed where it draws, what its frames hold.

    A string of 0 and 1 says which picks have a true one-frame miss, another which ones flicker.
    """
    from selectlab.inputs import Assertion

    data = dataset_of(clips, confidence)
    missed = _with_misses(clips, confidence)
    assertion = Assertion(name="flicker", task=TASK, parameters={"min_score": confidence})
    flicker = dict(zip(data.ids, assertion.load(data).values == 1.0, strict=True))
    methods: dict[str, list[dict[str, str]]] = {}
    for seed in seeds:
        for name, strategies in configs(confidence, seed).items():
            if name not in methods or name in DRAWS:
                config = {"n_samples": n_picks, "strategies": strategies}
                ids = select(config, data).ids
                held = {
                    "missed": "".join("01"[i in missed] for i in ids),
                    "flicker": "".join("01"[bool(flicker[i])] for i in ids),
                }
                methods.setdefault(name, []).append(held)
    return {"frames": len(data), "frames_with_misses": len(missed), "methods": methods}


def _with_misses(clips: Sequence[Clip], confidence: float) -> set[str]:
    """Return the frames in which an object is missed that is found before and after."""
    found = set()
    for clip in clips:
        short = Verdicts.of(clip, confidence).short_misses()
        found |= {sample_id(clip, number) for number in clip.objects.numbers[short].tolist()}
    return found
