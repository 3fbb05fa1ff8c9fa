"""The formats that images are read in, whatever their files are called."""

from __future__ import annotations

from os import PathLike
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""As Pillow calls them."""


def opened_image(file: str | PathLike[str] | IO[bytes]) -> Image.Image:
    """Open an image of one of these formats.

    Pillow goes by what is in a file, not by its name, and knows formats that run other programs:
    a picture that is an EPS file inside would start Ghostscript.

    Args:
        file: The image.

    Raises:
        OSError: It cannot be read, or is none of these.
    """
    from PIL import Image, UnidentifiedImageError

    Image.init()
    known = [name for name in FORMATS if name in Image.OPEN]
    try:
        return Image.open(file, formats=known)
    except ImportError:  # ultralytics makes Pillow ask for a plug-in before it gives up
        raise UnidentifiedImageError(f"cannot identify image file {file!r}") from None
