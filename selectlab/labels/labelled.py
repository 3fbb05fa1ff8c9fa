"""Labels of one task, one for each sample: what is written for training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from selectlab.columns import TaskType
from selectlab.errors import ConfigError, DataError
from selectlab.labels.label import Kind, Label
from selectlab.labels.task_schemas import task_schema
from selectlab.shapes import Task

if TYPE_CHECKING:
    from selectlab.dataset import Dataset

_MOST_FIRST: Sequence[TaskType] = (
    "semantic-segmentation",
    "keypoint-detection",
    "instance-segmentation",
    "object-detection",
    "classification",
)


def labelled_task(
    labels: Iterable[Label], dataset: Dataset, task: str = "", kind: Kind | None = None
) -> tuple[list[Label], Task]:
    """Return the labels of a task by sample id, and what their shapes can be.

    Categories have the ids that the prediction task gives them: the named one, or else the only
    one of their kind. Categories that it does not have come after them.

    Args:
        labels: Labels; those about other tasks are passed over.
        dataset: Its prediction tasks.
        task: The prediction task that they are about.
        kind: Classes of images, or objects; needed where there are labels of both.

    Raises:
        ConfigError: There are labels of classes and of objects, and nothing says which.
        DataError: There are no such labels.
    """
    about = [label for label in labels if label.task in ("", task) or not task]
    model = _model(dataset, task, kind)
    wanted = _kind_of(model) if model is not None and task else kind
    kinds = sorted({label.kind for label in about})
    if wanted is None and len(kinds) > 1:
        raise ConfigError("kind: there are labels of classes and of objects; say which: --kind")
    chosen: dict[str, Label] = {}
    for label in about:
        if wanted in (None, label.kind) and (label.task or label.sample_id not in chosen):
            chosen[label.sample_id] = label
    if not chosen:
        raise DataError(f"labels: none of {task!r}" if task else "labels: there are none yet")
    found = [chosen[sample_id] for sample_id in sorted(chosen)]
    return found, _task(found, model or _model(dataset, "", found[0].kind), task)


def _kind_of(model: Task) -> Kind:
    return "classes" if model.type == "classification" else "objects"


def _model(dataset: Dataset, task: str, kind: Kind | None) -> Task | None:
    """Return what a task predicts, or the only one of a kind."""
    known = dataset.source.tasks()
    if task:
        return task_schema(dataset, task) if task in known else None
    fitting = [task_schema(dataset, name) for name in known] if kind is not None else []
    fitting = [model for model in fitting if _kind_of(model) == kind]
    return fitting[0] if len(fitting) == 1 else None


def _task(labels: Sequence[Label], model: Task | None, name: str) -> Task:
    """Return what the shapes of labels can be."""
    seen = {shape.category for label in labels for shape in label.shapes}
    known = {} if model is None else model.categories
    types = {label.task_type for label in labels}
    return Task(
        name=name or ("labels" if model is None else model.name),
        type=next(one for one in _MOST_FIRST if one in types),
        categories=_extended(known, sorted(seen - set(known.values()))),
    )


def _extended(known: Mapping[int, str], more: Sequence[str]) -> dict[int, str]:
    first = max(known, default=-1) + 1
    return {**known, **{first + at: name for at, name in enumerate(more)}}
