"""Who may use the page: from which address, under which name, with which secrets."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

SECRET_BYTES = 32


@dataclass(frozen=True)
class Access:
    """What the page is bound to and what a request has to know.

    Attributes:
        host: Address or name that the server is bound to.
        port: Its port.
        token: What a browser has to bring to see anything; ``None`` where only this machine can
            reach the page.
        csrf: What a request that changes something has to bring; it stands in the pages.
    """

    host: str = "127.0.0.1"
    port: int = 8384
    token: str | None = None
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(SECRET_BYTES))

    @classmethod
    def to(cls, host: str, port: int, *, token: bool = False) -> Access:
        """Return access for an address: with a token where other machines can reach it.

        Args:
            host: Address or name to bind to.
            port: Port to bind to.
            token: Ask for a token on the loopback address too.
        """
        wanted = token or not is_loopback(host)
        return cls(host, port, secrets.token_urlsafe(SECRET_BYTES) if wanted else None)

    @property
    def cookie(self) -> str:
        """Name of the cookie that holds the token; browsers keep cookies of all ports together."""
        return f"selectlab-studio-{self.port}"

    @property
    def url(self) -> str:
        """Where to open the page, with the token if there is one."""
        shown = socket.gethostname() if self.host in ("0.0.0.0", "::", "") else self.host
        bracketed = f"[{shown}]" if ":" in shown else shown
        asked = "" if self.token is None else f"?token={self.token}"
        return f"http://{bracketed}:{self.port}/{asked}"

    def knows_host(self, header: str) -> bool:
        """Return whether a ``Host`` header is one of ours.

        A page of somebody else's that lets its own name lead here (DNS rebinding) comes with that
        name: only ``localhost``, the name we are bound to and, where other machines may come,
        plain addresses and the name of this machine are ours.

        Example:
            >>> Access().knows_host("127.0.0.1:8384"), Access().knows_host("evil.example:8384")
            (True, False)
        """
        try:
            name = (urlsplit(f"//{header}").hostname or "").lower()
        except ValueError:
            return False
        if name in self._names:
            return True
        if is_loopback(self.host):
            return is_loopback(name)
        return _is_address(name)

    def is_token(self, given: str | None) -> bool:
        """Return whether this is the token; without one everybody has it."""
        return self.token is None or _same(given, self.token)

    def is_csrf(self, given: str | None) -> bool:
        """Return whether this stood in one of our pages."""
        return _same(given, self.csrf)

    @cached_property
    def _names(self) -> frozenset[str]:
        names = {"localhost", self.host.lower()}
        if not is_loopback(self.host):
            names.add(socket.gethostname().lower())
        return frozenset(names - {""})


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same(given: str | None, wanted: str) -> bool:
    return given is not None and secrets.compare_digest(given.encode(), wanted.encode())
