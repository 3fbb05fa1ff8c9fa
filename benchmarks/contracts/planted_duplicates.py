"""Images with near-copies planted among them, and plain ways to remove those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.contracts.image_sets import ImageSet, unit_length

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

NOISE = 0.02
"""Length of the longest noise; images have length 1."""
_MOST_COPIES = 4
_SHIFTED = 0.3
_ENLARGED_TO = 28
_BLUR_PX = 2.0
_QUANTILE = 0.3


@dataclass(frozen=True)
class Planted:
    """Vectors in random order.

    Attributes:
        vectors: (N, D).
        group: (N,) number of the image that each is, or is a copy of.
        limit: Minimum distance to use.
    """

    vectors: Float32
    group: npt.NDArray[np.intp]
    limit: float

    @property
    def n_groups(self) -> int:
        return int(self.group.max()) + 1


def noisy_copies(images: ImageSet, rng: np.random.Generator) -> Planted:
    """Return raw pixels with up to 4 noisy copies of each image.

    Two of a group are closer than the limit, two of different groups are not: copies lie within
    r of their image, the limit is 2.02 r, and images nearer than two limits are left out.
    """
    limit = 2.02 * NOISE
    vectors = images.vectors
    vectors = vectors[one_by_one(vectors, 2 * limit)]
    group = np.repeat(np.arange(len(vectors)), 1 + rng.integers(0, _MOST_COPIES + 1, len(vectors)))
    is_copy = np.concatenate([[False], group[1:] == group[:-1]])
    noise = rng.normal(size=(len(group), vectors.shape[1]))
    noise *= (rng.random(len(group)) * NOISE / np.linalg.norm(noise, axis=1))[:, None]
    copies = vectors[group] + np.where(is_copy[:, None], noise, 0.0)
    order = rng.permutation(len(group))
    return Planted(copies[order].astype(np.float32), group[order], limit)


def shifted_copies(images: ImageSet, rng: np.random.Generator) -> Planted:
    """Return blurred images, three in ten with a copy that is moved by a pixel beforehand."""
    from scipy import ndimage

    pixels = images.pixels
    times = max(1, round(_ENLARGED_TO / pixels.shape[1]))
    pixels = ndimage.zoom(pixels, (1, times, times), order=1)
    n_copies = max(1, round(_SHIFTED * len(images)))
    moves = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])[rng.integers(0, 4, n_copies)]
    which = rng.permutation(len(images))[:n_copies]
    moved = [ndimage.shift(pixels[i], move, order=0) for i, move in zip(which, moves, strict=True)]
    everything = np.concatenate([pixels, moved])
    blurred = ndimage.gaussian_filter(everything, (0, _BLUR_PX, _BLUR_PX))[:, ::2, ::2]
    group = np.concatenate([np.arange(len(images)), which])
    order = rng.permutation(len(group))
    vectors = unit_length(blurred[order].reshape(len(group), -1))
    return Planted(vectors, group[order], guessed_limit(vectors))


def guessed_limit(vectors: Float32) -> float:
    """Return about the 30 % quantile of the distances to the nearest neighbour.

    It lies between two of these distances, so that no pair is just as far apart.
    """
    gaps = np.sort(to_nearest_other(vectors))
    low = gaps[int(_QUANTILE * len(gaps))]
    above = gaps[gaps > low * (1 + 1e-6)]
    return float((low + (above[0] if len(above) else 2 * low)) / 2)


def distances(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Float64:
    """Return all distances, (len(a), len(b)), in float64; about 1e-8 where they are 0."""
    wide, other = a.astype(np.float64), b.astype(np.float64)
    squares = (wide**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * wide @ other.T
    found: Float64 = np.sqrt(np.maximum(squares, 0.0))
    return found


def to_nearest_other(vectors: Float32) -> Float64:
    """Return the distance of each row to the nearest other row."""
    gaps = distances(vectors, vectors)
    np.fill_diagonal(gaps, np.inf)
    found: Float64 = gaps.min(axis=1)
    return found


def one_by_one(vectors: Float32, limit: float) -> list[int]:
    """Return the rows that are kept when each is left out if one kept before is nearer."""
    gaps = distances(vectors, vectors)
    free, kept = np.ones(len(vectors), dtype=np.bool_), []
    for row in range(len(vectors)):
        if free[row]:
            kept.append(row)
            free &= gaps[row] >= limit
    return kept


def identical(vectors: Float32) -> list[int]:
    """Return the first row of each set of equal rows."""
    found: list[int] = np.sort(np.unique(vectors, axis=0, return_index=True)[1]).tolist()
    return found
