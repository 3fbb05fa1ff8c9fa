"""Pictures of single objects, cut out of the pictures of their samples."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selectlab.columns import TaskPredictions
    from selectlab.thumbnails import Thumbnail

SIDE_PX = 256
AROUND = 0.15
"""How much of the surroundings is shown on each side, as a share of the longer side of the box."""


def objects_of(held: TaskPredictions, row: int) -> list[dict[str, Any]]:
    """Return the objects of a sample with their numbers, as JSON."""
    first, stop = int(held.offsets[row]), int(held.offsets[row + 1])
    return [
        {
            "number": at - first,
            "category": held.names[int(held.category[at])],
            "score": None if held.score[at] != held.score[at] else float(held.score[at]),
            "box": None if held.boxes is None else [float(side) for side in held.boxes[at]],
        }
        for at in range(first, stop)
    ]


def crop(picture: Thumbnail, box: list[float]) -> bytes:
    """Return a JPEG of a box and a little around it.

    Args:
        picture: The picture of the sample.
        box: x, y, width, height in px of the image that the picture was made of.
    """
    from PIL import Image

    x, y, width, height = box
    around = AROUND * max(width, height, 1.0)
    scale = picture.width / picture.source_size[0]
    edges = (x - around, y - around, x + width + around, y + height + around)
    left, top, right, bottom = (round(edge * scale) for edge in edges)
    left, top = min(max(left, 0), picture.width - 1), min(max(top, 0), picture.height - 1)
    right, bottom = max(left + 1, right), max(top + 1, bottom)
    window = (left, top, min(right, picture.width), min(bottom, picture.height))
    with Image.open(io.BytesIO(picture.jpeg), formats=["JPEG"]) as image:
        part = image.crop(window)
    ratio = SIDE_PX / max(part.size)
    if ratio > 1:
        size = (max(1, round(part.width * ratio)), max(1, round(part.height * ratio)))
        part = part.resize(size, Image.Resampling.BICUBIC)
    part.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    part.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
