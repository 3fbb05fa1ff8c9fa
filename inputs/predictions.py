"""PREDICTIONS: which classes a model sees in a sample, and how many objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import model_validator
from typing_extensions import Self

from selectlab.errors import ConfigError, did_you_mean
from selectlab.inputs.class_probabilities import BLOCK_VALUES, probability_blocks
from selectlab.inputs.scores import unpredicted
from selectlab.types import Counts, Input, Kinds, Scalars
from selectlab.vector_signals import reduce_segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectlab.columns import TaskPredictions
    from selectlab.dataset import Dataset
    from selectlab.types import FloatArray


class Predictions(Input):
    """Predicted classes of a sample.

    ``CLASS_DISTRIBUTION`` is a vector over the task's classes: the probability vector of a
    classification, the sum of the objects' probability vectors of a detection, the share of
    each class in the pixels of a semantic segmentation. ``CATEGORY_COUNT`` is the number of
    objects. Of samples that people have labelled, the labels count instead.

    Attributes:
        task: Name of the prediction task.
        name: ``CLASS_DISTRIBUTION`` or ``CATEGORY_COUNT``.
        categories: Class names to count, case-sensitive, unique; all when not given.
            CATEGORY_COUNT only.

    Cost:
        O(M * K) for M objects and K classes, O(N * K) memory for the distribution.

    Example:
        >>> from selectlab.inputs import Predictions
        >>> Predictions(task="det", name="CATEGORY_COUNT", categories=["car"]).describe()
        'number of car in det'
    """

    kinds: ClassVar[Kinds] = (Counts, Scalars)
    type: Literal["PREDICTIONS"] = "PREDICTIONS"
    task: str
    name: Literal["CLASS_DISTRIBUTION", "CATEGORY_COUNT"]
    categories: list[str] | None = None

    @model_validator(mode="after")
    def _categories_make_sense(self) -> Self:
        if self.categories is None:
            return self
        if self.name != "CATEGORY_COUNT":
            raise ValueError(f"'categories' goes with CATEGORY_COUNT, not with {self.name}")
        if not self.categories:
            raise ValueError("'categories' is empty; leave it out to count all")
        twice = sorted({name for name in self.categories if self.categories.count(name) > 1})
        if twice:
            raise ValueError(f"'categories' names {twice[0]!r} more than once")
        return self

    def load(self, dataset: Dataset) -> Counts | Scalars:
        """Return the class vectors or the number of objects of each sample.

        Raises:
            ConfigError: A category is not one of the task's.
            DataError: No such task, or no sample has a prediction.
        """
        task = dataset.seen(self.task)
        missing = unpredicted(task)
        if self.name == "CATEGORY_COUNT":
            count = self._count(task)
            return Scalars(values=count, counted=True, missing=missing, name=self.describe())
        values = class_sums(task, dataset.ids)
        return Counts(values=values, names=task.names, missing=missing, name=self.describe())

    def gives(self) -> Kinds:
        """Return what the chosen name gives."""
        return (Counts,) if self.name == "CLASS_DISTRIBUTION" else (Scalars,)

    def describe(self) -> str:
        """Return what is counted, in words."""
        if self.name == "CLASS_DISTRIBUTION":
            return f"class distribution of {self.task}"
        return f"number of {', '.join(self.categories or ['objects'])} in {self.task}"

    def _count(self, task: TaskPredictions) -> FloatArray:
        if self.categories is None:
            return task.counts().astype(np.float64)
        wanted = np.zeros(len(task.names), dtype=bool)
        for name in self.categories:
            if name not in task.names:
                raise ConfigError(
                    f"PREDICTIONS categories: task {self.task!r} has no class {name!r}"
                    f"{did_you_mean(name, task.names)}"
                )
            wanted[task.names.index(name)] = True
        before = np.concatenate([[0], np.cumsum(wanted[task.category])])
        return np.diff(before[task.offsets]).astype(np.float64)


def class_sums(
    task: TaskPredictions, ids: Sequence[str], *, block_values: int = BLOCK_VALUES
) -> FloatArray:
    """Return (N, K) sums of the class probabilities of each sample's objects.

    An object with neither score nor probabilities (a label) counts whole. Segments of a
    semantic segmentation are weighted by their share of the sample's area.
    """
    out = np.zeros((len(ids), len(task.names)))
    counts = task.counts()
    share = _area_share(task)
    for first, end, lo, hi, block in probability_blocks(
        task, ids, unscored=1.0, block_values=block_values
    ):
        if share is not None:
            block = block * share[lo:hi, None]
        owners = first + np.flatnonzero(counts[first:end])
        out[owners] = np.add.reduceat(block, task.offsets[owners] - lo, axis=0)
    return out


def _area_share(task: TaskPredictions) -> FloatArray | None:
    """Return (M,) each segment's share of its sample's area; ``None`` where objects just add."""
    if task.task_type != "semantic-segmentation":
        return None
    counts = task.counts()
    area = np.ones(len(task.category)) if task.area is None else task.area
    total = np.repeat(reduce_segments(area, counts, "sum"), counts)
    return np.divide(area, total, out=1.0 / np.repeat(counts, counts), where=total > 0)
