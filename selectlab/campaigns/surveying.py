"""A dry run: what campaigns would collect, without writing anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from selectlab import progress
from selectlab.campaigns.best import Best, Candidate
from selectlab.campaigns.collecting import Collected, OnBatch, batch_rows_of
from selectlab.campaigns.judging import Arrivals, Scored
from selectlab.campaigns.records import Found
from selectlab.campaigns.takers import Order
from selectlab.corpus import Block, Corpus
from selectlab.ids import Ids

if TYPE_CHECKING:
    from selectlab.campaigns.store import Store

THRESHOLDS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
"""Thresholds at which a dry run counts, beside the campaign's own."""
SHOWN = 20
"""How many of the best samples a dry run returns."""


def survey(
    store: Store,
    corpus: Corpus,
    orders: Sequence[Order],
    *,
    on_batch: OnBatch | None = None,
    batch_rows: int | None = None,
) -> list[Collected]:
    """Look at a whole index, and say what each order would collect; nothing is written.

    Args:
        store: Where the campaigns are; open for reading is enough.
        corpus: From where.
        orders: Who would collect what.
        on_batch: Called after each batch.
        batch_rows: About so many rows at a time.
    """
    counters = [_Counter(store, corpus, order) for order in orders]
    total = corpus.n_elements
    progress.stage("looking", total, unit="elements")
    for block in corpus.blocks(n_rows=batch_rows or batch_rows_of(corpus)):
        for counter in counters:
            counter.look(block)
        progress.reach(block.stop)
        if on_batch is not None:
            on_batch(block.stop, total)
    return [counter.result() for counter in counters]


class _Counter:
    """Counts what one order would collect."""

    def __init__(self, store: Store, corpus: Corpus, order: Order) -> None:
        self._order, self._judge, self._corpus = order, order.judge(store), corpus
        self._levels = sorted({*THRESHOLDS, order.threshold}, reverse=True)
        self._counts = np.zeros(len(self._levels), dtype=np.int64)
        self._shown = Best(SHOWN, self._levels[-1])
        self._wanted = None if order.target is None else order.best(store, corpus)
        self._held = _collected(store, order, corpus.identity)
        self._known = _collected(store, order)
        self._n_added = self._n_new = 0
        self._again = Arrivals(corpus).repeated()
        self._several: dict[str, float] = {}

    def look(self, block: Block) -> None:
        """Count the samples of some rows."""
        scored = self._judge.scored(block, self._levels[-1])
        ids = block.sample_ids.take(scored.rows)
        self._keep_best(block, scored)
        once = self._again.positions(ids) < 0
        for at in np.flatnonzero(~once).tolist():
            known = self._several.get(ids[at], 0.0)
            self._several[ids[at]] = max(known, float(scored.scores[at]))
        self._count(ids.take(np.flatnonzero(once)), scored.scores[once])

    def _count(self, ids: Ids, scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
        self._counts += [int(np.count_nonzero(scores >= level)) for level in self._levels]
        self._add(ids.take(np.flatnonzero(scores >= self._order.threshold)))

    def _add(self, ids: Ids) -> None:
        """Count samples that would be collected: which are new to this index, and which at all."""
        self._n_added += int(np.count_nonzero(self._held.positions(ids) < 0))
        self._n_new += int(np.count_nonzero(self._known.positions(ids) < 0))

    def _keep_best(self, block: Block, scored: Scored) -> None:
        for best in (self._shown, self._wanted):
            if best is not None:
                some = _reaching(scored, best.floor)
                for found in self._judge.found(block, some):
                    best.offer(Candidate(found, batch=0))
                best.trim()

    def result(self) -> Collected:
        """Return what would be collected."""
        if self._several:
            self._count(Ids.of(list(self._several)), np.array(list(self._several.values())))
            self._several = {}
        if self._wanted is not None:
            self._n_added = self._n_new = 0
            self._add(Ids.of([one.found.sample_id for one in self._wanted.fresh()]))
        order, n_collected = self._order, len(self._held) + self._n_added
        best: tuple[Found, ...] = tuple(one.found for one in self._shown.ranked())
        return Collected(
            campaign=order.campaign.name,
            version=order.version.number,
            threshold=order.threshold,
            target=order.target,
            run=None,
            n_processed=self._corpus.n_samples,
            n_new=self._n_new,
            n_collected=n_collected,
            rate=min(1.0, n_collected / self._corpus.n_samples),
            n_at=dict(zip(self._levels, self._counts.tolist(), strict=True)),
            best=best,
        )


def _collected(store: Store, order: Order, corpus: str | None = None) -> Ids:
    """Return what a version has collected, from one index or from any."""
    hits = store.hits(order.campaign.name, version=order.version.number, corpus=corpus)
    return Ids.of([hit.sample_id for hit in hits]).sorted_unique()


def _reaching(scored: Scored, threshold: float) -> Scored:
    some = scored.scores >= threshold
    return Scored(scored.rows[some], scored.scores[some], scored.cluster[some])
