"""Processes that do one job at a time; one that dies takes only its own job with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar, cast

Job = TypeVar("Job")
Answer = TypeVar("Answer")

ONE_THREAD = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
)
"""Environment variables that keep a process to one thread."""


def answers(
    work: Callable[[Job], Answer], jobs: Sequence[Job], n_workers: int
) -> Iterator[tuple[Job, Answer | None]]:
    """Yield jobs with their answers in the order in which they are done.

    Workers are fresh Pythons with one BLAS thread each, and end with all they started when the
    caller stops asking. They finish the job at hand, and end, when the caller is killed.

    Args:
        work: A function of a module; it must not raise.
        jobs: In the order in which they are begun.
        n_workers: Number of processes, at most.

    Yields:
        A job and its answer; ``None`` where the process ended before it answered.
    """
    waiting = deque(jobs)
    team: list[_Worker[Job, Answer]] = []
    try:
        for _ in range(min(n_workers, len(jobs))):
            team.append(_Worker(work))
            team[-1].begin(waiting.popleft())
        while busy := {worker.connection: worker for worker in team if worker.job}:
            for connection in wait(list(busy)):
                worker = busy[cast("Connection", connection)]
                [job], answer = worker.job, worker.answer()
                if answer is None:
                    worker.stop()
                    team[team.index(worker)] = worker = _Worker(work)
                if waiting:
                    worker.begin(waiting.popleft())
                yield job, answer
    finally:
        for worker in team:
            worker.stop()


class _Worker(Generic[Job, Answer]):
    """A process from the outside."""

    def __init__(self, work: Callable[[Job], Answer]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.job: tuple[Job, ...] = ()
        with _one_thread():
            self._process = context.Process(target=_serve, args=(theirs, work))
            self._process.start()
        theirs.close()

    def begin(self, job: Job) -> None:
        self.job = (job,)
        with suppress(BrokenPipeError):  # it died while idle: no answer will come
            self.connection.send(job)

    def answer(self) -> Answer | None:
        self.job = ()
        try:
            return cast("Answer", self.connection.recv())
        except (EOFError, ConnectionResetError):
            return None

    def stop(self) -> None:
        """End it, and whatever it started."""
        assert self._process.pid is not None
        with suppress(ProcessLookupError):  # it leads no group yet, or all of it ended
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self.connection.close()


def _serve(connection: Connection, work: Callable[[Job], Answer]) -> None:
    """Answer until the other side is gone; a group of its own keeps Ctrl-C for the runner."""
    os.setpgid(0, 0)
    with suppress(EOFError, ConnectionResetError, BrokenPipeError):
        while True:
            connection.send(work(connection.recv()))


@contextmanager
def _one_thread() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
