"""Workers that are Ray actors: of a cluster that is there, or of one on this machine."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from selectlab.cluster.executor import Executor, Failure, Request, WorkerLostError
from selectlab.errors import EngineError, MissingExtraError
from selectlab.threads import n_cores

_STORE_BYTES = 1 << 28
_PIECE_BYTES = 1 << 25


class RayExecutor(Executor[Any]):
    """Ray actors.

    With ``RAY_ADDRESS`` set, or where the program has connected to Ray already, they live in
    that cluster, one after the other on all its machines; selectlab must be installed there.
    Otherwise Ray is started on this machine, without a dashboard, and ended with the run.

    Args:
        n_workers: How many; ``None`` for one a core of this machine.
        make: Makes what answers requests, in the worker, from the number of threads.

    Raises:
        MissingExtraError: Ray is not installed.
    """

    engine = "ray"

    def __init__(
        self,
        n_workers: int | None,
        make: Callable[[int], Callable[[Sequence[Request]], list[Any] | Failure]],
    ) -> None:
        super().__init__(n_workers or n_cores())
        try:
            with _quiet():
                import ray
        except ImportError:
            raise MissingExtraError(
                "engine 'ray': Ray is not installed; in selectlab's folder: "
                "pip install -c constraints.txt '.[ray]'"
            ) from None
        self._ray: Any = ray
        self._make = make
        self._actors: dict[int, Any] = {}
        self._connected = False
        self._share = self._threads = 1.0

    def store(self, blocks: Iterable[tuple[int, npt.NDArray[Any]]], dimension: int) -> ObjectParts:
        """Put rows into the object store, in pieces."""
        self.start()
        pieces = []
        for first, block in blocks:
            step = max(1, _PIECE_BYTES // max(1, dimension * block.dtype.itemsize))
            for at in range(0, len(block), step):
                piece = block[at : at + step]
                pieces.append((first + at, len(piece), self._ray.put(piece)))
        return ObjectParts(tuple(pieces))

    def _open(self) -> None:
        there = bool(os.environ.get("RAY_ADDRESS"))
        if not self._ray.is_initialized():
            rules: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
            if not there:
                rules |= {
                    "address": "local",
                    "include_dashboard": False,
                    "num_cpus": max(1, n_cores()),
                    "object_store_memory": _STORE_BYTES,
                }
            try:
                with _quiet():
                    self._ray.init(**rules)
            except (ConnectionError, RuntimeError, ValueError, OSError, TimeoutError) as error:
                first = (str(error).strip().splitlines() or [type(error).__name__])[0]
                where = f" at RAY_ADDRESS {os.environ['RAY_ADDRESS']!r}" if there else ""
                raise EngineError(f"engine 'ray': no cluster{where}, {first}") from None
            self._connected = True
        cpus = float(self._ray.cluster_resources().get("CPU", 1.0))
        self._threads = max(1.0, cpus // self.n_workers)
        self._share = min(1.0, int(1000 * cpus / self.n_workers) / 1000)
        free = float(self._ray.available_resources().get("CPU", 0.0))
        if free < self._share * self.n_workers:
            warnings.warn(
                f"engine 'ray': {free:g} of {cpus:g} CPUs of the cluster are free for "
                f"{self.n_workers} workers; those that find none wait",
                stacklevel=2,
            )

    def _spawn(self, worker: int) -> None:
        options = {"num_cpus": self._share, "scheduling_strategy": "SPREAD", "max_restarts": 0}
        actor = self._ray.remote(_Actor).options(**options)
        self._actors[worker] = actor.remote(self._make, int(self._threads))

    def _send(self, worker: int, requests: Sequence[Request]) -> Any:
        try:
            return self._actors[worker].answer.remote(requests)
        except self._ray.exceptions.RayActorError as error:
            raise WorkerLostError from error

    def _receive(self, handle: Any) -> list[Any] | Failure:
        try:
            answer: list[Any] | Failure = self._ray.get(handle)
        except self._ray.exceptions.RayTaskError as error:
            return Failure(f"{type(error.cause).__name__}: {error.cause}")
        except self._ray.exceptions.RayError as error:
            if isinstance(error, self._lost):
                raise WorkerLostError from error
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            return Failure(first)
        return answer

    @property
    def _lost(self) -> tuple[type[Exception], ...]:
        known = self._ray.exceptions
        return (known.RayActorError, known.WorkerCrashedError, known.ObjectLostError)

    def _discard(self, worker: int) -> None:
        self._ray.kill(self._actors.pop(worker), no_restart=True)

    def _close(self) -> None:
        if self._ray.is_initialized():
            for worker in list(self._actors):
                self._discard(worker)
        self._actors.clear()
        if self._connected:
            self._connected = False
            self._ray.shutdown()


@dataclass(frozen=True)
class ObjectParts:
    """Rows in Ray's object store.

    Attributes:
        pieces: First row, number of rows and reference of each piece.
    """

    pieces: tuple[tuple[int, int, Any], ...]
    cuts: Sequence[int] = ()

    def blocks(self, start: int, stop: int) -> Iterable[tuple[int, npt.NDArray[Any]]]:
        """Yield rows, a piece at a time."""
        import ray

        for first, n_rows, reference in self.pieces:
            begin, end = max(start, first), min(stop, first + n_rows)
            if begin < end:
                yield begin, ray.get(reference)[begin - first : end - first]


class _Actor:
    """A worker in a process of Ray's."""

    def __init__(
        self, make: Callable[[int], Callable[[Sequence[Request]], Any]], n_threads: int
    ) -> None:
        self._serve = make(n_threads)

    def answer(self, requests: Sequence[Request]) -> Any:
        return self._serve(requests)


@contextmanager
def _quiet() -> Iterator[None]:
    """Let Ray report nothing to its makers, where the user has not said otherwise."""
    name = "RAY_USAGE_STATS_ENABLED"
    if name in os.environ:
        yield
        return
    os.environ[name] = "0"
    try:
        yield
    finally:
        del os.environ[name]
