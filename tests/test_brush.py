"""Label Studio's run lengths: against its own encoder, a plain decoder, and broken files."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectlab.brush import decode_brush, encode_brush
from selectlab.errors import DataError
from selectlab.shapes import Mask


def plain_words(rle: list[int]) -> list[int]:
    """Decode as the documentation of the format says, bit by bit."""
    bits = "".join(f"{byte:08b}" for byte in rle)
    at = 0

    def read(n: int) -> int:
        nonlocal at
        at += n
        return int(bits[at - n : at], 2)

    words, size = read(32), read(5) + 1
    lengths = [read(4) + 1 for _ in range(4)]
    found: list[int] = []
    while len(found) < words:
        repeats = read(1)
        n = read(lengths[read(2)]) + 1
        found += [read(size)] * n if repeats else [read(size) for _ in range(n)]
    return found


def packed(*parts: tuple[int, int]) -> list[int]:
    """Bytes of numbers, each written with so many bits."""
    bits = "".join(f"{value:0{width}b}" for value, width in parts)
    bits += "0" * (-len(bits) % 8)
    return [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]


HEAD = ((8 - 1, 5), (2, 4), (3, 4), (7, 4), (15, 4))


@given(st.lists(st.integers(1, 90), min_size=1, max_size=12), st.booleans())
def test_every_mask_comes_back_and_is_white_where_it_is_set(runs: list[int], starts: bool) -> None:
    counts = (0, *runs) if starts else tuple(runs)
    mask = Mask(counts, width=sum(counts), height=1)
    rle = encode_brush(mask)
    assert decode_brush(rle, mask.width, 1, "here") == mask
    expected = [255 * (at % 2) for at, n in enumerate(counts) for _ in range(4 * n)]
    assert plain_words(rle) == expected


def test_runs_longer_than_the_longest_length_are_split() -> None:
    """20,000 pixels are 80,000 words; a run takes 65,536 at most."""
    mask = Mask((20_000, 20_000), width=200, height=200)
    assert decode_brush(encode_brush(mask), 200, 200, "here") == mask


def test_words_that_differ_are_read_too() -> None:
    """A browser writes soft edges: eight words after one head. Only the fourth of a pixel, its
    opacity, counts: the first pixel is black and hardly seen, the second white and transparent.
    """
    words = tuple((word, 8) for word in (0, 0, 0, 7, 255, 255, 255, 0))
    rle = packed((8, 32), *HEAD, (0, 1), (0, 2), (7, 3), *words)
    assert decode_brush(rle, 2, 1, "here") == Mask((0, 1, 1), width=2, height=1)


@pytest.mark.parametrize(
    ("rle", "message"),
    [
        ([], "here: the run lengths of a brush are broken"),
        ([0, 0, 0, 8], "here: the run lengths of a brush are broken"),
        ([256], "here: the run lengths of a brush are broken"),
        (["x"], "here: the run lengths of a brush are broken"),
        (packed((12, 32), *HEAD), "here: a brush of 12 bytes does not fit an image of 2 x 1 px"),
        (packed((8, 32), *HEAD, (1, 1), (1, 2), (15, 4), (0, 8)), "here: the run lengths of a brush are broken"),
        (packed((8, 32), *HEAD), "here: the run lengths of a brush are broken"),
    ],
)  # fmt: skip
def test_what_is_broken_is_said(rle: list[int], message: str) -> None:
    with pytest.raises(DataError) as caught:
        decode_brush(rle, 2, 1, "here")
    assert str(caught.value) == message


def test_a_few_bytes_cannot_ask_for_gigabytes() -> None:
    """30,000 x 30,000 px are 3.6 GB of words; 13 bytes hold no more than two runs of 65,536."""
    side = 30_000
    rle = packed((side * side * 4, 32), *HEAD, (1, 1), (3, 2), (65535, 16), (0, 8))
    tracemalloc.start()
    with pytest.raises(DataError, match="broken"):
        decode_brush(rle, side, side, "here")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000
