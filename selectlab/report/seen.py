"""What a model saw in samples, and what assertions say that it should have seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from selectlab.assertion_run import read_imputed
from selectlab.config import Config
from selectlab.dataset import Dataset
from selectlab.errors import SelectlabError
from selectlab.exports.imputed import Imputed
from selectlab.exports.shaped import TaskShapes
from selectlab.inputs.sample_ids import sample_id
from selectlab.memory import MemorySource
from selectlab.shapes import Shape
from selectlab.tally import Tally

MIN_SCORE = 0.25
"""Predictions below are not drawn, unless an assertion calls them suspicious."""
_MOST_TASKS = 3
_BEST_KNOWN = "flicker"


@dataclass(frozen=True)
class Said:
    """What an assertion said of a dataset.

    Attributes:
        name: The assertion.
        task: The prediction task it looked at.
        path: The file.
        severities: Of the frames it flagged, by sample id.
    """

    name: str
    task: str
    path: Path
    severities: Mapping[str, float]


def said_of(dataset: Dataset) -> list[Said]:
    """Return what assertions have left in a dataset, flickering first; broken files are no use."""
    where = dataset.source.where
    if isinstance(dataset.source, MemorySource) or "://" in where:
        return []
    root = Path(where).expanduser()
    paths = [
        p for home in (".lightly/imputed", "imputed") for p in sorted(root.glob(f"{home}/*/*.json"))
    ]
    found = [one for path in paths if (one := _said(path)) is not None]
    return sorted(found, key=lambda one: (one.name != _BEST_KNOWN, one.name, one.task))


def _said(path: Path) -> Said | None:
    try:
        content = read_imputed(path)
        severities = {
            sample_id(frame["file_name"], str(path)): float(frame["severity"])
            for frame in content["frames"]
        }
        return Said(str(content["assertion"]["name"]), str(content["task"]), path, severities)
    except (SelectlabError, KeyError, TypeError, ValueError):
        return None


def tasks_shown(config: Config, dataset: Dataset) -> list[str]:
    """Return the tasks whose predictions are drawn: those the config looks at, else the first."""
    known = list(dataset.source.tasks())
    asked = dict.fromkeys(getattr(entry.input, "task", None) for entry in config.entries)
    chosen = [task for task in asked if task in known]
    return [task for task in chosen if task is not None][:_MOST_TASKS] or known[:1]


def shapes_of(
    dataset: Dataset,
    task: str,
    sizes: Mapping[str, tuple[int, int] | None],
    said: Said | None,
) -> dict[str, Sequence[Shape]]:
    """Return the shapes of samples; nothing where the predictions cannot be read.

    Args:
        dataset: Has the predictions.
        task: The task.
        sizes: Width and height of the pictures, by sample id.
        said: What an assertion said of the task.
    """
    try:
        imputed = None if said is None else Imputed(said.path)
        return dict(TaskShapes(dataset, task, imputed, MIN_SCORE).of(sizes, Tally()))
    except SelectlabError:
        return {}
