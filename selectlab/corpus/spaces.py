"""Embedding spaces, and the elements that have a place in them: samples, or objects of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from selectlab.errors import DataError

Level = Literal["frame", "object"]


@dataclass(frozen=True)
class Space:
    """What two sets of vectors must share before a distance between them means anything.

    Attributes:
        name: Which model made the vectors, such as ``yolov8n@sha256:...``; or the user's own name
            for that.
        dimension: D.
        level: Whether vectors stand for whole samples or for objects in them.
        task: The prediction task that the objects are of; empty for frames.
        normalised: Vectors are scaled to unit length.

    Raises:
        DataError: The name is empty, the dimension below 1, or level and task do not fit.

    Example:
        >>> frames = Space("resnet18", 512, "frame")
        >>> frames
        Space(name='resnet18', dimension=512, level='frame', task='', normalised=True)
        >>> frames.check(Space("resnet18", 512, "frame"), "seeds")
    """

    name: str
    dimension: int
    level: Level
    task: str = ""
    normalised: bool = True

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise DataError("embedding space: the name is empty; name the model of the vectors")
        if self.dimension < 1:
            raise DataError(f"embedding space {self.name!r}: {self.dimension} dimensions")
        if self.level not in ("frame", "object"):
            raise DataError(
                f"embedding space {self.name!r}: level must be frame or object, got {self.level!r}"
            )
        if (self.level == "object") != bool(self.task):
            given = f"task {self.task!r}" if self.task else "no task"
            raise DataError(
                f"embedding space {self.name!r}: level {self.level} with {given}; objects are "
                "those of a task, frames of none"
            )

    def check(self, other: Space, where: str) -> None:
        """Refuse vectors of another space than this one.

        Args:
            other: The space of the vectors at hand.
            where: What they are, for the message.

        Raises:
            DataError: Level, task, space, dimension or scale differ; in this order.
        """
        if (other.level, other.task) != (self.level, self.task):
            raise DataError(
                f"{where}: {other.elements} where {self.elements} are expected; frames and the "
                "objects of each task are kept apart"
            )
        if other.name != self.name:
            raise DataError(
                f"{where}: embedding space {other.name!r}, expected {self.name!r}; embed both with "
                "the same model"
            )
        if other.dimension != self.dimension:
            raise DataError(
                f"{where}: {other.dimension} dimensions, expected {self.dimension} in embedding "
                f"space {self.name!r}"
            )
        if other.normalised != self.normalised:
            raise DataError(
                f"{where}: {_scale(other)}, expected {_scale(self)}; distances of the two cannot "
                "be compared"
            )

    @property
    def elements(self) -> str:
        """What has a vector, in words and in the plural."""
        return "frames" if self.level == "frame" else f"objects of task {self.task!r}"


def _scale(space: Space) -> str:
    return "vectors of unit length" if space.normalised else "raw vectors"


@dataclass(frozen=True, order=True)
class Element:
    """A sample, or one object of it.

    Attributes:
        sample_id: The sample.
        number: Which object, counted from 0; 0 for a sample as a whole.
    """

    sample_id: str
    number: int = 0
