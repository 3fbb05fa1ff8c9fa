"""Samples on a line, and a selection from them in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import selectlab

EMBEDDINGS = {"type": "EMBEDDINGS", "normalize": False}
OBJECTS = {"type": "EMBEDDINGS", "task": "det", "normalize": False}
GAIN = ({"type": "METADATA", "key": "gain"}, {"type": "WEIGHTS"})
DIVERSITY = (EMBEDDINGS, {"type": "DIVERSITY"})
Pair = tuple[Mapping[str, Any], Mapping[str, Any]]


def line(**places: float) -> dict[str, Any]:
    """Return samples on the line y = 3, which is no different from the line y = 0."""
    return {"ids": list(places), "embeddings": np.array([[x, 3.0] for x in places.values()])}


def select(
    data: Mapping[str, Any], *pairs: Pair, preselected: Sequence[str] = (), **size: float
) -> str:
    """Return the ranking with the ids joined; as many as there are unless told otherwise."""
    found = run(data, *pairs, preselected=preselected, **size)
    return " ".join(found.ids)


def run(
    data: Mapping[str, Any], *pairs: Pair, preselected: Sequence[str] = (), **size: float
) -> selectlab.Selection:
    config = {
        **(size or {"n_samples": len(data["ids"])}),
        "strategies": [{"input": dict(given), "strategy": dict(s)} for given, s in pairs],
    }
    return selectlab.select(config, selectlab.Dataset(**data), preselected=preselected or None)


def diversity(distance: float, **more: Any) -> Pair:
    strategy = {"type": "DIVERSITY", "stopping_condition_minimum_distance": distance, **more}
    return EMBEDDINGS, strategy


def weather(*kinds: str) -> dict[str, Any]:
    return {"ids": list("abcdef")[: len(kinds)], "metadata": {"weather": list(kinds)}}


def balance(**target: float) -> Pair:
    return {"type": "METADATA", "key": "weather"}, {"type": "BALANCE", "target": target}


def objects(**places: Sequence[float]) -> dict[str, Any]:
    """Return samples whose objects stand on the line y = 3."""
    vectors = [[x, 3.0] for own in places.values() for x in own]
    owners = [sample_id for sample_id, own in places.items() for _ in own]
    return {"ids": list(places), "object_embeddings": {"det": (np.array(vectors), owners)}}
