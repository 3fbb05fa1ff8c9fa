"""The data of a run, looked up again: what the picks were chosen among."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from selectlab.config import Config
from selectlab.dataset import Dataset
from selectlab.errors import DataError, SelectlabError
from selectlab.manifest import hash_ids, hash_signals
from selectlab.report.charts import counted
from selectlab.report.record import RunRecord
from selectlab.resolve import Resolved, resolve
from selectlab.statistics import RANDOM_SEED
from selectlab.types import Rows

_PART_SEED = RANDOM_SEED + 1
"""Not that of the random samples, which would all be in the part."""


@dataclass(frozen=True)
class Evidence:
    """A run with its data. Rows are those of the plan: samples, or sequences of them.

    Attributes:
        dataset: The dataset as it is now.
        resolved: Inputs and candidates; no strategy has been started.
        pool: Rows that could be picked.
        before: Rows that were selected before.
        picked: Rows that were picked, best first.
        drawn: As many rows of the pool, drawn at random: the same as in the manifest.
        notes: What is not as it was when the run was made, one line each.
    """

    dataset: Dataset
    resolved: Resolved
    pool: Rows
    before: Rows
    picked: Rows
    drawn: Rows
    notes: Sequence[str]

    @property
    def chosen(self) -> Rows:
        """Rows that are selected, before or in this run."""
        return np.concatenate([self.before, self.picked])

    @property
    def n_frames(self) -> int:
        """How many samples a row stands for: more than one in sequences."""
        return int(self.resolved.rows.shape[1])

    @property
    def unit(self) -> str:
        """What a row is."""
        return "sample" if self.n_frames == 1 else "sequence"

    def id_of(self, row: int) -> str:
        """Return the id of a row; of a sequence that of its first frame."""
        return self.dataset.ids[int(self.resolved.rows[row, 0])]

    def samples(self, rows: Rows) -> Rows:
        """Return the rows of the dataset behind rows of the plan."""
        return self.resolved.rows[rows].reshape(-1)


def part_of(rows: Rows, most: int) -> Rows:
    """Return rows, or a random part of them where there are more; the same for the same rows."""
    if len(rows) <= most:
        return rows
    drawn = np.random.default_rng(_PART_SEED).choice(len(rows), most, replace=False)
    found: Rows = rows[np.sort(drawn)]
    return found


def look_up(record: RunRecord, dataset: Dataset) -> Evidence:
    """Load the inputs of a run again.

    Args:
        record: The run.
        dataset: What it selected from, as it is now.

    Raises:
        SelectlabError: The inputs are not there any more, or the dataset is another one.
    """
    before = _present(dataset, record.preselected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the run has told them, its manifest has them
        resolved = resolve(_unstarted(record.config), _labelled(record, dataset, before), before)
    rows, n_lost = _picked(record, resolved)
    pool = np.flatnonzero(resolved.plan.candidates)
    drawn = np.random.default_rng(RANDOM_SEED).choice(pool, size=len(rows), replace=False)
    return Evidence(
        dataset=resolved.dataset,
        resolved=replace(resolved, config=record.config),
        pool=pool,
        before=np.flatnonzero(~resolved.plan.candidates),
        picked=rows,
        drawn=np.sort(drawn),
        notes=_changes(record, resolved, n_lost),
    )


def _present(dataset: Dataset, ids: Sequence[str]) -> list[str]:
    places = dataset.ids.positions(ids)
    return list(dataset.ids.take(places[places >= 0]))


def _unstarted(config: Config) -> Config:
    """Return the config without strengths: filters stay, and no strategy is started for nothing."""
    entries = [
        replace(entry, strategy=entry.strategy.model_copy(update={"strength": 0.0}))
        for entry in config.entries
    ]
    return config.model_copy(update={"strategies": entries})


def _labelled(record: RunRecord, dataset: Dataset, before: Sequence[str]) -> Dataset:
    """Return the dataset with the labels that counted in the run, as they are now."""
    if not record.manifest.get("ledger"):
        return dataset
    from selectlab.rounds.starting import starting_point

    try:
        return starting_point(dataset, before).over(dataset)
    except SelectlabError:
        return dataset


def _picked(record: RunRecord, resolved: Resolved) -> tuple[Rows, int]:
    """Return the rows of the picks that are still candidates, and how many picks are not."""
    home = np.full(len(resolved.dataset), -1, dtype=np.intp)
    for column in resolved.rows.T:
        home[column] = np.arange(len(column))
    places = resolved.dataset.ids.positions([pick.sample_id for pick in record.picks])
    rows = np.where(places >= 0, home[places], -1)
    rows[rows >= 0] = np.where(resolved.plan.candidates[rows[rows >= 0]], rows[rows >= 0], -1)
    kept = np.array(list(dict.fromkeys(rows[rows >= 0].tolist())), dtype=np.intp)
    if not len(kept):
        raise DataError(
            f"{resolved.dataset.source.where}: none of the samples that {record.folder} has "
            f"selected is among its candidates, such as {record.picks[0].sample_id!r}; is it "
            "another dataset?"
        )
    return kept, int((rows < 0).sum())


def _changes(record: RunRecord, resolved: Resolved, n_lost: int) -> tuple[str, ...]:
    """Say what is not as it was."""
    found = []
    manifest = record.manifest
    if hash_ids(resolved.dataset.ids) != manifest.get("sample_ids_blake2b"):
        now, then = len(resolved.dataset), record.counts["input"]
        found.append(f"the dataset holds other samples now: {now:,}, and {then:,} then")
    held = [one.get("blake2b") for one in manifest["inputs"]]
    names = [entry.input.describe() for entry in record.config.entries]
    differing = [
        name
        for name, old, new in zip(names, held, hash_signals(resolved.signals), strict=False)
        if old != new
    ]
    if differing:
        found.append(f"values have changed since: {_listed(differing)}")
    if n_lost:
        found.append(f"{counted(n_lost, 'pick')} could not be picked from it any more")
    since = (manifest.get("ledger") or {}).get("only_new_since")
    if since is not None:
        n, here = record.counts["candidates"], resolved.counts.candidates
        found.append(
            f"the run selected only from {n:,} samples that were new since round {since!r}; "
            f"candidates are here all {here:,} that the config lets through"
        )
    return tuple(found)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
