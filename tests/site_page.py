"""A page of the documentation site taken apart again."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


class SitePage(HTMLParser):
    """What a built page consists of.

    ``links`` are targets of ``<a>``; ``loaded`` what the browser fetches with the page; ``ids`` the
    anchors; ``text`` all that is to be read; ``codes`` the blocks of code.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.codes: list[str] = []
        self._texts: list[str] = []
        self._quiet = 0
        self._code = False
        self.feed(file.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        if held.get("id"):
            self.ids.add(str(held["id"]))
        if tag == "a" and held.get("href"):
            self.links.append(str(held["href"]))
        if tag in LOADED and held.get(LOADED[tag]):
            self.loaded.append(str(held[LOADED[tag]]))
        self._quiet += tag in ("script", "style")
        if tag == "pre":
            self._code = True
            self.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        self._quiet -= tag in ("script", "style")
        self._code = self._code and tag != "pre"

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self._texts.append(data)
        if self._code:
            self.codes[-1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(self._texts).split())

    def configs(self) -> list[Any]:
        """The blocks that are selection configs."""
        return [json.loads(code) for code in self.codes if '"strategies"' in code and "{" in code]
