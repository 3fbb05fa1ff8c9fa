"""ASSERTIONS: how badly each frame breaks each of several assertions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, Field, model_validator
from typing_extensions import Self

from selectlab.errors import ConfigError, did_you_mean
from selectlab.inputs.assertion import Assertion, AssertionName
from selectlab.inputs.video_boxes import check_videos
from selectlab.types import Input, Kinds, Severities

if TYPE_CHECKING:
    from selectlab.dataset import Dataset


_EXAMPLE: dict[str, Any] = {"type": "ASSERTIONS", "task": "objects", "names": ["multibox"]}


class Assertions(Input):
    """The severity of several assertions at once, for BAL.

    Attributes:
        task: Name of the prediction task.
        names: The assertions; see ASSERTION. Those that compare two tasks need parameters.
        parameters: Parameters of an assertion, by its name.

    Cost:
        As the assertions, one after the other.

    Example:
        >>> from selectlab.inputs import Assertions
        >>> Assertions(task="det", names=["flicker", "appear"]).describe()
        'flicker, appear of det'
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    kinds: ClassVar[Kinds] = (Severities,)
    type: Literal["ASSERTIONS"] = "ASSERTIONS"
    task: str
    names: Annotated[list[AssertionName], Field(min_length=1)]
    parameters: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"'names' has an assertion twice: {', '.join(self.names)}")
        for name in self.parameters:
            if name not in self.names:
                raise ValueError(
                    f"'parameters' for {name!r}, which is not among 'names'"
                    + did_you_mean(name, self.names)
                )
        try:
            self._members()
        except ConfigError as error:
            raise ValueError(str(error).partition(": ")[2]) from None
        return self

    def _members(self) -> list[Assertion]:
        return [
            Assertion(task=self.task, name=name, parameters=self.parameters.get(name, {}))
            for name in self.names
        ]

    def load(self, dataset: Dataset) -> Severities:
        """Return the severities (N, A); samples that no assertion says anything of are missing.

        Raises:
            ConfigError: The task has no boxes.
            DataError: No such task; no video frames; one frame occurs twice.
        """
        values = np.zeros((len(dataset), len(self.names)))
        missing = np.ones(len(dataset), dtype=np.bool_)
        for column, member in enumerate(self._members()):
            for checked in check_videos(member.assertion(), dataset, self.task):
                rows = checked.video.rows
                missing[rows] = False
                values[rows, column] = checked.findings.severity
        return Severities(
            values=values,
            names=tuple(self.names),
            missing=missing if missing.any() else None,
            name=self.describe(),
        )

    def describe(self) -> str:
        """Return the assertions and their task."""
        return f"{', '.join(self.names)} of {self.task}"
