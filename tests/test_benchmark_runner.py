"""The runner of the benchmark suite, in a copy of it with one case: resuming, failing, equal."""
# ruff: noqa: E402 - the folder of the benchmarks has to be found first

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from benchmark_suite import Command, small_coins, suite_in

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # `pytest` alone does not look in the folder it runs in

from benchmarks.results import read_folder, read_json


@pytest.fixture
def suite(tmp_path: Path) -> Command:
    """Runs commands in a copy of the suite that has one case, ``coins``."""
    return suite_in(tmp_path)


def lasting(result: Mapping[str, Any]) -> dict[str, Any]:
    """All of a result that does not depend on the hour."""
    gone = ("date", "seconds", "machine")
    return {key: value for key, value in result.items() if key not in gone}


def test_a_result_says_what_it_was_measured_with(suite: Command, tmp_path: Path) -> None:
    found = small_coins(suite, tmp_path, "--seeds", 3, "--first-seed", 5)
    assert (found["case"], found["size"], found["seeds"]) == ("coins", "small", [5, 6, 7])
    assert found["machine"]["cores"] >= 1
    assert {"python", "numpy", "selectlab"} <= set(found["versions"])
    assert [unit["unit"] for unit in found["units"]] == ["thrown-5", "thrown-6", "thrown-7"]
    assert found["skipped"]["mnist"].startswith("mnist is not in the data folder; get it from")
    assert str(tmp_path) not in json.dumps(found)
    fair, heavy, large, penny = found["claims"]
    heads = [sum(unit["flips"]) / 40 for unit in found["units"]]
    assert fair["values"] == heads
    assert (fair["label"], heavy["label"]) == ("reproduced", "not reproduced")
    assert (large["label"], penny["label"]) == ("not run", "not run")
    assert (penny["values"], penny["mean"]) == ([], None)


def test_any_number_of_workers_gives_the_same(suite: Command, tmp_path: Path) -> None:
    one = small_coins(suite, tmp_path, "--seeds", 4, "--workers", 1)
    two = small_coins(suite, tmp_path, "--seeds", 4, "--workers", 2)
    assert lasting(one) == lasting(two)


def test_workers_use_one_thread_each(suite: Command, tmp_path: Path) -> None:
    small_coins(suite, tmp_path, "--workers", 2, log=str(tmp_path / "log"))
    logged = (tmp_path / "log").read_text().split("\n")
    assert {line.split()[2] for line in logged if line} == {"1"}


def test_outside_data_is_used_where_it_is(suite: Command, tmp_path: Path) -> None:
    """One file in the folder is one penny; another file is other data."""
    (tmp_path / "data" / "mnist").mkdir()
    (tmp_path / "data" / "mnist" / "a").write_text("a")
    before = small_coins(suite, tmp_path)
    assert before["claims"][3]["label"] == "reproduced"
    (tmp_path / "data" / "mnist" / "b").write_text("b")
    after = small_coins(suite, tmp_path)
    assert after["claims"][3]["values"] == [2.0]
    assert after["data"]["mnist"] != before["data"]["mnist"]
    assert after["skipped"] == {}


def test_a_killed_run_goes_on(suite: Command, tmp_path: Path) -> None:
    """SIGKILL while unit 3 is in work: 0 to 2 are not done again, and the file is the same."""
    log = tmp_path / "log"
    whole = small_coins(suite, tmp_path, "--seeds", 5, "--workers", 1)
    (tmp_path / "out" / "coins.json").unlink()
    process = started(tmp_path, "--seeds", 5, "--workers", 1, log=str(log), sleep=0.7)
    wait_for(lambda: log.exists() and len(log.read_text().splitlines()) >= 4)
    process.kill()
    process.wait()
    worker = int(log.read_text().split()[1])
    wait_for(lambda: not Path(f"/proc/{worker}").exists())  # it does not stay behind
    assert not (tmp_path / "out" / "coins.json").exists()
    begun = log.read_text().splitlines()
    done = small_coins(suite, tmp_path, "--seeds", 5, "--workers", 1, log=str(log), check=False)
    assert "need no work" in done.stderr
    again = [line.split()[0] for line in log.read_text().splitlines()[len(begun) :]]
    assert not {"thrown-0", "thrown-1", "thrown-2"} & set(again)
    assert "thrown-4" in again
    assert lasting(read_json(tmp_path / "out" / "coins.json")) == lasting(whole)
    assert not list((tmp_path / "cache" / "selectlab-benchmarks" / "units").glob("*/*.json"))


@pytest.mark.parametrize("what", ["nothing", "code", "data", "seeds"])
def test_only_the_same_is_not_measured_again(what: str, suite: Command, tmp_path: Path) -> None:
    """After a run that failed; with nothing changed only what failed is measured."""
    penny, log = tmp_path / "data" / "mnist" / "a", tmp_path / "log"
    penny.parent.mkdir()
    penny.write_text("a")
    orders = {"check": False, "log": str(log)}
    small_coins(suite, tmp_path, fails="thrown-1", **orders)
    log.unlink()
    if what == "data":
        penny.write_text("b")
    if what == "code":
        with (tmp_path / "copy" / "benchmarks" / "cases" / "coins.py").open("a") as file:
            file.write("# changed\n")
    small_coins(suite, tmp_path, "--seeds", 3 if what == "seeds" else 2, **orders)
    again = sorted(line.split()[0] for line in log.read_text().splitlines())
    everything = ["found", "thrown-0", "thrown-1"]
    wanted = {
        "nothing": ["thrown-1"],
        "data": ["found", "thrown-1"],
        "code": everything,
        "seeds": [*everything, "thrown-2"],
    }
    assert again == wanted[what]


