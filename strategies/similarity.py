"""SIMILARITY: samples like a query set."""

from __future__ import annotations

from functools import cache
from typing import ClassVar, Literal

import numpy as np

from selectlab.neighbours import nearest
from selectlab.types import (
    Embedded,
    Kinds,
    Objective,
    Objects,
    Reason,
    RunningSum,
    Signal,
    Strategy,
    Vectors,
    rank_share,
)

__all__ = ["Similarity"]


class Similarity(Strategy):
    """Pick samples near to a query set: "find more like these".

    The weight of a vector is ``exp(-d / mean d)``, d being its distance to the nearest query
    vector and the mean taken over the pool. On objects (an input with ``task``) a sample counts
    by its most similar object, and all its objects are added up once it is picked.

    Attributes:
        strength: Exponent in the product of all strategies; negative seeks the unlike.

    Objective:
        Sum of the weights of everything selected, plus the candidate's.

    Cost:
        O(N * Q * D) once, O(N) per pick; 24 bytes a vector. Vectors on disk are read once.

    Example:
        >>> import numpy as np
        >>> from selectlab.types import Vectors
        >>> line = np.array([[0.0], [1.0], [3.0]], dtype=np.float32)
        >>> objective = Similarity().start(Vectors(vectors=line, query=line[:1]))
        >>> objective.exact(np.array([0, 1])).round(4)
        array([1.    , 0.4724])
    """

    type: Literal["SIMILARITY"] = "SIMILARITY"
    accepts: ClassVar[Kinds] = (Vectors, Objects)
    divisible: ClassVar[bool] = True
    needs_query: ClassVar[bool] = True

    def start(self, signal: Signal) -> Objective:
        """Return the running sum of the similarities."""
        assert isinstance(signal, Embedded)
        assert signal.query is not None
        dists, index = nearest(signal.vectors, signal.query)
        mean = float(dists.mean()) if len(dists) else 0.0
        weights = np.divide(dists, -mean) if mean > 0 else np.zeros(len(dists))
        np.exp(weights, out=weights)
        counts = signal.span(slice(0, len(signal)))[1]
        gains = signal.pooled(weights, counts, "max")
        share = cache(lambda: rank_share(gains))

        def explain(row: int) -> Reason:
            mine = signal.span(slice(row, row + 1))[0]
            if mine.start == mine.stop:
                return Reason("no objects")
            best = mine.start + int(np.argmin(dists[mine]))
            value = float(gains[row])
            return Reason(
                f"{dists[best]:.4g} from {{query}} of the query, nearer than {share()(value)} "
                "of the pool",
                value=value,
                query=int(index[best]),
            )

        added = signal.pooled(weights, counts, "sum")
        return RunningSum(gains, explain, added, signal.empty)
