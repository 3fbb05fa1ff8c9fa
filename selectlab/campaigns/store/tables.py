"""The tables of a campaign store, as its newest migration leaves them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)

REVISION_TABLE = "campaigns_revision"
"""Where a database notes its revision: a name of ours, for a database shared with others."""

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

BYTEWISE = String().with_variant(String(collation="C"), "postgresql")
"""Texts that compare as Python's do, whatever the language of the database."""


class Moment(TypeDecorator[datetime]):
    """A time with its zone, always UTC; SQLite stores it without."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Bring a time to UTC."""
        return None if value is None else value.astimezone(timezone.utc)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give a time its zone."""
        if value is None:
            return None
        known: datetime = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return known.astimezone(timezone.utc)


def _number() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _part_of(table: str, *, primary: bool = False) -> Column[int]:
    name = table.removesuffix("s") + "_id"
    return Column(name, ForeignKey(f"{table}.id"), primary_key=primary, nullable=False)


campaigns = Table(
    "campaigns",
    METADATA,
    _number(),
    Column("name", BYTEWISE, nullable=False),
    Column("space", String, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("level", String, nullable=False),
    Column("task", String, nullable=False),
    Column("normalised", Boolean, nullable=False),
    Column("threshold", Double, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("name"),
    CheckConstraint("threshold >= 0 AND threshold <= 1", name="threshold"),
)

seeds = Table(
    "seeds",
    METADATA,
    _part_of("campaigns", primary=True),
    Column("sample_id", BYTEWISE, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
    Column("added_at", Moment, nullable=False),
)

versions = Table(
    "versions",
    METADATA,
    _number(),
    _part_of("campaigns"),
    Column("number", Integer, nullable=False),
    Column("digest", String, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("n_seeds", Integer, nullable=False),
    Column("elements", LargeBinary, nullable=False),
    Column("vectors", LargeBinary, nullable=False),
    Column("centres", LargeBinary, nullable=False),
    Column("radii", LargeBinary, nullable=False),
    Column("labels", LargeBinary, nullable=False),
    UniqueConstraint("campaign_id", "number"),
)

runs = Table(
    "runs",
    METADATA,
    _number(),
    _part_of("versions"),
    Column("corpus", BYTEWISE, nullable=False),
    Column("threshold", Double, nullable=False),
    Column("target", Integer),
    Column("state", String, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("n_processed", BigInteger, nullable=False),
    Column("n_collected", BigInteger, nullable=False),
    Column("message", String, nullable=False),
    CheckConstraint("state IN ('running', 'finished', 'failed')", name="state"),
    Index("ix_runs_version", "version_id"),
)

batches = Table(
    "batches",
    METADATA,
    _part_of("versions", primary=True),
    Column("corpus", BYTEWISE, primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("stop", BigInteger, primary_key=True),
    Column("threshold", Double, primary_key=True),
    Column("n_samples", BigInteger, nullable=False),
    _part_of("runs"),
    CheckConstraint("start >= 0 AND start < stop", name="rows"),
)
"""What was processed; ``n_samples`` counts those that this version had not seen before."""

claims = Table(
    "claims",
    METADATA,
    _part_of("versions", primary=True),
    Column("corpus", BYTEWISE, primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("stop", BigInteger, nullable=False),
    _part_of("runs"),
    Column("expires_at", Moment, nullable=False),
)
"""What a run is about to process. Only saves work: nothing relies on it."""

hits = Table(
    "hits",
    METADATA,
    _part_of("versions", primary=True),
    Column("sample_id", BYTEWISE, primary_key=True),
    Column("score", Double, nullable=False),
    Column("number", Integer, nullable=False),
    Column("cluster", Integer, nullable=False),
    Column("seed_sample_id", BYTEWISE, nullable=False),
    Column("seed_number", Integer, nullable=False),
    _part_of("runs"),
    CheckConstraint("score >= 0 AND score <= 1", name="score"),
)
Index("ix_hits_best", hits.c.version_id, hits.c.score.desc(), hits.c.sample_id)

samples = Table(
    "samples",
    METADATA,
    _part_of("campaigns", primary=True),
    Column("sample_id", BYTEWISE, primary_key=True),
    Column("status", String, nullable=False),
    Column("accepted", Boolean, nullable=False),
    _part_of("versions"),
    Column("changed_at", Moment, nullable=False),
    CheckConstraint("status IN ('new', 'accepted', 'discarded', 'exported')", name="status"),
    Index("ix_samples_status", "campaign_id", "status"),
)
