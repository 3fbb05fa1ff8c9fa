"""Tables of learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.case import Table
from benchmarks.claim import Estimate, Results
from benchmarks.learning_curves.formulas import UNCERTAINTY
from benchmarks.learning_curves.measures import of
from benchmarks.learning_curves.peer import NAME
from benchmarks.learning_curves.runs import OURS, accuracy
from benchmarks.text import share, with_error

DATA = {"digits": "digits", "mnist": "MNIST"}


def tables(results: Results) -> list[Table]:
    """Return accuracy by method and budget, and how many classes the labels held."""
    found = [table for data in DATA if of(results, data) for table in _of_data(results, data)]
    return [*found, *_agreement(results)]


def _of_data(results: Results, data: str) -> list[Table]:
    own = [(side, of(results, data, side)) for side in (OURS, NAME)]
    rows = [(side, m, units) for side, units in own if units for m in units[0]["methods"]]
    budgets = own[0][1][0]["budgets"]
    titles = ["method", "of", *(f"{budget:,}" for budget in budgets)]
    few = [budget for budget in budgets if budget <= 50]
    seeds = len(own[0][1])
    return [
        Table(
            f"Accuracy in percent after so many labels ({DATA[data]}, {seeds} seeds)",
            titles,
            [[m, side, *(_accuracy(units, m, n) for n in budgets)] for side, m, units in rows],
            "Mean and standard error over the seeds.",
        ),
        Table(
            f"Classes among the first labels ({DATA[data]})",
            [*titles[:2], *(f"{budget:,}" for budget in few)],
            [[m, side, *(_classes(units, m, n) for n in few)] for side, m, units in rows],
        ),
    ]


def _agreement(results: Results) -> list[Table]:
    """Return how often ours and the peer's picks are the same, all of them in the same order."""
    rows = []
    for data, title in DATA.items():
        theirs = {unit["seed"]: unit["methods"] for unit in of(results, data, NAME)}
        pairs = [
            (u["methods"], theirs[u["seed"]]) for u in of(results, data) if u["seed"] in theirs
        ]
        for method in UNCERTAINTY:
            same = [a[method]["picks"] == b[method]["picks"] for a, b in pairs if method in a]
            if same:
                rows.append([title, method, f"{sum(same)} of {len(same)}"])
    if not rows:
        return []
    note = "Both start from the same labels. The other methods draw, or start, at random."
    return [Table(f"Seeds with the same picks as {NAME}", ["data", "method", "seeds"], rows, note)]


def _accuracy(units: Sequence[Mapping[str, Any]], method: str, budget: int) -> str:
    found = [accuracy(unit, method, budget) for unit in units]
    values = Estimate(tuple(value for value in found if value is not None))
    return with_error(values.mean, values.standard_error) if values.values else ""


def _classes(units: Sequence[Mapping[str, Any]], method: str, budget: int) -> str:
    values = [
        unit["methods"][method]["classes"][unit["budgets"].index(budget)]
        for unit in units
        if budget in unit["budgets"]
    ]
    return f"{Estimate(tuple(values)).mean:.1f}" if values else ""


def radius_tables(results: Results) -> list[Table]:
    """Return what ProbCover's radius is, where it was measured."""
    rows = []
    for data, title in DATA.items():
        found = [unit["purity"] for unit in of(results, data) if "purity" in unit]
        if found:
            mean = {key: Estimate(tuple(f[key] for f in found)).mean for key in found[0]}
            lone = share(mean["alone"])
            numbers = [f"{mean[key]:.3g}" for key in ("radius", "taken", "nearest", "held")]
            rows.append([title, *numbers, lone, "yes" if mean["alone"] > 0.5 else "no"])
    if not rows:
        return []
    columns = [
        "data",
        "radius by definition",
        "radius that COVERAGE took",
        "median distance to the nearest sample",
        "other samples in a ball, mean",
        "balls with nobody else",
        "degenerate",
    ]
    note = (
        "The largest radius at which 95 % of the balls hold samples of one k-means cluster only. "
        "Degenerate: most balls hold nobody else, so that covering says next to nothing about "
        "most samples."
    )
    return [Table("The radius of ProbCover by purity", columns, rows, note)]
