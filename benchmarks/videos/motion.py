"""A detector of another kind: what moves in front of a standing camera."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.videos.clips import IntArray
from selectlab.assertions import Frames

Grey = npt.NDArray[np.uint8]

BACKGROUND_FRAMES, DIFFERENCE, CLOSING_PX = 40, 25, (9, 3)
LEAST_HEIGHT_PX, LEAST_WIDTH_PX = 30, 10


def video_in(folder: Path) -> Path | None:
    """Return the video file of a folder, if there is one."""
    return next((path for path in sorted(folder.glob("*.avi"))), None)


def moving(path: Path, numbers: IntArray) -> Frames:
    """Return boxes around what differs from the median of the whole video.

    Nothing is trained, and no setting was chosen by looking at results: differences of at least
    ``DIFFERENCE`` grey levels, closed, of the size of a person. The score is the share of the
    box that differs.

    Args:
        path: The video.
        numbers: (F,) numbers of the frames to look at; frames count from 1.
    """
    grey = list(_decoded(path))
    every = max(1, len(grey) // BACKGROUND_FRAMES)
    background = np.median(np.stack(grey[::every]), axis=0)
    boxes, scores = {}, {}
    for number in numbers.tolist():
        boxes[number], scores[number] = _blobs(grey[number - 1], background)
    return Frames.of(boxes, scores)


def _decoded(path: Path) -> Iterator[Grey]:
    import av

    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="gray")


def _blobs(
    grey: Grey, background: npt.NDArray[np.float64]
) -> tuple[list[list[float]], list[float]]:
    from scipy import ndimage

    differs = np.abs(grey - background) >= DIFFERENCE
    closed = ndimage.binary_closing(differs, np.ones(CLOSING_PX, dtype=np.bool_))
    labels, _ = ndimage.label(closed)
    boxes, scores = [], []
    for place in ndimage.find_objects(labels):
        top, left = (side.start for side in place)
        height, width = (side.stop - side.start for side in place)
        if height >= LEAST_HEIGHT_PX and width >= LEAST_WIDTH_PX:
            boxes.append([float(left), float(top), float(width), float(height)])
            scores.append(float(differs[place].mean()))
    return boxes, scores
