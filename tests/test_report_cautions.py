"""Reports: strategies without influence, inputs that say the same, targets that were missed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_page import (
    PLAIN,
    hostile_folder,
    line_data,
    ran,
    reported,
    sky,
)
from small_dataset import (
    DIVERSITY,
    UNIFORM,
    WEIGHTS,
    config,
    metadata,
)

from selectlab import api
from selectlab.dataset import Dataset
from selectlab.inputs.folder import open_dataset
from selectlab.report.targets import wanted_shares
from selectlab.strategies import Balance, Weights


def test_influence_is_what_would_have_been_picked_without_it(tmp_path: Path) -> None:
    """Against selecting again by the front door."""
    data = line_data(noise=np.random.default_rng(1).uniform(size=40).tolist())
    pairs = [(PLAIN, DIVERSITY), (metadata("noise"), WEIGHTS), (metadata("same"), WEIGHTS)]
    chosen = api.select(config(*pairs, n_samples=12), data)
    chosen.save(tmp_path / "run")
    page = reported(tmp_path / "run", data)
    for at, label in enumerate(("0_diversity", "1_weights", "2_weights")):
        rest = [pair for k, pair in enumerate(pairs) if k != at]
        others = 12 - len({*chosen.ids} & {*api.select(config(*rest, n_samples=12), data).ids})
        assert (others == 0) == (label == "2_weights")
        told = f"{others} of 12 picks would be others without it"
        weak = f"influence: {label}: none: the same samples would have been selected without it"
        assert (told if others else weak) in page.text


def test_a_strategy_alone_has_chosen_everything(tmp_path: Path) -> None:
    data = line_data()
    page = reported(ran(config((metadata("x"), WEIGHTS)), data, tmp_path / "run"), data)
    assert "Influence: the only strategy that ranks: it chose all." in page.text
    assert "Nothing to warn of" in page.text


def test_a_filter_that_filters_nothing_is_told(tmp_path: Path) -> None:
    data = line_data()
    nothing = {"type": "THRESHOLD", "threshold": -1, "operation": "BIGGER"}
    asked = config((metadata("x"), WEIGHTS), (metadata("x"), nothing))
    page = reported(ran(asked, data, tmp_path / "run"), data)
    assert "influence: 1_threshold: none: this filter removed no sample" in page.text


@pytest.mark.parametrize(
    ("key", "strength", "told"),
    [
        ("x_squared", 1, "rank the candidates alike (rank correlation 1.00)"),
        ("minus_x", 1, "pull against each other (rank correlation -1.00)"),
        ("minus_x", -1, "rank the candidates alike (rank correlation -1.00)"),
        ("noise", 1, None),
        ("same", 1, None),
    ],
)
def test_inputs_that_say_the_same(
    tmp_path: Path, key: str, strength: float, told: str | None
) -> None:
    x = np.cumsum(np.random.default_rng(2).uniform(0.1, 1.0, 40))
    noise = np.random.default_rng(1).uniform(size=40)
    data = line_data(x_squared=(x**2).tolist(), noise=noise.tolist())
    asked = config((metadata("x"), WEIGHTS), (metadata(key), {**WEIGHTS, "strength": strength}))
    page = reported(ran(asked, data, tmp_path / "run"), data)
    line = f"correlated inputs: metadata x and metadata {key} {told}"
    assert (line in page.text) == (told is not None)
    assert ("correlated inputs" in page.text) == (told is not None)


def test_a_target_out_of_reach_is_told_with_what_there_is(tmp_path: Path) -> None:
    """Two of eight are snowy; six are picked, half of them were to be snowy: two are a third."""
    data = sky({"sunny": 6, "snowy": 2})
    half = {"type": "BALANCE", "target": {"sunny": 0.5, "snowy": 0.5}}
    page = reported(ran(config((metadata("sky"), half), n_samples=6), data, tmp_path / "run"), data)
    assert (
        "targets: metadata sky: 'snowy' was wanted at 50 % and has 33.3 %; out of reach: the "
        "candidates have only 2 of them, at most 33.3 % of a selection of this size"
    ) in page.text
    assert "'sunny' was wanted" not in page.text


def test_a_target_within_reach_is_told_as_such(tmp_path: Path) -> None:
    """The numbers win against a weak balance."""
    data = sky({"snowy": 4, "sunny": 10})
    weak = {"type": "BALANCE", "target": {"sunny": 0.5, "snowy": 0.5}, "strength": 0.001}
    asked = config((metadata("x"), WEIGHTS), (metadata("sky"), weak), n_samples=6)
    page = reported(ran(asked, data, tmp_path / "run"), data)
    assert (
        "'snowy' was wanted at 50 % and has 0 %; the candidates have enough (4): other" in page.text
    )


@pytest.mark.parametrize(
    ("strategy", "shares"),
    [
        (Balance(target={"a": 0.5, "b": 0.5}), [0.5, 0.5, None]),
        (Balance(target={"a": 3.0, "b": 1.0}), [0.75, 0.25, None]),
        (Balance(target={"a": 0.2, "b": 0.2, "c": 0.1}), [0.4, 0.4, 0.2]),
        (Balance(distribution="UNIFORM"), [0.5, 0.5, 0.0]),
        (Balance(distribution="INPUT"), [0.75, 0.25, 0.0]),
        (Weights(), None),
    ],
)
def test_wanted_shares(strategy: Any, shares: list[float | None] | None) -> None:
    """As docs/config.md says of BALANCE; the candidates have three a, one b and no c."""
    found = wanted_shares(strategy, ("a", "b", "c"), np.array([3.0, 1.0, 0.0]))
    if found is None or shares is None:
        assert (found, shares) == (None, None)
    else:
        assert [None if np.isnan(one) else one for one in found] == pytest.approx(shares)


def test_targets_without_the_data(tmp_path: Path) -> None:
    """A manifest names the 50 most frequent classes only; a wanted one may not be among them."""
    names = [f"class {k:02d}" for k in range(55) for _ in range(60 - k)]
    data = Dataset(
        [f"{k:04d}.png" for k in range(len(names))],
        metadata={"kind": names, "x": [float(9000 - k) for k in range(len(names))]},
    )
    goals = {"class 54": 0.9, "class 01": 0.1}
    weak = {"type": "BALANCE", "target": goals, "strength": 1e-9}
    even = {"type": "BALANCE", "distribution": "UNIFORM", "strength": 1e-9}
    asked = config(
        (metadata("x"), WEIGHTS), (metadata("kind"), weak), (metadata("kind"), even), n_samples=10
    )
    page = reported(ran(asked, data, tmp_path / "run"))
    told = "'class 54' was wanted at 90 % and has 0 %; among the candidates it has hardly any"
    assert told in page.text
    assert "'class 01' was wanted at 10 % and has 0 %; among the candidates it has 3." in page.text
    assert page.text.count("was wanted at") == 2
    bars = page.charts["metadata kind (BALANCE, BALANCE): Balance of classes"]
    assert "class 54" in bars["layout"]["yaxis"]["ticktext"]


def test_weak_influence_without_the_data(tmp_path: Path) -> None:
    """From quartiles alone: constant numbers, and numbers of the picks like those of all."""
    noise = np.random.default_rng(4).uniform(size=40)
    data = line_data(noise=noise.tolist())
    pairs = [(metadata("x"), WEIGHTS), (metadata("same"), WEIGHTS)]
    asked = config(*pairs, (metadata("noise"), {**WEIGHTS, "strength": 1e-6}), n_samples=10)
    text = reported(ran(asked, data, tmp_path / "run")).text
    assert "influence: 1_weights: none: metadata same is 3 for all" in text
    assert "influence: 2_weights: none to be seen: the mean is" in text
    assert "influence: 0_weights" not in text


def test_a_share_of_less_than_one_sample_is_not_missed(tmp_path: Path) -> None:
    """Of one pick no class can have a half."""
    data = sky({"sunny": 6, "snowy": 2})
    half = {"type": "BALANCE", "target": {"sunny": 0.5, "snowy": 0.5}}
    run = ran(config((metadata("sky"), half), n_samples=1), data, tmp_path / "run")
    assert "was wanted" not in reported(run, data).text
    assert "was wanted" not in reported(run).text


def test_a_target_that_earlier_picks_put_out_of_reach(tmp_path: Path) -> None:
    """Of six sunny ones and two picks more, two of eight can be snowy, whatever there is."""
    data = sky({"sunny": 6, "snowy": 6})
    half = {"type": "BALANCE", "target": {"sunny": 0.5, "snowy": 0.5}}
    before = [f"{k:02d}.png" for k in range(6)]
    asked = config((metadata("sky"), half), n_samples=2)
    page = reported(ran(asked, data, tmp_path / "run", preselected=before), data)
    assert (
        "'snowy' was wanted at 50 % and has 25 %; out of reach: too little of it was selected "
        "before; if this run had brought nothing else, it would have 25 %"
    ) in page.text


def test_equal_shares_count_classes_that_only_earlier_picks_have(tmp_path: Path) -> None:
    """As BALANCE does: three classes are there, so each is wanted at a third."""
    data = sky({"foggy": 1, "sunny": 6, "snowy": 6})
    asked = config((metadata("sky"), UNIFORM), n_samples=4)
    page = reported(ran(asked, data, tmp_path / "run", preselected=["00.png"]), data)
    wanted = page.series("metadata sky (BALANCE): Balance of classes", "wanted")
    assert wanted["x"] == [33.33, 33.33, 33.33]


@pytest.mark.parametrize("strength", [0, -1])
def test_a_balance_that_is_turned_off_or_around_has_no_targets(
    tmp_path: Path, strength: float
) -> None:
    data = sky({"sunny": 6, "snowy": 2})
    half = {"type": "BALANCE", "target": {"sunny": 0.9, "snowy": 0.1}, "strength": strength}
    asked = config((metadata("x"), WEIGHTS), (metadata("sky"), half), n_samples=4)
    page = reported(ran(asked, data, tmp_path / "run"), data)
    assert "was wanted" not in page.text
    bars = page.charts["metadata sky (BALANCE): Balance of classes"]
    assert [one["name"] for one in bars["data"]] == ["candidates", "selected", "random"]


def test_one_input_weighed_twice_is_told(tmp_path: Path) -> None:
    data = line_data()
    asked = config((metadata("x"), WEIGHTS), (metadata("x"), WEIGHTS))
    page = reported(ran(asked, data, tmp_path / "run"), data)
    assert (
        "correlated inputs: 0_weights and 1_weights, both on metadata x, rank the candidates alike "
        "(rank correlation 1.00)"
    ) in page.text


def test_predicted_probabilities_add_up_to_broken_numbers(tmp_path: Path) -> None:
    """Two samples are a dog by 0.75 each: 1.5 dogs, of which two would have been wanted."""
    files = hostile_folder(tmp_path / "data")
    base = files / ".lightly/predictions/pets"
    base.mkdir()
    categories = [{"id": 0, "name": "dog"}, {"id": 1, "name": "cat"}]
    tasks = files / ".lightly/predictions/tasks.json"
    tasks.write_text(json.dumps(["pets"]))
    schema = {"task_type": "classification", "categories": categories}
    (base / "schema.json").write_text(json.dumps(schema))
    ids = open_dataset(files).ids
    for at, name in enumerate(ids):
        dog = 0.75 if at < 2 else 0.0
        sure = {"category_id": int(dog == 0), "probabilities": [dog, 1 - dog]}
        content = {"file_name": name, "predictions": [sure]}
        (base / f"{name.removesuffix('.png')}.json").write_text(json.dumps(content))
    classes = {"type": "PREDICTIONS", "task": "pets", "name": "CLASS_DISTRIBUTION"}
    wish = {"type": "BALANCE", "target": {"dog": 0.9, "cat": 0.1}}
    asked = config((classes, wish), n_samples=4)
    page = reported(ran(asked, files, tmp_path / "run"), files)
    assert "the candidates have only about 1.5 of them, at most 37.5 % of a" in page.text


def test_where_only_the_order_would_be_another(tmp_path: Path) -> None:
    """The one sample of ten that both numbers say nothing of is left; the order is their affair."""
    up = [0.0, *range(1, 10)]
    down = [0.0, *range(9, 0, -1)]
    data = Dataset([f"{k}.png" for k in range(10)], metadata={"up": up, "down": down})
    asked = config((metadata("up"), WEIGHTS), (metadata("down"), WEIGHTS), n_samples=9)
    page = reported(ran(asked, data, tmp_path / "run"), data)
    chosen = api.select(asked, data).ids
    for label, other in (("0_weights", "down"), ("1_weights", "up")):
        without = api.select(config((metadata(other), WEIGHTS), n_samples=9), data).ids
        assert {*without} == {*chosen}
        assert without != chosen
        assert (
            f"{label}: none: the same samples would have been selected without it, in another order"
        ) in page.text


def test_where_every_candidate_is_selected_only_the_order_is_decided(tmp_path: Path) -> None:
    data = line_data()
    asked = config((PLAIN, DIVERSITY), (metadata("x"), WEIGHTS), n_samples=40)
    text = reported(ran(asked, data, tmp_path / "run"), data).text
    assert text.count("Influence: every candidate is selected: it decides the order alone.") == 2
    assert "influence:" not in text


def test_a_class_that_no_candidate_has(tmp_path: Path) -> None:
    """The filter removes both of its samples."""
    wish = {"type": "BALANCE", "target": {"sunny": 0.5, "foggy": 0.5}}
    data = sky({"foggy": 2, "sunny": 6})
    later = {"type": "THRESHOLD", "threshold": 1.5, "operation": "BIGGER"}
    asked = config((metadata("sky"), wish), (metadata("x"), later), n_samples=4)
    page = reported(ran(asked, data, tmp_path / "run"), data)
    assert (
        "'foggy' was wanted at 50 % and has 0 %; out of reach: the candidates have none of them"
    ) in page.text
