"""The tables of a store, brought to this version of selectlab when it is opened."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from selectlab.errors import DataError
from selectlab.store.columns import REVISION_TABLE
from selectlab.store.database import Database

MIGRATIONS = Path(__file__).with_name("migrations")
_upgrading = threading.Lock()
"""Alembic holds what it works on in variables of the process: threads take turns."""


def migrate(
    database: Database,
    migrations: Path = MIGRATIONS,
    *,
    since: str | None = None,
    table: str | None = None,
) -> None:
    """Run the migrations that a database has not seen.

    Any number of processes and threads may do so at once.

    A database that is open for reading is left alone; without tables it is taken for empty, and of
    an older file a copy is read.

    Args:
        database: The database.
        migrations: Folder of the steps, as alembic wants it.
        since: The first revision that can be read as it is; ``None`` for the newest alone.
        table: One without which there is nothing to read.

    Raises:
        DataError: It was written by a newer selectlab, or is a server's, older and open for
            reading.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    known = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]
    with database.reading() as connection:
        found = _checked(database, connection, known)
        holds = found is not None and (table is None or inspect(connection).has_table(table))
    if found == known[0]:
        return
    if database.read_only:
        if found is not None and holds:
            if since is not None and known.index(found) <= known.index(since):
                return
            if not database.copied():
                raise DataError(
                    f"{database.name}: written by an older selectlab; open it for writing once "
                    "to bring it up to date"
                )
        else:
            database.empty()
    with database.changing_tables() as connection:
        if _checked(database, connection, known) != known[0]:
            config.attributes["connection"] = connection
            with _upgrading:
                command.upgrade(config, "head")


def revision(connection: Connection) -> str | None:
    """Return the revision of a database; ``None`` before its first migration."""
    context = MigrationContext.configure(connection, opts={"version_table": REVISION_TABLE})
    return context.get_current_revision()


def _checked(database: Database, connection: Connection, known: Sequence[str]) -> str | None:
    found = revision(connection)
    if found is not None and found not in known:
        raise DataError(
            f"{database.name}: written by a newer selectlab (its revision {found!r} is not known "
            "here); install that version"
        )
    return found
