"""The search that looks at few rows: stale values bound those of now.

Three levels. All rows carry values that were right at some time; those that could be among the
best are brought up to date and make the pool. The best few hundred of the pool make the core
(:mod:`selectlab.engine.core_rows`), whose scores are known at every pick. A pick is right as
long as no row outside of the core can be as good, which the corners of
:mod:`selectlab.engine.frontier` tell; else the core is made anew from the pool, then the pool
from all rows, and at last one pick is found among all rows (exact ties across the levels that
nothing else settles end there).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from selectlab import threads
from selectlab.engine.core_rows import Core
from selectlab.engine.frontier import Corners
from selectlab.engine.phase import Phase
from selectlab.engine.plan import Plan
from selectlab.engine.search import Search, broken
from selectlab.forms import Falling, Shared
from selectlab.objective import BoolArray, Rows
from selectlab.resources import current

_MOST_CLASSES = 4096
_LONGEST_PAUSE = 64
_LEAST_POOL_ROWS, _MOST_POOL_ROWS = 1024, 4096
_BLOCK_ROWS = 65_536


def reason_not_lazy(plan: Plan) -> str | None:
    """Return why every row of a plan must be looked at for every pick; ``None``: it need not."""
    for part in plan.parts:
        form = part.objective.form()
        if form is None:
            return f"{part.label} does not say how it depends on the row"
        if isinstance(form, Falling) and part.strength < 0:
            return f"{part.label} has a negative strength, and bounds on one side only"
        if isinstance(form, Shared) and len(form.table()) > _MOST_CLASSES:
            return f"{part.label} has {len(form.table())} different class vectors"
        for condition in part.objective.conditions:
            if not condition.lasting and condition.action != "stop":
                return f"{condition.text} may be broken now and kept later"
    masks = [p.objective.unranked for p in plan.parts if p.objective.unranked is not None]
    if any(not np.array_equal(masks[0], mask) for mask in masks[1:]):
        return "different strategies have nothing to judge different samples by"
    return None


class Lazy(Search):
    """Finds the rows of plans whose parts all have a form.

    Args:
        plan: What to search; :func:`reason_not_lazy` has nothing against it.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        sizes = current()
        n_rows = len(self.open)
        self._closed: BoolArray = np.zeros(n_rows, dtype=np.bool_)
        # Bounds of a product fall slowly, and one of many picks has room for many rows.
        many = _MOST_POOL_ROWS if len(plan.parts) > 1 else min(plan.n_picks, _MOST_POOL_ROWS)
        self._pool_rows = sizes.pool_rows or max(_LEAST_POOL_ROWS, many, n_rows // 256)
        self._core_rows = sizes.core_rows or 512
        self._phase: Phase | None = None
        self._pool: Rows | None = None
        self._outside: list[Corners] = []
        self._core: Core | None = None
        self._fresh = False
        self._pause = self._waited = 0
        self._rounds = {"pools": 0, "cores": 0, "one by one": 0}
        self._guard = _lone_guard(self)

    def next(self, most: int) -> list[int] | str:
        """Return the best rows, one or more in order, or why there is none."""
        while True:
            if self._phase is None and not self._begin_phase():
                reason = self.allowed()
                assert isinstance(reason, str)
                return reason
            rows = self._burst(most)
            if rows:
                return rows
            row = self._best()
            if row is None:
                self._phase = self._pool = self._core = None
            elif self._surely_kept(row):
                return [row]
            elif broken(self.skips, row) is not None:
                self._close(np.array([row], dtype=np.intp))
                if self._core is None:
                    self._close_all_barred()
            else:
                return self.stopped_by(row) or [row]

    def take(self, rows: Rows) -> None:
        """Select rows."""
        super().take(rows)
        if self._phase is not None:
            self._phase.live[rows] = False
            self._phase.now()
        if self._core is not None:
            self._core.take(rows)
            self._fresh = False
            self._pause = 0

    def facts(self) -> dict[str, Any]:
        """Return how many rounds it took."""
        return {"search": "lazy", "rounds": dict(self._rounds)}

    def _begin_phase(self) -> bool:
        """Turn to the open rows that fewest parts have nothing to judge by."""
        live = self.open & ~self._closed
        if not live.any():
            return False
        parts = self.parts
        if self.tier is not None:
            lowest = self.tier[live].min()
            live &= self.tier == lowest
            if lowest:
                parts = [part for part in parts if part.objective.unranked is None]
        self._phase = Phase(parts, live, self._pool_rows)
        self._pause = 0
        return True

    def _burst(self, most: int) -> list[int]:
        """Return rows that are surely next and keep all conditions, where that is quick to tell."""
        if self._core is None or (self._guard is None and (self.skips or self.stops)):
            return []
        return self._core.burst(-np.inf if self._guard is None else self._guard[1], most)

    def _best(self) -> int | None:
        """Return the best live row of the phase; ``None`` when there is none left."""
        phase = self._phase
        assert phase is not None
        if not phase.terms:
            first = int(phase.live.argmax())
            return first if phase.live[first] else None
        while True:
            if self._core is not None:
                row = self._core.best()
                if row is not None:
                    return row
                if not self._core.taken:
                    self._pool = None
                self._core.put_back()
                self._core = None
            if self._pool is None:
                if self._fresh or self._waited < self._pause or not phase.started:
                    return self._one_by_one(phase)
                self._pool, self._outside = phase.pool()
                self._rounds["pools"] += 1
                self._fresh = True
            self._core = self._make_core(phase)
            if self._core is None:
                self._pool = None
                self._fresh = False
                self._close_all_barred()
                if not phase.live.any():
                    return None

    def _one_by_one(self, phase: Phase) -> int | None:
        """Find the best row among all, and wait before trying a pool again where that is vain."""
        if self._fresh:
            self._pause = min(2 * self._pause + 1, _LONGEST_PAUSE)
            self._waited = 0
        else:
            self._waited += 1
        self._fresh = False
        self._rounds["one by one"] += 1
        return phase.best_of_all()

    def _make_core(self, phase: Phase) -> Core | None:
        """Make a core of the best rows of the pool; ``None`` when none of it may be picked."""
        assert self._pool is not None
        while True:
            pool = self._pool[phase.live[self._pool]]
            if not len(pool):
                return None
            rows = phase.best_of(pool, self._core_rows)
            barred = self._barred(rows)
            if not barred.any():
                break
            self._close(rows[barred])
        self._rounds["cores"] += 1
        self._pool = pool
        rest = pool[~np.isin(pool, rows, assume_unique=True)]
        others = self._outside + ([phase.corners(rest)] if len(rest) else [])
        return Core(rows, phase.terms, phase.parts, others)

    def _barred(self, rows: Rows) -> BoolArray:
        """Return True for rows that may never be picked."""
        barred = np.zeros(len(rows), dtype=np.bool_)
        for condition in self.skips:
            barred |= condition.breaks(rows)
        return barred

    def _close_all_barred(self) -> None:
        """Leave alone all rows that may never be picked, so as not to meet them one by one."""
        assert self._phase is not None
        for block in threads.cut(len(self.open), _BLOCK_ROWS):
            rows = np.flatnonzero(self._phase.live[block]) + block.start
            if len(rows):
                self._close(rows[self._barred(rows)])

    def _close(self, rows: Rows) -> None:
        """Leave rows alone for the rest of the run."""
        assert self._phase is not None
        self._closed[rows] = True
        self._phase.live[rows] = False
        if self._core is not None:
            self._core.close(rows)

    def _surely_kept(self, row: int) -> bool:
        """True where no condition needs to be asked."""
        if not (self.skips or self.stops):
            return True
        if self._guard is None or self._core is None:
            return False
        form, safe_from = self._guard
        value = self._core.value_of(form, row)
        return value is not None and value >= safe_from


def _lone_guard(search: Search) -> tuple[Falling, float] | None:
    """Return the only form that has conditions, and the value from which on it keeps them."""
    having = [i for i, part in enumerate(search.parts) if part.objective.conditions]
    n_conditions = sum(len(search.parts[i].objective.conditions) for i in having)
    if len(having) != 1 or n_conditions != len(search.skips) + len(search.stops):
        return None
    form = search.parts[having[0]].objective.form()
    if not isinstance(form, Falling) or form.safe_from is None:
        return None
    return form, form.safe_from
