"""Claims about assertions: they hold on generated data, and each of them can fail."""
# ruff: noqa: E402 - the folder of the benchmarks has to be found first

from __future__ import annotations

import copy
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # `pytest` alone does not look in the folder it runs in

from benchmarks.case import Setting
from benchmarks.cases import (
    assertion_precision,
    flicker_golden,
    frame_selection_lift,
    weak_supervision,
)
from benchmarks.claim import Claim, Verdict, judge
from benchmarks.outside_data import OutsideData
from benchmarks.videos import firing_results, frame_picks, imputing

CASES = {
    module.CASE.name: module.CASE
    for module in (flicker_golden, assertion_precision, frame_selection_lift, weak_supervision)
}
CLAIMS = [(name, claim.key) for name, case in CASES.items() for claim in case.claims]


def claim_of(name: str, key: str) -> Claim:
    return next(claim for claim in CASES[name].claims if claim.key == key)


@cache
def measured(name: str) -> list[dict[str, Any]]:
    setting = Setting("small", 2, OutsideData(Path("nowhere")), first_seed=40)
    return [
        {"unit": unit.name, **unit.parameters, **CASES[name].measure(setting, unit)}
        for unit in CASES[name].units(setting)
    ]


SMALL = [(name, key) for name, key in CLAIMS if "small" in claim_of(name, key).sizes]


@pytest.mark.parametrize(("name", "key"), SMALL)
def test_it_holds_on_generated_data(name: str, key: str) -> None:
    assert judge(claim_of(name, key), measured(name)).holds


@pytest.mark.parametrize("name", CASES)
def test_tables_and_plots_come_from_results(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    for table in case.tables(measured(name)):
        assert all(len(row) == len(table.columns) for row in table.rows)
    for path in case.draw(measured(name), tmp_path) if case.draw else ():
        assert path.stat().st_size > 1000
    assert all(not table.rows for table in case.tables([]))
    assert {judge(claim, []).label for claim in case.claims} == {"not run"}


def spoilt(name: str, key: str, spoil: Any, data: str = "mot17_yolox") -> Verdict:
    """Return what becomes of a claim when each result is spoilt, and called outside data."""
    results = copy.deepcopy(measured(name))
    for result in results:
        result["data"] = data
        spoil(result)
    return judge(claim_of(name, key), results)


def test_one_box_of_the_parity_mode_too_many_is_noticed() -> None:
    def one_more(result: dict[str, Any]) -> None:
        result["clips"][0]["parity"]["tutorial 0.8/0.6"] += 1

    assert spoilt("flicker_golden", "parity", one_more).holds is False


DOUBLED = [key for name, key in CLAIMS if name == "flicker_golden" and "-0." in key]


@pytest.mark.parametrize("key", DOUBLED)
def test_imputing_at_random_doubles_no_recall(key: str) -> None:
    def random(result: dict[str, Any]) -> None:
        for clip in result["clips"]:
            clip["methods"][imputing.OURS] = clip["methods"][imputing.RANDOM]

    assert spoilt("flicker_golden", key, random, key.split("-")[0]).holds is False


def golden() -> list[dict[str, Any]]:
    """Return results in which the seven known sequences hold exactly what was counted before."""
    results = []
    for confidence, misses in flicker_golden.ONE_FRAME_MISSES.items():
        clips: list[dict[str, Any]] = []
        for at, fingerprint in enumerate(sorted(flicker_golden.KNOWN)):
            methods = {
                imputing.tutorial(thresholds): [flagged, n, precision * n, recall * misses]
                if at == 0
                else [0, 0, 0, 0]
                for (least, thresholds), (
                    flagged,
                    n,
                    precision,
                    recall,
                ) in flicker_golden.GOLDEN.items()
                if least == confidence
            }
            held = {"misses": misses if at == 0 else 0, "methods": methods, "parity": {}}
            clips.append({"fingerprint": fingerprint, **held})
        results.append({"data": "mot17_yolox", "confidence": confidence, "clips": clips})
    return results


GOLDEN = [("golden-counts", 1, 1), ("golden-shares", 2, 3), ("one-frame-misses", None, 1)]


@pytest.mark.parametrize(("key", "column", "more"), GOLDEN)
def test_golden_counts_hold_exactly_and_for_the_known_sequences_only(
    key: str, column: int | None, more: int
) -> None:
    claim, results = claim_of("flicker_golden", key), golden()
    assert judge(claim, results).holds
    clip = results[1]["clips"][0]
    if column is None:
        clip["misses"] += more
    else:
        clip["methods"]["tutorial 0.8/0.6"][column] += more
    assert judge(claim, results).holds is False
    clip["fingerprint"] = "another file"
    assert judge(claim, results).holds is None


FIRED = [key for name, key in CLAIMS if name == "assertion_precision" and key != "flicker-strict"]


@pytest.mark.parametrize("key", FIRED)
def test_firings_at_random_keep_no_claim(key: str) -> None:
    def random(result: dict[str, Any]) -> None:
        for clip in result["clips"]:
            drawn = clip[firing_results.RANDOM][0]
            bits = "1" * drawn["right"] + "0" * (drawn["n"] - drawn["right"])
            clip[firing_results.ASSERTION] |= {"right": bits, "found": drawn["found"]}

    data = claim_of("assertion_precision", key).needs
    assert spoilt("assertion_precision", key, lambda result: None, data).estimate is not None
    assert spoilt("assertion_precision", key, random, data).holds is False


def test_the_stricter_question_can_be_too_easy() -> None:
    """On generated data nearly all imputed boxes are right; with few right ones it holds."""

    def few(result: dict[str, Any]) -> None:
        for clip in result["clips"]:
            held = clip[firing_results.ASSERTION]
            held["covers"] = "0" * len(held["covers"])

    name, key = "assertion_precision", "flicker-strict"
    assert spoilt(name, key, lambda result: None).holds is False
    assert spoilt(name, key, few).holds


LIFTS = [claim.key for claim in CASES["frame_selection_lift"].claims]


@pytest.mark.parametrize("key", LIFTS)
def test_frames_picked_at_random_are_no_lift(key: str) -> None:
    def random(result: dict[str, Any]) -> None:
        drawn = result["methods"][frame_picks.RANDOM]
        result["methods"] = dict.fromkeys(result["methods"], drawn)

    assert spoilt("frame_selection_lift", key, random).holds is False


WEAK = [claim.key for claim in CASES["weak_supervision"].claims]


@pytest.mark.parametrize("key", WEAK)
def test_boxes_without_effect_raise_nothing(key: str) -> None:
    def without(result: dict[str, Any]) -> None:
        for clip in result["clips"]:
            over = weak_supervision.RANDOM if "random" in key else weak_supervision.PLAIN
            clip["ap"][weak_supervision.FLICKER] = clip["ap"][over]

    assert spoilt("weak_supervision", key, without).holds is False
