"""Imputed boxes of flicker and of simpler means, held against objects really missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.case import Table
from benchmarks.text import number
from benchmarks.videos.clips import Clip, FloatArray, IntArray
from benchmarks.videos.detection_truth import Detections, Verdicts, covering
from benchmarks.videos.firings import Firing, anchors, drawn, grow_pairs
from benchmarks.videos.tutorial_procedure import imputed_boxes
from selectlab.assertions import Imputed
from selectlab.assertions.flicker import Flicker

Thresholds = tuple[float, float]
OURS, BY_THREE, RANDOM, LOWER = "flicker", "flicker, gaps to 3", "random", "lower threshold"
SWEPT = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Values of ``iou_tracking`` of the curves."""


def tutorial(thresholds: Thresholds) -> str:
    """Return what the tutorial's procedure with some thresholds is called."""
    return "tutorial {:g}/{:g}".format(*thresholds)


@dataclass(frozen=True)
class Total:
    """What a method came to on some clips; means over seeds where it draws.

    Attributes:
        flagged: Frames with an imputed box.
        n: Imputed boxes.
        right: Those on an object that was missed.
        covered: True one-frame misses with an imputed box.
        misses: All true one-frame misses.
    """

    flagged: float
    n: float
    right: float
    covered: float
    misses: int

    @property
    def precision(self) -> float:
        """Return the share of boxes that are right; 0 without any."""
        return self.right / self.n if self.n else 0.0

    @property
    def recall(self) -> float:
        """Return the share of one-frame misses found; 0 without any."""
        return self.covered / self.misses if self.misses else 0.0


def total(clips: Sequence[Mapping[str, Any]], name: str, group: str = "methods") -> Total:
    """Return the sums of a method over clips as :func:`measured` gives them."""
    columns = zip(*(clip[group][name] for clip in clips), strict=True)
    flagged, n, right, covered = (sum(column) for column in columns)
    return Total(flagged, n, right, covered, sum(clip["misses"] for clip in clips))


def parity(clip: Clip, confidence: float, thresholds: Thresholds) -> tuple[Imputed, int]:
    """Return the boxes of parity mode, and how many of them the plain procedure has not.

    Boxes that only the plain procedure has count too, and frames that only one of both flags.
    """
    tracking, assertion = thresholds
    flicker = Flicker(
        parity=True, min_score=confidence, iou_tracking=tracking, iou_assertion=assertion
    )
    findings = flicker.check(clip.frames)
    found = findings.imputed
    ours = sorted(
        (int(number), *map(float, box))
        for number, box in zip(found.numbers, found.boxes, strict=True)
    )
    theirs = imputed_boxes(clip, confidence, *thresholds)
    flagged = set(clip.frames.numbers[findings.flagged].tolist())
    differ = _unequal(ours, theirs) + len(flagged ^ {box[0] for box in theirs})
    return found, differ


def _unequal(one: Sequence[Any], other: Sequence[Any]) -> int:
    """Return how many entries of two lists have no equal in the other, repeats counted."""
    from collections import Counter

    left, right = Counter(one), Counter(other)
    return (left - right).total() + (right - left).total()


def measured(
    clip: Clip,
    confidence: float,
    thresholds: Sequence[Thresholds],
    seeds: Sequence[int],
    *,
    curves: bool,
) -> dict[str, Any]:
    """Return what each method came to on a clip: flagged, boxes, right, covered.

    Args:
        clip: The clip.
        confidence: Least score of a detection.
        thresholds: Those of the tutorial's procedure.
        seeds: Of the random boxes.
        curves: Whether to go through thresholds of both ways, too.
    """
    verdicts = Verdicts.of(clip, confidence)
    short = verdicts.short_misses()
    differences, methods = {}, {}
    for pair in thresholds:
        found, differences[tutorial(pair)] = parity(clip, confidence, pair)
        methods[tutorial(pair)] = _rated(verdicts, short, found.numbers, found.boxes)
    for name, longest in ((OURS, 1), (BY_THREE, 3)):
        found = Flicker(min_score=confidence, max_gap=longest).check(clip.frames).imputed
        methods[name] = _rated(verdicts, short, found.numbers, found.boxes)
    n = int(methods[OURS][1])
    draws = [random_pairs(verdicts, n, seed) for seed in seeds]
    rated = [_rated(verdicts, short, draw.numbers, draw.boxes) for draw in draws]
    methods[RANDOM] = [fmean(column) for column in zip(*rated, strict=True)]
    below = next_below(verdicts, n)
    methods[LOWER] = _rated(verdicts, short, below.numbers, below.boxes)
    return {
        "clip": clip.name,
        "fingerprint": clip.fingerprint,
        "parity": differences,
        "misses": int(short.sum()),
        "methods": methods,
        "curves": _curves(verdicts, short) if curves else {},
    }


