"""The index: what it holds, how it grows, and that nothing and nobody can leave it half-written."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_builder import build, npy, parquet
from hypothesis import given
from hypothesis import strategies as st
from small_dataset import IDS, selectlab, small_dataset, vectors

from selectlab.corpus import Corpus, Element, Space, place_of
from selectlab.corpus.blocks import Rows
from selectlab.corpus.lists import FEWEST
from selectlab.corpus.manifest import MANIFEST, Manifest, read_manifest
from selectlab.corpus.writing import LOCK
from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.inputs.folder import open_dataset
from selectlab.locks import held

FRAMES = Space("m", 3, "frame")


def frames(**rows: Sequence[float]) -> Dataset:
    """A dataset in memory: sample id to vector."""
    return Dataset(list(rows), embeddings=np.array(list(rows.values()), dtype=np.float32))


def objects(*held: tuple[str, Sequence[float]]) -> Dataset:
    """A dataset in memory of objects of task "det"; numbers count up within a sample."""
    owners = [owner for owner, _ in held]
    values = np.array([vector for _, vector in held], dtype=np.float32)
    return Dataset(sorted({*owners, "empty"}), object_embeddings={"det": (values, owners)})


def everything(corpus: Corpus, **how: Any) -> dict[Element, tuple[float, ...]]:
    """All elements with their vectors, by block."""
    return {
        Element(sample_id, int(number)): tuple(vector.tolist())
        for block in corpus.blocks(**how)
        for sample_id, number, vector in zip(
            block.sample_ids, block.numbers, block.vectors, strict=True
        )
    }


def refused(line: str) -> Any:
    """Expect exactly this error."""
    import re

    return pytest.raises(DataError, match=f"^{re.escape(line)}$")


# Spaces


@pytest.mark.parametrize(
    ("other", "line"),
    [
        (Space("m", 3, "object", "det"),
         "seeds: objects of task 'det' where frames are expected; frames and the objects of each "
         "task are kept apart"),
        (Space("n", 3, "frame"),
         "seeds: embedding space 'n', expected 'm'; embed both with the same model"),
        (Space("m", 4, "frame"),
         "seeds: 4 dimensions, expected 3 in embedding space 'm'"),
        (Space("m", 3, "frame", normalised=False),
         "seeds: raw vectors, expected vectors of unit length; distances of the two cannot be "
         "compared"),
    ],
)  # fmt: skip
def test_another_space_is_one_line(other: Space, line: str) -> None:
    FRAMES.check(Space("m", 3, "frame"), "seeds")
    with refused(line):
        FRAMES.check(other, "seeds")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ((" ", 3, "frame"), "embedding space: the name is empty; name the model of the vectors"),
        (("m", 0, "frame"), "embedding space 'm': 0 dimensions"),
        (("m", 3, "crop"), "embedding space 'm': level must be frame or object, got 'crop'"),
        (("m", 3, "object"), "embedding space 'm': level object with no task; objects are those "
         "of a task, frames of none"),
        (("m", 3, "frame", "det"), "embedding space 'm': level frame with task 'det'; objects "
         "are those of a task, frames of none"),
    ],
)  # fmt: skip
def test_a_space_must_make_sense(given: Any, line: str) -> None:
    with refused(line):
        Space(*given)


# Building


def test_frames_by_hand(tmp_path: Path) -> None:
    """(3, 4) has length 5, (0, 2) length 2; ids are sorted."""
    corpus = Corpus.build(frames(b=[0, 2], a=[3, 4]), tmp_path / "i", space_id="m")
    assert corpus.space == Space("m", 2, "frame")
    assert (corpus.n_elements, corpus.n_samples, corpus.generation) == (2, 2, 1)
    [block] = corpus.blocks()
    assert (block.first, block.stop, len(block)) == (0, 2, 2)
    assert block.sample_ids == ("a", "b")
    assert block.numbers.tolist() == [0, 0]
    assert block.vectors.dtype == np.float32
    np.testing.assert_array_equal(block.vectors, np.float32([[0.6, 0.8], [0, 1]]))


def test_raw_vectors_keep_their_length_and_zero_stays_zero(tmp_path: Path) -> None:
    data = frames(a=[3, 4], b=[0, 0])
    raw = Corpus.build(data, tmp_path / "raw", space_id="m", normalise=False)
    assert raw.space == Space("m", 2, "frame", normalised=False)
    assert raw.vectors_at([0, 1]).tolist() == [[3, 4], [0, 0]]
    unit = Corpus.build(data, tmp_path / "unit", space_id="m")
    np.testing.assert_array_equal(unit.vectors_at([0, 1]), np.float32([[0.6, 0.8], [0, 0]]))


def test_objects_by_hand(tmp_path: Path) -> None:
    """Numbers count from 0 within a sample, in the order of the objects; "empty" has none."""
    data = objects(("b", [1, 0]), ("a", [0, 1]), ("b", [0, -1]), ("a", [-2, 0]))
    corpus = Corpus.build(data, tmp_path / "i", task="det", space_id="m")
    assert corpus.space == Space("m", 2, "object", "det")
    assert (corpus.n_elements, corpus.n_samples) == (4, 2)
    assert corpus.elements_at(range(4)) == [
        Element("a", 0), Element("a", 1), Element("b", 0), Element("b", 1)
    ]  # fmt: skip
    wanted = [Element("b", 1), Element("a", 1), Element("b", 0)]
    assert corpus.vectors_of(wanted).tolist() == [[0, -1], [-1, 0], [1, 0]]
    assert corpus.rows_of([Element("a", 2), Element("a", -1), Element("c"), *wanted]).tolist() == [
        -1, -1, -1, 3, 1, 2
    ]  # fmt: skip


VALUES = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
NAMES = [f"{k}.png" for k in (3, 0, 6, 1, 5, 2, 4)]
LINES = "".join(f"{name}\n" for name in NAMES)
FORMS: dict[str, dict[str, Any]] = {
    "npy": {"embeddings.npy": npy(VALUES), "ids.txt": LINES},
    "columns": {"embeddings.npy": npy(VALUES, order="F"), "ids.txt": LINES},
    "parquet": {"embeddings.parquet": parquet({"sample_id": NAMES, "embedding": VALUES.tolist()})},
    "sorted": {
        "embeddings.npy": npy(VALUES[np.argsort(NAMES, kind="stable")]),
        "ids.txt": "".join(f"{name}\n" for name in sorted(NAMES)),
    },
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("normalise", [True, False])
def test_every_format_gives_what_the_embeddings_input_gives(
    tmp_path: Path, form: str, normalise: bool
) -> None:
    data = open_dataset(build(tmp_path / "data", FORMS[form]))
    corpus = Corpus.build(data, space_id="m", normalise=normalise)
    assert corpus.folder == place_of(data) == tmp_path / "data/.selectlab/corpus/default"
    table = data.source.embeddings(None)
    assert table is not None
    expected, _ = data.vectors(table, normalize=normalise)
    [block] = corpus.blocks()
    assert block.sample_ids == data.ids
    np.testing.assert_array_equal(block.vectors, np.asarray(expected))


def test_many_vectors_in_any_order(tmp_path: Path) -> None:
    """More than fit into one block and one bucket, so that they are sorted on the disk."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(30_000, 700)).astype(np.float16)
    order = rng.permutation(len(values))
    lines = "".join(f"{k:05d}\n" for k in order)
    data = open_dataset(build(tmp_path, {"embeddings.npy": npy(values), "ids.txt": lines}))
    corpus = Corpus.build(data, space_id="m", normalise=False)
    np.testing.assert_array_equal(corpus.vectors_at(order), values.astype(np.float32))


