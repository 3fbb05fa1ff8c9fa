"""What an assertion said of the boxes of a task, as shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selectlab.assertion_run import read_imputed
from selectlab.errors import DataError
from selectlab.inputs.numbers import is_number
from selectlab.inputs.sample_ids import sample_id
from selectlab.shapes import Shape, Task


@dataclass(frozen=True)
class Told:
    """What an assertion said of a sample.

    Attributes:
        imputed: Boxes that should have been predicted.
        offending: Places of the predictions that should not be there.
    """

    imputed: Sequence[Shape] = ()
    offending: frozenset[int] = frozenset()


NOTHING = Told()


class Imputed:
    """A file of imputed boxes, as ``selectlab assert`` writes it.

    Args:
        path: The file.

    Attributes:
        task: Name of the task that it is about.

    Raises:
        DataError: It is not there or not of this form; the message says where.
    """

    def __init__(self, path: Path) -> None:
        content = read_imputed(path)
        self.task, self._where = str(content["task"]), str(path)
        self._names = _names(content.get("categories"), f"{path}: categories")
        if not isinstance(content["frames"], list):
            raise DataError(f"{path}: frames must be a list")
        self._frames = content["frames"]

    def extended(self, task: Task) -> Task:
        """Return the task with the categories that only the file has.

        Raises:
            DataError: The file gives an id another name than the task.
        """
        known = dict(task.categories)
        for number, name in self._names.items():
            if known.setdefault(number, name) != name:
                raise DataError(
                    f"{self._where}: category {number} is {name!r}, in task {task.name!r} it is "
                    f"{known[number]!r}; the file belongs to other predictions"
                )
        return replace(task, categories=known)

    def told(self, task: Task) -> Mapping[str, Told]:
        """Return what is said of samples.

        Args:
            task: With the categories that :meth:`extended` added.

        Raises:
            DataError: An entry is malformed, or of an unknown category.
        """
        found: dict[str, Told] = {}
        for number, frame in enumerate(self._frames):
            where = f"{self._where}: frames[{number}]"
            if not isinstance(frame, dict):
                raise DataError(f"{where}: must be an object with file_name and imputed")
            imputed, offending = frame.get("imputed", []), frame.get("offending", [])
            whole = isinstance(offending, list) and all(type(at) is int for at in offending)
            if not isinstance(imputed, list) or not whole:
                raise DataError(
                    f"{where}: imputed must be a list of boxes, offending one of whole numbers"
                )
            shapes = [_shape(box, task, f"{where}.imputed[{k}]") for k, box in enumerate(imputed)]
            name = sample_id(frame.get("file_name"), f"{where}.file_name")
            found[name] = Told(shapes, frozenset(offending))
        return found


def _names(categories: Any, where: str) -> dict[int, str]:
    listed = [] if categories is None else categories
    whole = isinstance(listed, list) and all(
        isinstance(one, dict) and type(one.get("id")) is int and isinstance(one.get("name"), str)
        for one in listed
    )
    if not whole:
        raise DataError(f"{where} must be a list of objects with id and name")
    return {one["id"]: one["name"] for one in listed}


def _shape(content: Any, task: Task, where: str) -> Shape:
    held = content if isinstance(content, dict) else {}
    category, xywh, score = held.get("category_id"), held.get("bbox"), held.get("score")
    listed = xywh if isinstance(xywh, list) else []
    plain = len(listed) == 4 and all(map(is_number, listed))
    if type(category) is not int or not plain:
        raise DataError(
            f"{where}: needs category_id and bbox [x, y, width, height], got {content!r:.80}"
        )
    if category not in task.categories:
        raise DataError(
            f"{where}: category_id {category} is not in the schema of task {task.name!r}"
        )
    x, y, w, h = (float(value) for value in listed)
    known = float(score) if is_number(score) else None
    return Shape(task.categories[category], known, (x, y, w, h), origin="imputed")
