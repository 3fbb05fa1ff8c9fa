"""A dataset: sorted unique sample ids, and columns that are read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from selectlab.columns import EmbeddingTable, MetadataField, MetadataTable, Source, TaskPredictions
from selectlab.errors import DataError, did_you_mean, first_of

if TYPE_CHECKING:
    pass

BoolArray = npt.NDArray[np.bool_]
Float32 = npt.NDArray[np.float32]


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
        self.ids: tuple[str, ...] = tuple(sorted(source.ids()))
        if not self.ids:
            raise DataError(f"{source.where}: no samples; expected images, embeddings or tables")
        self._rows: dict[str, int] | None = None
        self._cache: dict[tuple[str, str], Any] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Dataset({self.source.where!r}, {len(self)} samples)"

    @property
    def rows(self) -> dict[str, int]:
        """Row of each sample id."""
        if self._rows is None:
            self._rows = {sample_id: row for row, sample_id in enumerate(self.ids)}
        return self._rows

    def rows_of(self, ids: Iterable[str], where: str) -> npt.NDArray[np.intp]:
        """Return the rows of ids, in their order.

        Raises:
            DataError: An id is not in the dataset.
        """
        wanted = list(ids)
        unknown = [sample_id for sample_id in wanted if sample_id not in self.rows]
        if unknown:
            hint = did_you_mean(unknown[0], self.ids) if len(self) <= 10_000 else ""
            raise DataError(
                f"{where}: {len(unknown)} of {len(wanted)} ids are not in the dataset, "
                f"first {unknown[0]!r}{hint}"
            )
        return np.array([self.rows[sample_id] for sample_id in wanted], dtype=np.intp)

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

    def metadata(self) -> MetadataTable | None:
        """Return the metadata of all samples, indexed by id; ``None`` when there is none."""
        key = ("metadata", "")
        if key not in self._cache:
            self._cache[key] = self.source.metadata(self.ids)
        found: MetadataTable | None = self._cache[key]
        return found

    def with_metadata(self, columns: Mapping[str, Sequence[Any]]) -> Dataset:
        """Return the dataset with categorical metadata added, in the order of ``ids``.

        Raises:
            DataError: A key is there already.
        """
        import pandas as pd

        known = self.metadata()
        frame = pd.DataFrame(dict(columns), index=pd.Index(self.ids), dtype=object)
        declared = dict.fromkeys(columns, MetadataField("categorical"))
        where = self.source.where
        if known is not None:
            for key in columns:
                if key in known.frame.columns:
                    raise DataError(f"{known.where}: already has metadata {key!r}")
            frame = known.frame.reindex(self.ids).join(frame)
            declared, where = {**known.declared, **declared}, known.where
        extended = Dataset(source=self.source, datasets=self.datasets)
        extended._cache = {**self._cache, ("metadata", ""): MetadataTable(where, frame, declared)}
        return extended

    def vectors(
        self, table: EmbeddingTable, *, normalize: bool
    ) -> tuple[Float32, BoolArray | None]:
        """Return (N, D) float32 embeddings aligned with ``ids``, and the rows that lack one.

        Rows of the table that are not in the dataset are passed over. Raises as :meth:`fill`.
        """
        ids = table.ids
        target = np.fromiter(
            (self.rows.get(sample_id, -1) for sample_id in ids), dtype=np.intp, count=len(ids)
        )
        used = target[target >= 0]
        times = np.bincount(used, minlength=len(self))
        if (times > 1).any():
            again = [self.ids[row] for row in np.flatnonzero(times > 1)]
            raise DataError(f"{table.where}: duplicate ids, {first_of(again, len(self))}")
        if not len(used):
            raise DataError(
                f"{table.where}: none of its {len(ids)} ids is in the dataset; "
                f"it has {ids[0]!r}, the dataset {self.ids[0]!r}"
                if len(ids)
                else f"{table.where}: no rows"
            )
        values = fill(table, target, len(self), normalize=normalize)
        return values, (times == 0) if (times == 0).any() else None


_LARGEST_SQ_NORM = 1e37
"""Sums of a few squared norms must stay finite in float32."""


def fill(
    table: EmbeddingTable, target: npt.NDArray[np.intp], n_rows: int, *, normalize: bool
) -> Float32:
    """Copy a table's vectors into rows ``target`` of a new (n_rows, D) float32 array.

    Args:
        table: The vectors, read block by block.
        target: Row of each vector of the table; -1 leaves it out.
        n_rows: Number of rows of the result; rows without a vector are zero.
        normalize: Scale every vector to unit length (a zero vector stays zero).

    Raises:
        DataError: A value is NaN or infinite; the message names the sample.
    """
    out = np.zeros((n_rows, table.dimension), dtype=np.float32)
    for start, block in split_blocks(table.blocks()):
        rows = target[start : start + len(block)]
        keep = rows >= 0
        if not keep.all():
            block, rows = block[keep], rows[keep]
        values = np.asarray(block, dtype=np.float32)
        sq_norms = np.einsum("ij,ij->i", values, values, dtype=np.float64)
        bad = np.flatnonzero(~(sq_norms < (np.inf if normalize else _LARGEST_SQ_NORM)))
        if len(bad):
            first = table.ids[start + int(np.flatnonzero(keep)[bad[0]])]
            raise DataError(
                f"{table.where}: embedding of {first!r} has NaN, infinite or overflowing values"
            )
        if normalize and not table.normalised:
            scale = np.sqrt(sq_norms)
            scale[scale == 0] = 1.0
            values = (values / scale[:, None]).astype(np.float32)
        out[rows] = values
    return out


def split_blocks(
    blocks: Iterable[tuple[int, npt.NDArray[Any]]], rows: int = 65_536
) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Cut large blocks into smaller ones, so that temporaries stay small."""
    for start, block in blocks:
        for offset in range(0, len(block), rows):
            yield start + offset, block[offset : offset + rows]
