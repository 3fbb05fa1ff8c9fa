"""Films: a video with fixed camera, cut into frames to label and frames to test on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.case import Setting
from benchmarks.outside_data import NoDataError
from benchmarks.results import cache_folder
from benchmarks.videos.clips import Clip, FloatArray, Objects
from benchmarks.videos.gradient_histograms import (
    CELL,
    Gray,
    Grids,
    frame_vectors,
    grids,
    stored_grids,
)
from benchmarks.videos.sliding_window import TALL
from selectlab.assertions import Frames

FOLDER = "vtest_pets"
SUFFIXES = (".avi", ".mp4", ".mkv", ".mov", ".webm")
N_SCALES = 3
HEIGHTS = (0.1, 0.9)
"""Quantiles of the objects' heights that the smallest and the largest window have."""

MADE_HEIGHT_PX, MADE_WIDTH_PX = 96, 144
MADE_POOL, MADE_TEST, MADE_FIGURES, MADE_POSTS = 36, 16, 4, 5


@dataclass(frozen=True)
class Film:
    """What a detector is trained and tested on.

    Attributes:
        grids: Cells of the frames, those of the pool first.
        vectors: Embeddings of the frames of the pool.
        ids: Sample id of each frame of the pool.
        pool: Objects of the frames of the pool, one a frame.
        ignored: Regions of the same frames in which nothing is learned.
        test: Frames to test on, in the order of the cells, and what is there.
        start: Number of frames labelled at first.
        step: Number of frames labelled a round.
        most: Number of frames labelled in the end.
        goal: Number of random frames whose AP is the goal.
    """

    grids: Grids
    vectors: npt.NDArray[np.float32]
    ids: tuple[str, ...]
    pool: tuple[FloatArray, ...]
    ignored: tuple[FloatArray, ...]
    test: Clip
    start: int = 3
    step: int = 4
    most: int = 43
    goal: int = 27

    @property
    def budgets(self) -> list[int]:
        """Return the numbers of labels after each round."""
        return list(range(self.start, self.most + 1, self.step))


def film_of(setting: Setting, seed: int) -> Film:
    """Return the film of a setting: that of the outside data, or a generated one of the seed."""
    if setting.size == "full":
        return recorded(setting.data.folder(FOLDER))
    return made(seed)


@lru_cache(maxsize=1)
def recorded(folder: Path) -> Film:
    """Return a film from a folder with a video, gt.txt, det.txt and seqinfo.ini.

    Frame k of the video, counted from 0, is frame k + 1 of gt.txt. The pool is the first 600
    frames, or four fifths of a short video, the test every second frame of the rest.

    Raises:
        NoDataError: There is no video, or it ends before its ground truth.
    """
    videos = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
    if not videos:
        raise NoDataError(f"{folder}: no video ({', '.join(SUFFIXES)})")
    clip = Clip.read(folder)
    n_frames = len(clip.frames)
    n_pool = min(600, n_frames * 4 // 5)
    numbers = [*range(n_pool), *range(n_pool, n_frames, 2)]
    stem = videos[0].stem
    ids = [f"{stem}-{number:05d}-{videos[0].suffix[1:].lower()}.png" for number in range(n_pool)]
    zooms = _zooms(clip.objects.within(1, n_pool).boxes[:, 3])
    store = cache_folder() / "gradient_histograms"
    cells = stored_grids(videos[0], decoded(videos[0], numbers), numbers, zooms, store)
    if len(cells) < len(numbers):
        raise NoDataError(f"{videos[0]}: shorter than the {n_frames} frames of its seqinfo.ini")
    return _film(cells, ids, clip, numbers)


def decoded(video: Path, numbers: Sequence[int]) -> Iterator[Gray]:
    """Yield frames of a video, grey from 0 to 1, in rising order of their numbers from 0."""
    import av

    wanted = set(numbers)
    with av.open(str(video)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in wanted:
                yield frame.to_ndarray(format="gray").astype(np.float32) / np.float32(255)


def _zooms(heights: FloatArray) -> tuple[float, ...]:
    """Return the zooms at which windows are as tall as objects are, from small to large."""
    low, high = np.quantile(heights, HEIGHTS)
    return tuple(float(CELL * TALL / height) for height in np.geomspace(low, high, N_SCALES))


def _film(
    cells: Grids, ids: Sequence[str], clip: Clip, numbers: Sequence[int], **rounds: int
) -> Film:
    """Cut a clip whose frames count from 1; ``numbers`` count from 0."""
    n_pool = len(ids)
    tested = np.array(numbers[n_pool:]) + 1
    empty = Frames.of({int(number): [] for number in tested})
    objects, ignored = (_only(listed, tested) for listed in (clip.objects, clip.ignored))
    return Film(
        grids=cells,
        vectors=frame_vectors(cells)[:n_pool],
        ids=tuple(ids),
        pool=_by_frame(clip.objects, n_pool),
        ignored=_by_frame(clip.ignored, n_pool),
        test=Clip(clip.name, empty, objects, ignored, clip.fingerprint),
        **rounds,
    )


def _by_frame(objects: Objects, n_frames: int) -> tuple[FloatArray, ...]:
    return tuple(objects.boxes[objects.at(number + 1)] for number in range(n_frames))


def _only(objects: Objects, numbers: npt.NDArray[np.int64]) -> Objects:
    kept = np.isin(objects.numbers, numbers)
    return Objects(objects.numbers[kept], objects.tracks[kept], objects.boxes[kept])


@lru_cache(maxsize=2)
def made(seed: int) -> Film:
    """Return a generated film: textured figures that walk before a textured wall."""
    rng = np.random.default_rng([seed, 5])
    n_frames = MADE_POOL + MADE_TEST
    frames, rows = _walk(rng, n_frames)
    none = Objects(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 4)))
    clip = Clip("made", Frames.of({}), Objects.of(rows), none, "")
    ids = [f"made-{number:05d}-mp4.png" for number in range(MADE_POOL)]
    cells = grids(frames, _zooms(rows[:, 5])[:: N_SCALES - 1])
    return _film(cells, ids, clip, range(n_frames), start=1, step=4, most=9, goal=5)


