"""``selectlab round`` and ``labels``: every command, what it prints, and its errors in one line."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from folder_builder import build, png
from small_dataset import (
    CLASSES,
    DET,
    DIVERSITY,
    EMBEDDINGS,
    IDS,
    RANDOM,
    UNIFORM,
    WEIGHTS,
    Ran,
    config,
    selectlab,
    small_dataset,
)

import selectlab as package
from selectlab.earlier import read_earlier
from selectlab.rounds import Rounds
from selectlab.rounds.presence import has_begun

ROUND = ("start", "status", "list", "add", "forget", "new")
LABELS = ("import", "list", "export")
DIVERSE = config((EMBEDDINGS, DIVERSITY), n_samples=2)
BALANCED = config((CLASSES, UNIFORM), n_samples=2)


@pytest.fixture(autouse=True)
def no_team(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SELECTLAB_STORE", raising=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return small_dataset(tmp_path)


def done(*arguments: object) -> str:
    ran = selectlab(*arguments)
    assert ran.code == 0, ran
    return ran.out


def told(*arguments: object) -> Any:
    return json.loads(done(*arguments, "--json"))


def refused(*arguments: object) -> str:
    ran = selectlab(*arguments)
    assert ran.code == 2, ran
    assert ran.err.splitlines()[-1].startswith("error: ")
    return ran.err.splitlines()[-1].removeprefix("error: ")


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


def run(data: Path, name: str, *more: object, about: Any = None) -> Ran:
    """Select into ``data/../NAME``."""
    path = data.parent / "config.json"
    path.write_text(json.dumps(about or DIVERSE), encoding="utf-8")
    return selectlab("select", path, "--data", data, "--out", data.parent / name, *more)


def ids_of(data: Path, name: str) -> list[str]:
    return (data.parent / name / "selection.txt").read_text(encoding="utf-8").splitlines()


def coco(*images: tuple[str, list[str]], names: tuple[str, ...] = ("car", "bus")) -> Any:
    """A COCO file: image names with a box for each category."""
    return {
        "images": [
            {"id": k, "file_name": name, "width": 16, "height": 12}
            for k, (name, _) in enumerate(images)
        ],
        "categories": [{"id": k, "name": name} for k, name in enumerate(names)],
        "annotations": [
            {"id": 100 * k + j, "image_id": k, "category_id": names.index(seen),
             "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}
            for k, (_, all_seen) in enumerate(images)
            for j, seen in enumerate(all_seen)
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    "command", [f"round {c}" for c in ROUND] + [f"labels {c}" for c in LABELS] + ["round", "labels"]
)
def test_help_teaches(command: str) -> None:
    ran = selectlab(*command.split(), "--help")
    assert ran.code == 0
    assert f"Usage: selectlab {command}" in ran.out
    if " " in command:
        assert f"Example: selectlab {command}" in ran.out


# Rounds


def test_the_loop_command_by_command(data: Path, tmp_path: Path) -> None:
    assert done("round", "status", data) == "no rounds; 'selectlab round start' begins one\n"
    assert done("round", "list", data) == (
        "no runs; 'selectlab select' records them, 'selectlab round add' adds one\n"
    )
    begun = done("round", "start", data, "--name", "pilot")
    store = data.resolve() / ".selectlab" / "campaigns.db"
    assert begun == f"round 'pilot' has begun, with 6 samples in the dataset: {store}\n"

    first = run(data, "run1")
    assert first.err == (
        "starts from 0 samples of the ledger: 1 round, 0 labelled\nrecorded in round 'pilot'\n"
    )
    labels = build(tmp_path, {"labels.json": coco((ids_of(data, "run1")[0], ["car"]))})
    done("labels", "import", labels / "labels.json", "--data", data)
    second = run(data, "run2")
    assert second.err == (
        "starts from 2 samples of the ledger: 1 round, 1 labelled\nrecorded in round 'pilot'\n"
    )
    assert not set(ids_of(data, "run1")) & set(ids_of(data, "run2"))
    held = read_earlier(tmp_path / "run2")
    assert list(held.ids) == ids_of(data, "run1") + ids_of(data, "run2")
    assert done("round", "list", data, "--ids").splitlines() == list(held.ids)

    done("round", "start", data)
    status = rows(done("round", "status", data))
    assert status[1][0] == "pilot"
    assert status[1][3:] == ["2", "4", "0", "0", "1", "file:", "1", "labelled"]
    assert status[2][0] == "2"
    assert status[2][3:] == ["0"] * 5
    listed = rows(done("round", "list", data))
    assert [row[1:5] for row in listed[1:]] == [
        ["1", "run1", "selection", "2"], ["1", "run2", "selection", "2"]
    ]  # fmt: skip
    manifest = json.loads((tmp_path / "run2" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["ledger"]["round"] == "pilot"
    assert manifest["ledger"]["runs"] == [listed[1][0]]


def test_without_a_ledger_nothing_changes(data: Path, tmp_path: Path) -> None:
    """Neither the output nor the folder of the dataset."""
    plain = run(data, "plain")
    assert (plain.code, plain.err) == (0, "")
    assert not (data / ".selectlab").exists()
    ignoring = run(data, "ignoring", "--no-ledger")
    assert (ignoring.code, ignoring.err) == (0, "")
    assert "ledger" not in json.loads((tmp_path / "plain" / "manifest.json").read_text())
    (data / ".selectlab").mkdir()
    with closing(sqlite3.connect(data / ".selectlab" / "campaigns.db")) as connection:
        connection.execute("CREATE TABLE campaigns (id INTEGER)")
        connection.commit()
    assert run(data, "beside campaigns").err == ""


def test_validate_counts_what_select_would_start_from(data: Path) -> None:
    """6 samples: one stands in preselected.txt, the ledger's run took two of the other five."""
    build(data, {"preselected.txt": f"{IDS[0]}\n"})
    path = data.parent / "config.json"
    plain = run(data, "plain", "--no-ledger")
    assert plain.code == 0
    assert done("validate", path, "--data", data).endswith(
        "\n5 of 6 samples can be selected; 1 selected already\n"
    )
    assert run(data, "one", "--record").code == 0
    checked = selectlab("validate", path, "--data", data)
    assert checked.err == "starts from 2 samples of the ledger: 1 round, 0 labelled\n"
    assert checked.out.endswith("\n3 of 6 samples can be selected; 3 selected already\n")
    without = told("validate", path, "--data", data, "--no-ledger")
    assert without["counts"]["candidates"] == 5
    given = told("validate", path, "--data", data, "--preselected", data.parent / "plain")
    assert given["counts"]["preselected"] == 3
    for name, more in (("two", ()), ("three", ("--no-ledger",))):
        counts = told("validate", path, "--data", data, *more)["counts"]
        assert run(data, name, *more).code == 0
        manifest = json.loads((data.parent / name / "manifest.json").read_text())
        assert manifest["counts"] | counts == manifest["counts"]


