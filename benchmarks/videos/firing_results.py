"""Firings of an assertion beside drawn ones, as results hold them and as claims read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claim import Results
from benchmarks.videos.clips import MADE, Clip
from benchmarks.videos.detection_truth import Verdicts
from benchmarks.videos.disagreements import Pair
from benchmarks.videos.firings import Kind, anchors, as_bits, drawn, judged

N_DRAWN = 50
"""Firings that were looked at for each assertion in the publication."""

ASSERTION, RANDOM, LOWEST = "assertion", "random", "lowest scores"


def measured(verdicts: Verdicts, kind: Kind, seeds: Sequence[int]) -> dict[str, Any]:
    """Return the firings of an assertion on a clip, and as many drawn without it."""
    firings = kind.fire(verdicts)

    def grown(seed: int | None) -> dict[str, Any]:
        grow = kind.grow(verdicts, firings)
        found = drawn(grow, anchors(verdicts, seed), len(firings))
        return dict(judged(verdicts, found, kind).to_json())

    return {
        "clip": verdicts.clip.name,
        ASSERTION: judged(verdicts, firings, kind).to_json(),
        LOWEST: grown(None),
        RANDOM: [counted(grown(seed)) for seed in seeds],
    }


def disagreed(pair: Pair, seeds: Sequence[int]) -> dict[str, Any]:
    """Return where two detectors differ, and as many boxes of both drawn without looking."""
    own, theirs = pair.differences()

    def taken(seed: int | None) -> dict[str, Any]:
        return dict(pair.judged(*pair.drawn(len(own), len(theirs), seed)).to_json())

    return {
        "clip": pair.checked.clip.name,
        ASSERTION: pair.judged(own, theirs).to_json(),
        LOWEST: taken(None),
        RANDOM: [counted(taken(seed)) for seed in seeds],
    }


def second_view(clip: Clip, other: Clip, confidence: float) -> Pair:
    """Return two detectors on the same clip, each held against the truth."""
    return Pair(Verdicts.of(clip, confidence), Verdicts.of(other, confidence))


def counted(found: Mapping[str, Any]) -> dict[str, int]:
    """Return what :meth:`Judged.to_json` gave with counts in place of strings."""
    return {
        "n": len(found["right"]),
        "right": found["right"].count("1"),
        "covers": found["covers"].count("1"),
        "found": found["found"],
        "errors": found["errors"],
    }


def of(results: Results, assertion: str, data: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the results of an assertion on some data, generated data standing in."""
    return [r for r in results if r["assertion"] == assertion and r["data"] in (*data, MADE)]


def sums(result: Mapping[str, Any], method: str, at: int = 0) -> dict[str, int]:
    """Return the counts of a method over all clips; ``at`` says which seed of random."""
    parts = [
        clip[method][at] if method == RANDOM else counted(clip[method]) for clip in result["clips"]
    ]
    return {key: sum(part[key] for part in parts) for key in parts[0]}


def share(counts: Mapping[str, int], part: str, whole: str) -> float:
    """Return a share; 0 of nothing."""
    return counts[part] / counts[whole] if counts[whole] else 0.0


def sampled(result: Mapping[str, Any], seed: int) -> float:
    """Return the precision of some firings drawn at random from all clips."""
    bits = as_bits("".join(clip[ASSERTION]["right"] for clip in result["clips"]))
    rng = np.random.default_rng(seed)
    return float(rng.permutation(bits)[:N_DRAWN].mean()) if len(bits) else 0.0


def precision_of_50(assertion: str, *data: str) -> Callable[[Results], list[float]]:
    """Return what measures the precision as it was published, a value a seed."""
    return lambda results: [
        sampled(result, seed) for result in of(results, assertion, data) for seed in result["seeds"]
    ]


def beyond_random(
    assertion: str, part: str, whole: str, *data: str
) -> Callable[[Results], list[float]]:
    """Return what measures a share less that of random firings, a value a seed."""
    return lambda results: [
        share(sums(result, ASSERTION), part, whole) - share(sums(result, RANDOM, at), part, whole)
        for result in of(results, assertion, data)
        for at in range(len(result["seeds"]))
    ]


def whole_share(
    assertion: str, part: str, whole: str, *data: str
) -> Callable[[Results], list[float]]:
    """Return what measures a share over all firings, a value a result."""
    return lambda results: [
        share(sums(result, ASSERTION), part, whole) for result in of(results, assertion, data)
    ]


def draw(results: Results, path: Path) -> None:
    """Draw precision over recall of each assertion and its baselines, a panel for each data."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    data = list(dict.fromkeys(result["data"] for result in results))
    names = list(dict.fromkeys(result["assertion"] for result in results))
    figure, axes = pyplot.subplots(
        1, len(data), figsize=(5.6 * len(data), 4.4), squeeze=False, layout="constrained"
    )
    for axis, where in zip(axes[0], data, strict=True):
        for result in (result for result in results if result["data"] == where):
            colour = f"C{names.index(result['assertion'])}"
            for method, marker in ((ASSERTION, "o"), (RANDOM, "x"), (LOWEST, "v")):
                counts = sums(result, method)
                label = result["assertion"] if method == ASSERTION else None
                point = (share(counts, "found", "errors"), share(counts, "right", "n"))
                axis.plot(*point, marker, color=colour, label=label, markersize=8)
        axis.set(title=where, xlabel="recall of errors of its kind", ylim=(0, 1.03))
        axis.grid(visible=True, alpha=0.3)
        axis.legend(fontsize=8, title="o assertion, x random, v lowest scores", title_fontsize=8)
    axes[0][0].set_ylabel("firings that point at an error")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