def _walk(rng: np.random.Generator, n_frames: int) -> tuple[list[Gray], FloatArray]:
    """Return frames and rows frame, track, x, y, width, height; frames count from 1."""
    wall = _wall(rng)
    frames = [wall + rng.normal(0, 0.02, wall.shape) for _ in range(n_frames)]
    rows = []
    for track in range(MADE_FIGURES):
        tall = int(rng.integers(36, 46))
        wide = round(0.38 * tall)
        figure, mask = _figure(rng, tall, wide)
        room = np.array([MADE_WIDTH_PX - wide, MADE_HEIGHT_PX - tall])
        place = rng.uniform(0, room)
        speed = rng.choice([-1, 1], 2) * rng.uniform([1.5, 0.3], [3.0, 0.8])
        first = track * MADE_POOL // MADE_FIGURES
        for number in range(first, n_frames):
            place = place + speed
            speed = np.where((place < 0) | (place > room), -speed, speed)
            left, top = np.clip(place, 0, room).astype(int)
            part = frames[number][top : top + tall, left : left + wide]
            part += mask * (figure - part)
            rows.append([number + 1, track, left, top, wide, tall])
    grey = [np.clip(frame, 0, 1).astype(np.float32) for frame in frames]
    return grey, np.array(rows, dtype=np.float64)


def _wall(rng: np.random.Generator) -> FloatArray:
    """Return a mottled wall with posts about as large as figures."""
    from scipy.ndimage import gaussian_filter

    shape = (MADE_HEIGHT_PX, MADE_WIDTH_PX)
    wall: FloatArray = 0.5 + 1.5 * gaussian_filter(rng.normal(0, 0.3, shape), 1.5)
    for _ in range(MADE_POSTS):
        wide, tall = int(rng.integers(4, 14)), int(rng.integers(25, 45))
        left, top = rng.integers(0, (MADE_WIDTH_PX - wide, MADE_HEIGHT_PX - tall))
        wall[top : top + tall, left : left + wide] += rng.choice([-1, 1]) * rng.uniform(0.2, 0.4)
    return wall


def _figure(rng: np.random.Generator, tall: int, wide: int) -> tuple[FloatArray, FloatArray]:
    """Return a textured body with head and legs, and where it is."""
    down, right = np.mgrid[0 : 1 : 1j * tall, -1 : 1 : 1j * wide]
    head = (right / 0.45) ** 2 + ((down - 0.13) / 0.12) ** 2 < 1
    torso = (np.abs(right) < 0.9 - 0.5 * np.abs(down - 0.4)) & (down > 0.25) & (down < 0.6)
    legs = (np.abs(np.abs(right) - 0.4) < 0.25) & (down >= 0.6)
    mask = (head | torso | legs).astype(np.float64)
    level = 0.5 + rng.choice([-1, 1]) * rng.uniform(0.2, 0.35)
    return level + rng.normal(0, 0.08, mask.shape), mask
