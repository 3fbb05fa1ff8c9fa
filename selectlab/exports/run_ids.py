"""Ids of runs: the same run has the same id on any machine, another one another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from selectlab.ids import Ids

LENGTH = 16
"""Hex digits of an id."""


def of_selection(
    manifest: Mapping[str, Any], preselected: Iterable[str], ids: Sequence[str]
) -> str:
    """Return the id of a selection, or of an exported campaign.

    It tells configs, datasets and picks apart; not when, where or by which version it was made.

    Args:
        manifest: Of the run.
        preselected: What was selected before it.
        ids: What it has selected, best first.
    """
    if "campaign" in manifest:
        return of_campaign(str(manifest["campaign"]), int(manifest["version"]), ids)
    about = [manifest.get("config_sha256"), manifest.get("sample_ids_blake2b")]
    return _digest("selection", about, Ids.of(preselected), Ids.of(ids))


def of_campaign(name: str, version: int, ids: Sequence[str]) -> str:
    """Return the id of what a campaign has collected.

    Args:
        name: The campaign.
        version: Its newest version, or the one that the samples are of.
        ids: The samples, best first.
    """
    return _digest("campaign", [name, version], Ids.of(ids))


def of_ids(ids: Sequence[str]) -> str:
    """Return the id of a list of samples of which nothing more is known."""
    return _digest("ids", [], Ids.of(ids))


def _digest(kind: str, about: Sequence[Any], *lists: Ids) -> str:
    digest = hashlib.blake2b(digest_size=LENGTH // 2)
    digest.update(json.dumps([kind, *about], ensure_ascii=True).encode())
    for ids in lists:
        digest.update(f"\n{len(ids)}\n".encode())
        for block in ids.blocks(end=b"\0"):
            digest.update(block)
    return digest.hexdigest()
