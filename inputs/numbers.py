"""Numbers as JSON has them: of any length, and not all of them fit what reckons with them."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

LARGEST_SIDE = 1 << 30
"""Width and height of an image, px; what is said to be larger is no size."""


def is_number(value: Any) -> TypeGuard[int | float]:
    """Return whether a value is a number that fits a float; a truth value is none.

    Example:
        >>> [is_number(value) for value in (1, 0.5, 10**400, float("inf"), True, "1")]
        [True, True, False, False, False, False]
    """
    if type(value) not in (int, float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def size_from(width: Any, height: Any) -> tuple[int, int] | None:
    """Return width and height of an image, px; ``None`` if they are no sizes.

    Example:
        >>> size_from(640, 480), size_from(640, 0), size_from(10**400, 1)
        ((640, 480), None, None)
    """
    if type(width) is not int or type(height) is not int:
        return None
    fits = min(width, height) >= 1 and max(width, height) <= LARGEST_SIDE
    return (width, height) if fits else None
