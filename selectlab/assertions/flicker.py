"""flicker: an object that is there, not there, and there again."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator
from typing_extensions import Self

from selectlab.assertions.frames import Findings, FloatArray, Frames, Imputed, IntArray, severity_of
from selectlab.assertions.matching import most_overlap, predicted
from selectlab.assertions.parity import tutorial_flicker
from selectlab.assertions.protocol import Assertion, Share
from selectlab.assertions.tracks import Tracks, bridge, link

LINK, TRACKING, ASSERTION = 0.5, 0.4, 0.8
"""IoU of one object from frame to frame, across a gap, and with its expected box.

Chosen on MOT17: with them the recall on true one-frame misses is 2.7 to 2.9 times that of the
tutorial's thresholds and the precision higher, at confidences .1, .25 and .5.
"""
PARITY_TRACKING, PARITY_ASSERTION = 0.8, 0.6


class Flicker(Assertion):
    """An object seen before and after a gap of a few frames must be seen in between.

    Boxes of neighbouring frames are linked one to one to tracks, within a class, most overlap
    first. Where a track ends and another starts up to ``max_gap`` + 1 frames later and they
    overlap (for longer gaps: also after moving with their velocity), the object was missed in
    between. Its expected boxes lie on the straight line between both; those that no box of that
    frame overlaps enough are imputed. One miss gives one imputed box. The first and the last
    frame never flicker; a frame without boxes, or whose file is missing, can.

    In a crowd, where another box overlaps the expected one, a short track is more often a
    double box than an object: there the object must be seen in ``min_support`` frames more.

    ``parity`` does instead exactly what Lightly's tutorial does: class-agnostic, every pair of
    boxes above the threshold, integer boxes, gaps of one frame.

    Attributes:
        iou_tracking: Boxes before and after the gap show one object if their IoU is above this
            (strict). Default 0.4; in parity mode 0.8, as in the tutorial.
        iou_assertion: A box whose IoU with the expected one reaches this is the object, so
            nothing is missing. Default 0.8; in parity mode 0.6, as in the tutorial.
        max_gap: Most frames in a row that an object may be missing.
        min_support: Frames besides those beside the gap in which an object must have been
            seen where ``crowded`` applies; fewer where the video has no more.
        crowded: IoU of the expected box with another from which on support is asked for.
        parity: Reproduce the tutorial's numbers.

    Cost:
        O(F * n^2) for F frames of n boxes; a block of pairs in memory at a time.

    Reference:
        Kang et al., Model Assertions for Monitoring and Improving ML Models, MLSys 2020.
        Differs: tracks with one-to-one matching instead of a comparison per window.

    Example:
        >>> box = [[0, 0, 10, 20]]
        >>> found = Flicker().check(Frames.of({0: box, 1: [], 2: box}))
        >>> found.imputed.numbers, found.imputed.boxes
        (array([1]), array([[ 0.,  0., 10., 20.]]))
    """

    name: Literal["flicker"] = "flicker"
    iou_tracking: Share | None = None
    iou_assertion: Share | None = None
    max_gap: Annotated[int, Field(ge=1, le=100)] = 1
    min_support: Annotated[int, Field(ge=0)] = 3
    crowded: Share = 0.2
    parity: bool = False

    @model_validator(mode="after")
    def _parity_knows_one_frame(self) -> Self:
        if self.parity and self.max_gap > 1:
            raise ValueError("'parity' knows gaps of one frame only; leave out 'max_gap'")
        return self

    @property
    def key(self) -> str:
        """The metadata key, as in the tutorial."""
        return "flickering"

    def check(self, frames: Frames, *others: Frames) -> Findings:
        """Return the missed boxes of one video; severity is the sum of their scores."""
        tracking = _or(self.iou_tracking, PARITY_TRACKING if self.parity else TRACKING)
        assertion = _or(self.iou_assertion, PARITY_ASSERTION if self.parity else ASSERTION)
        if self.parity:
            return tutorial_flicker(frames, self.min_score, tracking, assertion)
        tracks = link(predicted(frames, self.min_score), LINK)
        gaps = [(gap, *bridge(tracks, gap, tracking)) for gap in range(1, self.max_gap + 1)]
        imputed = Imputed.joined(
            [self._impute(frames, tracks, gap, i, j, assertion) for gap, i, j in gaps]
        )
        severity = severity_of(frames, imputed.numbers, imputed.scores)
        return Findings(severity, imputed=imputed, n_firings=len(imputed))

    def describe(self) -> str:
        """Return the assertion and its mode."""
        return "flicker (parity)" if self.parity else "flicker"

    def _impute(
        self,
        frames: Frames,
        tracks: Tracks,
        gap: int,
        before: IntArray,
        after: IntArray,
        assertion: float,
    ) -> Imputed:
        """Return the boxes missing in gaps of one length."""
        boxes = tracks.boxes
        supported = self._supported(tracks, before, after)
        parts = []
        for k in range(1, gap + 1):
            share = k / (gap + 1)
            corners = (1 - share) * boxes.corners[before] + share * boxes.corners[after]
            time = boxes.time[before] + k
            seen = most_overlap(corners, boxes.classes[before], time, boxes)
            missed = (seen < assertion) & (supported | (seen < self.crowded))
            i, j = before[missed], after[missed]
            parts.append(
                Imputed(
                    frames.numbers_at(time[missed]),
                    _sizes(corners[missed]),
                    boxes.classes[i],
                    (boxes.scores[i] + boxes.scores[j]) / 2,
                    np.stack([boxes.index[i], boxes.index[j]], axis=1),
                )
            )
        return Imputed.joined(parts)

    def _supported(
        self, tracks: Tracks, before: IntArray, after: IntArray
    ) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return whether the object is seen in enough frames around the gap."""
        time, times = tracks.boxes.time, tracks.boxes.times
        n = self.min_support
        seen = tracks.steps(before, n, ahead=False) + tracks.steps(after, n, ahead=True)
        last = times[-1] if len(times) else 0
        possible = time[before] + (last - time[after])
        supported: np.ndarray[tuple[int], np.dtype[np.bool_]] = seen >= np.minimum(n, possible)
        return supported


def _or(given: float | None, default: float) -> float:
    return default if given is None else given


def _sizes(corners: FloatArray) -> FloatArray:
    """Return x, y, width, height of corners."""
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
