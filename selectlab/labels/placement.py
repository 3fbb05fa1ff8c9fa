"""Where shapes lie, and whether any of it is in their image."""

from __future__ import annotations

from collections.abc import Iterable

from selectlab.labels.label import Label
from selectlab.shapes import Shape
from selectlab.tally import Tally

OUTSIDE = "shapes that lie wholly outside of their image, kept as they are"


def note_outside(labels: Iterable[Label], tally: Tally) -> None:
    """Count shapes of which nothing is in their image, as far as its size is known.

    Args:
        labels: Labels.
        tally: Is told of them.
    """
    for label in labels:
        n = 0 if label.size is None else sum(is_outside(one, label.size) for one in label.shapes)
        if n:
            tally.add(OUTSIDE, repr(label.sample_id), n)


def is_outside(shape: Shape, size: tuple[int, int]) -> bool:
    """Return whether nothing of a shape is in an image, going by the box around it.

    Args:
        shape: A shape; classes of the image and masks are always in it.
        size: Width and height of the image, px.

    Example:
        >>> is_outside(Shape("car", box=(400, 0, 10, 10)), (100, 80))
        True
    """
    xs, ys = _places(shape)
    if not xs or shape.mask is not None:
        return False
    return max(xs) < 0 or max(ys) < 0 or min(xs) >= size[0] or min(ys) >= size[1]


def _places(shape: Shape) -> tuple[list[float], list[float]]:
    """Return all x and all y of a shape."""
    xs = [x for outline in shape.polygons for x in outline[0::2]]
    ys = [y for outline in shape.polygons for y in outline[1::2]]
    xs += [x for x, _, seen in shape.keypoints if seen > 0]
    ys += [y for _, y, seen in shape.keypoints if seen > 0]
    if shape.box is not None:
        x, y, width, height = shape.box
        xs += [x, x + width]
        ys += [y, y + height]
    return xs, ys
