"""Where the videos lie that samples are frames of: the dataset, or where videos.json says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from selectlab.atomic import write_atomically
from selectlab.errors import DataError
from selectlab.inputs.files import parse_json
from selectlab.inputs.folder import BUCKET
from selectlab.memory import MemorySource

if TYPE_CHECKING:
    from selectlab.columns import Source

LISTING = "videos.json"
"""A list of folders, relative ones from the dataset."""


def video_folders(source: Source) -> tuple[Path, ...]:
    """Return the folders in which the videos of a dataset lie, itself first.

    A dataset in memory or behind a URL has none.

    Raises:
        DataError: videos.json is no list of folders.
    """
    if isinstance(source, MemorySource) or "://" in source.where:
        return ()
    root = Path(source.where).expanduser()
    return (root, *(root / folder for folder in _listed(root)))


def find_video(folders: Sequence[Path], name: str) -> Path | None:
    """Return the first video of a name that is in one of some folders.

    Args:
        folders: Where to look, in order.
        name: Its path in there; one that leads out is not followed.
    """
    if Path(name).is_absolute() or ".." in Path(name).parts:
        return None
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def remember_videos(root: Path, videos: Iterable[tuple[str, Path]]) -> None:
    """Note in a dataset where videos lie that are not in it.

    Args:
        root: The dataset, a local folder.
        videos: Names of videos, as the ids of their frames have them, and their paths.

    Raises:
        DataError: videos.json is no list of folders.
        OSError: It cannot be written.
    """
    listed = _listed(root)
    known = {os.path.realpath(root / folder) for folder in ("", *listed)}
    added = []
    for name, path in videos:
        folder = _folder_of(name, path)
        if folder is not None and os.path.realpath(folder) not in known:
            known.add(os.path.realpath(folder))
            added.append(_relative(folder, root))
    if added:
        write_atomically(_place(root), json.dumps([*listed, *added], ensure_ascii=False) + "\n")


def _folder_of(name: str, path: Path) -> Path | None:
    """Return the folder in which a path is called ``name``, if there is one."""
    absolute = Path(os.path.abspath(path))
    parts = Path(name).parts
    return absolute.parents[len(parts) - 1] if absolute.parts[-len(parts) :] == parts else None


def _relative(folder: Path, root: Path) -> str:
    try:
        return Path(os.path.relpath(folder, os.path.realpath(root))).as_posix()
    except ValueError:  # another drive
        return folder.as_posix()


def _place(root: Path) -> Path:
    inside = root / BUCKET / LISTING
    return inside if inside.exists() else root / LISTING


def _listed(root: Path) -> list[str]:
    place = _place(root)
    if not place.is_file():
        return []
    found = parse_json(place.read_bytes(), str(place))
    if not isinstance(found, list) or not all(isinstance(folder, str) for folder in found):
        raise DataError(f'{place}: must be a list of folders with videos, such as ["../videos"]')
    return found
