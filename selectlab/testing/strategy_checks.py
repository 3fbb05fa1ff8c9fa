"""Checks of strategies and their objectives, on made-up signals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from selectlab.engine import greedy
from selectlab.objective import BoolArray, FloatArray, Objective, Reason, Rows, Side
from selectlab.running_sum import RunningSum
from selectlab.testing.spec_checks import instances, require, some
from selectlab.testing.specimens import Case, cases
from selectlab.types import Strategy

__all__ = ["STRATEGY_CHECKS"]

_SIDES: tuple[Side, Side] = ("lower", "upper")

_STEPS = 5


def check_values_do_not_depend_on_batch(cls: type[Strategy], *examples: Strategy) -> None:
    """A row's objective and conditions are the same, whichever rows are asked for with it."""
    for case in _ranking_cases(cls, examples):
        for objective, rows in _steps(case):
            _one_by_one(objective.exact, rows, f"{case}: exact()")
            for condition in objective.conditions:
                _one_by_one(condition.breaks, rows, f"{case}: condition {condition.text!r}")


def check_values_are_finite(cls: type[Strategy], *examples: Strategy) -> None:
    """Objectives are finite float64, one per row."""
    for case in _ranking_cases(cls, examples):
        for objective, rows in _steps(case):
            values = objective.exact(rows)
            require(
                values.shape == rows.shape and values.dtype == np.float64,
                f"{case}: exact() gave {values.dtype}{list(values.shape)} for {len(rows)} rows",
            )
            ranked = _ranked(objective, rows)
            require(bool(np.isfinite(values[ranked]).all()), f"{case}: exact() is not finite")


