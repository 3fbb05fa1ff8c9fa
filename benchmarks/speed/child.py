"""The process of one contestant: loads arrays, then answers timed calls, one JSON line each.

Runs in the contestant's own environment, so it needs nothing but Python and numpy. Commands come
on standard input, replies go to what standard output was at the start; whatever a contestant
prints goes to standard error.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import resource
import sys
import time
from typing import Any

import numpy as np


def main(path: str) -> None:
    """Answer commands until there are none."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    contestant = _Contestant(path)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            reply = getattr(contestant, command.pop("do"))(**command)
        except MemoryError as error:
            reply = {"error": f"out of memory: {error}"}
        except Exception as error:  # whatever a program does must not end the race
            reply = {"error": f"{type(error).__name__}: {error}"[:500]}
        print(json.dumps(reply, default=str), file=replies, flush=True)


class _Contestant:
    def __init__(self, path: str) -> None:
        spec = importlib.util.spec_from_file_location("contestant", path)
        assert spec is not None
        assert spec.loader is not None
        self._module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._module)
        self._arrays: dict[str, Any] = {}
        self._parameters: dict[str, Any] = {}
        self._task = ""

    def about(self) -> dict[str, Any]:
        """Say why it cannot run, if it cannot, and with which versions it does."""
        from importlib import metadata

        found = {"python": sys.version.split()[0]}
        for name in self._module.PACKAGES:
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
        why = getattr(self._module, "unavailable", lambda: None)()
        return {"unavailable": why, "versions": found}

    def load(self, task: str, files: dict[str, str], parameters: dict[str, Any]) -> dict[str, Any]:
        """Read the arrays of a problem into memory, except those meant to stay on disk."""
        limit = parameters.get("memory_limit")
        if limit:
            resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))
        self._arrays.clear()
        gc.collect()
        on_disk = parameters.get("on_disk", ())
        arrays = {n: path if n in on_disk else np.load(path) for n, path in files.items()}
        prepare = getattr(self._module, f"prepared_{task}", None)
        self._arrays = prepare(arrays, parameters) if prepare else arrays
        self._task, self._parameters = task, parameters
        return {"loaded": True}

    def run(self, answer: str) -> dict[str, Any]:
        """Make the timed call and save what it returns."""
        solve = getattr(self._module, self._task)
        gc.collect()
        before, read = _peak_bytes(), _bytes_read()
        start = time.perf_counter()
        found = solve(self._arrays, self._parameters)
        seconds = time.perf_counter() - start
        grown, read = _peak_bytes() - before, _bytes_read() - read
        rows, facts = found if isinstance(found, tuple) else (found, {})
        np.save(answer, np.asarray(rows))
        return {
            "seconds": seconds,
            "memory": grown,
            "read": read,
            "resident": _peak_bytes(),
            "facts": facts,
        }


def _peak_bytes() -> int:
    """Return the most memory that this process ever had resident.

    ru_maxrss would start with that of the process that started this one.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _bytes_read() -> int:
    """Return what was read so far, by calls or into maps; 0 where the system does not tell."""
    try:
        with open("/proc/self/io", encoding="ascii") as status:
            counts = dict(line.split(": ") for line in status)
    except OSError:
        return 0
    return max(int(counts["rchar"]), int(counts["read_bytes"]))


if __name__ == "__main__":
    del sys.path[0]  # nothing of this folder may be imported instead of a package
    main(sys.argv[1])
