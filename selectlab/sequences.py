"""Runs of consecutive video frames, selected as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from selectlab.errors import ConfigError, DataError
from selectlab.inputs.sample_ids import frame_of

Rows = npt.NDArray[np.intp]


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
    videos: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row, sample_id in enumerate(ids):
        frame = frame_of(sample_id)
        if frame is not None:
            video, number = frame
            videos[video].append((number, row))
    chunks = []
    for frames in videos.values():
        frames.sort()
        rows = [row for _, row in frames]
        whole = len(rows) - len(rows) % length
        chunks += [rows[start : start + length] for start in range(0, whole, length)]
    if not chunks:
        raise DataError(
            f"selected_sequence_length {length}: no video has that many frames among "
            f"{len(ids)} samples; frames are named NAME-FRAME-EXT.png"
        )
    table = np.array(sorted(chunks), dtype=np.intp)
    return Sequences(table, len(ids) - table.size)


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
