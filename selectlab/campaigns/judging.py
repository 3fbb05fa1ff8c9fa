"""What a version of a campaign says of the rows of an index: which samples it would collect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from selectlab.campaigns.records import Found, Range
from selectlab.campaigns.scoring import above, nearest_seeds
from selectlab.ids import Ids, Index

if TYPE_CHECKING:
    from selectlab.campaigns.clusters import Clusters
    from selectlab.campaigns.seeds import Seeds
    from selectlab.corpus import Block, Corpus


@dataclass(frozen=True)
class Scored:
    """The best element of each sample of a block that reaches a threshold.

    Attributes:
        rows: (k,) their rows in the block, ascending; one a sample.
        scores: (k,) 0 to 1.
        cluster: (k,) the cluster of seeds that gives the score.
    """

    rows: Index
    scores: npt.NDArray[np.float64]
    cluster: npt.NDArray[np.intp]


class Judge:
    """Finds the samples of a block that are like the seeds of one version.

    Samples that the seeds belong to, and those that were discarded, are known: they are passed
    over, with all their objects.

    Args:
        seeds: The version's seeds.
        clusters: Their clusters.
        discarded: Samples that shall never come back.
    """

    def __init__(self, seeds: Seeds, clusters: Clusters, discarded: Iterable[str] = ()) -> None:
        self._seeds, self._clusters = seeds, clusters
        ids = [element.sample_id for element in seeds.elements]
        self._known = Ids.of([*ids, *discarded]).sorted_unique()

    def scored(self, block: Block, threshold: float) -> Scored:
        """Return the best element of each sample that reaches the threshold.

        Of equally good elements the first counts.
        """
        found = above(block.vectors, self._clusters, threshold)
        rows, scores, cluster = found.rows, found.scores, found.cluster
        if len(rows):
            fresh = self._known.positions(block.sample_ids.take(rows)) < 0
            rows, scores, cluster = rows[fresh], scores[fresh], cluster[fresh]
        if len(rows) and block.numbers.any():
            owner = owners(block.sample_ids.take(rows))
            order = np.lexsort((rows, -scores, owner))
            best = np.sort(order[np.flatnonzero(np.diff(owner[order], prepend=-1))], kind="stable")
            rows, scores, cluster = rows[best], scores[best], cluster[best]
        return Scored(rows, scores, cluster)

    def found(self, block: Block, scored: Scored) -> list[Found]:
        """Return scored samples with the seed of their cluster that each is nearest to."""
        if not len(scored.rows):
            return []
        seeds = nearest_seeds(
            block.vectors[scored.rows], self._seeds.vectors, self._clusters, scored.cluster
        )
        ids, numbers = block.sample_ids.take(scored.rows), block.numbers[scored.rows]
        told = (ids, scored.scores.tolist(), numbers.tolist(), scored.cluster.tolist(), seeds)
        return [
            Found(sample_id, score, number, cluster, self._seeds.elements[int(seed)])
            for sample_id, score, number, cluster, seed in zip(*told, strict=True)
        ]


class Arrivals:
    """Which rows of an index are the first of their sample.

    Objects of one sample may have come at several times, a new row each; the sample counts once.

    Args:
        corpus: The index.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._several = corpus.space.level == "object"
        self._parts = corpus.part_samples() if self._several else ()
        self._stops = corpus.part_stops

    def repeated(self) -> Ids:
        """Return the samples whose elements came at several times, sorted."""
        found: list[str] = []
        for number, part in enumerate(self._parts):
            for earlier in self._parts[:number]:
                found += part.take(np.flatnonzero(earlier.positions(part) >= 0))
        return Ids.of(found).sorted_unique()

    def first_rows(self, block: Block) -> npt.NDArray[np.int64] | None:
        """Return the rows of a block at which a sample is met for the first time.

        ``None`` stands for all of them.
        """
        if not self._several:
            return None
        owner = owners(block.sample_ids)
        begins = np.flatnonzero(np.diff(owner, prepend=-1))
        ids = block.sample_ids.take(begins)
        part = int(np.searchsorted(self._stops, block.first, "right"))
        for earlier in self._parts[:part]:
            unmet = earlier.positions(ids) < 0
            begins, ids = begins[unmet], ids.take(np.flatnonzero(unmet))
        return begins.astype(np.int64) + block.first


def owners(ids: Ids) -> npt.NDArray[np.int64]:
    """Return the number of each id among the distinct ones, in their order."""
    return ids.sorted_unique().positions(ids).astype(np.int64)


def meets(rows: Range, ranges: Iterable[Range]) -> bool:
    """Return whether some rows share one with any of the ranges.

    Example:
        >>> meets((0, 4), [(4, 8)]), meets((0, 5), [(4, 8)])
        (False, True)
    """
    return any(start < rows[1] and rows[0] < stop for start, stop in ranges)
