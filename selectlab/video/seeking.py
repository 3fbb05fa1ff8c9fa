"""Single frames of a video, decoded from the key frame before them and not from the start."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from selectlab.errors import DataError
from selectlab.video.decoding import Frame, frames, opened_video, upright

if TYPE_CHECKING:
    import av

_HIDES_FRAMES = frozenset({"vp8"})
"""Codecs with packets that show nothing: their packets cannot be counted as frames."""


class _OutOfStepError(Exception):
    """What is decoded is not what the packets promise."""


@dataclass(frozen=True)
class _Index:
    """When frames are shown, in units of the stream.

    Attributes:
        times: Time of each frame, in the order of their numbers.
        keys: Numbers of the frames at which decoding can begin.
    """

    times: Sequence[int]
    keys: Sequence[int]

    @cached_property
    def numbers(self) -> dict[int, int]:
        """The number of the frame that is shown at a time."""
        return {time: number for number, time in enumerate(self.times)}

    def key_before(self, number: int) -> int:
        """Return the number of the last frame at or before one at which decoding can begin."""
        return self.keys[bisect_right(self.keys, number) - 1]


def chosen_frames(path: str | os.PathLike[str], numbers: Iterable[int]) -> Iterator[Frame]:
    """Yield some frames of a video in their order, the same that :func:`frames` would.

    Numbers past the end are left out. A video whose packets do not tell when each frame is shown
    is decoded from its start, up to the last of them.

    Raises:
        DataError: The file cannot be read or decoded.
        MissingExtraError: PyAV is not installed.

    Cost:
        The frames between each and the key frame before it. The packets of a video are gone
        through once, without decoding them.
    """
    wanted = sorted(set(numbers))
    index = _index(os.fspath(path), _mark(path))
    last = -1
    if index is not None:
        try:
            for frame in _sought(path, index, [n for n in wanted if n < len(index.times)]):
                yield frame
                last = frame.number
            return
        except _OutOfStepError:
            pass
    yield from _counted(path, [number for number in wanted if number > last])


def _counted(path: str | os.PathLike[str], wanted: Sequence[int]) -> Iterator[Frame]:
    """Yield frames, counted from the start."""
    if not wanted:
        return
    left = set(wanted)
    for frame in frames(path):
        if frame.number in left:
            yield frame
        if frame.number >= wanted[-1]:
            return


def _sought(path: str | os.PathLike[str], index: _Index, wanted: Sequence[int]) -> Iterator[Frame]:
    """Yield frames, each from the key frame before it or from where the last one ended."""
    if not wanted:
        return
    with opened_video(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        at = -1
        coming: Iterator[tuple[int, av.VideoFrame]] = iter(())
        for number in wanted:
            key = index.key_before(number)
            if at < 0 or key > at + 1:
                container.seek(index.times[key], stream=stream)
                at, coming = -1, _numbered(container, stream, index, path)
            at, frame = next((pair for pair in coming if pair[0] >= number), (-1, None))
            if frame is None or at != number:
                raise _OutOfStepError
            yield Frame(number, _since(index, number, stream), upright(frame))


def _numbered(
    container: Any, stream: Any, index: _Index, path: str | os.PathLike[str]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield decoded frames with their numbers, which follow on each other."""
    import av

    before = None
    try:
        for frame in container.decode(stream):
            number = index.numbers.get(frame.pts)
            if number is None or (before is not None and number != before + 1):
                raise _OutOfStepError
            yield number, frame
            before = number
    except (av.error.FFmpegError, OSError) as error:
        raise DataError(f"{path}: cannot be decoded ({error})") from None


def _since(index: _Index, number: int, stream: Any) -> float:
    return float((index.times[number] - index.times[0]) * stream.time_base)


def _mark(path: str | os.PathLike[str]) -> tuple[int, int]:
    try:
        stat = os.stat(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    return stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)
def _index(path: str, mark: tuple[int, int]) -> _Index | None:
    """Return when frames are shown; ``None`` where the packets do not say."""
    with opened_video(path) as container:
        import av

        if not container.streams.video:
            raise DataError(f"{path}: has no video stream")
        stream = container.streams.video[0]
        if stream.codec_context.name in _HIDES_FRAMES:
            return None
        try:
            packets = [
                (packet.pts, packet.is_keyframe)
                for packet in container.demux(stream)
                if packet.size and not packet.is_discard
            ]
        except (av.error.FFmpegError, OSError):
            return None
    times = [time for time, _ in packets]
    if not packets or None in times or len(set(times)) < len(times) or not packets[0][1]:
        return None
    packets.sort()
    keys = [number for number, (_, is_key) in enumerate(packets) if is_key]
    return _Index([time for time, _ in packets], keys) if keys[0] == 0 else None
