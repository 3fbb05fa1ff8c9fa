"""Rounds and learning curves in a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from report_page import (
    line_data,
    ran,
    reported,
)
from small_dataset import (
    WEIGHTS,
    config,
    metadata,
    small_dataset,
)

from selectlab import api
from selectlab.rounds import Rounds


def test_rounds_and_classes_are_counted(tmp_path: Path) -> None:
    """Two rounds of two samples; two of the first and one of the second are labelled."""
    pytest.importorskip("sqlalchemy")
    data = small_dataset(tmp_path)
    rounds = Rounds(data)
    for name in ("pilot", "second"):
        rounds.start(name)
        asked = config((metadata("t"), WEIGHTS), n_samples=2)
        chosen = api.select(asked, data, ledger=rounds.starting_point())
        chosen.save(tmp_path / name)
        rounds.record(chosen, tmp_path / name)
    coco = {
        "images": [
            {"id": k, "file_name": f"a/{k}.png", "width": 16, "height": 12} for k in (5, 4, 3)
        ],
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "bus"}],
        "annotations": [
            {"id": at, "image_id": image, "category_id": kind, "bbox": [0, 0, 4, 4]}
            for at, (image, kind) in enumerate([(5, 1), (5, 2), (4, 1), (3, 2)])
        ],
    }
    (tmp_path / "labels.json").write_text(json.dumps(coco))
    rounds.import_labels(tmp_path / "labels.json", "coco")
    page = reported(tmp_path / "second", data)
    title = "Rounds: chosen, sent, labelled"
    told = {one["name"]: one["y"] for one in page.charts[title]["data"]}
    assert told == {"chosen": [2, 2], "sent": [0, 0], "labelled": [2, 1]}
    assert page.charts[title]["layout"]["xaxis"]["ticktext"] == ["pilot", "second"]
    classes = {
        one["name"]: one["y"] for one in page.charts["Labelled objects of each class"]["data"]
    }
    assert classes == {"bus": [1, 1], "car": [2, 0]}


@pytest.mark.parametrize(
    ("table", "title", "lines"),
    [
        (
            "round,metric,value\n1,mAP50,.5\n2,mAP50,.75\n",
            "Learning curve: mAP50",
            {"mAP50": ([1, 2], [0.5, 0.75])},
        ),
        (
            "round,metric,value\nfirst,mAP50,.5\nlast,mAP50,.75\n",
            "Learning curve: mAP50",
            {"mAP50": ([0, 1], [0.5, 0.75])},
        ),
        (
            "method,seed,round,labels,accuracy\nours,0,1,10,.4\nours,1,1,10,.6\nrandom,0,1,10,.3\n",
            "Learning curve: accuracy",
            {"ours": ([10], [0.5]), "random": ([10], [0.3])},
        ),
    ],
)
def test_learning_curves(
    tmp_path: Path, table: str, title: str, lines: dict[str, tuple[list[float], list[float]]]
) -> None:
    """As people write them down, and as ``selectlab.simulate`` gives them: ``frame().to_csv``."""
    data = line_data()
    run = ran(config((metadata("x"), WEIGHTS)), data, tmp_path / "run")
    (run / "metrics.csv").write_text(table)
    found = reported(run, data).charts[title]["data"]
    assert {one["name"]: (one["x"], one["y"]) for one in found} == lines


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("when,map\n1,2\n", "no column 'round' or 'labels'; expected round,metric,value"),
        ("round,metric,value\n1,map,good\n", "no numbers in column 'value'"),
        ("", "not readable as a table (No columns to parse from file)"),
    ],
)
def test_learning_curves_that_cannot_be_read(tmp_path: Path, table: str, told: str) -> None:
    data = line_data()
    run = ran(config((metadata("x"), WEIGHTS)), data, tmp_path / "run")
    (run / "metrics.csv").write_text(table)
    text = reported(run, data).text
    assert f"learning curves are left out: {run / 'metrics.csv'}: {told}" in text


def test_a_long_learning_curve_has_a_table_that_says_what_it_lacks(tmp_path: Path) -> None:
    data = line_data()
    run = ran(config((metadata("x"), WEIGHTS)), data, tmp_path / "run")
    for n, told in ((500, ""), (501, "The first 500 of 501 rows.")):
        lines = [f"{k},f1,0.5" for k in range(n)]
        (run / "metrics.csv").write_text("\n".join(["round,metric,value", *lines]))
        page = reported(run, data)
        assert ("The first 500" in page.text) == bool(told)
        assert told in page.text
        head, *rows = page.tables["Learning curve: f1"]
        assert head == ["", "round", "f1"]
        assert rows == [["f1", str(k), "0.5"] for k in range(500)]
