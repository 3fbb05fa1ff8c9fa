"""Bad input: one clear line, exit code 2, nothing written."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_builder import build, npy, parquet
from small_dataset import (
    CLASSES,
    CLS,
    DET,
    DIVERSITY,
    EMBEDDINGS,
    IDS,
    MARGIN,
    META,
    UNIFORM,
    WEIGHTS,
    Ran,
    config,
    embeddings,
    meta,
    metadata,
    prediction,
    selectlab,
    small_dataset,
    vectors,
)

from selectlab import Dataset, select
from selectlab.errors import DataError, SelectlabError

PLAIN = config((EMBEDDINGS, DIVERSITY), (MARGIN, WEIGHTS))
BALANCED = config((CLASSES, UNIFORM))
T_WEIGHTS = config((metadata("t"), WEIGHTS))
Q_WEIGHTS = config((metadata("q"), WEIGHTS))
LEADS_OUT = "leads out of the dataset; ids are paths relative to its folder"
QUERY = {**EMBEDDINGS, "tag_name": "x"}
SIMILAR = config((QUERY, {"type": "SIMILARITY"}))


def run(
    root: Path,
    change: Mapping[str, Any] | None = None,
    raw: Any = PLAIN,
    *options: object,
    without: str = "",
) -> Ran:
    """Run ``select`` on the small dataset, changed."""
    data = small_dataset(root, change, without)
    build(root, {"config.json": raw})
    return selectlab(
        "select", root / "config.json", "--data", data, "--out", root / "out", *options
    )


def refused(root: Path, *given: Any, **more: Any) -> str:
    """Return the one line of a run that must fail and leave nothing behind."""
    ran = run(root, *given, **more)
    assert ran.code == 2, ran
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert ran.err.endswith("\n")
    assert ran.err.count("\n") == 1
    assert {path.name for path in root.iterdir()} <= {"data", "config.json"}
    return ran.err.removeprefix("error: ").rstrip("\n").replace(str(root), "ROOT")


def with_value(row: int, column: int, value: float) -> list[list[float]]:
    changed = copy.deepcopy(vectors())
    changed[row][column] = value
    return changed


def raw_prediction(task: str, text: str) -> dict[str, str]:
    return {f".lightly/predictions/{task}/a/2.json": text}


# fmt: off
EMBEDDING_FILES: list[tuple[str, dict[str, Any], str]] = [
    ("nan", embeddings(with_value(2, 1, float("nan")), IDS), "strategies[0].input: embeddings.parquet: embedding of 'a/2.png' has NaN, infinite or overflowing values"),
    ("inf", embeddings(with_value(4, 3, float("-inf")), IDS), "strategies[0].input: embeddings.parquet: embedding of 'a/4.png' has NaN, infinite or overflowing values"),
    ("duplicate ids", embeddings(vectors(), [*IDS[:5], IDS[0]]), "strategies[0].input: embeddings.parquet: duplicate ids, 1 of 6 samples, first 'a/0.png'"),
    ("other dimension", embeddings([*vectors()[:3], [0.0, 1.0], *vectors()[4:]], IDS, fixed=False), "strategies[0].input: embeddings.parquet: embedding of 'a/3.png' has 2 numbers, the first has 4; all must have the same"),
    ("null vector", embeddings([*vectors()[:3], None, *vectors()[4:]], IDS, fixed=False), "strategies[0].input: embeddings.parquet: embedding of 'a/3.png' is empty, the first has 4; all must have the same"),
    ("no dimension", embeddings([[]] * 6, IDS, fixed=False), "strategies[0].input: embeddings have no dimension"),
    ("no rows", embeddings([], [], fixed=False), "strategies[0].input: embeddings.parquet: no rows"),
    ("climbs out", embeddings(vectors(), [*IDS[:5], "../x.png"]), f"embeddings.parquet: '../x.png' {LEADS_OUT}"),
    ("climbs out inside", embeddings(vectors(), [*IDS[:5], "a/../../x.png"]), f"embeddings.parquet: 'a/../../x.png' {LEADS_OUT}"),
    ("absolute", embeddings(vectors(), [*IDS[:5], "/x.png"]), f"embeddings.parquet: '/x.png' {LEADS_OUT}"),
    ("empty id", embeddings(vectors(), [*IDS[:5], ""]), "embeddings.parquet: a sample id must be a file name, got ''"),
    ("null id", embeddings(vectors(), [*IDS[:5], None]), "embeddings.parquet: a sample id must be a file name, got None"),
    ("two files", {"embeddings.npy": npy(vectors()), "ids.txt": "\n".join(IDS)}, "embeddings.npy: embeddings.parquet holds embeddings too; remove one"),
    ("no vectors", {"embeddings.parquet": parquet({"sample_id": IDS, "vector": list(range(6))})}, "strategies[0].input: embeddings.parquet: no column 'embedding'; known: sample_id, vector"),
]
NPY_FILES: list[tuple[str, dict[str, Any], str]] = [
    ("fewer ids", {"embeddings.npy": npy(vectors()), "ids.txt": "\n".join(IDS[:4])}, "ids.txt: 4 ids for the 6 rows of embeddings.npy"),
    ("no ids", {"embeddings.npy": npy(vectors())}, "embeddings.npy: no ids; expected ids.txt with one sample id a line, or embeddings.csv with columns sample_id and object"),
    ("ids climb out", {"embeddings.npy": npy(vectors()), "ids.txt": "\n".join([*IDS[:5], "../x.png"])}, f"ids.txt: '../x.png' {LEADS_OUT}"),
    ("a vector", {"embeddings.npy": npy(vectors()[0]), "ids.txt": "\n".join(IDS[:4])}, "embeddings.npy: expected a matrix of numbers, one row per embedding, got shape (4,) of float64"),
]
PREDICTION_FILES: list[tuple[str, dict[str, Any], str]] = [
    ("unknown category", prediction("cls", 2, [{"category_id": 9, "probabilities": [0.5, 0.5]}]), f"strategies[1].input: {CLS}/a/2.json: predictions[0].category_id 9 is not in the schema of task 'cls'; known ids: 0, 3"),
    ("sum", prediction("cls", 2, [{"category_id": 0, "probabilities": [0.5, 0.4]}]), f"strategies[1].input: {CLS}/a/2.json: predictions[0].probabilities must sum to 1, they sum to 0.9"),
    ("nan", raw_prediction("cls", '{"file_name": "a/2.png", "predictions": [{"category_id": 0, "probabilities": [NaN, 1]}]}'), f"strategies[1].input: {CLS}/a/2.json: predictions[0].probabilities must be 2 finite numbers, one per category of the schema, got [nan, 1]"),
    ("length", prediction("cls", 2, [{"category_id": 0, "probabilities": [1.0]}]), f"strategies[1].input: {CLS}/a/2.json: predictions[0].probabilities must be 2 finite numbers, one per category of the schema, got [1.0]"),
    ("negative", prediction("cls", 2, [{"category_id": 0, "probabilities": [-0.5, 1.5]}]), f"strategies[1].input: {CLS}/a/2.json: predictions[0].probabilities must be numbers >= 0, got [-0.5, 1.5]"),
    ("malformed", raw_prediction("cls", "{"), f"strategies[1].input: {CLS}/a/2.json: malformed JSON, EOF while parsing an object at line 1 column 1"),
    ("a list", raw_prediction("cls", "[]"), f"strategies[1].input: {CLS}/a/2.json: must be an object with file_name and predictions"),
    ("null", prediction("cls", 2, None), f"strategies[1].input: {CLS}/a/2.json: predictions must be a list of objects, got None"),
    ("climbs out", prediction("cls", 2, [], file_name="../a/2.png"), f"strategies[1].input: {CLS}/a/2.json: file_name: '../a/2.png' {LEADS_OUT}"),
    ("malformed tasks", {".lightly/predictions/tasks.json": "{"}, ".lightly/predictions/tasks.json: malformed JSON, EOF while parsing an object at line 1 column 1"),
    ("tasks climb out", {".lightly/predictions/tasks.json": ["../x"]}, f".lightly/predictions/tasks.json: '../x' {LEADS_OUT}"),
    ("no schema", {".lightly/predictions/tasks.json": ["cls", "det", "nope"]}, ".lightly/predictions/tasks.json: task 'nope' has no .lightly/predictions/nope/schema.json, and is no COCO file .lightly/predictions/nope.json and no folder of YOLO .txt files"),
    ("task type", {f"{CLS}/schema.json": {"task_type": "clasification"}}, f"{CLS}/schema.json: task_type 'clasification' is not known; did you mean 'classification'?"),
]
SCORE_VALUES: list[tuple[str, dict[str, Any], str]] = [
    ("nan", raw_prediction("det", '{"file_name": "a/2.png", "predictions": [{"category_id": 0, "bbox": [0, 0, 1, 1], "score": NaN}]}'), "nan"),
    ("inf", raw_prediction("det", '{"file_name": "a/2.png", "predictions": [{"category_id": 0, "bbox": [0, 0, 1, 1], "score": Infinity}]}'), "inf"),
    ("two", prediction("det", 2, [{"category_id": 0, "bbox": [0, 0, 1, 1], "score": 2}]), "2"),
    ("text", prediction("det", 2, [{"category_id": 0, "bbox": [0, 0, 1, 1], "score": "x"}]), "'x'"),
]
METADATA_FILES: list[tuple[str, dict[str, Any], Any, str]] = [
    ("nan", {f"{META}/a/2.json": '{"file_name": "a/2.png", "type": "image", "metadata": {"t": NaN}}'}, T_WEIGHTS, f"strategies[0].input: {META}/a/2.json: 't' must be a finite number (NUMERIC_FLOAT), got nan"),
    ("inf", {f"{META}/a/2.json": '{"file_name": "a/2.png", "type": "image", "metadata": {"t": -1e999}}'}, T_WEIGHTS, f"strategies[0].input: {META}/a/2.json: 't' must be a finite number (NUMERIC_FLOAT), got -inf"),
    ("text", meta(2, {"t": "hot"}), T_WEIGHTS, f"strategies[0].input: {META}/a/2.json: 't' must be a finite number (NUMERIC_FLOAT), got 'hot'"),
    ("no such key", {}, config((metadata("tt"), WEIGHTS)), f"strategies[0].input: {META}: no metadata key 'tt'; did you mean 't'?"),
    ("category as weight", {}, config((metadata("sky"), WEIGHTS)), "strategies[0]: WEIGHTS takes a number per sample, but metadata sky gives a category per sample, which goes with BALANCE; whole numbers are categories when the metadata schema says CATEGORICAL_INT, or a pandas column has dtype 'category'"),
    ("number to balance", {}, config((metadata("t"), UNIFORM)), "strategies[0]: BALANCE takes counts of classes per sample or a category per sample, but metadata t gives a number per sample, which goes with THRESHOLD, WEIGHTS; whole numbers are categories when the metadata schema says CATEGORICAL_INT, or a pandas column has dtype 'category'"),
    ("table inf", {"metadata.csv": "sample_id,q\na/0.png,1\na/1.png,inf\n"}, Q_WEIGHTS, "strategies[0].input: metadata.csv: 'q' of 'a/1.png' is inf; expected a finite number"),
    ("table duplicate ids", {"metadata.csv": "sample_id,q\na/0.png,1\na/0.png,2\n"}, Q_WEIGHTS, "strategies[0].input: metadata.csv: duplicate ids, 1 of 2 samples, first 'a/0.png'"),
    ("table climbs out", {"metadata.csv": "sample_id,q\n../a/0.png,1\n"}, Q_WEIGHTS, f"metadata.csv: '../a/0.png' {LEADS_OUT}"),
    ("table without ids", {"metadata.csv": "id,q\na/0.png,1\n"}, Q_WEIGHTS, "metadata.csv: no column 'sample_id'; known: id, q"),
    ("nothing computed", {}, config((metadata("lightly.sharp"), WEIGHTS)), "strategies[0].input: METADATA key: nothing is computed as 'lightly.sharp'; did you mean 'lightly.sharpness'?"),
    ("no readable image", dict.fromkeys(IDS, b"no image"), config((metadata("lightly.sharpness"), WEIGHTS)), "strategies[0].input: ROOT/data: 'lightly.sharpness' has no value in any of 6 samples"),
]
LISTS: list[tuple[str, dict[str, Any], Any, str]] = [
    ("relevant climbs out", {".lightly/relevant_filenames.txt": "../a/0.png\n"}, PLAIN, f".lightly/relevant_filenames.txt: '../a/0.png' {LEADS_OUT}"),
    ("relevant matches nothing", {".lightly/relevant_filenames.txt": "zzz.png\n"}, PLAIN, ".lightly/relevant_filenames.txt: none of its 1 lines matches one of 6 samples, such as 'a/0.png'"),
    ("no tag", {}, SIMILAR, "strategies[0].input: ROOT/data: no tag 'x'; known: initial-tag (expected tags/x.txt, one id a line)"),
    ("tag ids climb out", {"tags/x.txt": "../a/0.png\n"}, SIMILAR, f"strategies[0].input: tags/x.txt: '../a/0.png' {LEADS_OUT}"),
    ("tag ids unknown", {"tags/x.txt": "a/9.png\n"}, SIMILAR, "strategies[0].input: ROOT/data: tag 'x': 1 of 1 ids are not in the dataset, first 'a/9.png'; did you mean 'a/5.png'?"),
    ("tag empty", {"tags/x.txt": "\n"}, SIMILAR, "strategies[0].input: ROOT/data: the query is empty; tag 'x' has no ids"),
    ("no query", {}, config((EMBEDDINGS, {"type": "SIMILARITY"})), "strategies[0]: SIMILARITY needs a query set; give the input a 'tag_name' (and 'dataset_id' when it lies in another dataset)"),
    ("query for diversity", {"tags/x.txt": "a/0.png\n"}, config((QUERY, DIVERSITY)), "strategies[0].input: a query set ('tag_name') means nothing to DIVERSITY; it goes with SIMILARITY"),
    ("malformed datasets.json", {"tags/x.txt": "a/0.png\n", "datasets.json": "{"}, config(({**QUERY, "dataset_id": "q"}, {"type": "SIMILARITY"})), "strategies[0].input: datasets.json: malformed JSON, EOF while parsing an object at line 1 column 1"),
    ("linked dataset is gone", {"datasets.json": {"q": "../nope"}}, config(({**QUERY, "dataset_id": "q"}, {"type": "SIMILARITY"})), "strategies[0].input: ROOT/nope: no such folder; a dataset is a folder or a URL of one"),
]
CONFIGS: list[tuple[str, Any, str]] = [
    ("no such class", config((CLASSES, {"type": "BALANCE", "target": {"cars": 1.0}})), "strategies[0].strategy.target: class distribution of det has no class 'cars'; did you mean 'car'?"),
    ("no such category", config((metadata("sky"), {"type": "BALANCE", "target": {"sunny": 0.5, "snowy": 0.5}})), "strategies[0].strategy.target: metadata sky has no class 'snowy'; did you mean 'sunny'?"),
    ("no such task", config(({**MARGIN, "task": "clss"}, WEIGHTS)), "strategies[0].input: ROOT/data: no prediction task 'clss'; did you mean 'cls'?"),
    ("no such count", config(({**CLASSES, "name": "CATEGORY_COUNT", "categories": ["Car"]}, WEIGHTS)), "strategies[0].input: PREDICTIONS categories: task 'det' has no class 'Car'; did you mean 'car'?"),
    ("score of another task type", config(({**MARGIN, "score": "object_frequency"}, WEIGHTS)), "strategies[0].input: SCORES 'object_frequency' does not go with task 'cls' of type classification; scores that do: uncertainty_least_confidence, uncertainty_margin, uncertainty_entropy"),
    ("max_sum 0", config((MARGIN, {**WEIGHTS, "stopping_condition_max_sum": 0.0})), "nothing selected from 6 candidates: stopping_condition_max_sum 0 reached"),
    ("regex", {**PLAIN, "lightly_path_regex": "("}, "lightly_path_regex: not a regular expression: missing ), unterminated subpattern at position 0"),
    ("regex without group", {**PLAIN, "lightly_path_regex": "a"}, "lightly_path_regex: has no named group; write (?P<camera>...) to get the metadata key 'camera'"),
    ("regex without match", {**PLAIN, "lightly_path_regex": "(?P<x>zzz)"}, "lightly_path_regex: matches no sample, such as 'a/0.png'"),
    ("regex takes a key", {**PLAIN, "lightly_path_regex": "(?P<sky>a)"}, f"{META}: already has metadata 'sky'"),
    ("no videos", {**PLAIN, "selected_sequence_length": 3}, "selected_sequence_length 3: no video has that many frames among 6 samples; frames are named NAME-FRAME-EXT.png"),
    ("auto task is a task", {**PLAIN, "auto_tasks": [{"type": "TILING", "name": "det", "num_rows": 1, "num_cols": 2}]}, "auto_tasks[0].name: 'det' is a prediction task already"),
    ("a list", [PLAIN], "ROOT/config.json: expected a JSON object, got list"),
    ("malformed", '{"n_samples": 3,', "ROOT/config.json: not valid JSON: EOF while parsing a value at line 1 column 16"),
]
OPTIONS: list[tuple[str, Sequence[str], str]] = [
    ("preselected is gone", ["--preselected", "ROOT/nope.txt"], "ROOT/nope.txt: cannot be read: No such file or directory"),
    ("preselected is no run", ["--preselected", "ROOT/data"], "ROOT/data/selection.json: cannot be read: No such file or directory"),
    ("preselected unknown", ["--preselected", "ROOT/data/unknown.txt"], "preselected: 1 of 2 ids are not in the dataset, first 'a/9.png'; did you mean 'a/5.png'?"),
    ("preselected climbs out", ["--preselected", "ROOT/data/out.txt"], f"ROOT/data/out.txt: '../a/0.png' {LEADS_OUT}"),
    ("preselected is no text", ["--preselected", "ROOT/data/a/0.png"], "ROOT/data/a/0.png: not UTF-8 text, byte 0 cannot be read"),
    ("preselected is everything", ["--preselected", "ROOT/data/all.txt"], "no sample left to select: 6 in the dataset; 6 selected already"),
    ("dataset malformed", ["--dataset", "x"], "--dataset: expected ID=PATH, got 'x'"),
    ("dataset without a path", ["--dataset", "x="], "--dataset: expected ID=PATH, got 'x='"),
    ("data is a file", ["--data", "ROOT/config.json"], "ROOT/config.json: not a folder; a dataset is a folder or a URL of one"),
    ("data is gone", ["--data", "ROOT/nope"], "ROOT/nope: no such folder; a dataset is a folder or a URL of one"),
    ("data is nothing", ["--data", ""], "--data: expected a folder or a URL, got nothing"),
    ("data without a driver", ["--data", "zzz://x"], "zzz://x: cannot be opened, Protocol not known: zzz"),
    ("out is the dataset", ["--out", "ROOT/data"], "ROOT/data: holds 6 files already, such as '.lightly'; choose another folder, or --overwrite to replace an earlier run"),
    ("out is the dataset, overwrite", ["--out", "ROOT/data", "--overwrite"], "ROOT/data: holds files but no manifest.json, so it is no earlier run; nothing is overwritten"),
    ("out is a file", ["--out", "ROOT/config.json"], "ROOT/config.json: exists and is no folder"),
    ("out below a file", ["--out", "ROOT/config.json/x"], "ROOT/config.json/x: cannot be written: ROOT/config.json is no folder"),
    ("out too long", ["--out", "ROOT/" + "x" * 300], "ROOT/" + "x" * 300 + ": cannot be written: File name too long"),
    ("two sizes", ["--proportion-samples", "0.5", "-n", "3"], "n_samples and proportion_samples: give one of them, got 3 and 0.5"),
    ("no share", ["--proportion-samples", "0"], "proportion_samples: should be greater than 0, got 0.0"),
]
# fmt: on


def named(cases: Sequence[tuple[Any, ...]]) -> list[Any]:
    return [pytest.param(*case[1:], id=case[0]) for case in cases]


@pytest.mark.parametrize(("change", "expected"), named(EMBEDDING_FILES))
def test_embeddings(tmp_path: Path, change: Any, expected: str) -> None:
    assert refused(tmp_path, change) == expected


@pytest.mark.parametrize(("change", "expected"), named(NPY_FILES))
def test_embeddings_in_npy(tmp_path: Path, change: Any, expected: str) -> None:
    assert refused(tmp_path, change, without="embeddings") == expected


@pytest.mark.parametrize(("change", "expected"), named(PREDICTION_FILES))
def test_predictions(tmp_path: Path, change: Any, expected: str) -> None:
    assert refused(tmp_path, change) == expected


@pytest.mark.parametrize(("change", "shown"), named(SCORE_VALUES))
def test_scores(tmp_path: Path, change: Any, shown: str) -> None:
    assert refused(tmp_path, change, BALANCED) == (
        f"strategies[0].input: {DET}/a/2.json: predictions[0].score must be a number from 0 to 1, "
        f"got {shown}"
    )


@pytest.mark.parametrize(("change", "raw", "expected"), named(METADATA_FILES))
def test_metadata(tmp_path: Path, change: Any, raw: Any, expected: str) -> None:
    assert refused(tmp_path, change, raw) == expected


@pytest.mark.parametrize(("change", "raw", "expected"), named(LISTS))
def test_lists_of_ids(tmp_path: Path, change: Any, raw: Any, expected: str) -> None:
    assert refused(tmp_path, change, raw) == expected


@pytest.mark.parametrize(("raw", "expected"), named(CONFIGS))
def test_configs_that_do_not_fit_the_data(tmp_path: Path, raw: Any, expected: str) -> None:
    assert refused(tmp_path, {}, raw) == expected


@pytest.mark.parametrize(("options", "expected"), named(OPTIONS))
def test_options(tmp_path: Path, options: Sequence[str], expected: str) -> None:
    lists = {
        "unknown.txt": "a/9.png\na/1.png\n",
        "out.txt": "../a/0.png\n",
        "all.txt": "\n".join(IDS),
    }
    given = [option.replace("ROOT", str(tmp_path)) for option in options]
    assert refused(tmp_path, lists, PLAIN, *given) == expected


def test_missing_embeddings_are_left_out_and_counted(tmp_path: Path) -> None:
    change = embeddings(vectors()[:4], IDS[:4])
    ran = run(tmp_path, change, config((EMBEDDINGS, DIVERSITY), n_samples=6), "--json")
    assert ran.code == 0
    found = json.loads(ran.out)
    assert found["counts"]["missing"] == {"strategies[0] embeddings": 2}
    assert found["counts"]["candidates"] == 4
    assert sorted(found["selected"]) == IDS[:4]
    assert found["warnings"] == [
        "2 samples left out: no embeddings (strategies[0])",
        "4 samples instead of 6: no sample left",
    ]


def test_missing_embeddings_are_an_error_where_the_config_says_so(tmp_path: Path) -> None:
    raw = config(({**EMBEDDINGS, "on_missing": "error"}, DIVERSITY))
    assert refused(tmp_path, embeddings(vectors()[:4], IDS[:4]), raw) == (
        "strategies[0].input: no embeddings for 2 of 6 samples, first 'a/4.png'; "
        "on_missing 'exclude' leaves them out"
    )


def test_no_embeddings_at_all_name_the_files_that_would_do(tmp_path: Path) -> None:
    assert refused(tmp_path, without="embeddings") == (
        "strategies[0].input: ROOT/data: no embeddings; expected embeddings.parquet (columns "
        "sample_id, embedding) or embeddings.npy with ids.txt (one id a line); 'selectlab embed' "
        "makes some without a model"
    )


def test_an_empty_dataset(tmp_path: Path) -> None:
    build(tmp_path, {"config.json": PLAIN, "data/notes.md": "nothing here"})
    out = tmp_path / "out"
    ran = selectlab("select", tmp_path / "config.json", "--data", tmp_path / "data", "--out", out)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        f"error: {tmp_path}/data: no samples; expected images, embeddings or tables\n"
    )
    assert not out.exists()


def test_thresholds_that_leave_nothing_say_what_each_removed(tmp_path: Path) -> None:
    """t is 0 to 5: four are not above 3; no margin is above 2."""
    warm = {"type": "THRESHOLD", "threshold": 3.0, "operation": "BIGGER"}
    unsure = {"type": "THRESHOLD", "threshold": 2.0, "operation": "BIGGER"}
    raw = config((metadata("t"), warm), (MARGIN, unsure), (EMBEDDINGS, DIVERSITY))
    assert refused(tmp_path, {}, raw) == (
        "no sample left to select: 6 in the dataset; 4 removed by strategies[0] metadata t > 3; "
        "6 removed by strategies[1] uncertainty_margin of cls > 2"
    )


@pytest.mark.parametrize("wanted", [7, 10**30])
def test_fewer_samples_than_wanted_are_said_so(tmp_path: Path, wanted: int) -> None:
    ran = run(tmp_path, {}, {**PLAIN, "n_samples": wanted})
    assert (ran.code, ran.err) == (0, "")
    assert f"note: 6 samples instead of {wanted}: no sample left" in ran.out
    assert len((tmp_path / "out" / "selection.txt").read_text().splitlines()) == 6


def test_unreadable_images_are_listed_and_skipped(tmp_path: Path) -> None:
    data = small_dataset(tmp_path, {"a/2.png": b"no image", "a/4.png": b""})
    ran = selectlab("metrics", data, "--out", tmp_path / "metrics.csv", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["unreadable"] == ["a/2.png", "a/4.png"]
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) in (5, 7)


def test_a_threshold_on_an_image_metric_skips_unreadable_images(tmp_path: Path) -> None:
    sharp = {"type": "THRESHOLD", "threshold": 0.0, "operation": "BIGGER"}
    raw = config((metadata("lightly.sharpness"), sharp), (EMBEDDINGS, DIVERSITY), n_samples=6)
    ran = run(tmp_path, {"a/2.png": b"no image"}, raw, "--json")
    assert ran.code == 0
    found = json.loads(ran.out)
    assert sorted(found["selected"]) == [name for name in IDS if name != "a/2.png"]
    assert found["counts"]["missing"] == {"strategies[0] metadata lightly.sharpness": 1}


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder nobody can write to")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Nobody can make a folder in /proc, not even root."""
    text = refused(tmp_path, {}, PLAIN, "--out", "/proc/selectlab/out")
    assert text.startswith("/proc/selectlab/out: cannot be written: ")