def test_fresh_measures_all_anew(suite: Command, tmp_path: Path) -> None:
    log = tmp_path / "log"
    orders = {"log": str(log), "check": False}
    small_coins(suite, tmp_path, fails="thrown-1", **orders)
    small_coins(suite, tmp_path, "--fresh", **orders)
    assert sorted(line.split()[0] for line in log.read_text().splitlines()) == [
        *("thrown-0", "thrown-0", "thrown-1", "thrown-1")
    ]


def test_ctrl_c_ends_the_workers_and_is_said_in_a_line(suite: Command, tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = started(tmp_path, "--workers", 1, log=str(log), waits_for=60)
    peer = tmp_path / "peer"  # a process of the worker
    wait_for(lambda: peer.exists() and bool(peer.read_text()))
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=120) == 130
    said = (tmp_path / "said").read_text()
    assert said.splitlines()[-1] == "stopped; the same command goes on from here"
    assert "Traceback" not in said
    wait_for(lambda: not Path(f"/proc/{log.read_text().split()[1]}").exists())
    wait_for(lambda: not Path(f"/proc/{peer.read_text()}").exists())


@pytest.mark.parametrize(
    ("orders", "line"),
    [
        ({"fails": "thrown-1"}, "error: coins: thrown-1: ValueError: the coin rolled away; tra"),
        ({"dies": "thrown-1"}, "error: coins: thrown-1: its process ended before it was done"),
        ({"nan": "thrown-1"}, "error: coins: thrown-1: ValueError: Out of range float values"),
    ],
    ids=["raises", "dies", "returns NaN"],
)
def test_a_unit_that_fails_is_a_line(
    orders: dict[str, str], line: str, suite: Command, tmp_path: Path
) -> None:
    """No file for its case; what else was done is kept, and the next run does only the rest."""
    other = tmp_path / "copy" / "benchmarks" / "cases" / "other.py"
    text = (ROOT / "tests" / "coins.py").read_text().replace('"coins"', '"other"')
    other.write_text(text.replace("COINS", "OTHER"))
    words = ["--data", tmp_path / "data", "--out", tmp_path / "out", "--workers", 2]
    done = suite("run", *words, check=False, log=str(tmp_path / "log"), **orders)
    assert done.returncode == 1
    [said] = [text for text in done.stderr.splitlines() if text.startswith("error:")]
    assert said.startswith(line)
    if "traceback in" in said:
        assert "Traceback" in Path(said.rpartition("traceback in ")[2]).read_text()
    assert list(read_folder(tmp_path / "out")) == ["other"]
    suite("run", *words, log=str(tmp_path / "log"))
    counted = [text.split()[0] for text in (tmp_path / "log").read_text().splitlines()]
    assert sorted(counted) == ["thrown-0", "thrown-1", "thrown-1"]


def test_a_file_that_cannot_be_loaded_stops_no_other(suite: Command, tmp_path: Path) -> None:
    (tmp_path / "copy" / "benchmarks" / "cases" / "broken.py").write_text("import nowhere")
    done = suite("run", "--data", tmp_path / "data", "--out", tmp_path / "out", check=False)
    assert done.returncode == 1
    assert "error: broken: file: ModuleNotFoundError: No module named 'nowhere'" in done.stderr
    assert list(read_folder(tmp_path / "out")) == ["coins"]


def test_check_fails_where_a_claim_does(suite: Command, tmp_path: Path) -> None:
    """`heavy` does not hold: that is a result, and only --check makes it an error."""
    done = small_coins(suite, tmp_path, check=False)
    assert done.returncode == 0
    assert re.search(
        r"coins/heavy +one half +0\.\S+ \+- .* \(n = 2\) .* not reproduced", done.stdout
    )
    assert "coins/large" not in done.stdout  # is not claimed of a small run
    assert small_coins(suite, tmp_path, "--check", check=False).returncode == 1


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("run", "coin"), "case: nothing is called 'coin'; did you mean 'coins'?"),
        (("run", "speed/similarty"), "did you mean 'speed/similarity'?"),
        (("run", "--data", "nowhere"), "--data: nowhere is not a folder"),
        (
            ("compare", "nowhere", "."),
            "nowhere: neither a folder nor a revision of this repository",
        ),
        (("compare", "benchmarks", "."), "benchmarks: there are no results in it"),
    ],
)
def test_mistakes_are_one_line(words: tuple[str, ...], line: str, suite: Command) -> None:
    done = suite(*words, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.endswith(f"{line}\n")
    assert done.stderr.count("\n") == 1


def test_races_run_from_here_too(suite: Command, tmp_path: Path) -> None:
    words = ["run", "speed/similarity", "--no-peers", "--size", "small", "--first-seed", "3"]
    suite(*words, "--out", tmp_path / "out")
    found = read_json(tmp_path / "out" / "speed" / "similarity.json")
    assert found["seed"] == 3
    assert list(found["contestants"]) == ["ours"]
    assert "similarity: SIMILARITY" in suite("speed", "list").stdout


def started(tmp_path: Path, *words: object, **orders: Any) -> Any:
    """Start a small run of coins and do not wait for it."""
    given = ["--size", "small", "--data", tmp_path / "data", "--out", tmp_path / "out", *words]
    extra = {"COINS": json.dumps(orders), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with (tmp_path / "said").open("w") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks", "run", "coins", *map(str, given)],
            cwd=tmp_path / "copy",
            stderr=said,
            env={**os.environ, "PYTHONPATH": str(ROOT), **extra},
        )


def wait_for(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)
