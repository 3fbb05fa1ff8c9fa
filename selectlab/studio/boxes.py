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
_TILE_SCORE, _TILE_SHAPES = 0.25, 40
"""What is drawn over the small pictures of the gallery."""
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
        self._told: dict[tuple[str, Path, int], Mapping[str, Told]] = {}
        self._busy = threading.Lock()

    def of(self, sample_id: str, size: tuple[int, int] | None) -> list[dict[str, Any]]:
        """Return the shapes of a sample, each with its number in its task.

        Args:
            sample_id: The sample.
            size: Width and height of its image, px.
        """
        found: list[dict[str, Any]] = []
        files = assertion_files(self._dataset).items()
        for task in self._dataset.source.tasks():
            told = [path for name, path in files if name.partition("/")[0] == task]
            found += self.of_task(sample_id, size, task, *told)
        return found

    def of_tile(self, sample_id: str, size: tuple[int, int] | None) -> list[dict[str, Any]]:
        """Return the surest shapes of a sample, for a small picture of it."""
        found = [
            one
            for one in self.of(sample_id, size)
            if one["score"] is None or one["score"] >= _TILE_SCORE or one["origin"] == "imputed"
        ]
        kept = ("category", "score", "box", "polygons", "points", "origin")
        found.sort(key=lambda one: -1.0 if one["score"] is None else -float(one["score"]))
        return [{key: one[key] for key in kept} for one in found[:_TILE_SHAPES]]

    def of_task(
        self, sample_id: str, size: tuple[int, int] | None, task: str, *imputed: Path
    ) -> list[dict[str, Any]]:
        """Return the shapes of one task, with what files of imputed boxes say."""
        with self._busy:
            reader = self._reader(task)
            seen = reader.of([sample_id], lambda _: size).get(sample_id)
            told = [self._said(reader, file).get(sample_id, NOTHING) for file in imputed]
        offending = {number for one in told for number in one.offending}
        found = []
        for number, shape in enumerate(() if seen is None else seen.shapes):
            suspicious = number in offending
            sure = shape is not None and (shape.score is None or shape.score >= MIN_SCORE)
            if shape is not None and (sure or suspicious):
                origin = "suspicious" if suspicious else shape.origin
                found.append(_json(shape, task, origin, number))
        boxes = dict.fromkeys(shape for one in told for shape in one.imputed)
        found += [_json(shape, task, "imputed", None) for shape in boxes]
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
        key = reader.task.name, path, path.stat().st_mtime_ns
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
