"""Ids in one buffer: everything is as with a tuple of texts."""

from __future__ import annotations

import pickle
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selectlab import ids as ids_module
from selectlab.ids import Ids, RowOf, union

TEXT = st.text(st.sampled_from("ab/\0é\u00ff\u6f22\ud800\udcff\ue000\U0001f600"), max_size=19)
TEXTS = st.lists(TEXT, max_size=30)


def many(n: int, seed: int = 0) -> list[str]:
    """Ids with a long common start, of different lengths, shuffled."""
    order = np.random.default_rng(seed).permutation(n).tolist()
    return [f"camera/front/{i}{'x' * (i % 13)}.png" for i in order]


@given(TEXTS)
def test_a_sequence_like_any_other(texts: list[str]) -> None:
    held = Ids.of(texts)
    assert list(held) == texts
    assert [held[i] for i in range(len(held))] == texts
    assert held == texts
    assert held == tuple(texts)
    assert held == Ids.of(texts)
    assert held != [*texts, "more"]
    assert pickle.loads(pickle.dumps(held)) == texts
    if texts:
        assert held[-1] == texts[-1]
        assert texts[0] in held
    assert "nowhere" not in held
    for cut in (slice(1, None), slice(None, -1), slice(None, None, -2), slice(3, 2)):
        assert held[cut] == texts[cut]
        assert held[::-1][cut] == texts[::-1][cut]


@given(TEXTS)
def test_sorted_as_python_sorts(texts: list[str]) -> None:
    assert list(Ids.of(texts).sorted_unique()) == sorted(set(texts))
    assert list(Ids.of(texts)[::-1].sorted_unique()) == sorted(set(texts))


@given(TEXTS, TEXTS, TEXTS)
def test_union(left: list[str], right: list[str], more: list[str]) -> None:
    found = union([Ids.of(left), Ids.of(right), Ids.of(more)])
    assert list(found) == sorted({*left, *right, *more})


@given(TEXTS, TEXTS)
def test_rows(known: list[str], wanted: list[str]) -> None:
    rows = RowOf(Ids.of(known).sorted_unique())
    expected = {text: row for row, text in enumerate(sorted(set(known)))}
    assert dict(rows) == expected
    assert [rows.get(text) for text in wanted] == [expected.get(text) for text in wanted]
    assert [text in rows for text in wanted] == [text in expected for text in wanted]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 3), st.booleans())
def test_positions(seed: int, shared: bool) -> None:
    """By one shared buffer, by hash, or as one and the same; unknown ones and repeats too."""
    texts = many(300, seed)
    base = Ids.of(texts + texts[:5])
    held = base.sorted_unique()
    place = {text: row for row, text in enumerate(sorted(texts))}
    assert held.positions(base).tolist() == [place[text] for text in base]
    wanted = [*texts[::2], "nowhere", *texts[:50], "camera/front/"]
    asked = wanted if not shared else base.take([base.index(t) for t in wanted if t in place])
    assert held.positions(asked).tolist() == [place.get(text, -1) for text in asked]
    assert held.positions(Ids.of(sorted(texts))).tolist() == list(range(300))
    assert Ids.of(()).positions(wanted).tolist() == [-1] * len(wanted)


def test_equal_hashes_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were all hashes the same, only bisection would be left."""
    monkeypatch.setattr(
        ids_module.Ids, "_hashes", lambda self, places: np.zeros(len(self._spans(places)[0]), "u8")
    )
    texts = many(200)
    held = Ids.of(texts).sorted_unique()
    place = {text: row for row, text in enumerate(sorted(texts))}
    wanted = [*texts[::2], "nowhere"]
    assert held.positions(wanted).tolist() == [place.get(text, -1) for text in wanted]


def test_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Block borders fall everywhere: between equal texts, ahead of a single one."""
    monkeypatch.setattr(ids_module, "_BLOCK", 7)
    texts = many(99) + many(20)
    held = Ids.of(texts)
    assert list(held) == texts
    assert list(held.sorted_unique()) == sorted(set(texts))
    assert held.sorted_unique().sorted_unique() == sorted(set(texts))
    place = {text: row for row, text in enumerate(sorted(set(texts)))}
    assert held.sorted_unique().positions(texts).tolist() == [place[text] for text in texts]
    descending = Ids.of([f"{i:03d}" for i in range(50)][::-1])
    assert descending.sorted_unique() == [f"{i:03d}" for i in range(50)]


def test_joined_with_an_end() -> None:
    texts = ["b", "", "\ud800é", "a" * 30]
    for order in (texts, texts[::-1]):
        assert b"".join(Ids.of(order).blocks()) == b"".join(
            text.encode("utf-8", "surrogatepass") + b"\0" for text in order
        )
    turned = b"".join(Ids.of(texts)[::-1].blocks())
    assert blake2b(turned).digest() == blake2b(b"".join(Ids.of(texts[::-1]).blocks())).digest()


def test_little_memory() -> None:
    """20 bytes of text and an offset of 4 an id; a sorted view adds 4 more."""
    texts = many(20_000)
    held = Ids.of(texts)
    size = sum(map(len, texts))
    assert held.nbytes < size + 4 * 20_000 + 100
    assert held.sorted_unique().nbytes < size + 8 * 20_000 + 100


def test_shown_in_short() -> None:
    assert repr(Ids.of(["b", "a"])) == "('b', 'a')"
    assert repr(Ids.of(f"{i:02d}" for i in range(30))) == "Ids(30 texts, '00' to '29')"
