"""Shapes as CVAT draws them, one XML element each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selectlab.errors import DataError, did_you_mean
from selectlab.labels.cvat_meta import CvatMeta
from selectlab.masks import LARGEST_PX, mask_of, pixels_of
from selectlab.shapes import Mask, Shape

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

READ = frozenset(("box", "polygon", "mask", "points", "skeleton", "tag"))
"""Elements that are shapes here."""

Size = tuple[int, int]


class Grouped(NamedTuple):
    """A shape and the group it belongs to, if any."""

    shape: Shape
    group: str | None


class CvatShapes:
    """Reads the shapes of one image.

    Args:
        meta: The head of the export.
        size: Width and height of the image, px, if known.
        where: File and image, for messages.
    """

    def __init__(self, meta: CvatMeta, size: Size | None, where: str) -> None:
        self._meta, self._size, self._where = meta, size, where

    def read(self, element: Element, label: str | None = None) -> Shape:
        """Read a shape.

        Args:
            element: One of :data:`READ`.
            label: Its label, if that stands elsewhere.

        Raises:
            DataError: The label is not one of the export, or a number is none.
        """
        name = label or element.get("label") or ""
        if name not in self._meta.kinds:
            raise DataError(
                f"{self._where}: a {element.tag} has label {name!r}, which is not among the labels "
                f"of the file{did_you_mean(name, self._meta.categories)}"
            )
        held = self._attributes(element, name)
        made = Shape(name, origin="labelled", attributes=held or None)
        if element.tag == "box":
            return replace(made, box=self._box(element))
        if element.tag == "polygon":
            return replace(made, polygons=(self._outline(element),))
        if element.tag == "mask":
            return replace(made, mask=self._mask(element))
        if element.tag == "points":
            flat = self._points(element)
            points = zip(flat[0::2], flat[1::2], strict=True)
            return replace(made, keypoints=tuple((x, y, 1.0) for x, y in points))
        if element.tag == "skeleton":
            return replace(made, keypoints=self._skeleton(element, name))
        return made

    def _attributes(self, element: Element, label: str) -> dict[str, str | float | bool]:
        """Return what CVAT knows of a shape beyond its place."""
        found: dict[str, str | float | bool] = {}
        if element.get("occluded") == "1":
            found["occluded"] = True
        for name in ("rotation", "z_order"):
            value = self._number(element, name) if element.get(name) else 0.0
            if value:
                found[name] = value
        for attribute in element.findall("attribute"):
            name, text = attribute.get("name") or "", attribute.text or ""
            found[name] = _typed(text, self._meta.inputs.get((label, name), "text"))
        return found

    def _box(self, element: Element) -> tuple[float, float, float, float]:
        left, top, right, bottom = (
            self._number(element, name) for name in ("xtl", "ytl", "xbr", "ybr")
        )
        if right < left or bottom < top:
            raise DataError(f"{self._where}: a box ends before it begins: {element.attrib}")
        return left, top, right - left, bottom - top

    def _outline(self, element: Element) -> tuple[float, ...]:
        flat = self._points(element)
        if len(flat) < 6:
            raise DataError(f"{self._where}: a polygon has {len(flat) // 2} points, not three")
        return flat

    def _skeleton(self, element: Element, label: str) -> tuple[tuple[float, float, float], ...]:
        names = self._meta.keypoints.get(label, ())
        found = dict.fromkeys(names, (0.0, 0.0, 0.0))
        for point in element.findall("points"):
            name = point.get("label") or ""
            if name not in found:
                raise DataError(f"{self._where}: skeleton {label!r} has no point {name!r}")
            if point.get("outside") != "1":
                x, y = self._points(point)[:2]
                found[name] = (x, y, 1.0)
        return tuple(found[name] for name in names)

    def _mask(self, element: Element) -> Mask:
        """Return a mask of the whole image from one of a part of it."""
        if self._size is None:
            raise DataError(f"{self._where}: has a mask, but no width and height")
        left, top, width, height = (
            int(self._number(element, name)) for name in ("left", "top", "width", "height")
        )
        right, bottom = left + width, top + height
        fits = 0 <= left < right <= self._size[0] and 0 <= top < bottom <= self._size[1]
        if not fits or math.prod(self._size) > LARGEST_PX:
            raise DataError(
                f"{self._where}: a mask of {width} x {height} px at {left}, {top} does not fit an "
                f"image of {self._size[0]} x {self._size[1]}"
            )
        image = np.zeros((self._size[1], self._size[0]), dtype=np.bool_)
        part = Mask(self._runs(element), width, height)
        image[top:bottom, left:right] = pixels_of(part, self._where)
        return mask_of(image)

    def _runs(self, element: Element) -> tuple[int, ...]:
        text = element.get("rle") or ""
        try:
            runs = tuple(int(run) for run in text.split(","))
        except ValueError:
            runs = (-1,)
        if min(runs) < 0:
            raise DataError(f"{self._where}: rle must be run lengths, got {text[:60]!r}")
        return runs

    def _points(self, element: Element) -> tuple[float, ...]:
        """Return x1, y1, x2, y2, ... in px."""
        text = element.get("points") or ""
        try:
            pairs = [[float(value) for value in pair.split(",")] for pair in text.split(";")]
        except ValueError:
            pairs = [[]]
        if any(len(pair) != 2 or not all(map(math.isfinite, pair)) for pair in pairs):
            raise DataError(f"{self._where}: points must be x,y;x,y;... in px, got {text[:60]!r}")
        return tuple(value for pair in pairs for value in pair)

    def _number(self, element: Element, name: str) -> float:
        text = element.get(name) or ""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise DataError(
                f"{self._where}: {name} of a {element.tag} must be a number, got {text!r}"
            )
        return value


def _typed(text: str, entered: str) -> str | float | bool:
    """Return the value of an attribute, as its input has it."""
    if entered == "checkbox":
        return text.lower() == "true"
    if entered == "number":
        try:
            return float(text)
        except ValueError:
            return text
    return text


def joined(read: Sequence[Grouped]) -> Iterator[Shape]:
    """Join the outlines of one group and label: CVAT's way to say that they are one object.

    Args:
        read: In the order of the file.

    Yields:
        Shapes, each where the first of its group stands.
    """
    parts: dict[tuple[str, str], list[Shape]] = {}
    for shape, group in read:
        if group and shape.polygons:
            parts.setdefault((group, shape.category), []).append(shape)
    for shape, group in read:
        if not (group and shape.polygons):
            yield shape
            continue
        held = parts.pop((group, shape.category), ())
        if held:
            yield replace(shape, polygons=tuple(p for part in held for p in part.polygons))
