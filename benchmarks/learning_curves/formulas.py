"""What query strategies should have picked, from their formulas, in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.learning_curves.pools import Floats, Pool

ROUNDING = 1e-6
"""What float32 may cost."""


def entropy(p: Floats) -> Floats:
    """Return minus the sum of p log p of each row."""
    logs = np.log(p, out=np.zeros_like(p), where=p > 0)
    found: Floats = -(p * logs).sum(axis=1)
    return found


def least_confidence(p: Floats) -> Floats:
    """Return one minus the largest p of each row."""
    found: Floats = 1 - p.max(axis=1)
    return found


def margin(p: Floats) -> Floats:
    """Return one minus the difference of the two largest p of each row."""
    ordered = np.sort(p, axis=1)
    found: Floats = 1 - (ordered[:, -1] - ordered[:, -2])
    return found


UNCERTAINTY: Mapping[str, Callable[[Floats], Floats]] = {
    "entropy": entropy,
    "least_confidence": least_confidence,
    "margin": margin,
}


def wrong_rounds(
    score: Callable[[Floats], Floats],
    drawn: Pool,
    order: Sequence[int],
    budgets: Sequence[int],
    models: Sequence[Any],
) -> int:
    """Return in how many rounds a sample was left out that scores higher than one picked.

    Args:
        score: From (N, K) class probabilities.
        drawn: The pool.
        order: Rows as they were labelled.
        budgets: Numbers of labels after each round; the first round is not looked at.
        models: Trained on the labels after each round, with ``predict_proba`` and ``classes_``.
    """
    n_wrong = 0
    for before, after, model in zip(budgets, budgets[1:], models, strict=False):
        p = np.zeros((len(drawn.x), drawn.n_classes))
        p[:, model.classes_] = model.predict_proba(drawn.x)
        scores, left = score(p), np.ones(len(drawn.x), dtype=np.bool_)
        left[list(order[:after])] = False
        if left.any():
            lowest = scores[list(order[before:after])].min()
            n_wrong += bool(lowest < scores[left].max() - ROUNDING)
    return n_wrong


def not_farthest(x: Floats, order: Sequence[int]) -> int:
    """Return how many picks after the first were nearer to the picks before than another row."""
    nearest, n_wrong = np.full(len(x), np.inf), 0
    for number, row in enumerate(order):
        if number:
            n_wrong += bool(nearest[row] < nearest.max() * (1 - ROUNDING))
        distances = np.sqrt(((x - x[row]) ** 2).sum(axis=1))
        nearest = np.minimum(nearest, distances)
    return n_wrong
