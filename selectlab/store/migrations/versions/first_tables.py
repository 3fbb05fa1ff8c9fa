"""The first tables: campaigns, seeds, versions, runs, batches, claims, hits and samples."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    _seeds()
    _runs()
    _results()


def downgrade() -> None:
    """Drop the tables."""
    for table in ("samples", "hits", "claims", "batches", "runs", "versions", "seeds", "campaigns"):
        op.drop_table(table)


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _of(table: str) -> sa.Column[int]:
    column = f"{table.removesuffix('s')}_id"
    return sa.Column(column, sa.Integer, sa.ForeignKey(f"{table}.id"), nullable=False)


def _seeds() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Integer, primary_key=True),
        _needed("name", _ID),
        _needed("space", sa.String),
        _needed("dimension", sa.Integer),
        _needed("level", sa.String),
        _needed("task", sa.String),
        _needed("normalised", sa.Boolean),
        _needed("threshold", sa.Double),
        _needed("active", sa.Boolean),
        _needed("created_at", _TIME),
        sa.UniqueConstraint("name"),
        sa.CheckConstraint("threshold >= 0 AND threshold <= 1", name="threshold"),
    )
    op.create_table(
        "seeds",
        _of("campaigns"),
        _needed("sample_id", _ID),
        _needed("number", sa.Integer),
        _needed("vector", sa.LargeBinary),
        _needed("added_at", _TIME),
        sa.PrimaryKeyConstraint("campaign_id", "sample_id", "number"),
    )
    op.create_table(
        "versions",
        sa.Column("id", sa.Integer, primary_key=True),
        _of("campaigns"),
        _needed("number", sa.Integer),
        _needed("digest", sa.String),
        _needed("created_at", _TIME),
        _needed("n_seeds", sa.Integer),
        *(_needed(name, sa.LargeBinary) for name in ("elements", "vectors")),
        *(_needed(name, sa.LargeBinary) for name in ("centres", "radii", "labels")),
        sa.UniqueConstraint("campaign_id", "number"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        _of("versions"),
        _needed("corpus", _ID),
        _needed("threshold", sa.Double),
        sa.Column("target", sa.Integer),
        _needed("state", sa.String),
        _needed("started_at", _TIME),
        _needed("updated_at", _TIME),
        sa.Column("finished_at", _TIME),
        _needed("n_processed", sa.BigInteger),
        _needed("n_collected", sa.BigInteger),
        _needed("message", sa.String),
        sa.CheckConstraint("state IN ('running', 'finished', 'failed')", name="state"),
    )
    op.create_index("ix_runs_version", "runs", ["version_id"])
    op.create_table(
        "batches",
        _of("versions"),
        _needed("corpus", _ID),
        _needed("start", sa.BigInteger),
        _needed("stop", sa.BigInteger),
        _needed("threshold", sa.Double),
        _needed("n_samples", sa.BigInteger),
        _of("runs"),
        sa.PrimaryKeyConstraint("version_id", "corpus", "start", "stop", "threshold"),
        sa.CheckConstraint("start >= 0 AND start < stop", name="rows"),
    )
    op.create_table(
        "claims",
        _of("versions"),
        _needed("corpus", _ID),
        _needed("start", sa.BigInteger),
        _needed("stop", sa.BigInteger),
        _of("runs"),
        _needed("expires_at", _TIME),
        sa.PrimaryKeyConstraint("version_id", "corpus", "start"),
    )


def _results() -> None:
    op.create_table(
        "hits",
        _of("versions"),
        _needed("sample_id", _ID),
        _needed("score", sa.Double),
        _needed("number", sa.Integer),
        _needed("cluster", sa.Integer),
        _needed("seed_sample_id", _ID),
        _needed("seed_number", sa.Integer),
        _of("runs"),
        sa.PrimaryKeyConstraint("version_id", "sample_id"),
        sa.CheckConstraint("score >= 0 AND score <= 1", name="score"),
    )
    op.create_index("ix_hits_best", "hits", ["version_id", sa.text("score DESC"), "sample_id"])
    op.create_table(
        "samples",
        _of("campaigns"),
        _needed("sample_id", _ID),
        _needed("status", sa.String),
        _needed("accepted", sa.Boolean),
        _of("versions"),
        _needed("changed_at", _TIME),
        sa.PrimaryKeyConstraint("campaign_id", "sample_id"),
        sa.CheckConstraint("status IN ('new', 'accepted', 'discarded', 'exported')", name="status"),
    )
    op.create_index("ix_samples_status", "samples", ["campaign_id", "status"])
