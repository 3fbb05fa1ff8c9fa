"""Embeddings in files: parquet, .npy or .npz with ids, and the legacy CSV."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from selectlab.columns import EmbeddingTable
from selectlab.errors import DataError, did_you_mean
from selectlab.ids import Ids
from selectlab.inputs import metadata_tables
from selectlab.inputs.array_files import BATCH_ROWS, Blocks, Matrix, npy_matrix, npz_matrix
from selectlab.inputs.file_parts import NpyParts, ParquetParts
from selectlab.inputs.files import Folder, open_file
from selectlab.inputs.id_columns import id_file
from selectlab.inputs.metadata_tables import ID_COLUMN
from selectlab.inputs.sample_ids import sample_id
from selectlab.stored import block_rows

_BATCH_BYTES = 1 << 20
VECTOR, OBJECT, LEGACY_IDS = "embedding", "object", "filenames"
_LEGACY_COLUMN = re.compile(r"embedding_\d+")


class Named(Protocol):
    """Names of rows."""

    def __getitem__(self, row: int) -> str:
        """Return the name of a row."""
        ...


def read_embeddings(path: str | os.PathLike[str]) -> EmbeddingTable:
    """Open a file of embeddings: its ids now, its vectors block by block when they are needed.

    Args:
        path: Local path or URL of a ``.parquet``, ``.npy``, ``.npz`` or ``.csv`` file; ids of a
            ``.npy`` are looked for beside it.

    Raises:
        DataError: The file is not there, or not as it should be.
    """
    folder, name = open_file(path)
    return embedding_table(folder, name)


def embedding_table(folder: Folder, path: str, ids: Ids | None = None) -> EmbeddingTable:
    """Open an embedding file of a dataset; what its ``.json`` says of the space comes along.

    Args:
        folder: The dataset.
        path: The file in it.
        ids: The ids in a parquet file, where they are known already.
    """
    suffix = path[path.rfind(".") :]
    if suffix not in _READERS:
        raise DataError(f"{path}: embeddings come as {', '.join(_READERS)}")
    table = _from_parquet(folder, path, ids) if ids else _READERS[suffix](folder, path)
    about = f"{path.removesuffix(suffix)}.json"
    return _described(table, folder.read_json(about), about) if about in folder else table


def find_tables(folder: Folder, base: str) -> list[str]:
    """Return the embedding files directly in a folder, at most one a name.

    Raises:
        DataError: Two files have the same name but for their extension.
    """
    prefix = f"{base}/" if base else ""
    found: dict[str, str] = {}
    for path in folder.under(base):
        stem, dot, suffix = path.removeprefix(prefix).rpartition(".")
        if "/" in stem or dot + suffix not in _READERS:
            continue
        beside_npy = suffix == "csv" and f"{prefix}{stem}.npy" in folder
        if not beside_npy and stem in found:
            raise DataError(f"{path}: {found[stem]} holds embeddings of the same name; remove one")
        if not beside_npy:
            found[stem] = path
    return list(found.values())


def find_main(folder: Folder, home: Callable[[str], str]) -> str | None:
    """Return the path of embeddings.parquet, .npy, .npz or .csv, whichever is there.

    Args:
        folder: The dataset.
        home: Gives the path of a file by its name.

    Raises:
        DataError: There are several.
    """
    paths = [home(f"embeddings{suffix}") for suffix in _READERS]
    found = [path for path in paths if path in folder]
    if len(found) > 1 and found[0].endswith(".npy") and found[1].endswith(".csv"):
        found.pop()
    if len(found) > 1:
        raise DataError(f"{found[1]}: {found[0]} holds embeddings too; remove one")
    return found[0] if found else None


def _described(table: EmbeddingTable, content: Any, where: str) -> EmbeddingTable:
    """Add what an embeddings.json says."""
    about = content if isinstance(content, dict) else {"": content}
    unknown = [key for key in about if key not in ("space", "normalised")]
    if unknown:
        hint = did_you_mean(unknown[0], ["space", "normalised"])
        raise DataError(f"{where}: key {unknown[0]!r} is not known{hint}")
    space, normalised = about.get("space"), about.get("normalised", False)
    if not isinstance(space, str | None) or not isinstance(normalised, bool):
        raise DataError(f"{where}: space must be text and normalised true or false, got {content}")
    return replace(table, space=space, normalised=normalised)


def _from_parquet(folder: Folder, path: str, ids: Ids | None = None) -> EmbeddingTable:
    """Open columns sample_id, embedding and, for objects, object."""
    import pyarrow as pa

    with metadata_tables.open_parquet(folder, path) as file:
        schema = file.schema_arrow
        for name in (ID_COLUMN, VECTOR):
            if name not in schema.names:
                raise DataError(f"{path}: no column {name!r}{did_you_mean(name, schema.names)}")
        kind = schema.field(VECTOR).type
        lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
        fixed = pa.types.is_fixed_size_list(kind)
        if not (lists or fixed) or not _is_number(kind.value_type):
            raise DataError(f"{path}: column 'embedding' must hold lists of numbers, not {kind}")
        dimension = kind.list_size if fixed else _first_length(file)
        cuts = _row_groups(file)
    names = metadata_tables.table_ids(folder, path) if ids is None else ids
    objects = _parquet_objects(folder, path) if OBJECT in schema.names else None
    return EmbeddingTable(
        path, names, dimension, lambda: parquet_blocks(folder, path, dimension, names),
        objects=objects, parts=lambda: ParquetParts(path, folder.uri(path), dimension, cuts),
    )  # fmt: skip


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _row_groups(file: Any) -> tuple[int, ...]:
    """Return the first row of each row group, 0 where there is none."""
    counts = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
    return (0, *accumulate(counts[:-1]))


def _first_length(file: Any) -> int:
    """Return the length of the first vector of a column of lists."""
    for batch in file.iter_batches(batch_size=1, columns=[VECTOR]):
        first = batch.column(0)[0]
        return len(first) if first.is_valid else 0
    return 0


def _parquet_objects(folder: Folder, path: str) -> npt.NDArray[np.int64]:
    """Return the object indices."""
    column = metadata_tables.read_parquet(folder, path, [OBJECT]).column(0)
    return _object_indices(column.to_numpy(), path)


def _object_indices(values: npt.NDArray[Any], where: str) -> npt.NDArray[np.int64]:
    """Return object indices as int64; refuse fractions, gaps and negative numbers."""
    if values.dtype.kind not in "iu" or (len(values) and values.min() < 0):
        raise DataError(f"{where}: column 'object' must hold whole numbers >= 0, without gaps")
    return values.astype(np.int64)


def parquet_blocks(
    folder: Folder,
    path: str,
    dimension: int,
    ids: Named,
    groups: Sequence[int] | None = None,
) -> Blocks:
    """Yield the vectors batch by batch, as views of the arrow buffers.

    Args:
        folder: Where the file lies.
        path: The file.
        dimension: D.
        ids: The sample id of each row, for messages.
        groups: Only these row groups; ``ids`` and rows are counted from the first of them.
    """
    start = 0
    n_rows = min(BATCH_ROWS, block_rows(dimension, n_bytes=_BATCH_BYTES))
    with metadata_tables.open_parquet(folder, path) as file:
        for column in metadata_tables.column_pieces(file, VECTOR, n_rows, groups):
            _refuse_ragged(column, dimension, path, ids, start)
            yield start, _numbers(column.flatten()).reshape(len(column), dimension)
            start += len(column)


def _numbers(values: Any) -> npt.NDArray[Any]:
    """Return an arrow array as numpy's, without loading pandas as arrow does."""
    if values.null_count:
        with_gaps: npt.NDArray[Any] = values.to_numpy(zero_copy_only=False)
        return with_gaps
    kind = values.type.to_pandas_dtype()
    held = np.frombuffer(values.buffers()[1] or b"", dtype=kind)
    return held[values.offset : values.offset + len(values)]


