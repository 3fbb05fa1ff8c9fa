"""What a run may use: memory and device, held for as long as the run lasts.

The contract of inputs and strategies knows nothing of machines, so what the user allowed is
looked up here by the few modules that need it.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache

from selectlab.errors import ConfigError

_M_ARENA_MAX = -8
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", re.IGNORECASE)
_DEVICE = re.compile(r"cpu|torch|cuda(?::(\d+))?")


@dataclass(frozen=True)
class Resources:
    """What a run may use.

    Attributes:
        memory: Most memory in bytes; ``None`` for no limit.
        device: Where matrix products run: ``"cpu"`` is numpy; anything else is the name of a
            torch device, such as ``"cuda"`` or ``"cuda:1"`` (``"torch"`` is torch on the CPU).
        pool_rows: Rows that the engine keeps close at hand; ``None``: by the number of rows.
            The picks do not depend on it.
        core_rows: Rows that the engine follows at every pick, likewise.
    """

    memory: int | None = None
    device: str = "cpu"
    pool_rows: int | None = None
    core_rows: int | None = None


_current: ContextVar[Resources | None] = ContextVar("selectlab_resources", default=None)


def current() -> Resources:
    """Return what the run in progress may use; everything on the CPU outside of a run."""
    return _current.get() or Resources()


@contextmanager
def using(resources: Resources) -> Iterator[None]:
    """Hold the resources of a run."""
    if resources.memory is not None:
        _spare_addresses()
    token = _current.set(resources)
    try:
        yield
    finally:
        _current.reset(token)


@cache
def _spare_addresses() -> None:
    """Take no address space in reserve: a limit set from outside (``ulimit -v``) counts it.

    glibc reserves 64 MB for each thread that allocates, arrow's own allocator a GiB. Both are
    settled for as long as the process lives, so only a run with a memory limit does it.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    libc = None if sys.platform != "linux" else ctypes.CDLL(None)
    if libc is not None and hasattr(libc, "mallopt"):
        libc.mallopt(_M_ARENA_MAX, 1)


def checked_device(name: str) -> str:
    """Return the name of a device that is there.

    Raises:
        ConfigError: It is no device, or not there. torch is asked only about its own.

    Example:
        >>> checked_device("cpu")
        'cpu'
    """
    found = _DEVICE.fullmatch(name)
    if found is None:
        raise ConfigError(f"device: expected cpu, cuda, cuda:1 or torch, got {name!r}")
    if name.startswith("cuda"):
        import torch

        n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(found.group(1) or 0) >= n_devices:
            there = f"torch {torch.__version__} sees {n_devices} CUDA devices"
            raise ConfigError(f"device: {name!r} is not there; {there}")
    return name


def parse_memory(text: str) -> int:
    """Return a number of bytes from ``2GB``, ``500 MB``, ``1.5GiB`` or ``1000000``.

    Raises:
        ConfigError: It is no size, or zero.

    Example:
        >>> parse_memory("2GB"), parse_memory("1GiB")
        (2000000000, 1073741824)
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ConfigError(f"memory: expected a size such as 2GB or 500MB, got {text!r}")
    number, unit, binary = found.groups()
    base = 1024 if binary else 1000
    factor = base ** (" KMGT".index(unit.upper()) if unit else 0)
    size = int(float(number) * factor)
    if not size:
        raise ConfigError("memory: 0 bytes is no room to work in")
    return size
