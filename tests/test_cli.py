"""The command line: what it prints, for people and for machines."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from folder_builder import build
from small_dataset import (
    CLASSES,
    DIVERSITY,
    EMBEDDINGS,
    IDS,
    MARGIN,
    RANDOM,
    UNIFORM,
    WEIGHTS,
    Ran,
    config,
    metadata,
    picture,
    selectlab,
    small_dataset,
)

import selectlab as package

JOINT = config((EMBEDDINGS, DIVERSITY), (MARGIN, WEIGHTS), (CLASSES, UNIFORM))
COMMANDS = ["select", "validate", "schema", "strategies", "metrics", "demo"]
MAIN = "import sys; sys.argv[0] = 'selectlab'; from selectlab.cli import main; main()"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    build(tmp_path, {"config.json": JOINT})
    return small_dataset(tmp_path)


def run(data: Path, *options: object) -> Ran:
    given = ["select", data.parent / "config.json", "--data", data]
    return selectlab(*given, "--out", data.parent / "run", *options)


def test_version() -> None:
    assert selectlab("--version") == Ran(0, f"{package.__version__}\n", "")


def test_help_names_every_command_and_where_to_start() -> None:
    ran = selectlab("--help")
    assert ran.code == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", ran.out, re.MULTILINE)
    assert "selectlab demo" in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_says_what_it_does(command: str) -> None:
    ran = selectlab(command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: selectlab {command} ")
    assert len(ran.out.splitlines()[2].strip()) > 20
    for line in ran.out.splitlines():
        assert not line.strip().startswith("--") or len(line.split()) > 1


def test_the_help_of_select_shows_an_example_and_the_next_round() -> None:
    out = " ".join(selectlab("select", "--help").out.split())
    assert "Example: selectlab select config.json --data ./dataset --out ./run1" in out
    assert (
        "Next round: selectlab select config.json --data ./dataset --out ./run2 --preselected"
        in out
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["slect"], "slect"),
        (["select"], "config"),
        (["select", "c.json", "--data", "d", "--out", "o", "-n", "0"], "--n-samples"),
        (["select", "c.json", "--data", "d", "--out", "o", "-n", "x"], "--n-samples"),
        (["demo", "-n", "1001"], "--n-samples"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_names_the_argument(
    arguments: list[str], expected: str
) -> None:
    ran = selectlab(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert expected in ran.err


def test_select_prints_what_was_chosen_and_why(data: Path) -> None:
    ran = run(data, "-n", 2)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    picks = json.loads((data.parent / "run" / "selection.json").read_text())["selected"]
    for pick in picks:
        assert any(re.match(rf"{pick['rank']} +{pick['sample_id']} ", line) for line in lines)
        assert pick["strategies"][1]["reason"] in " ".join(ran.out.split())
    assert "6        samples in the dataset" in ran.out
    assert "2        selected; n_samples 2 reached" in ran.out
    assert f"written: {data.parent}/run/" in ran.out
    assert "\x1b" not in ran.out


def test_select_as_json_prints_json_only(data: Path) -> None:
    ran = run(data, "--json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert set(found) == {"counts", "stop_reason", "warnings", "out", "selected"}
    assert found["out"] == str(data.parent / "run")
    assert found["selected"] == (data.parent / "run" / "selection.txt").read_text().split()
    assert found["counts"]["selected"] == 3


def test_sizes_on_the_command_line_replace_those_of_the_config(data: Path) -> None:
    assert len(json.loads(run(data, "-n", 5, "--json").out)["selected"]) == 5
    ran = run(data, "--proportion-samples", 0.34, "--overwrite", "--json")
    assert len(json.loads(ran.out)["selected"]) == 2


def test_overwrite_replaces_a_run(data: Path) -> None:
    assert run(data).code == 0
    again = run(data)
    assert again.code == 2
    assert again.err.startswith(f"error: {data.parent}/run: holds 5 files already")
    assert run(data, "-n", 1, "--overwrite").code == 0
    assert len((data.parent / "run" / "selection.txt").read_text().split()) == 1


def test_a_run_is_checked_before_any_work(data: Path) -> None:
    """The target is refused although the dataset is not even there."""
    build(data.parent / "run", {"thesis.tex": ""})
    ran = run(data, "--data", data / "nope")
    assert ran.err.startswith(f"error: {data.parent}/run: holds 1 files already")


def test_rounds_on_the_command_line(data: Path) -> None:
    """Three rounds of two are one round of six; --preselected may be repeated."""
    root = data.parent
    whole = json.loads(run(data, "-n", 6, "--json").out)["selected"]
    given = ["select", root / "config.json", "--data", data, "--json", "-n", 2]
    first = selectlab(*given, "--out", root / "1")
    second = selectlab(*given, "--out", root / "2", "--preselected", root / "1")
    lists = ["--preselected", root / "1" / "selection.txt"]
    third = selectlab(*given, "--out", root / "3", *lists, "--preselected", root / "2")
    ids = [name for ran in (first, second, third) for name in json.loads(ran.out)["selected"]]
    assert ids == whole


def test_validate(data: Path) -> None:
    path = data.parent / "config.json"
    assert selectlab("validate", path) == Ran(
        0,
        f"{path}: valid, 3 strategies\n"
        "  strategies[0]: DIVERSITY on embeddings\n"
        "  strategies[1]: WEIGHTS on uncertainty_margin of cls\n"
        "  strategies[2]: BALANCE on class distribution of det\n",
        "",
    )
    with_data = selectlab("validate", path, "--data", data)
    assert with_data.out.endswith("\n6 of 6 samples can be selected\n")
    assert not (data.parent / "run").exists()


def test_validate_as_json(data: Path) -> None:
    ran = selectlab("validate", data.parent / "config.json", "--data", data, "--json")
    found = json.loads(ran.out)
    assert found["valid"] is True
    assert found["config"] == JOINT
    assert found["counts"]["candidates"] == 6
    assert found["warnings"] == []


def test_validate_refuses_what_select_refuses(data: Path) -> None:
    wrong = config((metadata("tt"), WEIGHTS))
    build(data.parent, {"config.json": wrong})
    path = data.parent / "config.json"
    assert selectlab("validate", path).code == 0
    ran = selectlab("validate", path, "--data", data)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "error: strategies[0].input: .lightly/metadata: no metadata key 'tt'; did you mean 't'?\n"
    )


def test_notes_are_shown(data: Path) -> None:
    cold = {"type": "THRESHOLD", "threshold": 4.0, "operation": "SMALLER", "strength": 3.0}
    build(data.parent, {"config.json": config((metadata("t"), cold))})
    note = "note: strategies[0]: THRESHOLD is a filter: its 'strength' is ignored"
    assert note in run(data).out.splitlines()
    ran = selectlab("validate", data.parent / "config.json", "--data", data)
    assert note in ran.out.splitlines()
    assert ran.err == ""


def test_schema_is_json() -> None:
    ran = selectlab("schema")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["title"] == "selectlab selection config"


def test_strategies_lists_what_is_installed_and_what_goes_together() -> None:
    ran = selectlab("strategies")
    assert (ran.code, ran.err) == (0, "")
    for name in ("BALANCE", "DIVERSITY", "SIMILARITY", "THRESHOLD", "TYPICALITY", "WEIGHTS"):
        assert re.search(rf"^{name} +selectlab +\S", ran.out, re.MULTILINE)
    assert re.search(r"^METADATA .* BALANCE, THRESHOLD, WEIGHTS *$", ran.out, re.MULTILINE)


def test_strategies_as_json() -> None:
    found = json.loads(selectlab("strategies", "--json").out)
    assert set(found) == {"inputs", "strategies", "goes_with"}
    on_vectors = ["COVERAGE", "DIVERSITY", "PROTOTYPES", "SIMILARITY", "SPREAD", "TYPICALITY"]
    assert found["goes_with"]["EMBEDDINGS"] == on_vectors
    assert found["strategies"]["DIVERSITY"]["package"] == "selectlab"


def test_strategies_explains_one() -> None:
    for name in ("DIVERSITY", "diversity"):
        ran = selectlab("strategies", name)
        assert (ran.code, ran.err) == (0, "")
        assert "stopping_condition_minimum_distance" in ran.out
    ran = selectlab("strategies", "DIVERSTY")
    assert ran == Ran(2, "", "error: nothing is called 'DIVERSTY'; did you mean 'DIVERSITY'?\n")


def test_metrics_writes_metadata_that_a_config_can_use(data: Path) -> None:
    build(data, {"a/2.png": b"no image"})
    (data / "a/4.png").unlink()
    table = data.parent / "metrics.parquet"
    ran = selectlab("metrics", data, "--out", table, "--workers", 1)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        f"4 of 6 samples measured: {table}\n  without an image: 1\n  unreadable: a/2.png\n"
    )
    import pandas as pd

    frame = pd.read_parquet(table).set_index("sample_id")
    assert set(frame.index) <= set(IDS)
    assert frame.loc["a/0.png", "lightly.width"] == 16
    assert frame.loc["a/0.png", "lightly.height"] == 12


def test_metrics_of_remote_images_need_a_place() -> None:
    assert selectlab("metrics", "s3://bucket/data") == Ran(
        2,
        "",
        "error: --out: say where to write the metrics; s3://bucket/data is not on this machine\n",
    )


def test_links_to_other_datasets(tmp_path: Path) -> None:
    """The query set lies in a folder that --dataset names."""
    data = small_dataset(tmp_path)
    query = small_dataset(tmp_path / "other")
    build(query, {"tags/wanted.txt": "a/4.png\n"})
    source = {**EMBEDDINGS, "dataset_id": "q", "tag_name": "wanted"}
    raw = config((source, {"type": "SIMILARITY"}), n_samples=1)
    build(tmp_path, {"config.json": raw})
    ran = run(data, "--dataset", f"q={query}", "--json")
    assert json.loads(ran.out)["selected"] == ["a/4.png"]


def process(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", MAIN, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]


def test_nothing_but_the_result_is_printed_when_not_on_a_terminal(data: Path) -> None:
    given = ["select", data.parent / "config.json", "--data", data, "--out", data.parent / "run"]
    done = process(*given, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["selected"]) == 3


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    heavy = ["torch", "pandas", "pyarrow", "scipy", "sklearn", "PIL", "fsspec", "rich.progress"]
    code = (
        "import sys\nsys.argv = ['selectlab', '--help']\nfrom selectlab.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_another_hash_seed_and_another_process_agree(data: Path) -> None:
    outcomes = set()
    for seed in ("1", "2"):
        given = ["select", data.parent / "config.json", "--data", data, "--json", "-n", "6"]
        done = process(*given, "--out", data.parent / seed, env={"PYTHONHASHSEED": seed})
        assert done.returncode == 0, done.stderr
        outcomes.add(tuple(json.loads(done.stdout)["selected"]))
    assert len(outcomes) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_an_interrupt_is_no_traceback_and_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a long selection."""
    n = 50_000
    rows = "".join(f"{k}.png,{k}\n" for k in range(n))
    raw = config((RANDOM, WEIGHTS), (metadata("w"), WEIGHTS), n_samples=n)
    build(tmp_path, {"data/metadata.csv": f"sample_id,w\n{rows}", "config.json": raw})
    code = (
        "import sys\nfrom selectlab.engine import greedy\nrun = greedy.run\n"
        "def slow(*given, **more):\n"
        "    print('picking', flush=True)\n    return run(*given, **more)\n"
        "greedy.run = slow\nsys.argv[0] = 'selectlab'\nfrom selectlab.cli import main\nmain()"
    )
    given = [
        "select",
        tmp_path / "config.json",
        "--data",
        tmp_path / "data",
        "--out",
        tmp_path / "o",
    ]
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, given)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "picking\n"
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=240)
    assert child.returncode == 130, err
    assert err.startswith("interrupted while selecting, ")
    assert len(err.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"data", "config.json"}


def test_images_only_is_a_dataset_too(tmp_path: Path) -> None:
    images = {f"data/{k}.png": picture(k) for k in range(3)}
    build(tmp_path, {**images, "config.json": config((RANDOM, WEIGHTS), n_samples=2)})
    found = json.loads(run(tmp_path / "data", "--json").out)
    assert len(found["selected"]) == 2
