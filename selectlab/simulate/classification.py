"""A classifier that learns: any of scikit-learn's, or a callable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.simulate.methods import TASK

MOST_ITERATIONS = 5000
"""Enough for logistic regression to converge on raw pixels."""

Labels = npt.NDArray[Any]


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
            regression. Give a model that draws at random its ``random_state``.
        embeddings: (N, D) array; ``None``: ``x``, if it is an array of numbers, flattened.

    Attributes:
        classes: Names of all classes.

    Raises:
        DataError: Lengths differ, or ``y`` is not one class per sample.

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
        self._x, self._y = _rows_of(x), _classes(y, "y")
        self._x_test, self._y_test = _rows_of(x_test), _classes(y_test, "y_test")
        _same_length(self._x, self._y, "y")
        _same_length(self._x_test, self._y_test, "y_test")
        if (self._y.dtype.kind in "biuf") != (self._y_test.dtype.kind in "biuf"):
            given = f"{self._y_test.dtype} and {self._y.dtype}"
            raise DataError(f"y_test: its classes are of another type than those of y, {given}")
        self._labels = np.unique(np.concatenate([self._y, self._y_test]))
        self.classes = tuple(str(label) for label in self._labels)
        self._train = _trainer(model)
        self._embeddings = _flat(self._x) if embeddings is None else embeddings
        width = len(str(len(self._y) - 1))
        self._ids = [f"{row:0{width}d}" for row in range(len(self._y))]
        self._row_of = {sample_id: row for row, sample_id in enumerate(self._ids)}
        self._model: Any = None

    def learn(self, labelled: Sequence[str]) -> None:
        """Train anew on these samples; their order does not matter."""
        rows = np.sort([self._row_of[sample_id] for sample_id in labelled])
        labels = self._y[rows]
        if (labels == labels[0]).all():
            self._model = _Constant(labels[0])
        else:
            self._model = self._train(_taken(self._x, rows), labels)

    def pool(self) -> Dataset:
        """Return all samples with embeddings and, once a model has learned, its probabilities."""
        import pandas as pd

        predictions = None
        if hasattr(self._model, "predict_proba"):
            predictions = {TASK: pd.DataFrame(self._probabilities(), columns=list(self.classes))}
        return Dataset(self._ids, embeddings=self._embeddings, predictions=predictions)

    def evaluate(self) -> Mapping[str, float]:
        """Return accuracy and balanced accuracy on the test samples."""
        right = np.asarray(self._model.predict(self._x_test)) == self._y_test
        found = [right[self._y_test == label].mean() for label in np.unique(self._y_test)]
        return {"accuracy": float(right.mean()), "balanced_accuracy": float(np.mean(found))}

    def _probabilities(self) -> npt.NDArray[np.float64]:
        """Return (N, K) probabilities of all classes, also of those the model has not seen."""
        classes = np.asarray(self._model.classes_)
        columns = np.searchsorted(self._labels, classes).clip(max=len(self._labels) - 1)
        if not np.array_equal(self._labels[columns], classes):
            raise DataError(f"model: predicts classes that y does not have, {classes.tolist()}")
        probabilities = np.zeros((len(self._y), len(self._labels)))
        probabilities[:, columns] = np.asarray(self._model.predict_proba(self._x))
        return probabilities


class _Constant:
    """Predicts one class for everything."""

    def __init__(self, label: Any) -> None:
        self.classes_ = np.array([label])

    def predict(self, x: Any) -> Labels:
        return np.repeat(self.classes_, _n_rows(x))

    def predict_proba(self, x: Any) -> npt.NDArray[np.float64]:
        return np.ones((_n_rows(x), 1))


def _trainer(model: Any) -> Callable[[Any, Labels], Any]:
    """Return what trains a model: a clone of an estimator each time, or the callable itself."""
    if model is None:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(max_iter=MOST_ITERATIONS)
    if hasattr(model, "fit") and not isinstance(model, type):

        def fitted(x: Any, y: Labels) -> Any:
            from sklearn.base import clone

            return clone(model).fit(x, y)

        return fitted
    if not callable(model) or hasattr(model, "fit"):
        name = getattr(model, "__name__", "")
        given = f"the class {name}; write {name}()" if name else type(model).__name__
        raise DataError(f"model: expected a scikit-learn classifier or a callable, got {given}")
    trained: Callable[[Any, Labels], Any] = model
    return trained


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
    if _n_rows(x) != len(y):
        raise DataError(f"{where}: {len(y)} classes for {_n_rows(x)} samples")


def _rows_of(x: Any) -> Any:
    """Return samples as something that rows can be taken of."""
    if hasattr(x, "tocsr"):
        return x.tocsr()
    return x if hasattr(x, "iloc") else np.asarray(x)


def _taken(x: Any, rows: npt.NDArray[np.intp]) -> Any:
    return x.iloc[rows] if hasattr(x, "iloc") else x[rows]


def _n_rows(x: Any) -> int:
    return int(x.shape[0])


def _flat(x: Any) -> Any:
    """Return (N, D) numbers, or ``None`` if the samples are something else."""
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "iuf" or x.ndim < 2:
        return None
    return x.reshape(len(x), -1)
