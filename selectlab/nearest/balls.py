"""Which vectors lie within a radius of which: counted, never listed.

Products in float32 settle nearly every pair. A pair near the boundary is compared by differences
in float64, so that it comes out the same whenever it is asked about. N vectors, D dimensions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab import threads
from selectlab.nearest.products import exact_sq_dists
from selectlab.nearest.space import Float32, Index, Space, buffer, read

Bools = npt.NDArray[np.bool_]

_TILE_CENTRES = 255
"""As many as can be counted in a byte."""
_TILE_ROWS = 2048
_PART_FLOATS = 1 << 22
_PAIRS = 16_384
_MANY = 1 / 16
"""Share of a tile that float32 leaves open, above which float64 is asked first."""
_WIDEST = 4.0
"""In the coordinates of a space, where vectors have about length 1, none are as far apart."""


class Balls:
    """Balls of one radius around vectors; what is exactly on the radius is inside.

    Args:
        vectors: (N, D) float32, an array or anything that gives rows by slice and by index.
        radius: Not squared, not negative.

    Cost:
        One pass over the vectors, and memory for a few tiles.

    Example:
        >>> line = np.array([[0.0], [1.0], [3.0]], dtype=np.float32)
        >>> Balls(line, 1.0).around(np.array([0, 1]))
        array([2, 2, 0])
    """

    def __init__(self, vectors: Any, radius: float) -> None:
        self._vectors = vectors
        self._sq_radius = radius * radius
        self._space = Space(vectors, vectors)
        self._half = min(radius * self._space.scale, _WIDEST) ** 2 / 2

    def around(self, centres: Index) -> Index:
        """Return in how many of the balls around ``centres`` each vector lies, (N,).

        Args:
            centres: (C,) indices of vectors.

        Cost:
            O(N * C * D).
        """
        counts = np.zeros(len(self._vectors), dtype=np.intp)
        part_rows = max(_TILE_CENTRES, _PART_FLOATS // self._vectors.shape[1])
        for part in threads.cut(len(centres), part_rows):
            self._count(read(self._vectors, centres[part]), counts)
        return counts

    def _count(self, centres: Float32, counts: Index) -> None:
        """Add to the counts of all vectors what lies around some centres."""
        tiles = [centres[tile] for tile in threads.cut(len(centres), _TILE_CENTRES)]
        left = [self._space.place(tile, np.float32).rows for tile in tiles]

        def work(block: slice) -> None:
            values = read(self._vectors, block)
            right = self._space.place(values, np.float32).columns
            for centres, placed in zip(tiles, left, strict=True):
                products = buffer("ball products", (len(placed), len(right)), np.float32)
                np.matmul(placed, right.T, out=products)
                inside = self._inside(products, centres, values)
                counts[block] += inside.view(np.uint8).sum(axis=0, dtype=np.uint8)

        threads.over(threads.cut(len(counts), _TILE_ROWS), work)

    def _inside(self, products: Any, centres: Float32, values: Float32) -> Bools:
        """Return which values lie in the ball of which centre, (centres, values).

        Args:
            products: Of the two in the coordinates of the space.
            centres: (C, D).
            values: (R, D).
        """
        inside, maybe = self._settled(products)
        if np.count_nonzero(maybe) > np.count_nonzero(inside):
            maybe ^= inside
            if np.count_nonzero(maybe) > _MANY * maybe.size and products.dtype == np.float32:
                rows = self._space.place(centres, np.float64).rows
                return self._inside(
                    rows @ self._space.place(values, np.float64).columns.T, centres, values
                )
            centre, row = np.nonzero(maybe)
            for pairs in threads.cut(len(centre), _PAIRS):
                c, r = centre[pairs], row[pairs]
                inside[c, r] = exact_sq_dists(centres[c], values[r]) <= self._sq_radius
        return inside

    def _settled(self, products: Any) -> tuple[Bools, Bools]:
        """Return which pairs are surely inside, and which may be (the sure ones too)."""
        kind = products.dtype.type
        longest = np.array([self._space.reach])
        width = float(self._space.error(longest, kind)[0])
        sure = np.nextafter(kind(width - self._half), kind(np.inf))
        open_from = np.nextafter(kind(-width - self._half), kind(-np.inf))
        return products >= sure, products >= open_from
