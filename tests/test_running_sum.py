"""Sums that do not depend on the order, and the objective that is one."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from selectlab.running_sum import ExactSum, RunningSum, rank_share
from selectlab.types import Reason

MODERATE = st.floats(-1e300, 1e300, allow_nan=False)


def added(terms: list[float]) -> ExactSum:
    total = ExactSum()
    for term in terms:
        total.add(term)
    return total


def test_what_plain_addition_loses() -> None:
    """1e16 + 1 is 1e16 in floats; ten tenths are not 1 when added one by one."""
    assert added([1e16, 1.0, -1e16]).value == 1.0
    assert added([0.1] * 10).value == 1.0 != sum([0.1] * 10)
    assert added([]).value == 0.0


@given(st.lists(MODERATE, max_size=30), st.randoms())
def test_it_is_the_true_sum_in_every_order(terms: list[float], order: random.Random) -> None:
    shuffled = list(terms)
    order.shuffle(shuffled)
    true = float(sum((Fraction(term) for term in terms), Fraction(0)))
    assert added(terms).value == added(shuffled).value == true == math.fsum(terms)


@given(st.lists(MODERATE, min_size=1, max_size=20))
def test_what_is_added_can_be_taken_away(terms: list[float]) -> None:
    total = added(terms)
    for term in terms:
        total.add(-term)
    assert total.value == 0.0


def running(gains: list[float], added: list[float] | None = None) -> RunningSum:
    return RunningSum(
        np.array(gains),
        lambda row: Reason(f"row {row}", value=gains[row]),
        None if added is None else np.array(added),
    )


def test_the_objective_is_the_sum_with_the_candidate() -> None:
    weights = running([0.5, 0.25, 2.0])
    assert weights.exact(np.array([2, 0])).tolist() == [2.0, 0.5]
    weights.add(np.array([2, 1]))
    assert weights.total == 2.25
    assert weights.exact(np.array([0])).tolist() == [2.75]
    for side in ("lower", "upper"):
        assert weights.bound(slice(0, 3), side).tolist() == [2.75, 2.5, 4.25]
    assert weights.reason(1).text == "row 1"


def test_objects_join_with_their_sum_and_count_with_their_mean() -> None:
    """Row 0 looks like 0.5 and brings 1.5 (three objects of 0.5)."""
    weights = running([0.5, 0.25], [1.5, 0.25])
    assert weights.exact(np.array([0])).tolist() == [0.5]
    weights.add(np.array([0]))
    assert weights.exact(np.array([1])).tolist() == [1.75]


def test_shares_are_rounded_down() -> None:
    share = rank_share(np.array([3.0, 1.0, 2.0]))
    assert [share(value) for value in (0.5, 1.0, 2.0, 3.0, 9.0)] == [
        "0 %", "0 %", "33 %", "66 %", "100 %",
    ]  # fmt: skip
