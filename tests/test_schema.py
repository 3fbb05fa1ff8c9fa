"""The JSON Schema that editors complete from: it accepts what runs and refuses what does not."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
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
)
from test_config_examples import EXAMPLES

from selectlab import registry
from selectlab.config import load
from selectlab.demo import demo_config
from selectlab.errors import ConfigError
from selectlab.schema import json_schema

PLAIN = config((EMBEDDINGS, DIVERSITY))
SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def test_it_is_a_schema_itself() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("raw", EXAMPLES.values(), ids=EXAMPLES)
def test_configs_that_run_are_accepted(raw: dict[str, Any]) -> None:
    VALIDATOR.validate(raw)
    VALIDATOR.validate(load(raw).to_json())


def test_everything_a_config_can_say_is_accepted() -> None:
    VALIDATOR.validate(demo_config(50))
    VALIDATOR.validate(
        {
            "$schema": "schema.json",
            "n_samples": -1,
            "proportion_samples": 0.5,
            "lightly_path_regex": "(?P<camera>[^/]+)/",
            "selected_sequence_length": 5,
            "auto_tasks": [
                {"type": "TILING", "name": "t", "num_rows": 2, "num_cols": 3, "overlap": 0.1},
                {"type": "CROP", "name": "c", "bboxs": [[0.0, 0.0, 0.5, 0.5]]},
            ],
            "strategies": [{"input": {**EMBEDDINGS, "task": "t"}, "strategy": DIVERSITY}],
        }
    )


MISTAKES: dict[str, dict[str, Any]] = {
    "unknown key": {**PLAIN, "seed": 3},
    "no strategies": {"n_samples": 3},
    "empty strategies": {"n_samples": 3, "strategies": []},
    "strategies is no list": {"n_samples": 3, "strategies": {}},
    "strength beside": {"n_samples": 3, "strategies": [{**PLAIN["strategies"][0], "strength": 1}]},
    "no input": {"n_samples": 3, "strategies": [{"strategy": DIVERSITY}]},
    "n_samples is text": {**PLAIN, "n_samples": "3"},
    "n_samples is a fraction": {**PLAIN, "n_samples": 1.5},
    "n_samples is negative": {**PLAIN, "n_samples": -2},
    "proportion above 1": {**PLAIN, "n_samples": -1, "proportion_samples": 1.5},
    "unknown strategy": config((EMBEDDINGS, {"type": "DIVERSTY"})),
    "no type": config((EMBEDDINGS, {"strength": 1.0})),
    "unknown input": config(({"type": "EMBEDDING"}, DIVERSITY)),
    "unknown key of an input": config(({**EMBEDDINGS, "taks": "x"}, DIVERSITY)),
    "unknown key of a strategy": config((EMBEDDINGS, {**DIVERSITY, "distance": 1})),
    "strength is text": config((EMBEDDINGS, {**DIVERSITY, "strength": "1"})),
    "wrong pair": config((RANDOM, DIVERSITY)),
    "wrong pair of scores": config((MARGIN, UNIFORM)),
    "no task": config(({"type": "SCORES", "score": "uncertainty_margin"}, WEIGHTS)),
    "unknown score": config(({**MARGIN, "score": "uncertainty_margn"}, WEIGHTS)),
    "unknown name": config(({**CLASSES, "name": "CLASSES"}, UNIFORM)),
    "no key": config(({"type": "METADATA"}, WEIGHTS)),
    "no threshold": config((RANDOM, {"type": "THRESHOLD", "operation": "BIGGER"})),
    "unknown operation": config((RANDOM, {"type": "THRESHOLD", "threshold": 1, "operation": ">"})),
    "negative share": config((metadata("sky"), {"type": "BALANCE", "target": {"sunny": -1}})),
    "one neighbour": config((EMBEDDINGS, {"type": "TYPICALITY", "num_nearest_neighbors": 1})),
    "sequence of one": {**PLAIN, "selected_sequence_length": 1},
    "tile rows": {**PLAIN, "auto_tasks": [{"type": "TILING", "name": "t", "num_rows": 0, "num_cols": 1}]},
    "unknown auto task": {**PLAIN, "auto_tasks": [{"type": "TILES", "name": "t"}]},
}  # fmt: skip


@pytest.mark.parametrize("raw", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_refused_here_as_by_the_config(raw: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(raw)
    with pytest.raises(ConfigError):
        load(raw)


def _pairs() -> list[tuple[str, str]]:
    return [
        (source, strategy) for source in registry.inputs() for strategy in registry.strategies()
    ]


@pytest.mark.parametrize(("source", "strategy"), _pairs())
def test_every_pair_is_offered_exactly_when_it_fits(source: str, strategy: str) -> None:
    fits = registry.fits(registry.inputs()[source].cls.kinds, registry.strategies()[strategy].cls)
    offered = any(
        _names(entry["properties"]["strategy"]) == [strategy]
        and source
        in [name for ref in entry["properties"]["input"]["anyOf"] for name in _names(ref)]
        for entry in SCHEMA["properties"]["strategies"]["items"]["anyOf"]
    )
    assert offered == fits


def _names(ref: dict[str, str]) -> list[str]:
    definition = SCHEMA["$defs"][ref["$ref"].rsplit("/", 1)[1]]
    return [definition["properties"]["type"]["const"]]


def test_every_input_and_strategy_is_described() -> None:
    """What an editor shows: the docstring of each, and the names of its keys."""
    described = {
        definition["properties"]["type"]["const"]: definition
        for definition in SCHEMA["$defs"].values()
        if "type" in definition.get("properties", {})
    }
    for name, found in {**registry.inputs(), **registry.strategies()}.items():
        assert described[name]["description"].startswith(found.summary)
        assert "type" in described[name]["required"]
        # ASSERTION also takes the parameters of the assertion it names
        assert set(found.cls.model_fields) <= set(described[name]["properties"])
