"""``rank``: the engine on arrays at hand, without ids, files or a config."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.cluster import clusters
from selectlab.cluster.executor import Executor
from selectlab.cluster.shard import Worker
from selectlab.cluster.sharded import ShardedVectors, hold_array
from selectlab.config import MOST_STRENGTH
from selectlab.engine import greedy
from selectlab.errors import ConfigError, DataError
from selectlab.nearest.products import sq_norms
from selectlab.resources import checked_device, current, using
from selectlab.stored import LARGEST_SQ_NORM, DistantVectors
from selectlab.types import BoolArray, Counts, Embedded, Rows, Scalars, Signal, Strategy


@dataclass(frozen=True)
class Ranking:
    """Rows in rank order.

    Attributes:
        rows: (k,) best first.
        stop_reason: Why there are not more.
        engine: How they were found: search, rounds, share of the distances worked out.
    """

    rows: Rows
    stop_reason: str
    engine: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)


def rank(
    parts: Sequence[tuple[Signal, Strategy]],
    n_samples: int,
    *,
    preselected: npt.ArrayLike = (),
    device: str = "cpu",
    engine: str = "local",
    workers: int | None = None,
    on_pick: Callable[[int], None] | None = None,
) -> Ranking:
    """Rank rows of arrays: what :func:`selectlab.select` does below ids, files and configs.

    Args:
        parts: Signals and what makes a row good in them, all over the same N rows. Vectors are
            taken as they are: normalise them for cosine.
        n_samples: Number of rows, at most.
        preselected: Rows that are selected already, in order; they count in every objective.
        device: ``"cpu"``, or a torch device such as ``"cuda"``; the rows are the same.
        engine: ``"local"`` this process and its threads, ``"process"`` several processes of this
            machine, ``"ray"`` a Ray cluster; the rows are the same.
        workers: How many processes or Ray actors; ``None`` for one a core.
        on_pick: Called with the number of rows picked so far.

    Raises:
        ConfigError: A strategy does not fit its signal, or the device is not there.
        DataError: The signals have different lengths or values that are not finite, no row is
            left, or a preselected row is none.
        EngineError: The workers cannot go on.

    Example:
        >>> from selectlab.strategies import Diversity
        >>> from selectlab.types import Vectors
        >>> line = np.array([[0.0], [1.0], [5.0]], dtype=np.float32)
        >>> rank([(Vectors(vectors=line), Diversity())], 2).rows
        array([0, 2])
    """
    if not parts:
        raise DataError("rank: nothing to rank by; give at least one (signal, strategy)")
    parts = [(_usable(signal), strategy) for signal, strategy in parts]
    lengths = {len(signal) for signal, _ in parts}
    if len(lengths) != 1 or 0 in lengths:
        raise DataError(f"rank: signals of one length, at least 1, are needed, got {lengths}")
    if isinstance(n_samples, bool) or not isinstance(n_samples, int | np.integer) or n_samples < 1:
        raise DataError(f"rank: n_samples must be a whole number, at least 1, got {n_samples!r}")
    before = _checked(preselected, *lengths)
    resources = replace(current(), device=checked_device(device))
    with (
        using(resources),
        clusters.running(engine, workers, partial(Worker, resources)) as cluster,
    ):
        if cluster is not None:
            parts = _handed_over(parts, cluster)
        alive = _alive(parts, before, *lengths)
        plan = _plan(parts, alive, np.isin(alive, before), n_samples)
        for part in plan.parts:
            part.objective.add(np.searchsorted(alive, before[np.isin(before, alive)]))
        watch = None if on_pick is None else (lambda rows: on_pick(len(rows)))
        outcome = greedy.run(plan, watch, explain=False)
        if cluster is not None:
            outcome.engine["cluster"] = cluster.facts()
    return Ranking(
        rows=alive[np.array(outcome.rows, dtype=np.intp)],
        stop_reason=outcome.stop_reason,
        engine=outcome.engine,
    )


def _handed_over(
    parts: Sequence[tuple[Signal, Strategy]], cluster: Executor[Any]
) -> list[tuple[Signal, Strategy]]:
    """Let workers hold the vectors, each array once."""
    held: dict[int, ShardedVectors] = {}
    given = []
    for signal, strategy in parts:
        if isinstance(signal, Embedded) and isinstance(signal.vectors, np.ndarray):
            array = signal.vectors
            if id(array) not in held:
                held[id(array)] = hold_array(cluster, array)
            signal = replace(signal, vectors=held[id(array)])
        given.append((signal, strategy))
    return given


def _usable(signal: Signal) -> Signal:
    """Return a signal whose values are finite and of the types that the engine works on."""
    match signal:
        case Embedded():
            return _usable_vectors(signal)
        case Scalars():
            values = np.asarray(signal.values, dtype=np.float64)
            if not np.abs(values).max(initial=0.0) < np.finfo(np.float64).max / max(len(values), 1):
                raise DataError("rank: numbers that are NaN, infinite or too large to be added up")
            return replace(signal, values=values)
        case Counts():
            counts = np.asarray(signal.values, dtype=np.float64)
            if not (np.isfinite(counts).all() and counts.min(initial=0.0) >= 0):
                raise DataError("rank: counts that are NaN, infinite or negative")
            return replace(signal, values=counts)
        case _:
            return signal


def _usable_vectors(signal: Embedded) -> Embedded:
    if isinstance(signal.vectors, DistantVectors):
        return signal
    vectors = np.asarray(signal.vectors)
    if vectors.ndim != 2 or not vectors.shape[1] or vectors.dtype.kind not in "fiub":
        raise DataError(
            f"rank: vectors must be a matrix of numbers, got {vectors.dtype}{list(vectors.shape)}"
        )
    vectors = np.asarray(vectors, dtype=np.float32)
    wrong = np.flatnonzero(~(sq_norms(vectors) < LARGEST_SQ_NORM))
    if len(wrong):
        raise DataError(f"rank: vector {wrong[0]} has NaN, infinite or overflowing values")
    return replace(signal, vectors=vectors)


def _checked(preselected: npt.ArrayLike, n_rows: int) -> Rows:
    rows = np.asarray(preselected)
    if not rows.size:
        return np.empty(0, dtype=np.intp)
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= n_rows:
        raise DataError(
            f"rank: preselected must be rows from 0 to {n_rows - 1}, got {preselected!r}"
        )
    unique: Rows = rows[np.sort(np.unique(rows, return_index=True)[1])].astype(np.intp)
    return unique


def _alive(parts: Sequence[tuple[Signal, Strategy]], before: Rows, n_rows: int) -> Rows:
    """Return the rows that no filter removes and no signal lacks, and the preselected."""
    alive = np.ones(n_rows, dtype=np.bool_)
    for signal, strategy in parts:
        strategy.check(signal)
        kept = strategy.keeps(signal)
        if kept is not None:
            alive &= kept
    alive[before] = True
    for signal, _ in parts:
        if signal.missing is not None:
            alive &= ~signal.missing
    if not alive.any():
        raise DataError(f"rank: none of {n_rows} rows is left to rank")
    return np.flatnonzero(alive)


def _plan(
    parts: Sequence[tuple[Signal, Strategy]], alive: Rows, is_before: BoolArray, n_samples: int
) -> greedy.Plan:
    started = []
    for i, (signal, strategy) in enumerate(parts):
        whole = len(alive) == len(signal)
        active = replace(signal if whole else signal.take(alive), candidates=~is_before)
        if abs(strategy.strength) > MOST_STRENGTH:
            raise ConfigError(
                f"rank: strength should be between -1e9 and 1e9, got {strategy.strength:g}"
            )
        if not isinstance(active, strategy.accepts):
            raise ConfigError(f"rank: {strategy.type} does not take {signal.kind}")
        objective = strategy.start(active) if strategy.strength else None
        if objective is not None:
            label = f"{i}_{strategy.type.lower()}"
            started.append(greedy.Part(i, label, strategy.strength, objective))
    return greedy.Plan(started, ~is_before, n_samples)
