"""Small pictures of samples, made once and kept in the cache folder of the dataset."""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from selectlab.atomic import replace_file
from selectlab.errors import DataError, MissingExtraError
from selectlab.inputs.image_sizes import Size
from selectlab.inputs.metrics_cache import fingerprint
from selectlab.inputs.sample_ids import frame_of
from selectlab.memory import MemorySource

if TYPE_CHECKING:
    from PIL import Image

    from selectlab.dataset import Dataset

logger = logging.getLogger(__name__)

VERSION = 1
"""Goes up when thumbnails come to look different, so that old ones are not used."""
_QUALITY = 82
_THREADS = 4
_WIDE_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
"""Modes of Pillow with more than 8 bits."""


@dataclass(frozen=True)
class Thumbnail:
    """A small JPEG of a sample.

    Attributes:
        jpeg: The file.
        width: Its width, px.
        height: Its height, px.
        source_size: Width and height of the image itself, px, as it is shown.
    """

    jpeg: bytes
    width: int
    height: int
    source_size: Size

    @property
    def data_uri(self) -> str:
        """The picture as a ``data:`` URI."""
        return f"data:image/jpeg;base64,{base64.b64encode(self.jpeg).decode()}"


class Thumbnails:
    """Small pictures of samples: of images, and of frames whose video is at hand.

    Each is made once and kept in ``thumbnails/`` of the dataset's cache folder, under a name made
    of sample id, size and the file's size and time, so that a changed image gets a new one. Any
    number of processes may make them at once.

    Args:
        dataset: Whose samples.
        videos: Folder of the videos that samples are frames of. Default: the dataset's.

    Attributes:
        unreadable: What is wrong with images and videos that are there but cannot be shown.

    Example:
        >>> import selectlab
        >>> Thumbnails(selectlab.Dataset(["a.png"], metadata={"wet": [1.0]})).of(["a.png"], 64)
        {}
    """

    def __init__(self, dataset: Dataset, videos: Path | None = None) -> None:
        self._source = dataset.source
        folder = dataset.source.cache_folder()
        self._cache = None if folder is None else Path(folder) / "thumbnails"
        local = not isinstance(dataset.source, MemorySource) and "://" not in self._source.where
        home = Path(self._source.where).expanduser() if local else None
        self._videos = home if videos is None else videos
        self.unreadable: dict[str, str] = {}

    def one(self, sample_id: str, size_px: int) -> Thumbnail | None:
        """Return the thumbnail of a sample; ``None`` where there is no picture.

        Args:
            sample_id: The sample.
            size_px: Longest side; smaller images are not made larger.
        """
        return self.of([sample_id], size_px).get(sample_id)

    def of(self, ids: Sequence[str], size_px: int) -> dict[str, Thumbnail]:
        """Return the thumbnails of samples that have a picture, in the order of ``ids``.

        Args:
            ids: The samples.
            size_px: Longest side; smaller images are not made larger.
        """
        images = [one for one in ids if self._source.uri(one) is not None]
        with ThreadPoolExecutor(_THREADS) as pool:
            made = pool.map(lambda one: self._read(one, size_px), images)
            found = dict(zip(images, made, strict=True))
        found |= self._frames([one for one in ids if one not in found], size_px)
        shown = ((one, found.get(one)) for one in ids)
        return {one: thumbnail for one, thumbnail in shown if thumbnail is not None}

    def _read(self, sample_id: str, size_px: int) -> Thumbnail | None:
        """Return the thumbnail of an image file."""
        try:
            with self._source.open_image(sample_id) as file:
                place = self._place(sample_id, size_px, fingerprint(file))
                return _kept(place) or self._keep(place, *_opened(file, size_px), size_px)
        except Exception as error:  # whatever a broken file makes a decoder say
            # once ultralytics is loaded, Pillow looks for a plug-in after the error that tells
            told = error.__context__ if isinstance(error, ImportError) else None
            self.unreadable[sample_id] = f"{sample_id}: {_first_line(told or error)}"
            return None

    def _frames(self, ids: Iterable[str], size_px: int) -> dict[str, Thumbnail | None]:
        """Return the thumbnails of frames, of each video those wanted in one go."""
        found: dict[str, Thumbnail | None] = {}
        wanted: dict[Path, dict[int, str]] = {}
        for sample_id in ids:
            frame = self._frame(sample_id)
            if frame is None:
                continue
            video, number = frame
            found[sample_id] = _kept(self._place(sample_id, size_px, _mark(video)))
            if found[sample_id] is None:
                wanted.setdefault(video, {})[number] = sample_id
        for video, numbers in sorted(wanted.items()):
            found |= self._decoded(video, numbers, size_px)
        return found

    def _frame(self, sample_id: str) -> tuple[Path, int] | None:
        """Return the video in the dataset that a sample is a frame of, and its number."""
        frame = frame_of(sample_id)
        name = Path(frame[0]) if frame is not None else Path()
        if frame is None or self._videos is None or name.is_absolute() or ".." in name.parts:
            return None
        video = self._videos / name
        return (video, frame[1]) if video.is_file() else None

    def _decoded(
        self, video: Path, numbers: Mapping[int, str], size_px: int
    ) -> dict[str, Thumbnail]:
        """Return the thumbnails of frames of a video, decoded up to the last one."""
        from PIL import Image

        from selectlab.video.decoding import frames

        found: dict[str, Thumbnail] = {}
        mark = _mark(video)
        try:
            for frame in frames(video):
                if frame.number in numbers:
                    sample_id = numbers[frame.number]
                    image = Image.fromarray(frame.pixels[..., ::-1].copy())
                    place = self._place(sample_id, size_px, mark)
                    found[sample_id] = self._keep(place, image, image.size, size_px)
                if frame.number >= max(numbers):
                    break
        except (DataError, MissingExtraError) as error:
            self.unreadable[str(video)] = str(error)
        return found

    def _place(self, sample_id: str, size_px: int, mark: str) -> Path | None:
        """Return where a thumbnail is kept; nowhere if nothing tells a changed image."""
        if self._cache is None or not mark:
            return None
        key = "\0".join((str(VERSION), sample_id, str(size_px), mark))
        name = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        return self._cache / name[:2] / f"{name[2:]}.jpg"

    def _keep(
        self, place: Path | None, image: Image.Image, source_size: Size, size_px: int
    ) -> Thumbnail:
        """Make a thumbnail and keep it, if it can be kept."""
        made = _made(image, source_size, size_px)
        if place is not None:
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                replace_file(place, lambda to: to.write_bytes(made.jpeg))
            except OSError as error:
                logger.info("%s: not kept (%s)", place, error)
        return made


