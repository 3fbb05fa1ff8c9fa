"""Squared distances by float32 products, rounded up, with a proven bound on how far.

The one primitive of the engine: a tile of rows times a panel of centres, the minimum over the
panel, the minimum with what is known. M vectors, D dimensions, C centres.
"""

from __future__ import annotations

import math
import threading
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from selectlab import threads

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]
Scalar = TypeVar("Scalar", bound=np.generic)

UNIT_ROUNDOFF = float(np.finfo(np.float32).eps) / 2
UNIT_ROUNDOFF_64 = float(np.finfo(np.float64).eps) / 2
_TILE_FLOATS = 1 << 19
_PANEL = 64
_WIDEST_PANEL = 256
_PRODUCTS = 1 << 17
"""A panel has room for so many products: the fewer rows, the wider. Small products are slow."""
_FEW = 8
"""So few centres are multiplied one by one: BLAS is slow with such thin matrices."""
_FEW_LEFT = 0.7
"""A tile goes on with the rows that still matter once fewer than this share of it do."""


def exact_sq_dists(left: npt.NDArray[np.floating], right: npt.NDArray[np.floating]) -> Float64:
    """Return the squared distances of paired rows, by differences in float64.

    Args:
        left: (..., D) vectors.
        right: (..., D) vectors, broadcast against ``left``.

    Returns:
        (...) squared distances. Equal inputs give equal bits, whatever stands beside them.

    Example:
        >>> exact_sq_dists(np.array([[3.0, 0.0]]), np.array([[0.0, 4.0]]))
        array([25.])
    """
    gap = np.subtract(left, right, dtype=np.float64)
    np.square(gap, out=gap)
    sums: Float64 = np.add.reduce(gap, axis=-1)
    return sums


def slack_of(dimension: int) -> float:
    """Return how wrong a float32 product of vectors can be, relative to their lengths."""
    return (dimension + 16) * UNIT_ROUNDOFF


def least_of(dimension: int) -> float:
    """Return how wrong a float32 product can be where its terms are too small for float32."""
    return 4 * (dimension + 16) * float(np.finfo(np.float32).tiny)


