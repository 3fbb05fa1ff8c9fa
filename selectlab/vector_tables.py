"""From a table of embeddings, in whatever order, to vectors by row: in memory or in a file.

Whether they fit is decided by the limit of the run (:mod:`selectlab.resources`). The values are
the same to the last bit either way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab import progress, resources
from selectlab.cluster import clusters
from selectlab.cluster.executor import Executor
from selectlab.cluster.sharded import ShardedVectors, UnusableRowError, hold
from selectlab.columns import EmbeddingTable
from selectlab.errors import DataError
from selectlab.ids import Ids, Index, narrow
from selectlab.read_ahead import read_ahead
from selectlab.row_files import RowFile
from selectlab.signals import is_everything
from selectlab.stored import (
    Float32,
    Float32Rows,
    Float64,
    StoredVectors,
    block_rows,
    judged,
    scale_rows,
)

ENGINE_BYTES = 64
"""What a selection keeps of each vector beside its numbers, in bytes, about."""

OWN_BYTES = 150_000_000
"""What Python and the libraries take before any data, in bytes, about."""

_KEPT_BYTES = 32
_RUN_BYTES = 1 << 16
_BUCKET_BYTES = 1 << 26
_HALF, _SINGLE = np.dtype(np.float16), np.dtype(np.float32)


def load(table: EmbeddingTable, target: Index, n_rows: int, *, normalize: bool) -> Float32Rows:
    """Return the vectors of a table in the order of ``target``, as :func:`fill` does.

    With a memory limit that they would take more than a third of they stay in a file: the
    table's own where its order serves, else a scratch file. (In memory there may be two of them,
    where some rows are left out.) On a cluster its workers read and hold them.

    Raises:
        DataError: As :func:`fill`; the limit is too small even so; the disk is full.
    """
    workers = clusters.current()
    if workers is not None:
        return _held(workers, table, target, n_rows, normalize=normalize)
    limit = resources.current().memory
    needed = n_rows * (4 * table.dimension + ENGINE_BYTES)
    if limit is None or needed <= limit / 3:
        return fill(table, target, n_rows, normalize=normalize)
    _refuse_too_little(limit, n_rows, table)
    file = table.on_disk()
    if file is not None and file.dtype in (_HALF, _SINGLE):
        rows = _rows_behind(target, n_rows)
        if rows is None or _in_runs(rows[rows >= 0], file.row_bytes):
            return _in_place(table, file, target, rows, normalize=normalize)
    return _copied(table, target, n_rows, limit, normalize=normalize)


def _held(
    workers: Executor[Any], table: EmbeddingTable, target: Index, n_rows: int, *, normalize: bool
) -> ShardedVectors:
    """Let workers read the vectors; what only this process can read is put where they can.

    What they hold already, another input having asked for it, is not read again.
    """
    wanted = hashlib.blake2b(np.ascontiguousarray(target).data, digest_size=16).digest()
    key = (id(table), wanted, n_rows, normalize)
    if key not in workers.holdings:
        parts = table.parts() or workers.store(table.blocks(), table.dimension)
        try:
            vectors = hold(
                workers, parts, target, n_rows, table.dimension,
                normalize=normalize, normalised=table.normalised,
            )  # fmt: skip
        except UnusableRowError as error:
            raise _unusable(table, error.row) from None
        workers.holdings[key] = (table, vectors)
    held: ShardedVectors = workers.holdings[key][1]
    return held


def _unusable(table: EmbeddingTable, row: int) -> DataError:
    return DataError(
        f"{table.where}: embedding of {table.ids[row]!r} has NaN, infinite or overflowing values"
    )


def _refuse_too_little(limit: int, n_vectors: int, table: EmbeddingTable) -> None:
    """Refuse a memory limit below what a selection keeps in memory in any case."""
    ids = table.ids.nbytes if isinstance(table.ids, Ids) else 0
    least = OWN_BYTES + n_vectors * _KEPT_BYTES + ids
    if least > limit:
        raise DataError(
            f"{table.where}: memory of {_size(limit)} is too little; selectlab itself, the ids and "
            f"a few numbers for each of {n_vectors} vectors take {_size(least)}"
        )


def _size(n_bytes: int) -> str:
    """Return a number of bytes in words."""
    for unit, name in ((10**9, "GB"), (10**6, "MB")):
        if n_bytes >= unit:
            return f"{n_bytes / unit:.3g} {name}"
    return f"{n_bytes / 1000:.3g} kB"


def fill(table: EmbeddingTable, target: Index, n_rows: int, *, normalize: bool) -> Float32:
    """Copy a table's vectors into rows ``target`` of a new (n_rows, D) float32 array.

    Args:
        table: The vectors, read block by block.
        target: Row of each vector of the table; -1 leaves it out.
        n_rows: Number of rows of the result; rows without a vector are zero.
        normalize: Scale every vector to unit length (a zero vector stays zero).

    Raises:
        DataError: A value is NaN or infinite; the message names the sample.
    """
    out = np.zeros((n_rows, table.dimension), dtype=np.float32)
    for block in _checked(table, target, normalize=normalize):
        run = _as_slice(block.rows)
        if block.scale is None:
            out[run] = block.values
        elif isinstance(run, slice):
            scale_rows(block.values, block.scale, out[run])
        else:
            out[run] = block.scaled()
    return out


@dataclass(frozen=True)
class _Block:
    """Some vectors that were found usable.

    Attributes:
        table_rows: Where they are in the table.
        rows: Where they go.
        values: (m, D) float32.
        scale: (m,) what to divide them by, or ``None``.
    """

    table_rows: slice | Index
    rows: Index
    values: Float32
    scale: Float64 | None

    def scaled(self) -> Float32:
        """Return the vectors divided by their scale."""
        if self.scale is None:
            return self.values
        out = np.empty_like(self.values)
        scale_rows(self.values, self.scale, out)
        return out


def _checked(table: EmbeddingTable, target: Index, *, normalize: bool) -> Iterator[_Block]:
    """Yield the vectors that go somewhere, all finite."""
    for start, block in read_ahead(split_blocks(table.blocks())):
        rows = target[start : start + len(block)]
        at: slice | Index = slice(start, start + len(block))
        if len(rows) and rows.min() < 0:
            keep = np.flatnonzero(rows >= 0)
            block, rows, at = block[keep], rows[keep], keep + start
        values, scale, bad = judged(block, normalize=normalize, normalised=table.normalised)
        if len(bad):
            first = int(bad[0])
            raise _unusable(table, start + first if isinstance(at, slice) else int(at[first]))
        progress.alive()
        yield _Block(at, rows, values, scale)


def _in_place(
    table: EmbeddingTable, file: RowFile, target: Index, rows: Index | None, *, normalize: bool
) -> StoredVectors:
    """Check the vectors of a file in one pass, and leave them where they are."""
    scale = np.ones(len(target)) if normalize and not table.normalised else None
    for block in _checked(table, target, normalize=normalize):
        if scale is not None and block.scale is not None:
            scale[block.table_rows] = block.scale
    return StoredVectors(file, rows=rows, scale=scale)


def _copied(
    table: EmbeddingTable, target: Index, n_rows: int, limit: int, *, normalize: bool
) -> StoredVectors:
    """Write the vectors into a scratch file in their new order.

    float16 stays float16, with the scale beside it; everything else becomes float32.
    """
    source = iter(table.blocks())
    first = next(source, None)
    half = first is not None and first[1].dtype == _HALF
    again = EmbeddingTable(
        table.where, table.ids, table.dimension, lambda: chain([first] if first else [], source),
        normalised=table.normalised,
    )  # fmt: skip
    file = RowFile.scratch(table.where, (n_rows, table.dimension), _HALF if half else _SINGLE)
    scale = np.ones(n_rows) if half and normalize and not table.normalised else None

    def written() -> Iterator[tuple[Index, Float32]]:
        for block in _checked(again, target, normalize=normalize):
            if scale is not None and block.scale is not None:
                scale[block.rows] = block.scale
            yield block.rows, block.values if half else block.scaled()

    _sorted_into(file, written(), target[target >= 0], min(_BUCKET_BYTES, limit // 8))
    return StoredVectors(file, scale=scale)


def copy_into(file: RowFile, table: EmbeddingTable, target: Index, *, normalize: bool) -> None:
    """Write a table's vectors into rows ``target`` of a float32 file, in little memory.

    Args:
        file: (n_rows, D) float32; every row is the target of one vector.
        table: The vectors, read block by block, once.
        target: Row of each vector of the table; -1 leaves it out.
        normalize: Scale every vector to unit length (a zero vector stays zero).

    Raises:
        DataError: A value is NaN or infinite; the message names the sample. The disk is full.
    """
    blocks = _checked(table, target, normalize=normalize)
    written = ((block.rows, block.scaled()) for block in blocks)
    _sorted_into(file, written, target[target >= 0], _BUCKET_BYTES)


def _sorted_into(
    file: RowFile, blocks: Iterable[tuple[Index, Float32]], used: Index, n_bytes: int
) -> None:
    """Write blocks of vectors to their rows; ``used`` are the rows of all, as they come."""
    buckets = None if _in_runs(used, file.row_bytes) else _Buckets(file, n_bytes)
    put = _put if buckets is None else buckets.put
    for rows, values in blocks:
        put(file, rows, values)
    if buckets is not None:
        buckets.sort(used)


def _put(file: RowFile, rows: Index, values: Float32) -> None:
    """Write vectors to their rows, those that follow each other at once."""
    cuts = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
    for start, stop in pairwise(cuts):
        if start < stop:
            file.write(int(rows[start]), values[start:stop])


class _Buckets:
    """Brings vectors into any order with reads and writes of many rows at a time.

    First every vector goes into the stretch of the file that it belongs to, in the order they
    come; then each stretch is sorted in memory.
    """

    def __init__(self, file: RowFile, n_bytes: int) -> None:
        self._file = file
        self._size = max(1, n_bytes // max(1, file.row_bytes))
        self._filled = np.zeros(-(-file.shape[0] // self._size), dtype=np.int64)

    def put(self, file: RowFile, rows: Index, values: Float32) -> None:
        """Write vectors somewhere into their stretches."""
        bucket = rows // self._size
        order = np.argsort(bucket, kind="stable")
        counts = np.bincount(bucket, minlength=len(self._filled))
        ends = np.cumsum(counts)
        for b in np.flatnonzero(counts).tolist():
            some = order[ends[b] - counts[b] : ends[b]]
            file.write(b * self._size + int(self._filled[b]), values[some])
        self._filled += counts

    def sort(self, target: Index) -> None:
        """Sort every stretch; ``target`` are the rows of all vectors as they came."""
        for b, count in enumerate(self._filled.tolist()):
            first = b * self._size
            n_rows = min(self._size, self._file.shape[0] - first)
            came = np.empty((count, self._file.shape[1]), dtype=self._file.dtype)
            self._file.read(first, came)
            sorted_ = np.zeros((n_rows, self._file.shape[1]), dtype=self._file.dtype)
            sorted_[target[(target >= first) & (target < first + n_rows)] - first] = came
            self._file.write(first, sorted_)


def split_blocks(
    blocks: Iterable[tuple[int, npt.NDArray[np.generic]]],
) -> Iterator[tuple[int, npt.NDArray[np.generic]]]:
    """Cut large blocks into smaller ones, so that temporaries stay small."""
    for start, block in blocks:
        step = block_rows(block.shape[1])
        for offset in range(0, len(block), step):
            yield start + offset, block[offset : offset + step]


def _rows_behind(target: Index, n_rows: int) -> Index | None:
    """Return the row of the table that goes to each row, -1 where none does.

    ``None`` where they are the same.
    """
    if is_everything(target, n_rows):
        return None
    rows = narrow(np.full(n_rows, -1), len(target))
    used = narrow(np.flatnonzero(target >= 0), len(target))
    rows[target[used]] = used
    return rows


def _as_slice(rows: Index) -> slice | Index:
    """Return rows that follow each other as a slice, others as they are."""
    if not len(rows) or rows[0] < 0 or rows[-1] - rows[0] != len(rows) - 1:
        return rows
    together = bool((rows[1:] - rows[:-1] == 1).all())
    return slice(int(rows[0]), int(rows[-1]) + 1) if together else rows


def _in_runs(rows: Index, row_bytes: int) -> bool:
    """Return whether rows mostly follow each other: stretches of 64 KB on average."""
    n_runs = 1 + np.count_nonzero(rows[1:] - rows[:-1] != 1)
    return bool(len(rows) * row_bytes >= n_runs * _RUN_BYTES or n_runs == 1)
