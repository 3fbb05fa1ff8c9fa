"""Assertions on plain arrays: by hand, against plain loops, and what must never change them."""

from __future__ import annotations

from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectlab import registry
from selectlab.assertions import Findings, Frames
from selectlab.assertions.agree import Agree
from selectlab.assertions.appear import Appear
from selectlab.assertions.class_flip import ClassFlip
from selectlab.assertions.flicker import Flicker
from selectlab.assertions.matching import iou, one_to_one
from selectlab.assertions.multibox import Multibox
from selectlab.assertions.tracks import bridge, link
from selectlab.errors import DataError

BOX = [10.0, 20, 40, 80]
FAR = [500.0, 20, 40, 80]


def flags(found: Findings) -> list[bool]:
    return found.flagged.tolist()


def moved(box: list[float], by: float) -> list[float]:
    return [box[0] + by, *box[1:]]


def test_a_box_missing_for_one_frame_flickers() -> None:
    found = Flicker().check(Frames.of({4: [BOX], 5: [], 6: [moved(BOX, 4)]}))
    assert flags(found) == [False, True, False]
    assert found.imputed.numbers.tolist() == [5]
    assert found.imputed.boxes.tolist() == [moved(BOX, 2)]
    assert found.imputed.sources.tolist() == [[0, 1]]


@pytest.mark.parametrize("parity", [False, True])
def test_frame_10_comes_after_9(parity: bool) -> None:
    frames = Frames.of({8: [BOX], 9: [BOX], 10: [], 11: [BOX], 12: [BOX]})
    assert Flicker(parity=parity).check(frames).imputed.numbers.tolist() == [10]


@pytest.mark.parametrize("parity", [False, True])
def test_first_and_last_frame_never_flicker(parity: bool) -> None:
    frames = Frames.of({0: [], 1: [BOX], 2: [BOX], 3: []})
    assert not Flicker(parity=parity).check(frames).flagged.any()


@pytest.mark.parametrize("parity", [False, True])
def test_a_number_left_out_is_a_frame_without_boxes(parity: bool) -> None:
    """Frame 2 has no file: it is missed there, but there is no row to flag."""
    frames = Frames.of({0: [BOX], 1: [BOX], 3: [BOX], 4: [BOX]})
    found = Flicker(parity=parity).check(frames)
    assert found.imputed.numbers.tolist() == [2]
    assert not found.flagged.any()
    assert found.flagged_numbers(frames).tolist() == [2]


def test_a_video_thinned_out_misses_nothing() -> None:
    frames = Frames.of({number: [BOX] for number in range(0, 40, 5)})
    assert frames.step == 5
    assert not len(Flicker().check(frames).imputed)


def test_thresholds_are_strict_before_and_inclusive_at_the_frame() -> None:
    """Boxes 100 wide, 20 apart: IoU 80/120 = 2/3. Half way: IoU 90/110 = 9/11 with either."""
    one, other, between = [0.0, 0, 100, 10], [20.0, 0, 100, 10], [0.0, 0, 100, 10]
    video = Frames.of({0: [one], 1: [], 2: [other]})
    for parity in (False, True):
        same = np.float32(80) / np.float32(120) if parity else 80 / 120
        at = Flicker(parity=parity, iou_tracking=float(same))
        below = Flicker(parity=parity, iou_tracking=0.66)
        assert not len(at.check(video).imputed)
        assert len(below.check(video).imputed) == 1
        seen = Frames.of({0: [one], 1: [between], 2: [other]})
        reached = float(np.float32(90) / np.float32(110))
        tutorial = Flicker(parity=True, iou_tracking=0.6, iou_assertion=reached)
        assert not len(tutorial.check(seen).imputed)
        tutorial = Flicker(parity=True, iou_tracking=0.6, iou_assertion=0.82)
        assert len(tutorial.check(seen).imputed) == 1


def test_in_default_mode_a_box_that_reaches_the_threshold_is_the_object() -> None:
    """Another track runs 20 px beside, 100 wide: IoU 2/3 with the missed one at every time."""
    one, other = [0.0, 0, 100, 10], [20.0, 0, 100, 10]
    video = Frames.of({t: [one, other] for t in range(5)} | {2: [other]})
    assert not len(Flicker(iou_assertion=80 / 120).check(video).imputed)
    found = Flicker(iou_assertion=0.67).check(video).imputed
    assert found.boxes.tolist() == [one]