def test_no_ledger_leaves_it_alone(data: Path) -> None:
    done("round", "start", data)
    run(data, "run1")
    before = told("round", "list", data)
    assert run(data, "again", "--no-ledger").err == ""
    assert ids_of(data, "again") == ids_of(data, "run1")
    assert told("round", "list", data) == before
    assert refused(
        "select", data.parent / "config.json", "--data", data, "--out", data.parent / "x",
        "--no-ledger", "--record",
    ) == "--record: does not go with --no-ledger"  # fmt: skip


def test_record_begins_the_ledger_with_the_run(data: Path) -> None:
    assert run(data, "run1", "--record").err == "recorded in round '1'\n"
    assert told("round", "list", data)[0]["name"] == "run1"
    broken = run(data, "run2", "--record", about=config((EMBEDDINGS, DIVERSITY), n_samples=0))
    assert broken.code == 2
    assert len(told("round", "list", data)) == 1


def test_preselected_replaces_what_the_ledger_says_but_the_run_is_recorded(data: Path) -> None:
    done("round", "start", data)
    run(data, "run1")
    other = next(name for name in IDS if name not in ids_of(data, "run1"))
    build(data.parent, {"before.txt": f"{other}\n"})
    again = run(data, "run2", "--preselected", data.parent / "before.txt")
    assert again.err == (
        "--preselected replaces 2 samples of the ledger; labels of 0 count\nrecorded in round '1'\n"
    )
    run(data, "plain", "--no-ledger", "--preselected", data.parent / "before.txt")
    assert ids_of(data, "run2") == ids_of(data, "plain")
    assert [one["name"] for one in told("round", "list", data)] == ["run1", "run2"]


