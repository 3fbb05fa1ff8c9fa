"""The selection as its definition says it: plain loops in float64, no shortcuts.

Written from the semantics, never from the engine, so that the engine can be held against it.
A sample with one embedding is treated as a sample with one object: the mean, maximum and sum
over one object are that object. Everything is recomputed at every pick.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

OBJECTIVE_FLOOR = 1e-300  # before the logarithm
CROSS_ENTROPY_FLOOR = 1e-10  # a perfect match must stay selectable
SHARE_FLOOR = 1e-10  # p inside the logarithm of the cross entropy
UNSTARTED_DIVERSITY = 1.0  # before the first pick every row ties

Vector = tuple[float, ...]


@dataclass(frozen=True)
class Part:
    """One strategy with the values of its input, one entry per row.

    Attributes:
        type: Name of the strategy; decides which of the fields below are read.
        strength: Exponent of the objective; 0 removes the strategy.
        values: WEIGHTS: raw weight.
        vectors: DIVERSITY, SIMILARITY, TYPICALITY: the vectors a row owns, maybe none.
        query: SIMILARITY: the query vectors.
        counts: BALANCE: count of each class, all classes named.
        target: BALANCE: share of each class when ``distribution`` is TARGET.
        target_max: WEIGHTS: ``max_sum`` of the target range.
    """

    type: str
    strength: float = 1.0
    values: Sequence[float] = ()
    vectors: Sequence[Sequence[Vector]] = ()
    query: Sequence[Vector] = ()
    counts: Sequence[Mapping[str, float]] = ()
    target: Mapping[str, float] = field(default_factory=dict)
    distribution: str = "TARGET"
    num_nearest_neighbors: int = 20
    minimum_distance: float | None = None
    on_minimum_distance: str | None = None
    max_sum: float | None = None
    target_max: float | None = None
    minimum_typicality: float | None = None


@dataclass(frozen=True)
class Run:
    """Which rows a run is about: ``pool`` is what may be picked plus the preselected."""

    candidates: Sequence[int]
    pool: Sequence[int]


@dataclass(frozen=True)
class Decision:
    """One step: the pick, or why there is none; and how every row that was not skipped did.

    Attributes:
        pick: The row, or ``None``.
        stop_reason: Empty when there is a pick.
        scores: Per row ``(number of strategies without objects, score)``.
        objectives: Per row one objective per strategy, ``None`` without objects.
    """

    pick: int | None
    stop_reason: str
    scores: Mapping[int, tuple[int, float]]
    objectives: Mapping[int, tuple[float | None, ...]]


def reference_select(
    parts: Sequence[Part],
    n: int,
    preselected: Sequence[int],
    n_rows: int,
    open_rows: Collection[int],
) -> tuple[list[int], str]:
    """Return the picks in order and why there are not more.

    Args:
        parts: The strategies, filters excepted.
        n: Most picks wanted; the preselected do not count.
        preselected: Rows that are in the selected set from the start.
        n_rows: Number of rows.
        open_rows: Rows that no filter and no missing value removed.
    """
    assert all(0 <= row < n_rows for row in [*preselected, *open_rows])
    picks: list[int] = []
    while len(picks) < n:
        decision = decide(parts, preselected, open_rows, picks)
        if decision.pick is None:
            return picks, decision.stop_reason
        picks.append(decision.pick)
    return picks, "n_samples"


def decide(
    parts: Sequence[Part],
    preselected: Sequence[int],
    open_rows: Collection[int],
    picks: Sequence[int],
) -> Decision:
    """Return the next pick after ``picks``."""
    parts = [part for part in parts if part.strength != 0]
    candidates = sorted(set(open_rows) - set(preselected))
    run = Run(candidates, sorted({*candidates, *preselected}))
    selected = [*preselected, *picks]
    rows = [row for row in candidates if row not in picks]
    if not rows:
        return Decision(None, "no rows left", {}, {})
    rows = [row for row in rows if not broken(parts, "skip", selected, row, run)]
    if not rows:
        return Decision(None, "every row left breaks a condition", {}, {})
    columns = [OBJECTIVES[part.type](part, selected, rows, run) for part in parts]
    objectives = {row: tuple(column[i] for column in columns) for i, row in enumerate(rows)}
    scores = {row: score(parts, objectives[row]) for row in rows}
    best = rows[0]
    for row in rows:
        if (-scores[row][0], scores[row][1]) > (-scores[best][0], scores[best][1]):
            best = row
    stop_reason = broken(parts, "stop", selected, best, run)
    return Decision(None if stop_reason else best, stop_reason, scores, objectives)


def score(parts: Sequence[Part], objectives: Sequence[float | None]) -> tuple[int, float]:
    """Return in how many strategies the row has no objects, and the sum over the others."""
    terms = [
        part.strength * math.log(max(value, OBJECTIVE_FLOOR))
        for part, value in zip(parts, objectives, strict=True)
        if value is not None
    ]
    return len(parts) - len(terms), math.fsum(terms)


def broken(parts: Sequence[Part], action: str, selected: Sequence[int], row: int, run: Run) -> str:
    """Return the condition with this action that picking ``row`` would break, or ``""``."""
    for part in parts:
        if part.minimum_distance is not None:
            default = "stop" if len(parts) == 1 else "skip"
            spread = nearest_sq_dists(part, selected, row)
            if (
                (part.on_minimum_distance or default) == action
                and spread
                and math.sqrt(math.fsum(spread) / len(spread)) < part.minimum_distance
            ):
                return "minimum_distance"
        total = sum(part.values[j] for j in [*selected, row]) if part.values else 0.0
        if part.max_sum is not None and action == "stop" and total > part.max_sum:
            return "max_sum"
        if part.target_max is not None and action == "skip" and total > part.target_max:
            return "target_range"
        if part.minimum_typicality is not None and action == "stop":
            own = typicalities(part, run)[row]
            if own and math.fsum(own) / len(own) < part.minimum_typicality:
                return "minimum_typicality"
    return ""


Column = list[float | None]


def weights(part: Part, selected: Sequence[int], rows: Sequence[int], run: Run) -> Column:
    """``W(S) + w_i``."""
    total = sum(part.values[j] for j in selected)
    return [total + part.values[row] for row in rows]


def diversity(part: Part, selected: Sequence[int], rows: Sequence[int], run: Run) -> Column:
    """``D(S)`` + mean over own vectors of the squared distance to the nearest selected one."""
    chosen = [vector for j in selected for vector in part.vectors[j]]
    spread = 0.0
    for i, vector in enumerate(chosen):
        others = chosen[:i] + chosen[i + 1 :]
        spread += min((sq_dist(vector, other) for other in others), default=0.0)
    column: Column = []
    for row in rows:
        own = nearest_sq_dists(part, selected, row)
        if not part.vectors[row]:
            column.append(None)
        elif not chosen:
            column.append(UNSTARTED_DIVERSITY)
        else:
            column.append(spread + math.fsum(own) / len(own))
    return column


def balance(part: Part, selected: Sequence[int], rows: Sequence[int], run: Run) -> Column:
    """``1 / CE(t, p)`` of the raw class counts of everything selected and the row."""
    names = list(part.counts[0])
    target = balance_target(part, names, run)
    total_target = sum(target.values())
    column: Column = []
    for row in rows:
        counts = dict.fromkeys(target, 0.0)
        for j in [*selected, row]:
            for name in names:
                counts[name if name in target else ""] += part.counts[j][name]
        total = sum(counts.values())
        terms = []
        for name, share in target.items():
            p = counts[name] / total if total > 0 else 0.0
            terms.append(-share / total_target * math.log(max(p, SHARE_FLOOR)))
        entropy = math.fsum(terms)  # exact, so that classes with equal targets tie
        column.append(1 / max(entropy, CROSS_ENTROPY_FLOOR))
    return column


def balance_target(part: Part, names: Sequence[str], run: Run) -> dict[str, float]:
    """Return the target of each class; classes without one are merged into ``""``."""
    if part.distribution == "INPUT":
        return {name: sum(part.counts[row][name] for row in run.candidates) for name in names}
    if part.distribution == "UNIFORM":
        present = [name for name in names if any(part.counts[row][name] > 0 for row in run.pool)]
        return dict.fromkeys(present, 1.0) | {"": 0.0}
    target = dict(part.target)
    if set(names) - set(target):
        target[""] = max(1 - sum(target.values()), 0.0)
    return target


def similarity(part: Part, selected: Sequence[int], rows: Sequence[int], run: Run) -> Column:
    """Weights ``exp(-d / mean d)``: the largest of the own vectors counts, all accumulate."""
    dists = [
        [min(math.sqrt(sq_dist(vector, query)) for query in part.query) for vector in own]
        for own in part.vectors
    ]
    pooled = [d for row in run.pool for d in dists[row]]
    mean = math.fsum(pooled) / len(pooled) if pooled else 0.0
    values = [[math.exp(-d / mean) if mean > 0 else 1.0 for d in own] for own in dists]
    total = sum(sum(values[j]) for j in selected)
    return [total + max(values[row]) if values[row] else None for row in rows]


def typicality(part: Part, selected: Sequence[int], rows: Sequence[int], run: Run) -> Column:
    """Weights ``t``: the mean of the own vectors counts, all accumulate."""
    values = typicalities(part, run)
    total = sum(sum(values[j]) for j in selected)
    return [total + math.fsum(values[r]) / len(values[r]) if values[r] else None for r in rows]


def typicalities(part: Part, run: Run) -> dict[int, list[float]]:
    """Return for each row of the pool the typicality of each of its vectors."""
    owners = [row for row in run.pool for _ in part.vectors[row]]
    vectors = [vector for row in run.pool for vector in part.vectors[row]]
    k = min(part.num_nearest_neighbors, len(vectors) - 1)
    nearest = []
    for i, vector in enumerate(vectors):
        others = vectors[:i] + vectors[i + 1 :]
        nearest.append(sorted(math.sqrt(sq_dist(vector, other)) for other in others)[: max(k, 0)])
    flat = [d for dists in nearest for d in dists]
    mean = math.fsum(flat) / len(flat) if flat else 0.0
    values: dict[int, list[float]] = {row: [] for row in run.pool}
    for owner, dists in zip(owners, nearest, strict=True):
        t = sum(math.exp(-d / mean) for d in dists) / k if mean > 0 else 1.0
        values[owner].append(t)
    return values


def nearest_sq_dists(part: Part, selected: Sequence[int], row: int) -> list[float]:
    """Return per vector of ``row`` the squared distance to the nearest selected vector."""
    chosen = [vector for j in selected for vector in part.vectors[j]]
    if not chosen:
        return []
    return [min(sq_dist(vector, other) for other in chosen) for vector in part.vectors[row]]


@lru_cache(maxsize=100_000)
def sq_dist(a: Vector, b: Vector) -> float:
    """Return the squared Euclidean distance."""
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


OBJECTIVES: Mapping[str, Callable[[Part, Sequence[int], Sequence[int], Run], Column]] = {
    "WEIGHTS": weights,
    "DIVERSITY": diversity,
    "BALANCE": balance,
    "SIMILARITY": similarity,
    "TYPICALITY": typicality,
}
