"""The labels of a sample, whatever tool they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from selectlab.columns import TaskType
from selectlab.shapes import Shape, Task


@dataclass(frozen=True)
class RawLabel:
    """What a tool says of one image, before anybody knows which sample that is.

    Attributes:
        name: What the file calls the image: our sample id where we wrote it into the task, else
            a file name or URL.
        is_id: Whether ``name`` is a sample id that selectlab wrote.
        shapes: What was labelled; none is a label too ("nothing in here").
        size: Width and height in px, if the file tells.
        labelled_at: When, if the file tells; with a time zone.
        labelled_by: Who, if the file tells: the tool's name for a person.
        where: File and place, for messages.
    """

    name: str
    is_id: bool
    shapes: tuple[Shape, ...]
    size: tuple[int, int] | None = None
    labelled_at: datetime | None = None
    labelled_by: str | None = None
    where: str = ""


class LabelFile(Protocol):
    """Labels as a tool exports them."""

    @property
    def where(self) -> str:
        """File or folder, for messages."""
        ...

    @property
    def task(self) -> Task:
        """Type and categories; its name is empty."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What could not be read, or was decided, one line each; complete once gone through."""
        ...

    def __iter__(self) -> Iterator[RawLabel]:
        """Go through the labels, image by image, in the order of the file.

        Raises:
            DataError: Something is malformed; the message says where.
        """
        ...


SizeOf = Callable[[str, bool], tuple[int, int] | None]
"""Gives the size in px of the image that a name means (true: it is a sample id); ``None`` where it
means none."""


@runtime_checkable
class WithoutSizes(Protocol):
    """Labels in shares of images, such as YOLO's, that may lie elsewhere than the images."""

    def with_sizes(self, size_of: SizeOf) -> LabelFile:
        """Return the same labels; sizes of images that are not beside them come from elsewhere.

        An image of a name that means none has no size; its labels come without shapes.

        Args:
            size_of: Asked for the sizes.
        """
        ...


class ReadLabels(Protocol):
    """A function that opens labels of one format."""

    def __call__(self, path: Path) -> LabelFile:
        """Open labels.

        Raises:
            DataError: There is no such file, or it is of another format.
        """
        ...


Kind = Literal["classes", "objects"]
"""What a label is about: the class of the image, or the objects in it."""


@dataclass(frozen=True)
class Label:
    """What people said of one sample, once it is known which one.

    Attributes:
        sample_id: The sample.
        shapes: What was labelled, of one kind; none is "nothing in here".
        task: The prediction task it is about; ``""`` for all that it fits.
        task_type: What kind of task.
        size: Width and height in px, if known.
        labelled_at: When, if known; with a time zone.
        labelled_by: Who, if known: the tool's name for a person.
        source: Where it comes from, in words: a file, or a tool and its project.
    """

    sample_id: str
    shapes: tuple[Shape, ...]
    task: str = ""
    task_type: TaskType = "object-detection"
    size: tuple[int, int] | None = None
    labelled_at: datetime | None = None
    labelled_by: str | None = None
    source: str = ""

    @property
    def kind(self) -> Kind:
        """What it is about; a newer label takes the place of one of the same kind and task."""
        return "classes" if self.task_type == "classification" else "objects"
