"""Assertions on real detections: the tutorial's exact counts, and recall beyond them."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from selectlab.assertions import Frames, Imputed
from selectlab.assertions.flicker import Flicker
from selectlab.assertions.multibox import Multibox
from selectlab.inputs.mot import read_mot

SEQUENCES = ("02", "04", "05", "09", "10", "11", "13")
COUNTS = {
    (0.1, 0.9, 0.6): (177, 187),
    (0.1, 0.8, 0.6): (586, 711),
    (0.1, 0.5, 0.5): (1238, 2308),
    (0.25, 0.9, 0.6): (154, 163),
    (0.25, 0.8, 0.6): (452, 532),
    (0.25, 0.5, 0.5): (965, 1510),
    (0.5, 0.9, 0.6): (124, 131),
    (0.5, 0.8, 0.6): (308, 343),
    (0.5, 0.5, 0.5): (747, 1026),
}


@cache
def sequence(folder: Path) -> Frames:
    found = read_mot(folder / "det.txt").predictions
    assert found.boxes is not None
    n = len(found.offsets) - 1
    return Frames(np.arange(1, n + 1), found.offsets, found.boxes, found.score, found.category)


@pytest.fixture
def videos(data_folder: Path) -> list[tuple[Path, Frames]]:
    folders = [data_folder / "mot17_yolox" / f"MOT17-{name}" for name in SEQUENCES]
    if not folders[0].is_dir():
        pytest.skip(f"no {folders[0]}")
    return [(folder, sequence(folder)) for folder in folders]


@pytest.mark.parametrize(("settings", "expected"), list(COUNTS.items()), ids=str)
def test_parity_gives_the_published_counts(
    videos: list[tuple[Path, Frames]],
    settings: tuple[float, float, float],
    expected: tuple[int, int],
) -> None:
    score, tracking, assertion = settings
    flicker = Flicker(parity=True, min_score=score, iou_tracking=tracking, iou_assertion=assertion)
    found = [flicker.check(frames) for _, frames in videos]
    flagged = sum(int(f.flagged.sum()) for f in found)
    assert (flagged, sum(len(f.imputed) for f in found)) == expected


@pytest.mark.parametrize(
    ("score", "gaps", "recall", "precision"),
    [(0.1, 710, 0.148, 0.170), (0.25, 737, 0.178, 0.289), (0.5, 738, 0.207, 0.484)],
)
def test_default_mode_doubles_the_recall_of_the_tutorial(
    videos: list[tuple[Path, Frames]], score: float, gaps: int, recall: float, precision: float
) -> None:
    """At no worse box precision; the tutorial's own numbers come out within .003 (docs)."""
    truth = [Truth(folder, frames, score) for folder, frames in videos]
    assert sum(t.n_gaps for t in truth) == gaps
    tutorial = _judged(Flicker(parity=True, min_score=score), videos, truth)
    assert tutorial == pytest.approx((precision, recall), abs=0.003)
    ours = _judged(Flicker(min_score=score), videos, truth)
    assert ours[0] >= precision
    assert ours[1] >= 2.5 * recall


def test_multibox_fires_as_often_as_measured_elsewhere(videos: list[tuple[Path, Frames]]) -> None:
    found = [Multibox(min_score=0.25).check(frames) for _, frames in videos]
    assert sum(f.n_firings for f in found) == 3615


def _judged(flicker: Flicker, videos: Any, truth: list[Truth]) -> tuple[float, float]:
    n = right = covered = gaps = 0
    for (_, frames), true in zip(videos, truth, strict=True):
        imputed = flicker.check(frames).imputed
        hit, seen = true.judge(imputed)
        n, right, covered, gaps = n + len(imputed), right + hit, covered + seen, gaps + true.n_gaps
    return right / n, covered / gaps


class Truth:
    """Which pedestrians a detector missed, by their ground-truth tracks."""

    def __init__(self, folder: Path, frames: Frames, score: float) -> None:
        rows = np.loadtxt(folder / "gt.txt", delimiter=",")
        rows = rows[(rows[:, 6] == 1) & (rows[:, 7] == 1)]
        self.boxes = _corners(rows[:, 2:6])
        self.number, self.track = rows[:, 0].astype(int), rows[:, 1].astype(int)
        self.seen = np.zeros(len(rows), dtype=bool)
        kept = frames.scores >= score
        number = frames.numbers[frames.rows]
        for frame in frames.numbers:
            true = np.flatnonzero(self.number == frame)
            found = _corners(frames.boxes[kept & (number == frame)])
            shares = _ious(self.boxes[true], found)
            shares[shares < 0.5] = 0
            i, j = linear_sum_assignment(-shares)
            self.seen[true[i[shares[i, j] > 0]]] = True
        state = {(t, n): s for t, n, s in zip(self.track, self.number, self.seen, strict=True)}
        self.gap = np.array(
            [
                not s and state.get((t, n - 1), False) and state.get((t, n + 1), False)
                for t, n, s in zip(self.track, self.number, self.seen, strict=True)
            ]
        )
        self.n_gaps = int(self.gap.sum())

    def judge(self, imputed: Imputed) -> tuple[int, int]:
        """Return the boxes that cover a missed object, and the one-frame gaps covered."""
        right, covered = 0, 0
        for frame in np.unique(imputed.numbers):
            true = np.flatnonzero((self.number == frame) & ~self.seen)
            shares = _ious(_corners(imputed.boxes[imputed.numbers == frame]), self.boxes[true])
            right += int((shares >= 0.5).any(axis=1).sum())
            covered += int((shares >= 0.5).any(axis=0)[self.gap[true]].sum())
        return right, covered


def _corners(boxes: Any) -> Any:
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def _ious(one: Any, other: Any) -> Any:
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(b[:, 2:] - b[:, :2]).prod(axis=1) for b in (one, other)]
    return shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("flicker", [Flicker(), Flicker(max_gap=3), Flicker(parity=True)], ids=str)
def test_100_000_frames_take_less_than_10_seconds(flicker: Flicker) -> None:
    rng = np.random.default_rng(0)
    n, per = 100_000, 10
    place = (rng.uniform(0, 1800, (per, 2)) + rng.normal(0, 2, (n, per, 2)).cumsum(axis=0)) % 1800
    size = np.broadcast_to(rng.uniform(40, 200, (per, 2)), (n, per, 2))
    boxes = np.concatenate([place, size], axis=2).reshape(-1, 4)
    kept = rng.random(len(boxes)) > 0.03
    counts = kept.reshape(n, per).sum(axis=1)
    frames = Frames(
        np.arange(n),
        np.concatenate([[0], np.cumsum(counts)]),
        boxes[kept],
        rng.uniform(0.1, 1, int(kept.sum())),
        np.zeros(int(kept.sum()), dtype=np.int64),
    )
    start = time.process_time()
    found = flicker.check(frames)
    assert time.process_time() - start < 10
    assert len(found.imputed) > 10_000
