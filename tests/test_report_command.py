"""Reports from the command line, and what keeps one from being made."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from report_page import (
    PLAIN,
    line_data,
    ran,
    reported,
)
from small_dataset import (
    DIVERSITY,
    EMBEDDINGS,
    WEIGHTS,
    config,
    metadata,
    selectlab,
    small_dataset,
)

from selectlab import progress
from selectlab.errors import ConfigError, MissingExtraError
from selectlab.report import pdf, write_report


def test_the_command_writes_beside_the_run(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    run = ran(config((EMBEDDINGS, DIVERSITY)), data, tmp_path / "run")
    ended = selectlab("report", run)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"written: {run / 'report.html'} (")
    text = (run / "report.html").read_text(encoding="utf-8")
    assert text == reported(run, data).html
    assert selectlab("report", run, "--data", data).code == 0  # a report may be replaced
    ended = selectlab("report", run, "--json", "--out", tmp_path / "new" / "r.html")
    told = json.loads(ended.out)
    assert told == {
        "html": str(tmp_path / "new" / "r.html"),
        "pdf": None,
        "bytes": len(text.encode()),
    }


def test_select_leaves_a_report(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    (tmp_path / "c.json").write_text(json.dumps(config((EMBEDDINGS, DIVERSITY))))
    words = ("select", tmp_path / "c.json", "--data", data, "--out", tmp_path / "run", "--report")
    ended = selectlab(*words)
    assert (ended.code, ended.err) == (0, f"report: {tmp_path / 'run' / 'report.html'}\n")
    assert "written: " in ended.out
    assert selectlab(*words, "--overwrite").code == 0


def test_without_the_data_a_note_says_so(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    run = ran(config((EMBEDDINGS, DIVERSITY)), data, tmp_path / "run")
    data.rename(tmp_path / "moved")
    ended = selectlab("report", run)
    assert ended.err == "note: the dataset is not at hand; --data says where it is\n"
    assert (run / "report.html").is_file()


def test_what_cannot_be_done_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = small_dataset(tmp_path)
    run = ran(config((EMBEDDINGS, DIVERSITY)), data, tmp_path / "run")
    (tmp_path / "mine.html").write_text("<p>mine</p>")
    words: list[tuple[tuple[object, ...], str]] = [
        ((tmp_path / "no",), f"{tmp_path / 'no'}: no selection.json and manifest.json; expected"),
        ((run, "--out", tmp_path / "mine.html"), "is there already and is no report; it is not"),
        ((run, "--out", tmp_path), "is a folder; say the file to write"),
        ((run, "--data", tmp_path / "no"), "no such folder"),
        ((run, "--projection", "tsne"), "projection: expected pca or umap, got 'tsne'"),
    ]
    for given, told in words:
        ended = selectlab("report", *given)
        assert ended.code == 2
        assert told in ended.err
        assert ended.err.count("\n") == 1
    assert (tmp_path / "mine.html").read_text() == "<p>mine</p>"
    assert not (run / "report.html").exists()
    monkeypatch.setattr(pdf, "BROWSERS", ())
    monkeypatch.setattr(pdf, "PLACES", ())
    ended = selectlab("report", run, "--pdf")
    assert ended.err == (
        "error: pdf: needs Chromium, Chrome or Edge to print with, and none is found; install one, "
        "or open the HTML file in any browser and print it\n"
    )
    assert not (run / "report.html").exists()


@pytest.mark.parametrize("name", ["jinja2", "plotly"])
def test_what_is_not_installed_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    data = small_dataset(tmp_path)
    (tmp_path / "c.json").write_text(json.dumps(config((EMBEDDINGS, DIVERSITY))))
    monkeypatch.setitem(sys.modules, name, None)
    words = ("select", tmp_path / "c.json", "--data", data, "--out", tmp_path / "run", "--report")
    ended = selectlab(*words)
    told = f"report: needs {name}, which is not installed; pip install 'selectlab[report]'"
    assert (ended.code, ended.err) == (2, f"error: {told}\n")
    assert not (tmp_path / "run").exists()
    with pytest.raises(MissingExtraError, match=re.escape(told)):
        write_report(tmp_path / "run")


def test_umap_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ran(config((metadata("x"), WEIGHTS)), line_data(), tmp_path / "run")
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'selectlab\[umap\]'"):
        write_report(run, line_data(), projection="umap")
    with pytest.raises(ConfigError, match="expected pca or umap"):
        write_report(run, line_data(), projection="")
    assert not (run / "report.html").exists()


def test_it_says_how_far_it_is_and_can_be_stopped(tmp_path: Path) -> None:
    """Whoever watches may stop it at any stage: nothing is written."""
    data = line_data()
    pairs = [(PLAIN, DIVERSITY), (metadata("x"), WEIGHTS)]
    run = ran(config(*pairs, n_samples=5), data, tmp_path / "run")
    stages: list[str] = []
    counts: set[str] = set()

    def note() -> None:
        now = progress.current()
        assert now is not None
        stages.append(now.now.name)
        counts.add(now.now.count)

    with progress.watched(note):
        write_report(run, data, tmp_path / "report.html")
    assert {"0 of 5 picks", "5 of 5 picks"} <= counts
    told = list(dict.fromkeys(stages))
    assert told[0] == "reading inputs"
    assert told[-1] == "writing the report"
    assert "laying out the embedding" in told
    assert {"selecting without 0_diversity", "selecting without 1_weights"} < {*told}

    class StoppedError(Exception):
        pass

    for name in told:

        def stop(name: str = name) -> None:
            now = progress.current()
            if now is not None and now.now.name == name:
                raise StoppedError

        with progress.watched(stop), pytest.raises(StoppedError):
            write_report(run, data, tmp_path / "other.html")
        assert not (tmp_path / "other.html").exists()
