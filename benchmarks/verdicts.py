"""Verdicts on a case from its raw units, and as JSON."""

from __future__ import annotations

from typing import Any

from benchmarks.case import Case
from benchmarks.claim import Claim, Results, Verdict, judge
from benchmarks.failures import blaming
from benchmarks.text import number


def verdicts(case: Case, size: str, results: Results) -> list[Verdict]:
    """Return what became of each claim; those not meant for the size are not judged.

    Raises:
        CaseFailedError: A claim cannot be measured on these results.
    """
    found = []
    for claim in case.claims:
        with blaming(case.name, f"claim {claim.key}"):
            meant = size in claim.sizes
            found.append(judge(claim, results) if meant else Verdict(claim, None, "not run"))
    return found


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as it stands in a result file."""
    estimate = verdict.estimate
    return {
        "key": verdict.claim.key,
        "text": verdict.claim.text,
        "tolerance": verdict.claim.tolerance.text(),
        "values": list(estimate.values) if estimate else [],
        "mean": estimate.mean if estimate else None,
        "standard_error": estimate.standard_error if estimate else None,
        "label": verdict.label,
    }


def measured(verdict: Verdict) -> str:
    """Return mean, standard error and number of seeds in words; "" where it was not run."""
    estimate = verdict.estimate
    if estimate is None:
        return "" if verdict.label == "not run" else "no finite number"
    unit = f" {verdict.claim.unit}" if verdict.claim.unit else ""
    if len(estimate.values) == 1:
        return f"{number(estimate.mean)}{unit}"
    spread = f"{number(estimate.mean)} +- {number(estimate.standard_error)}"
    return f"{spread}{unit} (n = {len(estimate.values)})"


def tolerance(claim: Claim) -> str:
    """Return what the mean has to be, with its unit."""
    return f"{claim.tolerance.text()} {claim.unit}".rstrip()
