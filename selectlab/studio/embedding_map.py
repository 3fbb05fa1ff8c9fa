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
    """Where samples lie in a plane.

    Args:
        dataset: Has embeddings, or not.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._held: dict[str, Any] | None = None
        self._busy = threading.Lock()

    @property
    def why_not(self) -> str | None:
        """Why there is nothing to draw; ``None`` where there is something."""
        try:
            found = self._dataset.source.embeddings(None)
        except DataError as error:  # several spaces, none of which is the main one
            return str(error)
        return "the dataset has no embeddings" if found is None else None

    def places(self) -> dict[str, Any]:
        """Return the samples that have an embedding, and their places, as JSON.

        Raises:
            DataError: There are no embeddings, or they cannot be read.

        Cost:
            O(N * D + D * D) time, O(D * D + N) memory: the vectors are read three times.
        """
        with self._busy:
            if self._held is None:
                table = self._dataset.source.embeddings(None)
                if table is None:
                    raise DataError(f"{self._dataset.source.where}: no embeddings")
                self._held = self._placed(table)
            return self._held

    def _placed(self, table: EmbeddingTable) -> dict[str, Any]:
        mean, axes, shares = _principal(table)
        places = np.zeros((len(table.ids), 2))
        for start, block in table.blocks():
            places[start : start + len(block)] = (block - mean) @ axes
        rows = self._dataset.ids.positions(Ids.of(table.ids))
        kept = np.flatnonzero(rows >= 0)
        order = kept[np.argsort(rows[kept], kind="stable")]
        low, high = places[order].min(axis=0), places[order].max(axis=0)
        span = float(max((high - low).max(), 1e-12))
        return {
            "n": len(order),
            "rows": packed32(rows[order]),
            "x": _packed((places[order, 0] - low[0]) / span),
            "y": _packed((places[order, 1] - low[1]) / span),
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
