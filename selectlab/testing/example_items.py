"""Made-up ranked samples for the checks of writers: odd ids, every kind of shape."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import IO, Any

import numpy as np

from selectlab.exports.items import Item
from selectlab.shapes import Mask, Shape, Task

ODD_IDS = (
    "a/1.png",
    "a/1.jpg",
    "b c/\u00fc\u6f22\u5b57.png",
    "images/labels/x.png",
    "x#1%2&3+4=5<6>'7\"8;9,10.png",
    "clip-007-mp4.png",
    "{id}/%20/$0.png",
)
"""Ids that are hard to write: two with one stem, blanks, other scripts, signs that formats mean."""

WIDTH, HEIGHT = 64, 48
"""Of the images, px."""

TASKS: Mapping[str, Task] = {
    "boxes": Task("boxes", "object-detection", {0: "bike", 7: "bus & <tram>"}),
    "outlines": Task("outlines", "instance-segmentation", {1: "car", 3: "\u00f6l"}),
    "points": Task(
        "points", "keypoint-detection", {0: "person"}, ("nose", "left eye", "tail"), ((0, 1),)
    ),
    "weather": Task("weather", "classification", {0: "sun", 1: "rain"}),
}
"""The tasks by name; ids of categories have gaps."""


class ExampleItems:
    """A ranking of made-up samples; see :class:`selectlab.exports.items.Items`.

    Args:
        n: How many. The first ones have :data:`ODD_IDS`, the others plain ids.
        tasks: Names in :data:`TASKS`, for shapes of these.
        sized: Whether the sizes of the images are known.
        located: Whether it is known where the images are.
    """

    run, name = "0123456789abcdef", "examples"
    columns = ("rank", "sample_id", "score", "reason", "uri", "metadata.weather", "metadata.t")

    def __init__(
        self, n: int = 12, tasks: Sequence[str] = (), *, sized: bool = True, located: bool = True
    ) -> None:
        self._n, self._sized, self._located = n, sized, located
        self.tasks = [TASKS[name] for name in tasks]

    @property
    def ids(self) -> Sequence[str]:
        """The samples, best first."""
        return [_id(at) for at in range(self._n)]

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[Item]:
        for at in range(self._n):
            yield self.item(at)

    def item(self, at: int) -> Item:
        """Return the sample at a place, counted from 0."""
        name, score = _id(at), 1.0 - at / (self._n + 1)
        metadata = {"weather": "rain" if at % 2 else None, "t": at / 4}
        row = {"rank": at + 1, "sample_id": name, "score": score, "reason": f"number {at}"}
        where = f"/data/{name}" if self._located else None
        row |= {"uri": where, **{f"metadata.{key}": value for key, value in metadata.items()}}
        return Item(
            rank=at + 1,
            sample_id=name,
            score=score,
            reason=f"number {at}",
            location=where,
            size=(WIDTH, HEIGHT) if self._sized else None,
            shapes={task.name: list(_shapes(task, at)) for task in self.tasks},
            row=row,
            metadata=metadata,
        )

    def open_image(self, sample_id: str) -> IO[bytes]:
        """Open the image of a sample; all are alike."""
        return io.BytesIO(_png())

    def vectors(self, space: str | None = None) -> Iterator[tuple[Sequence[str], Any]]:
        """Go through embeddings of all samples, (m, 4)."""
        for start in range(0, self._n, 1000):
            stop = min(start + 1000, self._n)
            rows = np.arange(4 * start, 4 * stop, dtype=np.float32).reshape(-1, 4)
            yield [_id(at) for at in range(start, stop)], rows


def _id(at: int) -> str:
    return ODD_IDS[at] if at < len(ODD_IDS) else f"plain/{at:06d}.png"


@cache
def _png() -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), (90, 120, 150)).save(buffer, "PNG")
    return buffer.getvalue()


def _shapes(task: Task, at: int) -> Iterator[Shape]:
    """Yield what is in a sample: every fifth has nothing."""
    names = list(task.categories.values())
    category, left = names[at % len(names)], float(at % 8)
    if task.type == "classification":
        yield Shape(category, 0.75)
        return
    if at % 5 == 4:
        return
    box = (left, 2.5, 20.0, 10.0)
    if task.type == "keypoint-detection":
        points = ((left, 3.0, 0.5), (left + 4, 6.0, 1.0), (0.0, 0.0, 0.0))
        yield Shape(category, 0.5, box, keypoints=points)
        return
    if task.type == "instance-segmentation":
        outline = (left, 2.0, left + 9, 2.0, left + 9, 12.0)
        yield Shape(category, 0.9, (left, 2.0, 9.0, 10.0), polygons=(outline,))
        counts = (WIDTH + 2, 3, WIDTH * HEIGHT - WIDTH - 5)
        yield Shape(category, 0.8, (2.0, 1.0, 3.0, 1.0), mask=Mask(counts, WIDTH, HEIGHT))
        return
    yield Shape(category, 0.25, box)
    yield Shape(names[-1], 0.5, (30.25, 30.0, 40.0, 8.0), origin="suspicious")
    yield Shape(names[0], None, (1.0, 1.0, 4.0, 4.0), origin="imputed")
