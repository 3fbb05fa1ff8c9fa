"""The flickering procedure of Lightly's tutorial, exactly as published."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from selectlab.assertions.frames import Findings, Frames, Imputed, severity_of
from selectlab.assertions.matching import frame_pairs, most_overlap, overlaps, predicted


def tutorial_flicker(
    frames: Frames, min_score: float, iou_tracking: float, iou_assertion: float
) -> Findings:
    """Return what the tutorial's own code finds.

    Classes do not matter. x, y, width and height lose their decimals first; every pair of boxes
    of frames i-1 and i+1 above the threshold is a track of its own, so that one object can be
    imputed several times; the expected box is their mean without its decimals. float32, as
    torchvision computes the IoU.

    Args:
        frames: One video.
        min_score: Least confidence of a box.
        iou_tracking: Boxes before and after whose IoU is above this show one object.
        iou_assertion: IoU with the expected box from which on a box is that object.
    """
    whole = replace(frames, boxes=np.trunc(frames.boxes))
    boxes = predicted(whole, min_score, by_class=False)
    boxes = replace(boxes, corners=boxes.corners.astype(np.float32))
    before, after = frame_pairs(boxes.times, 2)
    i, j, _ = overlaps(boxes, before, boxes, after, iou_tracking)
    expected = np.trunc((boxes.corners[i] + boxes.corners[j]) / 2)
    time = boxes.time[i] + 1
    seen = most_overlap(expected, np.zeros_like(i), time, boxes) >= np.float32(iou_assertion)
    i, j, expected, time = i[~seen], j[~seen], expected[~seen].astype(np.float64), time[~seen]
    expected[:, 2:] -= expected[:, :2]
    sources = np.stack([boxes.index[i], boxes.index[j]], axis=1)
    imputed = Imputed.sorted(
        frames.numbers_at(time),
        expected,
        frames.classes[sources[:, 0]],
        (boxes.scores[i] + boxes.scores[j]) / 2,
        sources,
    )
    severity = severity_of(frames, imputed.numbers, imputed.scores)
    return Findings(severity, imputed=imputed, n_firings=len(imputed))
