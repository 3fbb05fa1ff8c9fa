"""What every request passes before anything is looked up, and what every answer says."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from selectlab.studio.access import Access

MOST_BYTES = 8 << 20
"""The largest request that is read: the ids of 100,000 samples, for one."""
SAFE = frozenset({"GET", "HEAD"})
PARTS = ("/api/", "/picture", "/crop", "/run/report", "/download")
"""What pages are made of: of no use to follow a link to, and some of it takes work to make."""
NO_ICON = '<link rel="icon" href="data:,">'
"""Keeps browsers from asking for one where they have not shown the token yet."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""What each answer says, unless it says something else."""


class Guard:
    """Turns away what is not ours, reads no more than it should, and adds the headers.

    Args:
        app: Who answers.
        access: Who may ask.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is None:
            body = await _body(receive, headers)
            if body is not None:
                await self._app(scope, _again(body, receive), _dressed(send))
                return
            refusal = _refused(413, f"a request holds at most {MOST_BYTES >> 20} MB")
        await refusal(scope, receive, _dressed(send))

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return what to say to a request that is none of ours."""
        if not self._access.knows_host(headers.get("host", "")):
            return _refused(400, "this page is not known under that name")
        foreign = _foreign(scope, headers)
        if foreign is not None:
            return foreign
        entry = self._entry(scope, headers)
        if entry is not None:
            return entry
        if scope["method"] in SAFE:
            return None
        if not self._access.is_csrf(headers.get("x-csrf-token")):
            return _refused(403, "this change does not come from the page; reload it")
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return _refused(415, "changes are sent as JSON")
        return None

    def _entry(self, scope: Scope, headers: Headers) -> Response | None:
        """Let a browser in that brings the token in the address, and take it out of there."""
        if self._access.token is None:
            return None
        asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = next((value for key, value in asked if key == "token"), None)
        known = any(map(self._access.is_token, _cookies(headers, self._access.cookie)))
        if known and (given is None or scope["method"] != "GET"):
            return None
        if scope["method"] != "GET" or not (known or self._access.is_token(given)):
            return HTMLResponse(
                f"<!doctype html><title>selectlab studio</title>{NO_ICON}<p>This page is private: "
                "open the address that <code>selectlab studio</code> printed, with its token.",
                401,
            )
        answer = _onward(scope["path"], [pair for pair in asked if pair[0] != "token"])
        answer.set_cookie(
            self._access.cookie, self._access.token, httponly=True, samesite="strict", path="/"
        )
        return answer


def _onward(path: str, asked: list[tuple[str, str]]) -> Response:
    """Lead to an address of ours, wherever a path pretends to go."""
    query = f"?{urlencode(asked)}" if asked else ""
    target = escape(f"/{quote(path.lstrip('/'), safe='/')}{query}")
    return HTMLResponse(
        f"<!doctype html><title>selectlab studio</title>{NO_ICON}"
        f'<meta http-equiv="refresh" content="0;url={target}"><a href="{target}">Go on</a>'
    )


def _foreign(scope: Scope, headers: Headers) -> Response | None:
    """Refuse what another site makes a browser ask for.

    A link may lead to a page from anywhere. Everything else, and every change, comes from our own
    pages.
    """
    site = headers.get("sec-fetch-site")
    if scope["method"] in SAFE:
        link = headers.get("sec-fetch-mode") == "navigate"
        framed = headers.get("sec-fetch-dest") in ("iframe", "frame", "object", "embed")
        page = link and not framed and not scope["path"].startswith(PARTS)
        own = site in (None, "none", "same-origin") or page
        return None if own else _refused(403, "another site may not ask for this")
    origin = headers.get("origin")
    if site not in (None, "same-origin") or not _is_own(origin, headers):
        return _refused(403, "another site may not change anything here")
    return None


def _is_own(origin: str | None, headers: Headers) -> bool:
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    except ValueError:
        return False


def _cookies(headers: Headers, name: str) -> list[str]:
    """Return what is sent under a name.

    A browser sends what any server on this machine has set, however odd: nothing is read but the
    part that is looked for.
    """
    parts = ";".join(headers.getlist("cookie")).split(";")
    named = (part.partition("=") for part in parts)
    return [value.strip() for key, _, value in named if key.strip() == name]


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status)


async def _body(receive: Receive, headers: Headers) -> bytes | None:
    """Return what was sent, ``None`` if it is too much; no more than that is ever held."""
    said = headers.get("content-length", "0")
    if not said.isdecimal() or int(said) > MOST_BYTES:
        return None
    held = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(held)
        held += message.get("body", b"")
        if len(held) > MOST_BYTES:
            return None
        if not message.get("more_body"):
            return bytes(held)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give what was read to the one who answers, then what comes after it."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def read() -> Message:
        return left.pop() if left else await receive()

    return read


def _dressed(send: Send) -> Send:
    """Add the headers that an answer does not have yet."""

    async def dressed(message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return dressed
