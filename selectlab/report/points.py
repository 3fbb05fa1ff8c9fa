"""The embedding plot: a point for each sample, to be coloured by anything that is known of it."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from selectlab import progress
from selectlab.class_signals import Categories, Counts
from selectlab.dataset import Dataset
from selectlab.errors import SelectlabError
from selectlab.inputs.score_functions import fitting
from selectlab.inputs.scores import Scores
from selectlab.report.charts import brief, counted, plain, rounded
from selectlab.report.evidence import Evidence, part_of
from selectlab.report.metadata import Column, dataset_columns, worth_showing
from selectlab.report.projection import project
from selectlab.report.record import RunRecord
from selectlab.report.sides import CATEGORIES, INPUT, SELECTED
from selectlab.report.space import Space
from selectlab.signals import Scalars, Severities, Signal
from selectlab.thumbnails import Thumbnails
from selectlab.types import Rows

_MOST_SELECTED, _MOST_BEFORE, _MOST_OTHER = 5_000, 1_000, 4_000
_MOST_REASONS = 2_000
_THUMBNAILS_SELECTED, _THUMBNAILS_OTHER = 160, 240
_THUMBNAIL_PX = 96
_MOST_TASKS, _QUICKLY_READ = 3, 5_000
_NONE = "(none)"


@dataclass(frozen=True)
class Plot:
    """An embedding plot.

    Attributes:
        data: What the page draws it from; JSON data.
        colourings: Names of what it can be coloured by, in order.
        caption: How to read it, and how many samples are shown.
        n_selected: How many selected samples are shown.
    """

    data: Mapping[str, Any]
    colourings: Sequence[str]
    caption: str
    n_selected: int


@dataclass(frozen=True)
class _Shown:
    """Rows of the plan that are shown, by what they are."""

    selected: Rows
    before: Rows
    other: Rows

    @property
    def rows(self) -> Rows:
        return np.concatenate([self.other, self.before, self.selected])


def embedding_plot(
    record: RunRecord,
    evidence: Evidence,
    space: Space,
    method: str,
    thumbnails: Thumbnails,
) -> Plot:
    """Return the embedding plot of a run.

    Args:
        record: The run.
        evidence: Its data.
        space: The vectors.
        method: ``"pca"`` or ``"umap"``.
        thumbnails: Makes the pictures that are shown when a point is pointed at.
    """
    shown = _chosen_points(evidence, space)
    rows = shown.rows
    laid = project(space.vectors, space.places(rows), method)
    samples = evidence.resolved.rows[rows, 0]
    ids = list(evidence.dataset.ids.take(samples))
    colourings = [_status(shown), _picking(record, ids, shown), *_inputs(evidence, rows)]
    known = {one["name"] for one in colourings}
    colourings += [one for one in _scores(evidence, samples) if one["name"] not in known]
    columns, _ = worth_showing(dataset_columns(evidence, samples))
    colourings += [_of_column(column) for column in columns if column.key not in known]
    pictures = _pictures(ids, shown, thumbnails)
    data = {
        "ids": ids,
        "x": rounded(laid.x),
        "y": rounded(laid.y),
        "xTitle": plain(laid.x_title),
        "yTitle": plain(laid.y_title),
        "sizes": [len(shown.other), len(shown.before), len(shown.selected)],
        "ranks": _ranks(record, ids, shown),
        "reasons": _reasons(record, ids, shown),
        "colourings": colourings,
        "palette": list(CATEGORIES),
        "pictures": pictures,
    }
    return Plot(
        data,
        [one["name"] for one in colourings],
        f"{_told(evidence, space, shown)}{_with_pictures(len(pictures), len(ids))} {laid.told}",
        len(shown.selected),
    )


def _chosen_points(evidence: Evidence, space: Space) -> _Shown:
    """Return all that is selected, and a random part of the rest."""
    there = np.zeros(len(evidence.resolved.rows), dtype=np.bool_)
    there[space.rows] = True
    taken = np.zeros_like(there)
    taken[evidence.picked] = True
    others = evidence.pool[~taken[evidence.pool]]
    return _Shown(
        selected=part_of(evidence.picked[there[evidence.picked]], _MOST_SELECTED),
        before=part_of(evidence.before[there[evidence.before]], _MOST_BEFORE),
        other=part_of(others[there[others]], _MOST_OTHER),
    )


def _told(evidence: Evidence, space: Space, shown: _Shown) -> str:
    """Say how many of what are shown."""
    n_other = len(evidence.pool) - len(evidence.picked)
    parts = [
        _part(len(shown.selected), len(evidence.picked), f"selected {evidence.unit}"),
        _part(len(shown.other), n_other, "other candidate"),
    ]
    if len(evidence.before):
        parts.append(
            _part(len(shown.before), len(evidence.before), evidence.unit) + " selected before"
        )
    by = "" if evidence.n_frames == 1 else " A sequence is shown by its first frame."
    return f"Vectors: {space.name}. Shown are {', '.join(parts)}.{by}"


def _part(n: int, whole: int, what: str) -> str:
    if n == whole:
        return f"all {counted(n, what)}" if n > 1 else counted(n, what)
    return f"{n:,} of {counted(whole, what)}, drawn at random"


def _with_pictures(n: int, whole: int) -> str:
    return f" The page holds pictures of {n:,} of them." if 0 < n < whole else ""


def _ranks(record: RunRecord, ids: Sequence[str], shown: _Shown) -> list[int]:
    """Return the rank of each selected point; they come last."""
    ranks = {pick.sample_id: pick.rank for pick in record.picks}
    return [ranks[name] for name in ids[len(ids) - len(shown.selected) :]]


def _reasons(record: RunRecord, ids: Sequence[str], shown: _Shown) -> list[list[str]]:
    """Return why selected points were selected, strategy by strategy; of many only the best."""
    picks = {pick.sample_id: pick for pick in record.picks}
    asked = ids[len(ids) - len(shown.selected) :][:_MOST_REASONS]
    return [[brief(one.reason) for one in picks[name].because if one.reason] for name in asked]


def _pictures(ids: Sequence[str], shown: _Shown, thumbnails: Thumbnails) -> dict[str, str]:
    """Return small pictures by the number of the point: of the best picks, and of some others."""
    first = len(ids) - len(shown.selected)
    best = list(range(first, len(ids)))[:_THUMBNAILS_SELECTED]
    step = max(1, len(shown.other) // _THUMBNAILS_OTHER)
    others = list(range(0, len(shown.other), step))[:_THUMBNAILS_OTHER]
    wanted = [*best, *others]
    made = thumbnails.of([ids[at] for at in wanted], _THUMBNAIL_PX)
    return {str(at): made[ids[at]].data_uri for at in wanted if ids[at] in made}


def _status(shown: _Shown) -> dict[str, Any]:
    """Return whether it is selected as a colouring."""
    names = ("other candidates", "selected before", "selected")
    counts = [len(shown.other), len(shown.before), len(shown.selected)]
    values = np.repeat(np.arange(3), counts).tolist()
    colours = [INPUT.colour, "#000000", SELECTED.colour]
    found = {"name": "selected or not", "kind": "categories", "values": values}
    return {**found, "names": names, "counts": counts, "colours": colours}


def _picking(record: RunRecord, ids: Sequence[str], shown: _Shown) -> dict[str, Any]:
    """Return the rank as a colouring; what is not selected has none."""
    values: list[float | None] = [None] * len(ids)
    values[len(ids) - len(shown.selected) :] = [float(r) for r in _ranks(record, ids, shown)]
    return _numeric("rank of the pick", values)


def _inputs(evidence: Evidence, rows: Rows) -> list[dict[str, Any]]:
    """Return the inputs of the config as colourings, each once."""
    found: dict[str, dict[str, Any]] = {}
    signals = evidence.resolved.active
    for entry, signal in zip(evidence.resolved.config.entries, signals, strict=True):
        name = getattr(entry.input, "key", None) or entry.input.describe()
        if name not in found:
            for one in _of_signal(name, signal.take(rows)):
                found[one["name"]] = one
    return list(found.values())


def _scores(evidence: Evidence, samples: Rows) -> list[dict[str, Any]]:
    """Return what the predictions say of how informative samples are, every score there is.

    Of tasks that the config looks at, and of others in a dataset that is quickly read.
    """
    dataset = evidence.dataset
    asked = {getattr(entry.input, "task", None) for entry in evidence.resolved.config.entries}
    quick = len(dataset) <= _QUICKLY_READ
    tasks = [one for one in dataset.source.tasks() if quick or one in asked][:_MOST_TASKS]
    return [one for task in tasks for one in _scores_of(task, dataset, samples)]


def _scores_of(task: str, dataset: Dataset, samples: Rows) -> list[dict[str, Any]]:
    """Return the scores of a task; those that its predictions do not give are left out."""
    found = []
    with suppress(SelectlabError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for score in fitting(dataset.predictions(task).task_type):
            progress.alive()
            with suppress(SelectlabError):
                found.append(_scalars(Scores(task=task, score=score).load(dataset).take(samples)))
    return found


def _scalars(signal: Scalars) -> dict[str, Any]:
    lacking = signal.missing if signal.missing is not None else np.zeros(len(signal), np.bool_)
    pairs = zip(signal.values.tolist(), lacking.tolist(), strict=True)
    return _numeric(signal.name, [None if gone else value for value, gone in pairs])


def _of_signal(name: str, signal: Signal) -> list[dict[str, Any]]:
    match signal:
        case Scalars():
            return [_numeric(name, signal.values.tolist())]
        case Categories():
            return [_categorical(name, [signal.names[code] for code in signal.codes])]
        case Counts():
            best = signal.values.argmax(axis=1)
            empty = signal.values.max(axis=1, initial=0.0) <= 0
            texts = [
                _NONE if gone else signal.names[k] for k, gone in zip(best, empty, strict=True)
            ]
            return [_categorical(f"{name}: most frequent class", texts)]
        case Severities():
            return [
                _numeric(f"{name}: {one}", signal.values[:, at].tolist())
                for at, one in enumerate(signal.names)
            ]
    return []


def _of_column(column: Column) -> dict[str, Any]:
    if column.numbers is not None:
        values = [None if value != value else value for value in column.numbers.tolist()]
        return _numeric(column.key, values)
    return _categorical(
        column.key, [_NONE if text is None else text for text in column.texts or ()]
    )


def _numeric(name: str, values: Sequence[float | None]) -> dict[str, Any]:
    """Return a colouring by numbers; the scale leaves out the 1 % at either end."""
    held = np.array([value for value in values if value is not None])
    low, high = np.quantile(held, [0.01, 0.99]).tolist() if len(held) else (0.0, 1.0)
    if low == high and len(held):
        low, high = float(held.min()), float(held.max())
    shown = [None if value is None else float(f"{value:.4g}") for value in values]
    return {"name": name, "kind": "numbers", "values": shown, "low": low, "high": high}


def _categorical(name: str, texts: Sequence[str]) -> dict[str, Any]:
    """Return a colouring by categories: the most frequent ones, and all others as one."""
    counts = Counter(texts)
    order = sorted(counts, key=lambda text: (-counts[text], text))
    place = {text: at for at, text in enumerate(order)}
    return {
        "name": name,
        "kind": "categories",
        "values": [place[text] for text in texts],
        "names": [brief(text) for text in order],
        "counts": [counts[text] for text in order],
        "colours": [],
    }
