"""All samples in a plane: the two directions in which their embeddings differ most.

N vectors, D dimensions.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from selectlab.errors import DataError
from selectlab.ids import Ids
from selectlab.validation import shortened

if TYPE_CHECKING:
    from selectlab.columns import EmbeddingTable
    from selectlab.dataset import Dataset
    from selectlab.studio.attributes import Column

Float64 = npt.NDArray[np.float64]
STEPS = 65_534
"""Places and values are sent as whole numbers up to this; the next one says that there is none."""
NONE = STEPS + 1
_FITTED = 50_000
"""The axes are those of so many vectors, evenly picked; all are laid out along them."""


class EmbeddingMap:
    """Where samples lie in a plane, by their own vectors or by those of their objects.

    Args:
        dataset: Has embeddings, or not.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._held: dict[str, dict[str, Any]] = {}
        self._busy = threading.Lock()

    @property
    def why_not(self) -> str | None:
        """Why there is nothing to draw; ``None`` where there is something."""
        if self.spaces:
            return None
        try:
            self._dataset.source.embeddings(None)
        except DataError as error:  # several spaces, none of which is the main one
            return str(error)
        return "the dataset has no embeddings"

    @property
    def spaces(self) -> dict[str, str]:
        """What samples can be laid out by, in words: ``""`` for the main space, or a task."""
        found = {"": "samples"}
        found |= {task: f"objects of {task}" for task in self._dataset.source.tasks()}
        return {key: told for key, told in found.items() if self._is_there(key)}

    def places(self, space: str = "") -> dict[str, Any]:
        """Return the samples that have an embedding, and their places, as JSON.

        A sample lies at the mean of its objects' places.

        Args:
            space: One of :attr:`spaces`.

        Raises:
            DataError: There are no such embeddings, or they cannot be read.

        Cost:
            O(N * D + D * D) time, O(D * D + N) memory: the vectors are read three times.
        """
        with self._busy:
            if space not in self._held:
                table = self._table(space)
                if table is None:
                    of = f" of objects of {shortened(space)}" if space else ""
                    raise DataError(f"{self._dataset.source.where}: no embeddings{of}")
                self._held[space] = self._placed(table)
            return self._held[space]

    def _table(self, space: str) -> EmbeddingTable | None:
        source = self._dataset.source
        if not space:
            return source.embeddings(None)
        table = source.object_embeddings(space)
        return table if table is not None and table.objects is not None else None

    def _is_there(self, space: str) -> bool:
        try:
            return self._table(space) is not None
        except DataError:
            return False

    def _placed(self, table: EmbeddingTable) -> dict[str, Any]:
        found = self._dataset.ids.positions(Ids.of(table.ids))
        kept = np.flatnonzero(found >= 0)
        if not len(kept):
            raise DataError(f"{table.where}: no vector of a sample that is in the dataset")
        mean, axes, shares = _principal(table)
        places = np.zeros((len(table.ids), 2))
        for start, block in table.blocks():
            places[start : start + len(block)] = (block - mean) @ axes
        rows, owner, counts = np.unique(found[kept], return_inverse=True, return_counts=True)
        x, y = (np.bincount(owner, places[kept, axis]) / counts for axis in (0, 1))
        span = float(max(np.ptp(x), np.ptp(y), 1e-12))
        return {
            "n": len(rows),
            "rows": packed32(rows),
            "x": _packed((x - x.min()) / span),
            "y": _packed((y - y.min()) / span),
            "shares": shares,
        }


def values(column: Column) -> dict[str, Any]:
    """Return a column for colouring, as JSON: one whole number a sample, and what it means."""
    there = ~np.isnan(column.values)
    if column.names is not None:
        codes = np.where(there, column.values, NONE).astype("<u2")
        packed = base64.b64encode(codes.tobytes()).decode()
        return {"title": column.title, "names": column.names[:STEPS], "values": packed}
    some = column.values[there]
    low, high = (float(some.min()), float(some.max())) if len(some) else (0.0, 0.0)
    shares = np.where(there, (column.values - low) / ((high - low) or 1.0), np.nan)
    return {"title": column.title, "low": low, "high": high, "values": _packed(shares)}


def _principal(table: EmbeddingTable) -> tuple[Float64, Float64, list[float]]:
    """Return mean (D,), the first two principal axes (D, 2), and their shares of the variance."""
    step = -(-len(table.ids) // _FITTED)
    total, n = np.zeros(table.dimension), 0
    for block in _every(table, step):
        total += block.sum(axis=0)
        n += len(block)
    mean = total / n
    spread = np.zeros((table.dimension, table.dimension))
    for block in _every(table, step):
        spread += (block - mean).T @ (block - mean)
    variances, axes = np.linalg.eigh(spread)
    first = axes[:, ::-1][:, :2]
    if first.shape[1] < 2:
        first = np.column_stack([first, np.zeros(len(first))])
    largest = np.abs(first).argmax(axis=0)
    signs = np.where(first[largest, [0, 1]] < 0, -1.0, 1.0)
    shares = (np.append(variances[::-1], 0.0)[:2] / max(float(variances.sum()), 1e-300)).tolist()
    return mean, first * signs, shares


def _every(table: EmbeddingTable, step: int) -> Iterator[Float64]:
    """Yield the vectors of every few rows, block by block."""
    for start, block in table.blocks():
        yield np.asarray(block[-start % step :: step], dtype=np.float64)


def _packed(shares: Float64) -> str:
    """Return numbers from 0 to 1 as 16-bit whole numbers; NaN is :data:`NONE`."""
    whole = np.where(np.isnan(shares), NONE, np.clip(np.nan_to_num(shares), 0, 1) * STEPS)
    return base64.b64encode(np.round(whole).astype("<u2").tobytes()).decode()


def packed32(numbers: npt.NDArray[Any]) -> str:
    """Return whole numbers as 32 bits each, in base 64."""
    return base64.b64encode(numbers.astype("<u4").tobytes()).decode()
