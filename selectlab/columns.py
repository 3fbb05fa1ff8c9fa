"""What is known of samples, in columns: embeddings, predictions, metadata, and their source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from selectlab.cluster.executor import RowParts
from selectlab.row_files import RowFile

if TYPE_CHECKING:
    import pandas as pd

BoolArray = npt.NDArray[np.bool_]
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
        on_disk: Opens the vectors as rows of a file on this machine; gives ``None`` where they
            are not stored like that.
        parts: Gives what any process can read a stretch of the vectors with, through a path or
            URL; ``None`` where they cannot be read like that.
    """

    where: str
    ids: Sequence[str]
    dimension: int
    blocks: Callable[[], Iterable[tuple[int, npt.NDArray[Any]]]]
    normalised: bool = False
    space: str | None = None
    objects: npt.NDArray[np.int64] | None = None
    on_disk: Callable[[], RowFile | None] = lambda: None
    parts: Callable[[], RowParts | None] = lambda: None


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
        labelled: (N,) samples whose objects people have labelled, instead of a model; ``None``
            when there are none.
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
    labelled: BoolArray | None = None

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


class Overlay(Protocol):
    """What is laid over the predictions of a task, such as labels."""

    def over(self, predictions: TaskPredictions, ids: Sequence[str]) -> TaskPredictions:
        """Return predictions with what is known better; ``ids`` are (N,) their samples."""
        ...


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
        """A local folder for caches such as image metrics, made by whoever writes into it.

        ``None`` when there is none.
        """
        ...
