"""Pictures with what a model saw in them, laid over as lines that stay sharp at any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import starmap
from typing import Any

from selectlab.errors import DataError
from selectlab.exports.outlines import outlines
from selectlab.shapes import Shape
from selectlab.thumbnails import Thumbnail
from selectlab.video.contact_sheet import STYLES

_MOST_SHAPES, _MOST_TAGS = 80, 12
_LETTER = 0.66
_TEXT_SHARE = 0.042
"""Height of the text, as a share of the picture's width; a letter's width as one of its height."""
_AROUND, _LEAST_SHARE = 2.0, 0.4
"""How much of a frame is shown: what was found fills half of it, but no less than this share."""
_KNOWN_KEYPOINT = 0.05


@dataclass(frozen=True)
class Mark:
    """Something drawn over a picture; px of the picture.

    Attributes:
        kind: How it came about; see :data:`selectlab.shapes.ORIGINS`.
        tag: What stands at it; may be empty.
        x: Left side of the tag.
        y: Foot of the tag.
        box: Left, top, width and height.
        rotation: Degrees that the box is turned clockwise about its centre.
        outlines: Closed lines, as SVG wants points.
        dots: Keypoints.
    """

    kind: str
    tag: str
    x: float
    y: float
    box: tuple[float, float, float, float] | None = None
    rotation: float = 0.0
    outlines: Sequence[str] = ()
    dots: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Picture:
    """A picture, whole or a part of it, with marks.

    Attributes:
        uri: The picture.
        size: Its width and height, px of the image it was made of.
        window: Left, top, width and height of the part that is shown.
        alt: What it shows, in words.
        marks: What is drawn over it.
    """

    uri: str
    size: tuple[int, int]
    window: tuple[float, float, float, float]
    alt: str
    marks: Sequence[Mark] = ()

    @property
    def text_px(self) -> float:
        """Height of the text of tags."""
        return round(max(self.window[2], self.window[3] * 0.75) * _TEXT_SHARE, 2)


def picture(
    sample_id: str,
    thumbnail: Thumbnail,
    shapes: Sequence[Shape] = (),
    window: tuple[float, float, float, float] | None = None,
) -> Picture:
    """Return a picture with its shapes; classes of the whole image are not drawn.

    Args:
        sample_id: Its sample.
        thumbnail: What is to be seen.
        shapes: What a model saw, or should have seen.
        window: The part to show. Default: all.
    """
    width, height = thumbnail.source_size
    shown = window or (0.0, 0.0, float(width), float(height))
    drawn = [shape for shape in shapes if not shape.is_class and _touches(shape, shown)]
    drawn.sort(key=lambda shape: (-_weight(shape), -(shape.score or 0.0)))
    plain = Picture(thumbnail.data_uri, thumbnail.source_size, shown, _alt(sample_id, drawn))
    marks = [_mark(shape, plain) for shape in drawn[:_MOST_SHAPES]]
    return Picture(plain.uri, plain.size, shown, plain.alt, _legible(marks, plain.text_px)[::-1])


def _legible(marks: Sequence[Mark], text_px: float) -> list[Mark]:
    """Return marks without the tags that would stand over others; the first ones keep theirs."""
    found: list[Mark] = []
    taken: list[tuple[float, float, float]] = []
    for mark in marks:
        right = mark.x + _width(mark.tag, text_px)
        free = all(right < x or mark.x > far or abs(mark.y - y) > text_px for x, far, y in taken)
        if free and len(taken) < _MOST_TAGS:
            taken.append((mark.x, right, mark.y))
        found.append(mark if free else replace(mark, tag=""))
    return found


def _width(tag: str, text_px: float) -> float:
    return len(tag) * text_px * _LETTER


def _touches(shape: Shape, window: tuple[float, float, float, float]) -> bool:
    """Return whether any of a shape with a box is in a part of the picture."""
    if shape.box is None:
        return True
    left, top, width, height = shape.box
    across = left < window[0] + window[2] and window[0] < left + width
    return across and top < window[1] + window[3] and window[1] < top + height


def _weight(shape: Shape) -> int:
    """Return how much a shape matters: what an assertion found comes first."""
    return {"imputed": 2, "suspicious": 1}.get(shape.origin, 0)


def _mark(shape: Shape, shown: Picture) -> Mark:
    lines = [*shape.polygons, *_outlines(shape)]
    left, top, width, height = shape.box or _around(shape, lines)
    tag = tag_of(shape)
    room = shown.text_px * 1.25
    foot = top - shown.text_px * 0.3
    if foot < shown.window[1] + room:
        foot = max(top, shown.window[1]) + room
    widest = shown.window[0] + shown.window[2] - _width(tag, shown.text_px)
    turned: Any = (shape.attributes or {}).get("rotation", 0.0)
    return Mark(
        kind=shape.origin,
        tag=tag,
        x=round(max(min(left, widest), shown.window[0]), 1),
        y=round(min(foot, shown.window[1] + shown.window[3] - shown.text_px * 0.3), 1),
        box=None if shape.box is None else (left, top, width, height),
        rotation=float(turned) if isinstance(turned, int | float) else 0.0,
        outlines=[_points(line) for line in lines],
        dots=[(x, y) for x, y, sure in shape.keypoints if sure > _KNOWN_KEYPOINT],
    )


def _outlines(shape: Shape) -> Sequence[Sequence[float]]:
    """Return the outlines of a mask; one that does not fit its image has none."""
    try:
        return outlines(shape.mask) if shape.mask is not None else ()
    except DataError:
        return ()


def _around(shape: Shape, lines: Sequence[Sequence[float]]) -> tuple[float, float, float, float]:
    """Return the box around outlines and keypoints."""
    points = [*(p for line in lines for p in _pairs(line)), *(p[:2] for p in shape.keypoints)]
    xs, ys = [p[0] for p in points] or [0.0], [p[1] for p in points] or [0.0]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def _pairs(line: Sequence[float]) -> list[tuple[float, float]]:
    return list(zip(line[0::2], line[1::2], strict=True))


def _points(line: Sequence[float]) -> str:
    return " ".join(starmap("{:.1f},{:.1f}".format, _pairs(line)))


def tag_of(shape: Shape) -> str:
    """Return what stands at a shape.

    Example:
        >>> tag_of(Shape("car", 0.914)), tag_of(Shape("car", origin="imputed"))
        ('car .91', 'MISSING car')
    """
    word = STYLES[shape.origin].tag if shape.origin in STYLES else ""
    score = "" if shape.score is None else f"{shape.score:.2f}".removeprefix("0")
    return " ".join(part for part in (word, shape.category, score) if part)


def _alt(sample_id: str, shapes: Sequence[Shape]) -> str:
    if not shapes:
        return sample_id
    tags = ", ".join(tag_of(shape) for shape in shapes[:_MOST_TAGS])
    more = f" and {len(shapes) - _MOST_TAGS} more" if len(shapes) > _MOST_TAGS else ""
    return f"{sample_id}: {tags}{more}"


def window_around(
    shapes: Sequence[Shape], size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Return the part of a picture that shows some shapes with what is around them.

    Args:
        shapes: At least one with a box.
        size: Width and height of the picture, px.
    """
    boxes = [shape.box for shape in shapes if shape.box is not None]
    width, height = size
    left, top = (min(box[side] for box in boxes) for side in (0, 1))
    right, bottom = (max(box[side] + box[side + 2] for box in boxes) for side in (0, 1))
    share = max((right - left) / width, (bottom - top) / height) * _AROUND
    share = min(1.0, max(share, _LEAST_SHARE))
    wide, high = width * share, height * share
    x = min(max(0.0, (left + right - wide) / 2), width - wide)
    y = min(max(0.0, (top + bottom - high) / 2), height - high)
    return (round(x, 1), round(y, 1), round(wide, 1), round(high, 1))


def legend_of(pictures: Sequence[Picture | None]) -> list[str]:
    """Return the kinds of lines that occur, in the order of the legend."""
    there = {mark.kind for one in pictures if one is not None for mark in one.marks}
    return [kind for kind in STYLES if kind in there]
