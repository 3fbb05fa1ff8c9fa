"""What is seen in an image: a class, a box, outlines or keypoints, predicted or labelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from selectlab.columns import TaskType

Origin = Literal["predicted", "suspicious", "imputed", "labelled"]
ORIGINS: tuple[str, ...] = get_args(Origin)


@dataclass(frozen=True)
class Mask:
    """Pixels of an object, as run lengths.

    Attributes:
        counts: Lengths of runs in row-major order; the first counts zeros, and may be 0.
        width: Width of the image, px.
        height: Height of the image, px.
    """

    counts: tuple[int, ...]
    width: int
    height: int


@dataclass(frozen=True)
class Shape:
    """One thing in an image, or the class of the whole image.

    A shape without box, outline, mask and keypoints is the class of the image.

    Attributes:
        category: Name of its category.
        score: Confidence, 0 to 1; ``None`` where none is known, as for labels.
        box: x, y, width, height in px from the upper left corner.
        polygons: Outlines, each flat: x1, y1, x2, y2, ... in px; at least three points.
        mask: Its pixels.
        keypoints: x, y in px and confidence of each keypoint; confidence 0 is "not there".
        origin: ``predicted`` by a model; ``suspicious``: predicted, and an assertion says that it
            should not be; ``imputed``: not predicted, and an assertion says that it should be;
            ``labelled`` by a person.
        attributes: More that a tool knows of it, such as ``{"occluded": True}``; ``"rotation"``: by
            how many degrees its box is turned clockwise about its centre.
    """

    category: str
    score: float | None = None
    box: tuple[float, float, float, float] | None = None
    polygons: tuple[tuple[float, ...], ...] = ()
    mask: Mask | None = None
    keypoints: tuple[tuple[float, float, float], ...] = ()
    origin: Origin = "predicted"
    attributes: Mapping[str, str | float | bool] | None = None

    @property
    def is_class(self) -> bool:
        """Whether it is the class of the whole image."""
        return self.box is None and not (self.polygons or self.mask or self.keypoints)


@dataclass(frozen=True)
class Task:
    """What shapes of one task can be.

    Attributes:
        name: Name of the prediction task; ``""`` where labels do not tell.
        type: One of the five task types.
        categories: Category names by id, in the order of the schema; ids may have gaps.
        keypoints: Names of the keypoints, where known.
        skeleton: Pairs of 0-based keypoints that are joined, where known.
    """

    name: str
    type: TaskType
    categories: Mapping[int, str]
    keypoints: Sequence[str] = ()
    skeleton: Sequence[tuple[int, int]] = ()
