"""Workers for tests: some that die on purpose, and data that they are given."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.random import Generator

from selectlab.cluster.executor import Executor, Request
from selectlab.cluster.shard import Worker
from selectlab.ranking import Ranking, rank
from selectlab.resources import Resources
from selectlab.strategies import Balance, Diversity, Similarity, Typicality, Weights
from selectlab.types import Categories, Objects, Scalars, Signal, Strategy, Vectors

MAKE = partial(Worker, Resources())
Parts = list[tuple[Signal, Strategy]]


def doomed(base: type[Executor[Any]], deaths: Sequence[tuple[int, int, str]]) -> Any:
    """Return an executor whose workers are killed from outside, each death at its time.

    Args:
        base: Its kind.
        deaths: From which round on, which worker, and whether it dies ``before`` it is asked
            or ``while`` it answers.
    """

    class Doomed(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__(3, MAKE)
            self.left = list(deaths)

        def _send(self, worker: int, requests: Sequence[Request]) -> Any:
            due = [d for d in self.left if d[0] <= self.rounds and d[1] == worker]
            if not due:
                return super()._send(worker, requests)
            self.left.remove(due[0])
            when = due[0][2]
            pid = self._receive(super()._send(worker, [Request("pid")]))[0]
            if when == "before":
                os.kill(pid, signal.SIGKILL)
            handle = super()._send(worker, requests)
            if when == "while":
                os.kill(pid, signal.SIGKILL)
            return handle

    return Doomed()


def parts(kind: str, n_rows: int = 900, dimension: int = 7) -> Parts:
    """Return a problem with many exact duplicates."""
    rng = np.random.default_rng(len(kind))
    own = palette(rng, n_rows, dimension)
    vectors = Vectors(vectors=own, query=own[5:9])
    weights = Scalars(values=rng.integers(1, 9, n_rows) / 8)
    weather = Categories(codes=rng.integers(0, 3, n_rows), names=("sun", "rain", "fog"))
    offsets = np.concatenate([[0], np.cumsum(rng.integers(0, 4, n_rows))])
    objects = Objects(vectors=palette(rng, int(offsets[-1]), dimension), offsets=offsets)
    found: dict[str, Parts] = {
        "diversity": [(vectors, Diversity())],
        "joint": [
            (vectors, Diversity()),
            (weights, Weights(strength=0.5)),
            (weather, Balance(distribution="UNIFORM")),
            (vectors, Similarity()),
        ],
        "far apart": [
            (vectors, Diversity(stopping_condition_minimum_distance=0.5)),
            (weights, Weights()),
        ],
        "look-alikes": [(vectors, Diversity(strength=-1.0)), (weights, Weights())],
        "typical": [(vectors, Typicality(num_nearest_neighbors=5)), (vectors, Diversity())],
        "objects": [(objects, Diversity()), (weights, Weights())],
    }
    return found[kind]


KINDS = ["diversity", "joint", "far apart", "look-alikes", "typical", "objects"]


def palette(rng: Generator, n_rows: int, dimension: int) -> Any:
    """Return vectors of which every third is there twice or more."""
    different = rng.normal(size=(max(1, 2 * n_rows // 3), dimension)).astype(np.float32)
    return different[rng.integers(0, len(different), n_rows)]


def ranked(kind: str, **given: Any) -> Ranking:
    """Rank 60 rows after three that are selected already."""
    return rank(parts(kind), 60, preselected=[17, 3, 400], **given)


def grouped(ids: Sequence[str], vectors: Any, more: dict[str, Any] | None = None) -> bytes:
    """Return a parquet file with many row groups."""
    file = io.BytesIO()
    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    table = pa.table({"sample_id": list(ids), "embedding": flat, **(more or {})})
    pq.write_table(table, file, row_group_size=70)
    return file.getvalue()
