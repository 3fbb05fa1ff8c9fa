"""Vectors that workers hold: a stretch of the rows of a table each.

This process keeps where each row is, 4 bytes a row, never the vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from selectlab.cluster.executor import Executor, Request, RowParts, ShardSpec, even_cuts
from selectlab.errors import DataError
from selectlab.ids import Index, narrow
from selectlab.stored import DistantVectors, Float32, Float64

Route: TypeAlias = "tuple[int, Index | slice, npt.NDArray[np.int32] | slice]"


class ShardedVectors(DistantVectors):
    """An (N, D) float32 matrix in the memory of workers.

    Args:
        workers: Who holds it.
        key: What they know it by.
        bounds: (W + 1,) the places that each worker holds.
        dimension: D.
        places: (N,) the place of each row; ``None`` when they are the same.
    """

    def __init__(
        self,
        workers: Executor[Any],
        key: int,
        bounds: npt.NDArray[np.intp],
        dimension: int,
        places: Index | None = None,
    ) -> None:
        self.workers, self.key = workers, key
        self._bounds, self._places = bounds, places
        self.shape = (int(bounds[-1]) if places is None else len(places), dimension)

    def __repr__(self) -> str:
        return f"ShardedVectors({self.shape[0]} x {self.shape[1]} of {self.workers.n_workers})"

    def read(self, part: slice | Index | Any) -> Float32:
        """Return some rows, (rows, D) float32; one message to each worker that has some."""
        index = np.arange(len(self))[part] if isinstance(part, slice) else self._rows(part)
        out = np.empty((len(index), self.shape[1]), dtype=np.float32)
        routes = list(self.routes(index))
        found = self.ask({w: [Request("gather", (self.key, rows))] for w, _, rows in routes})
        for worker, at, _ in routes:
            out[at] = found[worker][0]
        return out

    def take(self, rows: Index) -> ShardedVectors:
        """Return some rows as vectors of the same workers; nothing is moved."""
        checked = self._rows(rows)
        places = checked if self._places is None else self._places[checked]
        narrowed = narrow(places, int(self._bounds[-1]))
        return ShardedVectors(self.workers, self.key, self._bounds, self.shape[1], narrowed)

    def means(self, length: int) -> ShardedVectors:
        """Return the mean of every ``length`` consecutive rows; they pass through this process."""
        n_rows = len(self) // length
        parts = self.workers.store(
            ((at, means.astype(np.float32)) for at, means in self.block_means(length)),
            self.shape[1],
        )
        return hold(self.workers, parts, np.arange(n_rows), n_rows, self.shape[1])

    def hashes(self) -> npt.NDArray[np.uint64]:
        """Return the :func:`~selectlab.stored.row_hashes` of all rows; the workers make them."""
        return self.one_each(Request("hashes", (self.key,)), np.dtype(np.uint64))

    def closest(self, query: Float32) -> tuple[Float64, npt.NDArray[np.intp]]:
        """Return the distance of every row to the nearest query vector, and which one it is."""
        found = self._all(Request("nearest", (self.key, np.asarray(query))))
        dists = self._merged([part[0] for part in found], np.dtype(np.float64))
        return dists, self._merged([part[1] for part in found], np.dtype(np.intp))

    def one_each(self, request: Request, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Ask all workers for a number per vector, and return them by row."""
        return self._merged(self._all(request), dtype)

    def ask(self, messages: dict[int, list[Request]]) -> dict[int, list[Any]]:
        """Ask some workers."""
        return self.workers.call(messages)

    def holding(self) -> list[int]:
        """Return the workers that hold any."""
        return [w for w in range(self.workers.n_workers) if self._bounds[w] < self._bounds[w + 1]]

    def rows_of(self, worker: int) -> tuple[Index | slice, Index | slice]:
        """Return the rows whose vectors a worker holds, and where in its part they are."""
        first, stop = int(self._bounds[worker]), int(self._bounds[worker + 1])
        if self._places is None:
            return slice(first, stop), slice(0, stop - first)
        rows = np.flatnonzero((self._places >= first) & (self._places < stop))
        return rows, self._places[rows] - first

    def routes(self, index: Index) -> Iterator[Route]:
        """Yield, for each worker that holds some of the rows, which and where in its part."""
        places = index if self._places is None else self._places[index]
        holder = np.searchsorted(self._bounds, places, side="right") - 1
        for worker in range(self.workers.n_workers):
            at = np.flatnonzero(holder == worker)
            if len(at):
                local = (places[at] - self._bounds[worker]).astype(np.int32)
                yield worker, slice(None) if len(at) == len(index) else at, _run(local)

    def _all(self, request: Request) -> list[Any]:
        found = self.ask({worker: [request] for worker in self.holding()})
        return [found[worker][0] for worker in sorted(found)]

    def _merged(self, found: list[npt.NDArray[Any]], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return values by row from those by worker."""
        whole = np.concatenate([np.empty(0, dtype=dtype), *found])
        return whole if self._places is None else whole[self._places]

    def _rows(self, part: Any) -> npt.NDArray[np.intp]:
        """Return an index without masks and negative numbers."""
        return np.arange(len(self))[part] if _unusual(part) else np.asarray(part, dtype=np.intp)


class UnusableRowError(DataError):
    """A vector has values that nobody can work with.

    Attributes:
        row: Its row in the table.
    """

    def __init__(self, row: int) -> None:
        super().__init__(f"vector {row} has NaN, infinite or overflowing values")
        self.row = row


def hold(
    workers: Executor[Any],
    parts: RowParts,
    target: Index,
    n_rows: int,
    dimension: int,
    *,
    normalize: bool = False,
    normalised: bool = False,
) -> ShardedVectors:
    """Let workers read the vectors of a table and hold them, as many each.

    Args:
        workers: Who.
        parts: The vectors of the table.
        target: Row of each vector of the table; -1 leaves it out.
        n_rows: Number of rows; those without a vector are zero.
        dimension: D.
        normalize: Scale every vector to unit length.
        normalised: They have it already.

    Raises:
        UnusableRowError: A value is NaN or infinite.
    """
    used = np.flatnonzero(target >= 0)
    cuts = even_cuts(len(target), workers.n_workers, parts.cuts)
    bounds = np.searchsorted(used, cuts)
    lacking = len(used) < n_rows
    key = workers.new_key()
    loads = {}
    for w in range(workers.n_workers):
        spec = ShardSpec(
            parts=parts,
            start=int(cuts[w]),
            stop=int(cuts[w + 1]),
            dimension=dimension,
            used=_bits(target[cuts[w] : cuts[w + 1]]),
            n_used=int(bounds[w + 1] - bounds[w]),
            normalize=normalize,
            normalised=normalised,
            zero=lacking and w == workers.n_workers - 1,
        )
        loads[w] = [Request("load", (key, spec), lasting=True)]
    found = [answer[0] for _, answer in sorted(workers.call(loads).items())]
    bad = [row for row in found if row is not None]
    if bad:
        raise UnusableRowError(min(bad))
    places = narrow(np.full(n_rows, len(used)), len(used) + 1)
    places[target[used]] = np.arange(len(used))
    bounds[-1] += lacking
    in_order = not lacking and bool((places[1:] > places[:-1]).all())
    return ShardedVectors(workers, key, bounds, dimension, None if in_order else places)


def hold_array(workers: Executor[Any], vectors: Float32) -> ShardedVectors:
    """Let workers hold an array at hand.

    Raises:
        UnusableRowError: A value is NaN or infinite.
    """
    n_rows, dimension = vectors.shape
    parts = workers.store([(0, vectors)], dimension)
    return hold(workers, parts, np.arange(n_rows), n_rows, dimension)


def _bits(target: Index) -> npt.NDArray[np.uint8] | None:
    wanted = target >= 0
    return None if wanted.all() else np.packbits(wanted)


def _run(local: npt.NDArray[np.int32]) -> npt.NDArray[np.int32] | slice:
    """Return consecutive numbers as a slice."""
    first, last = int(local[0]), int(local[-1])
    if last - first != len(local) - 1 or bool((np.diff(local) != 1).any()):
        return local
    return slice(first, last + 1)


def _unusual(part: Any) -> bool:
    index = np.asarray(part)
    return index.dtype.kind not in "iu" or bool(len(index) and index.min() < 0)
