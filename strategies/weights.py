"""WEIGHTS: samples with high numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from pydantic import model_validator

from selectlab.types import (
    BoolArray,
    Condition,
    Kinds,
    Objective,
    Reason,
    Rows,
    RunningSum,
    Scalars,
    Signal,
    Spec,
    Strategy,
    rank_share,
)

__all__ = ["TargetRange", "Weights"]


class TargetRange(Spec):
    """Where the sum of the weights of the selection should end.

    Attributes:
        min_sum: Reported when the selection ends below it.
        max_sum: Samples that would lift the sum above it are passed over.
    """

    min_sum: float | None = None
    max_sum: float | None = None

    @model_validator(mode="after")
    def _in_order(self) -> TargetRange:
        if self.min_sum is None and self.max_sum is None:
            raise ValueError("give 'min_sum', 'max_sum' or both")
        if self.min_sum is not None and self.max_sum is not None and self.min_sum > self.max_sum:
            raise ValueError(f"min_sum {self.min_sum:g} is above max_sum {self.max_sum:g}")
        return self


class Weights(Strategy):
    """Pick samples with high numbers: uncertain ones, frequent ones, flickering ones.

    Attributes:
        strength: Exponent in the product of all strategies; negative seeks low numbers.
        stopping_condition_max_sum: End before the sum of the picks' weights would exceed this.
        target_range: Pass over samples that would lift the sum above ``max_sum``; report when
            ``min_sum`` was not reached.

    Objective:
        Sum of the weights of everything selected, plus the candidate's.

    Cost:
        O(N) per pick.

    Example:
        >>> import numpy as np
        >>> from selectlab.types import Scalars
        >>> objective = Weights().start(Scalars(values=np.array([0.5, 0.25])))
        >>> objective.add(np.array([0]))
        >>> objective.exact(np.array([1]))
        array([0.75])
    """

    type: Literal["WEIGHTS"] = "WEIGHTS"
    accepts: ClassVar[Kinds] = (Scalars,)
    divisible: ClassVar[bool] = True
    stopping_condition_max_sum: float | None = None
    target_range: TargetRange | None = None

    def start(self, signal: Signal) -> Objective:
        """Return the running sum of the weights."""
        assert isinstance(signal, Scalars)
        values = signal.values
        share = rank_share(values)

        def explain(row: int) -> Reason:
            value = float(values[row])
            return Reason(
                f"{signal.name} {value:.4g}, above {share(value)} of the pool", value=value
            )

        objective = _Sum(values, explain)
        objective.keep(self.stopping_condition_max_sum, self.target_range)
        return objective


class _Sum(RunningSum):
    """A running sum with a promise where it ends."""

    _min_sum = -math.inf

    def keep(self, stop_above: float | None, target: TargetRange | None) -> None:
        conditions = []
        if stop_above is not None:
            text = f"stopping_condition_max_sum {stop_above:g}"
            conditions.append(Condition(text, self._exceeds(stop_above), "stop"))
        if target is not None and target.max_sum is not None:
            text = f"target_range.max_sum {target.max_sum:g}"
            breaks = self._exceeds(target.max_sum)
            only_grows = not (self.gains < 0).any()
            conditions.append(Condition(text, breaks, "skip", lasting=bool(only_grows)))
        self.conditions = tuple(conditions)
        if target is not None and target.min_sum is not None:
            self._min_sum = target.min_sum

    def _exceeds(self, limit: float) -> Callable[[Rows], BoolArray]:
        def breaks(rows: Rows) -> BoolArray:
            above: BoolArray = self.exact(rows) > limit
            return above

        return breaks

    def shortfalls(self) -> Sequence[str]:
        notes = []
        if self.total < self._min_sum:
            notes.append(
                f"target_range.min_sum {self._min_sum:g} not reached: the sum is {self.total:g}"
            )
        n_negative = int((self.gains < 0).sum())
        if n_negative:
            notes.append(
                f"{n_negative} of {len(self.gains)} WEIGHTS are negative: all sums that are not "
                "positive rank alike, so shift the values above 0"
            )
        return notes
