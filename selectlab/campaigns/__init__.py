"""Collection campaigns: find more of what hurts, again and again, and keep what became of it.

:class:`Campaigns` is the way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selectlab.campaigns.campaigns import Campaigns as Campaigns
    from selectlab.campaigns.campaigns import Details as Details
    from selectlab.campaigns.collecting import Collected as Collected
    from selectlab.campaigns.records import Campaign as Campaign
    from selectlab.campaigns.records import Hit as Hit
    from selectlab.campaigns.records import Version as Version
    from selectlab.campaigns.refining import RankedHit as RankedHit
    from selectlab.campaigns.refining import Refined as Refined

__all__ = [
    "Campaign",
    "Campaigns",
    "Collected",
    "Details",
    "Hit",
    "RankedHit",
    "Refined",
    "Version",
]

_HOMES = {
    "Campaign": "records",
    "Campaigns": "campaigns",
    "Collected": "collecting",
    "Details": "campaigns",
    "Hit": "records",
    "RankedHit": "refining",
    "Refined": "refining",
    "Version": "records",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used: the store's modules need none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'selectlab.campaigns' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"selectlab.campaigns.{_HOMES[name]}"), name)
