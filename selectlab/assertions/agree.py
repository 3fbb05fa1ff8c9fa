"""agree: two models that see different things."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from selectlab.assertions.frames import Findings, FloatArray, Frames, Imputed, severity_of
from selectlab.assertions.matching import Boxes, one_to_one, overlaps, predicted
from selectlab.assertions.protocol import Assertion, Share


class Agree(Assertion):
    """Two models see the same objects.

    Boxes of both are matched one to one within a class, best IoU first. A box of the checked
    task without a partner is suspicious; one of the other task is imputed. Classes are
    compared by name. Works on single images too.

    Attributes:
        other: Name of the other prediction task.
        iou_agree: IoU above which two boxes are one object (strict).
        min_score_other: Least confidence of the other model's boxes; ``min_score`` by default.

    Cost:
        O(F * n^2) for F frames of n boxes.

    Reference:
        Kang et al., Model Assertions for Monitoring and Improving ML Models, MLSys 2020.

    Example:
        >>> one = Frames.of({0: [[0, 0, 9, 9], [50, 0, 9, 9]]})
        >>> other = Frames.of({0: [[0, 0, 9, 9], [99, 0, 5, 5]]})
        >>> found = Agree(other="small").check(one, other)
        >>> found.offending, found.imputed.boxes
        (array([1]), array([[99.,  0.,  5.,  5.]]))
    """

    name: Literal["agree"] = "agree"
    needs_video: ClassVar[bool] = False
    other: str
    iou_agree: Share = 0.5
    min_score_other: Share | None = None

    def other_tasks(self) -> tuple[str, ...]:
        """Return the other task."""
        return (self.other,)

    def check(self, frames: Frames, *others: Frames) -> Findings:
        """Return the boxes only one model has; severity is the sum of their scores."""
        (seen,) = others
        least = self.min_score if self.min_score_other is None else self.min_score_other
        one, other = predicted(frames, self.min_score), predicted(seen, least)
        rows = np.arange(len(frames), dtype=np.int64)
        i, j, value = overlaps(one, rows, other, rows, self.iou_agree)
        kept = one_to_one(i, j, value)
        alone = one.keep(~np.isin(np.arange(len(one.index)), i[kept]))
        missed = other.keep(~np.isin(np.arange(len(other.index)), j[kept]))
        numbers = frames.numbers[np.concatenate([alone.row, missed.row])]
        weights = np.concatenate([alone.scores, missed.scores])
        return Findings(
            severity_of(frames, numbers, weights),
            offending=np.sort(alone.index),
            imputed=_imputed(frames, missed, seen.boxes[missed.index]),
            n_firings=len(numbers),
        )


def _imputed(frames: Frames, missed: Boxes, boxes: FloatArray) -> Imputed:
    sources = np.full((len(missed.index), 2), -1, dtype=np.int64)
    numbers = frames.numbers[missed.row]
    return Imputed.sorted(numbers, boxes, missed.classes, missed.scores, sources)
