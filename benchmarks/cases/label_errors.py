"""Uncertainty cannot see labels that are wrong with high confidence; self-confidence can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import AtLeast, Claim, Near, Results
from benchmarks.contracts import label_checks
from benchmarks.contracts.image_sets import ids
from benchmarks.contracts.label_checks import (
    LabelledSet,
    UnusableSetError,
    flipped_digits,
    precision,
)
from selectlab import Dataset, select

FOLDER = "label_errors"
BUDGETS = (100, 200, 500)
SELF_CONFIDENCE = "self-confidence"
ENTROPY = "entropy"
UNCERTAINTIES = {
    ENTROPY: "uncertainty_entropy",
    "margin": "uncertainty_margin",
    "least confidence": "uncertainty_least_confidence",
}
RANDOM = "random"
IN_ORDER = "first in the file"
METHODS = (SELF_CONFIDENCE, *UNCERTAINTIES, RANDOM, IN_ORDER)
_STUDY = "Northcutt, Athalye & Mueller, NeurIPS 2021, files of the study"
_TOP = "counted by argsort on the published files, before this suite existed"

Counts = tuple[tuple[int, int, int], tuple[int, int, int]]

KNOWN: Mapping[str, tuple[str, int, Counts]] = {
    "cifar10": ("495474efd952cd29", 54, ((24, 37, 54), (0, 0, 0))),
    "20news": ("93368421805a49b0", 82, ((41, 66, 81), (0, 0, 2))),
    "mnist": ("3d77b2e98828e1d8", 15, ((15, 15, 15), (4, 5, 8))),
}
"""Hash of the files, verified errors, and how many of them self-confidence and entropy put among
the first 100, 200 and 500."""


def units(setting: Setting) -> list[Unit]:
    """Return the sets of the folder, and digits with flipped labels for every seed."""
    made = [Unit(f"digits-seed{s}", {"set": "digits", "seeds": [s]}) for s in setting.seeds]
    if setting.size == "small":
        return made
    found = label_checks.names(setting.data.root / FOLDER) or ["cifar10"]
    seeds = list(setting.seeds)
    return [
        *(Unit(name, {"set": name, "seeds": seeds}, needs=FOLDER) for name in found),
        *made,
    ]


def measure(setting: Setting, unit: Unit) -> dict[str, Any]:
    """Rank a set by every method and note at which ranks known errors come."""
    name, seeds = unit.parameters["set"], unit.parameters["seeds"]
    try:
        if name == "digits":
            data = flipped_digits(seeds[0], 600 if setting.size == "small" else None)
        else:
            data = label_checks.read(setting.data.folder(FOLDER), name)
    except UnusableSetError as error:
        return {"left_out": str(error)}
    rankings = {SELF_CONFIDENCE: [ranking(data, SELF_CONFIDENCE)]}
    rankings |= {method: [ranking(data, method)] for method in UNCERTAINTIES}
    rankings[RANDOM] = [ranking(data, RANDOM, seed) for seed in seeds]
    rankings[IN_ORDER] = [list(range(_depth(data)))]
    wrong = set(data.wrong.tolist())
    return {
        "n": len(data),
        "n_wrong": len(data.wrong),
        "sha256": data.sha256,
        "ranks": {
            method: [[at for at, row in enumerate(rows, 1) if row in wrong] for rows in found]
            for method, found in rankings.items()
        },
        "out_of_order": out_of_order(data.self_confidence, rankings[SELF_CONFIDENCE][0]),
    }


def ranking(data: LabelledSet, method: str, seed: int = 0) -> list[int]:
    """Return the rows that a method puts first, through selectlab."""
    given: dict[str, Any] = {"type": "METADATA", "key": "self_confidence"}
    if method == RANDOM:
        given = {"type": "RANDOM", "random_seed": seed}
    elif method in UNCERTAINTIES:
        given = {"type": "SCORES", "task": "model", "score": UNCERTAINTIES[method]}
    strength = -1.0 if method == SELF_CONFIDENCE else 1.0
    entry = {"input": given, "strategy": {"type": "WEIGHTS", "strength": strength}}
    dataset = Dataset(
        ids(len(data)),
        metadata={"self_confidence": data.self_confidence},
        predictions={"model": data.probabilities},
    )
    chosen = select({"n_samples": _depth(data), "strategies": [entry]}, dataset)
    return [int(sample_id) for sample_id in chosen.ids]


def _depth(data: LabelledSet) -> int:
    return min(max(BUDGETS), len(data))


def out_of_order(confidence: label_checks.FloatArray, rows: Sequence[int]) -> int:
    """Return at how many ranks the row is not the least confident of those left."""
    return int((confidence[list(rows)] > np.sort(confidence)[: len(rows)] * (1 + 1e-12)).sum())


def found(result: Mapping[str, Any], method: str, k: int) -> list[int]:
    """Return the errors among the first ``k``, one number a ranking."""
    return [sum(rank <= k for rank in ranks) for ranks in result["ranks"][method]]


def usable(results: Results, *, made: bool) -> list[Mapping[str, Any]]:
    """Return the sets that were judged, digits or those of the folder."""
    return [r for r in results if (r["set"] == "digits") == made and "ranks" in r]


def known(results: Results, name: str) -> list[Mapping[str, Any]]:
    """Return the result of a set when its files are those of the study."""
    sha256 = KNOWN[name][0]
    return [r for r in usable(results, made=False) if r["set"] == name and r["sha256"] == sha256]


def _deviation(results: Results, name: str) -> list[float]:
    """Return the largest difference of six counts from those expected."""
    expected = dict(zip((SELF_CONFIDENCE, ENTROPY), KNOWN[name][2], strict=True))
    return [
        max(
            abs(found(result, method, k)[0] - count)
            for method, counts in expected.items()
            for k, count in zip(BUDGETS, counts, strict=True)
        )
        for result in known(results, name)
    ]


def _lead(results: Results, other: str) -> list[float]:
    """Return self-confidence's smallest lead of all sets at 200; per ranking of the other."""
    leads = [
        [found(result, SELF_CONFIDENCE, 200)[0] - n for n in found(result, other, 200)]
        for result in usable(results, made=False)
    ]
    return [min(lead) for lead in zip(*leads, strict=True)]


