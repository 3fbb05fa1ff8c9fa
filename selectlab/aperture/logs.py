"""What the ApertureDB client logs, kept instead of printed: it is where its errors tell why."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGER = "aperturedb"


class Troubles(logging.Handler):
    """Remembers why the client failed.

    Attributes:
        cause: The last error of the network.
        said: The first other error, in a line.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.cause: OSError | None = None
        self.said: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a record that has an error."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, OSError):
            self.cause = error
        elif error is not None and self.said is None:
            self.said = first_line(error)

    def forget(self) -> None:
        """Forget what was before."""
        self.cause = self.said = None

    def why(self, error: BaseException | None = None) -> str:
        """Return the reason of a failure in a line.

        Args:
            error: What the client raised, if it did.
        """
        if self.cause is not None:
            return self.cause.strerror or str(self.cause) or type(self.cause).__name__
        if error is not None:
            return first_line(error)
        return self.said or "no reason given"


@contextmanager
def kept() -> Iterator[Troubles]:
    """Keep what the client logs, until the ``with`` statement ends."""
    logger, troubles = logging.getLogger(_LOGGER), Troubles()
    before, passed_on = logger.handlers[:], logger.propagate
    logger.handlers[:], logger.propagate = [troubles], False
    try:
        yield troubles
    finally:
        logger.handlers[:], logger.propagate = before, passed_on


def first_line(error: BaseException) -> str:
    """Return the first line of an error, or its type where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
