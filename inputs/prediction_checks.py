"""Checks of single predictions: fields of many objects at once, errors that name the first bad."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.columns import TaskType
from selectlab.errors import DataError

Float64 = npt.NDArray[np.float64]

SUM_TOLERANCE = 1e-3
RANGE_TOLERANCE = 1e-6
_LONGEST_RUN = 1 << 62


@dataclass(frozen=True)
class TaskSchema:
    """What a task predicts.

    Attributes:
        task: Task name.
        task_type: One of the five Lightly task types.
        category_ids: (K,) ids, gaps allowed.
        names: (K,) names, same order.
    """

    task: str
    task_type: TaskType
    category_ids: tuple[int, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PredictedObject:
    """One prediction on its way into the columns."""

    where: str
    position: int
    fields: Mapping[str, Any]

    def at(self, key: str) -> str:
        """Say where a field of this object stands."""
        return f"{self.where}: predictions[{self.position}].{key}"


def rle_area(value: Any, where: str) -> float:
    """Return the area of a row-major run-length mask that starts with the count of zeros, px.

    Raises:
        DataError: The mask is not a list of whole numbers >= 0.

    Example:
        >>> rle_area([1, 3], "a.json")
        3.0
    """
    if not isinstance(value, list) or not all(
        type(run) is int and 0 <= run < _LONGEST_RUN for run in value
    ):
        raise DataError(
            f"{where} must be a list of run lengths, whole numbers >= 0, got {shown(value)}"
        )
    return float(sum(value[1::2]))


def require(objects: Iterable[PredictedObject], key: str) -> None:
    """Refuse objects that lack a field."""
    for o in objects:
        if o.fields.get(key) is None:
            raise DataError(f"{o.at(key)} is missing; the task needs it")


def categories(objects: Sequence[PredictedObject], schema: TaskSchema) -> npt.NDArray[np.int64]:
    """Return the index of each object's category."""
    index = {category_id: i for i, category_id in enumerate(schema.category_ids)}
    found = []
    for o in objects:
        given = o.fields.get("category_id")
        if type(given) is not int or given not in index:
            known = ", ".join(map(str, schema.category_ids[:12]))
            more = ", ..." if len(index) > 12 else ""
            raise DataError(
                f"{o.at('category_id')} {shown(given)} is not in the schema of task "
                f"{schema.task!r}; known ids: {known}{more}"
            )
        found.append(index[given])
    return np.array(found, dtype=np.int64)


def _numbers(
    objects: Sequence[PredictedObject], key: str, shape: tuple[int, ...], what: str
) -> tuple[npt.NDArray[np.bool_], Float64]:
    """Return which objects have a field, and its (present, *shape) finite values."""
    held = [(o, o.fields[key]) for o in objects if o.fields.get(key) is not None]
    present = np.array([o.fields.get(key) is not None for o in objects], dtype=np.bool_)
    values = _as_numbers([value for _, value in held], shape)
    if values is None:
        o, value = next(pair for pair in held if _as_numbers([pair[1]], shape) is None)
        raise DataError(f"{o.at(key)} must be {what}, got {shown(value)}")
    return present, values


def _as_numbers(values: Sequence[Any], shape: tuple[int, ...]) -> Float64 | None:
    """Return values as one finite array, or ``None`` when they are not all of that shape."""
    if not values:
        return np.zeros((0, *shape))
    try:
        array = np.array(values)
    except (ValueError, OverflowError):
        return None
    if array.dtype.kind not in "iuf" or array.shape[1:] != shape or not np.isfinite(array).all():
        return None
    return array.astype(np.float64)


def _refuse(
    objects: Sequence[PredictedObject],
    present: npt.NDArray[np.bool_],
    bad: npt.NDArray[np.bool_],
    key: str,
    what: str,
) -> None:
    """Refuse the first object for which ``bad`` (one entry per present object) is true."""
    if bad.any():
        o = objects[int(np.flatnonzero(present)[np.argmax(bad)])]
        raise DataError(f"{o.at(key)} must be {what}, got {shown(o.fields[key])}")


def scores(objects: Sequence[PredictedObject]) -> Float64:
    """Return the scores; NaN where there is none."""
    what = "a number from 0 to 1"
    present, values = _numbers(objects, "score", (), what)
    bad = np.abs(values - 0.5) > 0.5 + RANGE_TOLERANCE
    _refuse(objects, present, bad, "score", what)
    scores = np.full(len(objects), np.nan)
    scores[present] = np.clip(values, 0.0, 1.0)
    return scores


def boxes(objects: Sequence[PredictedObject], required: bool) -> Float64 | None:
    """Return the boxes; rows of NaN where there is none."""
    what = "4 finite numbers x, y, width, height with width and height >= 0"
    if required:
        require(objects, "bbox")
    present, values = _numbers(objects, "bbox", (4,), what)
    _refuse(objects, present, values[:, 2:].min(axis=1, initial=0.0) < 0, "bbox", what)
    if not present.any():
        return None
    boxes = np.full((len(objects), 4), np.nan)
    boxes[present] = values
    return boxes


def probabilities(
    objects: Sequence[PredictedObject], n_classes: int
) -> npt.NDArray[np.float32] | None:
    """Return the class probabilities; rows of NaN where there are none."""
    what = f"{n_classes} finite numbers, one per category of the schema"
    present, values = _numbers(objects, "probabilities", (n_classes,), what)
    if not present.any():
        return None
    _refuse(objects, present, values.min(axis=1, initial=0.0) < 0, "probabilities", "numbers >= 0")
    sums = values.sum(axis=1)
    bad = np.abs(sums - 1) > SUM_TOLERANCE
    if bad.any():
        o = objects[int(np.flatnonzero(present)[np.argmax(bad)])]
        raise DataError(f"{o.at('probabilities')} must sum to 1, they sum to {sums[bad][0]:.6g}")
    out = np.full((len(objects), n_classes), np.nan, dtype=np.float32)
    out[present] = values
    return out


def confidences(objects: Sequence[PredictedObject]) -> Float64:
    """Return the mean confidence of each object's keypoints x, y, s."""
    require(objects, "keypoints")
    what = "numbers x, y, s for every keypoint, with s from 0 to 1"
    means = np.empty(len(objects))
    for i, o in enumerate(objects):
        value = o.fields["keypoints"]
        flat = _as_numbers([value], (len(value),)) if isinstance(value, list) else None
        points = None if flat is None or not flat.size or flat.size % 3 else flat.reshape(-1, 3)
        if points is None or (points[:, 2] < 0).any() or (points[:, 2] > 1 + RANGE_TOLERANCE).any():
            raise DataError(f"{o.at('keypoints')} must be {what}, got {shown(value)}")
        means[i] = min(float(points[:, 2].mean()), 1.0)
    return means


def shown(value: Any) -> str:
    """Return a value for a message, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
