"""Active learning, simulated: select, label, retrain, evaluate, on data whose labels are known.

Example:
    >>> import numpy as np
    >>> x = np.array([[0.0], [10.0], [1.0], [9.0], [2.0], [8.0]])
    >>> learner = Classification(x, ["low", "high"] * 3, x, ["low", "high"] * 3)
    >>> curve = simulate("k_center", learner, budgets=[2, 4])
    >>> curve.order, curve.values("accuracy")
    (('0', '1', '4', '5'), [1.0, 1.0])
"""

from __future__ import annotations

from selectlab.simulate.classification import Classification
from selectlab.simulate.comparison import Comparison, compare
from selectlab.simulate.curve import Curve, Step
from selectlab.simulate.loop import simulate
from selectlab.simulate.methods import Method, methods
from selectlab.simulate.plots import plot
from selectlab.simulate.rounds import Learner, Round

__all__ = [
    "Classification",
    "Comparison",
    "Curve",
    "Learner",
    "Method",
    "Round",
    "Step",
    "compare",
    "methods",
    "plot",
    "simulate",
]
