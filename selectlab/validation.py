"""Pydantic's complaints as one line: where, what, what was given, and a hint."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic._internal._model_construction import ModelMetaclass
from pydantic_core import ErrorDetails

from selectlab.errors import ConfigError, did_you_mean

Model = TypeVar("Model", bound=BaseModel)


class OneLineErrors(ModelMetaclass):
    """Makes ``Diversity(strenght=2)`` raise the line that a config would get."""

    def __call__(cls, *args: Any, **fields: Any) -> Any:  # noqa: N805 - a metaclass
        """Make an instance.

        Raises:
            ConfigError: A field is unknown, missing or of the wrong kind.
        """
        try:
            return super().__call__(*args, **fields)
        except ValidationError as error:
            raise complaint(cls, error, cls.__name__) from None


def validated(cls: type[Model], raw: Any, path: str) -> Model:
    """Validate with pydantic and raise its first complaint as one line with the JSON path.

    Raises:
        ConfigError: The data does not fit the model.
    """
    try:
        return cls.model_validate(raw)
    except ValidationError as error:
        raise complaint(cls, error, path) from None


def complaint(cls: type[Any], error: ValidationError, path: str) -> ConfigError:
    """Return the first thing that is wrong, as an error with the path of where."""
    # A misspelt key tells more than the key that is missing because of it.
    details = sorted(error.errors(include_url=False), key=lambda d: d["type"] == "missing")
    nested = details[0].get("ctx", {}).get("error")
    if isinstance(nested, ConfigError):
        return nested
    return ConfigError(_one_line(cls, details[0], path))


def _one_line(cls: type[BaseModel], detail: ErrorDetails, path: str) -> str:
    where = path
    for step in detail["loc"]:
        if step != "[key]":
            where += f"[{step}]" if isinstance(step, int) else f".{readable(step)}"
    where = where.removeprefix(".")
    kind, given = detail["type"], shortened(detail["input"])
    if kind == "extra_forbidden":
        return f"{where}: unknown key{did_you_mean(detail['loc'][-1], _keys(cls, detail))}"
    if kind == "missing":
        return f"{where}: required, but missing"
    if kind == "value_error":
        return f"{where}: {detail['ctx']['error']}".removeprefix(": ")
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
        return f"{where}: nothing is called {given}{did_you_mean(detail['input'], known)}"
    if kind == "too_short":
        return f"{where}: must have at least one entry, got {given}"
    return f"{where}: {detail['msg'].removeprefix('Input ')}, got {given}"


def _keys(cls: type[BaseModel], detail: ErrorDetails) -> list[str]:
    """Return the keys that are known where an unknown one was found."""
    for step in detail["loc"][:-1]:
        field = cls.model_fields.get(str(step))
        inner = getattr(field, "annotation", None)
        found = [c for c in (*getattr(inner, "__args__", ()), inner) if hasattr(c, "model_fields")]
        if found:
            cls = found[0]
    return list(cls.model_fields)


def readable(key: Any) -> str:
    """Return a key as a step of a path; what would break the line is quoted."""
    text = str(key)
    return text if text.isprintable() else repr(text)


def shortened(value: Any) -> str:
    """Return a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
