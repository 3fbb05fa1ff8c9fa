"""Thin file access: a folder that is listed once, local or behind any fsspec URL.

Options of remote file systems come from fsspec's own configuration and from the environment:
``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID`` and so on for ``s3://``, or ``FSSPEC_S3_...``
variables and ``~/.config/fsspec/*.json`` for everything a driver accepts.
"""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

from selectlab.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    from selectlab.columns import Source

Progress = Callable[[int, int], None]

BATCH = 512
CACHE = ".selectlab"
_BOM = b"\xef\xbb\xbf"


class Folder(ABC):
    """The files below a folder, listed once.

    What is hidden (a name that starts with a dot) is no data, except ``.lightly`` at the top.

    Attributes:
        where: The folder as the user gave it, for messages.
        paths: Path of every file relative to the folder, with ``/``, sorted.
    """

    def __init__(self, where: str, paths: Iterable[str]) -> None:
        self.where = where
        self.paths: tuple[str, ...] = tuple(sorted(paths))
        self._known = frozenset(self.paths)

    def __contains__(self, path: str) -> bool:
        return path in self._known

    def under(self, folder: str) -> Sequence[str]:
        """Return the paths below a folder, sorted; ``""`` is the whole."""
        if not folder:
            return self.paths
        first = bisect_left(self.paths, f"{folder}/")
        return self.paths[first : bisect_left(self.paths, f"{folder}0", lo=first)]

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        with self.open(path) as file:
            return file.read()

    def read_json(self, path: str) -> Any:
        """Return the content of a JSON file."""
        return parse_json(self.read(path), path)

    def read_many(
        self, paths: Sequence[str], progress: Progress | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """Yield the paths with their contents, in order, reading ahead in batches."""
        for start in range(0, len(paths), BATCH):
            batch = paths[start : start + BATCH]
            yield from zip(batch, self.read_batch(batch), strict=True)
            if progress is not None:
                progress(start + len(batch), len(paths))

    @abstractmethod
    def read_batch(self, paths: Sequence[str]) -> Iterable[bytes]:
        """Return the contents of a few files, in order."""

    @abstractmethod
    def open(self, path: str) -> IO[bytes]:
        """Open a file for reading."""

    @abstractmethod
    def uri(self, path: str) -> str:
        """Return the full path or URL of a file."""

    @property
    @abstractmethod
    def local_root(self) -> str | None:
        """The folder on this machine, or ``None`` when it is remote."""


class LocalFolder(Folder):
    """A folder on this machine."""

    def __init__(self, where: str, root: str, *, deep: bool = True) -> None:
        try:
            self._root = os.path.realpath(root)
        except ValueError as error:
            raise DataError(f"{where!r}: no such folder, {error}") from None
        if not os.path.isdir(self._root):
            what = "not a folder" if os.path.exists(self._root) else "no such folder"
            raise DataError(f"{where}: {what}; a dataset is a folder or a URL of one")
        super().__init__(where, _walk(self._root, deep=deep))

    def read_batch(self, paths: Sequence[str]) -> Iterable[bytes]:
        """Return the contents one after the other; local disks need no more."""
        return map(self.read, paths)

    def open(self, path: str) -> IO[bytes]:
        """Open a file for reading."""
        try:
            return open(f"{self._root}/{path}", "rb")
        except OSError as error:
            raise DataError(f"{path}: cannot be read, {error.strerror}") from None

    def uri(self, path: str) -> str:
        """Return the absolute path of a file."""
        return os.path.join(self._root, *path.split("/"))

    @property
    def local_root(self) -> str | None:
        """The absolute path of the folder."""
        return self._root


class RemoteFolder(Folder):
    """A folder behind an fsspec URL, such as ``s3://bucket/dataset``."""

    def __init__(self, where: str, fs: Any, root: str, *, deep: bool = True) -> None:
        self._fs, self._root = fs, root.rstrip("/")
        self._url = where.rstrip("/")
        start = len(self._root) + 1
        try:
            listed = fs.find(self._root, maxdepth=None if deep else 1)
            found = [str(path)[start:] for path in listed]
        except Exception as error:  # every driver raises its own kind
            raise DataError(f"{where}: cannot be listed, {_one_line(error)}") from error
        super().__init__(where, (path for path in found if path and _visible(path)))

    def read_batch(self, paths: Sequence[str]) -> Iterable[bytes]:
        """Return the contents; the driver reads them concurrently."""
        full = {path: f"{self._root}/{path}" for path in paths}
        plain = [name for name in full.values() if not set(name) & set("*?[")]
        try:
            read = self._fs.cat(plain) if plain else {}
            return [
                read[name] if name in read else self._fs.cat_file(name) for name in full.values()
            ]
        except Exception as error:
            raise DataError(f"{self.where}: cannot be read, {_one_line(error)}") from error

    def open(self, path: str) -> IO[bytes]:
        """Open a file for reading."""
        try:
            file: IO[bytes] = self._fs.open(f"{self._root}/{path}", "rb")
        except Exception as error:
            raise DataError(f"{self.uri(path)}: cannot be read, {_one_line(error)}") from error
        return file

    def uri(self, path: str) -> str:
        """Return the URL of a file."""
        return f"{self._url}/{path}"

    @property
    def local_root(self) -> str | None:
        """A remote folder is on no machine of ours."""
        return None


def open_folder(path: str | os.PathLike[str], *, deep: bool = True) -> Folder:
    """List a local folder or an fsspec URL, with all folders below it when ``deep``.

    Raises:
        DataError: There is no such folder, or it cannot be listed.
        MissingExtraError: The driver of the URL's protocol is not installed.
    """
    where = os.fspath(path)
    if "://" not in where and "::" not in where:
        return LocalFolder(where, os.path.expanduser(where), deep=deep)
    from fsspec.core import url_to_fs

    try:
        fs, root = url_to_fs(where)
    except ImportError as error:
        protocol = where.partition("://")[0]
        hint = "pip install 'selectlab[s3]'" if protocol in ("s3", "s3a") else _one_line(error)
        raise MissingExtraError(
            f"{where}: the driver for {protocol}:// is not installed; {hint}"
        ) from None
    except Exception as error:  # every driver raises its own kind
        raise DataError(f"{where}: cannot be opened, {_one_line(error)}") from None
    if "file" in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,)):
        return LocalFolder(where, root, deep=deep)
    return RemoteFolder(where, fs, root, deep=deep)


