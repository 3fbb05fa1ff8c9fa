"""Configs: what is accepted, and one line for everything that is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_dataset import (
    CLASSES,
    DIVERSITY,
    EMBEDDINGS,
    MARGIN,
    RANDOM,
    UNIFORM,
    WEIGHTS,
    config,
    metadata,
    small_dataset,
)

import selectlab
from selectlab import registry
from selectlab.config import Config, load
from selectlab.errors import ConfigError
from selectlab.inputs import Embeddings, Metadata, Random
from selectlab.strategies import Balance, Diversity, Threshold, Weights

PLAIN = config((EMBEDDINGS, DIVERSITY))
ENTRY = PLAIN["strategies"][0]
STRATEGIES = ", ".join(sorted(registry.strategies()))
INPUTS = ", ".join(sorted(registry.inputs()))
TOP_KEYS = ", ".join(sorted(Config.model_fields))
VECTOR = "a vector per sample or vectors of the objects of each sample"


def one(source: Any = EMBEDDINGS, strategy: Any = DIVERSITY, **more: Any) -> dict[str, Any]:
    return config((source, strategy), **more)


def diversity(**fields: Any) -> dict[str, Any]:
    return one(EMBEDDINGS, {**DIVERSITY, **fields})


def balance(**fields: Any) -> dict[str, Any]:
    return one(metadata("sky"), {"type": "BALANCE", **fields})


def weights(**fields: Any) -> dict[str, Any]:
    return one(RANDOM, {**WEIGHTS, **fields})


def tiling(**fields: Any) -> dict[str, Any]:
    task = {"type": "TILING", "name": "t", "num_rows": 1, "num_cols": 2, **fields}
    return {**PLAIN, "auto_tasks": [task]}


def message(source: Any, **more: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load(source, **more)
    text = str(caught.value)
    assert "\n" not in text
    return text


UNKNOWN_KEYS = [
    (one(n_sample=3), "n_sample: unknown key; did you mean 'n_samples'?"),
    (one(seed=3), f"seed: unknown key; known: {TOP_KEYS}"),
    (
        {"n_samples": 3, "strategy": [ENTRY]},
        "strategy: unknown key; did you mean 'strategies'?",
    ),
    (one(**{"a\nb": 3}), f"'a\\nb': unknown key; known: {TOP_KEYS}"),
    (
        {"n_samples": 3, "strategies": [{**ENTRY, "strength": 2.0}]},
        "strategies[0].strength: unknown key; it belongs inside 'strategy'",
    ),
    (
        {"n_samples": 3, "strategies": [ENTRY, {**ENTRY, "threshold": 2.0}]},
        "strategies[1].threshold: unknown key; it belongs inside 'strategy'",
    ),
    (
        {"n_samples": 3, "strategies": [{**ENTRY, "inputs": 2.0}]},
        "strategies[0].inputs: unknown key; did you mean 'input'?",
    ),
    (
        {"n_samples": 3, "strategies": [{**ENTRY, "weight": 2.0}]},
        "strategies[0].weight: unknown key; known: input, strategy",
    ),
    (
        one({**EMBEDDINGS, "taks": "x"}),
        "strategies[0].input.taks: unknown key; did you mean 'task'?",
    ),
    (
        diversity(stopping_condition_min_distance=1),
        "strategies[0].strategy.stopping_condition_min_distance: unknown key; "
        "did you mean 'stopping_condition_minimum_distance'?",
    ),
    (
        weights(target_range={"minsum": 3}),
        "strategies[0].strategy.target_range.minsum: unknown key; did you mean 'min_sum'?",
    ),
    (tiling(overlp=1), "auto_tasks[0].overlp: unknown key; did you mean 'overlap'?"),
]

TYPES = [
    (
        one(strategy={"type": "DIVERSTY"}),
        "strategies[0].strategy.type: nothing is called 'DIVERSTY'; did you mean 'DIVERSITY'?",
    ),
    (
        one(strategy={"type": "diversity"}),
        "strategies[0].strategy.type: nothing is called 'diversity'; did you mean 'DIVERSITY'?",
    ),
    (
        one({"type": "EMBEDDING"}),
        "strategies[0].input.type: nothing is called 'EMBEDDING'; did you mean 'EMBEDDINGS'?",
    ),
    (
        one({"type": "DIVERSITY"}),
        f"strategies[0].input.type: nothing is called 'DIVERSITY'; known: {INPUTS}",
    ),
    (
        one(strategy={"type": ["DIVERSITY", "x"]}),
        "strategies[0].strategy.type: nothing is called ['DIVERSITY', 'x']; "
        "did you mean 'DIVERSITY'?",
    ),
    (
        one(strategy={"type": {}}),
        f"strategies[0].strategy.type: nothing is called {{}}; known: {STRATEGIES}",
    ),
    (
        one(strategy={"type": None}),
        f"strategies[0].strategy.type: nothing is called None; known: {STRATEGIES}",
    ),
    (
        one(strategy={"type": "DIV\nX"}),
        f"strategies[0].strategy.type: nothing is called 'DIV\\nX'; known: {STRATEGIES}",
    ),
    (
        one(strategy={"type": "X" * 500}),
        f"strategies[0].strategy.type: nothing is called '{'X' * 56}...; known: {STRATEGIES}",
    ),
    (one(strategy={}), f"strategies[0].strategy.type: required, but missing; known: {STRATEGIES}"),
    (one(strategy=None), "strategies[0].strategy: expected an object with a 'type', got None"),
    (one([]), "strategies[0].input: expected an object with a 'type', got []"),
    (
        {**PLAIN, "auto_tasks": [{"type": "TILES"}]},
        "auto_tasks[0].type: nothing is called 'TILES'; known: CROP, TILING",
    ),
    ({**PLAIN, "auto_tasks": [3]}, "auto_tasks[0]: expected an object with a 'type', got 3"),
]

PAIRS = [
    (
        one(RANDOM, DIVERSITY),
        f"strategies[0]: DIVERSITY takes {VECTOR}, but random number (seed 0) gives a number per "
        "sample, which goes with THRESHOLD, WEIGHTS",
    ),
    (
        one(EMBEDDINGS, WEIGHTS),
        f"strategies[0]: WEIGHTS takes a number per sample, but embeddings gives {VECTOR}, "
        "which goes with COVERAGE, DIVERSITY, PROTOTYPES, SIMILARITY, SPREAD, TYPICALITY",
    ),
    (
        config((EMBEDDINGS, DIVERSITY), (MARGIN, UNIFORM)),
        "strategies[1]: BALANCE takes counts of classes per sample or a category per sample, but "
        "uncertainty_margin of cls gives a number per sample, which goes with THRESHOLD, WEIGHTS",
    ),
    (
        one(metadata("t"), DIVERSITY),
        f"strategies[0]: DIVERSITY takes {VECTOR}, but metadata t gives a number per sample or "
        "a category per sample, which goes with BALANCE, THRESHOLD, WEIGHTS",
    ),
    (
        one(CLASSES, {"type": "TYPICALITY"}),
        f"strategies[0]: TYPICALITY takes {VECTOR}, but class distribution of det gives counts of "
        "classes per sample, which goes with BALANCE",
    ),
]

VALUES = [
    (
        diversity(strength="1"),
        "strategies[0].strategy.strength: should be a valid number, got '1'",
    ),
    (
        diversity(strength=True),
        "strategies[0].strategy.strength: should be a valid number, got True",
    ),
    (
        diversity(strength=float("nan")),
        "strategies[0].strategy.strength: should be a finite number, got nan",
    ),
    (
        diversity(stopping_condition_minimum_distance=-1),
        "strategies[0].strategy.stopping_condition_minimum_distance: should be greater than or "
        "equal to 0, got -1",
    ),
    (
        one(RANDOM, {"type": "THRESHOLD", "operation": "BIGGER"}),
        "strategies[0].strategy.threshold: required, but missing",
    ),
    (
        one(RANDOM, {"type": "THRESHOLD", "threshold": 1, "operation": "BIGER"}),
        "strategies[0].strategy.operation: nothing is called 'BIGER'; did you mean 'BIGGER'?",
    ),
    (
        weights(target_range={}),
        "strategies[0].strategy.target_range: give 'min_sum', 'max_sum' or both",
    ),
    (
        weights(target_range={"min_sum": 3, "max_sum": 1}),
        "strategies[0].strategy.target_range: min_sum 3 is above max_sum 1",
    ),
    (
        one(EMBEDDINGS, {"type": "TYPICALITY", "num_nearest_neighbors": 1}),
        "strategies[0].strategy.num_nearest_neighbors: should be greater than or equal to 2, got 1",
    ),
    (
        one({**MARGIN, "score": "uncertainty_margn"}, WEIGHTS),
        "strategies[0].input.score: nothing is called 'uncertainty_margn'; "
        "did you mean 'uncertainty_margin'?",
    ),
    (
        one({"type": "SCORES", "score": "uncertainty_margin"}, WEIGHTS),
        "strategies[0].input.task: required, but missing",
    ),
    (
        one({**CLASSES, "name": "CLASS_DISTRIBUTON"}, UNIFORM),
        "strategies[0].input.name: nothing is called 'CLASS_DISTRIBUTON'; "
        "did you mean 'CLASS_DISTRIBUTION'?",
    ),
    (
        one({**CLASSES, "categories": ["car"]}, UNIFORM),
        "strategies[0].input: 'categories' goes with CATEGORY_COUNT, not with CLASS_DISTRIBUTION",
    ),
    (
        one({**CLASSES, "name": "CATEGORY_COUNT", "categories": ["a", "b", "a"]}, WEIGHTS),
        "strategies[0].input: 'categories' names 'a' more than once",
    ),
    (
        one({**CLASSES, "name": "CATEGORY_COUNT", "categories": []}, WEIGHTS),
        "strategies[0].input: 'categories' is empty; leave it out to count all",
    ),
    (
        one({**RANDOM, "on_missing": "exlude"}, WEIGHTS),
        "strategies[0].input.on_missing: nothing is called 'exlude'; did you mean 'exclude'?",
    ),
    (
        one({**RANDOM, "random_seed": "x"}, WEIGHTS),
        "strategies[0].input.random_seed: should be a valid integer, got 'x'",
    ),
    (
        one({**EMBEDDINGS, "dataset_id": "x"}, {"type": "SIMILARITY"}),
        "strategies[0].input: 'dataset_id' needs 'tag_name', the tag of the query samples in it",
    ),
    (
        tiling(num_rows=0),
        "auto_tasks[0].num_rows: should be greater than or equal to 1, got 0",
    ),
    (
        {**PLAIN, "auto_tasks": [*tiling()["auto_tasks"], *tiling()["auto_tasks"]]},
        "auto_tasks[1].name: 't' occurs twice",
    ),
    (
        {**PLAIN, "auto_tasks": [{"type": "CROP", "name": "c", "bboxs": [[0, 0, 2, 1]]}]},
        "auto_tasks[0].bboxs: expected [x0, y0, x1, y1] with 0 <= x0 < x1 <= 1, "
        "got [0.0, 0.0, 2.0, 1.0]",
    ),
    (
        one(selected_sequence_length=1),
        "selected_sequence_length: should be greater than or equal to 2, got 1",
    ),
    (one(lightly_path_regex=3), "lightly_path_regex: should be a valid string, got 3"),
]

TARGETS = [
    (
        balance(),
        "strategies[0].strategy: BALANCE needs a 'target' (or 'distribution' UNIFORM or INPUT)",
    ),
    (
        balance(target={}),
        "strategies[0].strategy: BALANCE needs a 'target' (or 'distribution' UNIFORM or INPUT)",
    ),
    (
        balance(target=["sunny"]),
        "strategies[0].strategy.target: should be a valid dictionary, got ['sunny']",
    ),
    (
        balance(target={"sunny": "x"}),
        "strategies[0].strategy.target.sunny: should be a valid number, got 'x'",
    ),
    (
        balance(target={"sunny": -1}),
        "strategies[0].strategy.target.sunny: should be greater than or equal to 0, got -1",
    ),
    (
        balance(target={3: 1}),
        "strategies[0].strategy.target[3]: should be a valid string, got 3",
    ),
    (balance(target={"sunny": 0}), "strategies[0].strategy: the shares of 'target' are all 0"),
    (
        balance(distribution="UNIFROM"),
        "strategies[0].strategy.distribution: nothing is called 'UNIFROM'; did you mean 'UNIFORM'?",
    ),
    (
        balance(distribution="INPUT", target={"sunny": 1}),
        "strategies[0].strategy: 'target' goes with distribution TARGET, not INPUT",
    ),
]

HOW_MANY = (
    "n_samples: how many samples? Set n_samples (or proportion_samples), in the config or for "
    "this run"
)
SIZES = [
    ({"strategies": [ENTRY]}, HOW_MANY),
    (one(n_samples=-1), HOW_MANY),
    (one(n_samples=None), HOW_MANY),
    (
        one(proportion_samples=0.5),
        "n_samples and proportion_samples: give one of them, got 3 and 0.5",
    ),
    (one(n_samples=0), "n_samples: must be at least 1, got 0"),
    (one(n_samples=-2), "n_samples: should be greater than or equal to -1, got -2"),
    (one(n_samples=1.5), "n_samples: should be a valid integer, got 1.5"),
    (one(n_samples=True), "n_samples: should be a valid integer, got True"),
    (one(n_samples="5"), "n_samples: should be a valid integer, got '5'"),
    (
        one(n_samples=-1, proportion_samples=0),
        "proportion_samples: should be greater than 0, got 0",
    ),
    (
        one(n_samples=-1, proportion_samples=1.1),
        "proportion_samples: should be less than or equal to 1, got 1.1",
    ),
    (
        one(n_samples=-1, proportion_samples=float("nan")),
        "proportion_samples: should be a finite number, got nan",
    ),
]

SHAPES = [
    ({"n_samples": 3}, "strategies: required, but missing"),
    ({"n_samples": 3, "strategies": []}, "strategies: must have at least one entry, got []"),
    ({"n_samples": 3, "strategies": {}}, "strategies: should be a valid list, got {}"),
    (
        {"n_samples": 3, "strategies": ["x"]},
        "strategies[0]: expected {'input': ..., 'strategy': ...}, got 'x'",
    ),
    (
        {"n_samples": 3, "strategies": [{"strategy": DIVERSITY}]},
        "strategies[0].input: required, but missing",
    ),
    (
        {"n_samples": 3, "strategies": [{"input": EMBEDDINGS}]},
        "strategies[0].strategy: required, but missing",
    ),
    ({**PLAIN, 3: 3}, "[3]: Keys should be strings, got 3"),
    (
        3,
        "config: expected a path, a dict or a list of (input, strategy) pairs, got int",
    ),
    (
        None,
        "config: expected a path, a dict or a list of (input, strategy) pairs, got NoneType",
    ),
    ([], "strategies: must have at least one entry, got []"),
    ([3], "strategies[0]: expected an (input, strategy) pair, got 3"),
    ([(1, 2)], "strategies[0]: expected an (input, strategy) pair, got (1, 2)"),
    (
        [(Random(), Weights()), (Random(), Diversity())],
        f"strategies[1]: DIVERSITY takes {VECTOR}, but random number (seed 0) gives a number per "
        "sample, which goes with THRESHOLD, WEIGHTS",
    ),
]


@pytest.mark.parametrize(
    ("raw", "expected"), [*UNKNOWN_KEYS, *TYPES, *PAIRS, *VALUES, *TARGETS, *SIZES, *SHAPES]
)
def test_what_is_wrong_is_one_line_with_its_path(raw: Any, expected: str) -> None:
    assert message(raw) == expected


def test_long_values_are_cut() -> None:
    text = message(diversity(strength="X\n" * 500))
    assert text.startswith("strategies[0].strategy.strength: should be a valid number, got 'X\\nX")
    assert text.endswith("...")
    assert len(text) < 140


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{\n  "n_samples": 3,\n  "strategies": [}\n', "not valid JSON: expected value at line 3 column 18"),
        (b'{"n_samples": 3,}', "not valid JSON: trailing comma at line 1 column 17"),
        (b"", "not valid JSON: EOF while parsing a value at line 1 column 0"),
        (b"\xff\xfe{", "not valid JSON: expected value at line 1 column 1"),
        (b'{"n_samples": NaN}', "not valid JSON: expected value at line 1 column 15"),
        (b"[" * 3000, "not valid JSON: recursion limit exceeded at line 1 column 202"),
        (b"[1]", "expected a JSON object, got list"),
        (b"null", "expected a JSON object, got NoneType"),
    ],
)  # fmt: skip
def test_files_that_are_no_json_object(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    assert message(path) == f"{path}: {expected}"


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "config.json"
    assert message(missing) == f"{missing}: cannot be read: No such file or directory"
    assert message(tmp_path) == f"{tmp_path}: cannot be read: Is a directory"
    assert message(str(missing)) == message(missing)
    assert message("a\0b") == "'a\\x00b': cannot be read: embedded null byte"


def test_what_editors_add_does_no_harm(tmp_path: Path) -> None:
    """A byte order mark, and the key that says where the schema lies."""
    path = tmp_path / "config.json"
    text = json.dumps({"$schema": "./schema.json", **PLAIN})
    path.write_text(text, encoding="utf-8-sig")
    assert load(path).to_json() == load(PLAIN).to_json() == PLAIN


def test_camel_case_is_read_as_snake_case() -> None:
    camel = {
        "nSamples": 3,
        "selectedSequenceLength": 3,
        "strategies": [
            {
                "input": {"type": "EMBEDDINGS", "datasetId": "x", "tagName": "y"},
                "strategy": {"type": "SIMILARITY"},
            },
            {
                "input": EMBEDDINGS,
                "strategy": {**DIVERSITY, "stoppingConditionMinimumDistance": 0.5},
            },
            {"input": RANDOM, "strategy": {**WEIGHTS, "targetRange": {"minSum": 1.0}}},
        ],
        "autoTasks": [{"type": "TILING", "name": "t", "numRows": 1, "numCols": 2}],
    }
    assert load(camel).to_json() == {
        "n_samples": 3,
        "selected_sequence_length": 3,
        "strategies": [
            {
                "input": {"type": "EMBEDDINGS", "dataset_id": "x", "tag_name": "y"},
                "strategy": {"type": "SIMILARITY"},
            },
            {
                "input": EMBEDDINGS,
                "strategy": {**DIVERSITY, "stopping_condition_minimum_distance": 0.5},
            },
            {"input": RANDOM, "strategy": {**WEIGHTS, "target_range": {"min_sum": 1.0}}},
        ],
        "auto_tasks": [
            {"type": "TILING", "name": "t", "num_rows": 1, "num_cols": 2, "overlap": 0.0}
        ],
    }


def test_class_names_of_a_target_are_never_renamed() -> None:
    target = {"nSamples": 0.5, "Sunny": 0.25, "sunnyDay": 0.25}
    assert load(balance(target=target)).to_json()["strategies"][0]["strategy"]["target"] == target


def test_the_size_of_a_run_replaces_that_of_the_config() -> None:
    assert load(PLAIN, n_samples=7).n_samples == 7
    camel = {"nSamples": 3, "strategies": [ENTRY]}
    assert load(camel, proportion_samples=0.5).to_json() == {
        "proportion_samples": 0.5,
        "strategies": [ENTRY],
    }
    assert load(load(PLAIN), n_samples=np.int64(7)).n_samples == 7  # type: ignore[arg-type]
    assert message(PLAIN, n_samples=0) == "n_samples: must be at least 1, got 0"
    assert message(PLAIN, n_samples=True) == "n_samples: should be a valid integer, got True"
    assert message(PLAIN, n_samples=2, proportion_samples=0.5) == (
        "n_samples and proportion_samples: give one of them, got 2 and 0.5"
    )


def test_pairs_of_objects_are_a_config() -> None:
    pairs = [(Embeddings(), Diversity(strength=0.5)), (Random(random_seed=3), Weights())]
    assert load(pairs, n_samples=3).to_json() == config(
        (EMBEDDINGS, {**DIVERSITY, "strength": 0.5}), ({**RANDOM, "random_seed": 3}, WEIGHTS)
    )
    assert message(pairs) == HOW_MANY


def test_a_config_survives_its_own_json() -> None:
    raw = config(
        (EMBEDDINGS, {**DIVERSITY, "strength": -0.5}),
        (metadata("t"), {"type": "THRESHOLD", "threshold": 1.0, "operation": "SMALLER"}),
        (CLASSES, {"type": "BALANCE", "target": {"car": 0.5}}),
        lightly_path_regex="(?P<camera>[^/]+)/",
    )
    assert load(load(raw).to_json()).to_json() == load(load(raw)).to_json() == raw


def test_a_threshold_with_strength_is_accepted_with_a_note(tmp_path: Path) -> None:
    """LightlyOne accepted it; it means nothing."""
    strategy = {"type": "THRESHOLD", "threshold": 2.0, "operation": "BIGGER", "strength": 2.0}
    raw = one(metadata("t"), strategy)
    note = "strategies[0]: THRESHOLD is a filter: its 'strength' is ignored"
    assert load(raw).notes == (note,)
    assert load(load(raw), n_samples=2).notes == (note,)
    chosen = selectlab.select(raw, small_dataset(tmp_path))
    assert chosen.warnings == (
        note,
        "no strategy ranks the samples: they are taken in the order of their ids",
    )
    assert chosen.ids == ("a/3.png", "a/4.png", "a/5.png")
    objects = [(Metadata(key="t"), Threshold(threshold=2.0, operation="BIGGER", strength=2.0))]
    assert load(objects, n_samples=2).notes == (note,)


def test_the_order_of_entries_means_nothing(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    pairs = [(EMBEDDINGS, DIVERSITY), (MARGIN, WEIGHTS), (CLASSES, UNIFORM)]
    ids = selectlab.select(config(*pairs, n_samples=6), data).ids
    assert selectlab.select(config(*pairs[::-1], n_samples=6), data).ids == ids
    assert len(ids) == 6


def test_an_entry_twice_counts_twice(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    twice = config((EMBEDDINGS, DIVERSITY), (MARGIN, WEIGHTS), (MARGIN, WEIGHTS), n_samples=6)
    squared = config((EMBEDDINGS, DIVERSITY), (MARGIN, {**WEIGHTS, "strength": 2.0}), n_samples=6)
    assert selectlab.select(twice, data).ids == selectlab.select(squared, data).ids


def test_strategies_are_checked_when_made_in_python() -> None:
    with pytest.raises(ValueError, match="BALANCE needs a 'target'"):
        Balance()


def test_both_spellings_of_a_key() -> None:
    with pytest.raises(ConfigError) as caught:
        load({"nSamples": 3, "n_samples": 2, "strategies": [RANDOM]})
    assert str(caught.value) == "'n_samples' is given twice, in snake_case and in camelCase"
