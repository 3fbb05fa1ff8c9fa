"""class_flip: an object that changes its class."""

from __future__ import annotations

from typing import Literal

import numpy as np

from selectlab.assertions.frames import Findings, Frames, severity_of
from selectlab.assertions.matching import predicted
from selectlab.assertions.protocol import Assertion, Share
from selectlab.assertions.tracks import link


class ClassFlip(Assertion):
    """An object keeps its class from one frame to the next.

    Boxes of neighbouring frames are linked one to one whatever their class, most overlap first.
    Where the class differs, one of both boxes is wrong, so both are listed and both frames
    flagged.

    Attributes:
        iou_tracking: Boxes of neighbouring frames show one object if their IoU is above this.

    Cost:
        O(F * n^2) for F frames of n boxes.

    Reference:
        Kang et al., Model Assertions for Monitoring and Improving ML Models, MLSys 2020
        (their consistency assertion on an attribute).

    Example:
        >>> box = [[0, 0, 10, 20]]
        >>> video = Frames.of({0: box, 1: box, 2: box}, classes={0: [7], 1: [7], 2: [3]})
        >>> ClassFlip().check(video).flagged
        array([False,  True,  True])
    """

    name: Literal["class_flip"] = "class_flip"
    iou_tracking: Share = 0.5

    def check(self, frames: Frames, *others: Frames) -> Findings:
        """Return the boxes on both sides of a change; severity sums the lower score of both."""
        boxes = predicted(frames, self.min_score, by_class=False)
        tracks = link(boxes, self.iou_tracking)
        first = np.flatnonzero(tracks.after >= 0)
        second = tracks.after[first]
        classes = frames.classes[boxes.index]
        changed = classes[first] != classes[second]
        first, second = first[changed], second[changed]
        both = np.concatenate([first, second])
        weights = np.minimum(boxes.scores[first], boxes.scores[second])
        numbers = frames.numbers[boxes.row[both]]
        return Findings(
            severity_of(frames, numbers, np.tile(weights, 2)),
            offending=np.unique(boxes.index[both]),
            n_firings=len(first),
        )