def test_the_file_says_the_space(tmp_path: Path) -> None:
    about = {"embeddings.json": {"space": "resnet@sha256:1", "normalised": False}}
    data = open_dataset(build(tmp_path, FORMS["npy"] | about))
    assert Corpus.build(data).space.name == "resnet@sha256:1"
    assert Corpus.build(data, space_id="resnet@sha256:1", rebuild=True).generation == 2
    with refused(
        "embeddings.npy: lies in embedding space 'resnet@sha256:1', as its .json says, not in 'x'"
    ):
        Corpus.build(data, space_id="x", rebuild=True)


def test_a_space_is_never_guessed(tmp_path: Path) -> None:
    data = open_dataset(build(tmp_path, FORMS["npy"]))
    for nothing in (None, ""):
        with refused(
            "embeddings.npy: nothing says which embedding space it lies in; name the model and "
            "its weights with --space-id ID (space_id=...)"
        ):
            Corpus.build(data, space_id=nothing)
    assert not (tmp_path / ".selectlab" / "corpus").exists()


def test_further_embeddings_and_tasks_have_indexes_of_their_own(tmp_path: Path) -> None:
    more = {
        "embeddings/clip.parquet": parquet({"sample_id": IDS, "embedding": np.eye(6).tolist()}),
        "embeddings/det.parquet": parquet(
            {"sample_id": [IDS[2]], "object": [1], "embedding": [[1.0, 2.0]]}
        ),
    }
    data = open_dataset(small_dataset(tmp_path, more))
    clip = Corpus.build(data, space="clip", space_id="clip@1")
    det = Corpus.build(data, task="det", space_id="yolo@1")
    assert (clip.space.dimension, clip.embeddings, clip.folder.name) == (6, "clip", "clip")
    assert det.elements_at([0]) == [Element(IDS[2], 1)]
    assert det.folder == place_of(data, task="det")
    assert clip.append(data) == det.append(data) == 0
    with refused(
        f"{data.source.where}: task 'det' and space 'clip' exclude each other; further spaces are "
        "those of whole samples"
    ):
        Corpus.build(data, task="det", space="clip", space_id="m")


