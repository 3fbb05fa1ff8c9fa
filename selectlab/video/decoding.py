"""Frames of videos in order, each with its number and the time the decoder gives it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from selectlab.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    import av

Pixels = npt.NDArray[np.uint8]
"""(height, width, 3) blue, green, red, as OpenCV and ultralytics have them."""

_INTERPOLATION = "BICUBIC"  # as OpenCV: pixels are equal to those of cv2.VideoCapture


@dataclass(frozen=True)
class Frame:
    """A decoded frame.

    Attributes:
        number: Place in the video, from 0.
        timestamp_s: Seconds since the first frame; ``None`` when the file gives no times.
        pixels: (height, width, 3) blue, green, red, turned upright.
    """

    number: int
    timestamp_s: float | None
    pixels: Pixels


def frames(path: str | os.PathLike[str]) -> Iterator[Frame]:
    """Yield the frames of a video in order of presentation.

    Only a few frames are in memory at a time, whatever the length.

    Raises:
        DataError: The file cannot be decoded to its end, or has no frames.
        MissingExtraError: PyAV is not installed.
    """
    first: float | None = None
    number = -1
    for number, frame in enumerate(_decoded(path)):
        time = None if frame.time is None else float(frame.time)
        first = time if first is None else first
        since = None if time is None or first is None else time - first
        yield Frame(number, since, upright(frame))
    if number < 0:
        raise DataError(f"{path}: has no frames")


def expected_frames(path: str | os.PathLike[str], *, estimate: bool = True) -> int | None:
    """Return how many frames a video says it has; ``None`` when it does not say.

    Args:
        path: The video.
        estimate: Compute it from duration and rate where the file gives no number.
    """
    try:
        with opened_video(path) as container:
            stream = container.streams.video[0]
            if stream.frames:
                return int(stream.frames)
            if estimate and stream.duration and stream.time_base and stream.average_rate:
                return int(stream.duration * stream.time_base * stream.average_rate + 0.5)
    except (DataError, IndexError):
        pass
    return None


def opened_video(path: str | os.PathLike[str]) -> Any:
    """Return a video as a container of PyAV, to be closed after use.

    Raises:
        DataError: The file cannot be read.
        MissingExtraError: PyAV is not installed.
    """
    try:
        import av
    except ImportError:
        raise MissingExtraError(
            "decoding videos needs PyAV; install it with: pip install 'selectlab[video]'"
        ) from None
    try:
        return av.open(os.fspath(path))
    except (av.error.FFmpegError, OSError) as error:
        raise DataError(f"{path}: not a readable video ({_reason(error)})") from None


def _decoded(path: str | os.PathLike[str]) -> Iterator[av.VideoFrame]:
    with opened_video(path) as container:
        import av

        if not container.streams.video:
            raise DataError(f"{path}: has no video stream")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        done = 0
        try:
            for frame in container.decode(stream):
                yield frame
                done += 1
        except (av.error.FFmpegError, OSError) as error:
            raise DataError(
                f"{path}: cannot be decoded after {done} frames ({_reason(error)})"
            ) from None


def upright(frame: av.VideoFrame) -> Pixels:
    """Return the pixels, turned as a phone's recording says."""
    pixels: Any = frame.to_ndarray(format="bgr24", interpolation=_INTERPOLATION)
    turns = round(int(getattr(frame, "rotation", 0)) / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).splitlines()[0]
