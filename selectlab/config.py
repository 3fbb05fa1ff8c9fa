"""The JSON config: read, checked, and turned into input and strategy objects."""

from __future__ import annotations

import codecs
import operator
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, SupportsIndex, TypeVar

from pydantic import BaseModel, Field, model_validator
from pydantic_core import from_json

from selectlab import registry
from selectlab.auto_tasks import AutoTask, auto_task_classes
from selectlab.errors import ConfigError, did_you_mean
from selectlab.types import Input, Signal, Spec, Strategy
from selectlab.validation import readable, shortened, validated

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Entry:
    """One line of the config: what is looked at, and what makes it good."""

    input: Input
    strategy: Strategy
    path: str

    @property
    def label(self) -> str:
        """Name of the entry in the output."""
        number = self.path.removeprefix("strategies[").removesuffix("]")
        return f"{number}_{self.strategy.type.lower()}"

    def to_json(self) -> dict[str, Any]:
        """Return the entry as the config would hold it, defaults left out."""
        parts: dict[str, Input | Strategy] = {"input": self.input, "strategy": self.strategy}
        return {
            name: {"type": part.type, **part.model_dump(mode="json", exclude_defaults=True)}
            for name, part in parts.items()
        }


class Config(Spec):
    """A selection config.

    Attributes:
        n_samples: How many samples to select; -1 means "not set".
        proportion_samples: The same as a share of the whole input, 0 to 1.
        strategies: At least one pair of input and strategy.
        auto_tasks: Object tasks made from the image geometry (tiles, crops).
        lightly_path_regex: Regular expression on sample ids; its named groups become
            categorical metadata.
        selected_sequence_length: Select sequences of this many consecutive video frames.
        min_frame_gap: Keep selected frames of one video at least this many frames apart.
    """

    n_samples: Annotated[int, Field(ge=-1)] | None = None
    proportion_samples: Annotated[float, Field(gt=0, le=1)] | None = None
    strategies: Annotated[list[Any], Field(min_length=1)]
    auto_tasks: list[Any] = Field(default_factory=list)
    lightly_path_regex: str | None = None
    selected_sequence_length: Annotated[int, Field(ge=2)] | None = None
    min_frame_gap: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _parse_entries(self) -> Config:
        entries = [
            entry if isinstance(entry, Entry) else _entry(entry, f"strategies[{i}]")
            for i, entry in enumerate(self.strategies)
        ]
        tasks = [
            _by_type(auto_task_classes(), raw, f"auto_tasks[{i}]")
            for i, raw in enumerate(self.auto_tasks)
        ]
        names = [task.name for task in tasks]
        for i, name in enumerate(names):
            if name in names[:i]:
                raise ConfigError(f"auto_tasks[{i}].name: {name!r} occurs twice")
        object.__setattr__(self, "strategies", entries)
        object.__setattr__(self, "auto_tasks", tasks)
        return self

    @property
    def entries(self) -> list[Entry]:
        """The pairs of input and strategy."""
        return self.strategies

    @property
    def tasks(self) -> list[AutoTask]:
        """The auto tasks."""
        return self.auto_tasks

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of the config, one line each."""
        return tuple(f"{e.path}: {note}" for e in self.entries for note in e.strategy.notes())

    def to_json(self) -> dict[str, Any]:
        """Return the config as JSON data, defaults left out."""
        data = self.model_dump(mode="json", exclude={"strategies", "auto_tasks"}, exclude_none=True)
        data["strategies"] = [entry.to_json() for entry in self.entries]
        if self.tasks:
            data["auto_tasks"] = [task.model_dump(mode="json") for task in self.tasks]
        return data


def load(
    source: Any, *, n_samples: int | None = None, proportion_samples: float | None = None
) -> Config:
    """Read a config from a path, a dict, or a list of (input, strategy) objects.

    Args:
        source: The config.
        n_samples: Replaces the config's size.
        proportion_samples: Replaces the config's size.

    Raises:
        ConfigError: One line with the JSON path of what is wrong.
    """
    raw = _raw(source)
    raw.pop("$schema", None)
    if isinstance(n_samples, SupportsIndex) and not isinstance(n_samples, bool):
        n_samples = operator.index(n_samples)  # numpy's integers are welcome
    if n_samples is not None or proportion_samples is not None:
        raw = {key: value for key, value in raw.items() if key not in _SIZE_KEYS}
        raw |= {"n_samples": n_samples, "proportion_samples": proportion_samples}
    config = validated(Config, raw, "")
    _refuse_contradictions(config)
    return config


def _refuse_contradictions(config: Config) -> None:
    """Refuse a config without a size or with two, and options that exclude each other."""
    if config.n_samples == 0:
        raise ConfigError("n_samples: must be at least 1, got 0")
    sizes = [config.n_samples not in (None, -1), config.proportion_samples is not None]
    if all(sizes):
        raise ConfigError(
            f"n_samples and proportion_samples: give one of them, got {config.n_samples} "
            f"and {config.proportion_samples:g}"
        )
    if not any(sizes):
        raise ConfigError(
            "n_samples: how many samples? Set n_samples (or proportion_samples), in the config "
            "or for this run"
        )
    if config.min_frame_gap is not None and config.selected_sequence_length is not None:
        raise ConfigError(
            "min_frame_gap: keeps single frames apart, so it does not go with "
            "selected_sequence_length"
        )


MOST_STRENGTH = 1e9
_SIZE_KEYS = {"n_samples", "nSamples", "proportion_samples", "proportionSamples"}


def _raw(source: Any) -> dict[str, Any]:
    if isinstance(source, Config):
        return {**source.model_dump(exclude={"strategies"}), "strategies": source.entries}
    if isinstance(source, (str, os.PathLike)):
        return read_json(Path(source))
    if isinstance(source, Mapping):
        return dict(source)
    if isinstance(source, Sequence):
        return {"strategies": [_pair(pair, i) for i, pair in enumerate(source)]}
    raise ConfigError(
        "config: expected a path, a dict or a list of (input, strategy) pairs, "
        f"got {type(source).__name__}"
    )


def _pair(pair: Any, position: int) -> Entry:
    path = f"strategies[{position}]"
    match pair:
        case (Input() as source, Strategy() as strategy):
            return checked(Entry(source, strategy, path))
        case _:
            raise ConfigError(f"{path}: expected an (input, strategy) pair, got {pair!r}")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file.

    Raises:
        ConfigError: The file cannot be read or is no JSON object.
    """
    try:
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"{str(path)!r}: cannot be read: {error}") from error
    try:
        data = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise ConfigError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected a JSON object, got {type(data).__name__}")
    return data