def test_what_the_embeddings_input_refuses_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    bad = VALUES.copy()
    bad[4, 1] = np.nan
    data = open_dataset(build(tmp_path / "nan", FORMS["npy"] | {"embeddings.npy": npy(bad)}))
    with refused("embeddings.npy: embedding of '5.png' has NaN, infinite or overflowing values"):
        Corpus.build(data, space_id="m")
    assert not place_of(data).exists()
    twice = FORMS["npy"] | {"ids.txt": LINES.replace("6.png", "0.png")}
    with refused("embeddings.npy: duplicate ids, 1 of 6 samples, first '0.png'"):
        Corpus.build(open_dataset(build(tmp_path / "twice", twice)), space_id="m")


def test_object_numbers_are_checked_against_the_predictions(tmp_path: Path) -> None:
    """Image k has k objects, so image 2 has no object 2."""
    table = parquet({"sample_id": [IDS[2]], "object": [2], "embedding": [[1.0, 2.0]]})
    data = open_dataset(small_dataset(tmp_path, {"embeddings/det.parquet": table}))
    with refused(
        "embeddings/det.parquet: object 2 of 'a/2.png' does not exist; its predictions have 2 "
        "objects, counted from 0"
    ):
        Corpus.build(data, task="det", space_id="m")


def test_samples_without_an_embedding_are_told(tmp_path: Path) -> None:
    data = open_dataset(build(tmp_path, FORMS["npy"] | {"metadata.csv": "sample_id,x\n9.png,1\n"}))
    with pytest.warns(UserWarning, match="embeddings.npy: no embedding for 1 of 8 samples, first"):
        assert Corpus.build(data, space_id="m").n_samples == 7


def test_building_where_an_index_is_takes_rebuild(tmp_path: Path) -> None:
    first = Corpus.build(frames(a=[1, 0], b=[0, 1]), tmp_path, space_id="m")
    with refused(
        f"{tmp_path}: there is an index already; append to it, or build it anew with --rebuild "
        "(rebuild=True)"
    ):
        Corpus.build(frames(a=[1, 0]), tmp_path, space_id="m")
    again = Corpus.build(frames(c=[1, 0, 0]), tmp_path, space_id="n", rebuild=True)
    assert (again.space.name, again.n_elements, again.generation) == ("n", 1, 2)
    assert again.identity != first.identity
    assert first.elements_at([0, 1]) == [Element("a"), Element("b")]
    assert sorted(p.name for p in tmp_path.iterdir()) == [MANIFEST, "part-000002"]


def test_a_remote_dataset_and_one_in_memory_need_a_folder(tmp_path: Path) -> None:
    import fsspec

    files = fsspec.filesystem("memory")
    for path, content in FORMS["npy"].items():
        raw = content if isinstance(content, bytes) else content.encode()
        files.pipe(f"/index-test/{path}", raw)
    for data in (open_dataset("memory://index-test"), frames(a=[1, 0])):
        with refused(
            f"{data.source.where}: not a folder on this machine; say where its index lies with "
            "--index DIR (folder=...)"
        ):
            Corpus.build(data, space_id="m")
        assert Corpus.build(data, tmp_path / str(len(data)), space_id="m").append(data) == 0


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "a\\b", "c:"])
def test_the_name_of_an_index_is_a_folder_name(tmp_path: Path, name: str) -> None:
    data = open_dataset(build(tmp_path, FORMS["npy"]))
    with refused(f"index name {name!r}: expected a plain folder name"):
        place_of(data, name=name)


# Appending


def test_append_adds_what_is_new_behind_what_is_there(tmp_path: Path) -> None:
    corpus = Corpus.build(frames(b=[1, 0], d=[0, 1]), tmp_path, space_id="m")
    identity = corpus.identity
    assert corpus.append(frames(d=[0, 1], a=[0, 2], b=[1, 0], c=[2, 0])) == 2
    assert [e.sample_id for e in corpus.elements_at(range(4))] == ["b", "d", "a", "c"]
    assert corpus.vectors_at([3, 0, 2]).tolist() == [[1, 0], [1, 0], [0, 1]]
    assert [block.sample_ids for block in corpus.blocks()] == [("b", "d"), ("a", "c")]
    assert (corpus.generation, corpus.n_samples, corpus.identity) == (2, 4, identity)
    assert Corpus.open(tmp_path).elements_at(range(4)) == corpus.elements_at(range(4))


def test_nothing_new_changes_nothing(tmp_path: Path) -> None:
    data = frames(b=[1, 0], d=[0, 1])
    corpus = Corpus.build(data, tmp_path, space_id="m")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert corpus.append(data) == 0
    assert corpus.generation == 1
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}


