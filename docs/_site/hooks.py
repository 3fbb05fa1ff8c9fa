"""What mkdocs calls while it builds the site: adds the generated pages and puts links right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pages.links import Links
from pages.site import Site

ROOT = Path(__file__).resolve().parents[2]

_site: Site | None = None


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is generated, and fill the folders of the navigation with it."""
    global _site
    _site = Site.of(ROOT)
    for uri, content in _site.generated.items():
        files.append(File.generated(config, uri, content=content))
    for uri, path in _site.copied.items():
        files.append(File.generated(config, uri, abs_src_path=str(path)))
    config.nav = _filled(config.nav, [file.src_uri for file in files.documentation_pages()])
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links between files of the repository to the pages of the site."""
    assert _site is not None
    if page.parent is None:  # it stands alone, so that a navigation beside it would hold nothing
        page.meta["hide"] = ["navigation"]
    known = {file.src_uri for file in files}
    return Links(ROOT, known, _site.modules).put_right(markdown, page.file.src_uri)


def on_post_build(config: MkDocsConfig) -> None:
    """Leave out the site map: it holds the date of the build, and addresses that nobody knows."""
    for name in ("sitemap.xml", "sitemap.xml.gz"):
        Path(config.site_dir, name).unlink(missing_ok=True)


def _filled(nav: Any, uris: list[str]) -> Any:
    """Return the navigation with the pages of a folder in place of ``folder/``, but its index."""
    if isinstance(nav, dict):
        return {title: _filled(entry, uris) for title, entry in nav.items()}
    if not isinstance(nav, list):
        return nav
    found: list[Any] = []
    for entry in nav:
        if isinstance(entry, str) and entry.endswith("/"):
            found += sorted(u for u in uris if u.startswith(entry) and u != f"{entry}index.md")
        else:
            found.append(_filled(entry, uris))
    return found
