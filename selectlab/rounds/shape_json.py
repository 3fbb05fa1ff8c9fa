"""Shapes as JSON text, for the ledger: what is not set is left out, numbers come back the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from selectlab.shapes import Mask, Shape


def to_json(shapes: Iterable[Shape]) -> str:
    """Return shapes as JSON."""
    told = [_told(shape) for shape in shapes]
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def from_json(text: str) -> tuple[Shape, ...]:
    """Return the shapes that :func:`to_json` was given.

    Example:
        >>> from_json(to_json([Shape("car", box=(1, 2, 3.5, 4))]))[0].box
        (1, 2, 3.5, 4)
    """
    return tuple(_shape(told) for told in json.loads(text))


def _told(shape: Shape) -> dict[str, Any]:
    told: dict[str, Any] = {"category": shape.category, "origin": shape.origin}
    for name in ("score", "box"):
        if getattr(shape, name) is not None:
            told[name] = getattr(shape, name)
    for name in ("polygons", "keypoints"):
        if getattr(shape, name):
            told[name] = getattr(shape, name)
    if shape.mask is not None:
        told["mask"] = [shape.mask.width, shape.mask.height, *shape.mask.counts]
    if shape.attributes:
        told["attributes"] = dict(shape.attributes)
    return told


def _shape(told: dict[str, Any]) -> Shape:
    box, mask = told.get("box"), told.get("mask")
    return Shape(
        category=told["category"],
        score=told.get("score"),
        box=None if box is None else tuple(box),
        polygons=tuple(tuple(outline) for outline in told.get("polygons", ())),
        mask=None if mask is None else Mask(tuple(mask[2:]), mask[0], mask[1]),
        keypoints=tuple(tuple(point) for point in told.get("keypoints", ())),
        origin=told["origin"],
        attributes=told.get("attributes"),
    )
