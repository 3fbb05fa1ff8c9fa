"""Which samples look most alike: a pass over the embeddings, block by block."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from selectlab.errors import DataError
from selectlab.ids import Ids

if TYPE_CHECKING:
    import numpy.typing as npt

    from selectlab.columns import EmbeddingTable
    from selectlab.dataset import Dataset


class Near:
    """Finds the nearest neighbours of a sample; nothing but the answer stays in memory.

    Args:
        dataset: Has embeddings, or not.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._busy = threading.Lock()

    def of(self, sample_id: str, k: int = 12) -> list[tuple[str, float]]:
        """Return the nearest other samples with their distances, nearest first.

        Distances are between vectors of unit length. Without embeddings there are none.

        Cost:
            O(N * D), two passes over the file.
        """
        with self._busy:
            try:
                table = self._dataset.source.embeddings(None)
            except DataError:  # several spaces; none is the main one
                return []
            if table is None:
                return []
            at = Ids.of(table.ids).position(sample_id)
            own = _vector(table, at) if at >= 0 else None
            return [] if own is None else self._nearest(table, own, at, k)

    def _nearest(
        self, table: EmbeddingTable, own: npt.NDArray[np.float32], at: int, k: int
    ) -> list[tuple[str, float]]:
        rows = np.zeros(0, dtype=np.int64)
        dists = np.zeros(0)
        for start, block in table.blocks():
            unit = _unit(block)
            here = np.arange(start, start + len(unit))
            rows = np.concatenate([rows, here])
            dists = np.concatenate([dists, ((unit - own) ** 2).sum(axis=1, dtype=np.float64)])
            order = np.argsort(dists, kind="stable")[: k + 1]
            rows, dists = rows[order], dists[order]
        found = [
            (table.ids[int(row)], float(np.sqrt(dist)))
            for row, dist in zip(rows, dists, strict=True)
            if row != at
        ]
        return [pair for pair in found if pair[0] in self._dataset.rows][:k]


def _vector(table: EmbeddingTable, at: int) -> npt.NDArray[np.float32] | None:
    for start, block in table.blocks():
        if start <= at < start + len(block):
            found: npt.NDArray[np.float32] = _unit(block[at - start : at - start + 1])[0]
            return found
    return None


def _unit(block: Any) -> npt.NDArray[np.float32]:
    vectors = np.asarray(block, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = vectors / np.where(lengths > 0, lengths, np.float32(1.0))
    return unit
