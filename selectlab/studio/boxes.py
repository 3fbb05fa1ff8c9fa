"""What is to be drawn over a picture: shapes of all tasks, as JSON."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from selectlab.exports.imputed import NOTHING, Imputed, Told
from selectlab.inputs.shape_columns import ColumnShapes, ShapeReader
from selectlab.studio.assertion_files import assertion_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selectlab.dataset import Dataset
    from selectlab.shapes import Shape

MIN_SCORE = 0.05
"""Below that nothing is sent; the page hides more."""
MOST_SHAPES = 2000
"""Of one task and picture; more cannot be told apart."""


class Boxes:
    """Tells what is in samples.

    Args:
        dataset: Has predictions, and perhaps results of assertions.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._readers: dict[str, ShapeReader] = {}
        self._told: dict[tuple[str, Path], Mapping[str, Told]] = {}
        self._busy = threading.Lock()
        self._imputed = {
            name.partition("/")[0]: path
            for name, path in reversed(assertion_files(dataset).items())
        }

    def of(self, sample_id: str, size: tuple[int, int] | None) -> list[dict[str, Any]]:
        """Return the shapes of a sample, each with its number in its task.

        Args:
            sample_id: The sample.
            size: Width and height of its image, px.
        """
        found: list[dict[str, Any]] = []
        for task in self._dataset.source.tasks():
            found += self.of_task(sample_id, size, task, self._imputed.get(task))
        return found

    def of_task(
        self, sample_id: str, size: tuple[int, int] | None, task: str, imputed: Path | None
    ) -> list[dict[str, Any]]:
        """Return the shapes of one task, with what a file of imputed boxes says."""
        with self._busy:
            reader = self._reader(task)
            seen = reader.of([sample_id], lambda _: size).get(sample_id)
            told = (
                NOTHING if imputed is None else self._said(reader, imputed).get(sample_id, NOTHING)
            )
        found = []
        for number, shape in enumerate(() if seen is None else seen.shapes):
            suspicious = number in told.offending
            sure = shape is not None and (shape.score is None or shape.score >= MIN_SCORE)
            if shape is not None and (sure or suspicious):
                origin = "suspicious" if suspicious else shape.origin
                found.append(_json(shape, task, origin, number))
        found += [_json(shape, task, "imputed", None) for shape in told.imputed]
        return found[:MOST_SHAPES]

    def _reader(self, task: str) -> ShapeReader:
        """Return what reads the shapes of a task, from files where it lies in files."""
        if task not in self._readers:
            from_files = getattr(self._dataset.source, "shapes", None)
            self._readers[task] = (
                ColumnShapes(self._dataset.predictions(task), self._dataset.rows)
                if from_files is None
                else from_files(task)
            )
        return self._readers[task]

    def _said(self, reader: ShapeReader, path: Path) -> Mapping[str, Told]:
        """Return what an assertion said of the samples of a task."""
        key = reader.task.name, path
        if key not in self._told:
            file = Imputed(path)
            self._told[key] = file.told(file.extended(reader.task))
        return self._told[key]


def _json(shape: Shape, task: str, origin: str, number: int | None) -> dict[str, Any]:
    return {
        "task": task,
        "number": number,
        "category": shape.category,
        "score": shape.score,
        "box": shape.box,
        "polygons": [list(outline) for outline in shape.polygons],
        "points": [[x, y] for x, y, sure in shape.keypoints if sure > 0],
        "origin": origin,
    }
