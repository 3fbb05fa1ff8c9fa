"""Tables written block by block as they come, and joined block by block at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from selectlab.atomic import replace_file

BLOCK_ROWS = 1024

POSITION = "position"
"""Column of a shard: place of the row's sample in its unit, from 0."""

WHOLE_NUMBERS = (POSITION, "object", "frame_index")


class Shard:
    """A parquet file that grows by rows; nothing is written until the first row.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[dict[str, Any]] = []
        self._writer: Any = None

    def add(self, **row: Any) -> None:
        """Add a row; arrays become fixed-size lists of float32."""
        self._rows.append(row)
        if len(self._rows) >= BLOCK_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        if self._writer is not None:
            self._writer.close()

    def _flush(self) -> None:
        import pyarrow.parquet as pq

        if not self._rows:
            return
        table = _table(self._rows)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="none")
        self._writer.write_table(table)
        self._rows.clear()


def _table(rows: Sequence[dict[str, Any]]) -> Any:
    import pyarrow as pa

    columns = {}
    for name, value in rows[0].items():
        values = [row[name] for row in rows]
        if isinstance(value, np.ndarray):
            flat = pa.array(np.concatenate(values).astype(np.float32))
            columns[name] = pa.FixedSizeListArray.from_arrays(flat, len(value))
        elif name in WHOLE_NUMBERS:
            columns[name] = pa.array(values, pa.int64())
        else:
            columns[name] = pa.array(values, pa.float64())
    return pa.table(columns)


def join_vectors(
    target: Path, shards: Iterable[tuple[Path, Sequence[str]]], own: Iterable[str]
) -> int:
    """Write a table of embeddings: what it held of other samples, then the shards.

    Args:
        target: ``embeddings.parquet`` or one of objects; replaced in one step.
        shards: Files of :class:`Shard` with the sample ids of their unit, in order.
        own: All ids that the shards speak for; what the table says of them goes.

    Returns:
        Number of rows written; without any the table is not touched.
    """
    import pyarrow.parquet as pq

    tables = chain(
        _others(target, set(own)),
        chain.from_iterable(_named(shard, ids) for shard, ids in shards),
    )
    first = next(tables, None)
    if first is None:
        return 0
    written = 0

    def write(path: Path) -> None:
        nonlocal written
        with pq.ParquetWriter(path, first.schema, compression="none") as writer:
            for table in chain([first], tables):
                writer.write_table(_fitting(table, first.schema))
                written += len(table)

    replace_file(target, write)
    return written


def _fitting(table: Any, schema: Any) -> Any:
    """Return a table with the columns of a schema; those it lacks are empty."""
    import pyarrow as pa

    for field in schema:
        if field.name not in table.schema.names:
            table = table.append_column(field, pa.nulls(len(table), field.type))
    return table.select(schema.names).cast(schema)


def _others(path: Path, mine: set[str]) -> Iterator[Any]:
    """Yield the rows of other samples, block by block."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        return
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BLOCK_ROWS):
            keep = [sample not in mine for sample in batch.column("sample_id").to_pylist()]
            table = pa.Table.from_batches([batch]).filter(pa.array(keep))
            if len(table):
                yield table.replace_schema_metadata()


def _named(path: Path, ids: Sequence[str]) -> Iterator[Any]:
    """Yield the blocks of a shard with sample ids in the place of positions."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        return
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BLOCK_ROWS):
            table = pa.Table.from_batches([batch])
            names = [ids[position] for position in table.column(POSITION).to_pylist()]
            rest = table.drop_columns([POSITION])
            yield rest.add_column(0, "sample_id", pa.array(names, pa.string()))


def metadata_frame(shards: Iterable[tuple[Path, Sequence[str]]]) -> Any:
    """Return the metadata of all shards as a frame indexed by sample id."""
    import pandas as pd

    frames = [
        table.to_pandas().set_index("sample_id")
        for path, ids in shards
        for table in _named(path, ids)
    ]
    return pd.concat(frames) if frames else pd.DataFrame()
