"""What was selected before a run: ids, and what strategies left for the next round."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from selectlab.config import read_json
from selectlab.errors import DataError
from selectlab.selection import Selection
from selectlab.writers import MANIFEST, PICKS


@dataclass(frozen=True)
class Earlier:
    """Earlier selections.

    Attributes:
        ids: What is selected already, each once, in rank order.
        states: What a strategy left for the next round, by its label.
    """

    ids: Sequence[str] = ()
    states: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_earlier(source: Any) -> Earlier:
    """Return earlier selections from whatever the user has of them.

    Args:
        source: ``None``, ids, a :class:`Selection`, the path of a text file with one id a line,
            or of the folder of an earlier run, or a list of such paths.

    Raises:
        DataError: A file cannot be read, or the source is none of these.
    """
    match source:
        case None:
            return Earlier()
        case Earlier():
            return source
        case Selection():
            return Earlier(source.all_ids, states_of(source.manifest))
        case str() | os.PathLike():
            return _read(Path(source))
        case Iterable():
            return _union(list(source))
        case _:
            raise DataError(
                "preselected: expected ids, an earlier selection or a path, "
                f"got {type(source).__name__}"
            )


def _union(members: list[Any]) -> Earlier:
    ids: list[str] = []
    states: dict[str, Mapping[str, Any]] = {}
    for member in members:
        if isinstance(member, os.PathLike):
            found = _read(Path(member))
            ids += found.ids
            states |= found.states
        elif isinstance(member, str):
            ids.append(member)
        else:
            raise DataError(f"preselected: ids are text, got {member!r}")
    return Earlier(tuple(dict.fromkeys(ids)), states)


def _read(path: Path) -> Earlier:
    from selectlab.inputs.sample_ids import unique_id_lines

    try:
        if not path.is_dir():
            return Earlier(unique_id_lines(path.read_bytes(), str(path)))
        run = read_json(path / PICKS)
        ids = [*run["preselected"], *(pick["sample_id"] for pick in run["selected"])]
        manifest = path / MANIFEST
        return Earlier(ids, states_of(read_json(manifest)) if manifest.exists() else {})
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: its {PICKS} is not one that a run has written") from error


def states_of(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what the strategies of a run left for the next one, by their labels."""
    listed = manifest.get("strategies", ())
    return {part["label"]: part["state"] for part in listed if part.get("state")}
