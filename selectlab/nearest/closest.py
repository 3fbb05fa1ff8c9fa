"""The nearest of a few query vectors, for very many vectors.

Every vector gets an exact distance, so what is exact has to be cheap: one product in float32
leaves nearly every vector with a single query that can be the nearest; only the others are
looked at again. M vectors, D dimensions, Q queries.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from selectlab import threads
from selectlab.nearest.crossing import best_columns, device
from selectlab.nearest.equal_rows import Distinct
from selectlab.nearest.space import (
    Float32,
    Float64,
    Index,
    Space,
    blocks_of,
    buffer,
    read,
    sq_dists,
)

_TILE_PRODUCTS = 1 << 19
_TILE_ROWS = 2048
_EXACT_ROWS = 512
_FAR = 4.0
"""Queries this much longer than they are far apart are moved to the origin."""


class Closest:
    """Query vectors, ready to be compared with.

    Args:
        query: (Q, D) float32, Q >= 1.
        tile_rows: Rows of a tile; for tests, since nothing depends on it.
    """

    def __init__(self, query: Float32, *, tile_rows: int | None = None) -> None:
        distinct = Distinct(query)
        self._query = distinct[:]
        self._first = distinct.first
        self._query_64 = self._query.astype(np.float64)
        fitting = _TILE_PRODUCTS // len(self._query)
        self._tile_rows = tile_rows or max(64, min(_TILE_ROWS, fitting))
        self._space = Space(self._query, self._query)
        self._columns = self._space.place(self._query, np.float64).columns
        self._plain = self._may_stay()
        panel = self._query if self._plain else self._moved(self._query).copy()
        lengths = sq_dists(panel.astype(np.float64))
        self._reach = float(np.sqrt(lengths.max())) * (1 + 1e-6)
        self._halves: Float32 | None = (0.5 * lengths).astype(np.float32)
        self._spare = 0.0
        spread = 0.5 * float(lengths.max() - lengths.min())
        if spread <= 16 * np.finfo(np.float32).eps * self._reach**2:
            self._halves, self._spare = None, spread
        self._panel = np.ascontiguousarray(panel.T)
        self._device = device()

    def to(self, vectors: Any) -> tuple[Float64, Index]:
        """Return the distance of every vector to its nearest query, and which that is, (M,)."""
        dists = np.empty(len(vectors))
        index = np.empty(len(vectors), dtype=np.intp)
        blocks = blocks_of(vectors)
        if isinstance(vectors, np.ndarray):
            per_thread = -(-len(vectors) // (4 * threads.n_threads()))
            blocks = threads.cut(len(vectors), max(self._tile_rows, per_thread))

        def work(block: slice) -> None:
            values, found, which = read(vectors, block), dists[block], index[block]
            contested = [np.zeros(0, dtype=np.intp)]
            for tile in threads.cut(len(values), self._tile_rows):
                rows = self._propose(values[tile], found[tile], which[tile])
                contested.append(tile.start + rows)
            several = np.concatenate(contested)
            for part in threads.cut(len(several), max(1, _TILE_PRODUCTS // len(self._query))):
                rows = several[part]
                found[rows], which[rows] = self._compare(values[rows])

        threads.over(blocks, work)
        return np.sqrt(dists, out=dists), index if self._first is None else self._first[index]

    def _propose(self, values: Float32, found: Float64, index: Index) -> Index:
        """Write a query for each vector of a tile and the squared distance to it.

        Returns:
            The vectors that another query may be nearer to.
        """
        placed = values if self._plain else self._moved(values)
        index[:], contested = best_columns(placed, self._panel, self._halves, self._device)
        for at in range(0, len(values), _EXACT_ROWS):
            part = slice(at, at + _EXACT_ROWS)
            gaps = buffer("gaps", values[part].shape, np.float64)
            nearest = buffer("nearest", gaps.shape, np.float64)
            np.copyto(gaps, values[part])
            np.take(self._query_64, index[part], axis=0, out=nearest, mode="clip")
            np.subtract(gaps, nearest, out=gaps)
            sq_dists(gaps, out=found[part])
        return np.unique(contested(self._width(float(found.max()))))

    def _compare(self, values: Float32) -> tuple[Float64, Index]:
        """Return squared distances and nearest queries of vectors that have several in reach."""
        rows = self._space.place(values, np.float64)
        products = rows.rows @ self._columns.T
        low = products.max(axis=1) - 2 * self._space.error(rows.lengths, np.float64)
        row, column = np.nonzero(products >= low[:, None])
        exact = np.empty(len(row))
        for at in range(0, len(row), _EXACT_ROWS):
            part = slice(at, at + _EXACT_ROWS)
            gaps = values[row[part]].astype(np.float64)
            gaps -= self._query_64[column[part]]
            sq_dists(gaps, out=exact[part])
        order = np.lexsort((column, exact, row))
        first = order[np.searchsorted(row, np.arange(len(values)))]
        return exact[first], column[first]

    def _may_stay(self) -> bool:
        """Return whether the vectors are as good for products where they are, unscaled."""
        lengths = np.sqrt(sq_dists(self._query_64))
        longest = float(lengths.max())
        moved = self._space.reach / self._space.scale
        return 2.0**-40 < longest < min(2.0**40, _FAR * moved)

    def _moved(self, values: Float32) -> Float32:
        moved = buffer("moved", values.shape, np.float32)
        np.subtract(values, self._space.shift, out=moved)
        np.multiply(moved, np.float32(self._space.scale), out=moved)
        return moved

    def _width(self, sq_dist: float) -> np.float32:
        """Return how far apart ``x . q - |q|^2 / 2`` must be to tell which is larger.

        Args:
            sq_dist: Of the vector that is farthest from the query it was given. No vector is
                longer than that distance and a query together.
        """
        scale = 1.0 if self._plain else self._space.scale
        longest = (math.sqrt(sq_dist) * scale + self._reach) * (1 + 1e-6)
        eps = float(np.finfo(np.float32).eps)
        roundoff = (self._query.shape[1] + 16) * eps / 2
        off = self._reach * longest * roundoff / (1 - roundoff) + 16 * eps * self._reach**2
        width: np.float32 = np.float32(2 * off + self._spare + 2.0**-130)
        return width
