"""What a dataset consists of, counted: pictures, classes, metadata, embeddings, rounds.

N samples, M objects, K classes.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from selectlab.errors import ConfigError, DataError, SelectlabError
from selectlab.studio.assertion_files import assertion_files
from selectlab.studio.attributes import metadata_keys

if TYPE_CHECKING:
    from selectlab.dataset import Dataset
    from selectlab.rounds import Rounds
    from selectlab.thumbnails import Thumbnails

BINS = 24
MOST_BARS = 40
"""Of categories; the rest is told as a number."""
_MOST_KEYS = 60


class Overview:
    """Counts what is in a dataset, each part when it is asked for, once.

    Args:
        dataset: The dataset.
        thumbnails: Knows of which frames the videos are at hand.
        rounds: Its rounds.
    """

    def __init__(self, dataset: Dataset, thumbnails: Thumbnails, rounds: Rounds) -> None:
        self._dataset, self._thumbnails, self._ledger = dataset, thumbnails, rounds
        self._held: dict[str, Any] = {}
        self._busy: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def part(self, name: str) -> dict[str, Any]:
        """Return a part as JSON: ``samples``, ``tasks``, ``metadata`` or ``rounds``.

        Raises:
            ConfigError: There is no such part.
            DataError: It cannot be read.
        """
        parts: Mapping[str, Callable[[], Any]] = {
            "samples": self._samples,
            "tasks": self._tasks,
            "metadata": self._metadata,
            "rounds": self._rounds,
        }
        if name not in parts:
            raise ConfigError(f"overview: expected one of {', '.join(parts)}, got {name!r}")
        if name == "rounds":
            return {name: self._rounds()}
        with self._busy[name]:
            if name not in self._held:
                self._held[name] = parts[name]()
            return {name: self._held[name]}

    def _samples(self) -> dict[str, Any]:
        source = self._dataset.source
        missing, frames, images, videos = [], 0, 0, set()
        for one in self._dataset.ids:
            if source.uri(one) is not None:
                images += 1
                continue
            video = self._thumbnails.video_of(one)
            if video is None:
                missing.append(one)
            else:
                frames += 1
                videos.add(video)
        return {
            "samples": len(self._dataset),
            "images": images,
            "frames": frames,
            "videos": len(videos),
            "without": len(missing),
            "first_without": missing[:3],
            "preselected": len(source.preselected()),
            "tags": {name: len(source.tag(name) or ()) for name in source.tags()},
            "embeddings": self._embeddings(),
            "assertions": sorted(assertion_files(self._dataset)),
        }

    def _embeddings(self) -> list[dict[str, Any]]:
        source = self._dataset.source
        tables: dict[str, Callable[[], Any]] = {"samples": partial(source.embeddings, None)}
        for task in source.tasks():
            tables[f"objects of {task}"] = partial(source.object_embeddings, task)
        found: list[dict[str, Any]] = []
        for of, read in tables.items():
            try:
                table = read()
            except DataError as error:
                found.append({"of": of, "note": str(error)})
                continue
            if table is not None:
                about = {"space": table.space or "", "dimension": table.dimension}
                found.append({"of": of, "vectors": len(table.ids), **about})
        return found

    def _tasks(self) -> list[dict[str, Any]]:
        return [self._task(name) for name in self._dataset.source.tasks()]

    def _task(self, name: str) -> dict[str, Any]:
        """Return the classes of a task with their numbers of objects and samples."""
        try:
            task = self._dataset.predictions(name)
        except SelectlabError as error:
            return {"name": name, "note": str(error)}
        n_classes, counts = len(task.names), task.counts()
        objects = np.bincount(task.category, minlength=n_classes)
        owners = np.repeat(np.arange(len(self._dataset)), counts)
        pairs = np.unique(owners * n_classes + task.category)
        samples = np.bincount(pairs % max(n_classes, 1), minlength=n_classes)
        order = np.argsort(-objects, kind="stable")
        classes = [
            {"name": task.names[k], "objects": int(objects[k]), "samples": int(samples[k])}
            for k in order[:MOST_BARS].tolist()
        ]
        known = task.score[~np.isnan(task.score)]
        return {
            "name": name,
            "type": task.task_type,
            "objects": len(task.category),
            "samples": int((counts > 0).sum()),
            "unlisted": int((~task.listed).sum()),
            "labelled": 0 if task.labelled is None else int(task.labelled.sum()),
            "classes": classes,
            "more": max(n_classes - MOST_BARS, 0),
            "scores": _histogram(known, 0.0, 1.0) if len(known) else None,
        }

    def _metadata(self) -> dict[str, Any]:
        keys = metadata_keys(self._dataset)
        shown = [self._key(key) for key in keys[:_MOST_KEYS]]
        return {"keys": shown, "more": keys[_MOST_KEYS:]}

    def _key(self, key: str) -> dict[str, Any]:
        from selectlab.inputs import Metadata
        from selectlab.types import Categories

        try:
            signal = Metadata(key=key).load(self._dataset)
        except SelectlabError as error:
            return {"key": key, "note": str(error)}
        there = np.ones(len(self._dataset), dtype=np.bool_)
        if signal.missing is not None:
            there = ~signal.missing
        told: dict[str, Any] = {"key": key, "missing": int((~there).sum())}
        if isinstance(signal, Categories):
            counts = np.bincount(signal.codes[there], minlength=len(signal.names))
            order = np.argsort(-counts, kind="stable")
            bars = [[signal.names[k], int(counts[k])] for k in order[:MOST_BARS].tolist()]
            return told | {"bars": bars, "more": max(len(signal.names) - MOST_BARS, 0)}
        values = np.asarray(signal.values, dtype=np.float64)[there]
        if not len(values):
            return told | {"bars": [], "more": 0}
        return told | {
            "histogram": _histogram(values, float(values.min()), float(values.max())),
            "mean": float(values.mean()),
            "median": float(np.median(values)),
        }

    def _rounds(self) -> dict[str, Any]:
        """Return how far each round is; nothing where none has begun."""
        rounds = self._ledger
        try:
            if not rounds.begun:
                return {"rounds": [], "labelled": 0, "chosen": 0}
            status = rounds.status()
            with rounds.ledger(read_only=True) as ledger:
                labelled = len(ledger.labelled_ids())
            chosen = len(rounds.chosen_ids())
        except SelectlabError as error:
            return {"rounds": [], "note": str(error)}
        told = [
            {
                "number": None if one.round is None else one.round.number,
                "name": "outside of rounds" if one.round is None else one.round.name,
                "runs": one.runs,
                "chosen": one.chosen,
                "sent": one.sent,
                "labelled": one.labelled,
            }
            for one in status
        ]
        return {"rounds": told, "labelled": labelled, "chosen": chosen}


def _histogram(values: npt.NDArray[np.float64], low: float, high: float) -> dict[str, Any]:
    """Return counts between equal steps; steps of whole numbers are whole numbers."""
    if low == high:
        return {"counts": [len(values)], "edges": [low, high], "whole": False}
    whole = bool(np.all(values == np.round(values)))
    if whole:
        width = int((high - low) // BINS) + 1
        bins = int((high - low) // width) + 1
        edges = low - 0.5, low - 0.5 + bins * width
    else:
        bins, edges = BINS, (low, high)
    counts, steps = np.histogram(values, bins=bins, range=edges)
    return {"counts": counts.tolist(), "edges": steps.tolist(), "whole": whole}
