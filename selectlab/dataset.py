"""A dataset: sorted unique sample ids, and columns that are read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from selectlab.errors import DataError, did_you_mean, first_of

if TYPE_CHECKING:
    import pandas as pd

BoolArray = npt.NDArray[np.bool_]
Float32 = npt.NDArray[np.float32]
TaskType = Literal[
    "classification",
    "object-detection",
    "keypoint-detection",
    "instance-segmentation",
    "semantic-segmentation",
]


@dataclass(frozen=True)
class EmbeddingTable:
    """Embeddings as a file or an array holds them, keyed by id.

    Attributes:
        where: File or variable, for messages.
        ids: Sample id of each vector; for objects the id repeats.
        dimension: D.
        blocks: Yields ``(start, vectors)``, in order, without holding the whole twice. Called
            anew for each pass.
        normalised: Vectors have unit length already; the file says so.
        space: Name of the embedding space, if known: model name and weights hash.
        objects: 0-based object index of each vector within its sample; ``None`` for samples.
    """

    where: str
    ids: Sequence[str]
    dimension: int
    blocks: Callable[[], Iterable[tuple[int, npt.NDArray[Any]]]]
    normalised: bool = False
    space: str | None = None
    objects: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True)
class TaskPredictions:
    """The predictions of one task for all samples, in columns.

    Attributes:
        task: Task name.
        task_type: One of the five Lightly task types.
        category_ids: (K,) category ids as in the schema, in schema order; gaps are allowed.
        names: (K,) category names, same order.
        offsets: (N + 1,) sample i has objects ``offsets[i]:offsets[i + 1]``. A classification
            has one object per sample, or none.
        category: (M,) index into ``names`` (not the category id).
        score: (M,) confidence in [0, 1]; NaN where the file gives none.
        listed: (N,) whether the sample had a prediction file or row at all.
        boxes: (M, 4) x, y, width, height in px; ``None`` for classification.
        probabilities: (M, K) class probabilities, rows of NaN where not given; ``None`` when
            no object has them.
        keypoint_confidence: (M,) mean confidence of the object's keypoints; ``None`` without.
        area: (M,) segmented area in px; ``None`` without segmentation.
    """

    task: str
    task_type: TaskType
    category_ids: tuple[int, ...]
    names: tuple[str, ...]
    offsets: npt.NDArray[np.int64]
    category: npt.NDArray[np.int64]
    score: npt.NDArray[np.float64]
    listed: BoolArray
    boxes: npt.NDArray[np.float64] | None = None
    probabilities: npt.NDArray[np.float32] | None = None
    keypoint_confidence: npt.NDArray[np.float64] | None = None
    area: npt.NDArray[np.float64] | None = None

    def counts(self) -> npt.NDArray[np.int64]:
        """Return the number of objects of each sample, (N,)."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class MetadataField:
    """What a metadata schema declares about one key.

    Attributes:
        kind: Whether the values are numbers or categories.
        default: Value of samples that have none; ``None`` when the schema gives no default.
    """

    kind: Literal["numeric", "categorical"]
    default: Any = None


@dataclass(frozen=True)
class MetadataTable:
    """Metadata of all samples.

    Attributes:
        where: Folder or file, for messages.
        frame: One row per sample that has any metadata, indexed by sample id, one column per
            dotted key. Missing cells are NaN or None.
        declared: What the schema says of a key, if anything.
    """

    where: str
    frame: pd.DataFrame
    declared: Mapping[str, MetadataField] = field(default_factory=dict)


class Source(Protocol):
    """Where columns come from: a folder, a bucket or arrays in memory; keyed by id."""

    @property
    def where(self) -> str:
        """Folder, URL or ``"dataset"``, for messages."""
        ...

    def ids(self) -> Iterable[str]:
        """All sample ids, in any order, unique."""
        ...

    def embeddings(self, space: str | None) -> EmbeddingTable | None:
        """The embeddings of samples, or ``None`` when there are none of that name."""
        ...

    def object_embeddings(self, task: str) -> EmbeddingTable | None:
        """The embeddings of the objects of a task, or ``None``."""
        ...

    def tasks(self) -> Sequence[str]:
        """Names of the prediction tasks."""
        ...

    def predictions(self, task: str, ids: Sequence[str]) -> TaskPredictions:
        """The predictions of a task, aligned with ``ids``."""
        ...

    def metadata(self, ids: Sequence[str]) -> MetadataTable | None:
        """All metadata known of ``ids``, or ``None`` when there is none."""
        ...

    def tag(self, name: str) -> Sequence[str] | None:
        """The ids of a tag, or ``None`` when there is no such tag."""
        ...

    def tags(self) -> Sequence[str]:
        """Names of the tags that :meth:`tag` knows, ``initial-tag`` aside."""
        ...

    def preselected(self) -> Sequence[str]:
        """Ids that the dataset itself says are selected already."""
        ...

    def linked(self, dataset_id: str) -> str | None:
        """The path of another dataset that this one names by id, or ``None``."""
        ...

    def uri(self, sample_id: str) -> str | None:
        """Where the image of a sample lies, or ``None`` when there is no image."""
        ...

    def open_image(self, sample_id: str) -> IO[bytes]:
        """Open the image of a sample for reading."""
        ...

    def cache_folder(self) -> str | None:
        """A local folder for caches such as image metrics; ``None`` when there is none."""
        ...


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
        bad = np.flatnonzero(~np.isfinite(sq_norms))
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
