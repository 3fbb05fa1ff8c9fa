"""The campaign store: all that campaigns remember, safe with several processes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from selectlab.campaigns.checks import checked_threshold, name_and_version
from selectlab.campaigns.clusters import Clusters
from selectlab.campaigns.records import (
    DEFAULT_THRESHOLD,
    Campaign,
    Counts,
    Found,
    Hit,
    Range,
    Run,
    Sample,
    Version,
)
from selectlab.campaigns.seeds import Seeds
from selectlab.campaigns.statuses import Standing, Status, checked_status
from selectlab.campaigns.store import campaign_rows, hit_rows, run_rows, sample_rows, version_rows
from selectlab.corpus.spaces import Element
from selectlab.errors import DataError
from selectlab.store.clock import utc_now
from selectlab.store.database import Database
from selectlab.store.opening import opened

TABLES_SINCE = "0003"
"""The revision that brought the tables as they are now."""
PAGE = 20_000
"""Rows that are read at a time."""


class Store:
    """Campaigns, their seeds, versions, runs and collected samples, in a database.

    Every method is one transaction (those that yield rows: one for each page): another process sees
    all of it or nothing, and a process that is killed in it has done nothing.

    Args:
        database: Where they lie, with its tables in place; :meth:`open` sees to that.
        clock: Tells the time.

    Raises:
        DataError: By every method, where the database cannot be reached or changed; one line
            without passwords.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._database, self._clock = database, clock

    @classmethod
    def open(
        cls,
        place: str | Path,
        *,
        read_only: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> Store:
        """Open a store and bring its tables up to date.

        Args:
            place: A file, ``sqlite:///FILE``, or ``postgresql://USER:PASSWORD@HOST/DATABASE``.
                A file is made where there is none; a server's database has to be there.
            read_only: Change nothing: no file is made, and a store that is not there is empty.
            clock: Tells the time.

        Raises:
            ConfigError: The place is none.
            DataError: It cannot be opened, or a newer selectlab wrote it.
            MissingExtraError: PostgreSQL without psycopg.
        """
        return cls(opened(place, read_only=read_only, since=TABLES_SINCE), clock)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    # Campaigns and their working sets

    def create(
        self,
        name: str,
        seeds: Seeds,
        clusters: Clusters | None = None,
        *,
        threshold: float = DEFAULT_THRESHOLD,
    ) -> Campaign:
        """Add an active campaign with its first seeds.

        Args:
            name: Its name.
            seeds: Its working set; their space is the campaign's.
            clusters: Clusters of these seeds, to commit them as version 1 at once.
            threshold: The lowest score that is collected, 0 to 1.

        Raises:
            ConfigError: The name or the threshold is none.
            DataError: There is a campaign of this name.
        """
        now = self._clock()
        with self._database.writing() as connection:
            campaign_rows.add(connection, name, seeds.space, threshold, now)
            campaign = campaign_rows.locked(connection, name)
            campaign_rows.add_seeds(connection, campaign, seeds, now)
            if clusters is not None:
                version_rows.add(connection, campaign, seeds, clusters, now)
            return campaign_rows.one(connection, name)

    def campaigns(self) -> list[Campaign]:
        """Return all campaigns by name."""
        with self._database.reading() as connection:
            return campaign_rows.every(connection)

    def campaign(self, name: str) -> Campaign:
        """Return a campaign.

        Raises:
            DataError: There is none of this name.
        """
        with self._database.reading() as connection:
            return campaign_rows.one(connection, name)

    def meant(self, text: str) -> tuple[Campaign, int | None]:
        """Return the campaign that ``NAME`` or ``NAME@VERSION`` means, and the version's number.

        A campaign of just this name comes first; new ones are not called like a version.

        Raises:
            DataError: There is none of this name.
        """
        with self._database.reading() as connection:
            if campaign_rows.known(connection, text):
                return campaign_rows.one(connection, text), None
            name, number = name_and_version(text)
            return campaign_rows.one(connection, name), number

    def set_threshold(self, name: str, threshold: float) -> Campaign:
        """Set from which score on a campaign collects, where a call does not say."""
        checked = checked_threshold(threshold, f"campaign {name!r}")
        with self._database.writing() as connection:
            return campaign_rows.change(connection, name, threshold=checked)

    def set_active(self, name: str, active: bool) -> Campaign:
        """Let a campaign take part again, or no longer."""
        with self._database.writing() as connection:
            return campaign_rows.change(connection, name, active=active)

    def seeds(self, name: str) -> Seeds:
        """Return the working set, which the next version will be made of."""
        with self._database.reading() as connection:
            return campaign_rows.read_seeds(connection, campaign_rows.one(connection, name))

    def add_seeds(self, name: str, seeds: Seeds) -> int:
        """Put seeds into the working set and return how many are new or have other vectors now.

        Raises:
            DataError: They are of another space than the campaign's.
        """
        with self._database.writing() as connection:
            campaign = campaign_rows.locked(connection, name)
            return campaign_rows.add_seeds(connection, campaign, seeds, self._clock())

    def remove_seeds(self, name: str, elements: Iterable[Element]) -> int:
        """Take seeds out of the working set and return how many.

        Raises:
            DataError: One is not there; nothing has been removed then.
        """
        with self._database.writing() as connection:
            campaign = campaign_rows.locked(connection, name)
            return campaign_rows.remove_seeds(connection, campaign, elements)

    # Versions

    def commit(
        self, name: str, cluster: Callable[[npt.NDArray[np.float32]], Clusters] = Clusters.of
    ) -> Version:
        """Make the working set the newest version, and return that.

        A working set that is what the newest version is made of makes no other one. The clusters
        are computed outside the transaction, again if somebody has changed the set meanwhile.

        Raises:
            DataError: The working set is empty.
        """
        while True:
            seeds = self.seeds(name)
            if not seeds.elements:
                raise DataError(f"campaign {name!r}: has no seeds to commit; add some first")
            clusters = cluster(seeds.vectors)
            with self._database.writing() as connection:
                campaign = campaign_rows.locked(connection, name)
                if campaign_rows.read_seeds(connection, campaign).digest != seeds.digest:
                    continue
                if campaign.version:
                    newest = version_rows.one(connection, campaign, campaign.version)
                    if newest.digest == seeds.digest:
                        return newest
                return version_rows.add(connection, campaign, seeds, clusters, self._clock())

    def versions(self, name: str) -> list[Version]:
        """Return the versions of a campaign, oldest first."""
        with self._database.reading() as connection:
            return version_rows.every(connection, campaign_rows.one(connection, name))

    def version(self, name: str, number: int | None = None) -> Version:
        """Return a version of a campaign, by default the newest.

        Raises:
            DataError: There is none.
        """
        with self._database.reading() as connection:
            campaign = campaign_rows.one(connection, name)
            wanted = campaign.version if number is None else number
            return version_rows.one(connection, campaign, wanted)

    def snapshot(self, version: Version) -> tuple[Seeds, Clusters]:
        """Return the seeds and clusters that were committed.

        Raises:
            DataError: The database holds something else than what was committed.
        """
        with self._database.reading() as connection:
            campaign = campaign_rows.one(connection, version.campaign)
            return version_rows.snapshot(connection, campaign, version)

    # Runs

    def start_run(
        self, version: Version, corpus: str, threshold: float, target: int | None = None
    ) -> Run:
        """Note that a run of a version over a corpus begins."""
        with self._database.writing() as connection:
            now = self._clock()
            return run_rows.start(connection, version, corpus, threshold, target, now)

    def finish_run(self, run: Run) -> Run:
        """Note that a run is through, and return it with its counts."""
        with self._database.writing() as connection:
            return run_rows.end(connection, run, "finished", "", self._clock())

    def fail_run(self, run: Run, message: str) -> Run:
        """Note why a run stopped. What it had committed stays."""
        with self._database.writing() as connection:
            return run_rows.end(connection, run, "failed", message, self._clock())

    def run(self, run_id: int) -> Run:
        """Return a run as it is now."""
        with self._database.reading() as connection:
            return run_rows.one(connection, run_id)

    def runs(self, name: str) -> list[Run]:
        """Return the runs of a campaign, oldest first."""
        with self._database.reading() as connection:
            return run_rows.every(connection, campaign_rows.one(connection, name))

    def claim(self, run: Run, start: int, stop: int, *, seconds: float = 60.0) -> bool:
        """Tell other runs of the version that this one does these rows, for a while.

        Two collectors that claim what they do next share the work. Without, they do it twice; the
        result is the same.

        Returns:
            Whether to do it: False where the rows are done, at the run's threshold or a lower one,
            or another run has claimed any of them.
        """
        with self._database.writing() as connection:
            return run_rows.claim(connection, run, (start, stop), seconds, self._clock())

    def commit_batch(
        self,
        run: Run,
        start: int,
        stop: int,
        found: Iterable[Found],
        *,
        threshold: float | None = None,
        first_rows: Sequence[int] | npt.NDArray[np.integer] | None = None,
    ) -> int:
        """Add what a run found in some rows of its corpus, and that they are done.

        Any number of times and in any order, overlapping or not: the outcome is the same. A sample
        is there once in a version, with its best element; discarded ones stay out.

        Args:
            run: The run, as :meth:`start_run` gave it.
            start: First row.
            stop: The row after the last one.
            found: All elements of these rows that reach the threshold; several of a sample do no
                harm.
            threshold: At which the rows are done; by default the run's. A run that keeps only its
                best ones gives the score of the worst of them.
            first_rows: Ascending rows, within these, at which a sample is met for the first time
                in the corpus; by default every row. They are what is counted as processed.

        Returns:
            How many samples are new to the version.

        Raises:
            ValueError: Something found is below the threshold, or there are no rows.
        """
        done_at = run.threshold if threshold is None else threshold
        given = list(found)
        if not 0 <= start < stop or any(hit.score < done_at for hit in given):
            raise ValueError(f"rows {start} to {stop}: empty, or hits below {done_at}")
        now = self._clock()
        with self._database.writing() as connection:
            campaign_rows.lock(connection, run.campaign_id)
            n_collected = hit_rows.collect(connection, run, given, now)
            rows = (start, stop)
            run_rows.add_batch(connection, run, rows, done_at, first_rows, n_collected, now)
        return n_collected

    def processed(self, version: Version, corpus: str, threshold: float) -> list[Range]:
        """Return which rows of a corpus are done at this threshold or a lower one, in order."""
        with self._database.reading() as connection:
            return run_rows.done(connection, version.id, corpus, threshold)

    def n_processed(self, version: Version, corpus: str | None = None) -> int:
        """Return how many distinct samples of a corpus a version has looked at.

        Args:
            version: The version.
            corpus: By default the one that the campaign was collected from last.
        """
        return self._counts(version, corpus)[0]

    def n_collected(self, version: Version, corpus: str | None = None) -> int:
        """Return how many distinct samples of a corpus a version has collected."""
        return self._counts(version, corpus)[1]

    def rate(self, version: Version, corpus: str | None = None) -> float:
        """Return the share of processed samples that were collected; 0 when none was processed.

        Both are counted within one corpus: one that is built anew is another one, and so is a
        second one of the same data.
        """
        n_processed, n_collected = self._counts(version, corpus)
        return min(1.0, n_collected / n_processed) if n_processed else 0.0

    def _counts(self, version: Version, corpus: str | None) -> tuple[int, int]:
        with self._database.reading() as connection:
            if corpus is None:
                corpus = next(iter(run_rows.corpora(connection, version.campaign_id)), "")
            return (
                run_rows.n_processed(connection, version.id, corpus),
                hit_rows.n_collected(connection, version.id, corpus),
            )

    # Collected samples

    def hits(
        self,
        name: str,
        *,
        version: int | None = None,
        statuses: Sequence[str] | None = None,
        corpus: str | None = None,
        current: bool = False,
        ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Iterator[Hit]:
        """Yield collected samples by falling score, equal ones by sample id; a page in memory.

        Args:
            name: The campaign.
            version: Number of a version; by default each sample as the newest version that has it
                found it.
            statuses: Only samples of these.
            corpus: Only what was found in this corpus. By default each sample as it was found in
                the one that the campaign was collected from last, else as it was found last.
            current: Only what was found in the corpus that was collected from last.
            ids: Only these samples.
            limit: The most to yield.
        """
        with self._database.reading() as connection:
            wanted = _wanted(connection, name, version, statuses, corpus)
        if current:
            wanted = replace(wanted, corpus=wanted.last)
        wanted = replace(wanted, ids=ids)

        def page(after: Hit | None, size: int) -> list[Hit]:
            with self._database.reading() as connection:
                return hit_rows.page(connection, wanted, after, size)

        return _paged(page, limit)

    def ranking(self, name: str) -> list[str]:
        """Return the ids of what :meth:`hits` yields, in its order, in a fraction of the time."""
        with self._database.reading() as connection:
            return hit_rows.ranking(connection, _wanted(connection, name, None, None, None))

    def samples(
        self,
        name: str,
        *,
        statuses: Sequence[str] | None = None,
        accepted: bool | None = None,
    ) -> Iterator[Sample]:
        """Yield what became of the samples of a campaign, by sample id; a page in memory.

        Args:
            name: The campaign.
            statuses: Only these.
            accepted: Only those that a person accepted, exported or not; or only the others.
        """
        wanted = None if statuses is None else [checked_status(status) for status in statuses]
        campaign = self.campaign(name)

        def page(after: Sample | None, size: int) -> list[Sample]:
            last = after.sample_id if after else None
            with self._database.reading() as connection:
                return sample_rows.page(connection, campaign, wanted, accepted, last, size)

        return _paged(page, None)

    def sample_ids(
        self,
        name: str,
        *,
        statuses: Sequence[str] | None = None,
        accepted: bool | None = None,
    ) -> set[str]:
        """Return the ids of what :meth:`samples` yields."""
        checked = None if statuses is None else [checked_status(status) for status in statuses]
        with self._database.reading() as connection:
            campaign = campaign_rows.one(connection, name)
            return sample_rows.ids(connection, campaign, checked, accepted)

    def standings(self, name: str, ids: Iterable[str]) -> dict[str, Standing]:
        """Return where samples stand; those that were never collected are left out."""
        with self._database.reading() as connection:
            return sample_rows.standings(connection, campaign_rows.one(connection, name), ids)

    def set_status(self, name: str, ids: Iterable[str], status: str) -> int:
        """Accept, discard or export samples: all of them, or none.

        Returns:
            How many changed.

        Raises:
            ConfigError: There is no such status.
            DataError: A sample was not collected, or may not become that.
        """
        wanted: Status = checked_status(status)
        with self._database.writing() as connection:
            campaign = campaign_rows.locked(connection, name)
            return sample_rows.change(connection, campaign, ids, wanted, self._clock())

    def restore(
        self, name: str, before: Mapping[str, Standing], after: Mapping[str, Standing]
    ) -> None:
        """Put samples back where they stood, those that stand elsewhere than ``after`` excepted.

        Args:
            name: The campaign.
            before: Where they stood.
            after: Where they have stood since.
        """
        with self._database.writing() as connection:
            campaign = campaign_rows.locked(connection, name)
            sample_rows.restore(connection, campaign, before, after, self._clock())

    def counts(self, name: str) -> Counts:
        """Return how many samples of a campaign have each status."""
        with self._database.reading() as connection:
            return sample_rows.counts(connection, campaign_rows.one(connection, name))


def _wanted(
    connection: Connection,
    name: str,
    version: int | None,
    statuses: Sequence[str] | None,
    corpus: str | None,
) -> hit_rows.Wanted:
    checked = None if statuses is None else [checked_status(status) for status in statuses]
    campaign = campaign_rows.one(connection, name)
    only = 1 if version is None and campaign.version == 1 else version
    version_id = None if only is None else version_rows.one(connection, campaign, only).id
    corpora = run_rows.corpora(connection, campaign.id)
    return hit_rows.Wanted(campaign, version_id, checked, corpus, corpora)


_Row = TypeVar("_Row")


def _paged(page: Callable[[_Row | None, int], list[_Row]], limit: int | None) -> Iterator[_Row]:
    """Yield rows page by page, each from the last row of the one before."""
    last: _Row | None = None
    left_over = limit
    while left_over is None or left_over > 0:
        size = PAGE if left_over is None else min(PAGE, left_over)
        rows = page(last, size)
        yield from rows
        if len(rows) < size:
            return
        last = rows[-1]
        left_over = None if left_over is None else left_over - size
