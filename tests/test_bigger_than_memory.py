"""Embeddings that do not fit: the same picks and hashes as in memory, from files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folder_builder import build, npy, parquet

import selectlab
from selectlab import vector_tables
from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.inputs import Embeddings
from selectlab.inputs.folder import open_dataset
from selectlab.manifest import hash_ids, hash_signal
from selectlab.resources import Resources, using
from selectlab.row_files import RowFile, tempfile
from selectlab.stored import StoredVectors
from selectlab.types import Objects, Vectors

N, D = 600, 40
LIMIT = 100_000
"""Less than three times the 600 x 40 x 4 bytes and 64 bytes a row."""


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own for scratch files, in which nothing may ever be seen."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(vector_tables, "OWN_BYTES", 0)
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture(params=["large pieces", "small pieces"])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones take scattered rows for stretches that follow each other, or not."""
    if request.param == "small pieces":
        monkeypatch.setattr(vector_tables, "_RUN_BYTES", 100)
        monkeypatch.setattr(vector_tables, "_BUCKET_BYTES", 3000)


def names(n: int, order: str) -> list[str]:
    found = [f"é/{i // 50}/größe {i:04d}.png" for i in range(n)]
    if order == "shuffled":
        np.random.default_rng(1).shuffle(found)
    if order == "in stretches":
        found = found[200:] + found[:200]
    return found


def values(n: int = N, kind: Any = np.float32) -> Any:
    generator = np.random.default_rng(0)
    return (generator.normal(size=(n, D)) * generator.uniform(0.1, 9, size=(n, 1))).astype(kind)


def grouped(ids: list[str], vectors: Any, more: dict[str, Any] | None = None) -> bytes:
    """A parquet file with many row groups."""
    sink = pa.BufferOutputStream()
    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    table = pa.table({"sample_id": ids, "embedding": flat, **(more or {})})
    pq.write_table(table, sink, row_group_size=70)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def embedding_files(form: str, kind: Any, ids: list[str]) -> dict[str, Any]:
    vectors = values(len(ids), kind)
    lines = "\n".join(ids)
    return {
        "npy": {"embeddings.npy": npy(vectors), "ids.txt": lines},
        "fortran": {"embeddings.npy": npy(vectors, order="F"), "ids.txt": lines},
        "parquet": {"embeddings.parquet": grouped(ids, vectors)},
        "lists": {
            "embeddings.parquet": parquet(
                {"sample_id": ids, "embedding": vectors.tolist()}, fixed=False
            )
        },
    }[form]


def loaded(path: Path, limit: int | None, **fields: Any) -> Any:
    with using(Resources(memory=limit)):
        return Embeddings(**fields).load(open_dataset(path))


CASES = [
    *product(["npy", "parquet"], [np.float32], ["sorted", "shuffled", "in stretches"]),
    ("npy", np.float16, "sorted"),
    ("npy", np.float16, "shuffled"),
    ("npy", np.float64, "sorted"),
    ("npy", np.int16, "shuffled"),
    ("fortran", np.float32, "sorted"),
    ("parquet", np.float16, "shuffled"),
    ("parquet", np.float64, "sorted"),
    ("lists", np.float32, "shuffled"),
]


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize(("form", "kind", "order"), CASES)
def test_the_same_to_the_last_bit(
    tmp_path: Path, form: str, kind: Any, order: str, normalize: bool
) -> None:
    path = build(tmp_path / "data", embedding_files(form, kind, names(N, order)))
    here, there = (loaded(path, limit, normalize=normalize) for limit in (None, LIMIT))
    assert isinstance(here.vectors, np.ndarray)
    assert isinstance(there.vectors, StoredVectors)
    assert np.array_equal(here.vectors, there.vectors[:])
    assert hash_signal(here) == hash_signal(there)
    rows = np.random.default_rng(2).permutation(N)[:300]
    assert hash_signal(here.take(rows)) == hash_signal(there.take(rows))
    assert hash_signal(here.take(rows).chunk(3)) == hash_signal(there.take(rows).chunk(3))
    assert there.take(np.arange(N)) is there


def test_what_fits_is_in_memory(tmp_path: Path) -> None:
    """40 numbers of 4 bytes and 64 bytes more, 600 times, are 134,400 bytes, a third of 403,200."""
    path = build(tmp_path / "data", embedding_files("npy", np.float32, names(N, "sorted")))
    assert isinstance(loaded(path, 403_200).vectors, np.ndarray)
    assert isinstance(loaded(path, 403_199).vectors, StoredVectors)


