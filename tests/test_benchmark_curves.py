"""Learning curves and covering radii: metrics by hand, and claims that fail when they should."""
# ruff: noqa: E402 - the folder of the benchmarks has to be found first

from __future__ import annotations

import ast
import copy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from published_curves import SPOILED, curves, radii

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # `pytest` alone does not look in the folder it runs in

from benchmarks.case import Setting, Unit
from benchmarks.cases import entropy_cold_start, k_center_radius, low_budget_typicality
from benchmarks.claim import judge
from benchmarks.contracts import covering_results
from benchmarks.learning_curves import formulas, measures, peer, pools, purity, runs
from benchmarks.outside_data import NoDataError, OutsideData
from selectlab.simulate import methods

NOWHERE = OutsideData(Path("/nowhere"))
CURVE_CLAIMS = (*low_budget_typicality.CLAIMS, *entropy_cold_start.CLAIMS)
ALL = [
    *((claim, curves) for claim in CURVE_CLAIMS),
    *((claim, radii) for claim in k_center_radius.CLAIMS),
]


def test_every_claim_is_spoiled() -> None:
    assert set(SPOILED) == {claim.key for claim, _ in ALL}


@pytest.mark.parametrize(("claim", "results"), ALL, ids=[claim.key for claim, _ in ALL])
def test_a_claim_holds_as_published_and_fails_when_spoiled(claim: Any, results: Any) -> None:
    good = results()
    assert judge(claim, good).holds, judge(claim, good)
    spoiled = copy.deepcopy(good)
    SPOILED[claim.key](spoiled)
    assert judge(claim, spoiled).label == "not reproduced"


@pytest.mark.parametrize("claim", [c for c, _ in ALL if c.needs], ids=lambda claim: claim.key)
def test_without_mnist_its_claims_are_not_run(claim: Any) -> None:
    there = [unit for unit in (*curves(), *radii()) if unit["data"] != "mnist"]
    its = [unit for unit in there if ("side" in unit) == (claim in CURVE_CLAIMS)]
    assert judge(claim, its).label == "not run"


def test_figures_of_the_known_files_say_nothing_of_other_files() -> None:
    others = [{**unit, "known": False} for unit in (*curves(), *radii())]
    level = measures.level("mnist", "random", 100)
    assert level([unit for unit in others if "side" in unit]) == []
    reached = covering_results.reached("mnist", "random", "radius", 100)
    assert reached([unit for unit in others if "side" not in unit]) == []


def unit(seed: int, side: str = runs.OURS, **correct: list[int]) -> dict[str, Any]:
    told = {name: {"correct": values} for name, values in correct.items()}
    budgets = [10, 20]
    return {
        "data": "digits",
        "side": side,
        "seed": seed,
        "known": True,
        "budgets": budgets,
        "n_test": 200,
        "methods": told,
    }


def test_measures_by_hand() -> None:
    """Of 200 test samples, two are a point."""
    two = [unit(0, a=[100, 120], b=[80, 130]), unit(1, a=[60, 60], b=[60, 64])]
    assert measures.gap("digits", "a", "b", 10)(two) == [10, 0]
    assert measures.gap("digits", "a", "b", 20)(two) == [-5, -2]
    assert measures.gap("digits", "a", "b", 40)(two) == []
    assert measures.gap("digits", "a", "lacking", 10)(two) == []
    assert measures.level("digits", "a", 20)(two) == [60, 30]
    # a is 10 ahead with few, b 5 with many; then 0 and 2
    assert measures.reversal("digits", "a", "b", 10, 20)(two) == [5, 0]
    three = [unit(0, a=[99, 0], b=[100, 0], c=[101, 0], random=[100, 0])]
    assert measures.share_below("digits", ("a", "b", "c"), 10)(three) == [pytest.approx(1 / 3)]
    # budgets of seed 0 are 2 and 4 points above the peer's; seed 1 has no peer
    theirs = unit(0, peer.NAME, a=[96, 112])
    assert measures.behind_peer("digits", ("a",))([*two, theirs]) == [3]


