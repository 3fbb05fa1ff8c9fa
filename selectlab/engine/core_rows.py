"""The few rows that picks come from, followed exactly, beside the best that all others can be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from selectlab.engine.frontier import Corners
from selectlab.engine.plan import Part
from selectlab.engine.scores import exact_scores, slack_of
from selectlab.engine.terms import Added, Alone, Column, FromTable, Moved, Term, total
from selectlab.forms import CloseUp, Falling
from selectlab.objective import Rows


class Core:
    """A few hundred rows whose scores are known at every pick.

    Args:
        rows: The rows, ascending.
        terms: What the score is made of.
        parts: The same parts, for exact comparisons.
        others: Corners of all rows that are not in the core.
    """

    def __init__(
        self,
        rows: Rows,
        terms: Sequence[Term],
        parts: Sequence[Part],
        others: Sequence[Corners],
    ) -> None:
        self.rows = rows
        self.taken = 0
        self._terms, self._parts = terms, parts
        self._closed = np.zeros(len(rows))
        self._alone = len(terms) == 1 and isinstance(terms[0], Alone)
        self._close_ups: list[CloseUp | None] = [
            term.form.close_up(rows)
            if isinstance(term, Added) and isinstance(term.form, Falling)
            else None
            for term in terms
        ]
        self._columns = self._with_corners(others)
        self._lowest = np.concatenate([np.empty(0, dtype=np.intp), *(c.rows for c in others)])
        self._score = np.empty(0)

    def best(self) -> int | None:
        """Return the best row; ``None`` when one outside of the core could be as good."""
        at = self._look()
        top = float(self._score[at])
        if top == -np.inf:
            return None
        low = top - sum(
            term.width(float(column[at]), close.error)
            for term, column, close in zip(self._terms, self._columns, self._close_ups, strict=True)
            if close is not None
        )
        bar = low if self._alone else low - slack_of(self._parts, low)
        size = len(self.rows)
        rivals = np.flatnonzero(self._score[:size] >= bar)
        if len(rivals) > 1:
            at = int(rivals[int(np.argmax(exact_scores(self._parts, self.rows[rivals])))])
        outer = self._score[size:]
        if len(outer) and outer.max() >= bar and not self._ahead(at, np.flatnonzero(outer >= bar)):
            return None
        return int(self.rows[at])

    def _ahead(self, at: int, corners: Rows) -> bool:
        """Return whether a row of the core is at least as good as corners, and before them.

        Where it is so in every column, no rounding can make it otherwise.
        """
        if self.rows[at] > self._lowest[corners].min():
            return False
        places = len(self.rows) + corners
        for term, column, close in zip(self._terms, self._columns, self._close_ups, strict=True):
            if isinstance(term, FromTable):
                behind = term.of(column[places]) <= term.of(column[at : at + 1])[0]
            elif close is None:
                behind = term.sign * column[places] <= term.sign * column[at]
            else:
                behind = column[places] <= max(float(close.values[at]) - close.error, 0.0)
            if not behind.all():
                return False
        return True

    def value_of(self, form: Falling, row: int) -> float | None:
        """Return a lower bound of the falling value of a row, if it is followed here."""
        for term, close in zip(self._terms, self._close_ups, strict=True):
            if close is not None and isinstance(term, Added) and term.form is form:
                at = int(np.searchsorted(self.rows, row))
                return float(close.values[at]) - close.error
        return None

    def burst(self, above: float, most: int) -> list[int]:
        """Return rows that are surely the next picks, in order, where a distance ranks alone.

        Args:
            above: Only rows whose value is surely above this.
            most: Number of rows wanted.
        """
        close = self._close_ups[0]
        if not self._alone or close is None:
            return []
        outer = [self._columns[0][len(self.rows) :].max()] if len(self._lowest) else []
        places = close.burst(self._closed, max([above, *outer]), most)
        return [int(row) for row in self.rows[places]]

    def take(self, rows: Rows) -> None:
        """Account for picks of the core, once the objectives have."""
        self._closed[np.searchsorted(self.rows, rows)] = -np.inf
        self.taken += len(rows)
        for close in self._close_ups:
            if close is not None:
                close.add(rows)

    def close(self, rows: Rows) -> None:
        """Leave rows alone from now on, as far as they are in the core."""
        self._closed[np.isin(self.rows, rows)] = -np.inf

    def put_back(self) -> None:
        """Leave what was found about the rows, for the next core."""
        for close in self._close_ups:
            if close is not None:
                close.put_back()

    def _look(self) -> int:
        """Score the core and the corners; return the place of the best of the core."""
        size = len(self.rows)
        for term, column, close in zip(self._terms, self._columns, self._close_ups, strict=True):
            if close is not None:
                np.add(close.values, close.error, out=column[:size])
            elif isinstance(term, Moved):
                np.subtract(term.form.now(self.rows), term.drift, out=column[:size])
        self._score = total(self._terms, self._columns)
        head = self._score[:size]
        head += self._closed
        return int(head.argmax())

    def _with_corners(self, others: Sequence[Corners]) -> list[Column]:
        """Return each term's column of the core, followed by that of the corners."""
        columns: list[Column] = []
        n_fixed = n_falling = 0
        for term in self._terms:
            own = term.column(self.rows)
            if isinstance(term, FromTable):
                columns.append(np.concatenate([own, *(term.column(c.rows) for c in others)]))
            elif isinstance(term, Added) and isinstance(term.form, Falling):
                outer = [corner.falling[n_falling] for corner in others]
                columns.append(np.concatenate([own, *outer]).astype(np.float64))
                n_falling += 1
            else:
                outer = [term.sign * corner.fixed[n_fixed] for corner in others]
                columns.append(np.concatenate([own, *outer]))
                n_fixed += 1
        return columns
