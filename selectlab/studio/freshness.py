"""Whether the files of a dataset are still those that were read."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from selectlab.inputs.folder import BUCKET

OFTEN_S = 2.0
"""The disk is not asked more often than that."""
_PICKED = 64
"""Of files of one kind in one folder this many are looked at, evenly picked."""

Mark = tuple[int, int]


class Freshness:
    """Notices changes of a folder: files that came, went, or were written anew.

    All folders are looked at, and so are their files: all of a kind where there are few, such as
    tables, and an even part of many, such as a folder of pictures. One picture in a folder of
    thousands that is written over in place may go unnoticed; a folder of predictions that is
    written anew does not. What is hidden is no data, so that what is kept in ``.selectlab`` changes
    nothing; and tags are read when they are asked for.

    Args:
        root: The folder; ``None`` for a dataset that lies in none, which never changes.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._left_out = (
            set() if root is None else {str(root / "tags"), str(root / BUCKET / "tags")}
        )
        self._folders: dict[str, tuple[int, int]] = {}
        self._files: dict[str, Mark] = {}
        self._asked, self._changed = 0.0, False
        self._busy = threading.Lock()
        self._first = threading.Thread(target=self._look, daemon=True)
        self._first.start()

    @property
    def changed(self) -> bool:
        """Whether anything has changed; once it has, it stays so."""
        with self._busy:
            now = time.monotonic()
            waiting = self._first.is_alive() or now - self._asked <= OFTEN_S
            if not self._changed and not waiting:
                self._asked = now
                self._changed = any(map(self._is_other, self._folders)) or any(
                    _mark(file) != mark for file, mark in self._files.items()
                )
            return self._changed

    def _look(self) -> None:
        """Note how everything is; 200,000 files take a second, for which nobody has to wait."""
        for folder, inside, files in () if self._root is None else os.walk(self._root):
            inside[:] = [name for name in inside if self._is_data(folder, name)]
            seen = [name for name in files if self._is_data(folder, name)]
            self._folders[folder] = _mark(folder)[0], _number([*inside, *seen])
            for name in _some(seen):
                path = os.path.join(folder, name)
                self._files[path] = _mark(path)

    def _is_other(self, folder: str) -> bool:
        """Return whether a folder lists other files; hidden ones change its time only."""
        before, listed = self._folders[folder]
        now = _mark(folder)[0]
        if now != before:
            self._folders[folder] = now, listed
            return self._listed(folder) != listed
        return False

    def _listed(self, folder: str) -> int:
        try:
            return _number([name for name in os.listdir(folder) if self._is_data(folder, name)])
        except OSError:
            return -1

    def _is_data(self, folder: str, name: str) -> bool:
        hidden = name[0] == "." and name != BUCKET
        return not hidden and os.path.join(folder, name) not in self._left_out


def _number(names: list[str]) -> int:
    """Return a number that stands for some names in any order."""
    return hash(frozenset(names))


def _some(files: list[str]) -> Iterator[str]:
    """Yield all files of a kind where there are few, an even part of many."""
    kinds: dict[str, list[str]] = {}
    for file in files:
        kinds.setdefault(os.path.splitext(file)[1], []).append(file)
    for held in kinds.values():
        yield from sorted(held)[:: max(1, len(held) // _PICKED)]


def _mark(path: str) -> Mark:
    try:
        found = os.stat(path)
    except OSError:
        return -1, -1
    return found.st_mtime_ns, found.st_size
