"""What a selection does before its first pick: inputs, what is left, what to know of it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from selectlab.resolve import Resolved, candidate_rows, resolve
from selectlab.vector_signals import Embedded

if TYPE_CHECKING:
    from selectlab.config import Config
    from selectlab.dataset import Dataset
    from selectlab.rounds.starting import Start


@dataclass(frozen=True)
class Prepared:
    """A selection that is ready to begin.

    Attributes:
        resolved: The plan, and what happened to the samples.
        notes: What the user should know.
    """

    resolved: Resolved
    notes: list[str]


def prepare(config: Config, dataset: Dataset, start: Start) -> Prepared:
    """Load the inputs over what is selected and labelled already.

    Args:
        config: What to select by.
        dataset: What to select from.
        start: Where the selection starts.

    Raises:
        ConfigError: Config and data do not fit together.
        DataError: The data are not usable, or no sample is left.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        resolved = resolve(config, start.over(dataset), start.earlier.ids, start.only)
    notes = [*config.notes, *(str(one.message) for one in caught), *start.warnings()]
    return Prepared(resolved, notes + _worth_knowing(resolved))


def continued(config: Config, states: Mapping[str, Mapping[str, Any]]) -> Config:
    """Hand each strategy what it left at the end of the last round."""
    entries = [
        replace(entry, strategy=entry.strategy.continued(states[entry.label]))
        if entry.label in states
        else entry
        for entry in config.entries
    ]
    return config.model_copy(update={"strategies": entries})


def _worth_knowing(resolved: Resolved) -> list[str]:
    """Return what surprised people who had not been told."""
    counts, notes = resolved.counts, []
    for name, n in counts.missing.items():
        path, what = name.split(" ", 1)
        notes.append(f"{n} samples left out: no {what} ({path})")
    if counts.preselected_without_values:
        notes.append(
            f"{counts.preselected_without_values} of {counts.preselected} preselected samples "
            "have no value for some input and count in no strategy"
        )
    if not resolved.plan.parts:
        notes.append("no strategy ranks the samples: they are taken in the order of their ids")
    query = {
        q for signal in resolved.active if isinstance(signal, Embedded) for q in signal.query_ids
    }
    if query:
        ids = resolved.dataset.ids
        n_own = sum(ids[row] in query for row in candidate_rows(resolved))
        if n_own:
            notes.append(
                f"{n_own} candidates are query samples themselves, the most similar there are; "
                "preselect them to leave them out"
            )
    return notes
