"""ASSERTION: where a model contradicts itself on video."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_snake
from typing_extensions import Self

from selectlab import registry
from selectlab.errors import did_you_mean
from selectlab.inputs.video_boxes import check_videos
from selectlab.types import Input, Kinds, Scalars

if TYPE_CHECKING:
    from selectlab.assertions.protocol import Assertion as Check
    from selectlab.dataset import Dataset


def _known(name: str) -> str:
    installed = registry.assertions()
    if name not in installed:
        raise ValueError(f"nothing is called {name!r}{did_you_mean(name, installed)}")
    return name


def _names(schema: dict[str, Any]) -> None:
    schema["enum"] = list(registry.assertions())


AssertionName = Annotated[str, AfterValidator(_known), Field(json_schema_extra=_names)]
"""The name of an installed assertion."""


def _parameters(schema: dict[str, Any]) -> None:
    """Let editors know the parameters of all installed assertions."""
    for found in registry.assertions().values():
        for field, prop in found.cls.model_json_schema()["properties"].items():
            if field != "name":
                said = {key: value for key, value in prop.items() if key != "default"}
                schema["properties"].setdefault(field, said)


class Assertion(Input):
    """1.0 for frames in which an assertion finds something wrong, ``quiet`` for the others.

    Names: ``flicker`` (an object missing for a few frames), ``appear`` (one that is there for a
    few frames only), ``multibox`` (three boxes on top of each other), ``class_flip`` (an object
    that changes its class), ``agree`` (two tasks that differ; needs ``other``), and those of
    plug-ins. Their parameters stand beside the name:
    ``{"type": "ASSERTION", "name": "flicker", "task": "yolov8", "max_gap": 2}``.

    In a product with scores that spread more than ``1 / quiet``, the scores decide: raise the
    strategy's ``strength`` to hear the assertion.

    Attributes:
        task: Name of the prediction task.
        name: Name of the assertion.
        quiet: Value of frames in which nothing is wrong; above 0, they stay selectable in a
            product.
        parameters: Parameters of the assertion; those that stand beside the name end up here.

    Cost:
        As the assertion; ``flicker`` checks some 50,000 frames of 10 boxes a second.

    Example:
        >>> from selectlab.inputs import Assertion
        >>> Assertion(name="flicker", task="det", parameters={"parity": True}).describe()
        'flicker (parity) of det'
    """

    model_config = ConfigDict(json_schema_extra=_parameters)
    kinds: ClassVar[Kinds] = (Scalars,)
    type: Literal["ASSERTION"] = "ASSERTION"
    task: str
    name: AssertionName
    quiet: Annotated[float, Field(ge=0, le=1)] = 0.5
    parameters: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather_parameters(cls, data: Any) -> Any:
        """Move the assertion's parameters from beside its name into ``parameters``."""
        if not isinstance(data, dict):
            return data
        found = registry.assertions().get(str(data.get("name")))
        given = data.get("parameters", {})
        if found is None or not isinstance(given, Mapping):
            return data
        own = cls.model_fields.keys() | {"type"}
        wanted = found.cls.model_fields.keys() - {"name"}
        moved = {key: data[key] for key in data if key not in own and to_snake(key) in wanted}
        rest = {key: value for key, value in data.items() if key not in moved}
        return {**rest, "parameters": {**given, **moved}} if moved else rest

    @model_validator(mode="after")
    def _parameters_fit(self) -> Self:
        try:
            self.assertion()
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "parameters"
            if first["type"] == "extra_forbidden":
                known = registry.assertions()[self.name].cls.model_fields.keys() - {"name"}
                hint = did_you_mean(place, known)
                raise ValueError(f"{self.name!r} has no parameter {place!r}{hint}") from None
            raise ValueError(f"{place} of {self.name!r}: {first['msg']}") from None
        return self

    def assertion(self) -> Check:
        """Return the assertion with its parameters."""
        found = registry.assertions()[self.name].cls
        made: Check = found.model_validate({**self.parameters, "name": self.name})
        return made

    def load(self, dataset: Dataset) -> Scalars:
        """Return 1.0 or ``quiet`` for each sample; samples it says nothing of are missing.

        Raises:
            ConfigError: The task has no boxes.
            DataError: No such task; no video frames; one frame occurs twice.
        """
        values = np.full(len(dataset), self.quiet)
        missing = np.ones(len(dataset), dtype=np.bool_)
        for checked in check_videos(self.assertion(), dataset, self.task):
            rows = checked.video.rows
            missing[rows] = False
            values[rows[checked.findings.flagged]] = 1.0
        return Scalars(
            values=values, missing=missing if missing.any() else None, name=self.describe()
        )

    def describe(self) -> str:
        """Return the assertion and its task."""
        return f"{self.assertion().describe()} of {self.task}"
