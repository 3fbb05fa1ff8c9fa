"""Histograms of gradients on a grid, at several scales, for every frame of a video.

Axis letters: F frames, H x W cells, O orientations.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.float32]
Cells = npt.NDArray[np.uint8]

CELL = 5
"""Side of a cell in px of the zoomed frame."""
ORIENTATIONS = 9
PAD = 2
"""Empty cells around the grid, so that windows may reach over the border."""
_FLAT = 0.5
"""Gradient of a cell below which it counts as flat; grey is 0 to 1."""
_VERSION = b"1"


@dataclass(frozen=True)
class Grids:
    """Cells of all frames at several scales.

    Attributes:
        zooms: Size of the zoomed frame over that of the frame, one a scale.
        cells: (F, H, W, O) root of the normalised histograms times 255, one a scale.
    """

    zooms: tuple[float, ...]
    cells: tuple[Cells, ...]

    def __len__(self) -> int:
        return len(self.cells[0])


def grids(frames: Iterable[Gray], zooms: Sequence[float]) -> Grids:
    """Return the cells of frames at every scale, in memory."""
    found = [[histograms(frame, zoom) for zoom in zooms] for frame in frames]
    return Grids(tuple(zooms), tuple(np.stack(scale) for scale in zip(*found, strict=True)))


def stored_grids(
    source: Path, frames: Iterable[Gray], numbers: Sequence[int], zooms: Sequence[float], to: Path
) -> Grids:
    """Return the cells of a video from a folder; compute them there if nobody has yet.

    Several processes may ask at once: one computes, the others wait.

    Args:
        source: The video file that the frames come from.
        frames: The frames, read only where nothing is stored.
        numbers: Their numbers.
        zooms: Size of the zoomed frame over that of the frame, one a scale.
        to: The folder.
    """
    key = hashlib.sha256(_VERSION + source.read_bytes())
    key.update(repr((list(numbers), [round(zoom, 6) for zoom in zooms])).encode())
    name = key.hexdigest()[:16]
    paths = [to / f"{name}-{scale}.npy" for scale in range(len(zooms))]
    to.mkdir(parents=True, exist_ok=True)
    with (to / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all(path.exists() for path in paths):
            for path, cells in zip(paths, grids(frames, zooms).cells, strict=True):
                temporary = path.with_name(f".{os.getpid()}-{path.name}")
                np.save(temporary, cells)
                os.replace(temporary, path)
    return Grids(tuple(zooms), tuple(np.load(path, mmap_mode="r") for path in paths))


def histograms(frame: Gray, zoom: float) -> Cells:
    """Return the cells of a frame, (H, W, O) with ``PAD`` empty ones on every side.

    A pixel counts with the size of its gradient in the cell and the orientation that it is in;
    a cell is divided by the norm of the 3 x 3 cells around it.

    Args:
        frame: Grey values from 0 to 1.
        zoom: Size of the zoomed frame over that of the frame.
    """
    from PIL import Image
    from scipy.ndimage import uniform_filter

    size = (round(frame.shape[1] * zoom), round(frame.shape[0] * zoom))
    image = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR))
    height, width = image.shape[0] // CELL, image.shape[1] // CELL
    image = image[: height * CELL, : width * CELL]
    down, right = np.gradient(image)
    angle = np.arctan2(down, right) % np.pi
    orientation = np.minimum((angle * (ORIENTATIONS / np.pi)).astype(np.intp), ORIENTATIONS - 1)
    row = np.arange(height * CELL)[:, None] // CELL
    column = np.arange(width * CELL)[None, :] // CELL
    index = (row * width + column) * ORIENTATIONS + orientation
    n = height * width * ORIENTATIONS
    total = np.bincount(index.ravel(), np.hypot(down, right).ravel(), minlength=n)
    cells = total.reshape(height, width, ORIENTATIONS)
    energy = 9 * uniform_filter((cells**2).sum(axis=2), 3, mode="nearest")
    root = np.sqrt(cells / np.sqrt(np.maximum(energy, 0) + _FLAT**2)[..., None])
    whole: Cells = np.pad(
        np.round(255 * np.minimum(root, 1)).astype(np.uint8), ((PAD, PAD), (PAD, PAD), (0, 0))
    )
    return whole


def frame_vectors(grids: Grids, rows: int = 6, columns: int = 8) -> npt.NDArray[np.float32]:
    """Return an embedding of each frame: the mean cell of each region of the frame."""
    cells = grids.cells[0][:, PAD:-PAD, PAD:-PAD]
    down = np.linspace(0, cells.shape[1], rows + 1).astype(int)
    right = np.linspace(0, cells.shape[2], columns + 1).astype(int)
    means = [
        cells[:, top:bottom, left:end].mean(axis=(1, 2), dtype=np.float32)
        for top, bottom in pairwise(down)
        for left, end in pairwise(right)
    ]
    vectors: npt.NDArray[np.float32] = np.concatenate(means, axis=1) / np.float32(255)
    return vectors
