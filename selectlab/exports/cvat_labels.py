"""The labels of a CVAT task: their names, what they are drawn with, and their attributes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import quoteattr

from selectlab.columns import TaskType
from selectlab.errors import DataError
from selectlab.exports.xml_lines import XmlLines
from selectlab.shapes import ORIGINS, Task

ANY, SKELETON = "any", "skeleton"
SCORE, ORIGIN = "score", "origin"

_KINDS: dict[TaskType, str] = {
    "classification": "tag",
    "object-detection": "rectangle",
    "keypoint-detection": SKELETON,
    "instance-segmentation": ANY,
    "semantic-segmentation": ANY,
}


@dataclass
class CvatLabel:
    """A label as CVAT knows it.

    Attributes:
        name: Its name, unique in a task.
        kind: What it is drawn with: ``rectangle``, ``tag``, ``skeleton``, or ``any``.
        keypoints: Names of the points of a skeleton.
        edges: Pairs of 0-based points that are joined.
        attributes: Its attributes, and whether each is a yes or no.
    """

    name: str
    kind: str
    keypoints: list[str] = field(default_factory=list)
    edges: Sequence[tuple[int, int]] = ()
    attributes: dict[str, bool] = field(default_factory=dict)

    def goes_with(self, other: CvatLabel) -> bool:
        """Whether one label can stand for both."""
        if SKELETON in (self.kind, other.kind):
            return self.kind == other.kind and self.keypoints == other.keypoints
        return True

    def drawn_with(self, kind: str) -> None:
        """Take note of a shape that it is used for."""
        if kind != self.kind:
            self.kind = ANY

    def widen(self, n_keypoints: int) -> None:
        """See to it that there is a name for so many keypoints."""
        for number in range(len(self.keypoints) + 1, n_keypoints + 1):
            self.keypoints.append(str(number))

    def note(self, attribute: str, value: object) -> None:
        """Take note of an attribute."""
        yes_or_no = isinstance(value, bool)
        self.attributes[attribute] = self.attributes.get(attribute, yes_or_no) and yes_or_no


class CvatLabels:
    """The labels of all tasks. What shapes need of them becomes known as the shapes are written.

    Args:
        tasks: The tasks. Categories of one name are one label, unless CVAT cannot have that.

    Attributes:
        notes: What became of names that CVAT cannot have twice.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.notes: list[str] = []
        self._of: dict[tuple[str, str], CvatLabel] = {}
        self._named: dict[str, CvatLabel] = {}
        self._everywhere: dict[str, None] = {}
        for task in tasks:
            for category in task.categories.values():
                self._of[task.name, category] = self._label(task, category)

    def of(self, task: str, category: str, where: str) -> CvatLabel:
        """Return the label of a category; ``where`` is the sample, for messages.

        Raises:
            DataError: The task has no such category.
        """
        label = self._of.get((task, category))
        if label is None:
            raise DataError(f"{where}: task {task!r} has no category {category!r}")
        return label

    def note_everywhere(self, attribute: str) -> None:
        """Take note of an attribute of ours, that all labels get once one has it."""
        self._everywhere[attribute] = None

    def _label(self, task: Task, category: str) -> CvatLabel:
        made = CvatLabel(category, _KINDS[task.type], list(task.keypoints), tuple(task.skeleton))
        known = self._named.get(category)
        if known is not None and known.goes_with(made):
            known.drawn_with(made.kind)
            return known
        if known is not None:
            made.name = self._free(f"{category} ({task.name})")
            self.notes.append(
                f"category {category!r} of task {task.name!r} is label {made.name!r}: CVAT has "
                "no label for keypoints and for something else"
            )
        self._named[made.name] = made
        return made

    def _free(self, name: str) -> str:
        while name in self._named:
            name += "*"
        return name

    def write_meta(self, xml: XmlLines) -> None:
        """Write the labels as annotations.xml has them."""
        with xml.element("labels"):
            for label in self._named.values():
                with xml.element("label"):
                    xml.leaf("name", label.name)
                    xml.leaf("type", label.kind)
                    self._write_attributes(xml, label)
                    if label.kind == SKELETON:
                        xml.leaf("svg", _svg(label))
                for point in label.keypoints if label.kind == SKELETON else ():
                    with xml.element("label"):
                        xml.leaf("name", point)
                        xml.leaf("type", "points")
                        xml.leaf("attributes")
                        xml.leaf("parent", label.name)

    def _write_attributes(self, xml: XmlLines, label: CvatLabel) -> None:
        with xml.element("attributes"):
            for attribute in self._attributes(label):
                with xml.element("attribute"):
                    xml.leaf("name", attribute["name"])
                    xml.leaf("mutable", str(attribute["mutable"]))
                    xml.leaf("input_type", attribute["input_type"])
                    xml.leaf("default_value", attribute["default_value"])
                    xml.leaf("values", "\n".join(attribute["values"]))

    def _attributes(self, label: CvatLabel) -> list[dict[str, Any]]:
        found = []
        for name in self._everywhere:
            values = [*reversed(ORIGINS)] if name == ORIGIN else [""]
            found.append(_attribute(name, "select" if name == ORIGIN else "text", values))
        for name, yes_or_no in label.attributes.items():
            if name not in self._everywhere:
                kind, values = ("checkbox", ["false"]) if yes_or_no else ("text", [""])
                found.append(_attribute(name, kind, values))
        return found

    def constructor(self) -> list[dict[str, Any]]:
        """Return the labels as CVAT's raw label editor and its API take them."""
        listed = []
        for label in self._named.values():
            held: dict[str, Any] = {"name": label.name, "type": label.kind}
            held["attributes"] = self._attributes(label)
            if label.kind == SKELETON:
                held["sublabels"] = [
                    {"name": point, "type": "points", "attributes": []} for point in label.keypoints
                ]
                held["svg"] = _svg(label)
            listed.append(held)
        return listed


def _attribute(name: str, kind: str, values: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "mutable": False,
        "input_type": kind,
        "default_value": values[0],
        "values": values,
    }


def _svg(label: CvatLabel) -> str:
    """Return the drawing that a person places a new skeleton with: its points on a circle."""
    turns = [2 * math.pi * at / max(len(label.keypoints), 1) for at in range(len(label.keypoints))]
    places = [(f"{50 + 40 * math.sin(t):.3f}", f"{50 - 40 * math.cos(t):.3f}") for t in turns]
    drawn = [
        f'<line x1="{places[one][0]}" y1="{places[one][1]}" x2="{places[other][0]}" '
        f'y2="{places[other][1]}" stroke="black" data-type="edge" data-node-from="{one + 1}" '
        f'stroke-width="0.5" data-node-to="{other + 1}"></line>'
        for one, other in label.edges
        if max(one, other) < len(places)
    ]
    drawn += [
        f'<circle r="1.5" stroke="black" fill="#b3b3b3" cx="{x}" cy="{y}" stroke-width="0.1" '
        f'data-type="element node" data-element-id="{at}" data-node-id="{at}" '
        f"data-label-name={quoteattr(name)}></circle>"
        for at, ((x, y), name) in enumerate(zip(places, label.keypoints, strict=True), start=1)
    ]
    return "".join(drawn)
