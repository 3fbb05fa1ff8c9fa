"""Errors a user can fix: one line that says where, what, what was given and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class SelectlabError(ValueError):
    """Anything the user can put right. The command line prints it and exits 2."""


class ConfigError(SelectlabError):
    """The config does not mean anything; the message starts with the JSON path."""


class DataError(SelectlabError):
    """The data cannot be used; the message starts with the file, task or input at fault."""


class MissingExtraError(SelectlabError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class EngineError(SelectlabError):
    """The workers of a cluster cannot go on; the message names the engine and the worker."""


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'X'?"`` for the nearest known name, or the short list of them all.

    Example:
        >>> did_you_mean("DIVERSTY", ["BALANCE", "DIVERSITY"])
        "; did you mean 'DIVERSITY'?"
        >>> did_you_mean("x", ["BALANCE", "DIVERSITY"])
        '; known: BALANCE, DIVERSITY'
    """
    names = sorted(known)
    folded = {name.lower(): name for name in names}
    close = difflib.get_close_matches(str(given).lower(), folded, n=1)
    if close:
        return f"; did you mean {folded[close[0]]!r}?"
    if not names:
        return ""
    shown = ", ".join(names[:12]) + (f", ... ({len(names)} in all)" if len(names) > 12 else "")
    return f"; known: {shown}"


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that occur again, at each further place.

    Example:
        >>> repeated(["a", "b", "a", "a"])
        ['a', 'a']
    """
    seen: set[str] = set()
    again = []
    for name in names:
        if name in seen:
            again.append(name)
        seen.add(name)
    return again


def first_of(names: Iterable[str], total: int) -> str:
    """Return ``"3 of 1797 samples, first 'a.png'"`` for a message about samples.

    Example:
        >>> first_of(["a.png", "b.png"], 10)
        "2 of 10 samples, first 'a.png'"
    """
    listed = names if isinstance(names, Sequence) else list(names)
    return f"{len(listed)} of {total} samples, first {listed[0]!r}"