def test_support_is_asked_for_only_as_far_as_the_video_goes() -> None:
    """Three frames: the track cannot be seen in more than the two beside the gap."""
    one, other = [0.0, 0, 100, 10], [20.0, 0, 100, 10]
    video = Frames.of({0: [one, other], 1: [other], 2: [one, other]})
    assert Flicker(min_support=9).check(video).imputed.boxes.tolist() == [one]


def test_one_miss_is_one_imputed_box_unlike_in_the_tutorial() -> None:
    """Two boxes nearly on top of each other before and after: 4 pairs, but at most 2 objects."""
    pair = [[0.0, 0, 100, 100], [2.0, 0, 100, 100]]
    video = Frames.of({0: pair, 1: [], 2: pair})
    assert len(Flicker(parity=True).check(video).imputed) == 4
    found = Flicker().check(video).imputed
    assert found.boxes.tolist() == pair


def test_classes_matter_except_in_parity() -> None:
    video = Frames.of({0: [BOX], 1: [], 2: [BOX]}, classes={0: [1], 2: [2]})
    assert not Flicker().check(video).flagged.any()
    assert flags(Flicker(parity=True).check(video)) == [False, True, False]
    video = Frames.of({0: [BOX], 1: [BOX], 2: [BOX]}, classes={0: [1], 1: [2], 2: [1]})
    assert flags(Flicker().check(video)) == [False, True, False]
    assert Flicker().check(video).imputed.classes.tolist() == [1]


def test_boxes_below_the_least_score_are_not_there() -> None:
    video = Frames.of({0: [BOX], 1: [BOX], 2: [BOX]}, scores={0: [0.5], 1: [0.24], 2: [0.7]})
    assert flags(Flicker(min_score=0.25).check(video)) == [False, True, False]
    assert Flicker(min_score=0.25).check(video).severity.tolist() == [0.0, 0.6, 0.0]
    assert not Flicker(min_score=0.24).check(video).flagged.any()


def test_longer_gaps_need_max_gap_and_follow_the_motion() -> None:
    """10 px a frame, 40 wide: 30 px between the ends of a 2-frame gap, IoU 10/70 as they lie."""
    track = {t: [moved(BOX, 10.0 * t)] for t in range(8)} | {3: [], 4: []}
    frames = Frames.of(dict(sorted(track.items())))
    assert not len(Flicker(max_gap=1).check(frames).imputed)
    found = Flicker(max_gap=2).check(frames)
    assert found.imputed.numbers.tolist() == [3, 4]
    np.testing.assert_allclose(found.imputed.boxes, [moved(BOX, 30), moved(BOX, 40)])


def test_parity_drops_decimals_first() -> None:
    """10.9 -> 10 and 13.9 -> 13: the mean 11.5 loses its half again."""
    one, other = [10.9, 0, 100.7, 100.2], [13.9, 0, 100.7, 100.2]
    found = Flicker(parity=True).check(Frames.of({0: [one], 1: [], 2: [other]}))
    assert found.imputed.boxes.tolist() == [[11, 0, 100, 100]]


def test_in_a_crowd_a_short_track_is_not_believed() -> None:
    """A second box on an object that is seen all along, for one frame before and one after."""
    double = moved(BOX, 16)
    crowd = {t: [BOX] for t in range(9)} | {3: [BOX, double], 5: [BOX, double]}
    frames = Frames.of(dict(sorted(crowd.items())))
    assert not len(Flicker().check(frames).imputed)
    assert Flicker(min_support=0).check(frames).imputed.numbers.tolist() == [4]
    alone = {t: [BOX] for t in range(9)} | {3: [BOX, FAR], 5: [BOX, FAR]}
    assert len(Flicker().check(Frames.of(dict(sorted(alone.items())))).imputed) == 1


