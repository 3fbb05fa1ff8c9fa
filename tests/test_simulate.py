"""The active-learning loop: by hand on a line, against plain loops, and its promises."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_info, threadpool_limits

from selectlab import Dataset, progress, select
from selectlab.config import load
from selectlab.inputs import Embeddings
from selectlab.simulate import (
    Classification,
    Comparison,
    Curve,
    Learner,
    Method,
    Round,
    Step,
    compare,
    methods,
    plot,
    simulate,
)
from selectlab.strategies import Diversity

ROOT = Path(__file__).parents[1]
LINE = np.arange(11.0)[:, None]
HIGH = (LINE[:, 0] >= 6).astype(int)
OF_IMAGES = sorted(set(methods()) - {"flicker", "uniform_assertions", "bal"})
UNCERTAIN = ("least_confidence", "margin", "entropy")


class Midpoint:
    """Classes 0 and 1 on a line, the boundary in the middle between the labels."""

    classes_ = np.array([0, 1])

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.boundary = (x[y == 0].max() + x[y == 1].min()) / 2

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        high = np.clip(0.5 + (x[:, 0] - self.boundary) / 20, 0, 1)
        return np.column_stack([1 - high, high])

    def predict(self, x: np.ndarray) -> np.ndarray:
        return (x[:, 0] > self.boundary).astype(int)


def on_a_line() -> Classification:
    return Classification(LINE, HIGH, LINE, HIGH, model=Midpoint)


def digits(seed: int, n: int = 150, model: Any = None) -> Classification:
    found = load_digits()
    order = np.random.default_rng(seed).permutation(len(found.data))
    x, y = found.data[order], found.target[order]
    return Classification(x[:n], y[:n], x[n : 2 * n], y[n : 2 * n], model=model)


# By hand


@pytest.mark.parametrize("name", UNCERTAIN)
def test_uncertainty_searches_the_boundary_by_halves(name: str) -> None:
    """Classes change between 5 and 6. Labels 0 and 10: boundary 5, nearest 5 itself (class 0).
    Boundary 7.5: 7 and 8 tie, the first id is 07 (class 1). Boundary 6: 6 (class 1). Boundary
    5.5: 4 and 7 are nearest after 5 and 6, and 7 has a label.

    Wrong of the 11: at 5 none is > 5 that is not of class 1, so all are right; at 7.5 the 6 and 7
    are wrong; at 6 the 6 is (not beyond the boundary); at 5.5 none.
    """
    curve = simulate(name, on_a_line(), [3, 4, 5, 6], start=["00", "10"])
    assert curve.order == ("00", "10", "05", "07", "06", "04")
    right = [11, 9, 10, 11, 11]
    assert curve.values("accuracy") == pytest.approx([n / 11 for n in right])
    assert curve.labels == [2, 3, 4, 5, 6]
    assert [step.number for step in curve.steps] == [0, 1, 2, 3, 4]


def test_a_batch_takes_what_one_model_says() -> None:
    """Boundary 5: distances 0 (05), 1 (04, 06), 2 (03, 07); ties to the first id."""
    curve = simulate("margin", on_a_line(), [6], start=["00", "10"])
    assert curve.order[2:] == ("05", "04", "06", "03")


def test_k_center_by_hand() -> None:
    """From 0: 10 is farthest, then 5 (gap 5), then gap 2: 2, 3, 7, 8 tie; 2 takes 3 away to gap 1,
    7 is left. Then gap 1, the first id. No model is asked, so the first round is its own.
    """
    curve = simulate("k_center", on_a_line(), [2, 3, 6])
    assert curve.order == ("00", "10", "05", "02", "07", "01")
    assert [step.number for step in curve.steps] == [1, 2, 3]


def test_embeddings_are_not_scaled_to_unit_length() -> None:
    """At unit length all positive numbers of a line are the same vector, and the first id wins."""
    learner = Classification(LINE + 1, HIGH, LINE, HIGH)
    assert simulate("k_center", learner, [2]).order == ("00", "10")


def test_typical_samples_and_their_metric() -> None:
    """Clumps of 9 and 7 numbers 1 apart. The middle of each is nearest to the others, and the
    larger clump comes first.
    """
    x = np.array([*range(9), *range(100, 107)], dtype=float)[:, None]
    learner = Classification(x, x[:, 0] > 50, x, x[:, 0] > 50)
    curve = simulate("typiclust", learner, [2, 4])
    assert curve.steps[0].picked == ("04", "12")
    assert curve.values("accuracy")[0] == 1.0
    strategies = [step.manifest["config"]["strategies"][0]["strategy"] for step in curve.steps]
    assert [strategy["num_clusters"] for strategy in strategies] == [2, 4]


# Against plain loops


def plain_scores(probabilities: np.ndarray) -> dict[str, list[float]]:
    """Uncertainty as in Settles' survey, higher is more uncertain."""
    found: dict[str, list[float]] = {name: [] for name in UNCERTAIN}
    for row in probabilities:
        high, second = sorted(row)[-1], sorted(row)[-2]
        found["least_confidence"].append(1 - high)
        found["margin"].append(-(high - second))
        found["entropy"].append(-sum(p * np.log(p) for p in row if p > 0))
    return found