def test_runs_are_added_forgotten_and_brought_back(data: Path, tmp_path: Path) -> None:
    run(data, "old")
    added = done("round", "add", tmp_path / "old", "--data", data)
    number = told("round", "list", data)[0]["run"]
    line = f"run {number} (old): 2 samples chosen in round '1'\n"
    store = data / ".selectlab" / "campaigns.db"
    begun = f"this begins the ledger, from which 'selectlab select' starts: {store}\n"
    assert added == line + begun
    again = done("round", "add", tmp_path / "old", "--data", data)
    assert again == f"run {number} (old): recorded already, as 'old', in round '1'\n"
    assert done("round", "forget", "old", "--data", data) == (
        f"run {number} (old): forgotten, 2 samples\n"
    )
    assert done("round", "list", data, "--ids") == ""
    run(data, "afresh")
    assert ids_of(data, "afresh") == ids_of(data, "old")
    done("round", "forget", tmp_path / "afresh", "--data", data)
    assert done("round", "add", tmp_path / "old", "--data", data) == line
    assert done("round", "list", data, "--ids").splitlines() == ids_of(data, "old")
    build(tmp_path, {"mine.txt": "a/5.png\n"})
    assert told("round", "add", tmp_path / "mine.txt", "--data", data)["chosen"] == 1
    kinds = [(one["name"], one["kind"], one["place"]) for one in told("round", "list", data)]
    assert kinds[1] == ("mine", "ids", "")
    assert kinds[0] == ("old", "selection", str(tmp_path / "old"))


def test_runs_that_cannot_be_added(data: Path, tmp_path: Path) -> None:
    build(tmp_path, {"foreign.txt": "x.png\n"})
    assert refused("round", "add", tmp_path / "foreign.txt", "--data", data).startswith(
        f"{tmp_path / 'foreign.txt'}: 1 of 1 ids are not in the dataset, first 'x.png'"
    )
    assert "No such file" in refused("round", "add", tmp_path / "none", "--data", data)
    assert refused("round", "forget", "x", "--data", data) == (
        "run 'x': the ledger has no such run; there are none yet"
    )
    assert not (data / ".selectlab" / "campaigns.db").exists() or not has_begun(
        data / ".selectlab" / "campaigns.db"
    )


def test_a_run_that_was_written_but_not_recorded(data: Path, tmp_path: Path) -> None:
    """The ledger cannot be written at the end: the run is there, and a line says what to do."""
    done("round", "start", data)
    store = data / ".selectlab" / "campaigns.db"
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON choices BEGIN "
                           "SELECT RAISE(ABORT, 'database or disk is full'); END")  # fmt: skip
        connection.commit()
    ran = run(data, "run1")
    assert ran.code == 2
    assert ran.err.splitlines()[-1] == (
        f"error: store {store.resolve()}: database or disk is full; {tmp_path / 'run1'}/ is "
        f"written, but not recorded: selectlab round add {tmp_path / 'run1'} --data ..."
    )
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("DROP TRIGGER full")
        connection.commit()
    assert run(data, "run1").code == 2
    done("round", "add", tmp_path / "run1", "--data", data)
    assert done("round", "list", data, "--ids").splitlines() == ids_of(data, "run1")


