"""Sample ids: the path of an image relative to its dataset, spelt one way only."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

from selectlab.errors import DataError

IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
)
VIDEO_SUFFIXES = "mp4|mov|avi|mkv|webm|m4v|mpg|mpeg|wmv|flv|mts|ts|hevc"

_FRAME = re.compile(rf"(?P<name>.+)-(?P<number>\d+)-(?P<suffix>{VIDEO_SUFFIXES})", re.IGNORECASE)
_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:[/\\]")


def sample_id(name: object, where: str) -> str:
    r"""Return a file name as a sample id.

    A video frame ``NAME-FRAME-EXT`` gets the ``.png`` that some writers leave out, and a
    leading ``./`` goes away.

    Raises:
        DataError: The name is empty, no text, absolute, or climbs out of the dataset.

    Example:
        >>> sample_id("./a/clip-007-mp4", "ids.txt")
        'a/clip-007-mp4.png'
    """
    if not isinstance(name, str):
        return _checked(name, where)
    plain = name.isascii() and ".." not in name and ":" not in name
    if plain and name.strip() and name[0] not in "/\\.":
        return f"{name}.png" if "-" in name[-5:] and _FRAME.fullmatch(name) else name
    return _checked(name, where)


def _checked(name: object, where: str) -> str:
    """Return the id of a name that needs a closer look."""
    if not isinstance(name, str) or not name.strip():
        raise DataError(f"{where}: a sample id must be a file name, got {name!r}")
    text = name
    while text.startswith("./"):
        text = text[2:]
    if _ABSOLUTE.match(text) or ".." in re.split(r"[/\\]", text) or not text:
        raise DataError(
            f"{where}: {name!r} leads out of the dataset; ids are paths relative to its folder"
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise DataError(f"{where}: the file name {name!r} is not valid UTF-8") from None
    return f"{text}.png" if _FRAME.fullmatch(text) else text


def suffix_of(path: str) -> str:
    """Return the lower-case extension of a path, with its dot; ``""`` without one."""
    name = path.rpartition("/")[2]
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def is_image(path: str) -> bool:
    """Return whether a path ends like an image."""
    return suffix_of(path) in IMAGE_SUFFIXES


def stem_of(path: str) -> str:
    """Return a path without its image extension, if it has one."""
    return path[: -len(suffix_of(path))] if is_image(path) else path


def is_frame(path: str) -> bool:
    """Return whether a path is that of a video frame, ``NAME-FRAME-EXT``."""
    return frame_of(path) is not None


def frame_of(path: str) -> tuple[str, int] | None:
    """Return the video a frame was taken from and its number; ``None`` when it is no frame.

    Example:
        >>> frame_of("a/clip-007-mp4.png")
        ('a/clip.mp4', 7)
    """
    if "-" not in path:
        return None
    found = _FRAME.fullmatch(stem_of(path))
    return (f"{found['name']}.{found['suffix']}", int(found["number"])) if found else None


def video_of(path: str) -> str | None:
    """Return the video a frame was taken from, or ``None`` when the path is no frame."""
    frame = frame_of(path)
    return None if frame is None else frame[0]


def id_lines(data: bytes, where: str) -> list[str]:
    """Return the ids of a text file with one id a line, in their order.

    A byte order mark, Windows line ends, blank lines and spaces around an id do no harm.

    Raises:
        DataError: The file is not UTF-8 text, or a line is no usable id.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: not UTF-8 text, byte {error.start} cannot be read") from None
    lines = (line.strip() for line in text.split("\n"))
    return [sample_id(line, where) for line in lines if line]


def unique_id_lines(data: bytes, where: str) -> list[str]:
    """Return the ids of a text file as :func:`id_lines`, each once."""
    return list(dict.fromkeys(id_lines(data, where)))


def matching(found: Sequence[str], lines: Sequence[str], where: str) -> list[bool]:
    """Return which samples the lines of a relevant_filenames.txt name.

    A line is a path, a pattern (``*`` goes across folders), or a video, which means all its
    frames. Lines that match nothing do no harm, as long as one line matches.

    Args:
        found: The samples, sorted.
        lines: The lines.
        where: Their file, for messages.

    Raises:
        DataError: No line matches.
    """
    exact = set(lines)
    patterns = [fnmatch.translate(line) for line in lines if set(line) & set("*?[")]
    pattern = re.compile("|".join(patterns)) if patterns else None
    kept = [
        bool(name in exact or video_of(name) in exact or (pattern and pattern.match(name)))
        for name in found
    ]
    if kept and not any(kept):
        raise DataError(
            f"{where}: none of its {len(lines)} lines matches one of {len(found)} samples, "
            f"such as {found[0]!r}"
        )
    return kept
