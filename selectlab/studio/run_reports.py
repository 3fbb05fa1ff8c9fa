"""Reports that lie with runs: which of them may be shown, and where one may be written."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path

from selectlab.errors import DataError, SelectlabError
from selectlab.studio.runs import Run

_HEAD_BYTES = 1024
_HASH = re.compile(rb"sha256-[A-Za-z0-9+/]{43}=")


def report_of(run: Run) -> Path | None:
    """Return the report in the folder of a run; another file of that name is none.

    A link is not followed: it may lead anywhere.
    """
    from selectlab.report.report import FILE, check_target

    path = run.folder / FILE
    if path.is_symlink() or not path.is_file():
        return None
    try:
        check_target(path)
    except SelectlabError:
        return None
    return path


def policy_of(report: Path) -> str:
    """Return the content security policy that a report is sent with.

    A report is a whole page of its own: it lives in an origin of its own, asks nobody for anything,
    and of its scripts only those run whose hashes it names at its beginning, as reports do.
    """
    with report.open("rb") as file:
        hashes = _HASH.findall(file.read(_HEAD_BYTES))
    scripts = " ".join(f"'{one.decode()}'" for one in hashes) or "'none'"
    return (
        f"sandbox allow-scripts; default-src 'none'; script-src {scripts}; "
        "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'"
    )


def made_at(run: Run) -> str | None:
    """Return when the report of a run was made, to the second; ``None`` if there is none."""
    found = report_of(run)
    if found is None:
        return None
    made = datetime.fromtimestamp(found.stat().st_mtime, timezone.utc)
    return made.isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")


def check_report(run: Run) -> None:
    """Look whether a report could be made and written, before the work begins.

    Raises:
        DataError: Something else lies where it would be.
        MissingExtraError: jinja2 or plotly is not installed.
    """
    from selectlab.report.html import needed
    from selectlab.report.report import FILE, check_target

    needed()
    path = run.folder / FILE
    if path.is_symlink():
        raise DataError(f"{path}: is a link; a report is written only into the folder of its run")
    check_target(path)
