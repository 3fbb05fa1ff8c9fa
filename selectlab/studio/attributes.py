"""What samples can be sorted and coloured by: metadata, scores, numbers of objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from selectlab.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from selectlab.columns import TaskType
    from selectlab.dataset import Dataset

_KEPT = 24


@dataclass(frozen=True, eq=False)
class Column:
    """One value of each sample, N samples.

    Attributes:
        title: What it is, in words.
        values: (N,) numbers, or codes of categories; NaN where there is none.
        names: Names of the categories by code; ``None`` for numbers.
    """

    title: str
    values: npt.NDArray[np.float64]
    names: tuple[str, ...] | None = None

    def at(self, row: int) -> float | str | None:
        """Return the value of a sample, ``None`` where there is none."""
        value = float(self.values[row])
        if np.isnan(value):
            return None
        return value if self.names is None else self.names[int(value)]

    def order(self, rows: npt.NDArray[np.intp], *, descending: bool) -> npt.NDArray[np.intp]:
        """Return rows by value, equal ones in their order, those without a value last."""
        keys = self.values[rows]
        order = np.argsort(-keys if descending else keys, kind="stable")
        return rows[order]


class Attributes:
    """The columns of a dataset by key, read when they are asked for.

    Args:
        dataset: The dataset.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._held: dict[str, Column] = {}

    @cached_property
    def titles(self) -> dict[str, str]:
        """What each key means."""
        return {key: title for key, (title, _) in self._loaders.items()}

    def column(self, key: str) -> Column:
        """Return a column.

        Raises:
            ConfigError: There is none of this key.
            DataError: It cannot be read.
        """
        if key not in self._loaders:
            hint = did_you_mean(key, self._loaders)
            raise ConfigError(f"samples: nothing to sort by is called {key!r}{hint}")
        if key not in self._held:
            while len(self._held) >= _KEPT:
                self._held.pop(next(iter(self._held)))
            title, load = self._loaders[key]
            self._held[key] = load(title)
        return self._held[key]

    @cached_property
    def _loaders(self) -> Mapping[str, tuple[str, Callable[[str], Column]]]:
        found: dict[str, tuple[str, Callable[[str], Column]]] = {}
        for key in metadata_keys(self._dataset):
            found[f"metadata:{key}"] = key, partial(self._metadata, key)
        from selectlab.inputs.score_functions import fitting

        for task in self._dataset.source.tasks():
            found[f"class:{task}"] = f"most frequent class of {task}", partial(self._class, task)
            found[f"objects:{task}"] = f"objects of {task}", partial(self._objects, task)
            for score in fitting(task_type(self._dataset, task)):
                title = f"{score} of {task}"
                found[f"score:{task}:{score}"] = title, partial(self._score, task, score)
        return found

    def _metadata(self, key: str, title: str) -> Column:
        from selectlab.inputs import Metadata

        return _column(title, Metadata(key=key).load(self._dataset))

    def _score(self, task: str, score: str, title: str) -> Column:
        from selectlab.inputs import Scores

        return _column(title, Scores(task=task, score=score).load(self._dataset))

    def _class(self, task: str, title: str) -> Column:
        """Return the class that most objects of a sample have, of equal ones the surest."""
        held = self._dataset.predictions(task)
        counts = held.counts()
        owners = np.repeat(np.arange(len(counts)), counts)
        keys = owners * len(held.names) + held.category
        pairs, which, n = np.unique(keys, return_inverse=True, return_counts=True)
        sure = np.bincount(which, weights=np.nan_to_num(held.score), minlength=len(pairs))
        order = np.lexsort((sure, n))  # rising: the last one that is written stays
        values = np.full(len(counts), np.nan)
        values[pairs[order] // len(held.names)] = pairs[order] % len(held.names)
        return Column(title, values, held.names)

    def _objects(self, task: str, title: str) -> Column:
        return Column(title, self._dataset.predictions(task).counts().astype(np.float64))


def metadata_keys(dataset: Dataset) -> list[str]:
    """Return the metadata keys of a dataset."""
    table = dataset.metadata()
    return [] if table is None else [str(key) for key in table.frame.columns]


def class_codes(
    dataset: Dataset, *, task: str = "", key: str = ""
) -> tuple[Sequence[str], npt.NDArray[np.intp]]:
    """Return the classes of a task, or the categories of a metadata key, and what is of them.

    Returns:
        The names, and one code for each object of the task, or for each sample that has the key.

    Raises:
        ConfigError: There is no such key.
        DataError: There is no such task, or it cannot be read.
    """
    from selectlab.inputs import Metadata
    from selectlab.types import Categories

    if task:
        held = dataset.predictions(task)
        return held.names, np.asarray(held.category, dtype=np.intp)
    signal = Metadata(key=key).load(dataset)
    if not isinstance(signal, Categories):
        return (), np.empty(0, dtype=np.intp)
    codes = np.asarray(signal.codes, dtype=np.intp)
    return signal.names, codes if signal.missing is None else codes[~signal.missing]


def task_type(dataset: Dataset, task: str) -> TaskType:
    """Return the type of a task; predictions in files need not be read for that."""
    shapes = getattr(dataset.source, "shapes", None)
    found: TaskType = (
        dataset.predictions(task).task_type if shapes is None else shapes(task).task.type
    )
    return found


def _column(title: str, signal: Any) -> Column:
    from selectlab.types import Categories

    if isinstance(signal, Categories):
        values, names = signal.codes.astype(np.float64), tuple(signal.names)
    else:
        values, names = np.array(signal.values, dtype=np.float64), None
    if signal.missing is not None:
        values[signal.missing] = np.nan
    return Column(title, values, names)