@pytest.mark.parametrize("name", UNCERTAIN)
def test_uncertainty_against_a_plain_loop(name: str) -> None:
    budgets = [20, 27, 40]
    curve = simulate(name, digits(3), budgets, seed=3)
    data = load_digits()
    order = np.random.default_rng(3).permutation(len(data.data))
    x, y = data.data[order[:150]], data.target[order[:150]]
    x_test, y_test = data.data[order[150:300]], data.target[order[150:300]]
    labelled = [int(i) for i in curve.steps[0].picked]
    accuracies = []
    for budget in [*budgets[1:], 0]:
        rows = sorted(labelled)
        model = LogisticRegression(max_iter=5000).fit(x[rows], y[rows])
        accuracies.append((model.predict(x_test) == y_test).mean())
        scores = plain_scores(model.predict_proba(x))[name]
        ranked = sorted(set(range(150)) - set(labelled), key=lambda i: (-scores[i], i))
        labelled += ranked[: max(budget - len(labelled), 0)]
    assert [int(i) for i in curve.order] == labelled
    assert curve.values("accuracy") == pytest.approx(accuracies)


def test_k_center_against_a_plain_loop() -> None:
    data = load_digits()
    x = data.data[np.random.default_rng(1).permutation(len(data.data))[:150]]
    chosen = [0]
    while len(chosen) < 12:
        gaps = [min(sum((a - b) ** 2) for b in x[chosen]) for a in x]
        chosen.append(max(range(150), key=lambda i: (gaps[i], -i)))
    assert [int(i) for i in simulate("k_center", digits(1), [5, 12]).order] == chosen


# The loop


def test_methods_that_ask_a_model_share_a_random_first_round() -> None:
    first = {
        name: simulate(name, digits(0), [12], seed=5).steps[0]
        for name in ("random", "badge", "diversity_x_margin", *UNCERTAIN)
    }
    assert len({step.picked for step in first.values()}) == 1
    asked = first["margin"].manifest["config"]["strategies"][0]["input"]["type"]
    assert asked == "RANDOM"
    other = simulate("random", digits(0), [12], seed=6)
    assert len(set(other.order) & set(first["random"].picked)) < 6


def test_random_rounds_draw_anew_and_everything_is_drawn() -> None:
    """Each id once in 150 labels, and in no order that the ids have."""
    curve = simulate("random", digits(0), [50, 100, 150], seed=1)
    assert sorted(curve.order) == sorted(f"{i:03d}" for i in range(150))
    seeds = [
        step.manifest["config"]["strategies"][0]["input"]["random_seed"] for step in curve.steps
    ]
    assert len(set(seeds)) == 3


def test_a_start_of_the_size_of_the_first_budget_is_its_round() -> None:
    curve = simulate("margin", on_a_line(), [2, 3], start=["00", "10"])
    assert [(step.number, step.n_labelled) for step in curve.steps] == [(0, 2), (1, 3)]
    assert curve.steps[0].manifest == {}


def test_a_config_is_a_method_whose_size_does_not_matter(tmp_path: Path) -> None:
    config = methods()["k_center"].config(Round(n_samples=77, dataset=on_a_line().pool()))
    path = tmp_path / "spread.json"
    path.write_text(json.dumps(config))
    pairs = [(Embeddings(normalize=False), Diversity())]
    wanted = simulate("k_center", on_a_line(), [2, 5])
    share = {**config, "proportion_samples": 0.5, "n_samples": -1}
    names = []
    for given_ in (config, share, path, str(path), pairs):
        curve = simulate(given_, on_a_line(), [2, 5])
        assert curve.order == wanted.order
        names.append(curve.method)
    assert names == ["config", "config", "spread", "spread", "config"]


def test_a_callable_gives_configs_or_ids_and_sees_the_round() -> None:
    seen: list[Round] = []

    def two_phases(asked: Round) -> Any:
        seen.append(asked)
        if asked.number == 1:
            return ["10", "00"]
        return methods()["margin"].config(asked)

    learner = on_a_line()
    curve = simulate(two_phases, learner, [2, 4], seed=9)
    assert (curve.method, curve.seed) == ("two_phases", 9)
    assert curve.order == ("10", "00", "05", "04")
    assert [(r.number, r.n_samples, r.labelled) for r in seen] == [
        (1, 2, ()),
        (2, 2, ("10", "00")),
    ]
    assert seen[0].classes == ("0", "1")
    assert seen[0].seed != seen[1].seed
    assert seen[1].dataset.predictions("model").names == ("0", "1")


def test_ids_may_be_an_array() -> None:
    curve = simulate(lambda asked: np.array(["03", "07"])[: asked.n_samples], on_a_line(), [2])
    assert curve.order == ("03", "07")
    assert all(type(sample_id) is str for sample_id in curve.order)


def test_a_config_that_stops_early_says_so() -> None:
    """At least 4 apart: 0, 10 and 5; the next round finds nothing any more."""
    apart = {"type": "DIVERSITY", "stopping_condition_minimum_distance": 4.0}
    entry = {"input": {"type": "EMBEDDINGS", "normalize": False}, "strategy": apart}
    curve = simulate({"strategies": [entry]}, on_a_line(), [6])
    assert curve.labels == [3]
    assert curve.steps[0].manifest["stop_reason"].startswith("stopping_condition_minimum_distance")


def test_progress_counts_rounds_and_not_what_happens_inside() -> None:
    seen = []
    learner = on_a_line()

    def watch(asked: Round) -> Any:
        seen.append((outer.now.name, outer.now.count))
        return methods()["k_center"].config(asked)

    with progress.watched() as outer:
        simulate(watch, learner, [2, 4, 6])
    assert seen == [("simulating watch", f"{done} of 3 rounds") for done in range(3)]


# Video


