"""What is wrong where a connection cannot be encrypted: trying again would not help."""

from __future__ import annotations

import os
import ssl

CERTIFICATES = "SSL_CERT_FILE"
"""Environment variable that names a file of certificates to trust."""
_NO_HTTP = ("illegal request line", "illegal status line")
"""What is said of an answer that is no HTTP."""
_NOT_PLAIN = (b"plain HTTP request was sent to HTTPS", b"plain HTTP to an SSL-enabled")
"""What nginx and Apache answer to a question in plain HTTP where they expect TLS."""


def reason_not_to_repeat(error: BaseException, address: str) -> str:
    """Return what to tell of a connection that can never be encrypted; ``""`` of all others.

    A server that hangs up while a connection is made may be about to start: that is not meant.

    Args:
        error: What httpx has raised.
        address: The server.

    Example:
        >>> reason_not_to_repeat(ConnectionRefusedError(), "https://example.org")
        ''
    """
    if address.startswith("http:") and str(error).startswith(_NO_HTTP):
        return reason_not_plain(address)
    cause = _tls_error(error)
    if cause is None or isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return ""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"{address}: its certificate is not trusted ({cause.verify_message}); if an authority "
            f"of your own has signed it, name the file of that authority in {CERTIFICATES}"
        )
    if cause.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"):
        return f"{address}: does not answer in TLS; write http:// instead of https://"
    said = (cause.reason or str(cause)).replace("_", " ").lower()
    return f"{address}: cannot agree on TLS ({said})"


def wants_tls(content: bytes) -> bool:
    """Whether a refusal says that the server expects TLS."""
    return any(said in content for said in _NOT_PLAIN)


def reason_not_plain(address: str) -> str:
    """Return what to tell where a server expects TLS, and the address says plain HTTP."""
    return f"{address}: does not answer in plain HTTP; write https:// instead of http://"


def reason_of_bad_certificates(error: OSError) -> str:
    """Return what to tell where the trusted certificates cannot be loaded."""
    variable = next((name for name in (CERTIFICATES, "SSL_CERT_DIR") if os.environ.get(name)), "")
    said = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    what = f"{variable}={os.environ[variable]}" if variable else "certificates to trust"
    return f"{what}: cannot be loaded ({said or error})"


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """Return the error of TLS behind another one."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error
