"""BALANCE: classes in the proportions wanted."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from selectlab.errors import ConfigError, did_you_mean
from selectlab.types import (
    Categories,
    Classes,
    Counts,
    Drifting,
    FloatArray,
    Form,
    Kinds,
    Objective,
    Reason,
    Rows,
    Shared,
    Side,
    Signal,
    Strategy,
)

__all__ = ["Balance"]

_FLOOR = 1e-10
_STEPS = 2.0**48
_OTHER = "(other classes)"
_MOST_PATTERNS = 4096
_BLOCK_ROWS = 16_384
_SURE = 1e-12
"""More than rounding can move a cross-entropy."""

Share = Annotated[float, Field(ge=0, le=1e12)]
Distribution = Literal["TARGET", "UNIFORM", "INPUT"]


class Balance(Strategy):
    """Pick samples that bring the classes of the selection to the wanted proportions.

    Attributes:
        strength: Exponent in the product of all strategies; negative unbalances.
        target: Share of each class. Classes without a share are one class together, with what
            the shares leave of 1. Shares that sum to more than 1 are scaled down.
        distribution: ``TARGET`` uses ``target``; ``UNIFORM`` wants the classes present equally
            often; ``INPUT`` wants them as often as the candidates have them. Default: TARGET.

    Objective:
        1 / cross-entropy of the wanted shares under those of everything selected plus the
        candidate, counted in objects. The cross-entropy is floored at 1e-10.

    Cost:
        O(U * K) per pick, U different class vectors, K classes.

    Example:
        >>> import numpy as np
        >>> from selectlab.types import Categories
        >>> sky = Categories(codes=np.array([0, 0, 1]), names=("sunny", "rainy"))
        >>> objective = Balance(target={"sunny": 0.5, "rainy": 0.5}).start(sky)
        >>> objective.add(np.array([0]))
        >>> objective.exact(np.array([1, 2])).round(3)
        array([0.087, 1.443])
    """

    type: Literal["BALANCE"] = "BALANCE"
    accepts: ClassVar[Kinds] = (Counts, Categories)
    divisible: ClassVar[bool] = True
    target: dict[str, Share] | None = None
    distribution: Distribution = "TARGET"

    @model_validator(mode="after")
    def _target_fits_distribution(self) -> Balance:
        wants_target = self.distribution == "TARGET"
        if wants_target and not self.target:
            raise ValueError("BALANCE needs a 'target' (or 'distribution' UNIFORM or INPUT)")
        if not wants_target and self.target is not None:
            raise ValueError(f"'target' goes with distribution TARGET, not {self.distribution}")
        if wants_target and self.target and not sum(self.target.values()) > 0:
            raise ValueError("the shares of 'target' are all 0")
        return self

    def check(self, signal: Signal) -> None:
        """Refuse targets for classes that do not exist."""
        assert isinstance(signal, Classes)
        for name in self.target or ():
            if name not in signal.names:
                raise ConfigError(
                    f"target: {signal.name} has no class {name!r}"
                    + did_you_mean(name, signal.names)
                )

    def start(self, signal: Signal) -> Objective:
        """Return how near the selection is to the wanted proportions."""
        assert isinstance(signal, Classes)
        shares, group, names = _SHARES[self.distribution](self, signal)
        patterns, index = signal.distinct(group, len(names))
        return _Proportions(shares, patterns, index, names)

    def _target_shares(self, signal: Classes) -> tuple[FloatArray, Rows, tuple[str, ...]]:
        target = self.target or {}
        named = [name for name in signal.names if name in target]
        shares = [target[name] for name in named]
        column = {name: i for i, name in enumerate(named)}
        group = np.array([column.get(n, len(named)) for n in signal.names], dtype=np.intp)
        if len(named) < len(signal.names):
            named.append(_OTHER)
            shares.append(max(1.0 - math.fsum(shares), 0.0))
        return np.array(shares) / math.fsum(shares), group, tuple(named)

    def _uniform_shares(self, signal: Classes) -> tuple[FloatArray, Rows, tuple[str, ...]]:
        present = signal.present()
        return present / max(present.sum(), 1.0), np.arange(len(present)), signal.names

    def _input_shares(self, signal: Classes) -> tuple[FloatArray, Rows, tuple[str, ...]]:
        totals = signal.totals()
        return totals / (totals.sum() or 1.0), np.arange(len(totals)), signal.names


_Shares = Callable[[Balance, Classes], tuple[FloatArray, Rows, tuple[str, ...]]]
_SHARES: dict[str, _Shares] = {
    "TARGET": Balance._target_shares,
    "UNIFORM": Balance._uniform_shares,
    "INPUT": Balance._input_shares,
}


def _sum_in_any_order(terms: FloatArray) -> FloatArray:
    """Return sums along the last axis that do not depend on the order of the terms.

    So classes that are equally short tie. The terms, at most 24 in sum, are rounded to multiples
    of 2^-48, whose sums are exact.
    """
    sums: FloatArray = np.rint(terms * _STEPS).sum(axis=-1) / _STEPS
    return sums


class _Proportions(Objective):
    """Inverse cross-entropy, computed once per different class vector and pick.

    Where nearly every sample has a class vector of its own, only those asked for are computed.
    """

    def __init__(
        self, shares: FloatArray, patterns: FloatArray, index: Rows, names: tuple[str, ...]
    ) -> None:
        self._shares = shares
        self._patterns = patterns
        self._index = index
        self._names = names
        self._counts = np.zeros(len(shares))
        self._rests = np.zeros(len(shares))
        self._table: FloatArray | None = None
        self._form = Shared(index, self._values)
        self._drifting = _Drift(self) if len(patterns) > _MOST_PATTERNS else None

    def exact(self, rows: Rows) -> FloatArray:
        if self._table is None and self._drifting is not None:
            return _inverse(self.cross_entropies(rows))
        return self._values()[self._index[rows]]

    def bound(self, block: slice, side: Side) -> FloatArray:
        return self._values()[self._index[block]]

    def add(self, rows: Rows) -> None:
        for row in rows:
            self._count(self._patterns[self._index[row]])
        self._table = None

    def form(self) -> Form:
        return self._drifting or self._form

    def counts(self) -> FloatArray:
        """Objects of each class that are selected."""
        return self._counts + self._rests

    def cross_entropies(self, rows: Rows | slice) -> FloatArray:
        """Cross-entropy of the wanted shares under those with each of some rows."""
        return _cross_entropies(self._shares, self._patterns[self._index[rows]], self.counts())

    def extremes(self) -> tuple[FloatArray, FloatArray, float, float]:
        """Fewest and most objects of each class in a row, and of all classes together."""
        totals = self._patterns.sum(axis=1)
        low, high = self._patterns.min(axis=0), self._patterns.max(axis=0)
        return low, high, float(totals.min()), float(totals.max())

    @property
    def shares(self) -> FloatArray:
        """The wanted shares."""
        return self._shares

    def __len__(self) -> int:
        return len(self._index)

    def _values(self) -> FloatArray:
        """The objective with each class vector."""
        if self._table is None:
            self._table = _inverse(_cross_entropies(self._shares, self._patterns, self.counts()))
        return self._table

    def reason(self, row: int) -> Reason:
        mine = self._patterns[self._index[row]]
        if not mine.any():
            return Reason("no object of any class")
        before = self._counts + self._rests
        had = before / before.sum() if before.any() else before
        short = np.maximum(self._shares - had, 0.0) * mine
        best = int(np.argmax(short if short.any() else mine))
        verb = "brings" if short.any() or not before.any() else "has only enough of"
        return Reason(
            f"{verb} {self._names[best]!r}, {had[best]:.0%} of the selection so far, "
            f"wanted {self._shares[best]:.0%}",
            value=float(mine[best]),
        )

    def _count(self, pattern: FloatArray) -> None:
        """Add class counts with the rounding error kept, so that order does not matter."""
        sums = self._counts + pattern
        carried = sums - self._counts
        self._rests += (self._counts - (sums - carried)) + (pattern - carried)
        self._counts = sums


class _Drift(Drifting):
    """The negative cross-entropy, and how far the picks since the last refresh moved it."""

    def __init__(self, owner: _Proportions) -> None:
        self._owner = owner
        self._low, self._high, self._least, self._most = owner.extremes()
        self._noted = np.empty(len(owner))
        self._counts = owner.counts()

    def refresh(self) -> None:
        for start in range(0, len(self._noted), _BLOCK_ROWS):
            part = slice(start, start + _BLOCK_ROWS)
            np.negative(self._owner.cross_entropies(part), out=self._noted[part])
        self._counts = self._owner.counts()

    def noted(self, rows: Rows | slice) -> FloatArray:
        return self._noted[rows]

    def now(self, rows: Rows) -> FloatArray:
        return -self._owner.cross_entropies(rows)

    def drift(self, side: Side) -> float:
        """Bound sum_k t_k log(p'_k / p_k) over all class vectors; p = (C + c) / (T + sum c)."""
        before, after, shares = self._counts, self._owner.counts(), self._owner.shares
        if np.array_equal(before, after):
            return 0.0
        total, total_after = float(before.sum()), float(after.sum())
        largest = -math.log(_FLOOR)
        if total + self._least <= 0:
            return largest if side == "upper" else -largest
        with np.errstate(divide="ignore", invalid="ignore"):
            if side == "upper":
                grown = np.log((after + self._low) / (before + self._low))
                grown = np.where(before + self._low > 0, grown, largest * (after > before))
                wider = math.log((total_after + self._most) / (total + self._most))
            else:
                grown = np.log((after + self._high) / (before + self._high))
                grown = np.where(before + self._high > 0, grown, 0.0)
                wider = math.log((total_after + self._least) / (total + self._least))
        # A share that is floored does not follow its count: what counts is the floor's side.
        counts, whole = (after, total_after) if side == "upper" else (before, total)
        floored = bool(((counts + self._low)[shares > 0] < _FLOOR * (whole + self._most)).any())
        if side == "upper":
            moved = float(shares @ grown) - (0.0 if floored else wider) + _SURE
            return min(moved, largest)
        each = grown - wider
        moved = float(shares @ (np.minimum(each, 0.0) if floored else each)) - _SURE
        return max(moved, -largest)

    def objective_of(self, numbers: FloatArray) -> FloatArray:
        return _inverse(-numbers)


def _cross_entropies(shares: FloatArray, patterns: FloatArray, counts: FloatArray) -> FloatArray:
    sums = patterns + counts
    totals = sums.sum(axis=1, keepdims=True)
    parts = np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0)
    logs = np.log(np.maximum(parts, _FLOOR, out=parts), out=parts)
    return _sum_in_any_order(-logs * shares)


def _inverse(cross_entropies: FloatArray) -> FloatArray:
    inverse: FloatArray = 1.0 / np.maximum(cross_entropies, _FLOOR)
    return inverse