def _refuse_ragged(column: Any, dimension: int, where: str, ids: Named, start: int) -> None:
    """Refuse vectors that are null or of another length."""
    import pyarrow as pa

    if not column.null_count and pa.types.is_fixed_size_list(column.type):
        return
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.list_value_length(column), -1).to_numpy(zero_copy_only=False)
    bad = np.flatnonzero(lengths != dimension)
    if len(bad):
        length = int(lengths[bad[0]])
        what = f"has {length} numbers" if length >= 0 else "is empty"
        raise DataError(
            f"{where}: embedding of {ids[start + int(bad[0])]!r} {what}, "
            f"the first has {dimension}; all must have the same"
        )


def _from_npy(folder: Folder, path: str) -> EmbeddingTable:
    """Open an .npy file; ids are in NAME.csv, in NAME.ids.txt, or in ids.txt beside it."""
    matrix = npy_matrix(folder, path)
    stem = path.removesuffix(".npy")
    beside = f"{path.rpartition('/')[0]}/ids.txt".lstrip("/")
    objects = None
    if f"{stem}.csv" in folder:
        where = f"{stem}.csv"
        frame = metadata_tables.read_csv(folder, where)
        ids = Ids.of(sample_id(name, where) for name in frame[ID_COLUMN].tolist())
        if OBJECT in frame.columns:
            objects = _object_indices(frame[OBJECT].to_numpy(), where)
    else:
        where = f"{stem}.ids.txt" if f"{stem}.ids.txt" in folder else beside
        if where not in folder:
            raise DataError(
                f"{path}: no ids; expected {beside} with one sample id a line, "
                f"or {stem}.csv with columns sample_id and object"
            )
        with folder.open(where) as lines:
            ids = id_file(lines, where)
    table = _of_matrix(matrix, ids, where, objects)
    if not matrix.by_rows():
        return table
    return replace(table, parts=lambda: NpyParts(path, folder.uri(path)))