class Film:
    """A standing box that a detector misses in some frames, fewer the more it has learned."""

    def __init__(self) -> None:
        self.gaps = [*range(5, 95, 6)]

    def learn(self, labelled: Sequence[str]) -> None:
        seen = {int(name[2:5]) for name in labelled}
        self.missed = [gap for gap in self.gaps if gap not in seen]

    def pool(self) -> Dataset:
        ids = [f"v-{i:03d}-mp4.png" for i in range(100)]
        if not hasattr(self, "missed"):
            return Dataset(ids)
        box = {"category_id": 0, "bbox": [10, 10, 40, 40], "score": 0.9}
        found = {name: [] if i in self.missed else [box] for i, name in enumerate(ids)}
        task = {"task_type": "object-detection", "categories": ["car"], "predictions": found}
        return Dataset(ids, predictions={"model": task})

    def evaluate(self) -> Mapping[str, float]:
        return {"missed": len(self.missed)}


@pytest.mark.parametrize("name", ["flicker", "uniform_assertions", "bal"])
def test_assertions_find_the_frames_with_a_missed_object(name: str) -> None:
    """15 gaps; 4 random frames first, then batches of 4 that all flicker while there are some."""
    curve = simulate(name, Film(), [4, 8, 12], seed=2)
    missed = curve.values("missed")
    assert missed[1:] == [missed[0] - 4, missed[0] - 8]
    picked = curve.steps[1].picked
    assert list(picked) != sorted(picked)


def test_flicker_leaves_quiet_frames_to_the_end_even_late() -> None:
    curve = simulate("flicker", Film(), [4, 96], seed=0)
    gaps = {f"v-{i:03d}-mp4.png" for i in Film().gaps} - set(curve.steps[0].picked)
    assert set(curve.steps[1].picked[: len(gaps)]) == gaps


def test_bal_learns_from_round_to_round_and_uniform_does_not() -> None:
    """Firings in the manifest of a round are what the next one compares with."""
    rounds = {
        name: [
            step.manifest["config"]["strategies"][0]["strategy"].get("previous", {})
            for step in simulate(name, Film(), [4, 8, 12], seed=2).steps[1:]
        ]
        for name in ("bal", "uniform_assertions")
    }
    assert rounds["uniform_assertions"] == [{}, {}]
    first, second = rounds["bal"]
    assert first == {}
    assert second["round"] == 1
    assert second["firings"]["flicker"] in range(12, 16)


# Promises

budgets_of_40 = st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True).map(sorted)


