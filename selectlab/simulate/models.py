"""Models that are trained anew each round, and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.errors import DataError

MOST_ITERATIONS = 5000
"""Enough for logistic regression to converge on raw pixels."""

Labels = npt.NDArray[Any]


class Constant:
    """Predicts one class for everything."""

    def __init__(self, label: Any) -> None:
        self.classes_ = np.array([label])

    def predict(self, x: Any) -> Labels:
        """Return the class, once a sample."""
        return np.repeat(self.classes_, x.shape[0])

    def predict_proba(self, x: Any) -> npt.NDArray[np.float64]:
        """Return (N, 1) ones."""
        return np.ones((x.shape[0], 1))


def trainer(model: Any) -> Callable[[Any, Labels], Any]:
    """Return what trains a model: a clone of an estimator each time, or the callable itself.

    Raises:
        DataError: It is neither.
    """
    if model is None:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(max_iter=MOST_ITERATIONS)
    if hasattr(model, "fit") and not isinstance(model, type):
        return lambda x, y: _fitted(model, x, y)
    if not callable(model) or hasattr(model, "fit"):
        name = getattr(model, "__name__", "")
        given = f"the class {name}; write {name}()" if name else type(model).__name__
        raise DataError(f"model: expected a scikit-learn classifier or a callable, got {given}")
    return lambda x, y: _returned(model, x, y)


def predicted(model: Any, x: Any, where: str) -> Labels:
    """Return the class of each sample.

    Raises:
        DataError: The model cannot take them, or does not answer one class per sample.
    """
    classes = _asked(model, "predict", x, where)
    if classes.shape != (x.shape[0],):
        raise DataError(
            f"model: predict returned shape {classes.shape} for {x.shape[0]} samples; "
            "expected one class per sample"
        )
    return classes


def probabilities(model: Any, x: Any, where: str, labels: Labels) -> npt.NDArray[np.float64]:
    """Return (N, K) probabilities of all classes, also of those the model has not seen.

    Args:
        model: A trained model with ``predict_proba``.
        x: The N samples.
        where: What they are called in messages.
        labels: (K,) all classes, sorted.

    Raises:
        DataError: The model cannot take the samples, or tells of other classes.
    """
    if not hasattr(model, "classes_"):
        name = type(model).__name__
        raise DataError(f"model: {name} has predict_proba, but no classes_ that name its columns")
    classes = np.asarray(model.classes_)
    columns = np.searchsorted(labels, classes).clip(max=len(labels) - 1)
    if not np.array_equal(labels[columns], classes):
        raise DataError(f"model: predicts classes that y does not have, {classes.tolist()}")
    found = _asked(model, "predict_proba", x, where)
    if found.shape != (x.shape[0], len(classes)):
        raise DataError(
            f"model: predict_proba returned shape {found.shape} for {x.shape[0]} samples and "
            f"{len(classes)} classes"
        )
    spread = np.zeros((x.shape[0], len(labels)))
    spread[:, columns] = found
    return spread


def _fitted(model: Any, x: Any, y: Labels) -> Any:
    """Return a clone of an estimator, trained."""
    from sklearn.base import clone

    try:
        fitted = clone(model).fit(x, y)
    except (TypeError, ValueError) as error:
        raise _complaint(model, "learn from x", error) from error
    if not hasattr(fitted, "predict"):
        raise DataError(f"model: {type(model).__name__} has no predict(); give a classifier")
    return fitted


def _returned(train: Callable[[Any, Labels], Any], x: Any, y: Labels) -> Any:
    """Return what a callable trained."""
    model = train(x, y)
    if not hasattr(model, "predict"):
        name = getattr(train, "__name__", type(train).__name__)
        raise DataError(
            f"model: {name} returned {type(model).__name__}, which has no predict(); "
            "return a trained classifier"
        )
    return model


def _asked(model: Any, what: str, x: Any, where: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(getattr(model, what)(x))
    except (TypeError, ValueError) as error:
        if not hasattr(model, "get_params"):
            raise
        raise _complaint(model, f"{what} {where}", error) from error


def _complaint(model: Any, what: str, error: Exception) -> DataError:
    """Return the first line of what scikit-learn says."""
    said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
    return DataError(f"model: {type(model).__name__} cannot {what}: {said}")