def test_appear_lists_tracks_that_begin_and_end_within_the_video() -> None:
    frames = Frames.of({0: [FAR], 1: [], 2: [BOX], 3: [BOX], 4: []})
    found = Appear().check(frames)
    assert found.offending.tolist() == [1, 2]
    assert flags(found) == [False, False, True, True, False]
    assert found.n_firings == 1
    assert not Appear(max_frames=1).check(frames).n_firings


def test_appear_follows_a_track_across_a_gap() -> None:
    held = {t: [BOX] for t in (1, 2, 4, 5)} | {0: [], 3: [], 6: []}
    frames = Frames.of(dict(sorted(held.items())))
    assert Appear(max_frames=3).check(frames).n_firings == 0
    assert Appear(max_frames=3, max_gap=0).check(frames).n_firings == 2
    assert Appear(max_frames=4).check(frames).offending.tolist() == [0, 1, 2, 3]


def test_multibox_needs_three_that_all_overlap() -> None:
    """In a row of three, the outer two do not overlap; four on one spot are four triples."""
    row = [[0.0, 0, 10, 10], [4.0, 0, 10, 10], [8.0, 0, 10, 10]]
    assert Multibox().check(Frames.of({0: row})).n_firings == 0
    four = Multibox().check(Frames.of({0: [BOX] * 4 + [FAR], 7: [BOX]}))
    assert four.n_firings == 4
    assert four.offending.tolist() == [0, 1, 2, 3]
    assert four.severity.tolist() == [4.0, 0.0]
    mixed = Frames.of({0: [BOX] * 3}, classes={0: [0, 0, 1]})
    assert not Multibox().check(mixed).flagged.any()


def test_class_flip_lists_both_boxes() -> None:
    video = Frames.of(
        {0: [BOX, FAR], 1: [FAR, BOX], 2: [BOX]}, classes={0: [1, 3], 1: [3, 2], 2: [2]}
    )
    found = ClassFlip().check(video)
    assert found.offending.tolist() == [0, 3]
    assert flags(found) == [True, True, False]


def test_agree_matches_one_to_one() -> None:
    one = Frames.of({0: [BOX, BOX], 1: [FAR]})
    other = Frames.of({0: [BOX], 1: [FAR, BOX]}, classes={0: [0], 1: [0, 5]})
    found = Agree(other="b").check(one, other)
    assert len(found.offending) == 1
    assert found.imputed.numbers.tolist() == [1]
    assert found.imputed.classes.tolist() == [5]
    assert flags(found) == [True, True]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([1, 3, 2], "frames: frame 2 comes after frame 3; each frame once, in order"),
        ([1, 2, 2], "frames: frame 2 occurs twice; each frame once, in order"),
    ],
)
def test_frames_out_of_order_are_refused(numbers: list[int], message: str) -> None:
    with pytest.raises(DataError) as caught:
        Frames(
            numbers=np.array(numbers),
            offsets=np.zeros(4, dtype=np.int64),
            boxes=np.zeros((0, 4)),
            scores=np.zeros(0),
            classes=np.zeros(0, dtype=np.int64),
        )
    assert str(caught.value) == message


def test_shapes_and_infinite_boxes_are_refused() -> None:
    empty: Any = {"scores": np.zeros(1), "classes": np.zeros(1, dtype=np.int64)}
    with pytest.raises(DataError, match=r"^frames: boxes has shape \(1, 3\), expected \(1, 4\)$"):
        Frames(np.arange(1), np.array([0, 1]), np.zeros((1, 3)), **empty)
    with pytest.raises(DataError, match=r"^frames: box 0 is \[inf"):
        Frames(np.arange(1), np.array([0, 1]), np.full((1, 4), np.inf), **empty)
    with pytest.raises(DataError, match=r"^frames: offsets must rise from 0 to the 1 boxes$"):
        Frames(np.arange(1), np.array([0, 0]), np.zeros((1, 4)), **empty)


