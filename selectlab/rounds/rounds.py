"""The rounds of a dataset: what ``selectlab round`` and ``selectlab labels`` do, from Python."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from selectlab.errors import DataError
from selectlab.rounds.presence import has_begun
from selectlab.rounds.records import ChosenRun, Counts, Round, RoundCounts, RunKind
from selectlab.store_place import existing_place, store_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectlab.dataset import Dataset
    from selectlab.ids import Ids
    from selectlab.labels.label import Label
    from selectlab.labels.matching import Mismatch
    from selectlab.rounds.ledger import Ledger
    from selectlab.rounds.starting import New, Start
    from selectlab.selection import Selection


class Ranked(Protocol):
    """A sample of a run."""

    @property
    def rank(self) -> int:
        """1 for the best."""
        ...

    @property
    def sample_id(self) -> str:
        """Its id."""
        ...

    @property
    def score(self) -> float | None:
        """Its score, if there is one."""
        ...


class Ranking(Protocol):
    """A run at hand, such as the folder of one."""

    @property
    def run(self) -> str:
        """Its id, 16 hex digits."""
        ...

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def __iter__(self) -> Iterator[Ranked]:
        """Go through the samples, best first."""
        ...


@dataclass(frozen=True)
class ImportedLabels:
    """What came of importing labels.

    Attributes:
        samples: How many samples of the dataset were labelled in the file.
        counts: What became of their labels; all 0 where nothing was written.
        mismatches: What is about no sample, in the order of the file.
        notes: What could not be read, or was decided, one line each.
        written: Whether the ledger has them.
    """

    samples: int
    counts: Counts
    mismatches: Sequence[Mismatch]
    notes: Sequence[str]
    written: bool


@dataclass(frozen=True)
class Recorded:
    """What came of recording a run.

    Attributes:
        run: Its id.
        round: The round it is in.
        n_elsewhere: How many of its samples other runs have chosen too.
    """

    run: str
    round: Round
    n_elsewhere: int


class Rounds:
    """The rounds of a dataset, and its ledger behind them.

    Args:
        data: A dataset, or the path or URL of its folder.
        store: Where the ledger lies: a file, or ``postgresql://...``. Default: the environment's
            ``SELECTLAB_STORE``, else a file in the dataset's folder.

    Example:
        >>> import selectlab, tempfile
        >>> data = selectlab.Dataset(["a.png", "b.png"], metadata={"wet": [0.0, 1.0]})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rounds = Rounds(data, store=f"{folder}/rounds.db")
        ...     rounds.start("pilot").number, len(rounds.runs())
        (1, 0)
    """

    def __init__(
        self,
        data: Dataset | str | os.PathLike[str],
        store: str | os.PathLike[str] | None = None,
    ) -> None:
        self._data, self._store = data, store

    @cached_property
    def dataset(self) -> Dataset:
        """The dataset, opened when it is needed."""
        from selectlab.dataset import Dataset
        from selectlab.inputs.folder import open_dataset

        return self._data if isinstance(self._data, Dataset) else open_dataset(self._data)

    @property
    def store_place(self) -> str | Path:
        """Where the ledger lies, or would lie.

        Raises:
            DataError: The dataset is in memory, and no store is named.
        """
        return store_place(self.dataset, self._store)

    @property
    def where(self) -> str:
        """Where the ledger lies, without a password."""
        from selectlab.store.places import Place

        return str(Place.of(self.store_place))

    @property
    def begun(self) -> bool:
        """Whether anything was chosen, sent or labelled, or a round begun; nothing is made."""
        place = self.store_place if self._store is not None else existing_place(self.dataset)
        return place is not None and has_begun(place)

    @contextmanager
    def ledger(self, *, read_only: bool = False) -> Iterator[Ledger]:
        """Open the ledger."""
        from selectlab.rounds.ledger import Ledger

        with Ledger.open(self.store_place, read_only) as ledger:
            yield ledger

    def start(self, name: str | None = None) -> Round:
        """Begin a round; runs are recorded in it until the next one begins.

        Args:
            name: What to call it. Default: its number.

        Raises:
            DataError: There is a round of this name.
        """
        with self.ledger() as ledger:
            return ledger.start_round(name, self.dataset.ids)

    def status(self) -> list[RoundCounts]:
        """Return how far each round is."""
        with self.ledger(read_only=True) as ledger:
            return ledger.counts()

    def runs(self) -> list[ChosenRun]:
        """Return all runs, in the order of their recording."""
        with self.ledger(read_only=True) as ledger:
            return ledger.runs()

    def chosen_ids(self) -> Ids:
        """Return what was chosen, in the order of runs and ranks."""
        with self.ledger(read_only=True) as ledger:
            return ledger.chosen_ids()

    def starting_point(self, preselected: Any = None, *, only_new: bool = False) -> Start:
        """Return where the next selection starts: ``selectlab.select(..., ledger=start)``.

        Args:
            preselected: What is selected already, instead of what was chosen and labelled.
            only_new: Select only what no earlier round knew.

        Raises:
            DataError: The ledger is that of another dataset, or has no round to be new since.
        """
        from selectlab.rounds.starting import start_of

        return start_of(self, preselected, only_new=only_new)

    def record(self, selection: Selection, out: str | os.PathLike[str] = "") -> Recorded:
        """Record what was selected, in the newest round.

        Args:
            selection: What :func:`selectlab.select` gave.
            out: The folder it was saved in.
        """
        from selectlab.earlier import states_of
        from selectlab.exports.run_ids import of_selection

        run = of_selection(selection.manifest, selection.preselected, selection.ids)
        place = os.path.abspath(out) if os.fspath(out) else ""
        with self.ledger() as ledger:
            into = ledger.record(
                run,
                os.path.basename(place) or run,
                selection.ids,
                [pick.rank for pick in selection.picks],
                [pick.score for pick in selection.picks],
                out=place,
                known=self.dataset.ids,
                states=states_of(selection.manifest),
            )
            return Recorded(run, into, ledger.n_elsewhere(run))

    def add(
        self, ranking: Ranking, kind: RunKind = "selection", out: str | os.PathLike[str] = ""
    ) -> Round:
        """Record a run that was made elsewhere, or before there was a ledger.

        Args:
            ranking: Such as :class:`selectlab.exports.rankings.RunFolder`.
            kind: What made it.
            out: The folder it lies in.

        Raises:
            DataError: A sample of it is not in the dataset.
        """
        ranked = list(ranking)
        ids = [one.sample_id for one in ranked]
        self.dataset.rows_of(ids, f"run {ranking.name!r}")
        with self.ledger() as ledger:
            return ledger.record(
                ranking.run,
                ranking.name,
                ids,
                [one.rank for one in ranked],
                [one.score for one in ranked],
                kind,
                os.path.abspath(out) if os.fspath(out) else "",
                known=self.dataset.ids,
            )

    def forget(self, run: str) -> ChosenRun:
        """Let what a run has chosen no longer count.

        Args:
            run: Its id, the beginning of it, its folder, or a name that it alone has.

        Raises:
            DataError: There is none, or several could be meant.
        """
        place = os.path.abspath(run) if os.path.isdir(run) else run
        with self.ledger() as ledger:
            known = place != run and any(one.place == place for one in ledger.runs())
            return ledger.forget(place if known else run)

    def new(self, since: int | None = None) -> New:
        """Return what is in the dataset, and was not known to earlier rounds.

        Args:
            since: Number of the last round that counts as earlier. Default: the one before the
                newest; the newest where it is the only one.

        Raises:
            ConfigError: There is no such round.
            DataError: There is no round at all.
        """
        from selectlab.rounds.starting import new_since

        with self.ledger(read_only=True) as ledger:
            return new_since(ledger, self.dataset, since)

    def import_labels(
        self,
        path: str | os.PathLike[str],
        form: str | None = None,
        *,
        task: str = "",
        strict: bool = False,
    ) -> ImportedLabels:
        """Bring labels that a tool has exported into the ledger.

        Args:
            path: File or folder.
            form: ``label-studio``, ``coco``, ``yolo``, ``cvat`` or one of a plug-in. Default: told
                from the file.
            task: The prediction task that they are about. Default: every one they fit.
            strict: Write nothing if anything cannot be matched to a sample.

        Raises:
            ConfigError: There is no such format or task.
            DataError: The file cannot be read, or is malformed; nothing is written then.
        """
        from selectlab.labels.formats import open_labels
        from selectlab.labels.matching import match

        labels = open_labels(Path(path), form)
        matched = match(labels, self.dataset, task)
        samples = len({label.sample_id for label in matched.labels})
        notes = (*labels.notes, *matched.notes)
        if strict and matched.mismatches:
            return ImportedLabels(samples, Counts(), matched.mismatches, notes, False)
        if not matched.labels and matched.mismatches:
            first = matched.mismatches[0]
            raise DataError(
                f"{labels.where}: none of its {len(matched.mismatches)} images is a sample of "
                f"{self.dataset.source.where}, such as {first.name!r}"
            )
        with self.ledger() as ledger:
            counts = ledger.add_labels(labels.where, matched.labels)
        return ImportedLabels(samples, counts, matched.mismatches, notes, True)

    def labels(self, task: str | None = None) -> Iterator[Label]:
        """Yield the labels of the ledger by sample id.

        Args:
            task: Only those of this task, or of no certain one.
        """
        with self.ledger(read_only=True) as ledger:
            yield from ledger.labels(task=task)
