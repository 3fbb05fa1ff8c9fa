"""The flickering procedure of Lightly's tutorial, written down once more in plain loops.

It shares no code with ``selectlab.assertions``: the one is checked against the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.videos.clips import Clip

Whole = npt.NDArray[np.float32]
Imputed = tuple[int, float, float, float, float]
"""Frame number, x, y, width, height."""


def imputed_boxes(
    clip: Clip, confidence: float, iou_tracking: float, iou_assertion: float
) -> list[Imputed]:
    """Return the boxes that the tutorial's procedure puts in, sorted.

    x, y, width and height lose their decimals; boxes become corners in float32. For every frame
    but the first and the last, each pair of boxes of the frame before and the frame after whose
    IoU exceeds ``iou_tracking`` expects an object at its mean box without decimals. If no box
    of the frame reaches ``iou_assertion`` with it, the expected box is put in. Classes do not
    matter, and one object can be put in several times.
    """
    frames = [_corners(clip, at, confidence) for at in range(len(clip.frames))]
    found = []
    for at in range(1, len(frames) - 1):
        before, now, after = frames[at - 1 : at + 2]
        for i, j in np.argwhere(_box_iou(before, after) > np.float32(iou_tracking)):
            expected = np.trunc((before[i] + after[j]) / np.float32(2))[None]
            if not (_box_iou(expected, now) >= np.float32(iou_assertion)).any():
                left, top, right, bottom = (float(value) for value in expected[0])
                number = int(clip.frames.numbers[at])
                found.append((number, left, top, right - left, bottom - top))
    return sorted(found)


def _corners(clip: Clip, at: int, confidence: float) -> Whole:
    first, stop = clip.frames.offsets[at : at + 2]
    kept = clip.frames.scores[first:stop] >= confidence
    boxes = np.trunc(clip.frames.boxes[first:stop][kept])
    return np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]).astype(np.float32)


def _box_iou(one: Whole, other: Whole) -> npt.NDArray[Any]:
    """Return what torchvision's ``box_iou`` returns, in its order of operations."""
    shared = np.ones((len(one), len(other)), dtype=np.float32)
    for low, high in ((0, 2), (1, 3)):
        left = np.maximum(one[:, None, low], other[None, :, low])
        right = np.minimum(one[:, None, high], other[None, :, high])
        shared *= np.clip(right - left, 0, None)
    areas = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (one, other)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
