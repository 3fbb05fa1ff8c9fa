"""Samples without a picture: why that is, and how large a canvas their boxes need."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from selectlab.inputs.sample_ids import frame_of

if TYPE_CHECKING:
    from selectlab.dataset import Dataset
    from selectlab.thumbnails import Thumbnails

HINT = "selectlab studio --videos FOLDER says where videos lie"
_LETTERS, _LINES = 24, 4
"""What fits on the placeholder."""


@dataclass(frozen=True)
class Absence:
    """Why there is no picture.

    Attributes:
        brief: A few words.
        line: A sentence, with what to do about it.
    """

    brief: str
    line: str


class Absences:
    """Tells why samples have no picture.

    Args:
        dataset: Whose samples.
        thumbnails: Which could not make one.
    """

    def __init__(self, dataset: Dataset, thumbnails: Thumbnails) -> None:
        self._dataset, self._thumbnails = dataset, thumbnails

    def of(self, sample_id: str) -> Absence:
        """Return why a sample has no picture."""
        unreadable = self._thumbnails.why_not(sample_id)
        if unreadable is not None:
            return Absence("cannot be read", f"It cannot be shown. {unreadable}")
        frame = frame_of(sample_id)
        if frame is None or self._dataset.source.uri(sample_id) is not None:
            return Absence("no image file", "There is no image file of this sample.")
        brief = f"video {_last(frame[0])} is not at hand"
        line = f"Neither the frame nor its video {frame[0]} is at hand; {HINT}."
        return Absence(brief, line)

    @cached_property
    def videos(self) -> list[str]:
        """The videos that samples are frames of and that are not at hand."""
        source = self._dataset.source
        first: dict[str, str] = {}
        for one in self._dataset.ids:
            frame = frame_of(one)
            if frame is not None and frame[0] not in first and source.uri(one) is None:
                first[frame[0]] = one
        return [name for name, one in first.items() if self._thumbnails.video_of(one) is None]


def canvas(frames: Iterable[Sequence[Mapping[str, Any]]]) -> tuple[int, int] | None:
    """Return how large a canvas is that holds all boxes of some frames, px.

    Args:
        frames: Shapes as JSON, those of each frame.
    """
    boxes = [shape["box"] for shapes in frames for shape in shapes if shape["box"] is not None]
    if not boxes:
        return None
    width, height = (max(box[side] + box[side + 2] for box in boxes) for side in (0, 1))
    return max(1, math.ceil(width)), max(1, math.ceil(height))


def placeholder(brief: str) -> str:
    """Return an SVG that says in words why there is no picture."""
    lines = wrap(brief, _LETTERS)
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], lines[_LINES - 1][: _LETTERS - 3] + "..."]
    top = 60 - 7.5 * len(lines)
    said = "".join(
        f'<text x="80" y="{top + 15 * k:g}" fill="#5b6470" font-size="11">{escape(line)}</text>'
        for k, line in enumerate(lines, 1)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 120" width="160" height="120" '
        'text-anchor="middle" font-family="system-ui, DejaVu Sans, sans-serif">'
        '<rect width="160" height="120" fill="#e8ebef"/>'
        f'<text x="80" y="{top - 3:g}" fill="#15181c" font-size="12" font-weight="600">'
        f"No picture</text>{said}</svg>"
    )


def _last(name: str) -> str:
    return name.rpartition("/")[2]