def test_an_object_of_a_known_sample_joins_it(tmp_path: Path) -> None:
    a, b, more = ("a", [1, 0]), ("b", [0, 1]), ("a", [1, 1])
    corpus = Corpus.build(objects(a, b), tmp_path, task="det", space_id="m", normalise=False)
    assert corpus.append(objects(a, b, more, ("c", [2, 2]))) == 2
    assert (corpus.n_elements, corpus.n_samples) == (4, 3)
    assert corpus.elements_at([2, 3]) == [Element("a", 1), Element("c", 0)]
    assert corpus.vectors_of([Element("a", 1), Element("a", 0)]).tolist() == [[1, 1], [1, 0]]


def test_changed_vectors_are_told_and_not_taken(tmp_path: Path) -> None:
    """Also one that only became longer: it is not what was indexed."""
    corpus = Corpus.build(frames(a=[1, 0], b=[0, 1], c=[1, 1]), tmp_path, space_id="m")
    with pytest.warns(UserWarning, match=str(tmp_path)) as told:
        assert corpus.append(frames(a=[2, 0], b=[0, 1], c=[0, 1], d=[1, 1])) == 1
    assert [str(warning.message) for warning in told] == [
        f"{tmp_path}: 2 of 3 known elements have other vectors in the dataset by now; the index "
        "keeps its own, --rebuild takes the new ones"
    ]
    assert corpus.vectors_of([Element("a")]).tolist() == [[1, 0]]


def test_removed_samples_stay_and_are_told(tmp_path: Path) -> None:
    corpus = Corpus.build(frames(a=[1, 0], b=[0, 1]), tmp_path, space_id="m")
    with pytest.warns(UserWarning, match=str(tmp_path)) as told:
        assert corpus.append(frames(b=[0, 1], c=[1, 0])) == 1
    assert [str(warning.message) for warning in told] == [
        f"{tmp_path}: 1 of 2 elements are not in the dataset; they stay, --rebuild leaves them out"
    ]
    assert corpus.n_samples == 3


def test_append_refuses_another_space_before_any_work(tmp_path: Path) -> None:
    corpus = Corpus.build(frames(a=[1, 0]), tmp_path, space_id="m")
    before = (tmp_path / MANIFEST).read_bytes()
    with refused("embeddings: 3 dimensions, expected 2 in embedding space 'm'"):
        corpus.append(frames(b=[1, 0, 0]))
    with refused("embeddings: embedding space 'n', expected 'm'; embed both with the same model"):
        corpus.append(frames(b=[1, 0]), space_id="n")
    with refused(
        "dataset: no embeddings; expected embeddings.parquet (columns sample_id, embedding) or "
        "embeddings.npy with ids.txt (one id a line); 'selectlab embed' makes some without a model"
    ):
        corpus.append(objects(("b", [1, 0])))
    assert (tmp_path / MANIFEST).read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [MANIFEST, "part-000001"]


def test_what_was_declared_holds_for_that_dataset_alone(tmp_path: Path) -> None:
    """Also after the dataset has moved, its index in it."""
    data = open_dataset(build(tmp_path / "one", FORMS["npy"]))
    corpus = Corpus.build(data, space_id="m")
    assert corpus.append(data) == 0
    (tmp_path / "one").rename(tmp_path / "moved")
    moved = open_dataset(tmp_path / "moved")
    corpus = Corpus.open(place_of(moved))
    assert corpus.append(moved) == 0
    other = {"embeddings.npy": npy(VALUES[:1]), "ids.txt": "other.png\n"}
    another = open_dataset(build(tmp_path / "another", other))
    with refused(
        "embeddings.npy: nothing says which embedding space it lies in; name the model and its "
        "weights with --space-id ID (space_id=...)"
    ):
        corpus.append(another)
    assert corpus.append(another, space_id="m") == 1
    with pytest.warns(UserWarning, match="7 of 8 elements are not in the dataset; they stay"):
        assert corpus.append(another) == 0


