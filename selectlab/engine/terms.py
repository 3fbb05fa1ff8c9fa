"""What each part adds to the score of a row, from above, as the levels change with the picks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from selectlab.engine.plan import TINY, Part
from selectlab.forms import Drifting, Falling, Fixed, Shared
from selectlab.objective import FloatArray, Rows

Column = FloatArray | Rows
"""What a term needs of some rows: a value each, or the place in a table."""


class Term(ABC):
    """One part of the score.

    Attributes:
        strength: Exponent of the objective.
        sign: 1 where the score grows with the column, -1 where it falls.
    """

    def __init__(self, strength: float) -> None:
        self.strength = strength
        self.sign = 1.0 if strength > 0 else -1.0

    @abstractmethod
    def now(self) -> None:
        """Look up what all rows have in common, after a pick."""

    @abstractmethod
    def column(self, rows: Rows | slice) -> Column:
        """Return what the term needs of some rows."""

    @abstractmethod
    def of(self, column: Column) -> FloatArray:
        """Return what the term adds to the scores of rows with these columns."""

    def width(self, value: float, error: float) -> float:
        """Return how much the term can change where the value is wrong by up to ``error``."""
        return 0.0


class Added(Term):
    """Strength times the logarithm of a level plus a value."""

    def __init__(self, form: Fixed | Falling, strength: float) -> None:
        super().__init__(strength)
        self.form = form
        self._level = 0.0
        self.now()

    def now(self) -> None:
        """Look up the level."""
        self._level = self.form.level()

    def column(self, rows: Rows | slice) -> FloatArray:
        """Return gains, or values that bound those of now."""
        return self.form.gains[rows] if isinstance(self.form, Fixed) else self.form.upper(rows)

    def of(self, column: Column) -> FloatArray:
        """Return the logarithms."""
        term: FloatArray = np.add(column, self._level, dtype=np.float64)
        np.maximum(term, TINY, out=term)
        np.log(term, out=term)
        if self.strength != 1.0:
            term *= self.strength
        return term

    def width(self, value: float, error: float) -> float:
        """Return the change of the logarithm."""
        high = max(self._level + value, TINY)
        low = max(self._level + value - 2 * error, TINY)
        return self.strength * math.log(high / low)

    def value_at(self, term: FloatArray) -> FloatArray:
        """Return the value at which the term is this large."""
        with np.errstate(over="ignore"):
            found: FloatArray = np.exp(term / self.strength) - self._level
        return found


class Alone(Added):
    """The falling value itself: what decides where it ranks alone."""

    def now(self) -> None:
        """Look up nothing: the level is the same for all rows."""

    def of(self, column: Column) -> FloatArray:
        """Return the values."""
        return np.asarray(column, dtype=np.float64)

    def width(self, value: float, error: float) -> float:
        """Return the error."""
        return 2 * error

    def value_at(self, term: FloatArray) -> FloatArray:
        """Return the term."""
        return term


class FromTable(Term):
    """Strength times the logarithm of a table's entry."""

    def __init__(self, form: Shared, strength: float) -> None:
        super().__init__(strength)
        self.form = form
        self.now()

    def now(self) -> None:
        """Look up the table."""
        self._logs = self.strength * np.log(np.maximum(self.form.table(), TINY))

    def column(self, rows: Rows | slice) -> Rows:
        """Return the places in the table."""
        return self.form.index[rows]

    def of(self, column: Column) -> FloatArray:
        """Return the logarithms."""
        found: FloatArray = self._logs[column]
        return found


class Moved(Term):
    """Strength times the logarithm of what a number that moved since it was noted can give."""

    def __init__(self, form: Drifting, strength: float) -> None:
        super().__init__(strength)
        self.form = form
        self.drift = 0.0
        form.refresh()
        self.now()

    def now(self) -> None:
        """Look up how far the numbers can have moved."""
        self.drift = self.form.drift("upper" if self.sign > 0 else "lower")

    def column(self, rows: Rows | slice) -> FloatArray:
        """Return the numbers as they were noted."""
        return self.form.noted(rows)

    def of(self, column: Column) -> FloatArray:
        """Return the logarithms."""
        values = self.form.objective_of(np.add(column, self.drift, dtype=np.float64))
        term = np.log(np.maximum(values, TINY, out=values), out=values)
        term *= self.strength
        return term


def terms_of(parts: Sequence[Part]) -> list[Term]:
    """Return the terms of parts that have a form."""
    terms: list[Term] = []
    for part in parts:
        form = part.objective.form()
        if isinstance(form, Shared):
            terms.append(FromTable(form, part.strength))
        elif isinstance(form, Drifting):
            terms.append(Moved(form, part.strength))
        elif form is not None:
            kind = Alone if len(parts) == 1 and isinstance(form, Falling) else Added
            terms.append(kind(form, part.strength))
    return terms


def total(terms: Sequence[Term], columns: Sequence[Column]) -> FloatArray:
    """Return the scores of rows, from above."""
    score: FloatArray = terms[0].of(columns[0])
    for term, column in zip(terms[1:], columns[1:], strict=True):
        score = score + term.of(column)
    return score
