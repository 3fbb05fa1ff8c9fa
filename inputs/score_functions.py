"""Scores of predictions: how informative a sample is, in [0, 1], higher = more informative.

Axis letters: N samples, M objects, m objects of one block, K classes of the task, C classes
that probabilities are compared over: K, or 2 for a single class, which is read as (p, 1 - p).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from selectlab.columns import TaskPredictions, TaskType
from selectlab.errors import DataError
from selectlab.inputs.class_probabilities import (
    BLOCK_VALUES,
    probability_blocks,
    sample_of,
)
from selectlab.vector_signals import reduce_segments

FloatArray = npt.NDArray[np.float64]
IdList = Sequence[str]

OBJECT_TASKS: tuple[TaskType, ...] = (
    "object-detection",
    "keypoint-detection",
    "instance-segmentation",
)
ALL_TASKS: tuple[TaskType, ...] = ("classification", *OBJECT_TASKS, "semantic-segmentation")


@dataclass(frozen=True)
class Score:
    """One score: what it measures and what it does with the objects of a sample.

    Attributes:
        name: Its name in a config.
        meaning: The formula in words.
        task_types: Prediction tasks it can be computed of.
        aggregation: How the objects of a sample become one number.
        no_detection: Value of a sample without objects; ``None`` when it depends on the
            dataset (the bottom of its range).
        compute: Function of the predictions and the sample ids that returns (N,) values.
        direction: What a large value means.
    """

    name: str
    meaning: str
    task_types: tuple[TaskType, ...]
    aggregation: str
    no_detection: float | None
    compute: Callable[[TaskPredictions, IdList], FloatArray]
    direction: str = "higher is more informative"


def least_confidence(probabilities: FloatArray) -> FloatArray:
    """Return (1 - max p) / (1 - 1/C) of each row.

    Example:
        >>> least_confidence(np.array([[0.5, 0.5], [0.75, 0.25]]))
        array([1. , 0.5])
    """
    n_classes = probabilities.shape[1]
    values: FloatArray = (1.0 - probabilities.max(axis=1)) / (1.0 - 1.0 / n_classes)
    return values


def margin(probabilities: FloatArray) -> FloatArray:
    """Return 1 - (p1 - p2) of each row, p1 and p2 being its two largest probabilities.

    Example:
        >>> margin(np.array([[0.5, 0.25, 0.25]]))
        array([0.75])
    """
    top = np.partition(probabilities, -2, axis=1)
    values: FloatArray = 1.0 - (top[:, -1] - top[:, -2])
    return values


def entropy(probabilities: FloatArray) -> FloatArray:
    """Return the entropy of each row divided by log C.

    Example:
        >>> entropy(np.array([[0.5, 0.5], [1.0, 0.0]]))
        array([1., 0.])
    """
    logs = np.log(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    values: FloatArray = np.einsum("ij,ij->i", probabilities, logs)
    scaled: FloatArray = np.abs(values) / np.log(probabilities.shape[1])
    return scaled


def uncertainty(
    per_object: Callable[[FloatArray], FloatArray],
    task: TaskPredictions,
    ids: IdList,
    *,
    block_values: int = BLOCK_VALUES,
) -> FloatArray:
    """Return the sample's uncertainty: max over objects, or the mean over segmented pixels.

    Cost:
        O(M * K) time, ``block_values`` numbers at once.
    """
    values = np.zeros(len(task.category))
    for _, _, lo, hi, block in probability_blocks(task, ids, block_values=block_values):
        if block.shape[1] == 1:
            block = np.hstack([block, 1.0 - block])
        values[lo:hi] = per_object(block)
    if task.task_type == "semantic-segmentation":
        return area_mean(values, task)
    return reduce_segments(values, task.counts(), "max")


def area_mean(values: FloatArray, task: TaskPredictions) -> FloatArray:
    """Return the mean of segment values weighted by area; unweighted where there is no area."""
    counts = task.counts()
    mean = reduce_segments(values, counts, "mean")
    if task.area is None:
        return mean
    total = reduce_segments(task.area, counts, "sum")
    weighted = reduce_segments(values * task.area, counts, "sum")
    return np.divide(weighted, total, out=mean, where=total > 0)


def objectness(task: TaskPredictions, ids: IdList) -> FloatArray:
    """Return 1 - mean objectness; objectness is score / max p, or the score without p.

    Detectors with one sigmoid per class have no objectness of their own: their score can exceed
    the largest of the probabilities scaled to sum to 1. That counts as objectness 1.
    """
    values = task.score.astype(np.float64)
    if np.isnan(values).any():
        first = sample_of(task, ids, int(np.argmax(np.isnan(values))))
        raise DataError(f"predictions {task.task!r}: an object of {first!r} has no score")
    if task.probabilities is not None:
        given = ~np.isnan(task.probabilities).any(axis=1)
        top = task.probabilities[given].max(axis=1).astype(np.float64)
        values[given] /= np.where(top > 0, top, np.nan)
    counts = task.counts()
    mean = reduce_segments(np.minimum(values, 1.0), counts, "mean")
    return np.where(counts > 0, 1.0 - mean, 0.0)


def object_frequency(task: TaskPredictions, ids: IdList) -> FloatArray:
    """Return how many and how different the objects are, mapped to [0.9, 1.0].

    The first object of a class counts 1, each further one 0.25. The dataset's smallest sum
    becomes 0.9 and its largest 1.0; when all are equal every sample gets 0.9.
    """
    n_classes = len(task.names)
    owner = np.repeat(np.arange(len(ids)), task.counts())
    present, times = np.unique(owner * n_classes + task.category, return_counts=True)
    sums = np.bincount(present // n_classes, weights=1.0 + 0.25 * (times - 1), minlength=len(ids))
    spread = float(np.ptp(sums))
    if spread == 0:
        return np.full(len(ids), 0.9)
    mapped: FloatArray = 0.9 + 0.1 * (sums - sums.min()) / spread
    return mapped


def keypoint_uncertainty(task: TaskPredictions, ids: IdList) -> FloatArray:
    """Return 1 - mean keypoint confidence over the objects of a sample; none = 0."""
    confidence = task.keypoint_confidence
    if confidence is None:
        if len(task.category):
            raise DataError(f"predictions {task.task!r}: no keypoint confidences")
        return np.zeros(len(ids))
    wrong = ~((confidence >= 0) & (confidence <= 1))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataError(
            f"predictions {task.task!r}: keypoint confidence of {sample_of(task, ids, at)!r} "
            f"must lie in [0, 1]; got {confidence[at]:g}"
        )
    counts = task.counts()
    return np.where(counts > 0, 1.0 - reduce_segments(confidence, counts, "mean"), 0.0)


_UNCERTAINTY = "max over objects; mean over pixels for semantic segmentation"

_ALL = (
    Score(
        "uncertainty_least_confidence",
        "(1 - max p) / (1 - 1/C)",
        ALL_TASKS,
        _UNCERTAINTY,
        0.0,
        partial(uncertainty, least_confidence),
    ),
    Score(
        "uncertainty_margin",
        "1 - (largest p - second largest p)",
        ALL_TASKS,
        _UNCERTAINTY,
        0.0,
        partial(uncertainty, margin),
    ),
    Score(
        "uncertainty_entropy",
        "entropy of p / log C",
        ALL_TASKS,
        _UNCERTAINTY,
        0.0,
        partial(uncertainty, entropy),
    ),
    Score(
        "objectness_least_confidence",
        "1 - objectness, objectness = score / max p, or the score without p",
        OBJECT_TASKS,
        "1 - mean over objects",
        0.0,
        objectness,
    ),
    Score(
        "object_frequency",
        "sum over classes of 1 + 0.25 (count - 1), mapped to [0.9, 1.0] over the dataset",
        OBJECT_TASKS,
        "sum over classes",
        None,
        object_frequency,
    ),
    Score(
        "mean_uncertainty",
        "1 - mean keypoint confidence",
        ("keypoint-detection",),
        "1 - mean over objects",
        0.0,
        keypoint_uncertainty,
    ),
)

SCORES: dict[str, Score] = {score.name: score for score in _ALL}
"""Every score by name."""


def fitting(task_type: TaskType) -> list[str]:
    """Return the names of the scores that can be computed of a task type.

    Example:
        >>> fitting("classification")
        ['uncertainty_least_confidence', 'uncertainty_margin', 'uncertainty_entropy']
    """
    return [score.name for score in _ALL if task_type in score.task_types]
