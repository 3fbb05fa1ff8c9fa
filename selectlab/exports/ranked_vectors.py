"""Embeddings of samples in the order of a ranking, however they lie in their file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from selectlab.columns import EmbeddingTable
from selectlab.dataset import Dataset
from selectlab.errors import DataError, first_of
from selectlab.ids import Ids, Index
from selectlab.row_files import RowFile
from selectlab.stored import Float32
from selectlab.vector_tables import copy_into, fill

_IN_MEMORY_BYTES = 1 << 26
_BLOCK_BYTES = 1 << 24


def ranked_vectors(
    dataset: Dataset, ids: Ids, space: str | None
) -> Iterator[tuple[Sequence[str], Float32]]:
    """Yield ids and their vectors, (m, D), as the file has them; those without one are left out.

    Many of them go through a scratch file, since files hold them in another order.

    Args:
        dataset: Has the embeddings.
        ids: The samples, best first.
        space: Name of the embeddings; ``None`` where there is but one.

    Raises:
        DataError: There are none, a sample has two, or a value is not finite.
    """
    table = dataset.source.embeddings(space)
    if table is None:
        named = "" if space is None else f" {space!r}"
        raise DataError(f"{dataset.source.where}: no embeddings{named}")
    target, there = _targets(table, ids)
    known = ids.take(np.flatnonzero(there))
    shape = (len(known), table.dimension)
    step = max(1, _BLOCK_BYTES // max(1, 4 * table.dimension))
    if 4 * shape[0] * shape[1] <= _IN_MEMORY_BYTES:
        vectors = fill(table, target, len(known), normalize=False)
        for start in range(0, len(known), step):
            yield known[start : start + step], vectors[start : start + step]
        return
    file = RowFile.scratch(table.where, shape, np.dtype(np.float32))
    copy_into(file, table, target, normalize=False)
    for start in range(0, len(known), step):
        some = known[start : start + step]
        block = np.empty((len(some), table.dimension), dtype=np.float32)
        file.read(start, block)
        yield some, block


def _targets(table: EmbeddingTable, ids: Ids) -> tuple[Index, np.ndarray]:
    """Return the place of each vector among the ranked samples that have one, and who has one.

    The place is -1 where the sample is not ranked.
    """
    ordered = ids.sorted_unique()
    rank_of = np.empty(len(ids), dtype=np.int64)
    rank_of[ordered.positions(ids)] = np.arange(len(ids))
    place = ordered.positions(table.ids)
    rank = np.where(place >= 0, rank_of[place], -1)
    counts = np.bincount(rank[rank >= 0], minlength=len(ids))
    if counts.max(initial=0) > 1:
        again = ids.take(np.flatnonzero(counts > 1))
        raise DataError(f"{table.where}: duplicate ids, {first_of(again, len(ids))}")
    there = counts > 0
    dense = np.cumsum(there) - 1
    return np.where(rank >= 0, dense[rank], -1), there