def test_a_failed_run_leaves_the_earlier_one_alone(tmp_path: Path) -> None:
    assert run(tmp_path, {}).code == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    bad = embeddings(with_value(2, 1, float("nan")), IDS)
    assert run(tmp_path, bad, PLAIN, "--overwrite").code == 2
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert {path.name for path in tmp_path.iterdir()} == {"data", "config.json", "out"}


def test_ids_with_markup_quotes_and_commas_pass_through(tmp_path: Path) -> None:
    """Ids are data: no terminal markup, no broken table."""
    names = ["[bold]x[/bold].png", 'q"u,o"te.png', "ünïcödé 写真.png", "=1+1.png", "[/].png"]
    images = {f"data/{name}": b"" for name in names}
    vectors_of = parquet({"sample_id": names, "embedding": vectors(5)})
    raw = config((EMBEDDINGS, DIVERSITY), n_samples=5)
    build(tmp_path, {**images, "data/embeddings.parquet": vectors_of, "config.json": raw})
    out = tmp_path / "out"
    ran = selectlab("select", tmp_path / "config.json", "--data", tmp_path / "data", "--out", out)
    assert (ran.code, ran.err) == (0, "")
    for name in names:
        assert name in ran.out
    import pandas as pd

    table = pd.read_csv(out / "selection.csv")
    assert sorted(table["sample_id"]) == sorted(names)
    assert (out / "selection.txt").read_text(encoding="utf-8").splitlines() == list(
        table["sample_id"]
    )


