"""DIVERSITY: samples unlike each other."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from selectlab.distances import NearestSelected, nearest_selected
from selectlab.types import (
    BoolArray,
    CloseUp,
    Condition,
    Embedded,
    Falling,
    FloatArray,
    Form,
    Kinds,
    Objective,
    Objects,
    Reason,
    Rows,
    Side,
    Signal,
    Strategy,
    Vectors,
)

__all__ = ["Diversity"]

_LONG = 128
"""Vectors longer than this count for more than one when the engine chooses how many to follow."""


class Diversity(Strategy):
    """Pick the sample farthest from everything picked so far (greedy k-center).

    After M picks no sample is farther from a pick than twice the best possible radius.
    Outliers come first, by design; add ``TYPICALITY`` to temper that. On objects (an input
    with ``task``) a sample counts by the mean over its objects, and all of them join the set
    once it is picked; samples without objects come last.

    Attributes:
        strength: Exponent in the product of all strategies; negative seeks look-alikes.
        stopping_condition_minimum_distance: No pick may be closer than this to an earlier
            one. Embedding units, not squared; on objects the root of the mean squared distance.
        on_minimum_distance: What happens when the best candidate is too close: ``"stop"`` ends
            the selection, ``"skip"`` passes over it. Unset: stop when DIVERSITY is the only
            strategy, skip in a joint selection.

    Objective:
        Sum over picks of the squared distance to the nearest other pick, plus the candidate's.

    Cost:
        O(N * D) per pick, O(N) memory beyond the vectors.

    Reference:
        Gonzalez 1985; Sener & Savarese, ICLR 2018, algorithm 1.
        Differs from the paper: the first pick is the first sample by id, not a random one, and
        the objective is a sum over the picks so that it can be multiplied with others.

    Example:
        >>> import numpy as np
        >>> from selectlab.types import Vectors
        >>> line = Vectors(vectors=np.array([[0.0], [1.0], [3.0]], dtype=np.float32))
        >>> objective = Diversity().start(line)
        >>> objective.add(np.array([0]))
        >>> objective.exact(np.array([1, 2]))
        array([1., 9.])
    """

    type: Literal["DIVERSITY"] = "DIVERSITY"
    accepts: ClassVar[Kinds] = (Vectors, Objects)
    divisible: ClassVar[bool] = True
    stopping_condition_minimum_distance: Annotated[float, Field(ge=0)] | None = None
    on_minimum_distance: Literal["stop", "skip"] | None = None

    def start(self, signal: Signal) -> Objective:
        """Return the spread of the selected set."""
        assert isinstance(signal, Embedded)
        spread = _Spread(signal)
        limit = self.stopping_condition_minimum_distance
        if limit is not None:
            spread.keep_apart(limit, self.on_minimum_distance or "auto")
        return spread


class _Spread(Objective):
    def __init__(self, signal: Embedded) -> None:
        self._signal = signal
        self._nearest = nearest_selected(signal.vectors)
        self._gaps = _Gaps(signal, self._nearest)
        self.unranked = signal.empty

    def keep_apart(self, limit: float, action: Literal["stop", "skip", "auto"]) -> None:
        text = f"stopping_condition_minimum_distance {limit:g}"
        sq_limit = limit * limit

        def breaks(rows: Rows) -> BoolArray:
            return self._closer_than(rows, sq_limit)

        self.conditions = (Condition(text, breaks, action, lasting=True),)
        self._gaps.safe_from = sq_limit

    def form(self) -> Form:
        return self._gaps

    def exact(self, rows: Rows) -> FloatArray:
        if not len(self._nearest):
            return np.ones(len(rows))
        return self._nearest.total + self._gaps.exact(rows)

    def bound(self, block: slice, side: Side) -> FloatArray:
        if not len(self._nearest):
            return np.ones(block.stop - block.start)
        span, counts = self._signal.span(block)
        self._nearest.refresh(span)
        values = self._signal.pooled(self._side(span, side), counts, "mean")
        return self._nearest.total + values

    def _side(self, vectors: slice | Rows, side: Side) -> FloatArray:
        if side == "lower":
            return self._nearest.lower(vectors)
        return self._nearest.upper[vectors].astype(np.float64)

    def add(self, rows: Rows) -> None:
        one_each = isinstance(self._signal, Vectors)
        self._nearest.add(rows if one_each else self._signal.owned(rows)[0])

    def facts(self) -> dict[str, object]:
        n_vectors = max(len(self._signal.vectors), 1)
        n_pairs = n_vectors * max(len(self._nearest), 1)
        return {
            "distances": {
                "computed": round(self._nearest.computed / n_pairs, 4),
                "passes": round(self._nearest.fetched / n_vectors, 2),
            }
        }

    def reason(self, row: int) -> Reason:
        index, _ = self._signal.owned(np.array([row], dtype=np.intp))
        if not len(self._nearest) or not len(index):
            return Reason("nothing selected before it" if len(index) else "no objects")
        sq_gaps = self._nearest.exact(index)
        closest = int(index[int(np.argmin(sq_gaps))])
        owner = int(self._signal.owners(np.array([self._nearest.closest(closest)]))[0])
        gap = float(np.sqrt(sq_gaps.mean()))
        words = "{gap:.4g} away from {{nearest}}"
        if isinstance(self._signal, Objects):
            words = "objects {gap:.4g} away on average, nearest in {{nearest}}"
        return Reason(
            words.format(gap=gap),
            value=gap,
            nearest=owner,
            distance=float(np.sqrt(sq_gaps.min())),
        )

    def _closer_than(self, rows: Rows, sq_limit: float) -> BoolArray:
        """True where the (mean) squared distance is below ``sq_limit``, exact only if close."""
        if not len(self._nearest):
            return np.zeros(len(rows), dtype=np.bool_)
        index, counts = self._signal.owned(rows)
        pooled = self._signal.pooled
        low = pooled(self._side(index, "lower"), counts, "mean")
        high = pooled(self._side(index, "upper"), counts, "mean")
        closer: BoolArray = (high < sq_limit) & (counts > 0)
        open_question = np.flatnonzero((low < sq_limit) & ~closer & (counts > 0))
        if len(open_question):
            closer[open_question] = self._gaps.exact(rows[open_question]) < sq_limit
        return closer


class _Gaps(Falling):
    """The (mean) squared distance of each row to the selected set."""

    def __init__(self, signal: Embedded, nearest: NearestSelected) -> None:
        self._signal, self._nearest = signal, nearest
        self._one_each = isinstance(signal, Vectors)

    @property
    def n_selected(self) -> int:
        return len(self._nearest)

    @property
    def core_share(self) -> float:
        n_vectors, dimension = self._signal.vectors.shape
        return float(n_vectors / max(len(self._signal), 1) * max(1.0, dimension / _LONG))

    def level(self) -> float:
        return self._nearest.total if len(self._nearest) else 0.0

    def exact(self, rows: Rows) -> FloatArray:
        if self._one_each:
            return self._nearest.exact(rows)
        index, counts = self._signal.owned(rows)
        return self._signal.pooled(self._nearest.exact(index), counts, "mean")

    def upper(self, rows: Rows | slice) -> FloatArray:
        if not len(self._nearest):
            n_rows = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
            return np.ones(n_rows)
        if self._one_each:
            return self._nearest.upper[rows].astype(np.float64)
        index: Rows | slice
        if isinstance(rows, slice):
            index, counts = self._signal.span(rows)
        else:
            index, counts = self._signal.owned(rows)
        values = self._nearest.upper[index].astype(np.float64)
        return self._signal.pooled(values, counts, "mean")

    def refresh(self, rows: Rows | slice, floor: FloatArray | None = None) -> None:
        if isinstance(rows, slice):
            self._nearest.refresh(self._signal.span(rows)[0])
        elif self._one_each:
            self._nearest.refresh(rows, floor)
        else:
            self._nearest.refresh(self._signal.owned(rows)[0])

    def is_current(self, rows: Rows) -> BoolArray:
        if self._one_each:
            return self._nearest.is_current(rows)
        index, counts = self._signal.owned(rows)
        stale = (~self._nearest.is_current(index)).astype(np.float64)
        current: BoolArray = self._signal.pooled(stale, counts, "max") == 0
        return current

    def close_up(self, rows: Rows) -> CloseUp:
        return _FewGaps(self._signal, self._nearest, rows)


class _FewGaps(CloseUp):
    """The same for a few rows, kept up to date by one float64 product a pick."""

    def __init__(self, signal: Embedded, nearest: NearestSelected, rows: Rows) -> None:
        self._signal = signal
        index, self._counts = signal.owned(rows)
        self._near = nearest.few(index)
        self._pool()

    def add(self, rows: Rows) -> None:
        self._near.follow()
        self._pool()

    def burst(self, closed: FloatArray, above: float, most: int) -> list[int]:
        one_each = isinstance(self._signal, Vectors)
        return self._near.burst(closed, above, most) if one_each else []

    def put_back(self) -> None:
        self._near.put_back()

    def _pool(self) -> None:
        self.values = self._signal.pooled(self._near.sq_dists, self._counts, "mean")
        self.error = self._near.error
