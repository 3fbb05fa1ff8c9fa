"""Tiles and crops: their geometry, and their embeddings in a selection."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_dataset import DIVERSITY, config

from selectlab import Dataset, select
from selectlab.auto_tasks import Crop, Tiling
from selectlab.errors import ConfigError, DataError

TILES = {"type": "TILING", "name": "t", "num_rows": 1, "num_cols": 2}
SOURCE = {"type": "EMBEDDINGS", "task": "t", "normalize": False}


def test_tiles_row_by_row() -> None:
    """An image of 60 x 40 in 2 rows and 3 columns: tiles of 20 x 20."""
    found = Tiling(name="t", num_rows=2, num_cols=3)
    assert found.n_objects == 6
    assert found.boxes(60, 40).tolist() == [
        [0, 0, 20, 20], [20, 0, 20, 20], [40, 0, 20, 20],
        [0, 20, 20, 20], [20, 20, 20, 20], [40, 20, 20, 20],
    ]  # fmt: skip


def test_overlap_widens_each_tile_to_both_sides() -> None:
    """A tenth of 20 px is 2, 1 px to each side; nothing reaches over the border."""
    found = Tiling(name="t", num_rows=1, num_cols=3, overlap=0.1).boxes(60, 40)
    assert found.tolist() == [[0, 0, 21, 40], [19, 0, 22, 40], [39, 0, 21, 40]]


def test_one_tile_is_the_image() -> None:
    assert Tiling(name="t", num_rows=1, num_cols=1, overlap=1.0).boxes(7, 5).tolist() == [
        [0, 0, 7, 5]
    ]


def test_sizes_that_do_not_divide() -> None:
    """10 px in 4 columns are 2.5 px each; they touch and end at the border."""
    boxes = Tiling(name="t", num_rows=1, num_cols=4).boxes(10, 3)
    assert boxes[:, 0].tolist() == [0, 2.5, 5, 7.5]
    assert (boxes[:, 0] + boxes[:, 2]).tolist() == [2.5, 5, 7.5, 10]


def test_crops_are_relative() -> None:
    found = Crop(name="c", bboxs=[[0.25, 0.0, 0.75, 0.5], [0.0, 0.5, 1.0, 1.0]])
    assert found.n_objects == 2
    assert found.boxes(200, 100).tolist() == [[50, 0, 100, 50], [0, 50, 200, 50]]


@pytest.mark.parametrize(
    "box", [[0, 0, 0, 1], [0.5, 0, 0.25, 1], [0, 0, 1.5, 1], [-0.1, 0, 1, 1], [0, 0, 1]]
)
def test_crops_outside_the_image(box: list[float]) -> None:
    task = {"type": "CROP", "name": "c", "bboxs": [[0.0, 0.0, 1.0, 1.0], box]}
    with pytest.raises(ConfigError) as caught:
        select(config((SOURCE, DIVERSITY), auto_tasks=[task]), Dataset(["a"], embeddings=[[1.0]]))
    given = [float(x) for x in box]
    assert str(caught.value) == (
        f"auto_tasks[0].bboxs: expected [x0, y0, x1, y1] with 0 <= x0 < x1 <= 1, got {given}"
    )


def tiled(owners: str, places: list[float]) -> Dataset:
    """Return samples a to d; each letter of ``owners`` is a tile at a place."""
    vectors = np.array([[x, 3.0] for x in places])
    return Dataset(list("abcd"), object_embeddings={"t": (vectors, list(owners))})


def run(data: Dataset, source: dict[str, Any] = SOURCE, **more: Any) -> Any:
    return select(config((source, DIVERSITY), auto_tasks=[TILES], n_samples=4, **more), data)


def test_tiles_are_objects() -> None:
    """Two tiles each. Mean squared gaps to those of a (0 and 1): b 0.5, c 18, d 2."""
    data = tiled("aabbccdd", [0.0, 1.0, 0.0, 2.0, 4.0, 1.0 + 5**0.5 * 3, 2.0, 1.0 + 3**0.5])
    assert run(data).ids == ("a", "c", "d", "b")


def test_a_sample_without_tiles_has_not_been_embedded() -> None:
    """Every image has tiles, so none means missing, not 'no objects'."""
    chosen = run(tiled("aabbdd", [0.0, 1.0, 0.0, 2.0, 5.0, 6.0]))
    assert chosen.ids == ("a", "d", "b")
    assert chosen.manifest["counts"]["missing"] == {"strategies[0] embeddings of t objects": 1}
    with pytest.raises(DataError) as caught:
        run(tiled("aabbdd", [0.0, 1.0, 0.0, 2.0, 5.0, 6.0]), {**SOURCE, "on_missing": "error"})
    assert str(caught.value) == (
        "strategies[0].input: no embeddings of t objects for 1 of 4 samples, first 'c'; "
        "on_missing 'exclude' leaves them out"
    )


def test_too_many_or_too_few_tiles() -> None:
    for owners, given in (("aabbbccdd", 3), ("aabccdd", 1)):
        with pytest.raises(DataError) as caught:
            run(tiled(owners, [float(k) for k in range(len(owners))]))
        assert str(caught.value) == (
            "strategies[0].input: TILING 't' has 2 objects per sample, but 1 of 4 samples, first "
            f"'b', has embeddings of {given}"
        )


def test_without_the_auto_task_any_number_will_do() -> None:
    data = tiled("aabccdd", [0.0, 1.0, 0.0, 2.0, 3.0, 7.0, 8.0])
    assert len(select(config((SOURCE, DIVERSITY), n_samples=4), data).ids) == 4