@given(
    counts=st.lists(st.integers(0, 4), min_size=1, max_size=8),
    cuts=st.lists(st.integers(0, 30), max_size=3),
    n_rows=st.integers(1, 6),
    seed=st.integers(0, 5),
)
def test_any_order_and_any_appends_hold_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    counts: list[int],
    cuts: list[int],
    n_rows: int,
    seed: int,
) -> None:
    """Objects of samples with 0 to 4 each, in any order, at once or in up to four appends."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(seed)
    owners = [f"s{k}" for k, n in enumerate(counts) for _ in range(n)] or ["s0"]
    order = rng.permutation(len(owners))
    held = [(owners[k], rng.integers(-2, 3, size=2).tolist()) for k in order]
    ends = sorted({min(cut, len(held)) for cut in cuts} - {0} | {len(held)})
    corpus = Corpus.build(
        objects(*held[: ends[0]]), folder, task="det", space_id="m", normalise=False
    )
    for end in ends[1:]:
        corpus.append(objects(*held[:end]))
    expected, seen = {}, dict.fromkeys(owners, 0)
    for owner, vector in held:
        expected[Element(owner, seen[owner])] = tuple(float(x) for x in vector)
        seen[owner] += 1
    assert everything(corpus, n_rows=n_rows) == everything(corpus) == expected
    assert corpus.n_samples == len({owner for owner, _ in held})
    assert corpus.n_parts == len(ends)
    assert [tuple(v) for v in corpus.vectors_of(expected)] == list(expected.values())
    assert corpus.rows_of(corpus.elements_at(range(len(held)))).tolist() == list(range(len(held)))
    _blocks_are_as_promised(corpus, n_rows)


def _blocks_are_as_promised(corpus: Corpus, n_rows: int) -> None:
    """They follow each other, are sorted, and meet only where samples or parts do."""
    blocks = list(corpus.blocks(n_rows=n_rows))
    assert [block.first for block in blocks] == [0, *(block.stop for block in blocks)][:-1]
    assert blocks[-1].stop == corpus.n_elements
    manifest = read_manifest(corpus.folder)
    assert manifest is not None
    starts = np.cumsum([part.n_elements for part in manifest.parts]).tolist()
    for block in blocks:
        elements = list(zip(block.sample_ids, block.numbers.tolist(), strict=True))
        assert elements == sorted(elements)
        assert len(block) <= n_rows or len(set(block.sample_ids)) == 1
    for one, next_ in pairwise(blocks):
        assert one.sample_ids[-1] != next_.sample_ids[0] or one.stop in starts


# Reading


def test_a_stretch_of_rows(tmp_path: Path) -> None:
    rows = {f"s{k}": [k, 1] for k in range(10)}
    corpus = Corpus.build(frames(**rows), tmp_path, space_id="m", normalise=False)
    corpus.append(frames(**rows, t=[10, 1], u=[11, 1]))
    found = [(b.first, b.vectors[:, 0].tolist()) for b in corpus.blocks(3, 11, n_rows=4)]
    assert found == [(3, [3, 4, 5, 6]), (7, [7, 8, 9]), (10, [10])]
    assert list(corpus.blocks(5, 5)) == list(corpus.blocks(12)) == []
    for start, stop in ((-1, 3), (0, 13), (4, 3)):
        with refused(f"{tmp_path}: rows {start} to {stop} of 12"):
            corpus.blocks(start, stop)
    with refused(f"{tmp_path}: rows 0 to 12 are not all there"):
        corpus.vectors_at([0, 12])


def test_an_unknown_element_is_named(tmp_path: Path) -> None:
    corpus = Corpus.build(frames(a=[1, 0]), tmp_path / "f", space_id="m")
    with refused(f"{tmp_path / 'f'}: 2 of 3 elements are not in the index, first 'b'"):
        corpus.vectors_of([Element("a"), Element("b"), Element("a", 1)])
    corpus = Corpus.build(objects(("a", [1, 0])), tmp_path / "o", task="det", space_id="m")
    with refused(f"{tmp_path / 'o'}: 1 of 1 elements are not in the index, first object 1 of 'a'"):
        corpus.vectors_of([Element("a", 1)])


def test_where_there_is_no_index(tmp_path: Path) -> None:
    with refused(f"{tmp_path}: no index; 'selectlab index DATASET' (Corpus.build) makes one"):
        Corpus.open(tmp_path)


def test_what_is_damaged_is_said(tmp_path: Path) -> None:
    place = tmp_path / "i"
    Corpus.build(frames(a=[1, 0], b=[0, 1]), place, space_id="m")
    part = place / "part-000001"
    whole = (part / "vectors.npy").read_bytes()
    (part / "vectors.npy").write_bytes(whole[:-3])
    with refused(f"{part}/vectors.npy: the file is cut off, 3 bytes are missing"):
        Corpus.open(place)
    (part / "vectors.npy").write_bytes(whole)
    (part / "elements.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"elements.npz: damaged, .*; build the index anew$"):
        Corpus.open(place)
    shutil.rmtree(part)
    with refused(f"{part}/vectors.npy: cannot be read, No such file or directory"):
        Corpus.open(place)


def test_somebody_elses_manifest_is_left_alone(tmp_path: Path) -> None:
    """A folder of a selection run has a manifest.json too."""
    build(tmp_path, {MANIFEST: {"counts": {}}})
    for work in (
        lambda: Corpus.open(tmp_path),
        lambda: Corpus.build(frames(a=[1, 0]), tmp_path, space_id="m", rebuild=True),
    ):
        with pytest.raises(DataError, match="not the manifest of an index of this version"):
            work()
    assert json.loads((tmp_path / MANIFEST).read_text()) == {"counts": {}}


def test_reading_takes_little_memory(tmp_path: Path) -> None:
    """100 MB of vectors, shuffled: building takes less than that, scanning far less."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(200_000, 128)).astype(np.float32)
    lines = "".join(f"{k:06d}\n" for k in rng.permutation(len(values)))
    build(tmp_path, {"embeddings.npy": npy(values), "ids.txt": lines})
    program = (
        "import resource, sys\n"
        "from selectlab.corpus import Corpus\n"
        "from selectlab.inputs.folder import open_dataset\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before, place = peak(), sys.argv[1] + '/.selectlab/corpus/default'\n"
        "if sys.argv[2] == 'build':\n"
        "    Corpus.build(open_dataset(sys.argv[1]), space_id='m')\n"
        "else:\n"
        "    assert sum(len(block) for block in Corpus.open(place).blocks()) == 200_000\n"
        "print(peak() - before)\n"
    )
    unit = 1 if sys.platform == "darwin" else 1024
    taken = {}
    for work in ("build", "scan"):
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path), work],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        taken[work] = int(done.stdout) * unit
    assert taken["build"] < 2.5 * values.nbytes
    assert taken["scan"] < values.nbytes / 3


