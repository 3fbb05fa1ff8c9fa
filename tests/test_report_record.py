"""Reports of runs whose data has changed or is gone, of old runs and of broken ones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from folder_builder import png
from report_page import (
    line_data,
    ran,
    reported,
)
from small_dataset import (
    CLASSES,
    DIVERSITY,
    EMBEDDINGS,
    UNIFORM,
    WEIGHTS,
    config,
    metadata,
    small_dataset,
)

from selectlab.dataset import Dataset
from selectlab.errors import ConfigError, DataError
from selectlab.report import write_report


def test_a_run_without_its_data_shows_what_it_has_written_down(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    asked = config((metadata("t"), WEIGHTS), (CLASSES, UNIFORM), (EMBEDDINGS, DIVERSITY))
    run = ran(asked, data, tmp_path / "run")
    page = reported(run)
    assert f"the data: the dataset was not at hand ({data})" in page.text
    box = page.series("metadata t (WEIGHTS): Distribution", "selected")
    numbers = json.loads((run / "manifest.json").read_text())["statistics"][0]["selected"]
    assert (box["type"], box["median"]) == ("box", [numbers["median"]])
    assert "class distribution of det (BALANCE): Balance of classes" in page.charts
    assert "Other metadata: sky" in page.charts
    assert page.points is None
    assert "not measured; embeddings: mean distance to nearest selected is" in page.text


def test_changed_data_is_told(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    run = ran(config((metadata("t"), WEIGHTS)), data, tmp_path / "run")
    assert "the data:" not in reported(run, data).text
    content = json.loads((data / ".lightly/metadata/a/5.json").read_text())
    content["metadata"]["t"] = 4.5
    (data / ".lightly/metadata/a/5.json").write_text(json.dumps(content))
    assert "the data: values have changed since: metadata t" in reported(run, data).text
    (data / "new.png").write_bytes(png())
    assert "other samples now: 7, and 6 then" in reported(run, data).text
    for path in (*data.glob("a/5.*"), *data.rglob("5.json")):
        path.unlink()
    (data / "embeddings.parquet").unlink()
    text = reported(run, data).text
    assert "1 pick could not be picked from it any more" in text


def test_another_dataset_is_refused_or_left_aside(tmp_path: Path) -> None:
    run = ran(config((metadata("x"), WEIGHTS)), line_data(), tmp_path / "run")
    other = Dataset(["else.png", "b.png"], metadata={"x": [1.0, 2.0]})
    with pytest.raises(DataError, match=r"none of the samples that .*run has selected is among"):
        reported(run, other, strict=True)
    text = reported(run, other).text
    assert "the dataset could not be used, so that much is left out: dataset: none of" in text


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("manifest.json", "{", "manifest.json"),
        ("manifest.json", "{}", "no 'config'; it is not that of a selection"),
        (
            "selection.json",
            "{}",
            "selection.json: preselected: required, but missing; no run writes that",
        ),
        ("selection.json", '{"preselected": [], "selected": []}', "has selected nothing"),
    ],
)
def test_a_folder_that_is_no_run(tmp_path: Path, file: str, content: str, told: str) -> None:
    run = ran(config((metadata("x"), WEIGHTS)), line_data(), tmp_path / "run")
    (run / file).write_text(content)
    with pytest.raises((DataError, ConfigError), match=re.escape(told)):
        write_report(run)


def test_a_run_of_an_earlier_version_is_shown(tmp_path: Path) -> None:
    """Manifests grow; what later versions added is not asked for."""
    data = small_dataset(tmp_path)
    run = ran(config((metadata("t"), WEIGHTS)), data, tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text())
    for key in ("engine", "versions", "statistics_random_seed"):
        del manifest[key]
    del manifest["counts"]["beside_preselected"]
    (run / "manifest.json").write_text(json.dumps(manifest))
    assert "3 of 6 candidates selected" in reported(run, data).text


@pytest.mark.parametrize(
    ("file", "path", "value", "told"),
    [
        ("manifest.json", ("counts",), None, "counts: should be a valid dictionary, got None"),
        ("manifest.json", ("counts", "selected"), "3", "counts.selected: should be a valid integer, got '3'"),
        ("manifest.json", ("warnings",), [{}], "warnings[0]: should be a valid string, got {}"),
        ("manifest.json", ("versions",), "3", "versions: should be a valid dictionary, got '3'"),
        ("manifest.json", ("inputs", 0), {}, "inputs[0].input: required, but missing"),
        ("manifest.json", ("statistics", 0, "random"), {}, "statistics[0].random.mean: required, but missing"),
        ("selection.json", ("selected", 0, "score"), None, "selected[0].score: should be a valid number, got None"),
        ("selection.json", ("selected", 1, "sample_id"), 5, "selected[1].sample_id: should be a valid string, got 5"),
        ("selection.json", ("selected", 1, "strategies"), [], "its picks name different strategies"),
    ],
)  # fmt: skip
def test_files_that_no_run_has_written_are_named(
    tmp_path: Path, file: str, path: tuple[Any, ...], value: Any, told: str
) -> None:
    run = ran(config((metadata("x"), WEIGHTS)), line_data(), tmp_path / "run")
    content = json.loads((run / file).read_text())
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    (run / file).write_text(json.dumps(content))
    with pytest.raises(DataError) as raised:
        write_report(run, line_data())
    assert str(raised.value) == f"{run / file}: {told}; no run writes that"
    assert not (run / "report.html").exists()


def test_a_config_of_another_version_is_named_with_its_file(tmp_path: Path) -> None:
    run = ran(config((metadata("x"), WEIGHTS)), line_data(), tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["config"]["strategies"][0]["strategy"]["type"] = "WEIGHT"
    (run / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ConfigError) as raised:
        write_report(run)
    assert str(raised.value).startswith(f"{run / 'manifest.json'}: config: strategies[0].strategy")


def test_a_run_that_does_not_name_its_dataset_takes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor the folder in which somebody happens to be."""
    data = small_dataset(tmp_path)
    run = ran(config((metadata("t"), WEIGHTS)), data, tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text())
    del manifest["dataset"]
    (run / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.chdir(data)
    assert not write_report(run).with_data
    assert "the run does not say where its dataset lay, so that" in reported(run).text
