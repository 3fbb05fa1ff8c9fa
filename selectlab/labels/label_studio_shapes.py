"""Regions of a Label Studio annotation as shapes: percent turned into px, parts put together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from selectlab.brush import decode_brush
from selectlab.errors import DataError
from selectlab.labels.label_studio_regions import Note, Region, number, regions_of
from selectlab.shapes import Shape
from selectlab.validation import shortened

_DECIMALS = 6
"""Of a px: percent in floating point are good for more."""
_MOST_KEYPOINTS = 1000

KeypointNames = Mapping[str, Sequence[str]]
"""Names of the keypoints in their order, by the name of the tool."""


@dataclass
class _Object:
    """A region and those that belong to it."""

    region: Region
    parts: list[Region] = field(default_factory=list)


def shapes_of(results: Any, names: KeypointNames, where: str, note: Note) -> list[Shape]:
    """Return the shapes of an annotation: classes of the image, then objects.

    Outlines of one label are one object if one is the other's parent in the tool's list of
    regions; so are a region and the keypoints below it.

    Args:
        results: What the annotation holds as ``result``.
        names: The keypoints, as the tasks were sent with them.
        where: File and place, for messages.
        note: Told of what is not read or was decided.

    Raises:
        DataError: A result is malformed.
    """
    regions, classes = regions_of(results, where, note)
    shapes = [Shape(name, origin="labelled") for name in classes]
    readable = {key: region for key, region in regions.items() if _is_readable(region, note)}
    for found in _objects(readable, names, note):
        shape = _shape(found, names, note)
        if shape is not None:
            labels = found.region.labels
            if found.region.kind == "keypoint" and found.region.category:
                labels = [found.region.category]
            shapes += [replace(shape, category=label) for label in dict.fromkeys(labels)]
    return shapes


def _is_readable(region: Region, note: Note) -> bool:
    if region.kind is None:
        note("labels without a region of the image are not read")
    elif not region.labels:
        note("regions without a label are not read")
    elif region.size is None:
        note("regions without the size of their image, which their percent are of, are not read")
    elif region.turned:
        note("regions drawn on an image that was shown turned are not read")
    elif region.kind == "brush" and not region.value.get("rle"):
        note("brushes without run lengths are not read")
    elif region.kind == "polygon" and len(region.value.get("points") or ()) < 3:
        note("outlines of fewer than three points are not read")
    else:
        return True
    return False


def _objects(regions: Mapping[str, Region], names: KeypointNames, note: Note) -> list[_Object]:
    """Put regions together that are parts of one object."""
    roots = {key: _root(key, regions) for key in regions}
    firsts: dict[str, str] = {}
    for key, region in regions.items():
        if region.kind == "keypoint" and region.parent and region.parent not in regions:
            roots[key] = firsts.setdefault(region.parent, key)
    found = {key: _Object(regions[key]) for key, root in roots.items() if key == root}
    for key, root in roots.items():
        if key != root:
            found[root].parts.append(regions[key])
    whole: list[_Object] = []
    boxes = [held for held in found.values() if held.region.kind == "rectangle"]
    for held in found.values():
        region = held.region
        if region.kind == "keypoint" and region.from_name in names and not region.category:
            _give_to_box(held, boxes, note)
        else:
            whole.append(held)
    return whole


def _root(key: str, regions: Mapping[str, Region]) -> str:
    """Return the id of the region that stands for the object that a region is part of."""
    at, seen = key, {key}
    while (above := regions.get(regions[at].parent)) is not None:
        below = regions[at]
        same = above.kind == below.kind == "polygon" and above.labels == below.labels
        if not (same or below.kind == "keypoint"):
            return at
        at = below.parent
        if at in seen:  # they are in a circle, in which nobody stands for all
            return key
        seen.add(at)
    return at


def _give_to_box(lone: _Object, boxes: Sequence[_Object], note: Note) -> None:
    """Make a keypoint that belongs to nothing a part of the only box around it."""
    for point in (lone.region, *lone.parts):
        x, y = point.number("x"), point.number("y")
        around = [held for held in boxes if _is_around(held.region, x, y)]
        if len(around) == 1:
            note("keypoints without a parent, taken to belong to the only box around them")
            around[0].parts.append(point)
        else:
            note("keypoints without a parent, in no box or in several, are not read")


def _is_around(box: Region, x: float, y: float) -> bool:
    left, top = box.number("x"), box.number("y")
    return left <= x <= left + box.number("width") and top <= y <= top + box.number("height")


def _shape(found: _Object, names: KeypointNames, note: Note) -> Shape | None:
    """Return an object, its category still to come; ``None`` where nothing is painted."""
    region = found.region
    assert region.size is not None
    more = region.more()
    shape = Shape("", origin="labelled")
    if region.kind == "rectangle":
        shape = replace(shape, box=_box(region, region.size))
        turned = _rotation(region)
        if turned:
            more["rotation"] = round(turned, _DECIMALS)
    elif region.kind == "polygon":
        outlines = [region, *(part for part in found.parts if part.kind == "polygon")]
        shape = replace(shape, polygons=tuple(map(_outline, outlines)))
    elif region.kind == "brush":
        mask = decode_brush(region.value["rle"], *region.size, f"{region.where}.value.rle")
        if len(mask.counts) < 2:
            note("brushes that paint nothing are not read")
            return None
        shape = replace(shape, mask=mask)
    own = [region] if region.kind == "keypoint" else []
    points = [*own, *(part for part in found.parts if part.kind == "keypoint")]
    if points:
        shape = replace(shape, keypoints=_keypoints(points, names, note))
    return replace(shape, attributes=more) if more else shape


def _keypoints(
    points: Iterable[Region], names: KeypointNames, note: Note
) -> tuple[tuple[float, float, float], ...]:
    """Return keypoints in their order; confidence 0 for those that are not there."""
    places: dict[int, tuple[float, float, float]] = {}
    known = 0
    for point in points:
        assert point.size is not None
        order = list(names.get(point.from_name, ()))
        known = max(known, len(order))
        given = point.meta.get("keypoint")
        if point.labels[0] in order:
            at = order.index(point.labels[0])
        elif type(given) is int and 0 <= given < _MOST_KEYPOINTS:
            at = given
        else:
            at = max(places, default=-1) + 1
        if at in places:
            note("keypoints that an object has already are not read again")
        else:
            x, y = point.number("x"), point.number("y")
            places[at] = (_px(x, point.size[0]), _px(y, point.size[1]), 1.0)
    n = max(known, max(places) + 1)
    return tuple(places.get(at, (0.0, 0.0, 0.0)) for at in range(n))


def _px(percent: float, whole: int) -> float:
    return round(percent * whole / 100, _DECIMALS)


def _outline(region: Region) -> tuple[float, ...]:
    assert region.size is not None
    flat: list[float] = []
    for at, point in enumerate(region.value["points"]):
        where = f"{region.where}.value.points[{at}]"
        if not isinstance(point, list) or len(point) != 2:
            raise DataError(f"{where}: must be x and y, got {shortened(point)}")
        x, y = (number(value, where) for value in point)
        flat += (_px(x, region.size[0]), _px(y, region.size[1]))
    return tuple(flat)


def _box(region: Region, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return a box in px; one that is turned about its first corner, turned about its centre."""
    x, y = region.number("x") * size[0] / 100, region.number("y") * size[1] / 100
    width, height = (
        _length(region, side) * whole / 100
        for side, whole in zip(("width", "height"), size, strict=True)
    )
    degrees = _rotation(region)
    if degrees:
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        x += (width * cos - height * sin) / 2 - width / 2
        y += (width * sin + height * cos) / 2 - height / 2
    return (
        round(x, _DECIMALS),
        round(y, _DECIMALS),
        round(width, _DECIMALS),
        round(height, _DECIMALS),
    )


def _length(region: Region, side: str) -> float:
    """Return the width or height of a box, percent."""
    found = region.number(side)
    if found < 0:
        raise DataError(f"{region.where}.value.{side}: must be >= 0, got {shortened(found)}")
    return found


def _rotation(region: Region) -> float:
    """Return by how many degrees a box is turned clockwise."""
    return number(region.value.get("rotation") or 0, f"{region.where}.value.rotation") % 360
