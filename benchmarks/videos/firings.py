"""Firings of assertions, each with what it says is wrong, and firings drawn without one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from benchmarks.videos.clips import BoolArray, FloatArray, IntArray
from benchmarks.videos.detection_truth import SAME, Verdicts, covering, in_region, ious
from selectlab.assertions.appear import Appear
from selectlab.assertions.flicker import Flicker
from selectlab.assertions.matching import predicted
from selectlab.assertions.multibox import Multibox
from selectlab.assertions.tracks import Tracks, bridge, link

NEIGHBOUR_IOU = 0.3
"""IoU above which a drawn box is taken to be seen two frames later."""


@dataclass(frozen=True)
class Firing:
    """One time that an assertion says something is wrong.

    Attributes:
        boxes: Positions in ``Frames.boxes`` of the detections it is about.
        missing: Frames in which, it says, an object of these boxes is missed.
        imputed: x, y, width, height of what is missing in the first of them, or ``None``.
    """

    boxes: tuple[int, ...]
    missing: tuple[int, ...] = ()
    imputed: FloatArray | None = None


Fire = Callable[[Verdicts], list[Firing]]
Grow = Callable[[int], "Firing | None"]


@dataclass(frozen=True)
class Kind:
    """An assertion, and how to draw firings that look like its own.

    Attributes:
        fire: Return the firings of the assertion.
        grow: Return what makes a firing of the same form around any one box, or ``None`` where
            there is none; random and trivial firings come from it.
        errors: ``"misses"`` if it points at missed objects, ``"false"`` if at false boxes.
        longest: Longest miss that it can point at, in frames.
    """

    fire: Fire
    grow: Callable[[Verdicts, Sequence[Firing]], Grow]
    errors: str
    longest: int = 1


def flickers(verdicts: Verdicts, flicker: Flicker) -> list[Firing]:
    """Return a firing for each imputed box."""
    imputed = flicker.check(verdicts.clip.frames).imputed
    return [
        Firing((int(i), int(j)), (int(number),), box)
        for (i, j), number, box in zip(imputed.sources, imputed.numbers, imputed.boxes, strict=True)
    ]


def appearances(verdicts: Verdicts, appear: Appear) -> list[Firing]:
    """Return a firing for each short track; missing says the frames inside and beside it."""
    offending = set(appear.check(verdicts.clip.frames).offending.tolist())
    tracks = _linked(verdicts, appear.iou_tracking, appear.max_gap)
    index, firings = tracks.boxes.index, []
    for start in np.flatnonzero(tracks.before < 0).tolist():
        if int(index[start]) in offending:
            firings.append(_run(verdicts, [int(index[at]) for at in _following(tracks, start)]))
    return firings


def triples(verdicts: Verdicts, multibox: Multibox) -> list[Firing]:
    """Return a firing for every three boxes of a frame that all overlap."""
    frames = verdicts.clip.frames
    offending = multibox.check(frames).offending
    firings = []
    for at in np.unique(frames.rows[offending]).tolist():
        mine = offending[frames.rows[offending] == at]
        near = ious(frames.boxes[mine], frames.boxes[mine]) > multibox.iou_overlap
        for i, j, k in combinations(range(len(mine)), 3):
            if near[i, j] and near[i, k] and near[j, k]:
                firings.append(Firing((int(mine[i]), int(mine[j]), int(mine[k]))))
    return firings


def _linked(verdicts: Verdicts, iou: float, max_gap: int) -> Tracks:
    tracks = link(predicted(verdicts.clip.frames, verdicts.confidence), iou)
    for gap in range(1, max_gap + 1):
        bridge(tracks, gap, iou)
    return tracks


def _following(tracks: Tracks, start: int) -> Iterator[int]:
    """Yield a box and those after it in its track."""
    while start >= 0:
        yield start
        start = int(tracks.after[start])


def _run(verdicts: Verdicts, boxes: Sequence[int]) -> Firing:
    frames = verdicts.clip.frames
    numbers = frames.numbers[frames.rows[list(boxes)]].tolist()
    around = range(numbers[0] - 1, numbers[-1] + 2)
    return Firing(tuple(boxes), tuple(n for n in around if n not in numbers))


def grow_pairs(verdicts: Verdicts, firings: Sequence[Firing]) -> Grow:
    """Put in the mean of a box and the box that overlaps it most two frames later."""
    frames = verdicts.clip.frames
    rows = frames.rows

    def grow(box: int) -> Firing | None:
        at = int(rows[box])
        if at + 2 >= len(frames):
            return None
        first, stop = frames.offsets[at + 2 : at + 4]
        later = first + np.flatnonzero(verdicts.counted[first:stop])
        shares = ious(frames.boxes[[box]], frames.boxes[later])[0]
        if not len(later) or shares.max() <= NEIGHBOUR_IOU:
            return None
        other = int(later[shares.argmax()])
        mean = (frames.boxes[box] + frames.boxes[other]) / 2
        return Firing((box, other), (int(frames.numbers[at + 1]),), mean)

    return grow


def grow_runs(verdicts: Verdicts, firings: Sequence[Firing]) -> Grow:
    """Follow a box for as many frames as the assertion's own firings last, by turns."""
    tracks = _linked(verdicts, Appear().iou_tracking, Appear().max_gap)
    place = {int(box): at for at, box in enumerate(tracks.boxes.index)}
    lengths = [len(firing.boxes) for firing in firings] or [1]
    drawn = iter(range(len(place) + 1))

    def grow(box: int) -> Firing | None:
        length = lengths[next(drawn) % len(lengths)]
        track = [int(tracks.boxes.index[at]) for at in _following(tracks, place[box])]
        return _run(verdicts, track[:length])

    return grow


