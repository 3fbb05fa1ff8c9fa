"""The selection as its definition says it, in float64, with nothing of the engine in it.

At each pick every strategy's objective belongs to the whole selected set plus the candidate; the
row that maximises ``sum of strength * log(objective)`` is picked, ties go to the lowest row. The
formulas are those of the published engine. N rows, M vectors (one a row, or one an object).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Chosen = Sequence[int]

TINY = 1e-300
SHARE_FLOOR = CROSS_ENTROPY_FLOOR = 1e-10
NEAR = 1e-9


class Rule(ABC):
    """One strategy on the values of its input."""

    strength: float

    @abstractmethod
    def objective(self, chosen: Chosen) -> FloatArray:
        """Return (N,) the objective of ``chosen`` plus each row; NaN for rows without objects."""

    @abstractmethod
    def value(self, chosen: Chosen) -> float:
        """Return the objective of ``chosen`` as it is."""


@dataclass(frozen=True)
class Sum(Rule):
    """A running sum: WEIGHTS, SIMILARITY, TYPICALITY.

    Attributes:
        gains: (N,) what counts while a row is a candidate; NaN without objects.
        added: (N,) what it adds once it is chosen.
    """

    gains: FloatArray
    added: FloatArray
    strength: float = 1.0

    def objective(self, chosen: Chosen) -> FloatArray:
        return self.value(chosen) + self.gains

    def value(self, chosen: Chosen) -> float:
        return float(self.added[list(chosen)].sum())


@dataclass(frozen=True)
class Spread(Rule):
    """DIVERSITY: ``D(S)`` + the mean squared distance of a row's vectors to the nearest chosen.

    Attributes:
        vectors: (M, D).
        owner: (M,) row of each vector, rising.
        n_rows: N.
    """

    vectors: FloatArray
    owner: IntArray
    n_rows: int
    strength: float = 1.0

    def objective(self, chosen: Chosen) -> FloatArray:
        inside = self.vectors[np.isin(self.owner, list(chosen))]
        if not len(inside):
            return means(np.ones(len(self.vectors)), self.owner, self.n_rows)
        gaps = sq_dists(self.vectors, inside).min(axis=1)
        return self.value(chosen) + means(gaps, self.owner, self.n_rows)

    def value(self, chosen: Chosen) -> float:
        inside = self.vectors[np.isin(self.owner, list(chosen))]
        if len(inside) < 2:
            return 0.0
        gaps = sq_dists(inside, inside)
        np.fill_diagonal(gaps, np.inf)
        return float(gaps.min(axis=1).sum())


@dataclass(frozen=True)
class Shares(Rule):
    """BALANCE: 1 / cross-entropy of the wanted shares under those of everything chosen.

    Attributes:
        counts: (N, K) raw counts of each class, "other" among them.
        target: (K,) wanted shares.
    """

    counts: FloatArray
    target: FloatArray
    strength: float = 1.0

    def objective(self, chosen: Chosen) -> FloatArray:
        return self._inverse(self.counts[list(chosen)].sum(axis=0) + self.counts)

    def value(self, chosen: Chosen) -> float:
        return float(self._inverse(self.counts[list(chosen)].sum(axis=0, keepdims=True))[0])

    def _inverse(self, counts: FloatArray) -> FloatArray:
        total = counts.sum(axis=1, keepdims=True)
        shares = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
        wanted = self.target / self.target.sum()
        entropy = -(wanted * np.log(np.maximum(shares, SHARE_FLOOR))).sum(axis=1)
        inverse: FloatArray = 1.0 / np.maximum(entropy, CROSS_ENTROPY_FLOOR)
        return inverse


def scores(rules: Sequence[Rule], chosen: Chosen) -> tuple[IntArray, FloatArray]:
    """Return for each row in how many strategies it has no objects, and the sum of the others."""
    total, n_empty = np.zeros(1), np.zeros(1, dtype=np.intp)
    for rule in rules:
        values = rule.objective(chosen)
        empty = np.isnan(values)
        logs = np.log(np.maximum(np.where(empty, 1.0, values), TINY))
        total, n_empty = total + rule.strength * logs, n_empty + empty
    return n_empty, total


def similarity(
    vectors: FloatArray, owner: IntArray, query: FloatArray, n_rows: int, strength: float = 1.0
) -> Sum:
    """Return the weights ``exp(-d / mean d)`` of distances to the nearest of a query."""
    weights = _decayed(np.sqrt(sq_dists(vectors, query).min(axis=1)))
    best = np.full(n_rows, np.nan)
    for row in np.unique(owner):
        best[row] = weights[owner == row].max()
    return Sum(best, sums(weights, owner, n_rows), strength)


def typicality(
    vectors: FloatArray, owner: IntArray, k: int, n_rows: int, strength: float = 1.0
) -> Sum:
    """Return the means of ``exp(-d / mean d)`` over the k nearest other vectors."""
    dists = np.sqrt(sq_dists(vectors, vectors))
    np.fill_diagonal(dists, np.inf)
    nearest = np.sort(dists, axis=1)[:, : min(k, len(vectors) - 1)]
    weights = _decayed(nearest).mean(axis=1)
    return Sum(means(weights, owner, n_rows), sums(weights, owner, n_rows), strength)


def _decayed(dists: FloatArray) -> FloatArray:
    mean = dists.mean()
    decayed: FloatArray = np.exp(-dists / mean) if mean > 0 else np.ones_like(dists)
    return decayed


def sq_dists(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return (len(a), len(b)) squared distances by differences, a dimension at a time."""
    total = np.zeros((len(a), len(b)))
    for own, other in zip(a.T, b.T, strict=True):
        total += (own[:, None] - other) ** 2
    return total


