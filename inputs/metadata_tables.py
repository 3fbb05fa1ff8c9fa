"""Metadata in tables: metadata.parquet or metadata.csv, column ``sample_id`` and one per key."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from selectlab.errors import DataError, did_you_mean, first_of, repeated
from selectlab.ids import Ids
from selectlab.inputs.files import Folder
from selectlab.inputs.id_columns import id_column
from selectlab.inputs.metadata_columns import Declared, typed_frame
from selectlab.inputs.sample_ids import sample_id

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

ID_COLUMN = "sample_id"
_BUFFER_BYTES = 1 << 20
_ID_ROWS = 16_384
_TEXT = ("CATEGORICAL_STRING",)


def read_metadata_table(
    folder: Folder, path: str, declared: Mapping[str, Declared], without: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a table of metadata, indexed by sample id, columns checked and typed.

    Args:
        folder: The dataset.
        path: A ``.parquet`` or ``.csv`` file in it.
        declared: What the metadata schema says of the columns.
        without: Columns that are no metadata.

    Raises:
        DataError: There is no column ``sample_id``, an id repeats, or a value is malformed.
    """
    read = _read_parquet if path.endswith(".parquet") else _read_csv
    return typed_table(read(folder, path, declared, without), declared, path)


def typed_table(frame: pd.DataFrame, declared: Mapping[str, Declared], path: str) -> pd.DataFrame:
    """Return a table as it was read indexed by sample id, columns checked and typed.

    Raises:
        DataError: An id repeats, or a value is malformed.
    """
    ids = [sample_id(name, path) for name in frame.pop(ID_COLUMN).tolist()]
    again = repeated(ids)
    if again:
        raise DataError(f"{path}: duplicate ids, {first_of(again, len(ids))}")
    frame.index = _index(ids)
    return typed_frame(frame, declared, path)


def table_ids(folder: Folder, path: str) -> Ids:
    """Return the sample id of each row of a table, without reading its other columns."""
    if not path.endswith(".parquet"):
        return Ids.of(sample_id(name, path) for name in read_csv(folder, path)[ID_COLUMN].tolist())
    with open_parquet(folder, path) as file:
        _refuse_lacking([ID_COLUMN], file.schema_arrow.names, path)
        return id_column(column_pieces(file, ID_COLUMN, _ID_ROWS), path)


def keys(folder: Folder, path: str, without: Sequence[str] = ()) -> list[str]:
    """Return the columns of a parquet file that are metadata; nested ones are none."""
    import pyarrow as pa

    with open_parquet(folder, path) as file:
        fields = [file.schema_arrow.field(i) for i in range(len(file.schema_arrow))]
    other = [field.name for field in fields if not pa.types.is_nested(field.type)]
    return [name for name in other if name not in (ID_COLUMN, *without)]


def column_pieces(
    file: pq.ParquetFile, column: str, n_rows: int, groups: Sequence[int] | None = None
) -> Iterator[Any]:
    """Yield a column of a parquet file or of some row groups, so many rows at a time."""
    for batch in file.iter_batches(
        batch_size=n_rows, row_groups=groups, columns=[column], use_threads=False
    ):
        yield batch.column(0)


def read_parquet(folder: Folder, path: str, columns: Sequence[str]) -> pa.Table:
    """Read some columns of a parquet file.

    Raises:
        DataError: It is no parquet file, or lacks a column.
    """
    with open_parquet(folder, path) as file:
        _refuse_lacking(columns, file.schema_arrow.names, path)
        return file.read(columns=list(columns))


def _refuse_lacking(columns: Sequence[str], known: Sequence[str], path: str) -> None:
    lacking = [name for name in columns if name not in known]
    if lacking:
        raise DataError(f"{path}: no column {lacking[0]!r}{did_you_mean(lacking[0], known)}")


