"""Campaigns and their working sets of seeds, in the tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from selectlab.campaigns.checks import checked_name, checked_threshold
from selectlab.campaigns.records import Campaign
from selectlab.campaigns.seeds import Seeds
from selectlab.corpus.spaces import Element, Space
from selectlab.errors import DataError, did_you_mean
from selectlab.store.campaign_tables import campaigns, seeds, versions

VECTOR = np.dtype("<f4")
"""How the numbers of a seed lie in the database."""


def add(connection: Connection, name: str, space: Space, threshold: float, now: datetime) -> int:
    """Add a campaign without seeds and return its number."""
    checked_name(name)
    if name in _names(connection):
        raise DataError(f"campaign {name!r}: there is one of this name already")
    values = {
        "name": name,
        "space": space.name,
        "dimension": space.dimension,
        "level": space.level,
        "task": space.task,
        "normalised": space.normalised,
        "threshold": checked_threshold(threshold, f"campaign {name!r}"),
        "active": True,
        "created_at": now,
    }
    added = connection.execute(insert(campaigns).values(values)).inserted_primary_key
    assert added is not None
    return int(added[0])


def every(connection: Connection) -> list[Campaign]:
    """Return all campaigns by name."""
    return [_campaign(row) for row in connection.execute(_selected().order_by(campaigns.c.name))]


def one(connection: Connection, name: str) -> Campaign:
    """Return a campaign.

    Raises:
        DataError: There is none of this name.
    """
    row = connection.execute(_selected().where(campaigns.c.name == name)).one_or_none()
    if row is None:
        hint = did_you_mean(name, _names(connection)) or "; there are no campaigns yet"
        raise DataError(f"campaign {name!r}: there is none of this name{hint}")
    return _campaign(row)


def known(connection: Connection, name: str) -> bool:
    """Return whether there is a campaign of just this name."""
    return name in _names(connection)


def locked(connection: Connection, name: str) -> Campaign:
    """Return a campaign that nobody else writes to until this transaction ends."""
    lock_named = select(campaigns.c.id).where(campaigns.c.name == name)
    connection.execute(lock_named.with_for_update(key_share=True)).all()
    return one(connection, name)


def lock(connection: Connection, campaign_id: int) -> None:
    """Let nobody else write to a campaign until this transaction ends.

    Every write to a campaign starts here: they happen one after the other, and what one of them
    has read stays true until it is done. (SQLite's writers wait for each other as a whole.)
    """
    one_row = select(campaigns.c.id).where(campaigns.c.id == campaign_id)
    connection.execute(one_row.with_for_update(key_share=True)).one()


def change(connection: Connection, name: str, **values: object) -> Campaign:
    """Change settings of a campaign."""
    campaign = locked(connection, name)
    connection.execute(update(campaigns).where(campaigns.c.id == campaign.id).values(**values))
    return one(connection, name)


def read_seeds(connection: Connection, campaign: Campaign) -> Seeds:
    """Return the working set."""
    wanted = select(seeds.c.sample_id, seeds.c.number, seeds.c.vector)
    rows = connection.execute(
        wanted.where(seeds.c.campaign_id == campaign.id).order_by(seeds.c.sample_id, seeds.c.number)
    ).all()
    vectors = np.frombuffer(b"".join(row.vector for row in rows), dtype=VECTOR)
    return Seeds(
        campaign.space,
        tuple(Element(row.sample_id, row.number) for row in rows),
        vectors.reshape(len(rows), campaign.space.dimension).astype(np.float32),
    )


def add_seeds(connection: Connection, campaign: Campaign, given: Seeds, now: datetime) -> int:
    """Put seeds into the working set and return how many are new there, or have other vectors."""
    campaign.space.check(given.space, f"campaign {campaign.name!r}")
    there = _vectors(connection, campaign.id)
    raw = [vector.tobytes() for vector in np.ascontiguousarray(given.vectors, dtype=VECTOR)]
    pairs = list(zip(given.elements, raw, strict=True))
    other = [(element, vector) for element, vector in pairs if there.get(element) != vector]
    _remove(connection, campaign.id, [element for element, _ in other if element in there])
    rows = [
        {
            "campaign_id": campaign.id,
            "sample_id": element.sample_id,
            "number": element.number,
            "vector": vector,
            "added_at": now,
        }
        for element, vector in other
    ]
    if rows:
        connection.execute(insert(seeds), rows)
    return len(rows)


def remove_seeds(connection: Connection, campaign: Campaign, given: Iterable[Element]) -> int:
    """Take seeds out of the working set and return how many.

    Raises:
        DataError: One is not there; nothing has been removed then.
    """
    wanted = sorted(set(given))
    there = _vectors(connection, campaign.id)
    for element in wanted:
        if element not in there:
            raise DataError(
                f"campaign {campaign.name!r}: {element.sample_id!r}, object {element.number}, "
                "is none of its seeds"
            )
    _remove(connection, campaign.id, wanted)
    return len(wanted)


def _remove(connection: Connection, campaign_id: int, elements: Sequence[Element]) -> None:
    for element in elements:
        connection.execute(
            delete(seeds).where(
                seeds.c.campaign_id == campaign_id,
                seeds.c.sample_id == element.sample_id,
                seeds.c.number == element.number,
            )
        )


def _vectors(connection: Connection, campaign_id: int) -> dict[Element, bytes]:
    wanted = select(seeds.c.sample_id, seeds.c.number, seeds.c.vector)
    rows = connection.execute(wanted.where(seeds.c.campaign_id == campaign_id))
    return {Element(row.sample_id, row.number): row.vector for row in rows}


def _names(connection: Connection) -> list[str]:
    return list(connection.execute(select(campaigns.c.name)).scalars())


def _selected() -> Select[Any]:
    of_it = campaigns.c.id
    n_seeds = select(func.count()).where(seeds.c.campaign_id == of_it).scalar_subquery()
    newest = select(func.max(versions.c.number)).where(versions.c.campaign_id == of_it)
    return select(
        campaigns,
        n_seeds.label("n_seeds"),
        func.coalesce(newest.scalar_subquery(), 0).label("version"),
    )


def _campaign(row: Row[Any]) -> Campaign:
    return Campaign(
        id=row.id,
        name=row.name,
        space=Space(row.space, row.dimension, row.level, row.task, row.normalised),
        threshold=row.threshold,
        active=row.active,
        created_at=row.created_at,
        n_seeds=row.n_seeds,
        version=row.version,
    )
