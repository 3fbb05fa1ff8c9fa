"""What a model found in an image, in the words of the Lightly format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_DIGITS = 6
"""Decimals of probabilities: the error of a sum over 1000 classes stays below 0.001."""


@dataclass(frozen=True)
class Found:
    """The predictions for one image.

    Attributes:
        objects: Dicts as they stand in a prediction file, the surest first.
        image_embedding: (D,) features of the image, when asked for.
        object_embeddings: (n, E) features of the objects, when asked for.
    """

    objects: list[dict[str, Any]]
    image_embedding: npt.NDArray[np.float32] | None = None
    object_embeddings: npt.NDArray[np.float32] | None = None


def exact(value: np.float32) -> float:
    """Return the shortest decimal that is this float32.

    Example:
        >>> exact(np.float32(0.1))
        0.1
    """
    return float(str(np.float32(value)))


def box(corners: npt.NDArray[np.float32]) -> list[float]:
    """Return ``[x, y, width, height]`` of ``[x1, y1, x2, y2]``, px.

    Example:
        >>> box(np.array([1, 2, 4, 7], dtype=np.float32))
        [1.0, 2.0, 3.0, 5.0]
    """
    x1, y1, x2, y2 = (np.float32(value) for value in corners)
    return [exact(x1), exact(y1), exact(x2 - x1), exact(y2 - y1)]


def shares(scores: npt.NDArray[Any]) -> list[float]:
    """Return scores scaled to sum to 1.

    Example:
        >>> shares(np.array([0.6, 0.2]))
        [0.75, 0.25]
    """
    values = np.asarray(scores, dtype=np.float64)
    return [round(float(value), _DIGITS) for value in values / values.sum()]


def run_lengths(mask: npt.NDArray[np.bool_]) -> list[int]:
    """Return a mask as run lengths, row by row, starting with the count of zeros.

    Example:
        >>> run_lengths(np.array([[False, True], [True, True]]))
        [1, 3]
        >>> run_lengths(np.array([[True, False]]))
        [0, 1, 1]
    """
    flat = np.concatenate([[False], np.asarray(mask, dtype=bool).ravel()])
    turns = np.flatnonzero(flat[1:] != flat[:-1])
    edges = np.concatenate([[0], turns, [len(flat) - 1]])
    return [int(run) for run in np.diff(edges)]


def keypoints(points: npt.NDArray[np.float32]) -> list[float]:
    """Return ``[x, y, s, ...]`` of (k, 3) points, or of (k, 2) points with s = 1."""
    if points.shape[1] == 2:
        points = np.column_stack([points, np.ones(len(points), dtype=np.float32)])
    return [exact(value) for value in points.ravel()]


def classified(probabilities: Sequence[float]) -> dict[str, Any]:
    """Return the prediction of a classifier; ids of classes are 0, 1, ..."""
    values = np.asarray(probabilities, dtype=np.float32)
    best = int(values.argmax())
    return {
        "category_id": best,
        "score": exact(values[best]),
        "probabilities": shares(values),
    }
