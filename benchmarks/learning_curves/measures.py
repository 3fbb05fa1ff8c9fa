"""What claims measure of learning curves, paired by seed, in points of accuracy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.claim import Results
from benchmarks.learning_curves.peer import NAME
from benchmarks.learning_curves.runs import OURS, accuracy

Measure = Callable[[Results], list[float]]


def gap(data: str, method: str, other: str, budget: int) -> Measure:
    """Return what gives, per seed, how far a method is above another at a budget."""

    def gaps(results: Results) -> list[float]:
        return _gaps(results, data, method, other, budget)

    return gaps


def level(data: str, method: str, budget: int) -> Measure:
    """Return what gives, per seed, an accuracy where the data is the known one."""

    def levels(results: Results) -> list[float]:
        found = [accuracy(r, method, budget) for r in of(results, data) if r["known"]]
        return [value for value in found if value is not None]

    return levels


def reversal(data: str, early: str, late: str, few: int, many: int) -> Measure:
    """Return what gives, per seed, the smaller of two gaps: ``early`` ahead of ``late`` with few
    labels, ``late`` ahead of ``early`` with many.
    """

    def smaller(results: Results) -> list[float]:
        first = _gaps(results, data, early, late, few)
        second = _gaps(results, data, late, early, many)
        return [min(pair) for pair in zip(first, second, strict=False)]

    return smaller


def share_below(data: str, methods: Sequence[str], budget: int) -> Measure:
    """Return what gives, per seed, the share of methods that are below random at a budget."""

    def shares(results: Results) -> list[float]:
        gaps = [_gaps(results, data, method, "random", budget) for method in methods]
        return [float(np.mean([gap < 0 for gap in seed])) for seed in zip(*gaps, strict=True)]

    return shares


def misses(data: str) -> Measure:
    """Return what counts, per seed, how often our picks break the formula of their method."""

    def count(results: Results) -> list[float]:
        return [
            sum(method.get("misses", 0) for method in result["methods"].values())
            for result in of(results, data)
        ]

    return count


def behind_peer(data: str, methods: Sequence[str]) -> Measure:
    """Return what gives, per seed, how far ours are above the peer's, mean over all budgets.

    Negative is behind. The budgets that both start from, if they do, count too.
    """

    def leads(results: Results) -> list[float]:
        theirs = {result["seed"]: result for result in of(results, data, NAME)}
        return [
            float(np.mean(np.subtract(_all(ours, methods), _all(theirs[ours["seed"]], methods))))
            for ours in of(results, data)
            if ours["seed"] in theirs
        ]

    return leads


def of(results: Results, data: str, side: str = OURS) -> list[Mapping[str, Any]]:
    """Return the units of some data and side, in the order of their seeds."""
    found = [r for r in results if r["data"] == data and r["side"] == side and "methods" in r]
    return sorted(found, key=lambda result: int(result["seed"]))


def _gaps(results: Results, data: str, method: str, other: str, budget: int) -> list[float]:
    pairs = [(accuracy(r, method, budget), accuracy(r, other, budget)) for r in of(results, data)]
    return [a - b for a, b in pairs if a is not None and b is not None]


def _all(result: Mapping[str, Any], methods: Sequence[str]) -> list[float]:
    return [float(accuracy(result, m, n) or 0) for m in methods for n in result["budgets"]]
