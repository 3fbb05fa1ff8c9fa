"""The time, as a store notes it."""

from __future__ import annotations

from datetime import datetime, timezone


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(timezone.utc)
