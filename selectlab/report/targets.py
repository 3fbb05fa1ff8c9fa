"""Shares of classes that were wanted, and why some were not reached."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from selectlab.class_signals import Classes
from selectlab.report.charts import brief, percent
from selectlab.report.evidence import Evidence
from selectlab.report.record import RunRecord
from selectlab.types import FloatArray, Rows, Strategy

_GAP = 0.02
"""How far below what was wanted a share may end without being told; less than one never is."""
_ROUNDING, _WHOLE = 1e-9, 1e-6
_MOST_TOLD = 6


def wanted_shares(
    strategy: Strategy,
    names: Sequence[str],
    totals: FloatArray,
    before: FloatArray | float = 0.0,
) -> FloatArray | None:
    """Return the share that a strategy wants of each class; NaN where it does not say.

    Args:
        strategy: The strategy; any with a ``target`` or a ``distribution`` wants shares, unless
            it is turned off or around.
        names: (K,) the classes.
        totals: (K,) how often the candidates have them.
        before: (K,) how often what was selected before has them.
    """
    if strategy.strength <= 0:
        return None
    target = getattr(strategy, "target", None)
    match getattr(strategy, "distribution", None):
        case "UNIFORM":
            present: FloatArray = (totals + before > 0).astype(np.float64)
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
                n_selected = len(record.picks) + len(record.preselected)
                found += _missed_in(entry.strategy, part, n_selected)
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


@dataclass(frozen=True)
class _Supply:
    """How often classes are there, and how often they were selected; (K,) each.

    Attributes:
        before: In what was selected before.
        pool: In the candidates.
        got: In everything that is selected.
    """

    before: FloatArray
    pool: FloatArray
    got: FloatArray

    @property
    def size(self) -> float:
        return float(self.got.sum())

    @property
    def there(self) -> FloatArray:
        return self.before + self.pool


def _missed(strategy: Strategy, what: str, signal: Classes, evidence: Evidence) -> list[str]:
    parts = (evidence.before, evidence.pool, evidence.chosen)
    supply = _Supply(*(totals_of(signal, rows) for rows in parts))
    shares = wanted_shares(strategy, signal.names, supply.pool, supply.before)
    if shares is None or not supply.size:
        return []
    short = np.nan_to_num(shares) * supply.size - supply.got
    return _shortened(
        [
            f"{what}: {brief(signal.names[k])!r} was wanted at {percent(shares[k])} and has "
            f"{percent(supply.got[k] / supply.size)}; {_why(supply, int(k), float(shares[k]))}"
            for k in np.flatnonzero(short >= max(_GAP * supply.size, 1.0) - _ROUNDING)
        ]
    )


def _why(supply: _Supply, k: int, share: float) -> str:
    """Say why there is too little of a class."""
    before = bool(supply.before.sum())
    who = "the candidates and what was selected before have" if before else "the candidates have"
    most = float(supply.before[k]) + supply.size - float(supply.before.sum())
    if not supply.there[k]:
        return f"out of reach: {who} none of them"
    if supply.there[k] < share * supply.size:
        reached = percent(supply.there[k] / supply.size)
        return (
            f"out of reach: {who} only {_amount(supply.there[k])} of them, at most {reached} of a "
            "selection of this size"
        )
    if most < share * supply.size - _ROUNDING:
        return (
            "out of reach: too little of it was selected before; if this run had brought nothing "
            f"else, it would have {percent(most / supply.size)}"
        )
    return (
        f"{who} enough ({_amount(supply.there[k])}): other strategies weighed more, or they come "
        "together with other classes"
    )


def _amount(count: float) -> str:
    """Return how many there are; probabilities add up to broken numbers.

    Example:
        >>> _amount(1200.0), _amount(4.89)
        ('1,200', 'about 4.9')
    """
    if abs(count - round(count)) < _WHOLE:
        return f"{round(count):,}"
    return f"about {count:,.1f}"


def _missed_in(
    strategy: Strategy, part: Mapping[str, Mapping[str, Mapping[str, float]]], n_selected: int
) -> list[str]:
    """Say the same from the shares in the manifest, which has no counts."""
    names, shares = recorded_goal(part, [strategy])
    if shares is None:
        return []
    got = np.array([part["selected"]["shares"].get(name, 0.0) for name in names])
    gap = max(_GAP, 1 / max(n_selected, 1))
    whole = part["input"]["shares"]
    return _shortened(
        [
            f"{part['values']}: {names[k]!r} was wanted at {percent(shares[k])} and has "
            f"{percent(got[k])}; among the candidates it has "
            + (percent(whole[names[k]]) if names[k] in whole else "hardly any")
            for k in np.flatnonzero(np.nan_to_num(shares) - got >= gap - _ROUNDING)
        ]
    )


def _shortened(lines: list[str]) -> list[str]:
    rest = len(lines) - _MOST_TOLD
    return lines if rest <= 1 else [*lines[:_MOST_TOLD], f"... and {rest} more classes like that"]
