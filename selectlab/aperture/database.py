"""A connection to an ApertureDB server, through its own client and the user's configuration."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from io import StringIO
from typing import Any

from selectlab.aperture.feed import OK, Feed, Rows, answers_in, reason_in
from selectlab.aperture.logs import Troubles, first_line, kept
from selectlab.errors import ConfigError, DataError, MissingExtraError

TIMEOUT_S = 60.0
"""How long to wait for an answer, s; the client asks three times."""
_PATIENCE = 20
_LOOKED_UP = 1000
_LOOK_S = 0.2


@dataclass(frozen=True)
class Fed:
    """What became of rows.

    Attributes:
        added: Rows that the database took.
        existed: Rows that it had already.
        refused: Why it did not take a row, by row.
    """

    added: frozenset[int] = frozenset()
    existed: frozenset[int] = frozenset()
    refused: Mapping[int, str] = field(default_factory=dict)


class Database:
    """An open connection; see :func:`opened`.

    Args:
        connector: The client's connection.
        troubles: What it logs.
        threads: How many connections load at a time.
    """

    def __init__(self, connector: Any, troubles: Troubles, threads: int) -> None:
        self._connector, self._troubles, self._threads = connector, troubles, threads
        self._loader: Any = None
        self.address = f"{connector.config.host}:{connector.config.port}"

    def greet(self) -> None:
        """See whether the server is there and takes the credentials.

        Raises:
            DataError: It is not, or it does not.
        """
        try:
            response, _ = self._connector.query([{"GetStatus": {}}])
        except Exception as error:
            why = self._troubles.why(error)
            if self._troubles.cause is None and getattr(self._connector, "connected", True):
                who = self._connector.config.username or "the token"
                raise DataError(f"ApertureDB at {self.address} refuses {who!r}: {why}") from None
            raise DataError(f"ApertureDB at {self.address} cannot be reached: {why}") from None
        self._refuse_errors(response)

    def ask(self, command: str, about: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer to a command.

        Raises:
            DataError: The connection is lost, or the server reports an error.
        """
        self._troubles.forget()
        try:
            response, _ = self._connector.query([{command: dict(about)}])
        except Exception as error:
            raise self._lost(error) from None
        self._refuse_errors(response)
        return next(iter(answers_in(response)), {})

    def found(self, command: str, key: str, names: Sequence[str]) -> list[str]:
        """Return which of some names objects have, each as often as there are such objects.

        Args:
            command: Such as ``"FindImage"``.
            key: The property that holds the name.
            names: What to look for.

        Raises:
            DataError: As :meth:`ask`.
        """
        found = []
        for start in range(0, len(names), _LOOKED_UP):
            some = import_module("aperturedb.Constraints").Constraints()
            some.is_in(key, list(names[start : start + _LOOKED_UP]))
            about = {"constraints": some.constraints, "results": {"list": [key]}, "blobs": False}
            entities = self.ask(command, about).get("entities") or ()
            found += [str(entity[key]) for entity in entities]
        return found

    def feed(self, data: Rows, batch: int, *, indexed: bool = False) -> Fed:
        """Send rows through the client's loader.

        Rows of a batch that the server refuses are sent again one by one, so that one of them
        does not spoil the others.

        Args:
            data: The rows, as commands and blobs.
            batch: How many go into one transaction.
            indexed: Whether to make indexes for what ids are found by.

        Raises:
            DataError: The connection is lost, or the server refuses everything.
        """
        together = Feed(data, range(len(data)), indexed=indexed)
        self._load(together, batch)
        if not together.again:
            return _told(together)
        taken = bool(together.added or together.existed)
        alone = Feed(data, together.again, patience=None if taken else _PATIENCE)
        self._load(alone, 1)
        return _told(together, alone)

    def _load(self, feed: Feed, batch: int) -> None:
        """Let the loader do it in a thread of its own: it would take Ctrl-C for itself."""
        self._troubles.forget()
        with ThreadPoolExecutor(1, thread_name_prefix="selectlab-aperture") as pool:
            future = pool.submit(self._ingest, feed, batch)
            try:
                while not wait([future], timeout=_LOOK_S).done:
                    pass
            except BaseException:
                feed.stop()
                raise
        error = future.exception()
        if feed.is_hopeless:
            why = next(iter(feed.refused.values()))
            raise DataError(f"ApertureDB at {self.address} takes nothing: {why}")
        if not feed.is_complete:
            raise self._lost(error)

    def _ingest(self, feed: Feed, batch: int) -> None:
        if self._loader is None:
            loader = import_module("aperturedb.ParallelLoader").ParallelLoader
            self._loader = loader(self._connector)
        self._loader.ingest(feed, batchsize=batch, numthreads=self._threads)

    def _lost(self, error: BaseException | None) -> DataError:
        why = self._troubles.why(error)
        return DataError(
            f"ApertureDB at {self.address}: the connection is lost, {why}; what has arrived stays, "
            "the same command goes on from there"
        )

    def _refuse_errors(self, response: Any) -> None:
        statuses = [answer.get("status") for answer in answers_in(response)]
        bad = [status for status in statuses if not isinstance(status, int) or status < OK]
        if bad or not statuses:
            raise DataError(f"ApertureDB at {self.address} says: {reason_in(response)}")


