"""The loop: bounds find the candidates, exact values decide, ties go to the lowest row."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from selectlab.engine import eager, frontier, greedy, phase
from selectlab.engine.greedy import Part, Plan
from selectlab.resources import Resources, using
from selectlab.strategies import Balance, Diversity, Typicality, Weights
from selectlab.types import (
    BoolArray,
    Categories,
    Condition,
    FloatArray,
    Objective,
    Reason,
    Rows,
    Scalars,
    Side,
    Vectors,
)


class Table(Objective):
    """An objective whose values are written down: one line per number of picks."""

    def __init__(self, *lines: Sequence[float], slack: Any = 0.0) -> None:
        self._lines, self._slack, self._done = [np.array(line) for line in lines], slack, 0
        self.asked: list[int] = []

    @property
    def now(self) -> FloatArray:
        return self._lines[min(self._done, len(self._lines) - 1)]

    def exact(self, rows: Rows) -> FloatArray:
        self.asked += rows.tolist()
        return self.now[rows]

    def bound(self, block: slice, side: Side) -> FloatArray:
        slack = np.broadcast_to(self._slack, self.now.shape)[block]
        return self.now[block] + (slack if side == "upper" else -slack)

    def add(self, rows: Rows) -> None:
        self._done += len(rows)

    def reason(self, row: int) -> Reason:
        return Reason(f"row {row}", value=float(self.now[row]))


def run(
    *parts: tuple[float, Objective], n: int = 3, candidates: Sequence[bool] | None = None
) -> greedy.Outcome:
    found = [Part(i, str(i), strength, objective) for i, (strength, objective) in enumerate(parts)]
    open_rows = np.ones(rows_of(parts), dtype=bool) if candidates is None else np.array(candidates)
    return greedy.run(Plan(found, open_rows, n))


def rows_of(parts: Sequence[tuple[float, Objective]]) -> int:
    return len(next(p.now for _, p in parts if isinstance(p, Table)))


def picked(outcome: greedy.Outcome) -> list[int]:
    return [pick.row for pick in outcome.picks]


def test_the_worked_example() -> None:
    """21.0 x 10.3 = 216.30, 20.8 x 10.8 = 224.64, 20.5 x 10.9 = 223.45: the second wins."""
    outcome = run((1.0, Table([21.0, 20.8, 20.5])), (1.0, Table([10.3, 10.8, 10.9])), n=1)
    (pick,) = outcome.picks
    assert pick.row == 1
    assert pick.objectives == (20.8, 10.8)
    assert pick.contributions == (math.log(20.8), math.log(10.8))
    assert pick.score == sum(pick.contributions)
    assert math.isclose(math.exp(pick.score), 224.64)
    assert [reason.text for reason in pick.reasons] == ["row 1", "row 1"]
    assert outcome.stop_reason == "n_picks 1 reached"


def test_strength_is_an_exponent() -> None:
    """3^1 / 4^1 loses to 2^1 / 2^1; with strength 2 on the first, 9 / 4 wins over 4 / 2."""
    first, second = [3.0, 2.0], [4.0, 2.0]
    assert picked(run((1.0, Table(first)), (-1.0, Table(second)), n=1)) == [1]
    assert picked(run((2.0, Table(first)), (-1.0, Table(second)), n=1)) == [0]


def test_ties_go_to_the_lowest_row() -> None:
    assert picked(run((1.0, Table([1.0, 5.0, 5.0, 5.0])), n=4)) == [1, 2, 3, 0]
    assert picked(run((-1.0, Table([5.0, 1.0, 1.0])), n=3)) == [1, 2, 0]


def test_equal_products_of_different_factors() -> None:
    """2 x 8 = 4 x 4: equal up to rounding, so nothing is asked of the order but that it holds."""
    factors = (Table([2.0, 4.0, 8.0]), Table([8.0, 4.0, 2.0]))
    assert sorted(picked(run((1.0, factors[0]), (1.0, factors[1])))) == [0, 1, 2]


def test_values_are_looked_up_anew_after_every_pick() -> None:
    """Row 2 leads first; then its fall lets row 0 win, then row 1 is left."""
    assert picked(run((1.0, Table([1, 2, 3.0], [5, 4, 0.0], [0, 1, 0.0])))) == [2, 0, 1]


def test_loose_bounds_change_nothing() -> None:
    """Every row's bound is far off; the exact values decide."""
    values = [3.0, 7.0, 5.0, 7.0]
    assert picked(run((1.0, Table(values, slack=100.0)), n=4)) == [1, 3, 2, 0]
    assert picked(run((-1.0, Table(values, slack=2.0)), n=4)) == [0, 2, 1, 3]


def test_the_best_bound_need_not_be_the_best_row() -> None:
    """Row 0 promises 13 and keeps 3; row 2 promises 9 and keeps 8."""
    values, slack = [3.0, 7.0, 8.0, 1.0], [10.0, 0.5, 1.0, 0.0]
    assert picked(run((1.0, Table(values, slack=slack)), n=4)) == [2, 1, 0, 3]
    low = [8.0, 3.0, 4.0, 9.0]
    assert picked(run((-1.0, Table(low, slack=[7.0, 0.5, 3.5, 0.0])), n=4)) == [1, 2, 0, 3]


def test_rows_that_cannot_be_best_are_not_evaluated() -> None:
    table = Table([1.0, 9.0, 2.0, 8.9])
    run((1.0, table), n=1)
    assert set(table.asked) == {1}


def test_only_candidates_are_picked() -> None:
    outcome = run((1.0, Table([1.0, 9.0, 5.0])), candidates=[True, False, True])
    assert picked(outcome) == [2, 0]
    assert outcome.stop_reason == "no sample left"


