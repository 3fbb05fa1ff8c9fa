"""Verdicts on claims by hand, and outside data that is there or not."""
# ruff: noqa: E402 - the folder of the benchmarks has to be found first

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # `pytest` alone does not look in the folder it runs in

from benchmarks.claim import AtLeast, AtMost, Claim, Near, Tolerance, judge
from benchmarks.outside_data import NoDataError, OutsideData


def claim_of(values: list[float], tolerance: Tolerance) -> Claim:
    return Claim(
        *("k", "t", "", "s", "published"),
        *(lambda _: values, tolerance, "reproduced"),
    )


@pytest.mark.parametrize(
    ("values", "tolerance", "holds"),
    [
        ([5.0], AtLeast(5), True),
        ([4.999], AtLeast(5), False),
        ([5.0], AtMost(5), True),
        ([5.001], AtMost(5), False),
        ([24.0], Near(24), True),
        ([25.0], Near(24), False),
        ([25.0], Near(24, 1), True),
        ([22.9], Near(24, 1), False),
        # mean 6, standard error 1: two of them keep clear of 4, not of 4.1
        ([5.0, 7.0], AtLeast(4), True),
        ([5.0, 7.0], AtLeast(4.1), False),
        ([5.0, 7.0], AtMost(8), True),
        ([5.0, 7.0], AtMost(7.9), False),
        ([5.0, 7.0], Near(6, 2), True),
        ([5.0, 7.0], Near(6.5, 2), False),
        ([], AtLeast(0), None),
        ([float("nan")], AtLeast(0), False),
        ([1.0, float("inf")], AtLeast(0), False),
    ],
)
def test_verdicts_by_hand(values: list[float], tolerance: Tolerance, holds: bool | None) -> None:
    verdict = judge(claim_of(values, tolerance), [])
    assert verdict.holds is holds
    labels = {True: "reproduced", False: "not reproduced", None: "not run"}
    assert verdict.label == labels[holds]


def test_the_label_of_a_claim_that_holds_is_its_own() -> None:
    claim = replace(claim_of([1.0], AtLeast(0)), label="effect reproduced on other data")
    assert judge(claim, []).label == "effect reproduced on other data"


def test_tolerances_in_words() -> None:
    found = [t.text() for t in (AtLeast(0.2), AtMost(3), Near(24), Near(0.5, 0.05))]
    assert found == ["at least 0.2", "at most 3", "exactly 24", "0.5 +- 0.05"]


def test_outside_data_is_found_or_missed_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELECTLAB_DATA", str(tmp_path / "named"))
    assert OutsideData.find().root == tmp_path / "named"
    assert OutsideData.find(tmp_path).root == tmp_path
    with pytest.raises(NoDataError) as missed:
        OutsideData(tmp_path).folder("label_errors")
    assert str(missed.value) == (
        f"label_errors is not in {tmp_path}; get it from github.com/cleanlab/label-errors, and "
        "name the folder around it with --data or SELECTLAB_DATA"
    )


def test_a_fingerprint_is_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "mnist" / "deep").mkdir(parents=True)
    path = tmp_path / "mnist" / "deep" / "a"
    path.write_text("one")
    first = OutsideData(tmp_path).fingerprint("mnist")
    assert OutsideData(tmp_path).fingerprint("mnist") == first
    path.write_text("two")
    second = OutsideData(tmp_path).fingerprint("mnist")
    path.rename(path.with_name("b"))
    assert len({first, second, OutsideData(tmp_path).fingerprint("mnist")}) == 3
