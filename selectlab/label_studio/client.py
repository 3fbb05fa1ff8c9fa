"""Requests to a Label Studio server: what is asked again, what is refused, what is uncertain."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit, urlunsplit

from selectlab.errors import ConfigError, DataError, MissingExtraError
from selectlab.label_studio.encryption import (
    reason_not_plain,
    reason_not_to_repeat,
    reason_of_bad_certificates,
    wants_tls,
)
from selectlab.label_studio.tokens import Token

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 120.0
"""How long to wait for an answer, s."""
_CONNECT_S = 10.0
_WAITS_S = (1.0, 2.0, 4.0, 8.0)
"""How long to wait before something is asked again, s."""
_LONGEST_WAIT_S = 60.0
"""The longest time that a server may ask us to wait, s."""
_SAID = 300
"""Characters of what a server says that are passed on."""

Done = TypeVar("Done")


class UncertainError(DataError):
    """Nobody knows whether the server has done, or will do, what it was asked for."""


class NotNowError(DataError):
    """The server could not do it now; asked later, it may."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class TooLargeError(DataError):
    """The request is larger than the server, or a proxy before it, takes; nothing was done."""


class NotThereError(DataError):
    """The server does not have what was asked for."""


class Client:
    """Talks to one server.

    Questions (:meth:`get`) are asked again after a failure, a few times and ever later. Anything
    else (:meth:`send`) is repeated only when the server has certainly not done it: no connection,
    a token that ran out, too many requests. After any other failure it raises
    :class:`UncertainError`, and the caller has to look.

    Redirects are not followed: a token must not go to another host, and a page to log in is no
    answer.

    Args:
        address: The server; see :func:`~selectlab.label_studio.addresses.address_of`.
        token: Its token.
        timeout_s: How long to wait for an answer, s.
        pause: Waits for so many seconds.

    Raises:
        ConfigError: The address is none, or the certificates that the environment names are.
        MissingExtraError: httpx is not installed.
    """

    def __init__(
        self,
        address: str,
        token: Token,
        timeout_s: float = TIMEOUT_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        try:
            import httpx
        except ImportError:
            raise MissingExtraError(
                "label-studio: needs httpx; install it with: pip install 'selectlab[label-studio]'"
            ) from None
        try:
            httpx.URL(address)
        except httpx.InvalidURL as error:
            raise ConfigError(f"{address}: no address of a server ({_reason(error)})") from None
        self.address, self.pause = address, pause
        self._token, self._access, self._timeout_s = token, "", timeout_s
        self._answered_at = ""
        try:
            self._http = httpx.Client(
                timeout=httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s))
            )
        except OSError as error:
            raise ConfigError(reason_of_bad_certificates(error)) from None

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    @property
    def time(self) -> datetime | None:
        """What the server's clock showed at its last answer; ``None`` if it does not tell."""
        try:
            return parsedate_to_datetime(self._answered_at).astimezone(timezone.utc)
        except ValueError:
            return None

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Ask for something.

        Args:
            path: Path below the address, from ``/api`` on.
            params: The query.

        Returns:
            The JSON that it answers with.

        Raises:
            NotThereError: There is no such thing.
            DataError: The server cannot be reached, refuses, or answers with something else.
        """
        return self._repeated(lambda: self._read(self._asked("GET", path, params)), UncertainError)

    def send(
        self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None
    ) -> Any:
        """Have something done, once.

        Args:
            method: Such as ``POST``.
            path: Path below the address, from ``/api`` on.
            body: JSON to send.
            params: The query.

        Returns:
            The JSON that it answers with; ``None`` where it says nothing.

        Raises:
            UncertainError: It may have been done.
            TooLargeError: The body is too large.
            NotThereError: There is no such thing.
            DataError: It was not done: the server cannot be reached, or refuses.
        """
        return self._repeated(lambda: self._read(self._asked(method, path, params, body)))

    def remove(self, path: str) -> None:
        """Remove something; it does no harm if it is gone.

        Raises:
            DataError: The server cannot be reached, or refuses.
        """
        try:
            self._repeated(lambda: self._read(self._asked("DELETE", path)), UncertainError)
        except NotThereError:
            return

    def status_of(self, path: str) -> int:
        """Return the status that the server answers with, without reading the answer.

        Raises:
            DataError: The server cannot be reached.
        """
        return self._repeated(
            lambda: self._asked("GET", path, whole=False), UncertainError
        ).status_code

    def _repeated(self, ask: Callable[[], Done], *more: type[DataError]) -> Done:
        """Ask again, a few times, as long as nothing was done or it does not matter."""
        for wait_s in _WAITS_S:
            try:
                return ask()
            except DataError as error:
                if not isinstance(error, (NotNowError, *more)):
                    raise
                given = error.wait_s if isinstance(error, NotNowError) else 0.0
                if given > _LONGEST_WAIT_S:
                    raise
                self.pause(max(wait_s, given))
        return ask()

    def _asked(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        *,
        whole: bool = True,
    ) -> httpx.Response:
        """Make a request with a token; a short-lived one that ran out is renewed once."""
        answer = self._once(method, path, params, body, self._authorization(), whole)
        if answer.status_code == 401 and self._token.is_personal:
            self._access = ""
            answer = self._once(method, path, params, body, self._authorization(), whole)
        return answer

    def _authorization(self) -> str:
        """Return what to send with a request; a personal token gets a short-lived one first."""
        if not self._token.is_personal:
            return f"Token {self._token.secret}"
        if not self._access:
            path, body = "/api/token/refresh", {"refresh": self._token.secret}
            found = self._repeated(
                lambda: self._read(self._once("POST", path, None, body)), UncertainError
            )
            access = found.get("access") if isinstance(found, dict) else None
            if not isinstance(access, str):
                raise DataError(f"{self.address}: gave no access for {self._token.where}")
            self._access = access
        return f"Bearer {self._access}"

    def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Any,
        authorization: str | None = None,
        whole: bool = True,
    ) -> httpx.Response:
        """Make one request.

        Raises:
            NotNowError: There is no connection.
            UncertainError: It broke off later.
            DataError: There can be none: what is said of TLS does not fit.
        """
        import httpx

        headers = {"Accept": "application/json" if whole else "*/*"}
        content = None
        if authorization is not None:
            headers["Authorization"] = authorization
        if body is not None:
            content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
            headers["Content-Type"] = "application/json"
        request = self._http.build_request(
            method, self.address + path, params=params, content=content, headers=headers
        )
        try:
            answer = self._http.send(request, stream=True)
            try:
                if whole:
                    answer.read()
            finally:
                answer.close()
        except httpx.HTTPError as error:
            raise self._failure(error, f"{method} {path}") from None
        self._answered_at = answer.headers.get("Date", "")
        return answer

    def _failure(self, error: httpx.HTTPError, asked: str) -> DataError:
        """Return the error that a request without an answer means, in one line."""
        import httpx

        never = reason_not_to_repeat(error, self.address)
        if never:
            return DataError(never)
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)):
            return NotNowError(
                f"{self.address}: cannot be reached ({_reason(error)}); is the server running?"
            )
        if isinstance(error, httpx.TimeoutException):
            said = f"no answer to {asked} within {self._timeout_s:g} s"
        else:
            said = f"the connection broke off in {asked} ({_reason(error)})"
        return UncertainError(f"{self.address}: {said}")

    def _read(self, answer: httpx.Response) -> Any:
        """Return the JSON of an answer.

        Raises:
            DataError: It is none, or says that something is wrong.
        """
        path = answer.request.url.path
        if 300 <= answer.status_code < 400:
            raise DataError(
                f"{self.address}: redirects {path} to {_target(answer)}, where the token was not "
                "sent; if that is the server, give it as --url"
            )
        if answer.status_code >= 400:
            raise self._refusal(answer)
        if answer.status_code == 204 or not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:
            kind = answer.headers.get("Content-Type", "").partition(";")[0]
            if kind == "text/html":
                raise DataError(
                    f"{self.address}: answers {path} with a web page, not with JSON; is that the "
                    "address of Label Studio, and no page to log in before it?"
                ) from None
            raise UncertainError(f"{self.address}: answers {path} with broken JSON") from None

    def _refusal(self, answer: httpx.Response) -> DataError:
        """Return the error that an answer means, in one line."""
        status, said = answer.status_code, self._said(answer)
        where = f"{self.address}: {answer.request.method} {answer.request.url.path}"
        if status == 400 and wants_tls(answer.content):
            return DataError(reason_not_plain(self.address))
        if status == 401:
            return DataError(f"{where}: 401, does not take the token of {self._token.where}{said}")
        if status == 403:
            return DataError(f"{where}: 403, not allowed with {self._token.where}{said}")
        if status == 404:
            return NotThereError(f"{where}: 404, not there{said}")
        if status == 413:
            return TooLargeError(f"{where}: 413, too large{said}")
        if status == 429:
            asked = answer.headers.get("Retry-After", "")
            wait_s = float(asked) if asked.isdecimal() else 0.0
            return NotNowError(f"{where}: 429, too many requests; try again later{said}", wait_s)
        if status >= 500:
            return UncertainError(f"{where}: the server failed with {status}{said}")
        return DataError(f"{where}: refused with {status}{said}")

    def _said(self, answer: httpx.Response) -> str:
        """Return what the server says of an error: short, in one line, without a token."""
        try:
            told = "; ".join(dict.fromkeys(_sentences(answer.json())))
        except ValueError:
            return ""
        for secret in (self._token.secret, self._access):
            told = told.replace(secret, "***") if secret else told
        told = " ".join(told.split())
        return f": {told[:_SAID]}{'...' if len(told) > _SAID else ''}" if told else ""


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _target(answer: httpx.Response) -> str:
    """Return where a redirect leads, without a password or a query, which may hold secrets."""
    target: str = urljoin(str(answer.request.url), answer.headers.get("Location", ""))
    parts = urlsplit(target)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _sentences(read: Any, field: str = "") -> Iterator[str]:
    """Yield what a server says of an error: details first, and nothing else where there are any."""
    if isinstance(read, dict):
        told = {key: read[key] for key in ("detail", "validation_errors") if read.get(key)}
        for key, value in (told or read).items():
            yield from _sentences(value, "" if key in told or key == "non_field_errors" else key)
    elif isinstance(read, list):
        for value in read:
            yield from _sentences(value, field)
    elif isinstance(read, str) and read:
        said = read.partition(" :: ")[0]
        yield f"{field}: {said}" if field else said
