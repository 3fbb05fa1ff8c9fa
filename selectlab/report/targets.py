"""Shares of classes that were wanted, and why some were not reached."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from selectlab.class_signals import Classes
from selectlab.report.charts import percent
from selectlab.report.evidence import Evidence
from selectlab.report.record import RunRecord
from selectlab.types import FloatArray, Rows, Strategy

_GAP = 0.02
"""How far below what was wanted a share may end without being told."""
_MOST_TOLD = 6


def wanted_shares(
    strategy: Strategy, names: Sequence[str], totals: FloatArray
) -> FloatArray | None:
    """Return the share that a strategy wants of each class; NaN where it does not say.

    Args:
        strategy: The strategy; any with a ``target`` or a ``distribution`` wants shares.
        names: (K,) the classes.
        totals: (K,) how often the candidates have them.
    """
    target = getattr(strategy, "target", None)
    match getattr(strategy, "distribution", None):
        case "UNIFORM":
            present: FloatArray = (totals > 0).astype(np.float64)
            return present / max(float(present.sum()), 1.0)
        case "INPUT":
            return totals / max(float(totals.sum()), 1e-300)
    if not isinstance(target, Mapping):
        return None
    shares = np.array([float(target.get(name, math.nan)) for name in names])
    whole = float(np.nansum(shares))
    return shares / whole if whole > 1 or not np.isnan(shares).any() else shares


def totals_of(signal: Classes, rows: Rows) -> FloatArray:
    """Return how often some rows have each class."""
    return replace(signal.take(np.sort(rows)), candidates=None).totals()


def missed_targets(record: RunRecord, evidence: Evidence | None) -> list[str]:
    """Say which classes are rarer in the selection than was wanted, and why, a line each."""
    found = []
    for at, entry in enumerate(record.config.entries):
        if evidence is not None:
            signal = evidence.resolved.active[at]
            if isinstance(signal, Classes):
                found += _missed(entry.strategy, entry.input.describe(), signal, evidence)
        else:
            part = record.told_of(entry)
            if part is not None and part["kind"] == "classes":
                found += _missed_in(entry.strategy, part)
    return found


def recorded_goal(
    part: Mapping[str, Mapping[str, Mapping[str, float]]], strategies: Sequence[Strategy]
) -> tuple[list[str], FloatArray | None]:
    """Return the classes that a manifest names, or a strategy, and the wanted shares.

    A manifest names the most frequent classes of many; what equal shares of all would be can then
    not be told.
    """
    whole = part["input"]["shares"]
    every = math.isclose(math.fsum(whole.values()), 1.0, abs_tol=1e-3)
    for strategy in strategies:
        target = getattr(strategy, "target", None) or {}
        names = list(dict.fromkeys([*whole, *part["selected"]["shares"], *target]))
        totals = np.array([float(whole.get(name, 0.0)) for name in names])
        shares = wanted_shares(strategy, names, totals) if target or every else None
        if shares is not None:
            return names, shares
    return list(whole), None


def _missed(strategy: Strategy, what: str, signal: Classes, evidence: Evidence) -> list[str]:
    everyone = np.concatenate([evidence.before, evidence.pool])
    there, got = totals_of(signal, everyone), totals_of(signal, evidence.chosen)
    shares = wanted_shares(strategy, signal.names, totals_of(signal, evidence.pool))
    size = float(got.sum())
    if shares is None or not size:
        return []
    lines = []
    for k in np.flatnonzero(got / size < np.nan_to_num(shares) - _GAP):
        about = f"{what}: {signal.names[k]!r} was wanted at {percent(shares[k])}"
        about += f" and has {percent(got[k] / size)}"
        if there[k] < shares[k] * size:
            most = percent(there[k] / size)
            lines.append(
                f"{about}; out of reach: the data has only {_amount(there[k])} of them, "
                f"{most} of a selection of this size"
            )
        else:
            lines.append(
                f"{about}; the data has enough ({_amount(there[k])}): other strategies weighed "
                "more, or they come together with other classes"
            )
    return _shortened(lines)


def _amount(count: float) -> str:
    """Return a count of objects, which probabilities may make a broken number."""
    return f"{count:,.1f}".removesuffix(".0")


def _missed_in(
    strategy: Strategy, part: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> list[str]:
    """Say the same from the shares in the manifest, which has no counts."""
    names, shares = recorded_goal(part, [strategy])
    if shares is None:
        return []
    got = np.array([part["selected"]["shares"].get(name, 0.0) for name in names])
    whole = part["input"]["shares"]
    return _shortened(
        [
            f"{part['values']}: {names[k]!r} was wanted at {percent(shares[k])} and has "
            f"{percent(got[k])}; among the candidates it has "
            + (percent(whole[names[k]]) if names[k] in whole else "hardly any")
            for k in np.flatnonzero(got < np.nan_to_num(shares) - _GAP)
        ]
    )


def _shortened(lines: list[str]) -> list[str]:
    rest = len(lines) - _MOST_TOLD
    return lines if rest <= 1 else [*lines[:_MOST_TOLD], f"... and {rest} more classes like that"]
