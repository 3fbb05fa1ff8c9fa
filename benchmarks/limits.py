"""What the machine can do at most, measured: matrix products, reading memory, reading a file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.machine import cores

_SIDE = 1536
_FLOATS = 40_000_000
_CHUNK = 8_000_000
_FILE_BYTES = 128_000_000


def limits(folder: Path) -> dict[str, Any]:
    """Return the machine's limits as JSON data; takes a few seconds.

    Args:
        folder: Where a file of 128 MB may be written for a moment.
    """
    threads = cores()
    return {
        "threads": threads,
        "sgemm_gflops": {str(n): round(_sgemm(n), 1) for n in sorted({1, threads})},
        "memory_read_gb_per_s": round(_memory_read(threads), 1),
        "disk_read_gb_per_s": round(_disk_read(folder), 2),
    }


def disk_rate(path: Path, most: int) -> float:
    """Return GB/s of reading the start of a file that is not in the page cache."""
    forget(path)
    buffer = bytearray(_CHUNK)
    done = 0
    with path.open("rb", buffering=0) as file:
        start = time.perf_counter()
        while done < most and (got := file.readinto(buffer)):
            done += got
        return done / 1e9 / (time.perf_counter() - start)


def forget(path: Path) -> None:
    """Ask the system to drop a file from the page cache, where it can be asked."""
    if not hasattr(os, "posix_fadvise"):
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def _best(work: Callable[[], object], repeats: int = 5) -> float:
    """Return the seconds of the quickest of several calls, after one that does not count."""
    work()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def _sgemm(threads: int) -> float:
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((2, _SIDE, _SIDE), dtype=np.float32)
    out = np.empty_like(left)
    with threadpool_limits(threads, user_api="blas"):
        return 2 * _SIDE**3 / 1e9 / _best(lambda: np.matmul(left, right, out=out))


def _memory_read(threads: int) -> float:
    """Dot products of an array with itself, far larger than any cache, a part per thread."""
    array = np.ones(_FLOATS, dtype=np.float32)
    parts = np.array_split(array, threads * 4)
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        return array.nbytes / 1e9 / _best(lambda: list(pool.map(lambda a: a.dot(a), parts)))


def _disk_read(folder: Path) -> float:
    path = folder / "disk-limit.bin"
    try:
        path.write_bytes(np.random.default_rng(0).bytes(_FILE_BYTES))
        return disk_rate(path, _FILE_BYTES)
    finally:
        path.unlink(missing_ok=True)
