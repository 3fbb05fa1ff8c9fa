"""Every installed input and strategy, ours or a plug-in's, against every public check.

The second half breaks a strategy or an input in one way each and expects exactly the checks that
are there for it to notice: a check that nothing can fail checks nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from pydantic import ConfigDict

from selectlab import registry
from selectlab.dataset import Dataset
from selectlab.exports.tables import Csv
from selectlab.inputs import Metadata, Predictions
from selectlab.inputs.random import uniform
from selectlab.objective import FloatArray, Objective, Reason, Rows, Side
from selectlab.strategies.balance import Balance
from selectlab.strategies.weights import TargetRange, Weights
from selectlab.testing import CHECKS, Check, checks_for, example_dataset, examples_of
from selectlab.types import BoolArray, ExactSum, Input, Kinds, Scalars, Signal, Strategy


def _all_pairs() -> Iterator[Any]:
    installed = {**registry.strategies(), **registry.inputs()}
    for name, found in installed.items():
        for check in checks_for(found.cls):
            yield pytest.param(check, found.cls, id=f"{name}-{check.__name__}")


@pytest.mark.parametrize(("check", "cls"), list(_all_pairs()))
def test_contract(check: Check, cls: type[Any]) -> None:
    check(cls)


def test_every_check_is_for_something() -> None:
    of_all = {*checks_for(Weights), *checks_for(Metadata), *checks_for(Csv)}
    assert set(CHECKS) == of_all
    assert len(set(checks_for(Weights)) & set(checks_for(Metadata))) == 5


def test_instances_are_made_from_the_schema() -> None:
    """Weights has two optional fields: an instance without, and one with each."""
    assert examples_of(Weights) == [
        Weights(),
        Weights(stopping_condition_max_sum=0.5),
        Weights(target_range=TargetRange(min_sum=0.5, max_sum=0.5)),
    ]
    assert Balance(target={"bike": 0.5, "bus": 0.5}) in examples_of(Balance)
    assert Predictions(task="objects", name="CATEGORY_COUNT", categories=["bike"]) in examples_of(
        Predictions
    )


def test_example_dataset_does_not_depend_on_the_order() -> None:
    one, other = example_dataset(), example_dataset(range(11)[::-1])
    assert one.ids == other.ids
    for task in ("weather", "objects"):
        first, second = one.predictions(task), other.predictions(task)
        np.testing.assert_array_equal(first.offsets, second.offsets)
        np.testing.assert_array_equal(first.category, second.category)


class _Sum(Objective):
    def __init__(self, gains: FloatArray) -> None:
        self.gains = gains
        self.sum = ExactSum()

    def exact(self, rows: Rows) -> FloatArray:
        values: FloatArray = self.sum.value + self.gains[rows]
        return values

    def add(self, rows: Rows) -> None:
        for row in rows:
            self.sum.add(float(self.gains[row]))


class Sound(Strategy):
    """Pick what is high.

    Example:
        >>> Sound().describe()
        'SOUND'
    """

    type: Literal["SOUND"] = "SOUND"
    accepts: ClassVar[Kinds] = (Scalars,)
    objective: ClassVar[Any] = _Sum

    def start(self, signal: Signal) -> Objective | None:
        assert isinstance(signal, Scalars)
        objective: Objective = self.objective(np.exp(signal.values))
        return objective


class _Relative(_Sum):
    def exact(self, rows: Rows) -> FloatArray:
        values = super().exact(rows)
        return values / values.max()


class _Low(_Sum):
    def bound(self, block: slice, side: Side) -> FloatArray:
        return self.exact(np.arange(block.start, block.stop)) / 2


class _Rounding(_Sum):
    total = 0.0

    def exact(self, rows: Rows) -> FloatArray:
        values: FloatArray = self.total + self.gains[rows]
        return values

    def add(self, rows: Rows) -> None:
        for row in rows:
            self.total += float(self.gains[row])


class _Infinite(_Sum):
    def exact(self, rows: Rows) -> FloatArray:
        return np.where(self.gains[rows] > 1.0, np.inf, super().exact(rows))


_shared = ExactSum()


class _Shared(_Sum):
    def __init__(self, gains: FloatArray) -> None:
        super().__init__(gains)
        self.sum = _shared


class _Wear(_Sum):
    def add(self, rows: Rows) -> None:
        super().add(rows)
        self.gains[rows] = 0.0


class _ByRow(_Sum):
    def exact(self, rows: Rows) -> FloatArray:
        return super().exact(rows) + rows


class _Curious(_Sum):
    def reason(self, row: int) -> Reason:
        self.sum.add(1.0)
        return Reason("far from {nearest}")


class Relative(Sound):
    objective = _Relative


class Low(Sound):
    objective = _Low


class Rounding(Sound):
    objective = _Rounding


class Infinite(Sound):
    objective = _Infinite


class Shared(Sound):
    objective = _Shared


class Wearing(Sound):
    objective = _Wear

    def start(self, signal: Signal) -> Objective | None:
        assert isinstance(signal, Scalars)
        objective: Objective = self.objective(signal.values)
        return objective


class ByRow(Sound):
    objective = _ByRow


class Curious(Sound):
    objective = _Curious


class AboveMean(Sound):
    def start(self, signal: Signal) -> Objective | None:
        return None

    def keeps(self, signal: Signal) -> BoolArray | None:
        assert isinstance(signal, Scalars)
        kept: BoolArray = signal.values >= signal.values.mean()
        return kept


class Nothing(AboveMean):
    def keeps(self, signal: Signal) -> BoolArray | None:
        return None


class Loose(Sound):
    model_config = ConfigDict(extra="allow", frozen=False)


class Taken(Sound):
    type: Literal["BALANCE"] = "BALANCE"  # type: ignore[assignment]


class Lower(Sound):
    type: Literal["lower"] = "lower"  # type: ignore[assignment]


class Unexplained(Sound):
    """Pick what is high.

    Example:
        >>> 1 + 1
        2
    """

    secret: float = 1.0


def _lying() -> Any:
    class Lying(Sound):
        """Pick what is high.

        Example:
            >>> 1 + 1
            3
        """

    return Lying


class Tupled(Sound):
    """Pick what is high.

    Attributes:
        names: JSON has no tuples, and fields are strict.

    Example:
        >>> Tupled().names
        ('a',)
    """

    names: tuple[str, ...] = ("a",)


class Wordy(Sound):
    def describe(self) -> str:
        return "one\ntwo"


_BROKEN: list[tuple[Any, str]] = [
    (Relative, "check_values_do_not_depend_on_batch"),
    (Infinite, "check_values_are_finite"),
    (Low, "check_bounds_hold"),
    (Low, "check_bounds_change_no_pick"),
    (Rounding, "check_order_of_adding_is_no_matter"),
    (Shared, "check_runs_are_separate"),
    (Wearing, "check_signal_stays_as_it_is"),
    (ByRow, "check_equal_rows_tie"),
    (Curious, "check_reasons"),
    (AboveMean, "check_filter_looks_at_one_row"),
    (Nothing, "check_filter_looks_at_one_row"),
    (Loose, "check_is_frozen"),
    (Taken, "check_type_name"),
    (Lower, "check_type_name"),
    (Unexplained, "check_docstring"),
    (_lying(), "check_docstring"),
    (Tupled, "check_json_round_trip"),
    (Wordy, "check_says_what_it_is"),
]


class Steady(Input):
    """A number from the id.

    Example:
        >>> Steady().describe()
        'STEADY'
    """

    type: Literal["STEADY"] = "STEADY"
    kinds: ClassVar[Kinds] = (Scalars,)

    def load(self, dataset: Dataset) -> Signal:
        return Scalars(values=uniform(0, dataset.ids), name="steady")


class Short(Steady):
    def load(self, dataset: Dataset) -> Signal:
        return Scalars(values=uniform(0, dataset.ids[1:]), name="short")


class Holey(Steady):
    def load(self, dataset: Dataset) -> Signal:
        return Scalars(values=np.full(len(dataset), np.nan), name="holey")


class Restless(Steady):
    def load(self, dataset: Dataset) -> Signal:
        return Scalars(values=np.random.default_rng().uniform(size=len(dataset)), name="restless")


class InFileOrder(Steady):
    def load(self, dataset: Dataset) -> Signal:
        return Scalars(values=uniform(0, dataset.source.ids()), name="in file order")


class Exposed(Steady):
    def load(self, dataset: Dataset) -> Signal:
        table = dataset.source.embeddings(None)
        assert table is not None
        [(_, vectors)] = table.blocks()
        return Scalars(values=vectors[:, 0], name="exposed")


_BROKEN_INPUTS: list[tuple[Any, str]] = [
    (Short, "check_loads_a_row_per_sample"),
    (Holey, "check_loads_a_row_per_sample"),
    (Restless, "check_loads_the_same_again"),
    (InFileOrder, "check_loads_the_same_again"),
    (Exposed, "check_leaves_the_dataset_alone"),
]


@pytest.mark.parametrize("cls", [Sound, Steady])
def test_a_sound_class_passes(cls: type[Any]) -> None:
    for check in checks_for(cls):
        check(cls)


@pytest.mark.parametrize(("cls", "name"), _BROKEN + _BROKEN_INPUTS)
def test_a_break_is_noticed(cls: type[Any], name: str) -> None:
    [check] = [check for check in checks_for(cls) if check.__name__ == name]
    with pytest.raises((AssertionError, ValueError)):
        check(cls)


def test_a_class_of_unknown_needs_is_told_to_give_an_instance() -> None:
    class Demanding(Sound):
        """Pick what is high."""

        when: complex

    with pytest.raises(AssertionError, match="Demanding: no instance could be made; give the"):
        CHECKS[0](Demanding)
