"""Object tasks that need no model: tiles and crops of the image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from selectlab.types import Spec


class AutoTask(Spec, ABC):
    """Boxes that every image has, whatever it shows.

    Attributes:
        name: Task name; EMBEDDINGS inputs refer to it.
    """

    type: str
    name: Annotated[str, Field(min_length=1)]

    @property
    @abstractmethod
    def n_objects(self) -> int:
        """Number of boxes per image."""

    @abstractmethod
    def boxes(self, width: int, height: int) -> npt.NDArray[np.float64]:
        """Return the boxes (n_objects, 4) of an image as x, y, width, height in px."""


class Tiling(AutoTask):
    """A grid of tiles, row by row.

    Attributes:
        num_rows: Number of tiles from top to bottom.
        num_cols: Number of tiles from left to right.
        overlap: How much wider and higher each tile becomes, as a fraction of its size; it
            grows equally to both sides and is cut off at the image border.

    Example:
        >>> Tiling(name="t", num_rows=1, num_cols=2, overlap=0.5).boxes(100, 40)
        array([[ 0. ,  0. , 62.5, 40. ],
               [37.5,  0. , 62.5, 40. ]])
    """

    type: Literal["TILING"] = "TILING"
    num_rows: Annotated[int, Field(ge=1)]
    num_cols: Annotated[int, Field(ge=1)]
    overlap: Annotated[float, Field(ge=0, le=1)] = 0.0

    @property
    def n_objects(self) -> int:
        """Number of tiles per image."""
        return self.num_rows * self.num_cols

    def boxes(self, width: int, height: int) -> npt.NDArray[np.float64]:
        """Return the tiles as x, y, width, height in px."""
        left, right = _spans(width, self.num_cols, self.overlap)
        top, bottom = _spans(height, self.num_rows, self.overlap)
        rows, cols = np.divmod(np.arange(self.n_objects), self.num_cols)
        x, y = left[cols], top[rows]
        return np.stack([x, y, right[cols] - x, bottom[rows] - y], axis=1)


class Crop(AutoTask):
    """Fixed regions of every image.

    Attributes:
        bboxs: Regions as [x0, y0, x1, y1], relative to the image size, 0 to 1.

    Example:
        >>> Crop(name="c", bboxs=[[0.5, 0.0, 1.0, 0.5]]).boxes(200, 100)
        array([[100.,   0., 100.,  50.]])
    """

    type: Literal["CROP"] = "CROP"
    bboxs: Annotated[list[list[float]], Field(min_length=1)]

    @field_validator("bboxs")
    @classmethod
    def _inside_image(cls, bboxs: list[list[float]]) -> list[list[float]]:
        for box in bboxs:
            match box:
                case [x0, y0, x1, y1] if 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1:
                    continue
            raise ValueError(f"expected [x0, y0, x1, y1] with 0 <= x0 < x1 <= 1, got {box}")
        return bboxs

    @property
    def n_objects(self) -> int:
        """Number of regions per image."""
        return len(self.bboxs)

    def boxes(self, width: int, height: int) -> npt.NDArray[np.float64]:
        """Return the regions as x, y, width, height in px."""
        corners = np.array(self.bboxs) * np.array([width, height, width, height])
        return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)


def auto_task_classes() -> dict[str, type[Any]]:
    """Return the kinds of auto tasks by their JSON name."""
    return {"CROP": Crop, "TILING": Tiling}


def _spans(size: int, n: int, overlap: float) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return where ``n`` equal parts of ``size`` begin and end, widened by ``overlap``."""
    tile = size / n
    starts = np.arange(n) * tile
    grow = overlap * tile / 2
    return np.maximum(starts - grow, 0.0), np.minimum(starts + tile + grow, float(size))
