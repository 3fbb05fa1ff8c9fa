"""Labels instead of predictions: what BALANCE and CATEGORY_COUNT see of labelled samples."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folder_builder import build, parquet, png
from hypothesis import given
from hypothesis import strategies as st

import selectlab
from selectlab.columns import TaskPredictions, TaskType
from selectlab.dataset import Dataset
from selectlab.errors import ConfigError, DataError
from selectlab.inputs import Predictions, Scores
from selectlab.inputs.embeddings import Embeddings
from selectlab.labels.label import Label
from selectlab.labels.overlay import LabelOverlay, Replaced, area_of
from selectlab.rounds import Rounds
from selectlab.shapes import Mask, Shape

NAMES = ("car", "bus", "van")
BALANCE = {"type": "BALANCE", "target": {"car": 0.5, "bus": 0.5}}
CLASSES = {"type": "PREDICTIONS", "task": "det", "name": "CLASS_DISTRIBUTION"}


def task(
    objects: list[list[tuple[int, float]]],
    *,
    kind: TaskType = "object-detection",
    probabilities: Any = None,
    name: str = "det",
    names: tuple[str, ...] = NAMES,
) -> TaskPredictions:
    """Predictions of samples, each a list of (category, score)."""
    counts = [len(held) for held in objects]
    flat = [one for held in objects for one in held]
    boxes = None if kind == "classification" else np.zeros((len(flat), 4))
    return TaskPredictions(
        task=name,
        task_type=kind,
        category_ids=tuple(range(len(names))),
        names=names,
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        category=np.array([category for category, _ in flat], dtype=np.int64),
        score=np.array([score for _, score in flat]),
        listed=np.array([count > 0 for count in counts]),
        boxes=boxes,
        probabilities=None if probabilities is None else np.array(probabilities, dtype=np.float32),
    )


def boxes(sample_id: str, *categories: str, task: str = "") -> Label:
    shapes = tuple(Shape(name, box=(0, 0, 2, 3), origin="labelled") for name in categories)
    return Label(sample_id, shapes, task)


def classes(sample_id: str, *categories: str) -> Label:
    return Label(sample_id, tuple(map(Shape, categories)), task_type="classification")


def seen(predictions: TaskPredictions, *labels: Label) -> tuple[np.ndarray, LabelOverlay]:
    """(N, K) class distribution of samples a, b, c ... with labels over predictions."""
    ids = [chr(97 + row) for row in range(len(predictions.listed))]
    overlay = LabelOverlay(labels)
    data = Dataset(ids, predictions={predictions.task: predictions}).with_labels(overlay)
    config = Predictions(task=predictions.task, name="CLASS_DISTRIBUTION")
    return np.asarray(config.load(data).values), overlay  # type: ignore[union-attr]


def test_labels_stand_in_by_hand() -> None:
    """a: predicted car .6 -> labelled bus, bus, van. b stays. c: labelled empty. d: one car."""
    given_task = task([[(0, 0.6)], [(1, 0.5)], [(0, 0.9), (1, 0.9)], []])
    values, overlay = seen(
        given_task, boxes("a", "bus", "bus", "van"), boxes("c"), boxes("d", "car")
    )
    expected = [[0, 2, 1], [0.25, 0.5, 0.25], [0, 0, 0], [1, 0, 0]]
    np.testing.assert_allclose(values, expected)
    assert overlay.replaced == {"det": Replaced(3, 4, {})}
    assert overlay.notes() == []


def test_given_probabilities_of_others_stay() -> None:
    shares = [[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]
    values, _ = seen(task([[(0, 0.5)], [(2, 0.8)]], probabilities=shares), boxes("a", "bus"))
    np.testing.assert_allclose(values, [[0, 1, 0], [0.1, 0.1, 0.8]], rtol=1e-6)


def test_number_of_objects() -> None:
    data = Dataset(["a", "b"], predictions={"det": task([[(0, 0.6)], [(1, 0.5), (1, 0.5)]])})
    labelled = data.with_labels(LabelOverlay([boxes("b", "car", "van", "car")]))
    count = Predictions(task="det", name="CATEGORY_COUNT")
    cars = Predictions(task="det", name="CATEGORY_COUNT", categories=["car"])
    assert count.load(labelled).values.tolist() == [1, 3]  # type: ignore[union-attr]
    assert cars.load(labelled).values.tolist() == [1, 2]  # type: ignore[union-attr]
    assert count.load(data).values.tolist() == [1, 2]  # type: ignore[union-attr]


def test_unknown_categories_count_for_none_and_are_told() -> None:
    values, overlay = seen(task([[(0, 0.6)], [(1, 1.0)]]), boxes("a", "Car", "bus", "tram", "Car"))
    np.testing.assert_allclose(values[0], [0, 1, 0])
    assert overlay.replaced["det"] == Replaced(1, 1, {"Car": 2, "tram": 1})
    assert overlay.notes() == [
        "labels of 'det' are of categories that the task does not have, and count for none: "
        "'Car' (2), 'tram' (1)"
    ]


def test_labels_are_about_the_tasks_that_know_them() -> None:
    """Without a name they count for tasks of their kind with any of their categories."""
    det = task([[(0, 0.6)]])
    faces = task([[(0, 0.6)]], name="faces", names=("face",))
    values, overlay = seen(faces, boxes("a", "bus"))
    np.testing.assert_allclose(values, [[0.6]])
    assert overlay.replaced == {}
    values, _ = seen(faces, boxes("a", "bus", task="faces"))
    np.testing.assert_allclose(values, [[0]])
    values, _ = seen(det, boxes("a", "car", task="faces"))
    np.testing.assert_allclose(values, [[0.6, 0.2, 0.2]])
    values, _ = seen(det, boxes("a", "car"), boxes("a", "bus", task="det"))
    np.testing.assert_allclose(values, [[0, 1, 0]])
    values, _ = seen(det, classes("a", "car"))
    np.testing.assert_allclose(values, [[0.6, 0.2, 0.2]])
    values, _ = seen(det, boxes("a"))
    np.testing.assert_allclose(values, [[0, 0, 0]])


def test_classes_of_images() -> None:
    """a: labelled van; b: two classes, half each; c: an unknown one; d: had no prediction."""
    given_task = task([[(0, 0.6)], [(1, 0.5)], [(1, 0.5)], [], []], kind="classification")
    labels = [classes("a", "van"), classes("b", "car", "bus"), classes("c", "tram")]
    values, overlay = seen(given_task, *labels, classes("d", "car"))
    np.testing.assert_allclose(values[:4], [[0, 0, 1], [0.5, 0.5, 0], [0, 0, 0], [1, 0, 0]])
    assert overlay.replaced["det"] == Replaced(4, 3, {"tram": 1})
    data = Dataset(list("abcde"), predictions={"det": given_task})
    load = Predictions(task="det", name="CLASS_DISTRIBUTION").load
    missing = load(data.with_labels(overlay)).missing
    assert missing is not None
    assert missing.tolist() == [False, False, False, False, True]
    assert load(data).missing.tolist() == [False, False, False, True, True]  # type: ignore[union-attr]


def test_segments_count_by_their_area() -> None:
    """3 x 2 of a mask, a triangle of 3 x 4, and a box of 2 x 3 px: 6 px each."""
    shapes = (
        Shape("car", mask=Mask((2, 6, 4), 4, 3)),
        Shape("bus", polygons=((0, 0, 3, 0, 0, 4),)),
        Shape("van", box=(0, 0, 2, 3)),
        Shape("van", box=(0, 0, 2, 3)),
    )
    assert [area_of(shape) for shape in shapes] == [6, 6, 6, 6]
    assert area_of(Shape("car", keypoints=((1, 1, 1),))) == 0
    label = Label("a", shapes, task_type="semantic-segmentation")
    held = task([[(0, 1.0)]], kind="semantic-segmentation")
    values, _ = seen(held, label)
    np.testing.assert_allclose(values, [[0.25, 0.25, 0.5]])


def test_only_what_counts_classes_sees_labels(tmp_path: Path) -> None:
    """Scores and embeddings of objects stay those of the model: objects do not correspond."""
    files: dict[str, Any] = {"a.png": png(), "b.png": png()}
    held = {"category_id": 0, "bbox": [0, 0, 1, 1], "score": 0.5}
    files["predictions/tasks.json"] = ["det"]
    files["predictions/det/schema.json"] = {
        "task_type": "object-detection",
        "categories": [{"id": k, "name": name} for k, name in enumerate(NAMES)],
    }
    for name in "ab":
        content = {"file_name": f"{name}.png", "predictions": [held, held]}
        files[f"predictions/det/{name}.json"] = content
    vectors = {"sample_id": ["a.png"] * 2 + ["b.png"] * 2, "object": [0, 1, 0, 1]}
    files["embeddings/det.parquet"] = parquet({**vectors, "embedding": np.eye(4).tolist()})
    from selectlab.inputs.folder import open_dataset

    data = open_dataset(build(tmp_path, files))
    labelled = data.with_labels(LabelOverlay([boxes("a.png", "bus", "bus", "bus")]))
    for given_input in (
        Scores(task="det", score="uncertainty_margin"),
        Embeddings(task="det"),
    ):
        before, after = given_input.load(data), given_input.load(labelled)
        for one, other in zip(before.arrays(), after.arrays(), strict=True):
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_labels_survive_added_metadata() -> None:
    data = Dataset(["a"], predictions={"det": task([[(0, 0.5)]])})
    labelled = data.with_labels(LabelOverlay([boxes("a", "bus")]))
    extended = labelled.with_metadata({"camera": ["left"]})
    assert extended.seen("det").category.tolist() == [1]
    assert extended.predictions("det").category.tolist() == [0]
    assert labelled.seen("det") is labelled.seen("det")


OBJECTS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.25, 0.5, 1.0])), max_size=4)
WORDS = st.lists(st.sampled_from([*NAMES, "tram"]), max_size=4)


@given(
    predicted=st.lists(OBJECTS, min_size=1, max_size=6),
    labelled=st.dictionaries(st.integers(0, 7), WORDS),
    with_probabilities=st.booleans(),
)
def test_against_a_definition(
    predicted: list[list[tuple[int, float]]],
    labelled: dict[int, list[str]],
    with_probabilities: bool,
) -> None:
    """Sample by sample in a loop; labels of samples that are not there do no harm."""
    n_objects = sum(map(len, predicted))
    shares = np.full((n_objects, 3), 0.25) + np.eye(3)[[0] * n_objects] * 0.25
    held = task(predicted, probabilities=shares if with_probabilities else None)
    labels = [boxes(chr(97 + row), *words, task="det") for row, words in labelled.items()]
    values, overlay = seen(held, *labels)
    n_replaced = 0
    for row, objects in enumerate(predicted):
        expected = np.zeros(3)
        if row in labelled:
            n_replaced += 1
            for word in labelled[row]:
                if word in NAMES:
                    expected[NAMES.index(word)] += 1
        else:
            for category, score in objects:
                given_share = np.full(3, (1 - score) / 2)
                given_share[category] = score
                expected += shares[0] if with_probabilities else given_share
        np.testing.assert_allclose(values[row], expected, atol=1e-6)
    assert sum(one.samples for one in overlay.replaced.values()) == n_replaced


# Through the ledger


def selected(data: Dataset, **more: Any) -> selectlab.Selection:
    config = {"n_samples": 1, "strategies": [{"input": CLASSES, "strategy": BALANCE}]}
    return selectlab.select(config, data, **more)


def ledger_with(data: Dataset, place: Path, labels: Iterable[Label], *chosen: str) -> Path:
    with Rounds(data, store=place).ledger() as ledger:
        if chosen:
            ledger.record("a" * 16, "a", chosen)
        ledger.add_labels("f", labels)
    return place


def test_the_next_selection_starts_from_labels(tmp_path: Path) -> None:
    """s is predicted a car and labelled a bus, so that a car is wanted next, not a bus.

    With s a car, cars 1 and buses 0, the pick is the bus. With s a bus it is the car.
    """
    data = Dataset(["s", "t", "u"], predictions={"det": task([[(0, 1.0)], [(0, 1.0)], [(1, 1.0)]])})
    assert selected(data, preselected=["s"]).ids == ("u",)
    place = ledger_with(data, tmp_path / "l.db", [boxes("s", "bus", "Bus")])
    found = selected(data, ledger=place)
    assert (found.preselected, found.ids) == (("s",), ("t",))
    assert found.warnings[0] == (
        "labels of 'det' are of categories that the task does not have, and count for none: "
        "'Bus' (1)"
    )
    told = found.manifest["ledger"]
    assert told["labels_instead_of_predictions"] == {
        "det": {"samples": 1, "objects": 1, "unknown": {"Bus": 1}}
    }
    assert (told["labelled"], told["preselected_labelled"], told["chosen"]) == (1, 1, 0)
    again = selected(data, ledger=place, preselected=["s"])
    assert (again.ids, again.manifest["ledger"]["preselected_labelled"]) == (("t",), 1)
    other = selected(data, ledger=place, preselected=["u"])
    assert other.manifest["ledger"]["labels_instead_of_predictions"] == {}
    for without in (selected(data, ledger=False, preselected=["s"]), selected(data)):
        assert "ledger" not in without.manifest


def test_chosen_then_sent_then_labelled_samples_are_preselected(tmp_path: Path) -> None:
    names = [f"{k}.png" for k in range(9)]
    data = Dataset(names, predictions={"det": task([[(k % 2, 1.0)] for k in range(9)])})
    place = ledger_with(data, tmp_path / "l.db", [boxes("3.png"), boxes("7.png")], "5.png", "1.png")
    with Rounds(data, store=place).ledger() as ledger:
        ledger.begin_sending("tool", "p", ["8.png", "1.png"])
    found = selected(data, ledger=place)
    assert found.preselected == ("5.png", "1.png", "8.png", "3.png", "7.png")
    with Rounds(data, store=place).ledger() as ledger:
        ledger.forget("a")
    assert selected(data, ledger=place).preselected == ("1.png", "8.png", "3.png", "7.png")


def test_samples_that_are_gone_are_told_and_a_foreign_ledger_is_refused(tmp_path: Path) -> None:
    data = Dataset(["a", "b", "c"], predictions={"det": task([[(0, 1.0)]] * 3)})
    place = ledger_with(data, tmp_path / "l.db", [boxes("gone")], "x", "a", "y")
    found = selected(data, ledger=place)
    assert found.preselected == ("a",)
    assert "3 samples of the ledger are not in the dataset any more, and count nowhere" in (
        found.warnings
    )
    assert found.manifest["ledger"]["not_in_dataset"] == 3
    foreign = Dataset(["d", "e"], predictions={"det": task([[(0, 1.0)]] * 2)})
    with pytest.raises(DataError) as error:
        selected(foreign, ledger=place)
    assert str(error.value) == (
        f"ledger {place}: is that of another dataset: none of its 4 samples is in dataset, such as "
        "'x'; name another store, or leave it out with --no-ledger (ledger=False)"
    )


def test_only_new(tmp_path: Path) -> None:
    """Round 1 knew a to c; d and e came later. Nothing is new before that."""
    predictions = task([[(0, 1.0)]] * 5)
    old = Dataset(["a", "b", "c"], predictions={"det": task([[(0, 1.0)]] * 3)})
    place = tmp_path / "l.db"
    with pytest.raises(ConfigError, match="nothing tells what is new, there is no ledger"):
        selected(old, ledger=place, only_new=True)
    rounds = Rounds(old, store=place)
    rounds.start()
    rounds.record(selected(old, ledger=place))
    with pytest.raises(DataError) as error:
        selected(old, ledger=place, only_new=True)
    assert str(error.value) == (
        "no sample left to select: 3 in the dataset; 2 removed by only_new; 1 selected already"
    )
    grown = Rounds(Dataset(list("abcde"), predictions={"det": predictions}), store=place)
    assert grown.new().ids == ("d", "e")
    grown.start("two")
    assert (grown.new().ids, grown.new().since.number) == (("d", "e"), 1)
    assert grown.new(2).ids == ()
    found = selected(grown.dataset, ledger=place, only_new=True)
    assert found.ids == ("d",)
    assert found.manifest["ledger"]["only_new_since"] == "1"
    assert found.manifest["counts"]["filtered"] == {"only_new": 2}
    grown.record(found)
    assert selected(grown.dataset, ledger=place, only_new=True).ids == ("e",)
    with pytest.raises(ConfigError, match=r"since: there is no round 3; there are 1 to 2"):
        grown.new(3)


def test_what_strategies_left_goes_on_with_the_ledger(tmp_path: Path) -> None:
    data = Dataset(["a", "b"], predictions={"det": task([[(0, 1.0)]] * 2)})
    place = tmp_path / "l.db"
    with Rounds(data, store=place).ledger() as ledger:
        ledger.record("a" * 16, "1", ["a"], states={"0_x": {"n": 1}, "1_y": {"m": 1}})
        ledger.record("b" * 16, "2", ["b"], states={"0_x": {"n": 2}})
    start = Rounds(data, store=place).starting_point()
    assert start.earlier.states == {"0_x": {"n": 2}, "1_y": {"m": 1}}
    assert start.line == "starts from 2 samples of the ledger: 1 round, 0 labelled"
    Rounds(data, store=place).forget("2")
    assert Rounds(data, store=place).starting_point().earlier.states["0_x"] == {"n": 1}