def _planted_lead(results: Results, other: str) -> list[float]:
    """Return the lead as a share of the errors, among as many samples as there are errors."""
    return [
        (found(r, SELF_CONFIDENCE, r["n_wrong"])[0] - found(r, other, r["n_wrong"])[0])
        / r["n_wrong"] * 100
        for r in usable(results, made=True)
    ]  # fmt: skip


def _exact_claims(name: str) -> tuple[Claim, Claim]:
    _, n_wrong, (ours, entropy) = KNOWN[name]
    texts = [" / ".join(map(str, counts)) for counts in (ours, entropy)]
    verified = Claim(
        key=f"{name}_verified",
        text=f"{name}: labels that fewer than 3 of 5 people chose.",
        published=str(n_wrong),
        source=_STUDY,
        origin="published",
        measure=lambda results: [r["n_wrong"] for r in known(results, name)],
        tolerance=Near(n_wrong),
        label="reproduced",
        sizes=("full",),
        needs=FOLDER,
    )
    top = Claim(
        key=f"{name}_top",
        text=f"{name}: verified errors among the first 100 / 200 / 500 by self-confidence and by "
        "entropy; largest difference of the six counts.",
        published=f"{texts[0]} and {texts[1]}",
        source=_TOP,
        origin="measured before",
        measure=partial(_deviation, name=name),
        tolerance=Near(0),
        label="reproduced",
        sizes=("full",),
        unit="errors",
        needs=FOLDER,
    )
    return verified, top


