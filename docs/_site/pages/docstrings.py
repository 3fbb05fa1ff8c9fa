"""Docstrings as the site's tools read them."""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:mod|class|func|meth|attr|data):`~?([^`]*)`")
EXAMPLE = re.compile(r"^( *)Example:$", re.MULTILINE)


def as_markdown(docstring: str) -> str:
    """Return a docstring with plain code in place of roles, and its doctest as one.

    Example:
        >>> as_markdown("See :class:`~a.B`.")
        'See `a.B`.'
    """
    return EXAMPLE.sub(r"\1Examples:", ROLE.sub(r"`\1`", docstring))


class AsMarkdown(griffe.Extension):
    """Does that for the pages about Python."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of an object."""
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)
