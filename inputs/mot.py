"""MOTChallenge text files as predictions: ``frame,id,x,y,w,h,score,...``."""

from __future__ import annotations

import configparser
import os
from typing import Any

from selectlab.errors import DataError
from selectlab.inputs.files import open_file
from selectlab.inputs.frame_lines import frame_names, frame_table, numbered_lines
from selectlab.inputs.prediction_checks import TaskSchema
from selectlab.inputs.prediction_columns import PredictionTable

COLUMNS = ("frame", "id", "x", "y", "w", "h", "score")


def read_mot(
    path: str | os.PathLike[str],
    *,
    seqinfo: str | os.PathLike[str] | None = None,
    name: str | None = None,
    n_frames: int | None = None,
    category: str = "pedestrian",
    extension: str = "mp4",
    task: str = "mot",
) -> PredictionTable:
    """Read a MOTChallenge detection file, ready for ``Dataset(predictions={task: ...})``.

    Args:
        path: A ``det.txt`` with lines ``frame,id,x,y,w,h,score,...``: frames from 1, boxes in
            px, scores from 0 to 1, ordered by frame. What follows the score is not looked at.
        seqinfo: The sequence's ``seqinfo.ini``; by default the one beside the file or in the
            folder above, if there is one. Says how the video is called and how long it is.
        name: Name of the video, without extension; the one in ``seqinfo`` by default, or else
            that of the folder.
        n_frames: Length of the video; ``seqLength`` by default, or else the last frame that
            has a box.
        category: The class of all boxes.
        extension: Extension of the video.
        task: Name of the task.

    Returns:
        One row per frame, those without boxes included; ids are ``NAME-FRAME-EXT.png``, FRAME
        zero-padded and counted from 0 as video decoders do: MOT's frame 1 is frame 0.

    Raises:
        DataError: There are no frames, a line is malformed, frames are not in order or beyond the
            length, or ``seqinfo`` says no length.
    """
    folder, file = open_file(path)
    lines = list(numbered_lines(folder.read(file), file, COLUMNS))
    called, stated = mot_sequence(path, seqinfo)
    last = int(lines[-1][1][0]) if lines else 0
    length = next(n for n in (n_frames, stated, last) if n is not None)
    if length < 1:
        raise DataError(f"{file}: no boxes, and nothing says how long the video is; give n_frames")
    named = frame_names(name or called, length, extension)
    return frame_table(
        lines,
        file,
        TaskSchema(task, "object-detection", (0,), (category,)),
        range(1, length + 1),
        lambda frame: named(frame - 1),
        _box,
    )


def mot_sequence(
    path: str | os.PathLike[str], seqinfo: str | os.PathLike[str] | None = None
) -> tuple[str, int | None]:
    """Return what the video of a detection file is called, and how long it is if that is said.

    Args:
        path: The file.
        seqinfo: As for :func:`read_mot`.

    Raises:
        DataError: ``seqinfo`` says no length.
    """
    about = _about(os.fspath(path), seqinfo)
    parent = os.path.basename(os.path.dirname(os.path.abspath(os.fspath(path))))
    return about.get("name") or parent, int(about["seqlength"]) if about else None


def _box(values: list[float]) -> dict[str, Any]:
    return {"category_id": 0, "bbox": values[2:6], "score": values[6]}


def _about(path: str, seqinfo: str | os.PathLike[str] | None) -> dict[str, str]:
    """Return what the seqinfo.ini says of the sequence."""
    if seqinfo is None:
        near = (os.path.join(os.path.dirname(path), up, "seqinfo.ini") for up in ("", ".."))
        seqinfo = next((place for place in near if os.path.isfile(place)), None)
        if seqinfo is None:
            return {}
    folder, file = open_file(os.path.abspath(seqinfo))
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(folder.read(file).decode("utf-8-sig", "replace"))
        about = dict(parser["Sequence"])
        if int(about["seqlength"]) < 1:
            raise ValueError
    except (configparser.Error, KeyError, ValueError):
        raise DataError(f"{file}: must have a section [Sequence] with seqLength") from None
    return about
