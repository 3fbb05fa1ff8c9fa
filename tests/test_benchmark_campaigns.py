"""The case about campaigns: its claims hold, and each of them can fail."""
# ruff: noqa: E402 - the folder of the benchmarks has to be found first

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # `pytest` alone does not look in the folder it runs in

from benchmarks.case import Setting
from benchmarks.cases.campaign_precision import CASE, PIXELS, at_threshold, precision, spaces
from benchmarks.claim import judge
from benchmarks.contracts.campaign_rounds import (
    CAMPAIGN,
    NEAREST,
    PROPOSERS,
    RANDOM,
    State,
    by_campaign,
    by_classifier,
    by_definition,
    by_nearest,
    judged_hits,
    rounds,
)
from benchmarks.outside_data import OutsideData
from selectlab.campaigns.clusters import Clusters

Part = dict[str, Any]
CLAIMS = {claim.key: claim for claim in CASE.claims}


@cache
def small() -> str:
    setting = Setting("small", 2, OutsideData(Path("/nonexistent")))
    found = [
        {"unit": unit.name, **unit.parameters, **CASE.measure(setting, unit)}
        for unit in CASE.units(setting)
    ]
    return json.dumps(found)


def line(*places: float) -> Any:
    return np.array(places, dtype=np.float32)[:, None]


def as_random(part: Part) -> None:
    part["rounds"][CAMPAIGN] = part["rounds"][RANDOM]


def a_little_worse(round_number: int) -> Callable[[Part], None]:
    def spoil(part: Part) -> None:
        hits = part["rounds"][NEAREST][round_number]
        kept = hits.count("+") - 2  # of 20: ten points
        part["rounds"][CAMPAIGN][round_number] = ("+" * kept).ljust(len(hits), "-")

    return spoil


def half_of_it_wrong(part: Part) -> None:
    part["collected_right"] = part["collected"] // 2


