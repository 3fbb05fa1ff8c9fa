"""Datasets from arrays, tensors and tables at hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from selectlab.dataset import Dataset
from selectlab.errors import DataError
from selectlab.inputs import Embeddings
from selectlab.inputs.coco import read_coco
from selectlab.memory import predictions_from

IDS = ["c", "a", "b"]
VALUES = np.arange(6, dtype=np.float64).reshape(3, 2)


@pytest.mark.parametrize(
    "value",
    [VALUES, VALUES.tolist(), torch.tensor(VALUES, requires_grad=True),
     torch.tensor(VALUES, dtype=torch.bfloat16), pd.DataFrame(VALUES)],
)  # fmt: skip
def test_embeddings_follow_their_ids(value: Any) -> None:
    """Rows were given for c, a, b and come out for a, b, c."""
    data = Dataset(IDS, embeddings=value)
    table = data.source.embeddings(None)
    assert table is not None
    assert data.vectors(table, normalize=False)[0].tolist() == [[2, 3], [4, 5], [0, 1]]


def test_embedding_spaces() -> None:
    data = Dataset(IDS, embeddings={"clip": VALUES})
    assert data.source.embeddings(None) is data.source.embeddings("clip")
    assert data.source.embeddings("other") is None
    assert Dataset(IDS).source.embeddings(None) is None
    several = Dataset(IDS, embeddings={"b": VALUES, "a": VALUES})
    with pytest.raises(DataError, match=r"several embedding spaces \(a, b\); name one"):
        several.source.embeddings(None)


def test_object_embeddings_count_up_within_a_sample() -> None:
    table = Dataset(IDS, object_embeddings={"det": (VALUES, ["b", "a", "b"])}).source
    found = table.object_embeddings("det")
    assert found is not None
    assert found.objects is not None
    assert found.objects.tolist() == [0, 0, 1]
    assert table.object_embeddings("seg") is None


def test_metadata_follows_its_ids() -> None:
    frame = pd.DataFrame(
        {
            "number": [1.5, np.nan, 3],
            "text": ["x", None, "y"],
            "kind": pd.Categorical([1, 2, 1]),
            "flag": [True, False, True],
        },
        index=[7, 8, 9],
    )
    found = Dataset(IDS, metadata=frame).metadata()
    assert found is not None
    assert found.frame.index.tolist() == ["a", "b", "c"]
    assert found.frame["number"].tolist()[1:] == [3.0, 1.5]
    assert found.frame["number"].isna().tolist() == [True, False, False]
    assert found.frame["text"].tolist() == [None, "y", "x"]
    assert found.frame["kind"].tolist() == [2, 1, 1]
    assert found.frame["flag"].tolist() == [False, True, True]
    assert {key: held.kind for key, held in found.declared.items()} == {"kind": "categorical"}
    assert frame.index.tolist() == [7, 8, 9]
    plain = Dataset(IDS, metadata={"n": [1, 2, 3], "t": torch.tensor([4, 5, 6])}).metadata()
    assert plain is not None
    assert plain.frame["n"].tolist() == [2, 3, 1]
    assert plain.frame["t"].tolist() == [5, 6, 4]


@pytest.mark.parametrize("form", [np.array, torch.tensor, lambda p: pd.DataFrame(p)])
def test_class_probabilities(form: Any) -> None:
    value = form([[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]])
    found = Dataset(IDS, predictions={"w": value}).predictions("w")
    assert found.task_type == "classification"
    assert found.names == ("0", "1")
    assert found.category.tolist() == [0, 0, 1]
    assert found.score.tolist() == [1.0, 0.5, 0.75]
    assert found.probabilities is not None
    assert found.probabilities.tolist() == [[1, 0], [0.5, 0.5], [0.25, 0.75]]
    assert found.offsets.tolist() == [0, 1, 2, 3]


def test_columns_name_the_classes() -> None:
    frame = pd.DataFrame({"sun": [1.0, 0.0, 0.5], "rain": [0.0, 1.0, 0.5]})
    assert predictions_from("w", frame, IDS).names == ("sun", "rain")


def test_a_table_of_detections() -> None:
    """Sample b has none and no row; the rest keeps the table's order."""
    frame = pd.DataFrame(
        {
            "sample_id": ["c", "a", "c"],
            "category": ["dog", "cat", "cat"],
            "score": [0.5, 0.25, np.nan],
            "x": [1, 2, 3], "y": 0, "w": 4, "h": 5,
        }
    )  # fmt: skip
    with pytest.raises(DataError, match=r"score must be a number from 0 to 1, got nan"):
        predictions_from("d", frame, IDS)
    found = predictions_from("d", frame.fillna(0.125), ["a", "b", "c"])
    assert found.names == ("cat", "dog")
    assert found.offsets.tolist() == [0, 1, 1, 3]
    assert found.category.tolist() == [0, 1, 0]
    assert found.score.tolist() == [0.25, 0.5, 0.125]
    assert found.boxes is not None
    assert found.boxes.tolist() == [[2, 0, 4, 5], [1, 0, 4, 5], [3, 0, 4, 5]]
    assert found.listed.tolist() == [True, False, True]
    numbered = predictions_from("d", frame.assign(category=[9, 2, 9], score=0.5), IDS)
    assert (numbered.category_ids, numbered.names) == ((2, 9), ("2", "9"))


def test_lightly_style_predictions() -> None:
    value = {
        "task_type": "object-detection",
        "categories": ["cat", "dog"],
        "predictions": {"b": [{"category_id": 1, "bbox": [0, 0, 1, 1], "score": 0.5}], "a": []},
    }
    found = predictions_from("d", value, ["a", "b", "c"])
    assert found.counts().tolist() == [0, 1, 0]
    assert found.listed.tolist() == [True, True, False]
    assert Dataset(predictions={"d": value}).ids == ("a", "b")
    again = Dataset(["b", "a"], predictions={"d": predictions_from("d", value, ["b", "a"])})
    assert again.predictions("d").counts().tolist() == [0, 1]


