"""Ranked samples on their way to another tool, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

from selectlab.shapes import Shape, Task


@dataclass(frozen=True)
class Item:
    """A ranked sample with what is known of it.

    Attributes:
        rank: 1 for the best.
        sample_id: Its id in the dataset.
        score: Its score when it was picked or collected; ``None`` where there is none.
        reason: Why it is here, in words.
        location: Path or URL under which the tool finds the image: the ``image_url`` template
            filled in, or else where the image lies; ``None`` when nobody knows.
        size: Width and height of the image in px; ``None`` when they cannot be told.
        shapes: Shapes by the name of their task, in the order of the files.
        row: The columns of a table of the run, as ``selection.csv`` has them.
        metadata: Its metadata.
    """

    rank: int
    sample_id: str
    score: float | None
    reason: str = ""
    location: str | None = None
    size: tuple[int, int] | None = None
    shapes: Mapping[str, Sequence[Shape]] = field(default_factory=dict)
    row: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Items(Protocol):
    """A ranking that can be gone through again and again, and is never held as a whole."""

    @property
    def run(self) -> str:
        """Id of the run: the same run has the same id on any machine."""
        ...

    @property
    def name(self) -> str:
        """What people call it: the folder's name of a run, or a campaign's name."""
        ...

    @property
    def tasks(self) -> Sequence[Task]:
        """The tasks whose shapes go along."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """The names in :attr:`Item.row`, in order."""
        ...

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __iter__(self) -> Iterator[Item]:
        """Go through the samples from the best on, anew for each call."""
        ...

    def open_image(self, sample_id: str) -> IO[bytes]:
        """Open the image of a sample.

        Raises:
            DataError: There is none, or it cannot be read.
        """
        ...

    def vectors(self, space: str | None = None) -> Iterator[tuple[Sequence[str], Any]]:
        """Go through embeddings of the samples: ids and (m, D) float32, in the order of ranks.

        Raises:
            DataError: There are none.
        """
        ...
