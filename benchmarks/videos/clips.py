"""Clips: a detector's boxes on one video beside what is really there."""

from __future__ import annotations

import configparser
import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks.case import Setting, Unit
from benchmarks.outside_data import NoDataError
from selectlab.assertions import Frames

if TYPE_CHECKING:
    from benchmarks.videos.made_videos import Detector

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

FILES = ("det.txt", "gt.txt", "seqinfo.ini")
MADE = "made"
"""Name of the data that is generated where no outside data is wanted."""

_CLASS_COLUMNS = 9
"""Columns of a gt.txt that says classes (from MOT16 on); MOT15 has ten, and people only."""


@dataclass(frozen=True)
class Objects:
    """True boxes of a clip, T of them, by frame and track.

    Attributes:
        numbers: (T,) frame numbers, rising.
        tracks: (T,) who it is.
        boxes: (T, 4) x, y, width, height in px.
    """

    numbers: IntArray
    tracks: IntArray
    boxes: FloatArray

    @classmethod
    def of(cls, rows: FloatArray) -> Objects:
        """Return objects from rows frame, track, x, y, width, height, in any order."""
        rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
        return cls(rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64), rows[:, 2:6])

    def at(self, number: int) -> IntArray:
        """Return the positions of the boxes in a frame."""
        first, stop = np.searchsorted(self.numbers, [number, number + 1])
        return np.arange(first, stop, dtype=np.int64)

    def within(self, first: int, last: int) -> Objects:
        """Return the boxes of some frames."""
        kept = (self.numbers >= first) & (self.numbers <= last)
        return Objects(self.numbers[kept], self.tracks[kept], self.boxes[kept])


@dataclass(frozen=True)
class Clip:
    """One video: what was detected, what is there, and where nobody may judge.

    Attributes:
        name: Name of its folder.
        frames: Detections of all scores; frames count from 1, those without boxes included.
        objects: What a detector has to find.
        ignored: Regions in which a detection is neither right nor wrong.
        fingerprint: Hash of det.txt and gt.txt.
    """

    name: str
    frames: Frames
    objects: Objects
    ignored: Objects
    fingerprint: str

    @classmethod
    def read(cls, folder: Path) -> Clip:
        """Read a folder in the layout of MOTChallenge with its three files side by side.

        Rows of gt.txt with use = 0, or of another class than 1, are regions to ignore.
        """
        about = configparser.ConfigParser(interpolation=None)
        about.read(folder / "seqinfo.ini", encoding="utf-8-sig")
        numbers = np.arange(1, about.getint("Sequence", "seqLength") + 1)
        found = _table(folder / "det.txt")
        found = found[np.isin(found[:, 0], numbers)]
        found = found[np.argsort(found[:, 0], kind="stable")]
        frames = Frames(
            numbers,
            np.searchsorted(found[:, 0], np.append(numbers, numbers[-1] + 1)),
            found[:, 2:6],
            found[:, 6],
            np.zeros(len(found), dtype=np.int64),
            where=folder.name,
        )
        rows = _table(folder / "gt.txt")
        used = rows[:, 6] == 1
        if rows.shape[1] == _CLASS_COLUMNS:
            used &= rows[:, 7] == 1
        texts = [(folder / name).read_bytes() for name in FILES[:2]]
        fingerprint = hashlib.sha256(b"".join(texts)).hexdigest()[:16]
        return cls(
            folder.name, frames, Objects.of(rows[used]), Objects.of(rows[~used]), fingerprint
        )

    def second_half(self) -> Clip:
        """Return the frames after the middle, as a clip of their own."""
        numbers = self.frames.numbers
        first, last = int(numbers[len(numbers) // 2]), int(numbers[-1])
        return self.part(self.frames.numbers >= first, first, last)

    def seen_by(self, frames: Frames) -> Clip:
        """Return the clip with what another detector sees in its frames."""
        return replace(self, frames=frames)

    def part(self, kept: BoolArray, first: int, last: int) -> Clip:
        """Return the frames that are kept, all between two numbers, as a clip of their own."""
        frames = self.frames
        boxes = kept[frames.rows]
        counts = np.diff(frames.offsets)[kept]
        shorter = Frames(
            frames.numbers[kept],
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            frames.boxes[boxes],
            frames.scores[boxes],
            frames.classes[boxes],
            where=frames.where,
        )
        objects, ignored = self.objects.within(first, last), self.ignored.within(first, last)
        return Clip(self.name, shorter, objects, ignored, self.fingerprint)


def read_clips(folder: Path) -> list[Clip]:
    """Return the clips in a folder and in the folders inside, by name.

    Raises:
        NoDataError: There is none.
    """
    places = [place for place in (folder, *sorted(folder.iterdir())) if _is_clip(place)]
    if not places:
        raise NoDataError(f"{folder}: no folder with {', '.join(FILES)}")
    return [Clip.read(place) for place in places]


def _table(path: Path) -> FloatArray:
    """Return the numbers of a file, a row a line; a file may be empty."""
    import pandas as pd

    if not path.read_text(encoding="utf-8").strip():
        return np.zeros((0, _CLASS_COLUMNS))
    rows: FloatArray = pd.read_csv(path, header=None, dtype=np.float64).to_numpy()
    return rows


def _is_clip(folder: Path) -> bool:
    return all((folder / name).is_file() for name in FILES)


def clips_of(setting: Setting, unit: Unit, detector: Detector | None = None) -> list[Clip]:
    """Return the clips that a unit names: of outside data, or generated with its seed.

    Generated ones go through the same files and the same reader.

    Args:
        setting: Says where outside data is.
        unit: Says which data, and the seed where it is generated.
        detector: Who looks at generated ones; the usual one by default.
    """
    data = str(unit.parameters["data"])
    if data != MADE:
        return read_clips(setting.data.folder(data))
    from benchmarks.videos.made_videos import write_videos

    with tempfile.TemporaryDirectory() as folder:
        write_videos(Path(folder), int(unit.parameters["seed"]), detector)
        return read_clips(Path(folder))


def units_of(
    setting: Setting, outside: Sequence[str], parts: Sequence[tuple[str, dict[str, Any]]]
) -> list[Unit]:
    """Return a unit for each part of the work on each data.

    Args:
        setting: At ``small``, generated data stands in for the outside data, anew a seed.
        outside: Folders of outside data.
        parts: Name and parameters of each part.
    """
    seeds = list(setting.seeds)
    if setting.size == "full":
        return [
            Unit(f"{data}-{name}", {"data": data, "seeds": seeds, **more}, needs=data)
            for data in outside
            for name, more in parts
        ]
    return [
        Unit(f"{MADE}-{name}-seed{seed}", {"data": MADE, "seed": seed, "seeds": [seed], **more})
        for seed in seeds
        for name, more in parts
    ]
