"""Labels in a file or folder, opened by the name of their format or by what they look like."""

from __future__ import annotations

from pathlib import Path

from selectlab import registry
from selectlab.errors import ConfigError, DataError, did_you_mean
from selectlab.labels.label import LabelFile

_BY_SUFFIX = {".xml": "cvat", ".zip": "cvat", ".yaml": "yolo", ".yml": "yolo", ".txt": "yolo"}
_BY_FIRST = {"[": "label-studio", "{": "coco"}
_BY_MEMBER = {"annotations.xml": "cvat", "annotations.json": "coco"}
_HEAD = 4096


def open_labels(path: Path, form: str | None = None) -> LabelFile:
    """Open labels that a tool has exported.

    Args:
        path: File or folder.
        form: Name of the format, see :func:`selectlab.registry.label_readers`; told from the
            file where ``None``.

    Raises:
        ConfigError: There is no such format, or the file does not tell its format.
        DataError: The file is not there, or is of another format.
    """
    readers = registry.label_readers()
    name = told_by(path) if form is None else form
    if name not in readers:
        raise ConfigError(f"format: nothing is called {name!r}{did_you_mean(name, readers)}")
    return readers[name].read(path)


def told_by(path: Path) -> str:
    """Return the format that a file or folder looks like.

    Raises:
        ConfigError: It looks like none.
        DataError: It is not there, or cannot be read.
    """
    try:
        if path.is_dir():
            members = {member.name for member in path.iterdir()}
            return next((form for name, form in _BY_MEMBER.items() if name in members), "yolo")
        with path.open("rb") as file:
            head = file.read(_HEAD).decode("utf-8-sig", "replace").lstrip()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    form = _BY_SUFFIX.get(path.suffix.lower()) or _BY_FIRST.get(head[:1])
    if form is None:
        known = ", ".join(registry.label_readers())
        raise ConfigError(f"{path}: does not tell its format; say it: --format, one of {known}")
    return form
