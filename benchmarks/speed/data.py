"""Vectors of every kind that a selection meets, made in blocks so that they may exceed memory.

Rows are float32, of length 1, and the same for the same seed and size.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.outside_data import OutsideData

Float32 = npt.NDArray[np.float32]
Block = Callable[[np.random.Generator, int], Float32]

_BLOCK_ROWS = 50_000
_CLUSTERS = 200
_INTRINSIC = 8
_FRAMES = 20


def write_vectors(path: Path, kind: str, n: int, d: int, seed: int) -> int:
    """Write an (n, d) array of unit rows and return its number of rows.

    Args:
        path: ``.npy`` file to make.
        kind: One of :data:`KINDS`.
        n: Number of rows; MNIST has no more than 70,000.
        d: Dimension; MNIST is reduced to it by principal components.
        seed: Of everything random.

    Raises:
        NoDataError: MNIST is not there.
    """
    if kind == "mnist":
        vectors = _mnist(d, seed)[:n]
        np.save(path, vectors)
        return len(vectors)
    block = KINDS[kind](np.random.default_rng([seed, 0]), d)
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n, d))
    for start in range(0, n, _BLOCK_ROWS):
        rows = block(np.random.default_rng([seed, 1, start]), min(_BLOCK_ROWS, n - start))
        out[start : start + len(rows)] = unit(rows)
    out.flush()
    return n


def unit(rows: Float32) -> Float32:
    """Scale rows to length 1, in place."""
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def _clustered(rng: np.random.Generator, d: int) -> Block:
    """Gaussian mixture of 200 clusters."""
    centres = rng.standard_normal((_CLUSTERS, d), dtype=np.float32)

    def block(rng: np.random.Generator, n: int) -> Float32:
        rows = rng.standard_normal((n, d), dtype=np.float32)
        rows *= np.float32(0.3)
        rows += centres[rng.integers(_CLUSTERS, size=n)]
        return rows

    return block


def _isotropic(rng: np.random.Generator, d: int) -> Block:
    """Every direction alike."""
    return lambda rng, n: rng.standard_normal((n, d), dtype=np.float32)


def _low_dim(rng: np.random.Generator, d: int) -> Block:
    """Eight dimensions inside of d, and a little noise."""
    frame = rng.standard_normal((_INTRINSIC, d), dtype=np.float32)

    def block(rng: np.random.Generator, n: int) -> Float32:
        rows: Float32 = rng.standard_normal((n, _INTRINSIC), dtype=np.float32) @ frame
        rows += np.float32(0.05) * rng.standard_normal((n, d), dtype=np.float32)
        return rows

    return block


def _duplicates(rng: np.random.Generator, d: int) -> Block:
    """Half of the rows as in ``clustered``, a quarter exact copies, a quarter near-copies."""
    originals = _clustered(rng, d)

    def block(rng: np.random.Generator, n: int) -> Float32:
        first = unit(originals(rng, n - n // 2))
        copied = rng.integers(len(first), size=n // 2)
        rows: Float32 = np.concatenate([first, first[copied]])
        near = rows[n - n // 4 :]
        near += np.float32(1e-3) * rng.standard_normal(near.shape, dtype=np.float32)
        return rows[rng.permutation(n)]

    return block


def _frames(rng: np.random.Generator, d: int) -> Block:
    """Scenes of a video, twenty frames each: one is new, one an exact copy, the rest are near.

    Near means about .05 from the first frame and .07 from one another; different scenes are
    ten times as far apart.
    """
    originals = _clustered(rng, d)

    def block(rng: np.random.Generator, n: int) -> Float32:
        scenes = unit(originals(rng, -(-n // _FRAMES)))
        noise = rng.standard_normal((len(scenes), _FRAMES, d), dtype=np.float32)
        noise *= np.float32(0.05 / np.sqrt(d))
        noise[:, :2] = 0
        rows = (scenes[:, None, :] + noise).reshape(-1, d)
        return rows[:n][rng.permutation(n)]

    return block


def _mnist(d: int, seed: int) -> Float32:
    """MNIST's 70,000 images, pixels or principal components of them, shuffled."""
    folder = OutsideData.find().folder("mnist")
    parts = []
    for name in ("train", "test"):
        with np.load(folder / f"{name}.npz") as loaded:
            parts.append(loaded["x"].reshape(len(loaded["x"]), -1))
    pixels = np.concatenate(parts).astype(np.float32) / np.float32(255)
    pixels = pixels[np.random.default_rng([seed, 2]).permutation(len(pixels))]
    if d >= pixels.shape[1]:
        return unit(pixels)
    centred = pixels - pixels.mean(axis=0, dtype=np.float64).astype(np.float32)
    _, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    reduced: Float32 = (centred @ directions[:, ::-1][:, :d]).astype(np.float32)
    return unit(reduced)


KINDS: dict[str, Any] = {
    "clustered": _clustered,
    "isotropic": _isotropic,
    "low_dim": _low_dim,
    "duplicates": _duplicates,
    "frames": _frames,
    "mnist": _mnist,
}
