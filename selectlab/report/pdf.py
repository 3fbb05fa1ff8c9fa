"""A page printed to PDF by a browser of this machine: Chromium, Chrome or Edge."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from selectlab.atomic import replace_file
from selectlab.errors import DataError, MissingExtraError

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("microsoft-edge", "microsoft-edge-stable", "msedge", "brave-browser"),
)
"""Names that are looked for on the path, in this order."""
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
"""Where they lie on machines that do not have them on the path."""

_OPTIONS = (
    *("--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check"),
    *("--disable-extensions", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-pdf-header-footer", "--virtual-time-budget=20000"),
    *("--window-size=1000,1400", "--hide-scrollbars"),
)
_MOST_S = 180


def find_browser() -> str:
    """Return a browser that can print.

    Raises:
        MissingExtraError: There is none.
    """
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    found = found or next((place for place in PLACES if os.path.isfile(place)), None)
    if found is None:
        raise MissingExtraError(
            "pdf: needs Chromium, Chrome or Edge to print with, and none is found; install one, or "
            "open the HTML file in any browser and print it"
        )
    return found


def print_pdf(browser: str, page: Path, to: Path) -> None:
    """Print a page.

    Args:
        browser: From :func:`find_browser`.
        page: An HTML file.
        to: The PDF to make; it is there whole or not at all.

    Raises:
        DataError: The browser does not do it.
    """
    replace_file(to, lambda made: _print(browser, page, made))


def _print(browser: str, page: Path, to: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="selectlab-print-") as profile:
        command = [browser, *_OPTIONS, f"--user-data-dir={profile}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # it does not start for root otherwise
        command += [f"--print-to-pdf={to.absolute()}", page.absolute().as_uri()]
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=_MOST_S, check=False, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DataError(f"pdf: {browser} does not print: {error}") from None
    if done.returncode or not to.is_file() or not to.stat().st_size:
        told = done.stderr.decode(errors="replace").strip().splitlines()
        last = told[-1] if told else f"exit code {done.returncode}"
        raise DataError(f"pdf: {browser} does not print: {last}")
