"""A published config and its bucket, and what its strategies mean, without selectlab."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contracts import lightly_bucket
from benchmarks.contracts.definition import FloatArray, Rule, Shares, Spread, Sum
from benchmarks.contracts.image_sets import unit_length
from benchmarks.contracts.lightly_bucket import Bucket


def config_and_bucket(source: Path) -> tuple[Path, Path]:
    """Return the config of a folder and the bucket beside it."""
    [config] = source.glob("*.json")
    [bucket] = [path.parent for path in source.glob(f"*/{lightly_bucket.HIDDEN}")]
    return config, bucket


def rule_of(entry: Mapping[str, Any], bucket: Bucket) -> Rule:
    """Return a strategy of the config as its definition has it."""
    given, strategy = entry["input"], entry["strategy"]
    strength = float(strategy.get("strength", 1.0))
    n = len(bucket.names)
    if strategy["type"] == "BALANCE":
        values = [record.get(given["key"]) for record in bucket.metadata]
        named = list(strategy["target"])
        counts = np.array([[value == name for name in named] for value in values], dtype=float)
        shares = [*strategy["target"].values()]
        rest = 1 - counts.sum(axis=1, keepdims=True)
        target = np.array([*shares, max(1 - sum(shares), 0.0)])
        return Shares(np.hstack([counts, rest]), target, strength)
    if strategy["type"] == "WEIGHTS":
        entropies = np.array([_largest_entropy(own) for own in bucket.probabilities])
        return Sum(entropies, entropies, strength)
    assert strategy["type"] == "DIVERSITY", f"{strategy['type']} is not in the published config"
    if "task" not in given:
        return Spread(_wide(bucket.frames), np.arange(n), n, strength)
    owner = np.repeat(np.arange(n), [len(own) for own in bucket.boxes])
    return Spread(_wide(np.concatenate(bucket.boxes)), owner, n, strength)


def _wide(vectors: FloatArray) -> FloatArray:
    """Return vectors as an engine with float32 has them, of unit length."""
    return unit_length(vectors.astype(np.float32)).astype(np.float64)


def _largest_entropy(probabilities: FloatArray) -> float:
    """Return the largest normalised entropy of a sample's objects; one class is p, 1 - p."""
    if probabilities.shape[1] == 1:
        probabilities = np.hstack([probabilities, 1 - probabilities])
    p = np.clip(probabilities, 1e-300, None)
    entropies = -(p * np.log(p)).sum(axis=1) / np.log(p.shape[1])
    return float(entropies.max(initial=0.0))
