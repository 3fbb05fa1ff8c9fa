"""A part of an index: what one build or append brought, in files that never change.

``vectors.npy`` holds float32 vectors, ``elements.npz`` their sample ids and object numbers, both
sorted; ``hashes.npy`` a hash of each vector as the dataset had it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from selectlab.corpus.arrivals import Arrivals, Hashes
from selectlab.errors import DataError
from selectlab.ids import Ids, IdsBuilder, Index, narrow
from selectlab.row_files import RowFile
from selectlab.stored import StoredVectors

VECTORS, ELEMENTS, HASHES = "vectors.npy", "elements.npz", "hashes.npy"
_SINGLE = np.dtype(np.float32)
Numbers = npt.NDArray[np.integer[Any]]


class Part:
    """Elements that arrived together, sorted by sample id and number.

    Args:
        folder: Its files.
        vectors: (n, D) float32.
        ids: The samples that have an element, sorted.
        starts: (samples + 1,) where the elements of each begin; ``None`` when each has one.
        numbers: (n,) the object number of each element; ``None`` for samples as a whole.
    """

    def __init__(
        self,
        folder: Path,
        vectors: StoredVectors,
        ids: Ids,
        starts: Index | None,
        numbers: Numbers | None,
    ) -> None:
        self._folder, self.vectors, self.ids = folder, vectors, ids
        self._starts, self._numbers = starts, numbers

    @classmethod
    def open(cls, folder: Path, shape: tuple[int, int]) -> Part:
        """Open a part of so many vectors of so many dimensions.

        Raises:
            DataError: A file is not there, cut off, or not what it should be.
        """
        vectors = StoredVectors(_opened(folder / VECTORS, shape))
        with _readable(folder / ELEMENTS) as file, np.load(file, allow_pickle=False) as arrays:
            ids = _unpacked(arrays["ids"])
            objects = "numbers" in arrays.files
            starts, numbers = (arrays["starts"], arrays["numbers"]) if objects else (None, None)
        n_elements = len(ids) if starts is None else int(starts[-1])
        if n_elements != shape[0]:
            raise DataError(f"{folder / ELEMENTS}: {n_elements} elements for {shape[0]} vectors")
        return cls(folder, vectors, ids, starts, numbers)

    def __len__(self) -> int:
        return len(self.vectors)

    def hashes(self) -> Hashes:
        """Return the hashes of all vectors as the dataset had them, (n,)."""
        with _readable(self._folder / HASHES) as file:
            found: Hashes = np.load(file, allow_pickle=False)
        return found

    def find(self, ids: Ids, owners: Index, numbers: Numbers | None) -> Index:
        """Return the row of each of some elements, -1 for those that are not here, (m,).

        Args:
            ids: Sample ids.
            owners: (m,) which of them each element belongs to.
            numbers: (m,) the number of each; ``None`` for all 0.
        """
        place = self.ids.positions(ids)[owners].astype(np.int64)
        wanted = np.zeros(len(place), dtype=np.int64) if numbers is None else numbers
        if self._starts is None or self._numbers is None:
            return np.where(wanted == 0, place, -1)
        width = int(self._numbers.max()) + 1
        sample = np.repeat(np.arange(len(self.ids)), np.diff(self._starts))
        keys = sample * width + self._numbers
        key = np.where((place >= 0) & (wanted < width) & (wanted >= 0), place * width + wanted, -1)
        at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
        return np.where(keys[at] == key, at, -1)

    def elements(self, rows: slice | Index) -> tuple[Ids, Numbers]:
        """Return sample ids and numbers of some rows."""
        if self._starts is None or self._numbers is None:
            ids = self.ids[rows] if isinstance(rows, slice) else self.ids.take(rows)
            return ids, np.zeros(len(ids), dtype=np.int32)
        index = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
        return self.ids.take(np.searchsorted(self._starts, index, "right") - 1), self._numbers[rows]

    def cut(self, start: int, stop: int, n_rows: int) -> Iterator[slice]:
        """Yield slices of about ``n_rows`` rows that split no sample, from ``start`` to ``stop``.

        A sample with more elements than that is a slice of its own.
        """
        while start < stop:
            end = min(start + n_rows, stop)
            if self._starts is not None and end < stop:
                at = int(np.searchsorted(self._starts, end, "right")) - 1
                before, after = int(self._starts[at]), int(self._starts[at + 1])
                if before < end:
                    end = before if before > start else min(after, stop)
            yield slice(start, end)
            start = end


def write_part(folder: Path, arrivals: Arrivals, fill: Callable[[RowFile], Hashes]) -> None:
    """Write a part; nothing of it counts before a manifest names it.

    Args:
        folder: A folder to make for it.
        arrivals: Its elements.
        fill: Writes the vectors in their order, and returns the hash of each.

    Raises:
        DataError: The disk has not got the room, or what ``fill`` raises.
    """
    folder.mkdir()
    file = _made(folder / VECTORS, (len(arrivals), arrivals.table.dimension))
    hashes = fill(file)
    os.fsync(file.descriptor)
    ids, starts = arrivals.samples()
    packed, numbers = _packed(ids, str(folder)), arrivals.numbers
    if numbers is None:
        _write(folder / ELEMENTS, lambda to: np.savez(to, ids=packed))
    else:
        _write(
            folder / ELEMENTS, lambda to: np.savez(to, ids=packed, starts=starts, numbers=numbers)
        )
    _write(folder / HASHES, lambda to: np.save(to, hashes))


def _write(path: Path, put: Callable[[IO[bytes]], None]) -> None:
    with path.open("xb") as file:
        put(file)
        file.flush()
        os.fsync(file.fileno())


def _made(path: Path, shape: tuple[int, int]) -> RowFile:
    """Make an .npy file of zeros and open it for writing; the disk must have the room."""
    header = {"descr": _SINGLE.str, "fortran_order": False, "shape": shape}
    size = shape[0] * shape[1] * _SINGLE.itemsize
    with path.open("x+b") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.flush()
        start = file.tell()
        _reserve(file.fileno(), start + size, path.parent.parent)
        return RowFile(str(path), os.dup(file.fileno()), start, shape, _SINGLE)


def _reserve(descriptor: int, size: int, where: Path) -> None:
    """Make a file so large, with room on the disk for all of it where the system can tell."""
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
            return
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DataError(
                f"{where}: {size / 1e9:.3g} GB of vectors do not fit on the disk, "
                f"{error.strerror}; the index may lie in another folder"
            ) from None
    os.ftruncate(descriptor, size)


def _opened(path: Path, shape: tuple[int, int]) -> RowFile:
    """Open the matrix of an .npy file for reading."""
    with _readable(path) as file:
        np.lib.format.read_magic(file)
        found, column_major, dtype = np.lib.format.read_array_header_1_0(file)
        start = file.tell()
    if found != shape or column_major or dtype != _SINGLE:
        raise DataError(f"{path}: {found} of {dtype}, expected {shape} of {_SINGLE}")
    return RowFile.open(str(path), str(path), start, shape, _SINGLE)


@contextmanager
def _readable(path: Path) -> Iterator[IO[bytes]]:
    """Open a file; whatever is wrong with it or its content is one line."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: cannot be read, {error.strerror}") from None
    with file:
        try:
            yield file
        except (ValueError, KeyError, EOFError, OSError, BadZipFile) as error:
            raise DataError(f"{path}: damaged, {error}; build the index anew") from None


