"""Image metrics (``lightly.*``): how sharp, bright, colourful and large an image is.

Every metric is computed from 8-bit RGB pixels in the orientation they are stored in (EXIF is
ignored). Palette, greyscale, CMYK and YCbCr images are converted by Pillow, transparency is
dropped, 16-bit values are divided by 257. Grey is Pillow's luma, (299 R + 587 G + 114 B) / 1000
rounded to an integer in 0..255. The Laplacian is the 3x3 kernel [[0, 1, 0], [1, -4, 1],
[0, 1, 0]] of the grey image, mirrored at its border without repeating the border pixel.

=================  =================================================================  ========
sharpness          standard deviation of the Laplacian                                0..1020
snr                mean of all colour values / their standard deviation; no value
                   for an image of one single value                                   >= 0
uniformRowRatio    share of rows in which at least 97 % of the Laplacian's absolute
                   values are below 3, after reducing the grey image (bilinear,
                   antialiased) until its longer side is at most 256 px               0..1
luminance          CIE L* of the mean colour (sRGB, D65)                              0..100
width, height      pixels                                                             >= 1
meanRed/Green/Blue mean of the channel / 255                                          0..1
contrast           RMS contrast: standard deviation of grey / 255                     0..0.5
=================  =================================================================  ========

All standard deviations are those of the population.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from selectlab.errors import DataError, first_of
from selectlab.inputs.image_formats import opened_image
from selectlab.inputs.metrics_cache import MetricsCache, fingerprint, write_table
from selectlab.inputs.progress import track

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

    from selectlab.columns import Source
    from selectlab.dataset import Dataset

METRICS = (
    "sharpness",
    "snr",
    "uniformRowRatio",
    "luminance",
    "width",
    "height",
    "meanRed",
    "meanGreen",
    "meanBlue",
    "contrast",
)
"""Columns of :func:`compute_metrics`; a METADATA key puts ``lightly.`` before them."""

UNIFORM_BELOW = 3
UNIFORM_SHARE = 0.97
UNIFORM_SIDE_PX = 256

FloatArray = npt.NDArray[np.float64]


class UnreadableImagesWarning(UserWarning):
    """Some images could not be measured and have no value.

    Attributes:
        reasons: What was wrong with each, by sample id.
    """

    def __init__(self, where: str, reasons: Mapping[str, str], total: int) -> None:
        self.reasons = dict(reasons)
        first = next(iter(self.reasons))
        super().__init__(
            f"{where}: cannot read {first_of(self.reasons, total)} ({self.reasons[first]}); "
            "they have no image metrics"
        )


def compute_metrics(
    dataset: Dataset,
    rows: npt.NDArray[np.intp] | None = None,
    *,
    workers: int | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Measure images, in parallel, using what an earlier call left in the dataset's cache.

    Args:
        dataset: Samples with images.
        rows: Rows to measure, all by default.
        workers: Threads; by default one per core, and four more that wait for the storage.
        progress: Show a progress bar; ``None`` shows it on a terminal.

    Returns:
        One row per sample, indexed by id, with the columns :data:`METRICS`; NaN where a sample
        has no image or an unreadable one. ``attrs["unreadable"]`` maps the ids of the latter
        to what was wrong. A warning (:class:`UnreadableImagesWarning`) says so too.

    Cost:
        Reading and decoding every image that is new or changed since the cache was written
        (by size and modification time, or the storage's ETag).
    """
    import pandas as pd

    ids = list(dataset.ids) if rows is None else [dataset.ids[row] for row in rows]
    images = [sample_id for sample_id in ids if dataset.source.uri(sample_id) is not None]
    found, unreadable = _measure_all(
        dataset.source, images, workers or available_cores() + 4, progress
    )
    if unreadable:
        where = dataset.source.where
        warnings.warn(UnreadableImagesWarning(where, unreadable, len(images)), stacklevel=2)
    none = (np.nan,) * len(METRICS)
    table = np.array([found.get(sample_id, none) for sample_id in ids]).reshape(-1, len(METRICS))
    frame: pd.DataFrame = pd.DataFrame(
        table, index=pd.Index(ids, name="sample_id"), columns=list(METRICS)
    )
    frame.attrs["unreadable"] = unreadable
    return frame


def _measure_all(
    source: Source, images: Sequence[str], workers: int, progress: bool | None
) -> tuple[dict[str, tuple[float, ...]], dict[str, str]]:
    """Return the metrics of readable images, and what is wrong with the others."""
    cache = MetricsCache.open(source.cache_folder(), METRICS)

    def work(sample_id: str) -> tuple[str, tuple[float, ...] | str]:
        try:
            with source.open_image(sample_id) as handle:
                stamp = fingerprint(handle)
                known = cache.get(sample_id, stamp)
                return stamp, known if known is not None else measure(handle)
        except Exception as error:  # whatever a broken file provokes in a decoder
            met = error
            if isinstance(error, ModuleNotFoundError) and isinstance(error.__context__, Exception):
                met = error.__context__  # ultralytics makes Pillow look for a plug-in after it
            return "", f"{type(met).__name__}: {met}".splitlines()[0]

    found: dict[str, tuple[float, ...]] = {}
    unreadable: dict[str, str] = {}
    with ThreadPoolExecutor(workers) as pool:
        results = zip(images, pool.map(work, images), strict=True)
        for sample_id, (stamp, values) in track(results, len(images), "image metrics", progress):
            if isinstance(values, str):
                unreadable[sample_id] = values
            else:
                found[sample_id] = values
                cache.put(sample_id, stamp, values)
    cache.save()
    return found, unreadable


