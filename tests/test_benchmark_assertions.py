"""Truth, firings and average precision of the assertion benchmarks, by hand."""
# ruff: noqa: E402 - the folder of the benchmarks has to be found first

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # `pytest` alone does not look in the folder it runs in

from benchmarks.outside_data import NoDataError
from benchmarks.videos.clips import Clip, Objects, read_clips
from benchmarks.videos.detection_truth import (
    Detections,
    Ranked,
    Verdicts,
    average_precision,
    covering,
    ious,
    ranked,
)
from benchmarks.videos.disagreements import Pair
from benchmarks.videos.firings import (
    Firing,
    Kind,
    appearances,
    flickers,
    grow_pairs,
    grow_runs,
    grow_triples,
    judged,
    triples,
)
from benchmarks.videos.made_videos import write_videos
from benchmarks.videos.tutorial_procedure import imputed_boxes
from selectlab.assertions import Frames
from selectlab.assertions.appear import Appear
from selectlab.assertions.flicker import Flicker
from selectlab.assertions.multibox import Multibox

BOX, FAR, SIGN = [0.0, 0.0, 10.0, 20.0], [50.0, 0.0, 10.0, 20.0], [90.0, 0.0, 10.0, 20.0]


def clip(found: dict[int, list[list[float]]], true: list[list[float]], **more: Any) -> Clip:
    """Frames with boxes, and rows frame, track, x, y, width, height of the truth."""
    ignored = np.array(more.pop("ignored", []), dtype=float).reshape(-1, 6)
    objects = Objects.of(np.array(true, dtype=float).reshape(-1, 6))
    return Clip("hand", Frames.of(found, **more), objects, Objects.of(ignored), "")


def walk(track: int, numbers: list[int], box: list[float]) -> list[list[float]]:
    return [[n, track, *box] for n in numbers]


def test_iou_by_hand() -> None:
    """10 x 20 moved by 5: 100 shared of 300."""
    found = ious(np.array([BOX]), np.array([[5.0, 0.0, 10.0, 20.0], FAR]))
    assert found.tolist() == [[1 / 3, 0.0]]


def test_a_folder_is_read_in_both_layouts(tmp_path: Path) -> None:
    """MOT17 says classes in nine columns, MOT15 has ten and none; boxes past the end go."""
    for name, column in (("b", ",1,1\n"), ("a", ",-3,2,0\n")):
        place = tmp_path / name
        place.mkdir()
        (place / "seqinfo.ini").write_text("[Sequence]\nseqLength=4\n")
        (place / "det.txt").write_text(
            "3,-1,1,2,3,4,.5,-1,-1,-1\n1,-1,5,6,7,8,.25,-1,-1,-1\n9,-1,1,1,1,1,1,-1,-1,-1\n"
        )
        rows = ["2,1,1,1,2,2,1", "1,1,1,1,2,2,1", "1,2,9,9,2,2,0"]
        text = "".join(row + column for row in rows)
        (place / "gt.txt").write_text(text + ("1,3,5,5,2,2,1,7,1\n" if name == "b" else ""))
    (tmp_path / "notes").mkdir()
    one, two = read_clips(tmp_path)
    assert [one.name, two.name] == ["a", "b"]
    assert one.frames.offsets.tolist() == [0, 1, 1, 2, 2]
    assert one.frames.scores.tolist() == [0.25, 0.5]
    assert one.objects.numbers.tolist() == two.objects.numbers.tolist() == [1, 2]
    assert one.ignored.tracks.tolist() == [2]
    assert two.ignored.tracks.tolist() == [2, 3]
    half = one.second_half()
    assert half.frames.numbers.tolist() == [3, 4]
    assert half.frames.boxes.tolist() == [[1, 2, 3, 4]]
    assert not len(half.objects.numbers)


def test_an_empty_detection_file_and_a_folder_without_clips(tmp_path: Path) -> None:
    (tmp_path / "seqinfo.ini").write_text("[Sequence]\nseqLength=2\n")
    (tmp_path / "det.txt").write_text("")
    (tmp_path / "gt.txt").write_text("1,1,1,1,2,2,1,1,1\n")
    [held] = read_clips(tmp_path)
    assert len(held.frames) == 2
    assert Verdicts.of(held, 0.1).missed.all()
    (tmp_path / "gt.txt").unlink()
    with pytest.raises(NoDataError, match=r"no folder with det\.txt, gt\.txt, seqinfo\.ini"):
        read_clips(tmp_path)


