"""The record of a run: what went in, what was left out, what came of it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab import registry
from selectlab.cluster.sharded import ShardedVectors
from selectlab.engine import greedy
from selectlab.ids import Ids
from selectlab.read_ahead import read_ahead
from selectlab.resolve import Resolved
from selectlab.signals import Signal
from selectlab.statistics import RANDOM_SEED, compare
from selectlab.stored import DistantVectors, row_hashes
from selectlab.types import Rows

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "pydantic")


def build_manifest(
    resolved: Resolved,
    outcome: greedy.Outcome,
    picked: Rows,
    notes: Sequence[str],
    hashes: Sequence[str],
) -> dict[str, Any]:
    """Return the manifest of a run as JSON data.

    Args:
        resolved: What the config and the data came to.
        outcome: What the loop returned.
        picked: Rows of the plan that were picked.
        notes: Warnings.
        hashes: Of the values of each input, :func:`hash_signals`.
    """
    import selectlab

    config = resolved.config.to_json()
    canonical = json.dumps(config, sort_keys=True, ensure_ascii=False)
    length = resolved.rows.shape[1]
    return {
        "selectlab": selectlab.__version__,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "config": config,
        "config_sha256": hashlib.sha256(canonical.encode()).hexdigest(),
        "dataset": resolved.dataset.source.where,
        "sample_ids_blake2b": hash_ids(resolved.dataset.ids),
        "inputs": _inputs(resolved, hashes),
        "counts": {**asdict(resolved.counts), "selected": len(picked) * length},
        "n_samples": resolved.wanted,
        "stop_reason": outcome.stop_reason,
        "warnings": list(notes),
        "strategies": [
            {
                "label": part.label,
                "entry": part.entry,
                "strength": part.strength,
                "state": part.objective.state(),
            }
            for part in sorted(resolved.plan.parts, key=lambda part: part.entry)
        ],
        "engine": outcome.engine,
        "statistics": compare(resolved, picked),
        "statistics_random_seed": RANDOM_SEED,
        "versions": _versions(),
    }


def _inputs(resolved: Resolved, hashes: Sequence[str]) -> list[dict[str, str]]:
    return [
        {
            "entry": entry.path,
            "input": entry.input.describe(),
            "gives": signal.kind,
            "blake2b": digest,
        }
        for entry, signal, digest in zip(
            resolved.config.entries, resolved.signals, hashes, strict=True
        )
    ]


def hash_signal(signal: Signal) -> str:
    """Return a hash of a signal's values, the same whatever file they came from.

    Of vectors it is a hash of the hashes of the rows, which workers that hold them can make.
    """
    digest = hashlib.blake2b(digest_size=16)
    for array in (*signal.arrays(), *(() if signal.missing is None else (signal.missing,))):
        digest.update(str((array.dtype.str, array.shape)).encode())
        for block in _hashable(array):
            digest.update(np.ascontiguousarray(block).view(np.uint8).data)
    return digest.hexdigest()


def _hashable(array: Any) -> Iterable[npt.NDArray[Any]]:
    """Return what stands for an array in a hash."""
    if isinstance(array, ShardedVectors):
        return [array.hashes()]
    if isinstance(array, DistantVectors):
        return (row_hashes(block) for _, block in read_ahead(array.blocks()))
    if array.ndim == 2 and array.dtype == np.float32:
        return [row_hashes(array)]
    return [array]


def hash_signals(signals: Sequence[Signal]) -> list[str]:
    """Return the hash of each signal's values; one that is given twice is read once."""
    digests: dict[int, str] = {}
    for signal in signals:
        if id(signal) not in digests:
            digests[id(signal)] = hash_signal(signal)
    return [digests[id(signal)] for signal in signals]


def hash_ids(ids: Sequence[str]) -> str:
    """Return a hash of sample ids in their order."""
    digest = hashlib.blake2b(digest_size=16)
    for block in Ids.of(ids).blocks(end=b"\0"):
        digest.update(block)
    return digest.hexdigest()


@cache
def _versions() -> dict[str, str]:
    found = {*registry.inputs().values(), *registry.strategies().values()}
    plugins = sorted({installed.package for installed in found} - {"selectlab", "?"})
    python = {"python": platform.python_version()}
    return python | {name: version(name) for name in (*_LIBRARIES, *plugins)}
