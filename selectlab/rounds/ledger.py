"""The ledger of a dataset: what was chosen, sent and labelled, round after round."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from selectlab.ids import Ids
from selectlab.labels.label import Label
from selectlab.rounds.records import (
    ChosenRun,
    Counts,
    Pending,
    Round,
    RoundCounts,
    RunKind,
)
from selectlab.rounds.rows import choice_rows, count_rows, label_rows, round_rows, sending_rows
from selectlab.store.clock import utc_now
from selectlab.store.database import Database
from selectlab.store.opening import opened
from selectlab.store_place import store_place

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from selectlab.dataset import Dataset


TABLES_SINCE = "0002"
"""The revision that brought the tables as they are now."""


def place_of(dataset: Dataset, given: str | os.PathLike[str] | None = None) -> str | Path:
    """Return where the ledger of a dataset lies: with its campaigns.

    Args:
        dataset: The dataset.
        given: What the user says; otherwise the environment's ``SELECTLAB_STORE``, otherwise a
            file in the dataset's folder.

    Raises:
        DataError: The dataset is in memory and has no folder for one.
    """
    return store_place(dataset, given)


class Ledger:
    """What became of the samples of one dataset, in the database of its campaigns.

    Every method is one transaction: another process sees all of it or nothing, and a process that
    is killed in it has done nothing.

    Args:
        database: Where it lies, with its tables in place; :meth:`open` sees to that.
        clock: Tells the time.

    Raises:
        DataError: By every method, where the database cannot be reached or changed; one line
            without passwords.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._database, self._clock = database, clock

    @classmethod
    def open(
        cls,
        place: str | Path,
        read_only: bool = False,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> Ledger:
        """Open the ledger of a dataset; without rounds it is empty.

        Args:
            place: From :func:`place_of`: a file, ``sqlite:///FILE``, or
                ``postgresql://USER:PASSWORD@HOST/DATABASE``. A file is made where there is none.
            read_only: Change nothing: no file is made, and one that is not there is empty.
            clock: Tells the time.

        Raises:
            ConfigError: The place is none.
            DataError: It cannot be opened, or a newer selectlab wrote it.
            MissingExtraError: SQLAlchemy or alembic is missing, or psycopg for PostgreSQL.
        """
        database = opened(place, read_only=read_only, since=TABLES_SINCE, table="rounds")
        return cls(database, clock)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    @property
    def where(self) -> str:
        """The ledger in messages, without a password."""
        return f"ledger {self._database.place}"

    # Rounds

    def start_round(self, name: str | None = None, known: Sequence[str] = ()) -> Round:
        """Begin a round; runs are recorded in it until the next one begins.

        Args:
            name: What to call it; its number where ``None``.
            known: All ids of the dataset, so that it can be told later what is new.

        Raises:
            ConfigError: The name is none.
            DataError: There is a round of this name.
        """
        with self._writing() as connection:
            return round_rows.start(connection, name, Ids.of(known), self._clock())

    def rounds(self) -> list[Round]:
        """Return all rounds, the first one first."""
        with self._database.reading() as connection:
            return round_rows.every(connection)

    def known_ids(self, upto: int) -> Ids:
        """Return the ids that the dataset held in the rounds up to a number, sorted.

        They are those noted when a round began, and when runs were recorded in it.
        """
        with self._database.reading() as connection:
            return round_rows.known(connection, upto)

    # Runs

    def record(
        self,
        run: str,
        name: str,
        ids: Sequence[str],
        ranks: Sequence[int] | None = None,
        scores: Sequence[float | None] | None = None,
        kind: RunKind = "selection",
        out: str | os.PathLike[str] = "",
        *,
        known: Sequence[str] = (),
        states: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Round:
        """Record what a run has chosen, in the newest round; the first one begins if need be.

        The same run again changes nothing, save that a forgotten one counts once more, by the name
        and place it has now.

        Args:
            run: Its id, 16 hex digits: the same run has the same on any machine.
            name: What people call it.
            ids: (n,) what it has chosen, best first.
            ranks: (n,) their ranks, from 1; the order where ``None``.
            scores: (n,) their scores, where they have one.
            kind: What made the run.
            out: The folder it lies in.
            known: All ids of the dataset; see :meth:`start_round`.
            states: What its strategies left for the next run, by their labels.

        Returns:
            The round that the run is in.
        """
        with self._writing() as connection:
            return choice_rows.record(
                connection, run=run, name=name, ids=ids, ranks=ranks, scores=scores, kind=kind,
                place=os.fspath(out), known=Ids.of(known), states=states or {}, now=self._clock(),
            )  # fmt: skip

    def forget(self, run: str) -> ChosenRun:
        """Let what a run has chosen no longer count; :meth:`record` brings it back.

        What was sent or labelled of it stays sent or labelled.

        Args:
            run: The id of the run, its beginning, or a name that one run alone has.

        Raises:
            DataError: There is none, or several could be meant.
        """
        with self._writing() as connection:
            return choice_rows.forget(connection, run)

    def runs(self) -> list[ChosenRun]:
        """Return all runs in the order of their recording."""
        with self._database.reading() as connection:
            return choice_rows.every(connection)

    def chosen_ids(self) -> Ids:
        """Return what was chosen, each once, in the order of runs and ranks.

        What only forgotten runs have chosen is left out.
        """
        with self._database.reading() as connection:
            return choice_rows.chosen(connection)

    def n_elsewhere(self, run: str) -> int:
        """Return how many samples of a run another one has chosen too, forgotten ones aside."""
        with self._database.reading() as connection:
            return choice_rows.n_elsewhere(connection, run)

    # On their way to a tool

    def begin_sending(self, tool: str, project: str, sample_ids: Sequence[str]) -> int:
        """Note that samples are about to be sent, and return the number of the batch.

        Args:
            tool: Such as ``"label-studio"``.
            project: What they are sent to, named so that no other project of the tool is meant.
            sample_ids: The samples, each once.

        Raises:
            DataError: One is pending or sent there already, or given twice; nothing is noted.
        """
        with self._writing() as connection:
            return sending_rows.begin(connection, tool, project, sample_ids, self._clock())

    def sent(self, batch: int, tasks: Mapping[str, str | int]) -> int:
        """Note that samples of a batch have arrived, and return how many are still pending.

        Args:
            batch: From :meth:`begin_sending`.
            tasks: What the tool calls the task of each sample. They need not be all; those noted
                before may come again.

        Raises:
            DataError: A sample is not in the batch, or has another task; nothing is noted.
        """
        with self._writing() as connection:
            return sending_rows.arrived(connection, batch, tasks, self._clock())

    def pending(self, tool: str, project: str) -> list[Pending]:
        """Return the batches that are not known to have arrived whole, oldest first."""
        with self._database.reading() as connection:
            return sending_rows.pending(connection, tool, project)

    def withdraw(self, batch: int, sample_ids: Iterable[str] | None = None) -> int:
        """Note that pending samples of a batch never arrived; they may be sent anew.

        Args:
            batch: From :meth:`begin_sending`.
            sample_ids: Which; all that are pending where ``None``.

        Returns:
            How many.

        Raises:
            DataError: One is not pending in the batch; nothing is noted.
        """
        with self._writing() as connection:
            return sending_rows.withdraw(connection, batch, sample_ids)

    def lost(self, tool: str, project: str, sample_ids: Iterable[str]) -> int:
        """Note that a project no longer has samples that were sent: they may be sent anew.

        Returns:
            How many it had.
        """
        with self._writing() as connection:
            return sending_rows.lost(connection, tool, project, sample_ids)

    def sent_ids(self, tool: str, project: str) -> Ids:
        """Return what a project has, sorted; pending samples are not among it."""
        with self._database.reading() as connection:
            return sending_rows.sent_ids(connection, tool, project)

    def out_ids(self) -> Ids:
        """Return what any project of any tool has or may have, sorted."""
        with self._database.reading() as connection:
            return sending_rows.out_ids(connection)

    def task_ids(self, tool: str, project: str) -> dict[str, str]:
        """Return what the tool calls the task of each sample it has, by sample id."""
        with self._database.reading() as connection:
            return sending_rows.task_ids(connection, tool, project)

    # Labels

    def watermark(self, tool: str, project: str) -> str | None:
        """Return up to where the labels of a project were pulled; ``None`` before the first."""
        with self._database.reading() as connection:
            return label_rows.watermark(connection, tool, project)

    def add_labels(
        self,
        source: str,
        labels: Iterable[Label],
        tool: str | None = None,
        project: str | None = None,
        watermark: str | None = None,
        *,
        instead_of: Iterable[str] = (),
    ) -> Counts:
        """Add labels; newer ones take the place of those of the same sample and task.

        A label without a time is as new as the moment it comes, and is taken for newer than any
        that is there. The same labels again change nothing.

        Args:
            source: Where they come from, in words; for those that do not say it themselves.
            labels: The labels. Of several of one sample and task the newest counts, the last of
                equally new ones.
            tool: The tool that they were pulled from; ``None`` for a file.
            project: Its project.
            watermark: Up to where it was pulled, in the tool's own words; noted together with
                the labels.
            instead_of: Samples whose labels of this project go first, newer ones too.

        Raises:
            ValueError: A watermark, or something to go first, without a tool and a project.
        """
        given, outdated = list(labels), sorted(set(instead_of))
        if tool is None or project is None:
            if watermark is not None:
                raise ValueError("a watermark belongs to a tool and a project")
            if outdated:
                raise ValueError("what goes first belongs to a tool and a project")
        now = self._clock()
        with self._writing() as connection:
            if watermark is not None:
                assert tool is not None
                assert project is not None
                label_rows.set_watermark(connection, tool, project, watermark, now)
            if outdated:
                label_rows.remove(connection, outdated, tool, project)
            return label_rows.add(connection, source, given, tool or "", project or "", now)

    def remove_labels(
        self, sample_ids: Iterable[str], tool: str | None = None, project: str | None = None
    ) -> int:
        """Remove labels, such as those that were deleted in the tool, and return how many.

        Args:
            sample_ids: The samples.
            tool: Only labels that were pulled from this tool.
            project: Only those of this project.
        """
        with self._writing() as connection:
            return label_rows.remove(connection, list(sample_ids), tool, project)

    def labels(
        self, sample_ids: Iterable[str] | None = None, task: str | None = None
    ) -> Iterator[Label]:
        """Yield labels by sample id, then task; a page in memory.

        Args:
            sample_ids: Only of these samples.
            task: Only those of this task, or of no certain one.
        """
        wanted = None if sample_ids is None else list(sample_ids)
        after: tuple[str, str, str] | None = None
        while True:
            with self._database.reading() as connection:
                found = label_rows.page(connection, wanted, task, after)
            yield from found
            if len(found) < label_rows.PAGE:
                return
            after = found[-1].sample_id, found[-1].task, found[-1].kind

    def labelled_ids(self) -> Ids:
        """Return the samples that have labels, sorted."""
        with self._database.reading() as connection:
            return label_rows.labelled_ids(connection)

    # Where it all stands

    def counts(self) -> list[RoundCounts]:
        """Return how far each round is, and last what belongs to none, if there is any."""
        with self._database.reading() as connection:
            return count_rows.counts(connection)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One transaction beside which nobody else changes the ledger."""
        with self._database.writing() as connection:
            if self._database.shared:
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(6047201352)")
            yield connection
