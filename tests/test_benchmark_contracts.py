"""The cases about single strategies and about the published engine: each claim can fail."""
# ruff: noqa: E402 - the folder of the benchmarks has to be found first

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # `pytest` alone does not look in the folder it runs in

from benchmarks.case import Case, Setting, Unit
from benchmarks.cases import (
    balance_targets,
    engine_parity,
    label_errors,
    lightly_config_runs,
    near_duplicates,
    similarity_precision,
)
from benchmarks.claim import judge
from benchmarks.contracts import label_checks, lightly_bucket, planted_duplicates
from benchmarks.contracts.definition import (
    Shares,
    Spread,
    Sum,
    compare,
    scores,
    similarity,
    typicality,
)
from benchmarks.contracts.image_sets import DIGITS, ImageSet, image_units
from benchmarks.contracts.joint_problems import random_problem
from benchmarks.contracts.label_checks import UnusableSetError
from benchmarks.contracts.published_config import config_and_bucket, rule_of
from benchmarks.outside_data import OutsideData

NOWHERE = OutsideData(Path("/nonexistent"))
CASES: Mapping[str, Case] = {
    module.CASE.name: module.CASE
    for module in (
        balance_targets,
        engine_parity,
        label_errors,
        lightly_config_runs,
        near_duplicates,
        similarity_precision,
    )
}
Result = dict[str, Any]
Spoil = Callable[[Result], None]


@cache
def small(name: str) -> str:
    """Return the results of two seeds at the smallest size, as JSON."""
    case, setting = CASES[name], Setting("small", 2, NOWHERE)
    return json.dumps(
        [
            {"unit": unit.name, **unit.parameters, **case.measure(setting, unit)}
            for unit in case.units(setting)
        ],
        allow_nan=False,
    )


def verdict(name: str, key: str, results: list[Result]) -> str:
    [claim] = [claim for claim in CASES[name].claims if claim.key == key]
    return judge(claim, results).label


def study(name: str) -> Result:
    """Return what the published files of a set give, made up from the counts alone."""
    sha256, n_wrong, counts = label_errors.KNOWN[name]
    others: dict[str, Any] = {method: [[]] for method in label_errors.METHODS}
    ranks = {
        method: [
            list(range(1, first + 1))
            + list(range(101, 101 + second - first))
            + list(range(201, 201 + third - second))
        ]
        for method, (first, second, third) in zip(
            (label_errors.SELF_CONFIDENCE, label_errors.ENTROPY), counts, strict=True
        )
    }
    told = {"set": name, "n": 10_000, "n_wrong": n_wrong, "sha256": sha256, "out_of_order": 0}
    return told | {"ranks": others | ranks}


def whole(name: str) -> list[Result]:
    """Return small results, with what only a full run has put in their place."""
    results: list[Result] = json.loads(small(name))
    if name == "label_errors":
        results += [study(each) for each in label_errors.KNOWN]
    elif name == "lightly_config_runs":
        results += [r | {"bucket": lightly_config_runs.FOLDER} for r in copy.deepcopy(results)]
    elif name == "engine_parity":
        theirs = copy.deepcopy(results)
        for result in theirs:
            result["against"] = "engine"
            for problem in result["problems"]:
                problem[engine_parity.PEER] = problem[engine_parity.OURS]
        results += theirs
    return results


def as_random(*path: str, method: str, random: str = "random") -> Spoil:
    """Put random's numbers in the method's place."""

    def spoil(result: Result) -> None:
        part: Any = result
        for key in path:
            part = part.get(key, {})
        if method in part:
            part[method] = part[random]

    return spoil


def one_more(*path: str) -> Spoil:
    """Add one to a number."""

    def spoil(result: Result) -> None:
        part: Any = result
        for key in path[:-1]:
            part = part.get(key, {})
        if path[-1] in part:
            part[path[-1]] += 1

    return spoil


def worse_pick(whose: str, against: str) -> Spoil:
    def spoil(result: Result) -> None:
        if result["against"] == against:
            part = result["problems"][0][whose]
            part["marks"] = part["marks"][:-1] + "-"

    return spoil


def unranked(result: Result) -> None:
    """Move the first error that self-confidence found among the first 500 behind the 500."""
    if result["set"] != "digits":
        del result["ranks"][label_errors.SELF_CONFIDENCE][0][0]


