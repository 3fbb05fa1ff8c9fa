"""What a selection is like, beside its input and a random pick of the same size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from selectlab.class_signals import Classes
from selectlab.neighbours import nearest
from selectlab.resolve import Resolved
from selectlab.signals import Scalars, Signal
from selectlab.types import FloatArray, Rows
from selectlab.vector_signals import Embedded

RANDOM_SEED = 0
_MOST_ROWS, _FEWEST_ROWS = 50_000, 1_000
_MOST_PAIRS = 500_000_000
_AT_ONCE = 8192


def compare(resolved: Resolved, picked: Rows) -> list[dict[str, Any]]:
    """Describe each input of a run over all candidates, the picks and a random subset.

    Args:
        resolved: The run.
        picked: Rows of the plan that were picked.

    Returns:
        One dict per different input, with ``input`` (all candidates), ``selected`` and ``random``
        parts. Distances are from a candidate to the nearest sample selected. Distances and
        classes count preselected samples as selected, as the strategies do. Over more than
        50,000 candidates (fewer, where more than 10,000 are selected), distances are measured
        for a random part of them, and ``measured_on`` says how many.
    """
    pool = np.flatnonzero(resolved.plan.candidates)
    before = np.flatnonzero(~resolved.plan.candidates)
    generator = np.random.default_rng(RANDOM_SEED)
    drawn = np.sort(generator.choice(pool, size=len(picked), replace=False))
    measured = pool
    most = max(_FEWEST_ROWS, min(_MOST_ROWS, _MOST_PAIRS // max(len(before) + len(picked), 1)))
    if len(pool) > most:
        measured = np.sort(generator.choice(pool, size=most, replace=False))
    found, seen = [], set()
    for entry, signal in zip(resolved.config.entries, resolved.active, strict=True):
        key = entry.input.model_dump_json()
        if key in seen:
            continue
        seen.add(key)
        sets = {"selected": picked, "random": drawn}
        found.append(
            {
                "values": entry.input.describe(),
                "entry": entry.path,
                **_describe(signal, pool, before, measured, sets),
            }
        )
    return found


def _describe(
    signal: Signal, pool: Rows, before: Rows, measured: Rows, sets: Mapping[str, Rows]
) -> dict[str, Any]:
    match signal:
        case Embedded():
            return _distances(signal, before, measured, sets)
        case Classes():
            whole = {name: np.concatenate([before, rows]) for name, rows in sets.items()}
            return _classes(signal, {"input": pool, **whole})
        case Scalars():
            return _numbers(signal, {"input": pool, **sets})
        case _:
            return {"kind": signal.kind}


def _distances(
    signal: Embedded, before: Rows, measured: Rows, sets: Mapping[str, Rows]
) -> dict[str, Any]:
    targets, _ = signal.owned(measured)
    result: dict[str, Any] = {"kind": "distances", "measured_on": len(targets)}
    for name, rows in sets.items():
        centres, _ = signal.owned(np.concatenate([before, rows]))
        if len(centres) and len(targets):
            dists = _to_nearest(signal, targets, centres)
            result[name] = {
                "mean_distance_to_nearest_selected": float(dists.mean()),
                "coverage_radius": float(dists.max()),
            }
    return result


def _to_nearest(signal: Embedded, targets: Rows, centres: Rows) -> FloatArray:
    """Return the distance of each target to the nearest centre; few are read at a time."""
    query = signal.vectors[centres]
    parts = [
        nearest(signal.vectors[targets[start : start + _AT_ONCE]], query)[0]
        for start in range(0, len(targets), _AT_ONCE)
    ]
    return np.concatenate(parts)


def _classes(signal: Classes, sets: Mapping[str, Rows]) -> dict[str, Any]:
    result: dict[str, Any] = {"kind": "classes"}
    for name, rows in sets.items():
        part = replace(signal.take(np.sort(rows)), candidates=None)
        shares = _shares(part.totals())
        most = sorted(range(len(shares)), key=lambda k: (-shares[k], k))[:50]
        result[name] = {
            "entropy": _entropy(shares),
            "shares": {signal.names[k]: round(float(shares[k]), 6) for k in most},
        }
    return result


def _numbers(signal: Scalars, sets: Mapping[str, Rows]) -> dict[str, Any]:
    result: dict[str, Any] = {"kind": "numbers"}
    for name, rows in sets.items():
        values = signal.values[rows]
        cuts = np.quantile(values, [0.0, 0.25, 0.5, 0.75, 1.0])
        names = ("min", "quartile_1", "median", "quartile_3", "max")
        result[name] = {"mean": float(values.mean())} | {
            label: float(cut) for label, cut in zip(names, cuts, strict=True)
        }
    return result


def _shares(totals: FloatArray) -> FloatArray:
    whole = totals.sum()
    return totals / whole if whole > 0 else totals


def _entropy(shares: FloatArray) -> float:
    """Entropy divided by the logarithm of the number of classes, 0 to 1."""
    if len(shares) < 2:
        return 0.0
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum() / np.log(len(shares))) + 0.0


def summary_lines(statistics: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, str]]:
    """Return (what, input, selected, random) rows that a person can compare at a glance."""
    keys = {
        "distances": ["mean_distance_to_nearest_selected", "coverage_radius"],
        "classes": ["entropy"],
        "numbers": ["mean", "median"],
    }
    lines = []
    for part in statistics:
        for key in keys.get(part["kind"], []):
            words = f"{part['values']}: {key.replace('_', ' ')}"
            cells = [part.get(side, {}).get(key) for side in ("input", "selected", "random")]
            lines.append((words, *("" if c is None else f"{c:.4g}" for c in cells)))
    return [(a, b, c, d) for a, b, c, d in lines]
