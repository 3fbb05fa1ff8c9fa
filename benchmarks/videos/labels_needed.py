"""How many labels a detector needs until it is as good as wanted, and what a method saves."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.claim import Results
from benchmarks.videos.detection_truth import Ranked, average_precision


def precision(hits: str, n_truth: int) -> float:
    """Return the average precision.

    Args:
        hits: A letter per detection, surest first: ``1`` where it found an object.
        n_truth: Number of objects there are.
    """
    right = np.array([letter == "1" for letter in hits], dtype=np.bool_)
    return average_precision([Ranked(-np.arange(len(hits), dtype=np.float64), right, n_truth)])


def curve(result: Mapping[str, Any]) -> list[float]:
    """Return the AP after each round."""
    return [precision(hits, result["n_truth"]) for hits in result["hits"]]


def of_method(results: Results, method: str) -> dict[int, Mapping[str, Any]]:
    """Return the results of a method by seed."""
    return {int(r["seed"]): r for r in results if r["method"] == method}


def goal(results: Results) -> float:
    """Return the mean AP that random frames reach with the labels of the protocol."""
    random = of_method(results, "random").values()
    return fmean(curve(r)[r["labels"].index(r["goal"])] for r in random)


def needed(result: Mapping[str, Any], wanted: float, axis: str = "labels") -> float:
    """Return how many labels it takes until an AP is reached for the first time.

    Between two rounds on a straight line. Where it is never reached: what one more round would
    cost, which is the least it can be.

    Args:
        result: A curve.
        wanted: The AP.
        axis: What is counted: ``labels`` (frames) or ``boxes``.
    """
    cost, best = result[axis], 0.0
    for at, value in enumerate(curve(result)):
        if value >= wanted:
            if at == 0:
                return float(cost[0])
            part = (wanted - best) / (value - best)
            return float(cost[at - 1] + part * (cost[at] - cost[at - 1]))
        best = max(best, value)
    return float(2 * cost[-1] - cost[-2])


def saved(
    results: Results, method: str, over: str = "random", axis: str = "labels"
) -> tuple[float, ...]:
    """Return the share of labels saved, a number a seed.

    The labels that the other method needs for the goal less those that the method needs with the
    same seed, over the mean of the other method's.
    """
    one, other = of_method(results, method), of_method(results, over)
    if not one or not other or not of_method(results, "random"):
        return ()
    wanted = goal(results)
    base = fmean(needed(r, wanted, axis) for r in other.values())
    return tuple(
        (needed(other[seed], wanted, axis) - needed(one[seed], wanted, axis)) / base
        for seed in one
        if seed in other
    )
