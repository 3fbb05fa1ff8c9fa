"""Items from whatever has ranked samples: a selection, a run's folder, a campaign, ids, labels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from selectlab.dataset import Dataset
from selectlab.errors import ConfigError, did_you_mean
from selectlab.exports.image_urls import UrlTemplate
from selectlab.exports.imputed import Imputed
from selectlab.exports.rankings import IdList, Ranking, SelectionRanking, ranking_in
from selectlab.exports.shaped import Labelled, LabelShapes, TaskShapes
from selectlab.exports.streamed import DOING, StreamedItems
from selectlab.exports.writer import Writer
from selectlab.selection import Selection
from selectlab.shapes import Task

Source = Selection | Ranking | str | os.PathLike[str] | Iterable[str]

MIN_SCORE = 0.25
"""Predictions below are not worth correcting."""

_CAMPAIGN = "campaign:"


def items_of(
    source: Source,
    dataset: Dataset | None = None,
    *,
    tasks: Sequence[str] | None = None,
    imputed: str | os.PathLike[str] | None = None,
    min_score: float = MIN_SCORE,
    image_url: str | None = None,
    shapes: bool = True,
    store: str | os.PathLike[str] | None = None,
    doing: str = DOING,
) -> StreamedItems:
    """Return ranked samples ready to be written, as a stream.

    Args:
        source: A selection; the path of a run's folder or of a text file with one id a line;
            ``"campaign:NAME"`` or ``"campaign:NAME@VERSION"``, without what was discarded; a
            ranking; or ids, best first.
        dataset: Where images, predictions and embeddings come from; not needed for tables.
        tasks: Prediction tasks whose shapes go along. Default: that of ``imputed``, else the only
            one there is. ``()`` for none.
        imputed: File of imputed boxes, as ``selectlab assert`` writes it.
        min_score: Predicted shapes below are left out, unless an assertion calls them suspicious.
        image_url: Template of the addresses of images, such as ``"https://host/{id}"``.
        shapes: Whether shapes, image sizes and metadata are wanted at all; tables do without.
        store: Where campaigns are kept, if not with the dataset.
        doing: What is done with the samples, as it is shown while it lasts.

    Raises:
        ConfigError: There are several tasks and none is named, there is no such task, or the
            template means nothing.
        DataError: The source cannot be read, or names samples that the dataset has not got.

    Example:
        >>> [item.rank for item in items_of(["b.png", "a.png"])]
        [1, 2]
    """
    template = None if image_url is None else UrlTemplate(image_url)
    ranking = _ranking(source, dataset, store)
    ids = ranking.ids
    if dataset is None:
        if tasks or imputed is not None:
            raise ConfigError("tasks: predictions need a dataset; say which one")
        return StreamedItems(ranking, None, (), template, shapes=False, doing=doing)
    dataset.rows_of(ids, ranking.where)
    read = _task_shapes(dataset, tasks, imputed, min_score) if shapes else []
    return StreamedItems(ranking, dataset, read, template, shapes=shapes, doing=doing)


def fields_for(
    writer: Writer,
    *,
    tasks: Sequence[str] | None = None,
    imputed: str | os.PathLike[str] | None = None,
    min_score: float | None = None,
    image_url: str | None = None,
) -> dict[str, Any]:
    """Return what :func:`items_of` is to be told for a writer.

    Args:
        writer: The format.
        tasks: As there; none named is as if nothing was said.
        imputed: As there.
        min_score: As there; ``None`` for the default.
        image_url: As there.

    Raises:
        ConfigError: Something is said about predictions, and the format takes none.
    """
    given = {"task": tasks or None, "imputed": imputed, "min_score": min_score}
    for name, value in given.items():
        if value is not None and not writer.takes_shapes:
            raise ConfigError(f"{name}: {writer.type!r} takes no predictions")
    score = MIN_SCORE if min_score is None else min_score
    about = {"tasks": tasks or None, "imputed": imputed, "min_score": score}
    return {**about, "image_url": image_url, "shapes": writer.takes_shapes}


def items_of_labels(
    labels: Sequence[Labelled],
    dataset: Dataset,
    task: Task,
    *,
    name: str = "labels",
    image_url: str | None = None,
) -> StreamedItems:
    """Return labelled samples ready to be written, in the order of the labels.

    Args:
        labels: Sample ids with their shapes, each sample once.
        dataset: Where the images are.
        task: What the shapes can be.
        name: What to call them.
        image_url: Template of the addresses of images.

    Raises:
        ConfigError: The template means nothing.
        DataError: There are no labels, or of samples that the dataset has not got.
    """
    template = None if image_url is None else UrlTemplate(image_url)
    ranking = IdList([label.sample_id for label in labels], name, name)
    dataset.rows_of(ranking.ids, name)
    return StreamedItems(ranking, dataset, [LabelShapes(task, labels)], template)


def _ranking(
    source: Source, dataset: Dataset | None, store: str | os.PathLike[str] | None
) -> Ranking:
    """Return the ranking that a source means."""
    if isinstance(source, Selection):
        return SelectionRanking(source)
    if isinstance(source, str) and source.startswith(_CAMPAIGN):
        return _collected(source, dataset, store)
    if isinstance(source, str | os.PathLike):
        return ranking_in(Path(source))
    if hasattr(source, "columns") and hasattr(source, "run"):
        return cast(Ranking, source)
    return IdList(list(source))


def _collected(
    source: str, dataset: Dataset | None, store: str | os.PathLike[str] | None
) -> Ranking:
    """Return what a campaign has collected."""
    from selectlab.campaigns.exports import collected

    named = source.removeprefix(_CAMPAIGN)
    if not named:
        raise ConfigError(f"{source}: expected campaign:NAME or campaign:NAME@VERSION")
    if dataset is None:
        raise ConfigError(f"{source}: a campaign lies with its dataset; say which one: --data")
    return collected(dataset, named, store)


def _task_shapes(
    dataset: Dataset,
    tasks: Sequence[str] | None,
    imputed: str | os.PathLike[str] | None,
    min_score: float,
) -> list[TaskShapes]:
    """Return what reads the shapes of each task."""
    told = None if imputed is None else Imputed(Path(imputed))
    known = dataset.source.tasks()
    if tasks is None:
        tasks = [told.task] if told is not None else list(known)
        if len(tasks) > 1:
            raise ConfigError(
                f"task: {dataset.source.where} has several ({', '.join(tasks)}); name one, or more"
            )
    for at, name in enumerate(tasks):
        if name not in known:
            raise ConfigError(
                f"task: {dataset.source.where} has no predictions {name!r}"
                + (did_you_mean(name, known) if known else "; there are none at all")
            )
        if name in tasks[:at]:
            raise ConfigError(f"task: {name!r} is named twice")
    if told is not None and told.task not in tasks:
        raise ConfigError(f"imputed: {imputed} is about task {told.task!r}, not {', '.join(tasks)}")
    return [
        TaskShapes(dataset, name, told if told and told.task == name else None, min_score)
        for name in tasks
    ]
