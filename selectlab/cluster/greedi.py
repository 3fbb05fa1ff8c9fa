"""GreeDi: approximate selection in two rounds of messages, for when rounds are dear.

Every worker selects from what it holds, as many samples as are wanted in all; then one exact
selection runs over what they found. How good that is, is measured and told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from selectlab.cluster.executor import Executor, Request
from selectlab.cluster.shard import PartOfPlan
from selectlab.cluster.sharded import ShardedVectors
from selectlab.engine import greedy
from selectlab.errors import ConfigError, did_you_mean
from selectlab.neighbours import nearest
from selectlab.resolve import Resolved, anew
from selectlab.types import Rows, Vectors

RANDOM_SEED = 0
_MOST_MEASURED = 20_000
_AFFORDABLE = 2e8
"""Candidates times picks up to which the exact selection is run for comparison."""


def check(approximate: str | None, engine: str) -> None:
    """Refuse an approximation that does not exist, or without workers.

    Raises:
        ConfigError: As described.
    """
    if approximate is None:
        return
    if approximate != "greedi":
        hint = did_you_mean(approximate, ["greedi"])
        raise ConfigError(f"approximate: nothing is called {approximate!r}{hint}")
    if engine == "local":
        raise ConfigError("approximate: 'greedi' goes with engine 'process' or 'ray'")


def select(
    resolved: Resolved,
    cluster: Executor[Any],
    watch: Callable[[Sequence[int]], None] | None = None,
    resume: Sequence[int] = (),
) -> greedy.Outcome:
    """Select in two rounds.

    Args:
        resolved: What to select from.
        cluster: Who holds the vectors.
        watch: Called now and then with the rows picked in the second round.
        resume: Rows picked earlier in the second round.

    Raises:
        ConfigError: A strategy of the plan needs all samples at once.

    Reference:
        Mirzasoleiman et al., NIPS 2013. Differs from the paper: the second round's result is
        taken, not the better one of that and of the best worker; preselected samples count
        everywhere.
    """
    found = np.union1d(_candidates(resolved, cluster), np.asarray(resume, dtype=np.intp))
    plan = resolved.plan
    among = np.zeros(len(plan.candidates), dtype=np.bool_)
    among[found] = True
    outcome = greedy.run(replace(plan, candidates=among), watch, resume)
    quality = _quality(resolved, np.array(outcome.rows, dtype=np.intp))
    outcome.engine["approximate"] = {
        "mode": "greedi",
        "candidates": len(found),
        "quality": quality,
    }
    outcome.shortfalls.append(_in_words(quality))
    return outcome


def _candidates(resolved: Resolved, cluster: Executor[Any]) -> Rows:
    """Return what the workers pick from their parts, ascending."""
    vectors = _split_vectors(resolved)
    plan = resolved.plan
    before = np.flatnonzero(~plan.candidates)
    known = vectors.read(before)
    messages, rows_of = {}, {}
    for worker, at, local in vectors.routes(np.flatnonzero(plan.candidates)):
        rows = np.concatenate([before, np.flatnonzero(plan.candidates)[at]])
        parts = [_part(resolved, i, rows) for i in sorted(part.entry for part in plan.parts)]
        args = (vectors.key, local, known, parts, plan.n_picks)
        messages[worker] = [Request("pick", args)]
        rows_of[worker] = rows
    answers = cluster.call(messages)
    picked = [rows_of[worker][answers[worker][0]] for worker in sorted(answers)]
    return np.unique(np.concatenate(picked))


def _split_vectors(resolved: Resolved) -> ShardedVectors:
    """Return the vectors by which the samples are split among the workers."""
    entries = resolved.config.entries
    found: dict[int, ShardedVectors] = {}
    for part in resolved.plan.parts:
        entry, signal = entries[part.entry], resolved.active[part.entry]
        if not entry.strategy.divisible:
            raise ConfigError(
                f"{entry.path}: {entry.strategy.type} cannot be told from a part of the samples; "
                "leave out approximate 'greedi'"
            )
        values = getattr(signal, "vectors", None)
        if values is not None and not isinstance(signal, Vectors):
            raise ConfigError(
                f"{entry.path}: approximate 'greedi' takes a vector per sample, not of objects"
            )
        if isinstance(values, ShardedVectors):
            found[values.key] = values
    if len(found) != 1:
        raise ConfigError(
            "strategies: approximate 'greedi' needs strategies on embeddings, all on the same; "
            f"there are {len(found)} different ones"
        )
    return next(iter(found.values()))


def _part(resolved: Resolved, entry: int, rows: Rows) -> PartOfPlan:
    """Return a strategy with the values of some rows, vectors aside."""
    strategy, signal = resolved.config.entries[entry].strategy, resolved.active[entry]
    held = isinstance(signal, Vectors)
    if isinstance(signal, Vectors):
        signal = replace(signal, vectors=np.empty((len(signal), 0), dtype=np.float32))
    return PartOfPlan(strategy, signal.take(rows), held)


def _quality(resolved: Resolved, picked: Rows) -> dict[str, Any]:
    """Measure how far samples are from the nearest selected one, for several selections."""
    pool = np.flatnonzero(resolved.plan.candidates)
    before = np.flatnonzero(~resolved.plan.candidates)
    generator = np.random.default_rng(RANDOM_SEED)
    measured = np.sort(generator.choice(pool, min(len(pool), _MOST_MEASURED), replace=False))
    sets = {
        "greedi": picked,
        "random": np.sort(generator.choice(pool, len(picked), replace=False)),
    }
    if len(pool) * len(picked) <= _AFFORDABLE:
        sets["exact"] = np.array(greedy.run(anew(resolved), explain=False).rows, dtype=np.intp)
    vectors = _split_vectors(resolved)
    sample = vectors[measured]
    quality: dict[str, Any] = {"measured_on": len(measured)}
    for name, rows in sets.items():
        dists, _ = nearest(sample, vectors[np.concatenate([before, rows])])
        quality[name] = {
            "mean_distance_to_nearest_selected": float(dists.mean()),
            "coverage_radius": float(dists.max()),
        }
    return quality


def _in_words(quality: dict[str, Any]) -> str:
    names = [name for name in ("greedi", "exact", "random") if name in quality]
    radii = ", ".join(f"{quality[name]['coverage_radius']:.4g} {name}" for name in names)
    means = ", ".join(
        f"{quality[name]['mean_distance_to_nearest_selected']:.4g} {name}" for name in names
    )
    return (
        f"approximate selection (greedi), measured on {quality['measured_on']} samples: distance "
        f"to the nearest selected at most {radii}; on average {means}"
    )