def grow_triples(verdicts: Verdicts, firings: Sequence[Firing]) -> Grow:
    """Take a box and the two of its frame whose centres are nearest."""
    frames = verdicts.clip.frames
    rows = frames.rows
    middles = frames.boxes[:, :2] + frames.boxes[:, 2:] / 2

    def grow(box: int) -> Firing | None:
        first, stop = frames.offsets[rows[box] : rows[box] + 2]
        mine = first + np.flatnonzero(verdicts.counted[first:stop])
        if len(mine) < 3:
            return None
        far = np.linalg.norm(middles[mine] - middles[box], axis=1)
        far[mine == box] = -1
        return Firing(tuple(int(b) for b in mine[np.argsort(far, kind="stable")[:3]]))

    return grow


def drawn(grow: Grow, anchors: Iterable[int], n: int) -> list[Firing]:
    """Return the first ``n`` firings that grow around boxes, in the order of the boxes."""
    found: list[Firing] = []
    for box in anchors:
        if len(found) == n:
            break
        firing = grow(int(box))
        if firing is not None:
            found.append(firing)
    return found


@dataclass(frozen=True)
class Judged:
    """What firings of a clip came to.

    Attributes:
        right: Whether each points at a model error; those in ignored regions are left out.
        covers: Whether its imputed box lies on an object that was really missed.
        n_left_out: How many lie in ignored regions.
        found: How many model errors of the assertion's kind some firing points at.
        errors: How many there are.
    """

    right: tuple[bool, ...]
    covers: tuple[bool, ...]
    n_left_out: int
    found: int
    errors: int

    def to_json(self) -> Mapping[str, object]:
        """Return it as JSON data; a string of 0 and 1, one a firing."""
        bits = {"right": self.right, "covers": self.covers}
        return {
            **{name: "".join("01"[bit] for bit in held) for name, held in bits.items()},
            "left_out": self.n_left_out,
            "found": self.found,
            "errors": self.errors,
        }


def judged(verdicts: Verdicts, firings: Sequence[Firing], kind: Kind) -> Judged:
    """Hold firings against the truth.

    A firing is right when one of its boxes is false, when an object of one of its boxes is
    missed in a frame in which it says so, or when its imputed box lies on a missed object.
    """
    false, kept = verdicts.false, [f for f in firings if not _in_ignored(verdicts, f)]
    covers = [_covers(verdicts, firing) for firing in kept]
    right = [
        bool(cover or false[list(firing.boxes)].any() or _lost(verdicts, firing))
        for firing, cover in zip(kept, covers, strict=True)
    ]
    found, errors = _found(verdicts, kept, kind)
    return Judged(tuple(right), tuple(covers), len(firings) - len(kept), found, errors)


def _in_ignored(verdicts: Verdicts, firing: Firing) -> bool:
    if verdicts.ignored[list(firing.boxes)].any():
        return True
    if firing.imputed is None:
        return False
    regions = verdicts.clip.ignored
    there = regions.boxes[regions.at(firing.missing[0])]
    return bool(in_region(firing.imputed[None], there).any() and not _covers(verdicts, firing))


def _covers(verdicts: Verdicts, firing: Firing) -> bool:
    if firing.imputed is None:
        return False
    missed = verdicts.missed_at(firing.missing[0])
    there = verdicts.clip.objects.boxes[missed]
    return bool((ious(firing.imputed[None], there) >= SAME).any())


def _lost(verdicts: Verdicts, firing: Firing) -> bool:
    """Return whether an object of the firing's boxes is missed where the firing says so."""
    tracks = verdicts.clip.objects.tracks
    shown = {int(tracks[o]) for o in verdicts.object_of[list(firing.boxes)] if o >= 0}
    return any(
        shown & set(tracks[verdicts.missed_at(number)].tolist()) for number in firing.missing
    )


def _found(verdicts: Verdicts, firings: Sequence[Firing], kind: Kind) -> tuple[int, int]:
    """Return how many errors of a kind the firings point at, and how many there are."""
    if kind.errors == "false":
        pointed = np.unique(np.array([b for f in firings for b in f.boxes], dtype=np.int64))
        return int(verdicts.false[pointed].sum()), int(verdicts.false.sum())
    wanted = verdicts.short_misses(kind.longest)
    put = [(f.missing[0], f.imputed) for f in firings if f.imputed is not None]
    numbers = np.array([number for number, _ in put], dtype=np.int64)
    boxes = np.array([box for _, box in put], dtype=np.float64).reshape(-1, 4)
    _, covered = covering(numbers, boxes, verdicts.clip.objects, wanted)
    return int(covered.sum()), int(wanted.sum())


def anchors(verdicts: Verdicts, seed: int | None) -> IntArray:
    """Return the counted boxes: at random under a seed, or without one by rising score."""
    boxes = np.flatnonzero(verdicts.counted)
    if seed is not None:
        return np.random.default_rng(seed).permutation(boxes)
    order = np.argsort(verdicts.clip.frames.scores[boxes], kind="stable")
    return boxes[order]


def as_bits(bits: str) -> BoolArray:
    """Return a string of 0 and 1 as an array."""
    right: BoolArray = np.frombuffer(bits.encode(), dtype=np.uint8) == ord("1")
    return right