def test_models_learn_from_the_picks_in_the_order_given() -> None:
    """Two classes on a line, left and right of 0; the first two picks are of one class."""
    x = np.array([[-3.0], [-2.0], [-1.0], [1.0], [2.0], [3.0]])
    y = np.array([0, 0, 0, 1, 1, 1])
    drawn = pools.Pool(x, y, x, y, known=True)
    found = runs.tested("given", drawn, [0, 1, 5, 2], [2, 3])
    assert found["correct"] == [3, 6]
    assert found["classes"] == [1, 2]
    assert "misses" not in found
    assert runs.tested("given", drawn, [0, 1, 5], [2, 3])["picks"] == found["picks"]
    assert runs.tested("given", drawn, [0, 5, 1], [2, 3])["picks"] != found["picks"]
    with pytest.raises(AssertionError, match="not so many different rows"):
        runs.tested("given", drawn, [0, 1, 1], [2, 3])


def test_formulas_by_hand() -> None:
    p = np.array([[0.5, 0.5, 0.0], [0.6, 0.2, 0.2], [1.0, 0.0, 0.0]])
    assert formulas.least_confidence(p) == pytest.approx([0.5, 0.4, 0])
    assert formulas.margin(p) == pytest.approx([1, 0.6, 0])
    assert formulas.entropy(p) == pytest.approx([0.6931, 0.9503, 0], abs=1e-4)


def test_a_round_that_leaves_out_a_better_sample_is_counted() -> None:
    """Probabilities of class 2 are 0: the model has not seen it. Row 1 is the surest."""
    p = np.array([[0.5, 0.5], [0.9, 0.1], [0.6, 0.4], [0.7, 0.3]])
    y = np.array([0, 1, 2, 0])
    drawn = pools.Pool(p, y, p, y, known=True)
    model = SimpleNamespace(predict_proba=lambda x: x, classes_=np.array([0, 1]))
    count = formulas.wrong_rounds
    assert count(formulas.margin, drawn, [1, 0, 2], [1, 2, 3], [model] * 3) == 0
    assert count(formulas.margin, drawn, [1, 2, 0], [1, 2, 3], [model] * 3) == 1
    assert count(formulas.margin, drawn, [1, 2, 0], [1, 3], [model] * 2) == 0
    assert count(formulas.margin, drawn, [1, 3, 2], [1, 2, 3], [model] * 3) == 2


def test_a_pick_that_is_not_the_farthest_is_counted() -> None:
    """From 0 the farthest of 0, 1, 4, 10 is 10; then 4 is 4 away from both ends."""
    x = np.array([[0.0], [1.0], [4.0], [10.0]])
    assert formulas.not_farthest(x, [0, 3, 2, 1]) == 0
    assert formulas.not_farthest(x, [0, 3, 1, 2]) == 1
    assert formulas.not_farthest(x, [0, 1, 2, 3]) == 2


def test_the_radius_of_pure_balls_by_hand() -> None:
    """Forty samples, a unit apart, in two groups 5 apart: 95 % of 40 is 38.

    The balls of the two samples at the gap are pure up to 5, of those behind them up to 6, and so
    on. Two of the forty may be impure, so the radius is just below 6. Balls hold 10 others, but
    5, 6, 7, 8 and 9 at both ends of a group; and the two at the gap hold one another.
    """
    x = np.concatenate([np.arange(20.0), np.arange(24.0, 44.0)])[:, None]
    found = purity.purity_radius(x, 2)
    assert found["radius"] == pytest.approx(6)
    assert found["radius"] < 6
    assert found["nearest"] == 1
    assert found["alone"] == 0
    assert found["held"] == pytest.approx((2 * (10 * 10 + 2 * (5 + 6 + 7 + 8 + 9)) + 2) / 40)


def test_claims_of_small_curves_hold() -> None:
    """Only the methods that they need, of seeds that are not those of the record."""
    setting = Setting("small", 2, NOWHERE, first_seed=40)
    names = ("random", "typiclust", "typicality", "entropy")
    results = [
        {**unit.parameters, **runs.measure(setting, unit, names, ())}
        for unit in runs.units(setting)
    ]
    for claim in CURVE_CLAIMS:
        if "small" in claim.sizes:
            assert judge(claim, results).holds, claim.key


