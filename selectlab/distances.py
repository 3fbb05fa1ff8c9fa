"""Euclidean distances, fast where many are needed and exact where one decides.

Products in float32 give every distance with a proven error bound; whatever the bound leaves
open is computed from differences in float64. So ranking and thresholds see exact values while
nearly all work runs as matrix products. M vectors, D dimensions.
"""

from __future__ import annotations

from typing import Any

from selectlab import resources
from selectlab.cluster.sharded import ShardedVectors
from selectlab.cluster.sharded_nearest import ShardedNearest
from selectlab.nearest.balls import Balls
from selectlab.nearest.device_nearest import DeviceNearest
from selectlab.nearest.nearest_selected import NearestSelected
from selectlab.nearest.products import exact_sq_dists

__all__ = ["Balls", "NearestSelected", "exact_sq_dists", "nearest_selected"]


def nearest_selected(vectors: Any) -> NearestSelected:
    """Return the distances of vectors to a set that is empty yet, where the run works them out.

    Args:
        vectors: (M, D) float32: an array, or vectors in a file or held by workers.
    """
    if isinstance(vectors, ShardedVectors):
        return ShardedNearest(vectors)
    device = resources.current().device
    return NearestSelected(vectors) if device == "cpu" else DeviceNearest(vectors, device)
