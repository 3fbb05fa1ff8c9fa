"""An SQLite file, read without a trace: no file is made or changed beside it, nor its times.

SQLite itself would make ``-wal`` and ``-shm`` files to read one that is written ahead, and clean up
after a process that was killed.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from urllib.parse import quote

_BESIDE = ("-wal", "-journal")
"""What SQLite keeps beside a file as long as not all is in it."""
LARGE_BYTES = 16 << 20
"""Files up to here are copied to be read, so that whoever writes meanwhile does not matter."""
_TRIES = 5
_Stamp = tuple[int, int, int] | None


class AsItLies(sqlite3.Connection):
    """A connection to a file that is taken to stay as it is; :attr:`changed` tells if it did not.

    Attributes:
        file: The file.
        stamp: Tells the file from a changed one, as of before it was opened.
    """

    file: Path
    stamp: _Stamp

    @property
    def changed(self) -> bool:
        """Whether somebody has written the file since."""
        return _stamp(self.file) != self.stamp


class ReadOnlyFile:
    """Opens an SQLite file to read what is there now, however it was left.

    - It is copied to a temporary folder, with what a process that was killed, or one that is idle,
      has left beside it; the copy is read for as long as nothing changes.
    - A large file with nothing beside it is read as it lies.
    - Somebody is writing at this moment: SQLite's own way, since its files change anyhow.

    Args:
        file: The file.
        patience_s: How long to wait for writers, s.
    """

    def __init__(self, file: Path, patience_s: float) -> None:
        self._file, self._patience_s = file, patience_s
        self._lock = Lock()
        self._folder: TemporaryDirectory[str] | None = None
        self._copied: list[_Stamp] | None = None

    def connected(self) -> sqlite3.Connection:
        """Return a connection that sees one state of the file, the newest; close it soon.

        Raises:
            sqlite3.Error: It cannot be read.
        """
        for _ in range(_TRIES):
            file, *beside = self._stamps()
            if file and file[1] > LARGE_BYTES and not any(beside):
                return self._as_it_lies()
            copy = self._copy()
            if copy is not None:
                return self._connected(copy)
        return self._connected(self._file) if any(beside) else self._as_it_lies()

    def copy_to(self, to: Path) -> None:
        """Copy all that is there.

        Raises:
            sqlite3.Error: It cannot be read, is written all the time, or there is no room.
        """
        for _ in range(_TRIES):
            if self._copied_to(to):
                return
            to.unlink(missing_ok=True)
        raise sqlite3.OperationalError("another process is writing it; run this again")

    def _copied_to(self, to: Path) -> bool:
        """Copy all that is there; returns False when somebody wrote meanwhile, so that it is void.

        The file itself is read by SQLite: closing a file that Python has opened would take the
        locks away that SQLite may hold on it elsewhere in this process.

        Raises:
            sqlite3.Error: It cannot be read, or there is no room.
        """
        before = self._stamps()
        try:
            with (
                closing(self._as_it_lies()) as source,
                closing(sqlite3.connect(to)) as target,
            ):
                source.backup(target)
            for suffix, beside in zip(_BESIDE, before[1:], strict=True):
                if beside is not None:
                    shutil.copyfile(f"{self._file}{suffix}", f"{to}{suffix}")
            with closing(sqlite3.connect(to)) as whole:
                whole.execute("SELECT count(*) FROM sqlite_master").fetchone()
                whole.execute("PRAGMA journal_mode = DELETE").fetchone()
        except (sqlite3.Error, OSError) as error:
            if self._stamps() != before:
                return False
            if isinstance(error, OSError):
                raise sqlite3.OperationalError(f"cannot be copied, {error.strerror}") from None
            raise
        return self._stamps() == before

    def close(self) -> None:
        """Remove the copy, if there is one."""
        with self._lock:
            if self._folder is not None:
                self._folder.cleanup()
            self._folder = self._copied = None

    def _copy(self) -> Path | None:
        """Return a copy of all that is there now.

        ``None`` when somebody writes meanwhile, or there is no place for it.
        """
        with self._lock:
            now = self._stamps()
            if self._folder is None or self._copied != now:
                if self._folder is not None:
                    self._folder.cleanup()
                self._copied = None
                self._folder = None
                with suppress(OSError):
                    self._folder = TemporaryDirectory(prefix="selectlab-store-")
                if self._folder is None or not self._copied_to(Path(self._folder.name, "copy.db")):
                    return None
                self._copied = now
            return Path(self._folder.name, "copy.db")

    def _as_it_lies(self) -> AsItLies:
        stamp = _stamp(self._file)
        found = sqlite3.connect(
            _uri(self._file, "mode=ro&immutable=1"),
            uri=True,
            check_same_thread=False,
            factory=AsItLies,
        )
        found.file, found.stamp = self._file, stamp
        return found

    def _connected(self, file: Path) -> sqlite3.Connection:
        return sqlite3.connect(
            _uri(file, "mode=ro"), self._patience_s, uri=True, check_same_thread=False
        )

    def _stamps(self) -> list[_Stamp]:
        """Return what tells the file and those beside it from changed ones; none is empty."""
        beside = [_stamp(f"{self._file}{suffix}") for suffix in _BESIDE]
        return [_stamp(self._file), *(one if one and one[1] else None for one in beside)]


def _uri(file: Path, how: str) -> str:
    return f"file:{quote(str(file.absolute()))}?{how}"


def _stamp(path: str | Path) -> _Stamp:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
