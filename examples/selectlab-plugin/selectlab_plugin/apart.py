"""APART: numbers far from each other."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from selectlab.types import FloatArray, Kinds, Objective, Reason, Rows, Scalars, Signal, Strategy

__all__ = ["Apart"]


class Apart(Strategy):
    """Pick samples whose number is far from that of everything picked so far.

    Spreads a selection over the time of day, the temperature, or (with FILENAME_NUMBER) the
    frames of a recording, where neighbours look alike. The extremes of the range come early.

    Attributes:
        strength: Exponent in the product of all strategies; negative bunches the picks.

    Objective:
        Distance of the candidate's number to the nearest number selected, in the input's unit;
        1 for everything while nothing is selected.

    Cost:
        O(N) per pick.

    Reference:
        Gonzalez 1985, farthest-first traversal, in one dimension.

    Example:
        >>> import numpy as np
        >>> from selectlab.types import Scalars
        >>> objective = Apart().start(Scalars(values=np.array([1.0, 2.0, 9.0])))
        >>> objective.add(np.array([0]))
        >>> objective.exact(np.array([1, 2]))
        array([1., 8.])
    """

    type: Literal["APART"] = "APART"
    accepts: ClassVar[Kinds] = (Scalars,)

    def start(self, signal: Signal) -> Objective:
        """Return the distance to the nearest selected number."""
        assert isinstance(signal, Scalars)
        return _Gap(signal.values)


class _Gap(Objective):
    """Distance of every row to the nearest selected one.

    ``exact`` costs nothing, so ``bound`` is left as it is: the exact value.
    """

    def __init__(self, values: FloatArray) -> None:
        self._values = values
        self._gaps = np.ones(len(values))
        self._nearest = np.full(len(values), -1, dtype=np.intp)

    def exact(self, rows: Rows) -> FloatArray:
        return self._gaps[rows]

    def add(self, rows: Rows) -> None:
        for row in rows:
            gaps = np.abs(self._values - self._values[row])
            closer = (gaps < self._gaps) | (self._nearest < 0)
            self._gaps = np.where(closer, gaps, self._gaps)
            self._nearest[closer] = row

    def reason(self, row: int) -> Reason:
        if self._nearest[row] < 0:
            return Reason("nothing selected before it", value=float(self._values[row]))
        gap = float(self._gaps[row])
        return Reason(
            f"{self._values[row]:g} is {gap:g} away from {{nearest}}",
            value=float(self._values[row]),
            nearest=int(self._nearest[row]),
            distance=gap,
        )
