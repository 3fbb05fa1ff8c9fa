"""Assertions choose the frames of a video that a detector learns most from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import AtLeast, Claim, Results
from benchmarks.text import number, share

FOLDER = "vtest_pets"
METHODS = {
    "random": "frames at random",
    "uniform_in_time": "the frame farthest in time from the labelled ones (trivial baseline)",
    "flicker": "at random among frames that flicker",
    "uniform_over_assertions": "an assertion at random, then a frame that it flags",
    "bal": "BAL over the same assertions",
    "diversity": "DIVERSITY of frame embeddings",
    "least_confidence": "the least sure detection of the frame",
    "summed_uncertainty": "the uncertainty of all detections of the frame, summed",
}
KANG = "Kang et al., Model Assertions for Monitoring and Improving ML Models, MLSys 2020, fig. 4"
EFFECT = "effect reproduced on other data"


def average_precision(hits: str, n_truth: int) -> float:
    """Return the area under precision over recall, precision made to fall.

    Args:
        hits: A letter per detection, most confident first: ``1`` where it found an object.
        n_truth: Number of objects there are.
    """
    found, precisions = 0, []
    for rank, letter in enumerate(hits, start=1):
        if letter == "1":
            found += 1
            precisions.append(found / rank)
    best, total = 0.0, 0.0
    for precision in reversed(precisions):
        best = max(best, precision)
        total += best
    return total / n_truth


def curve(result: Mapping[str, Any]) -> list[float]:
    """Return the AP after each round."""
    return [average_precision(hits, result["n_truth"]) for hits in result["hits"]]


def of_method(results: Results, method: str) -> dict[int, Mapping[str, Any]]:
    """Return the results of a method by seed."""
    return {int(r["seed"]): r for r in results if r["method"] == method}


def goal(results: Results) -> float:
    """Return the mean AP that random frames reach with the labels of the protocol."""
    random = of_method(results, "random").values()
    return fmean(curve(r)[r["labels"].index(r["goal"])] for r in random)


def needed(result: Mapping[str, Any], wanted: float, axis: str = "labels") -> float:
    """Return how many labels it takes until an AP is reached for the first time.

    Between two rounds on a straight line. Where it is never reached: what one more round would
    cost, which is the least it can be.

    Args:
        result: A curve.
        wanted: The AP.
        axis: What is counted: ``labels`` (frames) or ``boxes``.
    """
    cost, best = result[axis], 0.0
    for at, value in enumerate(curve(result)):
        if value >= wanted:
            if at == 0:
                return float(cost[0])
            part = (wanted - best) / (value - best)
            return float(cost[at - 1] + part * (cost[at] - cost[at - 1]))
        best = max(best, value)
    return float(2 * cost[-1] - cost[-2])


def saved(
    results: Results, method: str, over: str = "random", axis: str = "labels"
) -> tuple[float, ...]:
    """Return the share of labels saved, a number a seed.

    The labels that the other method needs for the goal less those that the method needs with the
    same seed, over the mean of the other method's.
    """
    one, other = of_method(results, method), of_method(results, over)
    if not one or not other or not of_method(results, "random"):
        return ()
    wanted = goal(results)
    base = fmean(needed(r, wanted, axis) for r in other.values())
    return tuple(
        (needed(other[seed], wanted, axis) - needed(one[seed], wanted, axis)) / base
        for seed in one
        if seed in other
    )


def _saves(method: str, over: str = "random") -> Callable[[Results], Sequence[float]]:
    return lambda results: saved(results, method, over)


def _rise(results: Results) -> list[float]:
    return [curve(r)[-1] - curve(r)[0] for r in of_method(results, "random").values()]


def _above_chance(results: Results) -> list[float]:
    """Compare with the same detections held against the objects of another frame."""
    return [
        curve(r)[-1] - average_precision(r["chance_hits"], r["n_truth"])
        for r in of_method(results, "random").values()
    ]


def _crowding(results: Results) -> list[float]:
    """Return boxes a labelled frame of summed uncertainty over those of random frames."""
    crowded, random = of_method(results, "summed_uncertainty"), of_method(results, "random")
    return [
        (crowded[seed]["boxes"][-1] / crowded[seed]["labels"][-1])
        / (random[seed]["boxes"][-1] / random[seed]["labels"][-1])
        for seed in crowded
        if seed in random
    ]


def _saving(
    key: str, method: str, words: str, published: str, bound: float = 0.0, over: str = "random"
) -> Claim:
    """Return a claim about labels saved."""
    return Claim(
        key=key,
        text=f"{words} needs fewer labelled frames than {over.replace('_', ' ')} for the AP that "
        "random frames reach with 27 (share saved)",
        published=published,
        source=KANG if published else "selectlab, tried once before this case was written",
        origin="published" if published else "measured before",
        measure=_saves(method, over),
        tolerance=AtLeast(bound),
        label=EFFECT,
        sizes=("full",),
        needs=FOLDER,
    )


CLAIMS = (
    Claim(
        key="detector_learns",
        text="More labelled frames make a better detector: AP with the most labels less AP with "
        "the fewest, random frames",
        published="",
        source="what every learning curve takes for granted",
        origin="by definition",
        measure=_rise,
        tolerance=AtLeast(0.03),
        label=EFFECT,
    ),
    Claim(
        key="detector_sees",
        text="The detector finds objects and not places: AP less that of the same detections "
        "held against another frame of the video",
        published="",
        source="a check of boxes and frames against each other",
        origin="by definition",
        measure=_above_chance,
        tolerance=AtLeast(0.15),
        label=EFFECT,
    ),
    _saving("flicker_saves", "flicker", "Frames that flicker: one", "up to 40 % saved"),
    _saving(
        "uniform_saves",
        "uniform_over_assertions",
        "A uniform draw over assertions",
        "less than BAL, more than random",
    ),
    _saving("bal_saves", "bal", "BAL", "40 % saved (arXiv), 33 % (proceedings)"),
    _saving("bal_saves_a_third", "bal", "BAL", "40 % saved (arXiv), 33 % (proceedings)", 0.33),
    _saving(
        "bal_beats_least_confidence",
        "bal",
        "BAL",
        "40 % saved (arXiv), 33 % (proceedings) over uncertainty sampling",
        over="least_confidence",
    ),
    _saving(
        "bal_beats_summed_uncertainty",
        "bal",
        "BAL",
        "40 % saved (arXiv), 33 % (proceedings) over uncertainty sampling",
        over="summed_uncertainty",
    ),
    _saving("diversity_saves", "diversity", "Diversity of frames", ""),
    _saving("summed_uncertainty_saves", "summed_uncertainty", "Summed uncertainty", ""),
    Claim(
        key="summed_uncertainty_prefers_crowds",
        text="A frame that summed uncertainty chooses holds more boxes to label than a random one "
        "(ratio)",
        published="",
        source="selectlab, tried once before this case was written",
        origin="measured before",
        measure=_crowding,
        tolerance=AtLeast(1.1),
        label=EFFECT,
        sizes=("full",),
        needs=FOLDER,
    ),
)


def units(setting: Setting) -> list[Unit]:
    """Return a unit for each seed and method."""
    needs = FOLDER if setting.size == "full" else ""
    return [
        Unit(f"{method}-seed{seed}", {"method": method, "seed": seed}, needs)
        for seed in setting.seeds
        for method in METHODS
    ]


def measure(setting: Setting, unit: Unit) -> dict[str, Any]:
    """Retrain a detector round by round on the frames that a method chooses."""
    from benchmarks.retrained_detector import video_of
    from benchmarks.video_rounds import run

    return run(video_of(setting), unit.parameters["method"], unit.parameters["seed"])


def tables(results: Results) -> list[Table]:
    """Return what each method needs, in frames and in boxes."""
    wanted = goal(results)
    rows = []
    for method, words in METHODS.items():
        runs = of_method(results, method)
        if runs:
            cells = [
                number(fmean(needed(r, wanted, axis) for r in runs.values()))
                for axis in ("labels", "boxes")
            ]
            less = [share(fmean(saved(results, method, axis=a))) for a in ("labels", "boxes")]
            never = sum(max(curve(r)) < wanted for r in runs.values())
            rows.append([method, words, cells[0], less[0], cells[1], less[1], str(never)])
    columns = ["method", "what it labels", "frames", "saved", "boxes", "saved", "never there"]
    return [Table(f"Labels for an AP of {number(wanted)}", columns, rows)]


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw AP over labelled frames and over labelled boxes."""
    from benchmarks.learning_plot import draw_curves

    return [draw_curves(results, folder / "detection_labels_saved.png")]


CASE = Case(
    name="detection_labels_saved",
    title="Labels that assertions save when a detector is trained",
    protocol="A sliding-window detector (histograms of gradients, logistic regression, hard "
    "negatives) is trained anew every round on the labelled frames of a video with fixed camera. "
    "Pool: the first 600 frames; test: every second one of the rest, AP at IoU 0.5. It starts "
    "with 3 random frames, the same for all methods of a seed, and takes 4 a round. Every method "
    "is a config of selectlab over what the present detector says of the pool. Labels needed: "
    "those at which the best AP so far first reaches the mean AP of random frames at 27 labels, "
    "for random frames counted in the same way.",
    claims=CLAIMS,
    units=units,
    measure=measure,
    tables=tables,
    draw=draw,
    packages=("numpy", "scipy", "scikit-learn", "av"),
)
