"""The loop: one sample at a time, the one that maximises the product of all objectives.

Bounds of all rows give the few that can be best; those are compared exactly; ties go to the
lowest row. Nothing here knows what the rows are or what the objectives mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from selectlab.objective import (
    BoolArray,
    Condition,
    FloatArray,
    Guard,
    Objective,
    Reason,
    Rows,
    Side,
)

TINY = 1e-300
"""Objectives are clamped to this before the logarithm."""

_LARGEST_LOG = 710.0
_BLOCK_ROWS = 32_768
_ROUNDING = 1e-13
"""More than a score can be wrong by rounding, relative to the size of its terms."""


@dataclass(frozen=True)
class Part:
    """One strategy of a plan.

    Attributes:
        entry: Its place in the config.
        label: Its name in the output.
        strength: Exponent of its objective; not 0.
        objective: Its state.
    """

    entry: int
    label: str
    strength: float
    objective: Objective


@dataclass(frozen=True)
class Plan:
    """What the loop needs: objectives that know the preselected rows, and what may be picked.

    Attributes:
        parts: At least one, in an order that does not depend on the config's.
        candidates: (N,) rows that may be picked.
        n_picks: Number of rows wanted, at most.
        guards: Promises that hold whatever the strategies; they know the preselected rows too.
        size: What was asked for, in words, for the stop reason.
    """

    parts: Sequence[Part]
    candidates: BoolArray
    n_picks: int
    guards: Sequence[Guard] = ()
    size: str = ""


@dataclass(frozen=True)
class Pick:
    """One pick, and why.

    Attributes:
        row: What was picked.
        score: Sum of ``contributions``.
        objectives: Objective of each part of the plan, this pick included.
        contributions: Strength times logarithm of each objective.
        reasons: What each part has to say.
    """

    row: int
    score: float
    objectives: tuple[float, ...]
    contributions: tuple[float, ...]
    reasons: tuple[Reason, ...]


@dataclass
class Outcome:
    """The picks in rank order, and why there are not more."""

    picks: list[Pick] = field(default_factory=list)
    stop_reason: str = ""
    shortfalls: list[str] = field(default_factory=list)


def run(plan: Plan, on_pick: Callable[[int], None] | None = None) -> Outcome:
    """Pick up to ``plan.n_picks`` rows.

    Args:
        plan: Objectives and candidates; the objectives are changed.
        on_pick: Called with the number of picks after each one.
    """
    loop = _Loop(plan)
    outcome = Outcome()
    while len(outcome.picks) < plan.n_picks:
        found = loop.best()
        if isinstance(found, str):
            outcome.stop_reason = found
            break
        outcome.picks.append(found)
        loop.add(found.row)
        if on_pick is not None:
            on_pick(len(outcome.picks))
    else:
        outcome.stop_reason = f"{plan.size or f'n_picks {plan.n_picks}'} reached"
    for part in plan.parts:
        outcome.shortfalls += part.objective.shortfalls()
    return outcome


class _Loop:
    def __init__(self, plan: Plan) -> None:
        self._parts = plan.parts
        self._open = plan.candidates.copy()
        alone = len(plan.parts) == 1
        self._guards = plan.guards
        self._skips = [Condition(guard.text, guard.breaks) for guard in plan.guards]
        self._stops: list[Condition] = []
        for part in plan.parts:
            for condition in part.objective.conditions:
                stop = condition.action == "stop" or (condition.action == "auto" and alone)
                (self._stops if stop else self._skips).append(condition)
        self._tier = _count_unranked(plan)
        self._score = np.full(len(self._open), -np.inf)

    def add(self, row: int) -> None:
        """Select a row."""
        self._open[row] = False
        rows = np.array([row], dtype=np.intp)
        for part in self._parts:
            part.objective.add(rows)
        for guard in self._guards:
            guard.add(rows)

    def best(self) -> Pick | str:
        """Return the best open row, or why there is none."""
        allowed = self._allowed()
        if isinstance(allowed, str):
            return allowed
        self._bound_scores(allowed)
        top = int(np.argmax(self._score))
        at_least = self._exact(np.array([top], dtype=np.intp))[0][0]
        spread = sum(abs(part.strength) for part in self._parts)
        slack = _ROUNDING * (1.0 + abs(at_least) + _LARGEST_LOG * spread)
        rivals = np.flatnonzero(self._score >= at_least - slack)
        scores, objectives, contributions = self._exact(rivals)
        first = int(np.argmax(scores))
        row = int(rivals[first])
        for condition in self._stops:
            if condition.breaks(rivals[first : first + 1])[0]:
                return f"{condition.text} reached"
        return Pick(
            row=row,
            score=float(scores[first]),
            objectives=tuple(float(values[first]) for values in objectives),
            contributions=tuple(float(values[first]) for values in contributions),
            reasons=tuple(part.objective.reason(row) for part in self._parts),
        )

    def _allowed(self) -> BoolArray | str:
        """Return the rows that may be picked now, or why there are none."""
        allowed: BoolArray = self._open
        for condition in self._skips:
            rows = np.flatnonzero(allowed)
            if len(rows):
                allowed = allowed.copy()
                allowed[rows[condition.breaks(rows)]] = False
            if len(rows) and not allowed.any():
                return f"{condition.text}: no sample left that keeps it"
        if not allowed.any():
            return "no sample left"
        if self._tier is not None:
            lowest: BoolArray = self._tier == self._tier[allowed].min()
            allowed = allowed & lowest
        return allowed

    def _bound_scores(self, allowed: BoolArray) -> None:
        """Write an upper bound of every row's score."""
        for start in range(0, len(allowed), _BLOCK_ROWS):
            block = slice(start, min(start + _BLOCK_ROWS, len(allowed)))
            score = self._score[block]
            np.copyto(score, 0.0)
            for part in self._parts:
                side: Side = "upper" if part.strength > 0 else "lower"
                term = np.maximum(part.objective.bound(block, side), TINY)
                np.log(term, out=term)
                if part.strength != 1.0:
                    term *= part.strength
                _silence(term, part.objective, block)
                score += term
            np.copyto(score, -np.inf, where=~allowed[block])

    def _exact(self, rows: Rows) -> tuple[FloatArray, list[FloatArray], list[FloatArray]]:
        """Return scores, and objectives and contributions per part, of a few rows."""
        scores = np.zeros(len(rows))
        objectives, contributions = [], []
        for part in self._parts:
            values = part.objective.exact(rows)
            term = part.strength * _equal_logs(values)
            _silence(term, part.objective, rows)
            objectives.append(values)
            contributions.append(term)
            scores += term
        return scores, objectives, contributions


def _silence(term: FloatArray, objective: Objective, rows: Rows | slice) -> None:
    """A row with nothing to be judged by gets nothing from that part; its tier puts it last."""
    if objective.unranked is not None:
        term[objective.unranked[rows]] = 0.0


def _equal_logs(values: FloatArray) -> FloatArray:
    """Logarithms that are equal for equal values, wherever they stand in the array.

    Vectorised logarithms may treat the rest of an array differently from its bulk.
    """
    distinct, place = np.unique(np.maximum(values, TINY), return_inverse=True)
    logs: FloatArray = np.log(distinct)[place.reshape(-1)]
    return logs


def _count_unranked(plan: Plan) -> Rows | None:
    """In how many parts each row has nothing to be judged by; None when nowhere."""
    masks = [p.objective.unranked for p in plan.parts if p.objective.unranked is not None]
    if not masks:
        return None
    tiers: Rows = np.sum(masks, axis=0, dtype=np.intp)
    return tiers
