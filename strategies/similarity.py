"""SIMILARITY: samples like a query set."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from selectlab.distances import nearest
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
        O(N * Q * D) once, O(N) per pick.

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
    needs_query: ClassVar[bool] = True

    def start(self, signal: Signal) -> Objective:
        """Return the running sum of the similarities."""
        assert isinstance(signal, Embedded)
        assert signal.query is not None
        dists, index = nearest(signal.vectors, signal.query)
        mean = float(dists.mean()) if len(dists) else 0.0
        weights = np.exp(-dists / mean) if mean > 0 else np.ones(len(dists))
        everything = np.arange(len(signal), dtype=np.intp)
        counts = signal.owned(everything)[1]
        gains = signal.pooled(weights, counts, "max")
        share = rank_share(gains)

        def explain(row: int) -> Reason:
            mine, _ = signal.owned(everything[row : row + 1])
            if not len(mine):
                return Reason("no objects")
            best = mine[int(np.argmin(dists[mine]))]
            value = float(gains[row])
            return Reason(
                f"{dists[best]:.4g} from {{query}} of the query, nearer than {share(value)} "
                "of the pool",
                value=value,
                query=int(index[best]),
            )

        added = signal.pooled(weights, counts, "sum")
        return RunningSum(gains, explain, added, signal.empty)
