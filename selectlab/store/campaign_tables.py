"""The tables of campaigns, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from selectlab.store.columns import BYTEWISE, METADATA, Moment, number, part_of

campaigns = Table(
    "campaigns",
    METADATA,
    number(),
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
    part_of("campaigns", primary=True),
    Column("sample_id", BYTEWISE, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
    Column("added_at", Moment, nullable=False),
)

versions = Table(
    "versions",
    METADATA,
    number(),
    part_of("campaigns"),
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
    number(),
    part_of("versions"),
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
    part_of("versions", primary=True),
    Column("corpus", BYTEWISE, primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("stop", BigInteger, primary_key=True),
    Column("threshold", Double, primary_key=True),
    Column("n_samples", BigInteger, nullable=False),
    part_of("runs"),
    CheckConstraint("start >= 0 AND start < stop", name="rows"),
)
"""What was processed; ``n_samples`` counts those that this version had not seen before."""

claims = Table(
    "claims",
    METADATA,
    part_of("versions", primary=True),
    Column("corpus", BYTEWISE, primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("stop", BigInteger, nullable=False),
    part_of("runs"),
    Column("expires_at", Moment, nullable=False),
)
"""What a run is about to process. Only saves work: nothing relies on it."""

hits = Table(
    "hits",
    METADATA,
    part_of("versions", primary=True),
    Column("sample_id", BYTEWISE, primary_key=True),
    Column("corpus", BYTEWISE, primary_key=True),
    Column("score", Double, nullable=False),
    Column("number", Integer, nullable=False),
    Column("cluster", Integer, nullable=False),
    Column("seed_sample_id", BYTEWISE, nullable=False),
    Column("seed_number", Integer, nullable=False),
    part_of("runs"),
    CheckConstraint("score >= 0 AND score <= 1", name="score"),
)
"""What was found in each index: its identity is ``corpus``, that of the run."""
Index("ix_hits_best", hits.c.version_id, hits.c.score.desc(), hits.c.sample_id)

samples = Table(
    "samples",
    METADATA,
    part_of("campaigns", primary=True),
    Column("sample_id", BYTEWISE, primary_key=True),
    Column("status", String, nullable=False),
    Column("accepted", Boolean, nullable=False),
    part_of("versions"),
    Column("changed_at", Moment, nullable=False),
    CheckConstraint("status IN ('new', 'accepted', 'discarded', 'exported')", name="status"),
    Index("ix_samples_status", "campaign_id", "status"),
)
