"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a file beside ``path``, then put it in place in one step."""
    maker = f"{os.getpid()}-{threading.get_ident()}"  # others may be making the same file
    temporary = path.with_name(f".{path.stem}-{maker}{path.suffix}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, text: str) -> None:
    """Write a text file in one step, and the folder it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda to: to.write_text(text, encoding="utf-8"))
