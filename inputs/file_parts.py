"""Stretches of embedding files that any process can read by itself, through a path or URL."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from selectlab.errors import DataError
from selectlab.ids import Ids
from selectlab.inputs import metadata_tables
from selectlab.inputs.files import Folder

Blocks = Iterable[tuple[int, npt.NDArray[Any]]]


class OneFile(Folder):
    """A file by its path or URL; nothing beside it is listed.

    Args:
        path: The path that messages call it by.
        uri: Its path or URL.
    """

    def __init__(self, path: str, uri: str) -> None:
        super().__init__(path, (path,))
        self._uri = uri

    def read_batch(self, paths: Sequence[str]) -> Iterable[bytes]:
        """Return its content."""
        return map(self.read, paths)

    def open(self, path: str) -> IO[bytes]:
        """Open it for reading."""
        try:
            if "://" not in self._uri and "::" not in self._uri:
                return open(self._uri, "rb")
            from fsspec.core import url_to_fs

            fs, root = url_to_fs(self._uri)
            file: IO[bytes] = fs.open(root, "rb")
        except Exception as error:  # every driver raises its own kind
            what = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
            raise DataError(
                f"{path}: a worker cannot read {self._uri}, {what.splitlines()[0]}; all machines "
                "of a cluster need the dataset at this path or URL"
            ) from None
        return file

    def uri(self, path: str) -> str:
        """Return its path or URL."""
        return self._uri

    @property
    def local_root(self) -> str | None:
        """The folder it lies in, where that is on this machine."""
        return None if "://" in self._uri or "::" in self._uri else os.path.dirname(self._uri)


@dataclass(frozen=True)
class ParquetParts:
    """The vectors of a parquet file.

    Attributes:
        path: The file, for messages.
        uri: Its path or URL.
        dimension: D.
        cuts: First rows of its row groups.
    """

    path: str
    uri: str
    dimension: int
    cuts: Sequence[int]

    def blocks(self, start: int, stop: int) -> Blocks:
        """Yield rows ``start`` to ``stop``, a batch at a time; other row groups are not read."""
        from selectlab.inputs.embedding_files import parquet_blocks

        folder = OneFile(self.path, self.uri)
        first = int(np.searchsorted(self.cuts, start, side="right")) - 1
        last = int(np.searchsorted(self.cuts, stop, side="left"))
        if start >= stop:
            return
        at = self.cuts[first]
        groups = list(range(first, last))
        ids = _IdsOf(folder, self.path, at)
        for offset, block in parquet_blocks(folder, self.path, self.dimension, ids, groups):
            begin = at + offset
            low, high = max(start - begin, 0), min(stop - begin, len(block))
            if low < high:
                yield begin + low, block[low:high]
            if begin + len(block) >= stop:
                return


class _IdsOf:
    """The ids of a parquet file from some row on, read when a message needs one."""

    def __init__(self, folder: Folder, path: str, first: int) -> None:
        self._folder, self._path, self._first = folder, path, first

    @cached_property
    def _ids(self) -> Ids:
        return metadata_tables.table_ids(self._folder, self._path)

    def __getitem__(self, row: int) -> str:
        return self._ids[self._first + row]


@dataclass(frozen=True)
class NpyParts:
    """The rows of an .npy file that is stored row by row.

    Attributes:
        path: The file, for messages.
        uri: Its path or URL.
    """

    path: str
    uri: str
    cuts: Sequence[int] = ()

    def blocks(self, start: int, stop: int) -> Blocks:
        """Yield rows ``start`` to ``stop``, some MB at a time."""
        from selectlab.inputs.array_files import npy_matrix

        return npy_matrix(OneFile(self.path, self.uri), self.path).stretch(start, stop)
