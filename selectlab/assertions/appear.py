"""appear: an object that is there for a moment only."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from selectlab.assertions.frames import Findings, Frames, severity_of
from selectlab.assertions.matching import predicted
from selectlab.assertions.protocol import Assertion, Share
from selectlab.assertions.tracks import bridge, link


class Appear(Assertion):
    """An object does not appear and vanish again within a few frames.

    Boxes are linked to tracks within a class, one to one, across gaps of up to ``max_gap``
    frames. A track of at most ``max_frames`` boxes is suspicious: a false positive, or part of
    an object that is missed around it. Tracks that touch the first or the last frame of the
    video go on outside it, for all we know, and are passed over.

    Attributes:
        iou_tracking: Boxes of neighbouring frames show one object if their IoU is above this.
        max_frames: Most frames in which a suspicious object is seen.
        max_gap: Most frames in a row that a track may leave out; 0 for none.

    Cost:
        O(F * n^2) for F frames of n boxes.

    Reference:
        Kang et al., Model Assertions for Monitoring and Improving ML Models, MLSys 2020.

    Example:
        >>> box = [[0, 0, 10, 20]]
        >>> Appear().check(Frames.of({0: [], 1: box, 2: []})).offending
        array([0])
    """

    name: Literal["appear"] = "appear"
    iou_tracking: Share = 0.4
    max_frames: Annotated[int, Field(ge=1, le=1000)] = 3
    max_gap: Annotated[int, Field(ge=0, le=100)] = 1

    def check(self, frames: Frames, *others: Frames) -> Findings:
        """Return the boxes of short tracks; severity is the sum of their scores."""
        boxes = predicted(frames, self.min_score)
        tracks = link(boxes, self.iou_tracking)
        for gap in range(1, self.max_gap + 1):
            bridge(tracks, gap, self.iou_tracking)
        first, length = _tracks(tracks.after, tracks.before, self.max_frames)
        last = first.copy()
        for _ in range(self.max_frames - 1):
            last = np.where(tracks.after[last] >= 0, tracks.after[last], last)
        short = (length <= self.max_frames) & (boxes.row[first] > 0)
        short &= boxes.row[last] < len(frames) - 1
        members, at = [], first[short]
        while len(at):
            members.append(at)
            at = tracks.after[at]
            at = at[at >= 0]
        found = np.concatenate([np.zeros(0, np.int64), *members])
        numbers = frames.numbers[boxes.row[found]]
        return Findings(
            severity_of(frames, numbers, boxes.scores[found]),
            offending=np.sort(boxes.index[found]),
            n_firings=int(short.sum()),
        )


def _tracks(
    after: np.ndarray[tuple[int], np.dtype[np.int64]],
    before: np.ndarray[tuple[int], np.dtype[np.int64]],
    most: int,
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Return the first box of each track and its length, counted up to ``most`` + 1."""
    first = np.flatnonzero(before < 0)
    length, at = np.ones(len(first), dtype=np.int64), first
    for _ in range(most):
        at = np.where(at >= 0, after[at], -1)
        length += at >= 0
    return first, length
