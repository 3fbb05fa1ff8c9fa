"""What goes wrong inside of a case: a line for the terminal, the traceback in a file."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.outside_data import NoDataError
from benchmarks.results import cache_folder, write_text


class CaseFailedError(Exception):
    """A case's own code failed; the message is one line and says where the traceback lies."""


@contextmanager
def blaming(case: str, what: str) -> Iterator[None]:
    """Turn whatever is raised inside into a line about a case.

    Args:
        case: Name of the case whose code runs.
        what: Which part of it.

    Raises:
        CaseFailedError: Something was raised. :class:`NoDataError` passes as it is.
    """
    try:
        yield
    except (NoDataError, CaseFailedError):
        raise
    except Exception as error:
        name = re.sub(r"[^\w.-]+", "-", f"{case}-{what}")
        path = cache_folder() / "errors" / f"{name}.txt"
        write_text(path, traceback.format_exc())
        said = " ".join(str(error).split())
        told = f"{type(error).__name__}: {said}" if said else type(error).__name__
        raise CaseFailedError(f"{case}: {what}: {told}; traceback in {path}") from error
