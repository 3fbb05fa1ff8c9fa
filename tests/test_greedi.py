"""Approximate selection in two rounds: its candidates, its quality, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_dataset import DIVERSITY, EMBEDDINGS, RANDOM, WEIGHTS, config, small_dataset
from small_dataset import selectlab as command_line
from workers import MAKE

import selectlab
from selectlab.cluster import clusters, greedi
from selectlab.cluster.process_executor import ProcessExecutor
from selectlab.config import load
from selectlab.errors import ConfigError
from selectlab.inputs import Embeddings, Metadata
from selectlab.resolve import resolve
from selectlab.strategies import Balance, Diversity, Similarity, Typicality, Weights

N = 300


@pytest.fixture(scope="module")
def three() -> Iterator[ProcessExecutor]:
    executor = ProcessExecutor(3, MAKE)
    yield executor
    executor.stop()


def dataset(vectors: Any) -> selectlab.Dataset:
    """Samples whose order of ids is not that of the array."""
    ids = [f"{i:04d}" for i in np.random.default_rng(1).permutation(len(vectors))]
    rng = np.random.default_rng(2)
    return selectlab.Dataset(
        ids,
        embeddings=vectors,
        metadata={"x": rng.random(len(ids)), "kind": rng.choice(["a", "b"], len(ids))},
        tags={"query": ids[:3]},
    )


def approximate(three: ProcessExecutor, entries: Any, data: Any, n: int, before: Any = ()) -> Any:
    """Return the outcome of the two rounds on workers that are there."""
    with clusters.using(three):
        resolved = resolve(load(entries, n_samples=n), data, before)
        return resolved, greedi.select(resolved, three)


PLAIN = Embeddings(normalize=False)


def test_groups_on_a_line(three: ProcessExecutor) -> None:
    """Four groups far apart: whoever selects four takes one of each, approximately or not.

    The first pick is the first sample by id, as ever.
    """
    own = np.repeat([[0.0], [100.0], [200.0], [300.0]], 25, axis=0) + np.arange(100)[:, None] / 1e4
    resolved, outcome = approximate(three, [(PLAIN, Diversity())], dataset(own), 4)
    picked = resolved.active[0].vectors[np.array(outcome.rows)].ravel()
    assert sorted(np.round(picked, -2).tolist()) == [0.0, 100.0, 200.0, 300.0]
    assert outcome.rows[0] == 0
    told = outcome.engine["approximate"]
    assert told["mode"] == "greedi"
    assert 4 <= told["candidates"] <= 12
    assert told["quality"]["greedi"]["coverage_radius"] <= 0.01
    assert told["quality"]["exact"]["coverage_radius"] <= 0.01
    assert told["quality"]["random"]["coverage_radius"] > 0


def test_a_joint_plan_with_preselected(three: ProcessExecutor) -> None:
    """Preselected samples are not picked again, and what they cover is not either."""
    own = np.random.default_rng(0).normal(size=(N, 4))
    data = dataset(own)
    before = data.ids[:5]
    entries = [
        (PLAIN, Diversity()),
        (Metadata(key="x"), Weights()),
        (Metadata(key="kind"), Balance(distribution="UNIFORM")),
        (Embeddings(normalize=False, tag_name="query"), Similarity(strength=0.2)),
    ]
    resolved, outcome = approximate(three, entries, data, 20, before)
    assert len(set(outcome.rows)) == 20
    assert not set(outcome.rows) & set(range(5))
    radius = {k: v["coverage_radius"] for k, v in _quality(outcome).items()}
    assert set(radius) == {"greedi", "random", "exact"}
    assert outcome.shortfalls == [
        "approximate selection (greedi), measured on 295 samples: distance to the nearest selected "
        f"at most {radius['greedi']:.4g} greedi, {radius['exact']:.4g} exact, "
        f"{radius['random']:.4g} random; on average "
        + ", ".join(
            f"{_quality(outcome)[k]['mean_distance_to_nearest_selected']:.4g} {k}"
            for k in ("greedi", "exact", "random")
        )
    ]
    assert resolved.plan.candidates.sum() == N - 5


def _quality(outcome: Any) -> dict[str, Any]:
    return {k: v for k, v in outcome.engine["approximate"]["quality"].items() if k != "measured_on"}


def test_not_far_from_exact(three: ProcessExecutor) -> None:
    """Three seeds: the radius is nearer to the exact one than to random, on clustered data."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        own = rng.normal(size=(30, 6))[rng.integers(0, 30, N)] + 0.05 * rng.normal(size=(N, 6))
        _, outcome = approximate(three, [(PLAIN, Diversity())], dataset(own), 30)
        radius = {k: v["coverage_radius"] for k, v in _quality(outcome).items()}
        assert radius["greedi"] - radius["exact"] < radius["random"] - radius["greedi"]


def test_exact_is_left_out_where_it_costs_too_much(
    three: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(greedi, "_AFFORDABLE", 10)
    own = np.random.default_rng(0).normal(size=(N, 4))
    _, outcome = approximate(three, [(PLAIN, Diversity())], dataset(own), 5)
    assert set(_quality(outcome)) == {"greedi", "random"}


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        (
            [(PLAIN, Typicality())],
            "strategies[0]: TYPICALITY cannot be told from a part of the samples; "
            "leave out approximate 'greedi'",
        ),
        (
            [(Metadata(key="x"), Weights())],
            "strategies: approximate 'greedi' needs strategies on embeddings, all on the same; "
            "there are 0 different ones",
        ),
        (
            [(PLAIN, Diversity()), (Embeddings(), Diversity())],
            "strategies: approximate 'greedi' needs strategies on embeddings, all on the same; "
            "there are 2 different ones",
        ),
    ],
)
def test_what_it_cannot_do(three: ProcessExecutor, entries: Any, line: str) -> None:
    own = np.random.default_rng(0).normal(size=(N, 4))
    with pytest.raises(ConfigError) as caught:
        approximate(three, entries, dataset(own), 5)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"approximate": "greedi"}, "approximate: 'greedi' goes with engine 'process' or 'ray'"),
        (
            {"approximate": "gredi", "engine": "process"},
            "approximate: nothing is called 'gredi'; did you mean 'greedi'?",
        ),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, str], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        selectlab.select(config((RANDOM, WEIGHTS)), dataset(np.eye(3)), **options)  # type: ignore[arg-type]
    assert str(caught.value) == line


def test_the_command_line_says_how_good_it_is(tmp_path: Path) -> None:
    import json

    data = small_dataset(tmp_path)
    (tmp_path / "c.json").write_text(json.dumps(config((EMBEDDINGS, DIVERSITY))))
    done = command_line(
        *("select", tmp_path / "c.json", "--data", data, "--out", tmp_path / "run"),
        *("--engine", "process", "--workers", 2, "--approximate", "greedi"),
    )
    assert done.code == 0, done.err
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["engine"]["approximate"]["mode"] == "greedi"
    assert any(line.startswith("approximate selection (greedi)") for line in manifest["warnings"])
    assert "approximate selection (greedi)" in " ".join((done.out + done.err).split())