def test_found_false_ignored_and_missed() -> None:
    """Two boxes on one object: one is false. One on a sign to ignore: neither."""
    found = {1: [BOX, [1.0, 0.0, 10.0, 20.0], SIGN, FAR], 2: [BOX]}
    scores = {1: [0.9, 0.8, 0.7, 0.1], 2: [0.9]}
    truth = walk(1, [1, 2], BOX) + walk(2, [1], FAR)
    verdicts = Verdicts.of(clip(found, truth, scores=scores, ignored=[[1, 9, *SIGN]]), 0.25)
    assert verdicts.object_of.tolist() == [0, -1, -1, -1, 2]
    assert verdicts.false.tolist() == [False, True, False, False, False]
    assert verdicts.ignored.tolist() == [False, False, True, False, False]
    assert verdicts.missed.tolist() == [False, True, False]


def test_short_misses_lie_between_two_finds() -> None:
    """Seen 1, missed 2, seen 3, missed 4 and 5, seen 6, missed 7 at the end of the track."""
    found = {n: [BOX] if n in (1, 3, 6) else [] for n in range(1, 9)}
    truth = walk(1, [1, 2, 3, 4, 5, 6, 7], BOX) + walk(2, [1, 3], FAR)
    verdicts = Verdicts.of(clip(found, truth), 0.1)
    objects = verdicts.clip.objects
    assert objects.numbers[verdicts.short_misses(1)].tolist() == [2]
    assert objects.numbers[verdicts.short_misses(2)].tolist() == [2, 4, 5]


def test_average_precision_by_hand() -> None:
    """Right, wrong, right of 2 objects: 1/2 * 1 + 1/2 * 2/3; with equal scores 2/3 throughout."""
    right = np.array([True, False, True])
    assert average_precision([Ranked(np.array([0.9, 0.8, 0.7]), right, 2)]) == pytest.approx(5 / 6)
    assert average_precision([Ranked(np.ones(3), right, 2)]) == pytest.approx(2 / 3)
    assert average_precision([Ranked(np.zeros(0), right[:0], 2)]) == 0


def test_ranking_takes_the_best_score_first_and_skips_ignored() -> None:
    video = clip({1: [], 2: []}, walk(1, [1], BOX), ignored=[[1, 9, *SIGN]])
    boxes = np.array([[1.0, 0.0, 10.0, 20.0], BOX, SIGN, FAR])
    found = ranked(video, Detections(np.array([1, 1, 1, 2]), boxes, np.array([0.9, 0.8, 0.7, 0.6])))
    assert found.scores.tolist() == [0.9, 0.8, 0.6]
    assert found.right.tolist() == [True, False, False]


def test_the_tutorials_procedure_by_hand() -> None:
    """.9 px are cut off before anything else; two boxes beside the gap give two imputed ones."""
    found = {1: [[0.9, 0.9, 10.9, 20.9]], 2: [], 3: [BOX, BOX], 4: [[2.0, 0.0, 10.0, 20.0]]}
    assert imputed_boxes(clip(found, []), 0.1, 0.8, 0.6) == [(2, 0, 0, 10, 20)] * 2
    assert imputed_boxes(clip(found, []), 0.1, 0.8, 0.6)[0] == (2, 0, 0, 10, 20)
    assert imputed_boxes(clip({1: [BOX], 2: [[4, 0, 10, 20]], 3: [BOX]}, []), 0.1, 0.8, 0.6) == [
        (2, 0, 0, 10, 20)
    ]
    assert not imputed_boxes(clip({1: [BOX], 2: [[2, 0, 10, 20]], 3: [BOX]}, []), 0.1, 0.8, 0.6)
    assert not imputed_boxes(clip({1: [BOX], 2: [], 3: [FAR]}, []), 0.1, 0.8, 0.6)


MISSES = Kind(lambda verdicts: flickers(verdicts, Flicker()), grow_pairs, "misses")
FALSE = Kind(lambda verdicts: appearances(verdicts, Appear()), grow_runs, "false")


def test_a_flicker_on_a_missed_object_and_one_on_none() -> None:
    """Track 1 is missed in frame 2; FAR stands for nothing in frame 2, and is false around it."""
    found = {1: [BOX, FAR], 2: [], 3: [BOX, FAR]}
    verdicts = Verdicts.of(clip(found, walk(1, [1, 2, 3], BOX)), 0.1)
    done = judged(verdicts, flickers(verdicts, Flicker()), MISSES)
    assert (done.right, done.covers) == ((True, True), (True, False))
    assert (done.found, done.errors, done.n_left_out) == (1, 1, 0)
    gone = Verdicts.of(clip(found, walk(1, [1, 3], BOX) + walk(2, [1, 3], FAR)), 0.1)
    assert judged(gone, flickers(gone, Flicker()), MISSES).right == (False, False)
    beside = Verdicts.of(clip(found, [[1, 1, *BOX], [2, 1, 7, 0, 10, 20], [3, 1, *BOX]]), 0.1)
    assert judged(beside, [Firing((0, 2), (2,), np.array(BOX))], MISSES).right == (True,)


