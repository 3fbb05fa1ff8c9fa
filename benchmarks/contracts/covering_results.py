"""What covering radii say: the measures of claims, tables and a plot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.case import Table
from benchmarks.claim import Estimate, Results
from benchmarks.contracts.covering_radius import METHODS
from benchmarks.text import with_error

TITLES = {"digits": "digits", "mnist": "MNIST"}
ROUNDING = 1e-6
"""What float32 may cost: greedy ranks in it, radii are recomputed without."""


def breaches(data: str) -> Callable[[Results], list[float]]:
    """Return what counts, per seed, how often greedy's radius exceeds twice the best or its bound.

    Greedy needs no more than the bound, so the bound being tight does not help it: a wrong pick
    lowers the smallest distance between picks and is counted.
    """

    def count(results: Results) -> list[float]:
        return [
            sum(ratio > 2 * (1 + ROUNDING) for _, ratio in _ratios(result, "k_center"))
            for result in _of(results, data)
        ]

    return count


def worst_radius_ratio(data: str) -> Callable[[Results], list[float]]:
    """Return what gives, per seed, the largest quotient of greedy's and random's radius."""

    def worst(results: Results) -> list[float]:
        return [
            max(c["k_center"]["radius"] / c["random"]["radius"] for c in result["centres"])
            for result in _of(results, data)
        ]

    return worst


def ratio_to_random(data: str, key: str, k: int) -> Callable[[Results], list[float]]:
    """Return what gives, per seed, the quotient of greedy's and random's ``key`` at k centres."""

    def ratios(results: Results) -> list[float]:
        return [
            c["k_center"][key] / c["random"][key]
            for result in _of(results, data)
            for c in result["centres"]
            if c["k"] == k
        ]

    return ratios


def reached(data: str, method: str, key: str, k: int) -> Callable[[Results], list[float]]:
    """Return what gives a number at k centres per seed, where the data is the known one."""

    def values(results: Results) -> list[float]:
        return [
            c[method][key]
            for result in _of(results, data)
            if result["known"]
            for c in result["centres"]
            if c["k"] == k
        ]

    return values


def _of(results: Results, data: str) -> list[Mapping[str, Any]]:
    return [r for r in results if r["data"] == data and ("instances" in r or "centres" in r)]


def _ratios(result: Mapping[str, Any], method: str) -> list[tuple[int, float]]:
    """Return k and the radius in units of the best one, or of its bound, for each instance."""
    if "instances" in result:
        pairs = [(i["k"], i[method], i["best"]) for i in result["instances"]]
    else:
        pairs = [(c["k"], c[method]["radius"], c["bound"]) for c in result["centres"]]
    return [
        (k, radius / best if best else (1.0 if radius == 0 else np.inf))
        for k, radius, best in pairs
    ]


def tables(results: Results) -> list[Table]:
    """Return the tables of the page."""
    return [_theorem(results), *_distances(results)]


def _theorem(results: Results) -> Table:
    titles = {
        "made": "generated, best radius known",
        "digits_subsets": "60 digits, best radius known",
        "digits": "all of digits, against the bound",
        "mnist": "MNIST, against the bound",
    }
    rows = []
    for data, title in titles.items():
        for method in METHODS:
            ratios = [r for result in _of(results, data) for _, r in _ratios(result, method)]
            if ratios:
                over = sum(ratio > 2 * (1 + ROUNDING) for ratio in ratios)
                numbers = [f"{np.mean(ratios):.2f}", f"{max(ratios):.2f}", f"{over}"]
                rows.append([title, method, f"{len(ratios)}", *numbers])
    return Table(
        "Radius in units of the best one, or of a lower bound of it",
        ["data", "method", "instances", "mean", "largest", "above 2"],
        rows,
        "Against the bound, greedy's ratio is 2 by construction as long as each of its picks is "
        "the farthest point, and above 2 otherwise; the ratio to the best radius is smaller.",
    )


def _distances(results: Results) -> list[Table]:
    found = []
    for data in TITLES:
        own = _of(results, data)
        ks = sorted({c["k"] for result in own for c in result["centres"]})
        rows = [
            [f"{k}", method, *(_cell(own, method, key, k) for key in ("radius", "mean"))]
            for k in ks
            for method in METHODS
        ]
        if rows:
            title = f"Distance to the nearest of k picks ({TITLES[data]})"
            found.append(Table(title, ["k", "method", "largest (radius)", "mean"], rows))
    return found


def _cell(own: Sequence[Mapping[str, Any]], method: str, key: str, k: int) -> str:
    values = [c[method][key] for result in own for c in result["centres"] if c["k"] == k]
    estimate = Estimate(tuple(values))
    return with_error(estimate.mean, estimate.standard_error, 2)


def draw(results: Results, path: Path) -> list[Path]:
    """Draw how far points are from their nearest pick: largest and mean, over k."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    there = [data for data in TITLES if _of(results, data)]
    figure, axes = pyplot.subplots(
        1, len(there), figsize=(5.2 * len(there), 4.2), squeeze=False, layout="constrained"
    )
    for axis, data in zip(axes[0], there, strict=True):
        own = _of(results, data)
        ks = sorted({c["k"] for result in own for c in result["centres"]})
        for number, method in enumerate(METHODS):
            for key, style in (("radius", "-"), ("mean", "--")):
                means = [
                    np.mean([c[method][key] for r in own for c in r["centres"] if c["k"] == k])
                    for k in ks
                ]
                label = f"{method}, {'largest' if key == 'radius' else 'mean'}"
                axis.plot(ks, means, style, marker="o", color=f"C{number}", label=label)
        axis.set(
            title=TITLES[data], xlabel="k", ylabel="distance to the nearest pick", xscale="log"
        )
        axis.set_xticks(ks, [str(k) for k in ks])
        axis.minorticks_off()
        axis.grid(visible=True, alpha=0.3)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return [path]
