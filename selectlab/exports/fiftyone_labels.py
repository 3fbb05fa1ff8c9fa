"""Shapes as FiftyOne's labels, and names that its fields can have."""

from __future__ import annotations

import base64
import io
import math
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from selectlab.exports.geometry import Size, inside
from selectlab.masks import Pixels, bounds, pixels_of
from selectlab.shapes import Shape, Task
from selectlab.tally import Tally

_LISTS = {"Detections": "detections", "Polylines": "polylines", "Keypoints": "keypoints"}

_FIRST = {
    "object-detection": "Detections",
    "keypoint-detection": "Keypoints",
    "instance-segmentation": "Detections",
    "semantic-segmentation": "Detections",
    "classification": "Classification",
}
"""What the field that is called like a task holds."""

_SUFFIXES = {
    "Detections": "boxes",
    "Polylines": "outlines",
    "Keypoints": "keypoints",
    "Classification": "class",
    "Classifications": "more_classes",
}
"""What the other fields of a task are called after its name."""

_OF_LABELS = (
    "attributes bounding_box closed confidence filled id index instance_id label logits mask "
    "mask_path points score tags"
)
"""Names that an attribute of a label cannot have."""


class FieldNames:
    """Gives each key a name that a field of FiftyOne can have, and no other field has.

    Args:
        taken: Names that are taken.

    Example:
        >>> names = FieldNames(["tags"])
        >>> [names.of("metadata", key) for key in ("weather.t", "weather t", "tags", "_x", "")]
        ['weather_t', 'weather_t_2', 'tags_2', 'x', 'field']
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._names: dict[tuple[str, str], str] = {}

    def of(self, kind: str, key: str) -> str:
        """Return the name for a key of a kind, the same each time."""
        if (kind, key) not in self._names:
            plain = re.sub(r"\W+", "_", key).strip("_") or "field"
            name, number = plain, 1
            while name in self._taken:
                number += 1
                name = f"{plain}_{number}"
            self._taken.add(name)
            self._names[kind, key] = name
        return self._names[kind, key]


class FiftyOneLabels:
    """Turns shapes into labels, a field for each kind of label of a task.

    Args:
        tasks: All tasks; their names go before those of other fields.
        names: Gives the fields their names.
        tally: Counts what has to be left out.

    Attributes:
        classes: Names of the categories of each field.
        skeletons: Names and lines of the keypoints of each field.
    """

    def __init__(self, tasks: Sequence[Task], names: FieldNames, tally: Tally) -> None:
        self._names, self._tally = names, tally
        self._attributes = FieldNames(_OF_LABELS.split())
        self.classes: dict[str, list[str]] = {}
        self.skeletons: dict[str, dict[str, Any]] = {}
        for task in tasks:
            self._field(task, _FIRST[task.type])

    def of(
        self, task: Task, shapes: Sequence[Shape], size: Size | None, where: str
    ) -> dict[str, dict[str, Any]]:
        """Return the fields of a sample.

        Args:
            task: The task of the shapes.
            shapes: Its shapes in the sample; none is "nothing in here".
            size: Width and height of the image, px; without, only classes can be told.
            where: The sample, for messages.

        Raises:
            DataError: A mask does not fill its image.
        """
        found: dict[str, dict[str, Any]] = {}
        first = _FIRST[task.type]
        if not shapes and first in _LISTS:
            found[self._field(task, first)] = {"_cls": first, _LISTS[first]: []}
        for shape in shapes:
            for kind, label in self._labels(shape, size, where):
                self._add(found, task, kind, label)
        return found

    def _add(
        self, found: dict[str, dict[str, Any]], task: Task, kind: str, label: dict[str, Any]
    ) -> None:
        """Add a label to its field."""
        field = self._field(task, kind)
        if kind in _LISTS:
            found.setdefault(field, {"_cls": kind, _LISTS[kind]: []})[_LISTS[kind]].append(label)
        elif field not in found:
            found[field] = label
        else:
            more = self._field(task, "Classifications")
            held = found.setdefault(more, {"_cls": "Classifications", "classifications": []})
            held["classifications"].append(label)

    def _field(self, task: Task, kind: str) -> str:
        """Return the name of a field, and take note of what it holds."""
        name = task.name or "labels"
        key = name if kind == _FIRST[task.type] else f"{name}_{_SUFFIXES[kind]}"
        field = self._names.of(f"task {task.name}", key)
        self.classes[field] = list(task.categories.values())
        if kind == "Keypoints" and task.keypoints:
            edges = [list(pair) for pair in task.skeleton]
            self.skeletons[field] = {"labels": list(task.keypoints), "edges": edges}
        return field

    def _labels(
        self, shape: Shape, size: Size | None, where: str
    ) -> list[tuple[str, dict[str, Any]]]:
        """Return the labels of a shape: keypoints may have a box besides."""
        about = self._about(shape)
        if shape.is_class:
            return [("Classification", {"_cls": "Classification", **about})]
        if size is None:
            self._tally.add("shapes left out as the size of their image is not known", where)
            return []
        seen = inside(shape, size)
        if seen is None:
            self._tally.add("shapes left out as nothing of them is inside the image", where)
            return []
        if (shape.attributes or {}).get("rotation"):
            self._tally.add("boxes that are turned, shown as they were before turning", where)
        found = []
        if seen.keypoints:
            found.append(("Keypoints", _keypoint(seen, about, size)))
        if seen.polygons:
            points = [_relative(polygon, size) for polygon in seen.polygons]
            polyline = {"_cls": "Polyline", **about, "points": points}
            found.append(("Polylines", {**polyline, "closed": True, "filled": True}))
        elif seen.mask is not None:
            image = pixels_of(seen.mask, where)
            if (seen.mask.width, seen.mask.height) != size or not image.any():
                self._tally.add("masks left out, empty or of another size than their image", where)
                return found
            found.append(("Detections", {"_cls": "Detection", **about, **_masked(image, size)}))
        elif seen.box is not None:
            box = _relative_box(seen.box, size)
            found.append(("Detections", {"_cls": "Detection", **about, "bounding_box": box}))
        return found

    def _about(self, shape: Shape) -> dict[str, Any]:
        """Return what all kinds of labels tell; where they come from is a tag of the label."""
        about: dict[str, Any] = {"label": shape.category, "tags": [shape.origin]}
        if shape.score is not None:
            about["confidence"] = float(shape.score)
        for name, value in (shape.attributes or {}).items():
            about[self._attributes.of("attribute", name)] = value
        return about


def _keypoint(shape: Shape, about: Mapping[str, Any], size: Size) -> dict[str, Any]:
    """Return keypoints with a confidence each; that of the whole is ``score``."""
    held = dict(about)
    if "confidence" in held:
        held["score"] = held.pop("confidence")
    nowhere = (math.nan, math.nan)
    points = [
        [x / size[0], y / size[1]] if there > 0 else list(nowhere)
        for x, y, there in shape.keypoints
    ]
    confidence = [float(there) for _, _, there in shape.keypoints]
    return {"_cls": "Keypoint", **held, "points": points, "confidence": confidence}


def _masked(image: Pixels, size: Size) -> dict[str, Any]:
    """Return the part of a mask that is set, and its box."""
    place = bounds(image)
    assert place is not None
    left, top, width, height = place
    part = io.BytesIO()
    np.save(part, np.ascontiguousarray(image[top : top + height, left : left + width]))
    text = base64.b64encode(zlib.compress(part.getvalue())).decode("ascii")
    mask = {"$binary": {"base64": text, "subType": "00"}}
    return {"bounding_box": _relative_box(place, size), "mask": mask}


def _relative_box(box: Sequence[float], size: Size) -> list[float]:
    x, y, width, height = box
    return [x / size[0], y / size[1], width / size[0], height / size[1]]


def _relative(flat: Sequence[float], size: Size) -> list[list[float]]:
    pairs = zip(flat[0::2], flat[1::2], strict=True)
    return [[x / size[0], y / size[1]] for x, y in pairs]
