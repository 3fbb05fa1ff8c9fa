"""The folder that small pictures are kept in: as many as fit, those that were used last."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path

from selectlab.atomic import replace_file

logger = logging.getLogger(__name__)

MOST_BYTES = 2_000_000_000
_SHELVES = 256
_SPARE = 16
"""A shelf is gone through when this part of it has been written anew."""
_HOUR_S = 3600.0
_OURS = re.compile(r"[0-9a-f]{30}\.jpg|\.[0-9a-f]{30}-[0-9-]+\.jpg")
"""Names that files have here, and while they are written; no other one is ever removed."""
_CARE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""A link in a place is not followed, a pipe not waited for; Windows knows neither flag."""


class ThumbnailFolder:
    """Keeps files under keys, in 256 folders that each hold their part of all bytes.

    Keys are hashed, so that the folders fill evenly: who writes into one looks through that one
    alone, and only now and then. What was not used for longest goes. Any number of processes and
    threads may do so at once: whoever finds a file gone makes it anew. The folder may be a link;
    links in it are not followed, and one of the 256 that is a link is not used.

    Args:
        folder: The folder; it is made when there is something to keep.
        most_bytes: How much it holds.

    Example:
        >>> from tempfile import mkdtemp
        >>> kept = ThumbnailFolder(Path(mkdtemp()), most_bytes=100_000)
        >>> place = kept.place("a.png at 256 px")
        >>> kept.read(place), kept.keep(place, b"jpeg"), kept.read(place)
        (None, None, b'jpeg')
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._share = folder, most_bytes / _SHELVES
        self._written: dict[Path, float] = {}
        self._busy = threading.Lock()

    def place(self, key: str) -> Path:
        """Return where what belongs to a key is kept."""
        name = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        return self._folder / name[:2] / f"{name[2:]}.jpg"

    def read(self, place: Path) -> bytes | None:
        """Return what is kept in a place, ``None`` if nothing is; to the hour it is noted when."""
        if place.parent.is_symlink():
            return None
        try:
            with open(place, "rb", opener=_opened) as file:
                about = os.fstat(file.fileno())
                data = file.read() if stat.S_ISREG(about.st_mode) else None
        except OSError:
            return None
        if data is not None and time.time() - about.st_mtime > _HOUR_S:
            with suppress(OSError):  # of somebody else, or gone by now
                os.utime(place)
        return data

    def keep(self, place: Path, data: bytes) -> None:
        """Keep a file, if it can be kept; others go where it is one too many."""
        if place.parent.is_symlink():
            logger.info("%s: not kept (%s is a link)", place, place.parent)
            return
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            replace_file(place, lambda to: to.write_bytes(data))
        except OSError as error:
            logger.info("%s: not kept (%s)", place, error)
            return
        if self._is_due(place.parent, len(data)):
            self._clear(place.parent)

    def _is_due(self, shelf: Path, n_bytes: int) -> bool:
        """Return whether to look through a shelf: the first time, and when enough came in."""
        with self._busy:
            written = self._written.get(shelf, self._share) + n_bytes
            due = written > self._share / _SPARE
            self._written[shelf] = 0.0 if due else written
        return due

    def _clear(self, shelf: Path) -> None:
        """Remove what was not used for longest, so that what is left and what comes next fit."""
        found = sorted(_files(shelf))
        too_many = sum(size for _, _, size in found) - self._share * (1 - 1 / _SPARE)
        for _, path, size in found:
            if too_many <= 0:
                return
            with suppress(OSError):  # somebody else was faster, or has it open
                os.unlink(path)
            too_many -= size


def _opened(path: str, flags: int) -> int:
    return os.open(path, flags | _CARE)


def _files(shelf: Path) -> list[tuple[float, str, int]]:
    """Return when each file was used, its path and its bytes; none that is being written."""
    found = []
    fresh = time.time() - _HOUR_S
    with suppress(OSError), os.scandir(shelf) as entries:
        for entry in entries:
            with suppress(OSError):
                about = entry.stat(follow_symlinks=False)
                written = entry.name[0] != "." or about.st_mtime < fresh
                if written and _OURS.fullmatch(entry.name):
                    found.append((about.st_mtime, entry.path, about.st_size))
    return found
