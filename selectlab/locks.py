"""Files that one process holds at a time; the system lets go of them when a process dies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(path: Path, taken: Callable[[str], Exception]) -> Iterator[None]:
    """Hold a lock file, made for it and removed afterwards.

    Args:
        path: The lock file. Its folder is made where it is missing.
        taken: Makes the error to raise when another process, named by its number, has it.
    """
    handle = seize(path, taken)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def seize(path: Path, taken: Callable[[str], Exception]) -> int:
    """Take a lock file and return its handle; see :func:`held`."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle)
            if os.path.samestat(os.fstat(handle), path.stat()):
                os.truncate(handle, 0)
                os.write(handle, f"{os.getpid()}\n".encode())
                return handle
        except FileNotFoundError:
            pass  # whoever had it is done and has removed it
        except BlockingIOError:
            pid = os.read(handle, 20).decode(errors="replace").strip()
            os.close(handle)
            raise taken(pid) from None
        os.close(handle)


def _lock(handle: int) -> None:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return
