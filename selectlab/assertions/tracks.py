"""Boxes linked to tracks: frame to frame, and across gaps with a motion model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selectlab.assertions.frames import FloatArray, IntArray
from selectlab.assertions.matching import (
    Boxes,
    Corners,
    frame_pairs,
    iou,
    one_to_one,
    overlaps,
    pairs_of,
    segments,
)

MEMORY = 3
"""Links looked back (or ahead) to estimate how fast an object moves."""


@dataclass
class Tracks:
    """Which box of another frame shows the same object, M boxes.

    Attributes:
        boxes: The boxes.
        after: (M,) the box that follows each; -1 at the end of a track.
        before: (M,) the box before each; -1 at its start.
    """

    boxes: Boxes
    after: IntArray
    before: IntArray

    def join(self, first: IntArray, second: IntArray) -> None:
        """Link boxes one to one."""
        self.after[first] = second
        self.before[second] = first

    def steps(self, start: IntArray, n: int, *, ahead: bool) -> IntArray:
        """Return how many boxes of the same track follow (or precede) each, at most ``n``."""
        link = self.after if ahead else self.before
        count, at = np.zeros(len(start), dtype=np.int64), start
        for _ in range(n):
            at = np.where(at >= 0, link[at], -1)
            count += at >= 0
        return count

    def velocity(self, start: IntArray, *, ahead: bool) -> FloatArray:
        """Return (P, 2) px per step of each box's centre over its nearest links; 0 without."""
        link, time = (self.after if ahead else self.before), self.boxes.time
        far = start
        for _ in range(MEMORY):
            following = link[far]
            far = np.where(following >= 0, following, far)
        corners = self.boxes.corners
        moved = (corners[far] - corners[start]).reshape(-1, 2, 2).mean(axis=1)
        elapsed = (time[far] - time[start])[:, None]
        speed: FloatArray = np.divide(moved, elapsed, out=np.zeros_like(moved), where=elapsed != 0)
        return speed


def link(boxes: Boxes, above: float) -> Tracks:
    """Link boxes of neighbouring frames one to one, most overlap first.

    Args:
        boxes: The boxes of a video.
        above: IoU that two boxes of one object exceed.
    """
    n = len(boxes.index)
    tracks = Tracks(boxes, np.full(n, -1, np.int64), np.full(n, -1, np.int64))
    first, second = frame_pairs(boxes.times, 1)
    i, j, value = overlaps(boxes, first, boxes, second, above)
    kept = one_to_one(i, j, value)
    tracks.join(i[kept], j[kept])
    return tracks


def bridge(tracks: Tracks, gap: int, above: float) -> tuple[IntArray, IntArray]:
    """Link tracks that end to tracks that start ``gap`` frames later, one to one.

    The boxes must overlap as they are, or after the one is moved with the velocity of both
    tracks to the frame of the other.

    Returns:
        The last boxes and the first boxes; the tracks are joined too.
    """
    boxes = tracks.boxes
    ends = boxes.keep(tracks.after < 0)
    starts = boxes.keep(tracks.before < 0)
    end_at, start_at = np.flatnonzero(tracks.after < 0), np.flatnonzero(tracks.before < 0)
    first, second = frame_pairs(boxes.times, gap + 1)
    found_i, found_j, values = [], [], []
    for i, j in pairs_of(segments(ends, first), segments(starts, second)):
        same = ends.classes[i] == starts.classes[j]
        one, other = end_at[i[same]], start_at[j[same]]
        value = _overlap(tracks, one, other, gap + 1)
        kept = value > above
        found_i.append(one[kept])
        found_j.append(other[kept])
        values.append(value[kept])
    if not found_i:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    i, j = np.concatenate(found_i), np.concatenate(found_j)
    kept = one_to_one(i, j, np.concatenate(values))
    tracks.join(i[kept], j[kept])
    return i[kept], j[kept]


def _overlap(tracks: Tracks, one: IntArray, other: IntArray, steps: int) -> Corners:
    """Return the IoU of box pairs, as they are or moved, whichever is greater."""
    corners = tracks.boxes.corners
    plain = iou(corners[one], corners[other])
    if steps <= 2:
        return plain
    back, ahead = tracks.velocity(one, ahead=False), tracks.velocity(other, ahead=True)
    known = (back != 0).any(axis=1)[:, None], (ahead != 0).any(axis=1)[:, None]
    n = np.maximum(known[0].astype(int) + known[1], 1)
    moved = corners[one] + np.tile((back + ahead) / n * steps, 2)
    return np.maximum(plain, iou(moved, corners[other]))