def test_a_recorded_run_and_its_folder_have_the_same_id(data: Path, tmp_path: Path) -> None:
    done("round", "start", data)
    run(data, "run1")
    run(data, "run2")
    before = told("round", "list", data)
    for name in ("run1", "run2"):
        done("round", "add", tmp_path / name, "--data", data)
    assert told("round", "list", data) == before


def test_what_is_new(data: Path, tmp_path: Path) -> None:
    assert refused("round", "new", data).endswith("'selectlab round start' begins one")
    done("round", "start", data)
    run(data, "run1", about=config((RANDOM, WEIGHTS), n_samples=2))
    assert done("round", "new", data) == ""
    build(data, {"b/new é.png": png(), "b/#2.png": png()})
    ran = selectlab("round", "new", data)
    assert ran.out == "b/#2.png\nb/new é.png\n"
    assert ran.err == "2 samples new since round '1'\n"
    done("round", "start", data, "--name", "two")
    assert told("round", "new", data)["new"] == ["b/#2.png", "b/new é.png"]
    assert told("round", "new", data, "--since", 2)["new"] == []
    picked = run(data, "run2", "--only-new", about=config((RANDOM, WEIGHTS), n_samples=5))
    assert picked.code == 0
    assert sorted(ids_of(data, "run2")) == ["b/#2.png", "b/new é.png"]
    assert "-4       removed by only_new" in picked.out
    assert (
        refused("round", "new", data, "--since", 3)
        == "since: there is no round 3; there are 1 to 2"
    )


def test_only_new_without_a_ledger(data: Path) -> None:
    ran = run(data, "run1", "--only-new")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "nothing tells what is new, there is no ledger" in ran.err


