"""Collecting: one pass over an index for several campaigns, written down batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selectlab import progress
from selectlab.campaigns.judging import Arrivals, meets
from selectlab.campaigns.ranges import merged
from selectlab.campaigns.records import Found
from selectlab.campaigns.takers import BestTaker, Order, Taker
from selectlab.corpus import Corpus
from selectlab.stored import block_rows

if TYPE_CHECKING:
    from selectlab.campaigns.store import Store

BATCH_BYTES = 16 << 20
BATCH_ROWS = 100_000
"""Between two commits at most so many vectors are worked on, in bytes and in rows."""

OnBatch = Callable[[int, int], object]
"""Is told how many rows are done, and how many there are."""


@dataclass(frozen=True)
class Collected:
    """What a campaign got from a pass.

    Attributes:
        campaign: Its name.
        version: Number of the version that collected.
        threshold: The lowest score that was collected.
        target: The most samples that were wanted, if a number was given.
        run: Number of the run; ``None`` for a dry run, which only says what would be.
        n_processed: Distinct samples that this pass was the first to look at, at this threshold.
            A dry run looks at all.
        n_new: Samples that this pass was the first to collect for the version, from any index.
        n_collected: Samples that the version has collected from this index by now.
        rate: Share of the samples of this index that the version has looked at that it has
            collected, 0 to 1.
        n_at: For a dry run, how many samples reach each threshold, those collected before included.
        best: For a dry run, the best samples.
    """

    campaign: str
    version: int
    threshold: float
    target: int | None
    run: int | None
    n_processed: int
    n_new: int
    n_collected: int
    rate: float
    n_at: Mapping[float, int] = field(default_factory=dict)
    best: tuple[Found, ...] = ()


def collect(
    store: Store,
    corpus: Corpus,
    orders: Sequence[Order],
    *,
    on_batch: OnBatch | None = None,
    batch_rows: int | None = None,
) -> list[Collected]:
    """Go over the rows of an index that are not done yet, once for all orders.

    What a batch of rows gives is committed with the note that they are done: a pass that is
    stopped, however rudely, loses only its last batch, and the next one goes on. With a target
    everything is committed at the end, since only then the best are known.

    Args:
        store: Where to.
        corpus: From where; of the space of all the campaigns.
        orders: Who collects what.
        on_batch: Called after each batch.
        batch_rows: About so many rows at a time; 16 MB of vectors unless told otherwise.

    Returns:
        What each order got.
    """
    arrivals = Arrivals(corpus)
    size = batch_rows or batch_rows_of(corpus)
    takers: list[Taker] = []
    with _noting_failures(store, takers):
        for order in orders:
            kind = Taker if order.target is None else BestTaker
            takers.append(kind(store, corpus, arrivals, order))
        for sharing in (True, False):
            _go_over(corpus, takers, size, on_batch, sharing=sharing)
        for taker in takers:
            taker.finish()
        return [_collected(store, taker, corpus.identity) for taker in takers]


def batch_rows_of(corpus: Corpus) -> int:
    """Return how many rows are worked on at a time, where nobody says."""
    return min(BATCH_ROWS, block_rows(corpus.space.dimension, n_bytes=BATCH_BYTES))


def _go_over(
    corpus: Corpus, takers: Sequence[Taker], size: int, on_batch: OnBatch | None, *, sharing: bool
) -> None:
    """Offer the rows that are left to those who have not done them.

    Args:
        corpus: The rows.
        takers: Who takes from them.
        size: Rows at a time, about.
        on_batch: Called after each batch.
        sharing: Leave rows alone that another process is at. What is left after that was left by
            a process that was killed, or is just being finished; doing it twice does no harm.
    """
    wanted = [taker.left() for taker in takers]
    together = merged(rows for ranges in wanted for rows in ranges)
    total, done = sum(stop - start for start, stop in together), 0
    if not total:
        return
    progress.stage("collecting", total, unit="elements")
    for start, stop in together:
        for block in corpus.blocks(start, stop, n_rows=size):
            for taker, ranges in zip(takers, wanted, strict=True):
                if meets((block.first, block.stop), ranges):
                    taker.take(block, sharing=sharing)
            done += len(block)
            progress.reach(done)
            if on_batch is not None:
                on_batch(done, total)


@contextmanager
def _noting_failures(store: Store, takers: Sequence[Taker]) -> Iterator[None]:
    """Write down why runs stopped, if they do."""
    try:
        yield
    except BaseException as error:
        for taker in takers:
            store.fail_run(taker.run, str(error) or type(error).__name__)
        raise


def _collected(store: Store, taker: Taker, corpus: str) -> Collected:
    run, order = store.finish_run(taker.run), taker.order
    return Collected(
        campaign=order.campaign.name,
        version=order.version.number,
        threshold=order.threshold,
        target=order.target,
        run=run.id,
        n_processed=run.n_processed,
        n_new=run.n_collected,
        n_collected=store.n_collected(order.version, corpus),
        rate=store.rate(order.version, corpus),
    )
