"""What the reader of a report should think about before trusting a selection."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from selectlab.config import Entry
from selectlab.report.evidence import Evidence, part_of
from selectlab.report.influence import Influence, weak_ones
from selectlab.report.record import RunRecord
from selectlab.report.targets import missed_targets
from selectlab.signals import Scalars
from selectlab.types import FloatArray

_ALIKE = 0.8
"""Rank correlation from which two inputs say nearly the same."""
_MOST_ROWS = 50_000


@dataclass(frozen=True)
class Caution:
    """Something to think about.

    Attributes:
        about: What kind of thing it is.
        text: What it is.
    """

    about: str
    text: str


def cautions(
    record: RunRecord, evidence: Evidence | None, found: Sequence[Influence], notes: Sequence[str]
) -> list[Caution]:
    """Return everything to think about, what the run itself has warned of first.

    Args:
        record: The run.
        evidence: Its data.
        found: What each strategy changed.
        notes: What there is to say of the data and of the report itself.
    """
    about_data = [] if evidence is None else list(evidence.notes)
    return [
        *(Caution("the run", text) for text in record.manifest["warnings"]),
        *(Caution("the data", text) for text in [*about_data, *notes]),
        *(Caution("influence", f"{one.label}: {one.verdict}") for one in weak_ones(found)),
        *(
            Caution("correlated inputs", text)
            for text in ([] if evidence is None else _alike(evidence))
        ),
        *(Caution("targets", text) for text in missed_targets(record, evidence)),
    ]


def _alike(evidence: Evidence) -> list[str]:
    """Say which inputs rank the candidates alike, or the other way round."""
    rows = part_of(evidence.pool, _MOST_ROWS)
    numbers = _ranking_numbers(evidence)
    lines = []
    for (one, a), (other, b) in combinations(numbers, 2):
        rho = _spearman(a[rows], b[rows])
        names = f"{one.input.describe()} and {other.input.describe()}"
        if one.input == other.input:
            names = f"{one.label} and {other.label}, both on {one.input.describe()},"
        same_way = rho * np.sign(one.strategy.strength * other.strategy.strength)
        if same_way >= _ALIKE:
            lines.append(
                f"{names} rank the candidates alike (rank correlation {rho:.2f}): together they "
                "count about twice"
            )
        elif same_way <= -_ALIKE:
            lines.append(
                f"{names} pull against each other (rank correlation {rho:.2f}): each undoes what "
                "the other does"
            )
    return lines


def _ranking_numbers(evidence: Evidence) -> list[tuple[Entry, FloatArray]]:
    """Return the numbers that strategies rank by."""
    found = []
    for entry, signal in zip(
        evidence.resolved.config.entries, evidence.resolved.active, strict=True
    ):
        ranks = entry.strategy.strength != 0 and entry.strategy.keeps(signal) is None
        if isinstance(signal, Scalars) and ranks:
            found.append((entry, signal.values))
    return found


def _spearman(a: FloatArray, b: FloatArray) -> float:
    """Return the rank correlation; 0 where one of them is constant."""
    from scipy.stats import spearmanr

    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(spearmanr(a, b).statistic)