def only_random(result: Result) -> None:
    for each in result.get("classes", []):
        each["hits"][similarity_precision.SIMILARITY] = each["hits"]["random"]


def misplaced_once(result: Result) -> None:
    result["classes"][3]["misplaced"] = 1


def group_lost(result: Result) -> None:
    kept = result["noise"]["methods"][near_duplicates.DIVERSITY]["groups_kept"]
    kept[0], kept[1] = kept[0] + 1, kept[1] - 1


def refused(result: Result) -> None:
    result["complaints"] = ["strategies[0]: something is not understood"]


def changed_by_scale(result: Result) -> None:
    result["same_rescaled"][0] = False


def random_order(result: Result) -> None:
    for problem in result["problems"]:
        problem[engine_parity.OURS] = problem.get("random order", {"marks": "-"})


OURS = lightly_config_runs.OURS
SPOILT: list[tuple[str, str, Spoil]] = [
    *(("label_errors", f"{n}_verified", one_more("n_wrong")) for n in label_errors.KNOWN),
    *(("label_errors", f"{n}_top", unranked) for n in label_errors.KNOWN),
    ("label_errors", "order", one_more("out_of_order")),
    *(
        ("label_errors", f"{start}beats_{other}", as_random("ranks", method="self-confidence", random=other))
        for start in ("", "planted_")
        for other in ("entropy", "random")
    ),
    ("balance_targets", "definition", one_more("wanted", "INPUT", "worse_than_definition")),
    ("balance_targets", "reaches_target", as_random("wanted", "TARGET", "classes", method="BALANCE")),
    ("balance_targets", "uniform_exact", as_random("wanted", "UNIFORM", "classes", method="BALANCE")),
    *(
        ("balance_targets", f"beats_random_{w.lower()}", as_random("wanted", w, "classes", method="BALANCE"))
        for w in balance_targets.WANTED
    ),
    ("similarity_precision", "same_ranking", misplaced_once),
    ("similarity_precision", "beats_random", only_random),
    ("near_duplicates", "none_too_near", one_more("shift", "methods", "DIVERSITY", "too_near")),
    ("near_duplicates", "none_too_near", one_more("noise", "methods", "DIVERSITY x WEIGHTS", "too_near")),
    ("near_duplicates", "none_lost", one_more("noise", "methods", "DIVERSITY", "left_out_alone")),
    ("near_duplicates", "one_of_each", group_lost),
    ("near_duplicates", "one_of_each", as_random("noise", "methods", method="DIVERSITY")),
    ("near_duplicates", "beats_random_noise", as_random("noise", "methods", method="DIVERSITY")),
    ("near_duplicates", "beats_random_shift", as_random("shift", "methods", method="DIVERSITY")),
    *(
        ("lightly_config_runs", f"{start}{key}", spoil)
        for start in ("", "made_")
        for key, spoil in (
            ("unchanged", refused),
            ("size", one_more("asked")),
            ("definition", one_more("worse_than_definition")),
        )
    ),
    ("lightly_config_runs", "joint", as_random("objectives", method=OURS)),
    ("lightly_config_runs", "balance", as_random("off_target", method=OURS, random="first by name")),
    ("lightly_config_runs", "spread", as_random("objectives", method=OURS, random="first by name")),
    ("engine_parity", "formulas", worse_pick(engine_parity.OURS, "formulas")),
    ("engine_parity", "formulas", random_order),
    ("engine_parity", "rescaled", changed_by_scale),
    ("engine_parity", "one_class", one_more("one_class")),
    ("engine_parity", "engine", worse_pick(engine_parity.PEER, "engine")),
    ("engine_parity", "engine_and_ours", worse_pick(engine_parity.OURS, "engine")),
]  # fmt: skip
"""Each claim with a way to spoil its results, a little or altogether."""


@pytest.mark.parametrize("name", CASES)
def test_what_is_meant_for_the_small_size_holds(name: str) -> None:
    results = json.loads(small(name))
    for claim in CASES[name].claims:
        if "small" in claim.sizes:
            assert judge(claim, results).holds, claim.key


