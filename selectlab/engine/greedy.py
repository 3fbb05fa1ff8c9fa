"""The loop: one sample at a time, the one that maximises the product of all objectives.

Nothing here knows what the rows are or what the objectives mean. Ties go to the lowest row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from selectlab import threads
from selectlab.engine.eager import Eager
from selectlab.engine.lazy import Lazy, reason_not_lazy
from selectlab.engine.plan import Outcome, Part, Pick, Plan
from selectlab.engine.scores import exact_terms
from selectlab.engine.search import Search

__all__ = ["Outcome", "Part", "Pick", "Plan", "run"]

_WATCH_EVERY_S = 0.2


def run(
    plan: Plan,
    watch: Callable[[Sequence[int]], None] | None = None,
    resume: Sequence[int] = (),
    *,
    explain: bool = True,
) -> Outcome:
    """Pick up to ``plan.n_picks`` rows.

    Args:
        plan: Objectives and candidates; the objectives are changed.
        watch: Called every now and then, and at the end, with all rows picked so far.
        resume: Rows that an earlier, interrupted run of the same plan picked, in order; they
            are taken over without searching.
        explain: Say why, pick by pick; ``False`` gives only rows.
    """
    with threads.one_blas_thread():
        unsuited = reason_not_lazy(plan)
        search: Search = Lazy(plan) if unsuited is None else Eager(plan, unsuited)
        return search_with(search, plan, watch, resume, explain)


def search_with(
    search: Search,
    plan: Plan,
    watch: Callable[[Sequence[int]], None] | None = None,
    resume: Sequence[int] = (),
    explain: bool = True,
) -> Outcome:
    """Pick the rows that a search finds; arguments as of :func:`run`."""
    outcome = Outcome()
    last = time.monotonic()
    if resume:
        _take(search, plan, outcome, list(resume[: plan.n_picks]), explain)
    while len(outcome.rows) < plan.n_picks:
        found = search.next(plan.n_picks - len(outcome.rows))
        if isinstance(found, str):
            outcome.stop_reason = found
            break
        _take(search, plan, outcome, found, explain)
        if watch is not None and time.monotonic() - last > _WATCH_EVERY_S:
            watch(outcome.rows)
            last = time.monotonic()
    else:
        outcome.stop_reason = f"{plan.size or f'n_picks {plan.n_picks}'} reached"
    if watch is not None:
        watch(outcome.rows)
    facts = {part.label: dict(part.objective.facts()) for part in plan.parts}
    outcome.engine = search.facts() | {"parts": {label: f for label, f in facts.items() if f}}
    for part in plan.parts:
        outcome.shortfalls += part.objective.shortfalls()
    return outcome


def _take(search: Search, plan: Plan, outcome: Outcome, rows: list[int], explain: bool) -> None:
    """Select rows; where reasons are wanted one by one, since they depend on those before."""
    outcome.rows += rows
    taken = np.array(rows, dtype=np.intp)
    if not explain:
        search.take(taken)
        return
    for at, row in enumerate(rows):
        outcome.picks.append(_explained(plan, row))
        search.take(taken[at : at + 1])


def _explained(plan: Plan, row: int) -> Pick:
    """Say why a row is good, before it is added."""
    objectives, contributions = exact_terms(plan.parts, np.array([row], dtype=np.intp))
    terms = tuple(float(term[0]) for term in contributions)
    score = 0.0
    for term in terms:
        score += term
    return Pick(
        row=row,
        score=score,
        objectives=tuple(float(values[0]) for values in objectives),
        contributions=terms,
        reasons=tuple(part.objective.reason(row) for part in plan.parts),
    )
