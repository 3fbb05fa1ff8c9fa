"""A worker: holds some vectors and answers questions about them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from selectlab.distances import NearestSelected, nearest_selected
from selectlab.executor import Failure, Request, RowParts
from selectlab.neighbours import nearest
from selectlab.objective import FloatArray
from selectlab.products import Float32, Index
from selectlab.resources import Resources, using
from selectlab.stored import block_rows, judged, row_hashes, scale_rows

Local: TypeAlias = "npt.NDArray[np.int32] | slice"


@dataclass(frozen=True)
class ShardSpec:
    """Where the vectors of a worker come from.

    Attributes:
        parts: The matrix they are rows of.
        start: First row of the matrix.
        stop: One behind the last.
        dimension: D.
        used: Bits, one for each of these rows, whether it is wanted; ``None``: all are.
        n_used: How many are.
        normalize: Scale them to unit length.
        zero: Hold a vector of zeros at the end, for samples that have none.
    """

    parts: RowParts
    start: int
    stop: int
    dimension: int
    used: npt.NDArray[np.uint8] | None
    n_used: int
    normalize: bool
    zero: bool


class Worker:
    """What a worker holds; called with requests, it returns the answers.

    Args:
        n_threads: How many threads it may use.
        resources: What else it may use.
    """

    def __init__(self, n_threads: int, resources: Resources) -> None:
        from threadpoolctl import threadpool_limits

        self._limits = threadpool_limits(n_threads, user_api="blas")
        self._resources = resources
        self._vectors: dict[int, Float32] = {}
        self._nearest: dict[int, NearestSelected] = {}

    def __call__(self, requests: Sequence[Request]) -> list[Any] | Failure:
        """Answer requests, in their order."""
        with ExitStack() as stack:
            stack.enter_context(using(self._resources))
            try:
                return [getattr(self, f"on_{r.what}")(*r.args) for r in requests]
            except ValueError as error:
                ours = type(error).__module__.startswith("selectlab.")
                return Failure(_in_a_line(error), error if ours else None)
            except Exception as error:
                return Failure(_in_a_line(error))

    def on_load(self, key: int, spec: ShardSpec) -> int | None:
        """Read vectors; return the first row of the matrix that is unusable, if any is."""
        held = np.empty((spec.n_used + spec.zero, spec.dimension), dtype=np.float32)
        held[spec.n_used :] = 0.0
        used = None
        if spec.used is not None:
            used = np.unpackbits(spec.used, count=spec.stop - spec.start).view(np.bool_)
        at = 0
        step = block_rows(spec.dimension)
        for first, block in spec.parts.blocks(spec.start, spec.stop):
            for begin in range(0, len(block), step):
                raw = block[begin : begin + step]
                rows = np.arange(first + begin, first + begin + len(raw))
                if used is not None:
                    keep = used[rows - spec.start]
                    raw, rows = raw[keep], rows[keep]
                values = np.asarray(raw, dtype=np.float32)
                scale, bad = judged(values, normalize=spec.normalize)
                if len(bad):
                    return int(rows[bad[0]])
                out = held[at : at + len(values)]
                if scale is None:
                    out[...] = values
                else:
                    scale_rows(values, scale, out)
                at += len(values)
        self._vectors[key] = held
        return None

    def on_hashes(self, key: int) -> npt.NDArray[np.uint64]:
        """Return a hash of each vector."""
        return row_hashes(self._vectors[key])

    def on_gather(self, key: int, rows: Local) -> Float32:
        """Return some vectors."""
        return np.ascontiguousarray(self._vectors[key][rows])

    def on_nearest(self, key: int, query: Float32) -> tuple[FloatArray, Index]:
        """Return the distance of every vector to the nearest query vector, and which it is."""
        return nearest(self._vectors[key], query)

    def on_follow(self, key: int, number: int) -> Float32:
        """Begin with an empty set of members; return the squared lengths of all vectors."""
        self._nearest[number] = nearest_selected(self._vectors[key])
        return self._nearest[number].norms

    def on_join(self, number: int, values: Float32, norms: Float32) -> None:
        """Put vectors of anybody's into the set."""
        self._nearest[number].join(values, norms)

    def on_refresh(
        self, number: int, rows: Local, floor: Float32 | None
    ) -> tuple[Float32, npt.NDArray[np.int32] | None, int]:
        """Bring the bounds of some vectors up to date.

        Returns:
            The bounds, how many members they account for (``None``: all), and how many pairs
            were worked out.
        """
        near = self._nearest[number]
        before = near.computed
        index = rows if isinstance(rows, slice) else rows.astype(np.intp)
        near.refresh(index, None if floor is None else floor.astype(np.float64))
        seen = None if floor is None else near.seen(index)
        return near.upper[index].copy(), seen, near.computed - before


def _in_a_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