@pytest.mark.parametrize(("name", "key", "spoil"), SPOILT)
def test_spoilt_results_are_not_reproduced(name: str, key: str, spoil: Spoil) -> None:
    results = whole(name)
    before = verdict(name, key, results)
    assert before != "not run"
    if key not in ("spread", "joint"):  # claimed of the published bucket, not of the made-up one
        assert before != "not reproduced"
    for result in results:
        spoil(result)
    assert verdict(name, key, results) == "not reproduced"


def test_every_claim_is_spoilt() -> None:
    claims = {(name, claim.key) for name, case in CASES.items() for claim in case.claims}
    assert {(name, key) for name, key, _ in SPOILT} == claims


def test_labels_are_wrong_when_fewer_than_three_of_five_stand_by_them() -> None:
    votes = [(4, 3), (1, 2), (0, 0), (2, 5)]
    answers = [{"id": row, "mturk": {"given": n, "guessed": 5 - n}} for row, n in votes]
    assert label_checks.verified_errors(answers, 5).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"id": "val/7", "mturk": {"given": 1}}, "an answer is about row 'val/7' of 5"),
        ({"id": 5, "mturk": {"given": 1}}, "an answer is about row 5 of 5"),
        ({"id": 1, "mturk": {"positive": 5}}, "its answers do not count who chose the given label"),
    ],
)
def test_answers_that_cannot_be_judged(answer: Any, message: str) -> None:
    with pytest.raises(UnusableSetError) as caught:
        label_checks.verified_errors([answer], 5)
    assert str(caught.value) == message


def test_a_set_that_was_not_handed_out_is_found_and_ranked(tmp_path: Path) -> None:
    """4 samples of 2 classes; rows 2 and 0 have the least self-confidence, row 2 is wrong.

    Its neighbour lacks the answers of people, and is left out with a reason.
    """
    folder = tmp_path / "label_errors"
    probabilities = np.array([[0.4, 0.6], [0.9, 0.1], [0.99, 0.01], [0.45, 0.55]])
    for name in ("fresh_val_set", "other"):
        for kind, values in (("pyx", probabilities), ("original_labels", np.array([0, 0, 1, 1]))):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            np.save(folder / kind / f"{name}_{kind}.npy", values)
    (folder / "mturk").mkdir()
    answers = [{"id": 2, "mturk": {"given": 0}}, {"id": 0, "mturk": {"given": 5}}]
    (folder / "mturk" / "fresh_mturk.json").write_text(json.dumps(answers))
    setting = Setting("full", 2, OutsideData(tmp_path))
    fresh, other, *digits = label_errors.units(setting)
    assert [unit.name for unit in digits] == ["digits-seed0", "digits-seed1"]
    found = label_errors.measure(setting, fresh)
    assert (found["n"], found["n_wrong"], found["out_of_order"]) == (4, 1, 0)
    assert found["ranks"]["self-confidence"] == [[1]]
    assert found["ranks"]["entropy"] == [[4]]
    assert len(found["ranks"]["random"]) == 2
    assert label_errors.measure(setting, other) == {"left_out": "0 files where one is needed"}
    result = {"set": "fresh", **found}
    assert label_errors.known([result], "mnist") == []
    assert label_errors._lead([result], "entropy") == [0]  # all four are among the first 200


def test_published_counts_of_the_real_files(data_folder: Path) -> None:
    setting = Setting("full", 1, OutsideData(data_folder))
    if not (data_folder / "label_errors").is_dir():
        pytest.skip("no label_errors in the data")
    names = label_checks.names(data_folder / "label_errors")
    results: list[Result] = [
        {"set": name, **label_errors.measure(setting, Unit(name, {"set": name, "seeds": [5]}))}
        for name in names
        if name == "mnist"
    ]
    for claim in label_errors.CASE.claims:
        if claim.key.startswith("mnist") and label_errors.known(results, "mnist"):
            assert judge(claim, results).label == "reproduced"


def test_distance_to_the_shares_wanted() -> None:
    """Of 4 picks 3 and 1 where 2, 1 and 1 are wanted: one sample of four is of a wrong class."""
    assert balance_targets.variation([0, 0, 1, 0], [0.5, 0.25, 0.25]) == 0.25


def test_quotas_go_to_the_largest_remainders() -> None:
    """Shares .5, .3, .2 of 5: 2.5, 1.5, 1 - the first of equal remainders is rounded up."""
    codes = np.array([0, 1, 2] * 5)
    rows = balance_targets.by_quota(codes, np.array([0.5, 0.3, 0.2]), 5)
    assert np.bincount(codes[rows]).tolist() == [3, 1, 1]
    assert rows == [0, 3, 6, 1, 2]


