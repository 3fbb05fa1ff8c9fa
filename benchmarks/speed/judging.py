"""Recomputing in float64 what a selection is worth; none of this comes from the library."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.machine import cores

Float64 = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Vectors = npt.NDArray[np.float32]

MOST_PRODUCTS = 1e12
"""Floating-point operations that judging one answer may take; beyond, rows are drawn."""
MOST_VALUES = 2e7
"""Scores that are held at once."""
_BLOCK_ROWS = 2048
_PANEL = 512


def positions(k: int, n_rows: int) -> list[int]:
    """Return the picks to look at: all of a few, else the first, the last and some between.

    Args:
        k: Number of picks.
        n_rows: Rows that are looked at each time; the more, the fewer picks.
    """
    most = int(np.clip(MOST_VALUES / (2 * n_rows), 5, 24))
    if k <= 2 * most:
        return list(range(k))
    spread = np.unique(np.geomspace(1, k, most).round().astype(int) - 1)
    return sorted({0, *map(int, spread), *range(0, k, -(-k // most)), k - 1})


def draw(n: int, always: Rows, n_centres: int, d: int, seed: int = 0) -> Rows:
    """Return rows to judge, sorted: all if there is time for it, else a random part.

    Args:
        n: Number of rows.
        always: Rows that are in it whatever happens: the picks.
        n_centres: Vectors that each row will be compared with.
        d: Dimension.
        seed: Of the draw.
    """
    room = int(MOST_PRODUCTS / (2.0 * max(n_centres, 1) * d))
    if room >= n:
        return np.arange(n)
    drawn = np.random.default_rng([seed, 3]).choice(n, size=max(room, 1000), replace=False)
    return np.union1d(drawn, always)


def falling(vectors: Vectors, rows: Rows, centres: Vectors, stops: Sequence[int]) -> Float64:
    """Return squared distances of rows to the nearest of the first ``stop`` centres.

    Args:
        vectors: (N, D), may be mapped.
        rows: (R,) which of them.
        centres: (C, D) in the order in which they came.
        stops: (P,) rising numbers of centres.

    Returns:
        (P, R); infinite where ``stop`` is 0.
    """
    out = np.full((len(stops), len(rows)), np.inf)
    wide = np.asarray(centres, dtype=np.float64)
    norms = np.einsum("ij,ij->i", wide, wide)
    double = np.ascontiguousarray(-2.0 * wide.T)

    def work(start: int) -> None:
        part = slice(start, start + _BLOCK_ROWS)
        mine = np.asarray(vectors[rows[part]], dtype=np.float64)
        own = np.einsum("ij,ij->i", mine, mine)
        near, done = np.full(len(mine), np.inf), 0
        for place, stop in enumerate(stops):
            for first in range(done, stop, _PANEL):
                panel = slice(first, min(first + _PANEL, stop))
                products = mine @ double[:, panel]
                products += norms[panel]
                np.minimum(near, products.min(axis=1), out=near)
            done = max(done, stop)
            out[place, part] = np.maximum(near + own, 0.0)

    in_threads(work, range(0, len(rows), _BLOCK_ROWS))
    return out


def apart(members: Vectors, stops: Sequence[int]) -> tuple[Float64, float]:
    """Return how far the first ``stop`` members are apart, added up, for every stop.

    Returns:
        (P,) sums over the members of the squared distance to the nearest other one, and the
        squared distance of the closest pair of all.
    """
    wide = np.asarray(members, dtype=np.float64)
    norms = np.einsum("ij,ij->i", wide, wide)
    nearest, sums, done = np.full(len(wide), np.inf), [], 0
    for stop in stops:
        for first in range(done, stop, _PANEL):
            last = min(first + _PANEL, stop)
            sq_dists = norms[first:last, None] + norms[None, :last]
            sq_dists -= 2.0 * (wide[first:last] @ wide[:last].T)
            sq_dists[np.arange(last - first), np.arange(first, last)] = np.inf
            np.maximum(sq_dists, 0.0, out=sq_dists)
            nearest[first:last] = np.minimum(nearest[first:last], sq_dists.min(axis=1))
            nearest[:last] = np.minimum(nearest[:last], sq_dists.min(axis=0))
        done = max(done, stop)
        sums.append(float(nearest[:stop].sum()) if stop > 1 else 0.0)
    return np.array(sums), float(nearest[:done].min(initial=np.inf))


def shortfall(scores: Float64, rows: Rows, picked: Rows, position: int) -> float:
    """Return how far the score of a pick lies below that of the best row at that moment.

    Args:
        scores: (R,) scores of the judged rows.
        rows: (R,) which rows they are, sorted, with all picks among them.
        picked: (K,) all picks in order.
        position: Which pick.
    """
    free = np.ones(len(rows), dtype=np.bool_)
    free[np.searchsorted(rows, picked[:position])] = False
    own = scores[np.searchsorted(rows, picked[position])]
    return float(scores[free].max() - own)


def fixed_shortfall(values: Float64, picked: Rows) -> float:
    """Return the largest shortfall of picks whose values never change."""
    mine = values[picked]
    rest = np.ones(len(values), dtype=np.bool_)
    rest[picked] = False
    left = values[rest].max(initial=-np.inf)
    best = np.maximum(np.maximum.accumulate(mine[::-1])[::-1], left)
    return float((best - mine).max())


def in_threads(work: object, blocks: Sequence[int]) -> None:
    """Call ``work`` on every block, a thread per core, BLAS at one thread inside."""
    assert callable(work)
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(cores()) as pool:
        for _ in pool.map(work, blocks):
            pass
