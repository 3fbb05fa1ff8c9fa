"""Writing ranked samples in a format: all of it in its place, or nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selectlab import registry
from selectlab.errors import ConfigError, DataError, did_you_mean
from selectlab.exports.items import Items
from selectlab.exports.workplace import OLD, workplace
from selectlab.exports.writer import Writer
from selectlab.inputs.sample_ids import is_image
from selectlab.validation import complaint
from selectlab.writers import swap

_CACHE = ".cache"

MARK = ".selectlab-export.json"
"""Lies in every exported folder: what is in it, and since when."""


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        path: File or folder.
        n_items: How many samples.
        notes: What the user should know, one line each.
    """

    path: Path
    n_items: int
    notes: tuple[str, ...]


def writer_of(name: str, options: Mapping[str, str] | None = None) -> Writer:
    """Return a writer by the name of its format.

    Args:
        name: Such as ``"coco"``; see :func:`selectlab.registry.writers`.
        options: Its options as text, as on a command line; lists and objects as JSON.

    Raises:
        ConfigError: There is no such format or option, or a value does not fit.

    Example:
        >>> writer_of("list")
        List(type='list')
    """
    from pydantic import ValidationError

    cls: type[Writer] = registry.writers()[format_called(name)].cls
    given = {key: _structured(value) for key, value in (options or {}).items()}
    try:
        return cls.model_validate_strings(given, strict=False)
    except ValidationError as error:
        raise complaint(cls, error, f"format {name}") from None


def format_called(name: str, others: Iterable[str] = ()) -> str:
    """Return the name of a format; ``label-studio`` is ``label_studio``.

    Args:
        name: What the user calls it.
        others: What else may be meant.

    Raises:
        ConfigError: There is none.
    """
    known = [*registry.writers(), *others]
    plain = name.replace("-", "_")
    if plain not in known:
        raise ConfigError(f"format: nothing is called {name!r}{did_you_mean(name, known)}")
    return plain


def _structured(text: str) -> Any:
    """Return JSON lists and objects with texts in them, anything else as it is."""
    if text[:1] not in ("[", "{"):
        return text
    try:
        return json.loads(text, parse_int=str, parse_float=str)
    except ValueError:
        return text


TABLES = ("csv", "json", "jsonl", "list", "parquet")
"""Formats that the ending of a file tells."""


def format_named(path: Path) -> str | None:
    """Return the format that the ending of a file tells, if it does.

    Example:
        >>> format_named(Path("todo.csv")), format_named(Path("todo"))
        ('csv', None)
    """
    known = registry.writers()
    return next((name for name in TABLES if known[name].cls.ending == path.suffix), None)


def export(
    items: Items, to: str | os.PathLike[str], writer: Writer, *, overwrite: bool = False
) -> Written:
    """Write ranked samples to a file or folder, whole or not at all.

    Everything is made under a temporary name beside ``to`` first. What is left there of exports to
    the same place that were killed is removed. A link to a folder stays, and the folder is written.

    Args:
        items: What to write.
        to: File, or folder to make, as the format has it.
        writer: The format.
        overwrite: Replace a file, or what an earlier export made of a folder.

    Raises:
        ConfigError: Something is there and may not be replaced.
        DataError: The format cannot say it, or the place cannot be written.
    """
    target = Path(to)
    check_place(target, writer, overwrite=overwrite)
    place = _followed(target)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with workplace(place) as at:
            fresh = at / f"export{writer.ending}"
            notes = writer.write(items, fresh)
            if fresh.is_dir():
                _mark(fresh, writer, items)
            swap(fresh, place, at / OLD)
    except OSError as error:
        raise DataError(f"{target}: cannot be written: {error.strerror or error}") from error
    return Written(target, len(items), (*notes, *getattr(items, "notes", ())))


def check_place(target: Path, writer: Writer, *, overwrite: bool = False) -> None:
    """Refuse a place that cannot take an export, before any work is done.

    Raises:
        ConfigError: Something is there that may not be replaced, or the place is no place.
    """
    try:
        if target.exists() or target.is_symlink():
            _check_there(target, writer, overwrite)
        _check_parent(_followed(target), target)
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror or error}") from None


def _check_there(target: Path, writer: Writer, overwrite: bool) -> None:
    """Refuse what is there unless it may be replaced."""
    if writer.ending and not target.is_dir():
        if not overwrite:
            raise ConfigError(f"{target}: is there already; choose another name, or --overwrite")
        return
    if writer.ending or not target.is_dir():
        is_what, wanted = ("folder", "file") if target.is_dir() else ("file", "folder")
        raise ConfigError(f"{target}: is a {is_what}; {writer.type!r} writes a {wanted}")
    listed = sorted(path.name for path in target.iterdir())
    if not listed:
        return
    if MARK not in listed:
        raise ConfigError(
            f"{target}: holds files but no {MARK}, so it is no earlier export, such as "
            f"{listed[0]!r}; choose another folder"
        )
    if not overwrite:
        raise ConfigError(
            f"{target}: holds an earlier export; choose another folder, or --overwrite it"
        )
    changed = _changed_since(target)
    if changed is not None:
        raise ConfigError(
            f"{target}: {changed!r} was added or changed after the export; move what you want to "
            "keep, or remove the folder"
        )


def _changed_since(folder: Path) -> str | None:
    """Return a file that somebody changed or added after an export, if there is one.

    Images may have been placed as links, and caches are what trainers leave when they read it.
    """
    since = (folder / MARK).stat().st_mtime_ns
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or is_image(path.name):
            continue
        if path.suffix == _CACHE:
            continue
        if path.stat().st_mtime_ns > since:
            return path.relative_to(folder).as_posix()
    return None


def _followed(target: Path) -> Path:
    """Return the folder that a link leads to; anything else as it is."""
    return target.resolve() if target.is_symlink() and target.is_dir() else target


def _check_parent(place: Path, target: Path) -> None:
    parent = place.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise ConfigError(f"{target}: cannot be written: {parent} is no folder")
    if not os.access(parent, os.W_OK):
        raise ConfigError(f"{target}: cannot be written: {parent} is read-only")


def _mark(folder: Path, writer: Writer, items: Items) -> None:
    """Leave a note in a folder of what it is; the last file to be written."""
    import selectlab

    content = {
        "selectlab": selectlab.__version__,
        "format": writer.model_dump(mode="json"),
        "run": items.run,
        "name": items.name,
        "samples": len(items),
        "tasks": [task.name for task in items.tasks],
    }
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    (folder / MARK).write_text(text, encoding="utf-8")
