"""Workers that hold parts of the data and answer questions about them.

What the engine needs of a cluster is three calls: start, call, stop. Who schedules the workers,
moves the messages and notices that one is gone is somebody else's software: a process pool, Ray.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from selectlab.errors import EngineError

Handle = TypeVar("Handle")
_ATTEMPTS = 4


@dataclass(frozen=True)
class Request:
    """A question to a worker.

    Attributes:
        what: Name of what it should do.
        args: What it needs for that.
        lasting: Changes what the worker holds; a worker that takes the place of a dead one is
            told again.
    """

    what: str
    args: tuple[Any, ...] = ()
    lasting: bool = False


@dataclass(frozen=True)
class Failure:
    """What a worker answers when it cannot.

    Attributes:
        message: One line.
        error: The error, where it is one of ours.
    """

    message: str
    error: ValueError | None = None


class RowParts(Protocol):
    """Rows of a matrix that any worker can read, in any stretch; goes through pickle.

    Attributes:
        cuts: Rows where a stretch had better begin, such as row groups; may be empty.
    """

    @property
    def cuts(self) -> Sequence[int]:
        """Rows where a stretch had better begin."""
        ...

    def blocks(self, start: int, stop: int) -> Iterable[tuple[int, npt.NDArray[Any]]]:
        """Yield ``(first row, rows)`` from ``start`` to ``stop``, in order."""
        ...


@dataclass(frozen=True)
class ShardSpec:
    """Where the vectors of a worker come from.

    Attributes:
        parts: The matrix they are rows of.
        start: First row of the matrix.
        stop: One behind the last.
        dimension: D.
        used: Bits, one for each of these rows, whether it is wanted; ``None``: all are.
        n_used: How many are.
        normalize: Scale them to unit length.
        normalised: They have it already.
        zero: Hold a vector of zeros at the end, for samples that have none.
    """

    parts: RowParts
    start: int
    stop: int
    dimension: int
    used: npt.NDArray[np.uint8] | None
    n_used: int
    normalize: bool
    normalised: bool
    zero: bool


class WorkerLostError(Exception):
    """A worker is gone, and what it held with it."""


class Executor(ABC, Generic[Handle]):
    """Workers, numbered from 0.

    A worker that dies is replaced: the new one is told everything lasting again, then the
    question is repeated. Any thread may call; one does at a time.

    Attributes:
        engine: Its name.
        n_workers: How many there are.
        rounds: How often workers were asked, several at once counted once.
        messages: How many messages went out.
        restarts: How many workers had to be replaced.
        holdings: For those who give them something: what that was, and what came of it.
    """

    engine: str

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers
        self.rounds = self.messages = self.restarts = 0
        self.holdings: dict[Any, Any] = {}
        self._keys = itertools.count()
        self._lasting: list[list[Request]] = [[] for _ in range(n_workers)]
        self._blank = set(range(n_workers))
        self._started = False
        self._lock = RLock()

    def new_key(self) -> int:
        """Return a number for something that workers hold."""
        return next(self._keys)

    def start(self) -> None:
        """Start the workers, unless they run; does not wait for them."""
        with self._lock:
            if not self._started:
                self._started = True
                self._open()
                for worker in range(self.n_workers):
                    self._spawn(worker)

    def call(self, messages: Mapping[int, Sequence[Request]]) -> dict[int, list[Any]]:
        """Ask workers, all at the same time, and return their answers.

        Args:
            messages: What to ask of each worker; several requests make one message.

        Raises:
            DataError: The data are at fault.
            EngineError: A worker failed, or died again and again.
        """
        with self._lock:
            self.start()
            left = {worker: list(requests) for worker, requests in messages.items() if requests}
            self.rounds += bool(left)
            self.messages += len(left)
            answers: dict[int, list[Any]] = {}
            for _ in range(_ATTEMPTS):
                sent = {worker: self._sent(worker, left[worker]) for worker in left}
                for worker, handle in sent.items():
                    answer = None if handle is None else self._answer(worker, handle)
                    if answer is None:
                        self._replace(worker)
                    else:
                        requests = left.pop(worker)
                        self._lasting[worker] += [r for r in requests if r.lasting]
                        answers[worker] = answer[len(answer) - len(requests) :]
                if not left:
                    return answers
            raise EngineError(
                f"engine {self.engine!r}: worker {min(left)} of {self.n_workers} died {_ATTEMPTS} "
                f"times in a row{self._advice()}"
            )

    def stop(self) -> None:
        """End the workers and remove what was stored for them; may be called again."""
        with self._lock:
            if self._started:
                self._started = False
                self._close()
                self._blank = set(range(self.n_workers))

    def facts(self) -> dict[str, Any]:
        """Return what the cluster did, as JSON data."""
        return {
            "engine": self.engine,
            "workers": self.n_workers,
            "rounds": self.rounds,
            "messages": self.messages,
            "restarts": self.restarts,
        }

    @abstractmethod
    def store(self, blocks: Iterable[tuple[int, npt.NDArray[Any]]], dimension: int) -> RowParts:
        """Put rows where all workers can read them; they stay until :meth:`stop`."""

    @abstractmethod
    def _open(self) -> None:
        """Make ready for workers."""

    @abstractmethod
    def _spawn(self, worker: int) -> None:
        """Start a worker that holds nothing."""

    @abstractmethod
    def _send(self, worker: int, requests: Sequence[Request]) -> Handle:
        """Send requests to a worker."""

    @abstractmethod
    def _receive(self, handle: Handle) -> list[Any] | Failure:
        """Wait for the answers to them."""

    @abstractmethod
    def _discard(self, worker: int) -> None:
        """Remove what is left of a worker."""

    @abstractmethod
    def _close(self) -> None:
        """End all workers and what was made for them."""

    def _advice(self) -> str:
        """Say what may have killed it."""
        return "; was there enough memory?"

    def _sent(self, worker: int, requests: list[Request]) -> Handle | None:
        """Send requests, with everything lasting before them to a worker that is new."""
        if worker in self._blank:
            requests = self._lasting[worker] + requests
        try:
            return self._send(worker, requests)
        except WorkerLostError:
            return None

    def _answer(self, worker: int, handle: Handle) -> list[Any] | None:
        """Wait for an answer; ``None`` when the worker died over it."""
        try:
            answer = self._receive(handle)
        except WorkerLostError:
            return None
        if isinstance(answer, Failure):
            if answer.error is not None:
                raise answer.error
            raise EngineError(
                f"engine {self.engine!r}: worker {worker} of {self.n_workers}: {answer.message}"
            )
        self._blank.discard(worker)
        return answer

    def _replace(self, worker: int) -> None:
        self.restarts += 1
        self._discard(worker)
        self._blank.add(worker)
        self._spawn(worker)


def even_cuts(n_rows: int, n_parts: int, liked: Sequence[int] = ()) -> npt.NDArray[np.intp]:
    """Return where parts of nearly equal size begin and end, (n_parts + 1,).

    Args:
        n_rows: Number of rows.
        n_parts: Number of parts.
        liked: Rows to cut at when one is within a tenth of a part.

    Example:
        >>> even_cuts(100, 4).tolist(), even_cuts(100, 4, [26, 60]).tolist()
        ([0, 25, 50, 75, 100], [0, 26, 50, 75, 100])
    """
    cuts = np.arange(n_parts + 1) * n_rows // n_parts
    if len(liked):
        places = np.asarray(liked)
        for i in range(1, n_parts):
            near = places[np.argmin(np.abs(places - cuts[i]))]
            if abs(near - cuts[i]) <= n_rows / n_parts / 10:
                cuts[i] = near
    return cuts.astype(np.intp)