def means(values: FloatArray, owner: IntArray, n_rows: int) -> FloatArray:
    """Return the mean of each row's values, NaN where it has none."""
    total, n = sums(values, owner, n_rows), np.bincount(owner, minlength=n_rows)
    found: FloatArray = np.divide(total, n, out=np.full(n_rows, np.nan), where=n > 0)
    return found


def sums(values: FloatArray, owner: IntArray, n_rows: int) -> FloatArray:
    """Return the sum of each row's values."""
    return np.bincount(owner, values, n_rows).astype(np.float64)


@dataclass(frozen=True)
class Agreement:
    """How picks compare with the definition, each judged given the picks before it.

    Attributes:
        marks: A sign a pick: ``+`` the best row, the lowest of those that tie exactly; ``~``
            another one within rounding of the best; ``-`` a worse one.
        largest_gap: Most that a near tie's score is below the best, relative to it.
    """

    marks: str
    largest_gap: float

    @property
    def worse(self) -> int:
        return self.marks.count("-")

    @property
    def near(self) -> int:
        return self.marks.count("~")


def compare(
    rules: Sequence[Rule], picks: Chosen, before: Chosen = (), near: float = NEAR
) -> Agreement:
    """Judge picks one by one.

    Args:
        rules: The strategies.
        picks: Rows in the order in which they were picked.
        before: Rows that were selected from the start.
        near: What counts as rounding, relative to the best score.
    """
    marks, gaps = "", [0.0]
    for rank, pick in enumerate(picks):
        chosen = [*before, *picks[:rank]]
        n_empty, total = scores(rules, chosen)
        open_rows = np.setdiff1d(np.arange(len(total)), chosen)
        ranked = open_rows[n_empty[open_rows] == n_empty[open_rows].min()]
        best = ranked[np.argmax(total[ranked])]
        gap = float(total[best] - total[pick]) / max(1.0, abs(float(total[best])))
        if pick == best:
            marks += "+"
        elif pick in ranked and gap <= near:
            marks += "~"
            gaps.append(gap)
        else:
            marks += "-"
    return Agreement(marks, max(gaps))
