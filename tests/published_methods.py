"""TypiClust, ProbCover and its radius as their papers say it: plain loops, nothing of ours.

Hacohen, Dekel & Weinshall, ICML 2022; Yehuda, Dekel, Hacohen & Weinshall, NeurIPS 2022.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Vector = Sequence[float]

NEIGHBOURS = 20


def typiclust(
    vectors: Sequence[Vector],
    cluster: Sequence[int],
    preselected: Sequence[int],
    n: int,
    min_size: int,
) -> list[int]:
    """Return the picks: fewest selected, then largest, then most typical, then lowest row."""
    selected = list(preselected)
    members = {c: [i for i, own in enumerate(cluster) if own == c] for c in set(cluster)}
    while len(selected) < len(preselected) + n:
        best, best_key = -1, (math.inf, math.inf, math.inf, math.inf)
        for row in range(len(vectors)):
            if row in selected:
                continue
            own = members[cluster[row]]
            times = sum(j in selected for j in own)
            key = (len(own) < min_size, times, -len(own), mean_distance(vectors, own, row))
            if key < best_key:
                best, best_key = row, key
        selected.append(best)
    return selected[len(preselected) :]


def mean_distance(vectors: Sequence[Vector], members: Sequence[int], row: int) -> float:
    """Return the mean distance to the nearest others of the cluster; low is typical."""
    dists = sorted(math.dist(vectors[row], vectors[j]) for j in members if j != row)
    near = dists[:NEIGHBOURS]
    return sum(near) / len(near) if near else 0.0


def prob_cover(
    vectors: Sequence[Vector], radius: float, preselected: Sequence[int], n: int
) -> tuple[list[int], list[int]]:
    """Return the picks, ties to the lowest row, and how many samples each covers anew."""
    inside = [
        {j for j, other in enumerate(vectors) if sq_dist(own, other) <= radius * radius}
        for own in vectors
    ]
    selected = list(preselected)
    covered = {j for i in preselected for j in inside[i]}
    gains = []
    for _ in range(n):
        left = [i for i in range(len(vectors)) if i not in selected]
        best = max(left, key=lambda i: (len(inside[i] - covered), -i))
        gains.append(len(inside[best] - covered))
        covered |= inside[best]
        selected.append(best)
    return selected[len(preselected) :], gains


def purity(vectors: Sequence[Vector], group: Sequence[int], radius: float) -> float:
    """Return the share of samples whose ball holds samples of their own group only."""
    pure = [
        all(
            own == other
            for other, there in zip(group, vectors, strict=True)
            if math.dist(here, there) <= radius
        )
        for own, here in zip(group, vectors, strict=True)
    ]
    return sum(pure) / len(pure)


def sq_dist(a: Vector, b: Vector) -> float:
    """Return the squared Euclidean distance."""
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
