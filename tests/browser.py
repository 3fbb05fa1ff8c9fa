"""Debian's chromium for tests, and pages in which nothing may go wrong unnoticed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "microsoft-edge")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--no-first-run"),
]

LEAVING = "beforeunload"
"""What a page asks before unsaved work is left; a test that wants it answers it."""

WAIT_MS = 60_000
"""How long a page may take to become as it is expected to be: no measure of its speed."""

TOASTS = """
  window.shownToasts = [];
  new MutationObserver((changes) => {
    for (const node of changes.flatMap((one) => [...one.addedNodes])) {
      if (node.classList?.contains("toast")) shownToasts.push(`${node.className}: ${node.textContent}`);
    }
  }).observe(document, { childList: true, subtree: true });
"""
"""Notes every message that goes by itself: on a busy machine it may be gone when it is looked for."""


def found_browser() -> str:
    """Where a browser is, or skip the test."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.skip("no chromium on this machine")
    return found


@contextmanager
def launched() -> Iterator[Any]:
    """A browser; the test is skipped where there is none, or no playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        playwright.expect.set_options(timeout=WAIT_MS)
        browser = driver.chromium.launch(executable_path=found_browser(), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def opened(chromium: Any, file: Path, *, width: int = 1200, height: int = 900) -> Iterator[Any]:
    """A file in a page of which every word, error, dialog and request fails the test."""
    how = {"viewport": {"width": width, "height": height}}
    with _noted(chromium, "file:", lambda said: True, **how) as page:
        page.goto(file.resolve().as_uri())
        yield page


@contextmanager
def watched(chromium: Any, address: str, *, console: bool = True, **how: Any) -> Iterator[Any]:
    """A page of a server of which every error, dialog and request elsewhere fails the test.

    Args:
        chromium: The browser.
        address: The server.
        console: Whether errors and warnings in the console fail it too, but for what the page asked
            and was refused, which it tells the user.
        how: Goes to the browser.
    """

    def is_wrong(said: Any) -> bool:
        refused = "status of 400" in said.text
        return console and said.type in ("error", "warning") and not refused

    with _noted(chromium, address, is_wrong, base_url=address, **how) as page:
        yield page


def toast(page: Any, words: str) -> None:
    """Wait until a message with these words was shown, gone again or not."""
    page.wait_for_function("words => shownToasts.some((one) => one.includes(words))", arg=words)


def bad_toasts(page: Any) -> int:
    """How many messages this page has shown so far that something is wrong."""
    found: int = page.evaluate(
        "() => shownToasts.filter((one) => one.startsWith('toast bad')).length"
    )
    return found


@contextmanager
def _noted(chromium: Any, own: str, is_wrong: Callable[[Any], bool], **how: Any) -> Iterator[Any]:
    wrong: list[str] = []
    fine = (own, "data:", "blob:")
    page = chromium.new_page(**how)
    page.set_default_timeout(WAIT_MS)
    page.add_init_script(TOASTS)
    page.on("console", lambda said: is_wrong(said) and wrong.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("dialog", lambda one: one.type == LEAVING or wrong.append(f"dialog: {one.message}"))
    page.on("request", lambda one: one.url.startswith(fine) or wrong.append(f"asked: {one.url}"))
    try:
        yield page
    finally:
        page.close()
    assert wrong == []