def test_pools_are_skewed_and_targets_can_be_met() -> None:
    rng = np.random.default_rng(0)
    codes = balance_targets.skewed(np.repeat([3, 5, 9], 200), rng)
    counts = np.bincount(codes)
    assert len(counts) == 3
    assert 40 <= counts.min() < counts.max() <= 200
    for n_classes in (2, 10):
        shares = balance_targets.some_shares(n_classes, rng)
        assert shares.sum() == pytest.approx(1)


def test_misplaced_ranks_by_hand() -> None:
    """Distances 3, 1, 2: the order is 1, 2, 0; a tie may come either way round."""
    gaps = np.array([3.0, 1.0, 2.0, 2.0])
    assert similarity_precision.misplaced(gaps, [1, 3, 2, 0]) == 0
    assert similarity_precision.misplaced(gaps, [2, 1, 3, 0]) == 1


def test_precision_counts_hits_of_every_class() -> None:
    """Half of two and all of two: three quarters on average."""
    result = {"classes": [{"hits": {"m": "+-"}}, {"hits": {"m": "++"}}]}
    assert similarity_precision._precision(result, "m", 2) == 0.75


def test_kept_groups_by_hand() -> None:
    """Groups {0, 1}, {10}, {20, 21} on a line, limit 2; 0, 20 and 21 are kept.

    20 and 21 are too near each other; 10 has nobody near; of the two copied images one is kept
    once.
    """
    line = np.array([[0.0], [1.0], [10.0], [20.0], [21.0]], dtype=np.float32)
    planted = planted_duplicates.Planted(line, np.array([0, 0, 1, 2, 2]), 2.0)
    assert near_duplicates.examined(planted, [0, 3, 4], 2.0) == {
        "n_kept": 3,
        "too_near": 1,
        "left_out_alone": 1,
        "groups_kept": [1, 1, 1],
        "copied": 2,
        "copied_kept_once": 1,
    }
    assert planted_duplicates.one_by_one(line, 2.0) == [0, 2, 3]
    assert planted_duplicates.identical(line[[0, 2, 0, 3]]) == [0, 1, 3]


def test_noisy_copies_keep_their_promise() -> None:
    """Within a group all are nearer than the limit, between groups none is."""
    rng = np.random.default_rng(4)
    pixels = rng.random((40, 6, 5)).astype(np.float32)
    images = ImageSet(np.concatenate([pixels, pixels[:3]]), np.zeros(43, dtype=np.intp))
    planted = planted_duplicates.noisy_copies(images, rng)
    gaps = planted_duplicates.distances(planted.vectors, planted.vectors)
    same = planted.group[:, None] == planted.group
    assert planted.n_groups == 40  # the three that were there twice are one each
    assert gaps[same].max() < planted.limit < gaps[~same].min()


def test_no_pair_is_just_as_far_apart_as_the_guessed_limit() -> None:
    """Two by two 1, 2, 3, 4 and 5 apart; the 30 % quantile is 2, the next is 3."""
    at = np.array([0, 1, 100, 102, 200, 203, 300, 304, 400, 405], dtype=np.float32)
    assert planted_duplicates.guessed_limit(at[:, None]) == 2.5


def test_the_worked_example_of_the_definition() -> None:
    """Objectives (21.0, 10.3), (20.8, 10.8), (20.5, 10.9): 216.30, 224.64, 223.45."""
    one, two = np.array([21.0, 20.8, 20.5]), np.array([10.3, 10.8, 10.9])
    rules = [Sum(one, one), Sum(two, two)]
    assert np.exp(scores(rules, [])[1]).round(2).tolist() == [216.3, 224.64, 223.45]
    assert compare(rules, [1]).marks == "+"
    assert compare(rules, [2]).marks == "-"
    assert compare(rules, [2], near=0.01).marks == "~"


