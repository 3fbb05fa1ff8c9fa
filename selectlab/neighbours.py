"""Nearest vectors: products in float32 propose, differences in float64 decide.

Every product has a proven error bound. Whatever the bound leaves open is compared exactly, so
results do not depend on blocks, threads, BLAS or device. Vectors may be arrays, or on disk: what
has ``shape`` and ``len`` and gives float32 rows by slice and by index array is read by blocks.
N or M vectors, D dimensions, Q queries.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

from selectlab import resources, threads
from selectlab.cluster.sharded import ShardedVectors
from selectlab.nearest.approximate import InvertedFile, installed
from selectlab.nearest.closest import Closest
from selectlab.nearest.crossing import crossing, device, precisely
from selectlab.nearest.equal_rows import Distinct
from selectlab.nearest.shortlist import Shortlist
from selectlab.nearest.space import Float64, Index, Placed, Space, read, spread, sq_dists

__all__ = ["How", "nearest", "neighbours", "other_dists", "other_neighbours"]

How: TypeAlias = Literal["auto", "exact", "approximate"]

_MOST_QUERIES = 16_384
_PART_FLOATS = 1 << 22
_BLOCK_ROWS = 512
_DEVICE_BLOCK_ROWS = 4096
_CROWDED_ROWS = 64
_PAIR_ROWS = 512

MOST_PRODUCTS = 5e12
"""N * N * D above which ``"auto"`` is approximate: half a minute to a minute on two cores."""
_ENOUGH_RECALL = 0.99
_MUCH_BYTES = 1 << 30
_MEASURED_ROWS = 1000


def nearest(vectors: Any, query: Any) -> tuple[Float64, Index]:
    """Return the distance of every vector to the nearest query vector, and which one that is.

    Args:
        vectors: (M, D) float32.
        query: (Q, D) float32, Q >= 1.

    Returns:
        Distances (M,), not squared, and indices into ``query`` (M,), ties to the lowest.

    Cost:
        O(M * Q * D) time; memory for the result and a few tiles.

    Example:
        >>> line = np.array([[0.0], [1.0], [7.0]], dtype=np.float32)
        >>> nearest(line, line[1:])
        (array([1., 0., 0.]), array([0, 0, 1]))
    """
    if isinstance(vectors, ShardedVectors):
        return vectors.closest(read(query, slice(None)))
    if len(query) > _MOST_QUERIES:
        dists, index = neighbours(query, vectors, 1)
        return dists[:, 0], index[:, 0]
    with precisely(device()):
        return Closest(read(query, slice(None))).to(vectors)


def neighbours(
    corpus: Any, vectors: Any, k: int, *, _block_rows: int = _BLOCK_ROWS
) -> tuple[Float64, Index]:
    """Return the ``k`` nearest corpus vectors of each vector, nearest first.

    Args:
        corpus: (N, D) float32.
        vectors: (M, D) float32; may be ``corpus`` itself, whose products are then shared.
        k: 1 to N.

    Returns:
        Distances (M, k), not squared, and indices (M, k), ties to the lowest.

    Cost:
        O(M * N * D) time, O((M + N) * k) memory beyond the vectors.
    """
    if not len(vectors):
        return np.empty((0, k)), np.empty((0, k), dtype=np.intp)
    distinct = Distinct(corpus)
    rows = distinct if vectors is corpus else vectors
    search = _Search(distinct, rows, min(k, len(distinct)), _block_rows)
    with precisely(device()):
        found, index = search.run()
    dists = np.sqrt(found, out=found)
    if distinct.which is None:
        return dists, index
    dists, index = _with_equals(distinct, dists, index, k)
    if rows is distinct:
        return dists[distinct.which], index[distinct.which]
    return dists, index


def other_neighbours(vectors: Any, k: int, *, _block_rows: int = _BLOCK_ROWS) -> Float64:
    """Return the distances from each vector to its ``k`` nearest others, nearest first, (M, k).

    A vector is never its own neighbour; an exact duplicate of it is, at distance 0.

    Args:
        vectors: (M, D) float32.
        k: 1 to M - 1.

    Example:
        >>> other_neighbours(np.array([[0.0], [0.0], [3.0]], dtype=np.float32), 2)
        array([[0., 3.],
               [0., 3.],
               [3., 3.]])
    """
    dists, _ = neighbours(vectors, vectors, k + 1, _block_rows=_block_rows)
    return dists[:, 1:]  # nothing is nearer than oneself


def other_dists(
    vectors: Any, k: int, how: How = "auto", *, _most_products: float = MOST_PRODUCTS
) -> tuple[Float64, Mapping[str, object]]:
    """Return the distances from each vector to its nearest others, and how they were found.

    Args:
        vectors: (M, D) float32.
        k: 1 to M - 1.
        how: ``"exact"``; ``"approximate"``, which takes an inverted file of faiss and looks into
            twice as many lists until 99 % of the neighbours are the true ones, or a 32nd of all
            lists, but at least 16, is looked into (more would take longer than ``"exact"``);
            ``"auto"`` is approximate above ``M * M * D = 5e12`` (200,000 x 128; exact, that
            takes half a minute to a minute on two cores), where faiss is installed.

    Returns:
        Distances (M, k), nearest first, each one exact; and ``index``, with ``recall`` and the
        number of vectors it was ``measured_on`` where the search was approximate.

    Raises:
        MissingExtraError: ``"approximate"`` without faiss.
    """
    if isinstance(vectors, ShardedVectors) and vectors.nbytes > _MUCH_BYTES:
        warnings.warn(
            f"TYPICALITY: {vectors.nbytes / 1e9:.3g} GB of vectors are read through this process, "
            "more than once; workers find no neighbours",
            stacklevel=2,
        )
    large = float(len(vectors)) ** 2 * vectors.shape[1] > _most_products
    if how == "auto" and large and not installed():
        warnings.warn(
            f"TYPICALITY: exact neighbours of {len(vectors)} vectors take a while; approximate "
            "ones are faster: pip install 'selectlab[faiss]'",
            stacklevel=2,
        )
    if how == "approximate" or (how == "auto" and large and installed()):
        return _approximate(vectors, k)
    return other_neighbours(vectors, k), {"index": "exact"}


def _approximate(vectors: Any, k: int) -> tuple[Float64, Mapping[str, object]]:
    index = InvertedFile(vectors, resources.current().memory)
    rows = spread(len(vectors), _MEASURED_ROWS)
    true, _ = neighbours(vectors, read(vectors, rows), k + 1)
    while True:
        recall = float((_found_others(index, vectors, rows, k) <= true[:, -1:]).mean())
        if recall >= _ENOUGH_RECALL or 2 * index.n_probes > index.most_probes:
            break
        index.n_probes *= 2
    everything = np.arange(len(vectors), dtype=np.intp)
    facts = {"index": index.name, "recall": round(recall, 4), "measured_on": len(rows)}
    return _found_others(index, vectors, everything, k), facts


def _found_others(index: InvertedFile, vectors: Any, rows: Index, k: int) -> Float64:
    """Return exact distances to the others that the index finds, nearest first, (R, k)."""
    found = index.search(rows, k + 1)
    own = found == rows[:, None]
    own[~own.any(axis=1), -1] = True  # crowded out by equals, or not found: the last one goes
    others = found[~own].reshape(len(rows), k)
    dists = np.empty(others.shape)

    def measure(part: slice) -> None:
        values = read(vectors, rows[part])
        for column in range(k):
            gaps = values.astype(np.float64)
            gaps -= read(vectors, others[part, column])
            sq_dists(gaps, out=dists[part, column])

    threads.over(threads.cut(len(rows), _PAIR_ROWS), measure)
    dists.sort(axis=1)
    np.sqrt(dists, out=dists)
    short = np.flatnonzero((others < 0).any(axis=1))
    if len(short):
        dists[short] = neighbours(vectors, read(vectors, rows[short]), k + 1)[0][:, 1:]
    return dists


class _Search:
    """The k nearest different corpus vectors of some rows."""

    def __init__(self, corpus: Distinct, rows: Any, k: int, block_rows: int) -> None:
        self._corpus, self._rows, self._k = corpus, rows, k
        self._device = device()
        self._block_rows = block_rows if self._device == "cpu" else _DEVICE_BLOCK_ROWS
        self._space = Space(corpus, rows)
        self._lists: dict[int, Shortlist] = {}
        self._sq_dists = np.empty((len(rows), k))
        self._index = np.empty((len(rows), k), dtype=np.intp)

    def run(self) -> tuple[Float64, Index]:
        """Return squared distances and numbers of the neighbours, (R, k)."""
        shared = self._rows is self._corpus
        sample = self._space.place(self._space.sample, np.float32)
        part_rows = max(self._block_rows, _PART_FLOATS // max(1, self._corpus.shape[1]))
        row_parts = threads.cut(len(self._rows), part_rows)
        parts = threads.cut(len(self._corpus), part_rows)
        for at, row_part in enumerate(row_parts):
            left = self._blocks(self._rows, row_part)
            for part in parts[at if shared else 0 :]:
                same = shared and part == row_part
                right = left if same else self._blocks(self._corpus, part)
                pairs = itertools.product(enumerate(left), enumerate(right))
                tasks = [(a, b) for (i, a), (j, b) in pairs if not same or i <= j]
                self._start([*left, *right] if shared else left, sample)
                threads.over(tasks, lambda task: self._cross(*task, shared))
            threads.over(left, lambda block: self._settle(block[0]))
        crowded = [s + np.flatnonzero(found.crowded) for s, found in sorted(self._lists.items())]
        self._settle_crowded(np.concatenate(crowded))
        return self._sq_dists, self._index

    def _blocks(self, vectors: Any, part: slice) -> list[tuple[int, Placed]]:
        """Return the blocks of a part, placed, and the number of their first vector."""
        values = read(vectors, part)
        blocks = threads.cut(len(values), self._block_rows)
        placed = threads.over(blocks, lambda b: self._space.place(values[b], np.float32))
        return [(part.start + b.start, p) for b, p in zip(blocks, placed, strict=True)]

    def _start(self, blocks: list[tuple[int, Placed]], sample: Placed) -> None:
        """Make the lists of blocks that have none."""

        def make(block: tuple[int, Placed]) -> Shortlist:
            start, placed = block
            error = self._space.error(placed.lengths, np.float32)
            found = Shortlist(start, error, self._k)
            found.see(placed.rows @ sample.columns.T)
            return found

        new = {block[0]: block for block in blocks if block[0] not in self._lists}
        for found in threads.over(list(new.values()), make):
            self._lists[found.start] = found

    def _cross(self, left: tuple[int, Placed], right: tuple[int, Placed], shared: bool) -> None:
        """Offer a block of the corpus to a block of rows, and the other way round if shared."""
        (start, rows), (first, columns) = left, right
        mine = self._lists[start]
        theirs = self._lists[first] if shared and first != start else None
        low = None if theirs is None else theirs.low
        found, reverse = crossing(rows.rows, columns.columns, mine.low, low, self._device)
        row, member, products = found
        mine.offer(row, first + member, products)
        if theirs is not None and reverse is not None:
            row, member, products = reverse
            theirs.offer(member, start + row, products)

    def _settle(self, start: int) -> None:
        found = self._lists[start]
        rows = slice(start, start + len(found))
        self._sq_dists[rows], self._index[rows] = found.settle(self._rows, self._corpus)

    def _settle_crowded(self, crowded: Index) -> None:
        """Find the neighbours of rows that float32 cannot tell apart, by float64 products."""

        def work(part: slice) -> None:
            own = read(self._rows, crowded[part])
            placed = self._space.place(own, np.float64)
            error = self._space.error(placed.lengths, np.float64)
            found = Shortlist(0, error, self._k, crowd=None)
            for block in threads.cut(len(self._corpus), _BLOCK_ROWS):
                columns = self._space.place(self._corpus[block], np.float64).columns
                (row, member, products), _ = crossing(placed.rows, columns, found.low, None, "cpu")
                found.offer(row, block.start + member, products)
            rows = crowded[part]
            self._sq_dists[rows], self._index[rows] = found.settle(own, self._corpus)

        threads.over(threads.cut(len(crowded), _CROWDED_ROWS), work)


def _with_equals(distinct: Distinct, dists: Float64, index: Index, k: int) -> tuple[Float64, Index]:
    """Return neighbours among all vectors, given those among the different ones."""
    assert distinct.which is not None
    counts = np.minimum(distinct.counts(), k)
    members = np.argsort(distinct.which, kind="stable")
    starts = np.cumsum(distinct.counts()) - distinct.counts()
    all_dists, all_index = np.empty((len(dists), k)), np.empty((len(dists), k), dtype=np.intp)
    for part in threads.cut(len(dists), _BLOCK_ROWS):
        times = counts[index[part]]
        row = np.repeat(np.arange(len(times)), times.sum(axis=1))
        flat = times.reshape(-1)
        within = np.arange(len(row)) - np.repeat(np.cumsum(flat) - flat, flat)
        member = members[np.repeat(starts[index[part].reshape(-1)], flat) + within]
        dist = np.repeat(dists[part].reshape(-1), flat)
        order = np.lexsort((member, dist, row))
        ends = np.cumsum(times.sum(axis=1))
        best = order[(ends - times.sum(axis=1))[:, None] + np.arange(k)]
        all_dists[part], all_index[part] = dist[best], member[best]
    return all_dists, all_index
