"""Files made for a browser to fetch: exports, kept until the page is stopped."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from selectlab.errors import DataError

_KEPT = 20
_MOST_CHARACTERS = 100
"""Of a name; file systems take 255 bytes."""
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


class Downloads:
    """A temporary folder of files under names that nobody guesses."""

    def __init__(self) -> None:
        self._folder: TemporaryDirectory[str] | None = None
        self._made: dict[str, Path] = {}
        self._busy = threading.Lock()

    def make(self, name: str, ending: str, write: Callable[[Path], object]) -> str:
        """Let something be written, and return the key under which it can be fetched.

        Args:
            name: What the file shall be called; odd characters become ``-``.
            ending: Ending of the file; ``""`` for a folder, which is fetched as a ``.zip``.
            write: Writes to the path that it is given, which is not there yet. Nothing is left if
                it raises an error.
        """
        with self._busy:
            if self._folder is None:
                self._folder = TemporaryDirectory(prefix="selectlab-studio-")
            key = secrets.token_urlsafe(16)
            room = Path(self._folder.name, key)
            room.mkdir()
        plain = _ODD.sub("-", name)[:_MOST_CHARACTERS].strip("-.") or "export"
        try:
            made = _written(room / f"{plain}{ending}", write)
        except BaseException:
            shutil.rmtree(room, ignore_errors=True)
            raise
        with self._busy:
            while len(self._made) >= _KEPT:
                oldest = next(iter(self._made))
                shutil.rmtree(self._made.pop(oldest).parent, ignore_errors=True)
            self._made[key] = made
        return key

    def get(self, key: str) -> Path:
        """Return a file that was made.

        Raises:
            DataError: There is none under this key any more.
        """
        if key not in self._made:
            raise DataError("download: this file is gone; export again")
        return self._made[key]

    def close(self) -> None:
        """Remove all of them."""
        self._made.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def _written(target: Path, write: Callable[[Path], object]) -> Path:
    """Let something be written, and return the file; of a folder its ``.zip``."""
    write(target)
    if not target.is_dir():
        return target
    packed = shutil.make_archive(str(target), "zip", target)
    shutil.rmtree(target)
    return Path(packed)
