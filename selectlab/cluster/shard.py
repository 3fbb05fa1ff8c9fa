"""A worker: holds some vectors and answers questions about them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from selectlab import threads
from selectlab.cluster.executor import Failure, Request, ShardSpec
from selectlab.distances import NearestSelected, nearest_selected
from selectlab.engine import greedy
from selectlab.engine.plan import Part, Plan
from selectlab.nearest.products import Float32, Index
from selectlab.neighbours import nearest
from selectlab.objective import FloatArray
from selectlab.resources import Resources, using
from selectlab.stored import block_rows, judged, row_hashes, scale_rows
from selectlab.types import Signal, Strategy


@dataclass(frozen=True)
class PartOfPlan:
    """A strategy and the values of some samples.

    Attributes:
        strategy: What to go by.
        signal: The values.
        held: Its vectors are those that the worker holds.
    """

    strategy: Strategy
    signal: Signal
    held: bool


Local: TypeAlias = "npt.NDArray[np.int32] | slice"


class Worker:
    """What a worker holds; called with requests, it returns the answers.

    Args:
        resources: What it may use.
        n_threads: How many threads.
    """

    def __init__(self, resources: Resources, n_threads: int) -> None:
        from threadpoolctl import threadpool_limits

        self._limits = threadpool_limits(n_threads, user_api="blas")
        self._resources = resources
        self._vectors: dict[int, Float32] = {}
        self._nearest: dict[int, NearestSelected] = {}

    def __call__(self, requests: Sequence[Request]) -> list[Any] | Failure:
        """Answer requests, in their order."""
        with using(self._resources), threads.one_blas_thread():
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
                values, scale, bad = judged(
                    raw, normalize=spec.normalize, normalised=spec.normalised
                )
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

    def on_pick(
        self, key: int, rows: Local, before: Float32, parts: Sequence[PartOfPlan], n_picks: int
    ) -> Index:
        """Select among some vectors, those of ``before`` being selected already.

        Returns:
            What was picked, counted from the first of ``before``.
        """
        vectors = self._vectors[key][rows]
        if len(before):
            vectors = np.concatenate([before, vectors])
        candidates = np.arange(len(vectors)) >= len(before)
        started = []
        for i, part in enumerate(parts):
            signal = replace(part.signal, candidates=candidates)
            if part.held:
                signal = replace(signal, vectors=vectors)  # type: ignore[call-arg]
            objective = part.strategy.start(signal)
            if objective is not None:
                objective.add(np.arange(len(before)))
                started.append(Part(i, str(i), part.strategy.strength, objective))
        plan = Plan(started, candidates, min(n_picks, len(vectors) - len(before)))
        return np.array(greedy.run(plan, explain=False).rows, dtype=np.intp)

    def on_pid(self) -> int:
        """Return the number of this process."""
        return os.getpid()

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