_measured: WeakKeyDictionary[Dataset, pd.DataFrame] = WeakKeyDictionary()


def metrics_once(dataset: Dataset) -> pd.DataFrame:
    """Return the metrics of all samples, computed once for each ``Dataset`` object."""
    if dataset not in _measured:
        _measured[dataset] = compute_metrics(dataset)
    return _measured[dataset]


def write_metrics(
    dataset: Dataset,
    out: str | os.PathLike[str],
    *,
    workers: int | None = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Measure all images and write them as a metadata table that METADATA inputs can read.

    Args:
        dataset: Samples with images.
        out: A local ``.parquet`` or ``.csv`` file. If it exists, its other columns and rows
            stay and its ``lightly.*`` columns are replaced.
        workers: As in :func:`compute_metrics`.
        progress: As in :func:`compute_metrics`.

    Returns:
        The metrics, as :func:`compute_metrics` returns them.

    Raises:
        DataError: The file is of another kind, has no column ``sample_id``, or cannot be
            written; there are no images.
    """
    path = os.fspath(out)
    if not path.endswith((".parquet", ".csv")):
        raise DataError(f"{path}: metrics are written to a .parquet or .csv file")
    frame = compute_metrics(dataset, workers=workers, progress=progress)
    measured = frame.dropna(how="all")
    if not len(measured):
        raise DataError(f"{dataset.source.where}: no readable images to measure")
    write_table(measured.add_prefix("lightly."), path)
    return frame


def available_cores() -> int:
    """Return the number of cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def measure(handle: IO[bytes]) -> tuple[float, ...]:
    """Return the metrics of one image file, in the order of :data:`METRICS`."""
    with opened_image(handle) as image:
        return measure_image(rgb8(image))


def measure_image(colour: Image.Image) -> tuple[float, ...]:
    """Return the metrics of an 8-bit RGB image, in the order of :data:`METRICS`."""
    grey = colour.convert("L")
    means, sq_means = _moments(colour)
    mean, std = float(means.mean()), _std(float(means.mean()), float(sq_means.mean()))
    grey_mean, grey_sq = _moments(grey)
    return (
        _laplacian_std(laplacian(np.asarray(grey))),
        mean / std if std > 0 else float("nan"),
        uniform_row_ratio(grey),
        luminance(means / 255.0),
        float(colour.width),
        float(colour.height),
        *(float(value) / 255.0 for value in means),
        _std(float(grey_mean[0]), float(grey_sq[0])) / 255.0,
    )


def rgb8(image: Image.Image) -> Image.Image:
    """Return an image as 8-bit RGB; 16-bit values are divided by 257."""
    from PIL import Image

    if image.mode == "F" or image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.float64)
        scale = 1.0 if image.mode == "F" else 257.0
        narrow = np.clip(np.rint(wide / scale), 0, 255).astype(np.uint8)
        return Image.fromarray(narrow).convert("RGB")
    image.info.pop("transparency", None)  # Pillow warns of palettes with transparent entries
    return image.convert("RGB")


def laplacian(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """Return the 3x3 Laplacian, mirrored at the border.

    Example:
        >>> laplacian(np.array([[0, 0, 0], [0, 9, 0], [0, 0, 0]], dtype=np.uint8))
        array([[  0,  18,   0],
               [ 18, -36,  18],
               [  0,  18,   0]], dtype=int16)
    """
    padded = np.pad(grey.astype(np.int16), 1, mode="reflect")
    out = padded[:-2, 1:-1] + padded[2:, 1:-1]
    out += padded[1:-1, :-2]
    out += padded[1:-1, 2:]
    out -= 4 * padded[1:-1, 1:-1]
    return out


def uniform_row_ratio(grey: Image.Image) -> float:
    """Return the share of rows that hardly change, as in a half-transmitted image."""
    from PIL import Image

    scale = min(1.0, UNIFORM_SIDE_PX / max(grey.size))
    if scale < 1.0:
        size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
        grey = grey.resize(size, Image.Resampling.BILINEAR)
    flat = np.abs(laplacian(np.asarray(grey))) < UNIFORM_BELOW
    return float((flat.mean(axis=1) >= UNIFORM_SHARE).mean())


def luminance(colour: Sequence[float] | FloatArray) -> float:
    """Return CIE L* (0..100) of an sRGB colour with components in 0..1.

    Example:
        >>> [round(luminance(c), 1) for c in ([0, 0, 0], [0.5, 0.5, 0.5], [1, 1, 1])]
        [0.0, 53.4, 100.0]
    """
    rgb = np.asarray(colour, dtype=np.float64)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    y = float(linear @ np.array([0.2126, 0.7152, 0.0722]))
    f = np.cbrt(y) if y > (6 / 29) ** 3 else y / (3 * (6 / 29) ** 2) + 4 / 29
    return max(0.0, float(116 * f - 16))


def _moments(image: Image.Image) -> tuple[FloatArray, FloatArray]:
    """Return mean and mean square of each channel, exact up to the last division."""
    counts = np.array(image.histogram(), dtype=np.float64).reshape(-1, 256)
    level = np.arange(256, dtype=np.float64)
    n_pixels = image.width * image.height
    return counts @ level / n_pixels, counts @ level**2 / n_pixels


def _std(mean: float, sq_mean: float) -> float:
    return float(np.sqrt(max(0.0, sq_mean - mean**2)))


def _laplacian_std(values: npt.NDArray[np.int16]) -> float:
    flat = values.ravel().astype(np.float64)
    mean = float(flat.mean())
    return _std(mean, float(flat @ flat) / len(flat))
