"""What the tables of a store are made of."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    String,
    TypeDecorator,
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


def number() -> Column[int]:
    """Return a column that numbers the rows."""
    return Column("id", Integer, primary_key=True)


def part_of(table: str, *, primary: bool = False) -> Column[int]:
    """Return a column with the number of a row of another table."""
    name = table.removesuffix("s") + "_id"
    return Column(name, ForeignKey(f"{table}.id"), primary_key=primary, nullable=False)
