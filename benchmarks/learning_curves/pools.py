"""Pools to label and the test data beside them, drawn by a seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from benchmarks.outside_data import NoDataError, OutsideData

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DIGITS_POOL = 1_200
MNIST_POOL = 6_000
MNIST_TEST = 2_000
N_COMPONENTS = 50
KNOWN = {
    "train.npz": "edd38494c30c53e93b34a0bb983b8b442f9dfa6abcbcb68d678d0a383c94fc90",
    "test.npz": "db1c0cf1bb98115faf0e5eb64f2d1334e70a076c79fc40f18b9199220355a751",
}
"""SHA-256 of the files that the figures measured before belong to."""


@dataclass(frozen=True)
class Pool:
    """What is labelled step by step, and what the model is tested on.

    Attributes:
        x: (N, D) features, in an order drawn by the seed.
        y: (N,) classes, 0 to K - 1.
        x_test: (T, D).
        y_test: (T,).
        known: Whether the figures measured before belong to this data.
    """

    x: Floats
    y: Ints
    x_test: Floats
    y_test: Ints
    known: bool

    @property
    def n_classes(self) -> int:
        """Return K."""
        return int(max(self.y.max(), self.y_test.max())) + 1


def pool(name: str, data: OutsideData, seed: int) -> Pool:
    """Return the pool of a seed.

    Args:
        name: ``digits`` (pixels), or ``mnist`` (principal components fitted on the pool).
        data: Where outside data is.
        seed: Decides the pool, its order and the test data.

    Raises:
        NoDataError: The folder of MNIST is not there, or has no file as it should be.
    """
    return _digits(seed) if name == "digits" else _mnist(data.folder("mnist"), seed)


def vectors(name: str, data: OutsideData, seed: int, n: int) -> tuple[Floats, bool]:
    """Return (n, D) features alone, fewer where there are fewer, and whether they are known.

    Raises:
        NoDataError: As :func:`pool`.
    """
    rng = np.random.default_rng([seed, 12])
    if name == "digits":
        x, _ = _pixels()
        return x[rng.permutation(len(x))[:n]], True
    path, _ = _files(data.folder("mnist"))
    images, _ = _read(path)
    images = images[rng.permutation(len(images))[:n]]
    return _projection(images).transform(images).astype(np.float64), _known(path)


def _pixels() -> tuple[Floats, Ints]:
    """Return all digits of scikit-learn, pixels scaled to 0..1."""
    loaded = load_digits()
    return loaded.data.astype(np.float64) / 16, loaded.target.astype(np.int64)


def _digits(seed: int) -> Pool:
    x, y = _pixels()
    order = np.random.default_rng([seed, 10]).permutation(len(x))
    first, rest = order[:DIGITS_POOL], order[DIGITS_POOL:]
    return Pool(x[first], y[first], x[rest], y[rest], known=True)


def _mnist(folder: Path, seed: int) -> Pool:
    for_pool, for_test = _files(folder)
    rng = np.random.default_rng([seed, 11])
    images, labels = _read(for_pool)
    order = rng.permutation(len(images))
    if for_test == for_pool:
        n_pool = min(MNIST_POOL, 3 * len(images) // 4)
        rows, test_rows = order[:n_pool], order[n_pool:][:MNIST_TEST]
        test_images, test_labels = images, labels
    else:
        rows = order[:MNIST_POOL]
        test_images, test_labels = _read(for_test)
        test_rows = rng.permutation(len(test_images))[:MNIST_TEST]
    names = np.concatenate([labels[rows], test_labels[test_rows]])
    numbers = np.unique(names, return_inverse=True)[1].astype(np.int64)
    projection = _projection(images[rows])
    return Pool(
        x=projection.transform(images[rows]).astype(np.float64),
        y=numbers[: len(rows)],
        x_test=projection.transform(test_images[test_rows]).astype(np.float64),
        y_test=numbers[len(rows) :],
        known=_known(for_pool) and _known(for_test),
    )


def _files(folder: Path) -> tuple[Path, Path]:
    """Return the file that pools are drawn from and the one of test data, perhaps the same."""
    found = [path for path in sorted(folder.glob("*.npz")) if {"x", "y"} <= set(_keys(path))]
    if not found:
        raise NoDataError(f"no npz file with x [n, ...] and y [n] in {folder}")
    tests = [path for path in found if "test" in path.stem.lower()]
    others = [path for path in found if path not in tests]
    trains = [path for path in others if "train" in path.stem.lower()]
    for_pool = (trains or others or tests)[0]
    return for_pool, (tests or [for_pool])[0]


def _keys(path: Path) -> list[str]:
    with np.load(path) as loaded:
        return list(loaded.files)


def _read(path: Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.generic]]:
    """Return (n, pixels) images, bytes scaled to 0..1, and their labels."""
    with np.load(path) as loaded:
        images, labels = loaded["x"], loaded["y"]
    flat = images.reshape(len(images), -1).astype(np.float32)
    if images.dtype == np.uint8:
        flat /= np.float32(255)
    return flat, labels.reshape(-1)


def _projection(images: npt.NDArray[np.float32]) -> PCA:
    n_components = min(N_COMPONENTS, *images.shape)
    return PCA(n_components, svd_solver="covariance_eigh").fit(images.astype(np.float64))


def _known(path: Path) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == KNOWN.get(path.name)
