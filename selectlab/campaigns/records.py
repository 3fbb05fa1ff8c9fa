"""What a store of campaigns holds, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from selectlab.campaigns.statuses import Status
from selectlab.corpus.spaces import Element, Space

DEFAULT_THRESHOLD = 0.5
"""Scores from here on are hits: on the radius of a cluster of seeds, or nearer."""

RunState = Literal["running", "finished", "failed"]
Range = tuple[int, int]
"""Rows of a corpus, from the first up to the one that is no longer meant."""


@dataclass(frozen=True)
class Campaign:
    """A campaign.

    Attributes:
        space: What its seeds are vectors of.
        threshold: Where a call names no other, the lowest score that is collected, 0 to 1.
        active: Whether it takes part where nobody asks for it by name.
        n_seeds: Seeds in the working set, which the next version will be made of.
        version: Number of the newest version, 0 when there is none.
    """

    id: int
    name: str
    space: Space
    threshold: float
    active: bool
    created_at: datetime
    n_seeds: int
    version: int


@dataclass(frozen=True)
class Version:
    """An immutable snapshot of a campaign's seeds and their clusters.

    Attributes:
        number: 1 for the campaign's first.
        digest: sha256 of the seeds: space, elements and vectors.
    """

    id: int
    campaign_id: int
    campaign: str
    number: int
    digest: str
    created_at: datetime
    n_seeds: int


@dataclass(frozen=True)
class Run:
    """One pass of a version over a corpus.

    Attributes:
        version: Number of the version.
        corpus: Identity of the corpus.
        target: The most samples that were wanted, if a number was given.
        updated_at: When it last wrote anything; an old one that is still ``running`` was killed.
        n_processed: Distinct samples that it looked at, without what earlier runs of this version
            had done at this threshold or a lower one.
        n_collected: Samples that it was the first to collect for this version.
        message: Why it failed.
    """

    id: int
    campaign_id: int
    version_id: int
    version: int
    corpus: str
    threshold: float
    target: int | None
    state: RunState
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    n_processed: int
    n_collected: int
    message: str


@dataclass(frozen=True)
class Found:
    """A sample that scores high enough.

    Attributes:
        score: 0 to 1.
        number: Its best element: the object, 0 for a whole sample.
        cluster: The cluster of seeds that the element is nearest to.
        seed: The nearest seed of that cluster.
    """

    sample_id: str
    score: float
    number: int
    cluster: int
    seed: Element


@dataclass(frozen=True)
class Hit(Found):
    """A collected sample, as it stands now.

    Attributes:
        version: Number of the version that found it.
        run_id: The run that collected it first.
        accepted: Whether a person accepted it; stays when it is exported.
        current: Whether it was found in the index that the campaign was collected from last. Where
            it was not, score and element are those of another index, or of one that has been built
            anew since.
    """

    version: int
    run_id: int
    status: Status
    accepted: bool
    current: bool


@dataclass(frozen=True)
class Sample:
    """What became of a sample in a campaign, whatever versions found it.

    Attributes:
        version: Number of the version that collected it first.
    """

    sample_id: str
    status: Status
    accepted: bool
    version: int
    changed_at: datetime


Counts = Mapping[Status, int]
"""Collected samples by status; every status is there."""
