"""What a selection starts from: what was chosen and labelled before, and what is new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selectlab.earlier import Earlier, read_earlier
from selectlab.errors import ConfigError, DataError
from selectlab.ids import Ids
from selectlab.labels.overlay import LabelOverlay
from selectlab.rounds.records import Round

if TYPE_CHECKING:
    from selectlab.dataset import Dataset
    from selectlab.rounds.ledger import Ledger
    from selectlab.rounds.rounds import Rounds


@dataclass(frozen=True)
class Start:
    """Where a selection starts.

    Attributes:
        earlier: What is selected already.
        overlay: Labels of that, which count instead of predictions; ``None`` without any.
        only: The only samples that may be selected; ``None`` for all.
        line: What the user should see, in one line; ``""`` without a ledger.
        notes: Warnings.
        facts: The same for the manifest; ``None`` without a ledger.
    """

    earlier: Earlier
    overlay: LabelOverlay | None = None
    only: Ids | None = None
    line: str = ""
    notes: tuple[str, ...] = ()
    facts: dict[str, Any] | None = None

    def over(self, dataset: Dataset) -> Dataset:
        """Return a dataset in which labels count."""
        return dataset if self.overlay is None else dataset.with_labels(self.overlay)

    def told(self) -> dict[str, Any]:
        """Return what stands in the manifest of a run that has started here."""
        if self.facts is None:
            return {}
        replaced = {} if self.overlay is None else self.overlay.replaced
        labels = {
            task: {"samples": one.samples, "objects": one.objects, "unknown": dict(one.unknown)}
            for task, one in sorted(replaced.items())
        }
        return {"ledger": {**self.facts, "labels_instead_of_predictions": labels}}

    def warnings(self) -> list[str]:
        """Return what the user should know, once the inputs are loaded."""
        return [*self.notes, *(self.overlay.notes() if self.overlay is not None else ())]


@dataclass(frozen=True)
class New:
    """What came into a dataset.

    Attributes:
        ids: What is new, sorted.
        since: The round that did not know it.
    """

    ids: Ids
    since: Round


def starting_point(
    dataset: Dataset, preselected: Any, ledger: Any = True, *, only_new: bool = False
) -> Start:
    """Return where a selection from a dataset starts.

    Args:
        dataset: The dataset.
        preselected: What is selected already, as ``select`` takes it.
        ledger: A start at hand; whether to look for a ledger; or the store that holds it.
        only_new: Select only what no earlier round knew.

    Raises:
        ConfigError: ``only_new`` without a ledger.
        DataError: The ledger is that of another dataset, or cannot be read.
    """
    from selectlab.rounds.rounds import Rounds

    if isinstance(ledger, Start):
        return ledger
    if ledger is not False:
        rounds = Rounds(dataset, store=None if ledger is True else ledger)
        if rounds.begun:
            return rounds.starting_point(preselected, only_new=only_new)
    if only_new:
        raise ConfigError(
            "only_new: nothing tells what is new, there is no ledger; 'selectlab round start' "
            "begins one"
        )
    given = dataset.source.preselected() if preselected is None else preselected
    return Start(read_earlier(given))


def start_of(rounds: Rounds, preselected: Any, *, only_new: bool) -> Start:
    """Return where a selection starts that has a ledger; see ``Rounds.starting_point``."""
    with rounds.ledger(read_only=True) as ledger:
        return _start(rounds, ledger, preselected, only_new=only_new)


def _start(rounds: Rounds, ledger: Ledger, preselected: Any, *, only_new: bool) -> Start:
    dataset, every = rounds.dataset, ledger.rounds()
    chosen, out, labelled = ledger.chosen_ids(), ledger.out_ids(), ledger.labelled_ids()
    own, runs = Ids.of([*chosen, *out, *labelled]), ledger.runs()
    there = _present(dataset, own)
    _refuse_other(ledger, dataset, own, there)
    if preselected is None:
        states = {
            label: state for run in runs if not run.forgotten for label, state in run.states.items()
        }
        before = dict.fromkeys([*dataset.source.preselected(), *there])
        earlier = Earlier(tuple(before), states)
    else:
        earlier = read_earlier(preselected)
    wanted = set(earlier.ids)
    n_labelled = len(wanted.intersection(labelled))
    overlay = LabelOverlay(one for one in rounds.labels() if one.sample_id in wanted)
    new = new_since(ledger, dataset) if only_new else None
    n_gone = len(own.sorted_unique()) - len(set(there))
    facts = {
        "store": ledger.where.removeprefix("ledger "),
        "rounds": len(every),
        "round": every[-1].name if every else None,
        "runs": [run.run for run in runs if not run.forgotten],
        "chosen": len(chosen),
        "sent": len(out),
        "labelled": len(labelled),
        "not_in_dataset": n_gone,
        "preselected_labelled": n_labelled,
        "only_new_since": None if new is None else new.since.name,
    }
    return Start(
        earlier,
        overlay,
        None if new is None else new.ids,
        _line(len(set(there)), len(every), n_labelled, replaced=preselected is not None),
        _notes(n_gone),
        facts,
    )


def new_since(ledger: Ledger, dataset: Dataset, number: int | None = None) -> New:
    """Return what came into a dataset; see ``Rounds.new``."""
    rounds = ledger.rounds()
    if not rounds:
        raise DataError(
            f"{ledger.where}: has no round yet, so that nothing is new; 'selectlab round start' "
            "begins one"
        )
    since = rounds[max(0, len(rounds) - 2)] if number is None else None
    for one in rounds:
        since = one if one.number == number else since
    if since is None:
        raise ConfigError(f"since: there is no round {number}; there are 1 to {len(rounds)}")
    known = ledger.known_ids(since.number)
    return New(dataset.ids.take(np.flatnonzero(known.positions(dataset.ids) < 0)), since)


def _present(dataset: Dataset, ids: Sequence[str]) -> list[str]:
    """Return those of some ids that are in the dataset, in their order, each once."""
    places = dataset.ids.positions(ids)
    return list(dict.fromkeys(dataset.ids.take(places[places >= 0])))


def _refuse_other(ledger: Ledger, dataset: Dataset, own: Ids, there: Iterable[str]) -> None:
    if len(own) and not there:
        raise DataError(
            f"{ledger.where}: is that of another dataset: none of its {len(own.sorted_unique())} "
            f"samples is in {dataset.source.where}, such as {own[0]!r}; name another store, or "
            "leave it out with --no-ledger (ledger=False)"
        )


def _line(n_samples: int, n_rounds: int, n_labelled: int, *, replaced: bool) -> str:
    rounds = "1 round" if n_rounds == 1 else f"{n_rounds:,} rounds"
    samples = "1 sample" if n_samples == 1 else f"{n_samples:,} samples"
    if replaced:
        return f"--preselected replaces {samples} of the ledger; labels of {n_labelled:,} count"
    return f"starts from {samples} of the ledger: {rounds}, {n_labelled:,} labelled"


def _notes(n_gone: int) -> tuple[str, ...]:
    if not n_gone:
        return ()
    return (f"{n_gone} samples of the ledger are not in the dataset any more, and count nowhere",)
