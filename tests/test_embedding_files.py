"""Embeddings in files: every format gives the same vectors, and says what is wrong with it."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folder_builder import build, npy, parquet

from selectlab.columns import EmbeddingTable
from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.inputs.array_files import BATCH_ROWS
from selectlab.inputs.embedding_files import read_embeddings
from selectlab.inputs.folder import open_dataset

IDS = ["c.png", "a.png", "b.png"]
VALUES = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.5]]
LINES = "c.png\na.png\nb.png\n"


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def table(columns: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def whole(table: EmbeddingTable) -> np.ndarray[Any, Any]:
    return np.concatenate([block for _, block in table.blocks()])


CSV = "filenames,embedding_1,embedding_0,labels\nc.png,2,1,0\na.png,4.0,3.0,0\nb.png,6.5,5.0,0\n"
FORMS: dict[str, dict[str, Any]] = {
    "fixed": {"embeddings.parquet": parquet({"sample_id": IDS, "embedding": VALUES})},
    "lists": {"embeddings.parquet": parquet({"sample_id": IDS, "embedding": VALUES}, fixed=False)},
    "npy": {"embeddings.npy": npy(np.float32(VALUES)), "ids.txt": LINES},
    "fortran": {"embeddings.npy": npy(VALUES, order="F"), "ids.txt": LINES},
    "half": {"embeddings.npy": npy(np.float16(VALUES)), "ids.txt": "\ufeff" + LINES},
    "npz": {"embeddings.npz": npz(embeddings=np.array(VALUES), ids=np.array(IDS))},
    "legacy": {"embeddings.csv": CSV},
    "bucket": {".lightly/embeddings.npy": npy(VALUES), ".lightly/ids.txt": LINES},
}


@pytest.mark.parametrize("form", FORMS)
def test_all_formats_agree(tmp_path: Path, form: str) -> None:
    """Rows follow the sorted ids: a (3, 4), b (5, 6.5), c (1, 2)."""
    data = open_dataset(build(tmp_path, FORMS[form]))
    assert data.ids == ("a.png", "b.png", "c.png")
    table = data.source.embeddings(None)
    assert table is not None
    assert list(table.ids) == IDS
    assert table.dimension == 2
    assert table.objects is None
    values, missing = data.vectors(table, normalize=False)
    assert values.tolist() == [[3, 4], [5, 6.5], [1, 2]]
    assert missing is None
    assert whole(table).tolist() == whole(table).tolist() == VALUES


def test_many_blocks(tmp_path: Path) -> None:
    """More rows than a block holds: the starts count on, and every row comes once."""
    n_rows = BATCH_ROWS + 7
    values = np.arange(3 * n_rows, dtype=np.float32).reshape(n_rows, 3)
    ids = [f"{i:06d}" for i in range(n_rows)]
    build(
        tmp_path,
        {
            "e.npy": npy(values),
            "e.ids.txt": "\n".join(ids),
            "e.npz": npz(embeddings=values, ids=np.array(ids)),
        },
    )
    for name in ("e.npy", "e.npz"):
        table = read_embeddings(tmp_path / name)
        assert [start for start, _ in table.blocks()] == [0, BATCH_ROWS]
        assert np.array_equal(whole(table), values)


def test_several_spaces_and_objects(tmp_path: Path) -> None:
    files = {
        "embeddings.npy": npy([[1.0]]),
        "ids.txt": "a.png",
        "embeddings.json": {"space": "net@1", "normalised": True},
        "embeddings/clip.parquet": parquet({"sample_id": ["a.png"], "embedding": [[1, 2, 3]]}),
        "embeddings/det.parquet": parquet(
            {"sample_id": ["b.png", "a.png"], "object": [1, 0], "embedding": [[1, 2], [3, 4]]}
        ),
        "embeddings/seg.npy": npy([[5.0, 6.0]]),
        "embeddings/seg.csv": "sample_id,object\na.png,0\n",
    }
    source = open_dataset(build(tmp_path, files)).source
    main, clip = source.embeddings(None), source.embeddings("clip")
    assert main is not None
    assert (main.space, main.normalised, main.dimension) == ("net@1", True, 1)
    assert clip is not None
    assert (clip.space, clip.normalised, clip.dimension) == (None, False, 3)
    assert source.embeddings("det") is None
    assert source.embeddings("none") is None
    assert source.object_embeddings("none") is None
    det, seg = source.object_embeddings("det"), source.object_embeddings("seg")
    assert det is not None
    assert det.objects is not None
    assert (list(det.ids), det.objects.tolist()) == (["b.png", "a.png"], [1, 0])
    assert seg is not None
    assert seg.objects is not None
    assert (list(seg.ids), seg.objects.tolist(), whole(seg).tolist()) == (["a.png"], [0], [[5, 6]])


def test_the_only_space_needs_no_name(tmp_path: Path) -> None:
    one = {"embeddings/clip.parquet": parquet({"sample_id": ["a"], "embedding": [[1, 2, 3]]})}
    found = open_dataset(build(tmp_path / "one", one)).source.embeddings(None)
    assert found is not None
    assert found.dimension == 3
    two = one | {"embeddings/other.parquet": one["embeddings/clip.parquet"]}
    source = open_dataset(build(tmp_path / "two", two)).source
    with pytest.raises(DataError, match=r"several embedding spaces \(embeddings/clip.parquet, "):
        source.embeddings(None)


def test_frames_of_embeddings_are_spelt_like_all_others(tmp_path: Path) -> None:
    build(tmp_path, {"embeddings.npy": npy([[1.0]]), "ids.txt": "v-1-mp4"})
    assert open_dataset(tmp_path).ids == ("v-1-mp4.png",)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"embeddings.npy": npy(VALUES), "ids.txt": "a\nb\n"},
            "ids.txt: 2 ids for the 3 rows of embeddings.npy",
        ),
        (
            {"embeddings.npy": npy(VALUES)},
            "embeddings.npy: no ids; expected ids.txt with one sample id a line, "
            "or embeddings.csv with columns sample_id and object",
        ),
        (
            {"embeddings.npy": npy([1.0, 2.0]), "ids.txt": "a\nb"},
            "embeddings.npy: expected a matrix of numbers, one row per embedding, "
            "got shape (2,) of float64",
        ),
        (
            {"embeddings.npy": b"no array", "ids.txt": "a"},
            "embeddings.npy: not a readable .npy file, the magic string is not correct; "
            "expected b'\\x93NUMPY', got b'no arr'",
        ),
        (
            {"embeddings.npz": npz(embeddings=np.eye(2))},
            "embeddings.npz: no array 'ids' of text, one sample id for each embedding",
        ),
        ({"embeddings.npz": npz(x=np.eye(2))}, "embeddings.npz: no array 'embeddings', only x"),
        (
            {"embeddings.parquet": parquet({"sample": ["a"], "embedding": [[1]]})},
            "embeddings.parquet: no column 'sample_id'; did you mean 'sample'?",
        ),
        (
            {"embeddings.parquet": parquet({"sample_id": ["a"]})},
            "embeddings.parquet: no column 'embedding'; known: sample_id",
        ),
        (
            {"embeddings.parquet": table({"sample_id": ["a"], "embedding": [3]})},
            "embeddings.parquet: column 'embedding' must hold lists of numbers, not int64",
        ),
        (
            {"embeddings.csv": "filenames,embedding_0,embedding_2\na,1,2\n"},
            "embeddings.csv: no column 'embedding_1'",
        ),
        (
            {"embeddings.csv": "filenames,embedding_0\na,x\n"},
            "embeddings.csv: column 'embedding_0' holds something else than numbers",
        ),
        (
            {"embeddings.npy": npy(VALUES), "ids.txt": LINES, "embeddings.npz": npz(a=np.eye(2))},
            "embeddings.npz: embeddings.npy holds embeddings too; remove one",
        ),
        (
            {
                "embeddings.npy": npy(VALUES),
                "ids.txt": LINES,
                "embeddings.json": {"normalized": True},
            },
            "embeddings.json: key 'normalized' is not known; did you mean 'normalised'?",
        ),
        (
            {
                "embeddings/t.parquet": parquet(
                    {"sample_id": ["a"], "object": [-1], "embedding": [[1]]}
                )
            },
            "embeddings/t.parquet: column 'object' must hold whole numbers >= 0, without gaps",
        ),
    ],
)
def test_bad_files(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    """Said when the file is opened, before any vector is read."""

    def read() -> None:
        source = open_dataset(build(tmp_path, files)).source
        source.embeddings(None)
        source.object_embeddings("t")

    with pytest.raises(DataError) as caught:
        read()
    assert str(caught.value) == message


def refused(data: Dataset) -> str:
    table = data.source.embeddings(None)
    assert table is not None
    with pytest.raises(DataError) as caught:
        data.vectors(table, normalize=True)
    return str(caught.value)


def test_bad_vectors(tmp_path: Path) -> None:
    """Said when the vectors are read, with the sample."""
    ragged = parquet({"sample_id": IDS, "embedding": [[1, 2], [3, 4], [5]]}, fixed=False)
    data = open_dataset(build(tmp_path / "ragged", {"embeddings.parquet": ragged}))
    assert refused(data) == (
        "embeddings.parquet: embedding of 'b.png' has 1 numbers, the first has 2; "
        "all must have the same"
    )
    gap = parquet({"sample_id": IDS, "embedding": [[1, 2], None, [5, 6]]}, fixed=False)
    data = open_dataset(build(tmp_path / "gap", {"embeddings.parquet": gap}))
    assert "embedding of 'a.png' is empty" in refused(data)
    values = np.array(VALUES)
    values[1, 1] = np.nan
    data = open_dataset(build(tmp_path / "nan", {"embeddings.npy": npy(values), "ids.txt": LINES}))
    assert refused(data).startswith("embeddings.npy: embedding of 'a.png' has NaN")
    twice = {"embeddings.npy": npy(VALUES), "ids.txt": "a\nb\na\n"}
    data = open_dataset(build(tmp_path / "twice", twice))
    assert refused(data) == "embeddings.npy: duplicate ids, 1 of 2 samples, first 'a'"
    short = {"embeddings.npy": npy(VALUES)[:-4], "ids.txt": LINES}
    data = open_dataset(build(tmp_path / "short", short))
    assert refused(data) == "embeddings.npy: the file is cut off, 4 bytes are missing"
    torn = {"embeddings.parquet": parquet({"sample_id": IDS, "embedding": VALUES})[:-9]}
    with pytest.raises(DataError, match="not a readable parquet file"):
        open_dataset(build(tmp_path / "torn", torn))


def test_pickled_ids_are_not_run(tmp_path: Path) -> None:
    """Object arrays hold pickles; loading one could run anything."""
    content = npz(embeddings=np.eye(2), ids=np.array(["a", "b"], dtype=object))
    with pytest.raises(DataError, match="Object arrays cannot be loaded"):
        open_dataset(build(tmp_path, {"embeddings.npz": content}))


def test_single_files(tmp_path: Path) -> None:
    build(tmp_path, {"x.npy": npy(VALUES), "ids.txt": LINES})
    assert whole(read_embeddings(tmp_path / "x.npy")).tolist() == VALUES
    with pytest.raises(DataError, match=r"no such file"):
        read_embeddings(tmp_path / "y.npy")
    with pytest.raises(DataError, match=r"ids.txt: embeddings come as .parquet, .npy, .npz, .csv"):
        read_embeddings(tmp_path / "ids.txt")


@pytest.mark.parametrize("form", ["npy", "parquet"])
def test_no_second_copy_in_memory(tmp_path: Path, form: str) -> None:
    """200 MB of vectors in one row group: reading them needs less than 1.6 times that."""
    resource = pytest.importorskip("resource", reason="needs getrusage")
    assert resource
    n_rows, dimension = 400_000, 128
    values = np.ones((n_rows, dimension), dtype=np.float32)
    ids = [f"{i}" for i in range(n_rows)]
    if form == "npy":
        np.save(tmp_path / "embeddings.npy", values)
        (tmp_path / "ids.txt").write_text("\n".join(ids))
    else:
        flat = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), dimension)
        columns = pa.table({"sample_id": ids, "embedding": flat})
        pq.write_table(columns, tmp_path / "embeddings.parquet", use_dictionary=False)
    code = (
        "import resource, sys\n"
        "from selectlab.inputs.folder import open_dataset\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "data = open_dataset(sys.argv[1])\n"
        "table = data.source.embeddings(None)\n"
        "before = peak()\n"
        "values, _ = data.vectors(table, normalize=True)\n"
        "unit = 1 if sys.platform == 'darwin' else 1024\n"
        "print((peak() - before) * unit / values.nbytes)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert float(done.stdout) < 1.6
