"""What is seen in an image, drawn as CVAT has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from selectlab.exports.cvat_labels import ORIGIN, SCORE, SKELETON, CvatLabel, CvatLabels
from selectlab.exports.geometry import Size, inside
from selectlab.exports.items import Item
from selectlab.exports.xml_lines import XmlLines
from selectlab.masks import bounds, pixels_of, run_lengths
from selectlab.shapes import Shape
from selectlab.tally import Tally

_OURS = frozenset((SCORE, ORIGIN, "occluded", "rotation", "z_order"))
"""Attributes that CVAT has a place of its own for, or that are written in any case."""


class CvatImages:
    """Writes images with their shapes.

    Args:
        xml: Where to.
        labels: The labels; takes note of what shapes need.
        tally: Counts what has to be left out.
    """

    def __init__(self, xml: XmlLines, labels: CvatLabels, tally: Tally) -> None:
        self._xml, self._labels, self._tally = xml, labels, tally
        self._images = self._groups = 0

    def write(self, item: Item) -> None:
        """Write an image.

        Raises:
            DataError: A shape is of no category of its task, or a mask does not fill its image.
        """
        where = repr(item.sample_id)
        about = {"id": str(self._images), "name": item.sample_id}
        if item.size is None:
            self._tally.add("images without a known size", where)
        else:
            about |= {"width": str(item.size[0]), "height": str(item.size[1])}
        with self._xml.element("image", about):
            for task, shapes in item.shapes.items():
                for shape in shapes:
                    label = self._labels.of(task, shape.category, where)
                    reason = self._write_shape(shape, label, item.size, where)
                    if reason:
                        self._tally.add(reason, where)
        self._images += 1

    def _write_shape(
        self, shape: Shape, label: CvatLabel, size: Size | None, where: str
    ) -> str | None:
        """Write a shape, or return why it is left out."""
        about = {"label": label.name}
        about["source"] = "manual" if shape.origin == "labelled" else "auto"
        if shape.is_class and label.kind != SKELETON:
            self._write_element("tag", about, shape, label)
            return None
        turned = bool(shape.box and (shape.attributes or {}).get("rotation"))
        seen = shape if turned else inside(shape, size)
        if seen is None:
            return "shapes left out as nothing of them is inside the image"
        if label.kind == SKELETON or seen.keypoints:
            return self._write_keypoints(about, seen, label)
        if seen.polygons:
            self._write_polygons(about, seen, label)
            return None
        if seen.mask is None:
            return self._write_box(about, seen, label)
        if size not in (None, (seen.mask.width, seen.mask.height)):
            return "masks left out as their image has another size"
        return self._write_mask(about, seen, label, where)

    def _write_element(
        self, name: str, about: dict[str, str], shape: Shape, label: CvatLabel
    ) -> None:
        """Write an element with the attributes of its shape."""
        label.drawn_with("rectangle" if name == "box" else name)
        if name != "tag":
            hidden = (shape.attributes or {}).get("occluded") is True
            about |= {"occluded": str(int(hidden)), "z_order": _z_order(shape)}
        with self._xml.element(name, about):
            self._write_attributes(shape, label)

    def _write_attributes(self, shape: Shape, label: CvatLabel) -> None:
        held: dict[str, str | float | bool] = {}
        if shape.score is not None:
            held[SCORE] = f"{shape.score:.6g}"
        if shape.origin != "labelled":
            held[ORIGIN] = shape.origin
        for name in held:
            self._labels.note_everywhere(name)
        for name, value in (shape.attributes or {}).items():
            if name not in _OURS:
                label.note(name, value)
                held[name] = value
        for name, value in held.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            self._xml.leaf("attribute", text, {"name": name})

    def _write_box(self, about: dict[str, str], shape: Shape, label: CvatLabel) -> str | None:
        x, y, w, h = shape.box or (0.0, 0.0, 0.0, 0.0)
        if w <= 0 or h <= 0:
            return "boxes left out as they have no area"
        corners = zip(("xtl", "ytl", "xbr", "ybr"), (x, y, x + w, y + h), strict=True)
        about |= {name: number(value) for name, value in corners}
        turned = (shape.attributes or {}).get("rotation")
        if isinstance(turned, int | float) and turned:
            about["rotation"] = number(turned)
        self._write_element("box", about, shape, label)
        return None

    def _write_polygons(self, about: dict[str, str], shape: Shape, label: CvatLabel) -> None:
        if len(shape.polygons) > 1:  # CVAT's way to say that shapes are one object
            self._groups += 1
            about["group_id"] = str(self._groups)
        for polygon in shape.polygons:
            self._write_element("polygon", about | {"points": _points(polygon)}, shape, label)

    def _write_mask(
        self, about: dict[str, str], shape: Shape, label: CvatLabel, where: str
    ) -> str | None:
        assert shape.mask is not None
        image = pixels_of(shape.mask, where)
        place = bounds(image)
        if place is None:
            return "masks left out as they are empty"
        left, top, width, height = place
        runs = run_lengths(image[top : top + height, left : left + width])
        about["rle"] = ", ".join(map(str, runs))
        names = ("left", "top", "width", "height")
        about |= {name: str(value) for name, value in zip(names, place, strict=True)}
        self._write_element("mask", about, shape, label)
        return None

    def _write_keypoints(self, about: dict[str, str], shape: Shape, label: CvatLabel) -> str | None:
        there = [(x, y) for x, y, confidence in shape.keypoints if confidence > 0]
        if not there:
            return "shapes left out as they have no keypoint that is there"
        if label.kind != SKELETON:
            points = [value for point in there for value in point]
            self._write_element("points", about | {"points": _points(points)}, shape, label)
            return None
        label.widen(len(shape.keypoints))
        about["z_order"] = _z_order(shape)
        missing = [(0.0, 0.0, 0.0)] * (len(label.keypoints) - len(shape.keypoints))
        with self._xml.element("skeleton", about):
            for name, point in zip(label.keypoints, [*shape.keypoints, *missing], strict=True):
                outside = "0" if point[2] > 0 else "1"
                drawn = {"label": name, "source": about["source"], "outside": outside}
                drawn |= {"occluded": "0", "points": _points(point[:2])}
                self._xml.leaf("points", "", drawn)
            self._write_attributes(shape, label)
        return None


def number(value: float) -> str:
    """Return a coordinate, px, to a millionth.

    Example:
        >>> number(12.50), number(-0.0000001)
        ('12.5', '0')
    """
    return f"{round(value, 6) + 0.0:.6f}".rstrip("0").rstrip(".")


def _points(flat: Sequence[float]) -> str:
    pairs = zip(flat[0::2], flat[1::2], strict=True)
    return ";".join(f"{number(x)},{number(y)}" for x, y in pairs)


def _z_order(shape: Shape) -> str:
    """Return how near a shape is to the camera, if that is known."""
    attributes: Mapping[str, str | float | bool] = shape.attributes or {}
    given = attributes.get("z_order", 0)
    return str(int(given)) if isinstance(given, int | float) else "0"
