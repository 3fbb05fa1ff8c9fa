"""THRESHOLD: only samples above or below a number."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from selectlab.types import BoolArray, Kinds, Objective, Scalars, Signal, Strategy

__all__ = ["Threshold"]

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "SMALLER": operator.lt,
    "SMALLER_EQUAL": operator.le,
    "BIGGER": operator.gt,
    "BIGGER_EQUAL": operator.ge,
}


class Threshold(Strategy):
    """Leave out samples on the wrong side of a number: a filter, several are joined by AND.

    Samples that are selected already are never filtered.

    Attributes:
        threshold: The number the input is compared with, in the input's unit.
        operation: Which samples stay: those with a value SMALLER, SMALLER_EQUAL, BIGGER or
            BIGGER_EQUAL than ``threshold``.
        strength: Means nothing here; accepted so that old configs run, with a warning.

    Example:
        >>> import numpy as np
        >>> from selectlab.types import Scalars
        >>> sharp = Threshold(threshold=20.0, operation="BIGGER")
        >>> sharp.keeps(Scalars(values=np.array([20.0, 21.0])))
        array([False,  True])
    """

    type: Literal["THRESHOLD"] = "THRESHOLD"
    accepts: ClassVar[Kinds] = (Scalars,)
    threshold: float
    operation: Literal["SMALLER", "SMALLER_EQUAL", "BIGGER", "BIGGER_EQUAL"]

    def start(self, signal: Signal) -> Objective | None:
        """Return nothing: a filter has no objective."""
        return None

    def keeps(self, signal: Signal) -> BoolArray | None:
        """Return the rows on the right side."""
        assert isinstance(signal, Scalars)
        kept: BoolArray = _COMPARE[self.operation](signal.values, self.threshold)
        return kept

    def notes(self) -> Sequence[str]:
        """Say that a strength is ignored."""
        ignored = "strength" in self.model_fields_set
        return ("THRESHOLD is a filter: its 'strength' is ignored",) if ignored else ()

    def describe(self) -> str:
        """Return the filter as a formula."""
        sign = {"SMALLER": "<", "SMALLER_EQUAL": "<=", "BIGGER": ">", "BIGGER_EQUAL": ">="}
        return f"{sign[self.operation]} {self.threshold:g}"
