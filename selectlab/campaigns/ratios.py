"""How far vectors are from centres, in diameters: bounds by float32 products, then exactly.

The ratio of a vector x and a cluster of centre c and radius r is ``|x - c| / (2 r)``. Its square
is linear in ``[x, |x|^2, 1]``, so one product of vectors with that and one row for each cluster
bounds all ratios from below. What the bounds leave open is told by differences in float64.
M or m vectors, D dimensions, C clusters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from selectlab import threads
from selectlab.campaigns.clusters import Clusters
from selectlab.nearest.space import Float32, Float64, Index, blocks_of, buffer, read, sq_dists

_TILE_PRODUCTS = 1 << 18
_TILE_FLOATS = 1 << 17
_EXACT_ROWS = 512
_FAR = 4.0
"""Centres this much longer than they are far apart are moved to the origin."""


@dataclass(frozen=True)
class Closest:
    """The cluster of the smallest ratio for some vectors, k of them.

    Attributes:
        rows: (k,) which vectors, ascending.
        ratios: (k,) distance from the centre over twice the radius.
        cluster: (k,) the cluster; of equal ratios the lowest.
    """

    rows: Index
    ratios: Float64
    cluster: Index


class Ratios:
    """Clusters, ready to be compared with.

    With u the unit roundoff of float32, a squared ratio by the product in float32 is off by at
    most ``(2 D + 8) u (|x| + |c|)^2 / (4 r^2)``, twice that for ``|x|^2 + |c|^2``: rounding of
    the inputs, of ``|x|^2``, and of D + 2 terms summed in any order. The rows of the panel are
    lowered by a little more than that, so products are lower bounds.

    Args:
        clusters: What is compared with.
        tile_rows: Vectors of a tile; for tests, since nothing depends on it.
    """

    def __init__(self, clusters: Clusters, *, tile_rows: int | None = None) -> None:
        self._centres, self._radii = clusters.centres, clusters.radii
        dimension = self._centres.shape[1]
        fitting = min(_TILE_PRODUCTS // len(self._radii), _TILE_FLOATS // dimension)
        self._tile_rows = tile_rows or max(32, min(2048, fitting))
        self._shift = _origin(self._centres, self._radii)
        moved = self._centres if self._shift is None else self._centres - self._shift
        lengths = sq_dists(moved)
        reach = math.sqrt(float(lengths.max())) + float(self._radii.max())
        self._scale = 1.0 if 2.0**-40 < reach < 2.0**40 else 2.0 ** -math.frexp(reach)[1]
        moved, radii = moved * self._scale, self._radii * self._scale
        share = (2 * dimension + 32) * float(np.finfo(np.float32).eps)
        with np.errstate(all="ignore"):
            weights = 0.25 / radii**2
            constants = weights * lengths * self._scale**2
            tiny = (dimension + 16) * 2.0**-120 * (1 + weights)
            low = [weights * (1 - share), constants * (1 - share) - tiny]
            self._panel = np.column_stack([-2 * weights[:, None] * moved, *low]).astype(np.float32)
            self._steps = (3 * share * weights).astype(np.float32)[:, None]
            self._width = (3 * share * constants + 4 * tiny).astype(np.float32)[:, None]

    def within(self, vectors: object, limit: float) -> Closest:
        """Return the vectors whose smallest ratio may be up to a limit; none that is is missing.

        Args:
            vectors: (M, D) float32, in memory or read by slice.
            limit: Ratio; infinite for all vectors.
        """
        ceiling = np.nextafter(np.float32(limit) ** 2 * np.float32(1 + 1e-6), np.float32(np.inf))

        def work(block: slice) -> list[Closest]:
            values = read(vectors, block)
            with np.errstate(all="ignore"):
                return [
                    self._tile(values[tile], block.start + tile.start, ceiling)
                    for tile in threads.cut(len(values), self._tile_rows)
                ]

        found = [one for part in threads.over(_blocks(vectors), work) for one in part]
        rows = np.concatenate([np.zeros(0, dtype=np.intp), *(one.rows for one in found)])
        ratios = np.concatenate([np.zeros(0), *(one.ratios for one in found)])
        cluster = np.concatenate([np.zeros(0, dtype=np.intp), *(one.cluster for one in found)])
        return Closest(rows, ratios, cluster)

    def _tile(self, values: Float32, start: int, ceiling: np.float32) -> Closest:
        """Return the closest clusters of the vectors of a tile that may be within the ceiling."""
        lows, sq_lengths = self._lows(values)
        best = lows.min(axis=0)
        rows = np.flatnonzero(~(best > ceiling))  # what is no number is looked at
        lows = lows if len(rows) == len(values) else lows[:, rows]
        highs = lows + (self._steps * sq_lengths[rows] + self._width)
        pair = np.flatnonzero(~(lows > highs.min(axis=0)).T)
        row, cluster = np.divmod(pair, len(self._radii))
        ratios, cluster = self._best(values[rows], row, cluster)
        return Closest(rows + start, ratios, cluster)

    def _lows(self, values: Float32) -> tuple[Float32, Float32]:
        """Return bounds from below, (C, m), and the squared lengths of the vectors, (m,)."""
        count, dimension = values.shape
        rows = buffer("wider", (count, dimension + 2), np.float32)
        moved = rows[:, :dimension]
        if self._shift is None:
            moved[:] = values
        else:
            np.subtract(values, self._shift, out=moved)
        if self._scale != 1.0:
            moved *= np.float32(self._scale)
        rows[:, -2] = np.einsum("ij,ij->i", moved, moved)
        rows[:, -1] = 1.0
        lows = buffer("products", (len(self._radii), count), np.float32)
        np.matmul(self._panel, rows.T, out=lows)
        return lows, rows[:, -2]

    def _best(self, values: Float32, row: Index, cluster: Index) -> tuple[Float64, Index]:
        """Return the smallest of the exact ratios of each vector, and whose it is.

        Args:
            values: (k, D).
            row: (p,) ascending, every vector at least once.
            cluster: (p,) what it is compared with, ascending within a vector.
        """
        sq = np.empty(len(row))
        for part in threads.cut(len(row), _EXACT_ROWS):
            gaps = buffer("gaps", (len(row[part]), values.shape[1]), np.float64)
            np.subtract(values[row[part]], self._centres[cluster[part]], out=gaps)
            sq_dists(gaps, out=sq[part])
        ratios = np.sqrt(sq, out=sq)
        ratios /= 2 * self._radii[cluster]
        if len(row) > len(values):
            order = np.lexsort((cluster, ratios, row))
            first = order[np.searchsorted(row, np.arange(len(values)))]
            ratios, cluster = ratios[first], cluster[first]
        return ratios, cluster


def _origin(centres: Float64, radii: Float64) -> Float32 | None:
    """Return what to move to the origin; ``None`` when vectors may stay where they are."""
    mean = centres.mean(axis=0).astype(np.float32)
    apart = math.sqrt(float(sq_dists(centres - mean).max())) + float(radii.max())
    longest = math.sqrt(float(sq_dists(centres).max()))
    return None if longest < _FAR * apart else mean


def _blocks(vectors: object) -> list[slice]:
    """Return what a thread takes at once."""
    if not isinstance(vectors, np.ndarray):
        return blocks_of(vectors)
    return threads.cut(len(vectors), max(256, -(-len(vectors) // (4 * threads.n_threads()))))
