"""Conditions on the samples of a dataset in one line each: ``weather=rainy``, ``det:car>=2``."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selectlab.errors import ConfigError, did_you_mean
from selectlab.validation import shortened

if TYPE_CHECKING:
    import numpy.typing as npt

    from selectlab.dataset import Dataset

    BoolArray = npt.NDArray[np.bool_]

ANY_CATEGORY = "*"
GRAMMAR = (
    "expected KEY=VALUE of metadata, such as weather=rainy, or TASK:CATEGORY>=N or TASK:SCORE>X "
    "of predictions, such as det:car>=2; comparisons are = != < <= > >="
)

_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_SIGNS = frozenset("<>=!")
MOST_CHARACTERS = 1000
"""The longest condition that is read."""


@dataclass(frozen=True)
class Condition:
    """One condition.

    Attributes:
        text: As it was written.
        task: The prediction task; empty for metadata.
        key: The metadata key; or the category, the score, or ``*`` for all objects.
        how: The comparison.
        value: What to compare with.
    """

    text: str
    task: str
    key: str
    how: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition; ``det:car`` is short for ``det:car>=1``.

        Raises:
            ConfigError: It is none.

        Example:
            >>> Condition.parse("det:car >= 2")
            Condition(text='det:car >= 2', task='det', key='car', how='>=', value='2')
        """
        if len(text) > MOST_CHARACTERS:
            raise ConfigError(
                f"where {shortened(text)}: expected at most {MOST_CHARACTERS} characters, "
                f"got {len(text):,}"
            )
        what, how, value = _parted(text)
        first, colon, category = (part.strip() for part in what.partition(":"))
        task, key = (first, category) if colon else ("", first)
        if colon and what == text:
            how, value = ">=", "1"
        if not how or not value or not key or bool(task) != bool(colon):
            raise ConfigError(f"where {text!r}: {GRAMMAR}")
        return cls(text, task, key, how, value)

    def holds(self, dataset: Dataset) -> BoolArray:
        """Return which samples it holds for, (N,); never for those that have no value.

        Raises:
            ConfigError: The value is no number where there are numbers, or is no category.
            DataError: There is no such key, task or category.
        """
        return self._of_predictions(dataset) if self.task else self._of_metadata(dataset)

    def categories(self, dataset: Dataset, task: str) -> Sequence[str]:
        """Return the categories of a task that this asks objects of; none if it does not."""
        if task != self.task or self.compares(0.0, self._number()):
            return ()
        names = dataset.predictions(task).names
        return [self.key] if self.key in names else ()

    def compares(self, values: Any, other: Any) -> Any:
        """Return the comparison of values with another one."""
        return _COMPARISONS[self.how](values, other)

    def _of_metadata(self, dataset: Dataset) -> BoolArray:
        from selectlab.inputs import Metadata
        from selectlab.types import Scalars

        found = Metadata(key=self.key).load(dataset)
        known = np.ones(len(dataset), dtype=np.bool_) if found.missing is None else ~found.missing
        if isinstance(found, Scalars):
            return known & np.asarray(self.compares(found.values, self._number()), dtype=np.bool_)
        if self.how not in ("=", "!="):
            raise ConfigError(
                f"where {self.text!r}: metadata {self.key!r} is categorical and has no order; "
                "compare with = or !="
            )
        if self.value not in found.names:
            hint = did_you_mean(self.value, found.names)
            raise ConfigError(
                f"where {self.text!r}: no sample has {self.key!r} {self.value!r}{hint}"
            )
        of_it = found.codes == found.names.index(self.value)
        return np.asarray(known & (of_it if self.how == "=" else ~of_it), dtype=np.bool_)

    def _of_predictions(self, dataset: Dataset) -> BoolArray:
        task = dataset.predictions(self.task)
        if self.key in task.names or self.key == ANY_CATEGORY:
            owners = np.repeat(np.arange(len(dataset)), task.counts())
            if self.key in task.names:
                owners = owners[task.category == task.names.index(self.key)]
            counts = np.bincount(owners, minlength=len(dataset))
            return np.asarray(self.compares(counts, self._number()), dtype=np.bool_)
        return self._of_score(dataset, task.names)

    def _of_score(self, dataset: Dataset, names: Sequence[str]) -> BoolArray:
        from selectlab.inputs import Scores
        from selectlab.inputs.score_functions import SCORES

        if self.key not in SCORES:
            hint = did_you_mean(self.key, [ANY_CATEGORY, *names, *SCORES])
            raise ConfigError(
                f"where {self.text!r}: task {self.task!r} has no category or score "
                f"{self.key!r}{hint}"
            )
        found = Scores(task=self.task, score=self.key).load(dataset)
        holds = np.asarray(self.compares(found.values, self._number()), dtype=np.bool_)
        return holds if found.missing is None else holds & ~found.missing

    def _number(self) -> float:
        try:
            number = float(self.value)
        except ValueError:
            number = float("nan")
        if not np.isfinite(number):
            raise ConfigError(f"where {self.text!r}: expected a number, got {self.value!r}")
        return number


def _parted(text: str) -> tuple[str, str, str]:
    """Return what is before the comparison, the comparison, and the value, stripped."""
    at = next((at for at, sign in enumerate(text) if sign in _SIGNS), len(text))
    how = next((how for how in _COMPARISONS if text.startswith(how, at)), "")
    return text[:at], how, text[at + len(how) :].strip()


def samples_where(dataset: Dataset, conditions: Sequence[Condition]) -> BoolArray:
    """Return which samples of a dataset all conditions hold for, (N,).

    Raises:
        ConfigError: A condition does not fit the dataset.
        DataError: There is no such metadata or task.
    """
    holds = np.ones(len(dataset), dtype=np.bool_)
    for condition in conditions:
        holds &= condition.holds(dataset)
    return holds
