"""What the page is about: a dataset, what belongs to it, and the work in hand."""

from __future__ import annotations

import os
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlab.studio.assertion_files import assertion_files
from selectlab.studio.attributes import metadata_keys, task_type
from selectlab.studio.boxes import Boxes
from selectlab.studio.downloads import Downloads
from selectlab.studio.embedding_map import EmbeddingMap
from selectlab.studio.jobs import Jobs
from selectlab.studio.near import Near
from selectlab.studio.runs import Runs
from selectlab.studio.samples import Samples
from selectlab.studio.strips import Strips
from selectlab.thumbnails import Thumbnail, Thumbnails

if TYPE_CHECKING:
    from selectlab.campaigns import Campaigns
    from selectlab.dataset import Dataset
    from selectlab.studio.desk import Desk

SIZES = (256, 640, 1600)
"""Longest sides of pictures that are made, px."""


class Studio:
    """A dataset and everything that the page shows of it.

    Args:
        dataset: The dataset.
        store: Where campaigns are kept, if not with the dataset.
        index: The index that campaigns use, if it is not in the dataset.
        runs: Folder of selection runs, if they are not where they usually are.

    Attributes:
        jobs: The work in hand.
        downloads: Files made for a browser.
        runs: Its selection runs.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        store: str | os.PathLike[str] | None = None,
        index: str | os.PathLike[str] | None = None,
        runs: str | os.PathLike[str] | None = None,
    ) -> None:
        self.dataset = dataset
        self.samples, self.near, self.boxes = Samples(dataset), Near(dataset), Boxes(dataset)
        self.strips, self.map = Strips(dataset), EmbeddingMap(dataset)
        self.jobs, self.downloads = Jobs(), Downloads()
        self.runs = Runs(dataset, None if runs is None else Path(runs))
        self._thumbnails = Thumbnails(dataset)
        self._store, self._index = store, index
        self._reading = threading.Lock()

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what is being done and remove what was made to be fetched."""
        self.jobs.stop()
        self.downloads.close()

    @property
    def name(self) -> str:
        """What the dataset is called."""
        where = self.dataset.source.where.rstrip("/")
        return where.rsplit("/", 1)[-1] if "://" in where else Path(where).resolve().name or where

    @cached_property
    def desk(self) -> Desk:
        """The campaigns as pages show them."""
        from selectlab.studio.desk import Desk

        return Desk(self.campaigns, self._index)

    @cached_property
    def formats(self) -> dict[str, str]:
        """What collected samples can be written as: the ending of each format, "" for a folder."""
        from selectlab import registry

        left_out = {"aperturedb"}  # is of use only with its own tool
        found = registry.writers().items()
        return {name: one.cls.ending for name, one in found if name not in left_out}

    @cached_property
    def campaigns(self) -> Campaigns:
        """The campaigns of the dataset.

        Raises:
            DataError: There is no such index, or no place to keep campaigns in.
        """
        from selectlab.campaigns import Campaigns

        return Campaigns(self.dataset, store=self._store, corpus=self._index)

    def thumbnail(self, sample_id: str, size: int) -> Thumbnail | None:
        """Return a picture of a sample; ``None`` where there is none.

        Raises:
            DataError: The dataset has no such sample.
        """
        self.samples.row(sample_id)
        return self._thumbnails.one(sample_id, min(SIZES, key=lambda px: (px < size, px)))

    def sample(self, sample_id: str) -> dict[str, Any]:
        """Return all about a sample, as JSON.

        Raises:
            DataError: The dataset has no such sample, or its files are malformed.
        """
        picture = self.thumbnail(sample_id, SIZES[-1])
        size = None if picture is None else picture.source_size
        return {
            "id": sample_id,
            "size": size,
            "shapes": self.boxes.of(sample_id, size),
            "metadata": self.metadata_of(sample_id),
        }

    def metadata_of(self, sample_id: str) -> list[tuple[str, str]]:
        """Return the metadata of a sample as text, by key."""
        table = self.dataset.metadata()
        if table is None or sample_id not in table.frame.index:
            return []
        row = table.frame.loc[sample_id].to_dict()
        return [(str(key), _text(value)) for key, value in row.items() if _is_there(value)]

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What the dataset consists of."""
        source = self.dataset.source
        with self._reading:
            pictures = sum(source.uri(one) is not None for one in self.samples.ids)
            tasks = {task: task_type(self.dataset, task) for task in source.tasks()}
            return {
                "samples": len(self.dataset),
                "images": pictures,
                "tasks": tasks,
                "metadata": metadata_keys(self.dataset),
                "tags": list(source.tags()),
                "assertions": sorted(assertion_files(self.dataset)),
            }


def _is_there(value: Any) -> bool:
    return value is not None and value == value


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
