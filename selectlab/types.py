"""The words of the engine: signals, inputs, strategies and objectives.

Axis letters used throughout: N samples, D dimensions, M objects, K classes, Q queries.
This module, :mod:`selectlab.errors`, :mod:`selectlab.distances` and :mod:`selectlab.testing`
are all that a plug-in needs; writers need :mod:`selectlab.exports` too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_snake

from selectlab.class_signals import Categories, Classes, Counts
from selectlab.forms import CloseUp, Drifting, Falling, Fixed, Form, Shared
from selectlab.objective import BoolArray, Condition, FloatArray, Objective, Reason, Rows, Side
from selectlab.running_sum import ExactSum, RunningSum, rank_share
from selectlab.signals import Scalars, Severities, Signal
from selectlab.validation import OneLineErrors
from selectlab.vector_signals import Embedded, Objects, Vectors

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

__all__ = [
    "BoolArray",
    "Categories",
    "Classes",
    "CloseUp",
    "Condition",
    "Counts",
    "Drifting",
    "Embedded",
    "ExactSum",
    "Falling",
    "Fixed",
    "FloatArray",
    "Form",
    "Input",
    "Objective",
    "Objects",
    "OnMissing",
    "Reason",
    "Rows",
    "RunningSum",
    "Scalars",
    "Severities",
    "Shared",
    "Side",
    "Signal",
    "Spec",
    "Strategy",
    "Vectors",
    "rank_share",
]

Kinds = tuple[type[Signal], ...]
OnMissing = Literal["error", "exclude"]

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Spec(BaseModel, metaclass=OneLineErrors):
    """A frozen pydantic model whose fields are its JSON; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _accept_camel_case(cls, data: Any) -> Any:
        """Read ``nSamples`` as ``n_samples``; keys that are no field stay as they are."""
        if not isinstance(data, dict):
            return data
        fields = cls.model_fields
        read: dict[Any, Any] = {}
        for key, value in data.items():
            snake = to_snake(key) if isinstance(key, str) and key not in fields else key
            name = snake if snake in fields else key
            if name in read:
                raise ValueError(f"{name!r} is given twice, in snake_case and in camelCase")
            read[name] = value
        return read


class Input(Spec, ABC):
    """Where a number, a vector or a class per sample comes from. The only place that reads data.

    Attributes:
        on_missing: What to do with samples that have no value: ``"exclude"`` leaves them out
            of the selection and counts them, ``"error"`` refuses to start.
    """

    type: str
    kinds: ClassVar[Kinds]
    advice: ClassVar[str] = ""
    on_missing: OnMissing = "exclude"

    @abstractmethod
    def load(self, dataset: Dataset) -> Signal:
        """Return one finite value per sample of ``dataset.ids``; missing ones are marked.

        Raises:
            DataError: The data is not there or not usable; the message says where.
        """

    def gives(self) -> Kinds:
        """Return the kinds of signal this input can give, its fields considered."""
        return self.kinds

    def describe(self) -> str:
        """Return the input in a few words, for messages and reasons."""
        return self.type


class Strategy(Spec, ABC):
    """What makes a sample good.

    Attributes:
        strength: Exponent of the objective in the product of all strategies. Negative turns
            the goal around, 0 means no effect.
        divisible: Among a part of the samples it means the same, if less exactly, so that an
            approximate selection may begin with parts.
    """

    type: str
    accepts: ClassVar[Kinds]
    needs_query: ClassVar[bool] = False
    draws_at_random: ClassVar[bool] = False
    divisible: ClassVar[bool] = False
    strength: Finite = 1.0

    def describe(self) -> str:
        """Return the strategy in a few words, for messages."""
        return self.type

    def continued(self, state: Mapping[str, Any]) -> Strategy:
        """Return the strategy of the next round, given what its objective left of the last."""
        return self

    def notes(self) -> Sequence[str]:
        """Return what the user should be warned of, one line each."""
        return ()

    @abstractmethod
    def start(self, signal: Signal) -> Objective | None:
        """Return the objective of a run over the rows of ``signal``; a pure filter has none."""

    def check(self, signal: Signal) -> None:
        """Refuse a signal this strategy cannot work on, before any row is left out.

        Raises:
            ConfigError: A field does not fit the data, such as a target for an unknown class.
        """

    def keeps(self, signal: Signal) -> BoolArray | None:
        """Return the rows a filter lets through; ``None`` when the strategy is no filter."""
        return None


def type_name(cls: type[Any]) -> str:
    """Return the JSON name of an input or strategy class."""
    return str(cls.model_fields["type"].default)
