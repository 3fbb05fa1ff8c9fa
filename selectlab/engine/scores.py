"""Scores of rows: exactly for a few, from above for many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from selectlab.engine.plan import TINY, Part
from selectlab.forms import Falling
from selectlab.objective import FloatArray, Rows

_LARGEST_LOG = 710.0
_ROUNDING = 1e-13
"""More than a score can be wrong by rounding, relative to the size of its terms."""


def exact_terms(parts: Sequence[Part], rows: Rows) -> tuple[list[FloatArray], list[FloatArray]]:
    """Return the objectives and the contributions of each part, for a few rows."""
    objectives, contributions = [], []
    for part in parts:
        values = part.objective.exact(rows)
        term = part.strength * equal_logs(values)
        silence(term, part, rows)
        objectives.append(values)
        contributions.append(term)
    return objectives, contributions


def exact_scores(parts: Sequence[Part], rows: Rows) -> FloatArray:
    """Return what decides between a few rows; equal rows get equal bits.

    A distance that ranks alone is compared as it is, so that nothing of it is lost in the sum
    over the selected set.
    """
    if len(parts) == 1:
        own = _own_values(parts[0], rows)
        if own is not None:
            return own
    scores = np.zeros(len(rows))
    for term in exact_terms(parts, rows)[1]:
        scores += term
    return scores


def _own_values(part: Part, rows: Rows) -> FloatArray | None:
    unranked = part.objective.unranked
    if unranked is not None and unranked[rows].any():
        return None
    form = part.objective.form()
    if not isinstance(form, Falling) or not form.n_selected:
        return None
    return form.exact(rows) if part.strength > 0 else -form.exact(rows)


def slack_of(parts: Sequence[Part], score: float) -> float:
    """Return more than a score can be wrong by rounding."""
    spread = sum(abs(part.strength) for part in parts)
    return _ROUNDING * (1.0 + min(abs(score), _LARGEST_LOG * spread) + _LARGEST_LOG * spread)


def equal_logs(values: FloatArray) -> FloatArray:
    """Logarithms that are equal for equal values, wherever they stand in the array.

    Vectorised logarithms may treat the rest of an array differently from its bulk.
    """
    distinct, place = np.unique(np.maximum(values, TINY), return_inverse=True)
    logs: FloatArray = np.log(distinct)[place.reshape(-1)]
    return logs


def silence(term: FloatArray, part: Part, rows: Rows | slice) -> None:
    """A row with nothing to be judged by gets nothing from that part; its tier puts it last."""
    if part.objective.unranked is not None:
        term[part.objective.unranked[rows]] = 0.0
