"""What became of collected samples, in the tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select, update

from selectlab.campaigns.records import Campaign, Counts, Sample
from selectlab.campaigns.statuses import STATUSES, Standing, Status
from selectlab.errors import DataError, first_of
from selectlab.store.bulk_rows import listed
from selectlab.store.campaign_tables import samples, versions


def standings(
    connection: Connection, campaign: Campaign, ids: Iterable[str]
) -> dict[str, Standing]:
    """Return where samples stand; those that were never collected are left out."""
    columns = (samples.c.sample_id, samples.c.status, samples.c.accepted)
    rows = connection.execute(select(*columns).where(_among(connection, campaign, list(ids))))
    return {row.sample_id: Standing(row.status, row.accepted) for row in rows}


def change(
    connection: Connection, campaign: Campaign, ids: Iterable[str], status: Status, now: datetime
) -> int:
    """Set the status of samples and return how many changed.

    Raises:
        DataError: One was not collected, or may not become that; nothing has changed then.
    """
    wanted = sorted(set(ids))
    there = standings(connection, campaign, wanted)
    where = f"campaign {campaign.name!r}"
    unknown = [sample_id for sample_id in wanted if sample_id not in there]
    if unknown:
        raise DataError(f"{where}: not collected: {first_of(unknown, len(wanted))}")
    after: dict[Standing, list[str]] = defaultdict(list)
    for sample_id in wanted:
        standing = there[sample_id].then(status)
        if standing is None:
            raise DataError(
                f"{where}: {sample_id!r} is {there[sample_id].status} and cannot become {status}"
                + ("; accept it first" if status == "exported" else "")
            )
        if standing != there[sample_id]:
            after[standing].append(sample_id)
    for standing, changed in after.items():
        values = {"status": standing.status, "accepted": standing.accepted, "changed_at": now}
        these = _among(connection, campaign, changed)
        connection.execute(update(samples).where(these).values(values))
    return sum(map(len, after.values()))


def restore(
    connection: Connection,
    campaign: Campaign,
    before: Mapping[str, Standing],
    after: Mapping[str, Standing],
    now: datetime,
) -> None:
    """Put samples back where they stood; see ``Store.restore``."""
    there = standings(connection, campaign, before)
    back: dict[Standing, list[str]] = defaultdict(list)
    for sample_id, standing in before.items():
        if there.get(sample_id) == after[sample_id]:
            back[standing].append(sample_id)
    for standing, restored in back.items():
        values = {"status": standing.status, "accepted": standing.accepted, "changed_at": now}
        these = _among(connection, campaign, restored)
        connection.execute(update(samples).where(these).values(values))


def counts(connection: Connection, campaign: Campaign) -> Counts:
    """Return how many samples have each status."""
    grouped = select(samples.c.status, func.count().label("n")).group_by(samples.c.status)
    rows = connection.execute(grouped.where(samples.c.campaign_id == campaign.id))
    return dict.fromkeys(STATUSES, 0) | {row.status: row.n for row in rows}


def ids(
    connection: Connection,
    campaign: Campaign,
    statuses: Sequence[Status] | None,
    accepted: bool | None,
) -> set[str]:
    """Return samples without all that is known of them; see ``Store.sample_ids``."""
    wanted = select(samples.c.sample_id).where(samples.c.campaign_id == campaign.id)
    if statuses is not None:
        wanted = wanted.where(samples.c.status.in_(statuses))
    if accepted is not None:
        wanted = wanted.where(samples.c.accepted.is_(accepted))
    return set(connection.execute(wanted).scalars())


def page(
    connection: Connection,
    campaign: Campaign,
    statuses: Sequence[Status] | None,
    accepted: bool | None,
    after: str | None,
    limit: int,
) -> list[Sample]:
    """Return the next samples by their ids; see ``Store.samples``."""
    wanted = _selected().where(samples.c.campaign_id == campaign.id)
    if statuses is not None:
        wanted = wanted.where(samples.c.status.in_(statuses))
    if accepted is not None:
        wanted = wanted.where(samples.c.accepted.is_(accepted))
    if after is not None:
        wanted = wanted.where(samples.c.sample_id > after)
    ordered = wanted.order_by(samples.c.sample_id).limit(limit)
    return [Sample(**row._mapping) for row in connection.execute(ordered)]


def _among(connection: Connection, campaign: Campaign, ids: Sequence[str]) -> ColumnElement[bool]:
    given = listed(connection, ids)
    return and_(samples.c.campaign_id == campaign.id, samples.c.sample_id.in_(given))


def _selected() -> Select[Any]:
    columns = (samples.c.sample_id, samples.c.status, samples.c.accepted, samples.c.changed_at)
    numbered = select(*columns, versions.c.number.label("version"))
    return numbered.join_from(samples, versions)
