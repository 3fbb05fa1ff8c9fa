"""``rank``: the engine on arrays at hand, without ids, files or a config."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab import greedy
from selectlab.errors import DataError
from selectlab.resources import current, using
from selectlab.types import Rows, Signal, Strategy


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
    on_pick: Callable[[int], None] | None = None,
) -> Ranking:
    """Rank rows of arrays: what :func:`selectlab.select` does below ids, files and configs.

    Args:
        parts: Signals and what makes a row good in them, all over the same N rows. Vectors are
            taken as they are: normalise them for cosine.
        n_samples: Number of rows, at most.
        preselected: Rows that are selected already, in order; they count in every objective.
        device: ``"cpu"``, or a torch device such as ``"cuda"``; the rows are the same.
        on_pick: Called with the number of rows picked so far.

    Raises:
        DataError: The signals have different lengths, or no row.

    Example:
        >>> from selectlab.strategies import Diversity
        >>> from selectlab.types import Vectors
        >>> line = np.array([[0.0], [1.0], [5.0]], dtype=np.float32)
        >>> rank([(Vectors(vectors=line), Diversity())], 2).rows
        array([0, 2])
    """
    lengths = {len(signal) for signal, _ in parts}
    if len(lengths) != 1 or 0 in lengths:
        raise DataError(f"rank: signals of one length, at least 1, are needed, got {lengths}")
    candidates = np.ones(lengths.pop(), dtype=np.bool_)
    before = np.asarray(preselected, dtype=np.intp)
    candidates[before] = False
    with using(replace(current(), device=device)):
        plan = _plan(parts, candidates, n_samples)
        for part in plan.parts:
            part.objective.add(before)
        watch = None if on_pick is None else (lambda rows: on_pick(len(rows)))
        outcome = greedy.run(plan, watch, explain=False)
        facts = {part.label: dict(part.objective.facts()) for part in plan.parts}
    return Ranking(
        rows=np.array(outcome.rows, dtype=np.intp),
        stop_reason=outcome.stop_reason,
        engine={**outcome.engine, "parts": facts},
    )


def _plan(parts: Sequence[tuple[Signal, Strategy]], candidates: Any, n_samples: int) -> greedy.Plan:
    started = []
    for i, (signal, strategy) in enumerate(parts):
        signal = replace(signal, candidates=candidates)
        kept = strategy.keeps(signal)
        if kept is not None:
            candidates &= kept
        objective = strategy.start(signal) if strategy.strength else None
        if objective is not None:
            label = f"{i}_{strategy.type.lower()}"
            started.append(greedy.Part(i, label, strategy.strength, objective))
    return greedy.Plan(started, candidates, n_samples)
