"""A selection config that its owners ran elsewhere runs here unchanged, on its own bucket."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.case import Case, Setting, Table, Unit
from benchmarks.claim import AtLeast, Claim, Near, Results
from benchmarks.contracts import lightly_bucket
from benchmarks.contracts.definition import Rule, Shares, compare
from benchmarks.contracts.published_config import config_and_bucket, rule_of
from selectlab import select
from selectlab.errors import SelectlabError

FOLDER = "lightly_example"
N_RANDOM = 100
OURS, RANDOM, IN_ORDER = "selectlab", "random", "first by name"
_SOURCE = "github.com/lightly-ai/object_detection_example_structure"
_DOCUMENTED = "LightlyOne documentation of selection configs"


def units(setting: Setting) -> list[Unit]:
    """Return a made-up bucket for every seed, and the published one."""
    made = [Unit(f"made-seed{s}", {"bucket": "made", "seed": s}) for s in setting.seeds]
    if setting.size == "small":
        return made
    published = [
        Unit(f"{FOLDER}-seed{s}", {"bucket": FOLDER, "seed": s}, needs=FOLDER)
        for s in setting.seeds
    ]
    return [*published, *made]


def measure(setting: Setting, unit: Unit) -> dict[str, Any]:
    """Run the config as it is, and hold the picks against its definition and random ones."""
    seed = unit.parameters["seed"]
    with tempfile.TemporaryDirectory(prefix="bucket-") as name:
        scratch = Path(name)
        if unit.parameters["bucket"] == "made":
            lightly_bucket.make(scratch / "made", seed)
            source = scratch / "made"
        else:
            source = setting.data.folder(FOLDER)
        config, folder = config_and_bucket(source)
        wanted = json.loads(config.read_text(encoding="utf-8"))
        task = next(e["input"]["task"] for e in wanted["strategies"] if "task" in e["input"])
        bucket = lightly_bucket.read(folder, task)
        data = lightly_bucket.with_embeddings(folder, bucket, task, scratch / "copy")
        try:
            chosen = select(config, data)
        except SelectlabError as error:
            return {"refused": str(error)}
    rules = [rule_of(entry, bucket) for entry in wanted["strategies"]]
    rows = [bucket.names.index(sample_id) for sample_id in chosen.ids]
    rng = np.random.default_rng(seed)
    drawn = [rng.permutation(len(bucket.names))[: len(rows)].tolist() for _ in range(N_RANDOM)]
    agreement = compare(rules, rows)
    return {
        "n": len(bucket.names),
        "asked": wanted["n_samples"],
        "picked": len(set(rows)),
        "complaints": list(chosen.warnings),
        "strategies": [entry["strategy"]["type"] for entry in wanted["strategies"]],
        "near_ties": agreement.near,
        "worse_than_definition": agreement.worse,
        "objectives": {
            OURS: [objectives(rules, rows)],
            RANDOM: [objectives(rules, some) for some in drawn],
            IN_ORDER: [objectives(rules, list(range(len(rows))))],
        },
        "off_target": {
            OURS: [off_target(rules, rows)],
            RANDOM: [off_target(rules, some) for some in drawn],
            IN_ORDER: [off_target(rules, list(range(len(rows))))],
        },
    }


def objectives(rules: Sequence[Rule], rows: Sequence[int]) -> list[float]:
    """Return what each strategy makes of a selection."""
    return [rule.value(rows) for rule in rules]


def off_target(rules: Sequence[Rule], rows: Sequence[int]) -> float:
    """Return the total variation distance of the classes of a selection to the target."""
    rule = next(rule for rule in rules if isinstance(rule, Shares))
    have = rule.counts[list(rows)].sum(axis=0) / len(rows)
    return float(np.abs(have - rule.target / rule.target.sum()).sum() / 2)


def joint(values: Sequence[float]) -> float:
    """Return the logarithm of the product of objectives."""
    return float(np.log(np.maximum(values, 1e-300)).sum())


def _ran(results: Results, bucket: str) -> list[Mapping[str, Any]]:
    """Return the results of the made-up buckets or of the published one."""
    return [r for r in results if r["bucket"] == bucket]


def _beaten(results: Results, bucket: str) -> list[float]:
    """Return the share of random selections whose joint objective is smaller, in percent."""
    return [
        100
        * fmean(joint(some) < joint(r["objectives"][OURS][0]) for some in r["objectives"][RANDOM])
        for r in _ran(results, bucket)
        if "objectives" in r
    ]


def _balance_lead(results: Results, bucket: str) -> list[float]:
    return [
        100 * (fmean(r["off_target"][RANDOM]) - r["off_target"][OURS][0])
        for r in _ran(results, bucket)
        if "off_target" in r
    ]


def _spread_ratio(results: Results, bucket: str) -> list[float]:
    """Return DIVERSITY's objective over random's mean, the smaller one of the two inputs."""
    return [
        min(
            r["objectives"][OURS][0][at] / fmean(some[at] for some in r["objectives"][RANDOM])
            for at, name in enumerate(r["strategies"])
            if name == "DIVERSITY"
        )
        for r in _ran(results, bucket)
        if "objectives" in r
    ]


def _refusals(results: Results, bucket: str) -> list[float]:
    return [float("refused" in r) + len(r.get("complaints", ())) for r in _ran(results, bucket)]


def _missing(results: Results, bucket: str) -> list[float]:
    return [r["asked"] - r["picked"] for r in _ran(results, bucket) if "asked" in r]


def _worse(results: Results, bucket: str) -> list[float]:
    return [
        r["worse_than_definition"] for r in _ran(results, bucket) if "worse_than_definition" in r
    ]


def _exact(bucket: str) -> list[Claim]:
    """Return what must be so to the last pick, on the published bucket or the made-up one."""
    made = bucket == "made"

    def exact(key: str, text: str, measured: Any, unit: str = "") -> Claim:
        return Claim(
            key=f"made_{key}" if made else key,
            text=f"{text} (made-up bucket)" if made else text,
            published="0",
            source=_DOCUMENTED if made else _SOURCE,
            origin="by definition",
            measure=partial(measured, bucket=bucket),
            tolerance=Near(0),
            label="reproduced",
            sizes=("small", "full") if made else ("full",),
            unit=unit,
            needs="" if made else FOLDER,
        )

    return [
        exact("unchanged", "The file is taken as it is; refusals and warnings", _refusals),
        exact("size", "As many samples as were asked for; missing ones", _missing, "samples"),
        exact(
            "definition",
            "Every pick is the best one by the definition of the four strategies, recomputed in "
            "float64 from the bucket's files; picks that are not",
            _worse,
            "picks",
        ),
    ]


def _larger(key: str, text: str, measured: Any, bound: float, unit: str = "") -> Claim:
    """Return what the published config does for its own bucket, against random selections."""
    return Claim(
        key=key,
        text=text,
        published="",
        source=_DOCUMENTED,
        origin="by definition",
        measure=partial(measured, bucket=FOLDER),
        tolerance=AtLeast(bound),
        label="effect reproduced on other data",
        sizes=("full",),
        unit=unit,
        needs=FOLDER,
    )


CLAIMS = (
    *_exact(FOLDER),
    _larger(
        "joint",
        "The product of the four objectives is larger than that of random selections; share of "
        "100 that are beaten",
        _beaten,
        95,
        "%",
    ),
    _larger(
        "balance",
        "The classes are nearer to the target than those of random selections; difference of the "
        "total variation distances",
        _balance_lead,
        0.1,
        "points",
    ),
    _larger(
        "spread",
        "Both DIVERSITY objectives are at least those of random selections; ratio to their mean, "
        "the smaller one",
        _spread_ratio,
        1.001,
    ),
    *_exact("made"),
)


def tables(results: Results) -> list[Table]:
    """Return each strategy's objective, ours and random's."""
    rows = []
    for bucket in dict.fromkeys(r["bucket"] for r in results):
        group = [r for r in _ran(results, bucket) if "objectives" in r]
        for method in (OURS, RANDOM, IN_ORDER):
            if group:
                values = [some for r in group for some in r["objectives"][method]]
                off = fmean(n for r in group for n in r["off_target"][method])
                cells = [f"{fmean(column):.4g}" for column in zip(*values, strict=True)]
                rows.append([bucket, method, *cells, f"{100 * off:.1f}"])
    strategies = next((r["strategies"] for r in results if "strategies" in r), ())
    names = [f"{at}: {name}" for at, name in enumerate(strategies)]
    refused = [f"{r['unit']}: {r['refused']}" for r in results if "refused" in r]
    note = (
        "Means over seeds; larger is better, except for the distance. The bucket comes without "
        "images and embeddings: both kinds of embeddings were replaced by the geometry of its "
        "boxes (a frame: histogram of where they stand, weighted by score; an object: its box "
        "and score). Everything else, and the config, is as published. The made-up bucket has "
        "the same layout and the same four strategies."
    )
    return [
        Table(
            "Objectives of the selection",
            ["bucket", "method", *names, "distance to the target, points"],
            rows,
            " ".join([note, *refused]),
        )
    ]


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw how much better than the mean random selection each strategy is served."""
    from benchmarks.case_plots import Bars, save_bars

    panels = []
    for bucket in dict.fromkeys(r["bucket"] for r in results):
        group = [r for r in _ran(results, bucket) if "objectives" in r]
        if group:
            bars = {}
            for at, name in enumerate(group[0]["strategies"]):
                random = [fmean(s[at] for s in r["objectives"][RANDOM]) for r in group]
                ours = [r["objectives"][OURS][0][at] for r in group]
                ratios = [a / b for a, b in zip(ours, random, strict=True)]
                bars[f"{at}: {name}"] = ratios
            panels.append(Bars(bucket, "objective, random's mean = 1", bars))
    return [save_bars(folder / "lightly_config_runs-objectives.png", panels)] if panels else []


CASE = Case(
    name="lightly_config_runs",
    title="A published LightlyOne config runs unchanged on its own bucket",
    protocol="The config of the published example (BALANCE, DIVERSITY of objects and of frames, "
    "WEIGHTS) is given to select() as the file it is. Its bucket holds predictions, metadata and "
    "relevant_filenames.txt; embeddings are added, made of the geometry of the boxes. The picks "
    "are held against the definition in float64, read and computed without selectlab, and against "
    "100 random selections a seed and the first samples by name. At the small size a bucket of "
    "the same layout is made up.",
    claims=CLAIMS,
    units=units,
    measure=measure,
    tables=tables,
    draw=draw,
    seeds=5,
    packages=("numpy", "pyarrow"),
)
