"""What a user may say of a campaign: its name and version, a threshold, a number of samples."""

from __future__ import annotations

import re
from numbers import Integral, Real
from typing import Any

from selectlab.errors import ConfigError

_VERSIONED = re.compile(r"(?P<name>.+)@(?P<version>[0-9]+)", re.DOTALL)


def checked_name(name: Any) -> str:
    """Return the name of a new campaign.

    Raises:
        ConfigError: It is no text of visible characters, or reads like a version of another one.

    Example:
        >>> checked_name("rain at night")
        'rain at night'
    """
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise ConfigError(f"campaign: a name has to be visible characters, got {name!r}")
    if _VERSIONED.fullmatch(name):
        raise ConfigError(
            f"campaign {name!r}: '@' and digits at the end mean a version, as in campaign:NAME@2; "
            "choose another name"
        )
    return name


def name_and_version(text: str) -> tuple[str, int | None]:
    """Return name and version of ``NAME`` or ``NAME@VERSION``.

    Example:
        >>> name_and_version("rain@2"), name_and_version("rain"), name_and_version("a@b")
        (('rain', 2), ('rain', None), ('a@b', None))
    """
    found = _VERSIONED.fullmatch(text)
    return (text, None) if found is None else (found["name"], int(found["version"]))


def checked_threshold(threshold: Any, where: str = "") -> float:
    """Return a threshold.

    Args:
        threshold: A number.
        where: What it is the threshold of.

    Raises:
        ConfigError: It is no number from 0 to 1.
    """
    number = isinstance(threshold, Real) and not isinstance(threshold, bool)
    if not number or not 0 <= threshold <= 1:
        named = f"{where}: threshold" if where else "threshold"
        given = threshold if number else repr(threshold)
        raise ConfigError(f"{named}: expected a number from 0 to 1, got {given}")
    return float(threshold)


def checked_target(target: Any) -> int:
    """Return a number of samples.

    Raises:
        ConfigError: It is no whole number, or below 1.
    """
    number = isinstance(target, Integral) and not isinstance(target, bool)
    if not number or target < 1:
        given = target if number else repr(target)
        raise ConfigError(f"target_sample_count: expected at least 1, got {given}")
    return int(target)
