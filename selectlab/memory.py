"""Datasets from arrays, tensors and tables at hand."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from selectlab.columns import EmbeddingTable, MetadataField, MetadataTable, TaskPredictions
from selectlab.errors import DataError, first_of, repeated
from selectlab.ids import Ids
from selectlab.inputs.metadata_columns import typed_frame
from selectlab.inputs.prediction_columns import PredictionTable
from selectlab.inputs.prediction_values import as_array, prediction_ids, prediction_table

if TYPE_CHECKING:
    import pandas as pd

WHERE = "dataset"


class MemorySource:
    """Columns that are in memory already; everything is checked when it comes in.

    Attributes:
        where: ``"dataset"``, for messages.
    """

    where = WHERE

    def __init__(
        self,
        ids: Sequence[str],
        embeddings: Mapping[str | None, EmbeddingTable],
        metadata: MetadataTable | None,
        predictions: Mapping[str, PredictionTable],
        object_embeddings: Mapping[str, EmbeddingTable],
        tags: Mapping[str, tuple[str, ...]],
        datasets: Mapping[str, Any],
    ) -> None:
        self._ids = Ids.of(ids)
        self._embeddings = embeddings
        self._metadata = metadata
        self._predictions = predictions
        self._object_embeddings = object_embeddings
        self._tags = tags
        self._datasets = datasets

    @classmethod
    def of(
        cls,
        ids: Iterable[str] | None = None,
        embeddings: Any = None,
        metadata: Any = None,
        predictions: Mapping[str, Any] | None = None,
        object_embeddings: Mapping[str, Any] | None = None,
        tags: Mapping[str, Iterable[str]] | None = None,
        datasets: Mapping[str, Any] | None = None,
    ) -> MemorySource:
        """Take what :class:`selectlab.dataset.Dataset` was given.

        Without ``ids`` the samples are those of predictions and embeddings that carry ids
        (such as what ``read_coco`` and ``read_embeddings`` return).

        Raises:
            DataError: Ids repeat or are missing, or a column has another length than ``ids``.
        """
        for name, given in (("predictions", predictions), ("datasets", datasets)):
            if given is not None and not isinstance(given, Mapping):
                raise DataError(f"{name}: expected a mapping by name, got {type(given).__name__}")
        known = Ids.of(_ids(ids, embeddings, predictions))
        tables = {
            task: prediction_table(task, value, known)
            for task, value in (predictions or {}).items()
        }
        return cls(
            known,
            _embeddings(embeddings, known),
            None if metadata is None else _metadata(metadata, known),
            tables,
            {task: _objects(task, value) for task, value in (object_embeddings or {}).items()},
            {name: tuple(named) for name, named in (tags or {}).items()},
            dict(datasets or {}),
        )

    def ids(self) -> Sequence[str]:
        """Return the ids in the order they were given."""
        return self._ids

    def embeddings(self, space: str | None) -> EmbeddingTable | None:
        """Return the embeddings of a space; the only one there is needs no name.

        Raises:
            DataError: No space is named and there are several.
        """
        if space is not None or not self._embeddings or None in self._embeddings:
            return self._embeddings.get(space)
        if len(self._embeddings) > 1:
            listed = ", ".join(sorted(map(str, self._embeddings)))
            raise DataError(f"{WHERE}: several embedding spaces ({listed}); name one")
        return next(iter(self._embeddings.values()))

    def object_embeddings(self, task: str) -> EmbeddingTable | None:
        """Return the embeddings of a task's objects."""
        return self._object_embeddings.get(task)

    def tasks(self) -> Sequence[str]:
        """Return the names of the prediction tasks."""
        return sorted(self._predictions)

    def predictions(self, task: str, ids: Sequence[str]) -> TaskPredictions:
        """Return the predictions of a task, aligned with ``ids``."""
        return self._predictions[task].align(ids)

    def metadata(self, ids: Sequence[str]) -> MetadataTable | None:
        """Return the metadata of ``ids``."""
        if self._metadata is None:
            return None
        return replace(self._metadata, frame=self._metadata.frame.reindex(list(ids)))

    def tag(self, name: str) -> Sequence[str] | None:
        """Return the ids of a tag; ``initial-tag`` is everything."""
        found = self._tags.get(name)
        return self._ids if found is None and name == "initial-tag" else found

    def tags(self) -> Sequence[str]:
        """Return the names of the tags."""
        return sorted(self._tags)

    def preselected(self) -> Sequence[str]:
        """Return nothing: preselected samples are given with the run."""
        return ()

    def linked(self, dataset_id: str) -> str | None:
        """Return the path of another dataset, where one was given."""
        path = self._datasets.get(dataset_id)
        return os.fspath(path) if isinstance(path, str | os.PathLike) else None

    def uri(self, sample_id: str) -> str | None:
        """Return nothing: there are no image files."""
        return None

    def open_image(self, sample_id: str) -> IO[bytes]:
        """Refuse: there are no image files.

        Raises:
            DataError: Always.
        """
        raise DataError(f"{WHERE}: no image {sample_id!r}; a dataset in memory has none")

    def cache_folder(self) -> str | None:
        """Return nothing: what is in memory is not cached on disk."""
        return None


