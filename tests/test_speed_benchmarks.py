"""The speed suite: every case at its smallest size, judged; that the judge notices; the race."""
# ruff: noqa: E402 - the folder of the benchmarks has to be found first

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # `pytest` alone does not look in the folder it runs in

from benchmarks.environments import EnvironmentFailedError, python_of
from benchmarks.outside_data import NoDataError
from benchmarks.results import write_json
from benchmarks.speed import judging
from benchmarks.speed.case import Faster, MemoryBelow, Within, cases
from benchmarks.speed.contestant import (
    Contestant,
    FailedError,
    Process,
    TooSlowError,
    contestants,
)
from benchmarks.speed.data import KINDS, write_vectors
from benchmarks.speed.race import Race, Settings
from benchmarks.speed.report import page
from benchmarks.speed.task import BadAnswerError, Problem, Shape

IN_THIS_ENVIRONMENT = ("ours", "numpy_loop", "torch_loop", "scikit_learn", "command_line")
PAIRS = [
    (name, key)
    for name, case in cases().items()
    for key in (case.ours, *case.peers)
    if key in IN_THIS_ENVIRONMENT
]


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Problem]:
    """The smallest problem of every case."""
    made = {}
    for name, case in cases().items():
        folder = tmp_path_factory.mktemp(name)
        made[name] = case.task.make(folder, case.sizes["small"], case.data, 7)
    return made


Answers = Callable[[str, str], Any]


@pytest.fixture(scope="module")
def answers(problems: dict[str, Problem]) -> Answers:
    """What a contestant answers in a case; each is asked once."""
    return cache(lambda name, key: answer_of(key, problems[name]))


def answer_of(key: str, problem: Problem) -> Any:
    """What a contestant answers, called as its own process calls it."""
    module = contestants()[key].module
    on_disk = problem.parameters.get("on_disk", ())
    arrays = {n: str(p) if n in on_disk else np.load(p) for n, p in problem.files.items()}
    found = getattr(module, problem.task)(arrays, dict(problem.parameters))
    return np.asarray(found[0] if isinstance(found, tuple) else found)


@pytest.mark.parametrize(("name", "key"), PAIRS)
def test_every_case_is_answered_as_the_definition_wants(
    name: str, key: str, problems: dict[str, Problem], answers: Answers
) -> None:
    task = cases()[name].task
    quality = task.judge(problems[name], answers(name, key))
    assert task.complaints(quality) == []
    assert quality["picks"] >= 20


