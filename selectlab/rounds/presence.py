"""Whether a ledger has begun, told without the libraries that open it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from selectlab.errors import DataError

_TABLES = ("rounds", "sent", "labels")


def has_begun(place: str | Path) -> bool:
    """Return whether a store holds rounds, or samples that were sent or labelled.

    Args:
        place: A file, or the URL of a store.

    Raises:
        DataError: A server does not answer.
        MissingExtraError: A server cannot be asked without the libraries.
    """
    if "://" in str(place):
        from selectlab.rounds.ledger import Ledger

        with Ledger.open(place, read_only=True) as ledger:
            return bool(ledger.rounds() or len(ledger.labelled_ids()) or len(ledger.out_ids()))
    file = Path(place)
    if not file.is_file():
        return False
    where = quote(str(file.absolute()))
    try:
        return _has_rows(f"file:{where}?mode=rw")
    except sqlite3.OperationalError:  # a folder that cannot be written, for one
        return _has_rows(f"file:{where}?mode=ro&immutable=1")
    except sqlite3.DatabaseError as error:
        raise DataError(f"ledger {place}: {error}") from None


def _has_rows(where: str) -> bool:
    with closing(sqlite3.connect(where, uri=True)) as connection:
        there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        return any(
            connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None
            for table in _TABLES
            if table in there
        )
