"""Rows of CSV files that any reader takes apart as they were put together."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import IO, Any

_END = "\r\n"


class CsvRows:
    r"""Writes rows, each ended by ``\n``.

    Python quotes only the line ends that it writes itself, and readers take ``\r`` for one too: so
    rows are made with ``\r\n``, and it is exchanged.

    Args:
        file: Opened with ``newline=""``.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._rows = csv.writer(self, lineterminator=_END)

    def add(self, row: Iterable[Any]) -> None:
        """Write a row."""
        self._rows.writerow(row)

    def write(self, line: str) -> int:
        """Take a row as text."""
        return self._file.write(line.removesuffix(_END) + "\n")
