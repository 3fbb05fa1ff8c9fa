"""The campaigns of a dataset as pages show them: what was found, and why."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from selectlab.campaigns.campaigns import Details
from selectlab.campaigns.clusters import Clusters
from selectlab.campaigns.element_names import named, sample_of
from selectlab.campaigns.judging import Judge
from selectlab.campaigns.seed_sources import SeedSource
from selectlab.corpus import Corpus, place_of
from selectlab.corpus.manifest import MANIFEST
from selectlab.corpus.spaces import Element
from selectlab.errors import DataError
from selectlab.studio.decisions import Decisions, Past
from selectlab.studio.hit_orders import HitOrders
from selectlab.studio.seed_changes import seed_changes
from selectlab.studio.threshold_curve import curve_of, threshold_curve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from selectlab.campaigns import Campaigns
    from selectlab.campaigns.seeds import Seeds

SHOWN_SEEDS = 12


class Desk:
    """Where one sits and looks at what campaigns collected.

    Args:
        campaigns: Of the dataset.
        past: What was decided before the dataset was opened anew.
        index: The index to use, if it is not in the dataset.

    Attributes:
        campaigns: Of the dataset.
        decisions: What is said of collected samples.
        orders: Collected samples, a page at a time.
    """

    def __init__(
        self, campaigns: Campaigns, past: Past, index: str | os.PathLike[str] | None = None
    ) -> None:
        self.campaigns, self.decisions = campaigns, Decisions(campaigns, past)
        self.orders = HitOrders(campaigns)
        self._index = index
        self._curves: dict[str, tuple[tuple[Any, ...], list[int | None]]] = {}
        self._busy = threading.Lock()

    def listed(self) -> list[dict[str, Any]]:
        """Return all campaigns."""
        return [self._told(one.name) for one in self.campaigns.list()]

    def details(self, name: str) -> dict[str, Any]:
        """Return all about a campaign, as JSON.

        Raises:
            DataError: There is none of this name.
        """
        return {**self._told(name), **seed_changes(self.campaigns, name)}

    def _told(self, name: str) -> dict[str, Any]:
        found = self.campaigns.get(name)
        one = found.campaign
        return {
            "name": one.name,
            "level": one.space.level,
            "task": one.space.task,
            "space": one.space.name,
            "threshold": one.threshold,
            "active": one.active,
            "version": one.version,
            "seeds": one.n_seeds,
            "uncommitted": found.uncommitted,
            "rate": found.rate,
            "counts": dict(found.counts),
            "collected": sum(found.counts.values()),
            "looked": any(run.version == one.version for run in found.runs),
            "versions": _versions(found),
        }

    def why(self, name: str, sample_id: str) -> dict[str, Any]:
        """Return the cluster of seeds that a collected sample is nearest to.

        Raises:
            DataError: It was not collected.
        """
        with self.campaigns.opened(read_only=True) as store:
            campaign = store.campaign(name)
            hit = next(store.hits(name, ids=[sample_id]), None)
            if hit is None:
                raise DataError(f"campaign {name!r}: {sample_id!r} was not collected")
            seeds, clusters = store.snapshot(store.version(name, hit.version))
        members = np.flatnonzero(clusters.labels == hit.cluster)
        own = self._vector(campaign.space, Element(hit.sample_id, hit.number))
        dists = _dists(seeds, members, own)
        order = sorted(range(len(members)), key=lambda at: (dists[at], int(members[at])))
        shown = [(seeds.elements[int(members[at])], dists[at]) for at in order[:SHOWN_SEEDS]]
        level = campaign.space.level
        return {
            "cluster": hit.cluster + 1,
            "clusters": len(clusters),
            "members": len(members),
            "radius": float(clusters.radii[hit.cluster]),
            "score": hit.score,
            "nearest": named(hit.seed, level),
            "seeds": [
                {
                    "name": named(seed, level),
                    "id": seed.sample_id,
                    "number": seed.number,
                    "known": seed.sample_id in self.campaigns.dataset.rows,
                    "distance": None if dist == np.inf else dist,
                }
                for seed, dist in shown
            ],
        }

    def curve(self, name: str) -> list[int | None]:
        """Return how many samples reach the thresholds 0, 0.01, ..., 1."""
        found = self.campaigns.get(name)
        corpus = self.corpus(found.campaign.space.task or None)
        key = (found.campaign.version, corpus.identity, corpus.generation, found.counts)
        with self._busy:
            held = self._curves.get(name)
        if held is None or held[0] != key:
            held = key, threshold_curve(self.campaigns, corpus, name)
            with self._busy:
                self._curves[name] = held
        return held[1]

    def preview(self, ids: Sequence[str], task: str) -> dict[str, Any]:
        """Return what a campaign with these seeds would find, before there is one.

        Raises:
            DataError: There is no index, or it has not got them.
        """
        corpus = self.corpus(task or None)
        source = SeedSource(ids=self.seed_ids(ids, task))
        seeds = source.seeds(self.campaigns.dataset, corpus)
        clusters = Clusters.of(seeds.vectors)
        counts = curve_of(Judge(seeds, clusters), corpus)
        return {"counts": counts, "seeds": len(seeds), "samples": corpus.n_samples}

    def seeds(self, name: str) -> list[dict[str, Any]]:
        """Return the seeds as they are now."""
        found = self.campaigns.seeds(name)
        return [
            {"name": named(seed, found.space.level), "id": seed.sample_id, "number": seed.number}
            for seed in found.elements
        ]

    def corpus(self, task: str | None) -> Corpus:
        """Return the index of frames, or of the objects of a task.

        Raises:
            DataError: There is none.
        """
        return Corpus.open(self._index or place_of(self.campaigns.dataset, task=task))

    @cached_property
    def _wanted(self) -> list[str | None]:
        """Tasks that campaigns may be about; ``None`` for frames."""
        if self._index is not None:
            return [Corpus.open(self._index).space.task or None]
        return [None, *self.campaigns.dataset.source.tasks()]

    def levels(self) -> list[dict[str, Any]]:
        """Return what campaigns can be about, and whether there is an index of it."""
        return list(self._levels())

    def _levels(self) -> Iterator[dict[str, Any]]:
        source = self.campaigns.dataset.source
        for task in self._wanted:
            table = source.object_embeddings(task) if task else source.embeddings(None)
            if table is None:
                continue
            place = Path(self._index or place_of(self.campaigns.dataset, task=task))
            there = (place / MANIFEST).exists()
            given = {"task": task or "", "there": there, "space": table.space or ""}
            if there:
                corpus = self.corpus(task)
                given |= {"space": corpus.space.name, "elements": len(corpus)}
            yield given

    def seed_ids(self, ids: Sequence[str], task: str) -> list[str]:
        """Return what marked pictures and objects mean as seeds of a campaign."""
        known = self.campaigns.dataset.rows
        if task:
            return list(dict.fromkeys(ids))
        return list(dict.fromkeys(one if one in known else sample_of(one) for one in ids))

    def _vector(self, space: Any, element: Element) -> Any:
        try:
            return self.corpus(space.task or None).vectors_of([element])[0]
        except DataError:  # the index is gone, or was made anew without it
            return None


def _versions(found: Details) -> list[dict[str, Any]]:
    collected: dict[int, int] = {}
    for run in found.runs:
        collected[run.version] = collected.get(run.version, 0) + run.n_collected
    return [
        {
            "number": version.number,
            "created": _moment(version.created_at),
            "seeds": version.n_seeds,
            "collected": collected.get(version.number, 0),
        }
        for version in reversed(found.versions)
    ]


def _moment(when: datetime) -> str:
    return when.isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")


def _dists(seeds: Seeds, members: Any, own: Any) -> list[float]:
    if own is None:
        return [np.inf] * len(members)
    apart = seeds.vectors[members].astype(np.float64) - own
    return [float(dist) for dist in np.sqrt((apart**2).sum(axis=1))]