def _packed(ids: Ids, where: str) -> npt.NDArray[np.uint8]:
    """Return ids as bytes, each followed by a zero."""
    packed = np.frombuffer(b"".join(ids.blocks()), dtype=np.uint8)
    if np.count_nonzero(packed == 0) != len(ids):
        raise DataError(f"{where}: a sample id contains a zero byte; it cannot be in an index")
    return packed


def _unpacked(packed: npt.NDArray[np.uint8]) -> Ids:
    builder = IdsBuilder()
    ends = np.flatnonzero(packed == 0)
    builder.add(packed[packed != 0].data, np.diff(ends, prepend=-1) - 1)
    return builder.ids()


def joined_rows(lengths: list[int], rows: Index) -> Iterator[tuple[int, Index, Index]]:
    """Yield, for each part that some rows of all parts lie in, its number, places and rows.

    Args:
        lengths: Rows of each part.
        rows: (m,) rows, counted over all parts.

    Yields:
        The part, which of ``rows`` lie in it, and where in it they lie.
    """
    ends = np.cumsum(lengths)
    owner = narrow(np.searchsorted(ends, rows, "right"), len(lengths))
    for part in np.unique(owner).tolist():
        places = np.flatnonzero(owner == part)
        yield part, places, rows[places] - (ends[part] - lengths[part])
