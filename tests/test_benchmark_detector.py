"""The detector behind detection_labels_saved: its windows, its training, and the films it sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.case import Setting
from benchmarks.cases.detection_labels_saved import CASE
from benchmarks.claim import judge
from benchmarks.outside_data import NoDataError, OutsideData
from benchmarks.videos.film_rounds import run
from benchmarks.videos.films import Film, decoded, film_of, made, recorded
from benchmarks.videos.gradient_histograms import CELL, ORIENTATIONS, PAD, histograms, stored_grids
from benchmarks.videos.sliding_window import (
    COLUMNS,
    ROWS,
    SlidingWindow,
    _corrected,
    _mirrored,
    _shift,
)

SMALL = Setting("small", 1, OutsideData(Path("/nowhere")))


@pytest.fixture(scope="module")
def film() -> Film:
    return made(0)


# the detector


@pytest.fixture(scope="module")
def detector(film: Film) -> SlidingWindow:
    found = SlidingWindow(film.grids, seed=0)
    found.fit([0, 20], [film.pool[0], film.pool[20]], [film.ignored[0], film.ignored[20]])
    return found


def test_sliding_equals_window_by_window(detector: SlidingWindow) -> None:
    weights = np.random.default_rng(0).normal(size=ROWS * COLUMNS * ORIENTATIONS)
    for scale in detector._scales:
        slid = scale.slide([5], weights.astype(np.float32).reshape(ROWS, -1))[0]
        rows = np.arange(len(scale.windows))
        assert slid == pytest.approx(scale.features(5, rows) @ weights, abs=1e-3)


def test_first_window_by_hand(detector: SlidingWindow, film: Film) -> None:
    """The box lies a cell inside what is looked at, which starts two cells outside the frame."""
    cell = CELL / film.grids.zooms[0]
    assert detector._windows[0] == pytest.approx([-cell, -cell, 3 * cell, 8 * cell])
    assert detector._windows[1] == pytest.approx([0, -cell, 3 * cell, 8 * cell])


def test_hard_negatives_are_those_that_look_most_like_an_object(
    detector: SlidingWindow, film: Film
) -> None:
    """Of the even windows, the 60 of the highest score."""
    even = np.arange(0, len(detector._windows), 2)
    [hard] = detector._hard([8], [even])
    scores = detector._scores([8])[0, even]
    assert hard.shape == (60, ROWS * COLUMNS * ORIENTATIONS)
    kept = hard @ detector._model.coef_[0] + detector._model.intercept_[0]
    assert kept == pytest.approx(np.sort(scores)[::-1][:60], abs=1e-3)


def test_corrections_lead_from_windows_to_boxes() -> None:
    windows = np.array([[10.0, 20.0, 30.0, 80.0]])
    boxes = np.array([[12.0, 17.0, 33.0, 75.0]])
    assert _corrected(windows, _shift(windows, boxes)) == pytest.approx(boxes)


def test_examples_are_objects_and_background(detector: SlidingWindow, film: Film) -> None:
    """A window far from all boxes is background, unless it lies on something to ignore."""
    nothing = np.zeros((0, 4))
    rows, targets, free = detector._examples(nothing, nothing)
    assert (len(rows), len(targets), len(free)) == (0, 0, len(detector._windows))
    rows, targets, free = detector._examples(detector._windows[[70]], detector._windows[[3]])
    assert 70 in rows
    assert targets[list(rows).index(70)] == pytest.approx(np.zeros(4))
    assert not {3, 70} & set(free)


def test_detections_are_apart_and_fall(detector: SlidingWindow) -> None:
    [seen] = detector.detect([30])
    assert (np.diff(seen.scores) <= 0).all()
    assert ((seen.scores >= 0.05) & (seen.scores <= 1)).all()
    assert len(seen.boxes) == len(seen.scores) > 0


def test_a_mirrored_frame_has_mirrored_cells() -> None:
    image = np.random.default_rng(1).uniform(size=(CELL * 6, CELL * 4)).astype(np.float32)
    plain, mirrored = histograms(image, 1.0), histograms(image[:, ::-1].copy(), 1.0)
    assert np.array_equal(mirrored, plain[:, ::-1, ::-1])
    features = np.arange(ROWS * COLUMNS * ORIENTATIONS, dtype=np.float32)[None]
    assert np.array_equal(_mirrored(_mirrored(features)), features)


def test_an_edge_has_one_orientation() -> None:
    """Dark left, bright right: the gradient points right, orientation 0.

    Half a grey level on each of two columns of 5 px: 5. Root of 5 over that and flatness 0.5,
    the norm of three such cells: sqrt(5 / sqrt(75.25)) * 255 = 194.
    """
    image = np.zeros((CELL * 3, CELL * 5), dtype=np.float32)
    image[:, CELL * 2 + 2 :] = 1
    cells = histograms(image, 1.0)[PAD:-PAD, PAD:-PAD]
    assert cells[:, 2, 0].tolist() == [194, 194, 194]
    assert cells[:, 2, 1:].max() == 0
    assert cells[:, [0, 4]].max() == 0


# films


@pytest.fixture
def filmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a video whose frame k is as bright as 5 * k, and its ground truth."""
    import av

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "vtest_pets"
    folder.mkdir()
    with av.open(str(folder / "walk.avi"), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "gray"
        for number in range(40):
            grey = np.full((120, 160), 5 * number, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="gray")))
        container.mux(stream.encode())
    rows = [f"{n},1,{n},20,15,{40 + n % 3},1,-1,-1,-1" for n in range(1, 41)]
    rows.append("2,2,90,20,15,40,0,-1,-1,-1")
    (folder / "gt.txt").write_text("\n".join(rows) + "\n")
    (folder / "det.txt").write_text("1,-1,5,5,10,20,0.9,-1,-1,-1\n")
    (folder / "seqinfo.ini").write_text("[Sequence]\nname=walk\nseqLength=40\n")
    return folder


