"""Inputs, strategies and assertions by name: built-in ones and plug-ins, by entry points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from selectlab.assertions.protocol import Assertion
from selectlab.errors import SelectlabError
from selectlab.types import Input, Kinds, Strategy, type_name

INPUTS = "selectlab.inputs"
STRATEGIES = "selectlab.strategies"
ASSERTIONS = "selectlab.assertions"

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Installed:
    """One input, strategy or assertion and the distribution that brought it."""

    cls: type[Any]
    package: str

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (self.cls.__doc__ or "").strip().split("\n", 1)[0]


@cache
def inputs() -> dict[str, Installed]:
    """Return all installed inputs by their JSON name."""
    return _load(INPUTS, Input)


@cache
def strategies() -> dict[str, Installed]:
    """Return all installed strategies by their JSON name."""
    return _load(STRATEGIES, Strategy)


@cache
def assertions() -> dict[str, Installed]:
    """Return all installed assertions by their JSON name."""
    return _load(ASSERTIONS, Assertion)


def fits(kinds: Kinds, strategy_class: type[Strategy]) -> bool:
    """Whether some kind of signal is accepted by the strategy."""
    return any(issubclass(kind, strategy_class.accepts) for kind in kinds)


def _load(group: str, base: type[Any]) -> dict[str, Installed]:
    found: dict[str, Installed] = {}
    for point in sorted(entry_points(group=group), key=lambda p: (p.value, p.name)):
        cls = _class_of(point, base)
        name = type_name(cls) if base is not Assertion else str(cls.model_fields["name"].default)
        package = point.dist.name if point.dist else "?"
        if name in found and found[name].cls is not cls:
            raise SelectlabError(
                f"{group}: both {found[name].package} and {package} bring {name!r}; "
                "uninstall one of them"
            )
        found[name] = Installed(cls, package)
    if not found:
        raise SelectlabError(
            f"no entry points in group {group!r}; install selectlab (pip install -e .)"
        )
    return dict(sorted(found.items()))


def _class_of(point: EntryPoint, base: type[Any]) -> type[Any]:
    try:
        cls = point.load()
    except Exception as error:
        raise SelectlabError(f"plug-in {point.value!r} cannot be imported: {error}") from error
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise SelectlabError(f"plug-in {point.value!r} is not a {base.__name__}")
    return cls