def test_zero_and_negative_objectives_are_clamped() -> None:
    """Both count as 1e-300, so the lower row comes first; 1e-299 is still better."""
    outcome = run((1.0, Table([-5.0, 0.0, 1e-299])))
    assert picked(outcome) == [2, 0, 1]
    assert outcome.picks[1].score == outcome.picks[2].score == math.log(1e-300)


def test_nothing_to_rank_by_takes_the_rows_in_order() -> None:
    outcome = greedy.run(Plan([], np.array([True, False, True, True]), 2))
    assert picked(outcome) == [0, 2]
    assert [pick.score for pick in outcome.picks] == [0.0, 0.0]


def unranked(values: Sequence[float], mask: Sequence[bool]) -> Table:
    table = Table(values)
    table.unranked = np.array(mask)
    return table


def test_rows_with_nothing_to_be_judged_by_come_last() -> None:
    """Row 1 would be best; in a joint plan fewer gaps come first, then the other parts rank."""
    first = unranked([1.0, 99.0, 2.0, 5.0], [False, True, False, True])
    assert picked(run((1.0, first), n=4)) == [2, 0, 1, 3]
    first = unranked([1.0, 99.0, 2.0, 5.0], [False, True, False, True])
    other = unranked([1.0, 2.0, 3.0, 4.0], [False, True, True, False])
    outcome = run((1.0, first), (1.0, other), n=4)
    assert picked(outcome) == [0, 3, 2, 1]
    assert outcome.picks[1].contributions == (0.0, math.log(4.0))


def limited(
    values: Sequence[float], bad: Callable[[Rows], BoolArray], action: Any
) -> tuple[float, Table]:
    table = Table(values)
    table.conditions = (Condition("the promise", bad, action),)
    return 1.0, table


def at_least_two(rows: Rows) -> BoolArray:
    broken: BoolArray = rows >= 2
    return broken


def test_skip_passes_over_rows_that_break_the_promise() -> None:
    outcome = run(limited([1.0, 2.0, 3.0, 4.0], at_least_two, "skip"), n=4)
    assert picked(outcome) == [1, 0]
    assert outcome.stop_reason == "the promise: no sample left that keeps it"
    outcome = run(limited([1.0, 2.0, 3.0], lambda rows: rows >= 0, "skip"))
    assert picked(outcome) == []
    assert outcome.stop_reason == "the promise: no sample left that keeps it"


def test_stop_ends_when_the_best_row_breaks_the_promise() -> None:
    outcome = run(limited([4.0, 1.0, 3.0, 2.0], at_least_two, "stop"), n=4)
    assert picked(outcome) == [0]
    assert outcome.stop_reason == "the promise reached"


def test_auto_stops_alone_and_skips_in_company() -> None:
    values = [4.0, 1.0, 3.0, 2.0]
    assert picked(run(limited(values, at_least_two, "auto"), n=4)) == [0]
    outcome = run(limited(values, at_least_two, "auto"), (1.0, Table([1.0] * 4)), n=4)
    assert picked(outcome) == [0, 1]


def test_skipping_comes_before_stopping() -> None:
    """Row 0 is best and skipped, so the stop that it would cause never comes."""
    table = limited([9.0, 3.0, 1.0], lambda rows: rows == 0, "skip")
    other = limited([1.0, 1.0, 1.0], lambda rows: rows == 0, "stop")
    assert picked(run(table, other)) == [1, 2]


def test_shortfalls_are_collected() -> None:
    class Short(Table):
        def shortfalls(self) -> Sequence[str]:
            return (f"{self.now[0]:g} missing",)

    outcome = run((1.0, Short([1.0, 2.0])), (1.0, Short([3.0, 4.0])), n=1)
    assert outcome.shortfalls == ["1 missing", "3 missing"]


def test_the_watcher_sees_all_rows_picked() -> None:
    seen: list[list[int]] = []
    table = Table([1.0, 2.0, 3.0])
    plan = Plan([Part(0, "0", 1.0, table)], np.ones(3, dtype=bool), 2)
    greedy.run(plan, lambda rows: seen.append(list(rows)))
    assert seen[-1] == [2, 1]


def joint(n: int = 60) -> Plan:
    """A problem with every built-in objective, duplicates and ties among it."""
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(n, 5)).astype(np.float32)
    vectors[n // 2 :] = vectors[: n - n // 2]
    weights = rng.integers(0, 4, n).astype(np.float64)
    sky = Categories(codes=rng.integers(0, 3, n), names=("sun", "rain", "snow"))
    objectives = [
        (1.0, Diversity().start(Vectors(vectors=vectors))),
        (0.5, Weights().start(Scalars(values=weights, name="w"))),
        (2.0, Balance(distribution="UNIFORM").start(sky)),
        (-0.5, Typicality(num_nearest_neighbors=3).start(Vectors(vectors=vectors))),
    ]
    parts = [Part(i, str(i), s, o) for i, (s, o) in enumerate(objectives)]
    return Plan(parts, np.ones(n, dtype=bool), n)


def test_block_sizes_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = greedy.run(joint())
    assert sorted(picked(whole)) == list(range(60))
    for size in (1, 7, 59, 60, 61):
        for module in (eager, frontier, phase):
            monkeypatch.setattr(module, "_BLOCK_ROWS", size)
        with using(Resources(pool_rows=size, core_rows=1 + size // 3)):
            assert greedy.run(joint()).picks == whole.picks


def test_the_same_plan_gives_the_same_outcome() -> None:
    assert greedy.run(joint()).picks == greedy.run(joint()).picks


def test_the_first_of_many_are_the_few() -> None:
    many = joint()
    few = Plan(joint().parts, many.candidates, 9)
    assert picked(greedy.run(few)) == picked(greedy.run(many))[:9]
