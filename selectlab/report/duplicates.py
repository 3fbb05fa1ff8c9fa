"""Near-duplicates that were left aside because something selected shows the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selectlab.neighbours import nearest, neighbours
from selectlab.report.charts import counted
from selectlab.report.evidence import Evidence
from selectlab.report.space import Space
from selectlab.report.spread import measured_rows
from selectlab.types import FloatArray

_PAIRS = 8
_MOST_CENTRES = 5_000


@dataclass(frozen=True)
class Pair:
    """A selected sample and a candidate that looks like it.

    Attributes:
        kept: Id of what is selected.
        dropped: Id of what is not.
        distance: Between them, embedding units.
        before: Whether the kept one was selected before this run.
    """

    kept: str
    dropped: str
    distance: float
    before: bool


@dataclass(frozen=True)
class Duplicates:
    """The nearest of what was left aside.

    Attributes:
        told: How many there are, in a sentence.
        pairs: The nearest ones, each selected sample once.
    """

    told: str
    pairs: Sequence[Pair]


def near_duplicates(evidence: Evidence, space: Space) -> Duplicates | None:
    """Return the candidates that are nearest to something selected, and were not taken.

    A near-duplicate is closer to a selected sample than any two selected samples are.
    """
    taken = set(evidence.chosen.tolist())
    rows = measured_rows(evidence, len(evidence.chosen))
    rows = np.array([row for row in rows.tolist() if row not in taken], dtype=np.intp)
    places, centres = space.places(rows), np.sort(space.places(evidence.chosen))
    if not len(places) or not len(centres):
        return None
    dists, index = nearest(space.vectors[places], space.vectors[centres])
    apart = _least_apart(space, centres)
    pairs: list[Pair] = []
    seen: set[int] = set()
    for at in np.argsort(dists, kind="stable").tolist():
        if len(pairs) == _PAIRS:
            break
        if int(index[at]) in seen:
            continue
        seen.add(int(index[at]))
        kept, dropped = int(space.rows[centres[index[at]]]), int(space.rows[places[at]])
        before = not evidence.resolved.plan.candidates[kept]
        names = evidence.id_of(kept), evidence.id_of(dropped)
        pairs.append(Pair(*names, float(dists[at]), bool(before)))
    return Duplicates(_told(dists, apart, len(evidence.pool) - len(evidence.picked)), pairs)


def _least_apart(space: Space, centres: np.ndarray[tuple[int], np.dtype[np.intp]]) -> float | None:
    """Return the least distance between two selected samples, if that can be told."""
    if not 2 <= len(centres) <= _MOST_CENTRES:
        return None
    vectors = space.vectors[centres]
    return float(neighbours(vectors, vectors, 2)[0][:, 1].min())


def _told(dists: FloatArray, apart: float | None, n_left: int) -> str:
    part = f"of {counted(n_left, 'candidate')} that {'was' if n_left == 1 else 'were'} not selected"
    if len(dists) < n_left:
        part = f"of {len(dists):,} candidates measured, out of {n_left:,} that were not selected,"
    if apart is None:
        return f"The nearest {part} is {dists.min():.4g} away from something selected."
    n = int((dists < apart).sum())
    verb = "is" if n == 1 else "are"
    return (
        f"{n:,} {part} {verb} nearer to something selected than any two selected samples are to "
        f"each other ({apart:.4g}). The nearest are below: the smaller the distance, the more "
        "labelling them too would have repeated."
    )
