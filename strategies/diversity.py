"""DIVERSITY: samples unlike each other."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from selectlab.distances import NearestSelected
from selectlab.types import (
    BoolArray,
    Condition,
    Embedded,
    FloatArray,
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
        self._nearest = NearestSelected(signal.vectors)
        self.unranked = signal.empty
        self._owner = np.repeat(
            np.arange(len(signal)), signal.owned(np.arange(len(signal)))[1]
        ).astype(np.intp)

    def keep_apart(self, limit: float, action: Literal["stop", "skip", "auto"]) -> None:
        text = f"stopping_condition_minimum_distance {limit:g}"
        sq_limit = limit * limit

        def breaks(rows: Rows) -> BoolArray:
            return self._closer_than(rows, sq_limit)

        self.conditions = (Condition(text, breaks, action),)

    def exact(self, rows: Rows) -> FloatArray:
        if not len(self._nearest):
            return np.ones(len(rows))
        index, counts = self._signal.owned(rows)
        gaps = self._signal.pooled(self._nearest.exact(index), counts, "mean")
        return self._nearest.total + gaps

    def bound(self, block: slice, side: Side) -> FloatArray:
        if not len(self._nearest):
            return np.ones(block.stop - block.start)
        span, counts = self._signal.span(block)
        values = self._signal.pooled(self._side(span, side), counts, "mean")
        return self._nearest.total + values

    def _side(self, vectors: slice | Rows, side: Side) -> FloatArray:
        if side == "lower":
            return self._nearest.lower(vectors)
        return self._nearest.upper[vectors].astype(np.float64)

    def add(self, rows: Rows) -> None:
        self._nearest.add(self._signal.owned(rows)[0])

    def reason(self, row: int) -> Reason:
        index, _ = self._signal.owned(np.array([row], dtype=np.intp))
        if not len(self._nearest) or not len(index):
            return Reason("nothing selected before it" if len(index) else "no objects")
        sq_gaps = self._nearest.exact(index)
        closest = int(index[int(np.argmin(sq_gaps))])
        owner = int(self._owner[self._nearest.closest(closest)])
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
        high = pooled(self._side(index, "upper"), counts, "mean")
        low = pooled(self._side(index, "lower"), counts, "mean")
        closer: BoolArray = (high < sq_limit) & (counts > 0)
        open_question = np.flatnonzero((low < sq_limit) & ~closer & (counts > 0))
        if len(open_question):
            some, their_counts = self._signal.owned(rows[open_question])
            gaps = pooled(self._nearest.exact(some), their_counts, "mean")
            closer[open_question] = gaps < sq_limit
        return closer
