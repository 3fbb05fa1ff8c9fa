"""The active-learning loop of scikit-activeml, run in its own environment.

``python activeml_loop.py FOLDER`` reads ``pool.npz`` (x, y, start) and ``asked.json`` (budgets,
seed, methods, n_classes) there, and writes ``picks.json``: the rows of each method in the order of
labelling. It imports nothing of this repository.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from skactiveml.classifier import SklearnClassifier
from skactiveml.pool import (
    Badge,
    CoreSet,
    ProbCover,
    RandomSampling,
    TypiClust,
    UncertaintySampling,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import pairwise_distances

NEIGHBOURS = 20
"""Of a typical sample, as in the paper; the peer's default is 5."""
N_RADII = 20
NEEDS_A_MODEL = ("least_confidence", "margin", "entropy", "badge")
UNCERTAINTY = {"least_confidence": "least_confident", "margin": "margin_sampling"}


def main(folder: Path) -> None:
    asked = json.loads((folder / "asked.json").read_text("utf-8"))
    with np.load(folder / "pool.npz") as loaded:
        x, y, start = loaded["x"], loaded["y"], loaded["start"]
    picks = {method: labelled(method, x, y, start, asked) for method in asked["methods"]}
    (folder / "picks.json").write_text(json.dumps(picks), encoding="utf-8")


def labelled(method: str, x: Any, y: Any, start: Any, asked: dict[str, Any]) -> list[int]:
    """Return the rows that a method labels, in order."""
    query = strategy(method, x, asked)
    rows = [int(row) for row in start] if method in NEEDS_A_MODEL else []
    known = np.full(len(y), np.nan)
    known[rows] = y[rows]
    for budget in asked["budgets"]:
        if budget > len(rows):
            further = {"clf": model(asked)} if method in NEEDS_A_MODEL else {}
            new = query.query(x, known, batch_size=budget - len(rows), **further)
            rows += [int(row) for row in new]
            known[rows] = y[rows]
    return rows


def strategy(method: str, x: Any, asked: dict[str, Any]) -> Any:
    """Return the peer's query strategy of that name."""
    seed = asked["seed"]
    if method == "random":
        return RandomSampling(random_state=seed)
    if method == "k_center":
        return CoreSet(random_state=seed)
    if method == "typiclust":
        return TypiClust(random_state=seed, k=NEIGHBOURS)
    if method == "probcover":
        return ProbCover(n_classes=asked["n_classes"], deltas=radii(x), random_state=seed)
    if method == "badge":
        return Badge(random_state=seed)
    return UncertaintySampling(UNCERTAINTY.get(method, method), random_state=seed)


def radii(x: Any) -> Any:
    """Return radii to choose from at the scale of the data; the default fits unit vectors."""
    some = x[np.random.default_rng(0).permutation(len(x))[:1000]]
    return np.linspace(0, np.median(pairwise_distances(some)), N_RADII)


def model(asked: dict[str, Any]) -> Any:
    return SklearnClassifier(
        LogisticRegression(max_iter=5_000), classes=range(asked["n_classes"]), random_state=0
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
