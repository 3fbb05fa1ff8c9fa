"""What a CVAT export says of itself: labels with their kinds, tasks with their videos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from selectlab.columns import TaskType
from selectlab.errors import DataError
from selectlab.inputs.numbers import size_from
from selectlab.inputs.sample_ids import VIDEO_SUFFIXES, suffix_of
from selectlab.shapes import Task

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_VIDEOS = tuple(f".{suffix}" for suffix in VIDEO_SUFFIXES.split("|"))


@dataclass(frozen=True)
class CvatTask:
    """A task of CVAT that labels come from.

    Attributes:
        name: Its name.
        video: File name of its video; ``None`` for a task of images.
        size: Width and height of the video, px, if the file tells.
        updated_at: When it was changed last, if the file tells; with a time zone.
        assignee: Who has it, if the file tells.
    """

    name: str
    video: str | None = None
    size: tuple[int, int] | None = None
    updated_at: datetime | None = None
    assignee: str | None = None


@dataclass(frozen=True)
class CvatMeta:
    """The head of an export.

    Attributes:
        categories: Names of its labels, in their order.
        kinds: What each is drawn with, such as ``rectangle``; ``any`` in older exports.
        keypoints: Names of the points of each skeleton, by its label.
        edges: Pairs of 0-based points of each skeleton that are joined.
        inputs: How each attribute is entered, such as ``checkbox``, by label and name.
        tasks: Tasks by their ids.
    """

    categories: tuple[str, ...]
    kinds: Mapping[str, str]
    keypoints: Mapping[str, tuple[str, ...]]
    edges: Mapping[str, tuple[tuple[int, int], ...]]
    inputs: Mapping[tuple[str, str], str]
    tasks: Mapping[str, CvatTask]

    def task_of(self, element: Element) -> CvatTask:
        """Return the task that an image or a track is of."""
        task = self.tasks.get(element.get("task_id", ""))
        return task or next(iter(self.tasks.values()), CvatTask(""))

    def as_task(self, drawn: Iterable[str]) -> Task:
        """Return type and categories.

        Args:
            drawn: Kinds of elements that the file has.
        """
        kinds = {*self.kinds.values(), *drawn}
        names = set(self.keypoints.values())
        joined = {self.edges[label] for label in self.keypoints}
        return Task(
            name="",
            type=_task_type(kinds),
            categories=dict(enumerate(self.categories)),
            keypoints=names.pop() if len(names) == 1 else (),
            skeleton=joined.pop() if len(names | joined) == 1 else (),
        )


def _task_type(kinds: set[str]) -> TaskType:
    """Return the type of task that has a place for all these."""
    if kinds & {"skeleton", "points"}:
        return "keypoint-detection"
    if kinds & {"polygon", "mask"}:
        return "instance-segmentation"
    return "classification" if kinds - {"any"} == {"tag"} else "object-detection"


def read_meta(meta: Element, where: str) -> CvatMeta:
    """Read the head of an export.

    Raises:
        DataError: A label has no name, or the drawing of a skeleton cannot be read.
    """
    kinds: dict[str, str] = {}
    keypoints: dict[str, list[str]] = {}
    drawings: dict[str, str] = {}
    inputs: dict[tuple[str, str], str] = {}
    for label in meta.iter("label"):
        name, parent = label.findtext("name"), label.findtext("parent")
        if not name:
            raise DataError(f"{where}: a label in <meta> has no name")
        if parent:
            listed = keypoints.setdefault(parent, [])
            listed += [] if name in listed else [name]
            continue
        kinds[name] = label.findtext("type") or "any"
        drawings[name] = label.findtext("svg") or ""
        for attribute in label.iter("attribute"):
            about = attribute.findtext("name") or "", attribute.findtext("input_type") or "text"
            inputs[name, about[0]] = about[1]
    return CvatMeta(
        categories=tuple(kinds),
        kinds=kinds,
        keypoints={label: tuple(names) for label, names in keypoints.items()},
        edges={
            label: _edges(drawings.get(label, ""), names, f"{where}: label {label!r}")
            for label, names in keypoints.items()
        },
        inputs=inputs,
        tasks=_tasks(meta),
    )


def _edges(drawing: str, names: Sequence[str], where: str) -> tuple[tuple[int, int], ...]:
    """Return the pairs of points that the lines of a skeleton's drawing join."""
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        svg = fromstring(f"<svg>{drawing}</svg>", forbid_dtd=True)
    except (ParseError, ValueError):
        raise DataError(f"{where}: the drawing of its skeleton is malformed") from None
    nodes = {node.get("data-node-id"): node.get("data-label-name") for node in svg.iter("circle")}
    ends = [
        (nodes.get(line.get("data-node-from")), nodes.get(line.get("data-node-to")))
        for line in svg.iter("line")
    ]
    places = {name: at for at, name in enumerate(names)}
    return tuple(
        (places[one], places[other])
        for one, other in ends
        if one is not None and other is not None and {one, other} <= places.keys()
    )


def _tasks(meta: Element) -> dict[str, CvatTask]:
    """Return the tasks by their ids; a job counts as one."""
    found = [*meta.iter("task"), *meta.findall("job")]
    return {task.findtext("id") or "": _task(task) for task in found}


def _task(task: Element) -> CvatTask:
    name, source = task.findtext("name") or "", task.findtext("source")
    video = source or (name if suffix_of(name) in _VIDEOS else None)
    if task.findtext("mode") == "annotation":
        video = None
    return CvatTask(
        name=name,
        video=video,
        size=size_of(task.findtext("original_size/width"), task.findtext("original_size/height")),
        updated_at=_time(task.findtext("updated")),
        assignee=task.findtext("assignee/username") or None,
    )


def size_of(width: str | None, height: str | None) -> tuple[int, int] | None:
    """Return width and height, px; ``None`` if they are no sizes."""
    try:
        return size_from(int(width or ""), int(height or ""))
    except ValueError:
        return None


def _time(text: str | None) -> datetime | None:
    """Return a time with its time zone; ``None`` if it has none."""
    try:
        found = datetime.fromisoformat((text or "").strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
