"""A source of dictionaries for the tests of the inputs: nothing but what the test says."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from selectlab.columns import EmbeddingTable, MetadataTable, TaskPredictions
from selectlab.dataset import Dataset


@dataclass
class PlainSource:
    names: Sequence[str]
    where: str = "plain"
    spaces: dict[str | None, EmbeddingTable] = field(default_factory=dict)
    object_tables: dict[str, EmbeddingTable] = field(default_factory=dict)
    by_task: dict[str, TaskPredictions] = field(default_factory=dict)
    table: MetadataTable | None = None
    tag_ids: dict[str, Sequence[str]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    images: dict[str, Path | bytes] = field(default_factory=dict)
    cache: str | None = None
    opened: list[str] = field(default_factory=list)

    def ids(self) -> Sequence[str]:
        return self.names

    def embeddings(self, space: str | None) -> EmbeddingTable | None:
        return self.spaces.get(space)

    def object_embeddings(self, task: str) -> EmbeddingTable | None:
        return self.object_tables.get(task)

    def tasks(self) -> Sequence[str]:
        return list(self.by_task)

    def predictions(self, task: str, ids: Sequence[str]) -> TaskPredictions:
        return self.by_task[task]

    def metadata(self, ids: Sequence[str]) -> MetadataTable | None:
        return self.table

    def tag(self, name: str) -> Sequence[str] | None:
        return self.tag_ids.get(name)

    def tags(self) -> Sequence[str]:
        return list(self.tag_ids)

    def preselected(self) -> Sequence[str]:
        return ()

    def linked(self, dataset_id: str) -> str | None:
        return self.links.get(dataset_id)

    def uri(self, sample_id: str) -> str | None:
        return f"mem://{sample_id}" if sample_id in self.images else None

    def open_image(self, sample_id: str) -> IO[bytes]:
        image = self.images[sample_id]
        self.opened.append(sample_id)
        return io.BytesIO(image) if isinstance(image, bytes) else image.open("rb")

    def cache_folder(self) -> str | None:
        return self.cache


def dataset_of(names: Sequence[str], **columns: Any) -> Dataset:
    return Dataset(source=PlainSource(names, **columns))


def vectors_table(
    ids: Sequence[str],
    values: Any,
    *,
    objects: Sequence[int] | None = None,
    where: str = "embeddings.parquet",
    space: str | None = None,
) -> EmbeddingTable:
    array = np.asarray(values, dtype=np.float32)
    return EmbeddingTable(
        where=where,
        ids=list(ids),
        dimension=array.shape[1],
        blocks=lambda: [(0, array)],
        space=space,
        objects=None if objects is None else np.array(objects, dtype=np.int64),
    )


def task_of(
    counts: Sequence[int],
    category: Sequence[int],
    *,
    names: Sequence[str] = ("car", "bus", "cat"),
    task_type: Any = "object-detection",
    score: Any = None,
    probabilities: Any = None,
    listed: Sequence[bool] | None = None,
    keypoint_confidence: Any = None,
    area: Any = None,
) -> TaskPredictions:
    """Predictions of samples in sorted id order; ``counts`` objects each."""

    def floats(values: Any) -> Any:
        return None if values is None else np.asarray(values, dtype=np.float64)

    n_objects = len(category)
    return TaskPredictions(
        task="det",
        task_type=task_type,
        category_ids=tuple(range(0, 2 * len(names), 2)),
        names=tuple(names),
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        category=np.array(category, dtype=np.int64),
        score=np.full(n_objects, np.nan) if score is None else floats(score),
        listed=np.ones(len(counts), dtype=bool) if listed is None else np.array(listed),
        probabilities=(
            None if probabilities is None else np.asarray(probabilities, dtype=np.float32)
        ),
        keypoint_confidence=floats(keypoint_confidence),
        area=floats(area),
    )
