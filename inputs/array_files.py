"""Matrices in .npy and .npz files, read block by block from any kind of file."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from selectlab.errors import DataError
from selectlab.inputs.files import Folder
from selectlab.row_files import RowFile

BATCH_ROWS = 16_384
_BATCH_BYTES = 1 << 23
Blocks = Iterator[tuple[int, npt.NDArray[Any]]]
Opener = Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True)
class Matrix:
    """A matrix of numbers in a file.

    Attributes:
        where: The file, for messages.
        shape: Rows and columns.
        opener: Opens the file at its .npy header.
        path: The file, where it is one of its own on this machine.
    """

    where: str
    shape: tuple[int, int]
    opener: Opener
    path: str | None = None

    def blocks(self) -> Blocks:
        """Yield ``(first row, rows)`` in order; one block is in memory at a time."""
        with self.opener() as file:
            (rows, columns), column_major, dtype = _header(file, self.where)
            step = max(1, min(BATCH_ROWS, _BATCH_BYTES // max(1, columns * dtype.itemsize)))
            if column_major:
                yield from self._transposed(file, (rows, columns), dtype, step)
                return
        yield from self.stretch(0, rows)

    def stretch(self, start: int, stop: int) -> Blocks:
        """Yield some consecutive rows of a matrix that is stored row by row."""
        with self.opener() as file:
            (_, columns), _, dtype = _header(file, self.where)
            step = max(1, min(BATCH_ROWS, _BATCH_BYTES // max(1, columns * dtype.itemsize)))
            if start:
                file.seek(file.tell() + start * columns * dtype.itemsize)
            for first in range(start, stop, step):
                count = min(step, stop - first)
                yield first, self._read(file, count * columns, dtype).reshape(count, columns)

    def by_rows(self) -> bool:
        """Return whether it is stored row by row."""
        with self.opener() as file:
            return not _header(file, self.where)[1]

    def on_disk(self) -> RowFile | None:
        """Return the matrix as rows of a file; ``None`` where it is not stored like that."""
        if self.path is None:
            return None
        with self.opener() as file:
            shape, column_major, dtype = _header(file, self.where)
            if column_major or not dtype.isnative:
                return None
            return RowFile.open(self.path, self.where, file.tell(), shape, dtype)

    def _transposed(
        self, file: IO[bytes], shape: tuple[int, int], dtype: np.dtype[Any], step: int
    ) -> Blocks:
        """Yield rows of a matrix that is stored column by column."""
        rows, columns = shape
        if self.path is None:
            yield 0, self._read(file, rows * columns, dtype).reshape(columns, rows).T
            return
        numbers = RowFile.open(self.path, self.where, file.tell(), (rows * columns, 1), dtype)
        for start in range(0, rows, step):
            block = np.empty((columns, min(step, rows - start)), dtype=dtype)
            for column in range(columns):
                numbers.read(column * rows + start, block[column])
            yield start, np.ascontiguousarray(block.T)

    def _read(self, file: IO[bytes], count: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Read the next numbers."""
        parts, left = [], count * dtype.itemsize
        while left and (part := file.read(left)):
            parts.append(part)
            left -= len(part)
        if left:
            raise DataError(f"{self.where}: the file is cut off, {left} bytes are missing")
        return np.frombuffer(b"".join(parts) if len(parts) != 1 else parts[0], dtype=dtype)


def npy_matrix(folder: Folder, path: str) -> Matrix:
    """Return the matrix of an .npy file.

    Raises:
        DataError: It is no .npy file, or holds something else than a matrix of numbers.
    """
    found = _matrix(path, lambda: folder.open(path))
    return found if folder.local_root is None else replace(found, path=folder.uri(path))


def npz_matrix(
    folder: Folder, path: str, name: str, beside: Sequence[str]
) -> tuple[Matrix, dict[str, npt.NDArray[Any]]]:
    """Return a matrix of an .npz file, and those arrays of ``beside`` that are there.

    Raises:
        DataError: It is no .npz file, or the matrix is not there or not of numbers.
    """

    @contextmanager
    def opener() -> Iterator[IO[bytes]]:
        with (
            folder.open(path) as raw,
            zipfile.ZipFile(raw) as archive,
            archive.open(f"{name}.npy") as member,
        ):
            yield member

    try:
        with folder.open(path) as raw, np.load(raw, allow_pickle=False) as archive:
            if name not in archive.files:
                raise DataError(f"{path}: no array {name!r}, only {', '.join(archive.files)}")
            arrays = {key: archive[key] for key in beside if key in archive.files}
    except (ValueError, OSError, zipfile.BadZipFile, AttributeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not a readable .npz file, {error}") from None
    return _matrix(path, opener), arrays


def _matrix(where: str, opener: Opener) -> Matrix:
    with opener() as file:
        return Matrix(where, _header(file, where)[0], opener)


def _header(file: IO[bytes], where: str) -> tuple[tuple[int, int], bool, np.dtype[Any]]:
    """Return shape, whether columns are contiguous, and type; leave the file at its numbers."""
    try:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, column_major, dtype = read(file)
    except (ValueError, KeyError) as error:
        raise DataError(f"{where}: not a readable .npy file, {error}") from None
    if len(shape) != 2 or dtype.kind not in "iuf":
        raise DataError(
            f"{where}: expected a matrix of numbers, one row per embedding, "
            f"got shape {shape} of {dtype}"
        )
    return (shape[0], shape[1]), column_major, dtype
