"""Detections of KITTI sequences: ``frame,-1,x1,y1,x2,y2,score,class``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from selectlab.errors import DataError
from selectlab.inputs.files import open_file
from selectlab.inputs.frame_lines import frame_names, frame_table, numbered_lines
from selectlab.inputs.prediction_checks import TaskSchema
from selectlab.inputs.prediction_columns import PredictionTable
from selectlab.inputs.yolo import class_names

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
# fmt: on
"""The 80 classes of COCO, as YOLO models number them."""


def read_kitti(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    n_frames: int | None = None,
    names: str | os.PathLike[str] | Sequence[str] | Mapping[int, str] = COCO_NAMES,
    extension: str = "mp4",
    task: str = "kitti",
) -> PredictionTable:
    """Read detections of a KITTI sequence, ready for ``Dataset(predictions={task: ...})``.

    Args:
        path: A text file with lines ``frame,-1,x1,y1,x2,y2,score,class``: frames from 0,
            corners in px, scores from 0 to 1, class numbers, ordered by frame.
        name: Name of the video, without extension; the file's by default.
        n_frames: Length of the video; by default up to the last frame that has a box.
        names: Class names by number, as for :func:`selectlab.inputs.yolo.read_yolo`; the 80
            of COCO by default.
        extension: Extension of the video.
        task: Name of the task.

    Returns:
        One row per frame, those without boxes included; ids are ``NAME-FRAME-EXT.png``, FRAME
        zero-padded and from 0.

    Raises:
        DataError: A line is malformed, frames are not in order or beyond the length, or a class
            has no name.
    """
    folder, file = open_file(path)
    known = class_names(names)
    lines = list(numbered_lines(folder.read(file), file, COLUMNS))
    for number, values in lines:
        if values[7] not in known:
            raise DataError(f"{file} line {number}: class {values[7]:g} has no name")
    length = n_frames if n_frames is not None else int(lines[-1][1][0]) + 1 if lines else 0
    if length < 1:
        raise DataError(f"{file}: no boxes, and nothing says how long the video is; give n_frames")
    called = name or os.path.splitext(file)[0]
    ids = tuple(sorted(known))
    return frame_table(
        lines,
        file,
        TaskSchema(task, "object-detection", ids, tuple(known[number] for number in ids)),
        range(length),
        frame_names(called, length, extension),
        _box,
    )


def _box(values: list[float]) -> dict[str, Any]:
    x1, y1, x2, y2 = values[2:6]
    return {"category_id": int(values[7]), "bbox": [x1, y1, x2 - x1, y2 - y1], "score": values[6]}
