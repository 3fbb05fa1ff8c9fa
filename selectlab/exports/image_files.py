"""The images themselves, copied or linked into an export."""

from __future__ import annotations

import os
import shutil
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Literal

from selectlab.errors import DataError
from selectlab.exports.items import Items
from selectlab.inputs.sample_ids import sample_id as checked_id

Images = Literal["none", "copy", "link"]
"""Whether images go along: not at all, as copies, or as hard links (copies where a link cannot be,
as between two disks or from a bucket)."""

_AT_ONCE, _AHEAD = 8, 64


class ImageFiles:
    """Puts images into a folder, a few at a time; to be used in a ``with`` statement.

    Args:
        items: Opens the images.
        folder: Where they go.
        how: How they get there; ``"none"`` puts nothing.

    Raises:
        DataError: At the latest when the ``with`` statement ends: an image is not there, cannot be
            read, or its name leads out of the folder.
    """

    def __init__(self, items: Items, folder: Path, how: Images) -> None:
        self._items, self._folder, self._how = items, folder, how
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="selectlab-images")
        self._begun: deque[Future[bool]] = deque()
        self._n_copied_instead = 0

    def __enter__(self) -> ImageFiles:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            while self._begun and error is None:
                self._finish_one()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def place(self, sample_id: str, name: str) -> None:
        """Put the image of a sample under a name, which may have folders."""
        if self._how == "none":
            return
        target = self._folder / inner_path(name)
        self._begun.append(self._pool.submit(self._place, sample_id, target))
        if len(self._begun) >= _AHEAD:
            self._finish_one()

    def notes(self) -> list[str]:
        """Return what the user should know of it; ask after the ``with`` statement."""
        n_copied = self._n_copied_instead
        return [f"{n_copied} images could not be linked and are copies"] if n_copied else []

    def _finish_one(self) -> None:
        self._n_copied_instead += self._begun.popleft().result()

    def _place(self, sample_id: str, target: Path) -> bool:
        """Put one image; return whether it was to be linked but had to be copied."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = self._items.open_image(sample_id)
        except DataError as error:
            raise DataError(f"{error}; the option images=none leaves the images out") from None
        with file:
            origin = getattr(file, "name", None)
            if self._how == "link" and isinstance(origin, str) and _linked(origin, target):
                return False
            with target.open("xb") as copy:
                shutil.copyfileobj(file, copy)
        return self._how == "link"


def inner_path(name: str) -> str:
    """Return a name if it leads to a file in the folder at hand.

    Raises:
        DataError: It leads out of it, or to another file than it says.
    """
    checked_id(name, "images")
    if "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise DataError(f"images: {name!r} cannot be the name of a file")
    return name


def _linked(origin: str, target: Path) -> bool:
    """Try to make a hard link; what a symbolic link leads to is linked."""
    try:
        os.link(os.path.realpath(origin), target)
    except FileExistsError:
        raise
    except OSError:
        return False
    return True