def _told(*feeds: Feed) -> Fed:
    refused = {row: why for feed in feeds for row, why in feed.refused.items()}
    return Fed(
        frozenset().union(*(feed.added for feed in feeds)),
        frozenset().union(*(feed.existed for feed in feeds)),
        refused,
    )


@contextmanager
def opened(
    config: str | None = None, *, threads: int = 4, timeout_s: float = TIMEOUT_S
) -> Iterator[Database]:
    """Connect to a server.

    Address and credentials are the client's own affair: ``adb config``, or the environment
    variables ``APERTUREDB_KEY``, ``APERTUREDB_JSON`` and ``APERTUREDB_CONFIG``.

    Args:
        config: Name of a configuration of the client; ``None`` for what it would take.
        threads: How many connections load at a time.
        timeout_s: How long to wait for an answer, s.

    Raises:
        MissingExtraError: The client is not installed.
        ConfigError: There is no such configuration.
        DataError: The server cannot be reached, or refuses the credentials.
    """
    connect = _library()
    with kept() as troubles:
        connector = _configured(connect, config)
        before = socket.getdefaulttimeout()
        socket.setdefaulttimeout(timeout_s)
        try:
            database = Database(connector, troubles, threads)
            database.greet()
            yield database
        finally:
            socket.setdefaulttimeout(before)
            connector.close()


def _library() -> Callable[..., Any]:
    """Return the client's own way to connect. It is told to write no log file and draw no bars."""
    os.environ.setdefault("ADB_LOG_FILE", "")
    os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        found: Callable[..., Any] = import_module("aperturedb.CommonLibrary").create_connector
    except ImportError:
        raise MissingExtraError(
            "the ApertureDB client is not installed; pip install 'selectlab[aperturedb]'"
        ) from None
    except Exception as error:  # such as a protobuf that it does not go with
        raise MissingExtraError(
            f"the ApertureDB client cannot be loaded: {first_line(error)}; pip install "
            "'selectlab[aperturedb]'"
        ) from None
    return found


def _configured(connect: Callable[..., Any], name: str | None) -> Any:
    """Return the client's connection, which is not open yet. What it prints is not for stdout."""
    try:
        with redirect_stdout(StringIO()):
            return connect(name=name, create_config_for_colab_secret=False)
    except Exception as error:
        why = first_line(error).partition(":")[0]  # behind it may stand what it was given
        if name is not None:
            raise ConfigError(
                f"--config: the ApertureDB client has no {name!r}; 'adb config ls' lists them"
            ) from None
        hint = "make one with 'adb config create', or set APERTUREDB_KEY"
        raise ConfigError(f"the ApertureDB client: {why.rstrip('.')}; {hint}") from None
