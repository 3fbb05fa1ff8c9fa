"""The address of a Label Studio server, spelt in one way."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from selectlab.errors import ConfigError

_PORTS = {"http": 80, "https": 443}
_PAGE = re.compile(
    r"/(projects(/\d+(/.*)?)?|api(/(projects|tasks|token)(/.*)?)?|user/(login|account)(/.*)?)$"
)
"""Pages of Label Studio, as a browser shows their addresses."""


def address_of(given: str, where: str = "--url") -> str:
    """Return the address of a server: scheme, host, port and path, without a slash at the end.

    The same server has the same address, however the user writes it: it names the server in the
    ledger. Of the address of a page, copied from a browser, the page is cut off.

    Args:
        given: What the user wrote.
        where: Where, for messages.

    Raises:
        ConfigError: It is no address, or holds a name or a password, or a query that is not that
            of a page.

    Example:
        >>> address_of("HTTP://Labels.example.org:80/projects/")
        'http://labels.example.org'
        >>> address_of("https://labels.example.org/projects/3/data?tab=7")
        'https://labels.example.org'
        >>> address_of("https://example.org:8443/label-studio/api/")
        'https://example.org:8443/label-studio'
    """
    if "@" in given:
        raise ConfigError(f"{where}: write the address without a name or a password in it")
    try:
        parts = urlsplit(given.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(f"{where}: not an address: {given!r}") from None
    if parts.scheme not in _PORTS or not host:
        raise ConfigError(f"{where}: expected http://HOST:PORT or https://HOST, got {given!r}")
    path = parts.path.rstrip("/")
    page = _PAGE.search(path)
    if parts.query and page is None:
        raise ConfigError(f"{where}: expected an address alone, without '?', got {given!r}")
    if ":" in host:
        host = f"[{host}]"
    if port is not None and port != _PORTS[parts.scheme]:
        host = f"{host}:{port}"
    if page is not None:
        path = path[: page.start()]
    return urlunsplit((parts.scheme, host, path, "", ""))
