"""A detector that is trained in a moment: a linear model of gradients slid over the frame.

Dalal & Triggs, Histograms of oriented gradients for human detection, CVPR 2005, with a linear
correction of the box (Girshick et al., CVPR 2014). Axis letters: F frames, P windows of a frame
at all scales, H x W cells, O orientations, D values of a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.videos.detection_truth import ious
from benchmarks.videos.gradient_histograms import CELL, ORIENTATIONS, PAD, Grids

Boxes = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]

TALL, WIDE, AROUND = 8, 3, 1
"""Cells of the box, and of what is looked at around it."""
ROWS, COLUMNS = TALL + 2 * AROUND, WIDE + 2 * AROUND
OBJECT, BACKGROUND = 0.75, 0.3
"""IoU with an object from which a window shows it, and below which it shows none."""
PER_FRAME, MINING = 60, 2
"""Negatives a frame, at random and hard, and how often hard ones are looked for."""
LEAST, OVERLAP = 0.05, 0.4
"""Least probability of a detection, and most overlap of two."""
CANDIDATES, MOST = 60, 20
"""Most peaks of a frame that are looked at, and most detections."""


@dataclass(frozen=True)
class Seen:
    """What is seen in a frame, surest first.

    Attributes:
        boxes: (n, 4) x, y, width, height in px.
        scores: (n,) probabilities.
    """

    boxes: Boxes
    scores: npt.NDArray[np.float64]


class SlidingWindow:
    """A detector of upright objects of one class.

    Args:
        grids: Cells of all frames.
        seed: Of the negatives drawn at random.
    """

    def __init__(self, grids: Grids, seed: int) -> None:
        self._grids = grids
        self._seed = seed
        self._scales = [_Scale(cells, zoom) for cells, zoom in _each(grids)]
        self._windows = np.concatenate([scale.windows for scale in self._scales])
        self._first = np.cumsum([0] + [len(scale.windows) for scale in self._scales])
        self._model: Any = None
        self._correction: Any = None

    def fit(self, frames: Sequence[int], truth: Sequence[Boxes], ignored: Sequence[Boxes]) -> None:
        """Train on labelled frames.

        Args:
            frames: Positions of the frames.
            truth: Boxes of their objects.
            ignored: Boxes in which nothing is learned of the background.
        """
        from sklearn.linear_model import LogisticRegression, Ridge

        random = np.random.default_rng([self._seed, len(frames)])
        shown, targets, negatives, free = [], [], [], []
        for frame, objects, left_out in zip(frames, truth, ignored, strict=True):
            rows, target, background = self._examples(objects, left_out)
            shown.append(self._features(frame, rows))
            targets.append(target)
            free.append(background)
            some = random.choice(background, min(PER_FRAME, len(background)), replace=False)
            negatives.append(self._features(frame, np.sort(some)))
        positives = np.concatenate(shown)
        correction = Ridge(alpha=10.0).fit(positives, np.concatenate(targets))
        self._correction = (correction.coef_.T, correction.intercept_)
        positives = np.concatenate([positives, _mirrored(positives)])
        self._model = LogisticRegression(max_iter=1000, warm_start=True)
        for mined in range(MINING + 1):
            if mined:
                negatives += self._hard(frames, free)
            x = np.concatenate([positives, *negatives])
            self._model.fit(x, np.arange(len(x)) < len(positives))

    def _hard(self, frames: Sequence[int], free: Sequence[Rows]) -> list[Floats]:
        """Return the windows of each frame that look most like an object and show none."""
        found = []
        for frame, scores, rows in zip(frames, self._scores(frames), free, strict=True):
            best = np.argsort(-scores[rows], kind="stable")[:PER_FRAME]
            found.append(self._features(frame, rows[best]))
        return found

    def detect(self, frames: Sequence[int]) -> list[Seen]:
        """Return what is seen in each frame."""
        found = []
        for start in range(0, len(frames), 16):
            part = frames[start : start + 16]
            for frame, scores in zip(part, self._scores(part), strict=True):
                rows = np.concatenate(
                    [
                        first + scale.peaks(scores[first : first + len(scale.windows)])
                        for first, scale in zip(self._first, self._scales, strict=False)
                    ]
                )
                found.append(self._kept(frame, rows, scores[rows]))
        return found

    def _kept(self, frame: int, rows: Rows, scores: Floats) -> Seen:
        """Return the surest of overlapping boxes, corrected."""
        probability = 1 / (1 + np.exp(-scores.astype(np.float64)))
        order = np.argsort(-probability, kind="stable")
        order = order[probability[order] >= LEAST][:CANDIDATES]
        if not len(order):
            return Seen(np.zeros((0, 4)), np.zeros(0))
        weights, bias = self._correction
        shift = self._features(frame, rows[order]) @ weights + bias
        boxes = _corrected(self._windows[rows[order]], shift)
        close, left = ious(boxes, boxes) > OVERLAP, np.ones(len(order), dtype=np.bool_)
        for at in range(len(order)):
            if left[at]:
                left[at + 1 :] &= ~close[at, at + 1 :]
        kept = np.flatnonzero(left)[:MOST]
        return Seen(boxes[kept], probability[order][kept])

    def _examples(self, objects: Boxes, ignored: Boxes) -> tuple[Rows, Boxes, Rows]:
        """Return windows that show an object, their corrections, and windows that show none."""
        none = np.zeros((len(self._windows), 1))
        overlap = np.hstack([none, ious(self._windows, objects)])
        best = overlap[:, 1:].argmax(axis=0) if len(objects) else np.zeros(0, np.intp)
        rows = np.union1d(np.flatnonzero(overlap.max(axis=1) >= OBJECT), best).astype(np.intp)
        whose = overlap[rows, 1:].argmax(axis=1) if len(objects) else rows
        target = _shift(self._windows[rows], objects[whose])
        near = np.hstack([overlap, ious(self._windows, ignored)]).max(axis=1)
        return rows, target, np.flatnonzero(near < BACKGROUND)

    def _features(self, frame: int, rows: Rows) -> Floats:
        """Return (n, D) windows of a frame."""
        found = np.zeros((len(rows), ROWS * COLUMNS * ORIENTATIONS), dtype=np.float32)
        for first, last, scale in zip(self._first, self._first[1:], self._scales, strict=False):
            here = (rows >= first) & (rows < last)
            if here.any():
                found[here] = scale.features(frame, rows[here] - first)
        return found

    def _scores(self, frames: Sequence[int]) -> Floats:
        """Return (F, P) log odds."""
        weights = self._model.coef_.reshape(ROWS, COLUMNS * ORIENTATIONS).astype(np.float32)
        bias = np.float32(self._model.intercept_[0])
        scores = [scale.slide(frames, weights) for scale in self._scales]
        odds: Floats = np.concatenate(scores, axis=1) + bias
        return odds


class _Scale:
    """The windows of one scale."""

    def __init__(self, cells: npt.NDArray[np.uint8], zoom: float) -> None:
        self._cells = cells
        self._shape = (cells.shape[1] - ROWS + 1, cells.shape[2] - COLUMNS + 1)
        rows, columns = np.divmod(np.arange(self._shape[0] * self._shape[1]), self._shape[1])
        size = CELL / zoom
        place = np.stack([columns, rows], axis=1) - float(PAD - AROUND)
        extent = np.broadcast_to([float(WIDE), float(TALL)], place.shape)
        self.windows: Boxes = size * np.hstack([place, extent])

    def features(self, frame: int, rows: Rows) -> Floats:
        cells = np.asarray(self._cells[frame])
        views = np.lib.stride_tricks.sliding_window_view(cells, (ROWS, COLUMNS), axis=(0, 1))
        found = views[np.divmod(rows, self._shape[1])].transpose(0, 2, 3, 1)
        values: Floats = found.reshape(len(rows), -1).astype(np.float32) / np.float32(255)
        return values

    def slide(self, frames: Sequence[int], weights: Floats) -> Floats:
        """Return (F, P of this scale) products of windows and weights."""
        found = []
        for frame in frames:
            cells = np.asarray(self._cells[frame])
            width = self._shape[1]
            shifted = np.stack([cells[:, at : at + width] for at in range(COLUMNS)], axis=2)
            flat = shifted.reshape(-1, COLUMNS * ORIENTATIONS).astype(np.float32)
            lines = (weights @ flat.T).reshape(ROWS, -1, width)
            total = lines[0, : self._shape[0]].copy()
            for at in range(1, ROWS):
                total += lines[at, at : at + self._shape[0]]
            found.append(total.ravel())
        products: Floats = np.stack(found) / np.float32(255)
        return products

    def peaks(self, scores: Floats) -> Rows:
        """Return the windows that score at least what their eight neighbours do."""
        from scipy.ndimage import maximum_filter

        field = scores.reshape(self._shape)
        return np.flatnonzero(field >= maximum_filter(field, 3, mode="nearest"))


def _each(grids: Grids) -> Any:
    return zip(grids.cells, grids.zooms, strict=True)


def _mirrored(features: Floats) -> Floats:
    """Return the features of the same windows seen in a mirror."""
    windows = features.reshape(-1, ROWS, COLUMNS, ORIENTATIONS)
    return windows[:, :, ::-1, ::-1].reshape(len(features), -1)


def _shift(windows: Boxes, boxes: Boxes) -> Boxes:
    """Return what leads from windows to boxes: steps of the centre, logarithms of the size."""
    step = boxes[:, :2] + boxes[:, 2:] / 2 - windows[:, :2] - windows[:, 2:] / 2
    return np.hstack([step / windows[:, 2:], np.log(boxes[:, 2:] / windows[:, 2:])])


def _corrected(windows: Boxes, shift: Boxes) -> Boxes:
    """Undo :func:`_shift`; sizes change by a third at most."""
    size = windows[:, 2:] * np.exp(np.clip(shift[:, 2:], -0.3, 0.3))
    centre = windows[:, :2] + windows[:, 2:] / 2 + shift[:, :2] * windows[:, 2:]
    return np.hstack([centre - size / 2, size])
