"""Pick by pick: the formulas of the published engine, and the published engine itself."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks import peers
from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import Claim, Near, Results
from benchmarks.definition import compare, scores
from benchmarks.environments import python_of
from benchmarks.joint_problems import Entry, JointProblem, random_problem
from benchmarks.speed.contestants.mundig import REQUIREMENTS

N_PROBLEMS = {"small": 40, "full": 300}
N_RESCALED = 10
SCALE = 2.0**-40
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
    seed, n = unit.parameters["seed"], N_PROBLEMS[setting.size]
    if unit.parameters["against"] == "formulas":
        return against_formulas(seed, n)
    return against_engine(setting, seed, n)


def against_formulas(seed: int, n: int) -> dict[str, Any]:
    """Return how our picks on ``n`` problems compare with the formulas."""
    rng = np.random.default_rng([seed, 1])
    told = []
    for _ in range(n):
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
    pairs = [rescaled(rng) for _ in range(N_RESCALED)]
    small = [same_picks(a.picks(), b.picks()) for a, b in pairs]
    return {"problems": told, "same_rescaled": small, "one_class": wanted_class(problem_of_one())}


def against_engine(setting: Setting, seed: int, n: int) -> dict[str, Any]:
    """Return how the published engine's picks compare with the formulas and with ours."""
    assert setting.environments is not None
    rng = np.random.default_rng([seed, 2])
    problems = [random_problem(rng, plain=True) for _ in range(n)]
    scaled = [problem for pair in (rescaled(rng) for _ in range(N_RESCALED)) for problem in pair]
    python = python_of("mundig", REQUIREMENTS, setting.environments)
    theirs = picks_of_engine(python, [*problems, *scaled, problem_of_one()])
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


def judged(problem: JointProblem, rows: Sequence[int], near: float = 1e-9) -> dict[str, float]:
    """Return how many picks are the best ones by the formulas, tie with those, or are worse."""
    found = compare(problem.rules(), rows, problem.preselected, near)
    wanted = min(problem.n_picks, len(problem) - len(problem.preselected))
    return {
        "same": found.same,
        "near": found.near,
        "worse": found.worse,
        "missing": wanted - len(set(rows)),
        "gap": found.largest_gap,
    }


def agrees(part: Mapping[str, float]) -> bool:
    """Return whether every pick is the best one, near ties included, and none is missing."""
    return part["worse"] == part["missing"] == 0


def same_picks(a: Sequence[int], b: Sequence[int]) -> bool:
    """Return whether the same rows were picked in the same order."""
    return list(a) == list(b)


def static_ranking(problem: JointProblem) -> list[int]:
    """Return the rows that are best before the first pick."""
    n_empty, total = scores(problem.rules(), problem.preselected)
    order = np.lexsort((-total, n_empty))
    return [int(row) for row in order if row not in problem.preselected][: problem.n_picks]


def rescaled(rng: np.random.Generator) -> tuple[JointProblem, JointProblem]:
    """Return a problem of DIVERSITY and WEIGHTS, and the same with tiny weights."""
    n = 40
    vectors = rng.normal(size=(n, 4)).astype(np.float32).astype(np.float64)
    weights = rng.uniform(0.1, 1, n).astype(np.float32).astype(np.float64)
    entries = [Entry("DIVERSITY", 1.0), Entry("WEIGHTS", 1.0, values=weights)]
    one = JointProblem(vectors, vectors, np.arange(n), [0], [0], 10, entries)
    tiny = [entries[0], replace(entries[1], values=weights * SCALE)]
    return one, replace(one, entries=tiny)


def problem_of_one() -> JointProblem:
    """Return a problem whose target wants one class only, which every third sample has."""
    n = 12
    counts = np.eye(4)[[0, 1, 2] * 4]
    target = np.array([1.0, 0.0])
    strategy = {"distribution": "TARGET", "target": {"a": 1.0}}
    entry = Entry("BALANCE", 1.0, False, counts, "metadata", strategy, target)
    vectors = np.arange(n, dtype=np.float64)[:, None]
    return JointProblem(vectors, vectors, np.arange(n), [0], [], 4, [entry])


def wanted_class(problem: JointProblem, rows: Sequence[int] | None = None) -> int:
    """Return how many of the picks have the only class that is wanted; ours without ``rows``."""
    values = problem.entries[0].values
    assert values is not None
    return int(values[list(problem.picks() if rows is None else rows), 0].sum())


def picks_of_engine(python: Path, problems: Sequence[JointProblem]) -> list[list[int]]:
    """Return what the published engine picks, in a process of its own."""
    script = Path(peers.__file__).parent / "mundig_picks.py"
    with tempfile.TemporaryDirectory(prefix="parity-") as name:
        folder = Path(name)
        asked = json.dumps([problem.plain() for problem in problems])
        (folder / "problems.json").write_text(asked, encoding="utf-8")
        subprocess.run([python, script, folder], check=True, capture_output=True, text=True)
        found: list[list[int]] = json.loads((folder / "picks.json").read_text(encoding="utf-8"))
    return found


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
        "300 random joint problems (40 at the small size); problems in which it is not.",
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
        "problems of 10 in which they do.",
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
            cells = [f"{'any' if against == 'formulas' else 'expressible there'}", method]
            cells.append(f"{sum(map(agrees, parts))} of {len(parts)}")
            cells += [f"{int(sum(part[w] for part in parts)):,}" for w in ("same", "near", "worse")]
            cells.append(f"{max(part['gap'] for part in parts if agrees(part)):.1e}"
                         if any(map(agrees, parts)) else "")
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
    return note + f" Both engines picked the same rows in the same order in {same} of " + (
        f"{len(problems)} problems; in the others a tie came first."
    )


def _faults(results: Results) -> tuple[list[str], list[list[str]]]:
    rows = []
    for against, name in (("formulas", OURS), ("engine", PEER)):
        group = _part(results, against)
        if group:
            unchanged = fmean(fmean(r["same_rescaled"]) for r in group)
            wanted = fmean(r["one_class"] for r in group)
            rows.append([name, f"{100 * unchanged:.0f} %", f"{wanted:g} of 4"])
    return ["engine", "unchanged by weights 2^40 times smaller", "picks of the only class wanted"], rows


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
    seeds=1,
    packages=("numpy",),
)
