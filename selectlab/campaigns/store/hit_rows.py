"""Collected samples in the tables: what each version found, best first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from selectlab.campaigns.records import Campaign, Found, Hit, Run
from selectlab.campaigns.statuses import Status
from selectlab.corpus.spaces import Element
from selectlab.store.bulk_rows import add_rows, listed
from selectlab.store.campaign_tables import hits, samples, versions


def collect(connection: Connection, run: Run, found: Iterable[Found], now: datetime) -> int:
    """Add what a run has found and return how many samples are new to its version.

    A sample is there once in a version, with its best element; one that the campaign has discarded
    is left out. What was found before stays as it is, unless the new element is better.
    """
    best: dict[str, Found] = {}
    for hit in found:
        known = best.get(hit.sample_id)
        if known is None or _rank(hit) < _rank(known):
            best[hit.sample_id] = hit
    ids = sorted(best)
    there = _known(connection, run, ids)
    new, better = [], []
    for name in ids:
        row = there.get(name)
        if row is None or (row.score is None and row.status != "discarded"):
            new.append(best[name])
        elif row.score is not None and _rank(best[name]) < _rank(_found(row)):
            better.append(best[name])
    _add_samples(connection, run, [name for name in ids if name not in there], now)
    of_run: dict[str, object] = {"version_id": run.version_id, "run_id": run.id}
    add_rows(connection, hits, of_run, _columns(new))
    _replace(connection, run, better)
    return len(new)


def page(
    connection: Connection,
    campaign: Campaign,
    version_id: int | None,
    statuses: Sequence[Status] | None,
    after: Hit | None,
    limit: int,
) -> list[Hit]:
    """Return the next hits by falling score and rising sample id; see ``Store.hits``."""
    wanted = _selected().where(samples.c.campaign_id == campaign.id)
    wanted = wanted.where(_of_newest(campaign) if version_id is None else _of(version_id))
    if statuses is not None:
        wanted = wanted.where(samples.c.status.in_(statuses))
    if after is not None:  # the first condition is one that an index helps with
        beyond = or_(hits.c.score < after.score, hits.c.sample_id > after.sample_id)
        wanted = wanted.where(hits.c.score <= after.score, beyond)
    ordered = wanted.order_by(hits.c.score.desc(), hits.c.sample_id).limit(limit)
    return [_hit(*row) for row in connection.execute(ordered)]


def n_collected(connection: Connection, version_id: int) -> int:
    """Return how many distinct samples a version has collected."""
    wanted = select(func.count()).where(_of(version_id))
    return int(connection.execute(wanted).scalar_one())


def _of(version_id: int) -> ColumnElement[bool]:
    return hits.c.version_id == version_id


def _of_newest(campaign: Campaign) -> ColumnElement[bool]:
    """Return the condition for hits of the newest version that has the sample."""
    newer = hits.alias()
    ours = select(versions.c.id).where(versions.c.campaign_id == campaign.id)
    later = exists().where(
        newer.c.version_id.in_(ours),
        newer.c.version_id > hits.c.version_id,
        newer.c.sample_id == hits.c.sample_id,
    )
    return ~later


def _known(connection: Connection, run: Run, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Return what is known of samples: status, and the hit in the run's version if any."""
    same = and_(hits.c.sample_id == samples.c.sample_id, _of(run.version_id))
    columns = [column for column in hits.c if column.name != "sample_id"]
    joined = select(samples.c.sample_id, samples.c.status, *columns).outerjoin_from(
        samples, hits, same
    )
    wanted = joined.where(
        samples.c.campaign_id == run.campaign_id, samples.c.sample_id.in_(listed(connection, ids))
    )
    return {row.sample_id: row for row in connection.execute(wanted)}


def _rank(hit: Found) -> tuple[float, int, int, Element]:
    """Return what puts the better of two elements of one sample first, whatever their order."""
    return -hit.score, hit.number, hit.cluster, hit.seed


def _found(row: Row[Any]) -> Found:
    seed = Element(row.seed_sample_id, row.seed_number)
    return Found(row.sample_id, row.score, row.number, row.cluster, seed)


def _add_samples(connection: Connection, run: Run, ids: Sequence[str], now: datetime) -> None:
    same: dict[str, object] = {"campaign_id": run.campaign_id, "version_id": run.version_id}
    same |= {"status": "new", "accepted": False, "changed_at": now}
    add_rows(connection, samples, same, {"sample_id": ids})


def _columns(found: Sequence[Found]) -> dict[str, list[object]]:
    return {
        "sample_id": [hit.sample_id for hit in found],
        "score": [float(hit.score) for hit in found],
        "number": [int(hit.number) for hit in found],
        "cluster": [int(hit.cluster) for hit in found],
        "seed_sample_id": [hit.seed.sample_id for hit in found],
        "seed_number": [int(hit.seed.number) for hit in found],
    }


def _replace(connection: Connection, run: Run, found: Sequence[Found]) -> None:
    """Give hits other elements; the run that was first stays."""
    columns = _columns(found)
    this = and_(_of(run.version_id), hits.c.sample_id == bindparam("_sample_id"))
    values: dict[str, Any] = {
        name: bindparam(f"_{name}") for name in columns if name != "sample_id"
    }
    rows = zip(*columns.values(), strict=True)
    given = [{f"_{name}": value for name, value in zip(columns, row, strict=True)} for row in rows]
    if given:
        connection.execute(update(hits).where(this).values(values), given)


def _selected() -> Select[Any]:
    """Return the columns that :func:`_hit` takes, in its order."""
    joined = select(
        *(hits.c.sample_id, hits.c.score, hits.c.number, hits.c.cluster),
        *(hits.c.seed_sample_id, hits.c.seed_number, versions.c.number, hits.c.run_id),
        *(samples.c.status, samples.c.accepted),
    )
    of_sample = and_(
        samples.c.campaign_id == versions.c.campaign_id, samples.c.sample_id == hits.c.sample_id
    )
    return joined.join_from(hits, versions).join(samples, of_sample)


def _hit(
    sample_id: str,
    score: float,
    number: int,
    cluster: int,
    seed_sample_id: str,
    seed_number: int,
    *of_campaign: Any,
) -> Hit:
    seed = Element(seed_sample_id, seed_number)
    return Hit(sample_id, score, number, cluster, seed, *of_campaign)
