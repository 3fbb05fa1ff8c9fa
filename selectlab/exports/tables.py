"""Rankings as plain files: ids, CSV, parquet, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

from selectlab.errors import DataError
from selectlab.exports.csv_rows import CsvRows
from selectlab.exports.items import Item, Items
from selectlab.exports.rankings import plain
from selectlab.exports.writer import Writer

_GROUP = 2_500
"""Rows that are written at a time."""


class List(Writer):
    """One sample id a line, best first.

    It goes wherever selectlab takes ids: ``--preselected``, tags, campaigns.
    """

    type: Literal["list"] = "list"
    ending: ClassVar[str] = ".txt"

    def write(self, items: Items, out: Path) -> list[str]:
        """Write the file.

        Raises:
            DataError: An id would break the line.
        """
        with out.open("w", encoding="utf-8", newline="\n") as file:
            for item in items:
                if item.sample_id.splitlines() != [item.sample_id]:
                    raise DataError(
                        f"sample id {item.sample_id!r} breaks the line; a list has one id a line"
                    )
                file.write(f"{item.sample_id}\n")
        return []


class Csv(Writer):
    """A table with rank, id, score, reasons and metadata, as ``selection.csv`` of a run."""

    type: Literal["csv"] = "csv"
    ending: ClassVar[str] = ".csv"

    def write(self, items: Items, out: Path) -> list[str]:
        """Write the file; what is missing is an empty cell."""
        names = columns_of(items)
        with out.open("w", encoding="utf-8", newline="") as file:
            lines = CsvRows(file)
            lines.add(names)
            for item in items:
                row = row_of(item)
                lines.add([row.get(name) for name in names])
        return []


class Parquet(Writer):
    """The same table as parquet, a row group every 2,500 samples."""

    type: Literal["parquet"] = "parquet"
    ending: ClassVar[str] = ".parquet"

    def write(self, items: Items, out: Path) -> list[str]:
        """Write the file; a column of different kinds of values becomes text."""
        import pyarrow.parquet as pq

        schema = _schema(items)
        with pq.ParquetWriter(out, schema) as file:
            for rows in _groups(items):
                file.write_table(_table(rows, schema))
        return []


class Json(Writer):
    """One JSON object: run, name, and the samples with all that a table has of them."""

    type: Literal["json"] = "json"
    ending: ClassVar[str] = ".json"

    def write(self, items: Items, out: Path) -> list[str]:
        """Write the file, a line for each sample."""
        with out.open("w", encoding="utf-8", newline="\n") as file:
            file.write(f'{{"run": {_dumped(items.run)}, "name": {_dumped(items.name)},\n')
            file.write('"selected": [')
            for at, item in enumerate(items):
                file.write(",\n" if at else "\n")
                file.write(_dumped(record_of(item)))
            file.write("\n]}\n")
        return []


class Jsonl(Writer):
    """One JSON object a line and sample: rank, id, score, reason and all that a table has."""

    type: Literal["jsonl"] = "jsonl"
    ending: ClassVar[str] = ".jsonl"

    def write(self, items: Items, out: Path) -> list[str]:
        """Write the file."""
        with out.open("w", encoding="utf-8", newline="\n") as file:
            for item in items:
                file.write(f"{_dumped(record_of(item))}\n")
        return []


def columns_of(items: Items) -> list[str]:
    """Return the columns of a table; where the images are is told last, if the run did not."""
    names = list(items.columns)
    return names if "uri" in names else [*names, "uri"]


def row_of(item: Item) -> dict[str, Any]:
    """Return the row of a sample."""
    row = {name: plain(value) for name, value in item.row.items()}
    return {**row, "uri": row.get("uri") if item.location is None else item.location}


def record_of(item: Item) -> dict[str, Any]:
    """Return all that a table has of a sample, with its reason."""
    row = {"rank": item.rank, "sample_id": item.sample_id, "score": plain(item.score)}
    return {**row, "reason": item.reason, **row_of(item)}


def _dumped(value: Any) -> str:
    """Return a value in one line of JSON; what JSON has not, as text.

    Raises:
        DataError: A number is infinite.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)
    except ValueError:
        name = value.get("sample_id") if isinstance(value, dict) else value
        raise DataError(f"{name!r}: has an infinite number, which JSON cannot say") from None


def _groups(items: Items) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Yield rows a group at a time; a group is empty again once the next one is asked for."""
    rows = map(row_of, items)
    while some := list(islice(rows, _GROUP)):
        yield some
        some.clear()


def _schema(items: Items) -> Any:
    """Return names and types of the columns, from all of their values, in a pass of its own."""
    import pyarrow as pa

    kinds: dict[str, set[Any]] = {name: set() for name in columns_of(items)}
    for rows in _groups(items):
        for name, seen in kinds.items():
            seen.update({_kind(row.get(name)) for row in rows})
    return pa.schema([(name, _arrow_type(seen - {type(None)})) for name, seen in kinds.items()])


def _kind(value: Any) -> type[Any]:
    """Return the type of a value; that of text for numbers that no column can hold."""
    too_long = type(value) is int and not -(2**63) <= value < 2**63
    return str if too_long else type(value)


def _arrow_type(kinds: set[Any]) -> Any:
    import pyarrow as pa

    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int}:
        return pa.int64()
    if kinds and kinds <= {int, float}:
        return pa.float64()
    return pa.string()


def _table(rows: Sequence[Mapping[str, Any]], schema: Any) -> Any:
    import pyarrow as pa

    arrays = []
    for field in schema:
        values = [row.get(field.name) for row in rows]
        if field.type == pa.string():
            values = [None if value is None else str(value) for value in values]
        arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)
