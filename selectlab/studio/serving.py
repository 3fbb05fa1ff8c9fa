"""Serving the page: a socket, a server, a browser that opens it."""

from __future__ import annotations

import socket
import threading
import warnings
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from selectlab.errors import DataError, MissingExtraError
from selectlab.studio.access import Access

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from uvicorn import Server

    from selectlab.studio.studio import Studio

NEEDED = ("alembic", "fastapi", "jinja2", "sqlalchemy", "uvicorn")


def check_extras() -> None:
    """Look whether everything is installed.

    Raises:
        MissingExtraError: Something is not.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"studio: needs {', '.join(missing)}, not installed; pip install 'selectlab[studio]'"
        )


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address.

    It is named one of TCP: only then asyncio sends short answers at once (without ``TCP_NODELAY``
    each of them takes 40 ms).

    Args:
        host: Address or name.
        port: Port; 0 for any that is free.

    Raises:
        DataError: The address is not to be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(128)
    except (OSError, OverflowError) as error:
        made.close()
        why = getattr(error, "strerror", None) or error
        hint = "; --port 0 takes any that is free" if port else ""
        raise DataError(f"--port: {host}:{port} is not to be had: {why}{hint}") from None
    return made


def serve(
    studio: Studio,
    access: Access,
    listening: socket.socket,
    *,
    browser: bool,
    begun: Callable[[], object] = lambda: None,
) -> None:
    """Serve the page until somebody stops it.

    Args:
        studio: What to show.
        access: Who may ask.
        listening: Where requests come in.
        browser: Open the page in a browser.
        begun: Called before the first request is answered.
    """
    from PIL.Image import DecompressionBombWarning

    from selectlab.studio.app import make_app

    warnings.filterwarnings("ignore", category=DecompressionBombWarning)  # one at a time
    server = server_of(make_app(studio, access))
    with way_in(access) as address:
        begun()
        if browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        server.run(sockets=[listening])


def server_of(app: ASGIApp, log_level: str = "warning") -> Server:
    """Return a server of plain HTTP.

    Its parser is h11 whatever else is installed: httptools holds any amount of headers.

    Args:
        app: Who answers.
        log_level: What it prints.
    """
    import uvicorn

    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        log_level=log_level,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


@contextmanager
def way_in(access: Access) -> Iterator[str]:
    """Give the address that a browser is started with.

    Everybody on this machine can read what a program is started with. A token therefore goes
    through a page in a file that only we can read.
    """
    if access.token is None:
        yield access.url
        return
    with TemporaryDirectory(prefix="selectlab-studio-") as folder:
        page = Path(folder, "open.html")
        page.touch(0o600)
        page.write_text(
            '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
            "<title>selectlab studio</title>"
            f'<meta http-equiv="refresh" content="0;url={escape(access.url)}">',
            encoding="utf-8",
        )
        yield page.as_uri()
