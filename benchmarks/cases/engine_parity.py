"""Pick by pick: the formulas of the published engine, and the published engine itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import Claim, Near, Results
from benchmarks.contracts.definition import NEAR, compare, scores
from benchmarks.contracts.joint_problems import JointProblem, random_problem
from benchmarks.contracts.published_engine import picks_of_engine, problem_of_one, rescaled

N_PROBLEMS = {"small": 20, "full": 300}
N_RESCALED = {"small": 3, "full": 10}
SINGLE = 1e-5
"""What counts as rounding in an engine that keeps float32."""
OURS, RANDOM, STATIC = "selectlab", "random order", "one ranking, never updated"
PEER = "lightly-mundig"
_FORMULAS = "formulas of the published engine, found by measuring it"


def units(setting: Setting) -> list[Unit]:
    """Return problems against formulas and, with peers, against the published engine."""
    kinds = ["formulas", *(["engine"] if setting.environments is not None else [])]
    return [
        Unit(f"{kind}-seed{seed}", {"against": kind, "seed": seed})
        for kind in kinds
        for seed in setting.seeds
    ]


def measure(setting: Setting, unit: Unit) -> dict[str, Any]:
    """Solve random joint problems and judge every pick."""
    if unit.parameters["against"] == "formulas":
        return against_formulas(setting, unit.parameters["seed"])
    return against_engine(setting, unit.parameters["seed"])


def against_formulas(setting: Setting, seed: int) -> dict[str, Any]:
    """Return how our picks compare with the formulas."""
    rng = np.random.default_rng([seed, 1])
    told = []
    for _ in range(N_PROBLEMS[setting.size]):
        problem = random_problem(rng)
        shuffled = rng.permutation(len(problem)).tolist()
        shuffled = [row for row in shuffled if row not in problem.preselected][: problem.n_picks]
        told.append(
            {
                "strategies": "+".join(sorted(entry.kind for entry in problem.entries)),
                OURS: judged(problem, problem.picks()),
                RANDOM: judged(problem, shuffled),
                STATIC: judged(problem, static_ranking(problem)),
            }
        )
    pairs = [rescaled(rng) for _ in range(N_RESCALED[setting.size])]
    small = [same_picks(a.picks(), b.picks()) for a, b in pairs]
    return {"problems": told, "same_rescaled": small, "one_class": wanted_class(problem_of_one())}


def against_engine(setting: Setting, seed: int) -> dict[str, Any]:
    """Return how the published engine's picks compare with the formulas and with ours."""
    assert setting.environments is not None
    rng = np.random.default_rng([seed, 2])
    n = N_PROBLEMS[setting.size]
    problems = [random_problem(rng, plain=True) for _ in range(n)]
    scaled = [problem for _ in range(N_RESCALED[setting.size]) for problem in rescaled(rng)]
    theirs = picks_of_engine(setting.environments, [*problems, *scaled, problem_of_one()])
    told = []
    for problem, rows in zip(problems, theirs[:n], strict=True):
        own = problem.picks()
        told.append(
            {
                "strategies": "+".join(sorted(entry.kind for entry in problem.entries)),
                PEER: judged(problem, rows, SINGLE),
                OURS: judged(problem, own),
                "same": same_picks(own, rows),
            }
        )
    again = theirs[n:-1]
    return {
        "problems": told,
        "same_rescaled": [same_picks(a, b) for a, b in zip(again[::2], again[1::2], strict=True)],
        "one_class": wanted_class(problem_of_one(), theirs[-1]),
    }


def judged(problem: JointProblem, rows: Sequence[int], near: float = NEAR) -> dict[str, Any]:
    """Return a sign for every pick: best ``+``, near tie ``~``, worse ``-``, missing ``.``."""
    found = compare(problem.rules(), rows, problem.preselected, near)
    wanted = min(problem.n_picks, len(problem) - len(problem.preselected))
    marks = found.marks + "." * (wanted - len(set(rows)))
    return {"marks": marks, "gap": found.largest_gap} if found.largest_gap else {"marks": marks}


def agrees(part: Mapping[str, Any]) -> bool:
    """Return whether every pick is the best one, near ties included, and none is missing."""
    return not set(part["marks"]) & {"-", "."}


def same_picks(a: Sequence[int], b: Sequence[int]) -> bool:
    """Return whether the same rows were picked in the same order."""
    return list(a) == list(b)


def static_ranking(problem: JointProblem) -> list[int]:
    """Return the rows that are best before the first pick."""
    n_empty, total = scores(problem.rules(), problem.preselected)
    order = np.lexsort((-total, n_empty))
    return [int(row) for row in order if row not in problem.preselected][: problem.n_picks]


def wanted_class(problem: JointProblem, rows: Sequence[int] | None = None) -> int:
    """Return how many of the picks have the only class that is wanted; ours without ``rows``."""
    values = problem.entries[0].values
    assert values is not None
    return int(values[list(problem.picks() if rows is None else rows), 0].sum())


def _part(results: Results, against: str) -> list[Mapping[str, Any]]:
    return [r for r in results if r["against"] == against]