@pytest.mark.parametrize("name", list(cases()))
def test_the_judge_notices_random_rows(name: str, problems: dict[str, Problem]) -> None:
    problem, task = problems[name], cases()[name].task
    n = problem.shape.n
    rows = np.random.default_rng(0).permutation(n)[: min(problem.shape.k, n // 2)]
    assert task.complaints(task.judge(problem, rows))


@pytest.mark.parametrize("name", list(cases()))
def test_the_judge_notices_one_late_wrong_pick(
    name: str, problems: dict[str, Problem], answers: Answers
) -> None:
    """All rows right but the last, which is the worst one left."""
    problem, task = problems[name], cases()[name].task
    key = next(key for case, key in PAIRS if case == name)
    rows = answers(name, key)
    if name == "near_duplicates":
        assert task.complaints(task.judge(problem, rows[:-1]))  # one row too few
        return
    left = np.setdiff1d(np.arange(problem.shape.n), rows)
    wrong = [task.judge(problem, np.append(rows[:-1], row))["violation"] for row in left[:20]]
    assert max(wrong) > 1e-3


@pytest.mark.parametrize("name", list(cases()))
def test_what_is_no_answer_is_refused(name: str, problems: dict[str, Problem]) -> None:
    problem, task = problems[name], cases()[name].task
    for rows in ([0, 1, 1], [0, -1], [problem.shape.n], [], [[0]], [0.5]):
        with pytest.raises(BadAnswerError):
            task.judge(problem, np.array(rows, dtype=None if rows else np.intp))


def test_falling_distances_by_hand() -> None:
    """Points 0, 3 and 7 on a line; centres 0 and then 5: squared 0 9 49, then 0 4 4."""
    line = np.array([[0.0], [3.0], [7.0]], dtype=np.float32)
    centres = np.array([[0.0], [5.0]], dtype=np.float32)
    near = judging.falling(line, np.array([0, 1, 2]), centres, [0, 1, 2])
    assert near.tolist() == [[np.inf] * 3, [0.0, 9.0, 49.0], [0.0, 4.0, 4.0]]


def test_apart_by_hand() -> None:
    """0, 4, 5: after two members 16 + 16; after three 16 + 1 + 1, the closest pair 1."""
    line = np.array([[0.0], [4.0], [5.0]], dtype=np.float32)
    sums, closest = judging.apart(line, [1, 2, 3])
    assert sums.tolist() == [0.0, 32.0, 18.0]
    assert closest == 1.0


def test_shortfalls_by_hand() -> None:
    """Row 2 would have been best (5); row 1 was picked (3) after row 4, which no longer counts."""
    scores = np.array([1.0, 3.0, 5.0, 9.0])
    rows = np.array([0, 1, 2, 4])
    assert judging.shortfall(scores, rows, np.array([4, 1]), 1) == 2.0
    assert judging.fixed_shortfall(np.array([1.0, 3.0, 2.0]), np.array([1, 2])) == 0.0
    assert judging.fixed_shortfall(np.array([1.0, 3.0, 2.0]), np.array([2, 1])) == 1.0
    assert judging.fixed_shortfall(np.array([1.0, 3.0, 2.0]), np.array([1, 0])) == 1.0


def test_large_answers_are_judged_on_a_part_with_all_picks_in_it() -> None:
    picked = np.array([3, 70_000_000])
    rows = judging.draw(100_000_000, picked, 100_000, 512)
    assert np.isin(picked, rows).all()
    assert 1000 <= len(rows) < 20_000
    looks = judging.positions(10_000, 1_000_000)
    assert (looks[0], looks[-1]) == (0, 9_999)
    assert len(looks) < 25


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "mnist"])
def test_rows_have_length_one_and_follow_the_seed(kind: str, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert write_vectors(tmp_path / f"{name}.npy", kind, 300, 24, seed) == 300
    a, b, c = (np.load(tmp_path / f"{name}.npy") for name in "abc")
    np.testing.assert_allclose(np.linalg.norm(a, axis=1), 1, atol=1e-5)
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_half_of_the_duplicates_are_copies(tmp_path: Path) -> None:
    write_vectors(tmp_path / "v.npy", "duplicates", 1000, 16, 0)
    vectors = np.load(tmp_path / "v.npy")
    assert len(np.unique(vectors, axis=0)) == 750
    gaps = np.sqrt(np.maximum(2 - 2 * (vectors @ vectors.T).astype(float), 0))
    np.fill_diagonal(gaps, np.inf)
    assert 0.5 <= (gaps.min(axis=1) < 0.02).mean() <= 0.9


def test_mnist_has_as_many_rows_as_there_are(
    tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELECTLAB_DATA", str(data_folder))
    assert write_vectors(tmp_path / "v.npy", "mnist", 100_000, 16, 0) == 70_000


def test_missing_mnist_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELECTLAB_DATA", str(tmp_path))
    with pytest.raises(NoDataError, match=r"mnist is not in .* --data or SELECTLAB_DATA"):
        write_vectors(tmp_path / "v.npy", "mnist", 10, 16, 0)


def settings(tmp_path: Path, **fields: Any) -> Settings:
    plain = Settings(
        size="small",
        environments=tmp_path / "e",
        repeats=2,
        say=lambda _: None,
        peers=["numpy_loop"],
    )
    return replace(plain, **fields)


def test_a_race_measures_everyone_in_turn(tmp_path: Path) -> None:
    found = Race(cases()["diversity_100k"], settings(tmp_path)).run()
    assert list(found["contestants"]) == ["ours", "numpy_loop"]
    for told in found["contestants"].values():
        assert told["status"] == "ran"
        assert len(told["seconds"]) == 2
        assert min(told["seconds"]) <= told["median_s"] <= max(told["seconds"])
        assert told["memory_mb"] >= 0
        assert told["same_every_time"]
        assert told["complaints"] == []
        assert told["versions"]["numpy"]
    ratio = found["ratios"]["numpy_loop"]
    ours, numpy = found["contestants"].values()
    assert ratio["of_medians"] == pytest.approx(numpy["median_s"] / ours["median_s"])
    assert found["plain_gflop"] == 2 * 2000 * 32 * 50 / 1e9


def test_who_would_take_too_long_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.speed.race.ESTIMATED_FROM", 0.0)
    case = replace(cases()["joint_100k"], patience_s=1e-2, sizes={"small": Shape(9_000, 64, 900)})
    found = Race(case, settings(tmp_path, peers=["numpy_loop"])).run()
    told = found["contestants"]["numpy_loop"]
    assert told["status"] == "not run"
    assert told["median_s"] is None
    assert told["estimate_s"] > 5e-3


PROGRAMS = {
    "raises": "raise ValueError('no such thing')",
    "dies": "import os; os._exit(3)",
    "prints": "print('hello'); return [0]",
    "sleeps": "import time; time.sleep(60)",
}


@pytest.mark.parametrize("program", list(PROGRAMS))
def test_a_race_survives_what_contestants_do(program: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.py"
    head = "NAME = WHAT = 'odd'\nREQUIREMENTS = ()\nPACKAGES = ()\n"
    path.write_text(f"{head}def diversity(arrays, parameters):\n    {PROGRAMS[program]}\n")
    problem = cases()["diversity_100k"].task.make(tmp_path, Shape(50, 4, 2), "clustered", 0)
    module = type(sys)("odd")
    vars(module).update(NAME="odd", WHAT="odd", REQUIREMENTS=(), PACKAGES=(), __file__=str(path))
    with Process(Contestant("odd", module), Path(sys.executable)) as process:
        process.load(problem)
        if program == "prints":
            assert process.run(tmp_path / "answer.npy", 240)["seconds"] >= 0
            assert np.load(tmp_path / "answer.npy").tolist() == [0]
            return
        wanted = {"raises": "no such thing", "dies": "its process ended", "sleeps": "stopped"}
        error = TooSlowError if program == "sleeps" else FailedError
        with pytest.raises(error, match=wanted[program]):
            process.run(tmp_path / "answer.npy", 0.3 if program == "sleeps" else 240)


def test_an_environment_that_cannot_be_made_is_said_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailedError, match="environment of odd: "):
        python_of("odd", [str(tmp_path / "missing.whl")], tmp_path / "envs")


RESULT: dict[str, Any] = {
    "ours": "ours",
    "contestants": {"ours": {"median_s": 2.0, "memory_mb": 80.0, "status": "ran"}},
    "ratios": {
        "mundig": {"of_medians": 30.0, "median_of_rounds": 31.0, "at_least": False},
        "numpy_loop": {"of_medians": 5.0, "median_of_rounds": None, "at_least": True},
    },
}


def test_targets_by_hand() -> None:
    assert Faster("mundig", 25).verdict(RESULT).met is True
    assert Faster("mundig", 31).verdict(RESULT).met is False
    assert Faster("numpy_loop", 4).verdict(RESULT).met is True
    assert Faster("numpy_loop", 6).verdict(RESULT).met is None  # was not run to the end
    assert Faster("torch_loop", 1).verdict(RESULT).met is None
    assert Within(3).verdict(RESULT).met is True
    assert Within(2).verdict(RESULT).met is False
    assert MemoryBelow(100).verdict(RESULT).met is True


def test_the_command_writes_results_and_a_page(tmp_path: Path) -> None:
    words = ["run", "similarity", "--peers", "numpy_loop,scikit_learn", "--repeats", "2"]
    speed(*words, "--data", "low_dim", "--out", tmp_path / "results")
    found = json.loads((tmp_path / "results" / "similarity-low_dim.json").read_text())
    assert found["machine"]["cores"] >= 1
    assert found["limits"]["memory_read_gb_per_s"] > 0
    assert {"numpy", "selectlab", "commit"} <= set(found["versions"])
    assert found["contestants"]["scikit_learn"]["quality"]["violation"] < 1e-6
    speed("report", "--results", tmp_path / "results", "--out", tmp_path / "README.md")
    written = (tmp_path / "README.md").read_text()
    assert "`similarity`, data `low_dim`, seed 0: 3,000 rows, 32 dimensions" in written


def test_the_page_says_what_was_promised_and_what_was_not_run(tmp_path: Path) -> None:
    found = Race(cases()["diversity_100k"], settings(tmp_path)).run()
    told = found["contestants"]["numpy_loop"]
    told |= {"median_s": None, "status": "not run", "why": "about 900 s"}
    found["ratios"]["numpy_loop"] = {"of_medians": 60.0, "median_of_rounds": None, "at_least": True}
    found |= {
        "targets": [{"text": "at least 25x faster", "measured": "60x", "met": False}],
        "machine": {"processor": "P", "cores": 2, "memory_gb": 4.0},
        "limits": {
            "sgemm_gflops": {"1": 100.0, "2": 200.0},
            "memory_read_gb_per_s": 10.0,
            "disk_read_gb_per_s": 1.0,
        },
        "versions": {"selectlab": "0", "commit": "c", "python": "3", "numpy": "2"},
        "date": "2030-01-01T00:00:00+00:00",
    }
    write_json(tmp_path / "diversity_100k.json", found)
    text = page(tmp_path, tmp_path)
    assert "| at least 25x faster | 60x | **no** |" in text
    assert "(not run: about 900 s)" in text
    assert "> 60" in text


def test_an_unknown_name_is_an_error_in_words() -> None:
    done = speed("run", "diversty", check=False)
    assert done.returncode == 2
    assert "nothing is called 'diversty'" in done.stderr


def speed(*words: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.speed", *map(str, words)]
    wide = {**os.environ, "COLUMNS": "300"}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=check, env=wide)
