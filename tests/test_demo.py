"""The demo runs anywhere, says why, and what it prints works as printed."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest
from small_dataset import Ran, selectlab

from selectlab.inputs.folder import open_dataset
from selectlab.studio import serving


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("with space") / "demo"


@pytest.fixture(scope="module")
def first(folder: Path) -> Ran:
    ran = selectlab("demo", "--out", folder, "-n", 12)
    assert (ran.code, ran.err) == (0, "")
    return ran


def test_it_writes_a_dataset_a_config_and_a_run(first: Ran, folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {
        "dataset", "config.json", "manifest.json", "run",
    }  # fmt: skip
    data = open_dataset(folder / "dataset")
    assert len(data) == 1200
    assert data.predictions("digits_classifier").names == tuple("0123456789")
    assert (data.source.uri(data.ids[0]) or "").endswith(data.ids[0])
    labelled = (folder / "dataset" / "preselected.txt").read_text().split()
    assert len(set(labelled)) == 100
    run = json.loads((folder / "run" / "selection.json").read_text())
    assert len(run["selected"]) == 12
    assert run["preselected"] == labelled
    assert all(len(pick["strategies"]) == 3 for pick in run["selected"])


def test_it_says_what_was_chosen_and_why(first: Ran, folder: Path) -> None:
    run = json.loads((folder / "run" / "selection.json").read_text())
    for pick in run["selected"][:10]:
        assert pick["sample_id"] in first.out
        assert pick["strategies"][0]["reason"] in first.out
    assert "... and 2 more" in first.out
    assert "beside a random pick of equal size" in first.out
    assert "the 12 selected samples" in first.out
    assert "mean of 20 draws" in first.out


def test_the_printed_command_works_as_printed(first: Ran, folder: Path) -> None:
    (line,) = [line for line in first.out.splitlines() if line.startswith("selectlab select ")]
    before = (folder / "run" / "selection.txt").read_text()
    ran = selectlab(*shlex.split(line)[1:])
    assert (ran.code, ran.err) == (0, "")
    assert (folder / "run" / "selection.txt").read_text() == before


def test_it_says_where_to_look_next(first: Ran, folder: Path) -> None:
    """The report's command works as printed; the studio's is the last line."""
    look, report, studio = first.out.splitlines()[-3:]
    assert look == "see why, in one page, and look at all of it in a browser:"
    assert report.startswith("selectlab report ")
    ran = selectlab(*shlex.split(report)[1:], "--out", folder.parent / "report.html")
    assert (ran.code, (folder.parent / "report.html").is_file()) == (0, True), ran.err
    assert shlex.split(studio) == ["selectlab", "studio", str(folder / "dataset")]
    assert selectlab("index", folder / "dataset").code == 0


def test_it_says_what_is_missing_to_look(
    first: Ran, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setattr(serving, "NEEDED", ("nowhere_to_be_found",))
    lines = selectlab("demo", "--out", folder, "-n", 12).out.splitlines()[-4:]
    report = "  report: needs plotly, which is not installed; pip install 'selectlab[report]'"
    studio = "  studio: needs nowhere_to_be_found, not installed; pip install 'selectlab[studio]'"
    assert lines[1::2] == [report, studio]


def test_it_runs_again_and_gives_the_same(first: Ran, folder: Path) -> None:
    again = selectlab("demo", "--out", folder, "-n", 12)
    assert again == first


def test_other_folders_are_left_alone(first: Ran, folder: Path, tmp_path: Path) -> None:
    """Neither the run of someone else nor anything else is written into."""
    run = folder / "run"
    before = (run / "manifest.json").read_bytes()
    ran = selectlab("demo", "--out", run)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {run}: holds 5 files already")
    assert (run / "manifest.json").read_bytes() == before
    (tmp_path / "thesis.tex").write_text("ten years of work")
    assert selectlab("demo", "--out", tmp_path).code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
