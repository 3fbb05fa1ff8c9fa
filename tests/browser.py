"""Debian's chromium for tests, and pages in which nothing may go wrong unnoticed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "microsoft-edge")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--no-first-run"),
]


def found_browser() -> str:
    """Where a browser is, or skip the test."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.skip("no chromium on this machine")
    return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; the test is skipped where there is none, or no playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found_browser(), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def opened(chromium: Any, file: Path, *, width: int = 1200, height: int = 900) -> Iterator[Any]:
    """A file in a page of which every error, warning, dialog and request fails the test."""
    wrong: list[str] = []
    page = chromium.new_page(viewport={"width": width, "height": height})
    own = ("file:", "data:", "blob:")
    page.on("console", lambda said: wrong.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
    page.on("request", lambda one: one.url.startswith(own) or wrong.append(f"asked: {one.url}"))
    try:
        page.goto(file.resolve().as_uri())
        yield page
    finally:
        page.close()
    assert wrong == []
