"""Text files with a line per box and its frame number in front, as trackers write them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from selectlab.errors import DataError, did_you_mean
from selectlab.inputs.prediction_checks import TaskSchema, shown
from selectlab.inputs.prediction_columns import PredictionBuilder, PredictionTable
from selectlab.inputs.sample_ids import is_frame, sample_id

Line = tuple[int, list[float]]


def numbered_lines(
    data: bytes,
    where: str,
    columns: Sequence[str],
    classes: Mapping[int, Mapping[str, str]] = MappingProxyType({}),
) -> Iterator[Line]:
    """Yield line number and values of each line, frames in order.

    Args:
        data: Content of the file; values are separated by commas or blanks.
        where: Name of the file, for messages.
        columns: Names of the columns a line must have; more do no harm.
        classes: The numbers that words stand for, by the position of their column.

    Raises:
        DataError: A line lacks values, holds no number, a class has none, or its frame comes
            after a later one.
    """
    last = None
    for number, text in enumerate(data.decode("utf-8-sig", "replace").split("\n"), start=1):
        words = text.replace(",", " ").split()
        if not words:
            continue
        for at in classes.keys() & range(len(words)):
            if words[at] not in classes[at]:
                hint = did_you_mean(words[at], classes[at])
                raise DataError(f"{where} line {number}: no class {shown(words[at])}{hint}")
            words[at] = classes[at][words[at]]
        values = _numbers(words)
        needed = values[: len(columns)]
        if len(needed) < len(columns) or not all(map(math.isfinite, needed)):
            raise DataError(
                f"{where} line {number}: must be {','.join(columns)}, got {shown(text.strip())}"
            )
        if not values[0].is_integer():
            raise DataError(f"{where} line {number}: frame {values[0]} is no whole number")
        if last is not None and values[0] < last:
            raise DataError(
                f"{where} line {number}: frame {values[0]:.0f} comes after frame {last:.0f}; "
                "sort the lines by frame"
            )
        last = values[0]
        yield number, values


def _numbers(words: Sequence[str]) -> list[float]:
    """Return words as numbers, none of them if one is not."""
    try:
        return [float(word) for word in words]
    except ValueError:
        return []


def frame_table(
    lines: Sequence[Line],
    where: str,
    schema: TaskSchema,
    frames: range,
    name_of: Callable[[int], str],
    box_of: Callable[[list[float]], dict[str, Any]],
) -> PredictionTable:
    """Return boxes as predictions of all frames, those without boxes included.

    Args:
        lines: Lines of the file.
        where: Name of the file, for messages.
        schema: The task.
        frames: Numbers of all frames.
        name_of: Gives the sample id of a frame.
        box_of: Gives a line's prediction as Lightly writes it.

    Raises:
        DataError: A frame is not among ``frames``, one object has two boxes in a frame, or a
            value is malformed.
    """
    held: dict[int, list[dict[str, Any]]] = {number: [] for number in frames}
    seen: set[tuple[float, float]] = set()
    for number, values in lines:
        if int(values[0]) not in held:
            raise DataError(
                f"{where} line {number}: frame {values[0]:.0f} is not among the frames "
                f"{frames.start} to {frames.stop - 1}"
            )
        if values[1] >= 0 and (values[0], values[1]) in seen:
            raise DataError(
                f"{where} line {number}: frame {values[0]:.0f} has object {values[1]:.0f} twice"
            )
        seen.add((values[0], values[1]))
        held[int(values[0])].append(box_of(values))
    builder = PredictionBuilder(schema, where)
    for frame, boxes in held.items():
        builder.add(name_of(frame), boxes, f"{where} frame {frame}")
    return builder.table()


def frame_names(name: str, n_frames: int, extension: str) -> Callable[[int], str]:
    """Return how the frames of a video are called: ``NAME-FRAME-EXT.png``.

    Raises:
        DataError: The name or the extension makes no frame name.

    Example:
        >>> frame_names("a/clip", 100, "mp4")(7)
        'a/clip-007-mp4.png'
    """
    width = len(str(n_frames))

    def name_of(number: int) -> str:
        return f"{name}-{number:0{width}d}-{extension.lstrip('.')}.png"

    example = sample_id(name_of(0), "name")
    if not is_frame(example):
        raise DataError(
            f"{example}: is no frame NAME-FRAME-EXT.png; EXT must be that of a video, such as mp4"
        )
    return name_of
