"""The loop around a run: rounds of labelling, and learning curves where somebody measured."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from selectlab.dataset import Dataset
from selectlab.errors import DataError, SelectlabError
from selectlab.exports.rankings import RunFolder
from selectlab.memory import MemorySource
from selectlab.report.charts import Chart, Table, curve, figure, plain, rounded
from selectlab.report.record import RunRecord
from selectlab.rounds import Rounds
from selectlab.rounds.records import RoundCounts

METRICS = "metrics.csv"
"""File of learning curves, in the folder of the run or of the dataset."""

_MOST_CLASSES = 8
_MOST_METRICS = 6
_MOST_ROWS = 500
_FIELDS = ("round", "labels", "method", "seed")
_ELSEWHERE = "other samples"


@dataclass(frozen=True)
class Loop:
    """What there is to tell of the loop.

    Attributes:
        charts: May be none.
        notes: What could not be read, one line each.
    """

    charts: Sequence[Chart]
    notes: Sequence[str]


def loop(record: RunRecord, dataset: Dataset | None) -> Loop:
    """Return the rounds of a dataset, and learning curves.

    Args:
        record: The run.
        dataset: Its dataset, if it is at hand.
    """
    charts: list[Chart] = []
    notes: list[str] = []
    try:
        if dataset is not None and (rounds := Rounds(dataset)).begun:
            charts += _of_rounds(rounds)
    except SelectlabError as error:
        notes.append(f"rounds are left out: {error}")
    for path in _metric_files(record, dataset):
        try:
            charts += _curves(path)
        except DataError as error:
            notes.append(f"learning curves are left out: {error}")
    return Loop(charts, notes)


def _of_rounds(rounds: Rounds) -> list[Chart]:
    told = [one for one in rounds.status() if one.round is not None]
    if not told:
        return []
    charts = [_progress(told)]
    counts = _class_counts(rounds)
    return [*charts, _classes(told, counts)] if counts else charts


def _progress(told: Sequence[RoundCounts]) -> Chart:
    """Return how many samples were chosen, sent and labelled in each round."""
    names = [_name(one) for one in told]
    places = list(range(len(told)))
    kinds = (("chosen", "#8a8a8a", ""), ("sent", "#56b4e9", "/"), ("labelled", "#0072b2", ""))
    traces = [
        {
            "type": "bar",
            "name": kind,
            "x": places,
            "y": [getattr(one, kind) for one in told],
            "marker": {"color": colour, "pattern": {"shape": pattern, "size": 5}},
        }
        for kind, colour, pattern in kinds
    ]
    rows = [
        (name, *(f"{getattr(one, kind):,}" for kind, _, _ in kinds))
        for name, one in zip(names, told, strict=True)
    ]
    return Chart(
        title="Rounds: chosen, sent, labelled",
        caption=f"Distinct samples of the runs of each round. n = {len(told)} rounds, "
        f"{sum(one.chosen for one in told):,} samples chosen.",
        alt="; ".join(
            f"{row[0]}: {row[1]} chosen, {row[2]} sent, {row[3]} labelled" for row in rows
        ),
        figure=figure(traces, "round", "samples", barmode="group", x_axis=_ticks(names)),
        table=Table(("round", *(kind for kind, _, _ in kinds)), rows),
    )


def _name(one: RoundCounts) -> str:
    return "" if one.round is None else one.round.name


def _ticks(names: Sequence[str]) -> dict[str, Any]:
    return {"tickvals": list(range(len(names))), "ticktext": [plain(name) for name in names]}


def _class_counts(rounds: Rounds) -> dict[str, Counter[str]]:
    """Return how many objects of each class were labelled, by the name of the round."""
    names = {one.round.number: one.round.name for one in rounds.status() if one.round is not None}
    home: dict[str, str] = {}
    for run in rounds.runs():
        if not run.forgotten and run.place and Path(run.place).is_dir():
            home |= dict.fromkeys(_ids_in(Path(run.place)), names.get(run.round, _ELSEWHERE))
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for label in rounds.labels():
        found[home.get(label.sample_id, _ELSEWHERE)].update(s.category for s in label.shapes)
    return dict(found)


def _ids_in(folder: Path) -> Sequence[str]:
    """Return what a run has selected; nothing where its folder holds something else by now."""
    try:
        return RunFolder(folder).ids
    except SelectlabError:
        return ()


def _classes(told: Sequence[RoundCounts], counts: Mapping[str, Counter[str]]) -> Chart:
    """Return how many labelled objects of each class there are, round after round."""
    names = [*(_name(one) for one in told), *([_ELSEWHERE] if _ELSEWHERE in counts else [])]
    total: Counter[str] = sum(counts.values(), Counter())
    kept = sorted(total, key=lambda name: (-total[name], name))[:_MOST_CLASSES]
    places = list(range(len(names)))
    traces = [
        curve(kind, places, [_of(counts, name, kind) for name in names], at)
        for at, kind in enumerate(kept)
    ]
    rows = [(kind, *(f"{_of(counts, name, kind):,}" for name in names)) for kind in kept]
    more = (
        f" The {_MOST_CLASSES} most frequent of {len(total)} classes."
        if len(total) > len(kept)
        else ""
    )
    return Chart(
        title="Labelled objects of each class",
        caption=f"By the round in which the sample was chosen.{more} n = {total.total():,} "
        "labelled objects and classes of images.",
        alt="; ".join(f"{kind}: {total[kind]:,}" for kind in kept),
        figure=figure(traces, "round", "labelled objects", x_axis=_ticks(names), height_px=300),
        table=Table(("class", *names), rows),
    )


def _of(counts: Mapping[str, Counter[str]], name: str, kind: str) -> int:
    return counts[name][kind] if name in counts else 0


def _metric_files(record: RunRecord, dataset: Dataset | None) -> list[Path]:
    """Return the files of learning curves beside the run and in the dataset."""
    places = [record.folder / METRICS]
    if dataset is not None and not isinstance(dataset.source, MemorySource):
        places.append(Path(dataset.source.where).expanduser() / METRICS)
    return [place for place in dict.fromkeys(places) if place.is_file()]


def _curves(path: Path) -> list[Chart]:
    """Return a chart for each metric of a file.

    Raises:
        DataError: It is no table with a column ``round`` or ``labels`` and numbers.
    """
    frame = _long(path)
    x = "labels" if "labels" in frame.columns and frame["labels"].notna().all() else "round"
    methods = "method" if "method" in frame.columns else None
    charts = []
    for metric, part in list(frame.groupby("metric", sort=False))[:_MOST_METRICS]:
        groups = (
            [(str(metric), part)] if methods is None else list(part.groupby(methods, sort=False))
        )
        charts.append(_curve_chart(str(metric), [(str(n), g) for n, g in groups], x, path))
    return charts


def _long(path: Path) -> Any:
    """Return a table of round (or labels), metric and value, however the file has it."""
    import pandas as pd

    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise DataError(f"{path}: not readable as a table ({first})") from None
    known = [name for name in _FIELDS if name in frame.columns]
    if not {"round", "labels"} & set(known):
        raise DataError(f"{path}: no column 'round' or 'labels'; expected round,metric,value")
    if not {"metric", "value"} <= set(frame.columns):
        measured = [name for name in frame.select_dtypes("number").columns if name not in known]
        frame = frame.melt(known, measured, "metric", "value")
    frame["value"] = pd.to_numeric(frame["value"], errors="coerce")
    frame = frame[np.isfinite(frame["value"])]
    if not len(frame):
        raise DataError(f"{path}: no numbers in column 'value'")
    return frame


def _curve_chart(metric: str, groups: Sequence[tuple[str, Any]], x: str, path: Path) -> Chart:
    """Return a line for each method: the mean where there are several values."""
    means = [(name, part.groupby(x, sort=True)["value"].mean()) for name, part in groups]
    places = list(dict.fromkeys(str(at) for _, line in means for at in line.index))
    numeric = all(isinstance(at, int | float | np.number) for _, line in means for at in line.index)
    ticks = {} if numeric else _ticks(places)
    traces = []
    for at, (name, line) in enumerate(means):
        xs = (
            line.index.astype(float).tolist()
            if numeric
            else [places.index(str(v)) for v in line.index]
        )
        traces.append(curve(name, xs, rounded(line.tolist()), at))
    rows = [(name, str(at), f"{value:.4g}") for name, line in means for at, value in line.items()]
    n = sum(len(each) for _, each in groups)
    part = f"The first {_MOST_ROWS} of {len(rows):,} rows." if len(rows) > _MOST_ROWS else ""
    return Chart(
        title=f"Learning curve: {metric}",
        caption=f"From {path.name}; means where there are several values. n = {n:,} values.",
        alt="; ".join(
            f"{name} from {line.iloc[0]:.4g} to {line.iloc[-1]:.4g}" for name, line in means
        ),
        figure=figure(traces, x, metric, x_axis=ticks),
        table=Table(("", x, metric), rows[:_MOST_ROWS], part),
    )
