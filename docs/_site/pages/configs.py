"""Selection configs that the guides show, by what they use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymdownx.slugs import slugify

from selectlab import registry
from selectlab.testing import examples_of

PART = re.compile(r"^(#+) ([^\n]*)|^```json[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FIRST = "i-want-to.md"


@dataclass(frozen=True)
class Shown:
    """A config in a guide.

    Attributes:
        text: The JSON as it stands there.
        page: Name of the guide in the site.
        anchor: The heading above it.
        title: That heading.
        config: The JSON, read.
    """

    text: str
    page: str
    anchor: str
    title: str
    config: dict[str, Any]

    def uses(self, role: str, name: str) -> bool:
        """Whether an input or a strategy is in it."""
        return any(entry[role]["type"] == name for entry in self.config["strategies"])


def shown_in(docs: Path) -> list[Shown]:
    """Return the configs of all guides, those with fewer strategies first."""
    pages = sorted(docs.glob("*.md"), key=lambda page: (page.name != _FIRST, page.name))
    found = [shown for page in pages for shown in _configs(page)]
    return sorted(found, key=lambda shown: len(shown.config["strategies"]))


def _configs(page: Path) -> Iterator[Shown]:
    slug, anchor, title = slugify(case="lower"), "", page.stem
    for part in PART.finditer(page.read_text(encoding="utf-8")):
        if part[3] is None:
            title, anchor = part[2], slug(part[2], "-")
            continue
        config = json.loads(part[3])
        if "strategies" in config:
            yield Shown(part[3], page.name, anchor, title, config)


def example_for(role: str, name: str, shown: Iterable[Shown]) -> tuple[str, Shown | None]:
    """Return a config with an input or a strategy, from a guide if one has it, else made up."""
    for one in shown:
        if one.uses(role, name):
            return one.text, one
    return _made_up(role, name), None


def _made_up(role: str, name: str) -> str:
    """Return the smallest config with a class, from the first instances of both that fit."""
    inputs = {k: found.cls for k, found in registry.inputs().items()}
    strategies = {k: found.cls for k, found in registry.strategies().items()}
    if role == "input":
        source = inputs[name]
        strategy = next(s for s in strategies.values() if registry.fits(source.kinds, s))
    else:
        strategy = strategies[name]
        source = next(i for i in inputs.values() if registry.fits(i.kinds, strategy))
    given = examples_of(source)[0].model_dump(mode="json", exclude_defaults=True)
    if strategy.needs_query:
        given["tag_name"] = "failures"
    wanted = examples_of(strategy)[0].model_dump(mode="json", exclude_defaults=True)
    pair = {
        "input": {"type": str(source.model_fields["type"].default), **given},
        "strategy": {"type": str(strategy.model_fields["type"].default), **wanted},
    }
    return json.dumps({"n_samples": 100, "strategies": [pair]}, indent=2) + "\n"
