"""The tables of a ledger, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from selectlab.store.columns import BYTEWISE, METADATA, Moment, number, part_of

rounds = Table(
    "rounds",
    METADATA,
    number(),
    Column("number", Integer, nullable=False),
    Column("name", BYTEWISE, nullable=False),
    Column("started_at", Moment, nullable=False),
    UniqueConstraint("number"),
    UniqueConstraint("name", name="uq_rounds_name"),
)

id_lists = Table(
    "id_lists",
    METADATA,
    Column("digest", String, primary_key=True),
    Column("n_ids", BigInteger, nullable=False),
    Column("packed", LargeBinary, nullable=False),
)
"""Ids of a dataset, sorted and compressed; the same list is kept once."""

round_lists = Table(
    "round_lists",
    METADATA,
    part_of("rounds", primary=True),
    Column("digest", ForeignKey("id_lists.digest"), primary_key=True),
)
"""What the dataset held in a round."""

choices = Table(
    "choices",
    METADATA,
    number(),
    part_of("rounds"),
    Column("run", String, nullable=False),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("place", String, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("n_chosen", BigInteger, nullable=False),
    Column("forgotten", Boolean, nullable=False),
    Column("states", String, nullable=False),
    UniqueConstraint("run"),
    CheckConstraint("kind IN ('selection', 'campaign', 'ids')", name="kind"),
)
"""Runs whose samples were chosen for labelling."""

picks = Table(
    "picks",
    METADATA,
    part_of("choices", primary=True),
    Column("sample_id", BYTEWISE, primary_key=True),
    Column("rank", BigInteger, nullable=False),
    Column("score", Double),
    Index("ix_picks_rank", "choice_id", "rank"),
    Index("ix_picks_sample", "sample_id"),
)

sendings = Table(
    "sendings",
    METADATA,
    number(),
    Column("tool", String, nullable=False),
    Column("project", String, nullable=False),
    Column("started_at", Moment, nullable=False),
)
"""Batches on their way to a tool."""

sent = Table(
    "sent",
    METADATA,
    Column("tool", String, primary_key=True),
    Column("project", String, primary_key=True),
    Column("sample_id", BYTEWISE, primary_key=True),
    part_of("sendings"),
    Column("task", String),
    Column("sent_at", Moment),
    CheckConstraint("(task IS NULL) = (sent_at IS NULL)", name="arrival"),
    Index("ix_sent_sending", "sending_id"),
    Index("ix_sent_sample", "sample_id"),
)
"""Samples that a project has, or, as long as ``task`` is missing, may have."""

pulls = Table(
    "pulls",
    METADATA,
    Column("tool", String, primary_key=True),
    Column("project", String, primary_key=True),
    Column("watermark", String, nullable=False),
    Column("pulled_at", Moment, nullable=False),
)

labels = Table(
    "labels",
    METADATA,
    Column("sample_id", BYTEWISE, primary_key=True),
    Column("task", BYTEWISE, primary_key=True),
    Column("kind", BYTEWISE, primary_key=True),
    Column("task_type", String, nullable=False),
    Column("shapes", String, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("source", String, nullable=False),
    Column("tool", String, nullable=False),
    Column("project", String, nullable=False),
    Column("labelled_at", Moment),
    Column("labelled_by", String),
    Column("added_at", Moment, nullable=False),
    CheckConstraint("kind IN ('classes', 'objects')", name="kind"),
)
