"""Predictions as columns: built from single objects, checked in blocks, keyed by sample id."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.columns import TaskPredictions
from selectlab.errors import DataError
from selectlab.inputs import prediction_checks as checks
from selectlab.inputs.prediction_checks import (
    Float64,
    PredictedObject,
    TaskSchema,
    rle_area,
    shown,
)

_BLOCK = 8192
_PER_OBJECT = ("category", "score", "boxes", "probabilities", "keypoint_confidence", "area")
_REQUIRED: Mapping[str, str] = {
    "object-detection": "bbox",
    "keypoint-detection": "keypoints",
    "instance-segmentation": "segmentation",
    "semantic-segmentation": "segmentation",
}


@dataclass(frozen=True)
class PredictionTable:
    """Predictions of one task as a file holds them, keyed by id.

    Attributes:
        where: File, folder or variable, for messages.
        ids: Sample id of each row of ``predictions``, unique.
        predictions: The columns.
    """

    where: str
    ids: tuple[str, ...]
    predictions: TaskPredictions

    def align(self, ids: Sequence[str]) -> TaskPredictions:
        """Return the predictions of ``ids``, in their order; other samples are passed over.

        A sample without a row has no objects and is not listed.
        """
        row_of = {sample_id: row for row, sample_id in enumerate(self.ids)}
        rows = np.fromiter((row_of.get(i, -1) for i in ids), dtype=np.int64, count=len(ids))
        known, held = rows >= 0, self.predictions
        counts = np.zeros(len(ids), dtype=np.int64)
        counts[known] = held.counts()[rows[known]]
        listed = np.zeros(len(ids), dtype=np.bool_)
        listed[known] = held.listed[rows[known]]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        starts = np.zeros(len(ids), dtype=np.int64)
        starts[known] = held.offsets[rows[known]]
        index = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], counts)
        columns: dict[str, Any] = {
            name: column[index]
            for name in _PER_OBJECT
            if (column := getattr(held, name)) is not None
        }
        return replace(held, offsets=offsets, listed=listed, **columns)


@dataclass
class PredictionBuilder:
    """Collects predictions sample by sample and checks them.

    Attributes:
        schema: The task.
        where: Name of the whole, for messages.
        area_of: Gives the area in px of a ``segmentation``, and refuses malformed ones.
    """

    schema: TaskSchema
    where: str
    area_of: Callable[[Any, str], float] = rle_area
    _files: dict[str, str] = field(default_factory=dict)
    _counts: list[int] = field(default_factory=list)
    _pending: list[PredictedObject] = field(default_factory=list)
    _blocks: list[dict[str, npt.NDArray[Any] | None]] = field(default_factory=list)

    def add(self, sample_id: str, objects: Any, where: str) -> None:
        """Add the predictions of a sample, as Lightly writes them.

        Raises:
            DataError: The sample was added before, or a field is missing or malformed. Fields
                are checked in blocks, so this may be about a sample added earlier.
        """
        if sample_id in self._files:
            raise DataError(
                f"{where}: {sample_id!r} has predictions in {self._files[sample_id]} too"
            )
        if not isinstance(objects, list) or not all(isinstance(o, dict) for o in objects):
            raise DataError(f"{where}: predictions must be a list of objects, got {shown(objects)}")
        if self.schema.task_type == "classification" and len(objects) > 1:
            raise DataError(
                f"{where}: {len(objects)} predictions for one sample; "
                f"task {self.schema.task!r} is a classification and has one"
            )
        self._files[sample_id] = where
        self._counts.append(len(objects))
        self._pending.extend(PredictedObject(where, i, fields) for i, fields in enumerate(objects))
        if len(self._pending) >= _BLOCK:
            self._flush()

    def table(self) -> PredictionTable:
        """Return everything added so far."""
        self._flush()
        offsets = np.concatenate([[0], np.cumsum(self._counts)]).astype(np.int64)
        n_objects, schema = int(offsets[-1]), self.schema
        predictions = TaskPredictions(
            task=schema.task,
            task_type=schema.task_type,
            category_ids=schema.category_ids,
            names=schema.names,
            offsets=offsets,
            listed=np.ones(len(self._counts), dtype=np.bool_),
            **self._joined(n_objects),
        )
        return PredictionTable(self.where, tuple(self._files), predictions)

    def _joined(self, n_objects: int) -> dict[str, Any]:
        """Join the blocks column by column; NaN stands where only other blocks have values."""
        joined: dict[str, Any] = {
            "category": np.zeros(0, dtype=np.int64),
            "score": np.zeros(0),
        }
        if self.schema.task_type != "classification" and not n_objects:
            joined["boxes"] = np.zeros((0, 4))
        names = list(self._blocks[0]) if self._blocks else []
        for name in names:
            parts = [block[name] for block in self._blocks]
            some = next((part for part in parts if part is not None), None)
            if some is not None:
                joined[name] = np.concatenate(
                    [
                        np.full((len(block["score"]), *some.shape[1:]), np.nan, dtype=some.dtype)  # type: ignore[arg-type]
                        if part is None
                        else part
                        for part, block in zip(parts, self._blocks, strict=True)
                    ]
                )
        return joined

    def _flush(self) -> None:
        """Turn the pending objects into a block of checked columns."""
        objects, self._pending = self._pending, []
        if not objects:
            return
        kind = self.schema.task_type
        required = _REQUIRED.get(kind)
        classified = kind == "classification"
        self._blocks.append(
            {
                "category": checks.categories(objects, self.schema),
                "score": checks.scores(objects),
                "boxes": None if classified else checks.boxes(objects, required == "bbox"),
                "probabilities": checks.probabilities(objects, len(self.schema.names)),
                "keypoint_confidence": checks.confidences(objects)
                if required == "keypoints"
                else None,
                "area": self._areas(objects) if required == "segmentation" else None,
            }
        )

    def _areas(self, objects: Sequence[PredictedObject]) -> Float64:
        """Return the segmented areas, px."""
        checks.require(objects, "segmentation")
        return np.array(
            [self.area_of(o.fields["segmentation"], o.at("segmentation")) for o in objects]
        )
