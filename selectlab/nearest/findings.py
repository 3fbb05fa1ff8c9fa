"""What was found out about some of very many vectors; nothing is kept about the others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from selectlab.nearest.products import Float64, Index, with_room

Int32 = npt.NDArray[np.int32]


class Findings:
    """Columns about those vectors that were looked at closely.

    Args:
        n_vectors: M.

    Attributes:
        sq_dist: Exact squared distance to the nearest of the first ``seen`` members.
        seen: How many members that accounts for; 0 where nothing is known.
        closest: Number of the nearest member.
        followed: Nearly exact squared distance to the first ``followed_to`` members.
        followed_to: How many members that accounts for.

    Cost:
        4 bytes per vector, and 32 per vector that was looked at.
    """

    def __init__(self, n_vectors: int) -> None:
        self._place = np.zeros(n_vectors, dtype=np.int32)
        self._size = 1  # place 0 stands for all vectors of which nothing is known
        self.sq_dist: Float64 = np.zeros(16)
        self.seen: Int32 = np.zeros(16, dtype=np.int32)
        self.closest: Int32 = np.zeros(16, dtype=np.int32)
        self.followed: Float64 = np.zeros(16)
        self.followed_to: Int32 = np.zeros(16, dtype=np.int32)

    def of(self, index: Index) -> Int32:
        """Return where in the columns some vectors are, for reading."""
        return self._place[index]

    def about(self, index: Index) -> Int32:
        """Return where in the columns some vectors are, for writing."""
        new = np.unique(index[self._place[index] == 0])
        if len(new):
            stop = self._size + len(new)
            for name in ("sq_dist", "seen", "closest", "followed", "followed_to"):
                column = with_room(getattr(self, name), stop)
                column[self._size : stop] = 0
                setattr(self, name, column)
            self._place[new] = np.arange(self._size, stop)
            self._size = stop
        return self._place[index]
