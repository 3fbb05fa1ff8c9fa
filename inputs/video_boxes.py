"""The predicted boxes of a dataset, video by video, as assertions want them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selectlab.assertions.frames import Findings, Frames, IntArray
from selectlab.errors import ConfigError, DataError
from selectlab.inputs.sample_ids import frame_of

if TYPE_CHECKING:
    from selectlab.assertions.protocol import Assertion
    from selectlab.columns import TaskPredictions
    from selectlab.dataset import Dataset

IMAGES = ""
"""Name of the video that stands for all samples that are no video frames."""


@dataclass(frozen=True)
class Video:
    """The frames of one video in a dataset.

    Attributes:
        name: The video, such as ``a/clip.mp4``; ``""`` stands for samples of no video.
        numbers: (F,) frame numbers, rising.
        rows: (F,) rows of the dataset.
    """

    name: str
    numbers: IntArray
    rows: IntArray

    def frames(self, task: TaskPredictions, classes: IntArray | None = None) -> Frames:
        """Return the boxes that a task has in the video.

        Args:
            task: Predictions, aligned with the dataset.
            classes: Number of each of the task's categories; their position by default.
        """
        counts = task.counts()[self.rows]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        index = np.arange(offsets[-1]) + np.repeat(task.offsets[self.rows] - offsets[:-1], counts)
        if task.boxes is None:
            raise ConfigError(
                f"task {task.task!r} of type {task.task_type} has no boxes; assertions need boxes"
            )
        category = task.category[index]
        return Frames(
            numbers=self.numbers,
            offsets=offsets,
            boxes=task.boxes[index],
            scores=task.score[index],
            classes=category if classes is None else classes[category],
            where=f"{self.name or 'images'}: task {task.task!r}",
        )


@dataclass(frozen=True)
class Checked:
    """What an assertion finds in one video of a dataset.

    Attributes:
        video: The video.
        frames: Its boxes.
        findings: What was found.
    """

    video: Video
    frames: Frames
    findings: Findings


def videos_of(ids: Sequence[str]) -> list[Video]:
    """Return the videos among samples, by name, their frames ordered by number.

    Raises:
        DataError: Two samples are the same frame; the message names both.

    Example:
        >>> [video] = videos_of(["v-10-mp4.png", "v-9-mp4.png"])
        >>> video.numbers, video.rows
        (array([ 9, 10]), array([1, 0]))
    """
    found: dict[str, dict[int, int]] = {}
    images: dict[int, int] = {}
    for row, sample_id in enumerate(ids):
        frame = frame_of(sample_id)
        if frame is None:
            images[len(images)] = row
            continue
        frames = found.setdefault(frame[0], {})
        if frame[1] in frames:
            raise DataError(
                f"{sample_id}: is frame {frame[1]} of {frame[0]}, and so is "
                f"{ids[frames[frame[1]]]!r}; each frame once"
            )
        frames[frame[1]] = row
    if images:
        found[IMAGES] = images
    return [_video(name, frames) for name, frames in sorted(found.items())]


def _video(name: str, frames: dict[int, int]) -> Video:
    numbers = np.array(list(frames), dtype=np.int64)
    rows = np.array(list(frames.values()), dtype=np.int64)
    order = np.argsort(numbers, kind="stable")
    return Video(name, numbers[order], rows[order])


def check_videos(assertion: Assertion, dataset: Dataset, task: str) -> Iterator[Checked]:
    """Run an assertion on every video of a dataset, one after the other.

    A sample without a prediction file is a frame without boxes. Samples that are no video
    frames are checked one by one, if the assertion looks at single frames; otherwise they are
    passed over.

    Args:
        assertion: The assertion.
        dataset: The dataset.
        task: Name of the prediction task.

    Raises:
        ConfigError: The task has no boxes.
        DataError: There is no such task, no video, or one frame occurs twice.
    """
    videos = [v for v in videos_of(dataset.ids) if v.name or not assertion.needs_video]
    if not videos:
        raise DataError(
            f"{dataset.source.where}: no video frames for {assertion.name!r} among {len(dataset)} "
            "samples; frames are named NAME-FRAME-EXT.png, such as clip-007-mp4.png"
        )
    main = dataset.predictions(task)
    others = [dataset.predictions(name) for name in assertion.other_tasks()]
    numbers = [_alike(other.names, main.names) for other in others]
    for video in videos:
        frames = video.frames(main)
        seen = [video.frames(o, classes) for o, classes in zip(others, numbers, strict=True)]
        yield Checked(video, frames, assertion.check(frames, *seen))


def _alike(names: Sequence[str], main: Sequence[str]) -> IntArray:
    """Return class numbers by name; names that the main task lacks get numbers after its own."""
    known = {name: at for at, name in enumerate(main)}
    return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)


def class_names(dataset: Dataset, task: str, assertion: Assertion) -> list[str]:
    """Return the names behind the class numbers that :func:`check_videos` uses."""
    names = list(dataset.predictions(task).names)
    for other in assertion.other_tasks():
        names += [name for name in dataset.predictions(other).names if name not in names]
    return names
