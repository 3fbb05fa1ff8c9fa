"""Scores of predictions: by hand, against plain loops, and as properties."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_source import dataset_of, task_of

from selectlab.columns import TaskPredictions
from selectlab.errors import ConfigError, DataError
from selectlab.inputs import Scores
from selectlab.inputs.class_probabilities import probability_blocks, sample_blocks
from selectlab.inputs.score_functions import (
    ALL_TASKS,
    SCORES,
    entropy,
    least_confidence,
    margin,
    uncertainty,
)

UNCERTAINTIES = ("uncertainty_least_confidence", "uncertainty_margin", "uncertainty_entropy")


def scores(task: TaskPredictions, score: str) -> list[float]:
    n_samples = len(task.offsets) - 1
    dataset = dataset_of([f"{row:02}.png" for row in range(n_samples)], by_task={"det": task})
    return Scores(task="det", score=score).load(dataset).values.tolist()


# By hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        # p = .5 .25 .25: (1 - .5) / (1 - 1/3) = .75; 1 - (.5 - .25) = .75;
        # entropy = .5 log 2 + .5 log 4 = 1.5 log 2
        ("uncertainty_least_confidence", [0.75, 0.0]),
        ("uncertainty_margin", [0.75, 0.0]),
        ("uncertainty_entropy", [1.5 * math.log(2) / math.log(3), 0.0]),
    ],
)
def test_classification(score: str, expected: list[float]) -> None:
    task = task_of(
        [1, 1], [0, 1], task_type="classification", probabilities=[[0.5, 0.25, 0.25], [0, 1, 0]]
    )
    assert scores(task, score) == pytest.approx(expected)


def test_detection_takes_the_most_uncertain_object_and_no_objects_are_certain() -> None:
    """Margins: sample 0 has 1 - .5 = .5 and 1 - 1 = 0; sample 1 nothing; sample 2 1 - 0 = 1."""
    task = task_of(
        [2, 0, 1],
        [0, 1, 2],
        score=[0.9, 0.9, 0.9],
        probabilities=[[0.75, 0.25, 0], [0, 1, 0], [0, 0.5, 0.5]],
    )
    assert scores(task, "uncertainty_margin") == [0.5, 0.0, 1.0]


def test_without_probabilities_the_other_classes_share_the_rest() -> None:
    """Score .5 of 3 classes is (.5, .25, .25): least confidence .5 / (2/3) = .75."""
    task = task_of([1, 1], [2, 0], score=[0.5, 1.0])
    assert scores(task, "uncertainty_least_confidence") == pytest.approx([0.75, 0.0])


def test_one_class_is_binary() -> None:
    """Score .75 is (.75, .25): least confidence .25 / .5 = .5, margin 1 - .5 = .5."""
    task = task_of([1, 1], [0, 0], names=["human"], score=[0.75, 0.25])
    assert scores(task, "uncertainty_least_confidence") == [0.5, 0.5]
    assert scores(task, "uncertainty_margin") == [0.5, 0.5]


def test_objects_with_and_without_probabilities_mix() -> None:
    nan = math.nan
    task = task_of(
        [1, 1], [0, 0], score=[0.5, 0.5], probabilities=[[0.75, 0.25, 0], [nan, nan, nan]]
    )
    assert scores(task, "uncertainty_margin") == [0.5, 0.75]


def test_semantic_segmentation_weighs_segments_by_area() -> None:
    """Margins 1 (30 px) and 0 (10 px): 30/40. Without areas: 1/2."""
    columns = {
        "task_type": "semantic-segmentation",
        "probabilities": [[0.5, 0.5, 0], [1, 0, 0]],
        "score": [1, 1],
    }
    assert scores(task_of([2], [0, 0], area=[30, 10], **columns), "uncertainty_margin") == [0.75]
    assert scores(task_of([2], [0, 0], **columns), "uncertainty_margin") == [0.5]
    assert scores(task_of([2], [0, 0], area=[0, 0], **columns), "uncertainty_margin") == [0.5]


def test_objectness_is_score_over_the_largest_probability() -> None:
    """Sample 0: .4/.8 = .5 and 1/1 = 1, mean .75. Sample 1: none. Sample 2 (no p): .9."""
    nan = math.nan
    task = task_of(
        [2, 0, 1],
        [0, 1, 0],
        score=[0.4, 1.0, 0.9],
        probabilities=[[0.8, 0.2, 0], [0, 1, 0], [nan, nan, nan]],
    )
    assert scores(task, "objectness_least_confidence") == pytest.approx([0.25, 0.0, 0.1])


def test_objectness_above_one_counts_as_one() -> None:
    """.75/.5 = 1.5: one sigmoid per class, scaled to sum to 1, exceeds nothing but 1."""
    task = task_of([1], [0], score=[0.75], probabilities=[[0.5, 0.5, 0]])
    assert scores(task, "objectness_least_confidence") == [0.0]


def test_object_frequency() -> None:
    """car bus car = 1.25 + 1; none = 0; car x 5 = 1 + 4 * .25 = 2. So 2.25 -> 1, 2 -> .9 + .1 * 2/2.25."""
    task = task_of([3, 0, 5], [0, 1, 0, 0, 0, 0, 0, 0])
    assert scores(task, "object_frequency") == pytest.approx([1.0, 0.9, 0.9 + 0.1 * 8 / 9])


def test_object_frequency_of_equal_samples_is_the_bottom_of_the_range() -> None:
    assert scores(task_of([1, 1], [0, 2]), "object_frequency") == [0.9, 0.9]
    assert scores(task_of([0, 0], []), "object_frequency") == [0.9, 0.9]


def test_mean_uncertainty_of_keypoints() -> None:
    """Confidences .5 and 1 have mean .75."""
    task = task_of([2, 0], [0, 0], task_type="keypoint-detection", keypoint_confidence=[0.5, 1.0])
    assert scores(task, "mean_uncertainty") == [0.25, 0.0]


def test_unclassified_sample_has_no_value() -> None:
    task = task_of(
        [1, 0], [0], task_type="classification", probabilities=[[1, 0, 0]], listed=[True, False]
    )
    signal = Scores(task="det", score="uncertainty_margin").load(
        dataset_of(["a", "b"], by_task={"det": task})
    )
    assert signal.missing is not None
    assert signal.missing.tolist() == [False, True]
    assert signal.name == "uncertainty_margin of det"


def test_probabilities_rounded_in_a_file_still_give_at_most_one() -> None:
    task = task_of([1], [0], probabilities=[[0.33, 0.33, 0.33]], score=[0.3])
    for score in UNCERTAINTIES:
        assert scores(task, score) == pytest.approx([1.0])


# What goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "score", "message"),
    [
        (
            task_of([1], [0], task_type="classification", probabilities=[[1, 0, 0]]),
            "object_frequency",
            "SCORES 'object_frequency' does not go with task 'det' of type classification; scores "
            "that do: uncertainty_least_confidence, uncertainty_margin, uncertainty_entropy",
        ),
        (
            task_of([0, 2], [0, 1], score=[0.5, math.nan]),
            "uncertainty_margin",
            "predictions 'det': 1 objects have neither a score nor probabilities, first in "
            "'01.png'; this input needs one of them",
        ),
        (
            task_of([1, 1], [0, 1], probabilities=[[1, 0, 0], [0.5, 0.25, 0.5]]),
            "uncertainty_margin",
            "predictions 'det': probabilities of '01.png' sum to 1.25, not to 1",
        ),
        (
            task_of([1], [1], probabilities=[[0.5, math.nan, 0.5]]),
            "uncertainty_entropy",
            "predictions 'det': probabilities of '00.png' hold NaN",
        ),
        (
            task_of([1], [1], probabilities=[[1.5, -0.5, 0]]),
            "uncertainty_entropy",
            "predictions 'det': probabilities of '00.png' must lie in [0, 1]; got -0.5 to 1.5",
        ),
        (
            task_of([1], [1], score=[1.5]),
            "uncertainty_entropy",
            "predictions 'det': score of '00.png' must lie in [0, 1]; got 1.5",
        ),
        (
            task_of([1], [0], probabilities=[[0.5, 0.5, 0]]),
            "objectness_least_confidence",
            "predictions 'det': an object of '00.png' has no score",
        ),
        (
            task_of([1], [0], task_type="keypoint-detection"),
            "mean_uncertainty",
            "predictions 'det': no keypoint confidences",
        ),
        (
            task_of([1], [0], task_type="keypoint-detection", keypoint_confidence=[math.nan]),
            "mean_uncertainty",
            "predictions 'det': keypoint confidence of '00.png' must lie in [0, 1]; got nan",
        ),
        (
            task_of([0], [], task_type="classification", listed=[False]),
            "uncertainty_margin",
            "predictions 'det': no sample of the dataset has a prediction",
        ),
    ],
)
def test_errors(task: TaskPredictions, score: str, message: str) -> None:
    with pytest.raises((ConfigError, DataError)) as caught:
        scores(task, score)
    assert str(caught.value) == message


def test_unknown_score_and_task() -> None:
    with pytest.raises(ValueError, match="did you mean 'uncertainty_margin'"):
        Scores(task="det", score="uncertainty_margn")
    dataset = dataset_of(["a"], by_task={"det": task_of([0], [])})
    with pytest.raises(DataError, match="no prediction task 'dat'; did you mean 'det'"):
        Scores(task="dat", score="object_frequency").load(dataset)


def test_schema_lists_the_scores() -> None:
    assert Scores.model_json_schema()["properties"]["score"]["enum"] == list(SCORES)


def test_every_score_says_what_it_is() -> None:
    for name, score in SCORES.items():
        assert score.name == name
        assert score.direction == "higher is more informative"
        assert score.aggregation
        assert score.meaning
        assert set(score.task_types) <= set(ALL_TASKS)


# Against plain loops -------------------------------------------------------------------------


@st.composite
def detections(draw: st.DrawFn) -> TaskPredictions:
    n_classes = draw(st.integers(1, 4))
    counts = draw(st.lists(st.integers(0, 3), min_size=1, max_size=6))
    n_objects = sum(counts)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    p = rng.dirichlet(np.full(n_classes, 0.5), n_objects).astype(np.float32)
    p[rng.random(n_objects) < 0.4] = np.nan
    top = np.where(np.isnan(p[:, :1]).ravel(), 1.0, np.nan_to_num(p).max(axis=1, initial=0))
    return task_of(
        counts,
        rng.integers(n_classes, size=n_objects).tolist(),
        names=[f"c{k}" for k in range(n_classes)],
        score=rng.random(n_objects) * top,
        probabilities=p,
    )


def vector(task: TaskPredictions, obj: int) -> list[float]:
    """The definition: class probabilities of one object, two of them at least."""
    n_classes = len(task.names)
    assert task.probabilities is not None
    p = [float(x) for x in task.probabilities[obj]]
    if math.isnan(p[0]):
        s = float(task.score[obj])
        rest = (1 - s) / (n_classes - 1) if n_classes > 1 else 0.0
        p = [s if k == task.category[obj] else rest for k in range(n_classes)]
    return [p[0], 1 - p[0]] if n_classes == 1 else p


def slow(task: TaskPredictions, row: int, name: str) -> float:
    objects = range(task.offsets[row], task.offsets[row + 1])
    best = 0.0
    for obj in objects:
        p = sorted(vector(task, obj), reverse=True)
        value = {
            "uncertainty_least_confidence": (1 - p[0]) / (1 - 1 / len(p)),
            "uncertainty_margin": 1 - (p[0] - p[1]),
            "uncertainty_entropy": -sum(x * math.log(x) for x in p if x > 0) / math.log(len(p)),
        }[name]
        best = max(best, value)
    return best


@settings(max_examples=60, deadline=None)
@given(detections())
def test_uncertainty_is_the_definition(task: TaskPredictions) -> None:
    for name in UNCERTAINTIES:
        expected = [slow(task, row, name) for row in range(len(task.offsets) - 1)]
        assert scores(task, name) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(detections(), st.integers(1, 20))
def test_block_size_changes_nothing(task: TaskPredictions, block: int) -> None:
    ids = [str(row) for row in range(len(task.offsets) - 1)]
    for function in (least_confidence, margin, entropy):
        at_once = uncertainty(function, task, ids)
        in_blocks = uncertainty(function, task, ids, block_values=block)
        assert np.array_equal(at_once, in_blocks)


@settings(max_examples=40, deadline=None)
@given(detections(), st.randoms())
def test_order_of_samples_and_objects_changes_nothing(
    task: TaskPredictions, random: object
) -> None:
    rng = np.random.default_rng(random.randrange(2**32))  # type: ignore[attr-defined]
    order = rng.permutation(len(task.offsets) - 1)
    objects = [
        rng.permutation(np.arange(task.offsets[row], task.offsets[row + 1])) for row in order
    ]
    index = np.concatenate([*objects, np.array([], dtype=int)]).astype(int)
    assert task.probabilities is not None
    shuffled = task_of(
        task.counts()[order].tolist(),
        task.category[index].tolist(),
        names=task.names,
        score=task.score[index],
        probabilities=task.probabilities[index],
    )
    for name in (*UNCERTAINTIES, "object_frequency", "objectness_least_confidence"):
        expected = np.array(scores(task, name))[order]
        assert scores(shuffled, name) == pytest.approx(expected.tolist(), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(1, 8))
def test_blocks_hold_whole_samples_and_every_object_once(counts: list[int], size: int) -> None:
    offsets = np.concatenate([[0], np.cumsum(counts)])
    end_before = 0
    for first, end, lo, hi in sample_blocks(offsets, size):
        assert (offsets[first], offsets[end]) == (lo, hi)
        assert lo == end_before
        assert hi - lo <= max(size, max(counts[first:end]))
        end_before = hi
    assert end_before == offsets[-1]


@pytest.mark.parametrize("n_classes", [2, 3, 10, 1000])
def test_uniform_is_most_uncertain_and_one_hot_not_at_all(n_classes: int) -> None:
    uniform = np.full((1, n_classes), 1 / n_classes)
    one_hot = np.eye(n_classes)[:1]
    for function in (least_confidence, margin, entropy):
        assert function(uniform) == pytest.approx([1.0])
        assert function(one_hot).tolist() == [0.0]


def test_probability_rows_sum_to_one() -> None:
    task = task_of([1, 1], [0, 2], score=[0.2, 0.9])
    for *_, block in probability_blocks(task, ["a", "b"]):
        assert block.sum(axis=1) == pytest.approx([1.0, 1.0])


# Real data -----------------------------------------------------------------------------------

DATA = Path(os.environ.get("SELECTLAB_DATA", Path(__file__).parents[2] / "shared" / "data"))
PYX = DATA / "label_errors" / "cross_validated_predicted_probabilities" / "cifar10_test_set_pyx.npy"


@pytest.mark.skipif(not PYX.exists(), reason=f"no {PYX}; set SELECTLAB_DATA")
def test_wrong_predictions_of_a_real_model_are_the_uncertain_ones() -> None:
    p = np.load(PYX)
    labels = np.load(
        DATA / "label_errors/original_test_labels/cifar10_test_set_original_labels.npy"
    )
    wrong = p.argmax(axis=1) != labels
    task = task_of(
        [1] * len(p),
        p.argmax(axis=1).tolist(),
        names=[str(k) for k in range(p.shape[1])],
        task_type="classification",
        probabilities=p,
    )
    ids = [f"{row:05}" for row in range(len(p))]
    for function in (least_confidence, margin, entropy):
        values = uncertainty(function, task, ids)
        assert values.min() >= 0
        assert values.max() <= 1 + 1e-9
        assert values[wrong].mean() > 3 * values[~wrong].mean()
