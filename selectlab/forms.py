"""How an objective depends on the row: what lets the loop leave most rows alone.

An objective that has one of these forms need not be evaluated for every row at every pick: the
loop knows from the form how good the rows it does not look at can be at best. An objective
without a form is evaluated for all rows, which gives the same picks, only slower.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from selectlab.objective import BoolArray, FloatArray, Rows, Side


@dataclass(frozen=True)
class Fixed:
    """The objective is ``level() + gains[row]``; only the level changes with the picks.

    Attributes:
        gains: (N,) what each row adds.
        level: What all rows have in common now.
    """

    gains: FloatArray
    level: Callable[[], float]


@dataclass(frozen=True)
class Shared:
    """The objective is ``table()[index[row]]``: equal for rows that are alike.

    Attributes:
        index: (N,) which entry of the table a row has.
        table: The entries as they are now, (U,).
    """

    index: Rows
    table: Callable[[], FloatArray]


class Falling(ABC):
    """The objective is ``level()`` plus a value per row that only falls as rows are selected.

    Attributes:
        safe_from: Rows with at least this value keep the conditions of the objective; the loop
            asks :attr:`Objective.conditions` about the others. ``None``: ask about all.
    """

    safe_from: float | None = None

    @property
    @abstractmethod
    def n_selected(self) -> int:
        """Number of vectors in the selected set; while it is 0 all values are equal."""

    @abstractmethod
    def level(self) -> float:
        """Return what all rows have in common now."""

    @abstractmethod
    def exact(self, rows: Rows) -> FloatArray:
        """Return the exact values of a few rows, without the level."""

    @abstractmethod
    def upper(self, rows: Rows | slice) -> FloatArray:
        """Return values that were right at some time, so that those of now are not above."""

    @abstractmethod
    def refresh(self, rows: Rows | slice, floor: FloatArray | None = None) -> None:
        """Bring the upper values of rows up to date.

        Args:
            rows: The rows.
            floor: (len(rows),) a row found to be below this need not be followed further.
        """

    @abstractmethod
    def is_current(self, rows: Rows) -> BoolArray:
        """Return True where the upper value accounts for everything selected."""

    @abstractmethod
    def close_up(self, rows: Rows) -> CloseUp:
        """Return the values of a few rows, to be kept up to date at every pick."""

    @property
    @abstractmethod
    def core_share(self) -> float:
        """What following one row at every pick costs, in rows of one short vector."""


class Drifting(ABC):
    """The objective is ``objective_of(x)`` of a number per row that moves slowly, all alike.

    Where every row has classes of its own, a table would be as long as there are rows. But a
    pick moves all numbers in nearly the same way, so that they can be bounded for some time.
    ``objective_of`` must not fall as its argument grows.
    """

    @abstractmethod
    def refresh(self) -> None:
        """Work out the numbers of all rows as they are now, and start to count the drift."""

    @abstractmethod
    def noted(self, rows: Rows | slice) -> FloatArray:
        """Return the numbers at the last refresh."""

    @abstractmethod
    def now(self, rows: Rows) -> FloatArray:
        """Return the numbers of a few rows as they are now."""

    @abstractmethod
    def drift(self, side: Side) -> float:
        """Return by how much a number can have changed since, at most or at least."""

    @abstractmethod
    def objective_of(self, numbers: FloatArray) -> FloatArray:
        """Return the objectives of rows with these numbers."""


class CloseUp(ABC):
    """Nearly exact values of a few rows.

    Attributes:
        values: (m,) in the order of the rows; true values are within ``error``.
        error: How wrong they can be.
    """

    values: FloatArray
    error: float

    @abstractmethod
    def add(self, rows: Rows) -> None:
        """Account for rows that were just added to the objective."""

    def burst(self, closed: FloatArray, above: float, most: int) -> list[int]:
        """Return the places of rows that are surely the next picks, in order, where that is quick.

        They are accounted for from then on; :meth:`add` is called for each of them all the same.

        Args:
            closed: (m,) minus infinity for rows that are not to be picked, else 0; changed.
            above: The picks are surely better than this.
            most: Number of rows wanted.
        """
        return []

    def put_back(self) -> None:  # noqa: B027  nothing need be kept
        """Leave what was found with the form, for the next close-up."""


Form = Fixed | Shared | Falling | Drifting
