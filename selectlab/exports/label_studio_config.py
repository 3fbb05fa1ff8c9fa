"""The labelling config of Label Studio: which tools a person gets, for which categories."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import count
from typing import Literal
from xml.sax.saxutils import quoteattr

from selectlab.columns import TaskType
from selectlab.errors import DataError
from selectlab.shapes import Task

IMAGE = "image"
"""Name of the image in the config, and of its place in the data of a task."""

Kind = Literal["class", "boxes", "polygons", "masks", "keypoints"]


@dataclass(frozen=True)
class Control:
    """One tool of the config.

    Attributes:
        name: Its name, which results give as ``from_name``.
        kind: What a person makes with it.
        labels: The names to choose from, each with a number that gives its colour.
    """

    name: str
    kind: Kind
    labels: Mapping[str, int]

    @property
    def type(self) -> str:
        """The type of its results, which is also where their value keeps the labels."""
        return _TAGS[self.kind].lower()


_TAGS: Mapping[Kind, str] = {
    "class": "Choices",
    "boxes": "RectangleLabels",
    "polygons": "PolygonLabels",
    "masks": "BrushLabels",
    "keypoints": "KeyPointLabels",
}
_MORE: Mapping[Kind, str] = {
    "class": ' choice="single" showInline="true"',
    "boxes": ' canRotate="false"',
}
_KINDS: Mapping[TaskType, tuple[Kind, ...]] = {
    "classification": ("class",),
    "object-detection": ("boxes",),
    "keypoint-detection": ("boxes", "keypoints"),
    "instance-segmentation": ("polygons", "masks", "boxes"),
    "semantic-segmentation": ("masks", "polygons"),
}
_HOTKEYS = 9
_VARIABLE = re.compile(r"\$[A-Za-z0-9_.\[\]{}]")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def controls_of(task: Task) -> dict[Kind, Control]:
    """Return the tools for a task.

    The boxes of a keypoint task carry the category; its points carry the names of the
    keypoints, or the category where no names are known.
    """
    categories = {name: number for number, name in task.categories.items()}
    points = {name: number for number, name in enumerate(task.keypoints)} or categories
    return {
        kind: Control(
            _control_name(task.name, kind), kind, points if kind == "keypoints" else categories
        )
        for kind in _KINDS[task.type]
    }


def label_config(tasks: Sequence[Task]) -> str:
    """Return the labelling config for some tasks, as XML.

    The same tasks give the same config. The first nine names get the keys 1 to 9. A category
    keeps its colour when others join it.

    Raises:
        DataError: There is no task, or a name cannot be written.
    """
    controls = [control for task in tasks for control in controls_of(task).values()]
    if not controls:
        raise DataError("a labelling config needs a task with categories; name one with --task")
    keys = count(1)
    lines = [f'  <Image name="{IMAGE}" value="${IMAGE}" zoom="true" zoomControl="true"/>']
    for task in tasks:
        for control in controls_of(task).values():
            if len(controls) > 1:
                title = f"{task.name} {control.kind}".replace("$", "").strip()
                lines.append(f'  <Header value={_quoted(title)} size="5"/>')
            lines += _tag(control, keys)
    return "\n".join(["<View>", *lines, "</View>", ""])


def _tag(control: Control, keys: Iterator[int]) -> Iterable[str]:
    tag, more = _TAGS[control.kind], _MORE.get(control.kind, "")
    inner = "Choice" if control.kind == "class" else "Label"
    yield f'  <{tag} name="{control.name}" toName="{IMAGE}"{more}>'
    for name, number in control.labels.items():
        key = next(keys)
        hotkey = f' hotkey="{key}"' if key <= _HOTKEYS else ""
        colour = f' background="{_colour(number)}"' if inner == "Label" else ""
        yield f"    <{inner} value={_quoted(name)}{colour}{hotkey}/>"
    yield f"  </{tag}>"


def _quoted(name: str) -> str:
    """Return a name as an attribute, quotes included."""
    if _NOT_XML.search(name):
        raise DataError(f"{name!r} holds a control character, which XML cannot say; rename it")
    if _VARIABLE.search(name):
        raise DataError(
            f"{name!r}: Label Studio puts the data of the task in for what follows $; rename it"
        )
    return quoteattr(name)


def _colour(number: int) -> str:
    """Return a colour far from those of the numbers before."""
    hue = number * 0.6180339887498949 % 1.0
    parts = colorsys.hls_to_rgb(hue, 0.45, 0.8)
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _control_name(task: str, kind: Kind) -> str:
    """Return a name without characters that mean something to Label Studio, one per task."""
    plain = re.sub("[^A-Za-z0-9_-]", "_", task) or "labels"
    if task and plain != task:
        plain += f"_{blake2b(task.encode(), digest_size=3).hexdigest()}"
    return f"{plain}_{kind}"
