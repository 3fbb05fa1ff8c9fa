"""Boxes that go along with a frame: what the model predicted, and what it should have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from selectlab.errors import DataError
from selectlab.exports.imputed import NOTHING, Imputed
from selectlab.shapes import Task

if TYPE_CHECKING:
    from selectlab.columns import TaskPredictions
    from selectlab.dataset import Dataset

Kind = Literal["predicted", "suspicious", "imputed"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True)
class Box:
    """A box in a frame.

    Attributes:
        kind: ``predicted`` by the model; ``suspicious``: predicted, and an assertion says that
            it should not be; ``imputed``: not predicted, and an assertion says it should be.
        category: Name of its category.
        xywh: x, y, width, height in px.
        score: Confidence; ``None`` when there is none.
    """

    kind: Kind
    category: str
    xywh: tuple[float, float, float, float]
    score: float | None = None


@dataclass(frozen=True)
class Labels:
    """The boxes of frames, of one task.

    Attributes:
        task: Name of the task.
        names: Category names by id, in the order of the schema.
        boxes: Boxes by sample id.
    """

    task: str
    names: Mapping[int, str]
    boxes: Mapping[str, Sequence[Box]]

    def of(self, sample: str, kinds: Sequence[str] = KINDS) -> list[Box]:
        """Return the boxes of a sample that are of these kinds."""
        return [box for box in self.boxes.get(sample, ()) if box.kind in kinds]


def read_labels(
    dataset: Dataset,
    samples: Sequence[str],
    *,
    task: str | None,
    imputed: Path | None,
    min_score: float,
) -> Labels | None:
    """Return the boxes of samples: predicted ones of a task, and imputed ones of a file.

    Args:
        dataset: Holds the predictions.
        samples: Sample ids; others are passed over.
        task: Name of the task. Default: the one the file names, or the only one with boxes.
        imputed: File of imputed boxes, as ``selectlab assert`` writes it.
        min_score: Predicted boxes below are left out.

    Returns:
        ``None`` when the dataset has no task with boxes and none is asked for.

    Raises:
        DataError: There are several tasks and none is named, or a file is malformed.
    """
    said = None if imputed is None else Imputed(imputed)
    chosen = task or (said.task if said else None) or _only_task(dataset)
    if chosen is None:
        return None
    held = dataset.predictions(chosen)
    about = Task(chosen, held.task_type, dict(zip(held.category_ids, held.names, strict=True)))
    if said is not None:
        about = said.extended(about)
    told = {} if said is None else said.told(about)
    boxes = {}
    for sample in sorted(set(samples)):
        row, of_it = dataset.rows.get(sample), told.get(sample, NOTHING)
        predicted = [] if row is None else _predicted(held, row, min_score, of_it.offending)
        missing = [
            Box("imputed", shape.category, shape.box, shape.score)
            for shape in of_it.imputed
            if shape.box is not None
        ]
        boxes[sample] = [*predicted, *missing]
    return Labels(chosen, about.categories, boxes)


def _only_task(dataset: Dataset) -> str | None:
    tasks = [task for task in dataset.source.tasks() if dataset.predictions(task).boxes is not None]
    if len(tasks) > 1:
        raise DataError(
            f"{dataset.source.where}: several tasks with boxes ({', '.join(tasks)}); name one "
            "with --task"
        )
    return tasks[0] if tasks else None


def _predicted(
    held: TaskPredictions, row: int, min_score: float, offending: frozenset[int]
) -> list[Box]:
    """Return the predicted boxes of a sample; suspicious ones whatever their score."""
    if held.boxes is None:
        return []
    found, first = [], int(held.offsets[row])
    for at in range(first, int(held.offsets[row + 1])):
        score, suspicious = float(held.score[at]), at - first in offending
        if suspicious or score >= min_score or np.isnan(score):
            x, y, w, h = (float(value) for value in held.boxes[at])
            kind: Kind = "suspicious" if suspicious else "predicted"
            category = held.names[int(held.category[at])]
            known = None if np.isnan(score) else score
            found.append(Box(kind, category, (x, y, w, h), known))
    return found
