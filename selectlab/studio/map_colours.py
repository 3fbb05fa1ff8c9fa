"""What samples of the map are coloured by beyond their own values: runs and campaigns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from selectlab.campaigns.element_names import sample_of
from selectlab.errors import SelectlabError
from selectlab.studio.attributes import Column

if TYPE_CHECKING:
    from selectlab.studio.studio import Studio

_STANDINGS = ("new", "discarded", "accepted", "exported", "seed")
"""Of several objects of a sample the one that stands last counts."""
_REST = {"run": "not selected", "campaign": "not collected"}


def colourings(studio: Studio) -> dict[str, str]:
    """Return what there is, in words, by key."""
    found = {f"run:{run.name}": f"selected by {run.name}" for run in studio.runs.listed()}
    try:
        listed = [one.name for one in studio.campaigns.list()]
    except SelectlabError:  # in memory, or a store that does not answer
        listed = []
    return found | {f"campaign:{name}": f"decisions of campaign {name}" for name in listed}


def colouring(studio: Studio, key: str) -> Column:
    """Return a column of one code a sample.

    Raises:
        ConfigError: There is no such column.
        DataError: There is no such run or campaign, or it cannot be read.
    """
    kind, _, name = key.partition(":")
    if kind not in _REST:
        return studio.samples.attributes.column(key)
    rest = np.full(len(studio.dataset), np.nan)
    if kind == "run":
        column = Column(f"selected by {name}", rest, ("selected",))
        _set(studio, column, studio.runs.get(name).ids, 0)
        return column
    column = Column(f"decisions of campaign {name}", rest, _STANDINGS)
    hits = studio.campaigns.hits(name)
    for code, standing in enumerate(_STANDINGS[:-1]):
        _set(studio, column, [hit.sample_id for hit in hits if hit.status == standing], code)
    seeds = [str(one["id"]) for one in studio.desk.seeds(name)]
    _set(studio, column, seeds, len(_STANDINGS) - 1)
    return column


def of_others(key: str) -> str:
    """Return what samples without a value of a column are, in words."""
    return _REST.get(key.partition(":")[0], "no value")


def _set(studio: Studio, column: Column, names: Iterable[str], code: int) -> None:
    """Give samples, and the samples of objects, a code."""
    rows = studio.dataset.ids.positions([sample_of(one) for one in names])
    column.values[rows[rows >= 0]] = code
