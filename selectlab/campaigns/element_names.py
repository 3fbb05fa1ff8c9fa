"""Elements as people write them: ``a.png`` for a sample, ``a.png#3`` for its object 3."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from selectlab.corpus.spaces import Element, Level
from selectlab.errors import ConfigError

_OBJECT = re.compile(r"(?P<sample>.+)#(?P<number>\d+)", re.DOTALL)


def parsed(given: Iterable[Any], level: Level) -> tuple[list[Element], list[str]]:
    """Return the elements that are named, and the samples that are named without an object.

    Args:
        given: Texts, pairs of sample id and number, or elements.
        level: At ``"frame"`` every text is a sample id, whatever is in it. At ``"object"`` one
            without a number means all objects of the sample.

    Raises:
        ConfigError: It is none of these.

    Example:
        >>> parsed(["a.png#3", ("b.png", 0), "c.png"], "object")
        ([Element(sample_id='a.png', number=3), Element(sample_id='b.png', number=0)], ['c.png'])
        >>> parsed(["a.png#3"], "frame")
        ([], ['a.png#3'])
    """
    elements: list[Element] = []
    samples: list[str] = []
    for item in given:
        match item:
            case Element():
                elements.append(item)
            case str(sample_id), int(number):
                elements.append(Element(sample_id, number))
            case str():
                found = _OBJECT.fullmatch(item) if level == "object" else None
                if found is None:
                    samples.append(item)
                else:
                    elements.append(Element(found["sample"], int(found["number"])))
            case _:
                raise ConfigError(
                    f"ids: expected sample ids, ID#NUMBER or (id, number), got {item!r}"
                )
    return elements, samples


def sample_of(name: str) -> str:
    """Return the sample of an object's name.

    Example:
        >>> sample_of("a.png#3"), sample_of("a.png")
        ('a.png', 'a.png')
    """
    found = _OBJECT.fullmatch(name)
    return name if found is None else found["sample"]


def named(element: Element, level: Level) -> str:
    """Return an element as it is written.

    Example:
        >>> named(Element("a.png", 3), "object"), named(Element("a.png"), "frame")
        ('a.png#3', 'a.png')
    """
    return f"{element.sample_id}#{element.number}" if level == "object" else element.sample_id