def test_firings_on_ignored_regions_are_left_out() -> None:
    signs = [[n, 9, *SIGN] for n in (1, 2, 3)]
    verdicts = Verdicts.of(clip({1: [SIGN], 2: [], 3: [SIGN]}, [], ignored=signs), 0.1)
    done = judged(verdicts, flickers(verdicts, Flicker()), MISSES)
    assert (done.right, done.n_left_out) == ((), 1)


def test_an_appearance_is_right_if_false_or_part_of_a_missed_object() -> None:
    """BOX is there for one frame of three, found once; FAR is false; SIGN really comes and goes."""
    found = {1: [], 2: [BOX, FAR, SIGN], 3: [], 4: []}
    verdicts = Verdicts.of(clip(found, walk(1, [1, 2, 3], BOX) + walk(2, [2], SIGN)), 0.1)
    firings = appearances(verdicts, Appear())
    assert [firing.boxes for firing in firings] == [(0,), (1,), (2,)]
    assert all(firing.missing == (1, 3) for firing in firings)
    done = judged(verdicts, firings, FALSE)
    assert (done.right, done.found, done.errors) == ((True, True, False), 1, 1)


@pytest.mark.parametrize("seed", range(3))
def test_every_firing_of_the_library_is_among_ours(made: Callable[[int], Clip], seed: int) -> None:
    """Triples and short tracks are counted as the assertions count them."""
    verdicts = Verdicts.of(made(seed), 0.1)
    for firings, assertion in (
        (triples(verdicts, Multibox()), Multibox()),
        (appearances(verdicts, Appear()), Appear()),
    ):
        findings = assertion.check(verdicts.clip.frames)
        assert len(firings) == findings.n_firings > 0
        assert sorted({b for f in firings for b in f.boxes}) == findings.offending.tolist()


def test_drawn_firings_have_the_form_of_real_ones(made: Callable[[int], Clip]) -> None:
    verdicts = Verdicts.of(made(0), 0.1)
    box = int(np.flatnonzero(verdicts.counted)[0])
    pair = grow_pairs(verdicts, ())(box)
    assert pair is not None
    assert pair.imputed is not None
    assert pair.missing == (2,)
    runs = grow_runs(verdicts, [Firing((1, 2))])
    assert len((runs(box) or pair).boxes) <= 2
    triple = grow_triples(verdicts, ())(box)
    assert triple is not None
    assert triple.boxes[0] == box
    assert len(set(triple.boxes)) == 3


def test_agree_by_hand() -> None:
    """FAR is false in the one; the one misses SIGN, which the other sees; a person both miss."""
    truth = walk(1, [1], BOX) + walk(2, [1], SIGN) + walk(3, [1], [200.0, 0, 10, 20])
    one = Verdicts.of(clip({1: [BOX, FAR]}, truth), 0.1)
    other = Verdicts.of(clip({1: [BOX, SIGN]}, truth), 0.1)
    pair = Pair(one, other)
    own, theirs = pair.differences()
    assert (own.tolist(), theirs.tolist()) == ([1], [1])
    done = pair.judged(own, theirs)
    assert (done.right, done.covers, done.found, done.errors) == ((True, True), (True, True), 2, 3)
    both = pair.judged(np.array([0]), np.array([0]))
    assert both.right == (False, False)


def test_covering_counts_boxes_and_objects_apart() -> None:
    objects = Objects.of(np.array(walk(1, [1], BOX) + walk(2, [1], FAR), dtype=float))
    numbers, boxes = np.array([1, 1, 2]), np.array([BOX, BOX, FAR])
    right, covered = covering(numbers, boxes, objects, np.array([True, True]))
    assert (right.tolist(), covered.tolist()) == ([True, True, False], [True, False])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Clip]:
    """The first generated clip of a seed."""

    def clip_of(seed: int) -> Clip:
        folder = tmp_path_factory.mktemp("made")
        write_videos(folder, seed)
        return read_clips(folder)[0]

    return clip_of
