"""Boxes of many frames compared at once: overlaps of frame pairs, and one-to-one matching.

Nothing here loops over frames or boxes. Pairs of boxes are formed in blocks of bounded size;
only those that overlap enough are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.assertions.frames import FloatArray, Frames, IntArray

BLOCK_PAIRS = 1 << 19
"""Pairs of boxes compared at a time; about 60 MB of intermediate arrays."""

Corners = npt.NDArray[Any]


@dataclass(frozen=True)
class Boxes:
    """Boxes that count, in an order that does not depend on how a file lists them.

    Attributes:
        corners: (M, 4) x1, y1, x2, y2 in px.
        scores: (M,) confidence.
        classes: (M,) class numbers; all 0 where classes do not matter.
        index: (M,) position of each in ``Frames.boxes``.
        row: (M,) frame of each, by position.
        starts: (F + 1,) frame i has boxes ``starts[i]:starts[i + 1]``.
        times: (F,) frame numbers in steps from the first.
    """

    corners: Corners
    scores: FloatArray
    classes: IntArray
    index: IntArray
    row: IntArray
    starts: IntArray
    times: IntArray

    @property
    def time(self) -> IntArray:
        """(M,) time of each box."""
        return self.times[self.row]

    def keep(self, rows: npt.NDArray[np.bool_]) -> Boxes:
        """Return some of the boxes."""
        row = self.row[rows]
        return replace(
            self,
            corners=self.corners[rows],
            scores=self.scores[rows],
            classes=self.classes[rows],
            index=self.index[rows],
            row=row,
            starts=np.searchsorted(row, np.arange(len(self.times) + 1)).astype(np.int64),
        )


def predicted(frames: Frames, min_score: float, *, by_class: bool = True) -> Boxes:
    """Return the boxes of a video with at least some confidence, in canonical order.

    Args:
        frames: The video.
        min_score: Least confidence.
        by_class: Whether classes matter; without, all boxes are of one class.
    """
    scores = np.where(np.isnan(frames.scores), 1.0, frames.scores)
    classes = frames.classes if by_class else np.zeros_like(frames.classes)
    row = frames.rows
    order = np.lexsort((frames.classes, -scores, *frames.boxes.T[::-1], classes, row))
    order = order[scores[order] >= min_score]
    corners = frames.boxes[order]
    corners[:, 2:] += corners[:, :2]
    row = row[order]
    starts = np.searchsorted(row, np.arange(len(frames) + 1)).astype(np.int64)
    return Boxes(corners, scores[order], classes[order], order, row, starts, frames.times)


def frame_pairs(times: IntArray, apart: int) -> tuple[IntArray, IntArray]:
    """Return the positions of all pairs of frames whose times are ``apart``."""
    at = np.searchsorted(times, times + apart)
    first = np.flatnonzero(at < len(times))
    first = first[times[at[first]] == times[first] + apart]
    return first, at[first]


def pairs_of(
    left: tuple[IntArray, IntArray], right: tuple[IntArray, IntArray]
) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield all pairs between segments of two lists of boxes, in blocks.

    Args:
        left: (P,) first box and (P,) number of boxes of each segment of the one list.
        right: The same of the other list; segment p of both goes together.

    Yields:
        Positions in the one list and in the other.
    """
    n_pairs = left[1] * right[1]
    filled = np.flatnonzero(n_pairs)
    ends = np.cumsum(n_pairs[filled])
    done, start = 0, 0
    while done < len(filled):
        stop = max(done + 1, int(np.searchsorted(ends, start + BLOCK_PAIRS, side="right")))
        block = filled[done:stop]
        counts = n_pairs[block]
        segment = np.repeat(np.arange(len(block)), counts)
        within = np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts)
        width = right[1][block][segment]
        yield left[0][block][segment] + within // width, right[0][block][segment] + within % width
        done, start = stop, int(ends[stop - 1])