def test_the_shell_sees_one_line_and_exit_code_2(tmp_path: Path) -> None:
    """The same through a real process."""
    build(tmp_path, {"config.json": {"n_samples": 3, "strategies": []}})
    code = "import sys; from selectlab.cli import main; sys.argv[0] = 'selectlab'; main()"
    command = [sys.executable, "-c", code, "validate", str(tmp_path / "config.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: strategies: must have at least one entry, got []\n"


def test_arguments_in_python_are_checked_too() -> None:
    data = Dataset(IDS, embeddings=np.array(vectors()))
    raw = config((EMBEDDINGS, DIVERSITY))
    for preselected, expected in [
        (3, "preselected: expected ids, an earlier selection or a path, got int"),
        ([3], "preselected: ids are text, got 3"),
        ([["a"]], "preselected: ids are text, got ['a']"),
        (["a/9.png"], "preselected: 1 of 1 ids are not in the dataset, first 'a/9.png'; did you mean 'a/5.png'?"),
    ]:  # fmt: skip
        with pytest.raises(DataError) as caught:
            select(raw, data, preselected=preselected)
        assert str(caught.value) == expected
    with pytest.raises(SelectlabError, match="data: expected a Dataset, a path or a URL, got int"):
        select(raw, 3)  # type: ignore[arg-type]


def test_numbers_that_cannot_be_added_up(tmp_path: Path) -> None:
    huge = {"metadata.csv": "sample_id,q\n" + "".join(f"{name},1.7e308\n" for name in IDS)}
    assert refused(tmp_path, huge, Q_WEIGHTS) == (
        "strategies[0].input: metadata q: the numbers are too large to be added up, "
        "the largest is 1.7e+308"
    )


def test_a_strength_beyond_all_measure(tmp_path: Path) -> None:
    raw = config((EMBEDDINGS, {**DIVERSITY, "strength": -1e308}), (MARGIN, WEIGHTS))
    assert refused(tmp_path, {}, raw) == (
        "strategies[0].strategy.strength: should be between -1e9 and 1e9, got -1e+308"
    )


def test_a_share_beyond_all_measure(tmp_path: Path) -> None:
    """Refused or scaled down, but no crash."""
    target = {"car": 1e308, "bus": 1e308}
    assert run(tmp_path, {}, config((CLASSES, {"type": "BALANCE", "target": target}))).code in (
        0,
        2,
    )
