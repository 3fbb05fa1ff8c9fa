"""A selection back out: images of a database are marked with rank, score, run and reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import Any

from selectlab.aperture.database import Database
from selectlab.exports.aperture_layout import Layout
from selectlab.exports.aperture_rows import mark_row
from selectlab.exports.items import Item, Items
from selectlab.tally import Tally

_AT_ONCE, _BATCH = 5000, 200

LACKING = "samples without an image in the database"
REFUSED = "images that the server refuses to mark"


@dataclass(frozen=True)
class Marked:
    """What was marked.

    Attributes:
        n_samples: Samples of the run.
        n_marked: Those that are marked now.
        lacking: Why others are not, a line each.
    """

    n_samples: int
    n_marked: int
    lacking: tuple[str, ...] = ()


def mark(items: Items, layout: Layout, database: Database) -> Marked:
    """Mark the images of a run with properties such as ``selectlab_rank``.

    Nothing is added. An image that an earlier run has marked, with the same word, is marked anew.

    Args:
        items: The samples of the run, best first.
        layout: What identifies images, and what the properties begin with.
        database: Where the images are.

    Raises:
        DataError: The connection is lost, or the server refuses everything.
    """
    tally, n_marked = Tally(), 0
    stream = iter(items)
    while some := list(islice(stream, _AT_ONCE)):
        n_marked += _mark_some(some, items.run, layout, database, tally)
    return Marked(len(items), n_marked, tuple(tally.lines()))


def _mark_some(
    items: Sequence[Item], run: str, layout: Layout, database: Database, tally: Tally
) -> int:
    names = [layout.id_of(item.sample_id) for item in items]
    known = set(database.found("FindImage", layout.key, names))
    here = []
    for item, name in zip(items, names, strict=True):
        if name in known:
            here.append(item)
        else:
            tally.add(LACKING, repr(item.sample_id))
    if not here:
        return 0
    fed = database.feed([_update(item, run, layout) for item in here], _BATCH)
    for row in sorted(fed.refused):
        tally.add(f"{REFUSED} ({fed.refused[row]})", repr(here[row].sample_id))
    return len(fed.added)


def _update(item: Item, run: str, layout: Layout) -> tuple[list[Any], list[Any]]:
    """Return the command that marks an image, with no blobs."""
    same = import_module("aperturedb.Constraints").Constraints()
    same.equal(layout.key, layout.id_of(item.sample_id))
    cells = mark_row(item, layout, run).items()
    properties = {name: cell for name, cell in cells if cell is not None}
    return [{"UpdateImage": {"constraints": same.constraints, "properties": properties}}], []