def test_units_leave_peers_out_and_limit_the_seeds_of_mnist(tmp_path: Path) -> None:
    alone = runs.units(Setting("full", 12, NOWHERE))
    assert len(alone) == 12 + 10
    assert {unit.needs for unit in alone if "mnist" in unit.name} == {"mnist"}
    assert len(runs.units(Setting("full", 12, NOWHERE, environments=tmp_path))) == 2 * 22
    assert len(runs.units(Setting("small", 2, NOWHERE, environments=tmp_path))) == 2


def test_methods_are_known() -> None:
    for case in (low_budget_typicality, entropy_cold_start):
        assert set(case.METHODS) - {runs.TRIVIAL} <= set(methods())
        assert set(case.PEER_METHODS) <= set(case.METHODS)
        assert case.METHODS[:2] == ("random", runs.TRIVIAL)


def test_the_loop_of_the_peer_needs_nothing_of_ours() -> None:
    found = ast.walk(ast.parse(peer.LOOP.read_text(encoding="utf-8")))
    names = {node.module for node in found if isinstance(node, ast.ImportFrom)}
    assert not [
        name for name in names if name and name.split(".")[0] in ("benchmarks", "selectlab")
    ]


def test_without_its_environment_the_peer_is_skipped(tmp_path: Path) -> None:
    drawn = pools.pool("digits", NOWHERE, 0)
    (tmp_path / "file").write_text("")
    with pytest.raises((NoDataError, OSError)):
        peer.orders(drawn, [10], [], 0, ["random"], tmp_path / "file")


def images(path: Path, n: int, shift: int = 0) -> None:
    rng = np.random.default_rng(shift)
    y = np.array([("cat", "dog", "eel")[i % 3] for i in range(n)])
    x = rng.integers(0, 99, size=(n, 4, 5)) + 50 * (np.arange(n) % 3)[:, None, None]
    np.savez(path, x=x.astype(np.uint8), y=y)


def test_pools_of_files_with_other_names(tmp_path: Path) -> None:
    folder = tmp_path / "mnist"
    folder.mkdir()
    data = OutsideData(tmp_path)
    with pytest.raises(NoDataError, match="no npz file with x"):
        pools.pool("mnist", data, 0)
    images(folder / "pictures.npz", 80)
    alone = pools.pool("mnist", data, 0)
    assert alone.x.shape == (60, 20)
    assert alone.x_test.shape == (20, 20)
    assert alone.n_classes == 3
    assert not alone.known
    images(folder / "pictures_test.npz", 30, shift=1)
    np.savez(folder / "a_table.npz", z=np.zeros(3))
    both = pools.pool("mnist", data, 0)
    assert (len(both.x), len(both.x_test)) == (80, 30)
    rows, known = pools.vectors("mnist", data, 0, 50)
    assert rows.shape == (50, 20)
    assert not known


def test_pool_and_test_data_of_digits_have_nothing_in_common() -> None:
    drawn = pools.pool("digits", NOWHERE, 3)
    assert (drawn.x.shape, drawn.x_test.shape) == ((1200, 64), (597, 64))
    ours = {row.tobytes() for row in drawn.x}
    assert not ours & {row.tobytes() for row in drawn.x_test}
    assert not np.array_equal(drawn.x, pools.pool("digits", NOWHERE, 4).x)


def test_the_files_of_mnist_are_known(data_folder: Path) -> None:
    if not (data_folder / "mnist").is_dir():
        pytest.skip("no mnist folder")
    found = pools.pool("mnist", OutsideData(data_folder), 0)
    assert found.x.shape[1] == found.x_test.shape[1]
    assert found.n_classes >= 2


def test_a_unit_is_the_same_again() -> None:
    setting = Setting("small", 1, NOWHERE)
    asked = Unit("digits", {"data": "digits", "seed": 5, "side": runs.OURS})
    names = ("random", runs.TRIVIAL)
    first = runs.measure(setting, asked, names, ())
    assert first == runs.measure(setting, asked, names, ())
    assert list(first["methods"]) == list(names)