def tile_rows(dimension: int) -> int:
    """Return how many vectors make a tile that stays in cache."""
    return max(256, min(2048, _TILE_FLOATS // max(dimension, 1)))


def sq_norms(vectors: Any) -> Float32:
    """Return the squared lengths of vectors, (M,), rounded up."""
    n_vectors, dimension = vectors.shape
    norms = np.empty(n_vectors, dtype=np.float32)
    up = np.float32(1 + 2 * slack_of(dimension))
    least = np.float32(least_of(dimension))

    def measure(block: slice) -> None:
        values = vectors[block]
        np.einsum("ij,ij->i", values, values, out=norms[block])
        norms[block] *= up
        norms[block] += least

    rows = max(tile_rows(dimension), min(65_536, -(-n_vectors // 8)))
    threads.over(threads.cut(n_vectors, rows), measure)
    return norms


class Panel:
    """Centres as the products need them, growing.

    Attributes:
        double: (C, D) float32, -2 times the centres.
        shift: (C,) float32, their squared lengths, rounded up.
    """

    def __init__(self, dimension: int) -> None:
        self._double = np.empty((16, dimension), dtype=np.float32)
        self._shift = np.empty(16, dtype=np.float32)
        self.size = 0

    @property
    def double(self) -> Float32:
        """-2 times the centres."""
        return self._double[: self.size]

    @property
    def shift(self) -> Float32:
        """Squared lengths of the centres, rounded up."""
        return self._shift[: self.size]

    def part(self, index: Index) -> Panel:
        """Return some of the centres."""
        some = Panel(self._double.shape[1])
        some._double, some._shift, some.size = self._double[index], self._shift[index], len(index)
        return some

    def add(self, vectors: Float32, norms: Float32) -> None:
        """Append centres."""
        stop = self.size + len(vectors)
        self._double = with_room(self._double, stop)
        self._shift = with_room(self._shift, stop)
        np.multiply(vectors, np.float32(-2.0), out=self._double[self.size : stop])
        self._shift[self.size : stop] = norms
        self.size = stop


class Tile:
    """One tile of rows on its way past the centres.

    Args:
        values: (m, D) float32 vectors of the rows.
        norms: (m,) their squared lengths, rounded up.
        rows: Which rows these are, for the caller.
        floor: (m,) rows found to be nearer than this need not go on; ``None``: all go on.
    """

    def __init__(
        self, values: Float32, norms: Float32, rows: Index, floor: Float32 | None = None
    ) -> None:
        self.values, self.norms, self.rows, self.floor = values, norms, rows, floor
        self.best = np.full(len(rows), np.inf, dtype=np.float32)
        self._turn = 0

    def width(self) -> int:
        """Return how many centres to take next."""
        return max(_PANEL, min(_WIDEST_PANEL, _PRODUCTS // len(self.rows)))

    def pass_by(self, panel: Panel, start: int, stop: int) -> None:
        """Take the minimum with centres ``start`` to ``stop``."""
        if stop - start <= _FEW:
            self._pass_by_few(panel, start, stop)
            return
        sq_dists = buffer("products", (stop - start, len(self.rows)))
        np.matmul(panel.double[start:stop], self.values.T, out=sq_dists)
        sq_dists += panel.shift[start:stop, None]
        closest = sq_dists.min(axis=0)
        closest += self.norms
        np.minimum(self.best, closest, out=self.best)

    def _pass_by_few(self, panel: Panel, start: int, stop: int) -> None:
        sq_dists = buffer("products", (len(self.rows),))
        for centre in range(start, stop):
            np.matmul(self.values, panel.double[centre], out=sq_dists)
            sq_dists += panel.shift[centre]
            sq_dists += self.norms
            np.minimum(self.best, sq_dists, out=self.best)

    def worth_keeping(self) -> npt.NDArray[np.bool_] | None:
        """Return which rows are not below their floor; ``None`` while they are most."""
        if self.floor is None:
            return None
        above: npt.NDArray[np.bool_] = self.best >= self.floor
        return None if np.count_nonzero(above) > _FEW_LEFT * len(above) else above

    def keep(self, index: Index) -> None:
        """Go on with some of the rows."""
        values = buffer(f"tile {self._turn}", (len(index), self.values.shape[1]))
        self._turn ^= 1
        np.take(self.values, index, axis=0, out=values, mode="clip")
        self.values, self.norms = values, self.norms[index]
        self.rows, self.best = self.rows[index], self.best[index]
        if self.floor is not None:
            self.floor = self.floor[index]


def panels(start: int, stop: int, width: int = 0) -> list[tuple[int, int]]:
    """Return the panels from centre ``start`` to ``stop``."""
    width = width or _PANEL
    return [(first, min(first + width, stop)) for first in range(start, stop, width)]


def gather(vectors: Any, index: Index) -> Float32:
    """Return some vectors in a buffer of this thread, valid until the next call in it."""
    values = buffer("gather", (len(index), vectors.shape[1]))
    if not isinstance(vectors, np.ndarray):
        read: Float32 = vectors.read(index, values)
        return read
    np.take(vectors, index, axis=0, out=values, mode="clip")
    return values


_own = threading.local()


def buffer(name: str, shape: tuple[int, ...]) -> Float32:
    """Return memory of this thread that was touched before: fresh memory is slow at first."""
    size = math.prod(shape)
    held: Float32 | None = getattr(_own, name, None)
    if held is None or len(held) < size:
        held = np.empty(size, dtype=np.float32)
        setattr(_own, name, held)
    return held[:size].reshape(shape)


def with_room(array: npt.NDArray[Scalar], rows: int) -> npt.NDArray[Scalar]:
    """Return the array, or a larger copy of it that has room for ``rows`` rows."""
    if rows <= len(array):
        return array
    larger = np.empty((max(2 * len(array), rows), *array.shape[1:]), dtype=array.dtype)
    larger[: len(array)] = array
    return larger
