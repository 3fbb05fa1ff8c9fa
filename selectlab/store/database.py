"""The database behind a store: connections, transactions, and errors in one line."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    QueuePool,
    StaticPool,
    create_engine,
    event,
)
from sqlalchemy.exc import DBAPIError

from selectlab.errors import DataError, MissingExtraError
from selectlab.store.columns import REVISION_TABLE
from selectlab.store.places import Place
from selectlab.store.read_only_file import AsItLies, ReadOnlyFile

PATIENCE_S = 60.0
"""How long a writer waits for another one, s."""


class Database:
    """A database that is read and written in transactions.

    SQLite writes ahead (WAL): readers see the last whole state while somebody writes, and writers
    wait for each other from their first statement on. PostgreSQL locks rows; see
    ``campaign_rows.locked`` of the campaigns.

    Args:
        place: Where it lies. A file is made, with its folder, where there is none.
        read_only: Change nothing and make nothing, no file of SQLite's and no time of one either;
            what is not there yet looks empty.
    """

    def __init__(self, place: Place, *, read_only: bool = False) -> None:
        self.place, self.read_only = place, read_only
        self._file: ReadOnlyFile | None = None
        self._folder: TemporaryDirectory[str] | None = None
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
            with connection.begin(), self._as_it_was(connection):
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
        self.close()
        self._engine = _prepared(create_engine("sqlite://", poolclass=StaticPool))

    def copied(self) -> bool:
        """Put a copy in a temporary folder in place of this file, for its tables to be changed.

        Returns:
            Whether there is one; not of a server's database.

        Raises:
            DataError: The file cannot be read, or is written all the time.
        """
        if self._file is None:
            return False
        self._folder = TemporaryDirectory(prefix="selectlab-store-")
        copy = Path(self._folder.name, "copy.db")
        with self._one_line_errors():
            self._file.copy_to(copy)
        self._engine = _prepared(create_engine(URL.create("sqlite", database=str(copy))))
        return True

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
        if self._file is not None:
            self._file.close()
        if self._folder is not None:
            self._folder.cleanup()
        self._file = self._folder = None

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
        if not self.read_only:
            self._refuse_unwritable(file)
            where = f"file:{quote(str(file.absolute()))}?mode=rwc"
            return _prepared(
                create_engine(
                    "sqlite://", creator=lambda: self._written(where), poolclass=QueuePool
                )
            )
        if not os.path.exists(file):
            return _prepared(create_engine("sqlite://", poolclass=StaticPool))
        self._file = ReadOnlyFile(file, PATIENCE_S)
        return _prepared(create_engine("sqlite://", creator=self._read, poolclass=NullPool))

    def _read(self) -> sqlite3.Connection:
        assert self._file is not None
        connection = self._file.connected()
        try:
            self._refuse_foreign(connection)
        except sqlite3.Error:
            if not _changed(connection):
                raise
            raise self._changed_meanwhile() from None
        return connection

    def _written(self, where: str) -> sqlite3.Connection:
        connection = sqlite3.connect(where, PATIENCE_S, uri=True, check_same_thread=False)
        self._refuse_foreign(connection)
        _write_ahead(connection)
        return connection

    def _refuse_unwritable(self, file: Path) -> None:
        """Make the folder of a file, and see to it that the file can be written."""
        elsewhere = "--store FILE (store=...) names another place"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                f"{self.name}: cannot be made, {error.strerror}: {error.filename!r}; {elsewhere}"
            ) from None
        there = [file, file.parent] if os.path.exists(file) else [file.parent]
        if not all(os.access(path, os.W_OK) for path in there):
            raise DataError(f"{self.name}: cannot be written, no permission; {elsewhere}")

    def _refuse_foreign(self, connection: sqlite3.Connection) -> None:
        """Close and refuse a file that holds something else than a store, before any change."""
        try:
            found = connection.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
        except BaseException:
            connection.close()
            raise
        names = [name for (name,) in found]
        if names and REVISION_TABLE not in names:
            connection.close()
            raise DataError(
                f"{self.name}: a database of something else, {names[0]!r} is in it; name another "
                "file, selectlab makes it"
            )

    @contextmanager
    def _as_it_was(self, connection: Connection) -> Iterator[None]:
        """Raise an error if a file that is read as it lies was changed meanwhile."""
        used = connection.connection.driver_connection
        try:
            yield
        except DBAPIError:
            if _changed(used):
                raise self._changed_meanwhile() from None
            raise
        if _changed(used):
            raise self._changed_meanwhile()

    def _changed_meanwhile(self) -> DataError:
        return DataError(f"{self.name}: was changed while it was read; run this again")

    @contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            origin = error.orig if isinstance(error, DBAPIError) else error
            lines = str(origin).strip().splitlines() or [type(origin).__name__]
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


def _changed(connection: object) -> bool:
    """Return whether a connection reads a file as it lies that has been changed since."""
    return isinstance(connection, AsItLies) and connection.changed


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
