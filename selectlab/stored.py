"""Vectors in a file, read when they are asked for: more of them than fit in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from selectlab.ids import Index, narrow
from selectlab.row_files import RowFile

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

_PIECE_BYTES = 1 << 20
_GAP_BYTES = 1 << 16


class DistantVectors(ABC):
    """An (N, D) float32 matrix that is not in memory; slices and index arrays give arrays.

    Any number of threads may read at once; nothing is kept between calls.

    Attributes:
        shape: N and D.
    """

    ndim = 2
    dtype = np.dtype(np.float32)
    shape: tuple[int, int]

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Size it would have in memory, in bytes."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    @overload
    def __getitem__(self, part: slice | Index | list[int] | npt.NDArray[np.bool_]) -> Float32: ...
    @overload
    def __getitem__(self, part: int) -> Float32: ...
    def __getitem__(self, part: Any) -> Float32:
        if isinstance(part, int | np.integer):
            row: Float32 = self.read(np.array([range(len(self))[part]]))[0]
            return row
        return self.read(part)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("vectors that are not in memory cannot be an array without a copy")
        return self.read(slice(None)).astype(dtype or self.dtype, copy=False)

    @abstractmethod
    def read(self, part: slice | Index | Any) -> Float32:
        """Return some rows, (rows, D) float32.

        Args:
            part: A slice, an index array in any order and with repeats, or a mask.
        """

    @abstractmethod
    def take(self, rows: Index) -> DistantVectors:
        """Return some rows as vectors of the same place; nothing is read."""

    @abstractmethod
    def means(self, length: int) -> DistantVectors:
        """Return the mean of every ``length`` consecutive rows."""

    def blocks(self, multiple: int = 1) -> Iterator[tuple[int, Float32]]:
        """Yield ``(first row, rows)`` in order, a few MB each, a multiple of so many rows."""
        step = block_rows(self.shape[1], multiple)
        for start in range(0, len(self), step):
            yield start, self[start : start + step]

    def block_means(self, length: int) -> Iterator[tuple[int, Float64]]:
        """Yield the mean of every ``length`` consecutive rows, many at a time."""
        for start, block in self.blocks(length):
            stacked = block.reshape(-1, length, self.shape[1])
            yield start // length, stacked.mean(axis=1, dtype=np.float64)


class StoredVectors(DistantVectors):
    """An (N, D) float32 matrix in a file.

    Args:
        file: The numbers, float16 or float32.
        rows: (N,) the row of the file behind each row, -1 for a row of zeros; ``None`` when
            they are the same.
        scale: One number per row of the file that its vector is divided by, in float64;
            ``None`` to leave them as they are.

    Example:
        >>> file = RowFile.scratch("example", (3, 2), np.dtype(np.float32))
        >>> file.write(0, np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
        >>> vectors = StoredVectors(file)
        >>> vectors[1:], vectors[[2, 0]].tolist()
        (array([[3., 4.],
               [5., 6.]], dtype=float32), [[5.0, 6.0], [1.0, 2.0]])
    """

    def __init__(
        self, file: RowFile, *, rows: Index | None = None, scale: Float64 | None = None
    ) -> None:
        self._file, self._rows, self._scale = file, rows, scale
        self.shape = (file.shape[0] if rows is None else len(rows), file.shape[1])

    def __repr__(self) -> str:
        return f"StoredVectors({self.shape[0]} x {self.shape[1]} in {self._file.where!r})"

    def read(self, part: slice | Index | Any, out: Float32 | None = None) -> Float32:
        """Return some rows, (rows, D) float32.

        Args:
            part: A slice, an index array in any order and with repeats, or a mask.
            out: Where to put them; a new array by default.

        Raises:
            DataError: The file has become shorter, or cannot be read.
            IndexError: There is no such row.
        """
        span = self._span(part)
        index = None if isinstance(span, slice) else span
        n_rows = len(index) if index is not None else span.stop - span.start  # type: ignore[union-attr]
        if out is None:
            out = np.empty((n_rows, self.shape[1]), dtype=np.float32)
        elif out.shape != (n_rows, self.shape[1]) or out.dtype != self.dtype:
            raise ValueError(f"out is {out.shape} of {out.dtype} for {n_rows} rows of {self!r}")
        if index is None:
            self._read_run(span.start, out)  # type: ignore[union-attr]
        else:
            self._read_scattered(index, out)
        return out

    def take(self, rows: Index) -> StoredVectors:
        """Return some rows as vectors of the same file; nothing is read."""
        checked = _checked(rows, len(self))
        chosen = checked if self._rows is None else self._rows[checked]
        return StoredVectors(
            self._file, rows=narrow(chosen, self._file.shape[0]), scale=self._scale
        )

    def means(self, length: int) -> StoredVectors:
        """Return the mean of every ``length`` consecutive rows, in a scratch file."""
        shape = (len(self) // length, self.shape[1])
        file = RowFile.scratch(self._file.where, shape, self.dtype)
        for start, block in self.block_means(length):
            file.write(start, block)
        return StoredVectors(file)

    def _span(self, part: Any) -> slice | Index:
        """Return rows of the file: a slice where they follow each other, else an index."""
        if isinstance(part, slice):
            start, stop, step = part.indices(len(self))
            if self._rows is None and step == 1:
                return slice(start, max(start, stop))
            index = np.arange(start, stop, step) if self._rows is None else self._rows[part]
        else:
            index = np.asarray(part)
            if index.ndim != 1 or (index.dtype.kind not in "iub" and len(index)):
                raise IndexError(f"{self!r} takes a slice, an index array or a mask, got {part!r}")
            index = _checked(index, len(self))
            index = index if self._rows is None else self._rows[index]
        if _consecutive(index):
            return slice(int(index[0]), int(index[-1]) + 1)
        return index

    def _read_run(self, first: int, out: Float32) -> None:
        """Read consecutive rows of the file."""
        step = max(1, _PIECE_BYTES // max(1, self._file.row_bytes))
        for start in range(0, len(out), step):
            piece = out[start : start + step]
            whole = slice(first + start, first + start + len(piece))
            if self._file.dtype == self.dtype and piece.flags.c_contiguous:
                self._file.read(whole.start, piece)
                self._scaled(piece, whole, piece)
            else:
                self._scaled(self._raw(whole), whole, piece)

    def _read_scattered(self, index: Index, out: Float32) -> None:
        """Read rows of the file in any order, neighbours in one go."""
        order = None
        if not bool((index[1:] >= index[:-1]).all()):
            order = np.argsort(index, kind="stable")
            index = index[order]
        n_none = int(np.searchsorted(index, 0))
        out[slice(0, n_none) if order is None else order[:n_none]] = 0.0
        for start, stop in self._pieces(index, n_none):
            rows = index[start:stop]
            whole = slice(int(rows[0]), int(rows[-1]) + 1)
            raw = self._raw(whole)
            if len(rows) != len(raw):
                raw = raw[rows - whole.start]
            if order is None:
                self._scaled(raw, rows, out[start:stop])
            else:
                values = np.empty(raw.shape, dtype=np.float32)
                self._scaled(raw, rows, values)
                out[order[start:stop]] = values

    def _pieces(self, index: Index, first: int) -> Iterator[tuple[int, int]]:
        """Yield (start, stop) of the parts of a sorted index that are read in one go."""
        row_bytes = max(1, self._file.row_bytes)
        gap, longest = 1 + _GAP_BYTES // row_bytes, max(1, _PIECE_BYTES // row_bytes)
        breaks = np.flatnonzero(np.diff(index[first:]) > gap) + first + 1
        start = first
        for stop in (*breaks.tolist(), len(index)):
            while start < stop:
                last = int(index[start]) + longest
                end = min(stop, start + int(np.searchsorted(index[start:stop], last)))
                yield start, end
                start = end

    def _raw(self, rows: slice) -> npt.NDArray[Any]:
        raw = np.empty((rows.stop - rows.start, self.shape[1]), dtype=self._file.dtype)
        self._file.read(rows.start, raw)
        return raw

    def _scaled(self, raw: npt.NDArray[Any], rows: slice | Index, out: Float32) -> None:
        """Write rows as float32, divided by their scale."""
        if self._scale is None:
            if raw is not out:
                out[...] = raw
            return
        values = raw.astype(np.float32, copy=False)
        scale_rows(values, self._scale[rows], out)


Float32Rows = Float32 | DistantVectors
"""Vectors in memory or elsewhere."""

LARGEST_SQ_NORM = 1e37
"""Sums of a few squared norms must stay finite in float32."""


def judged(
    block: npt.NDArray[Any], *, normalize: bool, normalised: bool
) -> tuple[Float32, Float64 | None, Index]:
    """Return vectors as float32, what to divide them by, and which of them are unusable.

    Args:
        block: (m, D) vectors as they were read.
        normalize: They shall have unit length.
        normalised: They have it already.
    """
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite
        values = np.ascontiguousarray(block, dtype=np.float32)
    sq_norms = np.einsum("ij,ij->i", values, values, dtype=np.float64)
    bad = np.flatnonzero(~(sq_norms < (np.inf if normalize else LARGEST_SQ_NORM)))
    if not normalize or normalised:
        return values, None, bad
    scale = np.sqrt(sq_norms)
    scale[scale == 0] = 1.0
    return values, scale, bad


def row_hashes(values: Float32) -> npt.NDArray[np.uint64]:
    """Return a 64-bit hash of each row, (m,), the same wherever the row lies.

    Sums of the numbers' bits times random odd factors, modulo 2**64: for telling data apart,
    not for keeping secrets.
    """
    generator = np.random.default_rng(0)
    factors = generator.integers(0, 1 << 63, values.shape[1], dtype=np.uint64) * 2 + 1
    words = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    hashes = np.empty(len(values), dtype=np.uint64)
    step = block_rows(values.shape[1], n_bytes=1 << 18)
    for start in range(0, len(values), step):
        part = words[start : start + step].astype(np.uint64)
        np.einsum("ij,j->i", part, factors, out=hashes[start : start + step])
    hashes ^= hashes >> np.uint64(32)
    return hashes


def scale_rows(values: Float32, scale: Float64, out: Float32) -> None:
    """Divide rows by one number each, in float64, rounded once.

    Both ways to load vectors use this, so that they agree to the last bit.
    """
    np.divide(values, scale[:, None], out=out, dtype=np.float64, casting="same_kind")


def block_rows(dimension: int, multiple: int = 1, n_bytes: int = 4 << 20) -> int:
    """Return how many rows of float32 make a block of a few MB, at least ``multiple``."""
    return max(1, n_bytes // (4 * max(1, dimension) * multiple)) * multiple


def _consecutive(index: Index) -> bool:
    if not len(index) or index[0] < 0 or index[-1] - index[0] != len(index) - 1:
        return False
    return bool((index[1:] - index[:-1] == 1).all())


def _checked(index: npt.NDArray[Any], n_rows: int) -> npt.NDArray[np.intp]:
    """Return an index without masks and negative numbers."""
    if index.dtype == np.bool_:
        if len(index) != n_rows:
            raise IndexError(f"a mask of {len(index)} for {n_rows} rows")
        return np.flatnonzero(index)
    rows = index.astype(np.intp, copy=False)
    if len(rows) and (rows.min() < -n_rows or rows.max() >= n_rows):
        raise IndexError(f"rows {rows.min()} to {rows.max()} of {n_rows}")
    return np.where(rows < 0, rows + n_rows, rows) if len(rows) and rows.min() < 0 else rows
