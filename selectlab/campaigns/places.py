"""Which indexes a dataset has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from selectlab.corpus import Corpus
from selectlab.corpus.index import FOLDER
from selectlab.corpus.manifest import MANIFEST
from selectlab.corpus.spaces import Space
from selectlab.errors import DataError
from selectlab.inputs.files import kept_folders

if TYPE_CHECKING:
    from selectlab.dataset import Dataset


def corpora(dataset: Dataset) -> Iterator[Corpus]:
    """Yield the indexes that lie in a dataset's folder or in the user's cache, by their names.

    Of two of one name, that in the dataset's folder.
    """
    if "://" in dataset.source.where:
        return
    found: dict[str, Path] = {}
    for kept in kept_folders(dataset.source):
        folder = Path(kept, FOLDER)
        if os.path.isdir(folder):
            for manifest in folder.glob(f"*/{MANIFEST}"):
                found.setdefault(manifest.parent.name, manifest.parent)
    for name in sorted(found):
        yield Corpus.open(found[name])


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
