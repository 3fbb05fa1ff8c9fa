"""Where the campaigns of a dataset are kept, and which indexes it has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from selectlab.corpus import Corpus, place_of
from selectlab.corpus.manifest import MANIFEST
from selectlab.corpus.spaces import Space
from selectlab.errors import DataError

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

STORE_VARIABLE = "SELECTLAB_STORE"
"""Environment variable that names the store where no argument does; a team's, with its password."""
FILE = "campaigns.db"


def store_place(dataset: Dataset, given: str | os.PathLike[str] | None = None) -> str | Path:
    """Return the store of a dataset: the one given, that of the environment, or its own file.

    Raises:
        DataError: The dataset is in memory and has no folder for one.
    """
    if given is not None:
        return given if isinstance(given, str) else Path(given)
    if named := os.environ.get(STORE_VARIABLE):
        return named
    folder = dataset.source.cache_folder()
    if folder is None:
        raise DataError(
            f"{dataset.source.where}: has no folder to keep campaigns in; say where: --store FILE "
            "or URL (store=...)"
        )
    return Path(folder, FILE)


def corpora(dataset: Dataset) -> Iterator[Corpus]:
    """Yield the indexes that lie in a dataset's folder, by their names."""
    if "://" in dataset.source.where or dataset.source.cache_folder() is None:
        return
    for manifest in sorted(place_of(dataset).parent.glob(f"*/{MANIFEST}")):
        yield Corpus.open(manifest.parent)


def corpus_in(dataset: Dataset, space: Space, where: str) -> Corpus:
    """Return the index of a dataset that holds a space.

    Args:
        dataset: The dataset.
        space: What to look for.
        where: Who asks, for the message.

    Raises:
        DataError: There is none.
    """
    spaces = []
    for corpus in corpora(dataset):
        if corpus.space == space:
            return corpus
        spaces.append(corpus.space)
    if len(spaces) == 1:
        space.check(spaces[0], f"{where}: the index of {dataset.source.where}")
    held = "; ".join(f"{one.elements} in {one.name!r}" for one in spaces) or "none"
    raise DataError(
        f"{where}: no index of {dataset.source.where} holds {space.elements} in embedding space "
        f"{space.name!r} ({held}); 'selectlab index' makes one, --index DIR names another"
    )
