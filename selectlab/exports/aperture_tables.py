"""CSV files of rows, written as a stream."""

from __future__ import annotations

import csv
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from selectlab.errors import DataError
from selectlab.exports.aperture_layout import SOURCES, Layout, Row, is_read_as_text
from selectlab.tally import Tally

_GUESSED = "texts that the client reads as numbers, or as nothing"
_PREFIX = "give the ids a prefix, such as prefix=mine/"
_PUSH = "'selectlab aperturedb push' does without CSV"


class Tables:
    """The CSV files of a folder; to be used in a ``with`` statement.

    A file is there once it has a row. The client guesses the types of columns: what it must not
    take for a number is refused here.

    Args:
        folder: Where they go.
        layout: Tells the property that identifies images.
        tally: Counts what the client will read otherwise.
    """

    def __init__(self, folder: Path, layout: Layout, tally: Tally) -> None:
        self._folder, self._tally, self._open = folder, tally, ExitStack()
        ids = (layout.key, f"constraint_{layout.key}", f"_Image@{layout.key}")
        names = (*SOURCES, "task", "_label", "name", "set")
        self._strict = {**dict.fromkeys(ids, _PREFIX), **dict.fromkeys(names, _PUSH)}
        self._known: dict[str, _Table | _GrowingTable] = {}

    def __enter__(self) -> Tables:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._open:
            for table in self._known.values() if error is None else ():
                table.finish()

    def add(self, name: str, row: Row, where: str) -> None:
        """Write a row to a file whose rows all have the same columns.

        Raises:
            DataError: The client would take an id, a category or a place for a number.
        """
        self._check(row, where)
        if name not in self._known:
            self._known[name] = _Table(self._opened(name), list(row))
        self._known[name].add(row)

    def add_growing(self, name: str, row: Row, where: str) -> None:
        """Write a row to a file whose rows may bring further columns.

        Raises:
            DataError: As :meth:`add`.
        """
        self._check(row, where)
        if name not in self._known:
            spool = self._open.enter_context(
                tempfile.TemporaryFile("w+", encoding="ascii", dir=self._folder)  # noqa: SIM115
            )
            self._known[name] = _GrowingTable(self._opened(name), spool)
        self._known[name].add(row)

    def _opened(self, name: str) -> IO[str]:
        path = self._folder / name
        return self._open.enter_context(path.open("x", encoding="utf-8", newline=""))

    def _check(self, row: Row, where: str) -> None:
        for column, cell in row.items():
            if not isinstance(cell, str) or not cell or is_read_as_text(cell):
                continue
            if column in self._strict:
                hint = self._strict[column]
                raise DataError(f"{where}: the client would not read {cell!r} as text; {hint}")
            self._tally.add(_GUESSED, where)


class _Table:
    """A CSV file with columns that are known."""

    def __init__(self, file: IO[str], columns: list[str]) -> None:
        self._columns, self._lines = columns, csv.writer(file)  # "\r\n", so that both are quoted
        self._lines.writerow(columns)

    def add(self, row: Row) -> None:
        self._lines.writerow([row[column] for column in self._columns])

    def finish(self) -> None:
        """Nothing is left to do."""


class _GrowingTable:
    """A CSV file whose columns are known at the end; the rows lie in another file until then."""

    def __init__(self, file: IO[str], spool: IO[str]) -> None:
        self._file, self._spool = file, spool
        self._columns: dict[str, None] = {}

    def add(self, row: Row) -> None:
        self._columns.update(dict.fromkeys(row))
        self._spool.write(json.dumps(row) + "\n")

    def finish(self) -> None:
        table = _Table(self._file, list(self._columns))
        self._spool.seek(0)
        for line in self._spool:
            row: dict[str, Any] = json.loads(line)
            table.add({column: row.get(column) for column in self._columns})
