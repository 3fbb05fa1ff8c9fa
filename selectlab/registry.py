"""Inputs, strategies, assertions, writers and label readers by name: ours and plug-ins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, TypeVar

from selectlab.assertions.protocol import Assertion
from selectlab.errors import SelectlabError
from selectlab.types import Input, Kinds, Strategy

if TYPE_CHECKING:
    from selectlab.labels.label import ReadLabels

INPUTS = "selectlab.inputs"
STRATEGIES = "selectlab.strategies"
ASSERTIONS = "selectlab.assertions"
WRITERS = "selectlab.writers"
LABEL_READERS = "selectlab.label_readers"

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Installed:
    """One input, strategy, assertion or writer and the distribution that brought it."""

    cls: type[Any]
    package: str

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (self.cls.__doc__ or "").strip().split("\n", 1)[0]


@dataclass(frozen=True)
class LabelReader:
    """A function that opens labels of one format, and the distribution that brought it."""

    read: ReadLabels
    package: str


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
    return _load(ASSERTIONS, Assertion, "name")


@cache
def writers() -> dict[str, Installed]:
    """Return all installed writers of export formats by their name."""
    from selectlab.exports.writer import Writer

    return _load(WRITERS, Writer)


@cache
def label_readers() -> dict[str, LabelReader]:
    """Return all installed readers of labels by the name of their entry point."""
    found: dict[str, LabelReader] = {}
    for point in _points(LABEL_READERS):
        read, package = _loaded(point), _package(point)
        if not callable(read):
            raise SelectlabError(f"plug-in {point.value!r} is not a function that opens labels")
        known = found.get(point.name)
        if known is not None and known.read is not read:
            raise _clash(LABEL_READERS, known.package, package, point.name)
        found[point.name] = LabelReader(read, package)
    return dict(sorted(found.items()))


def fits(kinds: Kinds, strategy_class: type[Strategy]) -> bool:
    """Whether some kind of signal is accepted by the strategy."""
    return any(issubclass(kind, strategy_class.accepts) for kind in kinds)


def _load(group: str, base: type[Any], name_field: str = "type") -> dict[str, Installed]:
    found: dict[str, Installed] = {}
    for point in _points(group):
        cls, package = _class_of(point, base), _package(point)
        name = str(cls.model_fields[name_field].default)
        if name in found and found[name].cls is not cls:
            raise _clash(group, found[name].package, package, name)
        found[name] = Installed(cls, package)
    return dict(sorted(found.items()))


def _points(group: str) -> list[EntryPoint]:
    """Return the entry points of a group in an order that does not depend on the machine."""
    points = sorted(entry_points(group=group), key=lambda p: (p.value, p.name))
    if not points:
        raise SelectlabError(
            f"no entry points in group {group!r}; install selectlab (pip install -e .)"
        )
    return points


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "?"


def _clash(group: str, one: str, other: str, name: str) -> SelectlabError:
    return SelectlabError(f"{group}: both {one} and {other} bring {name!r}; uninstall one of them")


def _class_of(point: EntryPoint, base: type[Any]) -> type[Any]:
    cls = _loaded(point)
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise SelectlabError(f"plug-in {point.value!r} is not a {base.__name__}")
    return cls


def _loaded(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:
        raise SelectlabError(f"plug-in {point.value!r} cannot be imported: {error}") from error