COCO = read_coco(
    [{"image_id": 1, "category_id": 0, "bbox": [0, 0, 1, 1], "score": 1}],
    {"images": [{"id": 1, "file_name": "z"}], "categories": [{"id": 0, "name": "cat"}]},
)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[0.5, 0.5]], "1 rows for 3 ids"),
        ([[0.5, 0.5], [0.5, 0.4], [1, 0]], "probabilities of 'a' must sum to 1, they sum to 0.9"),
        ([[0.5, 0.5], [1.5, -0.5], [1, 0]], "probabilities of 'a' must be >= 0"),
        ([[0.5, 0.5], [1, np.nan], [1, 0]], "probabilities of 'a' have NaN or infinite values"),
        ([0.5, 0.5, 1], "expected (samples, classes) numbers, got shape (3,) of float64"),
        ({"categories": ["a"], "predictions": {}}, "key 'task_type' is missing"),
        (
            {"task_type": "classification", "categories": ["a"], "predictions": {"q": []}},
            "not in the dataset, 1 of 1 samples, first 'q'",
        ),
        (
            pd.DataFrame({"sample_id": ["a"], "category": ["x"]}),
            "no column 'x'; detections need x, y, w, h in px",
        ),
        (COCO, "none of its 1 ids is in the dataset; it has 'z', the dataset 'c'"),
        (predictions_from("d", [[1.0]], ["a"]), "1 samples for 3 ids"),
    ],
)
def test_bad_predictions(value: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        Dataset(IDS, predictions={"d": value})
    assert str(caught.value).startswith(f"predictions['d']: {message}")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ids": ["a", "b", "a"]}, "dataset: duplicate ids, 1 of 3 samples, first 'a'"),
        ({"ids": ["a", 3]}, "dataset: ids[1] must be text, got 3"),
        ({"ids": []}, "dataset: no samples; expected images, embeddings or tables"),
        ({"embeddings": VALUES}, "dataset: no ids; give ids, one per row of the arrays"),
        ({"ids": ["a"], "embeddings": VALUES}, "embeddings: 3 rows for 1 ids"),
        (
            {"ids": ["a"], "embeddings": [1.0]},
            "embeddings: expected a matrix of numbers, one row per vector, "
            "got shape (1,) of float64",
        ),
        ({"ids": ["a"], "metadata": {"k": [1, 2]}}, "metadata['k']: shape (2,) for 1 ids"),
        ({"ids": ["a"], "metadata": pd.DataFrame({"k": [1, 2]})}, "metadata: 2 rows for 1 ids"),
        (
            {"ids": ["a"], "metadata": {"k": [np.inf]}},
            "metadata: 'k' of 'a' is inf; expected a finite number",
        ),
        (
            {"ids": ["a"], "object_embeddings": {"t": (VALUES, ["a"])}},
            "object_embeddings['t']: 1 sample ids for 3 vectors",
        ),
    ],
)
def test_bad_columns(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        Dataset(**given)
    assert str(caught.value) == message


def test_the_rest_of_a_source() -> None:
    source = Dataset(IDS, tags={"t": ["a"]}, datasets={"d": "/x", "o": Dataset(["z"])}).source
    assert source.tag("t") == ("a",)
    assert source.tag("initial-tag") == ("c", "a", "b")
    assert source.tag("u") is None
    assert (source.linked("d"), source.linked("o"), source.linked("n")) == ("/x", None, None)
    assert source.uri("a") is None
    assert source.cache_folder() is None
    assert source.metadata(["a"]) is None
    with pytest.raises(DataError, match="no image 'a'"):
        source.open_image("a")


def test_columns_that_start_late() -> None:
    """Objects are checked in blocks; the first 9,000 have no probabilities, the last two do."""
    plain = {"category_id": 0, "bbox": [0, 0, 1, 2]}
    sure = plain | {"probabilities": [1.0, 0.0]}
    held = {f"{i:04d}": [plain] * 9 for i in range(1000)} | {"z": [sure, sure]}
    value = {"task_type": "object-detection", "categories": ["a", "b"], "predictions": held}
    found = Dataset(predictions={"d": value}).predictions("d")
    assert len(found.category) == 9002
    assert found.probabilities is not None
    assert np.isnan(found.probabilities).all(axis=1).sum() == 9000
    assert found.probabilities[-1].tolist() == [1, 0]
    assert found.boxes is not None
    assert found.boxes.sum() == 9002 * 3


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"metadata": 3}, "metadata: expected a pandas table or {key: values}, got int"),
        ({"predictions": [3]}, "predictions: expected a mapping by name, got list"),
        ({"datasets": "x"}, "datasets: expected a mapping by name, got str"),
    ],
)
def test_columns_of_another_kind(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        Dataset(["a", "b"], **columns)
    assert str(caught.value) == message


def test_ragged_embeddings() -> None:
    with pytest.raises(DataError, match=r"^embeddings: not a matrix of numbers: "):
        Dataset(["a", "b"], embeddings=[[1, 2], [1]])


def test_embeddings_too_long_for_float32() -> None:
    dataset = Dataset(["a", "b"], embeddings=np.full((2, 3), 1e19))
    with pytest.raises(DataError) as caught:
        Embeddings(normalize=False).load(dataset)
    assert str(caught.value) == (
        "embeddings: embedding of 'a' has NaN, infinite or overflowing values"
    )
