"""Shapes as results of Label Studio: percent of the image, one region after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from selectlab.brush import encode_brush
from selectlab.exports.geometry import Box, Size, inside
from selectlab.exports.label_studio_config import IMAGE, Control, Kind, controls_of
from selectlab.shapes import Shape, Task

_POINT_PERCENT = 0.5
"""Width of a keypoint on the screen, percent of the image."""

LeaveOut = Callable[[str], None]
"""Is told why a shape cannot go along, in the plural."""


def results_of(
    task: Task, shapes: Sequence[Shape], size: Size | None, leave_out: LeaveOut
) -> Iterator[dict[str, Any]]:
    """Turn the shapes of an image into results, regions in percent of its size.

    Of what a shape has, the finest that its task has a tool for goes along: outlines, else the
    mask, else the box. Parts of one object, outlines or keypoints, name the first as their parent.
    What lies outside the image is cut off.

    Args:
        task: The task; its categories are what a person chooses from.
        shapes: The shapes of one image.
        size: Width and height of the image, px; ``None`` when they are not known.
        leave_out: Called with the reason for each shape that cannot go along.

    Yields:
        Results, as they stand in a prediction or an annotation.
    """
    controls = controls_of(task)
    names = set(task.categories.values())
    number = 0
    for shape in shapes:
        found: list[dict[str, Any]] = []
        if shape.category not in names:
            leave_out("shapes left out as their task has no such category")
        elif shape.is_class:
            found = _class(shape, controls, leave_out)
        elif size is None:
            leave_out("shapes left out as the size of their image is not known")
        else:
            found = _regions(shape, task, controls, size, leave_out)
        parent = ""
        for result in found:
            number += 1
            named = {"id": f"{result['from_name']}-{number}", **result}
            yield {**named, "parentID": parent} if parent else named
            parent = parent or named["id"]


def _class(
    shape: Shape, controls: Mapping[Kind, Control], leave_out: LeaveOut
) -> list[dict[str, Any]]:
    if "class" not in controls:
        leave_out("shapes left out as they have no box, outline, mask or keypoints")
        return []
    return [_result(shape, controls["class"], {}, None)]


def _regions(
    shape: Shape,
    task: Task,
    controls: Mapping[Kind, Control],
    size: Size,
    leave_out: LeaveOut,
) -> list[dict[str, Any]]:
    """Return the regions of a shape, the one that stands for the object first."""
    turned = _rotation(shape)
    cut = shape if turned else inside(shape, size)
    if cut is None:
        leave_out("shapes left out as they are outside of their image")
        return []
    found: list[dict[str, Any]] = []
    if cut.polygons and "polygons" in controls:
        values = (_polygon(polygon, size) for polygon in cut.polygons)
        found = [_result(cut, controls["polygons"], value, size) for value in values]
    elif cut.mask and "masks" in controls:
        if (cut.mask.width, cut.mask.height) != size:
            leave_out("masks left out as their image has another size")
            return []
        brush = {"format": "rle", "rle": encode_brush(cut.mask)}
        found = [_result(cut, controls["masks"], brush, size)]
    elif cut.box and "boxes" in controls:
        corner = _first_corner(cut.box, turned)
        if not (0 <= corner[0] <= size[0] and 0 <= corner[1] <= size[1]):
            leave_out("turned boxes left out as their first corner is outside of their image")
            return []
        sides = {"width": _percent(cut.box[2], size[0]), "height": _percent(cut.box[3], size[1])}
        rectangle = {**_point(*corner, size), **sides, "rotation": turned}
        found = [_result(cut, controls["boxes"], rectangle, size)]
    if cut.keypoints and "keypoints" in controls:
        found += _keypoints(cut, task, controls["keypoints"], size)
    if not found:
        leave_out("shapes left out as their task has no tool that shows them")
    return found


def _keypoints(shape: Shape, task: Task, control: Control, size: Size) -> list[dict[str, Any]]:
    """Return a region for each keypoint that is there."""
    found = []
    for number, (x, y, confidence) in enumerate(shape.keypoints):
        if confidence > 0:
            name = task.keypoints[number] if number < len(task.keypoints) else shape.category
            value = {**_point(x, y, size), "width": _POINT_PERCENT}
            result = _result(shape, control, value, size, name)
            more = {"keypoint": number, "category": shape.category}
            found.append(
                {**result, "score": float(confidence), "meta": {**result.get("meta", {}), **more}}
            )
    return found


def _result(
    shape: Shape,
    control: Control,
    value: Mapping[str, Any],
    size: Size | None,
    label: str | None = None,
) -> dict[str, Any]:
    chosen = shape.category if label is None else label
    result: dict[str, Any] = {
        "from_name": control.name,
        "to_name": IMAGE,
        "type": control.type,
        "value": {**value, control.type: [chosen]},
    }
    if size is not None:
        result |= {"original_width": size[0], "original_height": size[1], "image_rotation": 0}
    if shape.score is not None:
        result["score"] = float(shape.score)
    meta: dict[str, Any] = {}
    if shape.origin in ("suspicious", "imputed"):
        meta["text"] = [shape.origin]
    kept = {k: v for k, v in (shape.attributes or {}).items() if k != "rotation"}
    if kept:
        meta["attributes"] = kept
    return {**result, "meta": meta} if meta else result


def _percent(px: float, whole: int) -> float:
    """Return a length or place in percent; a hair's breadth over the edge is the edge."""
    return min(max(100.0 * float(px) / whole, 0.0), 100.0)


def _point(x: float, y: float, size: Size) -> dict[str, float]:
    return {"x": _percent(x, size[0]), "y": _percent(y, size[1])}


def _polygon(flat: Sequence[float], size: Size) -> dict[str, Any]:
    pairs = zip(flat[0::2], flat[1::2], strict=True)
    points = [[_percent(x, size[0]), _percent(y, size[1])] for x, y in pairs]
    return {"points": points, "closed": True}


def _rotation(shape: Shape) -> float:
    """Return by how many degrees a box is turned clockwise about its centre."""
    given = (shape.attributes or {}).get("rotation", 0.0)
    return float(given) % 360 if shape.box and isinstance(given, int | float) else 0.0


def _first_corner(box: Box, degrees: float) -> tuple[float, float]:
    """Return the corner that Label Studio turns a box about; ours turn about their centre."""
    x, y, width, height = box
    if not degrees:
        return x, y
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    across = x + width / 2 - (width * cos - height * sin) / 2
    down = y + height / 2 - (width * sin + height * cos) / 2
    return across, down
