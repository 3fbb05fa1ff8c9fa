"""The JSON Schema of a config, for editors; made from what is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from selectlab import registry
from selectlab.auto_tasks import auto_task_classes

_SIMPLE: dict[str, Any] = {
    "$schema": {"type": "string"},
    "n_samples": {
        "type": "integer",
        "minimum": -1,
        "description": "How many samples to select; -1 means not set.",
    },
    "proportion_samples": {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
        "description": "How many samples to select, as a share of the whole input.",
    },
    "lightly_path_regex": {
        "type": "string",
        "description": "Regular expression on sample ids; its named groups become categorical "
        "metadata.",
    },
    "selected_sequence_length": {
        "type": "integer",
        "minimum": 2,
        "description": "Select sequences of this many consecutive video frames.",
    },
    "min_frame_gap": {
        "type": "integer",
        "minimum": 1,
        "description": "Keep selected frames of one video at least this many frames apart.",
    },
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a config, plug-ins included."""
    inputs = {name: found.cls for name, found in registry.inputs().items()}
    strategies = {name: found.cls for name, found in registry.strategies().items()}
    tasks = auto_task_classes()
    models: list[type[BaseModel]] = [*inputs.values(), *strategies.values(), *tasks.values()]
    refs, shared = models_json_schema([(model, "validation") for model in models])
    definitions = _typed(models, refs, shared["$defs"])
    pairs = [
        _pair(
            refs[strategy, "validation"],
            [
                refs[source, "validation"]
                for source in inputs.values()
                if registry.fits(source.kinds, strategy)
            ],
        )
        for strategy in strategies.values()
    ]
    properties = {
        **_SIMPLE,
        "strategies": {
            "type": "array",
            "minItems": 1,
            "items": {"anyOf": pairs},
            "description": "What to look at, and what makes it good.",
        },
        "auto_tasks": {
            "type": "array",
            "items": {"anyOf": [refs[task, "validation"] for task in tasks.values()]},
            "description": "Object tasks made from the image geometry.",
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "selectlab selection config",
        "type": "object",
        "additionalProperties": False,
        "required": ["strategies"],
        "properties": properties,
        "$defs": definitions,
    }


def _typed(
    models: Sequence[type[BaseModel]], refs: Mapping[Any, Any], definitions: dict[str, Any]
) -> dict[str, Any]:
    """Make ``type`` required: it tells the members of each union apart."""
    for model in models:
        definition = definitions[refs[model, "validation"]["$ref"].rsplit("/", 1)[1]]
        definition["required"] = ["type", *definition.get("required", [])]
    return definitions


def _pair(strategy: dict[str, Any], inputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["input", "strategy"],
        "properties": {"input": {"anyOf": inputs}, "strategy": strategy},
    }
