"""The approximate index beside an index: faiss proposes, exact distances decide."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from selectlab import progress, threads
from selectlab.corpus.blocks import Rows
from selectlab.corpus.manifest import ListsEntry
from selectlab.corpus.writing import writing
from selectlab.errors import DataError, MissingExtraError
from selectlab.nearest.approximate import InvertedFile, installed
from selectlab.nearest.space import Float32, Float64, Index, read, spread, sq_dists
from selectlab.neighbours import neighbours

FEWEST = 1000
"""Fewer elements are not worth it."""
_MOST_BYTES = 4 << 30
_ENOUGH_RECALL = 0.99
_MEASURED_ROWS = 256
_MEASURED_K = 10
_PAIR_ROWS = 512


def add_lists(folder: Path) -> None:
    """Make an approximate index of all elements, and measure its recall.

    It looks into twice as many lists until 99 % of the 10 true neighbours are found, or a quarter
    of all lists is looked into. Above 2 GB of vectors it keeps 8 bits a number.

    Raises:
        DataError: There are too few elements, or another process writes the index.
        MissingExtraError: faiss is not installed.
    """
    _refuse_without_faiss()
    with writing(folder) as before:
        if before is None:
            raise DataError(f"{folder}: the index is gone; build it anew")
        if before.n_elements < FEWEST:
            raise DataError(
                f"{folder}: {before.n_elements} elements are searched exactly in no time; an "
                f"approximate index takes {FEWEST} or more"
            )
        progress.stage("making the approximate index")
        rows, generation = Rows.open(before, folder), before.generation + 1
        index = InvertedFile(rows, _MOST_BYTES)
        recall, n_measured = _tuned(index, rows)
        name = f"lists-{generation:06d}.faiss"
        index.save(str(folder / name))
        lists = ListsEntry(
            file=name,
            n_elements=len(rows),
            index=index.name,
            n_probes=index.n_probes,
            k=_MEASURED_K,
            recall=recall,
            measured_on=n_measured,
        )
        update = {"generation": generation, "lists": lists}
        before.model_copy(update=update).write(folder)


def open_lists(path: Path, rows: Rows, n_probes: int) -> InvertedFile:
    """Open an approximate index; its lists are mapped into memory, not read.

    Raises:
        DataError: It is damaged, or gone since the index was changed meanwhile.
        MissingExtraError: faiss is not installed.
    """
    _refuse_without_faiss()
    try:
        return InvertedFile.open(str(path), rows, n_probes)
    except RuntimeError:
        raise DataError(
            f"{path}: cannot be read; if the index has been changed meanwhile, open it again"
        ) from None


def near(
    lists: InvertedFile, rows: Rows, n_covered: int, queries: Float32, k: int
) -> tuple[Float64, Index]:
    """Return about the ``k`` nearest rows of each query; those not covered are searched exactly.

    Returns:
        Distances (Q, k), each one exact, nearest first, infinite where there is no row; and rows
        (Q, k), -1 where there is none.
    """
    found = lists.near(queries, k)
    if n_covered < len(rows):
        rest = rows.from_row(n_covered)
        _, later = neighbours(rest, queries, min(k, len(rest)))
        found = np.concatenate([found, later + n_covered], axis=1)
    dists = _distances(rows, queries, found)
    order = np.lexsort((found, dists), axis=-1)[:, :k]
    return np.take_along_axis(dists, order, axis=1), np.take_along_axis(found, order, axis=1)


def _tuned(index: InvertedFile, rows: Rows) -> tuple[float, int]:
    """Look into so many lists that most neighbours are found; return the recall measured."""
    some = spread(len(rows), _MEASURED_ROWS)
    queries = read(rows, some)
    k = _MEASURED_K + 1  # the nearest is the element itself
    true, _ = neighbours(rows, queries, k)
    while True:
        dists = np.sort(_distances(rows, queries, index.near(queries, k)), axis=1)
        recall = float((dists[:, 1:] <= true[:, -1:]).mean())
        if recall >= _ENOUGH_RECALL or 2 * index.n_probes > index.n_lists // 4:
            return round(recall, 4), len(some)
        index.n_probes *= 2


def _distances(rows: Rows, queries: Float32, found: Index) -> Float64:
    """Return the distance of each query to rows of its own, (Q, k); infinite where there is -1."""
    dists = np.empty(found.shape)

    def measure(part: slice) -> None:
        for column in range(found.shape[1]):
            gaps = queries[part].astype(np.float64)
            gaps -= rows[np.maximum(found[part, column], 0)]
            sq_dists(gaps, out=dists[part, column])

    threads.over(threads.cut(len(queries), _PAIR_ROWS), measure)
    np.sqrt(dists, out=dists)
    dists[found < 0] = np.inf
    return dists


def _refuse_without_faiss() -> None:
    if not installed():
        raise MissingExtraError(
            "approximate index: needs faiss, which is not installed; pip install 'selectlab[faiss]'"
        )
