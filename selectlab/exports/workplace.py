"""Where an export is made before it takes its place, and what killed exports have left there."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selectlab.errors import DataError
from selectlab.locks import held

OLD = "old"
"""What was in the place before; it lies in the workplace while the two are exchanged."""

_WORK = "work"
_LOCK = "selectlab-export.lock"


@contextmanager
def workplace(target: Path) -> Iterator[Path]:
    """Make a folder beside a place to work in, and remove it afterwards.

    It holds a lock as long as its process lives. What processes that were killed have left beside
    the same place is removed, before and after.

    Args:
        target: The place.
    """

    def taken(pid: str) -> DataError:
        return DataError(f"{target}: process {pid} clears up here; try again")

    clear_up(target)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as name:
        with held(Path(name, _LOCK), taken):
            work = Path(name, _WORK)
            work.mkdir()
            try:
                yield work
            finally:  # the lock has to be the last to go
                shutil.rmtree(work, ignore_errors=True)
        clear_up(target)


def clear_up(target: Path) -> None:
    """Remove the workplaces of processes that live no more.

    One with the earlier content of a place that is empty now stays: it is the only one there is.

    Args:
        target: The place that they were for.
    """
    ours = re.compile(rf"\.{re.escape(target.name)}-[a-z0-9_]{{8}}")
    try:
        with os.scandir(target.parent) as listed:
            found = sorted(entry.path for entry in listed if ours.fullmatch(entry.name))
    except OSError:  # a folder may be written, but not listed
        return
    for folder in map(Path, found):
        is_spare = target.exists() or not (folder / _WORK / OLD).exists()
        if is_spare and not folder.is_symlink() and _is_abandoned(folder / _LOCK):
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(lock: Path) -> bool:
    """Return whether a lock is there and no process has it, as far as the system can tell."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return False
    try:
        handle = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # somebody has it, or the file system knows no locks
        return False
    finally:
        os.close(handle)
    return True