def segments(boxes: Boxes, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return first box and number of boxes of some frames; row -1 is a frame without boxes."""
    known = rows >= 0
    first = np.where(known, boxes.starts[rows], 0)
    return first, np.where(known, boxes.starts[rows + 1] - first, 0)


def iou(one: Corners, other: Corners) -> Corners:
    """Return the intersection over union of boxes, pair by pair; 0 where both are empty.

    Args:
        one: (P, 4) x1, y1, x2, y2.
        other: (P, 4).

    Example:
        >>> iou(np.array([[0.0, 0, 4, 2]]), np.array([[2.0, 0, 6, 2]]))
        array([0.33333333])
    """
    width = np.minimum(one[:, 2], other[:, 2]) - np.maximum(one[:, 0], other[:, 0])
    height = np.minimum(one[:, 3], other[:, 3]) - np.maximum(one[:, 1], other[:, 1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    union = area(one) + area(other) - shared
    shares: Corners = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return shares


def area(corners: Corners) -> Corners:
    """Return the areas of boxes, px."""
    sides = corners[:, 2:] - corners[:, :2]
    areas: Corners = sides[:, 0] * sides[:, 1]
    return areas


def overlaps(
    one: Boxes, rows: IntArray, other: Boxes, other_rows: IntArray, above: float
) -> tuple[IntArray, IntArray, Corners]:
    """Return the pairs of boxes of one class with IoU above a threshold (strict).

    Args:
        one: Boxes.
        rows: (P,) frames of ``one``.
        other: Boxes.
        other_rows: (P,) frames of ``other``, each compared with its counterpart in ``rows``.
        above: IoU, at least 0.

    Returns:
        Position in ``one``, position in ``other``, IoU.
    """
    found = []
    for i, j in pairs_of(segments(one, rows), segments(other, other_rows)):
        same = one.classes[i] == other.classes[j]
        i, j = i[same], j[same]
        # most pairs do not even touch; compare those that do
        first, second = one.corners, other.corners
        touch = (first[i, 0] < second[j, 2]) & (second[j, 0] < first[i, 2])
        i, j = i[touch], j[touch]
        value = iou(first[i], second[j])
        kept = value > value.dtype.type(above)
        found.append((i[kept], j[kept], value[kept]))
    return _joined(found, one.corners.dtype)


def _joined(
    found: list[tuple[IntArray, IntArray, Corners]], dtype: np.dtype[Any]
) -> tuple[IntArray, IntArray, Corners]:
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, dtype)
    i, j, value = (np.concatenate(column) for column in zip(*found, strict=True))
    return i, j, value


def one_to_one(i: IntArray, j: IntArray, value: Corners) -> npt.NDArray[np.bool_]:
    """Return which pairs a matching keeps that takes the best pair first, each box once.

    Ties go to the lower positions. Equal to taking pairs one at a time in falling order: a
    pair that is the best of both its boxes is taken whatever happens elsewhere, so all such
    pairs are taken at once, and what they leave over is looked at again.

    Example:
        >>> one_to_one(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([0.9, 0.8, 0.7]))
        array([ True, False,  True])
    """
    kept = np.zeros(len(i), dtype=np.bool_)
    if not len(i):
        return kept
    open_ = np.lexsort((j, i, -value))
    best_i, best_j = np.empty(i.max() + 1, np.int64), np.empty(j.max() + 1, np.int64)
    used_i, used_j = np.zeros(len(best_i), np.bool_), np.zeros(len(best_j), np.bool_)
    while len(open_):
        best_i[i[open_[::-1]]] = open_[::-1]
        best_j[j[open_[::-1]]] = open_[::-1]
        taken = open_[(best_i[i[open_]] == open_) & (best_j[j[open_]] == open_)]
        kept[taken] = True
        used_i[i[taken]], used_j[j[taken]] = True, True
        open_ = open_[~(used_i[i[open_]] | used_j[j[open_]])]
    return kept


def most_overlap(corners: Corners, classes: IntArray, time: IntArray, boxes: Boxes) -> Corners:
    """Return the greatest IoU of each box with a box of its class in the frame at its time.

    Args:
        corners: (P, 4) boxes.
        classes: (P,) their classes.
        time: (P,) their times; there may be no frame of that time.
        boxes: The boxes of all frames.

    Returns:
        (P,) IoU; -1 where there is no box of the class in the frame.
    """
    best = np.full(len(corners), -1, dtype=corners.dtype)
    for i, j in pairs_of(*_places(time, boxes)):
        same = classes[i] == boxes.classes[j]
        i, j = i[same], j[same]
        np.maximum.at(best, i, iou(corners[i], boxes.corners[j]))
    return best


def _places(
    time: IntArray, boxes: Boxes
) -> tuple[tuple[IntArray, IntArray], tuple[IntArray, IntArray]]:
    """Return each box as a segment of its own, and the frame at its time."""
    singles = (np.arange(len(time), dtype=np.int64), np.ones(len(time), dtype=np.int64))
    if not len(boxes.times):
        return singles, (np.zeros_like(time), np.zeros_like(time))
    at = np.minimum(np.searchsorted(boxes.times, time), len(boxes.times) - 1)
    return singles, segments(boxes, np.where(boxes.times[at] == time, at, -1))
