"""Workers that are processes of this machine, one process pool of one process each."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from selectlab.cluster.executor import Executor, Failure, Request, WorkerLostError
from selectlab.errors import DataError, EngineError
from selectlab.row_files import RowFile
from selectlab.threads import n_cores

Answer: TypeAlias = "list[Any] | Failure"
Serve: TypeAlias = Callable[[Sequence[Request]], Answer]
_BLOCK_BYTES = 1 << 22


class ProcessExecutor(Executor["Future[Answer]"]):
    """Processes of this machine, each with its share of the cores.

    Args:
        n_workers: How many; ``None`` for one a core.
        make: Makes what answers requests, in the worker, from the number of threads.
    """

    engine = "process"

    def __init__(self, n_workers: int | None, make: Callable[[int], Serve]) -> None:
        super().__init__(n_workers or n_cores())
        self._make = make
        self._pools: dict[int, ProcessPoolExecutor] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._n_stored = 0

    def store(self, blocks: Iterable[tuple[int, npt.NDArray[Any]]], dimension: int) -> FileParts:
        """Write rows to a scratch file of this run."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="selectlab-")
        path = os.path.join(self._folder.name, f"{self._n_stored}.rows")
        self._n_stored += 1
        n_rows, dtype = 0, np.dtype(np.float32)
        try:
            with open(path, "wb", buffering=0) as file:
                for _, block in blocks:
                    dtype = block.dtype
                    step = max(1, _BLOCK_BYTES // max(1, dimension * dtype.itemsize))
                    for at in range(0, len(block), step):
                        part = np.ascontiguousarray(block[at : at + step])
                        _write_all(file, part.reshape(-1).view(np.uint8).data)
                    n_rows += len(block)
        except OSError as error:
            raise DataError(
                f"{self._folder.name}: vectors cannot be written there for the workers, "
                f"{error.strerror}; set TMPDIR to a folder that has room"
            ) from None
        return FileParts(path, (n_rows, dimension), dtype)

    def _open(self) -> None:
        """Nothing to make ready."""

    def _spawn(self, worker: int) -> None:
        from multiprocessing import get_context

        n_threads = max(1, n_cores() // self.n_workers)
        try:
            self._pools[worker] = ProcessPoolExecutor(
                1, get_context("spawn"), _begin, (self._make, n_threads)
            )
        except OSError as error:
            raise self._cannot_start(worker, error) from error

    def _send(self, worker: int, requests: Sequence[Request]) -> Future[Answer]:
        try:
            return self._pools[worker].submit(_serve, requests)
        except BrokenProcessPool as error:
            raise WorkerLostError from error
        except OSError as error:
            raise self._cannot_start(worker, error) from error

    def _cannot_start(self, worker: int, error: OSError) -> EngineError:
        return EngineError(
            f"engine 'process': worker {worker + 1} of {self.n_workers} cannot be started: "
            f"{error.strerror or error}; give fewer --workers"
        )

    def _receive(self, handle: Future[Answer]) -> Answer:
        try:
            return handle.result()
        except BrokenProcessPool as error:
            raise WorkerLostError from error

    def _discard(self, worker: int) -> None:
        self._pools.pop(worker).shutdown(wait=True, cancel_futures=True)

    def _close(self) -> None:
        for pool in self._pools.values():
            _end(pool)
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)
        self._pools.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _advice(self) -> str:
        if _main_runs_when_imported():
            return (
                "; a script that uses it starts its work below `if __name__ == '__main__':`, "
                "since every worker imports it"
            )
        return super()._advice()


@dataclass(frozen=True)
class FileParts:
    """Rows of a scratch file, as any process of this machine reads them.

    Attributes:
        path: The file.
        shape: Rows and columns.
        dtype: Type of the numbers.
    """

    path: str
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    cuts: Sequence[int] = ()

    def blocks(self, start: int, stop: int) -> Iterable[tuple[int, npt.NDArray[Any]]]:
        """Yield rows, a few MB at a time."""
        file = RowFile.open(self.path, self.path, 0, self.shape, self.dtype)
        step = max(1, _BLOCK_BYTES // max(1, file.row_bytes))
        for at in range(start, stop, step):
            rows = np.empty((min(step, stop - at), self.shape[1]), dtype=self.dtype)
            file.read(at, rows)
            yield at, rows


_served: Serve | None = None


def _begin(make: Callable[[int], Serve], n_threads: int) -> None:
    """Make a worker of this process; it ends with the process that started it."""
    global _served
    from multiprocessing import parent_process

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(0)

        threading.Thread(target=follow, daemon=True).start()
    _served = make(n_threads)


def _serve(requests: Sequence[Request]) -> Answer:
    if _served is None:
        raise EngineError("this process is no worker")
    return _served(requests)


def _end(pool: ProcessPoolExecutor) -> None:
    """End a worker at once, whatever it does; without this, ask it and wait."""
    end = getattr(pool, "terminate_workers", None)
    if end is not None:
        end()
        return
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.terminate()


def _write_all(file: Any, view: memoryview) -> None:
    while view:
        view = view[file.write(view) :]


def _main_runs_when_imported() -> bool:
    """Return whether the main program is a script without the usual guard."""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    if path is None or not path.endswith(".py"):
        return False
    try:
        with open(path, encoding="utf-8") as file:
            return "__main__" not in file.read()
    except (OSError, UnicodeDecodeError):
        return False
