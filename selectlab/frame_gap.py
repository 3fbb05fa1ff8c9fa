"""Keep the selected frames of a video apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from selectlab.errors import DataError
from selectlab.inputs.sample_ids import frame_of
from selectlab.objective import BoolArray, Guard, Rows


class FrameGap(Guard):
    """No two selected frames of one video are closer than ``gap`` frame numbers.

    Args:
        ids: Sample id of each row; those that are no video frames are left alone.
        gap: Smallest difference of frame numbers, at least 1.

    Raises:
        DataError: No row is a video frame.

    Example:
        >>> guard = FrameGap(["v-0-mp4.png", "v-1-mp4.png", "v-2-mp4.png"], 2)
        >>> guard.add(np.array([0]))
        >>> guard.breaks(np.arange(3))
        array([ True,  True, False])
    """

    def __init__(self, ids: Sequence[str], gap: int) -> None:
        self.text = f"min_frame_gap {gap}"
        frames = [frame_of(sample_id) for sample_id in ids]
        if not any(frames):
            raise DataError(
                f"min_frame_gap {gap}: none of {len(ids)} samples is a video frame; frames are "
                "named NAME-FRAME-EXT.png"
            )
        videos = {video: i for i, video in enumerate(sorted({f[0] for f in frames if f}))}
        self._gap = gap
        self._video = np.array([videos[f[0]] if f else -1 for f in frames], dtype=np.intp)
        self._number = np.array([f[1] if f else 0 for f in frames], dtype=np.int64)
        self._order = np.lexsort((self._number, self._video))
        self._sorted_video = self._video[self._order]
        self._sorted_number = self._number[self._order]
        self._blocked = np.zeros(len(ids), dtype=np.bool_)

    def breaks(self, rows: Rows) -> BoolArray:
        """Return True for frames near a selected one."""
        return self._blocked[rows]

    def add(self, rows: Rows) -> None:
        """Block the frames near the rows."""
        for row in rows:
            video, number = self._video[row], self._number[row]
            if video < 0:
                continue
            first, stop = np.searchsorted(self._sorted_video, [video, video + 1])
            numbers = self._sorted_number[first:stop]
            low = first + np.searchsorted(numbers, number - self._gap, side="right")
            high = first + np.searchsorted(numbers, number + self._gap, side="left")
            self._blocked[self._order[low:high]] = True
