"""The embeddings that distances and the embedding plot of a report are about."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from selectlab import registry
from selectlab.errors import SelectlabError
from selectlab.report.evidence import Evidence
from selectlab.signals import Signal
from selectlab.stored import Float32Rows
from selectlab.types import Objects, Rows, Vectors

_EMBEDDINGS = "EMBEDDINGS"


@dataclass(frozen=True)
class Space:
    """Vectors of the rows of a plan.

    Attributes:
        name: What they are.
        vectors: One for each of ``rows``, in their order.
        rows: Rows of the plan that have a vector, sorted.
        in_config: Whether a strategy looked at them.
    """

    name: str
    vectors: Float32Rows
    rows: Rows
    in_config: bool

    def places(self, rows: Rows) -> Rows:
        """Return where the vectors of some rows are; rows without one are left out."""
        at = np.searchsorted(self.rows, rows)
        there = (at < len(self.rows)) & (self.rows[np.minimum(at, len(self.rows) - 1)] == rows)
        found: Rows = at[there]
        return found


def space_of(evidence: Evidence) -> Space | None:
    """Return the vectors that the config looks at, or else those that the dataset has.

    Objects count by the mean of the vectors that a sample has, where they are in memory.
    """
    entries, signals = evidence.resolved.config.entries, evidence.resolved.active
    named = [(entry.input.describe(), s) for entry, s in zip(entries, signals, strict=True)]
    for name, signal in named:
        if isinstance(signal, Vectors):
            everything = np.arange(len(evidence.resolved.rows))
            return Space(name, signal.vectors, everything, in_config=True)
    for name, signal in named:
        if isinstance(signal, Objects) and isinstance(signal.vectors, np.ndarray):
            return _of_objects(f"mean of {name}", signal)
    return _of_dataset(evidence)


def _of_objects(name: str, signal: Objects) -> Space:
    counts = np.diff(signal.offsets)
    rows = np.flatnonzero(counts)
    sums = np.add.reduceat(np.asarray(signal.vectors), signal.offsets[rows], axis=0)
    means = (sums / counts[rows, None]).astype(np.float32)
    return Space(name, means, rows, in_config=True)


def _of_dataset(evidence: Evidence) -> Space | None:
    """Return the embeddings of a dataset that no strategy looked at, if it has any."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            signal: Signal = registry.inputs()[_EMBEDDINGS].cls().load(evidence.dataset)
    except SelectlabError:
        return None
    if not isinstance(signal, Vectors):
        return None
    first = evidence.resolved.rows[:, 0]
    there = (
        np.ones(len(first), dtype=np.bool_) if signal.missing is None else ~signal.missing[first]
    )
    rows = np.flatnonzero(there)
    return Space("embeddings", signal.take(first[rows]).vectors, rows, in_config=False)
