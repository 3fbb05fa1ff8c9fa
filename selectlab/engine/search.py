"""What every way of finding the next row shares: which rows may be picked, and when to stop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from selectlab.engine.plan import Plan, count_unranked
from selectlab.objective import BoolArray, Condition, Rows


class Search(ABC):
    """Finds rows, best first.

    Attributes:
        open: (N,) rows that may be picked yet.
        skips: Rows that break one of these are passed over.
        stops: When the best row breaks one of these, the selection ends.
    """

    def __init__(self, plan: Plan) -> None:
        self.parts = plan.parts
        self.open: BoolArray = plan.candidates.copy()
        self._guards = plan.guards
        self.skips = [Condition(g.text, g.breaks, lasting=True) for g in plan.guards]
        self.stops: list[Condition] = []
        alone = len(plan.parts) == 1
        for part in plan.parts:
            for condition in part.objective.conditions:
                stop = condition.action == "stop" or (condition.action == "auto" and alone)
                (self.stops if stop else self.skips).append(condition)
        self.tier = count_unranked(plan.parts)

    @abstractmethod
    def next(self, most: int) -> list[int] | str:
        """Return the best rows, one or more in order, or why there is none.

        They are to be taken, in this order, before the next call.
        """

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return how the rows were found, as JSON data."""

    def take(self, rows: Rows) -> None:
        """Select rows."""
        self.open[rows] = False
        for part in self.parts:
            part.objective.add(rows)
        for guard in self._guards:
            guard.add(rows)

    def allowed(self) -> BoolArray | str:
        """Return the rows that may be picked now, or why there are none."""
        allowed: BoolArray = self.open
        for condition in self.skips:
            rows = np.flatnonzero(allowed)
            if len(rows):
                allowed = allowed.copy()
                allowed[rows[condition.breaks(rows)]] = False
            if len(rows) and not allowed.any():
                return f"{condition.text}: no sample left that keeps it"
        if not allowed.any():
            return "no sample left"
        if self.tier is not None:
            lowest: BoolArray = self.tier == self.tier[allowed].min()
            allowed = allowed & lowest
        return allowed

    def stopped_by(self, row: int) -> str | None:
        """Return why the selection ends instead of picking ``row``, if it does."""
        return broken(self.stops, row)


def broken(conditions: Sequence[Condition], row: int) -> str | None:
    """Return the text of the first condition that picking ``row`` would break."""
    rows: Rows = np.array([row], dtype=np.intp)
    for condition in conditions:
        if condition.breaks(rows)[0]:
            return f"{condition.text} reached"
    return None
