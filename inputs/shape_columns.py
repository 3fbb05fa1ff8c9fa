"""Shapes of single samples from the columns of a task's predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from selectlab.columns import TaskPredictions
from selectlab.inputs.image_sizes import Size
from selectlab.shapes import Shape, Task

SizeOf = Callable[[str], Size | None]
"""Gives width and height of a sample's image in px, if they can be told."""


@dataclass
class Seen:
    """What a task predicts of a sample.

    Attributes:
        shapes: In the order of the file. ``None`` stands for an object of which nothing can be
            said.
        n_lost: Objects whose outline, mask, keypoints or box are lost.
    """

    shapes: list[Shape | None] = field(default_factory=list)
    n_lost: int = 0

    def add(self, shape: Shape | None, *, lost: bool = False) -> None:
        """Add an object; one that lost something and has nothing else becomes ``None``."""
        self.n_lost += lost
        self.shapes.append(None if shape is None or (lost and shape.is_class) else shape)


class ShapeReader(Protocol):
    """Reads the shapes of one task, of a few samples at a time."""

    @property
    def task(self) -> Task:
        """What its shapes can be."""
        ...

    @property
    def why_lost(self) -> str:
        """Why something of an object may be lost, in words."""
        ...

    def of(self, ids: Sequence[str], size_of: SizeOf) -> Mapping[str, Seen]:
        """Return the shapes of samples; those without predictions are left out.

        Raises:
            DataError: A file is malformed; the message names it.
        """
        ...


class ColumnShapes:
    """Shapes from columns at hand: classes and boxes. Outlines and keypoints are not in them.

    Args:
        held: The predictions.
        rows: The row of each sample.
    """

    why_lost = "a dataset in memory keeps boxes, but no outlines and keypoints"

    def __init__(self, held: TaskPredictions, rows: Mapping[str, int]) -> None:
        self._held, self._rows = held, rows
        categories = dict(zip(held.category_ids, held.names, strict=True))
        self.task = Task(held.task, held.task_type, categories)

    def of(self, ids: Sequence[str], size_of: SizeOf) -> Mapping[str, Seen]:
        """Return the shapes of samples."""
        drawn = self._held.keypoint_confidence is not None or self._held.area is not None
        found = {}
        for name in ids:
            row = self._rows.get(name)
            if row is None or not self._held.listed[row]:
                continue
            found[name] = seen = Seen()
            for shape in shapes_of_row(self._held, row):
                seen.add(shape, lost=drawn)
        return found


def shapes_of_row(held: TaskPredictions, row: int) -> list[Shape]:
    """Return category, score and box of the objects in a row."""
    return [
        Shape(held.names[int(held.category[at])], _score(held, at), _box(held, at))
        for at in range(int(held.offsets[row]), int(held.offsets[row + 1]))
    ]


def _score(held: TaskPredictions, at: int) -> float | None:
    """Return the score of an object; without one, the probability of its class, if known."""
    score = float(held.score[at])
    if np.isnan(score) and held.probabilities is not None:
        score = float(held.probabilities[at, int(held.category[at])])
    return None if np.isnan(score) else score


def _box(held: TaskPredictions, at: int) -> tuple[float, float, float, float] | None:
    if held.boxes is None or np.isnan(held.boxes[at]).any():
        return None
    x, y, width, height = (float(value) for value in held.boxes[at])
    return x, y, width, height


def keypoint_names(categories: Any) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """Return names of keypoints and joined pairs, from the first category that has names.

    Args:
        categories: Content of a schema or COCO file, with ``keypoints`` (or ``keypoint_names``) and
            ``skeleton``: pairs of names, or of numbers from 1 (from 0 where a 0 occurs).

    Example:
        >>> keypoint_names([{"keypoints": ["nose", "eye"], "skeleton": [[1, 2]]}])
        (('nose', 'eye'), ((0, 1),))
    """
    for category in categories if isinstance(categories, list) else ():
        held = category if isinstance(category, dict) else {}
        names = held.get("keypoints") or held.get("keypoint_names")
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            pairs = held.get("skeleton") or held.get("keypoint_skeleton") or ()
            return tuple(names), _pairs(pairs, names)
    return (), ()


def _pairs(pairs: Any, names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return joined keypoints by number from 0; what is no pair of known ones is left out."""
    listed = pairs if isinstance(pairs, list) else ()
    both = [pair for pair in listed if isinstance(pair, list) and len(pair) == 2]
    first = 0 if any(0 in pair for pair in both) else 1
    number = {name: at for at, name in enumerate(names)}
    number |= {at + first: at for at in range(len(names))}  # type: ignore[misc]
    known = [pair for pair in both if all(isinstance(end, int | str) for end in pair)]
    return tuple((number[a], number[b]) for a, b in known if a in number and b in number)