def small(seed: int) -> Classification:
    """Forty samples with exact ties and duplicates."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 4, size=(40, 3)).astype(float)
    y = np.array(["a", "b", "c"])[x[:, 0].astype(int) % 3]
    return Classification(x, y, x, y, model=LogisticRegression(max_iter=5000))


@settings(max_examples=15)
@given(
    st.sampled_from([n for n in OF_IMAGES if n != "probcover"]), budgets_of_40, st.integers(0, 99)
)
def test_each_id_once_budgets_kept_and_a_prefix(name: str, budgets: list[int], seed: int) -> None:
    curve = simulate(name, small(seed), budgets, seed=seed)
    assert curve.labels == budgets
    assert len(set(curve.order)) == len(curve.order) == budgets[-1]
    assert list(accumulate(len(step.picked) for step in curve.steps)) == budgets
    shorter = simulate(name, small(seed), budgets[:-1] or budgets, seed=seed)
    assert curve.steps[: len(shorter.steps)] == shorter.steps


@pytest.mark.parametrize("name", OF_IMAGES)
def test_every_method_for_images_runs_and_repeats(name: str) -> None:
    """Trained and asked twice from scratch, the curve is the same to the last bit."""
    curve = simulate(name, digits(4), [10, 20, 40], seed=4)
    assert curve == simulate(name, digits(4), [10, 20, 40], seed=4)
    assert curve.labels == [10, 20, 40]
    json.dumps([step.manifest for step in curve.steps])


def eighty_digits() -> Any:
    """A function that other processes can be sent, imports and all."""

    def learner_of_seed(seed: int) -> Learner:
        import numpy as np
        from sklearn.datasets import load_digits

        from selectlab.simulate import Classification

        found = load_digits()
        order = np.random.default_rng(seed).permutation(len(found.data))
        x, y = found.data[order], found.target[order]
        return Classification(x[:80], y[:80], x[80:200], y[80:200])

    return learner_of_seed


learner_of_seed = eighty_digits()


def test_the_number_of_processes_changes_nothing() -> None:
    given_ = (["random", "entropy"], learner_of_seed, [10, 20], range(2))
    assert compare(*given_, n_jobs=1) == compare(*given_, n_jobs=2)


class Threads(Film):
    """Measures how many threads it may use."""

    def evaluate(self) -> Mapping[str, float]:
        return {"threads": max(pool["num_threads"] for pool in threadpool_info())}


def test_a_curve_of_a_comparison_has_one_thread() -> None:
    with threadpool_limits(limits=2):
        found = compare(["random"], lambda seed: Threads(), [1], [0])
        assert simulate("random", Threads(), [1]).values("threads") == [2]
    assert found.curves[0].values("threads") == [1]


# Classification


def test_one_class_is_predicted_without_a_model() -> None:
    """Both labels are class 0; of the 11 numbers 6 are. Every score is 0: the first ids."""
    curve = simulate("margin", on_a_line(), [2, 4], start=["03", "01"])
    assert curve.order == ("03", "01", "00", "02")
    assert curve.values("accuracy") == pytest.approx([6 / 11] * 2)
    assert curve.values("balanced_accuracy") == [0.5, 0.5]


def test_classes_without_a_label_have_probability_0() -> None:
    """Labelled are a "d" and a "b": columns 1 and 3 of a, b, c, d. Half of the samples are such."""
    y = np.array(["d", "b", "c", "a"] * 5)
    x = np.eye(4)[np.arange(20) % 4]
    learner = Classification(x, y, x, y)
    learner.learn(["00", "01"])
    task = learner.pool().predictions("model")
    assert task.names == ("a", "b", "c", "d")
    assert task.probabilities is not None
    assert (task.probabilities[:, [0, 2]] == 0).all()
    assert (task.probabilities[:, [1, 3]] > 0).all()
    assert task.probabilities[0, 3] > task.probabilities[0, 1]
    assert learner.evaluate() == {"accuracy": 0.5, "balanced_accuracy": 0.5}


def test_a_model_that_knows_other_classes_is_refused() -> None:
    def of_others(x: np.ndarray, y: np.ndarray) -> LogisticRegression:
        return LogisticRegression().fit(x, y + 7)

    learner = Classification(LINE, HIGH, LINE, HIGH, model=of_others)
    learner.learn(["00", "10"])
    with pytest.raises(
        ValueError, match=r"^model: predicts classes that y does not have, \[7, 8\]$"
    ):
        learner.pool()


def test_balanced_accuracy_by_hand() -> None:
    """Constant class 0 of 3 x 0 and 1 x 1: accuracy 3/4, balanced (1 + 0) / 2."""
    learner = Classification(np.eye(3), [0, 1, 1], np.zeros((4, 3)), [0, 0, 0, 1])
    learner.learn(["0"])
    assert learner.evaluate() == {"accuracy": 0.75, "balanced_accuracy": 0.5}


def test_the_order_of_labels_does_not_matter_to_the_model() -> None:
    seen = []

    def model(x: np.ndarray, y: np.ndarray) -> Midpoint:
        seen.append((x[:, 0].tolist(), y.tolist()))
        return Midpoint(x, y)

    learner = Classification(LINE, HIGH, LINE, HIGH, model=model)
    learner.learn(["10", "00", "04"])
    learner.learn(["04", "10", "00"])
    assert seen == [([0, 4, 10], [0, 0, 1])] * 2


def test_an_estimator_is_cloned_and_stays_as_it_was() -> None:
    estimator = LogisticRegression()
    learner = Classification(LINE, HIGH, LINE, HIGH, model=estimator)
    learner.learn(["00", "10"])
    assert not hasattr(estimator, "coef_")


def test_test_classes_that_the_pool_lacks_count() -> None:
    """Constant 0 on one 0 and one 2; no sample of class 1 is in the test."""
    learner = Classification(np.eye(2), [0, 1], np.eye(2), [0, 2])
    learner.learn(["0"])
    assert learner.classes == ("0", "1", "2")
    assert learner.evaluate() == {"accuracy": 0.5, "balanced_accuracy": 0.5}


class Flattened(Midpoint):
    """The same for images of one pixel."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        super().__init__(x.reshape(len(x), -1), y)

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return super().predict_proba(x.reshape(len(x), -1))

    def predict(self, x: np.ndarray) -> np.ndarray:
        return super().predict(x.reshape(len(x), -1))


def samples() -> Iterator[tuple[str, Any, Any]]:
    import pandas as pd
    from scipy.sparse import coo_array
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.pipeline import make_pipeline

    plain = LogisticRegression()
    yield "list", LINE.tolist(), plain
    yield "table", pd.DataFrame(LINE, columns=["v"], index=list("abcdefghijk")), plain
    yield "sparse", coo_array(LINE), plain
    yield "images", LINE.reshape(11, 1, 1), Flattened
    words = [f"{'low' if i < 6 else 'high'} number {i:02d}" for i in range(11)]
    yield "text", words, make_pipeline(CountVectorizer(), plain)


@pytest.mark.parametrize(("x", "model"), [s[1:] for s in samples()], ids=[s[0] for s in samples()])
def test_samples_are_whatever_the_model_takes(x: Any, model: Any) -> None:
    learner = Classification(x, HIGH, x, HIGH, model=model)
    curve = simulate("random", learner, [11])
    assert curve.values("accuracy") == [1.0]


def test_images_are_their_own_embeddings() -> None:
    images = LINE.reshape(11, 1, 1)
    learner = Classification(images, HIGH, images, HIGH, model=Flattened)
    assert simulate("k_center", learner, [3]).order == ("00", "10", "05")


def test_embeddings_may_be_others_than_what_is_learned_from() -> None:
    learner = Classification(LINE, HIGH, LINE, HIGH, embeddings=LINE[::-1] ** 2)
    assert simulate("k_center", learner, [2, 3]).order == ("00", "10", "03")


def test_a_model_without_probabilities_goes_with_methods_that_ask_for_none() -> None:
    from sklearn.svm import LinearSVC

    learner = Classification(LINE, HIGH, LINE, HIGH, model=LinearSVC(random_state=0))
    assert simulate("k_center", learner, [2]).values("accuracy")[0] > 0.6
    wanted = (
        "margin, round 2: strategies[0].input: model: LinearSVC has no predict_proba, which this "
        "method needs; give a model that has it, such as CalibratedClassifierCV around this one"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(wanted)}$"):
        simulate("margin", learner, [8, 9])


# Curves, tables, plots


def curve(method: str, seed: int, *accuracies: float) -> Curve:
    steps = [
        Step(number, 10 * number, (f"{number}",), {"accuracy": value, "loss": 1 - value})
        for number, value in enumerate(accuracies, start=1)
    ]
    return Curve(method, seed, tuple(steps))


