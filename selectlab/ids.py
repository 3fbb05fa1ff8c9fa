"""Ids of many samples in little memory: UTF-8 in one buffer, 4 to 8 bytes more an id.

A Python text takes 70 bytes and a dict entry 100 more; ten million of them would fill the
memory before the first vector is read. Texts compare and sort here exactly as in Python.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, SupportsIndex, overload

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.integer[Any]]
Words = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]

_WORD = 8
_MASKS = np.array([0] + [(1 << 64) - (1 << 8 * (8 - n)) for n in range(1, 9)], dtype=np.uint64)
_BLOCK = 65_536
_FEW = 64
_SHOWN = 20


class Ids(Sequence[str]):
    """An immutable sequence of texts that share one buffer.

    Args:
        data: (B,) UTF-8 of all texts, 8 bytes longer than the last of them needs.
        offsets: (k + 1,) text i is ``data[offsets[i]:offsets[i + 1]]``.
        order: (n,) the text that stands at each place; ``None`` for all in turn.

    Example:
        >>> names = Ids.of(["b.png", "a.png"])
        >>> names, names.sorted_unique()
        (('b.png', 'a.png'), ('a.png', 'b.png'))
        >>> names.sorted_unique() == ("a.png", "b.png")
        True
    """

    __slots__ = ("_data", "_offsets", "_order", "_windows")
    __hash__ = None  # type: ignore[assignment]  # equal to tuples, which hash otherwise

    def __init__(self, data: Bytes, offsets: Index, order: Index | None = None) -> None:
        self._data, self._offsets, self._order = data, offsets, order
        self._windows = _windows(data, _WORD)

    @classmethod
    def of(cls, texts: Iterable[str]) -> Ids:
        """Return texts as ids, in their order; ids as they are."""
        if isinstance(texts, Ids):
            return texts
        builder = IdsBuilder()
        given = texts if isinstance(texts, list | tuple) else list(texts)
        for start in range(0, len(given), _BLOCK):
            builder.add_texts(given[start : start + _BLOCK])
        return builder.ids()

    def __reduce__(self) -> tuple[Any, ...]:
        return Ids, (self._data, self._offsets, self._order)

    @property
    def nbytes(self) -> int:
        """Memory taken, in bytes; several sequences may share most of it."""
        order = 0 if self._order is None else self._order.nbytes
        return self._data.nbytes + self._offsets.nbytes + order

    def __len__(self) -> int:
        return len(self._offsets) - 1 if self._order is None else len(self._order)

    @overload
    def __getitem__(self, at: SupportsIndex) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Ids: ...
    def __getitem__(self, at: SupportsIndex | slice) -> str | Ids:
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            if self._order is None and step == 1:
                return Ids(self._data, self._offsets[start : max(start, stop) + 1])
            return self.take(np.arange(start, stop, step))
        place = range(len(self))[at]
        text = place if self._order is None else int(self._order[place])
        raw = self._data[self._offsets[text] : self._offsets[text + 1]].tobytes()
        return raw.decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _BLOCK):
            yield from self._texts(slice(start, min(start + _BLOCK, len(self))))

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and len(self._equal_to(text)) > 0

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Ids):
            return self is other or self._same_texts(other)
        if isinstance(other, tuple | list):
            return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))
        return NotImplemented

    def __repr__(self) -> str:
        if len(self) <= _SHOWN:
            return repr(tuple(self))
        return f"Ids({len(self)} texts, {self[0]!r} to {self[-1]!r})"

    def take(self, places: npt.ArrayLike) -> Ids:
        """Return the texts at some places, in this order; the buffer is shared."""
        wanted = np.asarray(places, dtype=np.intp)
        order = wanted if self._order is None else self._order[wanted]
        return Ids(self._data, self._offsets, narrow(order, len(self._offsets)))

    def blocks(self, end: bytes = b"\0") -> Iterator[bytes]:
        """Yield the UTF-8 of all texts, each followed by the byte ``end``, a block at a time."""
        for start in range(0, len(self), _BLOCK):
            starts, lengths = self._spans(slice(start, start + _BLOCK))
            ends = np.cumsum(lengths + 1)
            filled = np.full(int(ends[-1]), end[0], dtype=np.uint8)
            text = np.ones(len(filled), dtype=np.bool_)
            text[ends - 1] = False
            filled[text] = gathered(self._data, starts, lengths)
            yield filled.tobytes()

    def sorted_unique(self) -> Ids:
        """Return the texts in order, each once; itself when they are so already."""
        if self._ascending():
            return self
        order, first = self._sorted()
        return self.take(order if first.all() else order[first])

    def positions(self, texts: Sequence[str]) -> Index:
        """Return the place of each text, -1 for those that are not here.

        These ids must be sorted and unique.

        Cost:
            About .3 microseconds a text, and 16 bytes for each of ours while it lasts; nothing
            where both share a buffer.
        """
        if len(texts) <= _FEW:
            return narrow(np.array([self.position(text) for text in texts]), len(self))
        wanted = Ids.of(texts)
        if wanted._data is self._data and wanted._offsets is self._offsets:
            return self._shared_positions(wanted)
        if len(wanted) == len(self) and wanted._same_texts(self):
            return np.arange(len(self), dtype=_index_type(len(self)))
        return self._joined_positions(wanted, np.arange(len(wanted), dtype=_index_type(len(texts))))

    def position(self, text: str) -> int:
        """Return the place of a text among sorted and unique ones, -1 when it is not here."""
        place = bisect_left(self, text)
        return place if place < len(self) and self[place] == text else -1

    def _equal_to(self, text: str) -> npt.NDArray[np.intp]:
        """Return all places of a text."""
        wanted = Ids.of([text])
        maybe = np.flatnonzero(self._lengths() == int(wanted._lengths()[0]))
        for w in range(-(-int(wanted._lengths()[0]) // _WORD)):
            maybe = maybe[self._words(maybe, w) == wanted._words(np.zeros(1, np.intp), w)[0]]
        return maybe

    def _spans(self, places: slice | Index) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return where some texts start and how long they are."""
        at = places if self._order is None else self._order[places]
        starts = self._offsets[:-1][at].astype(np.int64)
        return starts, self._offsets[1:][at].astype(np.int64) - starts

    def _lengths(self) -> Index:
        lengths: Index = np.diff(self._offsets)
        return lengths if self._order is None else lengths[self._order]

    def _texts(self, places: slice) -> Iterator[str]:
        starts, lengths = self._spans(places)
        raw = gathered(self._data, starts, lengths).tobytes()
        ends = np.cumsum(lengths)
        bounds = zip((ends - lengths).tolist(), ends.tolist(), strict=True)
        if raw.isascii():
            text = raw.decode("ascii")
            return (text[start:end] for start, end in bounds)
        return (raw[start:end].decode("utf-8", "surrogatepass") for start, end in bounds)

    def _words(self, places: slice | Index, w: int) -> Words:
        """Return bytes 8w to 8w + 7 of some texts as numbers that compare as they do."""
        starts, lengths = self._spans(places)
        left = np.clip(lengths - _WORD * w, 0, _WORD)
        starts += _WORD * w
        starts[left == 0] = 0
        words: Words = self._windows[starts].view(">u8").astype(np.uint64)
        words &= _MASKS[left]
        return words

    def _all_words(self, places: Index, w: int) -> Words:
        """Return :meth:`_words` of many places, a block at a time."""
        out = np.empty(len(places), dtype=np.uint64)
        for start in range(0, len(places), _BLOCK):
            out[start : start + _BLOCK] = self._words(places[start : start + _BLOCK], w)
        return out

    def _n_words(self) -> int:
        return -(-int(np.diff(self._offsets).max(initial=0)) // _WORD)

    def _ascending(self) -> bool:
        """Return whether every text is greater than the one before it."""
        for start in range(0, len(self) - 1, _BLOCK):
            places = slice(start, start + _BLOCK + 1)
            lengths = self._spans(places)[1]
            open_ = np.ones(len(lengths) - 1, dtype=np.bool_)
            for w in range(-(-int(lengths.max()) // _WORD)):
                words = self._words(places, w)
                if (open_ & (words[:-1] > words[1:])).any():
                    return False
                open_ &= words[:-1] == words[1:]
                if not open_.any():
                    break
            if (open_ & (lengths[:-1] >= lengths[1:])).any():
                return False
        return True

    def _sorted(self) -> tuple[Index, BoolArray]:
        """Return the order that sorts the texts, and which differ from the one before them."""
        kind = _index_type(len(self))
        order = np.arange(len(self), dtype=kind)
        first = np.zeros(len(self), dtype=np.bool_)
        first[:1] = True
        tied = order.copy()  # places in runs of texts that are equal so far
        n_words = self._n_words()
        for w in range(n_words + 1):
            rows = order[tied]
            key = self._all_words(rows, w) if w < n_words else self._lengths()[rows]
            if len(key) and key.min() != key.max():
                place = _sorting(key, np.cumsum(first[tied], dtype=kind))
                order[tied], key = rows[place], key[place]
                first[tied[1:]] |= key[1:] != key[:-1]
            del rows, key
            starts = first[tied]
            tied = tied[~(starts & np.append(starts[1:], True))]
            if not len(tied):
                break
        return order, first

    def _same_texts(self, other: Ids) -> bool:
        if len(self) != len(other):
            return False
        for start in range(0, len(self), _BLOCK):
            block = slice(start, start + _BLOCK)
            if not _equal(self, block, other, block).all():
                return False
        return True

    def _hashes(self, places: slice | Index) -> Words:
        lengths = self._spans(places)[1]
        mixed = lengths.astype(np.uint64)
        for w in range(-(-int(lengths.max(initial=0)) // _WORD)):
            mixed ^= self._words(places, w)
            mixed *= np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
        return mixed

    def _shared_positions(self, wanted: Ids) -> Index:
        """Places of texts that lie in the same buffer as ours."""
        kind = _index_type(len(self._offsets))
        place = np.full(len(self._offsets) - 1, -1, dtype=kind)
        ours = slice(None) if self._order is None else self._order
        place[ours] = np.arange(len(self), dtype=kind)
        found = place if wanted._order is None else place[wanted._order]
        twins = np.flatnonzero(found < 0)
        if len(twins):
            found[twins] = self._joined_positions(wanted, twins)
        return found

    def _joined_positions(self, wanted: Ids, places: Index) -> Index:
        """Places of the texts at some places of ``wanted``, by hash; every hit is compared."""
        keys = np.empty(len(self), dtype=np.uint64)
        for start in range(0, len(self), _BLOCK):
            keys[start : start + _BLOCK] = self._hashes(slice(start, start + _BLOCK))
        order = narrow(np.argsort(keys, kind="stable"), len(self))
        keys = keys[order]
        found = np.full(len(places), -1, dtype=_index_type(len(self)))
        for start in range(0, len(places), _BLOCK):
            some = places[start : start + _BLOCK]
            hashes = wanted._hashes(some)
            at = np.minimum(np.searchsorted(keys, hashes), max(len(keys) - 1, 0))
            hit = np.flatnonzero(keys[at] == hashes) if len(keys) else at[:0]
            ours, theirs = order[at[hit]], some[hit]
            same = _equal(self, ours, wanted, theirs)
            found[start + hit[same]] = ours[same]
            for i in hit[~same]:
                found[start + i] = self.position(wanted[int(some[i])])
        return found


class RowOf(Mapping[str, int]):
    """The row of each id, found by bisection in the sorted ids themselves."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def __getitem__(self, sample_id: str) -> int:
        row = self._ids.position(sample_id) if isinstance(sample_id, str) else -1
        if row < 0:
            raise KeyError(sample_id)
        return row

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


class IdsBuilder:
    """Collects texts into one buffer."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._lengths = bytearray()

    def add_texts(self, texts: Sequence[str]) -> None:
        """Add texts."""
        joined = "".join(texts)
        if joined.isascii():
            self.add(joined.encode("ascii"), np.fromiter(map(len, texts), np.int32, len(texts)))
            return
        raw = [text.encode("utf-8", "surrogatepass") for text in texts]
        self.add(b"".join(raw), np.fromiter(map(len, raw), np.int32, len(raw)))

    def add(self, data: bytes | memoryview, lengths: npt.NDArray[np.integer[Any]]) -> None:
        """Add the UTF-8 of some texts, joined, and the number of bytes of each."""
        self._data += data
        self._lengths += lengths.astype(np.int32).tobytes()

    def ids(self) -> Ids:
        """Return what was added; nothing can be added afterwards."""
        lengths = np.frombuffer(self._lengths, dtype=np.int32)
        offsets = np.zeros(len(lengths) + 1, dtype=_index_type(len(self._data)))
        np.cumsum(lengths, out=offsets[1:])
        self._data += bytes(_WORD)
        return Ids(np.frombuffer(self._data, dtype=np.uint8), offsets)


def union(parts: Sequence[Ids]) -> Ids:
    """Return the texts of all parts, sorted, each once.

    Example:
        >>> union([Ids.of(["c", "a"]), Ids.of(["b", "a"])])
        ('a', 'b', 'c')
    """
    longest, *others = sorted(parts, key=len, reverse=True) or [Ids.of(())]
    held = longest.sorted_unique()
    further = [other.take(np.flatnonzero(held.positions(other) < 0)) for other in others]
    if not any(map(len, further)):
        return held
    builder = IdsBuilder()
    for part in (held, *further):
        for start in range(0, len(part), _BLOCK):
            starts, lengths = part._spans(slice(start, start + _BLOCK))
            builder.add(gathered(part._data, starts, lengths).data, lengths)
    return builder.ids().sorted_unique()


def gathered(data: Bytes, starts: Index, lengths: Index) -> Bytes:
    """Return the bytes of some spans of a buffer, one after the other."""
    ends = np.cumsum(lengths)
    if not len(ends):
        return data[:0]
    if len(ends) == 1 or bool((starts[1:] == starts[:-1] + lengths[:-1]).all()):
        whole: Bytes = data[int(starts[0]) : int(starts[0] + ends[-1])].copy()
        return whole
    out = np.empty(int(ends[-1]), dtype=np.uint8)
    for length in np.unique(lengths[lengths > 0]).tolist():
        some = np.flatnonzero(lengths == length)
        _windows(out, length)[ends[some] - length] = _windows(data, length)[starts[some]]
    return out


def _windows(data: Bytes, length: int) -> npt.NDArray[np.void]:
    """Return the bytes of a buffer from every place on, so many of them, as one item each."""
    shape = (max(0, len(data) - length + 1),)
    windows: npt.NDArray[np.void]
    windows = np.ndarray(shape, dtype=f"V{length}", buffer=data, strides=(1,))
    return windows


def _sorting(key: npt.NDArray[Any], run: Index) -> Index:
    """Return the order that sorts keys within runs."""
    one_run = len(run) > 0 and run[-1] == 1
    place = np.argsort(key, kind="stable") if one_run else np.lexsort((key, run))
    return narrow(place, len(key))


def narrow(index: npt.NDArray[np.integer[Any]], size: int) -> Index:
    """Return indices below ``size`` in the smallest type that holds them."""
    return index.astype(_index_type(size), copy=False)


def _index_type(size: int) -> type[np.integer[Any]]:
    return np.int32 if size < 2**31 - _WORD else np.int64


def _equal(left: Ids, here: slice | Index, right: Ids, there: slice | Index) -> BoolArray:
    """Return where the texts at some places of two sequences are the same."""
    lengths = left._spans(here)[1]
    same: BoolArray = lengths == right._spans(there)[1]
    for w in range(-(-int(lengths[same].max(initial=0)) // _WORD)):
        same &= left._words(here, w) == right._words(there, w)
    return same