CLAIMS = (
    *(claim for name in KNOWN for claim in _exact_claims(name)),
    *(
        Claim(
            key=f"beats_{other}",
            text=f"On every set of the folder self-confidence finds more verified errors than "
            f"{other} among the first 200; smallest lead.",
            published="",
            source=_STUDY,
            origin="by definition",
            measure=partial(_lead, other=other),
            tolerance=AtLeast(1),
            label="effect reproduced on other data",
            sizes=("full",),
            unit="errors",
            needs=FOLDER,
        )
        for other in (ENTROPY, RANDOM)
    ),
    *(
        Claim(
            key=f"planted_beats_{other}",
            text=f"Digits with 5 % of the labels flipped: among as many samples as labels were "
            f"flipped, self-confidence finds more of them than {other}; difference.",
            published="",
            source=_STUDY,
            origin="by definition",
            measure=partial(_planted_lead, other=other),
            tolerance=AtLeast(20),
            label="effect reproduced on other data",
            unit="points",
        )
        for other in (ENTROPY, RANDOM)
    ),
    Claim(
        key="order",
        text="WEIGHTS with strength -1 on the probability of the given label ranks by it; ranks "
        "that are out of order, all sets together.",
        published="0",
        source="definition of WEIGHTS",
        origin="by definition",
        measure=lambda results: [sum(r["out_of_order"] for r in results if "ranks" in r)],
        tolerance=Near(0),
        label="reproduced",
    ),
)


def judged_sets(results: Results) -> dict[str, list[Mapping[str, Any]]]:
    """Return the results of each set that was judged."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        if "ranks" in result:
            found.setdefault(result["set"], []).append(result)
    return found


def tables(results: Results) -> list[Table]:
    """Return how many errors each method finds."""
    rows, left_out = [], [f"{r['set']}: {r['left_out']}" for r in results if "left_out" in r]
    for name, group in judged_sets(results).items():
        budgets = [min(k, group[0]["n"]) for k in BUDGETS]
        for method in METHODS:
            counts = [fmean(n for r in group for n in found(r, method, k)) for k in budgets]
            rows.append([name, f"{fmean(r['n_wrong'] for r in group):g}", method])
            rows[-1] += [f"{count:.3g}" for count in counts]
    note = (
        "Means over seeds. Candidates for the people's verdict were proposed by confident "
        "learning, which favours low self-confidence: errors that no method proposed are unknown, "
        "and the comparison flatters self-confidence. Digits are free of this."
    )
    if left_out:
        note += " Left out: " + "; ".join(left_out) + "."
    titles = ["set", "known errors", "method", *(f"in the first {k}" for k in BUDGETS)]
    return [Table("Wrong labels found", titles, rows, note)]


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw precision at k, a panel for each set."""
    from benchmarks.case_plots import Band, Panel, save

    panels = []
    for name, group in judged_sets(results).items():
        top = min(max(BUDGETS), min(r["n"] for r in group))
        ks = list(range(5, top + 1, 5))
        lines = {
            method: Band(
                ks,
                [[precision(ranks, k) for k in ks] for r in group for ranks in r["ranks"][method]],
            )
            for method in METHODS
        }
        panels.append(Panel(name, "samples looked at", "share with a wrong label", lines))
    return [save(folder / "label_errors-precision.png", panels)] if panels else []


CASE = Case(
    name="label_errors",
    title="Wrong labels: self-confidence sees what uncertainty cannot",
    protocol="Out-of-sample class probabilities and given labels as published; a label is wrong "
    "when fewer than 3 of 5 people chose it. Entropy, margin and least confidence are SCORES with "
    "WEIGHTS; self-confidence (the probability of the given label) is METADATA with WEIGHTS of "
    "strength -1; beside them random order and the order of the file. Digits: 5 % of the labels "
    "flipped by the seed, probabilities of a logistic regression by 5-fold cross-validation.",
    claims=CLAIMS,
    units=units,
    measure=measure,
    tables=tables,
    draw=draw,
)
