"""The words of the engine: signals, inputs, strategies and objectives.

Axis letters used throughout: N samples, D dimensions, M objects, K classes, Q queries.
This module, :mod:`selectlab.errors`, :mod:`selectlab.distances` and :mod:`selectlab.testing`
are all that a plug-in needs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from selectlab.signals import Categories, Counts, Objects, Scalars, Signal, Vectors

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

__all__ = [
    "Categories",
    "Condition",
    "Counts",
    "FloatArray",
    "Input",
    "Objective",
    "Objects",
    "OnMissing",
    "Reason",
    "Rows",
    "Scalars",
    "Signal",
    "Strategy",
    "Vectors",
]

Rows = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
OnMissing = Literal["error", "exclude"]

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Spec(BaseModel):
    """A frozen pydantic model whose fields are its JSON; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Reason:
    """Why a row was good at the moment it was picked.

    Attributes:
        text: Words for people. ``{nearest}`` and ``{query}`` stand for sample ids, which the
            engine fills in, since below it there are only rows.
        value: The row's own raw value (a weight, a distance, a share), if it has one.
        nearest: Row of the nearest sample picked before, if that matters here.
        distance: Distance to ``nearest``, embedding units (not squared).
        query: Index of the nearest query vector, if there is a query.
    """

    text: str
    value: float | None = None
    nearest: int | None = None
    distance: float | None = None
    query: int | None = None


@dataclass(frozen=True)
class Condition:
    """A promise about the selected set that a strategy was asked to keep.

    Attributes:
        text: What is promised, in words, for the stop reason.
        breaks: For an array of rows, True where picking that row next would break the promise.
        action: ``"skip"`` passes over rows that break it, ``"stop"`` ends the selection when
            the best row breaks it, ``"auto"`` stops when the objective is alone and skips
            otherwise.
    """

    text: str
    breaks: Callable[[Rows], BoolArray]
    action: Literal["skip", "stop", "auto"] = "skip"


class Objective(ABC):
    """The state of one strategy during one run; owned by the loop.

    The loop picks the row with the highest ``sum(strength * log(objective))``, where the
    objective is that of everything selected so far plus the row. It calls :meth:`bound` on
    all rows, :meth:`exact` on the few that could be best, and :meth:`add` with the pick.

    Attributes:
        conditions: Promises the loop has to keep, such as a minimum distance.
        unranked: Rows that have nothing to be judged by (no objects); they rank last.
            ``None`` when every row has something.
    """

    conditions: Sequence[Condition] = ()
    unranked: BoolArray | None = None

    @abstractmethod
    def exact(self, rows: Rows) -> FloatArray:
        """Return the objective of the selected set plus each of ``rows``, shape ``(len(rows),)``.

        The value of a row must not depend on which other rows are asked for with it.
        """

    def bound(self, block: slice) -> tuple[FloatArray, FloatArray]:
        """Return a lower and an upper bound of :meth:`exact` for a block of rows.

        The default is eager: it evaluates every row exactly.
        """
        values = self.exact(np.arange(block.start, block.stop))
        return values, values

    @abstractmethod
    def add(self, rows: Rows) -> None:
        """Put rows into the selected set, in this order."""

    def reason(self, row: int) -> Reason:
        """Say why ``row`` is good, before it is added."""
        return Reason(text="", value=float(self.exact(np.array([row]))[0]))


class Input(Spec, ABC):
    """Where a number, a vector or a class per sample comes from. The only place that reads data.

    Attributes:
        on_missing: What to do with samples that have no value: ``"exclude"`` leaves them out
            of the selection and counts them, ``"error"`` refuses to start.
    """

    type: str
    kinds: ClassVar[tuple[type[Signal], ...]]
    on_missing: OnMissing = "exclude"

    @abstractmethod
    def load(self, dataset: Dataset) -> Signal:
        """Return one finite value per sample of ``dataset.ids``; missing ones are marked.

        Raises:
            DataError: The data is not there or not usable; the message says where.
        """

    def describe(self) -> str:
        """Return the input in a few words, for messages and reasons."""
        return self.type


class Strategy(Spec, ABC):
    """What makes a sample good.

    Attributes:
        strength: Exponent of the objective in the product of all strategies. Negative turns
            the goal around, 0 means no effect.
    """

    type: str
    accepts: ClassVar[tuple[type[Signal], ...]]
    needs_query: ClassVar[bool] = False
    strength: Finite = 1.0

    @abstractmethod
    def start(self, signal: Signal) -> Objective | None:
        """Return the objective of a run over the rows of ``signal``; a pure filter has none."""

    def check(self, signal: Signal) -> None:  # noqa: B027 - optional hook
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
