"""What the prediction tasks of a dataset are, without their predictions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from selectlab.shapes import Task

if TYPE_CHECKING:
    from selectlab.dataset import Dataset


def task_schema(dataset: Dataset, name: str) -> Task:
    """Return type and categories of a prediction task; of files only the schema is read.

    A COCO file has its categories beside the predictions, and is read whole.

    Args:
        dataset: The dataset.
        name: One of its tasks.

    Raises:
        DataError: The schema is malformed.
    """
    from_files = getattr(dataset.source, "shapes", None)
    if from_files is not None:
        found: Task = from_files(name).task
        return replace(found, name=name)
    held = dataset.predictions(name)
    return Task(name, held.task_type, dict(zip(held.category_ids, held.names, strict=True)))
