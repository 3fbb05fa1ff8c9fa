"""Small pictures of samples, made once and kept in the cache folder of the dataset."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from selectlab.errors import DataError, MissingExtraError
from selectlab.film import Film, mark_of
from selectlab.footage import find_video, video_folders
from selectlab.inputs.image_formats import opened_image
from selectlab.inputs.image_sizes import Size
from selectlab.inputs.metrics_cache import fingerprint
from selectlab.inputs.sample_ids import frame_of
from selectlab.thumbnail_folder import ThumbnailFolder

if TYPE_CHECKING:
    from PIL import Image

    from selectlab.dataset import Dataset
    from selectlab.video.decoding import Frame

VERSION = 2
"""Goes up when thumbnails come to look different, so that old ones are not used."""
_QUALITY = 82
_THREADS = 4
_WIDE_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
"""Modes of Pillow with more than 8 bits."""
_BLENDED_MODES = ("L", "RGB", "RGBA", "CMYK", "YCbCr")
"""Modes whose pixels can be averaged before their colours are converted."""
_LARGE = 25_000_000
"""Pixels of images that are decoded one at a time."""
_MOST = 100_000_000
"""Pixels of the largest image that is decoded whole."""
_ORIENTATION = 274


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
    number of processes may make them at once. Above 2 GB those go that were not used for longest.

    Args:
        dataset: Whose samples.
        videos: Folder of the videos that samples are frames of. Default: the dataset, and the
            folders that its videos.json names.

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
        self._folder = None if folder is None else ThumbnailFolder(Path(folder) / "thumbnails")
        self._videos = video_folders(dataset.source) if videos is None else (videos,)
        self._film: Film[Thumbnail] = Film()
        self._few = ThreadPoolExecutor(_THREADS, "thumbnails")
        self._large = ThreadPoolExecutor(1, "large-thumbnails")
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
        found = dict(zip(images, self._images(images, size_px), strict=True))
        found |= self._frames([one for one in ids if one not in found], size_px)
        shown = ((one, found.get(one)) for one in ids)
        return {one: thumbnail for one, thumbnail in shown if thumbnail is not None}

    def video_of(self, sample_id: str) -> Path | None:
        """Return the video at hand that a sample is a frame of, ``None`` where there is none."""
        frame = self._frame(sample_id)
        return None if frame is None else frame[0]

    def why_not(self, sample_id: str) -> str | None:
        """Return what is wrong with the picture of a sample, if it was tried and is there."""
        video = self.video_of(sample_id)
        return self.unreadable.get(sample_id if video is None else str(video))

    def _images(self, ids: Sequence[str], size_px: int) -> list[Thumbnail | None]:
        """Return the thumbnails of image files."""
        if len(ids) < 2:
            return [self._read(one, size_px) for one in ids]
        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(lambda one: self._read(one, size_px), ids))

    def _read(self, sample_id: str, size_px: int) -> Thumbnail | None:
        """Return the thumbnail of an image file."""
        try:
            with self._source.open_image(sample_id) as file:
                place = self._place(sample_id, size_px, fingerprint(file))
                return self._kept(place) or self._made(place, file, size_px)
        except Exception as error:  # whatever a broken file makes a decoder say
            self.unreadable[sample_id] = f"{sample_id}: {_said(error)}"
            return None

    def _made(self, place: Path | None, file: IO[bytes], size_px: int) -> Thumbnail:
        """Make the thumbnail of an image file.

        Few are decoded at a time, and of large ones one, always by the same threads: what a thread
        has decoded in may stay with it.
        """
        with opened_image(file) as image:
            _check_pixels(image)
            pool = self._large if image.width * image.height > _LARGE else self._few
            return pool.submit(self._decoded, place, image, size_px).result()

    def _decoded(self, place: Path | None, image: Image.Image, size_px: int) -> Thumbnail:
        return self._keep(place, *_opened(image, size_px), size_px)

    def _frames(self, ids: Iterable[str], size_px: int) -> dict[str, Thumbnail | None]:
        """Return the thumbnails of frames, of each video those wanted in one go."""
        found: dict[str, Thumbnail | None] = {}
        wanted: dict[Path, dict[tuple[str, int], int]] = {}
        for sample_id in ids:
            frame = self._frame(sample_id)
            if frame is None:
                continue
            video, number = frame
            found[sample_id] = self._kept(self._place(sample_id, size_px, mark_of(video)))
            if found[sample_id] is None:
                wanted.setdefault(video, {})[sample_id, size_px] = number
        for video, numbers in sorted(wanted.items()):
            try:
                made = self._film.developed(video, numbers, self._of_frame)
                found |= {sample_id: made.get((sample_id, size_px)) for sample_id, _ in numbers}
            except (DataError, MissingExtraError) as error:
                self.unreadable[str(video)] = str(error)
        return found

    def _of_frame(self, video: Path, key: tuple[str, int], frame: Frame) -> Thumbnail:
        from PIL import Image

        image = Image.fromarray(frame.pixels[..., ::-1].copy())
        place = self._place(*key, mark_of(video))
        return self._keep(place, image, image.size, key[1])

    def _frame(self, sample_id: str) -> tuple[Path, int] | None:
        """Return the video at hand that a sample is a frame of, and its number."""
        frame = frame_of(sample_id)
        video = None if frame is None else find_video(self._videos, frame[0])
        return None if frame is None or video is None else (video, frame[1])

    def _place(self, sample_id: str, size_px: int, mark: str) -> Path | None:
        """Return where a thumbnail is kept; nowhere if nothing tells a changed image."""
        if self._folder is None or not mark:
            return None
        return self._folder.place("\0".join((str(VERSION), sample_id, str(size_px), mark)))

    def _kept(self, place: Path | None) -> Thumbnail | None:
        """Return a thumbnail that was kept; one that cannot be read is made anew."""
        data = None if self._folder is None or place is None else self._folder.read(place)
        return None if data is None else _parsed(data)

    def _keep(
        self, place: Path | None, image: Image.Image, source_size: Size, size_px: int
    ) -> Thumbnail:
        """Make a thumbnail and keep it, if it can be kept."""
        made = _small(image, source_size, size_px)
        if self._folder is not None and place is not None:
            self._folder.keep(place, made.jpeg)
        return made


def _parsed(data: bytes) -> Thumbnail | None:
    """Return the thumbnail that a file holds, ``None`` for a damaged one."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            width, height = (int(side) for side in image.info["comment"].split(b"x"))
            return Thumbnail(data, image.width, image.height, (width, height))
    except (OSError, KeyError, ValueError, ImportError):
        return None


