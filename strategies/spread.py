"""SPREAD: draws that favour what is far from everything selected."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, Literal

import numpy as np

from selectlab.distances import exact_sq_dists, nearest_selected
from selectlab.types import (
    FloatArray,
    Kinds,
    Objective,
    Reason,
    Rows,
    Side,
    Signal,
    Strategy,
    Vectors,
)

__all__ = ["Spread"]

_STREAM = 0x5B
"""Sets these draws apart from others under the same seed."""
_LEAST = 2.0**-100
_BLOCK_ROWS = 8192


class Spread(Strategy):
    """Draw samples in proportion to the squared distance to the nearest selected one (k-means++).

    Like DIVERSITY it spreads the selection, but an outlier is only one sample among many. On the
    input ``GRADIENTS`` this is BADGE: batches that are uncertain and diverse.

    Attributes:
        strength: Exponent in the product of all strategies; negative draws what is near.
        random_seed: Seed of the draws. A draw depends on it, on how many samples are selected
            and on the sample's place in the order of the ids, so that a selection that goes on
            from preselected samples draws as one that never stopped.
        first: How the first sample is drawn when none is selected before: ``UNIFORM``, or in
            proportion to its squared ``LENGTH``, as if the origin were selected. That goes with
            GRADIENTS, where sure samples are near the origin.

    Objective:
        Squared distance to the nearest selected sample, divided by a standard exponential number
        drawn anew for each sample and pick. The sample that is best is then a draw in proportion
        to that distance, and in a product with others one in proportion to the product: of
        WEIGHTS, to distance times weight.

    Cost:
        O(N * D) per pick, O(N) memory beyond the vectors.

    Reference:
        Arthur & Vassilvitskii, SODA 2007 (k-means++); Ash et al., ICLR 2020 (BADGE).
        Differs from BADGE: samples selected before count as selected, where BADGE knows only
        those of the batch; its program begins with the longest gradient, not with a draw.

    Example:
        >>> import numpy as np
        >>> from selectlab.types import Vectors
        >>> line = Vectors(vectors=np.array([[0.0], [0.0], [3.0]], dtype=np.float32))
        >>> objective = Spread().start(line)
        >>> objective.add(np.array([0]))
        >>> objective.exact(np.array([1, 2])) > 0
        array([False,  True])
    """

    type: Literal["SPREAD"] = "SPREAD"
    accepts: ClassVar[Kinds] = (Vectors,)
    draws_at_random: ClassVar[bool] = True
    random_seed: int = 0
    first: Literal["UNIFORM", "LENGTH"] = "UNIFORM"

    def start(self, signal: Signal) -> Objective:
        """Return the draws of this run."""
        assert isinstance(signal, Vectors)
        return _Draws(signal, abs(self.random_seed), by_length=self.first == "LENGTH")


class _Draws(Objective):
    def __init__(self, signal: Vectors, seed: int, *, by_length: bool) -> None:
        self._signal = signal
        self._seed = seed
        self._by_length = by_length
        self._nearest = nearest_selected(signal.vectors)
        self._waits = self._draw()

    def exact(self, rows: Rows) -> FloatArray:
        sq_dists = self._nearest.exact(rows) if len(self._nearest) else self._first[rows]
        values: FloatArray = sq_dists / self._waits[rows]
        return values

    def bound(self, block: slice, side: Side) -> FloatArray:
        if not len(self._nearest):
            return self._first[block] / self._waits[block]
        self._nearest.refresh(block)
        sq_dists = self._nearest.lower(block) if side == "lower" else self._nearest.upper[block]
        values: FloatArray = sq_dists / self._waits[block]
        return values

    def add(self, rows: Rows) -> None:
        self._nearest.add(rows)
        self._waits = self._draw()

    def reason(self, row: int) -> Reason:
        if not len(self._nearest):
            how = "in proportion to squared length" if self._by_length else "like any other"
            return Reason(f"drawn {how}, nothing selected before it")
        gap = float(np.sqrt(self._nearest.exact(np.array([row], dtype=np.intp))[0]))
        return Reason(
            f"drawn, {gap:.4g} away from {{nearest}}",
            value=gap,
            nearest=self._nearest.closest(row),
            distance=gap,
        )

    def _draw(self) -> FloatArray:
        """Return how long each row waits in the race for the next pick, (N,)."""
        generator = np.random.default_rng([self._seed, len(self._nearest), _STREAM])
        waits = generator.standard_exponential(len(self._signal))
        return np.maximum(waits, _LEAST, out=waits)

    @cached_property
    def _first(self) -> FloatArray:
        """What the first pick is drawn in proportion to, (N,)."""
        weights = np.ones(len(self._signal))
        if self._by_length:
            for start in range(0, len(weights), _BLOCK_ROWS):
                block = slice(start, start + _BLOCK_ROWS)
                weights[block] = exact_sq_dists(self._signal.vectors[block], np.zeros(1))
        return weights
