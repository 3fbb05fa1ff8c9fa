"""Strategies, inputs, assertions and formats, described from their classes."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import griffe

from pages.docstrings import as_markdown
from pages.words import cell, code, default_in_words, type_in_words
from selectlab import registry
from selectlab.registry import Installed


@dataclass(frozen=True)
class Field:
    """A row of the table of fields, in Markdown."""

    name: str
    type: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Described:
    """What the docstring and the fields of a class say.

    Attributes:
        name: Its name in JSON.
        package: The distribution that brings it.
        module: Where it is imported from.
        class_name: Under which name.
        summary: First line of the docstring.
        text: The other paragraphs.
        sections: Further sections of the docstring by title.
        example: Its doctest, or nothing.
        fields: What can be set.
    """

    name: str
    package: str
    module: str
    class_name: str
    summary: str
    text: str
    sections: Mapping[str, str]
    example: str
    fields: tuple[Field, ...]

    @property
    def slug(self) -> str:
        """The name of its page."""
        return self.name.lower().replace("_", "-")


def described(name: str, installed: Installed, leave_out: Collection[str] = ()) -> Described:
    """Describe a class.

    Args:
        name: Its name in JSON.
        installed: The class and where it is from.
        leave_out: Fields that mean nothing to a user.
    """
    cls = installed.cls
    text, example, sections = _docstring(cls)
    summary, _, rest = text.partition("\n\n")
    return Described(
        name=name,
        package=installed.package,
        module=_public_module(cls),
        class_name=cls.__name__,
        summary=" ".join(summary.split()),
        text=rest,
        sections=sections,
        example=example,
        fields=tuple(_fields(cls, {"type", *leave_out})),
    )


def summary_of(documented: object) -> str:
    """Return the first paragraph of a docstring in one line."""
    text = as_markdown(inspect.cleandoc(documented.__doc__ or ""))
    return " ".join(text.partition("\n\n")[0].split())


def _public_module(cls: type[Any]) -> str:
    """Return the package if it exports the class, else the module."""
    package = cls.__module__.rpartition(".")[0]
    exported = getattr(sys.modules.get(package), "__all__", ())
    return package if cls.__name__ in exported else cls.__module__


def _docstring(cls: type[Any]) -> tuple[str, str, dict[str, str]]:
    """Return the text of a docstring, its doctest, and its sections without the attributes."""
    text, examples, sections = [], [], {}
    for section in _parsed(cls):
        if section.kind is griffe.DocstringSectionKind.text:
            text.append(section.value)
        elif section.kind is griffe.DocstringSectionKind.examples:
            examples += [shown for _, shown in section.value]
        elif section.kind is griffe.DocstringSectionKind.admonition:
            sections[section.title or section.value.kind.title()] = section.value.contents
    return "\n\n".join(text), "\n\n".join(examples), sections


def _parsed(cls: type[Any]) -> list[griffe.DocstringSection]:
    text = as_markdown(inspect.cleandoc(cls.__doc__ or ""))
    return griffe.Docstring(text).parse("google", warnings=False)


def _fields(cls: type[Any], leave_out: Collection[str]) -> list[Field]:
    schema = cls.model_json_schema()
    meanings = _meanings(cls)
    shown = {k: field for k, field in schema["properties"].items() if k not in leave_out}
    return [
        Field(
            code(name),
            type_in_words(field, schema.get("$defs", {})),
            default_in_words(field, name in schema.get("required", ())),
            cell(meanings.get(name) or field.get("description") or _lent(name)),
        )
        for name, field in shown.items()
    ]


def _meanings(cls: type[Any]) -> dict[str, str]:
    """Return what the docstrings of a class and of those it is made from say of its fields."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        for section in _parsed(one) if one.__doc__ else ():
            if section.kind is griffe.DocstringSectionKind.attributes:
                found |= {held.name: held.description for held in section.value}
    return found


def _lent(name: str) -> str:
    """Say whose parameter a field is that a class only passes on."""
    owners = [k for k, found in registry.assertions().items() if name in found.cls.model_fields]
    linked = ", ".join(f"[{owner}](../assertions.md#{owner})" for owner in owners)
    return f"Of the assertion {linked}." if owners else ""
