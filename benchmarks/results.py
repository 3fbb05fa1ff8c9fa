"""Results on disk: JSON that is there whole or not at all."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
"""Where results of record lie, a folder for each suite."""


def write_json(path: Path, data: Any) -> None:
    """Write JSON in one step, and the folder it lies in."""
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(path, text)


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step, and the folder it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


class UnusableResultError(Exception):
    """A file is not a result of a benchmark; the message says which, in one line."""


def read_json(path: Path) -> Any:
    """Return what a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_folder(folder: Path) -> dict[str, Any]:
    """Return the results of a folder by file name without its ending, in order.

    Raises:
        UnusableResultError: A file does not say what was measured, and how large.
    """
    return {path.stem: _result(path) for path in sorted(folder.glob("*.json"))}


def _result(path: Path) -> Any:
    try:
        found = read_json(path)
    except ValueError as error:
        raise UnusableResultError(f"{path}: not JSON ({error})") from None
    if not isinstance(found, dict) or "size" not in found:
        raise UnusableResultError(f"{path}: not the result of a benchmark; move it elsewhere")
    return found


def now() -> str:
    """Return the time, for the record."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def cache_folder() -> Path:
    """Return a folder for what can be made again, outside of the repository."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "selectlab-benchmarks"
