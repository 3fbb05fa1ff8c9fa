"""The store of campaigns, kept open for as long as the page is served."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selectlab.campaigns import Campaigns
from selectlab.campaigns.store import Store
from selectlab.corpus import Corpus
from selectlab.dataset import Dataset
from selectlab.store.places import Place

Mark = tuple[int, int]


class KeptStore:
    """One store that all requests use.

    A command opens the store anew, and where it only reads takes care to leave no trace: it copies
    the file, or gives up when somebody writes meanwhile. A page that is read and written all the
    time is a client of the database as any other: readers never wait, and writers wait for each
    other. As long as there is no file, looking makes none; one that may not be written is opened
    as commands do.
    """

    def __init__(self) -> None:
        self._held: tuple[Mark, Store] | None = None
        self._busy = threading.Lock()

    @contextmanager
    def opened(self, place: str | Path, *, read_only: bool) -> Iterator[Store]:
        """Give the store, which stays open afterwards where it can.

        Raises:
            DataError: It cannot be opened, or a newer selectlab wrote it.
        """
        held = self._store(place)
        if held is not None:
            yield held
            return
        with Store.open(place, read_only=read_only) as store:
            yield store

    def close(self) -> None:
        """Close it."""
        with self._busy:
            if self._held is not None:
                self._held[1].close()
            self._held = None

    def _store(self, place: str | Path) -> Store | None:
        mark = _mark(Place.of(place).file)
        if mark is None:
            return None
        with self._busy:
            if self._held is not None and self._held[0] != mark:
                self._held[1].close()  # another file lies there now
                self._held = None
            if self._held is None:
                self._held = mark, Store.open(place)
            return self._held[1]


class KeptCampaigns(Campaigns):
    """The campaigns of a dataset, in a store that stays open.

    Args:
        dataset: The dataset.
        kept: The store.
        store: Where it is, if not with the dataset.
        corpus: The index, if it is not in the dataset.
    """

    def __init__(
        self,
        dataset: Dataset,
        kept: KeptStore,
        store: str | os.PathLike[str] | None = None,
        corpus: Corpus | str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(dataset, store=store, corpus=corpus)
        self._kept = kept

    @contextmanager
    def opened(self, *, read_only: bool) -> Iterator[Store]:
        """Give the store."""
        with self._kept.opened(self.store_place, read_only=read_only) as store:
            yield store


def _mark(file: Path | None) -> Mark | None:
    """Tell a file from another one; ``None`` for one that is not there or may not be written."""
    if file is None:
        return 0, 0
    try:
        found = os.stat(file)
    except OSError:
        return None
    writable = os.access(file, os.W_OK) and os.access(file.absolute().parent, os.W_OK)
    return (found.st_dev, found.st_ino) if writable else None
