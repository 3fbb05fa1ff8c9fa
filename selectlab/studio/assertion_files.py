"""What assertions left beside a dataset: files of imputed boxes, by task and name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectlab.dataset import Dataset


def assertion_files(dataset: Dataset) -> dict[str, Path]:
    """Return the files of imputed boxes in a dataset's folder, by ``TASK/NAME``."""
    where = dataset.source.where
    root = Path(where).expanduser()
    if "://" in where or not root.is_dir():
        return {}
    found: dict[str, Path] = {}
    for base in (root / ".lightly" / "imputed", root / "imputed"):
        for path in sorted(base.glob("*/*.json")):
            found.setdefault(f"{path.parent.name}/{path.stem}", path)
    return found
