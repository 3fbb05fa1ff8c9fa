"""What an assertion looks at and what it finds: the frames of one video, in plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.errors import DataError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

STEPS_FROM = 6
"""Fewest frames of a video from which a step other than 1 is believed."""


@dataclass(frozen=True)
class Frames:
    """The boxes that a model predicted in the frames of one video.

    Axis letters: F frames, M boxes.

    Attributes:
        numbers: (F,) frame numbers, rising. Where a number is left out (its file is missing),
            there is a frame without boxes. Numbers may rise in steps: a video of which every
            fifth frame was kept has frames 0, 5, 10, ..., none of them missing (see ``step``).
        offsets: (F + 1,) frame i has boxes ``offsets[i]:offsets[i + 1]``.
        boxes: (M, 4) x, y, width, height in px.
        scores: (M,) confidence in [0, 1]; NaN (a label) counts as 1.
        classes: (M,) class numbers; any numbers do.
        where: The video or file, for messages.

    Raises:
        DataError: Shapes do not fit, a box is not finite, or a frame is out of order or twice.

    Example:
        >>> video = Frames.of({1: [[0, 0, 9, 9]], 2: [], 3: [[0, 0, 9, 9]]})
        >>> video.numbers, video.offsets
        (array([1, 2, 3]), array([0, 1, 1, 2]))
    """

    numbers: IntArray
    offsets: IntArray
    boxes: FloatArray
    scores: FloatArray
    classes: IntArray
    where: str = "frames"

    def __post_init__(self) -> None:
        n_frames, n_boxes = len(self.numbers), len(self.boxes)
        shapes = {
            "numbers": (self.numbers, (n_frames,)),
            "offsets": (self.offsets, (n_frames + 1,)),
            "boxes": (self.boxes, (n_boxes, 4)),
            "scores": (self.scores, (n_boxes,)),
            "classes": (self.classes, (n_boxes,)),
        }
        for name, (array, shape) in shapes.items():
            if array.shape != shape:
                raise DataError(f"{self.where}: {name} has shape {array.shape}, expected {shape}")
        rises = np.diff(self.offsets)
        if self.offsets[0] != 0 or self.offsets[-1] != n_boxes or (rises < 0).any():
            raise DataError(f"{self.where}: offsets must rise from 0 to the {n_boxes} boxes")
        bad = np.flatnonzero(np.diff(self.numbers) <= 0)
        if len(bad):
            before, after = self.numbers[bad[0]], self.numbers[bad[0] + 1]
            what = "occurs twice" if before == after else f"comes after frame {before}"
            raise DataError(f"{self.where}: frame {after} {what}; each frame once, in order")
        if not np.isfinite(self.boxes).all():
            row = int(np.argmin(np.isfinite(self.boxes).all(axis=1)))
            raise DataError(f"{self.where}: box {row} is {self.boxes[row].tolist()}, not finite")

    @classmethod
    def of(
        cls,
        boxes: dict[int, Any],
        scores: dict[int, Any] | None = None,
        classes: dict[int, Any] | None = None,
    ) -> Frames:
        """Return frames from ``{frame number: (n, 4) boxes}``, in the order given.

        Args:
            boxes: x, y, width, height in px.
            scores: ``{frame number: (n,) scores}``; 1 where not given.
            classes: ``{frame number: (n,) class numbers}``; 0 where not given.
        """
        counts = [len(held) for held in boxes.values()]
        n = sum(counts)
        return cls(
            numbers=np.array(list(boxes), dtype=np.int64),
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            boxes=np.array([b for held in boxes.values() for b in held], float).reshape(n, 4),
            scores=_flat(scores, boxes, 1.0),
            classes=_flat(classes, boxes, 0.0).astype(np.int64),
        )

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def rows(self) -> IntArray:
        """(M,) the frame, by position, that each box is in."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.offsets))

    @property
    def step(self) -> int:
        """How far apart the numbers of neighbouring frames are.

        The greatest common divisor of all differences, so 2 where every second frame was kept.
        With few frames that may be chance (frames 0 and 2: is 1 missing?), and it is 1.
        """
        if len(self) < STEPS_FROM:
            return 1
        return max(1, int(np.gcd.reduce(np.diff(self.numbers), initial=0)))

    @property
    def times(self) -> IntArray:
        """(F,) frame numbers counted in steps from the first frame, 0."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        times: IntArray = (self.numbers - self.numbers[0]) // self.step
        return times

    def numbers_at(self, times: IntArray) -> IntArray:
        """Return frame numbers from times; there may be no file of that number."""
        if not len(times):
            return np.zeros(0, dtype=np.int64)
        numbers: IntArray = self.numbers[0] + times * self.step
        return numbers


def _flat(values: dict[int, Any] | None, boxes: dict[int, Any], default: float) -> FloatArray:
    if values is None:
        return np.full(sum(map(len, boxes.values())), default)
    return np.array([v for number in boxes for v in values.get(number, ())], dtype=np.float64)


@dataclass(frozen=True)
class Imputed:
    """Boxes that should have been there, I of them.

    Attributes:
        numbers: (I,) frame number of each.
        boxes: (I, 4) x, y, width, height in px.
        classes: (I,) class numbers.
        scores: (I,) how sure: the mean confidence of the boxes it comes from.
        sources: (I, 2) positions in ``Frames.boxes`` of the boxes before and after that it
            was computed from; -1 where there is none.
    """

    numbers: IntArray
    boxes: FloatArray
    classes: IntArray
    scores: FloatArray
    sources: IntArray

    def __len__(self) -> int:
        return len(self.numbers)

    @classmethod
    def none(cls) -> Imputed:
        """Return no boxes at all."""
        empty = np.zeros(0, dtype=np.int64)
        return cls(empty, np.zeros((0, 4)), empty, np.zeros(0), np.zeros((0, 2), dtype=np.int64))

    @classmethod
    def joined(cls, parts: Sequence[Imputed]) -> Imputed:
        """Return boxes of several lists in one, sorted."""
        names = ("numbers", "boxes", "classes", "scores", "sources")
        listed = [cls.none(), *parts]
        return cls.sorted(*(np.concatenate([getattr(p, n) for p in listed]) for n in names))

    @classmethod
    def sorted(cls, *columns: npt.NDArray[Any]) -> Imputed:
        """Return boxes ordered by frame, then by place, class and source."""
        numbers, boxes, classes, scores, sources = columns
        keys = (*sources.T[::-1], scores, classes, *boxes.T[::-1], numbers)
        order = np.lexsort(keys)
        return cls(numbers[order], boxes[order], classes[order], scores[order], sources[order])


@dataclass(frozen=True)
class Findings:
    """What an assertion finds in one video.

    Attributes:
        severity: (F,) how much is wrong in each frame; 0 where nothing is.
        offending: Sorted positions in ``Frames.boxes`` of boxes that are suspicious.
        imputed: Boxes that should have been there.
        n_firings: How often the assertion fired: once a missed box, a short track, a triple.
    """

    severity: FloatArray
    offending: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    imputed: Imputed = field(default_factory=Imputed.none)
    n_firings: int = 0

    @property
    def flagged(self) -> BoolArray:
        """(F,) the frames in which something is wrong."""
        flagged: BoolArray = self.severity > 0
        return flagged

    def flagged_numbers(self, frames: Frames) -> IntArray:
        """Return the numbers of flagged frames, those without a file included."""
        found: IntArray = np.union1d(frames.numbers[self.flagged], self.imputed.numbers)
        return found


def severity_of(frames: Frames, numbers: IntArray, weights: FloatArray) -> FloatArray:
    """Return (F,) sums of weights by frame number; frames without a file have no place in it.

    A weight of 0 (a confidence of 0) still counts a little: what fires is flagged.
    """
    severity = np.zeros(len(frames))
    if len(numbers):
        at = np.minimum(np.searchsorted(frames.numbers, numbers), len(frames) - 1)
        known = frames.numbers[at] == numbers
        least = np.maximum(np.asarray(weights, dtype=np.float64), 1e-6)
        np.add.at(severity, at[known], least[known])
    return severity
