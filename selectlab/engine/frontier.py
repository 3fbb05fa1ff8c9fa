"""How good the rows that nobody looks at can be at best.

The score of a row grows with each of its columns (a weight, a distance; turned around where the
strength is negative) and is otherwise the same for rows that share their classes. So rows are
put into cells by classes and by bins of the columns that stay; the best of each column in a
cell, taken together, is a corner that no row of the cell can beat, whatever the picks to come
do to the levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from selectlab import threads
from selectlab.objective import FloatArray, Rows

_MOST_CELLS = 8192
_MOST_BINS = 256
_SAMPLED = 65_536
_BLOCK_ROWS = 65_536


@dataclass(frozen=True)
class Corners:
    """Points that rows cannot beat.

    Attributes:
        rows: (C,) the lowest row of each cell; it also stands for what the rows share.
        fixed: (C,) per column that stays, the best value of the cell.
        falling: (C,) per column that falls, the best value of the cell.
    """

    rows: Rows
    fixed: tuple[FloatArray, ...]
    falling: tuple[FloatArray, ...]


class Cells:
    """Cells of rows by what does not change.

    Args:
        group: (N,) which rows share their classes, 0 up; ``None`` when all do.
        fixed: (N,) columns that stay, the higher the better.
        n_rows: N.
    """

    def __init__(self, group: Rows | None, fixed: Sequence[FloatArray], n_rows: int) -> None:
        self._fixed = fixed
        self._n_cells = 1 if group is None else int(group.max()) + 1
        cell = np.zeros(n_rows, dtype=np.int32) if group is None else group.astype(np.int32)
        room = _MOST_CELLS // self._n_cells
        bins = max(2, min(_MOST_BINS, int(room ** (1 / max(len(fixed), 1)))))
        for column in fixed:
            edges = _edges(column, bins)
            self._n_cells *= len(edges) + 1
            for block in threads.cut(n_rows, _BLOCK_ROWS):
                cell[block] *= len(edges) + 1
                cell[block] += np.searchsorted(edges, column[block], side="left")
        self._cell = cell
        self._n_bins = self._n_cells // (1 if group is None else int(group.max()) + 1)

    def corners(self, blocks: Iterable[tuple[Rows, Sequence[FloatArray]]]) -> Corners:
        """Return the corners of the cells that some rows are in, at least one.

        Args:
            blocks: Rows, ascending from block to block, and the columns of these rows that
                fall, the higher the better.
        """
        lowest = np.full(self._n_cells, -1, dtype=np.intp)
        best: list[FloatArray] = []
        n_falling = 0
        for rows, falling in blocks:
            n_falling = len(falling)
            columns = [*(column[rows] for column in self._fixed), *falling]
            best = best or [np.full(self._n_cells, -np.inf) for _ in columns]
            self._gather(rows, columns, lowest, best)
        used = np.flatnonzero(lowest >= 0)
        best = [column[used] for column in best]
        n_fixed = len(self._fixed)
        found = Corners(lowest[used], tuple(best[:n_fixed]), tuple(best[n_fixed:]))
        simple = n_fixed == 1 and n_falling <= 1
        return self._without_beaten(found, used) if simple else found

    def _gather(
        self, rows: Rows, columns: Sequence[FloatArray], lowest: Rows, best: Sequence[FloatArray]
    ) -> None:
        """Note the lowest row and the best of each column, cell by cell."""
        if self._n_cells == 1:
            lowest[0] = rows[0] if lowest[0] < 0 else lowest[0]
            for top, column in zip(best, columns, strict=True):
                top[0] = max(top[0], column.max())
            return
        cell = self._cell[rows]
        first = np.full(self._n_cells, -1, dtype=np.intp)
        first[cell[::-1]] = rows[::-1]
        np.copyto(lowest, first, where=lowest < 0)
        for top, column in zip(best, columns, strict=True):
            np.maximum.at(top, cell, column)

    def _without_beaten(self, found: Corners, cell: Rows) -> Corners:
        """Leave out corners that another of the same classes beats in both columns."""
        group = cell // self._n_bins
        other = found.falling[0] if found.falling else np.zeros(len(cell))
        place = np.unique(other, return_inverse=True)[1].reshape(-1)
        order = np.lexsort((-place, -found.fixed[0], group))
        # Numbered so that any corner of a group is above all of the groups before it.
        number = (group * len(cell) + place)[order]
        best = np.maximum.accumulate(number)
        kept = np.flatnonzero(np.r_[True, number[1:] > best[:-1]])
        lowest = np.minimum.reduceat(found.rows[order], kept)
        at = order[kept]
        return Corners(
            lowest,
            tuple(column[at] for column in found.fixed),
            tuple(column[at] for column in found.falling),
        )


def _edges(column: FloatArray, bins: int) -> FloatArray:
    """Return inner borders between bins of about equally many rows, finer towards the best.

    Half of the bins split the best eighth of the rows, where the picks come from.
    """
    step = max(1, len(column) // _SAMPLED)
    ordered = np.sort(column[::step])
    half = np.linspace(0.0, 0.875, bins // 2 + 1)[1:]
    rest = np.linspace(0.875, 1.0, bins - bins // 2 + 1)[1:-1]
    places = (np.concatenate([half, rest]) * (len(ordered) - 1)).astype(np.intp)
    edges: FloatArray = np.unique(ordered[places])
    return edges
