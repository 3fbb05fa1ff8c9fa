"""What keeps a dataset whole while it is written: locks, errors of disks, results gone stale."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from selectlab.errors import DataError
from selectlab.inputs.folder import BUCKET
from selectlab.locks import held
from selectlab.writers import swap

LOCK = "lock"

STALE_ASSERTIONS = (
    "the results of 'selectlab assert' were of earlier predictions; they are removed, run it again"
)


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Turn what the system says while a folder is written into one line.

    Raises:
        DataError: Something could not be written or read.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or (str(error).splitlines() or [type(error).__name__])[0]
        named = error.filename if isinstance(error.filename, str) else ""
        ours = Path(named).is_relative_to(root) or root.is_relative_to(named)
        if named and not ours and f".{root.name}-" not in named:
            raise DataError(f"{named}: {reason}, while {root} was written") from error
        raise DataError(f"{root}: cannot be written: {reason}") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a folder to this process; the system lets go of the lock when a process dies.

    Raises:
        DataError: Another process has it.
    """
    try:
        with held(folder / LOCK, lambda pid: _taken(folder, pid)):
            yield
    finally:
        with suppress(OSError):  # nothing was begun: leave no empty folders
            for empty in (folder, *folder.parents[:2]):
                empty.rmdir()


def _taken(folder: Path, pid: str) -> DataError:
    return DataError(
        f"{folder}: process {pid} is predicting this task; wait for it, or choose another --task"
    )


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a fresh folder that takes the place of another when all went well.

    Args:
        target: Its content, if any, stays as it is until then.

    Raises:
        DataError: It cannot be written.
    """
    with writing(target):
        place = target.resolve()
        parent = next(folder for folder in place.parents if folder.is_dir())
        with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=parent) as name:
            fresh = Path(name) / "new"
            fresh.mkdir()
            yield fresh
            place.parent.mkdir(parents=True, exist_ok=True)
            swap(fresh, place, Path(name) / "old")


def forget_assertions(root: Path, task: str) -> bool:
    """Remove what 'selectlab assert' has found in a task; return whether there was anything."""
    found = False
    for folder in (root / BUCKET / "imputed" / task, root / "imputed" / task):
        if any(folder.glob("*.json")):
            shutil.rmtree(folder)
            found = True
    return found
