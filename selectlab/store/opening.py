"""The way into a store: its database, with the tables of this version of selectlab."""

from __future__ import annotations

from pathlib import Path

from selectlab.store.database import Database
from selectlab.store.places import Place
from selectlab.store.revisions import migrate


def opened(
    place: str | Path,
    *,
    read_only: bool = False,
    since: str | None = None,
    table: str | None = None,
) -> Database:
    """Open a store and bring its tables up to date.

    Args:
        place: A file, ``sqlite:///FILE``, or ``postgresql://USER:PASSWORD@HOST/DATABASE``. A file
            is made where there is none; a server's database has to be there.
        read_only: Change nothing: no file is made, and a store that is not there is empty.
        since: The first revision of the tables that can be read as it is, if older ones can.
        table: One of those that matter: a store that is opened to be read and lacks it is empty.

    Raises:
        ConfigError: The place is none.
        DataError: It cannot be opened, or a newer selectlab wrote it.
        MissingExtraError: PostgreSQL without psycopg.
    """
    database = Database(Place.of(place), read_only=read_only)
    try:
        migrate(database, since=since, table=table)
    except BaseException:
        database.close()
        raise
    return database
