"""What was asked, and what came out, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selectlab.config import Config, Entry
from selectlab.report.charts import counted, percent
from selectlab.report.record import RunRecord


@dataclass(frozen=True)
class Asked:
    """One strategy of a config in words.

    Attributes:
        label: Its label in the files of the run.
        type: Its name in the config.
        about: What it looks at.
        source: What that is, in a sentence; may be empty.
        goal: What it does, in a sentence.
        details: What was set.
    """

    label: str
    type: str
    about: str
    source: str
    goal: str
    details: Sequence[str]


@dataclass(frozen=True)
class Step:
    """A step on the way from the dataset to the selection.

    Attributes:
        count: How many samples, signed where they are left out.
        what: What became of them.
        total: Whether it says what is left.
    """

    count: str
    what: str
    total: bool = False


def asked(config: Config) -> list[Asked]:
    """Return the strategies of a config in words."""
    return [
        Asked(
            label=entry.label,
            type=entry.strategy.type,
            about=_about(entry),
            source=_summary(entry.input),
            goal=_summary(entry.strategy),
            details=_details(entry),
        )
        for entry in config.entries
    ]


def _summary(part: Any) -> str:
    """Return the first line of a class's docstring."""
    lines = (type(part).__doc__ or "").strip().splitlines()
    return lines[0].replace("``", "") if lines else ""


def _about(entry: Entry) -> str:
    """Return what a strategy looks at, and what it wants of it where it says so."""
    described = entry.strategy.describe()
    wanted = "" if described == entry.strategy.type else f" {described}"
    return entry.input.describe() + wanted


def _details(entry: Entry) -> list[str]:
    strategy = entry.strategy
    given = strategy.model_dump(mode="json", exclude_defaults=True, exclude={"type", "strength"})
    found = [*_settings(given), *_settings(_untold(entry))]
    if strategy.strength < 0:
        found.append(f"turned around: strength {strategy.strength:g}")
    elif strategy.strength != 1.0:
        found.append(f"strength {strategy.strength:g}")
    if entry.input.on_missing == "error":
        found.append("every sample must have a value")
    return found


def _untold(entry: Entry) -> dict[str, Any]:
    """Return what was set of an input and is not part of how it is called."""
    given = entry.input.model_dump(
        mode="json", exclude_defaults=True, exclude={"type", "on_missing"}
    )
    name = _plain(entry.input.describe())
    return {key: value for key, value in given.items() if _plain(str(value)) not in name}


def _plain(name: str) -> str:
    return name.lower().replace("_", " ")


def _settings(given: Mapping[str, Any]) -> list[str]:
    return [f"{name.replace('_', ' ')}: {_value(value)}" for name, value in given.items()]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(held)}" for key, held in value.items())
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def size_asked(config: Config) -> str:
    """Return how many samples were asked for."""
    if config.proportion_samples is not None:
        size = f"{percent(config.proportion_samples)} of the dataset"
    else:
        size = counted(config.n_samples or 0, "sample")
    more = []
    if config.selected_sequence_length is not None:
        more.append(f"in sequences of {config.selected_sequence_length} frames")
    if config.min_frame_gap is not None:
        more.append(f"frames of one video at least {config.min_frame_gap} apart")
    return ", ".join([size, *more])


def steps_taken(record: RunRecord) -> list[Step]:
    """Return how the dataset became the selection, step by step."""
    counts = record.counts
    left = [(n, f"without {_without_place(name)}") for name, n in counts["missing"].items()]
    left.append((counts["not_in_sequence"], "in no complete sequence"))
    left += [
        (n, f"removed by the filter {_without_place(name)}")
        for name, n in counts["filtered"].items()
    ]
    left.append((counts["preselected"], "selected before this run"))
    beside = counts.get("beside_preselected", 0)
    left.append((beside, "in a sequence with one that was selected before"))
    return [
        Step(f"{counts['input']:,}", "in the dataset", total=True),
        *(Step(f"−{n:,}", what) for n, what in left if n),
        Step(f"{counts['candidates']:,}", "candidates", total=True),
        Step(f"{counts['selected']:,}", "selected", total=True),
    ]


def _without_place(name: str) -> str:
    """Return a name without the place in the config that stands before it."""
    return name.partition(" ")[2] if name.startswith("strategies[") else name.replace("_", " ")