def test_a_store_elsewhere(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--store and the environment; the dataset stays clean."""
    place = tmp_path / "team" / "rounds.db"
    done("round", "start", data, "--store", place)
    assert run(data, "run1", "--store", place).err.endswith("recorded in round '1'\n")
    assert run(data, "plain").err == ""
    monkeypatch.setenv("SELECTLAB_STORE", str(place))
    assert run(data, "run2").err.startswith("starts from 2 samples of the ledger")
    assert len(told("round", "list", data)) == 2
    assert not (data / ".selectlab").exists()


def test_a_folder_that_cannot_be_written(data: Path, tmp_path: Path) -> None:
    """Selecting from it goes on, with and without what was recorded before."""
    done("round", "start", data)
    run(data, "run1")
    store = data / ".selectlab" / "campaigns.db"
    assert not store.with_name("campaigns.db-wal").exists()
    assert has_begun(store)
    copy = tmp_path / "broken.db"
    copy.write_bytes(b"no database at all, but long enough for a header to be read " * 20)
    with pytest.raises(package.errors.DataError, match=r"broken.db: file is not a database"):
        has_begun(copy)


def test_select_needs_no_database_libraries_where_there_is_no_ledger(data: Path) -> None:
    """And says what is missing where there is one."""
    program = "import sys; sys.modules['sqlalchemy'] = None; from selectlab.cli import main; main()"

    def ran(name: str) -> subprocess.CompletedProcess[str]:
        words = ["select", data.parent / "config.json", "--data", data, "--out", data.parent / name]
        command = [sys.executable, "-c", program, *map(str, words)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=dict(os.environ)
        )

    run(data, "run1")
    assert ran("a").returncode == 0
    done("round", "start", data)
    refused_run = ran("b")
    assert (refused_run.returncode, refused_run.stderr) == (
        2,
        "error: campaigns and rounds: need SQLAlchemy and alembic; install them with: pip install "
        "'selectlab[campaigns]'\n",
    )


def test_python_starts_from_the_ledger_too(data: Path) -> None:
    rounds = Rounds(data)
    rounds.start("pilot")
    first = package.select(DIVERSE, data)
    assert rounds.record(first).round.name == "pilot"
    second = package.select(DIVERSE, data)
    assert second.preselected == first.ids
    assert package.select(DIVERSE, data, ledger=False).ids == first.ids
    assert rounds.runs()[0].name == rounds.runs()[0].run


# Labels


def test_labels_come_in_and_go_out(data: Path, tmp_path: Path) -> None:
    given = coco(("a/1.png", ["bus", "car", "bus"]), ("2.png", []), ("x.png", ["car"]))
    build(tmp_path, {"labels.json": given})
    assert done("labels", "list", data) == "no labels; 'selectlab labels import' brings them in\n"
    ran = selectlab("labels", "import", tmp_path / "labels.json", "--data", data)
    assert ran.code == 0
    assert ran.out == f"{tmp_path / 'labels.json'}: 2 labelled samples: 2 new\n"
    shown = [line for line in ran.err.splitlines() if line.startswith("no sample: ")]
    assert len(shown) == 1
    assert shown[0].endswith(f"'x.png' is no sample of {data}")
    again = done("labels", "import", tmp_path / "labels.json", "--data", data)
    assert again.endswith(": 2 labelled samples: 2 unchanged\n")
    listed = rows(done("labels", "list", data))
    assert listed[1][:7] == [
        "a/1.png",
        "any",
        "2",
        "bus,",
        "1",
        "car",
        str(tmp_path / "labels.json"),
    ]
    assert listed[2][:3] == ["a/2.png", "any", "nothing"]
    assert done("labels", "list", data, "--ids", "-n", 1) == "a/1.png\n"
    held = told("labels", "list", data)
    assert [shape["box"] for shape in held[0]["shapes"]] == [[1, 2, 3, 4]] * 3

    written = done("labels", "export", data, "--format", "coco", "--to", tmp_path / "out")
    assert written == f"2 labelled samples written: {tmp_path / 'out'}\n"
    out = json.loads((tmp_path / "out" / "annotations.json").read_text(encoding="utf-8"))
    assert [image["file_name"] for image in out["images"]] == ["a/1.png", "a/2.png"]
    assert sorted(one["category_id"] for one in out["annotations"]) == [0, 1, 1]
    assert {one["id"]: one["name"] for one in out["categories"]} == {0: "car", 1: "bus"}
    back = done("labels", "import", tmp_path / "out", "--data", data)
    assert back.endswith(": 2 labelled samples: 2 unchanged\n")


def test_strict_writes_nothing(data: Path, tmp_path: Path) -> None:
    build(tmp_path, {"labels.json": coco(("a/1.png", ["car"]), ("x.png", []), ("y.png", []))})
    file = tmp_path / "labels.json"
    line = refused(
        "labels", "import", file, "--data", data, "--strict", "--mismatches", tmp_path / "no.txt"
    )
    assert line == f"{file}: 2 of its images are no samples; nothing was written (--strict)"
    assert done("labels", "list", data).startswith("no labels")
    listed = (tmp_path / "no.txt").read_text(encoding="utf-8").splitlines()
    assert len(listed) == 2
    assert "'x.png' is no sample" in listed[0]


def test_many_mismatches_are_counted(data: Path, tmp_path: Path) -> None:
    strangers = [(f"x{k}.png", ["car"]) for k in range(25)]
    build(tmp_path, {"some.json": coco(("a/1.png", []), *strangers), "all.json": coco(*strangers)})
    ran = selectlab("labels", "import", tmp_path / "some.json", "--data", data)
    lines = [line for line in ran.err.splitlines() if not line.startswith("note:")]
    assert sum(line.startswith("no sample: ") for line in lines) == 20
    assert lines[-1] == "... and 5 more; --mismatches FILE writes all"
    assert told("labels", "import", tmp_path / "some.json", "--data", data)["counts"] == {
        "new": 0, "replaced": 0, "unchanged": 1, "older": 0
    }  # fmt: skip
    assert refused("labels", "import", tmp_path / "all.json", "--data", data) == (
        f"{tmp_path / 'all.json'}: none of its 25 images is a sample of {data}, such as 'x0.png'"
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("import", "none.json"), "none.json: cannot be read: No such file or directory"),
        (("import", "l.json", "--format", "coc"), "format: nothing is called 'coc'; did you mean 'coco'?"),
        (("import", "l.json", "--task", "dett"), "task: no prediction task 'dett'; did you mean 'det'?"),
        (("import", "l.json", "--task", "cls"), "task 'cls': is classification, but l.json is object-detection"),
        (("export", "--format", "coco", "--to", "out"), "labels: there are none yet"),
        (("export", "--format", "coco", "--to", "out", "--set", "x"), "--set: expected KEY=VALUE, got 'x'"),
        (("export", "--format", "coco", "--to", "out", "--kind", "x"), "--kind: expected classes or objects, got 'x'"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(
    arguments: tuple[str, ...], expected: str, data: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    build(tmp_path, {"l.json": coco(("a/1.png", ["car"]))})
    where = ("--data", data) if arguments[0] == "import" else (data,)
    assert refused("labels", *arguments, *where) == expected
    assert not (tmp_path / "out").exists()


def test_labels_change_what_is_selected_next(data: Path, tmp_path: Path) -> None:
    """Image k has k objects, half a car and half a bus each; image 5 is labelled as 9 buses.

    As predicted it is balanced, and any other leaves it so: the first one comes. As labelled it
    takes as many objects as there are to be had: image 4.
    """
    done("round", "start", data)
    build(tmp_path, {"labels.json": coco(("a/5.png", ["bus"] * 9))})
    done("labels", "import", tmp_path / "labels.json", "--data", data, "--task", "det")
    about = config((CLASSES, {"type": "BALANCE", "target": {"car": 0.5, "bus": 0.5}}), n_samples=1)
    picked = run(data, "run1", about=about)
    assert picked.code == 0
    manifest = json.loads((tmp_path / "run1" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["ledger"]["labels_instead_of_predictions"]["det"]["samples"] == 1
    with (tmp_path / "run1" / "selection.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    build(tmp_path, {"before.txt": "a/5.png\n"})
    run(data, "run2", "--no-ledger", "--preselected", tmp_path / "before.txt", about=about)
    assert row["sample_id"] == "a/4.png"
    assert ids_of(data, "run2") == ["a/0.png"]


def test_categories_that_changed_since(data: Path, tmp_path: Path) -> None:
    done("round", "start", data)
    build(tmp_path, {"labels.json": coco(("a/5.png", ["lorry", "bus"]), names=("lorry", "bus"))})
    done("labels", "import", tmp_path / "labels.json", "--data", data)
    ran = run(data, "run1", about=BALANCED)
    assert ran.code == 0
    assert "note: labels of 'det' are of categories that the task does not have" in ran.out
    assert "'lorry' (1)" in ran.out
    schema = data / DET / "schema.json"
    changed = json.loads(schema.read_text())
    changed["categories"][1]["name"] = "lorry"
    schema.write_text(json.dumps(changed))
    again = run(data, "run2", about=BALANCED)
    assert again.code == 0
    assert "'bus' (1)" in again.out


def test_samples_that_another_run_took_meanwhile_are_told(data: Path) -> None:
    """Two runs that started from the same ledger."""
    done("round", "start", data)
    rounds = Rounds(data)
    start = rounds.starting_point()
    one = package.select({**DIVERSE, "n_samples": 3}, data, ledger=start)
    two = package.select(DIVERSE, data, ledger=start)
    assert rounds.record(one).n_elsewhere == 0
    assert rounds.record(two).n_elsewhere == 2
    build(data.parent, {"none.txt": "a/1.png\n"})
    ran = run(
        data, "run1", "--preselected", data.parent / "none.txt", about={**DIVERSE, "n_samples": 5}
    )
    assert ran.err.endswith("note: 3 of its samples are in other runs of the ledger too\n")