def test_the_table_has_mean_and_standard_error() -> None:
    """Of .2 and .6: mean .4, standard deviation .2 * sqrt 2, standard error .2."""
    found = Comparison((curve("b", 0, 0.2, 0.5), curve("b", 1, 0.6, 0.5), curve("a", 0, 0.1)))
    table = found.table("accuracy")
    assert list(table.columns) == ["method", "labels", "mean", "standard_error", "seeds"]
    assert table.iloc[:2].to_numpy().tolist() == [
        ["b", 10, pytest.approx(0.4), pytest.approx(0.2), 2],
        ["b", 20, 0.5, 0.0, 2],
    ]
    assert table.iloc[2, [0, 1, 2, 4]].tolist() == ["a", 10, 0.1, 1]
    assert np.isnan(table.iloc[2, 3])
    assert found.methods == ["b", "a"]
    assert [c.seed for c in found.of("b")] == [0, 1]
    assert found.table("loss")["mean"].tolist() == pytest.approx([0.6, 0.5, 0.9])


def test_the_frame_of_a_curve() -> None:
    frame = curve("a", 3, 0.1, 0.4).frame()
    assert frame.to_dict("records") == [
        {"method": "a", "seed": 3, "round": 1, "labels": 10, "accuracy": 0.1, "loss": 0.9},
        {"method": "a", "seed": 3, "round": 2, "labels": 20, "accuracy": 0.4, "loss": 0.6},
    ]


def test_the_plot_shows_means_and_bands(tmp_path: Path) -> None:
    figure = plot([curve("b", 0, 0.2, 0.5), curve("b", 1, 0.6, 0.5), curve("a", 0, 0.1, 0.3)])
    [axes] = figure.axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert lines["b"] == [[10, pytest.approx(0.4)], [20, 0.5]]
    assert lines["a"] == [[10, 0.1], [20, 0.3]]
    band = axes.collections[0].get_paths()[0].vertices
    assert sorted({round(float(y), 6) for x, y in band if x == 10}) == [0.2, 0.6]
    figure.savefig(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_compare_names_methods_and_begins_with_what_is_given() -> None:
    found = compare(
        {"spread": "k_center", "mine": lambda asked: ["04"][: asked.n_samples]},
        lambda seed: on_a_line(),
        [3],
        [7],
        start_of_seed=lambda seed: ["00", f"{seed:02d}"],
    )
    assert [(c.method, c.seed, c.order) for c in found.curves] == [
        ("spread", 7, ("00", "07", "03")),
        ("mine", 7, ("00", "07", "04")),
    ]


# The methods


def test_every_method_is_a_valid_config_that_select_runs() -> None:
    learner = digits(0)
    learner.learn([f"{i:03d}" for i in range(30)])
    asked = Round(5, learner.pool(), ("000", "001"), 2, 7, learner.classes)
    for name, method in methods().items():
        config = method.config(asked)
        assert json.loads(json.dumps(config)) == config
        assert load(config).n_samples == 5
        assert method.name == name
        assert method.source
        if name in OF_IMAGES:
            chosen = select(config, asked.dataset, preselected=asked.labelled)
            assert len(chosen) == 5


def test_the_docs_list_the_methods_as_they_are() -> None:
    page = (ROOT / "docs" / "simulate.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    assert listed == [
        (name, method.summary[0].lower() + method.summary[1:].removesuffix("."), method.source)
        for name, method in methods().items()
    ]


def test_typiclust_clusters_no_finer_than_500() -> None:
    pool = Dataset([f"{i:04d}" for i in range(1000)])
    clusters = [
        methods()["typiclust"].config(Round(n, pool, ("0001",) * m))["strategies"][0]["strategy"]
        for n, m in [(10, 90), (10, 600)]
    ]
    assert [c["num_clusters"] for c in clusters] == [100, 500]


def test_the_table_of_methods_cannot_be_changed_by_accident() -> None:
    methods().clear()  # type: ignore[attr-defined]
    assert "random" in methods()


def test_a_method_is_a_method() -> None:
    mine = Method("mine", "the first ids", "here", lambda asked: ["00", "01"])
    assert simulate(mine, on_a_line(), [2]).method == "mine"


# Errors


def text() -> Classification:
    return Classification(["a", "b"], [0, 1], ["a"], [0], model=Midpoint)


def test_a_table_of_numbers_is_its_own_embeddings() -> None:
    import pandas as pd

    table = pd.DataFrame({"v": LINE[:, 0], "w": LINE[:, 0] > 20}, index=list("abcdefghijk"))
    learner = Classification(table, HIGH, table, HIGH)
    assert simulate("k_center", learner, [3]).order == ("00", "10", "05")


def test_a_sparse_matrix_learns_and_selects_on_given_embeddings() -> None:
    x = csr_array(LINE)
    learner = Classification(x, HIGH, x, HIGH, embeddings=LINE)
    assert simulate("k_center", learner, [3]).order == ("00", "10", "05")
    alone = simulate("margin", Classification(x, HIGH, x, HIGH), [5, 11])
    dense = simulate("margin", Classification(LINE, HIGH, LINE, HIGH), [5, 11])
    assert alone.order == dense.order


def test_numbers_as_objects_and_truth_values_are_numbers() -> None:
    x = LINE.astype(object)
    assert simulate("random", Classification(x, HIGH, x, HIGH), [11]).values("accuracy") == [1.0]
    bits = LINE > 4
    assert simulate("k_center", Classification(bits, HIGH, bits, HIGH), [2]).order == ("00", "05")


def test_a_model_that_takes_nan_may_have_it() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=2)
    learner = Classification(HOLES, HIGH, HOLES, HIGH, model=model)
    assert simulate("random", learner, [11]).labels == [11]


