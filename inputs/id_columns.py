"""Sample ids of many samples, from text files and arrow columns, block by block.

Ids that :func:`selectlab.inputs.sample_ids.sample_id` would leave as they are (nearly all) never
become Python texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from selectlab.errors import DataError
from selectlab.ids import Ids, IdsBuilder, gathered
from selectlab.inputs.sample_ids import sample_id

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK_BYTES = 1 << 18
_BOM = b"\xef\xbb\xbf"
_NEWLINE, _RETURN, _SPACE, _DASH, _DOT, _SLASH, _COLON = b"\n\r -./:"
_BACKSLASH, _ASCII = ord("\\"), 128

Places = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Names:
    """Some names: name i is ``data[starts[i]:ends[i]]``."""

    data: npt.NDArray[np.uint8]
    starts: Places
    ends: Places

    def plain(self) -> BoolArray:
        """Return which names are ids already, by rules stricter than those of sample_id."""
        data, starts, ends = self.data, self.starts, self.ends
        plain: BoolArray = ends > starts
        if not len(data):
            return plain
        head, last = data[np.minimum(starts, len(data) - 1)], data[ends - 1]
        plain &= (head > _SPACE) & (last > _SPACE)
        plain &= (head != _DOT) & (head != _SLASH) & (head != _BACKSLASH)
        dots = data == _DOT
        odd = (data >= _ASCII) | (data == _COLON)
        odd[1:] |= dots[1:] & dots[:-1]
        self._mark(plain, np.flatnonzero(odd), len(data))
        self._mark(plain, np.flatnonzero(data == _DASH), 5)
        return plain

    def _mark(self, plain: BoolArray, bytes_at: Places, near_end: int) -> None:
        """Names with one of these bytes among their last few are not plain."""
        name = np.searchsorted(self.ends, bytes_at, side="right")
        there = name < len(self.ends)
        name, bytes_at = name[there], bytes_at[there]
        within = (bytes_at >= self.starts[name]) & (bytes_at >= self.ends[name] - near_end)
        plain[name[within]] = False


def id_file(file: IO[bytes], where: str) -> Ids:
    """Return the ids of a text file with one id a line, in their order.

    As :func:`selectlab.inputs.sample_ids.id_lines`, block by block.

    Raises:
        DataError: The file is not UTF-8 text, or a line is no usable id.
    """

    def read(raw: bytes) -> str | None:
        line = raw.decode("utf-8").strip()
        return sample_id(line, where) if line else None

    builder = IdsBuilder()
    for at, block in _line_blocks(file):
        if not block.isascii():
            _check_text(block, at, where)
        data = np.frombuffer(block, dtype=np.uint8)
        ends = np.flatnonzero(data == _NEWLINE)
        starts = np.concatenate([[0], ends[:-1] + 1])
        ends = ends - (data[ends - 1] == _RETURN) * (ends > starts)
        filled = ends > starts
        _add(builder, _Names(data, starts[filled], ends[filled]), read)
    return builder.ids()


def id_column(arrays: Iterable[pa.Array[Any]], where: str) -> Ids:
    """Return the ids in the pieces of an arrow column, in their order.

    Raises:
        DataError: An entry is no usable id.
    """

    def read(raw: bytes) -> str:
        return sample_id(raw.decode("utf-8"), where)

    builder = IdsBuilder()
    for array in arrays:
        _add(builder, _names_of(array, where), read)
    return builder.ids()


def _add(builder: IdsBuilder, names: _Names, read: Callable[[bytes], str | None]) -> None:
    """Add names; those that are not plain are looked at one by one, and ``None`` left out."""
    data, starts, ends = names.data, names.starts, names.ends
    if not len(starts):
        return
    odd = np.flatnonzero(~names.plain())
    if len(odd):
        starts, ends = starts.copy(), ends.copy()
        spelt, size = [], len(data)
        for i in odd.tolist():
            text = (read(data[starts[i] : ends[i]].tobytes()) or "").encode()
            starts[i], ends[i] = size, size + len(text)
            spelt.append(text)
            size += len(text)
        data = np.concatenate([data, np.frombuffer(b"".join(spelt), dtype=np.uint8)])
        filled = ends > starts
        starts, ends = starts[filled], ends[filled]
    builder.add(gathered(data, starts, ends - starts).data, ends - starts)


def _line_blocks(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield blocks of whole lines that end in a newline, each with its place in the file."""
    rest = file.read(len(_BOM)).removeprefix(_BOM)
    at = 0
    while block := file.read(_BLOCK_BYTES):
        cut = block.rfind(b"\n") + 1
        if not cut:
            rest += block
            continue
        yield at, rest + block[:cut]
        at += len(rest) + cut
        rest = block[cut:]
    if rest:
        yield at, rest + b"\n"


def _check_text(block: bytes, at: int, where: str) -> None:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        place = at + error.start
        raise DataError(f"{where}: not UTF-8 text, byte {place} cannot be read") from None


def _names_of(array: pa.Array[Any], where: str) -> _Names:
    """Return the texts of an arrow array; what is no text is refused."""
    import pyarrow as pa

    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if (not texts and not pa.types.is_string_view(kind)) or array.null_count:
        for value in array:
            sample_id(value.as_py(), where)
    plain = array.cast(pa.large_string())
    _, offsets, data = plain.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64)[plain.offset : plain.offset + len(plain) + 1]
    raw = np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, np.uint8)
    first = int(bounds[0])
    return _Names(raw[first : int(bounds[-1])], bounds[:-1] - first, bounds[1:] - first)
