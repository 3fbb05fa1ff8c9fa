"""Vectors in a file are what an array of them would be."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selectlab import row_files, stored
from selectlab.errors import DataError
from selectlab.read_ahead import read_ahead
from selectlab.row_files import RowFile
from selectlab.stored import StoredVectors

N, D = 41, 3


@pytest.fixture(params=["everything at once", "a row at a time", "without preadv"], autouse=True)
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Pieces so small that every border is met, and the way of systems without positioned reads."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "a row at a time":
            patch.setattr(stored, "_PIECE_BYTES", 12)
            patch.setattr(stored, "_GAP_BYTES", 24)
        if request.param == "without preadv":
            patch.delattr(os, "preadv", raising=False)
            patch.delattr(os, "pwrite", raising=False)
        yield


def numbers(kind: Any = np.float32) -> Any:
    return np.random.default_rng(0).normal(size=(N, D)).astype(kind)


def file_of(values: Any) -> RowFile:
    file = RowFile.scratch("test", values.shape, values.dtype)
    file.write(0, values)
    return file


PARTS = st.one_of(
    st.lists(st.integers(-N, N - 1), max_size=30).map(lambda rows: np.array(rows, dtype=np.intp)),
    st.slices(N),
    st.lists(st.booleans(), min_size=N, max_size=N).map(np.array),
    st.integers(0, N).map(lambda start: np.arange(start, N)),
)


@settings(max_examples=60, deadline=None)
@given(PARTS, st.sampled_from([np.float16, np.float32]), st.booleans())
def test_parts(part: Any, kind: Any, scaled: bool) -> None:
    """float16 becomes float32 first; then one division in float64, rounded once."""
    values = numbers(kind)
    scale = np.linspace(1, 7, N) if scaled else None
    expected = values.astype(np.float32)
    if scale is not None:
        expected = (expected / scale[:, None]).astype(np.float32)
    found = StoredVectors(file_of(values), scale=scale)[part]
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    assert np.array_equal(found, expected[part])


@settings(max_examples=40, deadline=None)
@given(PARTS, PARTS, st.booleans())
def test_rows_of_rows(first: Any, second: Any, scaled: bool) -> None:
    """Row -1 is a row of zeros; the scale belongs to the rows of the file."""
    values, scale = numbers(), np.linspace(1, 7, N) if scaled else None
    rows = np.random.default_rng(1).integers(-1, N, size=N)
    expected = np.where(rows[:, None] >= 0, values[rows], np.float32(0))
    if scale is not None:
        expected = (expected / np.where(rows >= 0, scale[rows], 1)[:, None]).astype(np.float32)
    vectors = StoredVectors(file_of(values), rows=rows, scale=scale)
    assert np.array_equal(vectors[second], expected[second])
    taken = np.arange(N)[first]
    again = vectors.take(taken)
    assert np.array_equal(again[:], expected[taken])
    if len(taken):
        assert np.array_equal(again.take(np.arange(len(taken))[::-1])[:], expected[taken][::-1])


def test_like_an_array() -> None:
    values = numbers()
    vectors = StoredVectors(file_of(values))
    assert (vectors.shape, vectors.ndim, len(vectors)) == ((N, D), 2, N)
    assert vectors.dtype == values.dtype
    assert vectors.nbytes == values.nbytes
    assert np.array_equal(np.asarray(vectors), values)
    assert np.asarray(vectors, dtype=np.float64).dtype == np.float64
    assert vectors[5].tolist() == values[5].tolist()
    assert vectors[-1].tolist() == values[-1].tolist()
    assert vectors[[3, 1]].tolist() == values[[3, 1]].tolist()
    out = np.empty((4, D), dtype=np.float32)
    assert vectors.read(slice(2, 6), out) is out
    assert np.array_equal(out, values[2:6])
    assert np.array_equal(np.concatenate([block for _, block in vectors.blocks()]), values)
    assert repr(vectors) == "StoredVectors(41 x 3 in 'test')"


def test_into_rows_that_do_not_follow_each_other() -> None:
    values = numbers()
    out = np.zeros((8, D), dtype=np.float32)
    StoredVectors(file_of(values), scale=np.full(N, 2.0)).read(slice(0, 4), out[::2])
    assert np.array_equal(out[::2], values[:4] / 2)
    assert not out[1::2].any()


@pytest.mark.parametrize(
    "part", [np.array([N]), np.array([-N - 1]), np.ones(3, bool), [[1]], [0.5]]
)
def test_no_such_rows(part: Any) -> None:
    with pytest.raises(IndexError):
        StoredVectors(file_of(numbers()))[part]


def test_out_must_fit() -> None:
    vectors = StoredVectors(file_of(numbers()))
    with pytest.raises(ValueError, match=r"out is \(2, 3\) of float32 for 3 rows"):
        vectors.read(slice(0, 3), np.empty((2, D), dtype=np.float32))
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(vectors, copy=False)


def test_means() -> None:
    """Of 41 rows, 40 make up 8 chunks of 5."""
    values = numbers()
    vectors = StoredVectors(file_of(values)).take(np.arange(40))
    expected = values[:40].reshape(8, 5, D).mean(axis=1, dtype=np.float64).astype(np.float32)
    assert np.array_equal(vectors.means(5)[:], expected)


def test_many_threads() -> None:
    values = numbers()
    vectors = StoredVectors(file_of(values))
    parts = [np.random.default_rng(seed).integers(0, N, 9) for seed in range(200)]
    with ThreadPoolExecutor(4) as pool:
        for part, found in zip(parts, pool.map(vectors.__getitem__, parts), strict=True):
            assert np.array_equal(found, values[part])


def test_a_file_that_is_too_short(tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_bytes(bytes(100))
    kind = np.dtype(np.float32)
    with pytest.raises(DataError) as caught:
        RowFile.open(str(path), "x.npy", 20, (7, 3), kind)
    assert str(caught.value) == "x.npy: the file is cut off, 4 bytes are missing"
    file = RowFile.open(str(path), "x.npy", 4, (8, 3), kind)
    os.truncate(path, 90)
    with pytest.raises(DataError) as caught:
        StoredVectors(file)[:]
    assert str(caught.value) == "x.npy: the file is cut off, 10 bytes are missing"
    with pytest.raises(DataError, match=r"^x.npy: cannot be read, No such file or directory$"):
        RowFile.open(str(tmp_path / "none"), "x.npy", 0, (1, 1), kind)


def test_scratch_files_have_no_name_and_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_files.tempfile, "tempdir", str(tmp_path))
    file = file_of(numbers())
    assert os.fstat(file.descriptor).st_size == N * D * 4
    assert list(tmp_path.iterdir()) == []
    descriptor = file.descriptor
    vectors = StoredVectors(file).take(np.array([1]))
    del file
    gc.collect()
    assert len(vectors[:]) == 1
    del vectors
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_files.tempfile, "tempdir", str(tmp_path))
    with pytest.raises(DataError) as caught:
        RowFile.scratch("e.parquet", (10**12, 1000), np.dtype(np.float32))
    assert str(caught.value) == (
        "e.parquet: 4e+06 GB of disk are needed to work on it within the memory limit, and "
        f"{tmp_path} has not got them; set TMPDIR to a folder that has"
    )
    monkeypatch.setattr(row_files.tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(DataError, match="No such file or directory"):
        RowFile.scratch("e.parquet", (1, 1), np.dtype(np.float32))


def test_the_disk_fills_up_while_writing() -> None:
    """A file that takes nothing: what a full disk answers, from the system itself."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    kind = np.dtype(np.float32)
    file = RowFile("e.parquet", os.open("/dev/full", os.O_WRONLY), 0, (1, 1), kind)
    with pytest.raises(DataError, match=r"^e.parquet: 4e-09 GB of disk are needed .* set TMPDIR"):
        file.write(0, np.ones((1, 1)))


def test_read_ahead() -> None:
    """In order, by another thread, two at a time, errors where they belong."""
    names = []

    def blocks() -> Iterator[int]:
        for i in range(4):
            names.append(threading.current_thread().name)
            yield i
        raise DataError("the end")

    seen: list[int] = []

    def read_all() -> None:
        for block in read_ahead(blocks()):
            seen.append(block)
            assert len(names) <= block + 2

    with pytest.raises(DataError, match="the end"):
        read_all()
    assert seen == [0, 1, 2, 3]
    assert all(name.startswith("selectlab-read") for name in names)
    assert next(read_ahead(blocks())) == 0