def check_bounds_hold(cls: type[Strategy], *examples: Strategy) -> None:
    """``bound()`` is on its side of ``exact()`` at every step, in blocks of any size."""
    for case in _ranking_cases(cls, examples):
        n = len(case.signal)
        for objective, rows in _steps(case):
            values = objective.exact(rows)
            slack = 1e-12 * np.abs(values)
            for cut in {0, n // 3}:
                low, high = (_bounds(objective, (0, cut, n), side)[rows] for side in _SIDES)
                inside = (low <= values + slack) & (values - slack <= high)
                inside |= ~_ranked(objective, rows)
                require(bool(inside.all()), f"{case}: bound() does not enclose exact()")


def check_order_of_adding_is_no_matter(cls: type[Strategy], *examples: Strategy) -> None:
    """The same rows added in another order, or one by one, give the same bits."""
    for case in _ranking_cases(cls, examples):
        added, rest = np.split(case.open_rows(), [len(case.open_rows()) // 2])
        one_by_one = [added[i : i + 1] for i in range(len(added))]
        values = []
        for batches in ([added], [added[::-1]], one_by_one[::2] + one_by_one[1::2]):
            objective = _started(case)
            for batch in batches:
                objective.add(batch)
            values.append(objective.exact(rest))
        same = np.array_equal(values[0], values[1]) and np.array_equal(values[0], values[2])
        require(same, f"{case}: the order of add() matters; add floats up in an ExactSum")


def check_runs_are_separate(cls: type[Strategy], *examples: Strategy) -> None:
    """Two runs of one strategy share no state."""
    for case in _ranking_cases(cls, examples):
        one, other = _started(case), _started(case)
        rows = case.open_rows()
        before = other.exact(rows).copy()
        one.add(rows[:_STEPS])
        require(np.array_equal(before, other.exact(rows)), f"{case}: runs share their state")


def check_signal_stays_as_it_is(cls: type[Strategy], *examples: Strategy) -> None:
    """The arrays of the signal are only read."""
    for case in _ranking_cases(cls, examples):
        before = [np.array(array) for array in case.signal.arrays()]
        for objective, rows in _steps(case):
            for side in _SIDES:
                _bounds(objective, (0, len(case.signal)), side)
            objective.reason(int(rows[0]))
        for array, copy in zip(case.signal.arrays(), before, strict=True):
            require(np.array_equal(array, copy), f"{case}: an array of the signal was changed")


def check_equal_rows_tie(cls: type[Strategy], *examples: Strategy) -> None:
    """Where every row has the same value, every row is equally good, at every step.

    Strategies that draw at random say so (``draws_at_random``) and are not held to this.
    """
    if cls.draws_at_random:
        return
    for case in _ranking_cases(cls, examples, constant=True):
        for objective, rows in _steps(case):
            values = objective.exact(rows)
            require(bool((values == values[0]).all()), f"{case}: equal rows differ: {values}")


def check_bounds_change_no_pick(cls: type[Strategy], *examples: Strategy) -> None:
    """A full run with ``bound()`` picks what a run without it picks, alone and with another."""
    for case in _ranking_cases(cls, examples):
        for strength in (1.0, -1.0, 0.5):
            for joint in (False, True):
                lazy = _ranking(_started(case), case, strength, joint)
                eager = _ranking(_Eager(_started(case)), case, strength, joint)
                require(lazy == eager, f"{case}: picks {lazy}, without bound() {eager}")


def check_reasons(cls: type[Strategy], *examples: Strategy) -> None:
    """``reason()`` says something, names what it refers to, and changes nothing."""
    for case in _ranking_cases(cls, examples):
        added = set(case.preselected.tolist())
        for objective, rows in _steps(case):
            before = objective.exact(rows).copy()
            reason = objective.reason(int(rows[0]))
            same = np.array_equal(before, objective.exact(rows))
            require(same, f"{case}: asking for a reason changes the objective")
            for name in ("nearest", "query"):
                given = getattr(reason, name) is not None
                require(
                    given or f"{{{name}}}" not in reason.text,
                    f"{case}: reason {reason.text!r} without {name!r}",
                )
            selected = added | (set(case.open_rows().tolist()) - set(rows.tolist()))
            require(
                reason.nearest is None or reason.nearest in selected,
                f"{case}: nearest {reason.nearest} is not selected",
            )


def check_filter_looks_at_one_row(cls: type[Strategy], *examples: Strategy) -> None:
    """A strategy ranks or filters; a filter keeps a row whatever the others are."""
    for example in instances(cls, examples):
        for case in some(cases(example), f"{example!r}: accepts no made-up signal"):
            kept = example.keeps(case.signal)
            if kept is None:
                require(case.start() is not None, f"{case}: neither ranks nor filters")
                continue
            require(kept.dtype == np.bool_, f"{case}: keeps() gave {kept.dtype}, not bool")
            for row in range(len(case.signal)):
                alone = example.keeps(case.signal.take(np.array([row], dtype=np.intp)))
                same = alone is not None and bool(alone[0] == kept[row])
                require(same, f"{case}: keeps() of row {row} depends on other rows")


STRATEGY_CHECKS = (
    check_values_do_not_depend_on_batch,
    check_values_are_finite,
    check_bounds_hold,
    check_order_of_adding_is_no_matter,
    check_runs_are_separate,
    check_signal_stays_as_it_is,
    check_equal_rows_tie,
    check_bounds_change_no_pick,
    check_reasons,
    check_filter_looks_at_one_row,
)


def _ranking_cases(
    cls: type[Strategy], examples: Sequence[Strategy], *, constant: bool = False
) -> Iterator[Case]:
    """Yield the cases of strategies that rank; a filter has none."""
    for example in instances(cls, examples):
        accepted = cases(example, constant=constant)
        for case in some(accepted, f"{example!r}: accepts no made-up signal"):
            if case.start() is not None:
                yield case


def _started(case: Case) -> Objective:
    objective = case.start()
    assert objective is not None
    return objective


def _steps(case: Case) -> Iterator[tuple[Objective, Rows]]:
    """Yield a running objective and the open rows, before each of a few picks."""
    objective, rows = _started(case), case.open_rows()
    for _ in range(min(_STEPS, len(rows))):
        yield objective, rows
        best = rows[int(np.argmax(objective.exact(rows)))]
        objective.add(np.array([best], dtype=np.intp))
        rows = rows[rows != best]


def _bounds(objective: Objective, ends: Sequence[int], side: Side) -> FloatArray:
    """Return the bounds of all rows, asked for block by block."""
    blocks = pairwise(ends)
    return np.concatenate([objective.bound(slice(*block), side) for block in blocks])


def _ranked(objective: Objective, rows: Rows) -> BoolArray:
    """Return which rows are judged by their value."""
    if objective.unranked is None:
        return np.ones(len(rows), dtype=np.bool_)
    return ~objective.unranked[rows]


def _one_by_one(ask: Callable[[Rows], Any], rows: Rows, what: str) -> None:
    together = ask(rows)
    alone = np.concatenate([ask(rows[i : i + 1]) for i in range(len(rows))])
    backwards = ask(rows[::-1])[::-1]
    same = np.array_equal(together, alone) and np.array_equal(together, backwards)
    require(same, f"{what} of a row depends on the rows asked for with it")


class _Eager(Objective):
    """An objective without its bounds."""

    def __init__(self, inner: Objective) -> None:
        self._inner = inner
        self.conditions = inner.conditions
        self.unranked = inner.unranked

    def exact(self, rows: Rows) -> FloatArray:
        return self._inner.exact(rows)

    def add(self, rows: Rows) -> None:
        self._inner.add(rows)


def _ranking(
    objective: Objective, case: Case, strength: float, joint: bool
) -> list[tuple[int, float]]:
    """Return the rows picked by a run, with their scores."""
    parts = [greedy.Part(0, "checked", strength, objective)]
    if joint:
        gains = np.random.default_rng(7).integers(1, 4, size=len(case.signal)) / 4
        parts.append(greedy.Part(1, "other", 1.0, RunningSum(gains, lambda row: Reason(""))))
    candidates = np.zeros(len(case.signal), dtype=np.bool_)
    candidates[case.open_rows()] = True
    outcome = greedy.run(greedy.Plan(parts, candidates, 8))
    return [(pick.row, pick.score) for pick in outcome.picks]
