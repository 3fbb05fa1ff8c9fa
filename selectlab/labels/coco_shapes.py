"""Single annotations of COCO files as shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from selectlab.errors import DataError
from selectlab.inputs.numbers import is_number
from selectlab.inputs.prediction_checks import shown
from selectlab.inputs.shape_files import coco_mask
from selectlab.shapes import Mask, Shape

Attributes = dict[str, str | float | bool]


def shape_of(
    given: Mapping[str, Any], category: str, where: str, size: tuple[int, int] | None = None
) -> Shape:
    """Return an annotation as a labelled shape; its score, if any, was a model's and is left out.

    Args:
        given: The annotation.
        category: Name of its category.
        where: Its place in the file, for messages.
        size: Width and height of its image in px, if the file tells.

    Raises:
        DataError: A field is malformed, there is no field that draws anything, or a mask is of
            another size than its image.
    """
    drawn = given.get("segmentation")
    is_mask = isinstance(drawn, dict)
    shape = Shape(
        category,
        box=_box(given.get("bbox"), f"{where}.bbox"),
        polygons=() if is_mask or not drawn else _polygons(drawn, f"{where}.segmentation"),
        mask=_mask(drawn, where, size) if isinstance(drawn, dict) else None,
        keypoints=_points(given.get("keypoints"), f"{where}.keypoints"),
        origin="labelled",
        attributes=attributes_of(given),
    )
    if shape.is_class:
        raise DataError(f"{where} has no bbox, segmentation or keypoints")
    return shape


def attributes_of(given: Mapping[str, Any]) -> Attributes | None:
    """Return what a tool says more of an annotation, such as CVAT's ``occluded``."""
    listed = given.get("attributes")
    held = listed if isinstance(listed, dict) else {}
    found: Attributes = {
        key: value if isinstance(value, str | int | float) else json.dumps(value)
        for key, value in held.items()
        if value is not None
    }
    if given.get("iscrowd") == 1:
        found["iscrowd"] = True
    return found or None


def _box(value: Any, where: str) -> tuple[float, float, float, float] | None:
    if value is None or value == []:
        return None
    if not _numbers(value) or len(value) != 4 or min(value[2:]) < 0:
        raise DataError(
            f"{where} must be 4 finite numbers x, y, width, height with width and height >= 0, "
            f"got {shown(value)}"
        )
    return cast(tuple[float, float, float, float], tuple(map(float, value)))


def _mask(value: Mapping[str, Any], where: str, size: tuple[int, int] | None) -> Mask:
    held = value.get("size")
    if size is not None and isinstance(held, list) and held != [size[1], size[0]]:
        raise DataError(
            f"{where}.segmentation.size must be height and width of its image, [{size[1]}, "
            f"{size[0]}], got {shown(held)}"
        )
    return coco_mask(value, where)


def _polygons(value: Any, where: str) -> tuple[tuple[float, ...], ...]:
    outlines: list[Any] = value if isinstance(value, list) else [None]
    for outline in outlines:
        if not _numbers(outline) or len(outline) < 6 or len(outline) % 2:
            raise DataError(
                f"{where} must be outlines x1, y1, x2, y2, ... of 3 points or more, or a "
                f"run-length mask, got {shown(value)}"
            )
    return tuple(tuple(map(float, outline)) for outline in outlines)


def _points(value: Any, where: str) -> tuple[tuple[float, float, float], ...]:
    """Return keypoints; COCO's visibility 1 (hidden) and 2 (visible) are there, 0 is not."""
    if not value:
        return ()
    if not _numbers(value) or len(value) % 3:
        raise DataError(f"{where} must be numbers x, y, v for each keypoint, got {shown(value)}")
    triples = zip(value[0::3], value[1::3], value[2::3], strict=True)
    return tuple((float(x), float(y), 1.0 if seen > 0 else 0.0) for x, y, seen in triples)


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_number, value))
