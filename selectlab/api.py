"""``select``: config and data in, ranked selection out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from selectlab import progress, sequences
from selectlab.checkpoint import Checkpoint, opened
from selectlab.cluster import clusters, greedi
from selectlab.cluster.shard import Worker
from selectlab.config import load
from selectlab.dataset import Dataset
from selectlab.engine import greedy
from selectlab.errors import DataError
from selectlab.manifest import build_manifest, hash_signals
from selectlab.preparation import Prepared, continued, prepare
from selectlab.resolve import Resolved
from selectlab.resources import Resources, checked_device, current, parse_memory, using
from selectlab.rounds.starting import Start, starting_point
from selectlab.selection import Because, Pick, Selection
from selectlab.vector_signals import Embedded

if TYPE_CHECKING:
    from selectlab.objective import Reason


def select(
    config: Any,
    data: Dataset | str | os.PathLike[str],
    *,
    n_samples: int | None = None,
    proportion_samples: float | None = None,
    preselected: Any = None,
    ledger: Any = True,
    only_new: bool = False,
    selected_sequence_length: int | None = None,
    memory: str | int | None = None,
    device: str = "cpu",
    engine: str = "local",
    workers: int | None = None,
    approximate: str | None = None,
    checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
    on_pick: Callable[[int], None] | None = None,
) -> Selection:
    """Select the samples worth labelling next.

    Args:
        config: A path to a JSON config, its dict, or a list of (input, strategy) objects such
            as ``[(Embeddings(), Diversity(strength=0.5))]``.
        data: A dataset, or the path or URL of a dataset folder.
        n_samples: Number of samples; replaces the config's size.
        proportion_samples: The same as a share of the dataset, 0 to 1.
        preselected: What is selected already: ids, an earlier selection (all of its ids), the
            path of a text file with one id a line, or the folder of an earlier run. They count
            in every objective and are not selected again. ``None`` takes what the ledger of the
            dataset's rounds knows, and the dataset's own ``preselected.txt``, if there are any;
            ``()`` takes nothing.
        ledger: Where the rounds are kept: ``True`` with the dataset, if it has any; a file or URL;
            a start from :meth:`selectlab.rounds.Rounds.starting_point`. ``False`` leaves them out.
            Labels in it count instead of predictions, for samples that are preselected.
        only_new: Select only samples that no earlier round knew.
        selected_sequence_length: Select runs of this many video frames.
        memory: Most memory to work in, such as ``"2GB"``, or bytes; ``None`` for no limit.
        device: Where matrix products run: ``"cpu"``, or a torch device such as ``"cuda"`` or
            ``"cuda:1"`` (``"torch"`` is torch on the CPU). The picks are the same.
        engine: Who does the work: ``"local"`` this process and its threads, ``"process"``
            several processes of this machine, ``"ray"`` a Ray cluster. The picks are the same.
        workers: How many processes or Ray actors; ``None`` for as many as there are cores.
        approximate: ``"greedi"``: with workers, select in two rounds of messages, not exactly;
            how good the selection is stands in its warnings and manifest.
        checkpoint: A file, or a folder to put one in, that holds what was picked so far. A
            selection that was interrupted goes on from there when it is called again, and gives
            what it would have given; the file is removed when all is done. With an open
            :class:`~selectlab.checkpoint.Checkpoint` removing it is up to you.
        on_pick: Called with the number of picks after each one, often a few at a time.

    Returns:
        The ranking, at most ``n_samples`` long, never padded.

    Raises:
        ConfigError: The config means nothing; the message starts with the JSON path.
        DataError: The data cannot be used, or no sample is left to select.

    Example:
        >>> import numpy as np
        >>> from selectlab.inputs import Embeddings
        >>> from selectlab.strategies import Diversity
        >>> corners = np.array([[0, 0], [0, 1], [5, 5]])
        >>> data = Dataset(["a", "b", "c"], embeddings=corners)
        >>> chosen = select([(Embeddings(normalize=False), Diversity())], data, n_samples=2)
        >>> chosen.ids
        ('a', 'c')
    """
    parsed = load(config, n_samples=n_samples, proportion_samples=proportion_samples)
    if selected_sequence_length is not None:
        parsed = load({**dict(parsed), "selected_sequence_length": selected_sequence_length})
    greedi.check(approximate, engine)
    resources = _resources(memory, device)
    with (
        using(resources),
        clusters.running(engine, workers, partial(Worker, resources)) as cluster,
        _checkpoint(checkpoint) as saved,
    ):
        progress.stage("reading inputs")
        dataset = data if isinstance(data, Dataset) else _open(data)
        start = starting_point(dataset, preselected, ledger, only_new=only_new)
        parsed = continued(parsed, start.earlier.states)
        if saved is not None:
            saved.check(parsed)
        ready = prepare(parsed, dataset, start)
        resolved, notes = ready.resolved, ready.notes
        hashes = hash_signals(resolved.signals)
        resume = [] if saved is None else saved.begin(resolved, hashes)
        run = partial(greedy.run, resolved.plan)
        if approximate is not None and cluster is not None:
            run = partial(greedi.select, resolved, cluster)
        outcome = _picked(resolved, run, saved, resume, on_pick)
        if cluster is not None:
            outcome.engine["cluster"] = cluster.facts()
        progress.stage("comparing with a random pick")
        selection = _selection(resolved, outcome, [*notes, *outcome.shortfalls], hashes, start)
        if saved is not None and saved is not checkpoint:
            saved.remove()
    return selection


def check(
    config: Any,
    data: Dataset | str | os.PathLike[str],
    *,
    preselected: Any = None,
    ledger: Any = True,
    only_new: bool = False,
) -> Prepared:
    """Do all that :func:`select` does before its first pick, and select nothing.

    Args:
        config: As for ``select``.
        data: As for ``select``.
        preselected: As for ``select``.
        ledger: As for ``select``.
        only_new: As for ``select``.

    Returns:
        What could be selected, and what the user should know.

    Raises:
        ConfigError: The config means nothing; the message starts with the JSON path.
        DataError: The data cannot be used, or no sample is left to select.

    Example:
        >>> draw = {"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}
        >>> config = {"n_samples": 1, "strategies": [draw]}
        >>> check(config, Dataset(["a", "b", "c"]), preselected=["b"]).resolved.counts.candidates
        2
    """
    dataset = data if isinstance(data, Dataset) else _open(data)
    start = starting_point(dataset, preselected, ledger, only_new=only_new)
    return prepare(continued(load(config), start.earlier.states), dataset, start)


def _resources(memory: str | int | None, device: str) -> Resources:
    limit = parse_memory(str(memory)) if memory is not None else None
    return replace(current(), memory=limit, device=checked_device(device))


@contextmanager
def _checkpoint(
    given: str | os.PathLike[str] | Checkpoint | None,
) -> Iterator[Checkpoint | None]:
    """Open a checkpoint, unless it is open or there is none."""
    if given is None or isinstance(given, Checkpoint):
        yield given
    else:
        with opened(given) as checkpoint:
            yield checkpoint


def _picked(
    resolved: Resolved,
    run: Callable[..., greedy.Outcome],
    saved: Checkpoint | None,
    resume: Sequence[int],
    on_pick: Callable[[int], None] | None,
) -> greedy.Outcome:
    """Run the loop, and save what was picked whatever happens."""
    wanted = min(resolved.plan.n_picks, int(resolved.plan.candidates.sum()))
    told: int | None = None
    if resume:
        progress.stage(f"taking over {len(resume):,} picks")
    else:
        progress.stage("selecting", wanted, unit="picks")

    def watch(rows: Sequence[int]) -> None:
        nonlocal told
        if saved is not None:
            saved.watch(rows)
        if told is None and resume:
            progress.stage("selecting", wanted, len(rows), "picks")
        progress.reach(len(rows))
        first, told = len(resume) if told is None else told, len(rows)
        if on_pick is not None:
            for done in range(first, told):
                on_pick(done + 1)

    try:
        outcome = run(watch, resume)
    finally:
        if saved is not None:
            saved.write()
    if not outcome.picks:
        raise DataError(
            f"nothing selected from {resolved.counts.candidates} candidates: {outcome.stop_reason}"
        )
    return outcome


def _open(path: str | os.PathLike[str]) -> Dataset:
    from selectlab.inputs.folder import open_dataset

    if not isinstance(path, (str, os.PathLike)):
        raise DataError(f"data: expected a Dataset, a path or a URL, got {type(path).__name__}")
    return open_dataset(path)


def _selection(
    resolved: Resolved,
    outcome: greedy.Outcome,
    notes: Sequence[str],
    hashes: Sequence[str],
    start: Start,
) -> Selection:
    ids = resolved.dataset.ids
    picks = tuple(_explained(resolved, outcome))
    if len(picks) < resolved.wanted:
        notes = [
            *notes,
            f"{len(picks)} samples instead of {resolved.wanted}: {outcome.stop_reason}",
        ]
    chosen = np.array([pick.row for pick in outcome.picks], dtype=np.intp)
    information = None
    if resolved.config.selected_sequence_length is not None:
        information = sequences.information(
            ids, resolved.rows[chosen], _timestamps(resolved.dataset)
        )
    manifest = build_manifest(resolved, outcome, chosen, notes, hashes) | start.told()
    return Selection(
        picks=picks,
        preselected=tuple(ids[row] for row in resolved.preselected),
        stop_reason=outcome.stop_reason,
        warnings=tuple(notes),
        manifest=manifest,
        sequence_information=information,
    )


def _timestamps(dataset: Dataset) -> dict[str, float]:
    """Return the metadata ``timestamp_s`` of the samples that have one."""
    table = dataset.metadata()
    if table is None or "timestamp_s" not in table.frame.columns:
        return {}
    column = table.frame["timestamp_s"].dropna()
    return {str(sample_id): float(value) for sample_id, value in column.items()}


def _explained(resolved: Resolved, outcome: greedy.Outcome) -> Iterable[Pick]:
    """Yield the picks with rows turned into ids, one per sample."""
    dataset, rank = resolved.dataset, 0
    parts = resolved.plan.parts
    in_config_order = sorted(range(len(parts)), key=lambda i: parts[i].entry)
    metadata = _metadata_of(resolved, outcome)
    in_sequences = resolved.config.selected_sequence_length is not None
    for number, pick in enumerate(outcome.picks, start=1):
        because = tuple(
            Because(
                strategy=parts[i].label,
                value=pick.reasons[i].value,
                objective=pick.objectives[i],
                part=pick.contributions[i],
                reason=_words(pick.reasons[i], resolved, parts[i].entry),
            )
            for i in in_config_order
        )
        near = next((r for r in pick.reasons if r.nearest is not None), None)
        for row in resolved.rows[pick.row]:
            rank += 1
            sample_id = dataset.ids[row]
            yield Pick(
                rank=rank,
                sample_id=sample_id,
                score=pick.score,
                because=because,
                nearest_selected=None if near is None else _id_of(resolved, near.nearest),
                nearest_distance=None if near is None else near.distance,
                uri=dataset.source.uri(sample_id),
                metadata=metadata.get(sample_id, {}),
                sequence=number if in_sequences else None,
            )


def _id_of(resolved: Resolved, row: int | None) -> str:
    return resolved.dataset.ids[int(resolved.rows[row][0])]


def _words(reason: Reason, resolved: Resolved, entry: int) -> str:
    text: str = reason.text
    if reason.nearest is not None:
        text = text.replace("{nearest}", _id_of(resolved, reason.nearest))
    signal = resolved.active[entry]
    if reason.query is not None and isinstance(signal, Embedded):
        text = text.replace("{query}", signal.query_ids[reason.query])
    return text


def _metadata_of(resolved: Resolved, outcome: greedy.Outcome) -> dict[str, dict[str, Any]]:
    """Return the metadata of the selected samples."""
    rows = np.concatenate([resolved.rows[pick.row] for pick in outcome.picks])
    dataset = resolved.dataset
    ids = [dataset.ids[row] for row in rows]
    table = dataset.metadata() if current().memory is None else dataset.some_metadata(ids)
    if table is None:
        return {}
    frame = table.frame.reindex(ids)
    found: dict[str, dict[str, Any]] = {
        str(sample_id): {str(key): value for key, value in record.items()}
        for sample_id, record in zip(ids, frame.to_dict("records"), strict=True)
    }
    return found