@pytest.mark.parametrize("name", sorted(registry.assertions()))
def test_nothing_is_found_in_nothing(name: str) -> None:
    cls = registry.assertions()[name].cls
    assertion = cls(other="b") if name == "agree" else cls()
    for frames in (Frames.of({}), Frames.of({3: []}), Frames.of({3: [], 4: [], 9: []})):
        found = assertion.check(frames, *[frames] * len(assertion.other_tasks()))
        assert found.severity.shape == (len(frames),)
        assert not found.flagged.any()
        assert found.n_firings == len(found.offending) == len(found.imputed) == 0


# A grid of boxes with many exact ties and duplicates, in videos with holes.
SPOTS = st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from([0.05, 0.3, 0.9]))
VIDEOS = st.dictionaries(st.integers(0, 11), st.lists(SPOTS, max_size=4), min_size=1, max_size=8)


def made(video: dict[int, list[tuple[int, int, float]]]) -> Frames:
    ordered = dict(sorted(video.items()))
    return Frames.of(
        {t: [[6.0 * x, 0, 20, 20] for x, _, _ in held] for t, held in ordered.items()},
        scores={t: [s for _, _, s in held] for t, held in ordered.items()},
        classes={t: [c for _, c, _ in held] for t, held in ordered.items()},
    )


ASSERTIONS = (
    Flicker(),
    Flicker(max_gap=3, min_support=0),
    Flicker(parity=True, iou_tracking=0.5),
    Appear(),
    Multibox(),
    ClassFlip(),
)


def boxes_found(frames: Frames, found: Findings) -> Any:
    """Everything found, without positions in lists."""
    rows = frames.rows
    offending = sorted(
        (int(frames.numbers[rows[b]]), *frames.boxes[b], frames.classes[b], frames.scores[b])
        for b in found.offending
    )
    imputed = sorted(
        zip(
            found.imputed.numbers.tolist(),
            map(tuple, found.imputed.boxes.tolist()),
            found.imputed.scores.round(9).tolist(),
            strict=True,
        )
    )
    return offending, imputed, found.severity.round(9).tolist(), found.n_firings


@given(VIDEOS, st.randoms())
def test_the_order_of_boxes_in_a_frame_changes_nothing(video: Any, random: Any) -> None:
    shuffled = {t: random.sample(held, len(held)) for t, held in video.items()}
    one, other = made(video), made(shuffled)
    for assertion in ASSERTIONS:
        assert boxes_found(one, assertion.check(one)) == boxes_found(other, assertion.check(other))


@given(VIDEOS, st.integers(1, 1000))
def test_only_differences_of_frame_numbers_matter(video: Any, shift: int) -> None:
    one, other = made(video), made({t + shift: held for t, held in video.items()})
    for assertion in ASSERTIONS:
        first, second = assertion.check(one), assertion.check(other)
        np.testing.assert_array_equal(first.severity, second.severity)
        np.testing.assert_array_equal(first.imputed.numbers + shift, second.imputed.numbers)


@given(VIDEOS)
def test_parity_equals_the_tutorial_in_plain_loops(video: Any) -> None:
    frames = made(video)
    for tracking, assertion in ((0.5, 0.5), (0.3, 0.6), (0.0, 0.9)):
        found = Flicker(parity=True, iou_tracking=tracking, iou_assertion=assertion).check(frames)
        ours = sorted(
            (n, *box) for n, box in zip(found.imputed.numbers, found.imputed.boxes, strict=True)
        )
        assert ours == sorted(tutorial(frames, 0.1, tracking, assertion))


def tutorial(frames: Frames, score: float, tracking: float, assertion: float) -> list[Any]:
    """Follow the text of docs/semantics.md section 4 with one loop per noun."""
    held: dict[int, list[tuple[int, ...]]] = {}
    for row, box, confidence in zip(frames.rows, frames.boxes, frames.scores, strict=True):
        if confidence >= score:
            x, y, w, h = (int(v) for v in box)
            held.setdefault(int(frames.numbers[row]), []).append((x, y, x + w, y + h))
    found = []
    numbers = frames.numbers.tolist()
    for i in range(numbers[0] + 1, numbers[-1]) if frames.step == 1 else ():
        for a in held.get(i - 1, []):
            for b in held.get(i + 1, []):
                if plain_iou(a, b) > np.float32(tracking):
                    c = tuple(int((u + v) / 2) for u, v in zip(a, b, strict=True))
                    near = [plain_iou(c, d) >= np.float32(assertion) for d in held.get(i, [])]
                    if not any(near):
                        found.append((i, c[0], c[1], c[2] - c[0], c[3] - c[1]))
    return found


