"""The workers of the run in progress, if it has some."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from selectlab.cluster.executor import Executor
from selectlab.errors import ConfigError, did_you_mean
from selectlab.threads import n_cores

ENGINES = ("local", "process", "ray")
MOST_PROCESSES = 256
"""More worker processes than this are refused on one machine, unless it has more cores."""

_current: ContextVar[Executor[Any] | None] = ContextVar("selectlab_workers", default=None)


def current() -> Executor[Any] | None:
    """Return the workers of the run in progress; ``None`` where this process does all."""
    return _current.get()


def check(engine: str, workers: int | None) -> None:
    """Refuse an engine that does not exist, and workers where there are none.

    Raises:
        ConfigError: As described.
    """
    if engine not in ENGINES:
        raise ConfigError(f"engine: nothing is called {engine!r}{did_you_mean(engine, ENGINES)}")
    if workers is not None and engine == "local":
        raise ConfigError(
            "workers: the local engine has threads, as many as OMP_NUM_THREADS says; workers go "
            "with engine 'process' or 'ray'"
        )
    if workers is not None and workers < 1:
        raise ConfigError(f"workers: must be at least 1, got {workers}")
    most = max(MOST_PROCESSES, n_cores())
    if engine == "process" and workers is not None and workers > most:
        raise ConfigError(
            f"workers: at most {most} processes on this machine, got {workers}; one a core is "
            f"enough ({n_cores()} here)"
        )


@contextmanager
def running(
    engine: str, workers: int | None, make: Callable[[int], Any]
) -> Iterator[Executor[Any] | None]:
    """Hold workers for a run; they start when something is given to them, and end with it.

    With ``"local"`` those that the caller holds are used, if any.

    Args:
        engine: ``"local"``, ``"process"`` or ``"ray"``.
        workers: How many; ``None`` for one a core.
        make: Makes a worker, in its process, from its number of threads.

    Raises:
        ConfigError: The engine does not exist.
        MissingExtraError: It is not installed.
    """
    check(engine, workers)
    if engine == "local":
        yield current()
        return
    executor: Executor[Any]
    if engine == "process":
        from selectlab.cluster.process_executor import ProcessExecutor

        executor = ProcessExecutor(workers, make)
    else:
        from selectlab.cluster.ray_executor import RayExecutor

        executor = RayExecutor(workers, make)
    try:
        with using(executor):
            yield executor
    finally:
        executor.stop()


@contextmanager
def using(executor: Executor[Any]) -> Iterator[None]:
    """Let runs inside go to workers that are there, without starting or ending any."""
    token = _current.set(executor)
    try:
        yield
    finally:
        _current.reset(token)
