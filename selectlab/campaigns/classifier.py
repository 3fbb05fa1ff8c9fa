"""A classifier of what was accepted against what was discarded, calibrated.

P accepted elements (seeds among them), N discarded ones, M vectors, D dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab import threads
from selectlab.errors import DataError
from selectlab.nearest.space import Float64, Index, blocks_of, read

MIN_EXAMPLES = 5
"""The fewest accepted and the fewest discarded elements: calibration tries it on each in turn."""
FOLDS = 5


@dataclass(frozen=True, eq=False)
class Classifier:
    """Logistic regression on standardised vectors, and a sigmoid over it that calibrates it.

    ``probability = 1 / (1 + exp(slope * (weights . x + offset) + intercept))``

    Attributes:
        weights: (D,) of the vectors as they are.
        offset: Of the decision; above 0 is accepted.
        slope: Of the sigmoid, negative; 0 where held-out examples were told apart no better than
            by chance. Every probability is then the share of accepted ones.
        intercept: Of the sigmoid.
        n_accepted: P, different ones.
        n_discarded: N, different ones.
    """

    weights: Float64
    offset: float
    slope: float
    intercept: float
    n_accepted: int
    n_discarded: int

    @classmethod
    def fit(
        cls, accepted: npt.NDArray[np.floating], discarded: npt.NDArray[np.floating]
    ) -> Classifier:
        """Learn from what a person accepted and discarded.

        The sigmoid (Platt's, with his prior for few examples) is fitted to decisions on examples
        that were held out, five folds in all, so that confidence is not that of training; the
        regression itself then learns from everything. Equal examples count once. The order of
        the examples does not matter.

        Args:
            accepted: (P, D) the seeds and what was accepted, finite.
            discarded: (N, D) what was discarded, finite.

        Raises:
            DataError: There are fewer than five different examples of either kind.

        Reference:
            Platt, Probabilistic outputs for support vector machines, 1999; scikit-learn's
            CalibratedClassifierCV.
        """
        kinds = [_different(accepted), _different(discarded)]
        for name, count in zip(("accepted", "discarded"), map(len, kinds), strict=True):
            if count < MIN_EXAMPLES:
                raise DataError(
                    f"classifier: {count} different {name} examples, expected at least "
                    f"{MIN_EXAMPLES}; judge more, or refine without it"
                )
        values = np.concatenate(kinds)
        wanted = np.repeat([1, 0], [len(kind) for kind in kinds])
        with threads.one_blas_thread():
            found = _calibrated(values, wanted)
        scaler, model = found.estimator[0], found.estimator[1]
        weights = model.coef_[0] / scaler.scale_
        offset = float(model.intercept_[0] - float((weights * scaler.mean_).sum()))
        slope, intercept = float(found.calibrators[0].a_), float(found.calibrators[0].b_)
        if slope >= 0:
            slope, intercept = 0.0, float(np.log(len(kinds[1]) / len(kinds[0])))
        return cls(weights, offset, slope, intercept, len(kinds[0]), len(kinds[1]))

    def probability(self, vectors: Any) -> Float64:
        """Return the probability that each vector would be accepted, (M,).

        It stands beside the score and does not change it: hits are what reaches the threshold,
        and :func:`likeliest` orders them. The same bits whatever the batches.

        Args:
            vectors: (M, D) float32, finite; an array, or what gives rows by slice.
        """
        decision = np.empty(len(vectors))

        def work(block: slice) -> None:
            values = read(vectors, block).astype(np.float64)
            products = np.matmul(values[:, None, :], self.weights[:, None])
            decision[block] = products[:, 0, 0] + self.offset

        threads.over(blocks_of(vectors), work)
        exponent = np.clip(self.slope * decision + self.intercept, -700.0, 700.0)
        found: Float64 = 1.0 / (1.0 + np.exp(exponent))
        return found


def likeliest(probability: Float64, scores: Float64) -> Index:
    """Return hits by probability, the highest first; equal ones by score, then as they come.

    Example:
        >>> likeliest(np.array([0.25, 0.75, 0.75]), np.array([0.875, 0.5, 0.625]))
        array([2, 1, 0])
    """
    return np.lexsort((-scores, -probability))


def _different(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return the different vectors, sorted."""
    rows = np.asarray(vectors, dtype=np.float32) + np.float32(0.0)
    if not np.isfinite(rows).all():
        raise DataError("classifier: a vector has NaN or infinity in it")
    return np.unique(rows, axis=0).astype(np.float64)


def _calibrated(values: npt.NDArray[np.float64], wanted: Index) -> Any:
    """Return scikit-learn's calibrated classifier."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    found = CalibratedClassifierCV(model, method="sigmoid", cv=folds, ensemble=False)
    return found.fit(values, wanted).calibrated_classifiers_[0]