def _mark(video: Path) -> str:
    stat = os.stat(video)
    return f"{stat.st_size}:{stat.st_mtime_ns}"


def _kept(place: Path | None) -> Thumbnail | None:
    """Return a thumbnail from the cache; one that cannot be read is made anew."""
    from PIL import Image

    if place is None:
        return None
    try:
        data = place.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            width, height = (int(side) for side in image.info["comment"].split(b"x"))
            return Thumbnail(data, image.width, image.height, (width, height))
    except (OSError, KeyError, ValueError, ImportError):
        return None


def _opened(file: IO[bytes], size_px: int) -> tuple[Image.Image, Size]:
    """Return an image upright, decoded not much larger than it has to be, and its true size."""
    from PIL import Image, ImageOps

    image = Image.open(file)
    width, height = image.size
    image.draft("RGB", (2 * size_px, 2 * size_px))
    drafted = image.size
    upright = ImageOps.exif_transpose(image)
    turned = upright.size != drafted
    return upright, (height, width) if turned else (width, height)


def _made(image: Image.Image, source_size: Size, size_px: int) -> Thumbnail:
    """Return an image made small; its own size goes along as the comment of the JPEG."""
    from PIL import Image

    small = _in_colour(image)
    small.thumbnail((size_px, size_px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    comment = f"{source_size[0]}x{source_size[1]}".encode()
    small.save(buffer, "JPEG", quality=_QUALITY, optimize=True, comment=comment)
    return Thumbnail(buffer.getvalue(), small.width, small.height, source_size)


def _in_colour(image: Image.Image) -> Image.Image:
    """Return an image as RGB: deep ones stretched to 8 bits, transparent ones on white."""
    from PIL import Image

    if image.mode in _WIDE_MODES:
        return Image.fromarray(_stretched(image)).convert("RGB")
    if image.has_transparency_data:
        over = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, over).convert("RGB")
    return image.convert("RGB")


def _stretched(image: Image.Image) -> Any:
    import numpy as np

    values = np.asarray(image, dtype=np.float64)
    values = np.where(np.isfinite(values), values, 0.0)
    low, high = float(values.min()), float(values.max())
    return np.uint8((values - low) * (255 / ((high - low) or 1.0)))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
