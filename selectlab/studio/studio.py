"""What the page is about: a dataset, what belongs to it, and the work in hand."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectlab.errors import ConfigError, did_you_mean
from selectlab.inputs.sample_ids import is_frame
from selectlab.studio.absence import Absences, canvas
from selectlab.studio.assertion_files import assertion_files
from selectlab.studio.attributes import metadata_keys, task_type
from selectlab.studio.boxes import Boxes
from selectlab.studio.decisions import Past
from selectlab.studio.downloads import Downloads
from selectlab.studio.embedding_map import EmbeddingMap
from selectlab.studio.freshness import Freshness
from selectlab.studio.jobs import Jobs
from selectlab.studio.kept_store import KeptCampaigns, KeptStore
from selectlab.studio.near import Near
from selectlab.studio.overview import Overview
from selectlab.studio.runs import Runs
from selectlab.studio.samples import Samples
from selectlab.studio.strips import MOST_AROUND, Strips
from selectlab.thumbnails import Thumbnail, Thumbnails
from selectlab.validation import shortened

if TYPE_CHECKING:
    from selectlab.campaigns import Campaigns
    from selectlab.dataset import Dataset
    from selectlab.rounds import Rounds
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
        videos: Folder of the videos that samples are frames of. Default: the dataset, and the
            folders that its videos.json names.
        reopen: Opens the dataset anew when its files have changed; without it that is not looked
            for.

    Attributes:
        jobs: The work in hand.
        downloads: Files made for a browser.
        kept: The store of the campaigns.
        past: What was decided in campaigns.
        runs: Its selection runs.
        videos: Where videos lie, if that was said.
        generation: How often the dataset was opened anew.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        store: str | os.PathLike[str] | None = None,
        index: str | os.PathLike[str] | None = None,
        runs: str | os.PathLike[str] | None = None,
        videos: str | os.PathLike[str] | None = None,
        reopen: Callable[[], Dataset] | None = None,
    ) -> None:
        self.videos = None if videos is None else Path(videos)
        self.jobs, self.downloads = Jobs(), Downloads()
        self.kept, self.past = KeptStore(), Past()
        self.generation = 0
        self._store, self._index, self._reopen = store, index, reopen
        self._runs_in = None if runs is None else Path(runs)
        self._show(dataset)

    def _show(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.samples, self.near, self.boxes = Samples(dataset), Near(dataset), Boxes(dataset)
        self.strips, self.map = Strips(dataset), EmbeddingMap(dataset)
        self.runs = Runs(dataset, self._runs_in)
        self._thumbnails = Thumbnails(dataset, self.videos)
        self.absences = Absences(dataset, self._thumbnails)
        self.overview = Overview(dataset, self._thumbnails, self.rounds)
        self._reading = threading.Lock()
        self._fresh = Freshness(None if self._reopen is None else _folder_of(dataset))

    @property
    def changed(self) -> bool:
        """Whether the files of the dataset are no longer those that are shown."""
        return self._fresh.changed

    def renewed(self) -> Studio:
        """Return a studio of the dataset as it is now, with the same work in hand.

        Raises:
            DataError: The dataset cannot be opened any more; what was read stays.
        """
        if self._reopen is None:
            return self
        dataset = self._reopen()
        len(dataset)  # the ids are read now, and what is wrong with them is said
        made = Studio(
            dataset, store=self._store, index=self._index, runs=self._runs_in, videos=self.videos,
            reopen=self._reopen,
        )  # fmt: skip
        made.jobs, made.downloads = self.jobs, self.downloads
        made.kept, made.past = self.kept, self.past
        made.generation = self.generation + 1
        return made

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what is being done, remove what was made to be fetched, close the store."""
        self.jobs.stop()
        self.downloads.close()
        self.kept.close()

    @property
    def name(self) -> str:
        """What the dataset is called."""
        where = self.dataset.source.where.rstrip("/")
        return where.rsplit("/", 1)[-1] if "://" in where else Path(where).resolve().name or where

    @cached_property
    def desk(self) -> Desk:
        """The campaigns as pages show them."""
        from selectlab.studio.desk import Desk

        return Desk(self.campaigns, self.past, self._index)

    @cached_property
    def formats(self) -> dict[str, str]:
        """What collected samples can be written as: the ending of each format, "" for a folder."""
        from selectlab import registry

        left_out = {"aperturedb"}  # is of use only with its own tool
        found = registry.writers().items()
        return {name: one.cls.ending for name, one in found if name not in left_out}

    def ending_of(self, form: str) -> str:
        """Return how files of a format end; "" for a folder.

        Raises:
            ConfigError: There is no such format.
        """
        if form not in self.formats:
            hint = did_you_mean(form, self.formats)
            raise ConfigError(f"form: no format is called {shortened(form)}{hint}")
        return self.formats[form]

    @cached_property
    def campaigns(self) -> Campaigns:
        """The campaigns of the dataset.

        Raises:
            DataError: There is no such index, or no place to keep campaigns in.
        """
        return KeptCampaigns(self.dataset, self.kept, store=self._store, corpus=self._index)

    @cached_property
    def rounds(self) -> Rounds:
        """The rounds of the dataset."""
        from selectlab.rounds import Rounds

        return Rounds(self.dataset, self._store)

    def thumbnail(self, sample_id: str, size: int) -> Thumbnail | None:
        """Return a picture of a sample; ``None`` where there is none.

        Raises:
            DataError: The dataset has no such sample.
        """
        return self.thumbnails([sample_id], size).get(sample_id)

    def thumbnails(self, ids: Sequence[str], size: int) -> dict[str, Thumbnail]:
        """Return pictures of samples; frames of a video are decoded in one go.

        Raises:
            DataError: The dataset has no such sample.
        """
        for one in ids:
            self.samples.row(one)
        return self._thumbnails.of(ids, min(SIZES, key=lambda px: (px < size, px)))

    def frames(self, ids: Sequence[str], size: int) -> dict[str, Thumbnail]:
        """Return pictures of those samples that are frames of a video at hand."""
        source = self.dataset.source
        frames = [one for one in ids if is_frame(one) and source.uri(one) is None]
        return self.thumbnails(frames, size)

    def sample(self, sample_id: str) -> dict[str, Any]:
        """Return all about a sample, as JSON.

        Raises:
            DataError: The dataset has no such sample, or its files are malformed.
        """
        picture = self.thumbnail(sample_id, SIZES[-1])
        size = None if picture is None else picture.source_size
        shapes = self.boxes.of(sample_id, size)
        return {
            "id": sample_id,
            "size": size,
            "canvas": size or self._canvas(sample_id),
            "shapes": shapes,
            "metadata": self.metadata_of(sample_id),
            "absent": None if picture else self.absences.of(sample_id).line,
        }

    def _canvas(self, sample_id: str) -> tuple[int, int] | None:
        """Return the size of a canvas for the boxes of a frame, and for those of its neighbours."""
        near = self.strips.around(sample_id, MOST_AROUND) if is_frame(sample_id) else [sample_id]
        return canvas(self.boxes.of(one, None) for one in near)

    def tiles(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return what is drawn over small pictures of samples, as JSON."""
        pictures = self.thumbnails(ids, SIZES[0])
        found = {}
        for one in ids:
            size = pictures[one].source_size if one in pictures else None
            at = size or self._canvas(one)
            shapes = self.boxes.of_tile(one, size) if at else []
            found[one] = {"size": at, "picture": size is not None, "shapes": shapes}
        return found

    def metadata_of(self, sample_id: str) -> list[tuple[str, str]]:
        """Return the metadata of a sample as text, by key."""
        table = self.dataset.metadata()
        if table is None or sample_id not in table.frame.index:
            return []
        row = table.frame.loc[sample_id].to_dict()
        return [(str(key), _text(value)) for key, value in row.items() if _is_there(value)]

    @property
    def facts(self) -> dict[str, Any]:
        """What the dataset consists of; tags and assertions as they are now."""
        tags, assertions = self.dataset.source.tags(), assertion_files(self.dataset)
        videos = self.absences.videos
        about = {"absent_videos": videos[:3], "n_absent_videos": len(videos)}
        return {**self._facts, **about, "tags": list(tags), "assertions": sorted(assertions)}

    @cached_property
    def _facts(self) -> dict[str, Any]:
        source = self.dataset.source
        with self._reading:
            pictures = sum(source.uri(one) is not None for one in self.samples.ids)
            tasks = {task: task_type(self.dataset, task) for task in source.tasks()}
            return {
                "samples": len(self.dataset),
                "images": pictures,
                "tasks": tasks,
                "metadata": metadata_keys(self.dataset),
            }


def _folder_of(dataset: Dataset) -> Path | None:
    where = dataset.source.where
    root = Path(where).expanduser()
    return None if "://" in where or not root.is_dir() else root


def _is_there(value: Any) -> bool:
    return value is not None and value == value


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
