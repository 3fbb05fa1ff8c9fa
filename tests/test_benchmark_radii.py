"""Covering radii by hand and against all sets of centres."""
# ruff: noqa: E402 - the folder of the benchmarks has to be found first

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # `pytest` alone does not look in the folder it runs in

from benchmarks.case import Setting
from benchmarks.cases import k_center_radius
from benchmarks.claim import judge
from benchmarks.contracts import covering_radius
from benchmarks.outside_data import OutsideData

NOWHERE = OutsideData(Path("/nowhere"))


def test_the_best_radius_by_hand() -> None:
    x = np.array([[0.0], [1.0], [2.0], [10.0], [13.0]])
    assert covering_radius.best_radius(x, 1) == 10  # from 2 to 13 is 11, from 10 to 0 is 10
    assert covering_radius.best_radius(x, 2) == 3
    assert covering_radius.best_radius(x, 3) == 1
    assert covering_radius.best_radius(x, 5) == 0


def test_the_best_radius_is_that_of_all_sets_of_centres() -> None:
    rng = np.random.default_rng(0)
    for k in (1, 2, 3):
        x = rng.normal(size=(9, 2))
        sets = combinations(range(len(x)), k)
        best = min(covering_radius.to_nearest(x, rows).max() for rows in sets)
        assert covering_radius.best_radius(x, k) == pytest.approx(best)
        assert covering_radius.packing_bound(x, list(range(k + 1))) <= best


def test_the_bound_by_hand() -> None:
    """Three points at least 4 apart: of two balls, one holds two of them."""
    x = np.array([[0.0], [4.0], [9.0], [9.5]])
    assert covering_radius.packing_bound(x, [0, 1, 2]) == 2


def test_claims_of_small_radii_hold() -> None:
    setting = Setting("small", 1, NOWHERE, first_seed=40)
    results = [
        {**unit.parameters, **covering_radius.measure(setting, unit)}
        for unit in covering_radius.units(setting)
    ]
    for claim in k_center_radius.CLAIMS:
        if "small" in claim.sizes:
            assert judge(claim, results).holds, claim.key