def _from_npz(folder: Folder, path: str) -> EmbeddingTable:
    """Open an .npz file with arrays ``embeddings``, ``ids`` and, for objects, ``object``."""
    matrix, arrays = npz_matrix(folder, path, "embeddings", ("ids", OBJECT))
    if "ids" not in arrays or arrays["ids"].dtype.kind != "U":
        raise DataError(f"{path}: no array 'ids' of text, one sample id for each embedding")
    objects = _object_indices(arrays[OBJECT], path) if OBJECT in arrays else None
    ids = Ids.of(sample_id(name, path) for name in arrays["ids"].tolist())
    return _of_matrix(matrix, ids, f"{path} ids", objects)


def _of_matrix(
    matrix: Matrix, ids: Ids, where: str, objects: npt.NDArray[np.int64] | None
) -> EmbeddingTable:
    """Join a matrix in a file with its ids."""
    rows, dimension = matrix.shape
    for what, length in (("ids", len(ids)), ("objects", rows if objects is None else len(objects))):
        if length != rows:
            raise DataError(f"{where}: {length} {what} for the {rows} rows of {matrix.where}")
    return EmbeddingTable(
        matrix.where, ids, dimension, matrix.blocks, objects=objects, on_disk=matrix.on_disk
    )


def _from_csv(folder: Folder, path: str) -> EmbeddingTable:
    """Open Lightly's legacy CSV: filenames, embedding_0, embedding_1, ..., labels."""
    frame = metadata_tables.read_csv(folder, path, id_column=LEGACY_IDS)
    found = [name for name in frame.columns if _LEGACY_COLUMN.fullmatch(str(name))]
    columns = [f"embedding_{i}" for i in range(len(found))]
    lacking = [name for name in columns if name not in frame.columns]
    if lacking or not columns:
        raise DataError(f"{path}: no column {(lacking or ['embedding_0'])[0]!r}")
    for name in columns:
        if frame[name].dtype.kind not in "iuf":
            raise DataError(f"{path}: column {name!r} holds something else than numbers")
    ids = Ids.of(sample_id(name, path) for name in frame[LEGACY_IDS].tolist())
    vectors = frame[columns].to_numpy(dtype=np.float32)
    return EmbeddingTable(path, ids, len(columns), lambda: [(0, vectors)])


_READERS: Mapping[str, Callable[[Folder, str], EmbeddingTable]] = {
    ".parquet": _from_parquet,
    ".npy": _from_npy,
    ".npz": _from_npz,
    ".csv": _from_csv,
}