def plain_iou(a: tuple[int, ...], b: tuple[int, ...]) -> np.float32:
    w = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    h = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h
    return np.float32(w * h) / np.float32(union)


@given(VIDEOS)
def test_default_mode_keeps_what_section_4_promises(video: Any) -> None:
    """Sources overlap, no box of the class is where one is imputed, each source is used once."""
    frames = made(video)
    found = Flicker(iou_tracking=0.5, iou_assertion=0.6).check(frames).imputed
    for number, box, (before, after), kind in zip(
        found.numbers, found.boxes, found.sources, found.classes, strict=True
    ):
        one, other = frames.boxes[before], frames.boxes[after]
        assert frames.numbers[frames.rows[[before, after]]].tolist() == [number - 1, number + 1]
        assert plain_iou(corners(one), corners(other)) > 0.5
        np.testing.assert_allclose(box, (one + other) / 2)
        there = (frames.numbers[frames.rows] == number) & (frames.classes == kind)
        for seen in frames.boxes[there & (frames.scores >= 0.1)]:
            assert plain_iou(corners(box), corners(seen)) < 0.6
    for column in found.sources.T:
        assert len(set(column.tolist())) == len(column)


def corners(box: Any) -> tuple[Any, ...]:
    return (box[0], box[1], box[0] + box[2], box[1] + box[3])


PAIRS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from([0.2, 0.5, 0.9])),
    unique_by=lambda pair: pair[:2],
    max_size=14,
)


@given(PAIRS)
def test_one_to_one_equals_taking_the_best_pair_again_and_again(
    pairs: list[tuple[int, int, float]],
) -> None:
    i, j, value = (np.array([pair[k] for pair in pairs]) for k in range(3))
    kept = one_to_one(i.astype(np.int64), j.astype(np.int64), value.astype(float))
    used_i: set[int] = set()
    used_j: set[int] = set()
    expected = set()
    for a, b, weight in sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1])):
        if a not in used_i and b not in used_j:
            expected.add((a, b, weight))
            used_i.add(a)
            used_j.add(b)
    assert {pair for pair, keep in zip(pairs, kept, strict=True) if keep} == expected


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    video = {t: rng.uniform(0, 90, (5, 4)) + np.array([0, 0, 40, 40]) for t in range(12)}
    frames = Frames.of(video)
    whole = [a.check(frames) for a in ASSERTIONS]
    monkeypatch.setattr("selectlab.assertions.matching.BLOCK_PAIRS", 7)
    for assertion, found in zip(ASSERTIONS, whole, strict=True):
        again = assertion.check(frames)
        np.testing.assert_array_equal(found.severity, again.severity)
        np.testing.assert_array_equal(found.imputed.boxes, again.imputed.boxes)


def test_tracks_are_chains_through_the_frames() -> None:
    from selectlab.assertions.matching import predicted

    frames = Frames.of({t: [moved(BOX, t), FAR][: 1 + (t != 2)] for t in range(5)})
    tracks = link(predicted(frames, 0.1), 0.5)
    assert sorted(tracks.steps(np.flatnonzero(tracks.before < 0), 9, ahead=True)) == [1, 1, 4]
    before, after = bridge(tracks, 1, 0.4)
    assert (tracks.boxes.time[before].tolist(), tracks.boxes.time[after].tolist()) == ([1], [3])
    for one, other in pairwise(sorted(tracks.steps(before, 9, ahead=a)[0] for a in (0, 1))):
        assert (one, other) == (1, 2)


def test_iou_does_not_depend_on_the_order() -> None:
    boxes = [[0.0, 0, 4, 4], [1.0, 1, 5, 6], [9.0, 9, 9, 9]]
    for a, b in permutations(boxes, 2):
        one, other = np.array([a]), np.array([b])
        assert iou(one, other) == iou(other, one)
    assert iou(np.array([boxes[2]]), np.array([boxes[2]])) == [0.0]
