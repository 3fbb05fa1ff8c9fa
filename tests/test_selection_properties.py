"""What holds for every selection. Exact ties and duplicates are the rule here, not the exception.

Values come from small palettes of numbers without structure, short enough for sums and squares
to be exact: rows tie when they are duplicates and never by rounding.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from problems import CLASS_NAMES, TAG, TASK, Entry, Problem, as_float32
from random_problems import random_problem

import selectlab

settings.register_profile(
    "selection", deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("selection")

_RNG = np.random.default_rng(7)
VECTORS = [tuple(row) for row in (_RNG.integers(-512, 512, (6, 3)) / 256).tolist()]
OBJECTS = [tuple(row) for row in (_RNG.integers(-512, 512, (5, 2)) / 256).tolist()]
WEIGHTS = (_RNG.integers(1, 2**21, 5) / 2**20).tolist()
SHARES = [[1.0, 0.0, 0.0], [0.5, 0.25, 0.25], [0.125, 0.125, 0.75], [0.0, 0.625, 0.375]]
STRENGTHS = [1.0, 1.0, 2.0, 0.5, 1.3, -1.0, -0.4]

SAMPLES: Entry = {"type": "EMBEDDINGS", "normalize": False}
UNIT: Entry = {"type": "EMBEDDINGS"}
DETECTED: Entry = {"type": "EMBEDDINGS", "task": TASK, "normalize": False}
WEIGHT: Entry = {"type": "METADATA", "key": "weight"}
GAIN: Entry = {"type": "METADATA", "key": "gain"}
WEATHER: Entry = {"type": "METADATA", "key": "weather"}
PREDICTED: Entry = {"type": "PREDICTIONS", "name": "CLASS_DISTRIBUTION", "task": "weather"}


def entry(given: Entry, kind: str, **fields: Any) -> Entry:
    return {"input": given, "strategy": {"type": kind, **fields}}


FREE = [
    entry(SAMPLES, "DIVERSITY"),
    entry(UNIT, "DIVERSITY"),
    entry(DETECTED, "DIVERSITY"),
    entry(WEIGHT, "WEIGHTS"),
    entry(GAIN, "WEIGHTS"),
    entry(WEATHER, "BALANCE", target={"sun": 0.6, "fog": 0.1}),
    entry(PREDICTED, "BALANCE", target={"bus": 0.5, "car": 0.5}),
    entry(WEATHER, "BALANCE", distribution="UNIFORM"),
    entry(SAMPLES | {"tag_name": TAG}, "SIMILARITY"),
    entry(DETECTED | {"tag_name": TAG}, "SIMILARITY"),
    entry(SAMPLES, "TYPICALITY", num_nearest_neighbors=3),
    entry(DETECTED, "TYPICALITY", num_nearest_neighbors=2),
]
UNTARGETED = [e for e in FREE if "target" not in e["strategy"]]
LIMITED = [
    entry(SAMPLES, "DIVERSITY", stopping_condition_minimum_distance=1.5),
    entry(
        SAMPLES, "DIVERSITY", stopping_condition_minimum_distance=1.0, on_minimum_distance="stop"
    ),
    entry(DETECTED, "DIVERSITY", stopping_condition_minimum_distance=0.75),
    entry(GAIN, "WEIGHTS", stopping_condition_max_sum=6.0),
    entry(WEIGHT, "WEIGHTS", target_range={"min_sum": 1.0, "max_sum": 5.0}),
    entry(
        SAMPLES, "TYPICALITY", num_nearest_neighbors=2, stopping_condition_minimum_typicality=0.5
    ),
    entry(GAIN, "THRESHOLD", threshold=WEIGHTS[2], operation="SMALLER_EQUAL"),
]


@st.composite
def problems(
    draw: st.DrawFn, entries: list[Entry] = FREE + LIMITED, *, one_diversity: bool = False
) -> Problem:
    """Draw 2 to 12 samples that share few values, and 1 to 4 strategies."""
    n = draw(st.integers(2, 12))
    ids = draw(st.permutations([f"{'ab'[i % 2]}/{i}.png" for i in range(n)]))

    def column(values: list[Any]) -> list[Any]:
        return draw(st.lists(st.sampled_from(values), min_size=n, max_size=n))

    owned = [draw(st.lists(st.sampled_from(OBJECTS), max_size=3)) for _ in range(n)]
    owned[0] = owned[0] or OBJECTS[:1]
    chosen = draw(st.lists(st.sampled_from(entries), min_size=1, max_size=4))
    if one_diversity:
        first = next((e for e in chosen if e["strategy"]["type"] == "DIVERSITY"), None)
        chosen = [e for e in chosen if e["strategy"]["type"] != "DIVERSITY" or e is first]
    for i, e in enumerate(chosen):
        if e["strategy"]["type"] != "THRESHOLD":
            strength = {"strength": draw(st.sampled_from(STRENGTHS))}
            chosen[i] = {"input": e["input"], "strategy": e["strategy"] | strength}
    weather = column(["sun", "rain", "fog", "snow"])
    weather[0] = "sun"  # a target must not name a class that is not there, here sun or fog
    weather[1] = "fog"
    return Problem(
        ids=ids,
        embeddings=column(VECTORS),
        objects=owned,
        metadata={"weight": column(WEIGHTS), "gain": column(WEIGHTS[:3]), "weather": weather},
        probabilities=[dict(zip(CLASS_NAMES, row, strict=True)) for row in column(SHARES)],
        query=[ids[0]],
        entries=chosen,
        preselected=draw(st.lists(st.sampled_from(ids), max_size=3, unique=True)),
        n=draw(st.integers(1, n + 2)),
    )


@given(problems())
def test_each_id_comes_once_and_is_new(problem: Problem) -> None:
    ids = problem.ranking()
    assert len(set(ids)) == len(ids) <= problem.n
    assert set(ids) <= set(problem.ids) - set(problem.preselected)


@given(problems(), st.data())
def test_the_first_of_many_are_the_few(problem: Problem, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, problem.n))
    assert replace(problem, n=k).ranking() == problem.ranking()[:k]


@given(problems(), st.data())
def test_stop_and_resume_equals_never_stopping(problem: Problem, data: st.DataObject) -> None:
    whole = problem.ranking()
    k = data.draw(st.integers(0, max(len(whole) - 1, 0)))
    before = [*problem.preselected, *whole[:k]]
    rest = replace(problem, preselected=before, n=problem.n - k)
    assert rest.ranking() == whole[k:]


@given(problems(), st.data())
def test_shuffled_ids_and_arrays_change_nothing(problem: Problem, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(problem.ids))))
    before = data.draw(st.permutations(problem.preselected))
    other = replace(problem.shuffled(order), preselected=before)
    assert other.ranking() == problem.ranking()


@given(problems(), st.data())
def test_the_order_of_entries_changes_nothing(problem: Problem, data: st.DataObject) -> None:
    entries = data.draw(st.permutations(problem.entries))
    assert replace(problem, entries=entries).ranking() == problem.ranking()


@given(
    problems([e for e in FREE if e["input"] != UNIT], one_diversity=True),
    st.sampled_from([0.125, 0.5, 2.0, 8.0]),
    st.sampled_from(["embeddings", "objects", "weight"]),
)
def test_rescaling_an_input_changes_nothing(problem: Problem, factor: float, which: str) -> None:
    """A factor is the same for all rows, unless a zero objective is floored on both sides."""
    other = problem
    if which == "embeddings":
        other = replace(problem, embeddings=[scaled(v, factor) for v in problem.embeddings])
    elif which == "objects":
        owned = [[scaled(v, factor) for v in own] for own in problem.objects]
        other = replace(problem, objects=owned)
    else:
        column = [factor * x for x in problem.metadata["weight"]]
        other = replace(problem, metadata={**problem.metadata, "weight": column})
    assert other.ranking() == problem.ranking()


@given(problems([entry(UNIT, "DIVERSITY"), entry(UNIT, "TYPICALITY")]), st.data())
def test_length_of_a_vector_changes_nothing_when_normalised(
    problem: Problem, data: st.DataObject
) -> None:
    factors = [data.draw(st.sampled_from([0.25, 1.0, 4.0])) for _ in problem.ids]
    longer = [scaled(v, f) for v, f in zip(problem.embeddings, factors, strict=True)]
    assert replace(problem, embeddings=longer).ranking() == problem.ranking()


@given(problems(), st.data())
def test_constant_inputs_leave_the_order_of_the_ids(problem: Problem, data: st.DataObject) -> None:
    """Duplicates of one sample in everything: only ties, so the lowest ids in order."""
    n = len(problem.ids)
    twin = replace(
        problem.shuffled([0] * n),
        ids=problem.ids,
        entries=data.draw(st.lists(st.sampled_from(UNTARGETED), min_size=1, max_size=3)),
    )
    assert twin.ranking() == tuple(sorted(set(twin.ids) - set(twin.preselected)))[: twin.n]


@given(problems(FREE), st.integers(0, 5))
def test_more_than_the_pool_gives_the_pool(problem: Problem, more: int) -> None:
    left = set(problem.ids) - set(problem.preselected)
    ids = replace(problem, n=len(problem.ids) + more).ranking()
    assert sorted(ids) == sorted(left)


@given(problems(FREE), st.floats(0.0625, 3.0), st.sampled_from([None, "stop", "skip"]))
def test_no_two_are_closer_than_the_minimum_distance(
    problem: Problem, distance: float, action: str | None
) -> None:
    """Picks keep their distance; where rows are skipped, every row left over is too close."""
    choice = {} if action is None else {"on_minimum_distance": action}
    apart = entry(SAMPLES, "DIVERSITY", stopping_condition_minimum_distance=distance, **choice)
    problem = replace(problem, entries=[*problem.entries, apart])
    picks = list(problem.ranking())
    vectors = dict(zip(problem.ids, problem.embeddings, strict=True))
    selected = [*problem.preselected, *picks]
    for i, sample_id in enumerate(picks, start=len(problem.preselected)):
        assert all(math.dist(vectors[sample_id], vectors[j]) >= distance for j in selected[:i])
    if action != "stop" and len(picks) < problem.n:
        for sample_id in set(problem.ids) - set(selected):
            assert min(math.dist(vectors[sample_id], vectors[j]) for j in selected) < distance


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_another_process_with_another_hash_seed_agrees(hash_seed: str) -> None:
    script = (
        "import json, sys; sys.path.insert(0, sys.argv[1]);"
        "from test_selection_properties import reproducible_rankings;"
        "print(json.dumps(reproducible_rankings()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(Path(__file__).parent)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == reproducible_rankings()


def reproducible_rankings() -> list[list[str]]:
    """Return rankings of some problems, one with random numbers and a fixed seed."""
    rankings = [list(random_problem(seed).ranking()) for seed in range(20)]
    ids = [f"{i}.png" for i in range(30)]
    config = {
        "n_samples": 10,
        "strategies": [entry({"type": "RANDOM", "random_seed": 5}, "WEIGHTS")],
    }
    drawn = selectlab.select(config, selectlab.Dataset(ids))
    return [*rankings, list(drawn.ids)]


def scaled(vector: tuple[float, ...], factor: float) -> tuple[float, ...]:
    return as_float32(tuple(factor * x for x in vector), unit=False)
