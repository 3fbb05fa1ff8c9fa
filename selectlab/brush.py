"""Masks as Label Studio's brush stores them: run lengths of the bytes of an RGBA picture.

A stream of bits, packed into bytes: 32 bits with the number of words, 5 bits with the bits of a
word less one, four times 4 bits with the bits of a length less one; then runs. A run is a bit
that says whether one word repeats, 2 bits that choose one of the four lengths, the length less
one, and the word, or that many words. It is the format of thi.ng/rle-pack, whose only
implementation for Python comes with all of Label Studio's client.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from selectlab.errors import DataError
from selectlab.masks import run_lengths
from selectlab.shapes import Mask

_WORD = 8
_LENGTHS = (3, 4, 8, 16)
_LONGEST = 1 << _LENGTHS[-1]
_CHANNELS = 4


def encode_brush(mask: Mask) -> list[int]:
    """Return a mask as the bytes of ``value.rle``: white and opaque where it is set.

    Args:
        mask: Row-major run lengths, zeros first.

    Example:
        >>> encode_brush(Mask((1, 2, 1), width=2, height=2))
        [0, 0, 0, 16, 57, 27, 252, 96, 19, 255, 198, 0]
    """
    words = mask.width * mask.height * _CHANNELS
    bits = [f"{words:032b}{_WORD - 1:05b}", *(f"{size - 1:04b}" for size in _LENGTHS)]
    for position, count in enumerate(mask.counts):
        word = f"{255 if position % 2 else 0:08b}"
        bits += [f"{head}{word}" for head in _run_heads(count * _CHANNELS)]
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


def _run_heads(length: int) -> Iterator[str]:
    """Return what precedes the word of a run, for each part of it that fits a length."""
    while length > 0:
        part = min(length, _LONGEST)
        choice = next(at for at, size in enumerate(_LENGTHS) if part <= 1 << size)
        yield f"1{choice:02b}{part - 1:0{_LENGTHS[choice]}b}"
        length -= part


def decode_brush(rle: Sequence[int], width: int, height: int, where: str) -> Mask:
    """Return the mask of ``value.rle``: set where the picture is not transparent.

    Args:
        rle: Bytes.
        width: Width of the image, px.
        height: Height of the image, px.
        where: File and place, for messages.

    Raises:
        DataError: These are no such bytes, or the picture has another size.

    Example:
        >>> bytes = encode_brush(Mask((1, 2, 1), width=2, height=2))
        >>> decode_brush(bytes, 2, 2, "export.json")
        Mask(counts=(1, 2, 1), width=2, height=2)
    """
    try:
        reader = _Bits(bytes(rle))
        words = reader.take(32)
        if words != width * height * _CHANNELS or reader.take(5) + 1 != _WORD:
            raise DataError(
                f"{where}: a brush of {words} bytes does not fit an image of {width} x {height} px"
            )
        picture = _picture(reader, words)
    except DataError:
        raise
    except (TypeError, ValueError, EOFError):
        raise DataError(f"{where}: the run lengths of a brush are broken") from None
    opacity = np.frombuffer(bytes(picture), dtype=np.uint8)[_CHANNELS - 1 :: _CHANNELS]
    return Mask(run_lengths(opacity > 0), width, height)


class _Bits:
    """Takes numbers off a stream of bits."""

    def __init__(self, data: bytes) -> None:
        self._text = f"{int.from_bytes(data, 'big'):0{len(data) * 8}b}"
        self._at = 0

    def take(self, n: int) -> int:
        """Return the next ``n`` bits as a number.

        Raises:
            EOFError: There are not as many.
        """
        end = self._at + n
        if end > len(self._text):
            raise EOFError
        found = int(self._text[self._at : end], 2)
        self._at = end
        return found

    def longest_picture(self) -> int:
        """Return how many words the stream could hold at most."""
        return (len(self._text) // (3 + _LENGTHS[-1] + _WORD) + 1) * _LONGEST


def _picture(reader: _Bits, words: int) -> bytearray:
    sizes = [reader.take(4) + 1 for _ in _LENGTHS]
    if words > reader.longest_picture():
        raise EOFError
    picture, at = bytearray(words), 0
    while at < words:
        repeats = reader.take(1)
        end = at + reader.take(sizes[reader.take(2)]) + 1
        n = end - at
        if end > words:
            raise EOFError
        if repeats:
            picture[at:end] = bytes([reader.take(_WORD)]) * n
        else:
            picture[at:end] = reader.take(_WORD * n).to_bytes(n, "big")
        at = end
    return picture
