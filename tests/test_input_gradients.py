"""GRADIENTS: by hand, what is missing, and what cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from plain_source import dataset_of, task_of, vectors_table

from selectlab import Dataset, select
from selectlab.errors import ConfigError, DataError, SelectlabError
from selectlab.inputs import Gradients, gradients
from selectlab.resources import Resources, using
from selectlab.strategies import Spread

IDS = ["a", "b", "c"]
NAMES = ("car", "bus", "cat")
SURE = [[0.5, 0.25, 0.25], [0.125, 0.125, 0.75], [0.0, 1.0, 0.0]]
VECTORS = np.array([[1.0, 2.0], [4.0, 8.0], [3.0, 5.0]])


def dataset(probabilities: Any = SURE, **columns: Any) -> Dataset:
    return Dataset(IDS, embeddings=VECTORS, predictions={"cls": np.array(probabilities)}, **columns)


def load(data: Dataset, **fields: Any) -> list[list[float]]:
    return Gradients(task="cls", **fields).load(data).vectors[:].tolist()


def test_by_hand() -> None:
    """(p - onehot) of a: -.5, .25, .25; of b: .125, .125, -.25; of c: 0. Class by class."""
    assert load(dataset()) == [
        [-0.5, -1.0, 0.25, 0.5, 0.25, 0.5],
        [0.5, 1.0, 0.5, 1.0, -1.0, -2.0],
        [0.0] * 6,
    ]


def test_with_bias_an_embedding_ends_in_1() -> None:
    assert load(dataset(), bias=True)[0] == [-0.5, -1.0, -0.5, 0.25, 0.5, 0.25, 0.25, 0.5, 0.25]


def test_normalised() -> None:
    found = load(dataset(), normalize=True)[0]
    assert found == pytest.approx((np.array(load(dataset())[0]) / 5**0.5).tolist())


def test_another_space() -> None:
    data = Dataset(
        IDS, embeddings={"x": VECTORS, "y": 2 * VECTORS}, predictions={"cls": np.array(SURE)}
    )
    twice = (2 * np.array(load(data, space="x"))).tolist()
    assert load(data, space="y") == twice
    assert Gradients(task="cls", space="y").describe() == "gradients of cls on y"


def test_of_equal_classes_the_first_is_the_label() -> None:
    assert load(dataset([[0.5, 0.5]] * 3))[0] == [-0.5, -1.0, 0.5, 1.0]


def test_one_class_is_read_as_two() -> None:
    """p = .75 is (.75, .25); p = .25 is (.25, .75), which is the other class."""
    task = task_of(
        [1, 1, 1], [0, 0, 0], names=("car",), task_type="classification",
        probabilities=[[0.75], [0.25], [1.0]],
    )  # fmt: skip
    table = vectors_table(IDS, VECTORS)
    found = load(dataset_of(IDS, spaces={None: table}, by_task={"cls": task}))
    assert found[0] == [-0.25, -0.5, 0.25, 0.5]
    assert found[1] == [1.0, 2.0, -1.0, -2.0]


def test_blocks_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load(dataset())
    monkeypatch.setattr(gradients, "_BLOCK_VALUES", 1)
    assert load(dataset()) == expected


def test_without_prediction_or_embedding_a_sample_has_no_value() -> None:
    task = task_of([1, 0, 1], [0, 2], task_type="classification", probabilities=[SURE[0], SURE[1]])
    table = vectors_table(["a", "b"], [[1, 2], [4, 8]])
    data = dataset_of(IDS, spaces={None: table}, by_task={"cls": task})
    signal = Gradients(task="cls").load(data)
    assert signal.missing is not None
    assert signal.missing.tolist() == [False, True, True]
    assert signal.vectors[0].tolist() == load(dataset())[0]
    assert signal.vectors[1].tolist() == [0.0] * 6


def test_badge_runs_from_a_config() -> None:
    config = {
        "n_samples": 2,
        "strategies": [
            {
                "input": {"type": "GRADIENTS", "task": "cls"},
                "strategy": {"type": "SPREAD", "first": "LENGTH"},
            }
        ],
    }
    assert set(select(config, dataset()).ids) == {"a", "b"}


def refused(data: Dataset, kind: type[SelectlabError], **fields: Any) -> str:
    with pytest.raises(kind) as caught:
        Gradients(task="cls", **fields).load(data)
    return str(caught.value)


def test_messages() -> None:
    table = vectors_table(IDS, VECTORS)

    def data(task: Any) -> Dataset:
        return dataset_of(IDS, spaces={None: table}, by_task={"cls": task})

    detection = data(task_of([1, 0, 1], [0, 2], score=[0.5, 0.5]))
    assert refused(detection, ConfigError) == (
        "GRADIENTS does not go with task 'cls' of type object-detection; it takes a classification"
    )
    scored = data(task_of([1, 1, 1], [0, 2, 1], task_type="classification", score=[0.5] * 3))
    assert refused(scored, DataError) == (
        "predictions 'det': no class probabilities, which GRADIENTS needs: 3 of 3 samples, first 'a'"
    )
    nothing = [np.nan] * 3
    partly = task_of(
        [1, 1, 1], [0, 2, 1], task_type="classification", score=[0.5] * 3,
        probabilities=[SURE[0], nothing, SURE[2]],
    )  # fmt: skip
    assert refused(data(partly), DataError) == (
        "predictions 'det': no class probabilities, which GRADIENTS needs: 1 of 3 samples, first 'b'"
    )
    assert refused(dataset(), DataError, space="z").startswith("dataset: no embedding space 'z'")
    unknown = "dataset: no prediction task 'cls'; known: other"
    data_without = Dataset(IDS, embeddings=VECTORS, predictions={"other": np.array(SURE)})
    assert refused(data_without, DataError) == unknown


def test_what_does_not_fit_in_memory_is_refused_with_numbers() -> None:
    """4 bytes a number: 1000 * 100 * 601 * 4 = 240.4 MB."""
    data = Dataset(
        [f"{i:04}" for i in range(1000)],
        embeddings=np.ones((1000, 600), dtype=np.float32),
        predictions={"cls": np.full((1000, 100), 0.01)},
    )
    with using(Resources(memory=240_000_000)):
        assert refused(data, DataError, bias=True) == (
            "GRADIENTS: 1000 samples x 100 classes x 601 dimensions take 0.24 GB, of 0.24 GB of "
            "memory; take shorter embeddings or fewer samples"
        )
    assert (gradients._room() or 2**29) > 2**28


def test_select_says_where() -> None:
    with pytest.raises(SelectlabError) as caught:
        select([(Gradients(task="weather"), Spread())], dataset(), n_samples=1)
    assert str(caught.value) == (
        "strategies[0].input: dataset: no prediction task 'weather'; known: cls"
    )
