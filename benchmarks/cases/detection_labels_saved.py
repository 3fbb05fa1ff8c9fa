"""Assertions choose the frames of a video that a detector learns most from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import AtLeast, Claim, Estimate, Origin, Results
from benchmarks.text import number, share, with_error
from benchmarks.videos.films import FOLDER, film_of
from benchmarks.videos.labels_needed import curve, goal, needed, of_method, precision, saved

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
EFFECT: Literal["effect reproduced on other data"] = "effect reproduced on other data"


def _saves(method: str, over: str = "random") -> Callable[[Results], Sequence[float]]:
    return lambda results: saved(results, method, over)


def _rise(results: Results) -> list[float]:
    return [curve(r)[-1] - curve(r)[0] for r in of_method(results, "random").values()]


def _above_chance(results: Results) -> list[float]:
    """Compare with the same detections held against the objects of another frame."""
    return [
        curve(r)[-1] - precision(r["chance_hits"], r["n_truth"])
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
    key: str,
    method: str,
    words: str,
    published: str,
    bound: float = 0.01,
    over: str = "random",
    origin: Origin = "published",
) -> Claim:
    """Return a claim about labels saved."""
    return Claim(
        key=key,
        text=f"{words} needs fewer labelled frames than {over.replace('_', ' ')} for the AP that "
        "random frames reach with 27 (share saved)",
        published=published,
        source=KANG if published else "selectlab, tried once before this case was written",
        origin=origin if published else "measured before",
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
        sizes=("full",),
        needs=FOLDER,
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
    _saving(
        "flicker_saves", "flicker", "Frames that flicker: one", "up to 40 % saved by assertions"
    ),
    _saving(
        "uniform_saves",
        "uniform_over_assertions",
        "A uniform draw over assertions",
        "less saved than by BAL",
        origin="as we recall",
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
    from benchmarks.videos.film_rounds import run

    seed = int(unit.parameters["seed"])
    return run(film_of(setting, seed), str(unit.parameters["method"]), seed)


def tables(results: Results) -> list[Table]:
    """Return what each method needs, in frames and in boxes."""
    if not of_method(results, "random"):
        return []
    wanted, rows = goal(results), []
    for method, words in METHODS.items():
        runs = of_method(results, method).values()
        if runs:
            row = [method, words]
            for axis in ("labels", "boxes"):
                row.append(number(fmean(needed(r, wanted, axis) for r in runs)))
                row.append(share(fmean(saved(results, method, axis=axis))))
            row.append(share(fmean(1 - needed(r, wanted) / r["goal"] for r in runs)))
            row.append(str(sum(max(curve(r)) < wanted for r in runs)))
            rows.append(row)
    columns = ["method", "what it labels", "frames", "saved", "boxes", "saved", "naive", "never"]
    note = (
        "Frames and boxes: mean number labelled when the best AP so far reaches the goal. Saved: "
        "compared with random frames, counted in the same way. Naive: frames compared with those "
        "after which random frames have the goal on average; where the curve is flat, even random "
        "frames save a lot by that count, since a curve that goes up and down reaches its mean "
        "early. Never: seeds that did not reach the goal; what one more round costs is counted."
    )
    title = f"Labels for an AP of {number(wanted)}"
    return [Table(title, columns, rows, note), _curves(results)]


def _curves(results: Results) -> Table:
    """Return the AP of each method after each round."""
    rows = []
    for method in METHODS:
        values = [[100 * ap for ap in curve(r)] for r in of_method(results, method).values()]
        estimates = [Estimate(tuple(at_once)) for at_once in zip(*values, strict=True)]
        if values:
            rows.append([method, *(with_error(e.mean, e.standard_error) for e in estimates)])
    labels = next(iter(of_method(results, "random").values()))["labels"]
    return Table("AP at IoU 0.5, %, after so many frames", ["method", *map(str, labels)], rows)


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw AP over labelled frames and over labelled boxes."""
    from benchmarks.band_plot import save

    runs = {method: list(of_method(results, method).values()) for method in METHODS}
    panels = {
        name: {
            method: [(r[axis], curve(r)) for r in found] for method, found in runs.items() if found
        }
        for name, axis in (("labelled frames", "labels"), ("labelled boxes", "boxes"))
    }
    path = folder / "detection_labels_saved.png"
    return [save(path, panels, "AP at IoU 0.5")] if runs["random"] else []


CASE = Case(
    name="detection_labels_saved",
    title="Labels that assertions save when a detector is trained",
    protocol="A sliding-window detector (histograms of gradients, logistic regression, hard "
    "negatives) is trained anew every round on the labelled frames of a video with fixed camera. "
    "Pool: the first 600 frames; test: every second one of the rest, AP at IoU 0.5. It starts "
    "with 3 random frames, the same for all methods of a seed, and takes 4 a round. Every method "
    "but the trivial one is a config of selectlab over what the present detector says of the pool; "
    "assertions look at detections of probability 0.5 or more. The windows are as tall as objects "
    "of the pool are, for all methods alike. Labels needed: "
    "those at which the best AP so far first reaches the mean AP of random frames at 27 labels, "
    "for random frames counted in the same way. How the detector is trained was set by the AP of "
    "random frames on other seeds, in part (the overlap that makes a window positive) after two "
    "seeds of all methods had been seen; no tolerance was changed.",
    claims=CLAIMS,
    units=units,
    measure=measure,
    tables=tables,
    draw=draw,
    packages=("numpy", "scipy", "scikit-learn", "av"),
)
