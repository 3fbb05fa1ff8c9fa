"""TYPICALITY: samples in dense regions."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from selectlab.distances import other_neighbours
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
    RunningSum,
    Signal,
    Strategy,
    Vectors,
    rank_share,
)

__all__ = ["Typicality"]


class Typicality(Strategy):
    """Pick samples that have many near neighbours; with negative strength, outliers.

    The weight of a vector is the mean over its K nearest neighbours of ``exp(-d / mean d)``,
    the mean d taken over all neighbour distances of the pool. It is 1 where everything is
    equal. On objects (an input with ``task``) a sample counts by the mean over its objects.

    Attributes:
        strength: Exponent in the product of all strategies; -1 finds outliers.
        num_nearest_neighbors: K; at most the size of the pool less one is used.
        stopping_condition_minimum_typicality: End when the best sample is below this, 0 to 1.

    Objective:
        Sum of the weights of everything selected, plus the candidate's.

    Cost:
        O(N^2 * D) once, O(N * K) memory, O(N) per pick.

    Reference:
        Hacohen et al., ICML 2022, equation 4, uses the inverse of the mean distance; here the
        weights are bounded by 1, so that they multiply well.

    Example:
        >>> import numpy as np
        >>> from selectlab.types import Vectors
        >>> line = Vectors(vectors=np.array([[0.0], [1.0], [2.0], [9.0]], dtype=np.float32))
        >>> objective = Typicality(num_nearest_neighbors=2).start(line)
        >>> int(objective.exact(np.arange(4)).argmax())
        1
    """

    type: Literal["TYPICALITY"] = "TYPICALITY"
    accepts: ClassVar[Kinds] = (Vectors, Objects)
    num_nearest_neighbors: Annotated[int, Field(ge=2)] = 20
    stopping_condition_minimum_typicality: Annotated[float, Field(ge=0, le=1)] | None = None

    def start(self, signal: Signal) -> Objective:
        """Return the running sum of the typicalities."""
        assert isinstance(signal, Embedded)
        weights = _typicality(signal.vectors, self.num_nearest_neighbors)
        counts = signal.owned(np.arange(len(signal), dtype=np.intp))[1]
        gains = signal.pooled(weights, counts, "mean")
        share = rank_share(gains)

        def explain(row: int) -> Reason:
            value = float(gains[row])
            return Reason(f"typicality {value:.4g}, above {share(value)} of the pool", value=value)

        added = signal.pooled(weights, counts, "sum")
        objective = RunningSum(gains, explain, added, signal.empty)
        limit = self.stopping_condition_minimum_typicality
        if limit is not None:

            def breaks(rows: Rows) -> BoolArray:
                below: BoolArray = (gains[rows] < limit) & (counts[rows] > 0)
                return below

            text = f"stopping_condition_minimum_typicality {limit:g}"
            objective.conditions = (Condition(text, breaks, "stop"),)
        return objective


def _typicality(vectors: npt.NDArray[np.float32], wanted: int) -> FloatArray:
    """Return the typicality of each vector, (M,), in (0, 1]."""
    k = min(wanted, len(vectors) - 1)
    if k < 1:
        return np.ones(len(vectors))
    dists = other_neighbours(vectors, k)
    mean = float(dists.mean())
    if mean == 0:
        return np.ones(len(vectors))
    typicality: FloatArray = np.exp(-dists / mean).mean(axis=1)
    return typicality
