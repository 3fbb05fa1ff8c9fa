"""Sums that grow pick by pick, exact whatever the order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from selectlab.forms import Fixed, Form
from selectlab.objective import BoolArray, Condition, FloatArray, Objective, Reason, Rows, Side


class ExactSum:
    """A float sum without rounding error; the order of the terms never matters.

    Reference:
        Shewchuk 1997, "Adaptive Precision Floating-Point Arithmetic", grow-expansion; the
        algorithm of ``math.fsum``, kept open between additions.

    Example:
        >>> total = ExactSum()
        >>> for term in (1e16, 1.0, -1e16):
        ...     total.add(term)
        >>> total.value
        1.0
    """

    def __init__(self) -> None:
        self._partials: list[float] = []
        self.value = 0.0

    def add(self, term: float) -> None:
        """Add a finite term."""
        kept = 0
        for part in self._partials:
            big, small = (term, part) if abs(term) >= abs(part) else (part, term)
            term = big + small
            rest = small - (term - big)
            if rest:
                self._partials[kept] = rest
                kept += 1
        self._partials[kept:] = [term]
        self.value = math.fsum(self._partials)


class RunningSum(Objective):
    """The sum of fixed values over the selected set, plus the candidate's.

    Args:
        gains: (N,) what a row adds while it is a candidate.
        explain: Words for the value of a row.
        added: (N,) what a row adds once it is selected, if that differs (all its objects
            instead of their mean).
        unranked: (N,) rows that have no value at all and rank last.
    """

    def __init__(
        self,
        gains: FloatArray,
        explain: Callable[[int], Reason],
        added: FloatArray | None = None,
        unranked: BoolArray | None = None,
    ) -> None:
        self.gains = gains
        self._added = gains if added is None else added
        self._sum = ExactSum()
        self._explain = explain
        self.unranked = unranked
        self.conditions: Sequence[Condition] = ()

    @property
    def total(self) -> float:
        """Sum over the selected set."""
        return self._sum.value

    def exact(self, rows: Rows) -> FloatArray:
        """Return the sum with each of ``rows``."""
        values: FloatArray = self.total + self.gains[rows]
        return values

    def bound(self, block: slice, side: Side) -> FloatArray:
        """Return the exact sums: they cost nothing."""
        values: FloatArray = self.total + self.gains[block]
        return values

    def add(self, rows: Rows) -> None:
        """Add the rows' values."""
        for term in self._added[rows]:
            self._sum.add(float(term))

    def form(self) -> Form | None:
        """Return the fixed gains, unless a subclass does something else with them."""
        own = type(self)
        if own.exact is not RunningSum.exact or own.bound is not RunningSum.bound:
            return None
        return Fixed(self.gains, lambda: self.total)

    def reason(self, row: int) -> Reason:
        """Say what the row's value is."""
        return self._explain(row)


def rank_share(values: FloatArray) -> Callable[[float], str]:
    """Return a function that says which share of ``values`` is below a value, rounded down."""
    ordered = np.sort(values)

    def share(value: float) -> str:
        below = int(np.searchsorted(ordered, value, side="left"))
        return f"{100 * below // max(len(ordered), 1)} %"

    return share