# Two at once, and the end of one


def test_a_second_writer_is_refused_and_readers_are_not(tmp_path: Path) -> None:
    data = frames(a=[1, 0])
    corpus = Corpus.build(data, tmp_path, space_id="m")
    with held(tmp_path / LOCK, DataError):
        with refused(
            f"{tmp_path}: process {os.getpid()} is writing this index; run this again when it is "
            "done"
        ):
            corpus.append(frames(b=[1, 0]))
        assert Corpus.open(tmp_path).n_elements == 1


def test_readers_see_one_generation_while_it_is_built_anew(tmp_path: Path) -> None:
    """Generation g holds g samples whose vectors are all g; readers never see a mixture."""

    def generation(g: int) -> Dataset:
        return frames(**{f"s{k}": [g, g] for k in range(g)})

    Corpus.build(generation(1), tmp_path, space_id="m", normalise=False)
    over = threading.Event()
    seen, wrong = set(), []

    def read() -> None:
        while not over.is_set():
            corpus = Corpus.open(tmp_path)
            seen.add(corpus.generation)
            values = {v for vector in everything(corpus).values() for v in vector}
            if corpus.n_elements != corpus.generation or values != {float(corpus.generation)}:
                wrong.append((corpus.generation, corpus.n_elements, values))

    reader = threading.Thread(target=read)
    reader.start()
    for g in range(2, 40):
        Corpus.build(generation(g), tmp_path, space_id="m", normalise=False, rebuild=True)
    over.set()
    reader.join()
    assert not wrong
    assert len(seen) > 1


def test_an_index_that_is_built_anew_while_it_is_opened_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading the manifest and opening what it names, all of that is replaced."""
    Corpus.build(frames(a=[1, 0]), tmp_path, space_id="m")
    opened, calls = Rows.open, []

    def late(manifest: Manifest, folder: Path) -> Rows:
        calls.append(manifest.generation)
        if len(calls) == 1:
            Corpus.build(frames(b=[0, 1]), tmp_path, space_id="m", rebuild=True)
        return opened(manifest, folder)

    monkeypatch.setattr(Rows, "open", late)
    corpus = Corpus.open(tmp_path)
    assert (corpus.generation, corpus.elements_at([0])) == (2, [Element("b")])
    assert calls == [1, 2, 2]


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    corpus = Corpus.build(frames(a=[1, 0]), tmp_path, space_id="m")
    left = {"part-000002/vectors.npy": "half", "lists-000002.faiss": "", ".manifest-7.json": "{"}
    build(tmp_path, left | {"part-time.txt": "mine", "notes/x": "mine"})
    assert corpus.append(frames(a=[1, 0], b=[0, 1])) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        MANIFEST, "notes", "part-000001", "part-000002", "part-time.txt"
    ]  # fmt: skip
    assert everything(Corpus.open(tmp_path)) == {Element("a"): (1, 0), Element("b"): (0, 1)}


KILLED = """
import os, signal, sys
from selectlab.corpus import Corpus
from selectlab.inputs.folder import open_dataset
data = open_dataset(sys.argv[1])

def die(event, given):
    if event == "open" and str(given[1])[0] in "xw" and sys.argv[3] in str(given[0]):
        os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[3]:
    sys.addaudithook(die)
print("ready", flush=True)
sys.stdin.readline()
if sys.argv[2] == "append":
    Corpus.open(sys.argv[1] + "/.selectlab/corpus/default").append(data)
else:
    Corpus.build(data, space_id="m", rebuild=True)
