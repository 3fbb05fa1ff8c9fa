"""The engine against the definition, pick by pick, on random joint problems."""

from __future__ import annotations

import numpy as np
import pytest
from problems import Problem
from random_problems import random_problem
from reference import OBJECTIVE_FLOOR, Decision, Part, Run, broken, decide

from selectlab.errors import SelectlabError
from selectlab.resources import Resources, using

N_PROBLEMS = 480
NEAR = 1e-9  # difference in score that float rounding may turn around
SIZES = (Resources(), Resources(pool_rows=3, core_rows=2), Resources(pool_rows=6, core_rows=1))
"""All rows at hand, and so few that every level of the search is used on small problems."""
FROM_VALUES = ("DIVERSITY", "WEIGHTS")  # exact on small integers, whichever way it is computed


@pytest.mark.parametrize("seed", range(N_PROBLEMS))
def test_every_pick_is_the_one_of_the_definition(seed: int) -> None:
    problem = random_problem(seed)
    nothing = decide(*start(problem), []).pick is None
    if nothing:
        with pytest.raises(SelectlabError):
            problem.select()
        return
    with using(SIZES[seed % len(SIZES)]):
        picks = problem.rows(problem.select(as_objects=seed % 3 == 0))
    assert 0 < len(picks) <= problem.n, problem
    for rank, pick in enumerate(picks):
        follow(problem, picks[:rank], pick)
    if len(picks) < problem.n:
        end = decide(*start(problem), picks)
        assert end.pick is None, f"engine ended after {picks}, then comes {end.pick}\n{problem}"


@pytest.mark.parametrize("strength", [1.0, -0.5])
def test_near_duplicates_far_from_the_origin(strength: float) -> None:
    """Clusters of width 1e-3 around points 30 from 0 in 24 dimensions: float32 dot products
    cannot tell the members of a cluster apart, differences can.
    """
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(12, 24)) + 30 / np.sqrt(24)
    vectors = centres[rng.integers(0, 12, 150)] + rng.normal(size=(150, 24)) * 1e-3
    apart = {
        "type": "DIVERSITY",
        "strength": strength,
        "stopping_condition_minimum_distance": 0.003,
    }
    problem = Problem(
        ids=[f"{i:03d}.png" for i in range(150)],
        embeddings=[tuple(vector.tolist()) for vector in vectors],
        metadata={"gain": rng.uniform(1, 2, 150).tolist()},
        entries=[
            {"input": {"type": "EMBEDDINGS", "normalize": False}, "strategy": apart},
            {"input": {"type": "METADATA", "key": "gain"}, "strategy": {"type": "WEIGHTS"}},
        ],
        n=40,
    )
    picks = problem.rows(problem.select())
    assert len(picks) == 40
    for rank, pick in enumerate(picks):
        follow(problem, picks[:rank], pick)


def start(problem: Problem) -> tuple[list[Part], list[int], list[int]]:
    """Return what the definition needs to know of a problem."""
    return problem.parts(), problem.rows(problem.preselected), problem.open_rows()


def follow(problem: Problem, before: list[int], pick: int) -> None:
    """Check one pick: a near tie is followed, an exact tie goes to the lowest row."""
    parts, preselected, open_rows = start(problem)
    step = decide(parts, preselected, open_rows, before)
    what = f"rank {len(before) + 1}: engine picked row {pick}, the definition says "
    what += f"{step.stop_reason if step.pick is None else step.pick}\n{problem}"
    assert pick in step.scores, f"it must be skipped; {what}"
    n_empty, best = min((n_empty, -score) for n_empty, score in step.scores.values())
    assert step.scores[pick][0] == n_empty, what
    gap = -best - step.scores[pick][1]
    assert gap <= NEAR, f"worse by {gap}; {what}"
    if step.pick is None:  # then the best row breaks a stopping condition; does its near tie?
        live = [part for part in parts if part.strength != 0]
        run = Run(open_rows, sorted({*open_rows, *preselected}))
        assert not broken(live, "stop", [*preselected, *before], pick, run), what
    lower = [row for row in step.scores if row < pick and tied(parts, step, row, pick)]
    assert not lower, f"the tie goes to row {lower[:1]}; {what}"


def tied(parts: list[Part], step: Decision, a: int, b: int) -> bool:
    """Return whether two rows tie exactly, in whatever order sums are taken.

    They do when they are duplicates, strategy by strategy. On small integers and quarters,
    DIVERSITY and WEIGHTS have no rounding, so that equal objectives are enough.
    """
    for i, part in enumerate(part for part in parts if part.strength != 0):
        exact = part.type in FROM_VALUES and all(
            (4 * x).is_integer()
            for x in [*part.values, *(x for own in part.vectors for v in own for x in v)]
        )
        values = [step.objectives[row][i] for row in (a, b)]
        floored = [None if value is None else max(value, OBJECTIVE_FLOOR) for value in values]
        columns = [column for column in (part.values, part.vectors, part.counts) if column]
        if not (exact and floored[0] == floored[1]) and any(c[a] != c[b] for c in columns):
            return False
    return step.scores[a][0] == step.scores[b][0]
