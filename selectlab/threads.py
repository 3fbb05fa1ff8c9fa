"""Work on blocks in Python threads, each with BLAS at one thread inside.

Skinny matrix products run faster on a few threads of ours than on BLAS's own, and do not
collapse when something else runs on the machine. How many threads there are is the caller's
decision (``OMP_NUM_THREADS``, ``threadpoolctl``, CPU affinity); nothing of it is changed beyond
the call.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeVar

from selectlab import progress

Block = TypeVar("Block")
Result = TypeVar("Result")

_threads: ContextVar[int | None] = ContextVar("selectlab_threads", default=None)


def n_threads() -> int:
    """Return how many threads may be used: what BLAS was allowed, at most one a core."""
    held = _threads.get()
    return _allowed() if held is None else held


@contextmanager
def one_blas_thread() -> Iterator[int]:
    """Hold BLAS at one thread inside; restore it afterwards. Gives the number of threads.

    Nested uses cost nothing.
    """
    held = _threads.get()
    if held is not None:
        yield held
        return
    threads = _allowed()
    token = _threads.set(threads)
    try:
        with _controller().limit(limits=1, user_api="blas"):
            yield threads
    finally:
        _threads.reset(token)


def over(blocks: Sequence[Block], work: Callable[[Block], Result]) -> list[Result]:
    """Return ``work(block)`` for every block, in order, worked on by all threads.

    Give about four blocks a thread. The first exception is raised once all have stopped. Between
    blocks whoever watches may stop it; see :mod:`selectlab.progress`.
    """
    with one_blas_thread() as threads:
        several = threads > 1 and len(blocks) > 1
        pool = _pool(threads, os.getpid()) if several else None
        found = []
        for result in map(work, blocks) if pool is None else pool.map(work, blocks):
            found.append(result)
            progress.alive()
        return found


def cut(n_rows: int, block_rows: int) -> list[slice]:
    """Return consecutive slices of ``n_rows`` rows, ``block_rows`` each; the last may be shorter.

    Example:
        >>> cut(5, 2)
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(start, min(start + block_rows, n_rows)) for start in range(0, n_rows, block_rows)]


def _allowed() -> int:
    sizes = [info["num_threads"] for info in _controller().info() if info["user_api"] == "blas"]
    return max(1, min(max(sizes, default=1), n_cores()))


def n_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _controller() -> Any:
    import numpy  # noqa: F401  its BLAS must be loaded before the controller looks for it
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@cache
def _pool(threads: int, pid: int) -> ThreadPoolExecutor:
    """Return a pool that lives as long as the process; a forked child makes its own."""
    return ThreadPoolExecutor(threads, thread_name_prefix="selectlab")
