"""A dataset: sorted unique sample ids, and columns that are read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.columns import (
    EmbeddingTable,
    MetadataField,
    MetadataTable,
    Overlay,
    Source,
    TaskPredictions,
)
from selectlab.errors import DataError, did_you_mean, first_of
from selectlab.ids import Ids, Index, RowOf
from selectlab.stored import Float32Rows
from selectlab.vector_tables import load

BoolArray = npt.NDArray[np.bool_]


class Dataset:
    """Samples and what is known of them.

    A row is ``dataset.ids[row]``, always. Columns are read when a config asks for them, and
    checked then: every value finite, every id known, one embedding dimension.

    Args:
        ids: Sample ids, in the order of the arrays given beside them. They are sorted here.
        embeddings: (N, D) array or tensor, or ``{name: array}`` for several spaces.
        metadata: Table with N rows (a ``pandas`` frame, or ``{key: values}``), in the order of
            ``ids``. A ``category`` column, strings and booleans are categorical, the rest
            numeric.
        predictions: ``{task: predictions}``; a :class:`TaskPredictions`, or an (N, K) array of
            class probabilities, or a table of detections; see
            :func:`selectlab.memory.predictions_from`.
        object_embeddings: ``{task: (vectors, sample ids)}``, in the order of the objects.
        tags: ``{name: ids}``.
        datasets: ``{dataset id: path or Dataset}`` for query sets.
        source: Where the columns come from, instead of arrays (used by the readers).

    Raises:
        DataError: Ids repeat, arrays have another length, or there is no sample at all.

    Example:
        >>> data = Dataset(["b.png", "a.png"], embeddings=np.eye(2, 3))
        >>> data.ids
        ('a.png', 'b.png')
    """

    def __init__(
        self,
        ids: Iterable[str] | None = None,
        *,
        embeddings: Any = None,
        metadata: Any = None,
        predictions: Mapping[str, Any] | None = None,
        object_embeddings: Mapping[str, Any] | None = None,
        tags: Mapping[str, Iterable[str]] | None = None,
        datasets: Mapping[str, Any] | None = None,
        source: Source | None = None,
    ) -> None:
        if source is None:
            from selectlab.memory import MemorySource

            source = MemorySource.of(
                ids, embeddings, metadata, predictions, object_embeddings, tags, datasets
            )
        self.source: Source = source
        self.datasets = dict(datasets or {})
        self.ids: Ids = Ids.of(source.ids()).sorted_unique()
        if not self.ids:
            raise DataError(f"{source.where}: no samples; expected images, embeddings or tables")
        self.rows: Mapping[str, int] = RowOf(self.ids)
        self._cache: dict[tuple[str, str], Any] = {}
        self._labels: Overlay | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Dataset({self.source.where!r}, {len(self)} samples)"

    def rows_of(self, ids: Iterable[str], where: str) -> npt.NDArray[np.intp]:
        """Return the rows of ids, in their order.

        Raises:
            DataError: An id is not in the dataset.
        """
        wanted = Ids.of(ids)
        rows = self.ids.positions(wanted)
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            first = wanted[int(unknown[0])]
            hint = did_you_mean(first, self.ids) if len(self) <= 10_000 else ""
            raise DataError(
                f"{where}: {len(unknown)} of {len(wanted)} ids are not in the dataset, "
                f"first {first!r}{hint}"
            )
        return rows.astype(np.intp)

    def predictions(self, task: str) -> TaskPredictions:
        """Return the predictions of a task, aligned with ``ids``.

        Raises:
            DataError: There is no such task, or its files are not as they should be.
        """
        key = ("predictions", task)
        if key not in self._cache:
            known = self.source.tasks()
            if task not in known:
                raise DataError(
                    f"{self.source.where}: no prediction task {task!r}"
                    + (did_you_mean(task, known) if known else "; there are no predictions")
                )
            self._cache[key] = self.source.predictions(task, self.ids)
        found: TaskPredictions = self._cache[key]
        return found

    def seen(self, task: str) -> TaskPredictions:
        """Return what is to be seen: :meth:`predictions`, and labels where there are any."""
        held = self.predictions(task)
        if self._labels is None:
            return held
        key = ("seen", task)
        if key not in self._cache:
            self._cache[key] = self._labels.over(held, self.ids)
        found: TaskPredictions = self._cache[key]
        return found

    def with_labels(self, labels: Overlay) -> Dataset:
        """Return the dataset with labels, which :meth:`seen` lays over predictions."""
        labelled = Dataset(source=self.source, datasets=self.datasets)
        labelled._cache = {key: held for key, held in self._cache.items() if key[0] != "seen"}
        labelled._labels = labels
        return labelled

    def metadata(self) -> MetadataTable | None:
        """Return the metadata of all samples, indexed by id; ``None`` when there is none."""
        key = ("metadata", "")
        if key not in self._cache:
            self._cache[key] = self.source.metadata(self.ids)
        found: MetadataTable | None = self._cache[key]
        return found

    def some_metadata(self, wanted: Sequence[str]) -> MetadataTable | None:
        """Return the metadata of at least these samples, in little memory where that can be."""
        read = getattr(self.source, "some_metadata", None)
        if ("metadata", "") in self._cache or read is None:
            return self.metadata()
        found: MetadataTable | None = read(self.ids, wanted)
        return found

    def with_metadata(self, columns: Mapping[str, Sequence[Any]]) -> Dataset:
        """Return the dataset with categorical metadata added, in the order of ``ids``.

        Raises:
            DataError: A key is there already.
        """
        import pandas as pd

        known = self.metadata()
        frame = pd.DataFrame(dict(columns), index=pd.Index(list(self.ids)), dtype=object)
        declared = dict.fromkeys(columns, MetadataField("categorical"))
        where = self.source.where
        if known is not None:
            for key in columns:
                if key in known.frame.columns:
                    raise DataError(f"{known.where}: already has metadata {key!r}")
            frame = known.frame.reindex(frame.index).join(frame)
            declared, where = {**known.declared, **declared}, known.where
        extended = Dataset(source=self.source, datasets=self.datasets)
        extended._cache = {**self._cache, ("metadata", ""): MetadataTable(where, frame, declared)}
        extended._labels = self._labels
        return extended

    def vectors(
        self, table: EmbeddingTable, *, normalize: bool
    ) -> tuple[Float32Rows, BoolArray | None]:
        """Return (N, D) float32 embeddings aligned with ``ids``, and the rows that lack one.

        They are in memory, or in a file when the run has a memory limit that they would burst.
        Rows of the table that are not in the dataset are passed over.

        Raises:
            DataError: An id is there twice, none is in the dataset, a value is NaN or infinite,
                or the disk has no room for a scratch file.
        """
        target, there = self.targets(table)
        values = load(table, target, len(self), normalize=normalize)
        return values, None if there.all() else ~there

    def targets(self, table: EmbeddingTable) -> tuple[Index, BoolArray]:
        """Return the row of each vector of a table of samples, and which rows have one.

        The row is -1 where the sample is not in the dataset.

        Raises:
            DataError: An id is there twice, or none is in the dataset.
        """
        ids = table.ids
        target = self.ids.positions(ids)
        used = target if len(target) and target.min() >= 0 else target[target >= 0]
        there = np.zeros(len(self), dtype=np.bool_)
        there[used] = True
        n_there = np.count_nonzero(there)
        if n_there < len(used):
            again = self.ids.take(np.flatnonzero(np.bincount(used) > 1))
            raise DataError(f"{table.where}: duplicate ids, {first_of(again, len(self))}")
        if not n_there:
            raise DataError(
                f"{table.where}: none of its {len(ids)} ids is in the dataset; "
                f"it has {ids[0]!r}, the dataset {self.ids[0]!r}"
                if len(ids)
                else f"{table.where}: no rows"
            )
        return target, there
