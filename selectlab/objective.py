"""What a strategy keeps while a selection runs: its objective, conditions and reasons."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from selectlab.forms import Form

Rows = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Side = Literal["lower", "upper"]


@dataclass(frozen=True)
class Reason:
    """Why a row was good at the moment it was picked.

    Attributes:
        text: Words for people. ``{nearest}`` and ``{query}`` stand for sample ids, which the
            engine fills in, since below it there are only rows.
        value: The row's own raw value (a weight, a distance, a share), if it has one.
        nearest: Row of the nearest sample picked before, if that matters here.
        distance: Distance to ``nearest``, embedding units (not squared).
        query: Index of the nearest query vector, if there is a query.
    """

    text: str
    value: float | None = None
    nearest: int | None = None
    distance: float | None = None
    query: int | None = None


@dataclass(frozen=True)
class Condition:
    """A promise about the selected set that a strategy was asked to keep.

    Attributes:
        text: What is promised, in words, for the stop reason.
        breaks: For an array of rows, True where picking that row next would break the promise.
        action: ``"skip"`` passes over rows that break it, ``"stop"`` ends the selection when
            the best row breaks it, ``"auto"`` stops when the objective is alone and skips
            otherwise.
        lasting: A row that breaks it once breaks it for the rest of the run.
    """

    text: str
    breaks: Callable[[Rows], BoolArray]
    action: Literal["skip", "stop", "auto"] = "skip"
    lasting: bool = False


class Guard(ABC):
    """A promise about the selected set that no strategy makes; rows that break it are skipped.

    A row that breaks it once must break it for the rest of the run.

    Attributes:
        text: What is promised, in words, for the stop reason.
    """

    text: str

    @abstractmethod
    def breaks(self, rows: Rows) -> BoolArray:
        """Return True where picking that row next would break the promise."""

    @abstractmethod
    def add(self, rows: Rows) -> None:
        """Take note of rows that are selected."""


class Objective(ABC):
    """The state of one strategy during one run; owned by the loop.

    The loop picks the row with the highest ``sum(strength * log(objective))``, where the
    objective is that of everything selected so far plus the row. It calls :meth:`bound` on
    all rows, :meth:`exact` on the few that could be best, and :meth:`add` with the pick.

    Attributes:
        conditions: Promises the loop has to keep, such as a minimum distance.
        unranked: Rows that have nothing to be judged by (no objects); they rank last.
            ``None`` when every row has something.
    """

    conditions: Sequence[Condition] = ()
    unranked: BoolArray | None = None

    @abstractmethod
    def exact(self, rows: Rows) -> FloatArray:
        """Return the objective of the selected set plus each of ``rows``, shape ``(len(rows),)``.

        The value of a row must not depend on which other rows are asked for with it.
        """

    def bound(self, block: slice, side: Side) -> FloatArray:
        """Return a bound of :meth:`exact` for a block of rows, at the side asked for.

        ``"upper"`` values are never below the exact ones, ``"lower"`` never above. The default
        is eager: it evaluates every row exactly.
        """
        return self.exact(np.arange(block.start, block.stop))

    def form(self) -> Form | None:
        """Return how the objective depends on the row, if it is that simple.

        The loop can then leave most rows alone (see :mod:`selectlab.forms`). ``None``, the
        default, has every row evaluated at every pick, with the same result.
        """
        return None

    @abstractmethod
    def add(self, rows: Rows) -> None:
        """Put rows into the selected set, in this order."""

    def state(self) -> Mapping[str, object] | None:
        """Return what the strategy needs to know in the next round, as JSON data."""
        return None

    def facts(self) -> Mapping[str, object]:
        """Return how the values came about, as JSON data for the manifest's ``engine``."""
        return {}

    def shortfalls(self) -> Sequence[str]:
        """Say what the user should know once the selection has ended, a line each.

        Such as what was wanted of the whole selection and was not reached.
        """
        return ()

    def reason(self, row: int) -> Reason:
        """Say why ``row`` is good, before it is added."""
        return Reason(text="", value=float(self.exact(np.array([row]))[0]))
