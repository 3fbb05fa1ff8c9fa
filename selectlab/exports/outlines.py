"""Outlines of masks, and several outlines drawn in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from selectlab.exports.geometry import Polygon
from selectlab.masks import pixels_of
from selectlab.shapes import Mask

_RIGHT, _DOWN, _LEFT, _UP = range(4)


def outlines(mask: Mask, where: str = "mask") -> list[Polygon]:
    """Return the outlines of a mask along the edges of its pixels, px.

    Filling them gives the mask again, pixel by pixel. The outer ones go clockwise as one sees
    them, those of holes the other way round. Pixels that touch at a corner only are apart.

    Args:
        mask: The mask.
        where: Its sample, for messages.

    Returns:
        Closed polygons, from top to bottom; none when no pixel is set.

    Raises:
        DataError: The mask does not fill its image.

    Example:
        >>> outlines(Mask((4, 2, 1, 2), width=3, height=3))
        [(1.0, 1.0, 3.0, 1.0, 3.0, 3.0, 1.0, 3.0)]
    """
    pixels = pixels_of(mask, where)
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        return []
    top, left = int(rows[0]), int(columns[0])
    part = np.pad(pixels[top : rows[-1] + 1, left : columns[-1] + 1], 1)
    return [
        tuple(float(v) for x, y in corners for v in (x + left, y + top)) for corners in _loops(part)
    ]


def _loops(padded: npt.NDArray[np.bool_]) -> Iterator[list[tuple[int, int]]]:
    """Walk along the edges of pixels with the mask on the right hand; yield the corners."""
    inside = padded[1:-1, 1:-1]
    width = inside.shape[1] + 1
    steps = (1, width, -1, -width)
    beginnings = (
        (inside & ~padded[:-2, 1:-1], 0),
        (inside & ~padded[1:-1, 2:], 1),
        (inside & ~padded[2:, 1:-1], width + 1),
        (inside & ~padded[1:-1, :-2], width),
    )
    ahead: dict[int, list[int]] = {}
    for direction, (edges, shift) in enumerate(beginnings):
        for row, column in np.argwhere(edges).tolist():
            ahead.setdefault(row * width + column + shift, []).append(direction)
    for row, column in np.argwhere(beginnings[_RIGHT][0]).tolist():
        start = at = row * width + column
        if _RIGHT not in ahead.get(start, ()):
            continue
        corners, before, direction = [], _UP, _RIGHT
        while True:
            if direction != before:
                corners.append((at % width, at // width))
            ahead[at].remove(direction)
            at, before = at + steps[direction], direction
            if at == start:
                break
            turn = (before + 1) % 4
            direction = turn if turn in ahead[at] else ahead[at][0]
        yield corners


def joined(polygons: Sequence[Polygon]) -> Polygon:
    """Return one outline of all: the parts hang together by lines that have no area.

    Each part is tied to the ones before where they are closest.

    Example:
        >>> joined([(0, 0, 1, 0, 1, 1), (3, 0, 4, 0, 4, 1)])
        (0.0, 0.0, 1.0, 0.0, 3.0, 0.0, 4.0, 0.0, 4.0, 1.0, 3.0, 0.0, 1.0, 0.0, 1.0, 1.0)
    """
    whole = _points(polygons[0])
    for polygon in polygons[1:]:
        part = _points(polygon)
        here, there = _closest(whole, part)
        round_trip = np.concatenate([part[there:], part[: there + 1]])
        whole = np.concatenate([whole[: here + 1], round_trip, whole[here:]])
    return tuple(whole.ravel().tolist())


def _points(polygon: Polygon) -> npt.NDArray[np.float64]:
    return np.array(polygon, dtype=np.float64).reshape(-1, 2)


def _closest(whole: npt.NDArray[np.float64], part: npt.NDArray[np.float64]) -> tuple[int, int]:
    """Return the places of the closest points of both, the first ones of equal pairs."""
    sq_dists = ((whole[:, None] - part[None]) ** 2).sum(axis=-1)
    here, there = np.unravel_index(int(sq_dists.argmin()), sq_dists.shape)
    return int(here), int(there)
