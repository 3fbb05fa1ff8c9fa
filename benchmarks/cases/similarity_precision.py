"""SIMILARITY finds more of what a few examples show."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import AtLeast, Claim, Near, Results
from benchmarks.contracts.image_sets import ids, image_units, load, sets_of, worst_by_seed
from benchmarks.text import with_error
from selectlab import Dataset, select

N_QUERY = 5
N_PICKS = 50
SIMILARITY, COSINE, CENTRE, RANDOM = "SIMILARITY", "cosine, all pairs", "mean of query", "random"
METHODS = (SIMILARITY, COSINE, CENTRE, RANDOM)
_MOST = {"small": 600, "full": 5000}
_SAME = 1e-12
_SOURCE = "LightlyOne documentation of SIMILARITY"

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]


def units(setting: Setting) -> list[Unit]:
    """Return a unit for each set of images and seed."""
    return image_units(setting)


def measure(setting: Setting, unit: Unit) -> dict[str, Any]:
    """Rank a pool by similarity to 5 samples of a class, for each class."""
    rng = np.random.default_rng(unit.parameters["seed"])
    images = load(unit.parameters["images"], setting.data).some(_MOST[setting.size], rng)
    vectors, told = images.vectors, []
    for label in np.unique(images.labels):
        query = rng.permutation(np.flatnonzero(images.labels == label))[:N_QUERY]
        pool = np.setdiff1d(np.arange(len(images)), query)
        gaps = nearest(vectors[pool], vectors[query])
        rankings = {
            SIMILARITY: similar(vectors[pool], vectors[query]),
            COSINE: by_cosine(vectors[pool], vectors[query]),
            CENTRE: by_cosine(vectors[pool], vectors[query].mean(axis=0, keepdims=True)),
            RANDOM: rng.permutation(len(pool))[:N_PICKS].tolist(),
        }
        hits = images.labels[pool] == label
        told.append(
            {
                "class": int(label),
                "share": float(hits.mean()),
                "hits": {
                    m: "".join("-+"[int(hits[r])] for r in rows) for m, rows in rankings.items()
                },
                "misplaced": misplaced(gaps, rankings[SIMILARITY]),
            }
        )
    return {"n": len(images), "classes": told}


def similar(pool: Float32, query: Float32) -> list[int]:
    """Return the rows that SIMILARITY picks."""
    entry = {
        "input": {
            "type": "EMBEDDINGS",
            "dataset_id": "examples",
            "tag_name": "initial-tag",
            "normalize": False,
        },
        "strategy": {"type": "SIMILARITY"},
    }
    examples = Dataset(ids(len(query)), embeddings=query)
    data = Dataset(ids(len(pool)), embeddings=pool, datasets={"examples": examples})
    chosen = select({"n_samples": N_PICKS, "strategies": [entry]}, data)
    return [int(sample_id) for sample_id in chosen.ids]


def nearest(pool: Float32, query: Float32) -> Float64:
    """Return the distance of each row to the nearest query vector, by differences in float64."""
    wide = pool.astype(np.float64)
    gaps = [np.sqrt(((wide - one) ** 2).sum(axis=1)) for one in query.astype(np.float64)]
    found: Float64 = np.min(gaps, axis=0)
    return found


def by_cosine(pool: Float32, query: Float32) -> list[int]:
    """Return the rows with the largest cosine to any query vector, the plain way."""
    cosines = (pool.astype(np.float64) @ query.T.astype(np.float64)).max(axis=1)
    return [int(row) for row in np.argsort(-cosines, kind="stable")[:N_PICKS]]


def misplaced(gaps: Float64, rows: list[int]) -> int:
    """Return at how many ranks the row is farther away than the row that belongs there."""
    return int((gaps[rows] > np.sort(gaps)[: len(rows)] * (1 + _SAME)).sum())


def _precision(result: Mapping[str, Any], method: str, k: int = N_PICKS) -> float:
    """Return the share of the class among the first ``k``, the mean over classes."""
    return fmean(part["hits"][method][:k].count("+") / k for part in result["classes"])


def _lead(results: Results, other: str) -> list[float]:
    return worst_by_seed(
        results, lambda r: 100 * (_precision(r, SIMILARITY) - _precision(r, other)), min
    )


CLAIMS = (
    Claim(
        key="same_ranking",
        text="SIMILARITY alone ranks by the distance to the nearest example, as comparing all "
        "pairs in float64 does; ranks that differ, all classes and sets of a seed.",
        published="0",
        source=_SOURCE,
        origin="by definition",
        measure=lambda results: worst_by_seed(
            results, lambda r: sum(part["misplaced"] for part in r["classes"]), max
        ),
        tolerance=Near(0),
        label="reproduced",
        unit="ranks",
    ),
    Claim(
        key="beats_random",
        text="Of the 50 samples most similar to 5 of a class far more are of that class than of "
        "50 random ones; difference, mean over classes, worst set.",
        published="",
        source=_SOURCE,
        origin="by definition",
        measure=partial(_lead, other=RANDOM),
        tolerance=AtLeast(40),
        label="effect reproduced on other data",
        unit="points",
    ),
)


def tables(results: Results) -> list[Table]:
    """Return precision among the first 10 and 50."""
    rows = []
    for name, group in sets_of(results):
        for method in METHODS:
            cells = [name, method]
            for k in (10, N_PICKS):
                values = [100 * _precision(r, method, k) for r in group]
                error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
                cells.append(with_error(fmean(values), error))
            rows.append(cells)
    note = "Raw pixels of unit length, for which the nearest example is the one of largest cosine."
    titles = ["images", "method", "first 10", f"first {N_PICKS}"]
    return [Table("Share of the class that was asked for, %", titles, rows, note)]


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw precision at k, a panel for each set of images."""
    from benchmarks.case_plots import Band, Panel, save

    ks = list(range(1, N_PICKS + 1))
    panels = []
    for name, group in sets_of(results):
        lines = {m: Band(ks, [[_precision(r, m, k) for k in ks] for r in group]) for m in METHODS}
        panels.append(Panel(name, "picks", "share of the class asked for", lines))
    return [save(folder / "similarity_precision-at-k.png", panels)]


CASE = Case(
    name="similarity_precision",
    title="SIMILARITY finds more of what five examples show",
    protocol="Digits and the images of the folder mnist, raw pixels scaled to unit length; the "
    "seed draws a pool and, for each class, 5 examples that leave the pool. 50 picks by "
    "SIMILARITY, by the largest cosine to an example (all pairs, the trivial way), by the cosine "
    "to the mean of the examples, and at random. The ranking is held against distances "
    "recomputed by differences in float64.",
    claims=CLAIMS,
    units=units,
    measure=measure,
    tables=tables,
    draw=draw,
    packages=("numpy", "scikit-learn"),
)
