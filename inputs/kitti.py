"""KITTI sequences: tracking labels, and detections ``frame,-1,x1,y1,x2,y2,score,class``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from selectlab.errors import DataError
from selectlab.inputs.files import open_file
from selectlab.inputs.frame_lines import Line, frame_names, frame_table, numbered_lines
from selectlab.inputs.prediction_checks import TaskSchema
from selectlab.inputs.prediction_columns import PredictionTable
from selectlab.inputs.yolo import Names, class_names

COLUMNS = ("frame", "id", "x1", "y1", "x2", "y2", "score", "class")

# fmt: off
COCO_NAMES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
    "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich",
    "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote",
    "keyboard", "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book",
    "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)
"""The 80 classes of COCO, as YOLO models number them."""

KITTI_NAMES = (
    "Car", "Van", "Truck", "Pedestrian", "Person_sitting", "Cyclist", "Tram", "Misc",
)
"""The classes of KITTI's own labels."""
# fmt: on

_LABEL = ("frame", "track_id", "type", "truncated", "occluded", "alpha", "x1", "y1", "x2", "y2")
_TYPE, _SCORE, _CLASS = 2, 17, COLUMNS.index("class")
_IGNORED = "DontCare"


def read_kitti(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    n_frames: int | None = None,
    names: Names | None = None,
    extension: str = "mp4",
    task: str = "kitti",
) -> PredictionTable:
    """Read boxes of a KITTI sequence, ready for ``Dataset(predictions={task: ...})``.

    Args:
        path: A text file, ordered by frame, frames from 0, corners in px, of one of two kinds.
            KITTI's tracking labels (``label_02/0000.txt``): ``frame track_id type truncated
            occluded alpha x1 y1 x2 y2``, then height, width and the rest of the box in space,
            which are not looked at, and the score, if there is one; labels without a score get
            1, ``DontCare`` regions are left out. Or detections:
            ``frame,-1,x1,y1,x2,y2,score,class`` with class numbers. Scores go from 0 to 1.
        name: Name of the video, without extension; the file's by default.
        n_frames: Length of the video; by default up to the last frame that has a box.
        names: Class names, as for :func:`selectlab.inputs.yolo.read_yolo`; by default KITTI's
            own and those found for labels, and the 80 of COCO for class numbers.
        extension: Extension of the video.
        task: Name of the task.

    Returns:
        One row per frame, those without boxes included; ids are ``NAME-FRAME-EXT.png``, FRAME
        zero-padded and from 0.

    Raises:
        DataError: A line is malformed, frames are not in order or beyond the length, a class
            has no name, or the file labels a single image.
    """
    folder, file = open_file(path)
    data = folder.read(file)
    rows = [
        text.replace(",", " ").split() for text in data.decode("utf-8-sig", "replace").split("\n")
    ]
    first: Sequence[str] = next((row for row in rows if row), ())
    _refuse_single_image(first, file)
    if len(first) > _TYPE and not _is_number(first[_TYPE]):
        types = {row[_TYPE] for row in rows if len(row) > _TYPE} - {_IGNORED}
        known = _types(types) if names is None else class_names(names)
        lines = _labels(data, file, known)
    else:
        known = class_names(COCO_NAMES if names is None else names)
        lines = _detections(data, file, known)
    length = n_frames if n_frames is not None else int(lines[-1][1][0]) + 1 if lines else 0
    if length < 1:
        raise DataError(f"{file}: no boxes, and nothing says how long the video is; give n_frames")
    called = name or os.path.splitext(file)[0]
    ids = tuple(sorted(known))
    return frame_table(
        [line for line in lines if line[1][_CLASS] >= 0],
        file,
        TaskSchema(task, "object-detection", ids, tuple(known[number] for number in ids)),
        range(length),
        frame_names(called, length, extension),
        _box,
    )


def _types(found: Iterable[str]) -> Mapping[int, str]:
    """Return KITTI's classes by number, and after them others that a file has."""
    return dict(enumerate(dict.fromkeys([*KITTI_NAMES, *sorted(found)])))


def _detections(data: bytes, file: str, known: Mapping[int, str]) -> list[Line]:
    """Return lines as :data:`COLUMNS` say."""
    lines = list(numbered_lines(data, file, COLUMNS))
    for number, values in lines:
        if values[_CLASS] not in known:
            raise DataError(f"{file} line {number}: class {values[_CLASS]:g} has no name")
    return lines


def _labels(data: bytes, file: str, known: Mapping[int, str]) -> list[Line]:
    """Return the lines of tracking labels in the order of :data:`COLUMNS`; what to ignore is -1."""
    numbers = {_IGNORED: "-1", **{name: str(number) for number, name in known.items()}}
    return [
        (number, [*held[:2], *held[6:10], held[_SCORE] if len(held) > _SCORE else 1.0, held[_TYPE]])
        for number, held in numbered_lines(data, file, _LABEL, {_TYPE: numbers})
    ]


def _refuse_single_image(first: Sequence[str], file: str) -> None:
    if len(first) >= 15 and not _is_number(first[0]):
        raise DataError(
            f"{file}: begins with the type {first[0]!r}: labels of a single image; those of a "
            "sequence begin with frame and track_id, as in label_02/0000.txt"
        )


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _box(values: list[float]) -> dict[str, Any]:
    x1, y1, x2, y2 = values[2:6]
    return {
        "category_id": int(values[_CLASS]),
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "score": values[6],
    }