def _entry(raw: Any, path: str) -> Entry:
    if not isinstance(raw, Mapping):
        raise ConfigError(f"{path}: expected {{'input': ..., 'strategy': ...}}, got {raw!r}")
    for key in raw:
        if key not in ("input", "strategy"):
            inside = any(key in found.cls.model_fields for found in registry.strategies().values())
            hint = (
                "; it belongs inside 'strategy'"
                if inside
                else did_you_mean(key, ["input", "strategy"])
            )
            raise ConfigError(f"{path}.{readable(key)}: unknown key{hint}")
    for key in ("input", "strategy"):
        if key not in raw:
            raise ConfigError(f"{path}.{key}: required, but missing")
    source = _by_type(_classes(registry.inputs()), raw["input"], f"{path}.input")
    strategy = _by_type(_classes(registry.strategies()), raw["strategy"], f"{path}.strategy")
    return checked(Entry(source, strategy, path))


def checked(entry: Entry) -> Entry:
    """Refuse a pair that can never work, whatever the data."""
    if not registry.fits(entry.input.gives(), type(entry.strategy)):
        raise ConfigError(f"{entry.path}: {mismatch(entry)}")
    if abs(entry.strategy.strength) > MOST_STRENGTH:
        raise ConfigError(
            f"{entry.path}.strategy.strength: should be between -1e9 and 1e9, "
            f"got {entry.strategy.strength:g}"
        )
    return entry


def mismatch(entry: Entry, loaded: type[Signal] | None = None) -> str:
    """Say that an input does not go with a strategy, and what would.

    Args:
        entry: The pair.
        loaded: What the input gave, once it is loaded.
    """
    wants = " or ".join(dict.fromkeys(kind.kind for kind in entry.strategy.accepts))
    kinds = entry.input.gives() if loaded is None else (loaded,)
    gives = " or ".join(dict.fromkeys(kind.kind for kind in kinds))
    others = [
        name for name, found in registry.strategies().items() if registry.fits(kinds, found.cls)
    ]
    advice = f"; {entry.input.advice}" if loaded is not None and entry.input.advice else ""
    return (
        f"{entry.strategy.type} takes {wants}, but {entry.input.describe()} gives {gives}, which "
        f"goes with {', '.join(others)}{advice}"
    )


def _classes(installed: Mapping[str, registry.Installed]) -> dict[str, type[Any]]:
    return {name: found.cls for name, found in installed.items()}


def _by_type(classes: Mapping[str, type[Any]], raw: Any, path: str) -> Any:
    """Validate ``raw`` with the class that its ``type`` names."""
    if isinstance(raw, tuple(classes.values())):
        return raw
    if not isinstance(raw, Mapping):
        raise ConfigError(f"{path}: expected an object with a 'type', got {raw!r}")
    if "type" not in raw:
        raise ConfigError(f"{path}.type: required, but missing{did_you_mean('', classes)}")
    name = raw["type"]
    if not isinstance(name, str) or name not in classes:
        hint = did_you_mean(name, classes)
        raise ConfigError(f"{path}.type: nothing is called {shortened(name)}{hint}")
    return validated(classes[name], dict(raw), path)
