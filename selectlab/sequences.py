"""Runs of consecutive video frames, selected as one."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.errors import ConfigError, DataError
from selectlab.inputs.sample_ids import frame_of

Rows = npt.NDArray[np.intp]

_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Sequences:
    """Which rows of the dataset make up which sequence.

    Attributes:
        rows: (number of sequences, L) rows of the dataset, frames in order.
        dropped: Number of samples in no sequence: no video frame, or a trailing rest.
    """

    rows: Rows
    dropped: int

    @property
    def length(self) -> int:
        """Number of frames L of each sequence."""
        return int(self.rows.shape[1])


def cut(ids: Sequence[str], length: int) -> Sequences:
    """Cut every video into consecutive sequences of ``length`` frames.

    Frames are ordered by number; a trailing incomplete sequence is dropped. Sequences are in
    the order of their first frame's id.

    Args:
        ids: Sample ids, sorted.
        length: Frames per sequence, at least 2.

    Raises:
        DataError: No video has that many frames.

    Example:
        >>> cut(["v-0-mp4.png", "v-1-mp4.png", "v-2-mp4.png"], 2).rows
        array([[0, 1]])
    """
    rows, video, number = _frames(ids)
    order = np.lexsort((rows, number, video))
    rows, video = rows[order], video[order]
    counts = np.bincount(video)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    chunks = rows[place < np.repeat(counts - counts % length, counts)].reshape(-1, length)
    if not len(chunks):
        raise DataError(
            f"selected_sequence_length {length}: no video has that many frames among "
            f"{len(ids)} samples; frames are named NAME-FRAME-EXT.png"
        )
    table = chunks[np.argsort(chunks[:, 0], kind="stable")]
    return Sequences(table, len(ids) - table.size)


def _frames(ids: Sequence[str]) -> tuple[Rows, Rows, npt.NDArray[np.int64]]:
    """Return row, video and frame number of every frame of a video."""
    videos: dict[str, int] = {}
    found = (array("q"), array("q"), array("q"))
    for row, sample_id in enumerate(ids):
        frame = frame_of(sample_id)
        if frame is not None:
            name, number = frame
            numbers = (row, videos.setdefault(name, len(videos)), min(number, _LARGEST))
            for column, value in zip(found, numbers, strict=True):
                column.append(value)
    rows, video, number_ = (np.frombuffer(column, dtype=np.int64) for column in found)
    return rows.astype(np.intp), video.astype(np.intp), number_


def count(n_frames: int, length: int) -> int:
    """Return how many sequences make up ``n_frames``.

    Raises:
        ConfigError: It is no multiple of the length.
    """
    if n_frames % length:
        below = n_frames - n_frames % length
        nearest = f"{below} or {below + length}" if below else f"{length}"
        raise ConfigError(
            f"n_samples: counts frames and must be a multiple of selected_sequence_length "
            f"{length}, got {n_frames}; nearest: {nearest}"
        )
    return n_frames // length


def information(
    ids: Sequence[str], sequences: Rows, timestamps: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Return what ``sequence_information.json`` says about the selected sequences.

    Args:
        ids: All sample ids.
        sequences: (number of sequences, L) rows.
        timestamps: Seconds from the start of the video, by sample id, where known.
    """
    listed = []
    for rows in sequences:
        frames = [frame_of(ids[row]) for row in rows]
        listed.append(
            {
                "video_name": frames[0][0] if frames[0] else None,
                "frame_names": [ids[row] for row in rows],
                "frame_indices": [frame[1] if frame else None for frame in frames],
                "frame_timestamps_s": [timestamps.get(ids[row]) for row in rows],
            }
        )
    return listed
