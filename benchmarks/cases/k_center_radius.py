"""Greedy k-center keeps within twice the best covering radius, and why it still loses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import AtLeast, AtMost, Claim, Near, Results
from benchmarks.contracts import covering_radius, covering_results
from benchmarks.contracts.covering_results import (
    breaches,
    ratio_to_random,
    reached,
    worst_radius_ratio,
)

GONZALEZ = "Gonzalez 1985; Sener & Savarese, ICLR 2018, algorithm 1"
BEFORE = "measured before with throw-away scripts, same data"
FULL = ("full",)


def _radius(k: int, method: str, value: float, by: float) -> Claim:
    """Return the claim that a radius on MNIST is the one measured before."""
    words = {"k_center": "k-center's", "random": "random's"}[method]
    return Claim(
        key=f"mnist_{method}_radius_{k}",
        text=f"With k = {k} {words} covering radius is the one measured before (MNIST itself)",
        published=f"{value}",
        source=BEFORE,
        origin="measured before",
        measure=reached("mnist", method, "radius", k),
        tolerance=Near(value, by),
        label="reproduced",
        sizes=FULL,
        needs="mnist",
    )


CLAIMS = (
    Claim(
        key="twice_the_optimum_made",
        text="Instances where greedy's radius exceeds twice the optimum, found exactly (generated)",
        published="none: a theorem",
        source=GONZALEZ,
        origin="published",
        measure=breaches("made"),
        tolerance=Near(0),
        label="reproduced",
        unit="instances",
    ),
    Claim(
        key="twice_the_optimum_digits",
        text="Subsets of digits where greedy's radius exceeds twice the optimum, found exactly",
        published="none: a theorem",
        source=GONZALEZ,
        origin="published",
        measure=breaches("digits_subsets"),
        tolerance=Near(0),
        label="reproduced",
        unit="subsets",
    ),
    Claim(
        key="certificate_digits",
        text="Numbers of centres k at which greedy's radius exceeds twice a lower bound of the "
        "optimum: half the smallest distance between its first k + 1 picks (all of digits)",
        published="none: a theorem",
        source=GONZALEZ,
        origin="published",
        measure=breaches("digits"),
        tolerance=Near(0),
        label="reproduced",
        unit="of k",
    ),
    Claim(
        key="certificate_mnist",
        text="Numbers of centres k at which greedy's radius exceeds twice a lower bound of the "
        "optimum: half the smallest distance between its first k + 1 picks (MNIST)",
        published="none: a theorem",
        source=GONZALEZ,
        origin="published",
        measure=breaches("mnist"),
        tolerance=Near(0),
        label="reproduced",
        sizes=FULL,
        unit="of k",
        needs="mnist",
    ),
    Claim(
        key="radius_below_random_digits",
        text="k-center's radius as a share of random's, at the worst k (digits)",
        published="below 1: it is what k-center minimises",
        source=GONZALEZ,
        origin="by definition",
        measure=worst_radius_ratio("digits"),
        tolerance=AtMost(0.999),
        label="effect reproduced on other data",
        sizes=FULL,
    ),
    Claim(
        key="radius_below_random_mnist",
        text="k-center's radius as a share of random's, at the worst k (MNIST)",
        published="below 1: it is what k-center minimises",
        source=GONZALEZ,
        origin="by definition",
        measure=worst_radius_ratio("mnist"),
        tolerance=AtMost(0.999),
        label="effect reproduced on other data",
        sizes=FULL,
        needs="mnist",
    ),
    Claim(
        key="mean_distance_mnist",
        text="With k = 100 the mean distance to the nearest pick is larger than random's: their "
        "quotient (MNIST)",
        published="6.22 against 5.38: why k-center loses at low budgets",
        source=BEFORE,
        origin="measured before",
        measure=ratio_to_random("mnist", "mean", 100),
        tolerance=AtLeast(1.05),
        label="effect reproduced on other data",
        sizes=FULL,
        needs="mnist",
    ),
    Claim(
        key="mean_distance_digits",
        text="With k = 100 the mean distance to the nearest pick is larger than random's: their "
        "quotient (digits)",
        published="6.22 against 5.38 on MNIST: why k-center loses at low budgets",
        source=BEFORE,
        origin="measured before",
        measure=ratio_to_random("digits", "mean", 100),
        tolerance=AtLeast(1.001),
        label="effect reproduced on other data",
        sizes=FULL,
    ),
    _radius(10, "k_center", 10.50, 0.5),
    _radius(100, "k_center", 8.03, 0.3),
    _radius(500, "k_center", 6.60, 0.3),
    _radius(10, "random", 11.27, 1.0),
    _radius(100, "random", 9.68, 0.8),
    _radius(500, "random", 8.57, 0.8),
)


def tables(results: Results) -> Sequence[Table]:
    return covering_results.tables(results)


def units(setting: Setting) -> Sequence[Unit]:
    return covering_radius.units(setting)


def measure(setting: Setting, unit: Unit) -> dict[str, object]:
    return covering_radius.measure(setting, unit)


def draw(results: Results, folder: Path) -> Sequence[Path]:
    return covering_results.draw(results, folder / "k_center_radius.png")


CASE = Case(
    name="k_center_radius",
    title="Greedy k-center keeps within twice the best covering radius, and why it still loses",
    protocol=covering_radius.PROTOCOL,
    claims=CLAIMS,
    units=units,
    measure=measure,
    tables=tables,
    draw=draw,
)
