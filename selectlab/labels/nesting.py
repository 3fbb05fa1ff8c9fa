"""How deep JSON is nested: what is nested absurdly deep takes readers for ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Any

import numpy as np

from selectlab.errors import DataError

DEEPEST = 100
"""Objects and lists within each other; no tool comes near."""

_PIECE = 1 << 20


def may_be_deep(file: IO[bytes]) -> bool:
    """Return whether a file has to be watched while it is read; a quick look at its brackets.

    Those in texts count too, so a file that is all right may have to be watched.

    Args:
        file: Read to its end.
    """
    level = lowest = 0
    while piece := file.read(_PIECE):
        raw = np.frombuffer(piece, dtype=np.uint8)
        opened = ((raw == ord("[")) | (raw == ord("{"))).astype(np.int8)
        closed = ((raw == ord("]")) | (raw == ord("}"))).astype(np.int8)
        levels = level + np.cumsum(opened - closed, dtype=np.int64)
        floor = np.minimum.accumulate(np.minimum(levels, lowest))
        if int((levels - floor).max()) > DEEPEST:
            return True
        level, lowest = int(levels[-1]), int(floor[-1])
    return False


def shallow(events: Iterable[tuple[str, Any]], where: str) -> Iterator[tuple[str, Any]]:
    """Pass on events of ijson until they go too deep.

    Args:
        events: As ``ijson.basic_parse`` gives them.
        where: The file, for messages.

    Raises:
        DataError: They do.
    """
    depth = 0
    for event in events:
        if event[0] in ("start_map", "start_array"):
            depth += 1
            if depth > DEEPEST:
                raise DataError(f"{where}: is nested deeper than {DEEPEST}; no tool exports that")
        elif event[0] in ("end_map", "end_array"):
            depth -= 1
        yield event
