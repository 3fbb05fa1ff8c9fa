"""EMBEDDINGS: vectors of samples and objects, and query sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_source import PlainSource, dataset_of, task_of, vectors_table

from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.inputs import Embeddings
from selectlab.inputs.folder import open_dataset
from selectlab.types import Objects, Vectors

IDS = ["a", "b", "c"]


def samples(**columns: Any) -> Dataset:
    """3 samples; the table is in another order and has one id too many."""
    table = vectors_table(["c", "x", "a", "b"], [[0, 3], [9, 9], [3, 4], [2, 0]])
    return dataset_of(IDS, spaces={None: table}, **columns)


def objects(rows: list[tuple[str, int, list[float]]], **columns: Any) -> Dataset:
    table = vectors_table(
        [row[0] for row in rows],
        [row[2] for row in rows],
        objects=[row[1] for row in rows],
        where="embeddings/det.parquet",
    )
    return dataset_of(IDS, object_tables={"det": table}, **columns)


# Vectors -------------------------------------------------------------------------------------


def test_rows_follow_the_dataset_and_have_unit_length() -> None:
    signal = Embeddings().load(samples())
    assert isinstance(signal, Vectors)
    assert signal.vectors.dtype == np.float32
    assert signal.vectors.tolist() == [[np.float32(0.6), np.float32(0.8)], [1, 0], [0, 1]]
    assert signal.missing is None
    assert signal.query is None
    assert signal.name == "embeddings"


def test_normalize_false_leaves_the_vectors() -> None:
    signal = Embeddings(normalize=False).load(samples())
    assert signal.vectors.tolist() == [[3, 4], [2, 0], [0, 3]]


def test_missing_samples_are_marked() -> None:
    dataset = dataset_of(IDS, spaces={None: vectors_table(["c", "a"], [[1, 0], [0, 1]])})
    signal = Embeddings().load(dataset)
    assert signal.missing is not None
    assert signal.missing.tolist() == [False, True, False]


def test_further_space() -> None:
    dataset = dataset_of(IDS, spaces={"clip": vectors_table(IDS, np.eye(3, 5))})
    signal = Embeddings(space="clip").load(dataset)
    assert signal.vectors.shape == (3, 5)
    assert signal.name == "embeddings clip"


@pytest.mark.parametrize(
    ("given_input", "message"),
    [
        (
            Embeddings(),
            "plain: no embeddings; expected embeddings.parquet (columns sample_id, embedding) or "
            "embeddings.npy with ids.txt (one id a line); 'selectlab embed' makes some without a "
            "model",
        ),
        (
            Embeddings(space="clip"),
            "plain: no embedding space 'clip'; expected embeddings/clip.parquet (columns "
            "sample_id, embedding)",
        ),
        (
            Embeddings(task="det"),
            "plain: no embeddings for task 'det'; expected embeddings/det.parquet (columns "
            "sample_id, object, embedding) or embeddings/det.npy with embeddings/det.csv",
        ),
    ],
)
def test_no_embeddings(given_input: Embeddings, message: str) -> None:
    with pytest.raises(DataError) as caught:
        given_input.load(dataset_of(IDS))
    assert str(caught.value) == message


def test_fields_that_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="'task' and 'space' exclude each other"):
        Embeddings(task="det", space="clip")
    with pytest.raises(ValueError, match="'dataset_id' needs 'tag_name'"):
        Embeddings(dataset_id="other")


# Objects -------------------------------------------------------------------------------------


def test_objects_are_sorted_by_sample_and_index() -> None:
    """b has objects 0 and 1, given in the other order; a has none; c has one; x is unknown."""
    dataset = objects([("b", 1, [0, 2]), ("x", 0, [7, 7]), ("c", 0, [0, 5]), ("b", 0, [3, 0])])
    signal = Embeddings(task="det", normalize=False).load(dataset)
    assert isinstance(signal, Objects)
    assert signal.offsets.tolist() == [0, 0, 2, 3]
    assert signal.vectors.tolist() == [[3, 0], [0, 2], [0, 5]]
    assert signal.missing is None
    assert signal.empty is not None
    assert signal.empty.tolist() == [True, False, False]
    assert signal.name == "embeddings of det objects"


def test_predicted_objects_that_were_not_embedded_are_missing() -> None:
    """a: 2 predicted, none embedded: missing. b: none predicted: no objects. c: 1 of 2."""
    dataset = objects([("c", 1, [1, 0])], by_task={"det": task_of([2, 0, 2], [0, 0, 0, 0])})
    signal = Embeddings(task="det").load(dataset)
    assert signal.missing is not None
    assert signal.missing.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [("a", 0, [1, 0]), ("b", 2, [1, 0]), ("b", 2, [0, 1])],
            "embeddings/det.parquet: object 2 of 'b' occurs twice",
        ),
        ([("c", -1, [1, 0])], "embeddings/det.parquet: object -1 of 'c' is negative"),
        (
            [("b", 3, [1, 0])],
            "embeddings/det.parquet: object 3 of 'b' does not exist; its predictions have 3 "
            "objects, counted from 0",
        ),
        (
            [("x", 0, [1, 0])],
            "embeddings/det.parquet: none of its 1 ids is in the dataset; it has 'x', the "
            "dataset 'a'",
        ),
        (
            [("a", 0, [1, 0]), ("c", 0, [float("nan"), 0])],
            "embeddings/det.parquet: embedding of 'c' has NaN, infinite or overflowing values",
        ),
    ],
)
def test_bad_objects(rows: list[tuple[str, int, list[float]]], message: str) -> None:
    dataset = objects(rows, by_task={"det": task_of([1, 3, 1], [0] * 5)})
    with pytest.raises(DataError) as caught:
        Embeddings(task="det").load(dataset)
    assert str(caught.value) == message


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(any), st.randoms())
def test_file_order_changes_nothing(counts: list[int], random: Any) -> None:
    rows = [
        (sample_id, obj, [float(row + 1), float(obj)])
        for row, (sample_id, count) in enumerate(zip(IDS, counts, strict=True))
        for obj in range(count)
    ]
    sorted_rows = [row[2] for row in rows]
    random.shuffle(rows)
    signal = Embeddings(task="det", normalize=False).load(objects(rows))
    assert signal.vectors.tolist() == sorted_rows
    assert isinstance(signal, Objects)
    assert np.diff(signal.offsets).tolist() == counts


# Query sets ----------------------------------------------------------------------------------


def test_query_in_the_same_dataset() -> None:
    dataset = samples(tag_ids={"wanted": ["c", "a", "c"]})
    signal = Embeddings(tag_name="wanted", normalize=False).load(dataset)
    assert signal.query is not None
    assert signal.query.tolist() == [[3, 4], [0, 3]]
    assert signal.query_ids == ("a", "c")
    assert signal.name == "embeddings, query tag 'wanted'"


def test_initial_tag_is_everything() -> None:
    assert Embeddings(tag_name="initial-tag").load(samples()).query_ids == ("a", "b", "c")


def other_dataset(dimension: int = 2, space: str | None = None, **columns: Any) -> Dataset:
    table = vectors_table(["q", "p"], np.eye(2, dimension), where="other.parquet", space=space)
    return Dataset(source=PlainSource(["p", "q"], where="other", spaces={None: table}, **columns))


def test_query_in_another_dataset() -> None:
    dataset = samples()
    dataset.datasets["other"] = other_dataset()
    signal = Embeddings(dataset_id="other", tag_name="initial-tag").load(dataset)
    assert signal.query is not None
    assert signal.query.tolist() == [[0, 1], [1, 0]]
    assert signal.query_ids == ("p", "q")


def test_query_of_objects() -> None:
    dataset = objects(
        [("b", 1, [0, 2]), ("c", 0, [0, 5]), ("b", 0, [3, 0])],
        tag_ids={"two": ["b"], "none": ["a"]},
    )
    signal = Embeddings(task="det", tag_name="two", normalize=False).load(dataset)
    assert signal.query is not None
    assert signal.query.tolist() == [[3, 0], [0, 2]]
    assert signal.query_ids == ("b", "b")
    with pytest.raises(DataError, match="the query is empty; none of the 1 samples of tag 'none'"):
        Embeddings(task="det", tag_name="none").load(dataset)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"tag_name": "wantd"},
            "plain: no tag 'wantd'; did you mean 'wanted'? (expected tags/wantd.txt, one id a line)",
        ),
        ({"tag_name": "empty"}, "plain: the query is empty; tag 'empty' has no ids"),
        (
            {"tag_name": "strange"},
            "plain: tag 'strange': 1 of 2 ids are not in the dataset, first 'zz'; known: a, b, c",
        ),
        (
            {"tag_name": "wanted", "dataset_id": "wide"},
            "other: no tag 'wanted'; known: initial-tag (expected tags/wanted.txt, one id a line)",
        ),
        (
            {"tag_name": "initial-tag", "dataset_id": "wide"},
            "other.parquet: query vectors have 5 dimensions, those of embeddings.parquet have 2",
        ),
        (
            {"tag_name": "initial-tag", "dataset_id": "wode"},
            "EMBEDDINGS dataset_id: 'wode' is not known; did you mean 'wide'?; name its folder in "
            "datasets.json or with --dataset wode=PATH",
        ),
        (
            {"tag_name": "wantd", "dataset_id": "63f1"},
            "plain: no tag 'wantd'; did you mean 'wanted'? (expected tags/wantd.txt, one id a "
            "line); dataset_id '63f1' is not in datasets.json, so it was looked for here",
        ),
    ],
)
def test_bad_queries(fields: dict[str, str], message: str) -> None:
    dataset = samples(tag_ids={"wanted": ["a"], "empty": [], "strange": ["a", "zz"]})
    dataset.datasets["wide"] = other_dataset(dimension=5)
    with pytest.raises(DataError) as caught:
        Embeddings(**fields).load(dataset)
    assert str(caught.value) == message


def test_an_id_named_nowhere_is_this_dataset() -> None:
    dataset = samples(tag_ids={"wanted": ["b"]})
    with pytest.warns(UserWarning, match="'63f1' is named nowhere, so the query 'wanted' is taken"):
        signal = Embeddings(dataset_id="63f1", tag_name="wanted").load(dataset)
    assert signal.query_ids == ("b",)


def test_query_in_another_space() -> None:
    table = vectors_table(IDS, np.eye(3, 2), space="v8n@1")
    dataset = dataset_of(IDS, spaces={None: table})
    dataset.datasets["other"] = other_dataset(space="v8n@2")
    with pytest.raises(DataError) as caught:
        Embeddings(dataset_id="other", tag_name="initial-tag").load(dataset)
    assert str(caught.value) == (
        "other.parquet: the query lies in embedding space 'v8n@2', embeddings.parquet in 'v8n@1'; "
        "embed both with the same model"
    )


def test_query_sample_without_embedding() -> None:
    table = vectors_table(["a", "c"], np.eye(2, 4))
    dataset = dataset_of(IDS, spaces={None: table}, tag_ids={"t": ["a", "b"]})
    with pytest.raises(DataError) as caught:
        Embeddings(tag_name="t").load(dataset)
    assert str(caught.value) == "embeddings.parquet: no row for 1 of 2 query samples, first 'b'"


def folder(path: Path, ids: list[str], vectors: Any, **texts: str) -> Path:
    path.mkdir()
    np.save(path / "embeddings.npy", np.asarray(vectors, dtype=np.float32))
    (path / "ids.txt").write_text("\n".join(ids))
    for name, text in texts.items():
        target = path / name.replace("__", "/").replace("_dot_", ".")
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
    return path


def test_query_in_a_folder_named_in_datasets_json(tmp_path: Path) -> None:
    """The whole way from files: two folders, a tag in the second, its name in the first."""
    folder(tmp_path / "queries", ["q.png", "p.png"], [[1, 0], [0, 1]], tags__t_dot_txt="q.png\n")
    links = json.dumps({"wanted": str(tmp_path / "queries")})
    pool = folder(tmp_path / "pool", ["b.png", "a.png"], [[3, 4], [0, 2]], datasets_dot_json=links)
    signal = Embeddings(dataset_id="wanted", tag_name="t").load(open_dataset(str(pool)))
    assert signal.vectors.tolist() == [[0, 1], [np.float32(0.6), np.float32(0.8)]]
    assert signal.query is not None
    assert signal.query.tolist() == [[1, 0]]
    assert signal.query_ids == ("q.png",)
