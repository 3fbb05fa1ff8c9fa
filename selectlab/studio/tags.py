"""Named lists of samples, in ``tags/`` of the dataset."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from selectlab.atomic import write_atomically
from selectlab.campaigns.element_names import sample_of
from selectlab.errors import ConfigError, DataError
from selectlab.inputs.folder import BUCKET
from selectlab.inputs.sample_ids import unique_id_lines

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

How = Literal["new", "add", "replace"]
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")
_EVERYTHING = "initial-tag"
_writing = threading.Lock()


def write_tag(dataset: Dataset, name: str, ids: Sequence[str], how: How = "new") -> list[str]:
    """Write a tag, ``tags/NAME.txt``, whole or not at all.

    Args:
        dataset: The dataset, in a local folder.
        name: What to call it.
        ids: Its samples; objects (``ID#NUMBER``) stand for theirs.
        how: ``"new"`` for a tag that is not there yet; ``"add"`` to what it holds; ``"replace"``.

    Returns:
        The samples that the tag holds now.

    Raises:
        ConfigError: The name is no plain one.
        DataError: There is a tag of this name, a sample is unknown, or it cannot be written.
    """
    name = name.strip()
    if not _PLAIN.fullmatch(name) or name.endswith(".") or name == _EVERYTHING:
        raise ConfigError(
            f"tag: expected letters, digits, blanks and . _ - with a letter first, got {name!r}"
        )
    known = dataset.rows
    wanted = [one if one in known else sample_of(one) for one in ids]
    if not wanted:
        raise DataError(f"tag {name!r}: expected at least one sample")
    for one in wanted:
        if one not in known:
            raise DataError(f"tag {name!r}: {one!r}: no such sample")
    path = _folder(dataset) / f"{name}.txt"
    with _writing:
        there = path.exists()
        if there and how == "new":
            raise DataError(f"tag {name!r}: there is one of this name; add to it, or replace it")
        try:
            held = unique_id_lines(path.read_bytes(), str(path)) if there and how == "add" else []
            found = list(dict.fromkeys([*held, *wanted]))
            write_atomically(path, "".join(f"{one}\n" for one in found))
        except OSError as error:
            raise DataError(f"{path}: cannot be written: {error.strerror or error}") from None
    return found


def _folder(dataset: Dataset) -> Path:
    """Return where tags lie: where some are, else with the other files of the dataset."""
    where = dataset.source.where
    root = Path(where).expanduser()
    if "://" in where or not root.is_dir():
        raise DataError(f"{where}: tags are written into a local folder, and this is none")
    bucket = root / BUCKET
    there = any((bucket / "tags").glob("*"))
    inside = there or (bucket.is_dir() and not (root / "tags").is_dir())
    return (bucket if inside else root) / "tags"
