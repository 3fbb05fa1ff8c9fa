"""Labelled images: scikit-learn's digits, and what lies in the folder ``mnist``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.case import Setting, Unit
from benchmarks.claim import Results
from benchmarks.outside_data import OutsideData

DIGITS = "digits"
FOLDER = "mnist"


@dataclass(frozen=True)
class ImageSet:
    """Images with labels.

    Attributes:
        pixels: (N, height, width), 0 to 1.
        labels: (N,) class numbers.
    """

    pixels: npt.NDArray[np.float32]
    labels: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def vectors(self) -> npt.NDArray[np.float32]:
        """(N, D) raw pixels, scaled to unit length."""
        return unit_length(self.pixels.reshape(len(self), -1))

    def take(self, rows: npt.NDArray[np.intp]) -> ImageSet:
        """Return some of them."""
        return ImageSet(self.pixels[rows], self.labels[rows])

    def some(self, n: int, rng: np.random.Generator) -> ImageSet:
        """Return at most ``n`` of them, drawn at random, in random order."""
        return self.take(rng.permutation(len(self))[:n])


def image_units(setting: Setting) -> list[Unit]:
    """Return a unit for each set of images and seed; the small size has digits only."""
    units = [Unit(f"{DIGITS}-seed{s}", {"images": DIGITS, "seed": s}) for s in setting.seeds]
    if setting.size == "small":
        return units
    folder = setting.data.root / FOLDER
    files = sorted(path.name for path in folder.glob("*.npz")) or ["train.npz"]
    for file in files:
        for seed in setting.seeds:
            name = f"{FOLDER}/{file}"
            parameters = {"images": name, "seed": seed}
            unit = f"{FOLDER}-{file.removesuffix('.npz')}-seed{seed}"
            units.append(Unit(unit, parameters, needs=FOLDER))
    return units


def load(name: str, data: OutsideData) -> ImageSet:
    """Return a set of images by its name.

    Raises:
        NoDataError: Its folder is not there.
    """
    if name == DIGITS:
        from sklearn.datasets import load_digits

        digits = load_digits()
        return ImageSet((digits.images / 16).astype(np.float32), digits.target.astype(np.intp))
    folder, file = name.split("/")
    with np.load(data.folder(folder) / file) as arrays:
        pixels = arrays["x"].astype(np.float32) / 255
        return ImageSet(
            pixels.reshape(len(pixels), *pixels.shape[1:3]), arrays["y"].astype(np.intp)
        )


def unit_length(vectors: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return rows scaled to unit length, rounded to float32; zero rows stay."""
    exact = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(exact, axis=1, keepdims=True)
    return (exact / np.where(norms > 0, norms, 1.0)).astype(np.float32)


def worst_by_seed(
    results: Results, value: Callable[[Mapping[str, Any]], float], worst: Callable[..., float]
) -> list[float]:
    """Return for each seed the worst value of all sets of images: ``max`` or ``min``."""
    found: dict[int, list[float]] = {}
    for result in results:
        found.setdefault(result["seed"], []).append(value(result))
    return [worst(values) for _, values in sorted(found.items())]


def sets_of(results: Results) -> list[tuple[str, Sequence[Mapping[str, Any]]]]:
    """Return the results of each set of images, in the order of the units."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        found.setdefault(result["images"], []).append(result)
    return list(found.items())


def ids(n: int) -> list[str]:
    """Return ids whose order is that of the rows."""
    return [f"{row:06d}" for row in range(n)]