def _curves(verdicts: Verdicts, short: Any) -> dict[str, list[float]]:
    """Return both ways at several thresholds, named ``"WAY IOU"``."""
    rated = {}
    for iou in SWEPT:
        for name, is_parity in (("tutorial", True), (OURS, False)):
            flicker = Flicker(parity=is_parity, min_score=verdicts.confidence, iou_tracking=iou)
            found = flicker.check(verdicts.clip.frames).imputed
            rated[f"{name} {iou:g}"] = _rated(verdicts, short, found.numbers, found.boxes)
    return rated


def _rated(verdicts: Verdicts, short: Any, numbers: IntArray, boxes: FloatArray) -> list[float]:
    objects = verdicts.clip.objects
    right, covered = covering(numbers, boxes, objects, verdicts.missed)
    flagged = len(np.unique(numbers))
    return [flagged, len(numbers), int(right.sum()), int((covered & short).sum())]


def random_pairs(verdicts: Verdicts, n: int, seed: int) -> Detections:
    """Return boxes put in where a drawn box overlaps one of two frames later."""
    firings = drawn(grow_pairs(verdicts, ()), anchors(verdicts, seed), n)
    return _put_in(verdicts, firings)


def _put_in(verdicts: Verdicts, firings: Sequence[Firing]) -> Detections:
    scores = verdicts.clip.frames.scores
    return Detections(
        np.array([firing.missing[0] for firing in firings], dtype=np.int64),
        np.array([firing.imputed for firing in firings], dtype=np.float64).reshape(-1, 4),
        np.array([scores[list(firing.boxes)].mean() for firing in firings]),
    )


def next_below(verdicts: Verdicts, n: int) -> Detections:
    """Return the boxes that a lower threshold would add: best scores first, at most ``n``."""
    frames = verdicts.clip.frames
    below = np.flatnonzero(~verdicts.counted)
    best = below[np.argsort(-frames.scores[below], kind="stable")[:n]]
    return Detections(frames.numbers[frames.rows[best]], frames.boxes[best], frames.scores[best])


def by_method(results: Sequence[Mapping[str, Any]]) -> Table:
    """Return a table of precision and recall, a row a result and method."""
    rows = []
    for result in results:
        for name in result["clips"][0]["methods"]:
            found = total(result["clips"], name)
            shares = [f"{found.precision:.3f}", f"{found.recall:.3f}", number(found.n)]
            rows.append([result["unit"], name, *shares])
    return Table(
        "Imputed boxes on objects that were really missed",
        ["data", "method", "precision", "recall of one-frame misses", "boxes"],
        rows,
        "Random puts in as many boxes as flicker, each where a drawn box is in the frame before "
        "and the frame after. A lower threshold adds as many boxes as flicker puts in: those "
        "with the highest scores below the confidence.",
    )


def by_clip(results: Sequence[Mapping[str, Any]], thresholds: Thresholds) -> Table:
    """Return a table of ours beside the tutorial's, a row a clip."""
    rows = []
    for result in results:
        for clip in result["clips"]:
            both = [total([clip], name) for name in (tutorial(thresholds), OURS)]
            shares = [found.recall for found in both] + [found.precision for found in both]
            rows.append([result["unit"], clip["clip"], *(f"{share:.3f}" for share in shares)])
    return Table(
        "The same by sequence",
        ["data", "sequence", "tutorial's recall", "ours", "tutorial's precision", "ours"],
        rows,
    )


def draw(results: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """Draw precision over recall of each result into a PNG, a panel each."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    n_rows = (len(results) + 1) // 2
    figure, axes = pyplot.subplots(
        n_rows, 2, figsize=(9.6, 0.6 + 3.8 * n_rows), squeeze=False, layout="constrained"
    )
    for axis in axes.ravel()[len(results) :]:
        axis.set_axis_off()
    for axis, result in zip(axes.ravel(), results, strict=False):
        clips = result["clips"]
        for colour, way in (("C0", OURS), ("C1", "tutorial")):
            points = [total(clips, f"{way} {iou:g}", "curves") for iou in SWEPT]
            xs, ys = [p.recall for p in points], [p.precision for p in points]
            axis.plot(xs, ys, color=colour, label=f"{way}, IoU of tracking .2 to .9")
        for at, name in enumerate(clips[0]["methods"]):
            mark = _MARKS.get(name, f"C1{_TUTORIAL_MARKS[at % len(_TUTORIAL_MARKS)]}")
            point = total(clips, name)
            axis.plot(point.recall, point.precision, mark, markersize=8, label=name)
        axis.set(title=result["unit"], xlabel="recall of true one-frame misses", ylim=(0, 1))
        axis.set(ylabel="precision of imputed boxes")
        axis.grid(visible=True, alpha=0.3)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return path


_MARKS = {OURS: "C0o", BY_THREE: "C0s", RANDOM: "kx", LOWER: "k^"}
_TUTORIAL_MARKS = "XDP"
