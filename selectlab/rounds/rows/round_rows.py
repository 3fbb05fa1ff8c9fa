"""Rounds in the tables, and what the dataset held in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from selectlab.errors import ConfigError, DataError
from selectlab.ids import Ids, union
from selectlab.rounds.id_lists import pack, unpack
from selectlab.rounds.records import Round
from selectlab.store.ledger_tables import id_lists, round_lists, rounds


def start(connection: Connection, name: str | None, ids: Ids, now: datetime) -> Round:
    """Begin a round; see ``Ledger.start_round``."""
    if name is not None and (not name.strip() or not name.isprintable()):
        raise ConfigError(f"round: a name has to be visible characters, got {name!r}")
    there = every(connection)
    number = there[-1].number + 1 if there else 1
    begun = Round(number, str(number) if name is None else name, now)
    if begun.name in (other.name for other in there):
        raise DataError(f"round {begun.name!r}: there is one of this name already")
    connection.execute(insert(rounds).values(vars(begun)))
    note_known(connection, number_of(connection, number), ids)
    return begun


def every(connection: Connection) -> list[Round]:
    """Return all rounds, the first one first."""
    return [_round(row) for row in connection.execute(select(rounds).order_by(rounds.c.number))]


def newest(connection: Connection) -> Row[Any] | None:
    """Return the row of the newest round; ``None`` when there is no round."""
    return connection.execute(select(rounds).order_by(rounds.c.number.desc())).first()


def number_of(connection: Connection, number: int) -> int:
    """Return the row number of a round."""
    wanted = select(rounds.c.id).where(rounds.c.number == number)
    return int(connection.execute(wanted).scalar_one())


def of_row(connection: Connection, row_id: int) -> Round:
    """Return the round of a row number."""
    return _round(connection.execute(select(rounds).where(rounds.c.id == row_id)).one())


def note_known(connection: Connection, row_id: int, ids: Ids) -> None:
    """Note what the dataset holds in a round; nothing, where nothing is told."""
    if not len(ids):
        return
    digest, packed = pack(ids.sorted_unique())
    of_it = select(id_lists.c.digest).where(id_lists.c.digest == digest)
    if connection.execute(of_it).first() is None:
        values = {"digest": digest, "n_ids": len(ids), "packed": packed}
        connection.execute(insert(id_lists).values(values))
    noted = select(round_lists).where(
        round_lists.c.round_id == row_id, round_lists.c.digest == digest
    )
    if connection.execute(noted).first() is None:
        connection.execute(insert(round_lists).values(round_id=row_id, digest=digest))


def known(connection: Connection, upto: int) -> Ids:
    """Return what the dataset held in the rounds up to a number."""
    digests = (
        select(round_lists.c.digest).join_from(round_lists, rounds).where(rounds.c.number <= upto)
    )
    wanted = select(id_lists.c.packed).where(id_lists.c.digest.in_(digests))
    lists = connection.execute(wanted.order_by(id_lists.c.digest)).scalars()
    return union([unpack(packed) for packed in lists])


def _round(row: Row[Any]) -> Round:
    return Round(row.number, row.name, row.started_at)
