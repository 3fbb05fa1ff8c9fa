"""Boxes that go along with a frame: what the model predicted, and what it should have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from selectlab.assertion_run import read_imputed
from selectlab.errors import DataError
from selectlab.inputs.sample_ids import sample_id

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
        category_id: Category as in the task's schema.
        xywh: x, y, width, height in px.
        score: Confidence; ``None`` when there is none.
    """

    kind: Kind
    category_id: int
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


@dataclass(frozen=True)
class Asserted:
    """What an assertion said of a frame.

    Attributes:
        imputed: Boxes that should have been there.
        offending: Places of suspicious boxes among the frame's predictions.
    """

    imputed: Sequence[Box]
    offending: frozenset[int]


def read_asserted(path: Path) -> tuple[str, dict[str, Asserted]]:
    """Read a file of imputed boxes, as ``selectlab assert`` writes it.

    Returns:
        The task, and what is said of frames by sample id.

    Raises:
        DataError: The file is not there, or not of this form; the message says where.
    """
    content = read_imputed(path)
    found: dict[str, Asserted] = {}
    for number, frame in enumerate(content["frames"]):
        where = f"{path}: frames[{number}]"
        if not isinstance(frame, dict):
            raise DataError(f"{where}: must be an object with file_name and imputed")
        imputed, offending = frame.get("imputed", []), frame.get("offending", [])
        if not isinstance(imputed, list) or not isinstance(offending, list):
            raise DataError(f"{where}: imputed and offending must be lists")
        boxes = [_box(box, f"{where}.imputed[{at}]") for at, box in enumerate(imputed)]
        name = sample_id(frame.get("file_name"), f"{where}.file_name")
        found[name] = Asserted(boxes, frozenset(offending))
    return content["task"], found


def _box(content: Any, where: str) -> Box:
    held = content if isinstance(content, dict) else {}
    category, xywh, score = held.get("category_id"), held.get("bbox"), held.get("score")
    plain = isinstance(xywh, list) and all(type(value) in (int, float) for value in xywh)
    if type(category) is not int or not plain or len(xywh or ()) != 4:
        raise DataError(
            f"{where}: needs category_id and bbox [x, y, width, height], got {content!r:.80}"
        )
    x, y, w, h = (float(value) for value in xywh or ())
    return Box("imputed", category, (x, y, w, h), None if score is None else float(score))


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
        imputed: File for :func:`read_asserted`.
        min_score: Predicted boxes below are left out.

    Returns:
        ``None`` when the dataset has no task with boxes and none is asked for.

    Raises:
        DataError: There are several tasks and none is named, or a file is malformed.
    """
    if imputed is None:
        named, said = None, dict[str, Asserted]()
    else:
        named, said = read_asserted(imputed)
    chosen = task or named or _only_task(dataset)
    if chosen is None:
        return None
    held = dataset.predictions(chosen)
    names = dict(zip(held.category_ids, held.names, strict=True))
    boxes = {}
    for sample in sorted(set(samples)):
        row, asserted = dataset.rows.get(sample), said.get(sample, _NOTHING)
        predicted = [] if row is None else _predicted(held, row, min_score, asserted.offending)
        boxes[sample] = [*predicted, *asserted.imputed]
        for box in boxes[sample]:
            if box.category_id not in names:
                raise DataError(
                    f"{imputed}: category_id {box.category_id} of {sample!r} is not in the "
                    f"schema of task {chosen!r}"
                )
    return Labels(chosen, names, boxes)


_NOTHING = Asserted((), frozenset())


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
            category = held.category_ids[int(held.category[at])]
            known = None if np.isnan(score) else score
            found.append(Box(kind, category, (x, y, w, h), known))
    return found
