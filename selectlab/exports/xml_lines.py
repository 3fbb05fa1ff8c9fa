"""XML written as it comes, one element a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from selectlab.errors import DataError

_IMPOSSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class XmlLines:
    """Writes elements on lines of their own, indented.

    Args:
        file: UTF-8 text file.
        depth: How deep the first element is.
    """

    def __init__(self, file: TextIOWrapper, depth: int = 0) -> None:
        self._xml, self._depth = XMLGenerator(file, "utf-8", short_empty_elements=True), depth

    def start(self, name: str, attributes: Mapping[str, str] | None = None) -> None:
        """Open an element.

        Raises:
            DataError: A value holds a character that no XML file can hold.
        """
        held = dict(attributes or {})
        for value in held.values():
            _check(value)
        self._new_line()
        self._xml.startElement(name, AttributesImpl(held))
        self._depth += 1

    def end(self, name: str) -> None:
        """Close the element that is open."""
        self._depth -= 1
        self._new_line()
        self._xml.endElement(name)

    @contextmanager
    def element(self, name: str, attributes: Mapping[str, str] | None = None) -> Iterator[None]:
        """Open an element, and close it at the end.

        Raises:
            DataError: A value holds a character that no XML file can hold.
        """
        self.start(name, attributes)
        yield
        self.end(name)

    def leaf(self, name: str, text: str = "", attributes: Mapping[str, str] | None = None) -> None:
        """Write an element without elements in it.

        Raises:
            DataError: A value holds a character that no XML file can hold.
        """
        held = dict(attributes or {})
        for value in (text, *held.values()):
            _check(value)
        self._new_line()
        self._xml.startElement(name, AttributesImpl(held))
        if text:
            self._xml.characters(text)
        self._xml.endElement(name)

    def _new_line(self) -> None:
        self._xml.ignorableWhitespace("\n" + "  " * self._depth)


def _check(text: str) -> None:
    if _IMPOSSIBLE.search(text):
        raise DataError(f"{text!r} holds a character that no XML file can hold")
