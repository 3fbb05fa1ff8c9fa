"""Serving the page: a socket, a server, a browser that opens it."""

from __future__ import annotations

import socket
import threading
import webbrowser
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from selectlab.errors import DataError, MissingExtraError
from selectlab.studio.access import Access

if TYPE_CHECKING:
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

    Args:
        host: Address or name.
        port: Port; 0 for any that is free.

    Raises:
        DataError: The address is not to be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
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
    import uvicorn

    from selectlab.studio.app import make_app

    app = make_app(studio, access)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2
    )
    begun()
    if browser:
        threading.Thread(target=webbrowser.open, args=(access.url,), daemon=True).start()
    uvicorn.Server(config).run(sockets=[listening])
