"""Rows of the tables that the ApertureDB client makes queries of."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from typing import Any

from selectlab.errors import DataError
from selectlab.exports.aperture_layout import (
    BOX_ID,
    CONNECTION,
    DESCRIPTOR_ID,
    POLYGON_ID,
    Layout,
    Row,
    Value,
    property_name,
)
from selectlab.exports.geometry import Size, box_around, inside
from selectlab.exports.items import Item
from selectlab.exports.outlines import joined, outlines
from selectlab.exports.rankings import plain
from selectlab.inputs.coco import polygon_area
from selectlab.shapes import Shape
from selectlab.tally import Tally

OUTSIDE = "shapes outside of their image, left out"
NOWHERE = "shapes without a place in their image, left out"
FLAT = "outlines without an area, left out"
POINTS = "shapes whose keypoints are left out, as ApertureDB has no place for them"
OTHER_CLASSES = "classes of whole images beside the surest one, left out"


def image_row(item: Item, layout: Layout, source: str, place: str, tally: Tally) -> Row:
    """Return the row of an image: its place, id, metadata, and what class a model gave it.

    Raises:
        DataError: Two keys of its metadata would be one property.
    """
    name = layout.id_of(item.sample_id)
    row: Row = {source: place, layout.key: name}
    for key, value in item.metadata.items():
        _put(row, property_name("metadata", str(key)), value_of(value), item.sample_id)
    for task, shapes in item.shapes.items():
        classes = [shape for shape in shapes if shape.is_class]
        if classes:
            best = max(classes, key=lambda shape: 1.0 if shape.score is None else shape.score)
            _put(row, property_name("label", task), best.category, item.sample_id)
            _put(row, property_name("label", task, "score"), best.score, item.sample_id)
        if len(classes) > 1:
            tally.add(OTHER_CLASSES, repr(item.sample_id), len(classes) - 1)
    row[f"constraint_{layout.key}"] = name
    return row


def _put(row: Row, name: str, value: Value, sample_id: str) -> None:
    if name in row:
        raise DataError(f"{sample_id!r}: two of its properties would be called {name!r}")
    row[name] = value


def value_of(value: Any) -> Value:
    """Return a value as a property can hold it; ``None`` where there is none.

    Example:
        >>> value_of(float("nan")), value_of(3), value_of(["a", 1])
        (None, 3, '["a", 1]')
    """
    held = plain(value)
    if held is None or isinstance(held, str | bool | int):
        return held
    if isinstance(held, float):
        return held if math.isfinite(held) else None
    if hasattr(held, "isoformat"):
        return str(held.isoformat())
    return json.dumps(held, ensure_ascii=False, default=str)


def mark_row(item: Item, layout: Layout, run: str) -> Row:
    """Return what an image is marked with when it was selected."""
    mark = layout.mark
    return {
        f"{mark}_rank": item.rank,
        f"{mark}_score": value_of(item.score),
        f"{mark}_run": layout.run_of(run),
        f"{mark}_reason": item.reason,
    }


def region_rows(item: Item, layout: Layout, tally: Tally) -> Iterator[tuple[Row, Row | None]]:
    """Yield the row of each shape's box, and the row of its outline, if it has one.

    Ids are made of the sample and of what the shape is, so that the same shape has the same id
    every time, and a changed one another. Boxes are in whole pixels, inside the image if its size
    is known.

    Raises:
        DataError: A mask does not fill its image.
    """
    seen: dict[str, int] = {}
    for task, shapes in item.shapes.items():
        for shape in shapes:
            if shape.is_class:
                continue
            found = _region(item, shape, tally)
            if found is None:
                continue
            part, box = found
            digest = _digest(task, shape)
            again = seen[digest] = seen.get(digest, 0) + 1
            name = f"{layout.id_of(item.sample_id)}#{digest}" + (f"#{again}" if again > 1 else "")
            about = {"task": task, "score": value_of(shape.score), "origin": shape.origin}
            yield (
                _box_row(item, layout, box, name, {**about, "_label": shape.category}),
                _polygon_row(item, layout, part, name, {**about, "_label": shape.category}, tally),
            )


def _region(item: Item, shape: Shape, tally: Tally) -> tuple[Shape, list[int]] | None:
    """Return the part of a shape that is in its image, and the box around that."""
    where = repr(item.sample_id)
    if shape.keypoints:
        tally.add(POINTS, where)
    part = inside(shape, item.size)
    if part is None:
        tally.add(OUTSIDE, where)
        return None
    box = box_around(part, f"sample {where}")
    if box is None:
        tally.add(NOWHERE, where)
        return None
    return part, whole_box(box, item.size)


def whole_box(box: tuple[float, float, float, float], size: Size | None) -> list[int]:
    """Return a box in whole pixels: its edges are rounded, and it is a pixel wide at least.

    Example:
        >>> whole_box((1.4, 2.6, 3.2, 0.1), None), whole_box((9.6, 0, 0.4, 5), (10, 5))
        ([1, 3, 4, 1], [9, 0, 1, 5])
    """
    x, y, width, height = box
    left, right = _edges(x, x + width, None if size is None else size[0])
    top, bottom = _edges(y, y + height, None if size is None else size[1])
    return [left, top, right - left, bottom - top]


def _edges(low: float, high: float, limit: int | None) -> tuple[int, int]:
    first, last = math.floor(low + 0.5), math.floor(high + 0.5)
    if limit is not None:
        first, last = min(first, limit - 1), min(last, limit)
    return first, max(last, first + 1)


def _digest(task: str, shape: Shape) -> str:
    """Return a number for a shape as such: the score may change, and what people say of it."""
    mask = shape.mask and (shape.mask.counts, shape.mask.width, shape.mask.height)
    what = [task, shape.category, shape.box, shape.polygons, mask, shape.keypoints]
    return hashlib.blake2b(json.dumps(what).encode(), digest_size=8).hexdigest()


def _box_row(item: Item, layout: Layout, box: list[int], name: str, about: Row) -> Row:
    x, y, width, height = box
    place = {"x_pos": x, "y_pos": y, "width": width, "height": height}
    known = {BOX_ID: name, **about, f"constraint_{BOX_ID}": name}
    return {layout.key: layout.id_of(item.sample_id), **place, **known}


def _polygon_row(
    item: Item, layout: Layout, part: Shape, name: str, about: Row, tally: Tally
) -> Row | None:
    """Return the row of an outline; a mask becomes the outline along the edges of its pixels."""
    flat = part.polygons
    if not flat and part.mask is not None:
        loops = outlines(part.mask, f"sample {item.sample_id!r}")
        flat = (joined(loops),) if loops else ()
    wide = [polygon for polygon in flat if polygon_area(polygon) > 0]
    if len(wide) < len(flat):
        tally.add(FLAT, repr(item.sample_id), len(flat) - len(wide))
    if not wide:
        return None
    regions = [list(zip(polygon[0::2], polygon[1::2], strict=True)) for polygon in wide]
    return {
        layout.key: layout.id_of(item.sample_id),
        POLYGON_ID: name,
        f"constraint_{POLYGON_ID}": name,
        **about,
        "polygons": json.dumps(regions),
    }


def set_row(layout: Layout, dimension: int) -> Row:
    """Return the row of the set of descriptors."""
    return {
        "name": layout.descriptor_set,
        "dimensions": dimension,
        "engine": layout.engine,
        "metric": layout.metric,
    }


def descriptor_row(layout: Layout, sample_id: str, file: str, index: int) -> Row:
    """Return the row of a descriptor: the vector is row ``index`` of an array in a file."""
    name = layout.descriptor_id(sample_id)
    return {
        "filename": file,
        "index": index,
        "set": layout.descriptor_set,
        layout.key: layout.id_of(sample_id),
        DESCRIPTOR_ID: name,
        f"constraint_{DESCRIPTOR_ID}": name,
    }


def connection_row(layout: Layout, sample_id: str) -> Row:
    """Return the row that connects an image to its descriptor."""
    name = layout.descriptor_id(sample_id)
    return {
        "ConnectionClass": CONNECTION,
        f"_Image@{layout.key}": layout.id_of(sample_id),
        f"_Descriptor@{DESCRIPTOR_ID}": name,
        DESCRIPTOR_ID: name,
        f"constraint_{DESCRIPTOR_ID}": name,
    }
