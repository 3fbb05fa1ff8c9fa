"""Class probability vectors of predicted objects, block by block, given or made from a score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from selectlab.columns import TaskPredictions
from selectlab.errors import DataError

FloatArray = npt.NDArray[np.float64]

BLOCK_VALUES = 1 << 22
"""Probabilities held at once by :func:`probability_blocks` (32 MiB)."""

SUM_TOLERANCE = 0.02
"""How far probabilities may be from summing to 1: files round them to two or three digits."""


def sample_of(task: TaskPredictions, ids: Sequence[str], obj: int) -> str:
    """Return the id of the sample that owns object ``obj``, for messages."""
    return ids[int(np.searchsorted(task.offsets, obj, side="right")) - 1]


def sample_blocks(
    offsets: npt.NDArray[np.int64], block_objects: int
) -> Iterator[tuple[int, int, int, int]]:
    """Cut samples into runs of at most ``block_objects`` objects; a sample is never cut.

    Yields:
        ``(first sample, end sample, first object, end object)``; runs without objects are
        passed over.

    Example:
        >>> list(sample_blocks(np.array([0, 2, 2, 5, 6]), 3))
        [(0, 2, 0, 2), (2, 3, 2, 5), (3, 4, 5, 6)]
    """
    start, n_samples = 0, len(offsets) - 1
    while start < n_samples:
        limit = int(offsets[start]) + block_objects
        end = max(int(np.searchsorted(offsets, limit, side="right")) - 1, start + 1)
        if offsets[end] > offsets[start]:
            yield start, end, int(offsets[start]), int(offsets[end])
        start = end


def probability_blocks(
    task: TaskPredictions,
    ids: Sequence[str],
    *,
    unscored: float | None = None,
    block_values: int = BLOCK_VALUES,
) -> Iterator[tuple[int, int, int, int, FloatArray]]:
    """Yield the class probabilities of all objects in blocks of whole samples.

    Given probabilities are scaled to sum to exactly 1 (files round them). Without them the
    label gets the object's score and the other classes share the rest. With a single class
    the only column is p itself, the rest being "not this class".

    Args:
        task: Predictions of N samples, M objects, K classes.
        ids: (N,) sample ids, for messages.
        unscored: Score of objects that have neither score nor probabilities; ``None`` makes
            them an error.
        block_values: Largest number of probabilities in a block.

    Yields:
        ``(first sample, end sample, first object, end object, (m, K) float64)``.

    Raises:
        DataError: Probabilities outside [0, 1], not summing to 1 or partly NaN; a score outside
            [0, 1], or none where one is needed.
    """
    n_classes = len(task.names)
    for first, end, lo, hi in sample_blocks(task.offsets, max(1, block_values // n_classes)):
        block = np.full((hi - lo, n_classes), np.nan)
        if task.probabilities is not None:
            block[:] = task.probabilities[lo:hi]
        absent = np.isnan(block).all(axis=1)
        if not absent.all():
            block[~absent] = _checked(task, ids, lo + np.flatnonzero(~absent), block[~absent])
        if absent.any():
            objects = lo + np.flatnonzero(absent)
            score = _scores(task, ids, objects, unscored)
            block[absent] = spread(score, task.category[objects], n_classes)
        yield first, end, lo, hi, block


def spread(score: FloatArray, category: npt.NDArray[np.int64], n_classes: int) -> FloatArray:
    """Return (m, K) vectors: the label has its score, the other classes share the rest.

    Example:
        >>> spread(np.array([0.5]), np.array([1]), 3)
        array([[0.25, 0.5 , 0.25]])
    """
    rest = (1.0 - score) / max(n_classes - 1, 1)
    vectors = np.repeat(rest[:, None], n_classes, axis=1)
    vectors[np.arange(len(score)), category] = score
    return vectors


def _checked(
    task: TaskPredictions, ids: Sequence[str], objects: npt.NDArray[np.intp], block: FloatArray
) -> FloatArray:
    """Return given probabilities scaled to sum to 1 (a single class is left as it is)."""
    sums = block.sum(axis=1)
    wrong = ~((block >= 0) & (block <= 1 + SUM_TOLERANCE)).all(axis=1)
    if block.shape[1] > 1:
        wrong |= ~(np.abs(sums - 1) <= SUM_TOLERANCE)
    if wrong.any():
        at = int(np.argmax(wrong))
        where = f"predictions {task.task!r}: probabilities of {sample_of(task, ids, objects[at])!r}"
        if np.isnan(block[at]).any():
            raise DataError(f"{where} hold NaN")
        if (block[at] < 0).any() or (block[at] > 1 + SUM_TOLERANCE).any():
            raise DataError(
                f"{where} must lie in [0, 1]; got {block[at].min():g} to {block[at].max():g}"
            )
        raise DataError(f"{where} sum to {sums[at]:g}, not to 1")
    return block / sums[:, None] if block.shape[1] > 1 else np.minimum(block, 1.0)


def _scores(
    task: TaskPredictions,
    ids: Sequence[str],
    objects: npt.NDArray[np.intp],
    unscored: float | None,
) -> FloatArray:
    """Return the objects' scores, ``unscored`` standing in for absent ones."""
    score = task.score[objects]
    none = np.isnan(score)
    if none.any() and unscored is None:
        first = sample_of(task, ids, objects[int(np.argmax(none))])
        raise DataError(
            f"predictions {task.task!r}: {int(none.sum())} objects have neither a score nor "
            f"probabilities, first in {first!r}; this input needs one of them"
        )
    wrong = ~none & ~((score >= 0) & (score <= 1))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataError(
            f"predictions {task.task!r}: score of {sample_of(task, ids, objects[at])!r} must lie "
            f"in [0, 1]; got {score[at]:g}"
        )
    return np.where(none, unscored if unscored is not None else 0.0, score)
