"""Entropy starts below random, which is a strong baseline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import AtLeast, AtMost, Claim, Near, Results
from benchmarks.learning_curves import plots, runs
from benchmarks.learning_curves import tables as made
from benchmarks.learning_curves.measures import behind_peer, gap, misses, share_below

METHODS = ("random", "nearest_the_mean", "entropy", "least_confidence", "margin", "k_center")
PEER_METHODS = ("random", "entropy", "least_confidence", "margin", "k_center")
DEEPCORE = "Guo et al., DeepCore, 2022"
RANDOM_WINS = "random is still a strong baseline (CIFAR-10, ImageNet)"
FULL = ("full",)

CLAIMS = (
    Claim(
        key="entropy_at_20",
        text="With 20 labels entropy is below random (digits)",
        published=RANDOM_WINS,
        source=DEEPCORE,
        origin="published",
        measure=gap("digits", "entropy", "random", 20),
        tolerance=AtMost(-1),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
    ),
    Claim(
        key="entropy_at_40",
        text="With 40 labels entropy is below random (digits)",
        published=RANDOM_WINS,
        source=DEEPCORE,
        origin="published",
        measure=gap("digits", "entropy", "random", 40),
        tolerance=AtMost(-3),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
    ),
    Claim(
        key="entropy_below_margin",
        text="With 40 labels entropy is below margin, though both are uncertainty (digits)",
        published="at 1 % of CIFAR-10 entropy is below margin",
        source=DEEPCORE,
        origin="as we recall",
        measure=gap("digits", "entropy", "margin", 40),
        tolerance=AtMost(-0.1),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
    ),
    Claim(
        key="mnist_entropy_at_50",
        text="With 50 labels entropy is below random (MNIST)",
        published=RANDOM_WINS,
        source=DEEPCORE,
        origin="published",
        measure=gap("mnist", "entropy", "random", 50),
        tolerance=AtMost(-2),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
        needs="mnist",
    ),
    Claim(
        key="mnist_entropy_at_100",
        text="With 100 labels entropy is below random (MNIST)",
        published=RANDOM_WINS,
        source=DEEPCORE,
        origin="published",
        measure=gap("mnist", "entropy", "random", 100),
        tolerance=AtMost(-5),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
        needs="mnist",
    ),
    Claim(
        key="mnist_k_center_at_100",
        text="With 100 labels k-center is below random (MNIST)",
        published="k-center greedy is below random at 0.1 to 1 % of CIFAR-10",
        source=DEEPCORE,
        origin="as we recall",
        measure=gap("mnist", "k_center", "random", 100),
        tolerance=AtMost(-3),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
        needs="mnist",
    ),
    Claim(
        key="mnist_random_is_strong",
        text="With 100 labels random is above at least half of entropy, least confidence, margin "
        "and k-center (MNIST)",
        published=RANDOM_WINS,
        source=DEEPCORE,
        origin="published",
        measure=share_below("mnist", ("entropy", "least_confidence", "margin", "k_center"), 100),
        tolerance=AtLeast(0.5),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="of the methods",
        needs="mnist",
    ),
    Claim(
        key="mnist_margin_at_50",
        text="With 50 labels margin is below random too (MNIST)",
        published="margin is below random at 0.1 to 1 % of CIFAR-10",
        source=DEEPCORE,
        origin="as we recall",
        measure=gap("mnist", "margin", "random", 50),
        tolerance=AtMost(-0.1),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
        needs="mnist",
    ),
    Claim(
        key="digits_k_center_at_40",
        text="With 40 labels k-center is below random (digits)",
        published="k-center greedy is below random at 0.1 to 1 % of CIFAR-10",
        source=DEEPCORE,
        origin="as we recall",
        measure=gap("digits", "k_center", "random", 40),
        tolerance=AtMost(-0.1),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
    ),
    Claim(
        key="by_formula",
        text="Rounds in which entropy, least confidence or margin leave out a sample that their "
        "formula puts before one they took, and picks of k-center that are not the farthest, "
        "from models and distances made anew (digits)",
        published="none: by definition",
        source="Settles 2009; Gonzalez 1985",
        origin="by definition",
        measure=misses("digits"),
        tolerance=Near(0),
        label="reproduced",
        unit="rounds or picks",
    ),
    Claim(
        key="mnist_by_formula",
        text="Rounds in which entropy, least confidence or margin leave out a sample that their "
        "formula puts before one they took, and picks of k-center that are not the farthest, "
        "from models and distances made anew (MNIST)",
        published="none: by definition",
        source="Settles 2009; Gonzalez 1985",
        origin="by definition",
        measure=misses("mnist"),
        tolerance=Near(0),
        label="reproduced",
        sizes=FULL,
        unit="rounds or picks",
        needs="mnist",
    ),
    Claim(
        key="peer_uncertainty",
        text="From the same first labels, our entropy, least confidence and margin are no more "
        "than 1 point behind scikit-activeml's, mean over methods and budgets (digits)",
        published="the same formulas",
        source="Settles 2009",
        origin="by definition",
        measure=behind_peer("digits", ("entropy", "least_confidence", "margin")),
        tolerance=AtLeast(-1),
        label="reproduced",
        sizes=FULL,
        unit="points",
    ),
    Claim(
        key="peer_k_center",
        text="Our k-center is no more than 2 points behind scikit-activeml's CoreSet, mean over "
        "the budgets (digits)",
        published="the same method",
        source="Sener & Savarese, ICLR 2018",
        origin="by definition",
        measure=behind_peer("digits", ("k_center",)),
        tolerance=AtLeast(-2),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
    ),
)


def units(setting: Setting) -> Sequence[Unit]:
    return runs.units(setting)


def measure(setting: Setting, unit: Unit) -> dict[str, object]:
    return runs.measure(setting, unit, METHODS, PEER_METHODS)


def tables(results: Results) -> Sequence[Table]:
    return made.tables(results)


def draw(results: Results, folder: Path) -> Sequence[Path]:
    return plots.draw(results, folder / "entropy_cold_start.png", METHODS)


CASE = Case(
    name="entropy_cold_start",
    title="Entropy starts below random, which is a strong baseline",
    protocol=runs.PROTOCOL,
    claims=CLAIMS,
    units=units,
    measure=measure,
    tables=tables,
    draw=draw,
    seeds=runs.SEEDS,
)
