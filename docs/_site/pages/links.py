"""Links that lead somewhere both in the repository and in the site."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from pathlib import Path

LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\((?![a-z]+:|#)([^)\s]+)\)")
FENCE = re.compile(r"^ *(```|~~~)")
DOCS = "docs/"


class Links:
    """Puts the links of a page right.

    A page of ``docs`` stands in the site under the same name, any other file of the repository
    under its path. So only links between the two have to be changed. A link to a module or a
    package leads to the page that describes it. What the site does not have (a folder of
    results, a script) is named and not linked.

    Args:
        root: The repository.
        known: Files of the site.
        modules: The page of each module that the site describes.
    """

    def __init__(self, root: Path, known: Collection[str], modules: Mapping[str, str]) -> None:
        self._root, self._known, self._modules = root, known, modules

    def put_right(self, markdown: str, uri: str) -> str:
        """Return the text of a page with its links changed, those in code left alone.

        Args:
            markdown: Text of the page.
            uri: Where the page stands in the site.
        """
        lines, fence = [], ""
        for line in markdown.split("\n"):
            opened = FENCE.match(line)
            if opened and fence in ("", opened[1]):
                fence = "" if fence else opened[1]
            code = bool(fence) or bool(opened)
            lines.append(line if code else LINK.sub(lambda found: self._link(found, uri), line))
        return "\n".join(lines)

    def _link(self, found: re.Match[str], uri: str) -> str:
        sign, text, target = found.groups()
        path, hash_, anchor = target.partition("#")
        here = posixpath.dirname(self._in_repository(uri))
        wanted = posixpath.normpath(posixpath.join(here, path))
        place = self._place(wanted)
        if place is None:
            named = not sign and (self._root / wanted).exists()
            return (text if text.startswith("`") else f"`{text}`") if named else found[0]
        return f"{sign}[{text}]({posixpath.relpath(place, posixpath.dirname(uri))}{hash_}{anchor})"

    def _in_repository(self, uri: str) -> str:
        """Return the path of a page in the repository; generated ones stand as if in docs."""
        within = (self._root / uri).is_file() and not (self._root / DOCS / uri).is_file()
        return uri if within else DOCS + uri

    def _place(self, path: str) -> str | None:
        """Return where a path of the repository stands in the site."""
        inside = path.removeprefix(DOCS) if path.startswith(DOCS) else path
        for place in (inside, f"{inside}/README.md"):
            if place in self._known:
                return place
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        return self._modules.get(module, self._modules.get(f"selectlab.{module}"))