def test_a_learner_serves_several_simulations() -> None:
    learner = digits(0)
    first, again = (simulate("margin", learner, [10, 15], seed=3) for _ in range(2))
    assert first.order == again.order
    assert first.steps[0].picked == simulate("random", learner, [10], seed=3).order


def test_an_error_in_a_callable_of_the_user_stays_as_it_is() -> None:
    class Broken(Midpoint):
        def predict(self, x: np.ndarray) -> np.ndarray:
            raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        simulate("random", Classification(LINE, HIGH, LINE, HIGH, model=Broken), [11])


HOLES = np.where(LINE == 3, np.nan, LINE)
NO_NUMBERS = "no embeddings, column 'w' of x holds no numbers; pass embeddings="


def taught(x: Any = LINE, x_test: Any = None, model: Any = None, **given: Any) -> Classification:
    return Classification(x, HIGH, x if x_test is None else x_test, HIGH, model=model, **given)


def learned(name: str, *given: Any, **named: Any) -> Curve:
    return simulate(name, taught(*given, **named), [8, 11])


class Answers(Midpoint):
    """Answers in a wrong shape."""

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return np.ones((len(x), 3))


class Column(Midpoint):
    """Answers in a column."""

    def predict(self, x: np.ndarray) -> np.ndarray:
        return super().predict(x)[:, None]


class Nameless:
    """Has probabilities of nobody knows what."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x = x

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.zeros(len(x), dtype=int)

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return np.ones((len(x), 2)) / 2


class Unanswering:
    """Learns and never answers."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x = x


def mixed() -> Any:
    import pandas as pd

    return pd.DataFrame({"v": LINE[:, 0], "w": list("abcdefghijk")})


def on_mixed() -> Classification:
    return taught(mixed(), model=lambda x, y: Midpoint(x[["v"]].to_numpy(), y))


def one_class() -> Classification:
    return Classification(LINE, ["cat"] * 11, LINE, ["cat"] * 11)


def compared(**given: Any) -> Comparison:
    asked = {"learner_of_seed": learner_of_seed, "seeds": [0], **given}
    return compare(asked.pop("methods", ["random"]), budgets=[2], **asked)


