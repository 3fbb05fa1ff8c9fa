"""All rows of a selection that are ranked by the same parts, with values that bound theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from selectlab import threads
from selectlab.engine.frontier import Cells, Corners
from selectlab.engine.plan import Part
from selectlab.engine.scores import exact_scores, slack_of
from selectlab.engine.terms import Added, Alone, FromTable, Moved, terms_of, total
from selectlab.forms import Falling
from selectlab.objective import BoolArray, FloatArray, Rows

_BLOCK_ROWS = 65_536
_MANY_ROWS = 1 << 20
_SAMPLE_ROWS = 2048
_FEW_SELECTED = 8
_AT_ONCE = 256


class Phase:
    """The rows that may be picked now, and how good each can be.

    Args:
        parts: What ranks the rows.
        live: (N,) the rows; changed by the caller as they are picked.
        pool_rows: How many rows a pool should have.

    Attributes:
        terms: What the scores are made of.
    """

    def __init__(self, parts: Sequence[Part], live: BoolArray, pool_rows: int) -> None:
        self.parts, self.live = parts, live
        self.terms = terms_of(parts)
        self._pool_rows = pool_rows
        self._falling = [
            (i, term.form)
            for i, term in enumerate(self.terms)
            if isinstance(term, Added) and isinstance(term.form, Falling)
        ]
        self._score = np.empty(len(live))
        self._cells: Cells | None = None
        self._sample = np.empty(0, dtype=np.intp)

    @property
    def started(self) -> bool:
        """True once no value of a row can rise any more."""
        return all(form.n_selected for _, form in self._falling)

    def now(self) -> None:
        """Look up what all rows have in common, after a pick."""
        for term in self.terms:
            term.now()

    def pool(self) -> tuple[Rows, list[Corners]]:
        """Return the best rows, a few thousand, and corners of all the others."""
        self._note()
        n_live = int(np.count_nonzero(self.live))
        for _, form in self._falling:
            if form.n_selected <= _FEW_SELECTED:
                form.refresh(slice(0, len(self.live)))
        if n_live <= 2 * self._pool_rows:
            return np.flatnonzero(self.live), []
        self._bound_all()
        wanted = self._pool_rows
        while True:
            threshold = self._threshold(n_live, wanted)
            self._refresh_above(threshold)
            best = np.flatnonzero(self._score >= threshold)
            if len(best) or wanted >= n_live:
                break
            wanted *= 4
        if len(best) > 4 * wanted:
            best = best[_highest(self._score[best], 2 * wanted)]
        if len(best) == n_live:
            return best, []
        outside = self.live.copy()
        outside[best] = False
        return best, [self._corners(_rows_of(outside))]

    def best_of(self, pool: Rows, n_rows: int) -> Rows:
        """Return about the best ``n_rows`` of a pool, ascending, their values brought up to date.

        They are at least one, and more where values are equal.
        """
        n_rows = max(1, min(n_rows, int(n_rows / self._vectors_per_row())))
        if len(pool) <= n_rows:
            return pool
        return pool[_highest(self._nth_best(pool, n_rows)[1], n_rows)]

    def _nth_best(self, rows: Rows, n: int) -> tuple[float, FloatArray]:
        """Return the ``n``-th best score of rows, and all as far as they are brought up to date.

        Those that look best are brought up to date first: few of the others can be as good.
        """
        score = self._bound(rows)
        some = _highest(score, min(2 * n, len(rows)))
        self._refresh(rows[some], None)
        score[some] = self._bound(rows[some])
        threshold = _nth_highest(score[some], n)
        rest = np.flatnonzero(score > threshold)
        self._refresh(rows[rest], threshold)
        score[rest] = self._bound(rows[rest])
        return _nth_highest(score, n), score

    def corners(self, rows: Rows) -> Corners:
        """Return points that none of ``rows``, ascending, can beat."""
        return self._corners([rows])

    def _corners(self, blocks: Iterable[Rows]) -> Corners:
        if self._cells is None:
            self._cells = self._make_cells()
        forms = [form for _, form in self._falling]
        return self._cells.corners((rows, [form.upper(rows) for form in forms]) for rows in blocks)

    def best_of_all(self) -> int | None:
        """Return the best live row; of equal ones the lowest."""
        if not self.live.any():
            return None
        self._note()
        self._bound_all()
        while True:
            top = int(self._score.argmax())
            if self._make_current(np.array([top], dtype=np.intp)):
                continue
            row = np.array([top], dtype=np.intp)
            low = float(exact_scores(self.parts, row)[0])
            alone = len(self.terms) == 1 and isinstance(self.terms[0], Alone)
            slack = 0.0 if alone else slack_of(self.parts, low)
            rivals = np.flatnonzero(self._score >= low - slack)
            if not self._make_current(rivals):
                return self._best_rival(rivals)

    def _best_rival(self, rivals: Rows) -> int:
        """Return the exactly best row; of equal ones the lowest. Few are compared at a time."""
        at_once = max(2, _BLOCK_ROWS)
        while len(rivals) > at_once:
            winners = []
            for block in threads.cut(len(rivals), at_once):
                rows = rivals[block]
                winners.append(rows[int(np.argmax(exact_scores(self.parts, rows)))])
            rivals = np.array(winners, dtype=np.intp)
        return int(rivals[int(np.argmax(exact_scores(self.parts, rivals)))])

    def _note(self) -> None:
        """Look up what has changed since the last time all rows were looked at."""
        for term in self.terms:
            if isinstance(term, Moved):
                term.form.refresh()
                self._cells = None
        self.now()

    def _make_current(self, rows: Rows) -> bool:
        """Bring the bounds of rows up to date, and of some more; False when they were."""
        stale = self._stale(rows)
        if not len(stale):
            return False
        if len(stale) < _AT_ONCE < len(self._score):
            best = _highest(self._score, _AT_ONCE)
            stale = np.union1d(stale, self._stale(best[self.live[best]]))
        self._refresh(stale, None)
        self._score[stale] = self._bound(stale)
        return True

    def _stale(self, rows: Rows) -> Rows:
        stale = np.zeros(len(rows), dtype=np.bool_)
        for _, form in self._falling:
            stale |= ~form.is_current(rows)
        return rows[stale]

    def _bound(self, rows: Rows | slice) -> FloatArray:
        """Return the scores of some rows, from above."""
        return total(self.terms, [term.column(rows) for term in self.terms])

    def _bound_all(self) -> None:
        """Write the scores of all live rows, from above."""

        def bound(block: slice) -> None:
            score = self._score[block]
            score[:] = self._bound(block)
            np.copyto(score, -np.inf, where=~self.live[block])

        threads.over(threads.cut(len(self._score), _BLOCK_ROWS), bound)

    def _threshold(self, n_live: int, wanted: int) -> float:
        """Return a score that about ``wanted`` rows reach, by a sample."""
        sample = self._sample[self.live[self._sample]]
        if len(sample) < min(_SAMPLE_ROWS, n_live) // 2:
            sample = self._sample = self._draw(n_live)
        above = min(max(1, int(len(sample) * wanted / n_live)), len(sample))
        threshold, score = self._nth_best(sample, above)
        self._score[sample] = score
        return threshold

    def _draw(self, n_live: int) -> Rows:
        """Return about ``_SAMPLE_ROWS`` live rows, ascending; the same ones every time."""
        generator = np.random.default_rng(0)
        drawn = generator.integers(n_live, size=_SAMPLE_ROWS)
        rows: Rows = np.flatnonzero(self.live)[np.unique(drawn)]
        return rows

    def _refresh_above(self, threshold: float) -> None:
        """Bring rows up to date whose bound is above a score, as far as they stay above it."""
        for block in threads.cut(len(self._score), _MANY_ROWS):
            above = np.flatnonzero(self._score[block] > threshold) + block.start
            rows = self._stale(above)
            self._refresh(rows, threshold)
            self._score[rows] = self._bound(rows)

    def _refresh(self, rows: Rows, threshold: float | None) -> None:
        """Bring the falling values of rows up to date, down to what ``threshold`` takes."""
        if not len(rows):
            return
        for i, form in self._falling:
            floor = None if threshold is None else self._floor(i, rows, threshold)
            form.refresh(rows, floor)

    def _floor(self, i: int, rows: Rows, threshold: float) -> FloatArray:
        """Return the value of term ``i`` below which a row cannot reach the threshold."""
        term = self.terms[i]
        assert isinstance(term, Added)
        left = np.full(len(rows), threshold)
        for other in self.terms:
            if other is not term:
                left -= other.of(other.column(rows))
        return term.value_at(left)

    def _vectors_per_row(self) -> float:
        """How many core rows' worth a row is."""
        return max([1.0, *(form.core_share for _, form in self._falling)])

    def _make_cells(self) -> Cells:
        """Put the rows into cells by what does not change."""
        group: Rows | None = None
        for term in self.terms:
            if isinstance(term, FromTable):
                index = term.form.index
                if group is not None:
                    combined = group * (int(index.max()) + 1) + index
                    index = np.unique(combined, return_inverse=True)[1].reshape(-1)
                group = index
        fixed = [
            np.multiply(term.column(slice(0, len(self.live))), term.sign, dtype=np.float64)
            for term in self.terms
            if not isinstance(term, FromTable)
            and not (isinstance(term, Added) and isinstance(term.form, Falling))
        ]
        return Cells(group, fixed, len(self.live))


def _rows_of(mask: BoolArray) -> Iterator[Rows]:
    """Yield the rows where a mask is true, some at a time."""
    for block in threads.cut(len(mask), _MANY_ROWS):
        rows = np.flatnonzero(mask[block]) + block.start
        if len(rows):
            yield rows


def _nth_highest(score: FloatArray, n: int) -> float:
    return float(np.partition(score, len(score) - n)[len(score) - n])


def _highest(score: FloatArray, n: int) -> Rows:
    """Return the places of the ``n`` highest scores, ascending; of equal ones the first."""
    if n >= len(score):
        return np.arange(len(score), dtype=np.intp)
    threshold = np.partition(score, len(score) - n)[len(score) - n]
    above = np.flatnonzero(score > threshold)
    equal = np.flatnonzero(score == threshold)[: n - len(above)]
    places: Rows = np.sort(np.concatenate([above, equal]))
    return places
