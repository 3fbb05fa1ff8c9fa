"""Metadata of a few samples from a large parquet table, without holding the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from selectlab.ids import Ids
from selectlab.inputs.files import Folder
from selectlab.inputs.metadata_columns import Declared
from selectlab.inputs.metadata_tables import ID_COLUMN, keys, open_parquet, table_ids, typed_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_ROWS = 16_384


def read_metadata_rows(
    folder: Folder,
    path: str,
    declared: Mapping[str, Declared],
    without: Sequence[str],
    ids: Ids,
    wanted: Ids,
) -> pd.DataFrame | None:
    """Read some rows of a table of metadata, as the whole of it would give them.

    What type a column has may depend on a gap or a value anywhere in it, so the first of each
    are read along.

    Args:
        folder: The dataset.
        path: A ``.parquet`` file in it.
        declared: What the metadata schema says of the columns.
        without: Columns that are no metadata.
        ids: Those of the dataset, sorted.
        wanted: Those to read.

    Returns:
        A frame indexed by sample id, with the wanted rows among others; ``None`` where the table
        is at fault, which reading the whole tells of.
    """
    import pyarrow as pa

    names = [ID_COLUMN, *keys(folder, path, without)]
    there = table_ids(folder, path)
    places = ids.positions(there)
    if not _unique(places[places >= 0]):
        return None
    row_of_wanted = ids.positions(wanted.sorted_unique())
    is_wanted = np.zeros(len(ids) + 1, dtype=np.bool_)  # the last one is for place -1
    is_wanted[row_of_wanted] = True
    is_wanted[-1] = False
    here = is_wanted[places]
    del there, places
    with_gap: set[str] = set()
    with_value: set[str] = set()
    kept: list[pa.Table] = []
    with open_parquet(folder, path) as file:
        start = 0
        for batch in file.iter_batches(batch_size=_ROWS, columns=names, use_threads=False):
            if _has_infinite(batch):
                return None
            rows = np.flatnonzero(here[start : start + len(batch)])
            start += len(batch)
            rows = np.union1d(rows, _witnesses(batch, with_gap, with_value))
            if len(rows) or not kept:
                kept.append(pa.Table.from_batches([batch.take(pa.array(rows, pa.int64()))]))
    if not kept:
        return None
    frame = (
        pa.concat_tables(kept).select(names).unify_dictionaries().to_pandas(ignore_metadata=True)
    )
    return typed_table(frame, declared, path)


def _unique(rows: npt.NDArray[np.integer[Any]]) -> bool:
    """Return whether no row occurs twice."""
    return not len(rows) or int(np.bincount(rows).max()) == 1


def _has_infinite(batch: pa.RecordBatch) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    floating = (column for column in batch.columns if pa.types.is_floating(column.type))
    return any(pc.any(pc.is_inf(pc.cast(column, "double"))).as_py() for column in floating)


def _witnesses(
    batch: pa.RecordBatch, with_gap: set[str], with_value: set[str]
) -> npt.NDArray[np.int64]:
    """Return the rows that hold the first gap or the first value of a column."""
    rows = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        gaps = column.null_count
        if gaps and name not in with_gap:
            with_gap.add(name)
            rows.append(column.is_null().index(True).as_py())
        if gaps < len(column) and name not in with_value:
            with_value.add(name)
            rows.append(column.is_null().index(False).as_py())
    return np.array(rows, dtype=np.int64)
