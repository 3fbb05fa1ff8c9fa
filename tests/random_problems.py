"""Random joint problems: negative and fractional strengths, ties, duplicates, every condition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator
from problems import CLASS_NAMES, OPERATIONS, TAG, TASK, Entry, Problem
from reference import Vector

KINDS = ["DIVERSITY"] * 2 + ["WEIGHTS"] * 2 + ["BALANCE", "SIMILARITY", "TYPICALITY"]


def random_problem(seed: int) -> Problem:
    """Return a problem of 1 to 4 strategies; half of them on small integers, with many ties."""
    rng = np.random.default_rng(seed)
    exact = bool(seed % 2)
    n_rows = int(rng.integers(1, 26))
    ids = [f"{place}/{i:03d}.png" for i, place in enumerate(rng.choice(list("abc"), n_rows))]
    rng.shuffle(ids)
    embeddings = palette(rng, n_rows, int(rng.integers(1, 5)), exact)
    vectors = palette(rng, 3 * n_rows + 1, int(rng.integers(2, 4)), exact)
    counts = rng.integers(0, 4, n_rows)
    counts[0] = max(counts[0], 1)
    shares = rng.multinomial(8, [0.5, 0.3, 0.2], n_rows) / 8
    query = [ids[0], *rng.choice(ids, int(rng.integers(0, 3)))]
    problem = Problem(
        ids=ids,
        embeddings=embeddings,
        objects=[[vectors[3 * i + j] for j in range(counts[i])] for i in range(n_rows)],
        metadata={
            "weight": numbers(rng, n_rows, exact, lowest=-1),
            "gain": numbers(rng, n_rows, exact, lowest=0),
            "holes": [v if rng.random() < 0.9 else None for v in numbers(rng, n_rows, exact, 0)],
            "weather": rng.choice(["sun", "rain", "fog", "snow"], n_rows).tolist(),
        },
        probabilities=[dict(zip(CLASS_NAMES, row.tolist(), strict=True)) for row in shares],
        query=sorted(set(query)),
        entries=(),
        n=int(rng.integers(1, n_rows + 3)),
    )
    whole = [i for i, v in zip(ids, problem.metadata["holes"], strict=True) if v is not None]
    n_before = int(rng.choice([0, 0, 1, 2, 4]))
    problem = replace(problem, preselected=rng.permutation(whole)[:n_before].tolist())
    n_entries = int(rng.integers(1, 5))
    entries = [random_entry(rng, problem) for _ in range(n_entries)]
    if rng.random() < 0.25:
        entries.append(random_threshold(rng, problem))
    return replace(problem, entries=entries)


def palette(rng: Generator, n_rows: int, n_dims: int, exact: bool) -> list[Vector]:
    """Return vectors among which exact duplicates are common."""
    n_different = max(1, int(n_rows * rng.choice([0.3, 0.7, 1.0])))
    if exact:
        different = rng.integers(-2, 4, (n_different, n_dims)).astype(float)
    else:
        different = rng.normal(size=(n_different, n_dims))
    return [tuple(different[i].tolist()) for i in rng.integers(0, n_different, n_rows)]


def numbers(rng: Generator, n_rows: int, exact: bool, lowest: int) -> list[float]:
    """Return quarters with ties, or numbers without structure with some ties."""
    if exact:
        return list((rng.integers(4 * lowest, 13, n_rows) / 4).tolist())
    different = rng.uniform(lowest, 3, max(1, n_rows - 2))
    return list(rng.choice(different, n_rows).tolist())


def random_entry(rng: Generator, problem: Problem) -> Entry:
    """Return one strategy, with or without a stopping condition."""
    given: Entry = {"type": "EMBEDDINGS"}
    if rng.random() < 0.7:
        given["normalize"] = False
    if rng.random() < 0.4:
        given["task"] = TASK
    strength = float(rng.choice([1.0, 1.0, 1.0, 0.5, 2.0, 0.3, 1.7, -1.0, -0.5, 0.0]))
    kind = str(rng.choice(KINDS))
    strategy: Entry = {"type": kind, "strength": strength}
    special = rng.random()
    if kind == "DIVERSITY" and special < 0.3:
        strategy["stopping_condition_minimum_distance"] = float(rng.choice([0.25, 1.0, 1.5, 2.0]))
        if special < 0.15:
            strategy["on_minimum_distance"] = str(rng.choice(["stop", "skip"]))
    elif kind == "SIMILARITY":
        given["tag_name"] = TAG
    elif kind == "TYPICALITY":
        strategy["num_nearest_neighbors"] = int(rng.choice([2, 3, 20]))
        if special < 0.2:
            strategy["stopping_condition_minimum_typicality"] = float(rng.uniform(0.2, 0.7))
    elif kind == "WEIGHTS":
        given = {"type": "METADATA", "key": str(rng.choice(["weight", "gain", "holes"]))}
        if rng.random() < 0.2:
            given = {"type": "SCORES", "task": "weather", "score": "uncertainty_margin"}
        if special < 0.1:
            strategy["stopping_condition_max_sum"] = float(rng.integers(4, 40) / 4)
        elif special < 0.25:
            strategy["target_range"] = {"min_sum": 0.5, "max_sum": float(rng.integers(4, 40) / 4)}
    elif kind == "BALANCE":
        return random_balance(rng, problem, strategy)
    return {"input": given, "strategy": strategy}


def random_balance(rng: Generator, problem: Problem, strategy: Entry) -> Entry:
    """Return a BALANCE with a target that may leave out classes or add up to anything."""
    given: Entry = {"type": "METADATA", "key": "weather"}
    names = sorted(set(problem.metadata["weather"]))
    if rng.random() < 0.5:
        given = {"type": "PREDICTIONS", "name": "CLASS_DISTRIBUTION", "task": "weather"}
        names = CLASS_NAMES
    distribution = str(rng.choice(["TARGET", "TARGET", "UNIFORM", "INPUT"]))
    strategy = strategy | {"distribution": distribution}
    if distribution == "TARGET":
        some = rng.permutation(names)[: int(rng.integers(1, len(names) + 1))].tolist()
        shares = rng.choice([0.1, 0.2, 0.25, 0.5], len(some)).tolist()
        strategy["target"] = dict(zip(some, shares, strict=True))
    return {"input": given, "strategy": strategy}


def random_threshold(rng: Generator, problem: Problem) -> Entry:
    """Return a filter whose threshold is often one of the values."""
    values = problem.metadata["gain"]
    threshold = float(rng.choice([0.5, 1.0, float(rng.choice(values))]))
    operation = str(rng.choice(sorted(OPERATIONS)))
    return {
        "input": {"type": "METADATA", "key": "gain"},
        "strategy": {"type": "THRESHOLD", "threshold": threshold, "operation": operation},
    }