def open_file(path: str | os.PathLike[str]) -> tuple[Folder, str]:
    """Return the folder of a single file or file URL, and the file's name in it."""
    where = os.fspath(path).replace(os.sep, "/")
    parent, slash, name = where.rpartition("/")
    folder = open_folder(parent + slash if slash else ".", deep=False)
    if name not in folder:
        raise DataError(f"{where}: no such file")
    return folder, name


def load_json(source: Any) -> tuple[Any, str]:
    """Return JSON content and its name; ``source`` is a path, a URL, or content already loaded."""
    if isinstance(source, str | os.PathLike):
        folder, name = open_file(source)
        return folder.read_json(name), name
    return source, "given"


def parse_json(data: bytes, where: str) -> Any:
    """Parse JSON.

    Raises:
        DataError: It is malformed; the message names file, line and column.
    """
    from pydantic_core import from_json

    try:
        return from_json(data.removeprefix(_BOM))
    except ValueError as error:
        raise DataError(f"{where}: malformed JSON, {_one_line(error)}") from None


def cache_folder(folder: Folder) -> str:
    """Return the local folder for what is computed from a dataset; whoever writes there makes it.

    That is ``.selectlab`` in the dataset, or a folder in the user's cache where it cannot be
    written.
    """
    if folder.local_root is not None:
        inside = os.path.join(folder.local_root, CACHE)
        if _can_be_written(inside):
            return inside
    return _user_cache(folder.local_root or folder.where.rstrip("/"))


def kept_folders(source: Source) -> tuple[str, ...]:
    """Return the local folders where things that belong to a dataset may lie, in order.

    First comes the dataset itself, also where it can only be read; then the user's cache. They need
    not be there. A dataset in memory has none.
    """
    folder = source.cache_folder()
    if folder is None or "://" in source.where:
        return () if folder is None else (folder,)
    root = os.path.realpath(os.path.expanduser(source.where))
    return tuple(dict.fromkeys((os.path.join(root, CACHE), folder, _user_cache(root))))


def kept_path(source: Source, name: str) -> str | None:
    """Return where a file that belongs to a dataset lies, else where it can be made.

    Args:
        source: The dataset's.
        name: Path of the file in the folder.

    Returns:
        The first that is there, in the dataset or the user's cache. ``None`` for a dataset in
        memory.
    """
    for folder in kept_folders(source):
        if os.path.exists(os.path.join(folder, name)):
            return os.path.join(folder, name)
    folder_now = source.cache_folder()
    return None if folder_now is None else os.path.join(folder_now, name)


def _can_be_written(folder: str) -> bool:
    """Return whether files can be put into a folder, which need not be there yet."""
    if os.path.lexists(folder):
        return os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)
    return os.access(os.path.dirname(folder), os.W_OK | os.X_OK)


def _user_cache(place: str) -> str:
    """Return the folder of a dataset, named by its path or URL, in the user's cache."""
    default = os.environ.get("LOCALAPPDATA") if os.name == "nt" else None
    base = os.environ.get("XDG_CACHE_HOME") or default or os.path.expanduser("~/.cache")
    return os.path.join(base, "selectlab", hashlib.sha256(place.encode()).hexdigest()[:16])


def _walk(root: str, *, deep: bool) -> Iterator[str]:
    """Yield the relative path of every file in ``root``, and below it when ``deep``."""
    pending = [""]
    while pending:
        below = pending.pop()
        try:
            entries = os.scandir(os.path.join(root, below))
        except OSError as error:
            raise DataError(f"{below or root}: cannot be listed, {error.strerror}") from None
        with entries:
            for entry in entries:
                path = f"{below}/{entry.name}" if below else entry.name
                if not _visible(path):
                    continue
                if deep and entry.is_symlink():
                    _refuse_outside(root, path)
                if entry.is_file():
                    yield path
                elif deep and entry.is_dir(follow_symlinks=False):
                    pending.append(path)


def _refuse_outside(root: str, path: str) -> None:
    """Refuse a symbolic link that leads out; links to folders inside are not followed."""
    target = os.path.realpath(os.path.join(root, path))
    if os.path.exists(target) and not target.startswith(os.path.join(root, "")):
        raise DataError(
            f"{path}: a symbolic link that leads out of the dataset, to {target}; "
            "move the files in, or open the folder it leads to"
        )


def _visible(path: str) -> bool:
    """Return whether no part of a path is hidden, ``.lightly`` at the top aside."""
    if not (path.startswith(".") or "/." in path):
        return True
    first, *rest = path.split("/")
    return (first == ".lightly" or not first.startswith(".")) and not any(
        name.startswith(".") for name in rest
    )


def _one_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
