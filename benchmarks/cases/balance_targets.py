"""BALANCE brings the classes of a selection to the wanted shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import AtLeast, AtMost, Claim, Near, Results
from benchmarks.contracts.definition import Shares, compare
from benchmarks.contracts.image_sets import ids, image_units, load, sets_of, worst_by_seed
from benchmarks.text import with_error
from selectlab import Dataset, select

N_PICKS = 100
N_RANDOM = 10
WANTED = ("TARGET", "UNIFORM", "INPUT")
BALANCE, QUOTAS, RANDOM, IN_ORDER = "BALANCE", "rounded quotas", "random", "first rows"
METHODS = (BALANCE, QUOTAS, RANDOM, IN_ORDER)
_LEAST_OF_A_CLASS = 40
_MOST_OF_A_CLASS = 500
_LARGEST_SHARE = 0.35
_SOURCE = "LightlyOne documentation of BALANCE"

Codes = npt.NDArray[np.intp]
Draws = np.random.Generator


def units(setting: Setting) -> list[Unit]:
    """Return a unit for each set of images and seed."""
    return image_units(setting)


def measure(setting: Setting, unit: Unit) -> dict[str, Any]:
    """Pick from a skewed pool for every kind of target; note the class of each pick."""
    rng = np.random.default_rng(unit.parameters["seed"])
    images = load(unit.parameters["images"], setting.data)
    codes = skewed(images.labels, rng)
    n_classes = int(codes.max()) + 1
    counts = np.bincount(codes)
    targets = {
        "TARGET": some_shares(n_classes, rng),
        "UNIFORM": np.full(n_classes, 1 / n_classes),
        "INPUT": counts / counts.sum(),
    }
    told = {}
    for wanted, shares in targets.items():
        rows = balanced(codes, wanted, shares)
        rules = [Shares(np.eye(n_classes)[codes], shares)]
        picks = {
            BALANCE: rows,
            QUOTAS: by_quota(codes, shares, N_PICKS),
            IN_ORDER: list(range(N_PICKS)),
        }
        drawn = [rng.permutation(len(codes))[:N_PICKS].tolist() for _ in range(N_RANDOM)]
        told[wanted] = {
            "shares": shares.tolist(),
            "classes": {m: [_written(codes[rows])] for m, rows in picks.items()}
            | {RANDOM: [_written(codes[rows]) for rows in drawn]},
            "worse_than_definition": compare(rules, rows).worse,
        }
    return {"pool": counts.tolist(), "wanted": told}


def skewed(labels: Codes, rng: Draws) -> Codes:
    """Return labels of a pool in which classes are unequally many, in random order."""
    rows = []
    for code in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == code))
        most = min(len(own), _MOST_OF_A_CLASS)
        rows.append(own[: rng.integers(min(_LEAST_OF_A_CLASS, most), most + 1)])
    pool = labels[rng.permutation(np.concatenate(rows))]
    return np.unique(pool, return_inverse=True)[1].astype(np.intp)


def some_shares(n_classes: int, rng: Draws) -> npt.NDArray[np.float64]:
    """Return random shares none of which asks for more than the pool has of a class."""
    while True:
        shares = rng.dirichlet(np.full(n_classes, 2.0))
        if shares.max() <= max(_LARGEST_SHARE, 1.5 / n_classes):
            return shares


def balanced(codes: Codes, wanted: str, shares: npt.NDArray[np.float64]) -> list[int]:
    """Return the rows that BALANCE picks."""
    strategy: dict[str, Any] = {"type": "BALANCE", "distribution": wanted}
    if wanted == "TARGET":
        strategy["target"] = {f"class {code}": float(share) for code, share in enumerate(shares)}
    entry = {"input": {"type": "METADATA", "key": "class"}, "strategy": strategy}
    pool = Dataset(ids(len(codes)), metadata={"class": [f"class {code}" for code in codes]})
    chosen = select({"n_samples": N_PICKS, "strategies": [entry]}, pool)
    return [int(sample_id) for sample_id in chosen.ids]


def by_quota(codes: Codes, shares: npt.NDArray[np.float64], n: int) -> list[int]:
    """Return the first rows of each class, as many as its share of ``n`` by largest remainder."""
    exact = shares * n
    quota = np.floor(exact).astype(int)
    for code in np.argsort(quota - exact, kind="stable")[: n - quota.sum()]:
        quota[code] += 1
    rows = [np.flatnonzero(codes == code)[:most] for code, most in enumerate(quota)]
    return [int(row) for row in np.concatenate(rows)]


def variation(classes: Sequence[int], shares: Sequence[float]) -> float:
    """Return the total variation distance between the classes of picks and wanted shares.

    Example:
        >>> variation([0, 0, 0, 1], [0.5, 0.5])
        0.25
    """
    have = np.bincount(classes, minlength=len(shares)) / len(classes)
    return float(np.abs(have - shares).sum() / 2)


def _written(classes: Codes) -> str:
    return " ".join(map(str, classes))


def _distance(result: Mapping[str, Any], wanted: str, method: str, k: int = N_PICKS) -> float:
    """Return the distance after ``k`` picks, the mean over draws where there are several."""
    part = result["wanted"][wanted]
    runs = [[int(code) for code in run.split()[:k]] for run in part["classes"][method]]
    return fmean(variation(run, part["shares"]) for run in runs)


def _mean_miss(result: Mapping[str, Any]) -> float:
    """Return by how many samples a class is off, on average over classes; the worst target."""
    return max(
        2 * N_PICKS * _distance(result, wanted, BALANCE) / len(result["pool"]) for wanted in WANTED
    )


def _lead(results: Results, wanted: str) -> list[float]:
    return worst_by_seed(
        results,
        lambda r: 100 * (_distance(r, wanted, RANDOM) - _distance(r, wanted, BALANCE)),
        min,
    )


def _worse(result: Mapping[str, Any]) -> float:
    return float(sum(result["wanted"][wanted]["worse_than_definition"] for wanted in WANTED))


CLAIMS = (
    Claim(
        key="definition",
        text="Every pick of BALANCE is the best one by the definition (inverse cross-entropy); "
        "picks that are not, of 300 a seed and set.",
        published="0",
        source=_SOURCE,
        origin="by definition",
        measure=lambda results: worst_by_seed(results, _worse, max),
        tolerance=Near(0),
        label="reproduced",
        unit="picks",
    ),
    Claim(
        key="reaches_target",
        text="After 100 picks a class is off by at most one sample, on average over classes, "
        "whatever the target; the worst target and set.",
        published="",
        source=_SOURCE,
        origin="by definition",
        measure=lambda results: worst_by_seed(results, _mean_miss, max),
        tolerance=AtMost(1),
        label="reproduced",
        unit="samples",
    ),
    Claim(
        key="uniform_exact",
        text="UNIFORM over classes that divide the number of picks gives each class exactly the "
        "same number; total variation distance, worst set.",
        published="0",
        source=_SOURCE,
        origin="by definition",
        measure=lambda results: worst_by_seed(
            [r for r in results if N_PICKS % len(r["pool"]) == 0],
            lambda r: _distance(r, "UNIFORM", BALANCE),
            max,
        ),
        tolerance=Near(0, 1e-12),
        label="reproduced",
    ),
    *(
        Claim(
            key=f"beats_random_{wanted.lower()}",
            text=f"{wanted}: the total variation distance to the wanted shares is smaller than "
            "that of random picks; difference, worst set.",
            published="",
            source=_SOURCE,
            origin="by definition",
            measure=partial(_lead, wanted=wanted),
            tolerance=AtLeast(2),
            label="effect reproduced on other data",
            unit="points",
        )
        for wanted in WANTED
    ),
)


def tables(results: Results) -> list[Table]:
    """Return the distances to the wanted shares."""
    rows = []
    for name, group in sets_of(results):
        for wanted in WANTED:
            cells = [name, wanted]
            for method in METHODS:
                values = [100 * _distance(r, wanted, method) for r in group]
                error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
                cells.append(with_error(fmean(values), error))
            rows.append(cells)
    note = (
        "Pools in which some classes are up to a dozen times as frequent as others. Rounded "
        "quotas know the number of picks beforehand; the greedy BALANCE does not, and its first "
        "picks are as good as its last."
    )
    titles = ["images", "target", *METHODS]
    return [Table("Total variation distance after 100 picks, points", titles, rows, note)]


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw the distance after each pick, a panel for each kind of target."""
    from benchmarks.case_plots import Band, Panel, save

    ks = list(range(2, N_PICKS + 1, 2))
    panels = []
    for wanted in WANTED:
        lines = {
            method: Band(ks, [[_distance(r, wanted, method, k) for k in ks] for r in results])
            for method in (BALANCE, RANDOM, IN_ORDER)
        }
        panels.append(Panel(wanted, "picks", "total variation distance", lines))
    return [save(folder / "balance_targets-distance.png", panels)]


CASE = Case(
    name="balance_targets",
    title="BALANCE reaches the class shares it is told to reach",
    protocol="Digits and the images of the folder mnist; the seed draws a pool with unequal "
    "classes and a random target. 100 picks each with distribution TARGET, UNIFORM and INPUT, "
    "beside random picks (10 draws a seed), the first rows, and quotas rounded by largest "
    "remainder. The distance is recomputed from the classes of the picks.",
    claims=CLAIMS,
    units=units,
    measure=measure,
    tables=tables,
    draw=draw,
    packages=("numpy", "scikit-learn"),
)
