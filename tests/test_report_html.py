"""Reports as files: they hold everything they show, run nothing else, and are the same each time."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from report_page import (
    HOSTILE,
    HOSTILE_CONFIG,
    Page,
    hostile_folder,
    ran,
    reported,
)
from small_dataset import (
    DIVERSITY,
    EMBEDDINGS,
    config,
    small_dataset,
)

from selectlab.inputs.folder import open_dataset
from selectlab.report import write_report
from selectlab.report.record import read_run


def test_it_holds_everything_it_shows(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    page = reported(ran(config((EMBEDDINGS, DIVERSITY)), data, tmp_path / "run"), data)
    for name in ("src", "href", "srcset", "poster", "action", "data"):
        for value in page.attributes(name):
            assert value.startswith(("data:image/jpeg;base64,", "#")), value
    assert not re.search(
        r"url\(|@import", "".join(re.findall(r"<style>.*?</style>", page.html, re.S))
    )
    assert page.html.startswith("<!DOCTYPE html>\n")
    assert len(page.html.encode()) < 6_000_000


def test_only_its_own_two_scripts_may_run(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    page = reported(ran(config((EMBEDDINGS, DIVERSITY)), data, tmp_path / "run"), data)
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()) for s in page.scripts]
    allowed = " ".join(f"'sha256-{one.decode()}'" for one in hashes)
    [policy] = [text for text in page.attributes("content") if "default-src" in text]
    assert policy == (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: "
        "blob:; base-uri 'none'; form-action 'none'"
    )
    assert not [held for _, held in page.tags if any(name.startswith("on") for name in held)]


def test_names_are_escaped_everywhere(tmp_path: Path) -> None:
    """The same elements as with harmless names, and every name readable as it is."""
    data = hostile_folder(tmp_path / "data")
    page = reported(ran(HOSTILE_CONFIG, data, tmp_path / "run"), data)
    assert len(page.scripts) == 2
    assert {tag for tag, _ in page.tags} & {"img", "i", "u", "iframe", "object"} == set()
    assert page.text.count(HOSTILE) > 5
    [first, *_] = [pick.sample_id for pick in read_run(tmp_path / "run").picks]
    assert first in page.text
    assert first in page.points["ids"]
    shown = json.dumps(list(page.charts.values()))
    assert "<" not in shown  # plotly reads tags in labels


def test_plotly_knows_every_property(tmp_path: Path) -> None:
    graph_objects = pytest.importorskip("plotly.graph_objects")
    data = hostile_folder(tmp_path / "data")
    (data / "metrics.csv").write_text("round,metric,value\n1,map,0.3\n2,map,0.4\n")
    run = ran(HOSTILE_CONFIG, data, tmp_path / "run")
    charts = {**reported(run).charts, **reported(run, data).charts}
    assert len(charts) > 12
    for chart in charts.values():
        graph_objects.Figure(chart)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    """Made anew, from kept thumbnails, and by another process with another hash seed."""
    data = hostile_folder(tmp_path / "data")
    run = ran(HOSTILE_CONFIG, data, tmp_path / "run")
    once, again = reported(run, data).html, reported(run, data).html
    assert once == again
    program = "import sys; from selectlab.report import write_report; write_report(*sys.argv[1:])"
    subprocess.run(
        [sys.executable, "-c", program, run, data, tmp_path / "other.html"],
        env={**os.environ, "PYTHONHASHSEED": "7"}, check=True,
    )  # fmt: skip
    assert (tmp_path / "other.html").read_text(encoding="utf-8") == once


def test_open_dataset_and_path_are_the_same(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    run = ran(config((EMBEDDINGS, DIVERSITY)), data, tmp_path / "run")
    pages = [
        write_report(run, given, memory="2GB").html.read_bytes()
        for given in (data, open_dataset(data))
    ]
    assert pages[0] == pages[1]
    assert Page(pages[0].decode()).points["sizes"] == [3, 0, 3]
