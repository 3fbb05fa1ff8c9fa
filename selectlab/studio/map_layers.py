"""What can be drawn on top of the map: the samples of a run, of a tag, of the rounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from selectlab.errors import ConfigError, SelectlabError

if TYPE_CHECKING:
    from selectlab.studio.studio import Studio


def layers(studio: Studio) -> dict[str, str]:
    """Return what there is, in words, by key."""
    found = {f"run:{run.name}": f"selected by {run.name}" for run in studio.runs.listed()}
    found |= {f"tag:{name}": f"tag {name}" for name in studio.dataset.source.tags()}
    if len(studio.dataset.source.preselected()):
        found["preselected"] = "preselected"
    if _has_rounds(studio):
        found |= {"chosen": "chosen in rounds", "labelled": "labelled"}
    return found


def layer_ids(studio: Studio, key: str) -> Sequence[str]:
    """Return the samples of a layer.

    Raises:
        ConfigError: There is none of this key.
        DataError: It cannot be read.
    """
    kind, _, name = key.partition(":")
    if kind == "run":
        return studio.runs.get(name).ids
    if kind == "tag" and name in studio.dataset.source.tags():
        return list(studio.dataset.source.tag(name) or ())
    if kind == "preselected":
        return list(studio.dataset.source.preselected())
    if kind in ("chosen", "labelled") and _has_rounds(studio):
        with studio.rounds.ledger(read_only=True) as ledger:
            return list(ledger.chosen_ids() if kind == "chosen" else ledger.labelled_ids())
    raise ConfigError(f"map: nothing to draw is called {key!r}")


def _has_rounds(studio: Studio) -> bool:
    try:
        return studio.rounds.begun
    except SelectlabError:  # in memory, or a store that does not answer
        return False