def read_csv(
    folder: Folder, path: str, text: Sequence[str] = (), id_column: str = ID_COLUMN
) -> pd.DataFrame:
    """Read a CSV table; ids and the columns of ``text`` are read as text.

    Only empty cells and ``nan`` are missing; ``NA`` and ``None`` are text.

    Raises:
        DataError: It is no table, or has no column of ids.
    """
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # cells beyond the header
            frame: pd.DataFrame = pd.read_csv(
                io.BytesIO(folder.read(path)),
                encoding="utf-8-sig",
                index_col=False,
                keep_default_na=False,
                na_values=["", "nan", "NaN"],
                low_memory=False,
                dtype=dict.fromkeys((*text, id_column), str),
            )
    except pd.errors.ParserWarning:
        raise DataError(f"{path}: a row has more cells than the header has names") from None
    except (ValueError, pd.errors.ParserError) as error:
        first = str(error).splitlines()[0]
        raise DataError(f"{path}: not a readable table, {first}") from None
    if id_column not in frame.columns:
        known = [str(name) for name in frame.columns]
        raise DataError(f"{path}: no column {id_column!r}{did_you_mean(id_column, known)}")
    return frame


@contextmanager
def open_parquet(folder: Folder, path: str) -> Iterator[pq.ParquetFile]:
    """Open a parquet file; its errors become ours."""
    with _plain_allocator():
        import pyarrow as pa
        import pyarrow.parquet as pq

    with folder.open(path) as raw:
        try:
            with pq.ParquetFile(raw, pre_buffer=False, buffer_size=_BUFFER_BYTES) as file:
                yield file
        except MemoryError:
            raise
        except (pa.ArrowException, OSError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise DataError(f"{path}: not a readable parquet file, {first}") from None


@contextmanager
def _plain_allocator() -> Iterator[None]:
    """Let arrow, when it is loaded in here, take its memory from the system as numpy does.

    Its own allocator reserves a GiB of addresses, which a limit set from outside counts.
    """
    name = "ARROW_DEFAULT_MEMORY_POOL"
    if name in os.environ or "pyarrow" in sys.modules:
        yield
        return
    os.environ[name] = "system"
    try:
        yield
        sys.modules["pyarrow"].default_memory_pool()
    finally:
        del os.environ[name]


def merged(tables: Sequence[pd.DataFrame]) -> pd.DataFrame | None:
    """Join tables by sample id; a cell comes from the first table that has it."""
    import pandas as pd

    filled = [table for table in tables if len(table.columns)]
    if not filled:
        return None
    ids = sorted(set().union(*(table.index for table in filled)))
    columns: dict[Any, pd.Series[Any]] = {}
    for table in filled:
        aligned = table.reindex(ids)
        for key in aligned.columns:
            held, new = columns.get(key), aligned[key]
            columns[key] = new if held is None else _filled(held, new)
    out: pd.DataFrame = pd.DataFrame(columns, index=_index(ids))
    return out


def _filled(held: pd.Series[Any], new: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column with its gaps filled from another."""
    gaps = held.isna()
    if not gaps.any():
        return held
    if held.dtype != new.dtype:
        held, new = held.astype(object), new.astype(object)
    filled: pd.Series[Any] = held.where(~gaps, new)
    return filled


def _index(ids: Sequence[str]) -> pd.Index[Any]:
    import pandas as pd

    index: pd.Index[Any] = pd.Index(np.array(ids, dtype=object))
    return index


def _read_parquet(
    folder: Folder, path: str, declared: Mapping[str, Declared], without: Sequence[str]
) -> pd.DataFrame:
    """Read a parquet table; nested columns are no metadata and are passed over."""
    names = [ID_COLUMN, *keys(folder, path, without)]
    frame: pd.DataFrame = read_parquet(folder, path, names).to_pandas(ignore_metadata=True)
    return frame


def _read_csv(
    folder: Folder, path: str, declared: Mapping[str, Declared], without: Sequence[str]
) -> pd.DataFrame:
    """Read a CSV table; a column declared as text is not read as numbers."""
    text = [key for key, entry in declared.items() if entry.value_type in _TEXT]
    frame = read_csv(folder, path, text)
    for key, entry in declared.items():
        if key in frame.columns and entry.kind == "numeric" and frame[key].dtype.kind not in "iuf":
            frame[key] = [_number_or_text(value) for value in frame[key].tolist()]
    kept: pd.DataFrame = frame.drop(columns=[name for name in without if name in frame.columns])
    return kept


def _number_or_text(value: Any) -> Any:
    """Return the number a cell holds, so that only the cells without one are at fault."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
