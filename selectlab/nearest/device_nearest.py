"""Distances to a growing set: products on a torch device, all else as on the CPU.

The bounds of :mod:`selectlab.nearest.products` hold for float32 sums in any order, so they hold for
every device, and what they leave open is compared on the CPU. M vectors, D dimensions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from selectlab import threads
from selectlab.nearest.device_products import full_precision, sent, torch_name
from selectlab.nearest.nearest_selected import NearestSelected
from selectlab.nearest.products import (
    Float32,
    Index,
    Panel,
    gather,
    least_of,
    panels,
    slack_of,
    sq_norms,
)
from selectlab.objective import FloatArray

if TYPE_CHECKING:
    import torch

_TILE_FLOATS = {"cuda": 1 << 26, "cpu": 1 << 19}
"""Numbers in one product, and at most in the vectors that go into it."""
_PANEL = {"cuda": 4096, "cpu": 256}
_BLOCK_FLOATS = 1 << 22


class DeviceNearest(NearestSelected):
    """Squared distance of every vector to the nearest of a growing set, by a device.

    Args:
        vectors: (M, D) float32, an array or anything that gives rows by slice and by index.
        device: ``"cuda"``, ``"cuda:1"``, or ``"torch"`` for torch on the CPU.

    Cost:
        4 * M * D bytes on the device and one transfer, where it has room for all vectors.
        Otherwise those of every refresh are sent there. A refresh comes back in one transfer.
    """

    def __init__(self, vectors: Any, device: str) -> None:
        self._on_device = OnDevice(vectors, device)
        super().__init__(vectors)

    def _measured(self) -> Float32:
        return self._on_device.norms

    def refresh(self, index: Index | slice, floor: FloatArray | None = None) -> None:
        """Account for all members in the upper bounds of some vectors, whatever their floor."""
        size = len(self)
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self.upper))
            if int(self._seen[index].min(initial=size)) < size:
                self._pass(index, np.arange(start, stop, dtype=np.intp), size)
            return
        stale = index[~self.is_current(index)]
        if len(stale):
            by = stale if self._on_device.reads_in_order else self._seen[stale]
            stale = stale[np.argsort(by, kind="stable")]
            self._pass(stale, stale, size)

    def _pass(self, part: Index | slice, rows: Index, size: int) -> None:
        """Take vectors past the members that some have not seen."""
        seen, before = self._seen[rows], self._on_device.computed
        sq_dists = self._on_device.pass_by(part, seen, self.panel)
        sq_dists += self._norms[rows]
        self._note(rows, sq_dists, size)
        self.computed += self._on_device.computed - before
        self.fetched += len(rows)


class OnDevice:
    """Vectors on a device; sent there when they are needed where it has no room for all.

    Args:
        vectors: (M, D) float32.
        device: Its name.

    Attributes:
        norms: (M,) squared lengths of the vectors, rounded up.
        reads_in_order: Ascending rows come faster than others.
        computed: Number of products so far.
    """

    def __init__(self, vectors: Any, device: str) -> None:
        self._vectors, self._device = vectors, device
        self.computed = 0
        self._kind = "cpu" if torch_name(device) == "cpu" else "cuda"
        self._centres = _Centres(vectors.shape[1], device)
        self._held: torch.Tensor | None = self._taken_in()
        if self._held is None:
            self.norms = sq_norms(vectors)
        self.reads_in_order = self._held is None and not isinstance(vectors, np.ndarray)

    def pass_by(self, part: Index | slice, seen: Index, panel: Panel) -> Float32:
        """Return how near each vector comes to the centres that it has not seen.

        Args:
            part: m vectors.
            seen: (m,) how many centres each has seen; in a tile all start at the lowest.
            panel: The centres.

        Returns:
            (m,) the lowest ``|centre|^2 - 2 * vector . centre``.
        """
        import torch

        with full_precision():
            self._centres.follow(panel)
            values = self._tiles(part)
            lowest = [
                self._lowest(values(tile), int(seen[tile].min()))
                for tile in threads.cut(len(seen), self._tile_rows(panel.size - int(seen.min())))
            ]
            found: Float32 = torch.cat(lowest).cpu().numpy()
        return found

    def _lowest(self, values: torch.Tensor, first: int) -> torch.Tensor:
        import torch

        lowest = torch.full((len(values),), torch.inf, dtype=values.dtype, device=values.device)
        for start, stop in panels(first, self._centres.size, _PANEL[self._kind]):
            double, shift = self._centres.part(start, stop)
            products = values @ double.T
            products += shift
            torch.minimum(lowest, products.amin(dim=1), out=lowest)
            self.computed += len(values) * (stop - start)
        return lowest

    def _tile_rows(self, n_centres: int) -> int:
        width = max(min(n_centres, _PANEL[self._kind]), int(self._vectors.shape[1]))
        return max(1, _TILE_FLOATS[self._kind] // width)

    def _tiles(self, part: Index | slice) -> Callable[[slice], torch.Tensor]:
        """Return what gives tiles of some vectors on the device."""
        held, vectors, device = self._held, self._vectors, self._device
        if isinstance(part, slice):
            start = part.indices(vectors.shape[0])[0]
            if held is not None:
                return lambda tile: held[start + tile.start : start + tile.stop]
            return lambda tile: sent(vectors[start + tile.start : start + tile.stop], device)
        if held is not None:
            index = sent(part, device)
            return lambda tile: held.index_select(0, index[tile])
        return lambda tile: sent(gather(vectors, part[tile]), device)

    def _taken_in(self) -> torch.Tensor | None:
        """Copy all vectors to the device; ``None`` where it has no room for them."""
        import torch

        n_vectors, dimension = self._vectors.shape
        if not has_room(self._device, 4 * n_vectors * dimension):
            return None
        held = torch.empty(
            (n_vectors, dimension), dtype=torch.float32, device=torch_name(self._device)
        )
        lengths = torch.empty(n_vectors, dtype=torch.float32, device=held.device)
        for block in threads.cut(n_vectors, max(1, _BLOCK_FLOATS // max(1, dimension))):
            held[block] = sent(self._vectors[block], self._device)
            torch.sum(held[block].square(), dim=1, out=lengths[block])
        self.norms = lengths.cpu().numpy() * np.float32(1 + 2 * slack_of(dimension))
        self.norms += np.float32(least_of(dimension))
        return held


class _Centres:
    """A copy of the centres on a device, growing with them."""

    def __init__(self, dimension: int, device: str) -> None:
        self._dimension, self._device = dimension, device
        self._room = self.size = 0

    def follow(self, panel: Panel) -> None:
        """Copy the centres that have come since the last call."""
        first = self.size
        if panel.size > self._room:
            first, self._room = 0, max(1024, 2 * panel.size)
            self._double = self._empty(self._room, self._dimension)
            self._shift = self._empty(self._room)
        self.size = panel.size
        self._double[first : self.size] = sent(panel.double[first:], self._device)
        self._shift[first : self.size] = sent(panel.shift[first:], self._device)

    def part(self, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return -2 times some centres, and their squared lengths, rounded up."""
        return self._double[start:stop], self._shift[start:stop]

    def _empty(self, *shape: int) -> torch.Tensor:
        import torch

        return torch.empty(shape, dtype=torch.float32, device=torch_name(self._device))


def has_room(device: str, n_bytes: int) -> bool:
    """Return whether a device has so much memory free, and some to work in.

    torch on the CPU has none of its own: vectors are taken from where they are.
    """
    import torch

    place = torch.device(torch_name(device))
    if place.type == "cpu":
        return False
    index = torch.cuda.current_device() if place.index is None else place.index
    free = torch.cuda.mem_get_info(index)[0]
    unused = torch.cuda.memory_reserved(index) - torch.cuda.memory_allocated(index)
    return free + unused >= 1.05 * n_bytes + 16 * _TILE_FLOATS["cuda"]
