"""What a detector got right and wrong on a clip: found, missed, invented, and its AP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks.videos.clips import BoolArray, Clip, FloatArray, IntArray, Objects

SAME = 0.5
"""IoU from which on a box shows an object."""


def ious(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the IoU of every box of one list with every box of the other.

    Args:
        one: (A, 4) x, y, width, height in px.
        other: (B, 4) the same.

    Returns:
        (A, B), 0 where both are empty.
    """
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, :2] + one[:, None, 2:], other[None, :, :2] + other[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = one[:, 2:].prod(axis=1)[:, None] + other[:, 2:].prod(axis=1)[None]
    found: FloatArray = shared / np.maximum(areas - shared, 1e-9)
    return found


def in_region(boxes: FloatArray, regions: FloatArray) -> BoolArray:
    """Return which boxes show something that is to be ignored."""
    if not len(regions):
        return np.zeros(len(boxes), dtype=np.bool_)
    inside: BoolArray = ious(boxes, regions).max(axis=1) >= SAME
    return inside


@dataclass(frozen=True)
class Verdicts:
    """What is right and wrong with the detections of a clip from some confidence on.

    Detections and objects of a frame are matched one to one so that the sum of IoUs is
    greatest; pairs below ``SAME`` are none. What has no object is false, unless it shows
    something that is to be ignored.

    Attributes:
        clip: The clip.
        confidence: Least score of a detection.
        counted: (M,) detections of at least that score.
        object_of: (M,) the object that each shows; -1 for none.
        ignored: (M,) detections without an object on something that is to be ignored.
        seen: (T,) objects that were found.
    """

    clip: Clip
    confidence: float
    counted: BoolArray
    object_of: IntArray
    ignored: BoolArray
    seen: BoolArray

    @classmethod
    def of(cls, clip: Clip, confidence: float) -> Verdicts:
        """Match the detections of a clip."""
        frames, objects = clip.frames, clip.objects
        counted = frames.scores >= confidence
        object_of = np.full(len(counted), -1, dtype=np.int64)
        ignored = np.zeros(len(counted), dtype=np.bool_)
        seen = np.zeros(len(objects.numbers), dtype=np.bool_)
        for at, number in enumerate(frames.numbers.tolist()):
            first, stop = frames.offsets[at : at + 2]
            found = first + np.flatnonzero(counted[first:stop])
            true = objects.at(number)
            shares = ious(objects.boxes[true], frames.boxes[found])
            shares[shares < SAME] = 0
            i, j = linear_sum_assignment(-shares)
            i, j = i[shares[i, j] > 0], j[shares[i, j] > 0]
            object_of[found[j]] = true[i]
            seen[true[i]] = True
            alone = np.delete(found, j)
            regions = clip.ignored.boxes[clip.ignored.at(number)]
            ignored[alone] = in_region(frames.boxes[alone], regions)
        return cls(clip, confidence, counted, object_of, ignored, seen)

    @property
    def false(self) -> BoolArray:
        """(M,) detections of nothing."""
        return self.counted & (self.object_of < 0) & ~self.ignored

    @property
    def missed(self) -> BoolArray:
        """(T,) objects that were not found."""
        return ~self.seen

    def missed_at(self, number: int) -> IntArray:
        """Return the objects that were missed in a frame."""
        there = self.clip.objects.at(number)
        return there[~self.seen[there]]

    def short_misses(self, longest: int = 1) -> BoolArray:
        """(T,) objects missed for a few frames between two in which they are found.

        Args:
            longest: Most frames in a row; 1 gives the true one-frame misses.
        """
        objects = self.clip.objects
        order = np.lexsort((objects.numbers, objects.tracks))
        numbers, tracks, seen = objects.numbers[order], objects.tracks[order], self.seen[order]
        follows = (np.diff(numbers) == 1) & (np.diff(tracks) == 0)
        starts = np.concatenate([[0], np.flatnonzero(~follows | (np.diff(seen) != 0)) + 1])
        stops = np.concatenate([starts[1:], [len(order)]])
        short = np.zeros(len(order), dtype=np.bool_)
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            inside = start > 0 and stop < len(order) and follows[start - 1] and follows[stop - 1]
            if inside and not seen[start] and stop - start <= longest:
                short[order[start:stop]] = True
        return short


def covering(
    numbers: IntArray, boxes: FloatArray, objects: Objects, wanted: BoolArray
) -> tuple[BoolArray, BoolArray]:
    """Return which boxes lie on one of the wanted objects, and which objects are covered.

    Args:
        numbers: (I,) frame of each box.
        boxes: (I, 4) x, y, width, height in px.
        objects: The objects.
        wanted: (T,) those that count.
    """
    right = np.zeros(len(numbers), dtype=np.bool_)
    covered = np.zeros(len(wanted), dtype=np.bool_)
    for number in np.unique(numbers):
        mine, there = np.flatnonzero(numbers == number), objects.at(int(number))
        there = there[wanted[there]]
        same = ious(boxes[mine], objects.boxes[there]) >= SAME
        right[mine] = same.any(axis=1)
        covered[there] = same.any(axis=0)
    return right, covered


@dataclass(frozen=True)
class Detections:
    """Boxes that are to be rated, I of them.

    Attributes:
        numbers: (I,) frame numbers.
        boxes: (I, 4) x, y, width, height in px.
        scores: (I,) confidence.
    """

    numbers: IntArray
    boxes: FloatArray
    scores: FloatArray


@dataclass(frozen=True)
class Ranked:
    """Detections by what became of them, for the average precision.

    Attributes:
        scores: (I,) confidence of those that count; ignored ones are left out.
        right: (I,) whether each shows an object that no better one shows.
        n_objects: How many objects there are.
    """

    scores: FloatArray
    right: BoolArray
    n_objects: int


def ranked(clip: Clip, found: Detections) -> Ranked:
    """Match detections in falling order of score, each to the free object it covers most."""
    scores, right = [], []
    order = np.lexsort((-found.scores, found.numbers))
    numbers = found.numbers[order]
    for number in clip.frames.numbers.tolist():
        first, stop = np.searchsorted(numbers, [number, number + 1])
        mine, true = order[first:stop], clip.objects.at(number)
        shares = ious(found.boxes[mine], clip.objects.boxes[true])
        ignored = in_region(found.boxes[mine], clip.ignored.boxes[clip.ignored.at(number)])
        for row, share in enumerate(shares):
            best = int(share.argmax()) if len(true) else -1
            hit = best >= 0 and share[best] >= SAME
            if hit:
                shares[:, best] = -1
            if hit or not ignored[row]:
                scores.append(found.scores[mine[row]])
                right.append(hit)
    return Ranked(np.array(scores), np.array(right, dtype=np.bool_), len(clip.objects.numbers))


def average_precision(parts: Sequence[Ranked]) -> float:
    """Return the area under the precision-recall curve of several clips together.

    The curve is made falling from the right, and every step counts, as in VOC from 2010 on.
    Detections of one score make one step, whatever their order.
    """
    scores = np.concatenate([part.scores for part in parts])
    right = np.concatenate([part.right for part in parts])
    n_objects = sum(part.n_objects for part in parts)
    if not len(scores) or not n_objects:
        return 0.0
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(right[order])[last]
    n = np.flatnonzero(last) + 1
    precision = np.maximum.accumulate((hits / n)[::-1])[::-1]
    return float(np.sum(precision * np.diff(hits, prepend=0)) / n_objects)
