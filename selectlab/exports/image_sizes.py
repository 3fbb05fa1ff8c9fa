"""Sizes of the images of ranked samples, read from their headers, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.inputs.image_sizes import Size, header_size

_THREADS = 8


class ImageSizes:
    """Reads widths and heights; several files at once, since most of it is waiting.

    Args:
        dataset: Has the images.

    Attributes:
        unreadable: What was wrong with images that are there but cannot be read.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._source = dataset.source
        self.unreadable: list[str] = []

    def of(self, ids: Sequence[str]) -> dict[str, Size | None]:
        """Return the sizes in px, as the images are shown; ``None`` without a readable image."""
        with ThreadPoolExecutor(_THREADS) as pool:
            found = list(pool.map(self._read, ids))
        self.unreadable += [size for size in found if isinstance(size, str)]
        sizes = (None if isinstance(size, str) else size for size in found)
        return dict(zip(ids, sizes, strict=True))

    def _read(self, sample_id: str) -> Size | str | None:
        """Return the size of an image, or what is wrong with it."""
        if self._source.uri(sample_id) is None:
            return None
        try:
            with self._source.open_image(sample_id) as file:
                return header_size(file, sample_id)
        except DataError as error:
            return str(error)
