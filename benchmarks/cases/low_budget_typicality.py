"""Typical samples win with few labels, uncertain ones with many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import AtLeast, Claim, Near, Results
from benchmarks.learning_curves import plots, runs
from benchmarks.learning_curves import tables as made
from benchmarks.learning_curves.measures import behind_peer, gap, level, reversal

METHODS = (
    "random",
    "nearest_the_mean",
    "typiclust",
    "typicality",
    "probcover",
    "margin",
    "badge",
    "diversity_x_margin",
)
PEER_METHODS = ("random", "typiclust", "probcover", "margin", "badge")
HACOHEN = "Hacohen et al., ICML 2022 (TypiClust)"
YEHUDA = "Yehuda et al., NeurIPS 2022 (ProbCover)"
FULL = ("full",)

CLAIMS = (
    Claim(
        key="typiclust_at_10",
        text="With 10 labels TypiClust is at least 20 points above random (digits)",
        published="+27.5 points on CIFAR-10, self-supervised features, linear head",
        source=HACOHEN,
        origin="read off a figure",
        measure=gap("digits", "typiclust", "random", 10),
        tolerance=AtLeast(20),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
    ),
    Claim(
        key="typiclust_above_random",
        text="With 10 labels TypiClust is above random (digits)",
        published="+27.5 points on CIFAR-10, self-supervised features, linear head",
        source=HACOHEN,
        origin="read off a figure",
        measure=gap("digits", "typiclust", "random", 10),
        tolerance=AtLeast(0.1),
        label="effect reproduced on other data",
        unit="points",
    ),
    Claim(
        key="typiclust_above_typicality",
        text="With 40 labels TypiClust is above typicality without clusters, whose picks are "
        "alike (digits)",
        published="clusters are needed for diversity",
        source=HACOHEN,
        origin="as we recall",
        measure=gap("digits", "typiclust", "typicality", 40),
        tolerance=AtLeast(0.1),
        label="effect reproduced on other data",
        unit="points",
    ),
    Claim(
        key="margin_at_400",
        text="With 400 labels margin is above random (digits)",
        published="uncertainty suits high budgets",
        source=HACOHEN,
        origin="published",
        measure=gap("digits", "margin", "random", 400),
        tolerance=AtLeast(0.5),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
    ),
    Claim(
        key="random_at_400",
        text="With 400 labels random is above TypiClust (digits)",
        published="typicality does not suit high budgets",
        source=HACOHEN,
        origin="published",
        measure=gap("digits", "random", "typiclust", 400),
        tolerance=AtLeast(0.5),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
    ),
    Claim(
        key="order_reverses",
        text="TypiClust is above margin with 20 labels and below it with 400: the smaller of the "
        "two gaps (digits)",
        published="opposite strategies suit high and low budgets",
        source=HACOHEN + "; DCoM 2024",
        origin="published",
        measure=reversal("digits", "typiclust", "margin", 20, 400),
        tolerance=AtLeast(0.5),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
    ),
    Claim(
        key="mnist_typiclust_at_10",
        text="With 10 labels TypiClust is at least 10 points above random (MNIST)",
        published="+27.5 points on CIFAR-10, self-supervised features, linear head",
        source=HACOHEN,
        origin="read off a figure",
        measure=gap("mnist", "typiclust", "random", 10),
        tolerance=AtLeast(10),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
        needs="mnist",
    ),
    Claim(
        key="mnist_margin_at_1000",
        text="With 1,000 labels margin is above random (MNIST)",
        published="uncertainty suits high budgets",
        source=HACOHEN,
        origin="published",
        measure=gap("mnist", "margin", "random", 1000),
        tolerance=AtLeast(0.5),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
        needs="mnist",
    ),
    Claim(
        key="mnist_order_reverses",
        text="TypiClust is above margin with 20 labels and below it with 1,000: the smaller of "
        "the two gaps (MNIST)",
        published="opposite strategies suit high and low budgets",
        source=HACOHEN + "; DCoM 2024",
        origin="published",
        measure=reversal("mnist", "typiclust", "margin", 20, 1000),
        tolerance=AtLeast(0.1),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
        needs="mnist",
    ),
    Claim(
        key="probcover_at_10",
        text="With 10 labels ProbCover, its radius chosen by purity, is above random (digits)",
        published="ProbCover is above random and TypiClust at low budgets on CIFAR-10, "
        "self-supervised features",
        source=YEHUDA,
        origin="as we recall",
        measure=gap("digits", "probcover", "random", 10),
        tolerance=AtLeast(0.1),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
    ),
    Claim(
        key="mnist_probcover_at_10",
        text="With 10 labels ProbCover, its radius chosen by purity, is above random (MNIST)",
        published="ProbCover is above random and TypiClust at low budgets on CIFAR-10, "
        "self-supervised features",
        source=YEHUDA,
        origin="as we recall",
        measure=gap("mnist", "probcover", "random", 10),
        tolerance=AtLeast(0.1),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
        needs="mnist",
    ),
    Claim(
        key="digits_random_100",
        text="Random's accuracy with 100 labels is the one measured before (digits)",
        published="87.7 %",
        source="measured before with throw-away scripts, same data and model",
        origin="measured before",
        measure=level("digits", "random", 100),
        tolerance=Near(87.7, 3),
        label="reproduced",
        sizes=FULL,
        unit="%",
    ),
    Claim(
        key="digits_random_400",
        text="Random's accuracy with 400 labels is the one measured before (digits)",
        published="95.3 %",
        source="measured before with throw-away scripts, same data and model",
        origin="measured before",
        measure=level("digits", "random", 400),
        tolerance=Near(95.3, 1.5),
        label="reproduced",
        sizes=FULL,
        unit="%",
    ),
    Claim(
        key="mnist_random_100",
        text="Random's accuracy with 100 labels is the one measured before (MNIST itself)",
        published="73.3 %",
        source="measured before with throw-away scripts, same data and model",
        origin="measured before",
        measure=level("mnist", "random", 100),
        tolerance=Near(73.3, 3),
        label="reproduced",
        sizes=FULL,
        unit="%",
        needs="mnist",
    ),
    Claim(
        key="mnist_random_1000",
        text="Random's accuracy with 1,000 labels is the one measured before (MNIST itself)",
        published="87.6 %",
        source="measured before with throw-away scripts, same data and model",
        origin="measured before",
        measure=level("mnist", "random", 1000),
        tolerance=Near(87.6, 1.5),
        label="reproduced",
        sizes=FULL,
        unit="%",
        needs="mnist",
    ),
    Claim(
        key="peer_typiclust",
        text="Our TypiClust is no more than 2 points behind scikit-activeml's, mean over the "
        "budgets (digits)",
        published="the same method",
        source=HACOHEN,
        origin="by definition",
        measure=behind_peer("digits", ("typiclust",)),
        tolerance=AtLeast(-2),
        label="effect reproduced on other data",
        sizes=FULL,
        unit="points",
    ),
    Claim(
        key="peer_badge",
        text="Our BADGE is no more than 2 points behind scikit-activeml's, mean over the budgets "
        "(digits)",
        published="the same method",
        source="Ash et al., ICLR 2020 (BADGE)",
        origin="by definition",
        measure=behind_peer("digits", ("badge",)),
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
    return [*made.tables(results), *made.radius_tables(results)]


def draw(results: Results, folder: Path) -> Sequence[Path]:
    return plots.draw(results, folder / "low_budget_typicality.png", METHODS)


CASE = Case(
    name="low_budget_typicality",
    title="Typical samples win with few labels, uncertain ones with many",
    protocol=runs.PROTOCOL,
    claims=CLAIMS,
    units=units,
    measure=measure,
    tables=tables,
    draw=draw,
    seeds=runs.SEEDS,
)
