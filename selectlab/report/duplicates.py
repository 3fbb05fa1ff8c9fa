"""Near-duplicates that were left aside because something selected shows the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selectlab.neighbours import nearest, neighbours
from selectlab.report.charts import counted, percent
from selectlab.report.evidence import Evidence, part_of
from selectlab.report.space import Space
from selectlab.report.spread import measured_rows, to_others
from selectlab.types import FloatArray, Rows

_PAIRS = 8
_MOST_CENTRES = 5_000
_TENTH = 0.1


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
        told: How many there are, in sentences.
        shares: Share of candidates, selected and random samples that have a near-duplicate
            beside them, in words.
        pairs: The nearest ones, each selected sample once.
        n_beyond: How many of these are no near-duplicates.
    """

    told: str
    shares: tuple[str, str, str]
    pairs: Sequence[Pair]
    n_beyond: int


def near_duplicates(evidence: Evidence, space: Space) -> Duplicates | None:
    """Return the candidates that are nearest to something selected, and were not taken.

    Near-duplicates are as near to each other as a tenth of the candidates are to another sample.
    """
    taken = set(evidence.chosen.tolist())
    rows = measured_rows(evidence, len(evidence.chosen))
    rows = np.array([row for row in rows.tolist() if row not in taken], dtype=np.intp)
    places, centres = space.places(rows), np.sort(space.places(evidence.chosen))
    if not len(places) or not len(centres):
        return None
    around = to_others(space.vectors, space.places(evidence.pool))
    near = float(np.quantile(around, _TENTH))
    share = percent(float((around <= near).mean()))
    dists, index = nearest(space.vectors[places], space.vectors[centres])
    beside = [_beside(evidence, space, own, near) for own in (evidence.picked, evidence.drawn)]
    mine, theirs = (percent(n / of) if of else "" for n, of in beside)
    unit = evidence.unit
    told = [
        _meaning(near, share, unit),
        _left_aside(dists, near, evidence),
        _selected(beside, unit),
    ]
    pairs = _pairs(evidence, space, places, centres[index], dists)
    n_beyond = sum(pair.distance > near for pair in pairs)
    return Duplicates(" ".join(filter(None, told)), (share, mine, theirs), pairs, n_beyond)


def _pairs(
    evidence: Evidence, space: Space, places: Rows, kept: Rows, dists: FloatArray
) -> list[Pair]:
    """Return the nearest ones, each kept sample once.

    Args:
        evidence: The run.
        space: The vectors.
        places: (n,) of what was left aside, in the space.
        kept: (n,) what is selected and nearest to each, in the space.
        dists: (n,) how far that is.
    """
    pairs: dict[int, Pair] = {}
    for at in np.argsort(dists, kind="stable").tolist():
        row, other = int(space.rows[kept[at]]), int(space.rows[places[at]])
        if row not in pairs:
            before = not evidence.resolved.plan.candidates[row]
            names = evidence.id_of(row), evidence.id_of(other)
            pairs[row] = Pair(*names, float(dists[at]), bool(before))
        if len(pairs) == _PAIRS:
            break
    return list(pairs.values())


def _beside(evidence: Evidence, space: Space, rows: Rows, near: float) -> tuple[int, int]:
    """Return how many of some rows have a near-duplicate in their set, and how many were asked."""
    own = space.places(np.concatenate([evidence.before, rows]))
    asked = part_of(space.places(rows), _MOST_CENTRES)
    if len(own) < 2 or not len(asked):
        return 0, len(asked)
    dists = neighbours(space.vectors[own], space.vectors[asked], 2)[0][:, 1]
    return int((dists <= near).sum()), len(asked)


def _meaning(near: float, share: str, unit: str) -> str:
    return (
        f"Near-duplicates are here {unit}s no farther apart than {near:.4g}: {share} of the "
        f"candidates have another {unit} that near."
    )


def _left_aside(dists: FloatArray, near: float, evidence: Evidence) -> str:
    """Say how many of what was not selected repeat something selected."""
    n_left = len(evidence.pool) - len(evidence.picked)
    n = int((dists <= near).sum())
    part = f"of {counted(n_left, 'candidate')} that {'was' if n_left == 1 else 'were'} not selected"
    if len(dists) < n_left:
        part = f"of {len(dists):,} candidates measured, out of {n_left:,} that were not selected,"
    verb = "is a near-duplicate" if n == 1 else "are near-duplicates"
    return f"{n:,} {part} {verb} of something selected."


def _selected(beside: Sequence[tuple[int, int]], unit: str) -> str:
    """Say how many of what is selected repeat each other, and of random ones."""
    (mine, n), (theirs, m) = beside
    if not n or not m:
        return ""
    return (
        f"Of {counted(n, f'selected {unit}')} {mine:,} {'has' if mine == 1 else 'have'} one among "
        f"what is selected; of {m:,} random ones {theirs:,}."
    )
