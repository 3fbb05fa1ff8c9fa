"""Frames of videos that many ask for at once: each video is gone through by one at a time."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from selectlab.video.decoding import Frame

T = TypeVar("T")
Key = tuple[str, int]
"""A sample and a size."""
_KEPT = 256


class Film(Generic[T]):
    """Makes something of frames, such as thumbnails.

    What is asked for while a video is being decoded waits, and is then decoded in one go, so that
    a page full of frames costs a pass over their videos and not one each. The last results stay in
    memory, also that there is no such frame.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._busy: dict[Path, threading.Lock] = {}
        self._waiting: dict[Path, dict[Key, int]] = {}
        self._held: OrderedDict[tuple[Path, str, Key], T | None] = OrderedDict()

    def developed(
        self, video: Path, wanted: Mapping[Key, int], make: Callable[[Path, Key, Frame], T]
    ) -> dict[Key, T]:
        """Return what is made of some frames; those past the end are left out.

        Args:
            video: The video.
            wanted: Numbers of frames by what they are asked for as.
            make: Makes it.

        Raises:
            DataError: The video cannot be decoded.
            MissingExtraError: PyAV is not installed.
        """
        mark = mark_of(video)
        with self._guard:
            self._waiting.setdefault(video, {}).update(wanted)
            busy = self._busy.setdefault(video, threading.Lock())
        with busy:
            with self._guard:
                ours = {**self._waiting.pop(video, {}), **wanted}
                asked = {k: n for k, n in ours.items() if (video, mark, k) not in self._held}
            found = self._decoded(video, asked, make)
            with self._guard:
                for key in asked:
                    self._held[video, mark, key] = found.get(key)
                known = {key: self._held.get((video, mark, key)) for key in wanted}
                while len(self._held) > _KEPT:
                    self._held.popitem(last=False)
        return {key: made for key, made in known.items() if made is not None}

    def _decoded(
        self, video: Path, asked: Mapping[Key, int], make: Callable[[Path, Key, Frame], T]
    ) -> dict[Key, T]:
        from selectlab.video.seeking import chosen_frames

        keys: dict[int, list[Key]] = {}
        for key, number in asked.items():
            keys.setdefault(number, []).append(key)
        return {
            key: make(video, key, frame)
            for frame in chosen_frames(video, keys)
            for key in keys[frame.number]
        }


def mark_of(video: Path) -> str:
    """Return what tells a changed video from the one before."""
    stat = os.stat(video)
    return f"{stat.st_size}:{stat.st_mtime_ns}"
