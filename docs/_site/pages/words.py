"""Text for tables, and JSON Schema in words."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Any

_SIGNS = {"|": "&#124;", "*": "&#42;", "_": "&#95;", "`": "&#96;", "[": "&#91;", "\\": "&#92;"}
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minLength": "at least {} letters",
    "minItems": "at least {} entries",
}
_NAMES = {"array": "list", "string": "text", "null": "null", "boolean": "true or false"}


def plain(text: str) -> str:
    """Return text that Markdown shows letter by letter, in a table too.

    Example:
        >>> plain("a|b *")
        'a&#124;b &#42;'
    """
    return "".join(_SIGNS.get(sign, sign) for sign in html.escape(text, quote=False))


def code(text: str) -> str:
    """Return text as code, in a table too."""
    return f"<code>{plain(text)}</code>"


def cell(markdown: str) -> str:
    """Return Markdown in one line that stays within a cell."""
    return " ".join(markdown.split()).replace("|", "&#124;")


def default_in_words(field: Mapping[str, Any], required: bool) -> str:
    """Return the default of a field as JSON."""
    if required:
        return "*required*"
    if "default" not in field:
        return ""
    return code(json.dumps(field["default"]))


def type_in_words(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return the type of a field, its values and its limits."""
    if "$ref" in field:
        return type_in_words(definitions[str(field["$ref"]).rpartition("/")[2]], definitions)
    if "anyOf" in field:
        return " or ".join(type_in_words(option, definitions) for option in field["anyOf"])
    if "enum" in field:
        return ", ".join(code(json.dumps(value)) for value in field["enum"])
    if "const" in field:
        return code(json.dumps(field["const"]))
    limits = ", ".join(_limits(field))
    held = _of(str(field.get("type", "anything")), field, definitions)
    return f"{held} ({limits})" if limits else held


def _limits(field: Mapping[str, Any]) -> list[str]:
    return [words.format(f"{field[key]:g}") for key, words in _LIMITS.items() if key in field]


def _of(kind: str, field: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return a type with what it holds."""
    if kind == "array" and "items" in field:
        return f"list of {type_in_words(field['items'], definitions)}"
    if kind == "object" and "properties" in field:
        inner = field["properties"].items()
        held = (f"{code(name)}: {type_in_words(part, definitions)}" for name, part in inner)
        return f"object with {'; '.join(held)}"
    values = field.get("additionalProperties")
    if kind == "object" and isinstance(values, Mapping):
        return f"object, name to {type_in_words(values, definitions)}"
    return _NAMES.get(kind, kind)