def predictions_from(task: str, value: Any, ids: Sequence[str]) -> TaskPredictions:
    """Return predictions at hand as columns aligned with ``ids``.

    Args:
        task: Task name.
        value: One of: a :class:`TaskPredictions` aligned with ``ids``; what ``read_coco`` or
            ``read_yolo`` return; an (N, K) array, tensor or frame of class probabilities in
            the order of ``ids`` (the columns of a frame name the classes); a frame of
            detections with columns sample_id, category and, where known, score, x, y, w, h
            in px; or ``{"task_type": ..., "categories": [names], "predictions": {sample id:
            [...]}}`` with predictions as Lightly writes them.
        ids: (N,) sample ids.

    Raises:
        DataError: A shape does not fit, probabilities do not sum to 1, or an id is unknown.
    """
    return prediction_table(task, value, ids).align(ids)


def _ids(ids: Iterable[str] | None, embeddings: Any, predictions: Any) -> tuple[str, ...]:
    """Return the ids, checked; collect them from what carries ids where none are given."""
    if ids is None:
        tables = embeddings.values() if isinstance(embeddings, Mapping) else [embeddings]
        carried: list[Iterable[str]] = [
            table.ids for table in tables if isinstance(table, EmbeddingTable)
        ]
        carried += [prediction_ids(value) for value in (predictions or {}).values()]
        known = tuple(sorted(set().union(*carried)))
        if not known:
            raise DataError(f"{WHERE}: no ids; give ids, one per row of the arrays")
        return known
    known = tuple(ids)
    for row, sample_id in enumerate(known):
        if not isinstance(sample_id, str) or not sample_id:
            raise DataError(f"{WHERE}: ids[{row}] must be text, got {sample_id!r}")
    again = repeated(known)
    if again:
        raise DataError(f"{WHERE}: duplicate ids, {first_of(again, len(known))}")
    return known


def _embeddings(value: Any, ids: Sequence[str]) -> dict[str | None, EmbeddingTable]:
    """Return the embedding tables by space."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        return {None: _embedding(value, ids, "embeddings")}
    return {space: _embedding(held, ids, f"embeddings[{space!r}]") for space, held in value.items()}


def _embedding(value: Any, ids: Sequence[str], where: str) -> EmbeddingTable:
    if isinstance(value, EmbeddingTable):
        return value
    vectors = _matrix(value, where)
    if len(vectors) != len(ids):
        raise DataError(f"{where}: {len(vectors)} rows for {len(ids)} ids")
    return EmbeddingTable(where, ids, vectors.shape[1], lambda: [(0, vectors)])


def _matrix(value: Any, where: str) -> npt.NDArray[Any]:
    try:
        vectors = as_array(value)
    except ValueError as error:
        raise DataError(f"{where}: not a matrix of numbers: {error}") from None
    if vectors.ndim != 2 or vectors.dtype.kind not in "iuf":
        raise DataError(
            f"{where}: expected a matrix of numbers, one row per vector, "
            f"got shape {vectors.shape} of {vectors.dtype}"
        )
    return vectors


def _objects(task: str, value: Any) -> EmbeddingTable:
    """Return object embeddings from (vectors, sample ids); objects count up within a sample."""
    if isinstance(value, EmbeddingTable):
        return value
    where = f"object_embeddings[{task!r}]"
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise DataError(f"{where}: expected (vectors, sample ids)")
    vectors, owners = _matrix(value[0], where), [str(owner) for owner in value[1]]
    if len(owners) != len(vectors):
        raise DataError(f"{where}: {len(owners)} sample ids for {len(vectors)} vectors")
    count: dict[str, int] = {}
    objects = np.zeros(len(owners), dtype=np.int64)
    for at, owner in enumerate(owners):
        objects[at] = count.get(owner, 0)
        count[owner] = count.get(owner, 0) + 1
    return EmbeddingTable(where, owners, vectors.shape[1], lambda: [(0, vectors)], objects=objects)


def _metadata(value: Any, ids: Sequence[str]) -> MetadataTable:
    """Return metadata by id; a ``category`` column is declared categorical."""
    import pandas as pd

    frame: pd.DataFrame
    if isinstance(value, pd.DataFrame):
        frame = value.copy(deep=False)
    else:
        if not isinstance(value, Mapping):
            raise DataError(
                f"metadata: expected a pandas table or {{key: values}}, got {type(value).__name__}"
            )
        columns = {key: as_array(held) for key, held in value.items()}
        for key, held in columns.items():
            if held.shape != (len(ids),):
                raise DataError(f"metadata[{key!r}]: shape {held.shape} for {len(ids)} ids")
        frame = pd.DataFrame(columns)
    if len(frame) != len(ids):
        raise DataError(f"metadata: {len(frame)} rows for {len(ids)} ids")
    frame.columns = frame.columns.map(str)
    frame.index = pd.Index(np.array(ids, dtype=object))
    categorical = [
        name for name in frame.columns if isinstance(frame[name].dtype, pd.CategoricalDtype)
    ]
    declared = {name: MetadataField("categorical") for name in categorical}
    return MetadataTable("metadata", typed_frame(frame, {}, "metadata"), declared)
