"""DIVERSITY with a minimum distance removes near-duplicates and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import AtLeast, Claim, Near, Results
from benchmarks.contracts.image_sets import image_units, load, sets_of, worst_by_seed
from benchmarks.contracts.planted_duplicates import (
    Float32,
    Planted,
    distances,
    identical,
    noisy_copies,
    one_by_one,
    shifted_copies,
)
from benchmarks.text import with_error
from selectlab import Dataset, select

DIVERSITY, JOINT, LOOP = "DIVERSITY", "DIVERSITY x WEIGHTS", "all pairs, one by one"
RANDOM, IDENTICAL = "random", "identical images"
METHODS = (DIVERSITY, JOINT, LOOP, RANDOM, IDENTICAL)
KINDS = ("noise", "shift")
_MOST = {"small": 80, "full": 400}
_SOURCE = "LightlyOne documentation of stopping_condition_minimum_distance"


def units(setting: Setting) -> list[Unit]:
    """Return a unit for each set of images and seed."""
    return image_units(setting)


def measure(setting: Setting, unit: Unit) -> dict[str, Any]:
    """Remove near-duplicates that were planted, by every method, and look at what is left."""
    seed = unit.parameters["seed"]
    rng = np.random.default_rng(seed)
    images = load(unit.parameters["images"], setting.data).some(_MOST[setting.size], rng)
    told: dict[str, Any] = {}
    for kind in KINDS:
        planted = (noisy_copies if kind == "noise" else shifted_copies)(images, rng)
        limit = planted.limit
        kept = {DIVERSITY: apart(planted.vectors, limit), JOINT: apart(planted.vectors, limit, rng)}
        kept[LOOP] = one_by_one(planted.vectors, limit)
        kept[RANDOM] = np.sort(rng.permutation(len(planted.group))[: len(kept[DIVERSITY])]).tolist()
        kept[IDENTICAL] = identical(planted.vectors)
        told[kind] = {"limit": limit, "n": len(planted.group), "n_groups": planted.n_groups}
        told[kind]["methods"] = {m: examined(planted, rows, limit) for m, rows in kept.items()}
    return told


def apart(vectors: Float32, limit: float, rng: np.random.Generator | None = None) -> list[int]:
    """Return the rows that are selected when all may be, at least ``limit`` apart.

    With ``rng`` in a joint selection, with random weights.
    """
    names = [f"{row:06d}" for row in range(len(vectors))]
    strategy = {"type": "DIVERSITY", "stopping_condition_minimum_distance": limit}
    entries: list[dict[str, Any]] = [
        {"input": {"type": "EMBEDDINGS", "normalize": False}, "strategy": strategy}
    ]
    weight = np.ones(len(vectors)) if rng is None else rng.uniform(0.1, 1, len(vectors))
    if rng is not None:
        weights = {"input": {"type": "METADATA", "key": "weight"}, "strategy": {"type": "WEIGHTS"}}
        entries.append(weights)
    data = Dataset(names, embeddings=vectors, metadata={"weight": weight})
    chosen = select({"n_samples": len(vectors), "strategies": entries}, data)
    return sorted(int(sample_id) for sample_id in chosen.ids)


def examined(planted: Planted, kept: list[int], limit: float) -> dict[str, Any]:
    """Return what a reader can check: groups by how many were kept, and who is too near whom."""
    gaps = distances(planted.vectors, planted.vectors[kept])
    pairs = int((gaps[kept] < limit).sum() - len(kept)) // 2
    out = np.setdiff1d(np.arange(len(planted.group)), kept)
    per_group = np.bincount(planted.group[kept], minlength=planted.n_groups)
    copied = np.bincount(planted.group, minlength=planted.n_groups) > 1
    return {
        "n_kept": len(kept),
        "too_near": pairs,
        "left_out_alone": int((gaps[out].min(axis=1, initial=np.inf) >= limit).sum()),
        "groups_kept": np.bincount(per_group).tolist(),
        "copied": int(copied.sum()),
        "copied_kept_once": int((per_group[copied] == 1).sum()),
    }


def _total(results: Results, what: str) -> list[float]:
    """Return a count over both kinds of copies and both ways to select, the worst set."""
    return worst_by_seed(
        results,
        lambda r: sum(r[kind]["methods"][m][what] for kind in KINDS for m in (DIVERSITY, JOINT)),
        max,
    )


def _not_once(result: Mapping[str, Any]) -> float:
    """Return how many groups of noisy copies were not kept exactly once."""
    part = result["noise"]
    kept_once = [(*part["methods"][m]["groups_kept"], 0, 0)[1] for m in (DIVERSITY, JOINT)]
    return float(sum(part["n_groups"] - n for n in kept_once))


def _resolved(result: Mapping[str, Any], kind: str, method: str) -> float:
    """Return the share of the images with copies of which exactly one is kept."""
    part = result[kind]["methods"][method]
    return float(part["copied_kept_once"] / part["copied"])


def _lead(results: Results, kind: str) -> list[float]:
    return worst_by_seed(
        results,
        lambda r: 100 * (_resolved(r, kind, DIVERSITY) - _resolved(r, kind, RANDOM)),
        min,
    )


def _contract(key: str, text: str, what: str) -> Claim:
    return Claim(
        key=key,
        text=text,
        published="0",
        source=_SOURCE,
        origin="by definition",
        measure=partial(_total, what=what),
        tolerance=Near(0),
        label="reproduced",
    )


CLAIMS = (
    _contract(
        "none_too_near",
        "No two selected samples are closer than the minimum distance, recomputed in float64, "
        "alone and in a joint selection; pairs that are.",
        "too_near",
    ),
    _contract(
        "none_lost",
        "Whatever is left out is closer than the minimum distance to a selected sample; samples "
        "that are not.",
        "left_out_alone",
    ),
    Claim(
        key="one_of_each",
        text="Of images with noisy copies, all within the minimum distance of each other and far "
        "from the rest, exactly one is kept; groups of which another number is.",
        published="0",
        source=_SOURCE,
        origin="by definition",
        measure=lambda results: worst_by_seed(results, _not_once, max),
        tolerance=Near(0),
        label="reproduced",
        unit="groups",
    ),
    *(
        Claim(
            key=f"beats_random_{kind}",
            text=f"Of the images with copies ({kind}) more keep exactly one than when as many "
            "samples are removed at random; difference, worst set.",
            published="",
            source=_SOURCE,
            origin="by definition",
            measure=partial(_lead, kind=kind),
            tolerance=AtLeast(20),
            label="effect reproduced on other data",
            sizes=("small", "full") if kind == "noise" else ("full",),
            unit="points",
        )
        for kind in KINDS
    ),
)


def tables(results: Results) -> list[Table]:
    """Return what each method keeps."""
    rows = []
    for name, group in sets_of(results):
        for kind in KINDS:
            for method in METHODS:
                parts = [r[kind]["methods"][method] for r in group]
                values = [100 * _resolved(r, kind, method) for r in group]
                error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
                cells = [name, kind, method, f"{fmean(r[kind]['n'] for r in group):.0f}"]
                cells += [
                    f"{fmean(p['n_kept'] for p in parts):.0f}",
                    with_error(fmean(values), error),
                ]
                cells += [
                    f"{fmean(p[w] for p in parts):.3g}" for w in ("too_near", "left_out_alone")
                ]
                rows.append(cells)
    note = (
        "Means over seeds. With shifts the minimum distance is a user's guess, the 30 % quantile "
        "of the distances to the nearest neighbour. Going through all pairs one by one keeps the "
        "same promises; DIVERSITY also ranks, so that the first n are n unlike each other."
    )
    titles = [
        "images", "copies", "method", "samples", "kept", "copied images kept once, %",
        "pairs too near", "left out with none near",
    ]  # fmt: skip
    return [Table("Near-duplicates", titles, rows, note)]


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw the share of copied images that are kept exactly once."""
    from benchmarks.case_plots import Bars, save_bars

    panels = [
        Bars(
            f"{name}, {kind}",
            "copied images kept exactly once, %",
            {m: [100 * _resolved(r, kind, m) for r in group] for m in METHODS},
        )
        for name, group in sets_of(results)
        for kind in KINDS
    ]
    return [save_bars(folder / "near_duplicates-kept.png", panels)]


CASE = Case(
    name="near_duplicates",
    title="A minimum distance removes near-duplicates and nothing else",
    protocol="Digits and the images of the folder mnist. Noise: each image, raw pixels of unit "
    "length, gets up to 4 copies with noise of at most a known length; images nearer to each "
    "other than twice the minimum distance are left out beforehand. Shift: 3 of 10 images get a "
    "copy moved by a pixel (digits are enlarged fourfold first), compared after a blur. DIVERSITY "
    "with stopping_condition_minimum_distance may select everything, alone and with random "
    "WEIGHTS; beside it: removing as many at random, removing identical images, and going through "
    "the samples one by one. All distances are recomputed in float64.",
    claims=CLAIMS,
    units=units,
    measure=measure,
    tables=tables,
    draw=draw,
    packages=("numpy", "scipy", "scikit-learn"),
)