print("done", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("work", ["build", "append", "rebuild"])
def test_a_killed_writer_leaves_the_index_as_it_was(tmp_path: Path, work: str) -> None:
    """SIGKILL at random moments; the next run finishes, and holds what one that lived holds.

    Every other time it comes when a certain file is begun, to be sure to kill amid writing.
    """
    values = np.random.default_rng(3).normal(size=(40_000, 64)).astype(np.float32)
    ids = [f"{k:05d}" for k in np.random.default_rng(4).permutation(len(values))]
    data = tmp_path / "data"
    lines = "".join(f"{name}\n" for name in ids[:10_000])
    build(data, {"embeddings.npy": npy(values[:10_000]), "ids.txt": lines})
    place = data / ".selectlab" / "corpus" / "default"
    if work != "build":
        Corpus.build(open_dataset(data), space_id="m")
    before = everything(Corpus.open(place)) if work != "build" else {}
    lines = "".join(f"{name}\n" for name in ids)
    build(data, {"embeddings.npy": npy(values), "ids.txt": lines})
    backup = tmp_path / "backup"
    if place.exists():
        shutil.copytree(place, backup)
    moments, n_amid = random.Random(5), 0
    for file in ("", "elements.npz", "", "hashes.npy", "", ".manifest-"):
        writer = _start(data, work, file)
        if not file:
            time.sleep(moments.uniform(0, 0.1))
            writer.send_signal(signal.SIGKILL)
        writer.communicate()
        assert not file or writer.returncode == -signal.SIGKILL
        if not (place / MANIFEST).exists():
            assert work == "build"
            n_amid += any(place.glob("part-*"))
            continue
        found = Corpus.open(place)
        if found.n_elements < len(values):
            assert everything(found) == before
            n_amid += len(list(place.glob("part-*"))) > 1
        else:  # it was done already
            shutil.rmtree(place)
            if backup.exists():
                shutil.copytree(backup, place)
    assert n_amid >= 3
    writer = _start(data, work)
    assert "done" in writer.communicate()[0]
    corpus = Corpus.open(place)
    expected = values / np.linalg.norm(values.astype(np.float64), axis=1)[:, None]
    rows = corpus.rows_of(Element(name) for name in ids)
    np.testing.assert_allclose(corpus.vectors_at(rows), expected, rtol=1e-6)
    assert sorted(rows.tolist()) == list(range(len(values)))
    named = {MANIFEST, *(f"part-{g:06d}" for g in range(1, corpus.generation + 1))}
    assert {path.name for path in place.iterdir()} <= named
    assert len(list(place.iterdir())) == 1 + corpus.n_parts


def _start(data: Path, work: str, file: str = "") -> subprocess.Popen[str]:
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(data), work, file],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert writer.stdin is not None
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    writer.stdin.write("go\n")
    writer.stdin.flush()
    return writer


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file/i: cannot be written, "):
        Corpus.build(frames(a=[1, 0]), tmp_path / "file" / "i", space_id="m")


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk."""
    data = frames(**{f"s{k}": [k, 1, 2] for k in range(20_000)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with refused(
            f"{tmp_path / 'i'}: 0.00024 GB of vectors do not fit on the disk, File too large; the "
            "index may lie in another folder"
        ):
            Corpus.build(data, tmp_path / "i", space_id="m")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert not (tmp_path / "i").exists()


# The approximate index


def clusters(n: int, dimension: int = 6) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(6)
    centres = rng.normal(size=(40, dimension))
    spread = 0.3 * rng.normal(size=(n, dimension))
    found: np.ndarray[Any, Any] = (centres[rng.integers(0, 40, n)] + spread).astype(np.float32)
    return found


def test_approximate_neighbours_and_their_recall(tmp_path: Path) -> None:
    """The recall is counted again here, in plain numpy; what came later is found exactly."""
    values = clusters(3100)
    ids = [f"{k:04d}" for k in range(3100)]
    first = Dataset(ids[:3000], embeddings=values[:3000])
    corpus = Corpus.build(first, tmp_path, space_id="m", normalise=False)
    with refused(
        f"{tmp_path}: no approximate index; 'selectlab index DATASET --approximate' "
        "(add_approximate) makes one"
    ):
        corpus.near(values[:1], 3)
    corpus.add_approximate()
    entry = corpus.approximate
    assert entry is not None
    assert (entry.n_elements, entry.k, entry.measured_on) == (3000, 10, 256)
    some = np.arange(256) * 3000 // 256
    true = np.linalg.norm(values[:3000][None] - values[some][:, None].astype(np.float64), axis=2)
    worst = np.sort(true, axis=1)[:, 10]
    dists, rows = corpus.near(values[some], 11)
    np.testing.assert_allclose(dists, np.take_along_axis(true, rows, axis=1), rtol=1e-12)
    assert (np.diff(dists) >= 0).all()
    assert (rows[:, 0] == some).all()
    assert entry.recall == round(float((dists[:, 1:] <= worst[:, None] * (1 + 1e-12)).mean()), 4)
    assert entry.recall > 0.9

    assert corpus.append(Dataset(ids, embeddings=values)) == 100
    dists, rows = corpus.near(values[3000:], 1)
    assert rows[:, 0].tolist() == list(range(3000, 3100))
    assert not dists.any()
    corpus.add_approximate()
    assert corpus.approximate is not None
    assert corpus.approximate.n_elements == 3100
    assert len(list(tmp_path.glob("lists-*"))) == 1
    assert Corpus.open(tmp_path).near(values[:2], 4000)[1][:, -1].tolist() == [-1, -1]
    assert Corpus.build(first, tmp_path, space_id="m", rebuild=True).approximate is None
    assert not list(tmp_path.glob("lists-*"))


def test_what_the_approximate_index_refuses(tmp_path: Path) -> None:
    corpus = Corpus.build(frames(a=[1, 0]), tmp_path / "few", space_id="m")
    with refused(
        f"{tmp_path / 'few'}: 1 elements are searched exactly in no time; an approximate index "
        f"takes {FEWEST} or more"
    ):
        corpus.add_approximate()
    many = Dataset([f"{k:04d}" for k in range(FEWEST)], embeddings=clusters(FEWEST))
    corpus = Corpus.build(many, tmp_path / "many", space_id="m")
    corpus.add_approximate()
    for shape, k in (((2, 5), 1), ((6,), 1), ((2, 6), 0)):
        with refused(
            f"{tmp_path / 'many'}: {k} rows near vectors of shape {shape}, expected 1 or more and "
            "shape (Q, 6)"
        ):
            corpus.near(np.zeros(shape, dtype=np.float32), k)
    stale = Corpus.open(tmp_path / "many")
    Corpus.build(many, tmp_path / "many", space_id="m", rebuild=True)
    with pytest.raises(DataError, match=r"if the index has been changed meanwhile, open it again$"):
        stale.near(clusters(1), 1)
    assert stale.n_elements == FEWEST


# The command line


def test_index_append_and_show(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    ran = selectlab("index", data)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "error: embeddings.parquet: nothing says which embedding space it lies in; name the model "
        "and its weights with --space-id ID (space_id=...)\n"
    )
    ran = selectlab("index", data, "--space-id", "resnet")
    assert (ran.code, ran.err) == (0, "")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[:6] == [
        f"{data}/.selectlab/corpus/default",
        "added 6",
        "elements 6 frames, of 6 samples",
        "space resnet",
        "vectors 4 dimensions, unit length",
        "parts 1, generation 1",
    ]
    rows = parquet({"sample_id": [*IDS[1:], "new.png"], "embedding": vectors(6)})
    build(data, {"embeddings.parquet": rows})
    ran = selectlab("index", data, "--json")
    assert ran.code == 0
    found = json.loads(ran.out)
    assert (found["added"], found["before"], found["elements"], found["parts"]) == (1, 6, 7, 2)
    place = data / ".selectlab" / "corpus" / "default"
    assert ran.err.splitlines() == [
        f"note: {place}: 5 of 5 known elements have other vectors in the dataset by now; the index "
        "keeps its own, --rebuild takes the new ones",
        f"note: {place}: 1 of 6 elements are not in the dataset; they stay, --rebuild leaves them "
        "out",
        "note: embeddings.parquet: no embedding for 1 of 7 samples, first 'a/0.png'; they are not "
        "in the index",
    ]
    shown = selectlab("index", data, "--show", "--json")
    assert json.loads(shown.out) == {
        key: value for key, value in found.items() if key not in ("added", "before")
    }
    ran = selectlab("index", data, "--rebuild", "--raw", "--space-id", "resnet", "--json")
    again = json.loads(ran.out)
    assert (again["elements"], again["generation"], again["space"]["normalised"]) == (6, 3, False)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--task", "det"], "--task: {} holds frames, not 'det'; --name NAME or --index DIR makes "
         "another index beside it"),
        (["--space", "clip"], "--space: {} holds frames, not 'clip'; --name NAME or --index DIR "
         "makes another index beside it"),
        (["--raw"], "--raw: {} holds vectors of unit length; --rebuild makes it anew"),
        (["--approximate"], "{}: 6 elements are searched exactly in no time; an approximate index "
         "takes 1000 or more"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_are_one_line(
    tmp_path: Path, options: list[str], line: str
) -> None:
    data, place = small_dataset(tmp_path), tmp_path / "index"
    assert selectlab("index", data, "--space-id", "m", "--index", place).code == 0
    ran = selectlab("index", data, "--index", place, *options)
    assert (ran.code, ran.out, ran.err) == (2, "", f"error: {line.format(place)}\n")


def test_show_where_nothing_is(tmp_path: Path) -> None:
    data = small_dataset(tmp_path)
    ran = selectlab("index", data, "--show", "--task", "det")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        f"error: {data}/.selectlab/corpus/det: no index; 'selectlab index DATASET' (Corpus.build) "
        "makes one\n"
    )


def test_the_help_teaches() -> None:
    out = " ".join(selectlab("index", "--help").out.split())
    assert out.startswith("Usage: selectlab index [OPTIONS] {dataset}")
    assert "Example: selectlab index ./dataset --space-id" in out
