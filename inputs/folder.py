"""A dataset in a folder: Lightly's layout, and selectlab's own files beside it."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from selectlab.columns import EmbeddingTable, MetadataTable, TaskPredictions
from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.ids import Ids, union
from selectlab.inputs import embedding_files, metadata_tables
from selectlab.inputs.files import Folder, Progress, cache_folder, open_folder
from selectlab.inputs.image_names import ImageNames
from selectlab.inputs.lightly_metadata import MetadataFiles, metadata_ids, read_metadata_files
from selectlab.inputs.metadata_columns import Declared, parse_metadata_schema
from selectlab.inputs.metadata_rows import read_metadata_rows
from selectlab.inputs.prediction_columns import PredictionTable
from selectlab.inputs.prediction_folder import PredictionFolder
from selectlab.inputs.sample_ids import is_image, matching, unique_id_lines
from selectlab.inputs.shape_columns import ColumnShapes, ShapeReader

if TYPE_CHECKING:
    import pandas as pd

BUCKET = ".lightly"
_VECTORS = (embedding_files.VECTOR, embedding_files.OBJECT)
_RESERVED = ("predictions", "metadata", "embeddings", "tags")


def open_dataset(
    path: str | os.PathLike[str],
    *,
    datasets: Mapping[str, str] | None = None,
    predictions: Mapping[str, PredictionTable] | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Open a dataset folder.

    Its samples are the union of the images found, the files of the listed prediction tasks, the
    metadata and the embeddings; ``relevant_filenames.txt`` narrows them down to its lines.

    Args:
        path: Local folder or any fsspec URL, such as ``s3://bucket/dataset``.
        datasets: ``{dataset id: path}`` of query sets; wins over the folder's datasets.json.
        predictions: Tasks that lie elsewhere, from :func:`selectlab.inputs.coco.read_coco` or
            :func:`selectlab.inputs.yolo.read_yolo`. Their file names may lack the folders that
            the images lie in.
        progress: Called with the number of files read and their total.

    Raises:
        DataError: There is no such folder, it has no samples, or a file is malformed.
        MissingExtraError: The driver of the URL's protocol is not installed.
    """
    source = FolderSource(open_folder(path), predictions=predictions, progress=progress)
    return Dataset(source=source, datasets=datasets)


