"""Hits belong to the index that they were found in: a sample has one in each."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_COLUMNS = "version_id, sample_id, score, number, cluster, seed_sample_id, seed_number, run_id"


def upgrade() -> None:
    """Note the index of each hit, that of its run."""
    _made_anew(
        ["version_id", "sample_id", "corpus"],
        "SELECT hits.*, runs.corpus FROM hits JOIN runs ON runs.id = hits.run_id",
    )


def downgrade() -> None:
    """Keep the hit of the last run that found a sample."""
    _made_anew(
        ["version_id", "sample_id"],
        "SELECT * FROM hits WHERE NOT EXISTS (SELECT 1 FROM hits AS other"
        " WHERE other.version_id = hits.version_id AND other.sample_id = hits.sample_id"
        " AND other.run_id > hits.run_id)",
    )


def _made_anew(key: list[str], kept: str) -> None:
    """Make the table with another key, and put back what a query keeps of it."""
    of_index = "corpus" in key
    columns = _COLUMNS + (", corpus" if of_index else "")
    op.execute(f"CREATE TEMPORARY TABLE kept_hits AS {kept}")
    op.drop_table("hits")
    op.create_table(
        "hits",
        sa.Column("version_id", sa.Integer, sa.ForeignKey("versions.id"), nullable=False),
        _needed("sample_id", _ID),
        *([_needed("corpus", _ID)] if of_index else []),
        _needed("score", sa.Double),
        _needed("number", sa.Integer),
        _needed("cluster", sa.Integer),
        _needed("seed_sample_id", _ID),
        _needed("seed_number", sa.Integer),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id"), nullable=False),
        sa.PrimaryKeyConstraint(*key),
        sa.CheckConstraint("score >= 0 AND score <= 1", name="score"),
    )
    op.execute(f"INSERT INTO hits ({columns}) SELECT {columns} FROM kept_hits")
    op.drop_table("kept_hits")
    op.create_index("ix_hits_best", "hits", ["version_id", sa.text("score DESC"), "sample_id"])


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
