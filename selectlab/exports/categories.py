"""The categories of several tasks in one list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from selectlab.errors import DataError, did_you_mean
from selectlab.shapes import Shape, Task


@dataclass(frozen=True)
class Category:
    """A category of the joint list.

    Attributes:
        id: Its id: that of its task, unless another category has it.
        name: Its name; what has the same name in two tasks is one category.
        keypoints: Names of its keypoints, where known.
        skeleton: Pairs of 0-based keypoints that are joined, where known.
    """

    id: int
    name: str
    keypoints: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()


class Categories:
    """The categories of all tasks, by name, in the order of tasks and schemas.

    Args:
        tasks: The tasks.

    Attributes:
        notes: Which ids are not those of their task any more, one line per task.

    Raises:
        DataError: Two tasks name the keypoints of a category differently.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._held: dict[str, Category] = {}
        self._tasks = {task.name: frozenset(task.categories.values()) for task in tasks}
        self.notes: list[str] = []
        taken: set[int] = set()
        free = 1 + max((number for task in tasks for number in task.categories), default=-1)
        for task in tasks:
            renumbered = []
            for number, name in task.categories.items():
                known = self._held.get(name)
                new = known.id if known else free if number in taken else number
                free += new == free
                taken.add(new)
                self._held[name] = _merged(known, task, new, name)
                if new != number:
                    renumbered.append(f"{name!r} {number} -> {new}")
            if renumbered:
                self.notes.append(_changed(task, renumbered))

    def __iter__(self) -> Iterator[Category]:
        return iter(self._held.values())

    def __len__(self) -> int:
        return len(self._held)

    @property
    def numbers(self) -> Mapping[str, int]:
        """Place of each category in the list, by name."""
        return {name: number for number, name in enumerate(self._held)}

    def of(self, shape: Shape, task: str, where: str) -> Category:
        """Return the category of a shape.

        Args:
            shape: The shape.
            task: Name of its task.
            where: Its sample, for messages.

        Raises:
            DataError: The task has no such category, or it has more or fewer keypoints.
        """
        if shape.category not in self._tasks[task]:
            hint = did_you_mean(shape.category, self._tasks[task])
            raise DataError(f"{where}: task {task!r} has no category {shape.category!r}{hint}")
        found = self._held[shape.category]
        n_points = len(shape.keypoints)
        if n_points and found.keypoints and n_points != len(found.keypoints):
            raise DataError(
                f"{where}: {n_points} keypoints, but {found.name!r} has {len(found.keypoints)}"
            )
        return found


def _merged(known: Category | None, task: Task, number: int, name: str) -> Category:
    points, skeleton = tuple(task.keypoints), tuple(task.skeleton)
    if known is None or not known.keypoints:
        return Category(number, name, points, skeleton)
    if points and points != known.keypoints:
        raise DataError(
            f"task {task.name!r}: names the keypoints of {name!r} otherwise than another task; "
            "export one of the two"
        )
    return known


def _changed(task: Task, renumbered: Sequence[str]) -> str:
    shown = ", ".join(renumbered[:5]) + (", ..." if len(renumbered) > 5 else "")
    return (
        f"task {task.name!r}: {len(renumbered)} category ids are others in the joint list: {shown}"
    )
