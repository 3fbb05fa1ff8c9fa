"""The README and the pages of the docs, and the blocks of code in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
PAGES = [page for page in PAGES if "_site" not in page.parts]
"""Without the templates of generated pages."""

FENCE = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```', re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A block of code: its language, the file it should be saved as, and what it says."""

    language: str
    title: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The lines of a shell block without comments."""
        lines = self.text.splitlines() if self.language == "bash" else []
        return [line.split(" #")[0].strip() for line in lines if line.strip()]


def blocks(page: Path, language: str = "") -> list[Block]:
    """Return the blocks of a page in order, all or those of one language."""
    found = [Block(*parts) for parts in FENCE.findall(page.read_text(encoding="utf-8"))]
    return [block for block in found if language in ("", block.language)]


def commands(page: Path) -> list[str]:
    """Return the lines of all shell blocks."""
    return [line for block in blocks(page) for line in block.commands]


def named(page: Path) -> str:
    """Return a short name for test ids."""
    return page.relative_to(ROOT).as_posix()
