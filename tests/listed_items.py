"""Ranked samples in a list, for tests of what writes them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from selectlab.errors import DataError
from selectlab.exports.items import Item
from selectlab.shapes import Shape, Task


@dataclass
class ListedItems:
    """:class:`selectlab.exports.items.Items`, all at hand."""

    items: Sequence[Item]
    tasks: Sequence[Task] = ()
    run: str = "00c0ffee00c0ffee"
    name: str = "a run"
    columns: Sequence[str] = ()
    images: dict[str, bytes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def open_image(self, sample_id: str) -> IO[bytes]:
        if sample_id not in self.images:
            raise DataError(f"{sample_id!r}: there is no image")
        return io.BytesIO(self.images[sample_id])

    def vectors(self, space: str | None = None) -> Iterator[tuple[Sequence[str], Any]]:
        raise DataError("there are no embeddings")


DETECTION = Task("det", "object-detection", {0: "car", 3: "Fußgänger & <Rad>"})
SEGMENTS = Task("seg", "instance-segmentation", {0: "car", 1: "road"})
WEATHER = Task("weather", "classification", {0: "sunny", 1: "rainy"})
POSE = Task(
    "pose", "keypoint-detection", {0: "person"}, ("nose", "left eye", "tail"), ((0, 1), (0, 2))
)
ODD_IDS = (
    "a/b c.png", "Straße/車 1.png", "100%.png", "a#b?c&d=e.png", "it's \"so\".png", "<a>&amp;.png",
)  # fmt: skip
"""Sample ids that a format may spell otherwise, but has to give back."""


def ranked(
    *seen: Mapping[str, Sequence[Shape]], size: tuple[int, int] | None = (100, 80)
) -> list[Item]:
    """Items ``img1.png``, ``img2.png`` ... with these shapes by task."""
    return [
        Item(rank, f"img{rank}.png", 1 / rank, size=size, shapes=shapes)
        for rank, shapes in enumerate(seen, start=1)
    ]
