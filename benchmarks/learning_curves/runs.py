"""Loops of ours and of a peer; who picked what is retrained and tested here, for both alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from benchmarks.case import Setting, Unit
from benchmarks.learning_curves import peer
from benchmarks.learning_curves.formulas import UNCERTAINTY, not_farthest, wrong_rounds
from benchmarks.learning_curves.pools import Pool, pool
from benchmarks.learning_curves.purity import purity_radius
from selectlab.simulate import Classification, Curve, simulate

OURS = "selectlab"
TRIVIAL = "nearest_the_mean"
MOST_ITERATIONS = 5_000
SEEDS = 20
"""Of digits, which is cheap and varies much with few labels."""
MNIST_SEEDS = 10
BUDGETS: dict[str, dict[str, tuple[int, ...]]] = {
    "small": {"digits": (10, 20, 40)},
    "full": {
        "digits": (10, 20, 40, 100, 200, 400),
        "mnist": (10, 20, 50, 100, 200, 500, 1_000),
    },
}
PROTOCOL = (
    "Digits: pixels of scikit-learn's digits, scaled to 0..1, 1,200 to label from and the other "
    "597 to test. "
    "MNIST: 6,000 images of the training file to label from, 2,000 of the test file to test, 50 "
    "principal components fitted on the 6,000. Split and order are drawn by the seed. After each "
    "budget logistic regression (scikit-learn's, C = 1) is trained anew on all labels so far. "
    "Methods that need a model start from a random first batch, the same for all of them; the "
    "others choose it. Beside random the trivial baseline takes the samples nearest to the mean "
    "of the pool. Only the picks of a method count, ours and scikit-activeml's alike: models are "
    "retrained from them and tested by the benchmark. Differences are paired by seed. That digits "
    "are scaled to 0..1 was settled after a first run on 0..16, in which random was below the "
    "accuracies measured before; no tolerance was changed."
)


def units(setting: Setting) -> list[Unit]:
    """Return a unit for each data, seed and side; peers take part at full size."""
    sides = [OURS]
    if setting.environments is not None and setting.size == "full":
        sides.append(peer.NAME)
    return [
        Unit(
            f"{data}-seed{seed}-{side}",
            {"data": data, "seed": seed, "side": side},
            needs="mnist" if data == "mnist" else "",
        )
        for data in BUDGETS[setting.size]
        for seed in (setting.seeds[:MNIST_SEEDS] if data == "mnist" else setting.seeds)
        for side in sides
    ]


def measure(
    setting: Setting, unit: Unit, methods: Sequence[str], peer_methods: Sequence[str]
) -> dict[str, Any]:
    """Return how many test samples each method's model gets right at each budget.

    Args:
        setting: How the case is run.
        unit: One of :func:`units`.
        methods: Ours, names of ``selectlab.simulate.methods()`` and the trivial baseline.
        peer_methods: The peer's, by the same names.
    """
    data, seed = unit.parameters["data"], unit.parameters["seed"]
    drawn = pool(data, setting.data, seed)
    budgets = [n for n in BUDGETS[setting.size][data] if n <= len(drawn.x)]
    found: dict[str, Any] = {
        "known": drawn.known,
        "budgets": budgets,
        "n_pool": len(drawn.x),
        "n_test": len(drawn.x_test),
    }
    if unit.parameters["side"] == OURS:
        curves = {m: _curve(m, drawn, budgets, seed) for m in methods if m != TRIVIAL}
        orders = {m: _by_the_mean(drawn) if m == TRIVIAL else _rows(curves[m]) for m in methods}
        if "probcover" in curves:
            found["purity"] = purity_radius(drawn.x, drawn.n_classes) | _taken(curves["probcover"])
    else:
        assert setting.environments is not None
        start = _rows(_curve("margin", drawn, budgets[:1], seed))
        orders = peer.orders(drawn, budgets, start, seed, peer_methods, setting.environments)
    return {**found, "methods": {m: tested(m, drawn, orders[m], budgets) for m in orders}}


def tested(
    method: str, drawn: Pool, order: Sequence[int], budgets: Sequence[int]
) -> dict[str, Any]:
    """Return what becomes of models that learn from the first so many of an order.

    Returns:
        ``correct``: number of test samples that the model gets right after each budget;
        ``classes``: number of classes among the labels; ``picks``: a hash of all picks;
        ``misses``: where the method has a formula, how often the order breaks it.
    """
    rows = np.asarray(order, dtype=np.int64)[: budgets[-1]]
    assert len(rows) == budgets[-1] == len(np.unique(rows)), "not so many different rows"
    models = [_trained(drawn, rows[:budget]) for budget in budgets]
    found: dict[str, Any] = {
        "correct": [int((model.predict(drawn.x_test) == drawn.y_test).sum()) for model in models],
        "classes": [len(np.unique(drawn.y[rows[:budget]])) for budget in budgets],
        "picks": hashlib.sha256(rows.tobytes()).hexdigest()[:16],
    }
    if method in UNCERTAINTY:
        found["misses"] = wrong_rounds(UNCERTAINTY[method], drawn, rows.tolist(), budgets, models)
    elif method == "k_center":
        found["misses"] = not_farthest(drawn.x, rows.tolist())
    return found


def _trained(drawn: Pool, rows: npt.NDArray[np.int64]) -> Any:
    """Return a model of these labels; one that knows one class only says always that."""
    labels = drawn.y[rows]
    if (labels == labels[0]).all():
        return DummyClassifier(strategy="most_frequent").fit(drawn.x[rows], labels)
    return LogisticRegression(max_iter=MOST_ITERATIONS).fit(drawn.x[rows], labels)


def _curve(method: str, drawn: Pool, budgets: Sequence[int], seed: int) -> Curve:
    """Return what our loop does."""
    model = LogisticRegression(max_iter=MOST_ITERATIONS)
    learner = Classification(drawn.x, drawn.y, drawn.x_test, drawn.y_test, model=model)
    return simulate(method, learner, budgets, seed=seed)


def _rows(curve: Curve) -> list[int]:
    """Return what was labelled, in order; ids are row numbers."""
    return [int(sample_id) for sample_id in curve.order]


def _by_the_mean(drawn: Pool) -> list[int]:
    """Return all rows, those nearest to the mean first."""
    away = ((drawn.x - drawn.x.mean(axis=0)) ** 2).sum(axis=1)
    return [int(row) for row in np.argsort(away, kind="stable")]


def _taken(curve: Curve) -> dict[str, float]:
    """Return the radius that COVERAGE took."""
    [facts] = curve.steps[0].manifest["engine"]["parts"].values()
    return {"taken": float(facts["coverage"]["radius"])}


def accuracy(result: Mapping[str, Any], method: str, budget: int) -> float | None:
    """Return the accuracy of a unit in percent; ``None`` where it was not measured."""
    if method not in result["methods"] or budget not in result["budgets"]:
        return None
    at = result["budgets"].index(budget)
    return 100 * float(result["methods"][method]["correct"][at]) / float(result["n_test"])
