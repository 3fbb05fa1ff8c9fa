"""Runs, what they have processed, and what they are about to, in the tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    Connection,
    Row,
    Select,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from selectlab.campaigns.checks import checked_threshold
from selectlab.campaigns.ranges import left, merged, n_within
from selectlab.campaigns.records import Campaign, Range, Run, RunState, Version
from selectlab.campaigns.store.campaign_rows import lock
from selectlab.store.campaign_tables import batches, claims, runs, versions


def start(
    connection: Connection,
    version: Version,
    corpus: str,
    threshold: float,
    target: int | None,
    now: datetime,
) -> Run:
    """Add a run that is about to begin; what killed ones had claimed is free again."""
    _forget_claims(connection, version.campaign_id, now)
    values = {
        "version_id": version.id,
        "corpus": corpus,
        "threshold": checked_threshold(threshold, f"campaign {version.campaign!r}"),
        "target": target,
        "state": "running",
        "started_at": now,
        "updated_at": now,
        "n_processed": 0,
        "n_collected": 0,
        "message": "",
    }
    added = connection.execute(insert(runs).values(values)).inserted_primary_key
    assert added is not None
    return one(connection, int(added[0]))


def end(connection: Connection, run: Run, state: RunState, message: str, now: datetime) -> Run:
    """Note how a run ended, unless it has ended before; what it had claimed is free again."""
    _forget_claims(connection, run.campaign_id, now)
    ended = {"state": state, "message": message, "updated_at": now, "finished_at": now}
    connection.execute(
        update(runs).where(runs.c.id == run.id, runs.c.state == "running").values(ended)
    )
    connection.execute(delete(claims).where(claims.c.run_id == run.id))
    if state == "finished":
        _forget_done(connection, run)
    return one(connection, run.id)


def one(connection: Connection, run_id: int) -> Run:
    """Return a run."""
    return _run(connection.execute(_selected().where(runs.c.id == run_id)).one())


def every(connection: Connection, campaign: Campaign) -> list[Run]:
    """Return the runs of a campaign, oldest first."""
    wanted = _selected().where(versions.c.campaign_id == campaign.id).order_by(runs.c.id)
    return [_run(row) for row in connection.execute(wanted)]


def done(
    connection: Connection,
    version_id: int,
    corpus: str,
    threshold: float | None = None,
    within: Range | None = None,
) -> list[Range]:
    """Return which rows of a corpus a version has processed.

    Args:
        connection: A transaction.
        version_id: The version.
        corpus: Identity of the corpus.
        threshold: At this one or a lower one; by default at any.
        within: Only batches that share a row with these; by default all.
    """
    wanted = select(batches.c.start, batches.c.stop).where(
        batches.c.version_id == version_id, batches.c.corpus == corpus
    )
    if threshold is not None:
        wanted = wanted.where(batches.c.threshold <= threshold)
    if within is not None:
        wanted = wanted.where(batches.c.start < within[1], batches.c.stop > within[0])
    return merged((row.start, row.stop) for row in connection.execute(wanted))


def n_processed(connection: Connection, version_id: int, corpus: str) -> int:
    """Return how many distinct samples of a corpus a version has looked at."""
    total = select(func.coalesce(func.sum(batches.c.n_samples), 0))
    these = (batches.c.version_id == version_id, batches.c.corpus == corpus)
    return int(connection.execute(total.where(*these)).scalar_one())


def corpora(connection: Connection, campaign_id: int) -> list[str]:
    """Return the corpora that a campaign has gone over, any version of it, the last one first."""
    through = or_(runs.c.state == "finished", runs.c.n_processed > 0, runs.c.n_collected > 0)
    wanted = select(runs.c.corpus).join_from(runs, versions)
    these = wanted.where(versions.c.campaign_id == campaign_id, through).group_by(runs.c.corpus)
    return list(connection.execute(these.order_by(func.max(runs.c.id).desc())).scalars())


def add_batch(
    connection: Connection,
    run: Run,
    rows: Range,
    threshold: float,
    first_rows: Sequence[int] | npt.NDArray[np.integer] | None,
    n_collected: int,
    now: datetime,
) -> None:
    """Note that a range is done and what came of it; see ``Store.commit_batch``.

    What the version had not seen before counts for the version; what it had not seen at this
    threshold or a lower one counts for the run.
    """
    unseen = left(rows, done(connection, run.version_id, run.corpus, None, rows))
    fresh = left(rows, done(connection, run.version_id, run.corpus, threshold, rows))
    if fresh:
        values: dict[str, object]
        values = {"version_id": run.version_id, "corpus": run.corpus, "run_id": run.id}
        values |= {"start": rows[0], "stop": rows[1], "threshold": threshold}
        values["n_samples"] = n_within(unseen, first_rows)
        connection.execute(insert(batches).values(values))
    counted = {
        "n_processed": runs.c.n_processed + n_within(fresh, first_rows),
        "n_collected": runs.c.n_collected + n_collected,
        "updated_at": now,
    }
    connection.execute(update(runs).where(runs.c.id == run.id).values(counted))
    of_run = (claims.c.run_id == run.id, claims.c.start == rows[0])
    connection.execute(delete(claims).where(*of_run))


def claim(connection: Connection, run: Run, rows: Range, seconds: float, now: datetime) -> bool:
    """Take rows for a run, unless they are done or another run has them; see ``Store.claim``."""
    lock(connection, run.campaign_id)
    if not left(rows, done(connection, run.version_id, run.corpus, run.threshold, rows)):
        return False
    of_it = and_(claims.c.version_id == run.version_id, claims.c.corpus == run.corpus)
    connection.execute(delete(claims).where(of_it, claims.c.expires_at <= now))
    shared = (of_it, claims.c.start < rows[1], claims.c.stop > rows[0])
    if connection.execute(select(claims).where(*shared, claims.c.run_id != run.id)).first():
        return False
    connection.execute(delete(claims).where(*shared))
    values = {"version_id": run.version_id, "corpus": run.corpus, "run_id": run.id}
    until = now + timedelta(seconds=seconds)
    connection.execute(
        insert(claims).values(values | {"start": rows[0], "stop": rows[1], "expires_at": until})
    )
    return True


def _forget_claims(connection: Connection, campaign_id: int, now: datetime) -> None:
    """Remove the claims for a campaign that have expired, whichever run made them."""
    lock(connection, campaign_id)
    ours = select(versions.c.id).where(versions.c.campaign_id == campaign_id)
    expired = (claims.c.version_id.in_(ours), claims.c.expires_at <= now)
    connection.execute(delete(claims).where(*expired))


def _forget_done(connection: Connection, run: Run) -> None:
    """Remove the claims of those that a finished run has left nothing to do, killed ones too."""
    high = select(runs.c.id).where(runs.c.threshold >= run.threshold)
    of_it = (claims.c.version_id == run.version_id, claims.c.corpus == run.corpus)
    connection.execute(delete(claims).where(*of_it, claims.c.run_id.in_(high)))


def _selected() -> Select[Any]:
    numbered = select(runs, versions.c.campaign_id, versions.c.number.label("version"))
    return numbered.join_from(runs, versions)


def _run(row: Row[Any]) -> Run:
    return Run(**row._mapping)
