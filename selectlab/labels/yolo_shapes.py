"""Lines of YOLO label files as shapes: boxes, outlines or keypoints."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selectlab.errors import DataError
from selectlab.inputs.prediction_checks import shown
from selectlab.shapes import Shape

Size = tuple[int, int]
Row = Sequence[float]

_SLACK = 0.01
_BOX = 5


class YoloShapes:
    """Reads lines. A confidence at the end, as of predictions, is passed over.

    Args:
        names: Class names by class number.
        kpt_shape: Number of keypoints and of values for each (2 or 3), as data.yaml has it;
            ``None`` where objects have no keypoints.
        where: File of ``kpt_shape``, for messages.

    Raises:
        DataError: ``kpt_shape`` is malformed.
    """

    def __init__(self, names: Mapping[int, str], kpt_shape: Any, where: str) -> None:
        self._names = names
        given = [0, 3] if kpt_shape is None else kpt_shape
        whole = isinstance(given, list) and len(given) == 2 and all(type(v) is int for v in given)
        if not whole or given[0] < 0 or given[1] not in (2, 3):
            raise DataError(
                f"{where}: kpt_shape must be [number of keypoints, 2 or 3], got {shown(kpt_shape)}"
            )
        self.n_points, self._n_values = int(given[0]), int(given[1])

    def rows(self, data: bytes, where: str) -> list[Row]:
        """Return the numbers of each line of a file.

        Raises:
            DataError: A line is malformed or of an unknown class.
        """
        lines = data.decode("utf-8-sig", "replace").split("\n")
        return [
            self._row(line, f"{where} line {number}")
            for number, line in enumerate(lines, start=1)
            if line.strip()
        ]

    def is_outline(self, row: Row) -> bool:
        """Whether a line is an outline."""
        return not self.n_points and len(row) > _BOX + 1

    def shape(self, row: Row, size: Size) -> Shape:
        """Return a line as a labelled shape in px."""
        width, height = size
        category, values = self._names[int(row[0])], row[1:]
        if self.is_outline(row):
            flat = values[: len(values) // 2 * 2]
            outline = tuple(value * size[at % 2] for at, value in enumerate(flat))
            return Shape(category, polygons=(outline,), origin="labelled")
        x, y, w, h = values[:4]
        box = ((x - w / 2) * width, (y - h / 2) * height, w * width, h * height)
        points = tuple(self._points(values[4:], size)) if len(row) > _BOX + 1 else ()
        return Shape(category, box=box, keypoints=points, origin="labelled")

    def _points(self, values: Row, size: Size) -> Iterator[tuple[float, float, float]]:
        for first in range(0, self.n_points * self._n_values, self._n_values):
            x, y, *seen = values[first : first + self._n_values]
            there = seen[0] > 0 if seen else x > 0 or y > 0
            yield (x * size[0], y * size[1], 1.0) if there else (0.0, 0.0, 0.0)

    def _row(self, line: str, where: str) -> Row:
        try:
            row = [float(word) for word in line.split()]
        except ValueError:
            row = []
        if not self._has_right_length(row) or not row[0].is_integer():
            what = f"x y w h and {self.n_points} keypoints" if self.n_points else "x y w h"
            more = "" if self.n_points else ", or class x1 y1 x2 y2 x3 y3 ..."
            raise DataError(f"{where}: must be class {what}{more}, got {shown(line.strip())}")
        if int(row[0]) not in self._names:
            raise DataError(f"{where}: class {int(row[0])} has no name; known: 0 to {self._last}")
        if not all(math.isfinite(v) and -_SLACK <= v <= 1 + _SLACK for v in self._places(row)):
            raise DataError(
                f"{where}: must be shares of the image from 0 to 1, got {shown(line.strip())}"
            )
        if not self.is_outline(row) and min(row[3:_BOX]) < 0:
            raise DataError(f"{where}: width and height must be >= 0, got {shown(line.strip())}")
        return row

    @property
    def _last(self) -> int:
        return max(self._names)

    def _has_right_length(self, row: Row) -> bool:
        if len(row) in (_BOX, _BOX + 1):
            return True
        if self.n_points:
            return len(row) - _BOX - self.n_points * self._n_values in (0, 1)
        return len(row) > _BOX + 1

    def _places(self, row: Row) -> Iterator[float]:
        """Yield the values that are shares of the image: no class, visibility or confidence."""
        if self.is_outline(row):
            yield from row[1 : 1 + (len(row) - 1) // 2 * 2]
            return
        yield from row[1:_BOX]
        if len(row) > _BOX + 1:
            last = _BOX + self.n_points * self._n_values
            for at, value in enumerate(row[_BOX:last]):
                if at % self._n_values < 2:
                    yield value
