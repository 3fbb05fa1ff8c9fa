"""Predictions at hand, as arrays, frames or Lightly-style lists, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from selectlab.columns import TaskPredictions
from selectlab.errors import DataError, did_you_mean, first_of
from selectlab.inputs.lightly_predictions import parse_schema
from selectlab.inputs.prediction_checks import SUM_TOLERANCE, TaskSchema
from selectlab.inputs.prediction_columns import PredictionBuilder, PredictionTable

_BOX = ("x", "y", "w", "h")


def as_array(value: Any) -> npt.NDArray[Any]:
    """Return an array, tensor, frame or list as an array, without a copy where possible."""
    if hasattr(value, "detach"):
        tensor = value.detach().cpu()
        bfloat = str(tensor.dtype) == "torch.bfloat16"
        return np.asarray(tensor.float() if bfloat else tensor)
    return np.asarray(value)


def prediction_ids(value: Any) -> Iterable[str]:
    """Return the sample ids that predictions carry themselves; none for plain arrays."""
    if isinstance(value, PredictionTable):
        return value.ids
    if isinstance(value, Mapping) and isinstance(value.get("predictions"), Mapping):
        return cast(Mapping[str, Any], value["predictions"])
    if _is_detections(value):
        return [str(name) for name in value["sample_id"].tolist()]
    return ()


def prediction_table(task: str, value: Any, ids: Sequence[str]) -> PredictionTable:
    """Return predictions keyed by id; see :func:`selectlab.memory.predictions_from`."""
    where = f"predictions[{task!r}]"
    if isinstance(value, PredictionTable):
        return _overlapping(value, ids, where)
    if isinstance(value, TaskPredictions):
        if len(value.offsets) != len(ids) + 1:
            raise DataError(f"{where}: {len(value.offsets) - 1} samples for {len(ids)} ids")
        return PredictionTable(where, tuple(ids), value)
    if isinstance(value, Mapping):
        return _lightly(task, value, ids, where)
    if _is_detections(value):
        return _detections(task, value, ids, where)
    return _probabilities(task, value, ids, where)


def _is_detections(value: Any) -> bool:
    return hasattr(value, "columns") and {"sample_id", "category"} <= set(value.columns)


def _overlapping(table: PredictionTable, ids: Sequence[str], where: str) -> PredictionTable:
    """Refuse predictions none of whose samples is in the dataset."""
    if len(table.ids) and set(table.ids).isdisjoint(ids):
        raise DataError(
            f"{where}: none of its {len(table.ids)} ids is in the dataset; "
            f"it has {table.ids[0]!r}, the dataset {ids[0]!r}"
        )
    return table


def _lightly(
    task: str, value: Mapping[str, Any], ids: Sequence[str], where: str
) -> PredictionTable:
    """Take ``{"task_type", "categories", "predictions": {sample id: [...]}}``."""
    expected = ("task_type", "categories", "predictions")
    for key in [*expected, *value]:
        if key not in value or key not in expected:
            what = "is missing" if key not in value else "is not known"
            raise DataError(f"{where}: key {key!r} {what}{did_you_mean(key, expected)}")
    categories = value["categories"]
    named = isinstance(categories, list | tuple) and all(isinstance(c, str) for c in categories)
    listed = (
        [{"id": at, "name": name} for at, name in enumerate(categories)] if named else categories
    )
    content = {"task_type": value["task_type"], "categories": listed}
    builder = PredictionBuilder(parse_schema(content, task, where), where)
    held = value["predictions"]
    if not isinstance(held, Mapping):
        raise DataError(f"{where}: predictions must be lists by sample id")
    _known(held, ids, where)
    for name, objects in held.items():
        builder.add(name, objects, f"{where} of {name!r}")
    return builder.table()


def _known(found: Iterable[str], ids: Sequence[str], where: str) -> None:
    """Refuse predictions of samples that are not in the dataset."""
    dataset, names = set(ids), list(dict.fromkeys(found))
    unknown = [name for name in names if name not in dataset]
    if unknown:
        raise DataError(f"{where}: not in the dataset, {first_of(unknown, len(names))}")


def _detections(task: str, frame: Any, ids: Sequence[str], where: str) -> PredictionTable:
    """Take a frame with a row per detection; a box needs all of x, y, w, h."""
    lacking = [name for name in _BOX if name not in frame.columns]
    if lacking:
        raise DataError(f"{where}: no column {lacking[0]!r}; detections need x, y, w, h in px")
    values: list[Any] = frame["category"].tolist()
    numbered = all(type(value) is int for value in values)
    kinds = sorted(set(values), key=None if numbered else str)
    category_ids = tuple(kinds) if numbered else tuple(range(len(kinds)))
    schema = TaskSchema(task, "object-detection", category_ids, tuple(map(str, kinds)))
    id_of = dict(zip(kinds, category_ids, strict=True))
    names = [str(name) for name in frame["sample_id"].tolist()]
    _known(names, ids, where)
    scores = frame["score"].tolist() if "score" in frame.columns else [None] * len(frame)
    found: dict[str, list[dict[str, Any]]] = {}
    boxes = frame[list(_BOX)].to_numpy().tolist()
    for name, value, score, box in zip(names, values, scores, boxes, strict=True):
        number = id_of[value]
        held = {"category_id": number, "score": score, "bbox": box}
        found.setdefault(name, []).append(held)
    builder = PredictionBuilder(schema, where)
    for name, objects in found.items():
        builder.add(name, objects, f"{where} of {name!r}")
    return builder.table()


def _probabilities(task: str, value: Any, ids: Sequence[str], where: str) -> PredictionTable:
    """Take (N, K) class probabilities."""
    matrix = as_array(value)
    if matrix.ndim != 2 or matrix.dtype.kind not in "iuf" or not matrix.shape[1]:
        raise DataError(
            f"{where}: expected (samples, classes) numbers, got shape {matrix.shape} "
            f"of {matrix.dtype}"
        )
    n_rows, n_classes = matrix.shape
    if n_rows != len(ids):
        raise DataError(f"{where}: {n_rows} rows for {len(ids)} ids")
    columns = value.columns if hasattr(value, "columns") else range(n_classes)
    names = tuple(str(name) for name in columns)
    if len(set(names)) < n_classes:
        raise DataError(f"{where}: two columns have the same name")
    sums = matrix.sum(axis=1, dtype=np.float64)
    for bad, what in (
        (~np.isfinite(sums), "have NaN or infinite values"),
        (matrix.min(axis=1) < 0, "must be >= 0"),
        (np.abs(sums - 1) > SUM_TOLERANCE, "must sum to 1, they sum to {:.6g}"),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise DataError(f"{where}: probabilities of {ids[row]!r} {what.format(sums[row])}")
    predictions = TaskPredictions(
        task=task,
        task_type="classification",
        category_ids=tuple(range(n_classes)),
        names=names,
        offsets=np.arange(n_rows + 1, dtype=np.int64),
        category=matrix.argmax(axis=1).astype(np.int64),
        score=matrix.max(axis=1).astype(np.float64),
        listed=np.ones(n_rows, dtype=np.bool_),
        probabilities=matrix.astype(np.float32),
    )
    return PredictionTable(where, tuple(ids), predictions)
