"""The shapes of samples: predictions of a task with what assertions said, or labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from selectlab.dataset import Dataset
from selectlab.exports.imputed import NOTHING, Imputed, Told
from selectlab.inputs.image_sizes import Size
from selectlab.inputs.shape_columns import ColumnShapes, ShapeReader
from selectlab.shapes import Shape, Task
from selectlab.tally import Tally


class Labelled(Protocol):
    """A sample and what was labelled in it."""

    @property
    def sample_id(self) -> str:
        """Its id."""
        ...

    @property
    def shapes(self) -> Sequence[Shape]:
        """What was labelled."""
        ...


class Shapes(Protocol):
    """Tells the shapes of one task, of a few samples at a time."""

    @property
    def task(self) -> Task:
        """What its shapes can be."""
        ...

    def of(self, sizes: Mapping[str, Size | None], tally: Tally) -> Mapping[str, Sequence[Shape]]:
        """Return the shapes of samples.

        Args:
            sizes: Width and height of the images, by sample id.
            tally: Is told what had to be left out.
        """
        ...


class TaskShapes:
    """What a model predicts, marked by what an assertion said of it.

    Args:
        dataset: Has the predictions.
        name: The task.
        imputed: What an assertion said of it, if one did.
        min_score: Predicted shapes below are left out, unless they are suspicious.
    """

    def __init__(
        self, dataset: Dataset, name: str, imputed: Imputed | None, min_score: float
    ) -> None:
        self._reader = _reader(dataset, name)
        self._min_score = min_score
        self.task = self._reader.task
        self._told: Mapping[str, Told] = {}
        if imputed is not None:
            self.task = imputed.extended(self.task)
            self._told = imputed.told(self.task)

    def of(self, sizes: Mapping[str, Size | None], tally: Tally) -> Mapping[str, Sequence[Shape]]:
        """Return predicted shapes in the order of the files, then imputed ones."""
        seen = self._reader.of(list(sizes), lambda name: sizes[name])
        found = {}
        for name in sizes:
            told = self._told.get(name, NOTHING)
            if name in seen and seen[name].n_lost:
                what = f"{self.task.name}: objects left out or without outline"
                tally.add(f"{what}, {self._reader.why_lost}", repr(name), seen[name].n_lost)
            predicted = seen[name].shapes if name in seen else []
            gone = sum(not 0 <= at < len(predicted) for at in told.offending)
            if gone:
                what = "predictions that an assertion calls suspicious, but that are not there"
                tally.add(f"{self.task.name}: {what}", repr(name), gone)
            found[name] = [*self._kept(predicted, told.offending), *told.imputed]
        return found

    def _kept(self, shapes: Sequence[Shape | None], offending: frozenset[int]) -> list[Shape]:
        kept = []
        for at, shape in enumerate(shapes):
            if shape is None:
                continue
            if at in offending:
                kept.append(replace(shape, origin="suspicious"))
            elif shape.score is None or shape.score >= self._min_score:
                kept.append(shape)
        return kept


class LabelShapes:
    """What people labelled.

    Args:
        task: What the shapes can be.
        labels: The labels, each sample once.
    """

    def __init__(self, task: Task, labels: Sequence[Labelled]) -> None:
        self.task = task
        self._labels = {label.sample_id: label for label in labels}

    def of(self, sizes: Mapping[str, Size | None], tally: Tally) -> Mapping[str, Sequence[Shape]]:
        """Return the shapes as they were labelled."""
        return {name: self._labels[name].shapes for name in sizes}


def _reader(dataset: Dataset, name: str) -> ShapeReader:
    """Return what reads a task from files, where the dataset lies in files."""
    from_files = getattr(dataset.source, "shapes", None)
    if from_files is None:
        return ColumnShapes(replace(dataset.predictions(name), task=name), dataset.rows)
    reader: ShapeReader = from_files(name)
    return reader
