"""What the annotations of a project say of each prediction task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selectlab.columns import TaskType
from selectlab.exports.label_studio_config import controls_of
from selectlab.label_studio.listing import ListedTask
from selectlab.label_studio.projects import Project
from selectlab.labels.label import RawLabel
from selectlab.labels.label_studio import label_of
from selectlab.shapes import Task

_KINDS: Sequence[tuple[str, TaskType]] = (
    ("keypointlabels", "keypoint-detection"),
    ("polygonlabels", "instance-segmentation"),
    ("brushlabels", "instance-segmentation"),
    ("rectanglelabels", "object-detection"),
)


@dataclass(frozen=True)
class Part:
    """Tools of a project that are about one thing.

    Attributes:
        name: The prediction task; ``""`` for all that fit.
        type: What kind of task.
        tools: Names of the tools.
    """

    name: str
    type: TaskType
    tools: frozenset[str]


def parts_of(project: Project, tasks: Sequence[Task], name: str = "") -> list[Part]:
    """Return the parts of a project.

    A project for one task has one part, whose labels are about every task that they fit: two
    models may have a task each. In a project for several tasks each has its own, and what is left
    is about all that fit.

    Args:
        project: The project.
        tasks: The prediction tasks of the dataset.
        name: The only task that is wanted.
    """
    rest = frozenset(project.tools)
    ours = []
    for task in tasks:
        tools = rest & {tool.name for tool in controls_of(task).values()}
        if tools:
            ours.append(Part(task.name, task.type, tools))
    if name:
        wanted = [part for part in ours if part.name == name]
        return wanted or [Part(name, _kind(project, rest), rest)]
    if len(ours) < 2:
        return [Part("", _kind(project, rest), rest)]
    for part in ours:
        rest -= part.tools
    return [*ours, Part("", _kind(project, rest), rest)] if rest else ours


def _kind(project: Project, tools: Iterable[str]) -> TaskType:
    """Return what kind of task some tools are for."""
    there = {project.tools[name][0] for name in tools}
    return next((kind for tool, kind in _KINDS if tool in there), "classification")


@dataclass(frozen=True)
class PartLabels:
    """What annotations say of a part, as labels that a tool exported.

    Attributes:
        project: The project.
        part: The part.
        tasks: A few tasks with annotations.
        alone: Whether the project has no other part.
    """

    project: Project
    part: Part
    tasks: Sequence[ListedTask]
    alone: bool
    notes: Sequence[str] = ()

    @property
    def where(self) -> str:
        """The project."""
        return self.project.key

    @property
    def task(self) -> Task:
        """What kind of task the part is about."""
        return Task("", self.part.type, {})

    def __iter__(self) -> Iterator[RawLabel]:
        for task in self.tasks:
            label = label_of(self._narrowed(task.whole), place_of_task(self.project, task))
            if label is not None and (label.shapes or self._means_nothing_is_there):
                yield label

    @property
    def _means_nothing_is_there(self) -> bool:
        """Whether an annotation without shapes of the part says that there are none.

        Who chooses no class has not said that there is none; and tools that we do not know may
        not have been meant for everybody.
        """
        return self.alone or (bool(self.part.name) and self.part.type != "classification")

    def _narrowed(self, task: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a task with the results of the part's tools alone."""
        if self.alone:
            return task
        annotations = [
            {**one, "result": [result for result in one["result"] if self._is_of(result)]}
            for one in task["annotations"]
        ]
        return {**task, "annotations": annotations}

    def _is_of(self, result: Any) -> bool:
        return isinstance(result, dict) and result.get("from_name") in self.part.tools


def place_of_task(project: Project, task: ListedTask) -> str:
    """Return what messages and the ledger call a task."""
    return f"{project.key} task {task.id}"
