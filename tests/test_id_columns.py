"""Ids read in blocks are those read one by one."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectlab.errors import DataError
from selectlab.inputs import id_columns
from selectlab.inputs.id_columns import id_column, id_file
from selectlab.inputs.sample_ids import id_lines, sample_id

NAME = st.one_of(
    st.sampled_from(
        ["a.png", "b/c.png", "v-1-mp4", "v-01-mp4.png", "./x.png", "é/b.png", " a", "a\u00a0", "-",
         "a..b", ".hidden", "c:d", "..", "/a", "\\a", "a/../b", "v-1-webm", "x-webm", "\x1c"]
    ),
    st.text(st.sampled_from("ab.-/: é"), max_size=8),
)  # fmt: skip


def outcome(read: Any) -> Any:
    """What a reader gives, or what it says."""
    try:
        return list(read())
    except DataError as error:
        return str(error)


@given(st.lists(NAME, max_size=9), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_text_files(names: list[str], end: str, last: bool, mark: bool) -> None:
    text = end.join(names) + (end if last else "")
    data = text.encode("utf-8-sig" if mark else "utf-8")
    expected = outcome(lambda: id_lines(data, "ids.txt"))
    assert outcome(lambda: id_file(io.BytesIO(data), "ids.txt")) == expected


@given(st.lists(NAME, max_size=9), st.sampled_from(["plain", "large", "words", "sliced"]))
def test_arrow_columns(names: list[str], form: str) -> None:
    pieces = [pa.array(names, pa.string()), pa.array(names[:2], pa.string())]
    if form == "large":
        pieces = [piece.cast(pa.large_string()) for piece in pieces]
    elif form == "words":
        pieces = [piece.dictionary_encode() for piece in pieces]
    elif form == "sliced":
        pieces = [pieces[0][1:], pieces[1][:1]]
    whole = [name for piece in pieces for name in piece.to_pylist()]
    expected = outcome(lambda: [sample_id(name, "e.parquet") for name in whole])
    assert outcome(lambda: id_column(pieces, "e.parquet")) == expected


@pytest.mark.parametrize("size", [1, 5, 8])
def test_small_blocks(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Lines longer than a block, and a mark that does not fit into one."""
    monkeypatch.setattr(id_columns, "_BLOCK_BYTES", size)
    names = ["a", "bb/é.png", "a-long-name.png", "", "z"]
    data = ("\ufeff" + "\n".join(names)).encode()
    assert list(id_file(io.BytesIO(data), "ids.txt")) == ["a", "bb/é.png", "a-long-name.png", "z"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array([3]), "e.parquet: a sample id must be a file name, got 3"),
        (pa.array(["a", None]), "e.parquet: a sample id must be a file name, got None"),
        (pa.array([b"a"]), "e.parquet: a sample id must be a file name, got b'a'"),
        (pa.array(["a", ""]), "e.parquet: a sample id must be a file name, got ''"),
    ],
)
def test_no_text(values: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        id_column([values], "e.parquet")
    assert str(caught.value) == message


def test_where_a_byte_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted from the start of the file, whichever block it is in."""
    monkeypatch.setattr(id_columns, "_BLOCK_BYTES", 4)
    with pytest.raises(DataError) as caught:
        id_file(io.BytesIO(b"ab\ncd\ne\xff\n"), "ids.txt")
    assert str(caught.value) == "ids.txt: not UTF-8 text, byte 7 cannot be read"
