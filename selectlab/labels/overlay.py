"""Labels in the place of predictions: what BALANCE and others count of labelled samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.columns import TaskPredictions
from selectlab.ids import Ids
from selectlab.labels.label import Kind, Label
from selectlab.shapes import Shape

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Replaced:
    """What labels did to the predictions of a task.

    Attributes:
        samples: How many samples have labels instead of predictions.
        objects: How many labelled objects, or classes of images, are counted.
        unknown: How many are of categories that the task does not have, by category.
    """

    samples: int
    objects: int
    unknown: Mapping[str, int]


class LabelOverlay:
    """Labels of some samples, laid over the predictions of any task that they fit.

    A label that names a task is about that one. Others are about every task of their kind that
    knows any of their categories. Categories are matched by name.

    Args:
        labels: At most one for each sample, task and kind. They are gone through when the first
            predictions are asked for, if ever.

    Attributes:
        replaced: What was done, by task; filled as predictions are asked for.
    """

    def __init__(self, labels: Iterable[Label]) -> None:
        self.replaced: dict[str, Replaced] = {}
        self._given = labels

    @cached_property
    def _labels(self) -> dict[tuple[str, Kind], dict[str, Label]]:
        """The labels of each task and kind, by sample."""
        found: dict[tuple[str, Kind], dict[str, Label]] = {}
        for label in self._given:
            found.setdefault((label.task, label.kind), {})[label.sample_id] = label
        return found

    def over(self, predictions: TaskPredictions, ids: Sequence[str]) -> TaskPredictions:
        """Return predictions in which labelled samples have what was labelled.

        Labelled objects have score 1. What only models say of objects (boxes, confidences of
        keypoints) is left out.

        Args:
            predictions: Of a task, N samples.
            ids: (N,) the samples, sorted.
        """
        fitting = self._fitting(predictions)
        names = list(fitting)
        places = Ids.of(ids).positions(names)
        labelled = np.zeros(len(ids), dtype=np.bool_)
        labelled[places[places >= 0]] = True
        if not labelled.any():
            return predictions
        found = _Found(predictions.names, predictions.task_type == "classification")
        for at in np.argsort(places, kind="stable"):
            if places[at] >= 0:
                found.add(int(places[at]), fitting[names[at]].shapes)
        n_samples = int(labelled.sum())
        self.replaced[predictions.task] = Replaced(n_samples, len(found.rows), found.unknown)
        return _joined(predictions, labelled, found)

    def notes(self) -> list[str]:
        """Return what the user should know of what was replaced, one line each."""
        told = []
        for task, replaced in sorted(self.replaced.items()):
            if replaced.unknown:
                names = ", ".join(f"{name!r} ({n})" for name, n in sorted(replaced.unknown.items()))
                told.append(
                    f"labels of {task!r} are of categories that the task does not have, and count "
                    f"for none: {names}"
                )
        return told

    def _fitting(self, predictions: TaskPredictions) -> Mapping[str, Label]:
        """Return the labels that are about a task, by sample."""
        kind: Kind = "classes" if predictions.task_type == "classification" else "objects"
        general = self._labels.get(("", kind), {})
        said = {shape.category for label in general.values() for shape in label.shapes}
        if said and not said & set(predictions.names):
            general = {}
        return {**general, **self._labels.get((predictions.task, kind), {})}


@dataclass
class _Found:
    """Labelled objects in columns, by rising row."""

    names: tuple[str, ...]
    is_class: bool
    rows: list[int] = field(default_factory=list)
    category: list[int] = field(default_factory=list)
    area: list[float] = field(default_factory=list)
    shares: list[Float64] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)

    def add(self, row: int, shapes: Sequence[Shape]) -> None:
        """Add what was labelled in a sample; the classes of an image are one object."""
        numbers = {name: at for at, name in enumerate(self.names)}
        self.unknown.update(s.category for s in shapes if s.category not in numbers)
        known = [shape for shape in shapes if shape.category in numbers]
        for part in [known] if self.is_class and known else [[shape] for shape in known]:
            share = np.zeros(len(self.names))
            share[[numbers[shape.category] for shape in part]] = 1.0
            self.rows.append(row)
            self.category.append(int(np.argmax(share)))
            self.area.append(area_of(part[0]))
            self.shares.append(share / share.sum())


def _joined(
    held: TaskPredictions, labelled: npt.NDArray[np.bool_], found: _Found
) -> TaskPredictions:
    """Return predictions with the objects of labelled samples taken out, and others put in."""
    owner = np.repeat(np.arange(len(labelled)), held.counts())
    kept = ~labelled[owner]
    owner = np.concatenate([owner[kept], np.array(found.rows, dtype=owner.dtype)])
    order = np.argsort(owner, kind="stable")
    counts = np.bincount(owner, minlength=len(labelled))

    def column(old: npt.NDArray[Any], new: Any) -> npt.NDArray[Any]:
        return np.concatenate([old[kept], np.asarray(new, dtype=old.dtype)])[order]

    shares = np.array(found.shares).reshape(len(found.rows), len(held.names))
    probabilities = held.probabilities
    if probabilities is None and ((shares > 0).sum(axis=1) > 1).any():
        probabilities = np.full((len(held.category), len(held.names)), np.nan, dtype=np.float32)
    return replace(
        held,
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        category=column(held.category, found.category),
        score=column(held.score, np.ones(len(found.rows))),
        listed=held.listed | labelled,
        boxes=None,
        probabilities=None if probabilities is None else column(probabilities, shares),
        keypoint_confidence=None,
        area=None if held.area is None else column(held.area, found.area),
        labelled=labelled,
    )


def area_of(shape: Shape) -> float:
    """Return the area of a shape in px: of its mask, outlines or box; 0 without any.

    Example:
        >>> area_of(Shape("car", polygons=((0, 0, 4, 0, 0, 3),)))
        6.0
    """
    if shape.mask is not None:
        return float(sum(shape.mask.counts[1::2]))
    if shape.polygons:
        return sum(_outlined(np.array(outline).reshape(-1, 2)) for outline in shape.polygons)
    return 0.0 if shape.box is None else float(shape.box[2] * shape.box[3])


def _outlined(points: Float64) -> float:
    """Return the area in an outline of (n, 2) points."""
    x, y = points.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
