"""Who takes what from the rows that go by: everything above a threshold, or the best N."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from selectlab.campaigns.best import Best, Candidate
from selectlab.campaigns.judging import Arrivals, Judge
from selectlab.campaigns.ranges import left
from selectlab.campaigns.records import Campaign, Range, Run, Version
from selectlab.corpus import Block, Corpus

if TYPE_CHECKING:
    from selectlab.campaigns.store import Store


@dataclass(frozen=True)
class Order:
    """What one campaign is to collect.

    Attributes:
        campaign: The campaign.
        version: The version that judges.
        threshold: The lowest score to collect, inclusive.
        target: The most samples to collect, the best ones; ``None`` for all.
        again: Look at all rows, also at those that are done.
    """

    campaign: Campaign
    version: Version
    threshold: float
    target: int | None = None
    again: bool = False

    def best(self, store: Store, corpus: Corpus) -> Best:
        """Return the best N of an index, as far as the version knows them."""
        assert self.target is not None
        hits = store.hits(
            self.campaign.name,
            version=self.version.number,
            corpus=corpus.identity,
            limit=self.target,
        )
        return Best(self.target, self.threshold, hits)

    def judge(self, store: Store) -> Judge:
        """Return what finds its samples; discarded ones are left out."""
        seeds, clusters = store.snapshot(self.version)
        gone = store.samples(self.campaign.name, statuses=["discarded"])
        return Judge(seeds, clusters, (sample.sample_id for sample in gone))


class Taker:
    """Takes everything that reaches the threshold; every batch is committed with its hits.

    Args:
        store: Where to.
        corpus: From where.
        arrivals: Which rows are the first of their samples.
        order: What is wanted.

    Attributes:
        run: The run, as it began.
    """

    def __init__(self, store: Store, corpus: Corpus, arrivals: Arrivals, order: Order) -> None:
        self.order, self.store, self.judge = order, store, order.judge(store)
        self._arrivals, self._rows, self._identity = (
            arrivals, (0, corpus.n_elements), corpus.identity,
        )  # fmt: skip
        self._taken: list[Range] = []
        self.run: Run = store.start_run(
            order.version, corpus.identity, order.threshold, order.target
        )

    def left(self) -> list[Range]:
        """Return the rows that are to be looked at."""
        done = [] if self.order.again else self.done(self.order.threshold)
        return left(self._rows, [*done, *self._taken])

    def take(self, block: Block, *, sharing: bool) -> None:
        """Take from some rows.

        Args:
            block: The rows.
            sharing: Leave them alone when another process is at them.
        """
        rows = (block.first, block.stop)
        if sharing and not self.order.again and not self.store.claim(self.run, *rows):
            return
        found = self.judge.found(block, self.judge.scored(block, self.order.threshold))
        self.store.commit_batch(self.run, *rows, found, first_rows=self._arrivals.first_rows(block))
        self._taken.append(rows)

    def finish(self) -> None:
        """Commit what is not committed yet."""

    def done(self, threshold: float) -> list[Range]:
        """Return the rows that are done at a threshold or a lower one."""
        return self.store.processed(self.order.version, self._identity, threshold)


@dataclass(frozen=True)
class _Batch:
    """Rows that were looked at, and those of them that are the first of their samples."""

    rows: Range
    first_rows: npt.NDArray[np.int64] | None


class BestTaker(Taker):
    """Takes the best N of all that the version has seen; they are committed at the end.

    The rows are then done at the score of the N-th: whatever is left in them is worse. So the same
    order again has nothing to look at but what is new.
    """

    def __init__(self, store: Store, corpus: Corpus, arrivals: Arrivals, order: Order) -> None:
        super().__init__(store, corpus, arrivals, order)
        self._best = order.best(store, corpus)
        self._batches: list[_Batch] = []

    def left(self) -> list[Range]:
        """Return the rows that may hold something better."""
        done = [] if self.order.again else self.done(self._best.floor)
        return left(self._rows, [*done, *self._taken])

    def take(self, block: Block, *, sharing: bool) -> None:
        """Keep what is among the best so far."""
        scored = self.judge.scored(block, self._best.floor)
        number, rows = len(self._batches), (scored.rows + block.first).tolist()
        for row, found in zip(rows, self.judge.found(block, scored), strict=True):
            self._best.offer(Candidate(found, row, number))
        self._best.trim()
        self._batches.append(_Batch((block.first, block.stop), self._arrivals.first_rows(block)))
        self._taken.append((block.first, block.stop))

    def finish(self) -> None:
        """Commit the best, and that the rows hold nothing better."""
        done_at = self._best.done_at
        by_batch = defaultdict(list)
        for candidate in self._best.fresh():
            by_batch[candidate.batch].append(candidate)
        for number, batch in enumerate(self._batches):
            kept = [one for one in by_batch[number] if one.found.score >= done_at]
            self._commit(batch.rows, kept, done_at, batch)
            for one in by_batch[number]:
                if one.found.score < done_at:
                    self._commit((one.row, one.row + 1), [one], one.found.score, batch)

    def _commit(
        self, rows: Range, candidates: Sequence[Candidate], done_at: float, batch: _Batch
    ) -> None:
        first = batch.first_rows
        if first is not None:
            first = first[(first >= rows[0]) & (first < rows[1])]
        found = [one.found for one in candidates]
        self.store.commit_batch(self.run, *rows, found, threshold=done_at, first_rows=first)