def little_found(part: Part) -> None:
    part["collected_right"] = min(part["collected_right"], part["n_right"] // 50)


def with_classifier(part: Part) -> None:
    part["judged"] = {"by_score": 0.9, "by_classifier": 0.98, "share": 0.8, "probability": 0.78}


def no_better(part: Part) -> None:
    part["judged"]["by_classifier"] = part["judged"]["by_score"]


def too_sure(part: Part) -> None:
    part["judged"]["probability"] = part["judged"]["share"] + 0.06


def one_more(key: str) -> Callable[[Part], None]:
    def spoil(part: Part) -> None:
        if (part["class"], part["space"]) == (3, PIXELS):
            part[key] += 1

    return spoil


SPOILT: list[tuple[str, Callable[[Part], None]]] = [
    ("as_precise_as_nearest", as_random),
    ("as_precise_as_nearest", a_little_worse(0)),
    ("as_precise_after_rounds", as_random),
    ("as_precise_after_rounds", a_little_worse(3)),
    ("beats_random", as_random),
    ("default_threshold_is_precise", half_of_it_wrong),
    ("default_threshold_finds", little_found),
    ("classifier_improves", no_better),
    ("classifier_is_calibrated", too_sure),
    ("scores_as_defined", one_more("off")),
    ("batches_change_nothing", one_more("changed")),
]


@pytest.mark.parametrize("key", [key for key, claim in CLAIMS.items() if "small" in claim.sizes])
def test_what_is_meant_for_the_small_size_holds(key: str) -> None:
    assert judge(CLAIMS[key], json.loads(small())).holds


@pytest.mark.parametrize(("key", "spoil"), SPOILT)
def test_spoilt_results_are_not_reproduced(key: str, spoil: Callable[[Part], None]) -> None:
    results = json.loads(small())
    for result in results:
        for part in result["classes"]:
            with_classifier(part)
    assert key == "as_precise_after_rounds" or judge(CLAIMS[key], results).holds
    for result in results:
        for part in result["classes"]:
            spoil(part)
    assert judge(CLAIMS[key], results).label == "not reproduced"


def test_every_claim_is_spoilt() -> None:
    assert {key for key, _ in SPOILT} == set(CLAIMS)


def test_tables_and_plots_show_every_method(tmp_path: Path) -> None:
    results = json.loads(small())
    with_classifier(results[0]["classes"][0])
    proposed, collected, classified = CASE.tables(results)
    assert classified.rows == [["digits", "1", "80", "78", "90", "98"]]
    assert [row[2] for row in proposed.rows] == 2 * list(PROPOSERS)
    assert len(collected.rows) == 2
    assert CASE.draw is not None
    assert all(path.stat().st_size > 1000 for path in CASE.draw(results, tmp_path))


def test_rounds_by_hand() -> None:
    """Seed 0; 1, 2 and 5 are right. Two at a time: 1 and 2 (both right), 3 and 4, then 5."""
    vectors = line(0, 1, 2, 3, 4, 5)
    right = np.array([True, True, True, False, False, True])
    rng = np.random.default_rng(0)
    for propose in (by_nearest, by_campaign):
        told = rounds(propose, vectors, right, np.array([0]), 2, rng)
        assert told[0] == "++"
    told = rounds(by_nearest, vectors, right, np.array([0]), 2, rng)
    assert told == ["++", "--", "+", ""]


def test_precision_by_hand() -> None:
    part = {"rounds": {"m": ["++-+", "+--"]}}
    assert precision(part, "m", 0) == 75
    assert precision(part, "m", 1) == pytest.approx(100 / 3)


def test_what_is_judged_is_not_proposed() -> None:
    state = State([0, 4], [2])
    rng = np.random.default_rng(0)
    for propose in PROPOSERS.values():
        assert sorted(propose(line(0, 1, 2, 3, 4, 5), state, rng).tolist()) == [1, 3, 5]


def test_classifier_orders_hits_and_leaves_the_rest_behind_them() -> None:
    """Accepted lie at y = 0, discarded at y = 1, and x says nothing.

    Of the two hits the one at y = 0 is likelier, though farther away; what is no hit comes last.
    """
    rng = np.random.default_rng(1)
    accepted = np.column_stack([rng.normal(size=30), 0.05 * rng.normal(size=30)])
    discarded = np.column_stack([rng.normal(size=30), 1 + 0.05 * rng.normal(size=30)])
    corpus = np.array([[0.0, 0.3], [0.1, 0.0], [30.0, 0.0]])
    vectors = np.concatenate([corpus, accepted, discarded]).astype(np.float32)
    state = State(list(range(3, 33)), list(range(33, 63)))
    assert by_classifier(vectors, state, rng).tolist() == [1, 0, 2]


def test_classifier_on_judged_hits() -> None:
    """Right at 0, wrong at 1 on the first axis; the score knows the second only."""
    rng = np.random.default_rng(0)
    right = np.arange(200) % 2 == 0
    vectors = np.column_stack([~right + 0.05 * rng.normal(size=200), rng.normal(size=200)])
    hits = np.arange(10, 200)
    told = judged_hits(
        vectors.astype(np.float32), right, np.arange(0, 10, 2), hits, vectors[hits, 1], 60, rng
    )
    assert told["by_classifier"] == 1
    assert 0.3 < told["by_score"] < 0.7
    assert told["probability"] == pytest.approx(told["share"], abs=0.1)
    none_wrong = judged_hits(vectors, np.ones(200, bool), hits[:5], hits, vectors[hits, 1], 60, rng)
    assert none_wrong == {}


def test_scores_by_definition_by_hand() -> None:
    clusters = Clusters(np.array([[0.0], [8.0]]), np.array([2.0, 1.0]), np.array([0, 1]))
    assert by_definition(line(0, 2, 5, 7.5), clusters).tolist() == [1, 0.5, 0, 0.75]


def test_threshold_by_hand() -> None:
    """Seeds at 0 and 1 are a cluster, 0.75 around 0.5: 0.5 is a hit, 1.75, 1.8125 and 9 are not."""
    right = np.array([1, 1, 1, 0, 1, 0], bool)
    rng = np.random.default_rng(0)
    told = at_threshold(line(0, 1, 1.75, 0.5, 1.8125, 9), right, np.array([0, 1]), rng)
    assert told == {
        "n_clusters": 1,
        "collected": 1,
        "collected_right": 0,
        "n_right": 2,
        "judged": {},
        "off": 0,
        "changed": 0,
    }


def test_components_are_of_unit_length_and_keep_most() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 60)).astype(np.float32)
    found = spaces(vectors)
    assert found[PIXELS] is vectors
    reduced = found["50 components"]
    assert reduced.shape == (300, 50)
    np.testing.assert_allclose(np.linalg.norm(reduced, axis=1), 1, rtol=1e-6)
    assert reduced[:, 0].var() > reduced[:, -1].var()
