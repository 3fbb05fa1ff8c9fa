"""Where two detectors differ, and which of them is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.videos.clips import BoolArray, IntArray
from benchmarks.videos.detection_truth import SAME, Verdicts, ious
from benchmarks.videos.firings import Judged, anchors
from selectlab.assertions.agree import Agree


@dataclass(frozen=True)
class Pair:
    """Two detectors on one clip.

    Attributes:
        checked: The detector that is checked.
        other: The other one, on the same frames.
    """

    checked: Verdicts
    other: Verdicts

    def differences(self) -> tuple[IntArray, IntArray]:
        """Return the boxes of each that ``agree`` says the other lacks."""
        agree = Agree(
            other="other",
            min_score=self.checked.confidence,
            min_score_other=self.other.confidence,
        )
        frames = self.other.clip.frames
        found = agree.check(self.checked.clip.frames, frames)
        rows = np.searchsorted(frames.numbers, found.imputed.numbers)
        theirs = []
        for row, box in zip(rows.tolist(), found.imputed.boxes, strict=True):
            first, stop = frames.offsets[row : row + 2]
            same = (frames.boxes[first:stop] == box).all(axis=1)
            theirs.append(int(first + np.flatnonzero(same & self.other.counted[first:stop])[0]))
        return found.offending, np.array(theirs, dtype=np.int64)

    def drawn(self, n_own: int, n_other: int, seed: int | None) -> tuple[IntArray, IntArray]:
        """Return so many boxes of each: at random, or without a seed those of lowest score."""
        return anchors(self.checked, seed)[:n_own], anchors(self.other, seed)[:n_other]

    def judged(self, own: IntArray, theirs: IntArray) -> Judged:
        """Hold boxes of both against the truth, each box a firing.

        A firing is right when one of both detectors is wrong about it: the box is false, or
        its object is missed by the other. ``covers`` asks for an error of the checked one.
        """
        one, other = self.checked, self.other
        left_out = int(one.ignored[own].sum() + other.ignored[theirs].sum())
        own, theirs = own[~one.ignored[own]], theirs[~other.ignored[theirs]]
        lost_here, lost_there = _lost(other, theirs, one), _lost(one, own, other)
        right = np.concatenate([one.false[own] | lost_there, other.false[theirs] | lost_here])
        strict = np.concatenate([one.false[own], _on_missed(other, theirs, one)])
        found = int(one.false[own].sum()) + _covered(other, theirs, one)
        errors = int(one.false.sum() + one.missed.sum())
        return Judged(_bits(right), _bits(strict), left_out, found, errors)


def _bits(values: BoolArray) -> tuple[bool, ...]:
    return tuple(values.tolist())


def _lost(shown: Verdicts, boxes: IntArray, by: Verdicts) -> BoolArray:
    """Return which boxes show an object that the other detector missed."""
    objects = shown.object_of[boxes]
    lost: BoolArray = (objects >= 0) & by.missed[np.maximum(objects, 0)]
    return lost


def _overlaps(shown: Verdicts, box: int, by: Verdicts) -> Sequence[int]:
    """Return the objects that the other detector missed and that the box lies on."""
    frames = shown.clip.frames
    missed = by.missed_at(int(frames.numbers[frames.rows[box]]))
    same = ious(frames.boxes[[box]], by.clip.objects.boxes[missed])[0] >= SAME
    found: list[int] = missed[same].tolist()
    return found


def _on_missed(shown: Verdicts, boxes: IntArray, by: Verdicts) -> BoolArray:
    return np.array([bool(_overlaps(shown, box, by)) for box in boxes.tolist()], dtype=np.bool_)


def _covered(shown: Verdicts, boxes: IntArray, by: Verdicts) -> int:
    return len({row for box in boxes.tolist() for row in _overlaps(shown, box, by)})
