"""Width and height of an image, from its header."""

from __future__ import annotations

from typing import IO

from selectlab.errors import DataError
from selectlab.inputs.image_formats import opened_image

Size = tuple[int, int]

_ORIENTATION, _SIDEWAYS = 274, (5, 6, 7, 8)


def header_size(file: IO[bytes], where: str) -> Size:
    """Return width and height of an image as it is shown, px; only its header is read.

    Args:
        file: The image.
        where: Its name, for messages.

    Raises:
        DataError: The image cannot be read.
    """
    try:
        with opened_image(file) as image:
            width, height = image.size
            turned = image.getexif().get(_ORIENTATION) in _SIDEWAYS
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{where}: not a readable image, {error}") from None
    return (height, width) if turned else (width, height)