def test_diversity_of_objects_on_a_line() -> None:
    """Row 0 has 0 and 1, row 1 has 5, row 2 has 2 and 9, row 3 nothing.

    With row 0 chosen D = 1 + 1; row 1 adds 16; row 2 adds (1 + 64) / 2; row 3 ranks last.
    """
    vectors = np.array([[0.0], [1.0], [5.0], [2.0], [9.0]])
    rule = Spread(vectors, np.array([0, 0, 1, 2, 2]), 4)
    assert rule.value([0]) == 2.0
    assert rule.objective([0])[:3].tolist() == [2.0, 18.0, 34.5]
    assert compare([rule], [2, 1, 3], [0]).marks == "+++"
    assert compare([rule], [3], [0]).marks == "-"


def test_balance_by_hand() -> None:
    """Wanted half and half; after one of the first class the second gives shares 1/2, 1/2."""
    rule = Shares(np.eye(2)[[0, 0, 1]], np.array([2.0, 2.0]))
    first, second = rule.objective([0])[1:]
    assert second == pytest.approx(1 / np.log(2))
    assert first == pytest.approx(1 / (-0.5 * np.log(1e-10)))
    assert rule.value([0, 2]) == pytest.approx(1 / np.log(2))


def test_similarity_and_typicality_by_hand() -> None:
    """Distances 0, 1, 3 to the query, mean 4/3; neighbours on 0, 1, 3: gaps 1, 1, 2, mean 4/3."""
    line, owner = np.array([[0.0], [1.0], [3.0]]), np.arange(3)
    near = similarity(line, owner, line[:1], 3)
    assert near.gains == pytest.approx(np.exp([0, -0.75, -2.25]))
    typical = typicality(line, owner, 1, 3)
    assert typical.gains == pytest.approx(np.exp([-0.75, -0.75, -1.5]))


def test_samples_of_a_joint_problem_are_said_alike_to_both_engines() -> None:
    rng = np.random.default_rng(8)
    problem = random_problem(rng, plain=True)
    told = json.loads(json.dumps(problem.plain()))
    assert (told["n"], told["preselected"]) == (len(problem), list(problem.preselected))
    assert len(told["entries"]) == len(problem.entries)
    assert len(problem.preselected) > 0


def test_a_bucket_is_read_as_it_is_written(tmp_path: Path) -> None:
    lightly_bucket.make(tmp_path, seed=3)
    config, folder = config_and_bucket(tmp_path)
    bucket = lightly_bucket.read(folder, lightly_bucket.MADE_TASK)
    assert len(bucket.names) == 40
    assert sum(record["site"] == "west" for record in bucket.metadata) == 2
    assert {own.shape for own in bucket.boxes} == {(12, 5)}
    assert bucket.frames.sum(axis=1) == pytest.approx([own[:, 4].sum() for own in bucket.boxes])
    balance, objects, frames, weights = [
        rule_of(entry, bucket) for entry in json.loads(config.read_text())["strategies"]
    ]
    assert isinstance(balance, Shares)
    assert balance.counts.sum(axis=0).tolist() == [2, 38]
    assert balance.target.tolist() == [0.125, 0.875]
    assert isinstance(objects, Spread)
    assert len(objects.vectors) == 480
    assert isinstance(frames, Spread)
    assert len(frames.vectors) == 40
    assert isinstance(weights, Sum)
    lowest = min(own[:, 4].min() for own in bucket.boxes)
    top = -lowest * np.log2(lowest) - (1 - lowest) * np.log2(1 - lowest)
    assert weights.gains.max() == pytest.approx(top)
    west = [row for row, record in enumerate(bucket.metadata) if record["site"] == "west"]
    assert lightly_config_runs.off_target([balance], west) == 0.875


def test_units_follow_what_is_in_the_folder(tmp_path: Path) -> None:
    """Every npz is a set of its own; without the folder one unit says what is missing."""
    (tmp_path / "mnist").mkdir()
    for name in ("fresh.npz", "train.npz"):
        (tmp_path / "mnist" / name).touch()
    there = image_units(Setting("full", 1, OutsideData(tmp_path), first_seed=7))
    assert [unit.name for unit in there] == [
        "digits-seed7", "mnist-fresh-seed7", "mnist-train-seed7",
    ]  # fmt: skip
    missing = image_units(Setting("full", 1, NOWHERE))
    assert [(unit.parameters["images"], unit.needs) for unit in missing] == [
        (DIGITS, ""), ("mnist/train.npz", "mnist"),
    ]  # fmt: skip
    assert [unit.needs for unit in image_units(Setting("small", 2, OutsideData(tmp_path)))] == [
        "",
        "",
    ]
