"""Videos made up: boxes that move, and a detector that misses, invents and doubles them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.videos.clips import BoolArray, FloatArray

WIDTH_PX, HEIGHT_PX = 960, 540
N_VIDEOS, N_FRAMES, N_OBJECTS = 2, 70, 14


@dataclass(frozen=True)
class Detector:
    """How a simulated detector fails.

    Attributes:
        miss: Chance that an object which is seen is missed in the next frame.
        stay: Chance that one which is missed stays missed.
        noise: Standard deviation of its boxes, as a share of their size.
        invent: Boxes made up a frame.
        double: Chance that an object begins to have second boxes.
    """

    miss: float = 0.03
    stay: float = 0.35
    noise: float = 0.045
    invent: float = 0.5
    double: float = 0.02


OTHER = Detector(miss=0.06, invent=0.8)
"""A detector that sees the same videos with other mistakes."""


def write_videos(folder: Path, seed: int, detector: Detector | None = None) -> None:
    """Write videos in the layout of MOTChallenge: a folder each, det.txt, gt.txt, seqinfo.ini.

    Objects walk in straight lines. Half of the missed ones leave a box of low score behind;
    some have second and third boxes beside their own that come and go. A class-8 object stands
    around and is to be ignored.

    Args:
        folder: Where to; exists.
        seed: Of the videos; two detectors see the same ones.
        detector: The usual one by default.
    """
    for number in range(N_VIDEOS):
        rng = np.random.default_rng([seed, number])
        place = folder / f"made-{number}"
        place.mkdir()
        truth = _walks(rng)
        eyes = rng if detector is None else np.random.default_rng([seed, number, 1])
        found = _detections(truth[truth[:, 7] == 1], detector or Detector(), eyes)
        np.savetxt(place / "gt.txt", truth, fmt="%d,%d,%.2f,%.2f,%.2f,%.2f,%d,%d,%.1f")
        np.savetxt(place / "det.txt", found, fmt="%d,%d,%.2f,%.2f,%.2f,%.2f,%.4f,-1,-1,-1")
        (place / "seqinfo.ini").write_text(
            f"[Sequence]\nname={place.name}\nseqLength={N_FRAMES}\n", encoding="utf-8"
        )


def _walks(rng: np.random.Generator) -> FloatArray:
    """Return rows frame, track, x, y, width, height, use, class, visibility."""
    rows = []
    for track in range(1, N_OBJECTS + 1):
        height = rng.uniform(70, 160)
        size = np.array([height * rng.uniform(0.35, 0.5), height])
        start = rng.uniform([0, 0], [WIDTH_PX, HEIGHT_PX]) - size / 2
        speed = rng.normal(0, [5.0, 1.5]) * height / 120
        standing = track == N_OBJECTS
        for frame in range(1, N_FRAMES + 1):
            place = start if standing else start + speed * frame
            middle = place + size / 2
            if (middle > 0).all() and middle[0] < WIDTH_PX and middle[1] < HEIGHT_PX:
                rows.append([frame, track, *place, *size, not standing, 8 if standing else 1, 1])
    return np.array(rows, dtype=np.float64)


def _detections(objects: FloatArray, detector: Detector, rng: np.random.Generator) -> FloatArray:
    """Return rows frame, number, x, y, width, height, score, by frame and falling score."""
    missed = _runs(objects, detector.miss, detector.stay, rng)
    doubled = _runs(objects, detector.double, 0.75, rng)
    rows = []
    for row, lost, twice in zip(objects, missed, doubled, strict=True):
        frame, track, box = row[0], int(row[1]), row[2:6]
        if not lost:
            rows.append([frame, *_shifted(box, detector.noise, rng), rng.beta(9, 2)])
        elif rng.random() < 0.5:
            rows.append([frame, *_shifted(box, 0.1, rng), rng.uniform(0.02, 0.09)])
        for second in range(2 * (not lost and twice)):
            side = np.random.default_rng([track, second]).normal(0, 0.16, 4) * np.tile(box[2:], 2)
            if rng.random() < 0.55:
                rows.append([frame, *_shifted(box + side, 0.01, rng), rng.uniform(0.1, 0.7)])
    for frame in range(1, N_FRAMES + 1):
        for _ in range(rng.poisson(detector.invent)):
            height = rng.uniform(60, 170)
            place = rng.uniform([0, 0], [WIDTH_PX - height / 2, HEIGHT_PX - height])
            rows.append([frame, *place, 0.45 * height, height, rng.beta(2, 4)])
    table = np.array(rows)
    table = table[np.lexsort((-table[:, 5], table[:, 0]))]
    return np.insert(table, 1, np.arange(1, len(table) + 1), axis=1)


def _runs(objects: FloatArray, begin: float, stay: float, rng: np.random.Generator) -> BoolArray:
    """Return for each true box whether a state holds that comes and goes along a track."""
    held, state = np.zeros(len(objects), dtype=np.bool_), False
    for at in np.lexsort((objects[:, 0], objects[:, 1])):
        state = rng.random() < (stay if state else begin)
        held[at] = state
    return held


def _shifted(box: FloatArray, noise: float, rng: np.random.Generator) -> FloatArray:
    """Return a box that is off by a share of its size."""
    size = np.tile(box[2:], 2)
    shifted: FloatArray = box + rng.normal(0, noise, 4) * size
    return shifted
