"""What a ledger tells: rounds, runs, batches on their way to a tool, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

RunKind = Literal["selection", "campaign", "ids"]


@dataclass(frozen=True)
class Round:
    """A turn of the loop: some runs, what came of them, and what the dataset held then.

    Attributes:
        number: 1 for the first.
        name: What people call it.
        started_at: When, UTC.
    """

    number: int
    name: str
    started_at: datetime


@dataclass(frozen=True)
class ChosenRun:
    """A run whose samples were chosen for labelling.

    Attributes:
        run: Its id, 16 hex digits.
        round: Number of its round.
        name: What people call it: the folder's name, or a campaign's.
        kind: What made it.
        place: The folder it lies in, if it does; ``""`` otherwise.
        recorded_at: When, UTC.
        n_chosen: How many samples.
        forgotten: Whether its samples no longer count as chosen.
        states: What its strategies left for the next run, by their labels.
    """

    run: str
    round: int
    name: str
    kind: RunKind
    place: str
    recorded_at: datetime
    n_chosen: int
    forgotten: bool
    states: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Pending:
    """Samples that were about to be sent when nothing more was heard.

    Attributes:
        batch: Number of the batch.
        sample_ids: What is not known to have arrived, in the order given.
        started_at: When, UTC.
    """

    batch: int
    sample_ids: Sequence[str]
    started_at: datetime


@dataclass(frozen=True)
class Counts:
    """What became of labels that were added; they sum to what was given.

    Attributes:
        new: Of samples (or tasks of them) that had none.
        replaced: They differ from what was there and are not older.
        unchanged: They were there already.
        older: What is there is newer, and stays.
    """

    new: int = 0
    replaced: int = 0
    unchanged: int = 0
    older: int = 0


@dataclass(frozen=True)
class ToolCounts:
    """What one tool has of a round, in samples."""

    sent: int = 0
    pending: int = 0
    labelled: int = 0


@dataclass(frozen=True)
class RoundCounts:
    """How far a round is, in distinct samples of its runs; forgotten runs do not count.

    Attributes:
        round: The round; ``None`` for samples that were sent or labelled, but chosen in no run.
        runs: How many runs.
        chosen: Samples that its runs have chosen.
        sent: Of these, samples that any tool has.
        pending: Samples that may have arrived at a tool.
        labelled: Samples with labels.
        tools: The same for each tool; labels from files count under ``"file"``.
    """

    round: Round | None
    runs: int
    chosen: int
    sent: int
    pending: int
    labelled: int
    tools: Mapping[str, ToolCounts]
