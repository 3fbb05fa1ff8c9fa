"""multibox: three boxes on top of each other."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from selectlab.assertions.frames import Findings, Frames, severity_of
from selectlab.assertions.matching import overlaps, predicted
from selectlab.assertions.protocol import Assertion, Share


class Multibox(Assertion):
    """No three boxes of a class overlap each other by much.

    Three boxes of which every two have an IoU above ``iou_overlap`` are more likely two
    objects, or one, than three. Works on single images too. In real crowds three people do
    stand behind each other: look at the precision on your data before you trust it.

    Attributes:
        iou_overlap: IoU above which two boxes overlap (strict).

    Cost:
        O(F * n^2) for F frames of n boxes, and the number of triples.

    Reference:
        Kang et al., Model Assertions for Monitoring and Improving ML Models, MLSys 2020.

    Example:
        >>> boxes = [[0, 0, 10, 10], [1, 0, 10, 10], [0, 1, 10, 10], [50, 50, 9, 9]]
        >>> Multibox().check(Frames.of({0: boxes})).offending
        array([0, 1, 2])
    """

    name: Literal["multibox"] = "multibox"
    needs_video: ClassVar[bool] = False
    iou_overlap: Share = 0.3

    def check(self, frames: Frames, *others: Frames) -> Findings:
        """Return the boxes of all triples; severity is the number of triples in a frame."""
        from scipy.sparse import coo_array

        boxes = predicted(frames, self.min_score)
        rows = np.arange(len(frames), dtype=np.int64)
        i, j, _ = overlaps(boxes, rows, boxes, rows, self.iou_overlap)
        i, j = i[i < j], j[i < j]
        n = len(boxes.index)
        if not len(i):
            return Findings(np.zeros(len(frames)))
        # edges i < j; a triple i < k < j is a path i-k-j whose ends are an edge as well
        edges = coo_array((np.ones(len(i)), (i, j)), shape=(n, n)).tocsr()
        triples = (edges @ edges).multiply(edges).tocoo()
        count = np.zeros(n)
        np.add.at(count, triples.row, triples.data)
        in_triple = (edges @ edges.T).multiply(edges).tocoo()  # k > i, j: both below it
        members = np.zeros(n, dtype=np.bool_)
        for found in (triples, in_triple):
            members[found.row[found.data > 0]] = True
            members[found.col[found.data > 0]] = True
        offending = np.flatnonzero(members)
        start = np.flatnonzero(count)
        return Findings(
            severity_of(frames, frames.numbers[boxes.row[start]], count[start]),
            offending=np.sort(boxes.index[offending]),
            n_firings=int(count.sum()),
        )
