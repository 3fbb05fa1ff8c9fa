"""A classifier that learns: any of scikit-learn's, or a callable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.simulate.methods import TASK
from selectlab.simulate.models import Constant, Labels, predicted, probabilities, trainer
from selectlab.simulate.pool import pool_source
from selectlab.simulate.samples import (
    own_embeddings,
    refuse_for_regression,
    refuse_other_width,
    samples_of,
    taken,
)


class Classification:
    """A :class:`~selectlab.simulate.Learner` for one class per sample.

    Sample ids are row numbers of ``x``, with zeros in front. Where values tie, the first id comes
    first: shuffle ``x`` and ``y`` together if their order means something. The model's class
    probabilities are the prediction task ``"model"``; classes that it has not seen have
    probability 0. As long as all labels are alike, that class is predicted for everything and no
    model is trained.

    Metrics: ``accuracy``, and ``balanced_accuracy``, the mean over the test classes of the share
    that is found.

    Args:
        x: N samples as the model takes them: an array, a table or a sparse matrix.
        y: (N,) their classes.
        x_test: Test samples.
        y_test: Their classes.
        model: A scikit-learn classifier, of which a clone is trained each round; or a callable
            that takes samples and classes and returns what has ``predict`` and, for methods that
            ask for probabilities, ``predict_proba`` and ``classes_``. ``None``: logistic
            regression, for (N, D) finite numbers. Give a model that draws at random its
            ``random_state``.
        embeddings: (N, D) array; ``None``: ``x``, if it is an array of numbers, flattened, or a
            table of numbers. A sparse matrix is not: methods that ask for embeddings refuse it.

    Attributes:
        classes: Names of all classes.

    Raises:
        DataError: There are no samples, lengths or widths differ, ``y`` is not one class per
            sample, or the model is none, or does not go with ``x``.

    Example:
        >>> learner = Classification(np.eye(2), ["cat", "dog"], np.eye(2), ["cat", "dog"])
        >>> learner.learn(["0"])
        >>> learner.evaluate()
        {'accuracy': 0.5, 'balanced_accuracy': 0.5}
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        x_test: Any,
        y_test: Any,
        *,
        model: Any = None,
        embeddings: Any = None,
    ) -> None:
        self._x, self._x_test = samples_of(x, "x"), samples_of(x_test, "x_test")
        self._y, self._y_test = _classes(y, "y"), _classes(y_test, "y_test")
        _same_length(self._x, self._y, "y")
        _same_length(self._x_test, self._y_test, "y_test")
        if (self._y.dtype.kind in "biuf") != (self._y_test.dtype.kind in "biuf"):
            given = f"{self._y_test.dtype} and {self._y.dtype}"
            raise DataError(f"y_test: its classes are of another type than those of y, {given}")
        self._labels = np.unique(np.concatenate([self._y, self._y_test]))
        self.classes = tuple(str(label) for label in self._labels)
        refuse_other_width(self._x, self._x_test)
        if model is None:
            refuse_for_regression(self._x, "x")
            refuse_for_regression(self._x_test, "x_test")
        self._train = trainer(model)
        self._embeddings, self._why_none = _embeddings(embeddings, self._x)
        width = len(str(len(self._y) - 1))
        self._ids = [f"{row:0{width}d}" for row in range(len(self._y))]
        self._row_of = {sample_id: row for row, sample_id in enumerate(self._ids)}
        self._model: Any = None

    def learn(self, labelled: Sequence[str]) -> None:
        """Train anew on these samples; their order does not matter."""
        rows = np.sort([self._row_of[sample_id] for sample_id in labelled])
        labels = self._y[rows]
        if (labels == labels[0]).all():
            self._model = Constant(labels[0])
        else:
            self._model = self._train(taken(self._x, rows), labels)

    def forget(self) -> None:
        """Drop the present model, as before the first :meth:`learn`."""
        self._model = None

    def pool(self) -> Dataset:
        """Return all samples with embeddings and, once a model has learned, its probabilities."""
        import pandas as pd

        tables, refused = {}, {}
        if hasattr(self._model, "predict_proba"):
            found = probabilities(self._model, self._x, "x", self._labels)
            tables[TASK] = pd.DataFrame(found, columns=list(self.classes))
        elif self._model is not None:
            refused[TASK] = _no_probabilities(self._model)
        source = pool_source(
            self._ids,
            self._embeddings,
            tables,
            no_embeddings=self._why_none,
            no_predictions=refused,
        )
        return Dataset(source=source)

    def evaluate(self) -> Mapping[str, float]:
        """Return accuracy and balanced accuracy on the test samples."""
        right = predicted(self._model, self._x_test, "x_test") == self._y_test
        found = [right[self._y_test == label].mean() for label in np.unique(self._y_test)]
        return {"accuracy": float(right.mean()), "balanced_accuracy": float(np.mean(found))}


def _embeddings(given: Any, x: Any) -> tuple[Any, str]:
    """Return embeddings, or ``None`` and what to say to those who ask for them.

    Raises:
        DataError: They are a sparse matrix.
    """
    if hasattr(given, "tocsr"):
        hint = "reduce it, such as with TruncatedSVD(50).fit_transform(x)"
        raise DataError(f"embeddings: expected an (N, D) array, got a sparse matrix; {hint}")
    if given is not None:
        return given, ""
    found, why = own_embeddings(x)
    return found, why and f"no embeddings, {why}; pass embeddings="


def _no_probabilities(model: Any) -> str:
    name = type(model).__name__
    hint = "give a model that has it, such as CalibratedClassifierCV around this one"
    return f"model: {name} has no predict_proba, which this method needs; {hint}"


def _classes(y: Any, where: str) -> Labels:
    """Return classes as an array.

    Raises:
        DataError: They are something else.
    """
    from sklearn.utils.multiclass import type_of_target

    labels = np.asarray(y)
    try:
        kind = type_of_target(labels)
    except ValueError as error:
        raise DataError(f"{where}: expected one class per sample: {error}") from None
    if kind not in ("binary", "multiclass") or labels.ndim != 1:
        raise DataError(f"{where}: expected one class per sample, got {kind}; only that is learned")
    return labels


def _same_length(x: Any, y: Labels, where: str) -> None:
    if x.shape[0] != len(y):
        raise DataError(f"{where}: {len(y)} classes for {x.shape[0]} samples")
