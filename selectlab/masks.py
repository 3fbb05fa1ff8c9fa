"""Masks as pixels and back, and the part of the image that they are in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from selectlab.errors import DataError
from selectlab.shapes import Mask

Pixels = npt.NDArray[np.bool_]

LARGEST_PX = 1 << 30
"""Pixels of a mask, that a file may not make us take all memory."""


def pixels_of(mask: Mask, where: str = "mask") -> Pixels:
    """Return the pixels of a mask, (height, width).

    Args:
        mask: The mask.
        where: Whose it is, for messages.

    Raises:
        DataError: The mask does not fill its image, or is too large.

    Example:
        >>> pixels_of(Mask((1, 3), width=2, height=2)).astype(int)
        array([[0, 1],
               [1, 1]])
    """
    size, filled = mask.width * mask.height, sum(mask.counts)
    if filled != size:
        raise DataError(
            f"{where}: a mask of {filled} px does not fit an image of {mask.width} x "
            f"{mask.height} px"
        )
    if size > LARGEST_PX:
        raise DataError(
            f"{where}: a mask of {mask.width} x {mask.height} px is too large; at most "
            f"{LARGEST_PX} px"
        )
    counts = np.array(mask.counts, dtype=np.int64)
    inside = np.arange(len(counts)) % 2 == 1
    return np.repeat(inside, counts).reshape(mask.height, mask.width)


def mask_of(image: Pixels) -> Mask:
    """Return pixels, (height, width), as a mask.

    Example:
        >>> mask_of(np.array([[False, True], [True, True]])).counts
        (1, 3)
    """
    height, width = image.shape
    return Mask(run_lengths(image), width, height)


def run_lengths(image: Pixels) -> tuple[int, ...]:
    """Return lengths of runs in row-major order; the first counts zeros, and may be 0."""
    flat = np.concatenate(([False], image.ravel(), [False]))
    turns = np.flatnonzero(flat[1:] != flat[:-1])
    ends = turns if turns.size and turns[-1] == image.size else np.append(turns, image.size)
    return tuple(int(run) for run in np.diff(ends, prepend=0))


def bounds(image: Pixels) -> tuple[int, int, int, int] | None:
    """Return left, top, width, height of the part of an image that is set, px.

    Returns:
        ``None`` where nothing is set.

    Example:
        >>> bounds(np.array([[False, False, False], [False, True, True]]))
        (1, 1, 2, 1)
    """
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    if not rows.size:
        return None
    left, top = int(columns[0]), int(rows[0])
    return left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1


def column_runs(mask: Mask, where: str = "mask") -> list[int]:
    """Return the run lengths of a mask column by column, as COCO has them.

    Example:
        >>> column_runs(Mask((1, 1, 2), width=2, height=2))
        [2, 1, 1]
    """
    return list(run_lengths(pixels_of(mask, where).T))


def mask_of_columns(counts: Sequence[int], *, width: int, height: int, where: str) -> Mask:
    """Return a mask given by run lengths column by column, as COCO has them.

    Args:
        counts: Lengths of runs; the first counts zeros, and may be 0.
        width: Width of the image, px.
        height: Height of the image, px.
        where: Whose they are, for messages.

    Raises:
        DataError: A length is negative, or they do not fill the image.

    Example:
        >>> mask_of_columns([2, 1, 1], width=2, height=2, where="a.json")
        Mask(counts=(1, 1, 2), width=2, height=2)
    """
    if min(counts, default=0) < 0:
        raise DataError(f"{where}: run lengths of a mask must be >= 0, got {min(counts)}")
    return mask_of(pixels_of(Mask(tuple(counts), width=height, height=width), where).T)


def decompressed(text: str, where: str) -> list[int]:
    """Decode COCO's compressed run lengths: 5 bits a character, differences after the third.

    Raises:
        DataError: A character does not occur in them.
    """
    runs: list[int] = []
    value, shift = 0, 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64:
            raise DataError(f"{where}.counts: {letter!r} does not occur in compressed run lengths")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value, shift = 0, 0
    return runs
