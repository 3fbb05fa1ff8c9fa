"""Shapes as lines of YOLO label files: boxes, outlines or keypoints, in shares of the image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from selectlab.columns import TaskType
from selectlab.errors import DataError
from selectlab.exports.categories import Categories
from selectlab.exports.geometry import Size, box_around, inside
from selectlab.exports.items import Item
from selectlab.exports.outlines import joined, outlines
from selectlab.shapes import Shape, Task
from selectlab.tally import Tally

BOXES, OUTLINES, KEYPOINTS = "boxes", "outlines", "keypoints"

_UNSIZED = "samples with shapes but of no known size, which have no label file"
_OUTSIDE = "shapes outside of their image, left out"
_WITHOUT_POINTS = "boxes without keypoints, whose keypoints are absent"

_KINDS: Mapping[TaskType, str] = {
    "object-detection": BOXES,
    "instance-segmentation": OUTLINES,
    "semantic-segmentation": OUTLINES,
    "keypoint-detection": KEYPOINTS,
}


class YoloLines:
    """Writes the shapes of images as lines.

    Classes are numbered from 0 in the order of tasks and schemas.

    Args:
        tasks: Tasks of one kind.
        items: The images; gone through up to the first keypoints, where tasks do not name them.

    Raises:
        DataError: Label files cannot hold one of the tasks, or not all in one dataset, or the
            task has keypoints but nothing tells how many.
    """

    def __init__(self, tasks: Sequence[Task], items: Iterable[Item] = ()) -> None:
        self._kind = _kind(tasks)
        self._categories = Categories(tasks)
        self._numbers = self._categories.numbers
        self._n_points = _n_points(tasks, items) if self._kind == KEYPOINTS else 0
        self._tally = Tally()

    def text(self, item: Item) -> str | None:
        """Return the content of the label file of an image.

        Returns:
            ``None`` where there are shapes, but no size to share them by.

        Raises:
            DataError: A shape is of no category of its task, or has more or fewer keypoints than
                the ones before.
        """
        shapes = [(task, shape) for task, held in item.shapes.items() for shape in held]
        size = item.size
        if not shapes:
            return ""
        if size is None:
            self._tally.add(_UNSIZED, repr(item.sample_id))
            return None
        lines, name = [], repr(item.sample_id)
        for task, shape in shapes:
            number = self._numbers[self._categories.of(shape, task, f"sample {name}").name]
            part = inside(shape, size)
            shares = None if part is None else self._shares(part, size, name)
            if shares is None:
                self._tally.add(_OUTSIDE, name)
                continue
            lines.append(" ".join((str(number), *shares)) + "\n")
        return "".join(lines)

    def schema(self) -> dict[str, Any]:
        """Return what data.yaml says of the classes."""
        found: dict[str, Any] = {"names": {self._numbers[c.name]: c.name for c in self._categories}}
        if self._kind == KEYPOINTS:
            found["kpt_shape"] = [self._n_points, 3]
            named = {self._numbers[c.name]: list(c.keypoints) for c in self._categories}
            if all(named.values()):
                found["kpt_names"] = named
        return found

    def category_ids(self) -> list[int]:
        """Return the id that each class has in its task."""
        return [category.id for category in self._categories]

    def notes(self) -> list[str]:
        """Return what the user should know."""
        return self._tally.lines()

    def _shares(self, shape: Shape, size: Size, name: str) -> Iterable[str] | None:
        """Return the numbers of a line after the class; ``None`` for a shape of no extent."""
        if self._kind == OUTLINES:
            outline = _outline(shape, f"sample {name}")
            mask = None if shape.polygons else shape.mask
            of = size if mask is None else (mask.width, mask.height)
            return None if outline is None else _divided(outline, of)
        box = box_around(shape, f"sample {name}")
        if box is None:
            return None
        x, y, w, h = box
        around = _divided((x + w / 2, y + h / 2, w, h), size)
        return around if self._kind == BOXES else [*around, *self._points(shape, size, name)]

    def _points(self, shape: Shape, size: Size, name: str) -> Iterable[str]:
        if not shape.keypoints:
            self._tally.add(_WITHOUT_POINTS, name)
        elif len(shape.keypoints) != self._n_points:
            raise DataError(
                f"sample {name}: {len(shape.keypoints)} keypoints, but others have "
                f"{self._n_points}; all objects of a YOLO dataset have the same"
            )
        for x, y, confidence in shape.keypoints or ((0.0, 0.0, 0.0),) * self._n_points:
            yield from (*_divided((x, y), size), "2") if confidence > 0 else ("0", "0", "0")


def _n_points(tasks: Sequence[Task], items: Iterable[Item]) -> int:
    """Return how many keypoints an object has, by the schema or by the first one that has any."""
    named = max((len(task.keypoints) for task in tasks), default=0)
    if named:
        return named
    drawn = (shape for item in items for held in item.shapes.values() for shape in held)
    found = next((len(shape.keypoints) for shape in drawn if shape.keypoints), 0)
    if not found:
        raise DataError(
            "no sample has keypoints, and the schema of the task does not name them, so that "
            "kpt_shape cannot be told; choose another --task"
        )
    return found


def _kind(tasks: Sequence[Task]) -> str:
    """Return what the lines are made of."""
    for task in tasks:
        if task.type not in _KINDS:
            raise DataError(
                f"task {task.name!r}: YOLO label files hold boxes, outlines or keypoints, but no "
                f"{task.type}; leave it out"
            )
    kinds = {_KINDS[task.type]: task.name for task in tasks}
    if len(kinds) > 1:
        (first, one), (second, other) = list(kinds.items())[:2]
        raise DataError(
            f"task {one!r} has {first} and {other!r} {second}; a YOLO dataset has only one of "
            "them, so export one by one"
        )
    return next(iter(kinds), BOXES)


def _outline(shape: Shape, where: str) -> tuple[float, ...] | None:
    """Return one outline of a shape; a box is an outline with four corners."""
    drawn = list(shape.polygons)
    if not drawn and shape.mask is not None:
        drawn = outlines(shape.mask, where)
    elif not drawn and (box := box_around(shape, where)) is not None:
        x, y, w, h = box
        drawn = [(x, y, x + w, y, x + w, y + h, x, y + h)]
    return joined(drawn) if drawn else None


def _divided(values: Sequence[float], size: Size) -> list[str]:
    """Return px, x and y by turns, as shares of the image."""
    return [f"{value / size[at % 2] + 0.0:.6f}" for at, value in enumerate(values)]
