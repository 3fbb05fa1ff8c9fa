"""TYPICALITY: samples in dense regions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from selectlab.neighbours import How, other_dists
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
        neighbors: ``exact``; ``approximate``, by an inverted file of faiss
            (``selectlab[faiss]``) that looks into more of its lists until 99 % of the neighbours
            found are the true ones, or a 32nd of all lists, but at least 16, is looked into;
            ``auto``, which is approximate above ``N * N * D = 5e12`` (200,000 x 128) where faiss
            is installed. Distances are exact either way, and the manifest tells the recall.
        stopping_condition_minimum_typicality: End when the best sample is below this, 0 to 1.

    Objective:
        Sum of the weights of everything selected, plus the candidate's.

    Cost:
        O(N^2 * D) once, O(N * K) memory, O(N) per pick. Approximate: down to
        O(N^1.5 * D) where the data is clustered, and memory for one copy of the vectors.

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
    neighbors: How = "auto"
    stopping_condition_minimum_typicality: Annotated[float, Field(ge=0, le=1)] | None = None

    def start(self, signal: Signal) -> Objective:
        """Return the running sum of the typicalities."""
        assert isinstance(signal, Embedded)
        weights, facts = _typicality(signal, self)
        counts = signal.span(slice(0, len(signal)))[1]
        gains = signal.pooled(weights, counts, "mean")
        share = cache(lambda: rank_share(gains))

        def explain(row: int) -> Reason:
            value = float(gains[row])
            return Reason(
                f"typicality {value:.4g}, above {share()(value)} of the pool", value=value
            )

        added = signal.pooled(weights, counts, "sum")
        objective = _Typical(gains, explain, added, signal.empty, facts=facts)
        limit = self.stopping_condition_minimum_typicality
        if limit is not None:

            def breaks(rows: Rows) -> BoolArray:
                below: BoolArray = (gains[rows] < limit) & (counts[rows] > 0)
                return below

            text = f"stopping_condition_minimum_typicality {limit:g}"
            objective.conditions = (Condition(text, breaks, "stop"),)
        return objective


class _Typical(RunningSum):
    """The running sum of the typicalities, which knows how neighbours were found."""

    def __init__(self, *parts: Any, facts: Mapping[str, object]) -> None:
        super().__init__(*parts)
        self._facts = facts

    def facts(self) -> Mapping[str, object]:
        """Return the index that found the neighbours, and its recall."""
        return {"neighbours": self._facts}


def _typicality(signal: Embedded, rules: Typicality) -> tuple[FloatArray, Mapping[str, object]]:
    """Return the typicality of each vector, (M,), in (0, 1], and how neighbours were found."""
    size = len(signal.vectors)
    k = min(rules.num_nearest_neighbors, size - 1)
    if k < 1:
        return np.ones(size), {"index": "exact"}
    dists, facts = other_dists(signal.vectors, k, rules.neighbors)
    mean = float(dists.mean())
    if mean == 0:
        return np.ones(size), facts
    np.divide(dists, -mean, out=dists)
    np.exp(dists, out=dists)
    return dists.mean(axis=1), facts