ERRORS: list[tuple[str, Any, str]] = [
    (
        "unknown method",
        lambda: simulate("margn", on_a_line(), [2]),
        "method: nothing is called 'margn'; did you mean 'margin'?",
    ),
    (
        "config that means nothing",
        lambda: simulate({"strategies": []}, on_a_line(), [2]),
        "strategies: must have at least one entry, got []",
    ),
    (
        "no config",
        lambda: simulate(3, on_a_line(), [2]),
        "config: expected a path, a dict or a list of (input, strategy) pairs, got int",
    ),
    (
        "no learner",
        lambda: simulate("random", object(), [2]),  # type: ignore[arg-type]
        "learner: object has no learn(); a learner has learn(ids), pool() and evaluate()",
    ),
    (
        "budgets fall",
        lambda: simulate("random", on_a_line(), [4, 2]),
        "budgets: expected rising numbers of labels, got [4, 2]",
    ),
    (
        "budgets that are a number",
        lambda: simulate("random", on_a_line(), 4.5),  # type: ignore[arg-type]
        "budgets: expected rising numbers of labels, got 4.5",
    ),
    (
        "more than there is",
        lambda: simulate("random", on_a_line(), [4, 12]),
        "budgets: 12 labels, but the pool has 11 samples",
    ),
    (
        "start beyond the first budget",
        lambda: simulate("random", on_a_line(), [2], start=["00", "01", "02"]),
        "start: 3 ids, but the first budget is 2 labels",
    ),
    (
        "empty start",
        lambda: simulate("random", on_a_line(), [2], start=[]),
        "start: no ids; None lets the method select the first samples",
    ),
    (
        "unknown start",
        lambda: simulate("random", on_a_line(), [2], start=["0"]),
        "start: 1 of 1 ids are not in the dataset, first '0'; did you mean '10'?",
    ),
    (
        "start twice",
        lambda: simulate("random", on_a_line(), [2], start=["01", "01"]),
        "start: '01' occurs twice",
    ),
    (
        "too few ids",
        lambda: simulate(lambda asked: ["00"], on_a_line(), [2]),
        "<lambda>, round 1: ids: expected 2, got 1",
    ),
    (
        "labelled already",
        lambda: simulate(lambda asked: ["00"], on_a_line(), [1, 2]),
        "<lambda>, round 2: ids: '00' is labelled already",
    ),
    (
        "nothing",
        lambda: simulate(lambda asked: None, on_a_line(), [1]),
        "<lambda>, round 1: config: expected a path, a dict or a list of (input, strategy) pairs, "
        "got NoneType",
    ),
    (
        "no such predictions",
        lambda: simulate(
            {
                "strategies": [
                    {
                        "input": {"type": "SCORES", "task": "modl", "score": "uncertainty_margin"},
                        "strategy": {"type": "WEIGHTS"},
                    }
                ]
            },
            on_a_line(),
            [8, 9],
        ),
        "config, round 2: strategies[0].input: dataset: no prediction task 'modl'; "
        "did you mean 'model'?",
    ),
    (
        "no video",
        lambda: simulate("bal", on_a_line(), [8, 9]),
        "bal, round 2: strategies[0].input: dataset: no video frames for 'flicker' among 11 "
        "samples; frames are named NAME-FRAME-EXT.png, such as clip-007-mp4.png",
    ),
    (
        "no classes",
        lambda: simulate("probcover", Film(), [4]),
        "probcover, round 1: the learner does not tell how many classes there are; give it "
        "an attribute 'classes'",
    ),
    (
        "no embeddings",
        lambda: simulate("k_center", text(), [2]),
        "k_center, round 1: strategies[0].input: no embeddings, x is <U1 of shape (2,), no (N, D) "
        "numbers; pass embeddings=",
    ),
    (
        "regression",
        lambda: Classification(LINE, LINE[:, 0] / 3, LINE, HIGH),
        "y: expected one class per sample, got continuous; only that is learned",
    ),
    (
        "several classes",
        lambda: Classification(LINE, np.eye(11, 3, dtype=int), LINE, HIGH),
        "y: expected one class per sample, got multilabel-indicator; only that is learned",
    ),
    (
        "lengths",
        lambda: Classification(LINE, HIGH[1:], LINE, HIGH),
        "y: 10 classes for 11 samples",
    ),
    (
        "lengths of the test",
        lambda: Classification(LINE, HIGH, LINE[1:], HIGH),
        "y_test: 11 classes for 10 samples",
    ),
    (
        "text and numbers",
        lambda: Classification(LINE, HIGH, LINE, HIGH.astype(str)),
        "y_test: its classes are of another type than those of y, <U21 and int64",
    ),
    (
        "class of a model",
        lambda: Classification(LINE, HIGH, LINE, HIGH, model=LogisticRegression),
        "model: expected a scikit-learn classifier or a callable, got the class "
        "LogisticRegression; write LogisticRegression()",
    ),
    (
        "no model",
        lambda: Classification(LINE, HIGH, LINE, HIGH, model=3),
        "model: expected a scikit-learn classifier or a callable, got int",
    ),
    (
        "metric",
        lambda: simulate("random", on_a_line(), [11]).values("acuracy"),
        "metric: nothing is called 'acuracy'; did you mean 'accuracy'?",
    ),
    (
        "one name as methods",
        lambda: compare("random", learner_of_seed, [2], [0]),
        "methods: expected a list, got 'random'; write ['random']",
    ),
    (
        "two of a name",
        lambda: compare(["random", "random"], learner_of_seed, [2], [0]),
        "methods: two are called 'random'; give a mapping by name",
    ),
    (
        "no seeds",
        lambda: compare(["random"], learner_of_seed, [2], []),
        "compare: 1 methods and 0 seeds; give some of both",
    ),
    (
        "seed 1.5",
        lambda: simulate("random", on_a_line(), [2], seed=1.5),  # type: ignore[arg-type]
        "seed: expected a whole number, got 1.5",
    ),
    (
        "seed None",
        lambda: simulate("random", on_a_line(), [2], seed=None),  # type: ignore[arg-type]
        "seed: expected a whole number, got None",
    ),
    (
        "seed in words",
        lambda: simulate("random", on_a_line(), [2], seed="a"),  # type: ignore[arg-type]
        "seed: expected a whole number, got 'a'",
    ),
    (
        "start that is one id",
        lambda: simulate("random", on_a_line(), [2], start="00"),
        "start: expected a list of ids, got '00'; write ['00']",
    ),
    (
        "start that is a number",
        lambda: simulate("random", on_a_line(), [2], start=3),  # type: ignore[arg-type]
        "start: expected a list of ids, got 3",
    ),
    (
        "seeds that are a number",
        lambda: compared(seeds=3),
        "seeds: expected a list of seeds, got 3; write [3] or range(3)",
    ),
    (
        "seeds in words",
        lambda: compared(seeds="12"),
        "seeds: expected a list of seeds, got '12'",
    ),
    (
        "one seed is no seed",
        lambda: compared(seeds=[0, 1.5]),
        "seeds[1]: expected a whole number, got 1.5",
    ),
    (
        "a seed twice",
        lambda: compared(seeds=[1, 2, 1]),
        "seeds: 1 occurs twice; one run would count as two",
    ),
    (
        "no processes",
        lambda: compared(n_jobs=0),
        "n_jobs: expected a number of processes, or -1 for one a core, got 0",
    ),
    (
        "processes in words",
        lambda: compared(n_jobs="x"),
        "n_jobs: expected a number of processes, or -1 for one a core, got 'x'",
    ),
    (
        "no learner of a seed",
        lambda: compared(learner_of_seed=None),
        "learner_of_seed: expected a function of the seed that makes a learner, got NoneType",
    ),
    (
        "a learner for all seeds",
        lambda: compared(learner_of_seed=on_a_line()),
        "learner_of_seed: expected a function of the seed that makes a learner, got Classification",
    ),
    (
        "no start of a seed",
        lambda: compared(start_of_seed=3),
        "start_of_seed: expected a function of the seed that gives ids, got int",
    ),
    (
        "methods that are a number",
        lambda: compared(methods=3),
        "methods: expected a list, got 3",
    ),
    (
        "a callable that returns nothing",
        lambda: learned("random", model=lambda x, y: None),
        "model: <lambda> returned NoneType, which has no predict(); return a trained classifier",
    ),
    (
        "a callable that returns a pair",
        lambda: learned("random", model=lambda x, y: (x, y)),
        "model: <lambda> returned tuple, which has no predict(); return a trained classifier",
    ),
    (
        "a model that never answers",
        lambda: learned("random", model=Unanswering),
        "model: Unanswering returned Unanswering, which has no predict(); return a trained "
        "classifier",
    ),
    (
        "an estimator that never answers",
        lambda: learned("random", model=StandardScaler()),
        "model: StandardScaler has no predict(); give a classifier",
    ),
    (
        "a model that answers in a column",
        lambda: learned("random", model=Column),
        "model: predict returned shape (11, 1) for 11 samples; expected one class per sample",
    ),
    (
        "probabilities of another shape",
        lambda: learned("margin", model=Answers),
        "model: predict_proba returned shape (11, 3) for 11 samples and 2 classes",
    ),
    (
        "probabilities without classes",
        lambda: learned("margin", model=Nameless),
        "model: Nameless has predict_proba, but no classes_ that name its columns",
    ),
    (
        "no probabilities",
        lambda: learned("badge", model=SVC()),
        "badge, round 2: strategies[0].input: model: SVC has no predict_proba, which this method "
        "needs; give a model that has it, such as CalibratedClassifierCV around this one",
    ),
    (
        "empty pool",
        lambda: Classification(np.empty((0, 2)), [], LINE, HIGH),
        "x: no samples; expected at least one",
    ),
    (
        "empty test",
        lambda: Classification(LINE, HIGH, [], []),
        "x_test: no samples; expected at least one",
    ),
    (
        "no samples but None",
        lambda: Classification(None, HIGH, LINE, HIGH),
        "x: expected one row per sample, got NoneType",
    ),
    (
        "samples of several lengths",
        lambda: Classification([[1], [1, 2]], [0, 1], LINE, HIGH),
        "x: expected samples of one shape; their lengths differ",
    ),
    (
        "a line of numbers",
        lambda: taught(LINE[:, 0]),
        "x: expected (N, D) numbers, got shape (11,); write x.reshape(-1, 1) if a sample is one "
        "number",
    ),
    (
        "a line of test numbers",
        lambda: taught(LINE, LINE[:, 0]),
        "x_test: expected (N, D) numbers, got shape (11,); write x_test.reshape(-1, 1) if a "
        "sample is one number",
    ),
    (
        "images for the default model",
        lambda: taught(np.zeros((11, 2, 2))),
        "x: expected (N, D) numbers, got shape (11, 2, 2); flatten it, x.reshape(len(x), -1), or "
        "give a model and embeddings",
    ),
    (
        "images for an estimator",
        lambda: learned("random", np.zeros((11, 2, 2)), model=SVC()),
        "model: SVC cannot learn from x: Found array with dim 3, while dim <= 2 is required by SVC",
    ),
    (
        "text for the default model",
        lambda: taught(list("abcdefghijk")),
        "x: expected (N, D) numbers, got <U1; give a model that takes it",
    ),
    (
        "a column of text for the default model",
        lambda: taught(mixed()),
        "x: column 'w' holds no numbers; give a model that takes it",
    ),
    (
        "a column of text as embeddings",
        lambda: simulate("k_center", on_mixed(), [2]),
        f"k_center, round 1: strategies[0].input: {NO_NUMBERS}",
    ),
    (
        "NaN",
        lambda: taught(HOLES),
        "x: NaN or infinite values in 1 of 11 samples, first row 3; fill them, or give a model "
        "that takes them",
    ),
    (
        "infinite in a sparse test matrix",
        lambda: taught(csr_array(LINE), csr_array(np.where(LINE > 8, np.inf, LINE))),
        "x_test: NaN or infinite values in 2 of 11 samples, first row 9; fill them, or give a "
        "model that takes them",
    ),
    (
        "NaN for an estimator",
        lambda: learned("random", LINE, HOLES, model=SVC()),
        "model: SVC cannot predict x_test: Input X contains NaN",
    ),
    (
        "another width",
        lambda: taught(LINE, np.zeros((11, 3))),
        "x_test: 3 features a sample, but x has 1; both need the same",
    ),
    (
        "a sparse matrix as its own embeddings",
        lambda: learned("k_center", csr_array(LINE)),
        "k_center, round 1: strategies[0].input: no embeddings, x is a sparse matrix; pass "
        "embeddings=",
    ),
    (
        "a sparse matrix as embeddings",
        lambda: taught(embeddings=csr_array(LINE)),
        "embeddings: expected an (N, D) array, got a sparse matrix; reduce it, such as with "
        "TruncatedSVD(50).fit_transform(x)",
    ),
    (
        "one class",
        lambda: simulate("probcover", one_class(), [2]),
        "probcover, round 1: the learner knows one class, 'cat'; probcover needs two or more to "
        "estimate its radius",
    ),
]


@pytest.mark.parametrize(("call", "message"), [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS])
def test_errors_are_one_line(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()


def test_an_error_in_another_process_is_the_same_line() -> None:
    message = "bal, round 2: strategies[0].input: dataset: no video frames for 'flicker' among 80"
    with pytest.raises(ValueError, match=f"^{re.escape(message)} samples; [^\n]*$"):
        compare(["random", "bal"], learner_of_seed, [8, 9], [0], n_jobs=2)


def test_the_example_runs(tmp_path: Path) -> None:
    script = ROOT / "examples" / "learning-curves" / "learning_curves.py"
    command = [sys.executable, script, "--out", tmp_path, "--jobs", "1"]
    command += ["--seeds", "2", "--budgets", "10", "20"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "curves.csv").read_text().splitlines()) == 5
    assert (tmp_path / "curves.png").stat().st_size > 1000
    assert "margin" in done.stdout
