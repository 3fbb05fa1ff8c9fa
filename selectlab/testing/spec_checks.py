"""Checks of what inputs and strategies have in common: their fields, their JSON, their words."""

from __future__ import annotations

import doctest
import inspect
import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

from pydantic import ValidationError

from selectlab import registry
from selectlab.testing.specimens import ENGINE_FIELDS, AnySpec, examples_of
from selectlab.types import Spec, Strategy, type_name

__all__ = ["SPEC_CHECKS", "instances", "require", "some"]

Thing = TypeVar("Thing")


def require(condition: bool, message: str) -> None:
    """Raise ``AssertionError`` unless the condition holds; also under ``python -O``."""
    if not condition:
        raise AssertionError(message)


def some(things: Iterable[Thing], message: str) -> list[Thing]:
    """Return the things as a list; none at all is a failure, not a silent pass."""
    listed = list(things)
    require(bool(listed), message)
    return listed


def instances(cls: type[AnySpec], examples: Sequence[AnySpec]) -> Sequence[AnySpec]:
    """Return the examples, or some made from the schema."""
    return examples or some(
        examples_of(cls), f"{cls.__name__}: no instance could be made; give the check one"
    )


def check_is_frozen(cls: type[Spec], *examples: Spec) -> None:
    """Instances cannot be changed and unknown keys are refused."""
    example = instances(cls, examples)[0]
    try:
        example.type = "CHANGED"  # type: ignore[attr-defined]
    except ValidationError:
        pass
    else:
        raise AssertionError(f"{cls.__name__}: instances can be changed; keep Spec's model_config")
    try:
        cls.model_validate({**example.model_dump(), "no_such_field": 1})
    except ValidationError as error:
        require(error.errors()[0]["type"] == "extra_forbidden", f"{cls.__name__}: {error}")
    else:
        raise AssertionError(f"{cls.__name__}: accepts unknown keys; keep Spec's model_config")


def check_type_name(cls: type[Spec], *examples: Spec) -> None:
    """The JSON name is upper case, and no other installed class has it."""
    name = type_name(cls)
    require(
        re.fullmatch(r"[A-Z][A-Z0-9_]*", name) is not None,
        f"{cls.__name__}: type {name!r} is not upper case with underscores",
    )
    installed = registry.strategies() if issubclass(cls, Strategy) else registry.inputs()
    other = installed[name].cls if name in installed else cls
    require(other is cls, f"{cls.__name__}: type {name!r} is taken by {other!r}")


def check_docstring(cls: type[Spec], *examples: Spec) -> None:
    """The docstring has a summary line, names every field, and its example runs."""
    text = inspect.cleandoc(cls.__doc__ or "")
    summary = text.split("\n")[0]
    require(len(summary) > 9, f"{cls.__name__}: its docstring has no summary line")
    for field in cls.__annotations__.keys() & cls.model_fields.keys() - {"type"}:
        require(f"    {field}: " in text, f"{cls.__name__}: field {field!r} is not in Attributes")
    found = doctest.DocTestFinder(recurse=False).find(cls, cls.__name__)
    require(any(test.examples for test in found), f"{cls.__name__}: no Example to run")
    said: list[str] = []
    for test in found:
        test.globs.update(vars(sys.modules[cls.__module__]))
        doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    require(not said, f"{cls.__name__}: the Example says something else:\n{''.join(said)}")


def check_json_round_trip(cls: type[Spec], *examples: Spec) -> None:
    """Instances survive the way through a JSON file."""
    for example in instances(cls, examples):
        changed = example.model_dump(mode="json", exclude_defaults=True)
        full = example.model_dump(mode="json", exclude=ENGINE_FIELDS - {"type"})
        for fields in (changed, full):
            data = json.loads(json.dumps({**fields, "type": type_name(cls)}))
            try:
                again = cls.model_validate(data)
            except ValidationError as error:
                raise AssertionError(f"{example!r}: cannot be read from JSON: {error}") from error
            require(again == example, f"{example!r}: differs after JSON: {again!r}")


def check_says_what_it_is(cls: type[Spec], *examples: Spec) -> None:
    """``describe()`` is one short line."""
    for example in instances(cls, examples):
        text = example.describe()  # type: ignore[attr-defined]
        require(0 < len(text) <= 120 and "\n" not in text, f"{example!r}: describes as {text!r}")


SPEC_CHECKS = (
    check_is_frozen,
    check_type_name,
    check_docstring,
    check_json_round_trip,
    check_says_what_it_is,
)
