"""Distances to a growing set, their products on a torch device and all else as on the CPU.

Vectors go to the device once, where it has room for them. The bounds of
:mod:`selectlab.products` hold for any order of summation, so they hold there too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selectlab import threads
from selectlab.device_products import full_precision, sent, torch_name
from selectlab.nearest_selected import NearestSelected
from selectlab.objective import FloatArray
from selectlab.products import Float32, Index, Panel, gather, panels, slack_of, sq_norms

if TYPE_CHECKING:
    import torch

_FLOATS = {"cuda": 1 << 26, "cpu": 1 << 19}
"""Numbers in one product, and in the vectors that go into it."""
_PANEL = {"cuda": 4096, "cpu": 256}


class DeviceNearest(NearestSelected):
    """The same distances from products on a device.

    Args:
        vectors: (M, D) float32, an array or anything that gives rows by slice and by index.
        device: ``"cuda"``, ``"cuda:1"``, or ``"torch"`` for torch on the CPU.

    Cost:
        M * D * 4 bytes on the device if it has them free. Without, the vectors of every
        refresh are sent there.
    """

    def __init__(self, vectors: Any, device: str) -> None:
        self._there = OnDevice(vectors, device)
        super().__init__(vectors)

    def _measured(self) -> Float32:
        return self._there.norms

    def _refresh_rows(self, rows: Index, size: int, floor: Float32 | None) -> None:
        """Take scattered vectors past the members they have not seen; a floor saves no time."""
        order = np.argsort(self._seen[rows], kind="stable")
        self._pass(rows[order], rows[order], size)

    def _refresh_block(self, block: slice, size: int) -> None:
        start, stop, _ = block.indices(len(self.upper))
        if (self._seen[block] < size).any():
            self._pass(block, np.arange(start, stop, dtype=np.intp), size)


class OnDevice:
    """Vectors on a device, or sent there when they are needed where it has no room for all.

    Args:
        vectors: (M, D) float32.
        device: Its name.

    Attributes:
        norms: (M,) squared lengths of the vectors, rounded up.
    """
