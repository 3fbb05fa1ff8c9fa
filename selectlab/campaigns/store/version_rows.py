"""Versions in the tables: added and read, never changed."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Row, Select, insert, select

from selectlab.campaigns.clusters import Clusters
from selectlab.campaigns.records import Campaign, Version
from selectlab.campaigns.seeds import Seeds
from selectlab.campaigns.store.campaign_rows import VECTOR
from selectlab.corpus.spaces import Element
from selectlab.errors import DataError
from selectlab.store.campaign_tables import campaigns, versions

_NUMBER = np.dtype("<f8")
_LABEL = np.dtype("<i8")


def add(
    connection: Connection, campaign: Campaign, seeds: Seeds, clusters: Clusters, now: datetime
) -> Version:
    """Add a snapshot as the newest version."""
    values = {
        "campaign_id": campaign.id,
        "number": campaign.version + 1,
        "digest": seeds.digest,
        "created_at": now,
        "n_seeds": len(seeds.elements),
        "elements": json.dumps([[e.sample_id, e.number] for e in seeds.elements]).encode(),
        "vectors": _raw(seeds.vectors, VECTOR),
        "centres": _raw(clusters.centres, _NUMBER),
        "radii": _raw(clusters.radii, _NUMBER),
        "labels": _raw(clusters.labels, _LABEL),
    }
    connection.execute(insert(versions).values(values))
    return one(connection, campaign, campaign.version + 1)


def every(connection: Connection, campaign: Campaign) -> list[Version]:
    """Return the versions of a campaign, oldest first."""
    wanted = _selected().where(versions.c.campaign_id == campaign.id)
    return [_version(row) for row in connection.execute(wanted.order_by(versions.c.number))]


def one(connection: Connection, campaign: Campaign, number: int) -> Version:
    """Return a version by its number.

    Raises:
        DataError: There is none of this number.
    """
    wanted = _selected().where(versions.c.campaign_id == campaign.id, versions.c.number == number)
    row = connection.execute(wanted).one_or_none()
    if row is None:
        known = f"there are 1 to {campaign.version}" if campaign.version else "there are none yet"
        raise DataError(f"campaign {campaign.name!r}: no version {number}; {known}")
    return _version(row)


def snapshot(
    connection: Connection, campaign: Campaign, version: Version
) -> tuple[Seeds, Clusters]:
    """Return what a version is made of.

    Raises:
        DataError: It is not what was committed.
    """
    row = connection.execute(select(versions).where(versions.c.id == version.id)).one()
    elements = tuple(Element(sample, number) for sample, number in json.loads(row.elements))
    dimension = campaign.space.dimension
    vectors = np.frombuffer(row.vectors, dtype=VECTOR).astype(np.float32)
    seeds = Seeds(campaign.space, elements, vectors.reshape(len(elements), dimension))
    if seeds.digest != version.digest:
        raise DataError(
            f"campaign {version.campaign!r}: version {version.number} is not what was committed: "
            "its seeds do not have its digest"
        )
    centres = np.frombuffer(row.centres, dtype=_NUMBER).astype(np.float64)
    radii = np.frombuffer(row.radii, dtype=_NUMBER).astype(np.float64)
    labels = np.frombuffer(row.labels, dtype=_LABEL).astype(np.intp)
    return seeds, Clusters(centres.reshape(len(radii), dimension), radii, labels)


def _raw(numbers: npt.NDArray[Any], kind: np.dtype[Any]) -> bytes:
    return np.ascontiguousarray(numbers, dtype=kind).tobytes()


def _selected() -> Select[Any]:
    columns = ("id", "campaign_id", "number", "digest", "created_at", "n_seeds")
    named = select(*(versions.c[name] for name in columns), campaigns.c.name.label("campaign"))
    return named.join_from(versions, campaigns)


def _version(row: Row[Any]) -> Version:
    return Version(**row._mapping)
