"""Frames that an assertion flagged, with the frames around them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from selectlab.assertion_run import read_imputed
from selectlab.errors import DataError, did_you_mean
from selectlab.inputs.sample_ids import frame_of, sample_id
from selectlab.studio.assertion_files import assertion_files

if TYPE_CHECKING:
    from pathlib import Path

    from selectlab.dataset import Dataset

MOST_AROUND = 12


class Strips:
    """The results of assertions on a dataset of frames.

    Args:
        dataset: The dataset.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._held: dict[tuple[str, int], list[dict[str, Any]]] = {}
        self._busy = threading.Lock()

    @property
    def files(self) -> dict[str, Path]:
        """Files of imputed boxes by ``TASK/NAME``, those of flicker first."""
        found = assertion_files(self._dataset).items()
        return dict(sorted(found, key=lambda one: not one[0].endswith("/flicker")))

    def offered(self) -> list[str]:
        """Return the names of the files, those that flagged nothing last."""
        return sorted(self.files, key=lambda name: not self._count(name))

    def _count(self, name: str) -> int:
        try:
            return len(self.flagged(name))
        except DataError:  # is told when somebody looks at it
            return 0

    def file(self, name: str) -> Path:
        """Return a file.

        Raises:
            DataError: There is none of this name.
        """
        found = self.files
        if name not in found:
            raise DataError(f"{name!r}: no such assertion results{did_you_mean(name, found)}")
        return found[name]

    def flagged(self, name: str) -> list[dict[str, Any]]:
        """Return the flagged frames that are samples of the dataset, the worst first.

        Raises:
            DataError: There is no such file, or it is malformed.
        """
        path = self.file(name)
        key = name, path.stat().st_mtime_ns
        with self._busy:
            if key not in self._held:
                self._held[key] = self._read(path)
            return self._held[key]

    def around(self, frame: str, most: int) -> list[str]:
        """Return a frame and the frames of its video around it, in order.

        Pictures that are no frames of a video have their neighbours in the folder.

        Raises:
            DataError: The dataset has no such sample.
        """
        if frame not in self._dataset.rows:
            raise DataError(f"{frame!r}: no such sample")
        line = self._lines[_line_of(frame)]
        at = line.index(frame)
        many = min(most, MOST_AROUND)
        return line[max(0, at - many) : at + many + 1]

    @cached_property
    def _lines(self) -> Mapping[str, list[str]]:
        """The samples of each video or folder, in order."""
        found: dict[str, list[tuple[int, str]]] = {}
        for at, name in enumerate(self._dataset.ids):
            frame = frame_of(name)
            found.setdefault(_line_of(name), []).append((frame[1] if frame else at, name))
        return {line: [name for _, name in sorted(held)] for line, held in found.items()}

    def _read(self, path: Path) -> list[dict[str, Any]]:
        frames = read_imputed(path)["frames"]
        if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
            raise DataError(f"{path}: frames must be a list of objects")
        found = [
            {
                "id": sample_id(frame.get("file_name"), str(path)),
                "severity": float(frame.get("severity") or 0.0),
                "imputed": len(frame.get("imputed") or ()),
                "suspicious": len(frame.get("offending") or ()),
            }
            for frame in frames
        ]
        known = [frame for frame in found if frame["id"] in self._dataset.rows]
        return sorted(known, key=lambda frame: (-frame["severity"], str(frame["id"])))


def _line_of(name: str) -> str:
    frame = frame_of(name)
    return name.rpartition("/")[0] if frame is None else f"{frame[0]}\0"