def test_a_sorted_npy_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a scratch file; a shuffled one needs it."""
    made: list[str] = []
    scratch = RowFile.scratch
    monkeypatch.setattr(RowFile, "scratch", lambda *given: made.append(given[0]) or scratch(*given))
    for order, n_made in (("sorted", 0), ("in stretches", 0), ("shuffled", 1)):
        path = build(tmp_path / order, embedding_files("npy", np.float32, names(N, order)))
        monkeypatch.setattr(vector_tables, "_RUN_BYTES", 8000)
        assert isinstance(loaded(path, LIMIT).vectors, StoredVectors)
        assert len(made) == n_made, order


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("form", ["npy", "parquet"])
@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_missing_and_unknown_ids(tmp_path: Path, form: str, order: str) -> None:
    """The dataset has 30 samples without a vector, and the file 50 vectors of nobody."""
    ids = names(N, order)
    lines = "\n".join([*sorted(ids)[50:], *(f"more/{i}.png" for i in range(30))])
    files = embedding_files(form, np.float32, ids) | {
        "relevant_filenames.txt": lines,
        "metadata.csv": "sample_id,x\n" + "".join(f"more/{i}.png,1\n" for i in range(30)),
    }
    path = build(tmp_path / "data", files)
    here, there = loaded(path, None), loaded(path, LIMIT)
    assert isinstance(there.vectors, StoredVectors)
    assert here.missing.tolist() == there.missing.tolist()
    assert there.missing.sum() == 30
    assert np.array_equal(here.vectors, there.vectors[:])
    assert not there.vectors[there.missing].any()


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("form", ["npy", "parquet"])
@pytest.mark.parametrize("order", ["sorted", "shuffled"])
def test_objects(tmp_path: Path, form: str, order: str) -> None:
    """Three objects a sample, those of a sample not in order."""
    samples = names(N // 3, "sorted")
    rows = [(name, k) for name in samples for k in (2, 0, 1)]
    if order == "shuffled":
        rows = [rows[i] for i in np.random.default_rng(3).permutation(len(rows))]
    ids, objects = [name for name, _ in rows], [k for _, k in rows]
    if form == "npy":
        table = "".join(f"{name},{k}\n" for name, k in rows)
        files: dict[str, Any] = {"embeddings/det.npy": npy(values())}
        files["embeddings/det.csv"] = f"sample_id,object\n{table}"
    else:
        files = {"embeddings/det.parquet": grouped(ids, values(), {"object": objects})}
    path = build(tmp_path / "data", files)
    here, there = (loaded(path, limit, task="det") for limit in (None, LIMIT))
    assert isinstance(there, Objects)
    assert isinstance(there.vectors, StoredVectors)
    assert hash_signal(here) == hash_signal(there)
    some = np.arange(0, N // 3, 2)
    assert hash_signal(here.take(some)) == hash_signal(there.take(some))
    assert hash_signal(here.chunk(4)) == hash_signal(there.chunk(4))


ENTRIES = {
    "alone": [{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}],
    "joint": [
        {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}},
        {"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}},
        {
            "input": {"type": "RANDOM", "random_seed": 5},
            "strategy": {"type": "THRESHOLD", "threshold": 0.2, "operation": "BIGGER"},
        },
    ],
}


@pytest.mark.parametrize("form", ["npy", "parquet"])
@pytest.mark.parametrize("entries", ENTRIES)
def test_the_same_picks_and_manifest(tmp_path: Path, form: str, entries: str) -> None:
    ids = names(N, "shuffled")
    path = build(tmp_path / "data", embedding_files(form, np.float32, ids))
    config = {"n_samples": 25, "strategies": ENTRIES[entries]}
    here = selectlab.select(config, str(path), preselected=ids[:3])
    there = selectlab.select(config, str(path), preselected=ids[:3], memory=LIMIT)
    assert here.picks == there.picks
    one, other = dict(here.manifest), dict(there.manifest)
    assert one.pop("created")
    assert other.pop("created")
    assert one == other


def test_sequences(tmp_path: Path) -> None:
    ids = [f"v{i // 100}-{i % 100:02d}-mp4.png" for i in range(N)]
    path = build(tmp_path / "data", embedding_files("npy", np.float32, ids))
    config = {"n_samples": 20, "strategies": ENTRIES["alone"], "selected_sequence_length": 4}
    here = selectlab.select(config, str(path))
    there = selectlab.select(config, str(path), memory=LIMIT)
    assert here.picks == there.picks
    assert here.sequence_information == there.sequence_information


def test_arrays_at_hand_are_left_in_memory_or_written(tmp_path: Path) -> None:
    """They are in memory once already; their copy by row goes where it fits."""
    data = Dataset(names(N, "shuffled"), embeddings=values())
    with using(Resources(memory=LIMIT)):
        there = Embeddings().load(data)
    assert isinstance(there, Vectors)
    assert isinstance(there.vectors, StoredVectors)
    assert hash_signal(there) == hash_signal(Embeddings().load(data))


@pytest.mark.parametrize("limit", [None, LIMIT])
@pytest.mark.parametrize("form", ["npy", "parquet"])
def test_what_is_wrong_is_said_the_same_way(tmp_path: Path, form: str, limit: int | None) -> None:
    ids = names(N, "shuffled")

    def said(change: Any, ids: list[str] = ids) -> str:
        vectors = values(len(ids))
        change(vectors)
        lines = "\n".join(ids)
        files = {
            "npy": {"embeddings.npy": npy(vectors), "ids.txt": lines},
            "parquet": {"embeddings.parquet": grouped(ids, vectors)},
        }[form]
        path = build(tmp_path / f"data{len(list(tmp_path.iterdir()))}", files)
        with pytest.raises(DataError) as caught:
            loaded(path, limit)
        return str(caught.value).removeprefix(f"embeddings.{form}: ")

    def unusable(vectors: Any) -> None:
        vectors[17, 3] = np.nan

    assert said(unusable) == (f"embedding of {ids[17]!r} has NaN, infinite or overflowing values")
    twice = [*ids[:-2], ids[0], ids[4]]
    first = min(ids[0], ids[4])
    assert said(lambda _: None, twice) == f"duplicate ids, 2 of {N - 2} samples, first {first!r}"


def test_a_file_that_is_cut_off(tmp_path: Path) -> None:
    files = embedding_files("npy", np.float32, names(N, "sorted"))
    files["embeddings.npy"] = files["embeddings.npy"][:-1000]
    path = build(tmp_path / "data", files)
    for limit in (None, LIMIT):
        with pytest.raises(DataError) as caught:
            loaded(path, limit)
        assert str(caught.value).startswith("embeddings.npy: the file is cut off, ")


def test_a_limit_below_what_is_always_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """150 MB, 32 bytes for each vector, and 31 bytes of UTF-8 and 4 for each id."""
    monkeypatch.setattr(vector_tables, "OWN_BYTES", 150_000_000)
    ids = [f"{i:031d}" for i in range(N)]
    path = build(tmp_path / "data", embedding_files("npy", np.float32, ids))
    with pytest.raises(DataError) as caught:
        loaded(path, LIMIT)
    assert str(caught.value) == (
        "embeddings.npy: memory of 100 kB is too little; selectlab itself, the ids and a few "
        "numbers for each of 600 vectors take 150 MB"
    )


def test_hash_of_ids() -> None:
    """As the definition says: each id and a zero byte, in order."""
    from hashlib import blake2b

    ids = ["é/a.png", "b", "\udcff.png"]
    expected = blake2b(digest_size=16)
    for name in ids:
        expected.update(name.encode("utf-8", "surrogatepass") + b"\0")
    assert hash_ids(ids) == expected.hexdigest()


ROWS, WIDTH, MOST = 1_600_000, 256, 400_000_000
ADDRESSES = 450_000_000
"""What the code of Python, numpy, pandas and arrow takes in addresses, not in memory."""


def write_large(path: Path, form: str) -> int:
    """Write 1.6 GB of vectors, a block at a time; return their size in bytes."""
    path.mkdir()
    block = np.random.default_rng(0).normal(size=(50_000, WIDTH)).astype(np.float32)
    ids = [f"camera/{i:08d}.png" for i in range(ROWS)]
    if form == "parquet":
        np.random.default_rng(1).shuffle(ids)
    moved = (np.roll(block, k + 1, axis=1) for k in range(ROWS // len(block)))
    if form == "npy":
        (path / "ids.txt").write_text("\n".join(ids))
        file = np.lib.format.open_memmap(
            path / "embeddings.npy", "w+", dtype=np.float32, shape=(ROWS, WIDTH)
        )
        for k, rows in enumerate(moved):
            file[k * len(block) : (k + 1) * len(block)] = rows
        file.flush()
    else:
        kind = pa.list_(pa.float32(), WIDTH)
        schema = pa.schema([("sample_id", pa.string()), ("embedding", kind)])
        with pq.ParquetWriter(
            path / "embeddings.parquet", schema, use_dictionary=False, compression="none"
        ) as writer:
            for k, rows in enumerate(moved):
                vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), WIDTH)
                part = [pa.array(ids[k * len(block) : (k + 1) * len(block)]), vectors]
                writer.write_table(pa.table(part, schema=schema))
    return ROWS * WIDTH * 4


@pytest.mark.slow
@pytest.mark.parametrize("form", ["npy", "parquet"])
def test_a_file_four_times_the_limit(tmp_path: Path, form: str) -> None:
    """In 400 MB, and under a limit of the system on its addresses, which libraries take too."""
    resource = pytest.importorskip("resource", reason="needs getrusage")
    assert write_large(tmp_path / "data", form) >= 4 * MOST
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"n_samples": 20, "strategies": ENTRIES["alone"]}))
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
        "assert done.returncode == 0, done.stderr\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    command = ["-m", "selectlab", "select", str(config), "--data", str(tmp_path / "data")]
    command += ["--out", str(tmp_path / "out"), "--memory", f"{MOST // 10**6}MB"]

    def limit() -> None:
        if sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_AS, (MOST + ADDRESSES, MOST + ADDRESSES))

    done = subprocess.run(
        [sys.executable, "-c", code, sys.executable, *command],
        capture_output=True, text=True, cwd="/", preexec_fn=limit,
        env={**os.environ, "TMPDIR": str(tmp_path / "scratch")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * (1 if sys.platform == "darwin" else 1024) < MOST
    picked = (tmp_path / "out" / "selection.txt").read_text().split()
    assert len(set(picked)) == 20
