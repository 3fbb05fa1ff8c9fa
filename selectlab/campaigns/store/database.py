"""The database behind a campaign store: connections, transactions, and errors in one line."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, StaticPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from selectlab.campaigns.store.places import Place
from selectlab.errors import DataError, MissingExtraError

PATIENCE_S = 60.0
"""How long a writer waits for another one, s."""


class Database:
    """A database that is read and written in transactions.

    SQLite writes ahead (WAL): readers see the last whole state while somebody writes, and writers
    wait for each other from their first statement on. PostgreSQL locks rows; see
    ``campaign_rows.locked``.

    Args:
        place: Where it lies. A file is made, with its folder, where there is none.
        read_only: Change nothing and make nothing; what is not there yet looks empty.
    """

    def __init__(self, place: Place, *, read_only: bool = False) -> None:
        self.place, self.read_only = place, read_only
        self._engine = self._opened()

    @property
    def name(self) -> str:
        """The database in messages, without a password."""
        return f"store {self.place}"

    @property
    def shared(self) -> bool:
        """Whether it lies on a server."""
        return self._engine.dialect.name == "postgresql"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that sees one state.

        Raises:
            DataError: The database cannot be read; one line.
        """
        with self._one_line_errors(), self._engine.connect() as connection:
            if self.shared:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that is there whole afterwards, or not at all.

        Raises:
            DataError: It cannot be written; one line.
        """
        if self.read_only:
            raise DataError(f"{self.name}: opened for reading, cannot be changed")
        with self._changing() as connection:
            yield connection

    def empty(self) -> None:
        """Put an empty database in memory in place of this one, which is not there yet."""
        self._engine.dispose()
        self._engine = _prepared(create_engine("sqlite://", poolclass=StaticPool))

    @contextmanager
    def changing_tables(self) -> Iterator[Connection]:
        """One transaction that no other process changes tables beside."""
        with self._changing() as connection:
            if self.shared:
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(6047201351)")
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        with self._one_line_errors(), self._engine.connect() as connection:
            connection.execution_options(begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    def _opened(self) -> Engine:
        if self.place.url is not None:
            try:
                return create_engine(self.place.url, pool_pre_ping=True)
            except ImportError:
                raise MissingExtraError(
                    f"{self.name}: PostgreSQL needs psycopg; "
                    "install it with: pip install 'selectlab[postgres]'"
                ) from None
        file = self.place.file
        assert file is not None
        if self.read_only and not file.exists():
            return _prepared(create_engine("sqlite://", poolclass=StaticPool))
        if not self.read_only:
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise DataError(f"{self.name}: {error.strerror}: {error.filename!r}") from None
        mode = "rw" if self.read_only else "rwc"
        where = f"file:{quote(str(file.absolute()))}?mode={mode}"
        return _prepared(
            create_engine("sqlite://", creator=lambda: self._connected(where), poolclass=QueuePool)
        )

    def _connected(self, where: str) -> sqlite3.Connection:
        connection = sqlite3.connect(where, PATIENCE_S, uri=True, check_same_thread=False)
        if self.read_only:
            connection.execute("PRAGMA query_only = ON")
        else:
            _write_ahead(connection)
        return connection

    @contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            lines = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
            said = self.place.without_password(lines[0].strip())
            if said == "database is locked":
                said = f"another process has been writing for more than {PATIENCE_S:.0f} s"
            raise DataError(f"{self.name}: {said}") from None
        except UnicodeEncodeError as error:
            about = error.object[max(0, error.start - 40) : error.end + 40]
            raise DataError(f"{self.name}: not valid Unicode: {about!r}") from None


def _prepared(engine: Engine) -> Engine:
    """Let SQLite begin transactions when it is told to, and check what rows refer to."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL. Two who do so at once do not wait for each other by themselves."""
    end = monotonic() + PATIENCE_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or monotonic() > end:
                raise
        sleep(0.01)
