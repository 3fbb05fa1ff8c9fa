"""The tables of the ledger: rounds, what was chosen, sent and labelled."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    _rounds()
    _choices()
    _sending()
    _labels()


def downgrade() -> None:
    """Drop the tables."""
    tables = ("labels", "pulls", "sent", "sendings", "picks", "choices", "round_lists", "id_lists")
    for table in (*tables, "rounds"):
        op.drop_table(table)


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _of(table: str) -> sa.Column[int]:
    column = f"{table.removesuffix('s')}_id"
    return sa.Column(column, sa.Integer, sa.ForeignKey(f"{table}.id"), nullable=False)


def _rounds() -> None:
    op.create_table(
        "rounds",
        sa.Column("id", sa.Integer, primary_key=True),
        _needed("number", sa.Integer),
        _needed("name", _ID),
        _needed("started_at", _TIME),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("name", name="uq_rounds_name"),
    )
    op.create_table(
        "id_lists",
        sa.Column("digest", sa.String, primary_key=True),
        _needed("n_ids", sa.BigInteger),
        _needed("packed", sa.LargeBinary),
    )
    op.create_table(
        "round_lists",
        _of("rounds"),
        sa.Column("digest", sa.String, sa.ForeignKey("id_lists.digest"), nullable=False),
        sa.PrimaryKeyConstraint("round_id", "digest"),
    )


def _choices() -> None:
    op.create_table(
        "choices",
        sa.Column("id", sa.Integer, primary_key=True),
        _of("rounds"),
        *(_needed(name, sa.String) for name in ("run", "name", "kind", "place")),
        _needed("recorded_at", _TIME),
        _needed("n_chosen", sa.BigInteger),
        _needed("forgotten", sa.Boolean),
        _needed("states", sa.String),
        sa.UniqueConstraint("run"),
        sa.CheckConstraint("kind IN ('selection', 'campaign', 'ids')", name="kind"),
    )
    op.create_table(
        "picks",
        _of("choices"),
        _needed("sample_id", _ID),
        _needed("rank", sa.BigInteger),
        sa.Column("score", sa.Double),
        sa.PrimaryKeyConstraint("choice_id", "sample_id"),
    )
    op.create_index("ix_picks_rank", "picks", ["choice_id", "rank"])
    op.create_index("ix_picks_sample", "picks", ["sample_id"])


def _sending() -> None:
    op.create_table(
        "sendings",
        sa.Column("id", sa.Integer, primary_key=True),
        _needed("tool", sa.String),
        _needed("project", sa.String),
        _needed("started_at", _TIME),
    )
    op.create_table(
        "sent",
        _needed("tool", sa.String),
        _needed("project", sa.String),
        _needed("sample_id", _ID),
        _of("sendings"),
        sa.Column("task", sa.String),
        sa.Column("sent_at", _TIME),
        sa.PrimaryKeyConstraint("tool", "project", "sample_id"),
        sa.CheckConstraint("(task IS NULL) = (sent_at IS NULL)", name="arrival"),
    )
    op.create_index("ix_sent_sending", "sent", ["sending_id"])
    op.create_index("ix_sent_sample", "sent", ["sample_id"])
    op.create_table(
        "pulls",
        _needed("tool", sa.String),
        _needed("project", sa.String),
        _needed("watermark", sa.String),
        _needed("pulled_at", _TIME),
        sa.PrimaryKeyConstraint("tool", "project"),
    )


def _labels() -> None:
    op.create_table(
        "labels",
        *(_needed(name, _ID) for name in ("sample_id", "task", "kind")),
        *(_needed(name, sa.String) for name in ("task_type", "shapes")),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        *(_needed(name, sa.String) for name in ("source", "tool", "project")),
        sa.Column("labelled_at", _TIME),
        sa.Column("labelled_by", sa.String),
        _needed("added_at", _TIME),
        sa.PrimaryKeyConstraint("sample_id", "task", "kind"),
        sa.CheckConstraint("kind IN ('classes', 'objects')", name="kind"),
    )