def _check_pixels(image: Image.Image) -> None:
    """Refuse what would take too much memory; a plain JPEG is made smaller as it is read.

    Raises:
        DataError: It would.
    """
    plain = image.format in ("JPEG", "MPO") and not image.info.get("progressive")
    if image.width * image.height > _MOST and not plain:
        raise DataError(
            f"{image.width} x {image.height} px, no picture is made of more than "
            f"{_MOST // 1_000_000} million; a plain JPEG may have more"
        )


def _opened(image: Image.Image, size_px: int) -> tuple[Image.Image, Size]:
    """Return an image upright, not much larger than it has to be, and its true size."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    orientation = image.getexif().get(_ORIENTATION)
    width, height = image.size
    image.draft("RGB", (2 * size_px, 2 * size_px))
    coarse = _coarse(image, size_px)
    upright = coarse.transpose(turns[orientation]) if orientation in turns else coarse
    return upright, (height, width) if orientation in (5, 6, 7, 8) else (width, height)


def _coarse(image: Image.Image, size_px: int) -> Image.Image:
    """Return a large image made smaller by a whole number, before anything is copied."""
    blended = image.mode in _BLENDED_MODES and "transparency" not in image.info
    factor = _factor(image, size_px)
    return image.reduce(factor) if factor > 1 and blended else image


def _factor(image: Image.Image, size_px: int) -> int:
    return max(1, int(max(image.size) / (1.5 * size_px)))


def _small(image: Image.Image, source_size: Size, size_px: int) -> Thumbnail:
    """Return an image made small; its own size goes along as the comment of the JPEG."""
    from PIL import Image

    if image.mode in _WIDE_MODES:
        image = Image.fromarray(_stretched(image, _factor(image, size_px)))
    elif image.mode not in _BLENDED_MODES or "transparency" in image.info:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((size_px, size_px), Image.Resampling.LANCZOS)
    small = _in_colour(image)
    buffer = io.BytesIO()
    comment = f"{source_size[0]}x{source_size[1]}".encode()
    small.save(buffer, "JPEG", quality=_QUALITY, optimize=True, comment=comment)
    return Thumbnail(buffer.getvalue(), small.width, small.height, source_size)


def _in_colour(image: Image.Image) -> Image.Image:
    """Return an image as RGB, transparent ones on white."""
    from PIL import Image

    if image.has_transparency_data:
        over = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, over).convert("RGB")
    return image.convert("RGB")


def _stretched(image: Image.Image, step: int) -> Any:
    """Return every few pixels of a deep image, stretched to 8 bits."""
    import numpy as np

    values = np.asarray(image)[::step, ::step].astype(np.float32)
    values = np.where(np.isfinite(values), values, 0.0)
    low, high = float(values.min()), float(values.max())
    return np.uint8((values - low) * (255 / ((high - low) or 1.0)))


def _said(error: Exception) -> str:
    """Return what is wrong in one line."""
    from PIL import Image

    if isinstance(error, Image.DecompressionBombError):
        return f"has more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels, too many to decode"
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return line.partition(" <_io.")[0]  # which object it was read from says nothing
