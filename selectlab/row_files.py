"""Rows of numbers in a file, read and written at any place by any number of threads.

Nothing is mapped into memory: a limit set from outside (``ulimit -v``) counts what is mapped.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.errors import DataError

_seeking = Lock()


@dataclass(frozen=True)
class RowFile:
    """A matrix in an open file, row after row; it is closed when nobody holds it any more.

    Attributes:
        where: The file, for messages.
        descriptor: The open file.
        start: Where row 0 begins, bytes.
        shape: Rows and columns.
        dtype: Type of the numbers, in the byte order of this machine.
    """

    where: str
    descriptor: int
    start: int
    shape: tuple[int, int]
    dtype: np.dtype[Any]

    def __post_init__(self) -> None:
        weakref.finalize(self, os.close, self.descriptor)

    @classmethod
    def open(
        cls, path: str, where: str, start: int, shape: tuple[int, int], dtype: np.dtype[Any]
    ) -> RowFile:
        """Open the matrix that begins at byte ``start`` of a file.

        Raises:
            DataError: The file cannot be opened, or is shorter than that.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise DataError(f"{where}: cannot be read, {error.strerror}") from None
        file = cls(where, descriptor, start, shape, dtype)
        lacking = start + shape[0] * file.row_bytes - os.fstat(descriptor).st_size
        if lacking > 0:
            raise _cut_off(where, lacking)
        return file

    @classmethod
    def scratch(cls, where: str, shape: tuple[int, int], dtype: np.dtype[Any]) -> RowFile:
        """Make a file of zeros that has no name and vanishes with this process, however it ends.

        It lies in the system's folder for such files; ``TMPDIR`` names another.

        Args:
            where: What it is for, for messages.
            shape: Rows and columns.
            dtype: Type of the numbers.

        Raises:
            DataError: The disk has not got the room.
        """
        size = shape[0] * shape[1] * dtype.itemsize
        folder = tempfile.gettempdir()
        try:
            if shutil.disk_usage(folder).free < size:
                raise _no_room(where, folder, size)
            with tempfile.TemporaryFile(dir=folder, buffering=0) as named:
                descriptor = os.dup(named.fileno())
                file = cls(where, descriptor, 0, shape, dtype)
                os.ftruncate(descriptor, size)
        except OSError as error:
            raise DataError(f"{folder}: no scratch file can be made, {error.strerror}") from None
        return file

    @property
    def row_bytes(self) -> int:
        """Size of a row in bytes."""
        return self.shape[1] * self.dtype.itemsize

    def read(self, first: int, out: npt.NDArray[Any]) -> None:
        """Fill ``out``, (rows, D) of this type and contiguous, with the rows from ``first`` on.

        Raises:
            DataError: The file ends before.
        """
        view = memoryview(out.reshape(-1).view(np.uint8).data)
        at = self.start + first * self.row_bytes
        while view:
            try:
                n_read = _read_at(self.descriptor, view, at)
            except OSError as error:
                raise DataError(f"{self.where}: cannot be read, {error.strerror}") from None
            if not n_read:
                raise _cut_off(self.where, len(view))
            view, at = view[n_read:], at + n_read

    def write(self, first: int, rows: npt.NDArray[Any]) -> None:
        """Write rows from row ``first`` on.

        Raises:
            DataError: The disk is full.
        """
        values = np.ascontiguousarray(rows, dtype=self.dtype)
        view = memoryview(values.reshape(-1).view(np.uint8).data)
        at = self.start + first * self.row_bytes
        while view:
            try:
                n_written = _write_at(self.descriptor, view, at)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                    size = self.shape[0] * self.row_bytes
                    raise _no_room(self.where, tempfile.gettempdir(), size) from None
                raise DataError(f"{self.where}: no scratch file, {error.strerror}") from None
            view, at = view[n_written:], at + n_written


def _cut_off(where: str, lacking: int) -> DataError:
    return DataError(f"{where}: the file is cut off, {lacking} bytes are missing")


def _no_room(where: str, folder: str, size: int) -> DataError:
    return DataError(
        f"{where}: {size / 1e9:.3g} GB of disk are needed to work on it within the memory limit, "
        f"and {folder} has not got them; set TMPDIR to a folder that has"
    )


def _read_at(descriptor: int, view: memoryview, at: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(descriptor, [view], at)
    with _seeking:
        os.lseek(descriptor, at, os.SEEK_SET)
        data = os.read(descriptor, len(view))
    view[: len(data)] = data
    return len(data)


def _write_at(descriptor: int, view: memoryview, at: int) -> int:
    if hasattr(os, "pwrite"):
        return os.pwrite(descriptor, view, at)
    with _seeking:
        os.lseek(descriptor, at, os.SEEK_SET)
        return os.write(descriptor, view)
