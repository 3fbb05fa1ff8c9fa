"""What is to be drawn over a picture: shapes of all tasks, as JSON."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from selectlab.exports.imputed import Imputed
from selectlab.exports.shaped import TaskShapes
from selectlab.studio.assertion_files import assertion_files
from selectlab.tally import Tally

if TYPE_CHECKING:
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
        self._held: dict[tuple[str, str], TaskShapes] = {}
        self._busy = threading.Lock()
        self._imputed = {
            name.partition("/")[0]: path
            for name, path in reversed(assertion_files(dataset).items())
        }

    def of(self, sample_id: str, size: tuple[int, int] | None) -> list[dict[str, Any]]:
        """Return the shapes of a sample, those of each task with a number from 0.

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
            key = task, str(imputed)
            if key not in self._held:
                told = None if imputed is None else Imputed(imputed)
                self._held[key] = TaskShapes(self._dataset, task, told, MIN_SCORE)
            shapes = self._held[key].of({sample_id: size}, Tally()).get(sample_id, ())
        return [_json(shape, task) for shape in shapes[:MOST_SHAPES]]


def _json(shape: Shape, task: str) -> dict[str, Any]:
    return {
        "task": task,
        "category": shape.category,
        "score": shape.score,
        "box": shape.box,
        "polygons": [list(outline) for outline in shape.polygons],
        "points": [[x, y] for x, y, sure in shape.keypoints if sure > 0],
        "origin": shape.origin,
    }
