"""SCORES: how informative a model's predictions say a sample is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import AfterValidator, Field

from selectlab.errors import ConfigError, DataError, did_you_mean
from selectlab.inputs.score_functions import SCORES, fitting
from selectlab.types import Input, Kinds, Scalars

if TYPE_CHECKING:
    from selectlab.columns import TaskPredictions
    from selectlab.dataset import Dataset
    from selectlab.types import BoolArray


def _known(name: str) -> str:
    if name not in SCORES:
        raise ValueError(f"nothing is called {name!r}{did_you_mean(name, SCORES)}")
    return name


ScoreName = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(SCORES)})]


class Scores(Input):
    """A number in [0, 1] per sample, computed from predictions; higher = more informative.

    ``uncertainty_least_confidence``, ``uncertainty_margin`` and ``uncertainty_entropy`` look at
    class probabilities: of the sample (classification), the largest over its objects, or the
    mean over its pixels (semantic segmentation). ``objectness_least_confidence`` and
    ``object_frequency`` look at its objects, ``mean_uncertainty`` at keypoints. Formulas:
    :data:`selectlab.inputs.score_functions.SCORES`. An image without objects is not uncertain:
    it gets 0. A sample without a classification (or a semantic segmentation) has no value.

    Attributes:
        task: Name of the prediction task.
        score: Name of the score.

    Cost:
        O(M * K) for M objects and K classes; memory bounded by blocks.

    Reference:
        Settles, Active Learning Literature Survey, 2009, section 3.1.

    Example:
        >>> from selectlab.inputs import Scores
        >>> Scores(task="yolov8", score="uncertainty_margin").describe()
        'uncertainty_margin of yolov8'
    """

    kinds: ClassVar[Kinds] = (Scalars,)
    type: Literal["SCORES"] = "SCORES"
    task: str
    score: ScoreName

    def load(self, dataset: Dataset) -> Scalars:
        """Return one score per sample.

        Raises:
            ConfigError: The score cannot be computed of this type of task.
            DataError: No such task; the predictions lack what the score needs; no sample
                has a prediction.
        """
        task = dataset.predictions(self.task)
        score = SCORES[self.score]
        if task.task_type not in score.task_types:
            raise ConfigError(
                f"SCORES {self.score!r} does not go with task {self.task!r} of type "
                f"{task.task_type}; scores that do: {', '.join(fitting(task.task_type))}"
            )
        missing = unpredicted(task)
        values = score.compute(task, dataset.ids)
        inside = (values >= -1e-6) & (values <= 1 + 1e-6)
        if not inside.all():
            row = int(np.argmin(inside))
            raise DataError(
                f"SCORES {self.describe()}: {dataset.ids[row]!r} got {values[row]:g}, "
                "outside [0, 1]; check its probabilities"
            )
        return Scalars(values=np.clip(values, 0.0, 1.0), missing=missing, name=self.describe())

    def describe(self) -> str:
        """Return the score and its task."""
        return f"{self.score} of {self.task}"


def unpredicted(task: TaskPredictions) -> BoolArray | None:
    """Return the samples that should have a prediction and have none.

    A missing file of a detection task means "no objects". Of a classification, or of a
    semantic segmentation, where every pixel has a class, it means that the model was not run.

    Raises:
        DataError: No sample has a prediction.
    """
    if task.task_type == "classification":
        missing = task.counts() == 0
    elif task.task_type == "semantic-segmentation":
        missing = ~task.listed
    else:
        return None
    if task.labelled is not None:
        missing &= ~task.labelled
    if missing.all():
        raise DataError(f"predictions {task.task!r}: no sample of the dataset has a prediction")
    return missing if missing.any() else None