def _disagreeing(results: Results, against: str, whose: str) -> list[float]:
    """Return for each seed the problems in which a pick is not the best one."""
    return [
        float(sum(not agrees(problem[whose]) for problem in r["problems"]))
        for r in _part(results, against)
    ]


CLAIMS = (
    Claim(
        key="formulas",
        text="Pick by pick our selection is the one of the formulas, recomputed in float64, on "
        "300 random joint problems (20 at the small size); problems in which it is not.",
        published="0 of 300",
        source=_FORMULAS,
        origin="measured before",
        measure=partial(_disagreeing, against="formulas", whose=OURS),
        tolerance=Near(0),
        label="reproduced",
        unit="problems",
    ),
    Claim(
        key="rescaled",
        text="Weights that are all 2^40 times smaller change no pick of a joint selection; "
        "problems of 10 (3) in which they do.",
        published="0",
        source="semantics: rescaling a strategy's input never matters",
        origin="by definition",
        measure=lambda results: [
            float(r["same_rescaled"].count(False)) for r in _part(results, "formulas")
        ],
        tolerance=Near(0),
        label="reproduced",
        unit="problems",
    ),
    Claim(
        key="one_class",
        text="When only one class is wanted, BALANCE picks that class and nothing else; picks of "
        "it among 4.",
        published="4",
        source="semantics: a perfect match must be selectable",
        origin="by definition",
        measure=lambda results: [float(r["one_class"]) for r in _part(results, "formulas")],
        tolerance=Near(4),
        label="reproduced",
        unit="picks",
    ),
    Claim(
        key="engine",
        text="Pick by pick the published engine itself follows the formulas, ties within the "
        "rounding of float32 apart, on 300 random joint problems; problems in which it does not.",
        published="0 of 300",
        source="lightly-mundig on PyPI",
        origin="measured before",
        measure=partial(_disagreeing, against="engine", whose=PEER),
        tolerance=Near(0),
        label="reproduced",
        sizes=("full",),
        unit="problems",
    ),
    Claim(
        key="engine_and_ours",
        text="On the same problems our picks follow the formulas too, so that the two differ in "
        "ties only; problems in which they do not.",
        published="0 of 300",
        source="lightly-mundig on PyPI",
        origin="measured before",
        measure=partial(_disagreeing, against="engine", whose=OURS),
        tolerance=Near(0),
        label="reproduced",
        sizes=("full",),
        unit="problems",
    ),
)


def tables(results: Results) -> list[Table]:
    """Return how many problems agree, and how many picks were near ties."""
    rows = []
    for against, methods in (("formulas", (OURS, STATIC, RANDOM)), ("engine", (PEER, OURS))):
        group = _part(results, against)
        for method in methods:
            parts = [problem[method] for r in group for problem in r["problems"]]
            if not parts:
                continue
            cells = ["any" if against == "formulas" else "expressible there", method]
            cells.append(f"{sum(map(agrees, parts))} of {len(parts)}")
            marks = "".join(part["marks"] for part in parts)
            cells += [f"{marks.count(sign):,}" for sign in "+~-"]
            cells.append(f"{max(part.get('gap', 0.0) for part in parts):.1e}")
            rows.append(cells)
    titles = [
        "problems", "picks of", "problems that agree", "picks the best", "near ties", "worse",
        "largest gap of a near tie",
    ]  # fmt: skip
    return [
        Table("Against the formulas", titles, rows, _tie_note(results)),
        Table("Where the published engine has faults", *_faults(results)),
    ]


def _tie_note(results: Results) -> str:
    note = (
        "A near tie is a pick whose score by the formulas is within 1e-9 (the published engine: "
        "1e-5, it keeps float32) of the best, relative to it."
    )
    problems = [problem for r in _part(results, "engine") for problem in r["problems"]]
    if not problems:
        return note + " The published engine was not run (--peers)."
    same = sum(problem["same"] for problem in problems)
    return (
        note
        + f" Both engines picked the same rows in the same order in {same} of "
        + (f"{len(problems)} problems; in the others a tie came first.")
    )


def _faults(results: Results) -> tuple[list[str], list[list[str]]]:
    rows = []
    for against, name in (("formulas", OURS), ("engine", PEER)):
        group = _part(results, against)
        if group:
            unchanged = fmean(fmean(r["same_rescaled"]) for r in group)
            wanted = fmean(r["one_class"] for r in group)
            rows.append([name, f"{100 * unchanged:.0f} %", f"{wanted:g} of 4"])
    return [
        "engine",
        "unchanged by weights 2^40 times smaller",
        "picks of the only class wanted",
    ], rows


CASE = Case(
    name="engine_parity",
    title="Pick by pick what the published engine would pick",
    protocol="Random problems of 1 to 4 strategies among DIVERSITY, WEIGHTS, BALANCE, SIMILARITY "
    "and TYPICALITY, on samples and on objects, with preselected samples, negative and fractional "
    "strengths, ties and samples without objects. Every pick is judged given those before it, by "
    "formulas in float64 that share nothing with the library; a random order and a ranking that "
    "is never updated are judged beside it. With --peers lightly-mundig solves the problems that "
    "can be put to it in an environment of its own.",
    claims=CLAIMS,
    units=units,
    measure=measure,
    tables=tables,
    seeds=2,
    packages=("numpy",),
)
