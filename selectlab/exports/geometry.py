"""Shapes against the image they are in: boxes around them, parts inside, areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from selectlab.inputs.coco import polygon_area
from selectlab.masks import bounds, pixels_of
from selectlab.shapes import Shape

Box = tuple[float, float, float, float]
"""x, y, width, height in px."""
Polygon = tuple[float, ...]
"""Flat: x1, y1, x2, y2, ... in px."""
Size = tuple[int, int]
"""Width and height in px."""


def box_around(shape: Shape, where: str = "shape") -> Box | None:
    """Return the box of a shape, or else the one around its outlines, mask or keypoints.

    Args:
        shape: The shape.
        where: Its sample, for messages.

    Returns:
        ``None`` for the class of an image, an empty mask, or keypoints that are not there.

    Raises:
        DataError: A mask does not fill its image.
    """
    if shape.box is not None:
        return shape.box
    if shape.mask is not None and not shape.polygons:
        around = bounds(pixels_of(shape.mask, where))
        return None if around is None else tuple(map(float, around))  # type: ignore[return-value]
    xs = [x for polygon in shape.polygons for x in polygon[0::2]]
    ys = [y for polygon in shape.polygons for y in polygon[1::2]]
    if not xs:
        xs = [x for x, _, confidence in shape.keypoints if confidence > 0]
        ys = [y for _, y, confidence in shape.keypoints if confidence > 0]
    if not xs:
        return None
    left, top = float(min(xs)), float(min(ys))
    return left, top, max(xs) - left, max(ys) - top


def inside(shape: Shape, size: Size | None) -> Shape | None:
    """Return the part of a shape that is in the image.

    What lies inside already comes back as it is. Keypoints outside are not there (confidence 0).

    Args:
        shape: The shape; a class of the image is inside.
        size: Width and height of the image in px; ``None`` leaves everything as it is.

    Returns:
        ``None`` when nothing is left of the box or outlines.
    """
    if size is None or shape.is_class:
        return shape
    box = None if shape.box is None else _box_inside(shape.box, size)
    if shape.box is not None and box is None:
        return None
    cut = (_polygon_inside(polygon, size) for polygon in shape.polygons)
    polygons = tuple(polygon for polygon in cut if polygon)
    if shape.polygons and not polygons:
        return None
    points = tuple(
        point if _is_inside(point[0], point[1], size) else (0.0, 0.0, 0.0)
        for point in shape.keypoints
    )
    return replace(shape, box=box, polygons=polygons, keypoints=points)


def _is_inside(x: float, y: float, size: Size) -> bool:
    return 0 <= x <= size[0] and 0 <= y <= size[1]


def _box_inside(box: Box, size: Size) -> Box | None:
    x, y, w, h = box
    left, top = max(x, 0.0), max(y, 0.0)
    right, bottom = min(x + w, float(size[0])), min(y + h, float(size[1]))
    if right <= left or bottom <= top:
        return None
    wide = w if left == x and right == x + w else right - left
    high = h if top == y and bottom == y + h else bottom - top
    return left, top, wide, high


def _polygon_inside(polygon: Polygon, size: Size) -> Polygon:
    """Cut a polygon at the four edges, one after the other (Sutherland and Hodgman 1974)."""
    xs, ys = polygon[0::2], polygon[1::2]
    points = list(zip(xs, ys, strict=True))
    if all(_is_inside(x, y, size) for x, y in points):
        return polygon
    for axis, limit, sign in ((0, 0, 1), (0, size[0], -1), (1, 0, 1), (1, size[1], -1)):
        points = _cut(points, axis, float(limit), sign)
    flat = tuple(value for point in points for value in point)
    return flat if len(points) >= 3 and polygon_area(flat) > 0 else ()


def _cut(
    points: Sequence[tuple[float, float]], axis: int, limit: float, sign: int
) -> list[tuple[float, float]]:
    """Return the part of a polygon on one side of a line along an axis."""
    kept: list[tuple[float, float]] = []
    for before, point in zip([*points[-1:], *points[:-1]], points, strict=True):
        was, is_in = (sign * (p[axis] - limit) >= 0 for p in (before, point))
        if was != is_in:
            share = (limit - before[axis]) / (point[axis] - before[axis])
            other = 1 - axis
            across = before[other] + share * (point[other] - before[other])
            kept.append((limit, across) if axis == 0 else (across, limit))
        if is_in:
            kept.append(point)
    return kept
