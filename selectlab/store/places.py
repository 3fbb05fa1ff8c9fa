"""Where a store lies: a file, or a database that a team shares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from selectlab.errors import ConfigError

EXPECTED = "expected a file, sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"


@dataclass(frozen=True)
class Place:
    """A place for a store.

    Attributes:
        file: The SQLite file; ``None`` for a server.
        url: The PostgreSQL server's; ``None`` for a file.
    """

    file: Path | None
    url: URL | None

    @classmethod
    def of(cls, given: str | Path) -> Place:
        """Read what a user wrote: a path, or a URL.

        Raises:
            ConfigError: It is a URL of something else; the message shows no password.
        """
        if isinstance(given, Path) or "://" not in given:
            return cls(Path(given), None)
        kind, _, rest = given.partition("://")
        if rest.partition("?")[0].count("@") > 1:
            raise ConfigError(f"store: {kind}://...: more than one '@'; in a password write %40")
        try:
            url = make_url(given)
        except (ArgumentError, ValueError):
            raise ConfigError(f"store: {kind}://...: not a URL; {EXPECTED}") from None
        family = url.get_backend_name()
        if family == "sqlite" and url.database not in (None, "", ":memory:") and not url.query:
            return cls(Path(str(url.database)), None)
        if family not in ("postgresql", "postgres"):
            raise ConfigError(f"store: {EXPECTED}, got {kind}://...")
        url = url.set(drivername="postgresql+psycopg")
        return cls(None, url.update_query_dict({"client_encoding": "utf8"}))

    def __str__(self) -> str:
        """Return the place without its password, and without a URL's options, which may hold it."""
        if self.url is None:
            return str(self.file)
        plain = URL.create(
            "postgresql", self.url.username, None, self.url.host, self.url.port, self.url.database
        )
        return plain.render_as_string()

    def without_password(self, message: str) -> str:
        """Return a message in which the password, should it be there, is hidden."""
        secrets = [self.url.password, self.url.query.get("password")] if self.url else []
        for secret in secrets:
            if secret:
                message = message.replace(str(secret), "***")
        return message