class FolderSource:
    """Reads the columns of a dataset folder when they are asked for.

    Predictions, metadata, embeddings, tags and single files are looked for in ``.lightly/``
    first, then in the folder itself; images below those found are no samples.

    Args:
        folder: The files.
        predictions: Tasks that lie elsewhere.
        progress: Called with the number of files read and their total.
    """

    def __init__(
        self,
        folder: Folder,
        *,
        predictions: Mapping[str, PredictionTable] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._folder, self._progress = folder, progress
        self._bucket = bool(folder.under(BUCKET))
        reserved = (f"{BUCKET}/", *(f"{self._home(name)}/" for name in _RESERVED))
        self._names = ImageNames(
            path for path in folder.paths if is_image(path) and not path.startswith(reserved)
        )
        base = self._home("predictions")
        self._predictions = (
            PredictionFolder(folder, base, self._names, progress) if folder.under(base) else None
        )
        self._elsewhere = {
            task: self._placed(table, task) for task, table in (predictions or {}).items()
        }
        self._tables: dict[str, EmbeddingTable] = {}
        self._parquet_ids: dict[str, Ids] = {}
        self._files: MetadataFiles | None = None
        self._ids: Ids | None = None

    @property
    def where(self) -> str:
        """The folder as the user gave it."""
        return self._folder.where

    def ids(self) -> Sequence[str]:
        """Return all sample ids, sorted.

        Raises:
            DataError: relevant_filenames.txt matches none of them. (Lines that match nothing
                do no harm as long as one line matches.)
        """
        if self._ids is None:
            found = set(self._names.images)
            for task in self._predictions.tasks if self._predictions else ():
                found.update(self._predictions.ids(task) if self._predictions else ())
            for table in self._elsewhere.values():
                found.update(table.ids)
            found.update(self._metadata_ids())
            tables = [self._table_ids(path) for path in self._table_paths().values()]
            for path in self._metadata_tables():
                tables.append(metadata_tables.table_ids(self._folder, path))
            self._ids = self._relevant(union([Ids.of(found), *tables]))
        return self._ids

    def embeddings(self, space: str | None) -> EmbeddingTable | None:
        """Return embeddings.* or embeddings/SPACE.*; the only space there is needs no name."""
        table = self._table(space or "")
        if table is not None or space is not None:
            return table if table is None or table.objects is None else None
        others = [self._table(name) for name in self._table_paths()]
        spaces = [other for other in others if other is not None and other.objects is None]
        if len(spaces) > 1:
            listed = ", ".join(other.where for other in spaces)
            raise DataError(f"{self.where}: several embedding spaces ({listed}); name one")
        return spaces[0] if spaces else None

    def object_embeddings(self, task: str) -> EmbeddingTable | None:
        """Return embeddings/TASK.*."""
        return self._table(task) if task else None

    def tasks(self) -> Sequence[str]:
        """Return the names of the prediction tasks, sorted."""
        own = self._predictions.tasks if self._predictions else ()
        return sorted({*own, *self._elsewhere})

    def predictions(self, task: str, ids: Sequence[str]) -> TaskPredictions:
        """Return the predictions of a task, aligned with ``ids``."""
        if task in self._elsewhere:
            return self._elsewhere[task].align(ids)
        if self._predictions is None or task not in self._predictions.tasks:
            raise DataError(f"{self.where}: no prediction task {task!r}")
        return self._predictions.table(task).align(ids)

    def shapes(self, task: str) -> ShapeReader:
        """Return what reads the shapes of a task sample by sample, outlines and keypoints too.

        Raises:
            DataError: There is no such task, or its schema is malformed.
        """
        if task in self._elsewhere:
            table = self._elsewhere[task]
            rows = {name: row for row, name in enumerate(table.ids)}
            return ColumnShapes(replace(table.predictions, task=task), rows)
        if self._predictions is None or task not in self._predictions.tasks:
            raise DataError(f"{self.where}: no prediction task {task!r}")
        return self._predictions.shapes(task)

    def metadata(self, ids: Sequence[str]) -> MetadataTable | None:
        """Return what files and tables say of ``ids``; files win over tables."""
        base, declared = self._home("metadata"), self._declared()
        frames, places = [], []
        if self._folder.under(base):
            frames.append(self._metadata_files().frame(ids, declared))
            places.append(base)
        for path in self._metadata_tables():
            frames.append(metadata_tables.read_metadata_table(self._folder, path, declared))
            places.append(path)
        path = self._table_paths().get("", "")
        if path.endswith(".parquet") and metadata_tables.keys(self._folder, path, _VECTORS):
            frames.append(
                metadata_tables.read_metadata_table(self._folder, path, declared, _VECTORS)
            )
            places.append(path)
        return self._joined(frames, places, ids, declared)

    def some_metadata(self, ids: Sequence[str], wanted: Sequence[str]) -> MetadataTable | None:
        """Return what :meth:`metadata` does, at least of ``wanted``.

        A parquet table that holds all metadata is read piece by piece. Several tables are read
        whole: the type of a column depends on the gaps of all.
        """
        tables, declared = self._metadata_tables(), self._declared()
        more = self._table_paths().get("", "").endswith(".parquet") and metadata_tables.keys(
            self._folder, self._table_paths()[""], _VECTORS
        )
        files = self._folder.under(self._home("metadata"))
        if files or more or len(tables) != 1 or not tables[0].endswith(".parquet"):
            return self.metadata(ids)
        known, path = Ids.of(ids).sorted_unique(), tables[0]
        frame = read_metadata_rows(self._folder, path, declared, (), known, Ids.of(wanted))
        if frame is None:
            return self.metadata(ids)
        return self._joined([frame], [path], ids, declared)

    def _joined(
        self,
        frames: Sequence[pd.DataFrame],
        places: Sequence[str],
        ids: Sequence[str],
        declared: Mapping[str, Declared],
    ) -> MetadataTable | None:
        merged = metadata_tables.merged(frames)
        if merged is None:
            return None
        where = next(at for at, frame in zip(places, frames, strict=True) if len(frame.columns))
        known = Ids.of(ids).sorted_unique().positions(merged.index.tolist()) >= 0
        kept = merged if known.all() else merged[known]
        return MetadataTable(where, kept, {key: entry.field for key, entry in declared.items()})

    def tag(self, name: str) -> Sequence[str] | None:
        """Return the ids in tags/NAME.txt, or of the run in the folder NAME.

        ``initial-tag`` needs no file and is everything.
        """
        own = self._tag_files().get(name)
        run = f"{name}/selection.txt"
        for path in (own, run if run in self._folder else None):
            if path is not None:
                return unique_id_lines(self._folder.read(path), path)
        return self.ids() if name == "initial-tag" else None

    def tags(self) -> Sequence[str]:
        """Return the names of the files in tags/."""
        return sorted(self._tag_files())

    def _tag_files(self) -> dict[str, str]:
        """Return the file of each tag, those of the bucket first.

        On this machine tags that were written since the folder was listed count too.
        """
        found: dict[str, str] = {}
        root = self._folder.local_root
        for base in (f"{BUCKET}/tags", "tags"):
            paths = set(self._folder.under(base))
            if root is not None:
                now = (path for path in Path(root, base).rglob("*.txt") if not path.is_symlink())
                there = {path for path in paths if Path(root, path).is_file()}
                paths = there | {path.relative_to(root).as_posix() for path in now}
            for path in sorted(paths):
                if path.endswith(".txt"):
                    found.setdefault(path[len(base) + 1 :].removesuffix(".txt"), path)
        return found

    def preselected(self) -> Sequence[str]:
        """Return the ids in preselected.txt, if there is one."""
        path = self._home("preselected.txt")
        return unique_id_lines(self._folder.read(path), path) if path in self._folder else ()

    def linked(self, dataset_id: str) -> str | None:
        """Return the path that datasets.json gives, relative ones from this folder."""
        where = self._home("datasets.json")
        if where not in self._folder:
            return None
        content = self._folder.read_json(where)
        if not isinstance(content, dict) or not all(isinstance(p, str) for p in content.values()):
            raise DataError(f"{where}: must be an object of paths by dataset id")
        path = content.get(dataset_id)
        if path is None or "://" in path or os.path.isabs(path):
            return path
        root = self._folder.local_root
        if root is not None:
            return os.path.normpath(os.path.join(root, path))
        protocol, _, place = self.where.partition("://")
        return f"{protocol}://{posixpath.normpath(f'{place}/{path}')}"

    def uri(self, sample_id: str) -> str | None:
        """Return the full path or URL of an image, or ``None`` when there is no image."""
        return self._folder.uri(sample_id) if sample_id in self._names.images else None

    def open_image(self, sample_id: str) -> IO[bytes]:
        """Open an image.

        Raises:
            DataError: The folder has no image of that id, or it cannot be read.
        """
        if sample_id not in self._names.images:
            raise DataError(f"{self.where}: no image {sample_id!r}")
        return self._folder.open(sample_id)

    def cache_folder(self) -> str:
        """Return ``.selectlab`` in the dataset or a folder in the user's cache; nothing is made."""
        return cache_folder(self._folder)

    def _home(self, name: str) -> str:
        """Return the path of a file or folder: the bucket's, if it is there."""
        path = f"{BUCKET}/{name}"
        bucket = self._bucket and (path in self._folder or self._folder.under(path))
        return path if bucket else name

    def _placed(self, table: PredictionTable, task: str) -> PredictionTable:
        """Return predictions from elsewhere under the ids of our images."""
        if not isinstance(table, PredictionTable):
            raise DataError(
                f"predictions[{task!r}]: expected what read_coco or read_yolo return, "
                f"got {type(table).__name__}"
            )
        ids = tuple(self._names.resolve(name, table.where) for name in table.ids)
        if len(set(ids)) < len(ids):
            raise DataError(f"{table.where}: two of its file names mean the same image")
        return PredictionTable(table.where, ids, table.predictions)

    def _table_paths(self) -> dict[str, str]:
        """Return the embedding file of each space or task; the main one is called ``""``."""
        base = self._home("embeddings")
        found = {
            path[len(base) + 1 : path.rfind(".")]: path
            for path in embedding_files.find_tables(self._folder, base)
        }
        main = embedding_files.find_main(self._folder, self._home)
        return {**({"": main} if main else {}), **found}

    def _table(self, name: str) -> EmbeddingTable | None:
        path = self._table_paths().get(name)
        if path is None:
            return None
        return self._opened(path)

    def _opened(self, path: str) -> EmbeddingTable:
        if path not in self._tables:
            ids = self._parquet_ids.get(path)
            self._tables[path] = embedding_files.embedding_table(self._folder, path, ids)
        return self._tables[path]

    def _table_ids(self, path: str) -> Ids:
        """Return the ids of an embedding file; its other columns are looked at when needed."""
        if not path.endswith(".parquet"):
            return Ids.of(self._opened(path).ids)
        if path not in self._parquet_ids:
            self._parquet_ids[path] = metadata_tables.table_ids(self._folder, path)
        return self._parquet_ids[path]

    def _metadata_tables(self) -> list[str]:
        paths = (self._home(name) for name in ("metadata.parquet", "metadata.csv"))
        return [path for path in paths if path in self._folder]

    def _declared(self) -> dict[str, Declared]:
        path = f"{self._home('metadata')}/schema.json"
        if path not in self._folder:
            return {}
        return parse_metadata_schema(self._folder.read_json(path), path)

    def _metadata_files(self) -> MetadataFiles:
        if self._files is None:
            base = self._home("metadata")
            self._files = read_metadata_files(self._folder, base, self._names, self._progress)
        return self._files

    def _metadata_ids(self) -> Iterable[str]:
        """Return the samples of the metadata folder; files are read only where needed."""
        known = metadata_ids(self._folder, self._home("metadata"), self._names)
        return self._metadata_files().values if known is None else known

    def _relevant(self, found: Ids) -> Ids:
        """Return the samples that relevant_filenames.txt names, if it is there."""
        where = self._home("relevant_filenames.txt")
        if where not in self._folder:
            return found
        lines = unique_id_lines(self._folder.read(where), where)
        return found.take(np.flatnonzero(matching(found, lines, where)))
