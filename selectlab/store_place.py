"""Where the campaigns and rounds of a dataset are kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from selectlab.errors import DataError
from selectlab.inputs.files import kept_path

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

STORE_VARIABLE = "SELECTLAB_STORE"
"""Environment variable that names the store where no argument does; a team's, with its password."""
FILE = "campaigns.db"


def store_place(dataset: Dataset, given: str | os.PathLike[str] | None = None) -> str | Path:
    """Return the store of a dataset: the one given, that of the environment, or its own file.

    Its own is the one that is there, in the dataset, also where that can only be read, or in the
    user's cache. Where there is none it is the one to make; nothing is made here.

    Raises:
        DataError: The dataset is in memory and has no folder for one.
    """
    if given is not None:
        return given if isinstance(given, str) else Path(given)
    if named := os.environ.get(STORE_VARIABLE):
        return named
    place = kept_path(dataset.source, FILE)
    if place is None:
        raise DataError(
            f"{dataset.source.where}: has no folder to keep campaigns and rounds in; say where: "
            "--store FILE or URL (store=...)"
        )
    return Path(place)


def existing_place(dataset: Dataset) -> str | Path | None:
    """Return where a dataset has its store, if it may have one; nothing is made.

    Returns:
        The store of the environment, or a file that need not be there. ``None`` for a dataset in
        memory.
    """
    from selectlab.memory import MemorySource

    if isinstance(dataset.source, MemorySource):
        return None
    if named := os.environ.get(STORE_VARIABLE):
        return named
    place = kept_path(dataset.source, FILE)
    return None if place is None else Path(place)
