"""Distances to a growing set for vectors that workers hold.

The picks, the bounds and everything else of a few bytes a vector are here; the workers are
asked to bring bounds up to date, for many vectors at once, and for the vectors of a core. So
there are a few rounds of messages for hundreds of picks.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from selectlab.cluster.executor import Request
from selectlab.cluster.sharded import ShardedVectors
from selectlab.nearest.nearest_selected import NearestSelected
from selectlab.nearest.products import Float32, Index
from selectlab.objective import FloatArray

_KEPT_BYTES = 1 << 26
_KEPT = 4


class ShardedNearest(NearestSelected):
    """Squared distance of every vector to the nearest of a growing set, by workers.

    Args:
        vectors: (M, D) float32, held by workers.

    Cost:
        About 32 bytes per vector here; messages of 4 to 12 bytes for each bound asked for.
    """

    def __init__(self, vectors: ShardedVectors) -> None:
        self._held = vectors
        self._number = vectors.workers.new_key()
        self._told = dict.fromkeys(vectors.holding(), 0)
        super().__init__(_Recent(vectors))

    def refresh(self, index: Index | slice, floor: FloatArray | None = None) -> None:
        """Account for all members in the upper bounds of some vectors; of a slice, in all."""
        size = len(self)
        if isinstance(index, slice):
            if size and (self._seen[index] < size).any():
                self._refresh_all(size)
            return
        stale, floors = self._unseen(index, floor)
        if not len(stale):
            return
        routes = list(self._held.routes(stale))
        messages = {}
        for worker, at, local in routes:
            request = Request(
                "refresh", (self._number, local, None if floors is None else floors[at])
            )
            messages[worker] = [*self._news(worker, size), request]
        answers = self._ask(messages, size)
        for worker, at, _ in routes:
            upper, seen, computed = answers[worker][-1]
            rows = stale[at]
            self.upper[rows] = np.minimum(self.upper[rows], upper)
            self._seen[rows] = size if seen is None else seen
            self.computed += computed
        self.fetched += len(stale)

    def _measured(self) -> Float32:
        """Return the squared lengths of all vectors; from here on workers know of the set."""
        request = Request("follow", (self._held.key, self._number), lasting=True)
        norms: Float32 = self._held.one_each(request, np.dtype(np.float32))
        return norms

    def _refresh_all(self, size: int) -> None:
        everything = Request("refresh", (self._number, slice(None), None))
        messages = {w: [*self._news(w, size), everything] for w in self._held.holding()}
        answers = self._ask(messages, size)
        for worker in messages:
            upper, _, computed = answers[worker][-1]
            rows, local = self._held.rows_of(worker)
            self.upper[rows] = np.minimum(self.upper[rows], upper[local])
            self.computed += computed
        self._seen[:] = size
        self.fetched += len(self.upper)

    def _news(self, worker: int, size: int) -> list[Request]:
        """Return what tells a worker of the members it does not know of."""
        known = self._told[worker]
        if known == size:
            return []
        values = self.members[known:size].astype(np.float32)
        norms = self.panel.shift[known:size].copy()
        return [Request("join", (self._number, values, norms), lasting=True)]

    def _ask(self, messages: dict[int, list[Request]], size: int) -> dict[int, list[Any]]:
        answers = self._held.ask(messages)
        self._told.update(dict.fromkeys(messages, size))
        return answers


class _Recent:
    """Vectors of workers, of which those fetched last are kept.

    Args:
        vectors: The vectors.
    """

    def __init__(self, vectors: ShardedVectors) -> None:
        self._vectors = vectors
        self.shape = vectors.shape
        self._kept: deque[tuple[Index, Float32]] = deque(maxlen=_KEPT)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Index) -> Float32:
        for rows, values in reversed(self._kept):
            at = np.minimum(np.searchsorted(rows, index), len(rows) - 1)
            if bool((rows[at] == index).all()):
                return values[at]
        rows = np.unique(index)
        values = self._vectors.read(rows)
        if len(rows) and values.nbytes <= _KEPT_BYTES:
            self._kept.append((rows, values))
        found: Float32 = values[np.searchsorted(rows, index)]
        return found