def test_frame_k_is_frame_k_plus_1_of_the_truth(filmed: Path) -> None:
    """Four fifths are the pool; every second frame of the rest is tested on."""
    film = recorded(filmed)
    assert film.ids[31] == "walk-00031-avi.png"
    assert [len(film.ids), len(film.grids)] == [32, 36]
    assert film.pool[31].tolist() == [[32, 20, 15, 42]]
    assert [len(boxes) for boxes in film.ignored[:3]] == [0, 1, 0]
    assert film.test.frames.numbers.tolist() == [33, 35, 37, 39]
    assert film.test.objects.boxes[:, 0].tolist() == [33, 35, 37, 39]
    [frame] = decoded(filmed / "walk.avi", [38])
    assert frame == pytest.approx(np.full((120, 160), 190 / 255), abs=0.02)


def test_cells_are_computed_once(filmed: Path, tmp_path: Path) -> None:
    def frames() -> Iterator[Any]:
        told.append("read")
        yield from decoded(video, [0, 3])

    told: list[str] = []
    video = filmed / "walk.avi"
    one, two = (stored_grids(video, frames(), [0, 3], [0.5, 1], tmp_path / "c") for _ in range(2))
    assert told == ["read"]
    assert all(map(np.array_equal, one.cells, two.cells))
    assert [cells.shape[0] for cells in one.cells] == [2, 2]


def test_a_folder_without_its_video_is_no_data(filmed: Path) -> None:
    (filmed / "seqinfo.ini").write_text("[Sequence]\nname=walk\nseqLength=90\n")
    with pytest.raises(NoDataError, match=r"walk.avi: shorter than the 90 frames"):
        recorded(filmed)
    (filmed / "walk.avi").unlink()
    recorded.cache_clear()
    with pytest.raises(NoDataError, match=r"vtest_pets: no video \(.avi, "):
        recorded(filmed)


def test_films_of_another_seed_differ() -> None:
    one, other = (film_of(SMALL, seed) for seed in (0, 1))
    assert not np.array_equal(one.pool[0], other.pool[0])
    assert one.budgets == [1, 5, 9]


def test_budgets_of_the_protocol(film: Film) -> None:
    assert replace(film, start=3, step=4, most=43).budgets == list(range(3, 44, 4))


def test_a_detector_that_learns_nothing_is_noticed(film: Film) -> None:
    """Boxes that lie beside their objects teach nothing: the check of boxes finds out."""
    claim = next(claim for claim in CASE.claims if claim.key == "detector_sees")
    shifted = replace(film, pool=tuple(boxes + np.array([40, 0, 0, 0]) for boxes in film.pool))
    result = {"seed": 0, "method": "random", **run(shifted, "random", 0)}
    assert not judge(claim, [result]).holds
