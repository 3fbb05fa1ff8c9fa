"""The case detection_labels_saved: its claims, its counting, its rounds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.case import Setting, Unit
from benchmarks.cases import detection_labels_saved as case
from benchmarks.claim import judge
from benchmarks.outside_data import NoDataError, OutsideData
from benchmarks.videos import labels_needed
from benchmarks.videos.detection_truth import Ranked
from benchmarks.videos.film_rounds import FilmLearner, _hits, film_methods, uncertainty
from benchmarks.videos.films import Film, made
from selectlab import Dataset
from selectlab.simulate import Round

NOWHERE = OutsideData(Path("/nowhere"))
SMALL = Setting("small", 1, NOWHERE)
LABELS = list(range(3, 44, 4))
CLAIMS = {claim.key: claim for claim in case.CASE.claims}
Result = dict[str, Any]


@pytest.fixture(scope="module")
def film() -> Film:
    return made(0)


@pytest.fixture(scope="module")
def small_results() -> list[Result]:
    """All units at small size, as the runner stores them."""
    results = [
        {"unit": unit.name, **unit.parameters, **case.measure(SMALL, unit)}
        for unit in case.units(SMALL)
    ]
    return list(json.loads(json.dumps(results, allow_nan=False)))


def ideal() -> list[Result]:
    """Results of which every claim holds: AP rises by ``slope`` hundredths a round."""
    slopes = {"random": 2, "uniform_in_time": 2, "least_confidence": 2, "summed_uncertainty": 3}
    return [
        _result(method, seed, slopes.get(method, 5), 9 if method == "summed_uncertainty" else 6)
        for seed in range(3)
        for method in case.METHODS
    ]


def _result(method: str, seed: int, slope: int, boxes: int = 6) -> Result:
    """A curve: so many of 100 objects found, without a wrong detection."""
    return {
        "method": method,
        "seed": seed,
        "labels": LABELS,
        "boxes": [boxes * n for n in LABELS],
        "goal": 27,
        "n_truth": 100,
        "hits": ["1" * (30 + seed + slope * at) for at in range(len(LABELS))],
        "chance_hits": "1",
    }


# claims


def test_claims_for_small_hold(small_results: list[Result]) -> None:
    meant = [claim for claim in case.CASE.claims if "small" in claim.sizes]
    assert [claim.key for claim in meant] == ["detector_sees"]
    assert all(judge(claim, small_results).holds for claim in meant)


def test_every_claim_can_hold() -> None:
    assert [key for key, claim in CLAIMS.items() if not judge(claim, ideal()).holds] == []


def as_random(method: str) -> Callable[[Result], Result]:
    """The method does what random does."""
    return lambda r: _result(method, r["seed"], 2) if r["method"] == method else r


def worse(method: str) -> Callable[[Result], Result]:
    return lambda r: _result(method, r["seed"], 1) if r["method"] == method else r


SPOILED: dict[str, Callable[[Result], Result]] = {
    "detector_learns": lambda r: {**r, "hits": r["hits"][:1] * len(r["hits"])},
    "detector_sees": lambda r: {**r, "chance_hits": r["hits"][-1]},
    "flicker_saves": worse("flicker"),
    "uniform_saves": worse("uniform_over_assertions"),
    "bal_saves": worse("bal"),
    "bal_saves_a_third": as_random("bal"),
    "bal_beats_least_confidence": worse("bal"),
    "bal_beats_summed_uncertainty": as_random("bal"),
    "diversity_saves": worse("diversity"),
    "summed_uncertainty_saves": worse("summed_uncertainty"),
    "summed_uncertainty_prefers_crowds": as_random("summed_uncertainty"),
}


@pytest.mark.parametrize("key", CLAIMS)
def test_a_spoiled_result_fails_its_claim(key: str) -> None:
    spoiled = [SPOILED[key](result) for result in ideal()]
    assert judge(CLAIMS[key], spoiled).label == "not reproduced"


SAVING = {
    "flicker_saves": "flicker",
    "uniform_saves": "uniform_over_assertions",
    "bal_saves": "bal",
    "bal_saves_a_third": "bal",
    "bal_beats_least_confidence": "bal",
    "bal_beats_summed_uncertainty": "bal",
    "diversity_saves": "diversity",
    "summed_uncertainty_saves": "summed_uncertainty",
}


@pytest.mark.parametrize("key", SAVING)
def test_a_method_whose_seeds_disagree_saves_nothing(key: str) -> None:
    """One seed far better, the others worse: the mean alone proves nothing."""
    mixed = [
        _result(r["method"], r["seed"], 9 if r["seed"] == 0 else 1)
        if r["method"] == SAVING[key]
        else r
        for r in ideal()
    ]
    assert judge(CLAIMS[key], mixed).label == "not reproduced"


def test_nothing_measured_is_not_run() -> None:
    assert {judge(claim, []).label for claim in CLAIMS.values()} == {"not run"}
    assert case.tables([]) == []
    assert case.draw([], Path("/nowhere")) == []


# counting


def test_precision_by_hand() -> None:
    """Right, wrong, right of 4 objects: 1 at the first, 2/3 at the second, two never found."""
    assert labels_needed.precision("101", 4) == pytest.approx((1 + 2 / 3) / 4)
    assert labels_needed.precision("", 4) == 0.0
    assert labels_needed.precision("011", 2) == pytest.approx(
        2 / 3
    )  # the envelope lifts 1/2 to 2/3


def test_labels_needed_by_hand() -> None:
    """30, 32, 34 ... of 100: 33 lies halfway between 7 and 11 labels."""
    rising = _result("random", 0, 2)
    assert labels_needed.needed(rising, 0.33) == 9
    assert labels_needed.needed(rising, 0.33, "boxes") == 54
    assert labels_needed.needed(rising, 0.2) == 3
    assert labels_needed.needed(rising, 0.99) == 47  # never reached: one round more than the last
    dented = {**rising, "hits": ["1" * 30, "1" * 20, "1" * 40, *rising["hits"][3:]]}
    assert labels_needed.needed(dented, 0.35) == pytest.approx(
        9
    )  # the straight line starts at the best so far


def test_labels_saved_by_hand() -> None:
    """Random has 42 of 100 with 27 labels; with steps of 4 instead of 2 that takes 15."""
    results = [_result(method, 0, slope) for method, slope in (("random", 2), ("bal", 4))]
    assert labels_needed.goal(results) == pytest.approx(0.42)
    assert labels_needed.saved(results, "bal") == (pytest.approx((27 - 15) / 27),)
    assert labels_needed.saved(results, "random") == (0.0,)
    assert labels_needed.saved(results, "flicker") == ()


def test_tables_show_every_method_beside_random() -> None:
    needs, curves = case.tables(ideal())
    for table in (needs, curves):
        assert [row[0] for row in table.rows] == list(case.METHODS)
        assert {len(row) for row in table.rows} == {len(table.columns)}
    assert needs.rows[0][3] == "0.0 %"
    assert curves.rows[0][1] == "31.0 +- 0.6"  # 30, 31 and 32 of 100


def test_plots_are_drawn(tmp_path: Path, small_results: list[Result]) -> None:
    [path] = case.draw(small_results, tmp_path)
    assert path.parent == tmp_path
    assert path.stat().st_size > 10_000


# rounds


def test_units_start_alike_and_stay_within_budget(small_results: list[Result]) -> None:
    for seed in SMALL.seeds:
        runs = [r for r in small_results if r["seed"] == seed]
        assert len({json.dumps(r["picked"][0]) for r in runs}) == 1
        assert len({r["hits"][0] for r in runs}) == 1
        for result in runs:
            flat = [frame for picked in result["picked"] for frame in picked]
            assert len(flat) == len(set(flat)) == result["labels"][-1]
    assert {r["method"] for r in small_results} == film_methods().keys() == case.METHODS.keys()


def test_a_unit_is_the_same_again(small_results: list[Result]) -> None:
    unit = next(unit for unit in case.units(SMALL) if unit.name == "bal-seed0")
    made.cache_clear()
    again = {"unit": unit.name, **unit.parameters, **case.measure(SMALL, unit)}
    assert again in small_results


def test_full_units_name_the_folder_they_need() -> None:
    units = case.units(Setting("full", 2, NOWHERE, first_seed=5))
    assert {unit.needs for unit in units} == {"vtest_pets"}
    assert {unit.parameters["seed"] for unit in units} == {5, 6}
    with pytest.raises(NoDataError, match="vtest_pets is not in /nowhere"):
        case.measure(Setting("full", 2, NOWHERE), Unit("u", {"method": "random", "seed": 0}))


def test_farthest_in_time_by_hand() -> None:
    """Of frames 0 to 8 with 0 labelled: the last one, then the middle."""
    pool = Dataset([f"v-{number}-mp4.png" for number in range(9)])
    asked = Round(n_samples=2, dataset=pool, labelled=("v-0-mp4.png",))
    config = film_methods()["uniform_in_time"].config(asked)
    assert config == ["v-8-mp4.png", "v-4-mp4.png"]


def test_assertions_look_at_sure_detections_only() -> None:
    pool = Dataset(["v-0-mp4.png"])
    for name in ("flicker", "uniform_over_assertions", "bal"):
        source = film_methods()[name].config(Round(1, pool))["strategies"][0]["input"]
        least = source.get("min_score") or {p["min_score"] for p in source["parameters"].values()}
        assert least in (0.5, {0.5})


def test_uncertainty_is_highest_at_a_half() -> None:
    assert uncertainty(np.array([0.0, 0.25, 0.5, 1.0])).tolist() == [0.0, 0.5, 1.0, 0.0]


def test_hits_are_surest_first_and_end_with_the_last_right_one() -> None:
    found = Ranked(np.array([0.2, 0.9, 0.1]), np.array([True, False, False]), 1)
    assert _hits(found) == "01"


def test_the_pool_tells_what_the_model_says(film: Film) -> None:
    learner = FilmLearner(film, seed=0)
    assert learner.pool().source.tasks() == []
    learner.learn(film.ids[:2])
    pool = learner.pool()
    found = pool.predictions("model")
    metadata = pool.metadata()
    assert metadata is not None
    summed = metadata.frame["summed_uncertainty"].to_numpy()
    first = found.score[found.offsets[3] : found.offsets[4]]
    assert summed[3] == pytest.approx((1 - abs(2 * first - 1)).sum())
    assert pool.ids == film.ids
    assert learner.boxes == [len(film.pool[0]) + len(film.pool[1])]
